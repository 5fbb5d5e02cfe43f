"""Masks against loops. True = may look."""

import numpy as np
import pytest

from tfllm import text
from tfllm.generation import steps
from tfllm.layers import masks


def test_padding_hides_what_fills_up():
    seen = masks.padding(np.array([[5, 1, 0, 0], [0, 2, 3, 0]]))
    assert seen.numpy().tolist() == [[[True, True, False, False]], [[False, True, True, False]]]


@pytest.mark.parametrize(("queries", "keys", "position"), [(4, 4, 0), (3, 5, 0), (1, 6, 4), (2, 6, 3), (1, 1, 0)])
def test_causal_sees_itself_and_what_came_before(queries, keys, position):
    expected = [[[s <= position + t for s in range(keys)] for t in range(queries)]]
    assert masks.causal(queries, keys, position).numpy().tolist() == expected


@pytest.mark.parametrize("window", [1, 2, 9])
def test_a_window_sees_the_last_ones_alone(window):
    expected = [[[s <= 2 + t and 2 + t - s < window for s in range(6)] for t in range(3)]]
    assert masks.causal(3, 6, 2, window).numpy().tolist() == expected


def test_combined_is_true_where_all_are():
    padding, causal = masks.padding(np.array([[5, 0, 7], [5, 6, 0]])), masks.causal(3, 3)
    both = masks.combined(padding, None, causal).numpy()
    for b in range(2):
        for t in range(3):
            for s in range(3):
                assert both[b, t, s] == (padding.numpy()[b, 0, s] and causal.numpy()[0, t, s])


def test_combined_of_nothing_is_nothing():
    assert masks.combined() is None and masks.combined(None, None) is None
    one = masks.causal(2, 2)
    assert masks.combined(None, one) is one


@pytest.mark.parametrize("wrong", [np.zeros((2, 1, 3), "float32"), np.ones((2, 1, 1, 3), bool), np.ones((2, 3), bool)])
def test_other_masks_are_refused(wrong):
    with pytest.raises(ValueError, match=r"dec_padding_mask must be bool .*got .*1 = hidden"):
        masks.checked(wrong, "dec_padding_mask")
    good = masks.causal(2, 2)
    assert masks.checked(good, "look_ahead_mask") is good


def test_the_same_ids_everywhere():
    """text, layers and generation may not import each other."""
    assert masks.PAD == text.PAD == steps.PAD
    assert (text.START, text.END) == (steps.START, steps.END)
