"""Decoding options: frozen dataclasses that generation, export and the command line share.

None, a repetition penalty of 1.0 or () disables a rule; so do temperature 0, top_k 0, top_p 1, min_p 0 and typical_p 1,
as in the signature `sample` of a SavedModel.

Numbers are inputs, structure is compiled: `split` divides a decoding into a structure, the key of the compiled
function, and numbers, which may differ from call to call. A field may then be a scalar tensor. TensorFlow is imported
inside functions only, so that the command line can check options first.
"""

import json
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from numbers import Integral, Number, Real
from typing import ClassVar, Literal

from tfllm.config import nearest
from tfllm.tasks.text_generation import constraints
from tfllm.tasks.text_generation.script_names import check_scripts

NUMBERS = {
    "temperature": "float32", "top_k": "int32", "top_p": "float32", "min_p": "float32", "typical_p": "float32",
    "repetition_penalty": "float32", "length_penalty": "float32", "penalty_alpha": "float32",
    "min_length": "int32", "max_length": "int32", "max_new_tokens": "int32", "seed": "int64",
}  # fmt: skip
WHOLE = {
    "beam_width",
    "no_repeat_ngram_size",
    "ngram_times",
    *(name for name, kind in NUMBERS.items() if kind.startswith("int")),
}
LIMITS = {  # minimum, maximum, and whether the minimum is allowed; a field that is missing has no limits
    "temperature": (0, None, True), "top_k": (0, None, True), "min_p": (0, 1, True), "top_p": (0, 1, False),
    "typical_p": (0, 1, False), "repetition_penalty": (0, None, False), "length_penalty": (0, None, True),
    "penalty_alpha": (0, 1, True), "min_length": (0, None, True), "max_length": (1, None, True),
    "max_new_tokens": (1, None, True), "beam_width": (1, None, True), "no_repeat_ngram_size": (1, None, True),
    "ngram_times": (1, None, True),
}  # fmt: skip
CUTS = {"top_k": 0, "top_p": 1, "min_p": 0, "typical_p": 1}  # sampling filters, with the value that keeps every token
TEXTS = ("bad_words", "allowed_scripts", "refused")
STANDS = {"top_k": 1, "top_p": 0.5, "min_p": 0.5, "typical_p": 0.5, "repetition_penalty": 2.0, "temperature": 1.0,
          "length_penalty": 1.0, "penalty_alpha": 0.5, "min_length": 1, "max_new_tokens": 1, "seed": 0}  # fmt: skip
LENGTH_MULTIPLE = 64  # XLA programs have answer buffers of a multiple of this many tokens


@dataclass(frozen=True)
class Decoding:
    """Beam search; with a beam of 1 greedy decoding, or sampling if a temperature is given."""

    of_last_turn: ClassVar[bool] = False  # whether the rules consider only the tokens after the last END
    beam_width: int = 4  # hypotheses kept alive
    length_penalty: float = 0.6  # alpha of Wu et al. 2016, eq. 14; 0 ranks by log-probability
    temperature: float | None = None  # sample from softmax(logits / temperature); 0 and none are greedy
    top_k: int | None = None  # sample from the k most probable tokens
    top_p: float | None = None  # sample from the most probable tokens whose total probability reaches p
    min_p: float | None = None  # sample from tokens with at least p times the highest probability
    typical_p: float | None = None  # sample from tokens of nearly average information whose total probability reaches p
    repetition_penalty: float = 1.0  # above 1: previous tokens become less probable; Keskar et al. 2019
    no_repeat_ngram_size: int | None = None  # no n-gram of this size occurs more than ngram_times
    ngram_times: int = 1  # see no_repeat_ngram_size
    bad_words: tuple[str, ...] = ()  # strings whose tokens, with or without a space before, are never generated
    allowed_scripts: tuple[str, ...] = ()  # only characters of these scripts, such as Latin,Han, and of no script
    refused: tuple[str, ...] = ()  # words or phrases: a text with one of them has the answer `refusal`
    refusal: str = "I cannot answer this."  # the answer to texts with a phrase of `refused`
    seed: int = 0  # of sampling: the same seed gives the same text; may be a scalar tensor

    def __post_init__(self):
        for field in fields(self):
            check(field.name, getattr(self, field.name), field.default)
        if known(self.temperature) and self.temperature == 0:
            self.drop("temperature", *(name for name in CUTS if name != "top_k" or not self.contrastive))
        self.drop(*(name for name, every in CUTS.items() if known(at := getattr(self, name)) and at == every))
        if self.beam_width > 1 and self.temperature is not None:
            raise ValueError(f"sampling with a temperature needs beam_width=1; got {self.beam_width}")
        cuts = [name for name in CUTS if getattr(self, name) is not None]
        if self.temperature is None and cuts and not (cuts == ["top_k"] and self.contrastive):
            raise ValueError(f"{' and '.join(cuts)} need sampling: set a temperature, such as 1.0")
        if self.ngram_times != 1 and self.no_repeat_ngram_size is None:
            raise ValueError(f"ngram_times={self.ngram_times} needs no_repeat_ngram_size, the size of the n-grams")
        for name in TEXTS:
            texts(name, getattr(self, name))
        if not all(text.strip() for text in self.refused):
            raise ValueError(f"refused must not have white space alone, got {self.refused!r}")
        check_scripts(self.allowed_scripts)
        if not isinstance(self.refusal, str):
            raise ValueError(f"refusal must be a string, got {self.refusal!r}")

    def drop(self, *names):
        """Set disabled rules to None."""
        for name in names:
            object.__setattr__(self, name, None)

    @property
    def contrastive(self):
        return getattr(self, "penalty_alpha", None) is not None


