"""Chinese words as tokens, segmented by a dictionary inside the graph: the same in Python and in a served model."""

import json

import keras
import tensorflow as tf

from tfllm.text.chinese.best_cut import BestCut
from tfllm.text.chinese.dictionaries import checked, learn_dictionary
from tfllm.text.chinese.width import CharacterMap
from tfllm.text.cleaning import lower, replace_invalid
from tfllm.text.learning import most_frequent
from tfllm.text.tokenizer import CPU, SPECIAL, UNKNOWN, Tokenizer
from tfllm.text.word_index import WordIndex

WIDE = r"[\p{Han}\x{3001}-\x{303F}\x{FF00}-\x{FFEF}]"  # decode puts no space next to these


@keras.saving.register_keras_serializable("tfllm")
class Segments(Tokenizer):
    """One id for each word of the vocabulary; words come from the most probable segmentation (best_cut.BestCut).

    dictionary  {word: count} of Chinese words: `dictionaries.jieba_dictionary()`, `read_dictionary(path)`,
                `learn_dictionary(texts)`. In other scripts, words are punctuation marks, symbols, and the text between
                them and white space. A character that is in no word of the dictionary is a word.
    characters  {character: character} replaced before segmentation: `width.HALF_WIDTH`, `width.simplified_table()`, or
                both, `HALF_WIDTH | simplified_table()`

    Lost: white space; words that are not in the vocabulary (UNKNOWN); bytes that are not UTF-8 (read as U+FFFD).
    `decode` puts a space between words, but not next to Chinese characters and punctuation.
    """

    def __init__(self, vocabulary=(), dictionary=None, characters=None, lowercase=False, name=None):
        self._set_parts(dictionary or {}, characters or {})
        super().__init__(vocabulary, lowercase=lowercase, name=name)

    @classmethod
    def learn(cls, texts, vocab_size=None, min_count=1, lowercase=False, dictionary=None, characters=None):
        """The words seen at least `min_count` times, the most frequent `vocab_size - 4` of them.

        dictionary: None: learned from the texts, which are then read twice (those of a generator are kept in memory).
        """
        if dictionary is None:
            texts = list(texts) if hasattr(texts, "__next__") else texts
            dictionary = learn_dictionary(texts, lowercase=lowercase)
        empty = cls(dictionary=dictionary, characters=characters, lowercase=lowercase)
        words = most_frequent(texts, vocab_size, min_count, lowercase, empty._cut)
        return cls(words, dictionary, characters, lowercase)

    def cut(self, texts):
        """string [B] -> ragged string [B, None]: the words, whether or not they are in the vocabulary."""
        with tf.device(CPU):
            return self._cut(lower(texts) if self.lowercase else texts)

    def _learned(self):
        return {**super()._learned(), "dictionary": self.dictionary, "characters": self.characters}

    def _load(self, folder):
        self._set_parts(**json.loads((folder / "dictionary.json").read_text(encoding="utf-8")))
        super()._load(folder)

    def _set_parts(self, dictionary, characters):
        self.dictionary, self.characters = checked(dictionary), dict(characters)
        with tf.init_scope(), tf.device(CPU):
            self._best = BestCut(self.dictionary)
            self._map = CharacterMap(self.characters) if characters else replace_invalid

    def _cut(self, texts):
        return self._best(self._map(texts))

    def _index(self, learned):
        self._known = WordIndex(learned, first=len(SPECIAL), unknown=UNKNOWN)

    def _ids(self, texts):
        words = self._cut(texts)
        return words.with_flat_values(self._known(words.flat_values))

    def _join(self, strings):
        texts = tf.strings.reduce_join(strings, axis=-1, separator=" ")
        for pattern in (f"({WIDE}) ", f" ({WIDE})"):
            texts = tf.strings.regex_replace(texts, pattern, r"\1")
        return texts
