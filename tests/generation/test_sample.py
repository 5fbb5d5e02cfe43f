"""The sampling loop: prompts, stopping, scores; greedy against a loop over prefixes."""

import numpy as np
import pytest
import tensorflow as tf

from tests.generation.models import Markov, Recurrent, Tree, prompts
from tests.reference import generation as reference
from tfllm.generation import beam_search, contrastive_search, sample, sampling

PAD, UNKNOWN, START, END, A, B = range(6)


def random_markov(seed, vocab_size=7):
    return Markov(np.random.default_rng(seed).normal(0, 1.5, (vocab_size, vocab_size)))


def test_greedy_is_the_loop_over_prefixes():
    trees = [Tree(seed, 5, 6) for seed in range(40)]
    step = Tree.step(tf.stack([tree.table for tree in trees]))
    token_ids, scores, _ = sample(step, Tree.begin(40), *prompts(*[[START]] * 40, length=7))
    for tree, ids, score in zip(trees, token_ids.numpy().tolist(), scores.numpy(), strict=True):
        expected, log_prob = reference.greedy(tree, (), 6, END, forbidden=(PAD, START))
        assert ids == [START, *expected] + [PAD] * (6 - len(expected))
        assert score == pytest.approx(log_prob, rel=1e-5)


def test_greedy_is_the_narrowest_beam():
    trees = [Tree(seed, 6, 5) for seed in range(30)]
    step = Tree.step(tf.stack([tree.table for tree in trees]))
    token_ids, scores, _ = sample(step, Tree.begin(30), *prompts(*[[START]] * 30, length=6))
    beams = beam_search(step, Tree.begin(30), [START] * 30, 5, width=1, length_penalty=0.0)
    assert beams.token_ids.numpy()[:, 0].tolist() == token_ids.numpy()[:, 1:].tolist()
    np.testing.assert_allclose(beams.scores.numpy()[:, 0], scores, rtol=1e-5)


def test_prompts_of_different_lengths_stay():
    """Each row gives the same text as alone; END and START in a prompt are ordinary tokens."""
    model = random_markov(1)
    rows = [[START, A], [START, END, B, A, END], [A, START, 6], [B] * 9]
    together, scores, _ = sample(model.step, model.begin(4), *prompts(*rows, length=9))
    for row, ids, score in zip(rows, together.numpy().tolist(), scores.numpy(), strict=True):
        expected, log_prob = reference.greedy(model, row, 9, END, forbidden=(PAD, START))
        assert ids == [*expected] + [PAD] * (9 - len(expected))
        assert score == pytest.approx(log_prob, rel=1e-5, abs=1e-6)
        alone, _, _ = sample(model.step, model.begin(1), *prompts(row, length=9))
        assert alone.numpy()[0].tolist() == ids


def test_starts_after_a_prefill():
    """With positions 0 and 1 in the state (a prefill) the loop reads position 2 first, with the same result."""
    tree, shown = Tree(5, 6, 7), []

    def step(last, state, position):
        shown.append(int(position))
        return Tree.step(tree.table[None])(last, state, position)

    prompt = prompts([START, A, B, A], length=8)
    whole, score, _ = sample(step, Tree.begin(1), *prompt)
    state = Tree.begin(1)
    for i in range(2):
        _, state = step(prompt[0][:, i : i + 1], state, i)
    shown.clear()
    rest, same, _ = sample(step, state, *prompt, position=2)
    assert shown[0] == 2
    assert rest.numpy().tolist() == whole.numpy().tolist() and score.numpy() == same.numpy()


@pytest.mark.parametrize("compiled", [False, True])
def test_a_prompt_read_at_once_is_a_prompt_read_token_by_token(compiled):
    """Prefill by the model's features; the loop continues at `position` with the resulting state."""
    model, choose = Recurrent(6), sampling(seed=3)
    token_ids, given = prompts([START, A, B, A], [A, 9, 8, 7, 6, END, 5], length=16)

    def read(token_ids, given, size):
        state = model.begin(2)
        if size:
            _, state = model.features(token_ids[:, :size], state, 0)
        return sample(model.step, state, token_ids, given, choose, position=size)

    expected = read(token_ids, given, 0)
    for size in (1, 3):
        run = tf.function(lambda ids, given, size=size: read(ids, given, size), jit_compile=compiled)
        result = run(token_ids, given)
        assert result.token_ids.numpy().tolist() == expected.token_ids.numpy().tolist()
        np.testing.assert_allclose(result.scores, expected.scores, rtol=1e-5)
    assert expected.lengths.numpy().min() > 7


