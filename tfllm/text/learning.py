"""Vocabulary learning: frequent words or characters by counting, subwords by the sentencepiece trainer.

Runs once, in Python, outside any graph. The tokenizers apply what is learned here.
"""

import io
import logging
import random
import re
from collections import Counter
from itertools import islice

import tensorflow as tf

from tfllm.endless import counted
from tfllm.text.cleaning import lower

MAX_LINES = 1_000_000  # a longer text is sampled uniformly down to this many lines
LINE = 1000  # characters; the trainer skips what is longer than 4,192 bytes
# characters that are special to the trainer; `encode` treats them as ordinary text
RESERVED = dict.fromkeys(map(ord, "\0\u2581\u2585"), " ")
WORD = re.compile(r" ?[^\s.,;:!?]+")  # with the space before it, since subwords may contain it

logger = logging.getLogger(__name__)


def batches(texts, lowercase, size=1024):
    """Texts (str or bytes), or a `tf.data.Dataset` of strings [] or [B] -> string tensors of up to `size` texts."""
    if isinstance(texts, (str, bytes)):
        raise ValueError(f"learn takes several texts, got one string: put it into a list, [{texts[:40]!r}]")
    texts = texts.numpy() if tf.is_tensor(texts) and texts.shape.rank == 1 else texts
    if not hasattr(texts, "__iter__"):
        raise ValueError(f"learn takes a list of texts, or a dataset of them; got {texts!r:.60}")
    groups = _dataset_groups if isinstance(texts, tf.data.Dataset) else _groups
    for group in groups(texts, size):
        yield lower(group) if lowercase else group


def _dataset_groups(texts, size):
    spec = texts.element_spec
    if getattr(spec, "dtype", None) != tf.string:
        raise ValueError(f"learn takes a dataset of strings, got one of {spec}: choose a field with dataset.map")
    if texts.cardinality() == tf.data.INFINITE_CARDINALITY:
        raise ValueError("learn reads all texts, but the dataset is infinite: remove .repeat(), or use .take(n)")
    texts = texts if spec.shape.rank == 0 else texts.unbatch()
    return counted(texts.batch(size), size, known=texts.cardinality() >= 0)


def _groups(texts, size):
    texts = iter(counted(texts, known=hasattr(texts, "__len__")))
    while group := list(islice(texts, size)):
        if wrong := [text for text in group if not isinstance(text, (str, bytes))]:
            raise ValueError(f"learn takes texts (str or bytes), got a {type(wrong[0]).__name__}: {wrong[0]!r:.60}")
        yield tf.constant(group)


def most_frequent(texts, vocab_size, min_count, lowercase, cut):
    """Tokens (bytes) by falling count, ties by their bytes; cut: string [B] -> ragged string [B, None]."""
    if vocab_size is not None and vocab_size < 5:
        raise ValueError(f"vocab_size must be at least 5 (4 special ids and one token), got {vocab_size}")
    counts = Counter()
    for batch in batches(texts, lowercase):
        counts.update(cut(batch).flat_values.numpy().tolist())
    if not counts:
        raise ValueError("there is no text to learn from: give at least one that is not empty")
    ranked = sorted((token for token in counts if counts[token] >= min_count), key=lambda t: (-counts[t], t))
    return ranked[: None if vocab_size is None else vocab_size - 4]


def unigram_pieces(texts, size, lowercase):
    """At most `size` subwords of two bytes or more (UTF-8), best first. Kudo 2018; sentencepiece's trainer.

    The trainer sees the `size / 2` most frequent non-ASCII characters; the others are encoded as single bytes.
    Differs: repeated words appear once more, each on its own line; see `repeated_words`.
    """
    lines = sample(_lines(texts, lowercase), MAX_LINES)
    counts = Counter()
    for line in lines:
        counts.update(line)
    if not any(not character.isspace() for character in counts):
        raise ValueError("there is no text to learn from: give at least one that is not blank")
    ascii_count = sum(character < "\x80" for character in counts)
    wide = [character for character, _ in counts.most_common() if character >= "\x80"]
    if rare := dict.fromkeys(map(ord, wide[size // 2 :]), " "):
        lines = [line.translate(rare) for line in lines]
    lines += repeated_words(lines)
    subwords = [subword for subword in _train(lines, size + ascii_count + 257) if len(subword) > 1][:size]
    if len(subwords) < size:
        logger.warning("the text gives only %d of the %d subwords that were requested", len(subwords), size)
    return subwords


def repeated_words(lines):
    """The words that occur twice or more, with the space before them if there is one; each once.

    As separate lines they help the trainer, which only considers substrings that are followed by two different
    characters (the end of a line counts as one). A word always followed by a space would not qualify and be split into
    fragments.
    """
    counts = Counter(word for line in lines for word in WORD.findall(line))
    return [word for word, count in counts.items() if count > 1]


def _lines(texts, lowercase):
    for batch in batches(texts, lowercase):
        for text in batch.numpy():
            text = text.decode("utf-8", "replace").translate(RESERVED)
            for start in range(0, len(text), LINE):
                yield text[start : start + LINE]


def sample(lines, size):
    """At most `size` of the lines, each with the same probability (reservoir sampling, fixed seed)."""
    draw = random.Random(0)
    kept = list(islice(lines, size))
    for seen, line in enumerate(lines, start=size):
        if (at := draw.randrange(seen + 1)) < size:
            kept[at] = line
    return kept


def _train(lines, size):
    import sentencepiece

    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines),
        model_writer=model,
        model_type="unigram",
        vocab_size=size,  # includes <unk> and the 256 bytes
        hard_vocab_limit=False,
        byte_fallback=True,
        character_coverage=1.0,
        normalization_rule_name="identity",
        remove_extra_whitespaces=False,
        add_dummy_prefix=False,
        allow_whitespace_only_pieces=True,
        bos_id=-1,
        eos_id=-1,
        pad_id=-1,
        minloglevel=2,
    )
    learned = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    for i in range(learned.vocab_size()):
        if not (learned.is_unknown(i) or learned.is_byte(i) or learned.is_control(i)):
            yield learned.id_to_piece(i).replace("\u2581", " ").encode("utf-8")
