"""Beam search against every sequence there is, against a beam of Python lists, and against its own laws."""

import numpy as np
import pytest
import tensorflow as tf

from tests.generation.models import Markov, Tree, as_lists
from tests.reference import generation as reference
from tfllm.generation import beam_search

ALPHAS = (0.0, 0.6, 1.0, 2.0)
PAD, UNKNOWN, START, END, A, B = range(6)
NEVER = -1e9


def search(trees, max_length, width, **options):
    """Beams of all `trees` in one batch, by a tf.function. No id is forbidden."""
    options = {"forbidden": (), "pad": -1, **options}

    @tf.function(autograph=False)
    def run(table):
        start, state = tf.fill([len(trees)], START), Tree.begin(len(trees), width)
        return beam_search(Tree.step(table), state, start, max_length, width, **options)

    return as_lists(run(tf.stack([tree.table for tree in trees])))


def assert_same(result, expected):
    assert [ids for ids, _, _ in result] == [ids for ids, _, _ in expected]
    np.testing.assert_allclose([h[1:] for h in result], [h[1:] for h in expected], rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize("alpha", ALPHAS)
@pytest.mark.parametrize(("vocab_size", "max_length", "n_best"), [(2, 6, 7), (3, 4, 5), (4, 3, 3), (5, 2, 1)])
def test_wide_beam_is_exhaustive_search(vocab_size, max_length, n_best, alpha):
    """200 models whose logits depend on the whole prefix, 50 a shape; the beam holds V ** T prefixes."""
    end, width = vocab_size - 1, vocab_size**max_length
    trees = [Tree(seed, vocab_size, max_length) for seed in range(50)]
    result = search(trees, max_length, width, end=end, n_best=n_best, length_penalty=alpha)
    for tree, hypotheses in zip(trees, result, strict=True):
        assert_same(hypotheses, reference.exhaustive(tree, vocab_size, max_length, end, alpha)[:n_best])


@pytest.mark.parametrize("alpha", ALPHAS)
@pytest.mark.parametrize("width", [1, 2, 3, 5])
def test_narrow_beam_is_the_beam_of_lists(width, alpha):
    """The lists never stop early, so equality also shows that early stopping loses nothing."""
    trees = [Tree(seed, 4, 6) for seed in range(40)]
    result = search(trees, 6, width, end=END, n_best=width, length_penalty=alpha)
    for tree, hypotheses in zip(trees, result, strict=True):
        assert_same(hypotheses, reference.beam(tree, 6, width, END, alpha, width))


def test_width_one_without_penalty_is_greedy():
    trees = [Tree(seed, 5, 4) for seed in range(30)]
    result = search(trees, 4, 1, end=END, length_penalty=0.0)
    for tree, ((ids, score, log_prob),) in zip(trees, result, strict=True):
        expected, likelihood = reference.greedy(tree, (), 4, END)
        assert ids == expected
        assert score == log_prob == pytest.approx(likelihood, rel=1e-5)


def six_to_four():
    """P(END) = .6 at once, against "A B END" with .4. Logits after END are meaningless: random here."""
    logits = np.full((6, 6), NEVER)
    logits[START, END], logits[START, A] = np.log(0.6), np.log(0.4)
    logits[A, B] = logits[B, END] = 0.0
    logits[[END, PAD, UNKNOWN]] = 0.0
    return Markov(logits)


@pytest.mark.parametrize("alpha", [0.0, 0.6])
@pytest.mark.parametrize("width", [2, 3, 5])
def test_a_likely_end_wins(width, alpha):
    model = six_to_four()
    beams = beam_search(model.step, model.begin(width), [START], 8, width, length_penalty=alpha, n_best=2)
    ((first, second),) = as_lists(beams)
    assert first[0] == (END,) and first[1] == pytest.approx(np.log(0.6))
    assert second[0] == (A, B, END) and second[2] == pytest.approx(np.log(0.4))
    assert second[1] == pytest.approx(np.log(0.4) / (8 / 6) ** alpha)
    assert beams.lengths.numpy().tolist() == [[1, 3]]


@pytest.mark.peers
def test_keras_hub_loses_the_likely_end():
    """The reason for a loop of our own: KerasHub 0.32 keeps expanding a beam that has ended."""
    samplers = pytest.importorskip("keras_hub").samplers
    model = six_to_four()

    def following(prompt, cache, index):
        return tf.gather(model.logits, prompt[:, index - 1]), None, cache

    prompt = tf.constant([[START, 0, 0, 0, 0, 0]])
    output = samplers.BeamSampler(num_beams=2)(following, prompt, index=1, mask=prompt == START, stop_token_ids=[END])
    assert output.numpy()[0, 1] == A


def test_ended_hypotheses_are_frozen():
    """The step is never shown END, and all that follows END in an answer is PAD."""
    tree = Tree(3, 6, 5)

    def step(last, state, position):
        assert END not in last.numpy()
        return Tree.step(tree.table[None])(last, state, position)

    beams = beam_search(step, Tree.begin(1, 4), tf.constant([START]), 5, 4, n_best=4)
    assert END in beams.token_ids.numpy()
    for ids, length in zip(beams.token_ids.numpy()[0], beams.lengths.numpy()[0], strict=True):
        assert END not in ids[: length - 1] and not ids[length:].any()
        assert ids[length - 1] == END or length == 5


def test_answers_are_distinct_sorted_and_scored():
    trees = [Tree(seed, 7, 4) for seed in range(20)]
    options = {"end": END, "n_best": 6, "length_penalty": 1.0, "pad": PAD, "forbidden": (PAD, START)}
    for tree, hypotheses in zip(trees, search(trees, 4, 6, **options), strict=True):
        texts = [ids for ids, _, _ in hypotheses]
        assert len(set(texts)) == len(texts) == 6
        assert not {PAD, START} & {i for ids in texts for i in ids}
        whole = [score for ids, score, _ in hypotheses if ids[-1] == END]
        assert whole == sorted(whole, reverse=True)
        for ids, score, log_prob in hypotheses:
            assert log_prob == pytest.approx(reference.log_probability(tree, ids), rel=1e-5)
            assert score == pytest.approx(log_prob / reference.penalty(len(ids), 1.0), rel=1e-5)


def test_a_batch_is_its_sentences_one_by_one():
    trees = [Tree(seed, 6, 5) for seed in range(4)]
    together = search(trees, 5, 3, n_best=3, end=END)
    assert together == [search([tree], 5, 3, n_best=3, end=END)[0] for tree in trees]


def test_limits_are_a_max_length_for_each_sentence():
    trees, limits = [Tree(seed, 6, 5) for seed in range(5)], [1, 2, 3, 4, 5]
    result = search(trees, 5, 3, n_best=3, end=END, limits=limits)
    for tree, limit, hypotheses in zip(trees, limits, result, strict=True):
        assert_same(hypotheses, search([tree], limit, 3, n_best=3, end=END)[0])


def test_unfinished_answers_only_fill_empty_slots():
    """A is nearly certain at every step; END comes late with a low probability, yet ranks above unfinished answers."""
    logits = np.full((6, 6), NEVER)
    logits[:, A], logits[:, END] = 0.0, -9.0
    model = Markov(logits)
    (result,) = as_lists(beam_search(model.step, model.begin(3), [START], 3, 3, n_best=3, length_penalty=0.0))
    assert [ids for ids, _, _ in result] == [(END,), (A, END), (A, A, END)]
    logits[:, END] = [0, 0, NEVER, 0, -9.0, 0]  # not at once any more
    model = Markov(logits)
    (result,) = as_lists(beam_search(model.step, model.begin(3), [START], 3, 3, n_best=3, length_penalty=0.0))
    assert [ids for ids, _, _ in result][:2] == [(A, END), (A, A, END)]


def test_stops_when_no_better_answer_is_possible():
    """END is certain at position 3 of 50: one more step would be too many."""
    shown = []
    logits = np.full((6, 6), NEVER)
    logits[START, A] = logits[A, B] = logits[B, END] = 0.0

    def step(last, state, position):
        shown.append(int(position))
        return tf.gather(tf.constant(logits, tf.float32), last[:, 0]), state

    beam_search(step, (), tf.constant([START, START]), 50, 4)
    assert shown == [0, 1, 2]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"width": 0}, "width=0"),
        ({"width": 2, "n_best": 3}, "n_best=3"),
        ({"width": 2, "length_penalty": -0.1}, "length_penalty must be 0 or more, not -0.1"),
        ({"width": 2, "max_length": 0}, "max_length must be at least 1, not 0"),
        ({"width": 2, "end": [3, 4]}, "beam search needs one END token, got .3, 4."),
        ({"width": 3}, "needs 3 rows first.*shape \\(2,\\)"),
    ],
)
def test_impossible_sizes_are_errors(options, message):
    model = six_to_four()
    with pytest.raises(ValueError, match=message):
        beam_search(model.step, model.begin(2), tf.constant([START]), **{"max_length": 4, **options})
