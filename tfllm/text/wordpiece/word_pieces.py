"""WordPiece, the tokenizer of BERT, with a vocabulary from files or learned from text."""

import keras
import tensorflow as tf

from tfllm.files import understood
from tfllm.text.code_points import HIGHEST
from tfllm.text.tokenizer import CPU, Tokenizer
from tfllm.text.wordpiece.bert_words import BertWords
from tfllm.text.wordpiece.word_matching import WordMatch
from tfllm.text.wordpiece.word_piece_files import NAMES, Parts, read_folder, read_vocabulary, write_folder
from tfllm.text.wordpiece.word_piece_learning import word_pieces

GOES_ON = "##"


@keras.saving.register_keras_serializable("tfllm")
class WordPieces(Tokenizer):
    """Words, each split by greedy longest match; "##" marks tokens that continue a word.

    Devlin et al. 2019, sec. 3; Wu et al. 2016, sec. 4.1. Equal to Hugging Face's BertTokenizer (the one built on
    `tokenizers`) on every text. Words end at white space and punctuation; a word that cannot be split into tokens, or
    is longer than 100 characters, is one [UNK]. Invalid UTF-8 and control characters are removed.

    vocabulary     tokens in the order of their ids, including the special tokens; empty: only these
    lowercase      lower-case every text;  strip_accents  é as e; None: same as `lowercase`
    chinese        each ideograph is a word;  names  of pad, unknown, start, end and mask, then of other special tokens

    pad, unknown, start, end, mask, special_ids: their ids. continues: bool [V], the tokens that begin with "##".
    Differs: combining marks newer than Unicode 8 keep their order. Lost: white space, case, accents, unknown words.
    Raises ValueError if a token is repeated or a special token is missing.
    """

    assets = "vocab.txt"

    def __init__(self, vocabulary=(), lowercase=True, strip_accents=None, chinese=True, names=NAMES, name=None):
        self._cleaning = {"lowercase": lowercase, "strip_accents": strip_accents, "chinese": chinese}
        self.names = tuple(names)
        super().__init__(vocabulary or self.names, lowercase=lowercase, name=name)

    @classmethod
    def learn(cls, texts, vocab_size=8000, lowercase=True, strip_accents=None, chinese=True):
        """At most `vocab_size` tokens from `texts`: an iterable of str or bytes, or a `tf.data.Dataset` of strings.

        Byte-pair merges (Sennrich et al. 2016) of sentencepiece's trainer, on the most frequent characters.
        A small text gives a smaller vocabulary, and logs a warning.
        Raises ValueError if there is no text, or `vocab_size` < 6.
        """
        words = BertWords(range(1, HIGHEST), (), lowercase, strip_accents, chinese)
        return cls(word_pieces(texts, vocab_size, NAMES, words), lowercase, strip_accents, chinese)

    @classmethod
    def from_file(cls, vocabulary, lowercase=True, strip_accents=None, chinese=True):
        """Read a file like vocab.txt: one token per line, the first has id 0."""
        return cls(read_vocabulary(vocabulary), lowercase, strip_accents, chinese)

    @classmethod
    def from_folder(cls, folder):
        """The tokenizer of a model in Hugging Face's format: vocab.txt or tokenizer.json, with tokenizer_config.json.

        Raises FileNotFoundError if neither exists, ValueError for another kind of tokenizer.
        """
        with understood(folder, "the files of a WordPiece tokenizer"):
            parts = read_folder(folder)
            return cls(parts.vocabulary, parts.lowercase, parts.strip_accents, parts.chinese, parts.names)

    def save_files(self, folder):
        """Write vocab.txt and tokenizer_config.json, as Hugging Face's BertTokenizer loads them."""
        write_folder(folder, Parts(tuple(self._vocabulary()), self.names, **self._cleaning))

    def encode(self, texts, special=False):
        """string [B] -> ragged int32 [B, None], without START and END; an empty text has no ids.

        special: if True, the name of a special token in a text, as in "a [MASK] dog", becomes that token, as in Hugging
        Face's tokenizer; otherwise it is ordinary text.
        """
        texts = self._strings(texts)
        with tf.device(CPU):
            return self._ids(texts, special)

    def encode_with_offsets(self, texts):
        """As `encode` -> (ids, starts, ends), ragged [B, None]: token i is the characters starts_i .. ends_i - 1.

        starts and ends, int64, count code points of the original text. Removed accents belong to the letter before
        them; if one character becomes several letters, each of these has the offsets of the whole character.
        """
        texts = self._strings(texts)
        with tf.device(CPU):
            letters, begins, row, starts, ends = self._words.located(texts)
            ids, positions = self._cut(letters, begins, row, tf.size(texts, tf.int64))
            last = tf.concat([positions[1:], [tf.size(letters, tf.int64)]], 0)[: tf.size(positions)] - 1
            parts = tf.gather(starts, positions), tf.gather(ends, last)
            return ids, *(ids.with_flat_values(part) for part in parts)

    def _learned(self):
        return {"vocabulary": self._vocabulary()}

    def _options(self):
        return {**self._cleaning, "names": list(self.names)}

    def _load(self, folder):
        self._set_vocabulary(read_vocabulary(folder / self.assets))

    def _vocabulary(self):
        return [token.decode("utf-8") for token in self.tokens]

    def _set_vocabulary(self, vocabulary):
        vocabulary = _texts(vocabulary)
        ids = {token: token_id for token_id, token in enumerate(vocabulary)}
        _check(vocabulary, ids, self.names)
        self.special_ids = tuple(ids[name] for name in self.names)
        self.pad, self.unknown, self.start, self.end, self.mask = self.special_ids[:5]
        alphabet = sorted({ord(letter) for token in vocabulary for letter in token})
        letter = {chr(point): i + 1 for i, point in enumerate(alphabet)}
        strings = [
            (tuple(letter[part] for part in token.removeprefix(GOES_ON)), token.startswith(GOES_ON), ids[token])
            for token in vocabulary
        ]
        strings += [((len(alphabet) + 1 + i,), False, ids[name]) for i, name in enumerate(self.names)]
        with tf.init_scope(), tf.device(CPU):  # constants must survive the graph that creates the tokenizer
            self._tokens = tf.constant([token.encode() for token in vocabulary])
            self.continues = tf.constant([token.startswith(GOES_ON) for token in vocabulary])
            self._words = BertWords(alphabet, self.names, **self._cleaning)
            self._match = WordMatch(strings, len(alphabet) + len(self.names), self.unknown)

    def _ids(self, texts, special=False):
        return self._cut(*self._words(texts, special), tf.size(texts, tf.int64))[0]

    def _cut(self, letters, begins, row, count):
        """Letters of words -> (ids, ragged [count, None]; int64 [P], the letter where each token begins)."""
        ids = self._match(letters, begins)
        positions = tf.where(ids >= 0)
        splits = tf.searchsorted(tf.gather_nd(row, positions), tf.range(count + 1), out_type=tf.int64)
        return tf.RaggedTensor.from_row_splits(tf.gather_nd(ids, positions), splits, validate=False), positions[:, 0]

    def _join(self, strings):
        texts = tf.strings.reduce_join(strings, axis=-1, separator=" ")
        return tf.strings.regex_replace(texts, f" {GOES_ON}", "")