@dataclass(frozen=True)
class Continuation(Decoding):
    """Options to continue a prompt; greedy by default."""

    beam_width: int = 1  # above 1: beam search
    penalty_alpha: float | None = None  # contrastive search among the top_k likeliest; Su et al. 2022, eq. 5
    max_length: int = 50  # tokens of prompt and continuation together, START and END counted
    max_new_tokens: int | None = None  # tokens of the continuation; overrides max_length
    prefix: str = ""  # the beginning of every continuation
    stop: tuple[str, ...] = ()  # strings before which the continuation ends
    choices: tuple[str, ...] = ()  # the continuation is one of these strings
    pattern: str | None = None  # the continuation is a match of this regular expression
    json_schema: str | None = None  # the continuation is JSON of this schema, itself JSON

    def __post_init__(self):
        super().__post_init__()
        texts("stop", self.stop)
        texts("choices", self.choices)
        constraints.check(self)
        others = self.beam_width > 1 or self.temperature is not None
        if self.contrastive and (self.top_k is None or others):
            raise ValueError("contrastive search (penalty_alpha) needs top_k, and neither a temperature nor beams")

    @property
    def stops(self):
        """The effective stop strings: one that contains another is redundant."""
        return tuple(text for text in dict.fromkeys(self.stop) if not any(o in text for o in self.stop if o != text))


@dataclass(frozen=True)
class Summarizing(Decoding):
    """Options to generate a summary; lengths are in tokens, without END."""

    min_length: int = 0  # tokens of a summary, at least
    max_length: int | None = None  # at most; none: the limit of the model
    long: Literal["cut", "merge"] = "cut"  # long texts: truncate, or merge summaries of parts

    def __post_init__(self):
        super().__post_init__()
        if known(self.max_length) and self.max_length < max(1, self.min_length if known(self.min_length) else 1):
            raise ValueError(f"max_length must be 1 or more, and not below min_length; got {self.max_length}")
        if self.long not in ("cut", "merge"):
            raise ValueError(f"long must be 'cut' or 'merge', got {self.long!r}")


@dataclass(frozen=True)
class Replying(Continuation):
    """Options to generate a reply; greedy by default.

    The rules against repetition apply to the reply alone: tokens of earlier turns, and their END, may be repeated.
    """

    of_last_turn: ClassVar[bool] = True
    max_new_tokens: int | None = None  # tokens of a reply, with END; none: the task's `reply_length`

    def __post_init__(self):
        super().__post_init__()
        if self.prefix or known(self.max_length) and self.max_length != Continuation.max_length:
            raise ValueError("a reply takes no prefix and no max_length: use max_new_tokens")


def known(value):
    """Whether it is a Python number: neither None nor a tensor."""
    return isinstance(value, Number)


def check(name, value, default):
    """Raise ValueError for an invalid value of the field. Defaults and tensors are not checked."""
    if name not in {*NUMBERS, *WHOLE} or value is default or not known(value) and hasattr(value, "shape"):
        return
    lowest, highest, inclusive = LIMITS.get(name, (None, None, True))
    kind, bits = (Integral, 63 if name == "seed" else 31) if name in WHOLE else (Real, 1023)
    number = isinstance(value, kind) and abs(value) < 2**bits
    if number and (lowest is None or value > lowest or inclusive and value == lowest):
        if highest is None or value <= highest:
            return
    expected = [] if number else ["a whole number" if name in WHOLE else "a number"]
    expected += [] if lowest is None else [f"{lowest} or more" if inclusive else f"above {lowest}"]
    expected += [] if highest is None else [f"{highest} at most"]
    raise ValueError(f"{name} must be {', '.join(expected)}, got {value!r}")


def of_options(kind, options):
    """kind(**options); lists become tuples, and one string a tuple. Raises ValueError for unknown names."""
    names = [field.name for field in fields(kind)]
    if other := next((name for name in options if name not in names), None):
        raise ValueError(f"{kind.__name__} has no {other!r}{nearest(other, names)}")
    result = {name: tuple(value) if isinstance(value, list) else value for name, value in options.items()}
    for name in {"stop", "choices", *TEXTS} & result.keys():
        result[name] = (result[name],) if isinstance(result[name], str) else result[name]
    if isinstance(result.get("json_schema"), dict):
        result["json_schema"] = json.dumps(result["json_schema"])
    return kind(**result)


