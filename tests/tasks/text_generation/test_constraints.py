"""choices, pattern, json_schema of generate, streams and SavedModels; errors."""

import json
import re

import pytest

from tests import zoo
from tests.tasks.text_generation.fading import fading
from tfllm.serving.served_model import ServedModel
from tfllm.tasks import Continuation, LanguageModel
from tfllm.text import Bytes

SCHEMA = {"type": "object", "properties": {"name": {"type": "string", "maxLength": 4}, "age": {"type": "integer"}},
          "required": ["name", "age"]}  # fmt: skip
PROMPTS = ["is it?", "", "é"]


@pytest.fixture(scope="module")
def lm():
    return LanguageModel(fading(260, spread=0.3), Bytes(), length=64)


def added(prompts, texts):
    return [text.removeprefix(prompt) for prompt, text in zip(prompts, texts, strict=True)]


def test_answers_are_choices_matches_or_json(lm):
    assert set(added(PROMPTS, lm.generate(PROMPTS, choices=["yes", "no"]))) <= {"yes", "no"}
    sampled = lm.generate("is it?", choices=["yes", "no"], temperature=1.0, num_return_sequences=40, seed=2)
    assert set(added(["is it?"] * 40, sampled)) == {"yes", "no"}
    options = {"temperature": 1.0, "max_new_tokens": 40, "seed": 3}
    for text in added(PROMPTS, lm.generate(PROMPTS, pattern=r"(\d{2}-)+[a-f]", **options)):
        assert re.fullmatch(r"(\d{2}-)+[a-f]", text)
    for text in added(PROMPTS, lm.generate(PROMPTS, json_schema=SCHEMA, **options)):
        assert json.loads(text).keys() == {"name", "age"}


def test_a_stream_joins_to_the_text(lm):
    options = {"pattern": "[a-e]{5,9}", "max_new_tokens": 12}
    assert "".join(lm.stream("ab", **options)) == lm.generate("ab", **options)


@pytest.mark.slow
def test_a_saved_model_and_xla_write_the_same(lm, tmp_path):
    options = {"json_schema": json.dumps(SCHEMA), "max_length": 50}
    expected = lm.generate(PROMPTS, **options)
    model = ServedModel(lm.export(tmp_path, Continuation(**options)))  # checks the operations
    for signature in model.signatures.values():
        assert [text.decode() for text in signature([PROMPTS], {})["text"]] == expected
    assert lm.generate(PROMPTS, **options, jit_compile=True) == expected


@pytest.mark.parametrize(
    "options, message",
    [
        ({"choices": ["a"], "pattern": "a"}, "choices and pattern cannot be combined"),
        ({"choices": ["a"], "beam_width": 2}, "choices needs greedy decoding or sampling"),
        ({"pattern": "a", "stop": ["b"]}, "pattern needs greedy decoding or sampling"),
        ({"choices": [""]}, "choices must be a tuple of strings that are not empty"),
        ({"json_schema": "{"}, "the JSON schema cannot be used"), ({"pattern": "(a"}, "pattern '\\(a' cannot be used"),
    ],
)  # fmt: skip
def test_wrong_options(lm, options, message):
    with pytest.raises(ValueError, match=message):
        lm.generate("a", **options)


def test_models_that_take_no_constraint():
    with pytest.raises(ValueError, match="needs a tokenizer whose tokens are pieces of the text.*this is a Words"):
        zoo.made("dialogue of one stream").generate("hello", choices=["yes"])
    with pytest.raises(ValueError, match="choices needs a causal model"):
        zoo.made("dialogue of pairs").generate("hello", choices=["yes"])
