"""Contrastive search: against a loop that rereads every text at each step, and its laws."""

import numpy as np
import pytest
import tensorflow as tf

from tests.generation.models import Recurrent, prompts
from tests.reference import generation as reference
from tfllm.generation import contrastive_search, no_repeat_ngram, sample

PAD, START, END, V, LENGTH = 0, 2, 3, 30, 14
ROWS = [[START, 7], [START, 4, 4, 9, 11], [START, 5, END], [START] + [8] * 13]


def search(model, token_ids, given, **options):
    state = model.begin(tf.shape(token_ids)[0])
    return contrastive_search(model.features, model.logits, state, token_ids, given, **options)


@pytest.mark.parametrize(("k", "alpha"), [(4, 0.6), (2, 0.9), (30, 0.3), (5, 1.0)])
def test_contrastive_search_is_the_loop_over_whole_texts(k, alpha):
    """Prompts of four lengths, one full; each as if alone."""
    differ = 0
    for seed in range(8):
        model = Recurrent(seed)
        texts = tf.function(search, autograph=False)(model, *prompts(*ROWS, length=LENGTH), k=k, alpha=alpha)
        greedy, *_ = sample(model.step, model.begin(4), *prompts(*ROWS, length=LENGTH))
        for i, row in enumerate(ROWS):
            expected, total = reference.contrastive(model, row, LENGTH, END, k, alpha, (PAD, START))
            assert texts.token_ids.numpy()[i, : len(expected)].tolist() == list(expected)
            assert not texts.token_ids.numpy()[i, len(expected) :].any()
            assert texts.lengths.numpy()[i] == len(expected)
            np.testing.assert_allclose(texts.scores.numpy()[i], total, rtol=1e-4, atol=1e-5)
        differ += (texts.token_ids.numpy() != greedy.numpy()).any()
    assert differ > 4


@pytest.mark.parametrize("options", [{"k": 1, "alpha": 0.9}, {"k": 6, "alpha": 0}])
def test_one_candidate_or_no_penalty_is_greedy(options):
    model = Recurrent(1)
    result = search(model, *prompts(*ROWS, length=LENGTH), **options)
    expected = sample(model.step, model.begin(4), *prompts(*ROWS, length=LENGTH))
    assert result.token_ids.numpy().tolist() == expected.token_ids.numpy().tolist()
    np.testing.assert_allclose(result.scores, expected.scores, rtol=1e-4)


@pytest.mark.slow
def test_eager_graph_xla_and_prefill_agree():
    model, (token_ids, given) = Recurrent(3), prompts(*ROWS, length=LENGTH)
    expected = search(model, token_ids, given)
    for options in ({"prefill": 2}, {"rules": ()}):
        for compiled in (False, True):
            run = tf.function(lambda ids, given, o=options: search(model, ids, given, **o), jit_compile=compiled)
            result = run(token_ids, given)
            assert result.token_ids.numpy().tolist() == expected.token_ids.numpy().tolist()
            np.testing.assert_allclose(result.scores, expected.scores, rtol=1e-4, atol=1e-6)


def test_excluded_ids_are_no_candidates():
    """The only id left is chosen, however similar to the text; rules and stops work as in `sample`."""
    model, (token_ids, given) = Recurrent(4), prompts([START, 7], length=8)
    others = tuple(i for i in range(V) if i != 7)
    result = search(model, token_ids, given, alpha=1.0, forbidden=others)
    assert result.token_ids.numpy().tolist() == [[START] + [7] * 7]
    stops = np.zeros((3, V), "int32")
    stops[:2, 7] = 1, 2
    result = search(model, token_ids, given, alpha=1.0, forbidden=others, stops=stops)
    assert result.token_ids.numpy().tolist() == [[START, 7, 7, 7, 0, 0, 0, 0]] and result.lengths.numpy() == [4]
    result = search(model, token_ids, given, alpha=1.0, k=2, forbidden=others[5:], rules=(no_repeat_ngram(1),))
    assert len(set(result.token_ids.numpy()[0, :6].tolist())) == 6 or END in result.token_ids.numpy()


def test_there_are_no_more_candidates_than_ids():
    model = Recurrent(2)
    every, more = (search(model, *prompts(*ROWS, length=LENGTH), k=k, alpha=tf.constant(0.4)) for k in (V, V + 9))
    assert every.token_ids.numpy().tolist() == more.token_ids.numpy().tolist()


@pytest.mark.parametrize("options", [{"k": 0}, {"k": -1}, {"k": 1.5}, {"alpha": -0.1}, {"alpha": 1.1}])
def test_impossible_numbers_are_errors(options):
    with pytest.raises(ValueError, match="needs top_k of 1 or more and an alpha from 0 to 1; got"):
        search(Recurrent(0), *prompts([START], length=3), **options)
