"""How answers are searched for: frozen dataclasses that generation, export and the command line share.

None, 1.0 or () disables a rule. Only the functions import TensorFlow, so that the command line checks options first.
"""

from dataclasses import dataclass, replace
from typing import ClassVar, Literal


@dataclass(frozen=True)
class Decoding:
    """Beam search; or, with a beam of 1, greedy decoding, or sampling where a temperature is given."""

    of_last_turn: ClassVar[bool] = False  # whether the rules look at what stands behind the last END only
    beam_width: int = 4  # hypotheses kept alive
    length_penalty: float = 0.6  # alpha of Wu et al. 2016, eq. 14; 0 ranks by log-probability
    temperature: float | None = None  # sample from softmax(logits / temperature)
    top_k: int | None = None  # sample from the k likeliest tokens
    top_p: float | None = None  # sample from the likeliest tokens whose mass reaches p
    min_p: float | None = None  # sample from tokens with at least p times the probability of the likeliest
    typical_p: float | None = None  # sample from tokens of about average information whose mass reaches p
    repetition_penalty: float = 1.0  # above 1: tokens that were said become less likely; Keskar et al. 2019
    no_repeat_ngram_size: int | None = None  # so many tokens in a row come once only
    bad_words: tuple[str, ...] = ()  # strings whose tokens, alone or behind a space, are never said
    seed: int = 0  # of sampling: same seed, same text; may be a scalar tensor

    def __post_init__(self):
        if self.beam_width < 1:
            raise ValueError(f"beam_width must be 1 or more, got {self.beam_width}")
        if self.length_penalty < 0:
            raise ValueError(f"length_penalty must be 0 or more, got {self.length_penalty}")
        if self.beam_width > 1 and self.temperature is not None:
            raise ValueError(f"sampling follows one hypothesis: beam_width=1 with a temperature, not {self.beam_width}")
        cuts = [name for name in ("top_k", "top_p", "min_p", "typical_p") if getattr(self, name) is not None]
        if self.temperature is None and cuts and not (cuts == ["top_k"] and getattr(self, "penalty_alpha", None)):
            raise ValueError(f"{' and '.join(cuts)} are of sampling: give a temperature, such as 1.0")
        texts("bad_words", self.bad_words)


@dataclass(frozen=True)
class Continuation(Decoding):
    """How a prompt is continued: greedily, where nothing else is said."""

    beam_width: int = 1  # above 1: beam search
    penalty_alpha: float | None = None  # contrastive search among the top_k likeliest; Su et al. 2022, eq. 5
    max_length: int = 50  # tokens of prompt and continuation together, START and END counted
    max_new_tokens: int | None = None  # tokens of the continuation; stands above max_length
    prefix: str = ""  # what every continuation begins with
    stop: tuple[str, ...] = ()  # the continuation ends before the first of these strings

    def __post_init__(self):
        super().__post_init__()
        for name in ("max_length", "max_new_tokens"):
            if (value := getattr(self, name)) is not None and value < 1:
                raise ValueError(f"{name} must be 1 or more, got {value}")
        texts("stop", self.stop)
        others = self.beam_width > 1 or self.temperature is not None
        if self.penalty_alpha is not None and (self.top_k is None or others):
            raise ValueError("contrastive search (penalty_alpha) needs top_k, and neither a temperature nor beams")

    @property
    def stops(self):
        """The stop strings that can come first: one that contains another one cannot."""
        return tuple(text for text in dict.fromkeys(self.stop) if not any(o in text for o in self.stop if o != text))


@dataclass(frozen=True)
class Summarizing(Decoding):
    """How a summary is searched for; its length is in tokens, END not counted."""

    min_length: int = 0  # tokens of a summary, at least
    max_length: int | None = None  # at most; none: as many as the model can say
    long: Literal["cut", "merge"] = "cut"  # what is longer than the model: its beginning, or summaries of all parts

    def __post_init__(self):
        super().__post_init__()
        if self.min_length < 0:
            raise ValueError(f"min_length must be 0 or more, got {self.min_length}")
        if self.max_length is not None and self.max_length < max(1, self.min_length):
            raise ValueError(f"max_length must be 1 or more, and not below min_length; got {self.max_length}")
        if self.long not in ("cut", "merge"):
            raise ValueError(f"long must be 'cut' or 'merge', got {self.long!r}")


@dataclass(frozen=True)
class Replying(Continuation):
    """How a reply is searched for: greedily, where nothing else is said.

    Repetition is of the reply alone: what was said in earlier turns, and that they ended, may be said again.
    """

    of_last_turn: ClassVar[bool] = True
    max_new_tokens: int | None = None  # tokens of a reply, END counted; none: the task's `reply_length`

    def __post_init__(self):
        super().__post_init__()
        if self.prefix or self.max_length != Continuation.max_length:
            raise ValueError("a reply has no prefix, and max_new_tokens for its length, not max_length")


def of_options(kind, options):
    """kind(**options), where lists stand for tuples, and one string for a tuple of it."""
    found = {name: tuple(value) if isinstance(value, list) else value for name, value in options.items()}
    for name in {"stop", "bad_words"} & found.keys():
        found[name] = (found[name],) if isinstance(found[name], str) else found[name]
    return kind(**found)


def seed_apart(decoding):
    """-> (the decoding with seed 0, its seed as a tensor): decodings that differ in no more are compiled once."""
    import tensorflow as tf

    return replace(decoding, seed=0), tf.constant(decoding.seed, tf.int64)


def growing(kind, options):
    """As `seed_apart`, of kind(**options), for a text that is shown as it grows; ValueError for beams."""
    decoding = of_options(kind, options)
    if decoding.beam_width > 1:
        raise ValueError(f"a beam search has no text before its end: beam_width=1, not {decoding.beam_width}")
    return seed_apart(decoding)


def texts(name, strings):
    """ValueError unless it is a tuple of strings that are not empty."""
    if not isinstance(strings, tuple) or not all(isinstance(text, str) and text for text in strings):
        raise ValueError(f"{name} must be a tuple of strings that are not empty, got {strings!r}")


def chooser(decoding, row=0, **live):
    """The `choose` of greedy decoding or sampling. row: the number of the first row.

    live: scalar tensors that stand in place of the fields of these names (a served graph's inputs).
    """
    from tfllm import generation

    limits = {name: getattr(decoding, name) for name in ("temperature", "top_k", "top_p", "min_p", "typical_p", "seed")}
    limits |= {name: value for name, value in live.items() if name in limits}
    return generation.greedy if limits["temperature"] is None else generation.sampling(**limits, row=row)


def rules(decoding, tokenizer):
    """The rules that the decoding asks for, in Hugging Face's order."""
    import tensorflow as tf

    from tfllm import generation

    found = []
    if decoding.repetition_penalty != 1.0:
        found.append(generation.repetition_penalty(decoding.repetition_penalty))
    if decoding.no_repeat_ngram_size is not None:
        found.append(generation.no_repeat_ngram(decoding.no_repeat_ngram_size))
    if decoding.bad_words:
        with tf.init_scope():  # ids as numbers, in a trace too
            spelt = tokenizer.encode([form for word in decoding.bad_words for form in (word, " " + word)]).to_list()
        spelt = [ids for ids in spelt if ids and tokenizer.unknown not in ids]
        found += [generation.bad_words(spelt)] if spelt else []
    if decoding.of_last_turn:
        found = [generation.of_last_turn(rule, tokenizer.end) for rule in found]
    return tuple(found)
