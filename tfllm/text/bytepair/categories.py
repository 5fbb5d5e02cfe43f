"""Letters, numbers and white space of Unicode 16.0: the general categories L and N, and the property White_Space.

The table is stored in unicode16.txt, because libraries differ in the Unicode version they know;
scripts/unicode_tables.py writes it from Hugging Face's `tokenizers`. Code points that are not in the table, also
unassigned ones, are OTHER.
"""

import functools

import numpy as np
import tensorflow as tf

from tfllm.text.code_points import HIGHEST, points, table

LETTER, NUMBER, SPACE, OTHER = range(4)
SPACES = "9-D 20 85 A0 1680 2000-200A 2028-2029 202F 205F 3000"


class Categories:
    """int32 [N] code points -> int32 [N] LETTER, NUMBER, SPACE or OTHER."""

    def __init__(self):
        self.borders, self.kinds = (tf.constant(column, tf.int32) for column in zip(*_stretches(), strict=True))

    def __call__(self, points):
        return tf.gather(self.kinds, tf.searchsorted(self.borders, points, side="right") - 1)


@functools.cache
def _stretches():
    """(first code point, category) of each run of code points of one category, in order."""
    kinds, result = np.full(HIGHEST + 1, OTHER), table("tfllm.text.bytepair", "unicode16.txt")
    for kind, stretches in ((LETTER, result["L"]), (NUMBER, result["N"]), (SPACE, SPACES)):
        kinds[:-1][points(stretches)] = kind
    borders = np.flatnonzero(np.diff(kinds, prepend=-1))
    return list(zip(borders.tolist(), kinds[borders].tolist(), strict=True))
