"""The base class of all tokenizers: text -> token ids and back, as a Keras layer that contains its vocabulary.

Encoding and decoding are core TensorFlow ops on constant tensors, without lookup tables to initialise or track, so the
same code runs eagerly, in `tf.data`, in `tf.function` and in a SavedModel. Subclasses define how text is split
(subwords.py, words.py, characters.py, bytes.py). Tokenizers do not add START or END to a text.
"""

import json
from pathlib import Path

import keras
import tensorflow as tf

from tfllm.ragged import chosen, rows_of
from tfllm.text.cleaning import lower

PAD, UNKNOWN, START, END = range(4)
SPECIAL = (b"<pad>", b"<unk>", b"<s>", b"</s>")  # for display; this text in an input is ordinary text
CPU = "/device:CPU:0"  # string ops run on the CPU only


class Tokenizer(keras.layers.Layer):
    """Abstract. A subclass defines `learn`, `_index`, `_ids`, and `_join` if decoding is not plain concatenation.

    vocabulary: the learned tokens (str, or bytes in UTF-8) in the order of their ids, without the `fixed` ones.
    lowercase: lower-case every text before it is split.
    """

    fixed: tuple[bytes, ...] = SPECIAL  # the first tokens of every vocabulary
    assets = "vocabulary.json"
    # ids; None where a tokenizer of another library has none
    pad: int | None = PAD
    unknown: int | None = UNKNOWN
    start: int | None = START
    end: int | None = END

    def __init__(self, vocabulary=(), lowercase=False, name=None):
        super().__init__(trainable=False, name=name)
        self.lowercase = lowercase
        self.built = True  # it is never called as a layer, and a parent model would warn
        self._set_vocabulary(vocabulary)

    @classmethod
    def learn(cls, texts, lowercase=False):
        """A tokenizer with a vocabulary from `texts`: an iterable of str or bytes, or a `tf.data` of strings."""
        raise NotImplementedError(f"{cls.__name__} must define learn")

    def _index(self, learned):
        """Create the constants that `_ids` needs from the learned tokens (bytes)."""
        raise NotImplementedError

    def _ids(self, texts):
        """string [B] -> ragged int32 [B, None]."""
        raise NotImplementedError

    def _join(self, strings):
        """ragged string [B, None] -> string [B]."""
        return tf.strings.unsorted_segment_join(strings.flat_values, rows_of(strings), strings.nrows())

    @property
    def vocab_size(self):
        """Number of ids, including the special tokens."""
        return int(self._tokens.shape[0])

    @property
    def tokens(self):
        """The tokens as bytes; the index is the id."""
        return list(self._tokens.numpy())

    def encode(self, texts):
        """string [B] -> ragged int32 [B, None], without START and END; an empty text has no ids."""
        texts = self._strings(texts)
        with tf.device(CPU):
            return self._ids(lower(texts) if self.lowercase else texts)

    def _strings(self, texts):
        texts = tf.convert_to_tensor(texts, dtype_hint=tf.string)
        if texts.dtype != tf.string or texts.shape.rank not in (1, None):
            raise ValueError(
                f"{type(self).__name__}.encode takes strings of shape [B], for example encode(['A dog.']); "
                f"got {texts.dtype.name} of shape {texts.shape}"
            )
        return texts

    def decode(self, token_ids):
        """int [B, T], dense or ragged -> string [B].

        Skips `pad`, `start` and `end`; `unknown` and ids outside the vocabulary become U+FFFD. Invalid UTF-8 stays as
        it is: `cleaning.replace_invalid` makes it readable.
        """
        ids = self._ragged(token_ids)
        flat = tf.cast(ids.flat_values, tf.int32)
        known, visible = (flat >= 0) & (flat < self.vocab_size), tf.ones_like(flat, tf.bool)
        if self.unknown is not None:
            known &= flat != self.unknown
        for silent in (self.pad, self.start, self.end):
            if silent is not None:
                visible &= flat != silent
        with tf.device(CPU):
            strings = tf.where(known, tf.gather(self._tokens, tf.where(known, flat, 0)), "\ufffd")
            return self._join(chosen(ids.with_flat_values(strings), visible))

    def pieces(self, texts):
        """string [B] -> ragged string [B, None]: the token of each id, for display."""
        ids = self.encode(texts)
        with tf.device(CPU):
            return ids.with_flat_values(tf.gather(self._tokens, ids.flat_values))

    def get_config(self):
        """The options, and under "learned" the vocabulary as one JSON string, so that Keras does not deserialise it."""
        return {"learned": json.dumps(self._learned(), ensure_ascii=False), **self._options(), "name": self.name}

    @classmethod
    def from_config(cls, config):
        config = dict(config)
        try:
            learned = dict(json.loads(config.pop("learned", "{}")))
        except (TypeError, ValueError, RecursionError):
            raise ValueError(
                f'{cls.__name__}: "learned" in its config is not a JSON object with a vocabulary'
            ) from None
        return cls(**learned, **config)

    def _learned(self):
        """The constructor arguments that `learn` determines."""
        return {"vocabulary": [token.decode("utf-8") for token in self.tokens[len(self.fixed) :]]}

    def _options(self):
        """The other constructor arguments, except the name."""
        return {"lowercase": self.lowercase}

    def load_assets(self, dir_path):
        """Load files of version 0.1.0, whose configs have no vocabulary."""
        if dir_path is not None:
            self._load(Path(dir_path))

    def _load(self, folder):
        self._set_vocabulary(json.loads((folder / self.assets).read_text(encoding="utf-8")))

    def _set_vocabulary(self, vocabulary):
        learned = _checked(vocabulary, taken=self.fixed[len(SPECIAL) :])
        with tf.init_scope(), tf.device(CPU):  # constants must survive the graph that creates the tokenizer
            self._tokens = tf.constant([*self.fixed, *learned])
            self._index(learned)

    def _ragged(self, token_ids):
        if isinstance(token_ids, (list, tuple)):
            token_ids = tf.ragged.constant(token_ids, dtype=tf.int32, ragged_rank=1)
        elif not isinstance(token_ids, tf.RaggedTensor):
            token_ids = tf.convert_to_tensor(token_ids)
        if not token_ids.dtype.is_integer or token_ids.shape.rank != 2:
            raise ValueError(
                f"{type(self).__name__}.decode takes integers of shape [B, T], dense or ragged; "
                f"got {token_ids.dtype.name} of shape {token_ids.shape}"
            )
        return token_ids if isinstance(token_ids, tf.RaggedTensor) else tf.RaggedTensor.from_tensor(token_ids)


def _checked(vocabulary, taken):
    """The vocabulary as a list of bytes. Raises ValueError if a token is invalid or repeated."""
    if isinstance(vocabulary, (str, bytes)):
        raise ValueError(f"vocabulary must be a list of tokens, got one string: {vocabulary[:40]!r}")
    learned, seen = [], set(taken)
    for token in vocabulary:
        if not isinstance(token, (str, bytes)) or not token:
            raise ValueError(f"tokens must be non-empty str or bytes, got {token!r}")
        token = token.encode("utf-8") if isinstance(token, str) else token
        if token in seen:
            raise ValueError(f"tokens must be unique, {token!r} is repeated or built in")
        if token.decode("utf-8", "ignore").encode("utf-8") != token:
            raise ValueError(f"tokens must be valid UTF-8, got {token!r}")
        learned.append(token)
        seen.add(token)
    return learned
