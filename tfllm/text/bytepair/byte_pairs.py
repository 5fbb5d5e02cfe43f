"""Byte-level byte-pair encoding, the tokenizer of GPT-2, Llama 3 and Qwen, with a vocabulary read from files."""

from dataclasses import asdict
from pathlib import Path

import keras
import tensorflow as tf

from tfllm.files import understood
from tfllm.text.bytepair import gguf_vocabulary
from tfllm.text.bytepair.added_tokens import AddedTokens
from tfllm.text.bytepair.byte_pair_files import (
    END_OF_TEXT,
    Parts,
    letters,
    read_files,
    read_folder,
    write_config,
    write_folder,
    write_json,
)
from tfllm.text.bytepair.categories import Categories
from tfllm.text.bytepair.merging import Merges
from tfllm.text.bytepair.normal_form import NormalFormC
from tfllm.text.bytepair.splitting_rules import Rules
from tfllm.text.bytepair.whole_words import WholeWords
from tfllm.text.bytepair.word_patterns import word_begins
from tfllm.text.tokenizer import CPU, Tokenizer

BYTES = [bytes([value]) for value in range(256)]


@keras.saving.register_keras_serializable("tfllm")
class BytePairs(Tokenizer):
    """Splits text into words by a pattern, and merges the bytes of each word pair by pair, best pair first.

    Radford et al. 2019, sec. 2.2; Sennrich et al. 2016, alg. 1. Equal to Hugging Face's `tokenizers` on all valid
    UTF-8, with one difference: the name of a special token, such as <|endoftext|>, is ordinary text, as in all our
    tokenizers, except for `encode_special`. `decode(encode(s)) == s` for all bytes, unless the rules have a normal
    form or drop bytes: invalid UTF-8 is split like punctuation and keeps its bytes.

    vocabulary  tokens in the order of their ids, in the characters that represent bytes in GPT-2's files ("Ġthe");
                without one, each byte is a token
    merges      pairs of such tokens, best first
    special     special tokens, which `encode` never produces;  end  the one that ends a text, or None
    rules       a Rules, or its fields as a dict: how a text becomes words; None: as GPT-2
    start       the special token that every text begins with, or None

    The ids are those of the files: there is no PAD or UNKNOWN.
    """

    pad = unknown = None

    def __init__(self, vocabulary=(), merges=(), special=(END_OF_TEXT,), end=END_OF_TEXT, rules=None, start=None,
                 name=None):  # fmt: skip
        rules = Rules(**rules) if isinstance(rules, dict) else rules or Rules()
        vocabulary = vocabulary or (*letters(), *special, *rules.added)
        super().__init__(Parts(vocabulary, merges, special, end, rules, start), name=name)

    @classmethod
    def learn(cls, texts, lowercase=False):
        """Not supported. Raises NotImplementedError."""
        raise NotImplementedError(
            "BytePairs does not learn a vocabulary, it reads that of a pretrained model (BytePairs.from_folder); "
            "use Subwords.learn for a vocabulary of your own"
        )

    @classmethod
    def from_folder(cls, folder):
        """The tokenizer of a model in Hugging Face's format: tokenizer.json, or vocab.json with merges.txt.

        Raises FileNotFoundError if neither exists, ValueError for another kind of tokenizer.
        """
        with understood(folder, "the files of a byte-pair tokenizer"):
            return cls(*read_folder(folder))

    @classmethod
    def from_files(cls, vocabulary, merges, end=END_OF_TEXT):
        """From files like vocab.json (or encoder.json) and merges.txt (or vocab.bpe)."""
        with understood(vocabulary, "tokens and their ids"):
            return cls(*read_files(vocabulary, merges, end))

    @classmethod
    def from_gguf(cls, metadata):
        """From the metadata of a GGUF file, a dict with keys tokenizer.ggml.*; see interop.gguf.read.

        Raises ValueError for another kind of tokenizer.
        """
        return cls(*gguf_vocabulary.parts(metadata))

    def save_files(self, folder):
        """Write vocab.json, merges.txt and tokenizer_config.json, as Hugging Face's GPT2Tokenizer loads them.

        With other rules than GPT-2's, tokenizer.json and tokenizer_config.json, for its PreTrainedTokenizerFast.
        """
        Path(folder).mkdir(parents=True, exist_ok=True)
        parts = self._parts()
        if parts.rules != Rules() or parts.start is not None:
            return write_json(folder, parts)
        write_folder(folder, parts)
        write_config(folder, parts)

    @property
    def vocabulary(self):
        """The tokens as in the files, in the order of their ids."""
        return self._parts().vocabulary

    def _learned(self):
        parts = self._parts()
        return {"vocabulary": parts.vocabulary, "merges": parts.merges}

    def _options(self):
        return {"special": list(self.special), "end": self._end, "rules": asdict(self.rules), "start": self._start}

    def _load(self, folder):
        parts = read_files(folder / "vocab.json", folder / "merges.txt", self._end)
        self._set_vocabulary(parts._replace(special=self.special))

    def _set_vocabulary(self, parts):
        ids = {token: token_id for token_id, token in enumerate(parts.vocabulary)}
        values = {letter: value for value, letter in enumerate(letters())}
        _check(parts, ids, values)
        rules, plain = parts.rules, dict.fromkeys((*parts.special, *parts.rules.added))  # a set has no fixed order
        tokens = [token.encode() if token in plain else bytes(map(values.get, token)) for token in parts.vocabulary]
        self.special, self.rules, self._plain = tuple(parts.special), rules, {ids[token]: token for token in plain}
        self._end, self.end, self._start, self.start = parts.end, ids.get(parts.end), parts.start, ids.get(parts.start)
        with tf.init_scope(), tf.device(CPU):  # constants must survive the graph that creates the tokenizer
            self._tokens = tf.constant(tokens)
            self._bytes = tf.constant([BYTES[values[letter]] if letter in ids else b"" for letter in letters()])
            self._categories = Categories()
            self._merge = Merges(
                [(ids[a], ids[b], ids[a + b]) for a, b in parts.merges], [ids.get(letter, 0) for letter in letters()]
            )
            self._normal = NormalFormC() if rules.normal_form else tf.identity
            self._added = AddedTokens(rules.added, [ids[token] for token in rules.added]) if rules.added else None
            both = sorted(plain)
            self._named = AddedTokens(both, [ids[token] for token in both]) if both else None
            self._whole = WholeWords(tokens, self._plain) if rules.whole_words else None

    def _parts(self):
        shown = letters()
        names = ["".join(shown[value] for value in token) for token in self.tokens]
        for token_id, token in self._plain.items():
            names[token_id] = token
        merges = tuple((names[a], names[b]) for a, b in self._merge.pairs)
        return Parts(tuple(names), merges, self.special, self._end, self.rules, self._start)

    @property
    def special_ids(self):
        return tuple(token_id for token_id, token in self._plain.items() if token in self.special)

    def encode_special(self, texts):
        """As `encode`, but the names of special tokens in the texts become these tokens, as in Hugging Face's.

        Not for text of others: it could end a turn of a dialogue, and begin another.
        """
        texts = self._strings(texts)
        with tf.device(CPU):
            return self._plain_ids(texts) if self._named is None else self._named(texts, self._plain_ids)

    def _ids(self, texts):
        return self._plain_ids(texts) if self._added is None else self._added(texts, self._plain_ids)

    def _plain_ids(self, texts):
        """As `_ids`, without recognising any added token."""
        words, row_splits = self._words(self._normal(texts))
        unique, index = tf.unique(words)
        ids = self._merge(unique) if self._whole is None else self._whole(unique, self._merge)
        ids = tf.gather(ids, index)  # [W, None]
        return tf.RaggedTensor.from_row_splits(ids.flat_values, tf.gather(ids.row_splits, row_splits), validate=False)

    def _words(self, texts):
        """string [B] -> words, string [W], and the index of the first word of each text, int64 [B + 1]."""
        points, offsets = tf.strings.unicode_decode_with_offsets(texts, "UTF-8", errors="replace")
        lengths = tf.strings.length(texts)
        ends = tf.cast(tf.cumsum(lengths), tf.int64)  # [B]
        offset, point = offsets.flat_values, points.flat_values  # [N] of each character
        pattern, digits = self.rules.pattern, self.rules.digits
        begins = word_begins(pattern, digits, point, self._categories(point), offset == 0)
        positions = offset + tf.gather(ends - tf.cast(lengths, tf.int64), points.value_rowids())
        positions = tf.boolean_mask(positions, begins)  # [W]
        values = tf.cast(tf.io.decode_raw(tf.strings.reduce_join(texts), tf.uint8), tf.int32)  # the bytes of all texts
        sizes = tf.concat([positions[1:], [tf.size(values, tf.int64)]], 0)[: tf.size(positions)] - positions
        word = tf.repeat(tf.range(tf.size(positions)), sizes)
        words = tf.strings.unsorted_segment_join(tf.gather(self._bytes, values), word, tf.size(positions))
        return words, tf.searchsorted(positions, tf.concat([[0], ends], 0), out_type=tf.int64)


