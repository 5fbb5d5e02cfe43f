"""Rules: the arguments that the loops pass to them; each against hand-made distributions, NumPy and Hugging Face."""

import numpy as np
import pytest
import tensorflow as tf

from tests.generation.models import Markov, Tree, as_lists
from tests.reference import generation as reference
from tfllm.generation import (
    bad_words,
    beam_search,
    forced_tokens,
    max_length,
    min_length,
    no_repeat_ngram,
    of_last_turn,
    repetition_penalty,
    sample,
    sampling,
    suppressed,
)

PAD, UNKNOWN, START, END, A, B = range(6)


def no_echo(logits, tokens, position):
    """The previous token is forbidden."""
    last = tf.gather(tokens, position - 1, axis=1)
    return tf.where(tf.one_hot(last, logits.shape[-1]) > 0, -np.inf, logits)


class Tamed:
    """A model whose logits were changed by `rule(logits [V], ids so far, START first)`."""

    def __init__(self, model, rule):
        self.model, self.rule = model, rule

    def __call__(self, ids):
        return self.rule(reference.log_softmax(self.model(ids)), [START, *ids])


def test_the_loops_pass_the_text_so_far():
    """Logits or log-probabilities, tokens from position 0, and the position to fill."""
    model, seen = Markov(np.zeros((6, 6))), []

    def rule(logits, tokens, position):
        seen.append((logits.shape, tokens.numpy().tolist(), int(position)))
        return tf.where(tf.range(6) == A, logits, -np.inf)

    prompt = tf.constant([[START, B, 0, 0], [START, 0, 0, 0]])
    texts = sample(model.step, model.begin(2), prompt, prompt > 0, rules=(rule,))
    assert texts.token_ids.numpy().tolist() == [[START, B, A, A], [START, A, A, A]]
    first = [[START, B, 0, 0], [START, 0, 0, 0]], [[START, B, 0, 0], [START, A, 0, 0]]
    assert seen[:2] == [((2, 6), first[0], 1), ((2, 6), first[1], 2)]
    seen.clear()
    beam_search(model.step, model.begin(2), [START], 2, 2, rules=(rule,))
    assert seen[0] == ((2, 6), [[START, 0, 0]] * 2, 1)
    assert seen[1][1][0] == [START, A, 0] and seen[1][2] == 2


def test_rules_are_applied_in_order():
    model, order = Markov(np.zeros((6, 6))), []

    def rule(name):
        return lambda logits, tokens, position: order.append(name) or logits

    prompt = tf.constant([[START, 0]])
    sample(model.step, model.begin(1), prompt, prompt > 0, rules=[rule("first"), rule("second")])
    assert order == ["first", "second"]


def test_sample_chooses_by_the_rules_and_scores_by_the_step():
    for seed in range(10):
        tree = Tree(seed, 6, 5)
        prompt = tf.constant([[START, 0, 0, 0, 0]])
        texts = sample(Tree.step(tree.table[None]), Tree.begin(1), prompt, prompt > 0, rules=(no_echo,))
        expected = []
        while len(expected) < 4 and END not in expected:
            logits = tree(expected).copy()
            logits[[PAD, START, *expected[-1:]]] = -np.inf
            expected.append(int(logits.argmax()))
        assert texts.token_ids.numpy()[0].tolist() == [START, *expected] + [PAD] * (4 - len(expected))
        assert texts.lengths.numpy().tolist() == [1 + len(expected)]
        np.testing.assert_allclose(texts.scores, [reference.log_probability(tree, expected)], rtol=1e-5)


def test_beams_follow_the_rules():
    """Against the beam of lists over the changed log-probabilities, which are not made to sum to 1 again."""

    def rule(log_probs, ids):
        return np.where(np.arange(6) == ids[-1], -np.inf, log_probs)

    for seed in range(10):
        tree = Tree(seed, 6, 4)
        (result,) = as_lists(beam_search(
            Tree.step(tree.table[None]), Tree.begin(1, 4), [START], 4, 4, n_best=4, forbidden=(), rules=(no_echo,),
        ))  # fmt: skip
        expected = reference.beam(Tamed(tree, rule), 4, 4, END, 0.6, 4, renormalise=False)
        assert [ids for ids, _, _ in result] == [ids for ids, _, _ in expected]
        np.testing.assert_allclose([h[1:] for h in result], [h[1:] for h in expected], rtol=2e-5, atol=2e-5)


