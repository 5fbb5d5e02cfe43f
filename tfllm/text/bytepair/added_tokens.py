"""Tokens that are recognised anywhere in a text: special ones such as <|im_end|>, and those added to a vocabulary.

Of several that begin at one place the longest counts, as in Hugging Face's `tokenizers`.
"""

import re

import tensorflow as tf

from tfllm.text.word_index import WordIndex

ZERO, ESCAPED, BORDER = b"\0", b"\0\2", b"\0\1"  # in marked texts a zero byte is followed by 2, or by 1 at a border


class AddedTokens:
    """names: the tokens, str without zero bytes; ids: their ids."""

    def __init__(self, names, ids):
        order = sorted(range(len(names)), key=lambda at: (-len(names[at].encode()), names[at]))
        self.pattern = "(" + "|".join(re.escape(names[at]) for at in order) + ")"
        self.index = WordIndex([name.encode() for name in names], 0, 0)
        self.ids = tf.constant(ids, tf.int32)

    def __call__(self, texts, encode):
        """string [B] -> ragged int32 [B, None]. encode: string [P] -> ragged [P, None], for the text between tokens."""
        marked = tf.strings.regex_replace(texts, r"\x00", ESCAPED)
        marked = tf.strings.regex_replace(marked, self.pattern, BORDER + rb"\1" + BORDER)
        pieces = tf.strings.split(marked + BORDER, BORDER)  # text, token, text, ..., token, text, ""
        flat = tf.strings.regex_replace(pieces.flat_values, r"\x00\x02", ZERO)
        place = tf.range(tf.size(flat, tf.int64)) - tf.gather(pieces.row_starts(), pieces.value_rowids())
        token = place % 2 == 1
        between = encode(tf.where(token, "", flat))
        token &= flat != ""
        own = tf.gather(self.ids, self.index(tf.boolean_mask(flat, token)))
        own = tf.RaggedTensor.from_row_lengths(own, tf.cast(token, tf.int64), validate=False)
        ids = tf.concat([between, own], axis=1)  # of each piece
        splits = tf.gather(ids.row_splits, pieces.row_splits)
        return tf.RaggedTensor.from_row_splits(ids.flat_values, splits, validate=False)
