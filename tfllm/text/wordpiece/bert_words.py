"""Splits texts into words as BERT does before WordPiece, and maps their characters to letters of a vocabulary.

bert_characters.py says what each character becomes; here that is one table, so all characters of all texts need one
lookup. A code is 4 * letter + kind; letter 0 is a character that the vocabulary does not have.
"""

import numpy as np
import tensorflow as tf

from tfllm.text.code_points import HIGHEST, points
from tfllm.text.wordpiece.bert_characters import CHINESE, DROPPED, MARKS, PUNCTUATION, SPACES, replacements

ALONE, SPACE, NOTHING = 1, 2, -1  # kinds: a separate word; white space. NOTHING: the code of a removed character
PAGE = 256


class BertWords:
    """texts -> letters. Devlin et al. 2019's code, tokenization.py, as in Hugging Face's `tokenizers`.

    alphabet: unique code points; the first is letter 1. special: names of special tokens, which count as one letter
    each, after those of the alphabet, if they are looked for. chinese: each ideograph is a word.
    """

    def __init__(self, alphabet, special=(), lowercase=True, strip_accents=None, chinese=True):
        letters = np.zeros(HIGHEST, np.int32)
        letters[list(alphabet)] = np.arange(len(alphabet)) + 1
        code = 4 * letters + ALONE * points(PUNCTUATION)
        code[points(SPACES) | (np.arange(HIGHEST) == ord(" "))] = SPACE
        before, ideograph = code.copy(), points(CHINESE) if chinese else np.zeros(HIGHEST, bool)
        several = []
        for point, new in replacements(lowercase, lowercase if strip_accents is None else strip_accents).items():
            if len(new) == 1:
                code[point] = before[new[0]]
            elif not new:
                code[point] = NOTHING
            else:
                code[point] = NOTHING - 1 - len(several)
                several.append([before[part] for part in new])
        code[ideograph & (code >= 0)] |= ALONE
        code[points(SPACES)], code[points(DROPPED)] = SPACE, NOTHING
        width = max(map(len, several), default=1)
        several = [[*codes, *[NOTHING] * (width - len(codes))] for codes in several]
        pages = {}  # pages of the table, without duplicates
        page_of = [pages.setdefault(page.tobytes(), len(pages)) for page in code.astype(np.int32).reshape(-1, PAGE)]
        self.pages = tf.constant(np.frombuffer(b"".join(pages), np.int32))
        self.page_of = tf.constant(np.array(page_of, np.int32))
        self.several = tf.constant(np.array(several, np.int32).reshape(-1, width))
        self.marks = tf.constant(
            np.flatnonzero(np.diff(np.append(points(MARKS), False))) + 1
        )  # where ranges begin and end
        self.special = [([ord(part) for part in name], 4 * (len(alphabet) + i + 1) + ALONE)
                        for i, name in enumerate(special)]  # fmt: skip

    def __call__(self, texts, special=False):
        """string [B] -> letters int32 [M] of all words, bool [M] where a word begins, int64 [M] its text."""
        return self.located(texts, special, positions=False)[:3]

    def located(self, texts, special=False, positions=True):
        """As `__call__`, and two int64 [M]: the character of the text where each letter begins, and the one after it.

        Removed marks, such as accents, belong to the letter before them.
        """
        decoded = tf.strings.unicode_decode(texts, "UTF-8", errors="replace")
        result, row = decoded.flat_values, decoded.value_rowids()  # [N]
        code = tf.gather(self.pages, tf.gather(self.page_of, result // PAGE) * PAGE + result % PAGE)
        if special:
            code = self._with_special(code, result, row)
        others = (row, *self._places(decoded, code)) if positions else (row,)
        code, *others = tf.cond(
            tf.reduce_any(code < 0), lambda: self._longer(code, *others), lambda: (code, *others)
        )  # fmt: skip
        row, kind = others[0], code % 4
        begins = (kind == ALONE) | tf.concat([[True], kind[:-1] > 0], 0)[: tf.size(kind)] | (_before(row) != row)
        there = tf.where(kind != SPACE)[:, 0]
        return tf.gather(code, there) // 4, tf.gather(begins, there), *(tf.gather(part, there) for part in others)

    def _places(self, decoded, code):
        """Two int64 [N], see `located`."""
        row, count = decoded.value_rowids(), tf.size(code, tf.int64)
        first, position = tf.gather(decoded.row_starts(), row), tf.range(count)
        mark = tf.searchsorted(self.marks, tf.cast(decoded.flat_values, tf.int64), side="right") % 2 == 1
        ends = tf.concat([tf.where(~(mark & (code == NOTHING)) | (position == first))[:, 0], [count]], 0)
        behind = tf.gather(ends, tf.searchsorted(ends, position, side="right"))
        return position - first, behind - first

    def _longer(self, code, *others):
        """Replace codes below 0 by the code sequences that they represent; `others` are repeated along."""
        if self.several.shape[0]:
            longer = tf.gather(self.several, tf.maximum(NOTHING - 1 - code, 0))  # [N, width]
            single = tf.concat([code[:, None], tf.fill([tf.size(code), self.several.shape[1] - 1], NOTHING)], 1)
            code = tf.where(code[:, None] < NOTHING, longer, single)
        else:
            code = code[:, None]
        positions = tf.where(code >= 0)
        return tf.gather_nd(code, positions), *(tf.gather(part, positions[:, 0]) for part in others)

    def _with_special(self, code, result, row):
        for name, letter in self.special:
            size = len(name)
            ahead = tf.concat([result, tf.fill([size], -1)], 0)
            match = tf.concat([row, tf.fill([size], tf.constant(-1, tf.int64))], 0)[size - 1 : -1] == row
            for step, part in enumerate(name):
                match &= ahead[step : tf.size(result) + step] == part
            for step in range(1, size):
                code = tf.where(tf.concat([tf.fill([step], False), match], 0)[: tf.size(code)], NOTHING, code)
            code = tf.where(match, letter, code)
        return code


def _before(row):
    return tf.concat([[tf.constant(-1, tf.int64)], row[:-1]], 0)[: tf.size(row)]
