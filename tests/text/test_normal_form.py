"""The normal form C against Python's unicodedata and Hugging Face's `tokenizers`."""

import random
import unicodedata

import pytest
import tensorflow as tf

from tfllm.text.bytepair.normal_form import NEWER, NormalFormC
from tfllm.text.code_points import points

NEW = points(NEWER)
MARKS = [point for point in range(0x110000) if unicodedata.combining(chr(point))]
DIVIDED = [point for point in range(0x110000) if unicodedata.normalize("NFD", chr(point)) != chr(point)]


@pytest.fixture(scope="module")
def compose():
    return tf.function(NormalFormC().__call__, input_signature=[tf.TensorSpec([None], tf.string)])


def random_texts(count):
    """Marks in any order, what they belong to, Hangul in parts; half of the texts from the same few characters."""
    draw = random.Random(1)
    seconds = [ord(unicodedata.normalize("NFD", chr(point))[-1]) for point in DIVIDED]
    groups = [MARKS, DIVIDED, seconds, range(0x1100, 0x1113), range(0x1161, 0x1176), range(0x11A7, 0x11C3),
              range(0xAC00, 0xAC00 + 300),
              [0x61, 0x41, 0x65, 0x20, 0x301, 0x323, 0x4E00, 0x300, 0x308, 0x30A]]  # fmt: skip
    for at in range(count):
        few = groups if at % 2 else groups[-1:]
        yield "".join(chr(draw.choice(draw.choice(few))) for _ in range(draw.randrange(14)))


def test_every_character_that_may_change(compose):
    texts = [chr(point) for point in (*DIVIDED, *MARKS, *range(0x3400)) if not NEW[point]]
    result = compose(tf.constant(texts)).numpy()
    assert [text.decode() for text in result] == [unicodedata.normalize("NFC", text) for text in texts]


def test_random_texts(compose):
    texts = [text for text in random_texts(5000) if not any(NEW[ord(character)] for character in text)]
    result = compose(tf.constant(texts)).numpy()
    assert len(texts) > 4000 and any(unicodedata.normalize("NFC", text) != text for text in texts)
    assert [text.decode() for text in result] == [unicodedata.normalize("NFC", text) for text in texts]


@pytest.mark.peers
def test_newer_marks_are_left_where_they_are(compose):
    """Those of Unicode 10 and later too, which `tokenizers` does not know."""
    normalize = pytest.importorskip("tokenizers").normalizers.NFC().normalize_str
    draw, newer = random.Random(2), [point for point in MARKS if NEW[point]]
    texts = ["".join(chr(draw.choice(draw.choice([newer, MARKS, [0x61]]))) for _ in range(6)) for _ in range(3000)]
    assert [text.decode() for text in compose(tf.constant(texts)).numpy()] == [normalize(text) for text in texts]


def test_a_text_in_normal_form_keeps_all_bytes(compose):
    texts = [b"\xff\xc3a", "Åé 한국어 中".encode(), b""]
    assert compose(tf.constant(texts)).numpy().tolist() == texts
    assert compose(tf.constant([], tf.string)).shape == (0,)
    assert compose(tf.constant([b"\xffA\xcc\x8a"])).numpy().tolist() == ["\ufffdÅ".encode()]
