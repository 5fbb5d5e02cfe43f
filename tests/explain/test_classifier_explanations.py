"""`explain` of classifiers: the planted cue by every method on every model, gradients by differences, completeness."""

from functools import cache

import keras
import numpy as np
import pytest

from tests.explain.planted import MODELS, PLACE, TEXT, planted, records
from tests.reference.shapley_values import shapley_values
from tests.zoo import classifier, pairs_classifier
from tfllm import models, tasks
from tfllm.explain.methods.embedding_rows import rows_of
from tfllm.explain.subjects.classifier_subject import ClassifierSubject
from tfllm.layers.pretrained_embedding import PretrainedEmbedding, replace_embedding

pytestmark = pytest.mark.usefixtures("eager")
QUICK = ("gradient_x_input", "integrated_gradients", "smoothgrad", "occlusion", "shapley")


@pytest.fixture(scope="module", params=MODELS)
def name(request):
    return request.param


def test_the_cue_decides_the_labels(name):
    texts, labels = records(32, seed=9)
    assert [found["label"] for found in planted(name).classify(texts, verbose=0)] == labels


@pytest.mark.parametrize("method", QUICK)
def test_the_planted_cue_ranks_first(name, method):
    found = planted(name).explain(TEXT, method=method, target="yes", faithfulness=False)
    assert [token.text for token in found.tokens] == TEXT.split()
    assert found.scores.argmax() == PLACE and found.scores[PLACE] > 0
    if found.base is not None:
        assert found.error < 0.01
        np.testing.assert_allclose(found.scores.sum(), found.value - found.base, rtol=0.01)


def test_gradients_are_differences_of_the_embedding(name):
    """A word that occurs once: its row of the table is moved, and the score follows the gradient."""
    task = planted(name)
    subject = ClassifierSubject.of(task, [TEXT], "yes")
    (x,) = subject.vectors()
    (slope,) = subject.gradients([x[None]], np.ones((1, 1)))[1]
    embed = task.encoder.embed
    before, step = embed.embeddings.numpy(), 1e-2 * np.random.default_rng(0).normal(size=x.shape[1])
    values = []
    for sign in (1, -1):
        moved = before.copy()
        moved[task.tokenizer.tokens.index(b"why")] += sign * step
        embed.embeddings.assign(moved)
        values.append(subject.values(np.ones((1, 5), bool))[0, 0])
    embed.embeddings.assign(before)
    assert values[0] != values[1]
    np.testing.assert_allclose((values[0] - values[1]) / 2, slope[0, PLACE] @ step, rtol=0.02, atol=1e-5)


def test_an_explanation_is_the_same_in_a_batch_and_alone():
    task, texts = planted("gpt"), ["red why", "dog", "one why dog"]
    for method in ("integrated_gradients", "occlusion"):
        for one, text in zip(task.explain(texts, method=method, orders=1), texts, strict=True):
            alone = task.explain(text, method=method, orders=1)
            np.testing.assert_array_equal(one.matrix, alone.matrix)
            np.testing.assert_array_equal(one.faithfulness.own.deletion, alone.faithfulness.own.deletion)


def linear():
    """logits = W mean(x) + b: all scores are known."""
    task = classifier(model=models.MeanOfVectorsConfig(8))[0]
    task.head.bias.assign(np.linspace(-1, 1, task.head.bias.shape[0]))
    return task


@pytest.mark.parametrize("method", ["gradient_x_input", "integrated_gradients", "smoothgrad"])
def test_gradients_of_a_linear_model(method):
    task = linear()
    found = task.explain("a red dog", method=method, target="cat", score="logit")
    x = rows_of(task.encoder.embed, task.tokenizer.encode(["a red dog"])[0])
    np.testing.assert_allclose(found.scores, x @ task.head.kernel.numpy()[:, task.labels.index("cat")] / 3, rtol=1e-5)


