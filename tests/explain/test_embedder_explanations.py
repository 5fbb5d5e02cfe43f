"""`explain` of embedders: the cosine with another text."""

import numpy as np
import pytest

from tests.explain.planted import PLACE, TEXT, planted
from tfllm.tasks import TextEmbedder

pytestmark = pytest.mark.usefixtures("eager")


@pytest.mark.parametrize("model, pooling", [("mean", "mean"), ("cnn", "encoder")])
def test_the_word_that_both_texts_have_ranks_first(model, pooling):
    task = TextEmbedder.from_task(planted(model), pooling=pooling)
    for method in ("integrated_gradients", "occlusion"):
        found = task.explain(TEXT, target="why", method=method, faithfulness=False)
        np.testing.assert_allclose(found.value[0], task.similarity(TEXT, "why"), rtol=1e-4)
        assert found.scores.argmax() == PLACE and found.score == "projection"
        assert found.error is None or found.error < 0.01


def test_faithfulness_is_of_the_cosine():
    task = TextEmbedder.from_task(planted("mean"), pooling="mean")
    found = task.explain(TEXT, target="why", method="occlusion")
    np.testing.assert_allclose(found.faithfulness.own.deletion[0], task.similarity(TEXT, "why"), rtol=1e-4)
    np.testing.assert_allclose(found.faithfulness.own.insertion[1], 1, rtol=1e-4)
    with pytest.raises(ValueError, match="by its similarity to another text"):
        task.explain(TEXT)
