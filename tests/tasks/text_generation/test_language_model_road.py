"""Language models: greedy search against a naive loop, and every decoding in Python, compiled and served."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.conftest import eagerly
from tests.layers.parts import scatter
from tests.tasks.text_generation.fading import fading
from tfllm.export import export
from tfllm.models.big_language_model import BigLanguageModel
from tfllm.models.gpt import GPT
from tfllm.models.lstm_language_model import LSTMLanguageModel
from tfllm.tasks import Continuation, LanguageModel
from tfllm.tasks.text_generation.decoding import split
from tfllm.text import END, PAD, START, UNKNOWN, Bytes, Characters

LETTERS = list("abcdefghijklmnopqrstuvwxyzé中 ")
PROMPTS = ["abc", "", "the quick brown", "é中", "zz top"]
MODELS = {
    "gpt": lambda size: GPT(size, 40, 1, 16, 2, rate=0.0),
    "rotary gpt": lambda size: GPT(size, None, 1, 16, 4, positions="rotary", num_kv_heads=2, tied=False),
    "lstm": lambda size: LSTMLanguageModel(size, 8, 12, num_layers=2),
    "big rnn": lambda size: BigLanguageModel(size, 8, 16, 1, "rnn", "gru", num_heads=2),
    "big cnn": lambda size: BigLanguageModel(size, 8, 16, 2, "cnn", num_heads=2),
}
SAMPLED = {"temperature": 0.9, "top_k": 12, "top_p": 0.95, "min_p": 0.02, "seed": 3, "max_length": 24}


def made(name):
    keras.utils.set_random_seed(0)
    tokenizer = Characters(LETTERS)
    return LanguageModel(scatter(MODELS[name](tokenizer.vocab_size)), tokenizer)


def naive(lm, prompt, limit):
    """Greedy, one full forward pass for each token, no state: argmax among what may be written."""
    ids = lm.prepare([prompt]).to_list()[0]
    new = []
    while len(ids) + len(new) < limit and END not in new:
        logits = np.array(lm(np.array([ids + new])))[0, -1]
        logits[[PAD, UNKNOWN, START]] = -np.inf
        new.append(int(logits.argmax()))
    return prompt + lm.tokenizer.decode([new]).numpy()[0].decode()


def served(model, signature="serving_default", texts=PROMPTS, **scalars):
    signature = model.signatures[signature]
    kinds = signature.structured_input_signature[1]
    scalars = {name: tf.constant(value, kinds[name].dtype) for name, value in scalars.items()}
    return [text.decode() for text in signature(texts=tf.constant(texts), **scalars)["text"].numpy()]


@pytest.mark.parametrize("name", MODELS)
def test_greedy_equals_the_naive_loop(name, eager):
    lm, prompts = made(name), ["abc", "", "é中"]
    assert lm.generate(prompts, max_length=14) == [naive(lm, prompt, 14) for prompt in prompts]


WRITTEN = ("serving_default", "n_best")  # `sample` is tested in tests/test_roads.py, XLA below
DECODINGS = {
    "greedy": {},
    "sampling": {"temperature": 0.8, "top_k": 30, "top_p": 0.9, "typical_p": 0.95, "seed": 7},
    "rules": {
        "repetition_penalty": 1.3, "no_repeat_ngram_size": 3, "bad_words": ("e", "th"), "prefix": "so ", "stop": ("k",),
        "allowed_scripts": ("Latin",), "refused": ("ZZ top",), "refusal": "No.",
    },
    "beams": {"beam_width": 3, "repetition_penalty": 1.2},
    "contrastive": {"penalty_alpha": 0.6, "top_k": 4},
}  # fmt: skip


@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.slow) if n == "beams" else n for n in DECODINGS])
def test_every_decoding_is_the_same_compiled_and_served(name, tmp_path):
    lm = LanguageModel(fading(260, 4, width=8), Bytes())
    options = DECODINGS[name] | {"max_new_tokens": 9}
    decoding = Continuation(**options)
    with eagerly():
        output = lm.generate(PROMPTS, **options)
    assert len(set(output)) == len(PROMPTS) and (output[-1] == "No.") == (name == "rules")
    assert lm.generate(PROMPTS, **options) == output
    signatures = lm.signatures(decoding)
    expected = {"serving_default", *({"n_best"} if name == "beams" else {"serving_xla", "sample"})}
    assert set(signatures) == expected - ({"sample"} if name == "contrastive" else set())
    path = export(lm, tmp_path, {name: signatures[name].served for name in signatures if name in WRITTEN})
    model = tf.saved_model.load(path)
    assert served(model) == output
    assert model.signatures["serving_default"](tf.constant([], tf.string))["text"].shape == (0,)
    if name == "beams":
        best = model.signatures["n_best"](tf.constant(PROMPTS))
        assert best["text"].shape == best["score"].shape == (5, 3)
        assert [row[0].decode() for row in best["text"].numpy()] == output
        scores = [[score for _, score in row] for row in lm.generate(PROMPTS, n_best=3, **options)]
        np.testing.assert_allclose(best["score"], scores, rtol=1e-5)  # finished ones first, and each part in order


def expected_text(lm, text, decoding):
    """The text generated without any cached function."""
    return lm.answer(tf.constant([text]), decoding)["text"].numpy()[0].decode("utf-8", "replace")


def test_one_function_serves_prompts_of_all_sizes():
    lm = LanguageModel(fading(260, 4, width=8), Bytes())
    run = lm.search(1, split(Continuation(max_length=30))[0], False)
    for size in (1, 2, 5):
        lm.generate(["ab" * size] * size, max_length=30 + size)
    assert run is lm.search(1, split(Continuation(max_length=30))[0], False)
    assert run.compiled.experimental_get_tracing_count() == 1
    draw = {"max_length": 30, "temperature": 1.0}
    for seed in (0, 7, 2**40):
        pieces = "".join(lm.stream("ab", seed=seed, **draw))
        assert (
            pieces == lm.generate("ab", seed=seed, **draw) == expected_text(lm, "ab", Continuation(seed=seed, **draw))
        )


@pytest.mark.slow
def test_xla_gives_the_same(tmp_path):
    lm = made("gpt")
    output = lm.generate(PROMPTS, max_length=24)
    drawn = lm.generate(PROMPTS[:3], num_return_sequences=2, **SAMPLED)
    assert lm.generate(PROMPTS, max_length=24, jit_compile=True) == output
    assert lm.generate(PROMPTS[:3], num_return_sequences=2, jit_compile=True, **SAMPLED) == drawn
    model = tf.saved_model.load(lm.export(tmp_path, Continuation(max_length=24)))
    assert served(model, "serving_xla") == output
    assert model.signatures["serving_xla"](tf.constant([], tf.string))["text"].shape == (0,)