WORDS = [[5], [1, 4], [4, 4], [0, 1, 2], [2, 2, 5, 0], [4]]
RULES = [
    (repetition_penalty(1.7), lambda logits, ids: reference.repetition_penalty(logits, ids, 1.7)),
    (repetition_penalty(0.4), lambda logits, ids: reference.repetition_penalty(logits, ids, 0.4)),
    (no_repeat_ngram(1), lambda logits, ids: reference.no_repeat_ngram(logits, ids, 1)),
    (no_repeat_ngram(2), lambda logits, ids: reference.no_repeat_ngram(logits, ids, 2)),
    (no_repeat_ngram(3), lambda logits, ids: reference.no_repeat_ngram(logits, ids, 3)),
    (no_repeat_ngram(9), lambda logits, ids: reference.no_repeat_ngram(logits, ids, 9)),
    (bad_words(WORDS[:-1]), lambda logits, ids: reference.bad_words(logits, ids, WORDS[:-1])),
    (bad_words(WORDS[-2:]), lambda logits, ids: reference.bad_words(logits, ids, WORDS[-2:])),
    (bad_words([[5], [0]]), lambda logits, ids: reference.bad_words(logits, ids, [[5], [0]])),
    (no_repeat_ngram(1, 3), lambda logits, ids: reference.no_repeat_ngram(logits, ids, 1, 3)),
    (no_repeat_ngram(2, 2), lambda logits, ids: reference.no_repeat_ngram(logits, ids, 2, 2)),
]


@pytest.mark.parametrize(("rule", "expected"), RULES)
@pytest.mark.parametrize("compiled", [None, False, True])
def test_rules_of_random_texts(rule, expected, compiled):
    """6 ids at 16 positions repeat often. Tokens at the position and after it, real ids here, change nothing."""
    rng = np.random.default_rng(3)
    run = rule if compiled is None else tf.function(rule, autograph=False, jit_compile=compiled)
    changes = 0
    for position in (1, 2, 3, 8, 15, 16):
        tokens, logits = rng.integers(0, 6, (50, 16)), rng.normal(size=(50, 6)).astype("float32")
        logits[::7, 2] = -np.inf
        result = run(tf.constant(logits), tf.constant(tokens, tf.int32), tf.constant(position)).numpy()
        wanted = np.stack([expected(row, ids[:position]) for row, ids in zip(logits, tokens.tolist(), strict=True)])
        np.testing.assert_allclose(result, wanted, rtol=1e-6)
        changes += (wanted != logits).sum()
    assert changes > 0 or rule is RULES[5][0]


def test_repetition_penalty_by_hand():
    """CTRL's 1.2 at ids 4, 5 and 1, 5 being there twice; PAD after the text does not count."""
    logits = tf.constant([[1.0, 1.2, 1.0, 1.0, -1.0, 0.6]])
    tokens = tf.constant([[4, 5, 5, 1, 0, 0]])
    for penalty in (1.2, tf.constant(1.2)):
        result = repetition_penalty(penalty)(logits, tokens, 4).numpy()
        np.testing.assert_allclose(result, [[1.0, 1.0, 1.0, 1.0, -1.2, 0.5]], rtol=1e-6)
    assert repetition_penalty(1)(logits, tokens, 4).numpy().tolist() == logits.numpy().tolist()


def test_padding_of_any_value_is_no_token():
    logits, tokens = tf.ones([1, 4]), tf.constant([[2, -1, -1]])
    assert repetition_penalty(2.0)(logits, tokens, 1).numpy().tolist() == [[1, 1, 0.5, 1]]
    assert np.isinf(no_repeat_ngram(1)(logits, tokens, 1)).tolist() == [[False, False, True, False]]
    assert not np.isinf(no_repeat_ngram(2)(logits, tokens, 1)).any()


def silent(logits):
    """The forbidden ids, by row."""
    return [np.flatnonzero(np.isneginf(row)).tolist() for row in np.asarray(logits)]


