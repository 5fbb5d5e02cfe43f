"""Subwords: pieces learned from text, with single bytes for whatever no piece covers. Loses nothing."""

import keras

from tfllm.text.learning import unigram_pieces
from tfllm.text.matching import LongestMatch
from tfllm.text.tokenizer import SPECIAL, Tokenizer

BYTES = tuple(bytes([value]) for value in range(256))


@keras.saving.register_keras_serializable("tfllm")
class Subwords(Tokenizer):
    """The longest piece that fits, from left to right; single bytes where none does.

    The pieces are those of a unigram language model (Kudo 2018, learned by sentencepiece); we differ in cutting:
    greedy longest match, not the most probable cut. A piece may begin with the space before its word.
    ids: 4 special ones, 256 bytes, then the pieces. `decode(encode(s)) == s` for all bytes, valid UTF-8 or not
    (with `lowercase`, where it gives the lower-cased text). Without a vocabulary each byte is a token.
    """

    fixed = SPECIAL + BYTES

    @classmethod
    def learn(cls, texts, vocab_size=8000, lowercase=False):
        """Learn `vocab_size - 260` pieces from `texts`: an iterable of str or bytes, or a `tf.data` of strings.

        A text too small for that gives a smaller vocabulary, and a warning in the log. For one vocabulary of two
        languages pass the texts of both. ValueError: no text, or `vocab_size` < 260.
        """
        if vocab_size < len(cls.fixed):
            raise ValueError(f"vocab_size must be at least {len(cls.fixed)}, got {vocab_size}")
        pieces = unigram_pieces(texts, vocab_size - len(cls.fixed), lowercase)
        return cls(pieces, lowercase=lowercase)

    def _index(self, learned):
        self._match = LongestMatch([*BYTES, *learned], first=len(SPECIAL))

    def _ids(self, texts):
        return self._match(texts)
