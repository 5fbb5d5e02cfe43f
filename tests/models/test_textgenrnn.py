"""textgenrnn's model by the laws of every causal model; its numbers are tested in tests/interop/test_textgenrnn.py."""

import numpy as np
import pytest

from tests.layers import parts
from tfllm.models import TextgenRNN, TextgenRNNConfig

V, WINDOW = 11, 5
IDS = np.array([[2, 5, 7, 4, 6], [2, 8, 3, 0, 0]])


def build(**options):
    return parts.scatter(
        TextgenRNN(**{"vocab_size": V, "embedding_dim": 4, "num_units": 3, "window": WINDOW} | options)
    )


@pytest.fixture(scope="module")
def model():
    return build()


def test_a_place_sees_its_window_and_padding_before_the_text():
    model = build(window=3)
    before = model(IDS).numpy()
    changed = IDS.copy()
    changed[0, 0] = 9
    moved = np.abs(model(changed).numpy() - before)[0].max(axis=-1) > 1e-5
    assert moved.tolist() == [True, True, True, False, False]
    padded = model(np.pad(IDS, [[0, 0], [2, 0]])).numpy()
    np.testing.assert_allclose(padded[:, 2:], before, atol=1e-6)


def test_the_config_has_the_arguments():
    assert set(TextgenRNNConfig.__dataclass_fields__) | {"vocab_size"} == set(build().numbers)