def test_what_numbers_are():
    task = linear()
    (logits,) = task.logits(["a red dog"]).numpy().astype("float64")
    p = np.exp(logits) / np.exp(logits).sum()
    cat, no = task.labels.index("cat"), task.labels.index("no")
    for score, wanted in (("logit", logits[cat]), ("probability", p[cat]), ("log-odds", np.log(p[cat] / (1 - p[cat])))):
        found = task.explain("a red dog", method="occlusion", target="cat", score=score)
        np.testing.assert_allclose(found.value, wanted, rtol=1e-5)
    found = task.explain("a red dog", method="occlusion", target=("cat", "no"))
    np.testing.assert_allclose(found.value, logits[cat] - logits[no], rtol=1e-5)
    assert found.targets == ("cat and not no",)
    own = task.explain("a red dog", method="occlusion")
    assert own.targets == (task.labels[logits.argmax()],) == (own.details["prediction"],)


def test_shapley_values_by_definition():
    task = planted("rnn")
    subject = ClassifierSubject.of(task, ["dog why red one"], "yes")

    @cache
    def value(players):
        return subject.values(np.isin(np.arange(4), list(players))[None])[0, 0]

    found = task.explain("dog why red one", method="shapley", target="yes")
    np.testing.assert_allclose(found.scores, shapley_values(value, 4), rtol=1e-5)
    with pytest.raises(ValueError, match="at most 10 tokens; this text has 11"):
        task.explain("dog " * 11, method="shapley")


def test_deleted_tokens_are_those_of_a_shorter_text():
    """Perturbed rows are the very inputs of the text without the words."""
    for name in ("cnn", "bert", "gpt"):
        task = planted(name)
        subject = ClassifierSubject.of(task, [TEXT], "yes")
        found = subject.values([[True] * 5, [False, True, True, False, True], [False] * 5])
        for row, text in zip(found, (TEXT, "dog why one", ""), strict=True):
            alone = ClassifierSubject.of(task, [text], "yes").values(np.ones((1, len(text.split())), bool))
            np.testing.assert_allclose(row, alone[0], rtol=1e-4, atol=1e-5)


def test_pairs_have_tokens_of_both_texts():
    for model in (MODELS["cnn"], MODELS["bert"]):
        task = pairs_classifier(model)[0]
        found = task.explain(["a red dog", "no"], ["a cat", "the cat sat"], method="integrated_gradients")
        assert [token.part for token in found[0].tokens] == ["text"] * 3 + ["pair"] * 2
        assert [token.text for token in found[1].tokens] == ["no", "the", "cat", "sat"]
        assert found[0].error < 0.01
        subject = ClassifierSubject.of(task, ["a red dog", "a cat"])
        without = subject.values([[True, False, True, True, False]])[0, 0]
        alone = ClassifierSubject.of(task, ["a dog", "a"], subject.details["prediction"]).values([[True] * 3])[0, 0]
        np.testing.assert_allclose(without, alone, rtol=1e-4)


def test_a_long_text_is_explained_as_far_as_it_is_read():
    task = pairs_classifier(MODELS["bert"])[0]  # 12 tokens: 3 special ones and 9 more
    assert len(task.explain("a red dog sat " * 4, "a cat", method="occlusion").tokens) == 9
    task = classifier(model=MODELS["cnn"])[0]
    assert len(task.explain("a red dog sat " * 4, method="occlusion").tokens) == 12


def test_a_regression_and_several_labels():
    task = classifier(labels=[1, 2.5, 0, -1], kind="regression")[0]
    found = task.explain("a red dog", method="occlusion")
    np.testing.assert_allclose(found.value, task.classify("a red dog")["score"], rtol=1e-5)
    with pytest.raises(ValueError, match="do not set target"):
        task.explain("a", target="1")
    task = classifier(labels=["a|b", "a", "b", ""], kind="multi", model=MODELS["mean"])[0]
    found = task.explain("a red dog", method="occlusion", target="a", score="probability")
    np.testing.assert_allclose(found.value, task.classify("a red dog")["probabilities"]["a"], rtol=1e-5)


