"""WordPieces: BERT's ids, equal to plain Python on any text; special tokens; the same wherever it runs; learning."""

import functools
import itertools
import time

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

import tfllm
from tests.reference import word_pieces as reference
from tests.text.test_tokenizer import Holder
from tfllm.text import WordPieces

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
LEARNED = [
    "un", "##aff", "##able", "##a", "##f", "##b", "the", "dog", "##s", "a", "b", "cafe", "café", "##e", "Dog", "É",
    "中", "文", "##文", "가", "##가", "\u1100\u1161", "!", ",", "[", "]", "mask", "##-", "strasse", "straße", "ï", "i",
    "##i", "σ", "##σ", "##\u0301", "e", "n", "##n", "aaa", "##aaaa", "\u0301", "=", "/",
]  # fmt: skip
VOCABULARY = [*SPECIAL[:3], *LEARNED[:20], *SPECIAL[3:], *LEARNED[20:]]
OPTIONS = [
    dict(zip(("lowercase", "strip_accents", "chinese"), values, strict=True))
    for values in itertools.product([True, False], [None, True, False], [True, False])
]
TEXTS = [
    "Unaffable, the dogs!", "", "café CAFÉ cafe\u0301 É", "中文dog中\u0301", "가가 각", "x" * 101 + " a", "a" * 101,
    "a" * 100, "d\u200bog\0\ufffd the\u00a0\u3000dog", "straße STRASSE İi ΣΣ", "[MASK] [mask]", "##able ##",
    "≠ ü=\u0338", "e\u0301n\u0316\u0301", "\ue000a\u00adb", b"\xff\xfe dog\xc3 \xe4\xbd".decode("utf-8", "replace"),
]  # fmt: skip
OLD = st.one_of([st.characters(min_codepoint=low, max_codepoint=high, exclude_categories=["Cn", "Cs"])
                 for low, high in reference.OLD])  # fmt: skip
SIGNS = st.sampled_from([*LEARNED, *SPECIAL, " ", "#", "un", "aff", "a" * 97, "\u0301", "İ", "각", "\u00a0"])
TEXT = st.lists(st.one_of(SIGNS, st.text(OLD, max_size=4)), max_size=8).map("".join)


@functools.cache
def made(**options):
    """The tokenizer and its road, texts -> (ids, the text that comes back), as one graph."""
    tokenizer = WordPieces(VOCABULARY, **options)

    def there_and_back(texts):
        ids = tokenizer.encode(texts)
        return ids, tokenizer.decode(ids)

    return tokenizer, tf.function(there_and_back, input_signature=[tf.TensorSpec([None], tf.string)])


@pytest.fixture(scope="module")
def tokenizer():
    return made()[0]


def everything(tokenizer, texts=TEXTS):
    ids = tokenizer.encode(texts)
    return ids.to_list(), tokenizer.decode(ids).numpy().tolist()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Unaffable", "un ##aff ##able"),
        ("unaffablef.", "un ##aff ##able ##f [UNK]"),
        ("unknown dogs", "[UNK] dog ##s"),
        ("CAFÉ,dog", "cafe , dog"),
        ("中文dog", "中 文 dog"),
        ("가", "\u1100\u1161"),  # taken apart with the accents
        ("a\u200bb", "a ##b"),
        ("a b", "a b"),
        ("x" * 101, "[UNK]"),
    ],
)
def test_by_hand(tokenizer, text, expected):
    assert [piece.decode() for piece in tokenizer.pieces([text]).to_list()[0]] == expected.split()


def test_ids_are_the_places_in_the_file(tokenizer):
    assert tokenizer.tokens == [token.encode() for token in VOCABULARY]
    assert (tokenizer.pad, tokenizer.unknown, tokenizer.start, tokenizer.end, tokenizer.mask) == (0, 1, 2, 23, 24)
    assert tokenizer.special_ids == (0, 1, 2, 23, 24)
    assert tokenizer.continues.numpy().tolist() == [token.startswith("##") for token in VOCABULARY]
    assert tokenizer.encode(["un"]).to_list() == [[3]]