def test_stops_when_every_row_has_end():
    logits, shown = np.full((6, 6), -1e9), []
    logits[START, END] = logits[A, B] = logits[B, END] = logits[END, A] = 0.0

    def step(last, state, position):
        shown.append(int(position))
        return tf.gather(tf.constant(logits, tf.float32), last[:, 0]), state

    token_ids, _, _ = sample(step, (), *prompts([START], [A], [A, B, A], length=50))
    assert shown == [0, 1, 2, 3, 4][: len(shown)] and len(shown) == 4
    assert token_ids.numpy()[:, :6].tolist() == [[2, 3, 0, 0, 0, 0], [4, 5, 3, 0, 0, 0], [4, 5, 4, 5, 3, 0]]
    assert not token_ids.numpy()[:, 6:].any()


def test_stops_at_the_last_free_position():
    """Places marked as given beyond a row's limit end it there."""
    shown = []

    def step(last, state, position):
        shown.append(int(position))
        return tf.one_hot(tf.fill([2], A), 6), state

    given = tf.constant([[True, False, True, True, True], [True, False, False, True, True]])
    token_ids, _, _ = sample(step, (), tf.constant([[START, 0, 0, 0, 0]] * 2), given)
    assert token_ids.numpy().tolist() == [[START, A, 0, 0, 0], [START, A, A, 0, 0]] and shown == [0, 1]


def test_lengths_count_prompt_answer_and_end():
    """Also for a row that is full before END, one without a free position, and one with a limit."""
    logits = np.full((6, 6), -1e9)
    logits[START, A] = logits[A, B] = logits[B, END] = logits[END, A] = 0.0
    model = Markov(logits)
    token_ids, given = prompts([START], [END, A], [A, A, A, A], [END], length=4)
    given = tf.concat([given[:3], [[True, False, True, True]]], axis=0)
    texts = sample(model.step, model.begin(4), token_ids, given)
    assert texts.token_ids.numpy().tolist() == [[START, A, B, END], [END, A, B, END], [A] * 4, [END, A, 0, 0]]
    assert texts.lengths.numpy().tolist() == [4, 4, 4, 2]


def test_stops_end_a_row_as_end_does():
    """After A, B in the answer; not after a B in the prompt, nor after A in the prompt and B in the answer."""
    logits = np.full((6, 6), -1e9)
    logits[START, A] = logits[A, B] = logits[B, A] = 0.0
    model, stops = Markov(logits), np.zeros((3, 6), "int32")
    stops[:, A], stops[1, B] = 1, 2
    texts = sample(model.step, model.begin(3), *prompts([START], [A], [START, A, B], length=9), stops=stops)
    assert texts.lengths.numpy().tolist() == [3, 4, 5]
    assert texts.token_ids.numpy()[:, :6].tolist() == [[2, 4, 5, 0, 0, 0], [4, 5, 4, 5, 0, 0], [2, 4, 5, 4, 5, 0]]
    assert not texts.scores.numpy().any()


def test_full_prompts_cost_no_step():
    def step(last, state, position):
        raise AssertionError("shown a token")

    token_ids, scores, _ = sample(step, (), *prompts([START, A], [A, B], length=2))
    assert token_ids.numpy().tolist() == [[START, A], [A, B]] and not scores.numpy().any()


def test_a_row_does_not_depend_on_its_neighbours():
    model, choose = random_markov(2), sampling(seed=9)
    many, _, _ = sample(model.step, model.begin(6), *prompts(*[[START]] * 6, length=12), choose)
    few, _, _ = sample(model.step, model.begin(2), *prompts(*[[START]] * 2, length=12), choose)
    assert many.numpy()[:2].tolist() == few.numpy().tolist()
    assert len({tuple(row) for row in many.numpy().tolist()}) > 3


def test_several_ids_may_end_a_text():
    model = random_markov(3)
    whole = sample(model.step, model.begin(3), *prompts([A], [B], [6], length=9), sampling(2), end=99).token_ids.numpy()
    result, _, lengths = sample(
        model.step, model.begin(3), *prompts([A], [B], [6], length=9), sampling(2), end=[END, B]
    )
    for row, ids, length in zip(whole.tolist(), result.numpy().tolist(), lengths.numpy(), strict=True):
        ends = [position for position in range(1, 9) if row[position] in (END, B)] + [8]
        assert length == ends[0] + 1 and ids == row[:length] + [PAD] * (9 - length)
    with pytest.raises(ValueError, match="end must be a token id or several"):
        sample(model.step, model.begin(1), *prompts([A], length=9), end=[])