def _texts(vocabulary):
    """The tokens as str. Raises ValueError if it is not a list of strings."""
    if isinstance(vocabulary, (str, bytes)):
        raise ValueError(f"vocabulary must be a list of tokens, got one string: {vocabulary[:40]!r}")
    if wrong := [token for token in vocabulary if not isinstance(token, (str, bytes))]:
        raise ValueError(f"tokens must be str or bytes, got {wrong[0]!r}")
    try:
        return [token.decode("utf-8") if isinstance(token, bytes) else token for token in vocabulary]
    except UnicodeDecodeError as error:
        raise ValueError(f"tokens must be valid UTF-8, got {error.object!r}") from None


def _check(vocabulary, ids, names):
    """Raises ValueError if vocabulary and special tokens do not fit together."""
    if len(ids) != len(vocabulary):
        raise ValueError(f"tokens must be unique; {len(vocabulary) - len(ids)} of the vocabulary are repeated")
    if len(names) < len(NAMES) or (missing := [name for name in names if name not in ids]):
        missing = missing if len(names) >= len(NAMES) else list(NAMES[len(names) :])
        raise ValueError(f"the vocabulary has no special token {missing[0]!r}; it has {len(vocabulary)} tokens")
    if wrong := [token for token in vocabulary if "\n" in token]:
        raise ValueError(
            f"a token must not contain a line break, since its file has one token per line; got {wrong[0]!r}"
        )
