"""Character replacement: full width to half width, traditional to simplified Chinese.

A table is a dict that maps one character to one. It is applied by core TensorFlow ops, in Python and in a served graph.
Not included: replacements that need several characters (ﾊﾞ, ㍿, and traditional words that depend on context: 乾隆 is
not 干隆). For these, convert the text first, by opencc or `unicodedata.normalize("NFKC", ...)`.
"""

import importlib.util
from pathlib import Path

import numpy as np
import tensorflow as tf

# U+FF01 to U+FF5E are ASCII; then the ideographic space, currency and other signs: as NFKC has them
HALF_WIDTH = {chr(wide): chr(wide - 0xFEE0) for wide in range(0xFF01, 0xFF5F)}
HALF_WIDTH |= dict(zip("\u3000￠￡￢￤￥￦｡｢｣､･｟｠", " ¢£¬¦¥₩。「」、・⦅⦆", strict=True))


class CharacterMap:
    """table {character: character} -> a function string [B] -> string [B]; other characters are unchanged.

    Bytes that are not UTF-8 become U+FFFD. Raises ValueError for keys or values that are not one character.
    """

    def __init__(self, table):
        for one, other in table.items():
            if not all(isinstance(character, str) and len(character) == 1 for character in (one, other)):
                raise ValueError(f"a table must map one character to one, got {one!r}: {other!r}")
        pairs = np.array(sorted((ord(one), ord(other)) for one, other in table.items()), np.int32).reshape(-1, 2)
        with tf.init_scope():  # constants must survive the graph
            self.keys, self.values = (
                tf.constant(np.append(column, last).astype(np.int32))
                for column, last in zip(pairs.T, (2**31 - 1, 0), strict=True)
            )

    def __call__(self, texts):
        points = tf.strings.unicode_decode(texts, "UTF-8", errors="replace")  # ragged [B, None]
        flat = points.flat_values
        at = tf.searchsorted(self.keys, flat)
        flat = tf.where(tf.gather(self.keys, at) == flat, tf.gather(self.values, at), flat)
        return tf.strings.unicode_encode(points.with_flat_values(flat), "UTF-8")


def half_width(texts):
    """string [B] -> string [B]: full-width letters, digits, symbols and the ideographic space as ASCII, as in NFKC."""
    return CharacterMap(HALF_WIDTH)(texts)


def simplified_table():
    """{traditional: simplified} of the installed package opencc-python-reimplemented (OpenCC's table, Apache-2.0).

    About 3,900 characters; of several simplified forms the first. Raises ImportError if the package is not installed.
    """
    result = importlib.util.find_spec("opencc")
    path = result and result.origin and Path(result.origin).parent / "dictionary" / "TSCharacters.txt"
    if not path or not path.exists():
        raise ImportError(
            "the table of simplified characters needs the package opencc-python-reimplemented: "
            "pip install 'tfllm[chinese]'"
        )
    rows = (line.split() for line in path.read_text(encoding="utf-8").splitlines())
    return {row[0]: row[1] for row in rows if len(row) > 1 and row[0] != row[1] and len(row[0]) == len(row[1]) == 1}
