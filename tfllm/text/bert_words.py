"""Texts into words as BERT cuts them before it looks for pieces, and their characters into letters of a vocabulary.

What each character becomes is in bert_characters.py; here that is one table, so that all characters of all texts take
one look-up. A code says 4 * letter + kind; letter 0 is one that the vocabulary does not have.
"""

import numpy as np
import tensorflow as tf

from tfllm.text.bert_characters import CHINESE, DROPPED, HIGHEST, PUNCTUATION, SPACES, points, replacements

ALONE, SPACE, NOTHING = 1, 2, -1  # kinds: a word of its own; white space. NOTHING: a code for no character at all
PAGE = 256


class BertWords:
    """texts -> letters. Devlin et al. 2019's code, tokenization.py, as Hugging Face's `tokenizers` has it.

    alphabet: code points, no two equal; the letter of the first is 1. special: names that are one letter each, after
    those of the alphabet, where they are looked for. chinese: each ideograph is a word.
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
        pages = {}  # each kind of page once
        page_of = [pages.setdefault(page.tobytes(), len(pages)) for page in code.astype(np.int32).reshape(-1, PAGE)]
        self.pages = tf.constant(np.frombuffer(b"".join(pages), np.int32))
        self.page_of = tf.constant(np.array(page_of, np.int32))
        self.several = tf.constant(np.array(several, np.int32).reshape(-1, width))
        self.special = [([ord(part) for part in name], 4 * (len(alphabet) + i + 1) + ALONE)
                        for i, name in enumerate(special)]  # fmt: skip

    def __call__(self, texts, special=False):
        """string [B] -> letters int32 [M] of all words, bool [M] where a word begins, int64 [M] the text it is of."""
        decoded = tf.strings.unicode_decode(texts, "UTF-8", errors="replace")
        found, row = decoded.flat_values, decoded.value_rowids()  # [N]
        code = tf.gather(self.pages, tf.gather(self.page_of, found // PAGE) * PAGE + found % PAGE)
        if special:
            code = self._with_special(code, found, row)
        code, row = tf.cond(tf.reduce_any(code < 0), lambda: self._longer(code, row), lambda: (code, row))
        kind = code % 4
        begins = (kind == ALONE) | tf.concat([[True], kind[:-1] > 0], 0)[: tf.size(kind)] | (_before(row) != row)
        there = tf.where(kind != SPACE)[:, 0]
        return tf.gather(code, there) // 4, tf.gather(begins, there), tf.gather(row, there)

    def _longer(self, code, row):
        """Codes below 0 become the codes [0, 1, 2, ...] that they stand for."""
        if self.several.shape[0]:
            longer = tf.gather(self.several, tf.maximum(NOTHING - 1 - code, 0))  # [N, width]
            single = tf.concat([code[:, None], tf.fill([tf.size(code), self.several.shape[1] - 1], NOTHING)], 1)
            code = tf.where(code[:, None] < NOTHING, longer, single)
        else:
            code = code[:, None]
        places = tf.where(code >= 0)
        return tf.gather_nd(code, places), tf.gather(row, places[:, 0])

    def _with_special(self, code, found, row):
        for name, letter in self.special:
            size = len(name)
            ahead = tf.concat([found, tf.fill([size], -1)], 0)
            match = tf.concat([row, tf.fill([size], tf.constant(-1, tf.int64))], 0)[size - 1 : -1] == row
            for step, part in enumerate(name):
                match &= ahead[step : tf.size(found) + step] == part
            for step in range(1, size):
                code = tf.where(tf.concat([tf.fill([step], False), match], 0)[: tf.size(code)], NOTHING, code)
            code = tf.where(match, letter, code)
        return code


def _before(row):
    return tf.concat([[tf.constant(-1, tf.int64)], row[:-1]], 0)[: tf.size(row)]