def used(decoding):
    """The names of the numbers that have an effect. top_k of a contrastive search is not among them: it sets shapes."""
    off = {name for name in NUMBERS if getattr(decoding, name, None) is None}
    if decoding.temperature is None:
        off |= {"seed", *CUTS}
    if decoding.beam_width == 1:
        off |= {"length_penalty"}
    if known(decoding.repetition_penalty) and decoding.repetition_penalty == 1:
        off |= {"repetition_penalty"}
    if "max_new_tokens" not in off:
        off |= {"max_length"}
    if known(least := getattr(decoding, "min_length", None)) and least == 0:
        off |= {"min_length"}
    return [name for name in NUMBERS if name not in off]


def split(decoding):
    """-> (structure, {name: scalar tensor}); `replace(structure, **numbers)` gives the decoding again.

    Decodings that differ only in numbers have the same structure, so they share one compiled function.
    """
    import tensorflow as tf

    names, usual = used(decoding), {field.name: field.default for field in fields(decoding)}
    stands = STANDS | {"max_length": usual.get("max_length") or 1}
    unused = (NUMBERS.keys() & usual.keys()) - {*names, *CUTS}
    structure = {name: usual[name] for name in unused} | {name: stands[name] for name in names}
    numbers = {name: tf.cast(getattr(decoding, name), NUMBERS[name]) for name in names}
    return replace(decoding, **structure), numbers


def signature(structure):
    """{name: tf.TensorSpec} of the numbers that `split` returns with this structure."""
    import tensorflow as tf

    return {name: tf.TensorSpec([], NUMBERS[name], name=name) for name in used(structure)}


def with_static_lengths(structure, decoding):
    """The structure for XLA, whose buffers need a static length: the decoding's length, rounded up."""
    names = [name for name in ("max_length", "max_new_tokens") if name in used(structure)]
    return replace(
        structure, **{name: -(-int(getattr(decoding, name)) // LENGTH_MULTIPLE) * LENGTH_MULTIPLE for name in names}
    )


def texts(name, strings):
    """Raise ValueError unless it is a tuple of strings that are not empty."""
    if not isinstance(strings, tuple) or not all(isinstance(text, str) and text for text in strings):
        raise ValueError(f"{name} must be a tuple of strings that are not empty, got {strings!r}")


@contextmanager
def plain_errors():
    """Raise ValueError instead of TensorFlow's error if a compiled function finds NaN logits."""
    import tensorflow as tf

    from tfllm import generation

    try:
        yield
    except tf.errors.InvalidArgumentError as error:
        if generation.NOT_A_NUMBER not in str(error):
            raise
        raise ValueError(generation.NOT_A_NUMBER) from None


def chooser(decoding, row=0):
    """The `choose` function of greedy decoding or sampling. row: the index of the first row, or of all rows."""
    from tfllm import generation

    if decoding.temperature is None:
        return generation.greedy
    return generation.sampling(
        decoding.seed, decoding.temperature, decoding.top_k, decoding.top_p, decoding.min_p, decoding.typical_p, row
    )


def rules(decoding, tokenizer):
    """The rules of the decoding, in Hugging Face's order."""
    import tensorflow as tf

    from tfllm import generation

    result = []
    if "repetition_penalty" in used(decoding):
        result.append(generation.repetition_penalty(decoding.repetition_penalty))
    if decoding.no_repeat_ngram_size is not None:
        result.append(generation.no_repeat_ngram(decoding.no_repeat_ngram_size, decoding.ngram_times))
    if decoding.bad_words:
        with tf.init_scope():  # Python ids, even while tracing
            spelt = tokenizer.encode([form for word in decoding.bad_words for form in (word, " " + word)]).to_list()
        spelt = [ids for ids in spelt if ids and tokenizer.unknown not in ids]
        result += [generation.bad_words(spelt, tokenizer.end)] if spelt else []
    if decoding.allowed_scripts:
        result.append(generation.allowed_scripts(spelling(tokenizer), decoding.allowed_scripts, tokenizer.end))
    if decoding.of_last_turn:
        result = [generation.of_last_turn(rule, tokenizer.end) for rule in result]
    return tuple(result)


def spelling(tokenizer):
    """The bytes of each token id; b"" of those that are not shown, U+FFFD of the unknown token."""
    silent = (tokenizer.pad, tokenizer.start, tokenizer.end)
    return [
        b"" if i in silent else "\ufffd".encode() if i == tokenizer.unknown else token
        for i, token in enumerate(tokenizer.tokens)
    ]
