"""What all tokenizers share: one result everywhere they run, saving, special ids, errors."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfllm
from tfllm.text import END, PAD, START, UNKNOWN, Bytes, Characters, Segments, Subwords, Words

TEXTS = [
    "A dog runs over the meadow.", "", "Ein Hund rennt über die Wiese!", "  two  spaces\tand a tab\n", "你好，世界 🙂",
    "<pad> </s> <0x41> ▁ e\u0301 \0 İ", b"\xff\xfe not \xc3 utf-8 \x80",
]  # fmt: skip
LEARNED = ["a dog runs over the meadow over there .", "ein Hund rennt über die Wiese !", "你好 世界", "A A"] * 5
MAKERS = {
    "subwords": lambda: Subwords.learn(LEARNED, vocab_size=300),
    "lower": lambda: Subwords.learn(LEARNED, vocab_size=300, lowercase=True),
    "words": lambda: Words.learn(LEARNED),
    "joined": lambda: Words(["a@@", "dog", "Hund"], split="whitespace", continuation="@@"),
    "segments": lambda: Segments.learn(LEARNED, dictionary={"世界": 3}, characters={"，": ","}),
    "characters": lambda: Characters.learn(LEARNED, vocab_size=30, lowercase=True),
    "bytes": lambda: Bytes(),
}


@pytest.fixture(scope="module", params=MAKERS)
def tokenizer(request):
    return MAKERS[request.param]()


def everything(tokenizer, texts=TEXTS):
    ids = tokenizer.encode(texts)
    return ids.to_list(), tokenizer.decode(ids).numpy().tolist()


def test_ids_are_in_the_vocabulary_and_never_special(tokenizer):
    ids = tokenizer.encode(TEXTS)
    assert ids.dtype == tf.int32 and ids.shape.rank == 2 and ids.nrows() == len(TEXTS)
    flat = ids.flat_values.numpy()
    assert flat.max() < tokenizer.vocab_size == len(tokenizer.tokens)
    assert not np.isin(flat, [PAD, START, END]).any()
    assert ids[1].numpy().tolist() == []


def test_a_text_is_cut_alike_alone_and_in_any_batch(tokenizer):
    alone = [tokenizer.encode([text]).to_list()[0] for text in TEXTS]
    assert alone == tokenizer.encode(TEXTS).to_list()
    assert alone[::-1] == tokenizer.encode(TEXTS[::-1]).to_list()
    assert tokenizer.encode([]).to_list() == [] and tokenizer.decode([]).shape == (0,)


def test_eager_graph_and_pipeline_agree(tokenizer):
    expected = everything(tokenizer)
    graph = tf.function(lambda texts: tokenizer.encode(texts))
    data = tf.data.Dataset.from_tensor_slices(TEXTS).batch(3).map(tokenizer.encode, num_parallel_calls=2)
    assert graph(tf.constant(TEXTS)).to_list() == expected[0]
    assert [row for batch in data for row in batch.to_list()] == expected[0]
    decode = tf.function(tokenizer.decode, input_signature=[tf.TensorSpec([None, None], tf.int32)])
    assert decode(tokenizer.encode(TEXTS).to_tensor(PAD)).numpy().tolist() == expected[1]


@pytest.mark.slow
def test_a_tokenizer_made_inside_a_graph_lives_on(tokenizer):
    made = []

    @tf.function
    def make(texts):
        made.append(type(tokenizer).from_config(json.loads(json.dumps(tokenizer.get_config()))))
        return made[-1].encode(texts)

    make(tf.constant(TEXTS))
    assert everything(made[0]) == everything(tokenizer)


def test_pieces_are_the_tokens_of_the_ids(tokenizer):
    pieces = tokenizer.pieces(TEXTS).to_list()
    ids = tokenizer.encode(TEXTS).to_list()
    assert pieces == [[tokenizer.tokens[i] for i in row] for row in ids]


def test_decode_skips_special_ids_and_survives_foreign_ones(tokenizer):
    first = len(tokenizer.fixed) if type(tokenizer) is not Bytes else 70
    word = tokenizer.decode([[first]]).numpy()[0]
    assert tokenizer.decode([[PAD, START, first, END, PAD], [PAD] * 5]).numpy().tolist() == [word, b""]
    gap = b" " if isinstance(tokenizer, (Words, Segments)) else b""
    unknown = "\ufffd".encode()
    strange = [[UNKNOWN, tokenizer.vocab_size, -1, 2**31 - 1]]
    assert tokenizer.decode(strange).numpy().tolist() == [gap.join([unknown] * 4)]
    assert tokenizer.decode(tf.constant([[first]], tf.int64)).numpy().tolist() == [word]


def test_wrong_input_is_explained(tokenizer):
    for texts in ("one string", [["nested"]], [1, 2]):
        with pytest.raises(ValueError, match=r"encode takes strings of shape \[B\]"):
            tokenizer.encode(texts)
    for token_ids in (tf.constant([1, 2]), tf.constant([[1.0]]), tf.constant([["a"]])):
        with pytest.raises(ValueError, match=r"decode takes integers of shape \[B, T\]"):
            tokenizer.decode(token_ids)


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


def test_the_keras_file_carries_the_vocabulary(tokenizer, tmp_path):
    model = Holder(tokenizer)
    model.build((None, 3))
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras", custom_objects={"Holder": Holder}).tokenizer
    assert type(again) is type(tokenizer) and again.get_config() == tokenizer.get_config()
    assert again.tokens == tokenizer.tokens
    assert everything(again) == everything(tokenizer)


@pytest.mark.parametrize("learned", ["", "[1]", "{", "[" * 99999, None, 3])
def test_a_broken_vocabulary_is_told(learned):
    with pytest.raises(ValueError, match='^Words: "learned" in its config is not a JSON object'):
        Words.from_config({"learned": learned})


def test_files_of_the_first_version_are_read(tokenizer, tmp_path):
    """Their configs had the options alone; the vocabulary was an asset."""
    config = tokenizer.get_config()
    learned = json.loads(config.pop("learned"))
    (tmp_path / "vocabulary.json").write_text(json.dumps(learned.pop("vocabulary", [])), encoding="utf-8")
    (tmp_path / "dictionary.json").write_text(json.dumps(learned), encoding="utf-8")
    again = type(tokenizer).from_config(config)
    again.load_assets(str(tmp_path))
    assert everything(again) == everything(tokenizer)


@pytest.mark.parametrize("kind", [Subwords, Words, Segments, Characters])
def test_a_vocabulary_can_be_given(kind):
    tokenizer = kind(vocabulary=["é", "ß".encode(), "字"])
    start = len(kind.fixed)
    assert tokenizer.tokens[start:] == ["é".encode(), "ß".encode(), "字".encode()]
    assert tokenizer.encode(["字", "é"]).to_list() == [[start + 2], [start]]


@pytest.mark.parametrize(
    ("vocabulary", "reason"),
    [
        ("abc", "one string"),
        ([""], "non-empty"),
        ([5], "got 5"),
        (["é"] * 2, "unique"),
        ([b"\xe4\xbd"], "UTF-8"),
    ],
)
@pytest.mark.parametrize("kind", [Subwords, Words, Segments, Characters])
def test_a_wrong_vocabulary_is_explained(kind, vocabulary, reason):
    with pytest.raises(ValueError, match=reason):
        kind(vocabulary)


def test_names_are_public():
    assert tfllm.text.Subwords is Subwords
