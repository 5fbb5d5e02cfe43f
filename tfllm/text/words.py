"""Words as tokens: simple, fast, lossy."""

import re

import keras
import tensorflow as tf

from tfllm.text.cleaning import lower, replace_invalid
from tfllm.text.learning import most_frequent
from tfllm.text.tokenizer import CPU, SPECIAL, UNKNOWN, Tokenizer
from tfllm.text.word_index import WordIndex

SPLITS = ("punctuation", "whitespace")
APART = r"([\p{P}\p{S}\p{Han}])"  # punctuation, symbols, Chinese characters


@keras.saving.register_keras_serializable("tfllm")
class Words(Tokenizer):
    """One id for each word of the vocabulary.

    split: "whitespace" splits at runs of ASCII white space, for text that is already tokenised; "punctuation" also
        makes each punctuation mark, symbol and Chinese character a word.
    continuation: the suffix of a word part that continues in the next token, such as "@@" in files of subword-nmt;
        `decode` removes it and joins the two without a space. "" for none.
    Lost: the kind of white space between words (decode puts one space) and, with "punctuation", whether there was any;
    words that are not in the vocabulary (UNKNOWN); bytes that are not UTF-8 (read as U+FFFD).
    """

    def __init__(self, vocabulary=(), split="punctuation", continuation="", lowercase=False, name=None):
        if split not in SPLITS:
            raise ValueError(f"split must be one of {SPLITS}, got {split!r}")
        super().__init__(vocabulary, lowercase=lowercase, name=name)
        self.split = split
        self.continuation = continuation

    @classmethod
    def learn(cls, texts, vocab_size=None, min_count=1, split="punctuation", continuation="", lowercase=False):
        """The words seen at least `min_count` times, the most frequent `vocab_size - 4` of them."""
        empty = cls(split=split, continuation=continuation, lowercase=lowercase)
        words = most_frequent(texts, vocab_size, min_count, lowercase, empty._cut)
        return cls(words, split=split, continuation=continuation, lowercase=lowercase)

    def encode_with_offsets(self, texts):
        """As `encode` -> (ids, starts, ends), ragged [B, None]: word i is the characters starts_i .. ends_i - 1.

        starts and ends, int64, count code points of the original text. Upper and lower case are split alike, so offsets
        are computed before lower-casing, which may change lengths.
        """
        texts, ids = self._strings(texts), self.encode(texts)
        with tf.device(CPU):
            points = tf.strings.unicode_decode(texts, "UTF-8", errors="replace")
            there = tf.where((points.flat_values != 32) & ((points.flat_values < 9) | (points.flat_values > 13)))[:, 0]
            there -= tf.gather(points.row_starts(), tf.gather(points.value_rowids(), there))  # [N] all but white space
            sizes = tf.strings.length(self._cut(texts).flat_values, unit="UTF8_CHAR")
            behind = tf.cumsum(sizes)  # the words are these characters, concatenated
            starts, ends = tf.gather(there, behind - sizes), tf.gather(there, behind - 1) + 1
            return ids, ids.with_flat_values(starts), ids.with_flat_values(ends)

    def _options(self):
        return {**super()._options(), "split": self.split, "continuation": self.continuation}

    def cut(self, texts):
        """string [B] -> ragged string [B, None]: the words, whether or not they are in the vocabulary."""
        with tf.device(CPU):
            return self._cut(lower(texts) if self.lowercase else texts)

    def _cut(self, texts):
        """string [B] -> words, ragged string [B, None]."""
        texts = replace_invalid(texts)
        if self.split == "punctuation":
            texts = tf.strings.regex_replace(texts, APART, r" \1 ")
        return tf.strings.split(texts)

    def _index(self, learned):
        self._known = WordIndex(learned, first=len(SPECIAL), unknown=UNKNOWN)

    def _ids(self, texts):
        words = self._cut(texts)
        return words.with_flat_values(self._known(words.flat_values))

    def _join(self, strings):
        texts = tf.strings.reduce_join(strings, axis=-1, separator=" ")
        if self.continuation:
            texts = tf.strings.regex_replace(texts, f"{re.escape(self.continuation)}( |$)", "")
        return texts
