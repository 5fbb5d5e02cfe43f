"""Subwords: pieces learned from text, with single bytes for whatever no piece covers. Loses nothing."""

import keras

from tfllm.text.learning import unigram_pieces
from tfllm.text.matching import LongestMatch
from tfllm.text.tokenizer import SPECIAL, Tokenizer

BYTES = tuple(bytes([value]) for value in range(256))


@keras.saving.register_keras_serializable("tfllm")
class Subwords(Tokenizer):
    """The longest piece that fits, from left to right; byte fallback. A piece may begin with the space before a word.

    The pieces are those of a unigram language model (Kudo 2018, sentencepiece's trainer); cutting differs: greedy
    longest match, not the most probable cut, so that it runs in core TensorFlow ops.
    ids: 4 special, 256 bytes, then the pieces. `decode(encode(s)) == s` for every byte string, valid UTF-8 or not
    (with `lowercase`: for the lower-cased text). Without a vocabulary it cuts into bytes.
    """

    fixed = SPECIAL + BYTES

    @classmethod
    def learn(cls, texts, vocab_size=8000, lowercase=False):
        """Learn at most `vocab_size - 260` pieces from `texts` (iterable of str or bytes, or `tf.data` of strings).

        A text too small for `vocab_size` gives a smaller vocabulary and a logged warning. For one vocabulary of two
        languages pass both texts (`itertools.chain`). Raises ValueError where there is no text.
        """
        if vocab_size < len(cls.fixed):
            raise ValueError(
                f"vocab_size must be at least {len(cls.fixed)} (4 special ids, 256 bytes), got {vocab_size}"
            )
        return cls(unigram_pieces(texts, vocab_size - len(cls.fixed), lowercase), lowercase=lowercase)

    def _index(self, learned):
        self._match = LongestMatch([*BYTES, *learned], range(len(SPECIAL), len(self.fixed) + len(learned)))

    def _ids(self, texts):
        return self._match(texts)
