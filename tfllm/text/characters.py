"""Unicode characters as tokens."""

import keras
import numpy as np
import tensorflow as tf

from tfllm.text.learning import most_frequent
from tfllm.text.tokenizer import SPECIAL, UNKNOWN, Tokenizer


@keras.saving.register_keras_serializable("tfllm")
class Characters(Tokenizer):
    """One id for each Unicode code point of the vocabulary.

    Lost: code points that are not in the vocabulary (UNKNOWN), and bytes that are not UTF-8 (read as U+FFFD).
    """

    @classmethod
    def learn(cls, texts, vocab_size=None, min_count=1, lowercase=False):
        """The code points seen at least `min_count` times, the most frequent `vocab_size - 4` of them."""
        characters = most_frequent(texts, vocab_size, min_count, lowercase, cls._cut)
        return cls(characters, lowercase=lowercase)

    @staticmethod
    def _cut(texts):
        """string [B] -> characters, ragged string [B, None]."""
        return tf.strings.unicode_split(texts, "UTF-8", errors="replace")

    def _index(self, learned):
        characters = [token.decode("utf-8") for token in learned]
        if wrong := [character for character in characters if len(character) != 1]:
            raise ValueError(f"a vocabulary of characters must have single characters, got {wrong[0]!r}")
        points = np.array([ord(character) for character in characters] + [-1], np.int32)
        order = np.argsort(points)
        self._points, self._rank = tf.constant(points[order]), tf.constant(order.astype(np.int32))

    def _ids(self, texts):
        points = tf.strings.unicode_decode(texts, "UTF-8", errors="replace")
        flat = points.flat_values
        at = tf.searchsorted(self._points, flat, side="right") - 1  # the last one <= flat; -1 comes first
        result = tf.gather(self._points, at) == flat
        return points.with_flat_values(tf.where(result, tf.gather(self._rank, at) + len(SPECIAL), UNKNOWN))
