"""Words as tokens: plain, quick, lossy."""

import re

import keras
import numpy as np
import tensorflow as tf

from tfllm.text.cleaning import replace_invalid
from tfllm.text.learning import most_frequent
from tfllm.text.tokenizer import SPECIAL, UNKNOWN, Tokenizer

SPLITS = ("punctuation", "whitespace")
APART = r"([\p{P}\p{S}\p{Han}])"  # punctuation, symbols, Chinese characters


@keras.saving.register_keras_serializable("tfllm")
class Words(Tokenizer):
    """One id for each word of the vocabulary.

    split: "whitespace" cuts at runs of ASCII white space, for text that is already tokenised; "punctuation" also
        makes a word of each punctuation mark, symbol and Chinese character.
    continuation: the mark at the end of a word that goes on in the next one, such as "@@" in files of subword-nmt;
        `decode` joins there without a space and drops the mark. "" for none.
    Lost: which white space stood between words (decode puts one space) and, with "punctuation", whether there was
    any; words that are not in the vocabulary (UNKNOWN); bytes that are not UTF-8 (read as U+FFFD).
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

    def get_config(self):
        return {**super().get_config(), "split": self.split, "continuation": self.continuation}

    def _cut(self, texts):
        """string [B] -> words, ragged string [B, None]."""
        texts = replace_invalid(texts)
        if self.split == "punctuation":
            texts = tf.strings.regex_replace(texts, APART, r" \1 ")
        return tf.strings.split(texts)

    @staticmethod
    def _hash(words):
        """A 63-bit hash that "will never change" (TensorFlow's promise): its order replaces a lookup table."""
        return tf.strings.to_hash_bucket_fast(words, 2**63 - 1)

    def _index(self, learned):
        hashes = self._hash(tf.constant(learned, tf.string, shape=[len(learned)])).numpy()
        order = np.argsort(hashes, kind="stable")
        self._hashes = tf.constant(np.append(hashes[order], np.int64(2**63 - 1)))
        self._rank = tf.constant(np.append(order + len(SPECIAL), UNKNOWN).astype(np.int32))

    def _ids(self, texts):
        words = self._cut(texts)
        flat = words.flat_values
        ids = tf.gather(self._rank, tf.searchsorted(self._hashes, self._hash(flat)))
        found = tf.gather(self._tokens, ids) == flat  # a hash may deceive, the word itself cannot
        return words.with_flat_values(tf.where(found & (ids >= len(SPECIAL)), ids, UNKNOWN))

    def _join(self, pieces):
        texts = tf.strings.reduce_join(pieces, axis=-1, separator=" ")
        if self.continuation:
            texts = tf.strings.regex_replace(texts, f"{re.escape(self.continuation)}( |$)", "")
        return texts
