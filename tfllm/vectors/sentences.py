"""Texts as lists of words that can be iterated repeatedly: the input for training word vectors."""

from itertools import chain, islice

import numpy as np
import tensorflow as tf

from tfllm.text.chinese.segmentation import Segments
from tfllm.text.tokenizer import Tokenizer
from tfllm.text.words import Words

GROUP = 1024  # texts that are split together


class Sentences:
    """An iterable of lists of words (str), one list per text, also for empty texts. Each `iter` reads the texts again.

    texts: str, bytes or lists of words (str), in any iterable that can be iterated repeatedly; or a `tf.data.Dataset`
        of strings [] or [B], or of records with one field (or a field "text"), as the readers return them.
    tokenizer: what a word is. None: words, punctuation marks and Chinese characters, as `text.Words` splits them; a
        `text.Words` or `text.Segments`: its words, also those outside its vocabulary; another `text.Tokenizer`: its
        tokens, without UNKNOWN; or a function text -> list of words. Lists of words are not changed.
    Invalid UTF-8 bytes become "\\xff".
    Raises ValueError for one string, for a generator (it can be read only once), and for elements that are not texts.
    """

    def __init__(self, texts, tokenizer=None):
        if isinstance(texts, (str, bytes)):
            raise ValueError(f"word vectors need several texts, got one string: put it into a list, [{texts[:40]!r}]")
        if not hasattr(texts, "__iter__"):
            raise ValueError(f"texts must be a list or another iterable of texts, got {texts!r:.60}")
        if not isinstance(texts, tf.data.Dataset) and iter(texts) is texts:
            raise ValueError(
                f"texts are read more than once, but a {type(texts).__name__} can be read only once: "
                "pass a list, or an object whose __iter__ starts again"
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
        """(words of up to `GROUP` texts, concatenated; int64 [texts], the number of words of each)."""
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
        """string [B] -> (all words, number of words of each text)."""
        tokenizer = self.tokenizer
        if isinstance(tokenizer, (Words, Segments)):
            words = tokenizer.cut(texts)
            joined = _text(b" ".join(words.flat_values.numpy().tolist()))  # no word contains a space
            return joined.split(" ") if joined else [], words.row_lengths().numpy()
        if isinstance(tokenizer, Tokenizer):
            ids = tokenizer.encode(texts)
            ids = ids if tokenizer.unknown is None else tf.ragged.boolean_mask(ids, ids != tokenizer.unknown)
            return [self._pieces[one] for one in ids.flat_values.numpy()], ids.row_lengths().numpy()
        return _joined([tokenizer(_text(text)) for text in texts.numpy()])


def _strings(dataset):
    """The dataset as one of scalar strings."""
    spec = dataset.element_spec
    if dataset.cardinality() == tf.data.INFINITE_CARDINALITY:
        raise ValueError("all texts are read, but the dataset is infinite: remove .repeat(), or use .take(n)")
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
            raise ValueError(f"a list of words must contain strings (str), got {words!r:.60}")
    return list(chain.from_iterable(lists)), np.fromiter(map(len, lists), "int64", len(lists))


def _text(text):
    return text.decode("utf-8", "backslashreplace")