@pytest.mark.parametrize("way", ["greedy", "drawn", "beams"])
def test_nan_is_an_error_and_infinity_is_certain(way):
    """In eager mode and in a graph; NaN may come late, and in one row only."""

    def result(bad, late):
        def step(last, state, position):
            logits = tf.tile([[0.0, 0.0, 0.0, -3.0, 1.0, 0.5]], [tf.shape(last)[0], 1])
            wrong = (tf.range(tf.shape(last)[0])[:, None] > 0) & (position >= late)
            return tf.where(wrong & (tf.range(6) == B), bad, logits), state

        if way == "beams":
            return beam_search(step, (), tf.constant([START] * 2), 5, 2, 0.0)
        choose = sampling(4, top_p=0.9 if way == "drawn" else 0.0001)
        return sample(step, (), *prompts([START], [START], length=6), choose)

    for late in (0, 2):
        found_ids = result(np.inf, late)[0].numpy().reshape(2, -1)[:, -5:]
        assert (found_ids[1, late:] == B).all() and not (found_ids[0] == B).all()
        with pytest.raises(ValueError, match="logits that are not numbers .NaN."):
            result(np.nan, late)
        with pytest.raises(tf.errors.InvalidArgumentError, match="logits that are not numbers .NaN."):
            tf.function(lambda late=late: result(np.nan, late), autograph=False)()


def test_sampled_text_has_the_models_own_probability():
    """Whatever the temperature, scores are log P under the step's softmax, forbidden ids included in its sum."""
    tree = Tree(8, 6, 6)
    step, choose = Tree.step(tf.repeat(tree.table[None], 20, 0)), sampling(seed=1, temperature=2.0, top_k=3)
    token_ids, scores, _ = sample(step, Tree.begin(20), *prompts(*[[START]] * 20, length=7), choose)
    for ids, score in zip(token_ids.numpy().tolist(), scores.numpy(), strict=True):
        output = tuple(ids[1 : ids.index(PAD)] if PAD in ids else ids[1:])
        assert score == pytest.approx(reference.log_probability(tree, output), rel=1e-5)
        assert START not in output and PAD not in output


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        (lambda state: (tf.zeros([2, 1, 5]), state), r"logits \[R, V\].*\(2, 1, 5\)"),
        (lambda state: (tf.zeros([2, 5]), (*state, state)), "a state like the one it got"),
        (lambda state: (tf.zeros([2, 5]), (tf.cast(state[0], tf.int32),)), "a state like the one it got"),
        (lambda state: (tf.zeros([2, 5]), (state[0][:1],)), "a state like the one it got"),
    ],
)
def test_steps_that_break_the_contract_are_errors(returned, message):
    def step(last, state, position):
        return returned(state)

    with pytest.raises(ValueError, match=message):
        sample(step, (tf.zeros([2], tf.float32),), *prompts([START], [START], length=4))


@pytest.mark.parametrize("loop", ["sample", "beam_search", "contrastive_search"])
def test_a_step_may_return_logits_of_unknown_batch_size(loop):
    """As after a reshape by tf.shape, where the prompts have one row: the loop's variables keep their shapes."""
    markov, recurrent = random_markov(1), Recurrent(1)

    def lost(x):
        return tf.raw_ops.PlaceholderWithDefault(input=x, shape=tf.TensorShape([None, *x.shape[1:]]))

    def step(last, state, position):
        logits, state = markov.step(last, state, position)
        return lost(logits), state

    def call(token_ids):
        if loop == "sample":
            return sample(step, markov.begin(1), token_ids, token_ids > 0)
        if loop == "beam_search":
            return beam_search(step, markov.begin(2), token_ids[:, 0], 6, 2)
        parts = recurrent.features, lambda x: lost(recurrent.logits(x)), recurrent.begin(1)
        return contrastive_search(*parts, token_ids, token_ids > 0)

    ids = tf.constant([[2, 5, 0, 0, 0, 0]])
    for part, expected in zip(tf.function(call, autograph=False)(ids), call(ids), strict=True):
        np.testing.assert_allclose(part, expected, rtol=1e-5)
