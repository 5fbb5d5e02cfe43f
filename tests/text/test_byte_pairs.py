"""BytePairs: GPT-2's files and ids, equal to plain Python and to Hugging Face, lossless, the same wherever it runs."""

import functools
import time

import keras
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

import tfllm
from tests.reference import byte_pairs as reference
from tfllm.text import BytePairs
from tfllm.text.bytepair.byte_pair_files import letters

MERGES = [
    "l o", "lo w", "e r", "Ġ low", "Ġ t", "h e", "Ġt he", "Ã ©", "' s", "- -", "-- --", "---- ----", "Ġ Ġ", "ĠĠ ĠĠ",
    "å ¥", "ä ½", "ä½ ł", "å¥ ½", "ä½ł å¥½", "ð Ł", "ðŁ Ļ", "1 2", "Ċ Ċ",
]  # fmt: skip
PAIRS = [tuple(merge.split()) for merge in MERGES]
VOCABULARY = [*letters(), *("".join(pair) for pair in PAIRS), "<|endoftext|>"]
END = len(VOCABULARY) - 1
RANKS = {tuple(bytes(map(letters().index, part)) for part in pair): rank for rank, pair in enumerate(PAIRS)}
TEXTS = [
    "low lower the slower", "", "the one's 'low' café", "  two\n\n 12", "你好，世界 🙂", "-" * 100 + "  " * 40,
    "<|endoftext|> <pad> \0", b"\xff\xfe lo\xc3 \xe4\xbd",
]  # fmt: skip
SIGNS = st.sampled_from(["low", " the", "er", "é", "你好", "--", "  ", "'s", "\n", "12", "\0", "🙂", "e\u0301", "\x85"])
TEXT = st.lists(st.one_of(SIGNS, st.text(st.characters(exclude_categories=["Cs", "Cn"]), max_size=5)), max_size=8)


@pytest.fixture(scope="module")
def tokenizer():
    return BytePairs(VOCABULARY, PAIRS)


@functools.cache
def road(tokenizer):
    """texts -> (ids, the text that comes back), as one graph."""

    def there_and_back(texts):
        ids = tokenizer.encode(texts)
        return ids, tokenizer.decode(ids)

    return tf.function(there_and_back, input_signature=[tf.TensorSpec([None], tf.string)])


def everything(tokenizer, texts=TEXTS):
    ids = tokenizer.encode(texts)
    return ids.to_list(), tokenizer.decode(ids).numpy().tolist()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("low lower", ["low", " low", "er"]),  # "lo", "low", "er", " low", in the order of the table
        ("slow the", ["s", "low", " the"]),
        ("he's", ["he", "'s"]),
        ("é", ["é"]),
        ("你好", ["你好"]),
        ("🙂", [b"\xf0\x9f\x99", b"\x82"]),
        ("-------", ["----", "--", "-"]),
        ("x    x", ["x", "  ", " ", " ", "x"]),  # the words are "x", "   ", " x"
    ],
)
def test_by_hand(tokenizer, text, expected):
    expected = [piece.encode() if isinstance(piece, str) else piece for piece in expected]
    assert tokenizer.pieces([text]).to_list()[0] == expected


def test_ids_are_those_of_the_files(tokenizer):
    assert tokenizer.encode(["!low", "\0"]).to_list() == [[33, 257], [0]]  # in this vocabulary; GPT-2's begins with "!"
    assert (tokenizer.pad, tokenizer.unknown, tokenizer.start, tokenizer.end) == (None, None, None, END)
    assert tokenizer.vocab_size == len(VOCABULARY)
    moved = BytePairs(["<s>", *reversed(VOCABULARY)], PAIRS, special=["<s>", "<|endoftext|>"])
    assert moved.encode(["low"]).to_list() == [[len(VOCABULARY) - 257]] and moved.end == 1
    assert moved.special_ids == (0, 1) and tokenizer.special_ids == (END,)
    assert moved.decode([[0, 1, len(VOCABULARY) - 257]]).numpy().tolist() == [b"<s>low"]


def test_decode_skips_the_end_and_survives_foreign_ids(tokenizer):
    assert tokenizer.decode([[257, END, END], [0, 1, 2]]).numpy().tolist() == [b"low", b"\0\1\2"]
    assert tokenizer.decode([[END + 1, -1]]).numpy()[0].decode() == "\ufffd\ufffd"
    endless = BytePairs(VOCABULARY, PAIRS, end=None)
    assert endless.end is None and endless.decode([[257, END]]).numpy().tolist() == [b"low<|endoftext|>"]


def test_special_tokens_in_a_text_are_only_letters(tokenizer):
    ids, back = everything(tokenizer, ["low<|endoftext|>"])
    assert END not in ids[0] and len(ids[0]) == 14 and back == [b"low<|endoftext|>"]


@settings(max_examples=200, deadline=None)
@given(texts=st.lists(TEXT.map("".join), max_size=4))
def test_valid_text_comes_back_cut_as_by_plain_python(tokenizer, texts):
    ids, back = road(tokenizer)(tf.constant(texts, tf.string, [len(texts)]))
    assert back.numpy().tolist() == [text.encode() for text in texts]
    tokens = tokenizer.tokens
    assert [[tokens[i] for i in row] for row in ids.to_list()] == [reference.encode(text, RANKS) for text in texts]


