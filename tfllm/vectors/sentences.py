"""Texts as lists of words, as often as they are asked for: what word vectors are learned from."""

from itertools import chain, islice

import numpy as np
import tensorflow as tf

from tfllm.text.chinese.segmentation import Segments
from tfllm.text.tokenizer import Tokenizer
from tfllm.text.words import Words

GROUP = 1024  # texts that are cut together


class Sentences:
    """An iterable of lists of words (str), one list a text; empty ones too. Each `iter` reads the texts anew.

    texts: str, bytes or lists of words (str), in anything that can be iterated more than once; or a `tf.data` of
        strings [] or [B], or of records with one field (or a field "text"), as the readers give them.
    tokenizer: what a word is. None: words, punctuation marks and Chinese characters, as `text.Words` cuts them; a
        `text.Words` or `text.Segments`: its own cut, without regard to its vocabulary; another `text.Tokenizer`: its
        pieces, without those that its vocabulary lacks; or a function text -> list of words. Lists of words are left
        as they are.
    Bytes that are not UTF-8 come as "\\xff".
    ValueError: one string, a generator (it gives its texts only once), elements that are no texts.
    """

    def __init__(self, texts, tokenizer=None):
        if isinstance(texts, (str, bytes)):
            raise ValueError(f"word vectors take many texts, got one string: put it into a list, [{texts[:40]!r}]")
        if not hasattr(texts, "__iter__"):
            raise ValueError(f"texts must be a list or another iterable of texts, got {texts!r:.60}")
        if not isinstance(texts, tf.data.Dataset) and iter(texts) is texts:
            raise ValueError(
                f"texts are read more than once, a {type(texts).__name__} gives them only once: "
                "pass a list, or an object whose __iter__ begins anew"
            )
        if not (tokenizer is None or callable(tokenizer)):
            raise ValueError(f"tokenizer must be a tokenizer or a function text -> list of words, got {tokenizer!r}")
        texts = texts.numpy() if tf.is_tensor(texts) else texts
        self.texts = _strings(texts) if isinstance(texts, tf.data.Dataset) else texts
        self.tokenizer = Words() if tokenizer is None else tokenizer
        self._pieces = [_text(piece) for piece in getattr(tokenizer, "tokens", ())]  # by id

    def __iter__(self):
        for words, lengths in self.groups():
            ends = np.cumsum(lengths).tolist()
            yield from (words[end - length : end] for end, length in zip(ends, lengths.tolist(), strict=True))

    def groups(self):
        """(words of up to `GROUP` texts, one after the other; int64 [texts] number of words of each)."""
        if isinstance(self.texts, tf.data.Dataset):
            texts = self.texts.batch(GROUP)
            yield from map(self._cut, texts)
            return
        texts = iter(self.texts)
        while group := list(islice(texts, GROUP)):
            kinds = {str if isinstance(text, (str, bytes)) else type(text) for text in group}
            if kinds == {str}:
                yield self._cut(tf.constant(group))
            elif kinds <= {list, tuple}:
                yield _joined(group)
            else:
                wrong = next(text for text in group if not isinstance(text, (str, bytes)))
                raise ValueError(f"texts must be str or bytes, or all lists of words; got {wrong!r:.60}")

    def _cut(self, texts):
        """string [B] -> (words of all, number of words of each)."""
        tokenizer = self.tokenizer
        if isinstance(tokenizer, (Words, Segments)):
            words = tokenizer.cut(texts)
            joined = _text(b" ".join(words.flat_values.numpy().tolist()))  # no word holds a space
            return joined.split(" ") if joined else [], words.row_lengths().numpy()
        if isinstance(tokenizer, Tokenizer):
            ids = tokenizer.encode(texts)
            ids = ids if tokenizer.unknown is None else tf.ragged.boolean_mask(ids, ids != tokenizer.unknown)
            return [self._pieces[one] for one in ids.flat_values.numpy()], ids.row_lengths().numpy()
        return _joined([tokenizer(_text(text)) for text in texts.numpy()])


def _strings(dataset):
    """The dataset as one of strings []."""
    spec = dataset.element_spec
    if dataset.cardinality() == tf.data.INFINITE_CARDINALITY:
        raise ValueError("all texts are read, but the dataset never ends: leave .repeat() out, or .take(n) of it")
    if isinstance(spec, dict):
        field = "text" if "text" in spec else next(iter(spec)) if len(spec) == 1 else None
        if field is None:
            raise ValueError(f"the records have {sorted(spec)}: choose a field with dataset.map(lambda r: r[...])")
        dataset = dataset.map(lambda record: record[field])
        spec = dataset.element_spec
    if getattr(spec, "dtype", None) != tf.string:
        raise ValueError(f"word vectors take a dataset of strings, got one of {spec}: choose a field with dataset.map")
    return dataset if spec.shape.rank == 0 else dataset.unbatch()


def _joined(lists):
    for words in lists:
        if isinstance(words, (str, bytes)) or not all(issubclass(kind, str) for kind in set(map(type, words))):
            raise ValueError(f"a list of words must hold strings (str), got {words!r:.60}")
    return list(chain.from_iterable(lists)), np.fromiter(map(len, lists), "int64", len(lists))


def _text(text):
    return text.decode("utf-8", "backslashreplace")
