"""Texts that end before END, and streaming in chunks."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tasks.text_generation.fading import fading
from tests.tasks.text_generation.letters import PROMPTS, endless
from tfllm.tasks import LanguageModel
from tfllm.text import START, Bytes, Words
from tfllm.text.cleaning import replace_invalid

pytestmark = pytest.mark.usefixtures("eager")


@pytest.mark.parametrize("stop", [["d"], ["fd", "g"], ["bg", "b", "hb"], "d", ["zz"]])
def test_texts_end_before_stop_strings(stop):
    lm = endless()
    whole = lm.generate(PROMPTS, max_length=40, temperature=2.0)
    stops = [stop] if isinstance(stop, str) else stop
    expected = []
    for prompt, text in zip(PROMPTS, whole, strict=True):
        output = text[len(prompt) :]
        ends = [end for end in range(len(output) + 1) if output[:end].endswith(tuple(stops))]
        cut = (
            output
            if not ends
            else output[: max(0, ends[0] - max(len(s) for s in stops if output[: ends[0]].endswith(s)))]
        )
        expected.append(prompt + cut)
    result = lm.generate(PROMPTS, max_length=40, temperature=2.0, stop=stop)
    assert result == expected and (result == whole) == (stop == ["zz"])
    for row, prompt in enumerate(PROMPTS[:1]):
        assert "".join(lm.stream(prompt, max_length=40, temperature=2.0, stop=stop)) == result[row]


def test_a_stop_string_ends_the_loop_early():
    lm, steps = endless(), []
    step = lm.model.step
    lm.model.step = lambda *inputs: steps.append(1) or step(*inputs)
    stop = lm.generate("a", max_new_tokens=1)[-1]
    steps.clear()
    assert lm.generate("a", max_length=40, stop=stop) == "a"
    assert len(steps) == 1


def test_stop_strings_between_words():
    lm = LanguageModel(fading(7, spread=0.0), Words(["one", "two", "six"]))
    lm.model.to_logits.bias.assign([0, 0, 0, -9, 0, 0, 0])
    options = {"max_new_tokens": 9, "temperature": 1.0}
    whole = lm.generate("one", **options)
    assert len(whole.split()) == 10 and {*whole[3:].split()} == {"one", "two", "six"}
    for stop in (" two", "o", "e t"):
        result = lm.generate("one", stop=stop, **options)
        assert result == "one" + whole[3:].split(stop)[0] == "".join(lm.stream("one", stop=stop, **options))


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.binary(max_size=12), st.text(max_size=6).map(lambda text: text.encode()[1:-1])))
def test_python_and_tensorflow_read_wrong_bytes_alike(data):
    """A stream is decoded by Python, the result of `generate` by TensorFlow."""
    assert replace_invalid(tf.constant([data])).numpy()[0].decode() == data.decode("utf-8", "replace")


def cycling(text):
    """A model of bytes that repeats `text`."""
    lm = LanguageModel(fading(260, width=260, spread=0.0), Bytes())
    data = [START, *(byte + 4 for byte in text.encode())]
    lm.model.embed.embeddings.assign(np.eye(260))
    follows = np.zeros((260, 260))
    for before, after in zip(data, [*data[1:], data[1]], strict=True):
        follows[before, after] = 10.0
    lm.model.to_logits.kernel.assign(follows)
    return lm


@pytest.mark.parametrize("size", range(1, 24))
def test_streamed_chunks_are_whole_characters(size):
    lm, text = cycling("é中😀a"), "é中😀a" * 4
    *pieces, last = lm.stream("", max_new_tokens=size)
    whole = text.encode()[:size]
    assert "".join(pieces) + last == whole.decode("utf-8", "replace") == lm.generate("", max_new_tokens=size)
    assert all(piece == "é中😀a"[i % 4] for i, piece in enumerate(pieces))


def test_a_stream_shows_each_character_when_it_is_complete():
    lm, shown = cycling("é中😀a"), []
    step = lm.model.step
    lm.model.step = lambda *inputs: shown.append(None) or step(*inputs)
    for piece in lm.stream("a", max_new_tokens=10):
        shown.append(piece)
    assert [sum(x is None for x in shown[: shown.index(c)]) for c in "aé中😀"] == [0, 2, 5, 9]


DECODINGS = st.fixed_dictionaries(
    {"seed": st.integers(0, 5), "max_length": st.integers(1, 24)},
    optional={
        "temperature": st.floats(0.3, 3.0), "repetition_penalty": st.floats(1.0, 2.0), "prefix": st.just("é"),
        "stop": st.lists(st.text(st.characters(max_codepoint=127), min_size=1, max_size=2), min_size=1, max_size=30),
    },
)  # fmt: skip
LOUD = LanguageModel(fading(260, 3, width=8), Bytes())


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(st.text(max_size=6), DECODINGS)
def test_streams_join_to_the_result_of_generate(prompt, decoding):
    pieces = list(LOUD.stream(prompt, **decoding))
    assert "".join(pieces) == LOUD.generate(prompt, **decoding) and all(pieces)
    beginning = prompt + decoding.get("prefix", "")
    assert pieces[:1] == ([beginning] if beginning else pieces[:1])