@pytest.mark.parametrize("options", OPTIONS[::3] + OPTIONS[-1:], ids=str)
def test_options_are_as_in_plain_python(options):
    tokens = [[VOCABULARY[i] for i in row] for row in WordPieces(VOCABULARY, **options).encode(TEXTS).to_list()]
    assert tokens == [reference.encode(text, VOCABULARY, **options) for text in TEXTS]


@settings(max_examples=100, deadline=None)
@given(texts=st.lists(TEXT, max_size=4), options=st.sampled_from([OPTIONS[0], OPTIONS[6]]))
def test_any_text_is_cut_as_by_plain_python(texts, options):
    ids = made(**options)[1](tf.constant(texts, tf.string, [len(texts)]))[0]
    tokens = [[VOCABULARY[i] for i in row] for row in ids.to_list()]
    assert tokens == [reference.encode(text, VOCABULARY, **options) for text in texts]


@settings(max_examples=50, deadline=None)
@given(texts=st.lists(st.binary(max_size=20), max_size=4))
def test_bytes_that_are_no_utf8_are_dropped(texts):
    encode = made()[1]
    clean = [text.decode("utf-8", "ignore") for text in texts]
    right = [text.replace(b"\xff", b"") for text in texts]  # the others ICU and Python may count differently
    result = encode(tf.constant(right, tf.string, [len(texts)]))[0]
    assert result.to_list() == encode(tf.constant(clean, tf.string, [len(texts)]))[0].to_list()


def test_special_tokens_in_a_text_are_letters_or_on_request_themselves(tokenizer):
    texts = ["a [MASK]dog[SEP]", "[mask] [MASK", "[MASK][MASK]", "un[MASK]able", "[PAD]"]
    assert not np.isin(tokenizer.encode(texts).flat_values, tokenizer.special_ids[2:]).any()
    pieces = [[VOCABULARY[i] for i in row] for row in tokenizer.encode(texts, special=True).to_list()]
    assert pieces == [
        ["a", "[MASK]", "dog", "[SEP]"], ["[", "mask", "]", "[", "mask"], ["[MASK]", "[MASK]"],
        ["un", "[MASK]", "a", "##b", "[UNK]"][:2] + reference.pieces("able", VOCABULARY), ["[PAD]"],
    ]  # fmt: skip
    assert tokenizer.encode(TEXTS, special=True)[0].numpy().tolist() == tokenizer.encode(TEXTS)[0].numpy().tolist()
    assert tokenizer.encode(["[MA", "SK]"], special=True).to_list() == tokenizer.encode(["[MA", "SK]"]).to_list()


def test_decode_joins_pieces_and_skips_special_ids(tokenizer):
    ids = [*tokenizer.encode(["Unaffable, dogs!"]).to_list()[0]]
    row = [tokenizer.start, *ids, tokenizer.mask, tokenizer.end, tokenizer.pad]
    assert tokenizer.decode([row]).numpy()[0] == b"unaffable , dogs ! [MASK]"
    assert tokenizer.decode([[tokenizer.unknown, -1, 10**6], [5]]).numpy().tolist() == [
        "\ufffd \ufffd \ufffd".encode(), b"##able",
    ]  # fmt: skip


def test_a_text_is_cut_alike_alone_and_in_any_batch(tokenizer):
    alone = [tokenizer.encode([text]).to_list()[0] for text in TEXTS]
    assert alone == tokenizer.encode(TEXTS).to_list()
    assert alone[::-1] == tokenizer.encode(TEXTS[::-1]).to_list()
    assert tokenizer.encode([]).to_list() == [] and tokenizer.decode([]).shape == (0,)
    assert tokenizer.encode(["", " "]).to_list() == [[], []]


def test_eager_graph_and_pipeline_agree(tokenizer):
    expected = everything(tokenizer)
    ids, back = made()[1](tf.constant(TEXTS))
    assert ids.dtype == tf.int32 and (ids.to_list(), back.numpy().tolist()) == expected
    data = tf.data.Dataset.from_tensor_slices(TEXTS).batch(3).map(tokenizer.encode, num_parallel_calls=2)
    assert [row for batch in data for row in batch.to_list()] == expected[0]
    assert tf.function(lambda: tokenizer.encode(TEXTS))().to_list() == expected[0]


