"""Subwords learned from text, with single bytes for everything else: lossless."""

import keras

from tfllm.text.learning import unigram_pieces
from tfllm.text.matching import LongestMatch
from tfllm.text.tokenizer import SPECIAL, Tokenizer

BYTES = tuple(bytes([value]) for value in range(256))


@keras.saving.register_keras_serializable("tfllm")
class Subwords(Tokenizer):
    """Greedy longest match of learned subwords, from left to right; single bytes where no subword matches.

    The subwords are those of a unigram language model (Kudo 2018, learned by sentencepiece).
    Differs: encoding is greedy longest match, not the most probable segmentation. A subword may begin with the space
    before its word. ids: 4 special tokens, 256 bytes, then the subwords. `decode(encode(s)) == s` for all bytes, valid
    UTF-8 or not (with `lowercase`: the lower-cased text). Without a vocabulary each byte is a token.
    """

    fixed = SPECIAL + BYTES

    @classmethod
    def learn(cls, texts, vocab_size=8000, lowercase=False):
        """Learn `vocab_size - 260` subwords from `texts`: an iterable of str or bytes, or a `tf.data.Dataset` of
        strings.

        A small text gives a smaller vocabulary, and logs a warning. For one vocabulary of two languages pass the texts
        of both. Raises ValueError if there is no text, or `vocab_size` < 260.
        """
        if vocab_size < len(cls.fixed):
            raise ValueError(f"vocab_size must be at least {len(cls.fixed)}, got {vocab_size}")
        subwords = unigram_pieces(texts, vocab_size - len(cls.fixed), lowercase)
        return cls(subwords, lowercase=lowercase)

    def _index(self, learned):
        self._match = LongestMatch([*BYTES, *learned], first=len(SPECIAL))

    def _ids(self, texts):
        return self._match(texts)
