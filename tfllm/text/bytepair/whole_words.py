"""Words that are tokens are not merged from their bytes: Llama 3's tokenizer, `ignore_merges` in its tokenizer.json."""

import tensorflow as tf

from tfllm.text.word_index import WordIndex


class WholeWords:
    """tokens: bytes, in the order of their ids; without: ids of tokens that no word can become."""

    def __init__(self, tokens, without):
        ids = [number for number in range(len(tokens)) if number not in without]
        self.index = WordIndex([tokens[number] for number in ids], 0, -1)
        self.ids = tf.constant(ids, tf.int32)

    def __call__(self, words, merge):
        """string [U] -> ragged int32 [U, None]. merge: the same for words that are no tokens."""
        rank = self.index(words)
        whole = rank >= 0
        single = tf.gather(self.ids, tf.boolean_mask(rank, whole))
        single = tf.RaggedTensor.from_row_lengths(single, tf.cast(whole, tf.int64), validate=False)
        merged = merge(tf.where(whole, "", words))
        return tf.concat([single, merged], axis=1)
