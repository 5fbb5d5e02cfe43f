"""Byte-level tokens: no vocabulary to learn, and no information lost."""

import keras
import tensorflow as tf

from tfllm.text.tokenizer import SPECIAL, Tokenizer


@keras.saving.register_keras_serializable("tfllm")
class Bytes(Tokenizer):
    """Byte b has id b + 4; vocab_size is 260. `decode(encode(s)) == s` for every byte string."""

    fixed = SPECIAL + tuple(bytes([value]) for value in range(256))

    def __init__(self, lowercase=False, name=None):
        super().__init__(lowercase=lowercase, name=name)

    @classmethod
    def learn(cls, texts=(), lowercase=False):
        """Always the same tokenizer; the texts are not read."""
        return cls(lowercase=lowercase)

    def _learned(self):
        return {}

    def _index(self, learned):
        """Nothing to do: a byte is its own index."""

    def _ids(self, texts):
        values = tf.io.decode_raw(tf.strings.reduce_join(texts), tf.uint8)  # [N] the bytes of all texts
        lengths = tf.cast(tf.strings.length(texts), tf.int64)
        return tf.RaggedTensor.from_row_lengths(tf.cast(values, tf.int32) + len(SPECIAL), lengths, validate=False)