def test_embeddings_that_are_partly_fixed():
    task = classifier(model=models.MeanOfVectorsConfig(8))[0]
    draw, size = np.random.default_rng(0), task.tokenizer.vocab_size
    table, free = draw.normal(size=(size, 5)), np.arange(size) % 2 == 0
    new = PretrainedEmbedding.of(table.astype("float32"), free, output_dim=8)
    replace_embedding(task, task.encoder.embed, new)
    found = task.explain("a red dog", target="cat", score="logit", method="gradient_x_input")
    ids = task.tokenizer.encode(["a red dog"])[0].numpy()
    x = table[ids] @ new.project.kernel.numpy()
    np.testing.assert_allclose(found.scores, x @ task.head.kernel.numpy()[:, task.labels.index("cat")] / 3, rtol=1e-4)
    for free in (np.zeros(size, bool), np.ones(size, bool)):
        task = classifier(model=models.MeanOfVectorsConfig(8))[0]
        replace_embedding(task, task.encoder.embed, PretrainedEmbedding.of(draw.normal(size=(size, 8)), free))
        assert task.explain("a red dog").error < 0.01


def test_an_empty_text_has_no_tokens():
    found = planted("cnn").explain(["", "dog why"], method="occlusion")[0]
    assert found.tokens == () and found.matrix.shape == (1, 0)


def test_baselines_and_removals():
    task = planted("bert")
    found = {
        name: task.explain(TEXT, target="yes", baseline=name, faithfulness=False) for name in ("zero", "pad", "unknown")
    }
    assert all(one.error < 0.01 and one.scores.argmax() == PLACE for one in found.values())
    assert len({float(one.base[0]) for one in found.values()}) == 3
    unknown = task.explain(TEXT, target="yes", removal="unknown", method="occlusion")
    again = task.explain("red dog zzz cat one", target="yes", method="occlusion")
    np.testing.assert_allclose(unknown.value - unknown.scores[PLACE], again.value, rtol=1e-4)
    with pytest.raises(ValueError, match="has no token for 'mask'"):
        task.explain(TEXT, removal="mask", method="occlusion")


def test_seeds():
    task = planted("mean")
    one, again, other = (task.explain(TEXT, method="smoothgrad", seed=seed).scores for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, again)
    assert np.abs(one - other).max() > 0


def test_mistakes_are_told():
    task = planted("cnn")
    for error, message, options in (
        (ValueError, "no explanation method 'lyme'; did you mean 'lime'", {"method": "lyme"}),
        (ValueError, "no label 'maybe'; the labels are no, yes", {"target": "maybe"}),
        (ValueError, "one label or two; got 3", {"target": ("yes", "no", "yes")}),
        (ValueError, "score must be one of", {"score": "odds"}),
        (ValueError, "removal must be one of", {"removal": "drop"}),
        (ValueError, "baseline must be one of", {"baseline": "ones"}),
        (ValueError, "points must be between 1 and", {"points": 0}),
        (ValueError, "got 2 for 1 texts", {"target": ["yes", "no"]}),
        (TypeError, "by lime has no option 'smaples'; did you mean 'samples'", {"method": "lime", "smaples": 3}),
    ):
        with pytest.raises(error, match=message):
            task.explain([TEXT], **options)
    with pytest.raises(TypeError, match="reads text: expected 1, got 2"):
        task.explain(TEXT, TEXT)
    with pytest.raises(ValueError, match="gradients need a Keras Embedding"):
        rows_of(keras.layers.Dense(1), [0])


def test_a_task_that_is_not_explained():
    config = tasks.MaskedLanguageModelConfig(60, next_sentence=False, length=12, model=MODELS["bert"])
    with pytest.raises(TypeError, match="a MaskedLanguageModel cannot be explained"):
        tasks.MaskedLanguageModel.from_text(["A dog runs."] * 2, config).explain("a")