def _check(parts, ids, values):
    """Raises ValueError if vocabulary, merges and special tokens do not fit together."""
    special, size = set(parts.special), len(parts.vocabulary)
    if len(ids) != size:
        raise ValueError(f"tokens must be unique; {size - len(ids)} of the vocabulary are repeated")
    named = (*parts.special, parts.end, parts.start, *parts.rules.added)
    if missing := [token for token in named if token is not None and token not in ids]:
        raise ValueError(f"the vocabulary has no special token {missing[0]!r}; it has {size} tokens")
    if parts.end is not None and parts.end not in special:
        raise ValueError(f"end must be one of the special tokens {list(parts.special)}, got {parts.end!r}")
    if parts.start is not None and parts.start not in special:
        raise ValueError(f"start must be one of the special tokens {list(parts.special)}, got {parts.start!r}")
    if wrong := [token for token in (*special, *parts.rules.added) if not token or "\0" in token]:
        raise ValueError(f"special and added tokens have one character or more, none of them zero; got {wrong[0]!r}")
    common = ids.keys() - special - set(parts.rules.added)
    missing = [letter for letter in values if letter not in common]
    if missing and not parts.rules.drops_bytes:
        raise ValueError(f"a byte-level vocabulary has all 256 bytes; {len(missing)} are missing: {missing[:3]}")
    if strange := [token for token in common if not token or set(token) - values.keys()]:
        raise ValueError(f"a token is special, or written in the letters of bytes ('Ġthe'); {strange[0]!r} is neither")
    for pair in parts.merges:
        if len(pair) != 2 or not {*pair, "".join(pair)} <= common:
            raise ValueError(f"a merge joins two tokens to a third, all of the vocabulary; {tuple(pair)} does not")
