"""Scores by attention weights: means, rollout, flow, alignments."""

import keras
import numpy as np
import pytest

from tests.explain.planted import PLACE, TEXT, planted, records
from tests.explain.test_generated_explanations import SOURCE, TARGET, made
from tests.reference.greatest_flow import greatest_flow
from tfllm import models
from tfllm.explain import attention_map
from tfllm.explain.methods import attention_weights
from tfllm.tasks import TextClassifier, TextClassifierConfig

pytestmark = pytest.mark.usefixtures("eager")


def weights(layers, size, causal=False, heads=2):
    found = np.random.default_rng(0).uniform(size=(layers, heads, size, size))
    found = np.tril(found) if causal else found
    return found / found.sum(-1, keepdims=True)


def test_rollout_is_a_product_of_layers():
    """Abnar & Zuidema 2020, eq. 1 and 2, one path at a time."""
    given = weights(2, 3)
    mean = 0.5 * given.mean(1) + 0.5 * np.eye(3)
    found = attention_weights.rollout(attention_weights.residual(given))
    for top in range(3):
        for token in range(3):
            wanted = sum(mean[1, top, middle] * mean[0, middle, token] for middle in range(3))
            np.testing.assert_allclose(found[top, token], wanted)
    np.testing.assert_allclose(found.sum(-1), 1)


@pytest.mark.parametrize("causal", [False, True])
def test_flow_by_augmenting_paths(causal):
    given = attention_weights.residual(weights(3, 4, causal))
    whole = np.zeros((16, 16), int)
    for layer in range(3):
        start = 4 * (layer + 1)
        whole[start : start + 4, start - 4 : start] = np.round(given[layer] * attention_weights.UNIT)
    for top in (1, 3):
        found = attention_weights.flow(given, top)
        wanted = [greatest_flow(whole, 12 + top, token) / attention_weights.UNIT for token in range(4)]
        np.testing.assert_allclose(found, wanted, atol=1e-9)


@pytest.mark.parametrize("method", ["attention", "attention_rollout", "attention_flow"])
@pytest.mark.parametrize("name", ["bert", "gpt", "big"])
def test_classifiers(name, method):
    found = planted(name).explain(TEXT, method=method, faithfulness=False)
    assert found.matrix.shape == (1, 5) and (found.matrix >= 0).all() and found.base is None
    assert found.scores.sum() < 1.0 + 1e-6 or method == "attention_flow"


@pytest.mark.slow
@pytest.mark.parametrize(
    "config, pooling",
    [(models.BERTConfig(16, 1, 16, 2, 32, pooling="first"), None), (models.GPTConfig(16, 1, 16, 2, 32), "last")],
    ids=["bert", "gpt"],
)
def test_the_cue_ranks_first_where_the_model_must_look_at_it(config, pooling):
    """The vector of the text is that of a special token, which knows of the cue by its attention alone."""
    keras.utils.set_random_seed(1)
    texts, labels = records(256)
    task = TextClassifier.from_text(texts, labels, TextClassifierConfig("words", model=config, pooling=pooling))
    task.compile(keras.optimizers.Adam(1e-2))
    task.fit(texts, labels, epochs=6, batch_size=32, verbose=0)
    assert [found["label"] for found in task.classify(texts, verbose=0)] == labels
    for method in ("attention", "attention_rollout", "attention_flow"):
        scores = task.explain(TEXT, method=method, faithfulness=False).scores
        assert scores.argmax() == PLACE and scores[PLACE] > 0.9 * scores.sum()


def test_layers_and_heads():
    task = planted("bert")
    ids = task.read(np.array([TEXT]))[0]["token_ids"].to_tensor()
    wanted = task.encoder.attention(ids)["layer1"].numpy()[0]  # [H, T, T]
    for head, found in ((1, wanted[0]), (2, wanted[1]), (None, wanted.mean(0))):
        one = task.explain(TEXT, method="attention", layer=1, head=head, faithfulness=False)
        np.testing.assert_allclose(one.scores, found.mean(0)[1:-1], rtol=1e-5)
    with pytest.raises(ValueError, match="head must be between 1 and 2; got 3"):
        task.explain(TEXT, method="attention", head=3)


@pytest.mark.parametrize("name", ["transformer", "rnn", "copying"])
def test_alignments_of_encoder_decoders(name):
    found = made(name).explain(SOURCE, target=TARGET, method="attention", layer=1)
    weights = attention_map(made(name), SOURCE, TARGET, layer=1).weights.mean(0)  # [T, S], the END of the source too
    sources = [n for n, token in enumerate(found.tokens) if token.part == "source"]
    np.testing.assert_allclose(found.matrix[:, sources], weights[:, :-1], rtol=1e-5)
    assert not np.delete(found.matrix, sources, axis=1).any()
    if name != "transformer":
        with pytest.raises(ValueError, match="a Seq2SeqRNN has no attention among the tokens of its text"):
            made(name).explain(SOURCE, target=TARGET, method="attention_flow")


def test_a_language_model_looks_back():
    found = made("gpt").explain("a dog", target=" sat", method="attention_rollout").matrix
    for k in range(4):
        assert not found[k, 5 + k :].any() and found[k, : 5 + k].all()


def test_models_without_attention():
    for name in ("cnn", "lstm"):
        with pytest.raises(ValueError, match="has no attention among the tokens of a text"):
            planted(name).explain(TEXT, method="attention")
    with pytest.raises(ValueError, match="a LSTMLanguageModel has no attention"):
        made("lstm").explain("a dog", target=" sat", method="attention")