def test_min_length_with_and_without_the_prompts():
    logits, tokens = tf.zeros([3, 6]), tf.zeros([3, 9], tf.int32)
    assert [silent(min_length(2)(logits, tokens, position)) for position in (1, 2)] == [[[END]] * 3, [[]] * 3]
    assert [silent(min_length(2, end=5)(logits, tokens, 1))[0]] == [[5]]
    for end in ([END, 5], (5, END), np.array([END, 5]), {5: 0, END: 0}.keys()):
        rule = min_length(tf.constant(2), end=list(end))
        assert [silent(rule(logits, tokens, position))[0] for position in (1, 2)] == [[END, 5], []]
    answers = min_length(2, after=tf.constant([1, 2, 3]))
    assert silent(answers(logits, tokens, 3)) == [[], [END], [END]]
    assert silent(answers(logits, tokens, 4)) == [[], [], [END]]


def test_forced_tokens_are_certain_at_their_positions():
    logits, tokens = tf.ones([2, 6]), tf.zeros([2, 9], tf.int32)
    rule, others = forced_tokens({2: B, 5: END}), [i for i in range(6) if i != B]
    assert silent(rule(logits, tokens, 2)) == [others] * 2 and rule(logits, tokens, 2)[0, B] == 0
    for position in (0, 1, 3, 4, 6, 8):
        assert rule(logits, tokens, position).numpy().tolist() == logits.numpy().tolist()
    assert silent(rule(logits, tokens, 5))[0] == [0, 1, 2, 4, 5]
    answers = forced_tokens([B, A], after=tf.constant([1, 2]))
    assert [len(row) for row in silent(answers(logits, tokens, 1))] == [5, 0]
    assert [[i for i in range(6) if i not in row] for row in silent(answers(logits, tokens, 2))] == [[A], [B]]
    assert [len(row) for row in silent(answers(logits, tokens, 3))] == [0, 5]
    assert forced_tokens([])(logits, tokens, 0).numpy().tolist() == logits.numpy().tolist()


def test_a_forced_prefix_begins_every_answer():
    """Rows with prompts of unequal lengths; their own last token is not forced again."""
    model = Markov(np.random.default_rng(4).normal(size=(6, 6)))
    prompt = tf.constant([[START, 0, 0, 0, 0, 0], [START, A, B, 0, 0, 0]])
    lengths = tf.constant([1, 3])
    rules = (min_length(4, after=lengths), forced_tokens([B, B, A], after=lengths))
    texts = sample(model.step, model.begin(2), prompt, prompt > 0, rules=rules)
    assert texts.token_ids.numpy()[0, :4].tolist() == [START, B, B, A]
    assert texts.token_ids.numpy()[1].tolist() == [START, A, B, B, B, A]
    beams = beam_search(model.step, model.begin(3), [START], 6, 3, rules=(forced_tokens([B, B, A], after=1),))
    assert beams.token_ids.numpy()[0, 0, :3].tolist() == [B, B, A]


def test_max_length_forces_the_end():
    logits, tokens = tf.ones([2, 6]), tf.zeros([2, 9], tf.int32)
    for most in (3, tf.constant(3)):
        answers = max_length(most, after=tf.constant([1, 2]))
        assert [[len(row) for row in silent(answers(logits, tokens, position))] for position in (3, 4, 5, 8)] == [
            [0, 0], [5, 0], [5, 5], [5, 5]
        ]  # fmt: skip
        assert answers(logits, tokens, 4)[0, END] == 0


def test_no_bad_word_forbids_to_end():
    """Hugging Face's own case: of [[1], [4], [1, 0], [0, 1, 2], [1, 3, 1, 3]], END is 4."""
    words, tokens = [[1], [4], [1, 0], [0, 1, 2], [1, 3, 1, 3]], tf.constant([[0, 1, 3, 1], [0, 1, 0, 1]])
    assert silent(bad_words(words, 4)(tf.zeros([2, 5]), tokens, 4)) == [[0, 1, 3], [0, 1, 2]]
    assert silent(bad_words(words, [4, 1])(tf.zeros([2, 5]), tokens, 4)) == [[0, 3], [0, 2]]
    assert silent(bad_words([[END]])(tf.zeros([2, 5]), tokens, 4)) == [[], []]