def test_invalid_bytes_are_cut_like_punctuation(tokenizer):
    """Each byte that is no character stands for a sign; the merges know nothing of characters."""
    texts = [b"low\xff\xfelow", b" \x80.low", b"lo\xc3", b"\xc3\xc3\xa9"]
    assert tokenizer.pieces(texts).to_list() == [
        [b"low", b"\xff", b"\xfe", b"low"], [b" ", b"\x80", b".", b"low"], [b"lo", b"\xc3"], [b"\xc3", b"\xc3\xa9"],
    ]  # fmt: skip


def test_without_a_vocabulary_it_is_bytes():
    plain = BytePairs()
    assert plain.vocab_size == 257 and plain.end == 256
    assert plain.encode(["aé\0 "]).to_list() == [[97, 195, 169, 0, 32]]


def test_a_text_is_cut_alike_alone_and_in_any_batch(tokenizer):
    alone = [tokenizer.encode([text]).to_list()[0] for text in TEXTS]
    assert alone == tokenizer.encode(TEXTS).to_list()
    assert alone[::-1] == tokenizer.encode(TEXTS[::-1]).to_list()
    assert tokenizer.encode([]).to_list() == [] and tokenizer.decode([]).shape == (0,)


def test_eager_graph_and_pipeline_agree(tokenizer):
    expected = everything(tokenizer)
    ids, back = road(tokenizer)(tf.constant(TEXTS))
    assert ids.dtype == tf.int32 and (ids.to_list(), back.numpy().tolist()) == expected
    data = tf.data.Dataset.from_tensor_slices(TEXTS).batch(3).map(tokenizer.encode, num_parallel_calls=2)
    assert [row for batch in data for row in batch.to_list()] == expected[0]
    fixed = tf.function(tokenizer.encode)  # shapes known, texts constant or not
    assert fixed(tf.constant(TEXTS)).to_list() == expected[0]
    assert tf.function(lambda: tokenizer.encode(TEXTS))().to_list() == expected[0]


@pytest.mark.parametrize("unit", ["abc", "-", "你好", " ", "🙂", "the", "/////" + "-" * 9000])
def test_a_line_of_a_megabyte(tokenizer, unit):
    """Without a space; where dashes begin at the sixth place, no window agrees with its neighbour for a while."""
    text = (unit * (2**20 // len(unit.encode()) + 1)).encode()
    encode = road(tokenizer)
    encode(["warm up"])
    started = time.process_time()
    ids, back = encode([text])
    assert time.process_time() - started < 30  # one to four seconds
    assert back.numpy()[0] == text
    assert len(ids.to_list()[0]) < len(text) * 0.7 or unit in ("abc", "🙂")


class Holder(keras.Model):
    """A model with a tokenizer inside, as tasks have it."""

    def __init__(self, tokenizer, **options):
        super().__init__(**options)
        self.tokenizer = tokenizer
        self.scale = keras.layers.Dense(2)

    def build(self, shape):
        self.scale.build(shape)
        self.built = True

    def call(self, x):
        return self.scale(x)

    def get_config(self):
        return {"tokenizer": keras.saving.serialize_keras_object(self.tokenizer), "name": self.name}

    @classmethod
    def from_config(cls, config):
        return cls(keras.saving.deserialize_keras_object(config.pop("tokenizer")), **config)


@pytest.mark.parametrize("end", ["<|endoftext|>", "é </s>", None])
def test_the_keras_file_carries_vocabulary_and_merges(end, tmp_path):
    special = ["<|endoftext|>", "é </s>", "Ġ<"]  # in their own letters, not in those of bytes
    tokenizer = BytePairs(["é </s>", *VOCABULARY, "Ġ<"], PAIRS, special=special, end=end)
    model = Holder(tokenizer)
    model.build((None, 3))
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras", custom_objects={"Holder": Holder}).tokenizer
    assert type(again) is BytePairs and again.get_config() == tokenizer.get_config()
    assert again.tokens == tokenizer.tokens and (again.end, again.pad) == (tokenizer.end, None)
    assert again.tokens[0] == "é </s>".encode() and again.tokens[-1] == "Ġ<".encode()
    assert everything(again) == everything(tokenizer)


def test_learning_is_refused():
    with pytest.raises(NotImplementedError, match="Subwords.learn"):
        BytePairs.learn(["some text"])


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"vocabulary": VOCABULARY[1:]}, "all 256 bytes; 1 are missing"),
        ({"vocabulary": [*VOCABULARY, "a"]}, "1 of the vocabulary are repeated"),
        ({"vocabulary": VOCABULARY[:-1]}, "no special token '<|endoftext|>'"),
        ({"vocabulary": [*VOCABULARY, "a b"]}, "'a b' is neither"),
        ({"vocabulary": [*VOCABULARY, ""]}, "'' is neither"),
        ({"vocabulary": [*VOCABULARY, "</s>"], "end": "</s>"}, "one of the special tokens"),
        ({"vocabulary": VOCABULARY, "merges": [("a", "b")]}, r"\('a', 'b'\) does not"),
        ({"vocabulary": VOCABULARY, "merges": [("l",)]}, "a merge joins two tokens"),
    ],
)
def test_a_wrong_vocabulary_is_explained(options, reason):
    with pytest.raises(ValueError, match=reason):
        BytePairs(**options)


def test_names_are_public():
    assert tfllm.text.BytePairs is BytePairs
