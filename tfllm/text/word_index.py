"""Words -> ids by the order of their hashes, without a lookup table to initialise or track."""

import numpy as np
import tensorflow as tf

LAST = 2**63 - 1


class WordIndex:
    """string [N] -> int32 [N]: `first` + the index in `learned` (unique words, bytes), `unknown` for other words."""

    def __init__(self, learned, first, unknown):
        self.words = tf.constant([*learned, b""])
        hashes = hashed(self.words[:-1]).numpy()
        order = np.argsort(hashes, kind="stable")
        self.hashes = tf.constant(np.append(hashes[order], np.int64(LAST)))
        self.rank = tf.constant(np.append(order, len(learned)).astype(np.int32))
        self.first, self.unknown = first, unknown

    def __call__(self, words):
        rank = tf.gather(self.rank, tf.searchsorted(self.hashes, hashed(words)))
        result = (tf.gather(self.words, rank) == words) & (rank < tf.size(self.words) - 1)  # hashes may collide
        return tf.where(result, rank + self.first, self.unknown)


def hashed(words):
    """A 63-bit hash that "will never change" (TensorFlow's promise)."""
    return tf.strings.to_hash_bucket_fast(words, LAST)