def test_suppressed_ids_are_silent():
    assert silent(suppressed([1, 4])(tf.zeros([2, 6]), None, 0)) == [[1, 4]] * 2


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: repetition_penalty(0), "repetition_penalty must be above 0, not 0"),
        (lambda: no_repeat_ngram(0), "no_repeat_ngram_size must be at least 1, not 0"),
        (lambda: no_repeat_ngram(2, 0), "ngram_times must be at least 1, not 0"),
        (lambda: bad_words([]), r"one token id or more, not \[\]"),
        (lambda: bad_words([[1], []]), r"not \[\[1\], \[\]\]"),
        (lambda: bad_words([[6]])(*FEW), r"token ids from 0 to 5; got \[6\]"),
        (lambda: bad_words([[9, 1]])(*FEW), r"got \[9\]"),
        (lambda: bad_words([[-1, 2]])(*FEW), r"got \[-1\]"),
        (lambda: suppressed([1, -1])(*FEW), r"got \[-1\]"),
        (lambda: min_length(2, end=6)(*FEW), r"got \[6\]"),
        (lambda: min_length(2, end=[]), r"end must be a token id or several, 0 or more, got \[\]"),
        (lambda: min_length(2, end=None), "got None"),
        (lambda: bad_words([[1]], [-1]), r"got \[-1\]"),
        (lambda: forced_tokens([8])(*FEW), r"got \[8\]"),
        (lambda: forced_tokens({-1: 3}), "0 or more; got -1"),
    ],
)
def test_impossible_rules_are_errors(make, message):
    with pytest.raises(ValueError, match=message):
        make()


FEW = (tf.zeros([1, 6]), tf.zeros([1, 3], tf.int32), 1)
EVERYTHING = (repetition_penalty(1.3), no_repeat_ngram(2), bad_words([[4, 5], [1]]), min_length(6), suppressed([6]))


@pytest.mark.parametrize("loop", ["sample", "beams"])
def test_rules_in_the_loops_eager_graph_and_xla(loop):
    model = Markov(np.random.default_rng(5).normal(0, 2, (9, 9)))

    def run(starts):
        if loop == "beams":
            beams = beam_search(model.step, model.begin(8), starts, 12, 4, rules=EVERYTHING)
            return beams.token_ids[:, 0], beams.scores[:, 0]
        token_ids = tf.pad(starts[:, None], [[0, 0], [0, 12]])
        given = tf.broadcast_to(tf.range(13) == 0, [2, 13])
        return sample(model.step, model.begin(2), token_ids, given, sampling(1, 2.0), rules=EVERYTHING)[:2]

    starts = tf.constant([START, 7])
    output, scores = run(starts)
    for row in output.numpy().tolist():
        text = [i for i in row if i != PAD]
        pairs = list(zip(text, text[1:], strict=False))
        assert len(set(pairs)) == len(pairs) > 3 and (4, 5) not in pairs and not {1, 6} & set(text)
    for compiled in (False, True):
        other = tf.function(run, autograph=False, jit_compile=compiled)(starts)
        assert other[0].numpy().tolist() == output.numpy().tolist()
        np.testing.assert_allclose(other[1], scores, rtol=1e-5)


def test_rules_of_the_last_turn_ignore_earlier_turns():
    """The prompt's turns do not count, nor does END: the same as the rule on the last turn alone."""
    logits = np.random.default_rng(0).normal(size=(2, 9)).astype("float32")
    tokens = tf.constant([[5, 6, 3, 5, 6, 7, 5, 0], [4, 3, 3, 6, 8, 6, 8, 1]])
    for rule in (repetition_penalty(2.0), no_repeat_ngram(2), bad_words([[7, 5, 6], [8, 8]])):
        result = of_last_turn(rule, end=3)(logits, tokens, 7).numpy()
        expected = rule(logits, tokens[:, 3:], 4).numpy()
        assert np.array_equal(result, expected) and not np.array_equal(result, logits)
    repeated = of_last_turn(no_repeat_ngram(1), end=3)(logits, tokens, 7).numpy()
    assert np.isneginf(repeated).tolist() == [[i in output for i in range(9)] for output in ({5, 6, 7}, {6, 8})]