@pytest.mark.parametrize("unit", ["un", "dog ", "[", "中", "가", "a\u0301"])
def test_a_line_of_a_megabyte(tokenizer, unit):
    encode = made()[1]
    encode(["warm up"])
    started = time.process_time()
    encode([unit * (2**20 // len(unit.encode()))])
    assert time.process_time() - started < 20  # half a second to two


def test_the_keras_file_carries_vocabulary_and_options(tmp_path):
    tokenizer = WordPieces(["<p>", *VOCABULARY], False, True, False, names=["<p>", *SPECIAL[1:], "dog"])
    model = Holder(tokenizer)
    model.build((None, 3))
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras", custom_objects={"Holder": Holder}).tokenizer
    assert type(again) is WordPieces and again.get_config() == tokenizer.get_config()
    assert again.tokens == tokenizer.tokens and again.special_ids == (0, 2, 3, 24, 25, VOCABULARY.index("dog") + 1)
    assert everything(again) == everything(tokenizer) != everything(made()[0])


@pytest.mark.parametrize(
    ("vocabulary", "reason"),
    [
        ("abc", "one string"),
        ([5], "got 5"),
        ([b"\xe4\xbd"], "valid UTF-8"),
        (["a", "b"], r"no special token '\[PAD\]'"),
        ([*VOCABULARY, "a"], "1 of the vocabulary are repeated"),
        ([*VOCABULARY, "a\nb"], "a line break"),
    ],
)
def test_a_wrong_vocabulary_is_explained(vocabulary, reason):
    with pytest.raises(ValueError, match=reason):
        WordPieces(vocabulary)


CORPUS = ["The dogs run, the dogs sleep.", "Dogs bark; die Hunde schlafen!", "学习中文", "Café"] * 20


@pytest.fixture(scope="module")
def learned():
    return WordPieces.learn(CORPUS, vocab_size=110)


def test_a_learned_vocabulary_cuts_its_text_and_new_words_of_its_letters(learned):
    tokens = [token.decode() for token in learned.tokens]
    assert tokens[:5] == SPECIAL and len(set(tokens)) == len(tokens) <= 110
    assert {"the", "dogs", "学", ".", ";"} <= set(tokens) and "##学" not in tokens and "##." not in tokens
    assert learned.unknown not in learned.encode(CORPUS).flat_values.numpy()
    assert learned.unknown not in learned.encode(["hundesleep undfe sgod"]).flat_values.numpy()
    assert learned.encode(["the dogs"]).to_list() == [[tokens.index("the"), tokens.index("dogs")]]
    assert learned.encode(["xyz"]).to_list() == [[learned.unknown]]


def test_learning_takes_datasets_repeats_and_keeps_its_options(learned):
    again = WordPieces.learn(tf.data.Dataset.from_tensor_slices(CORPUS), vocab_size=110)
    assert again.tokens == learned.tokens and again.get_config() | {"name": ""} == learned.get_config() | {"name": ""}
    cased = WordPieces.learn(CORPUS, vocab_size=150, lowercase=False)
    assert {b"T", b"Dogs", "##é".encode(), "学".encode()} <= set(cased.tokens)
    assert cased.vocab_size <= 150


def test_what_cannot_be_learned_is_explained(caplog):
    with pytest.raises(ValueError, match="more than the 5 special tokens, got 5"):
        WordPieces.learn(CORPUS, vocab_size=5)
    with pytest.raises(ValueError, match="no text"):
        WordPieces.learn([" ", "\0"])
    with pytest.raises(ValueError, match="one string"):
        WordPieces.learn("text")
    few = WordPieces.learn(["a a"], vocab_size=10)
    assert few.tokens[5:] == [b"a"] and "6 of the 10 tokens" in caplog.text


def test_names_are_public():
    assert tfllm.text.WordPieces is WordPieces
