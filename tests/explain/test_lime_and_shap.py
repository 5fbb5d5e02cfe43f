"""The methods of the packages `lime` and `shap`, held against exact Shapley values and the packages' own results."""

import numpy as np
import pytest

from tests.explain.planted import PLACE, TEXT, planted
from tfllm.explain.methods.lime import drawn, lime
from tfllm.explain.methods.shap import shap

pytestmark = pytest.mark.usefixtures("eager")


class Game:
    """f of what stays: a sum, and products of neighbours."""

    targets = ("x", "y")

    def __init__(self, size, products=1.0):
        self.size, draw = size, np.random.default_rng(0)
        self.weights, self.products = draw.normal(size=(2, size)), products * draw.normal(size=(2, size - 1))
        self.asked = 0

    def values(self, keep, removal=None):
        keep = np.asarray(keep, float)
        self.asked += len(keep)
        return keep @ self.weights.T + (keep[:, 1:] * keep[:, :-1]) @ self.products.T

    def shapley(self):
        """Half of each product for each of its tokens."""
        found = self.weights.copy()
        found[:, 1:] += self.products / 2
        found[:, :-1] += self.products / 2
        return found


@pytest.fixture(scope="module")
def compiled_shap():
    """`shap`, imported, its loops compiled by numba: that takes longer than all tests."""
    pytest.importorskip("shap")
    shap(Game(2), samples=4)
    shap(Game(4), samples=9)
    return shap


def test_lime_finds_the_weights_of_a_sum():
    pytest.importorskip("lime")
    game = Game(6, products=0.0)
    found = lime(game, samples=2000)
    np.testing.assert_allclose(found.matrix, game.weights, rtol=0.02, atol=0.01)
    assert game.asked == 2000 and found.base is None
    np.testing.assert_array_equal(found.matrix, lime(game, samples=2000).matrix)
    assert np.abs(found.matrix - lime(game, samples=2000, seed=1).matrix).max() > 0
    with pytest.raises(ValueError, match="samples must be at least 2"):
        lime(game, samples=1)


def test_lime_of_the_package_itself():
    """Its LimeTextExplainer, on the same function of words, with samples of its own."""
    explainer = pytest.importorskip("lime.lime_text").LimeTextExplainer
    game, words = Game(5), "a b c d e".split()

    def classify(texts):
        keep = np.array([[word in text.split() for word in words] for text in texts])
        return game.values(keep)

    theirs = explainer(bow=False, random_state=0, split_expression=r"\s+").explain_instance(
        " ".join(words), classify, labels=(0, 1), num_samples=4000
    )
    ours = lime(game, samples=4000)
    for k in (0, 1):
        wanted = dict(theirs.as_list(k))
        np.testing.assert_allclose(ours.matrix[k], [wanted[word] for word in words], atol=0.06)


def test_texts_of_lime_leave_out_one_to_all_tokens():
    keep = drawn(4, 4000, seed=0)
    assert keep[0].all()
    counts = np.bincount(4 - keep[1:].sum(axis=1), minlength=5) / 3999
    np.testing.assert_allclose(counts, [0, 0.25, 0.25, 0.25, 0.25], atol=0.03)
    np.testing.assert_allclose(keep.mean(axis=0), 0.375, atol=0.03)


def test_shap_gives_shapley_values(compiled_shap):
    """All sets of few tokens; of many tokens permutations, which are exact for products of two."""
    for size, samples in ((6, 64), (12, 200)):
        game = Game(size)
        found = shap(game, samples=samples)
        np.testing.assert_allclose(found.matrix, game.shapley(), rtol=1e-6, atol=1e-9)
        assert found.error.max() < 1e-9
        assert game.asked <= samples + 2 * size + 3


def test_both_find_the_planted_cue(compiled_shap):
    pytest.importorskip("lime")
    for method in ("lime", "shap"):
        for name in ("rnn", "bert"):
            found = planted(name).explain(TEXT, method=method, target="yes", samples=200, faithfulness=False)
            assert found.scores.argmax() == PLACE
