"""GloVe against NumPy loops from the paper, central differences, and what training must do."""

import subprocess
import sys

import numpy as np
import pytest

from tests.reference import glove as reference
from tfllm.vectors import Cooccurrence, GloVe, load
from tfllm.vectors.glove.glove import PAGE, shuffled

pytest.importorskip("numba")
WORDS, WIDTH = 7, 4
TEXTS = ["a b c a d", "b a e", "c c f a b g"] * 3


def table(size=30, seed=0):
    """Pairs (row, column, count), some counts beyond x_max = 5."""
    draw = np.random.default_rng(seed)
    positions = draw.permutation(WORDS * WORDS)[:size]
    return [
        (int(p) // WORDS, int(p) % WORDS, float(x)) for p, x in zip(positions, draw.exponential(4, size), strict=True)
    ]


def start(seed=1):
    draw = np.random.default_rng(seed)
    return draw.normal(0, 0.5, (2 * WORDS, WIDTH + 1))


def apart(values):
    """[2V, D + 1] -> w, c, b, a, as views."""
    half = len(values) // 2
    return values[:half, :-1], values[half:, :-1], values[:half, -1], values[half:, -1]


def swept(pairs, values, squares, rate, x_max=5.0, alpha=0.75, clip=np.inf):
    from tfllm.vectors.glove.adagrad import sweep

    rows, columns, counts = (np.array(column) for column in zip(*pairs, strict=True))
    weights = np.array([reference.weight(x, x_max, alpha) for x in counts])
    return sweep(rows, columns + len(values) // 2, np.log(counts), weights, values, squares, rate, clip)


def test_weights_are_those_of_the_paper():
    counts = np.array([0.1, 1, 4.99, 5, 5.01, 1000])
    expected = [reference.weight(x, 5.0, 0.6) for x in counts]
    np.testing.assert_allclose(GloVe(x_max=5.0, alpha=0.6).weights(np.log(counts)), expected, rtol=1e-6)


def test_steps_and_loss_follow_the_reference():
    values, pairs = start(), table()
    squares = np.ones_like(values)
    expected, expected_squares = values.copy(), np.ones_like(values)
    for _ in range(5):
        loss = swept(pairs, values, squares, rate=0.05) / len(pairs)
        output = reference.epoch(pairs, apart(expected), apart(expected_squares), 5.0, 0.75, 0.05)
        assert loss == pytest.approx(output, rel=1e-12)
    np.testing.assert_allclose(values, expected, rtol=1e-11)
    np.testing.assert_allclose(squares, expected_squares, rtol=1e-12)


def test_the_first_step_is_half_the_gradient_of_the_objective():
    """By central differences in float64, for each pair alone; squares of 1 leave the gradient as it is."""
    for pair in table():
        values = start()
        before, rate, small = values.copy(), 1e-3, 1e-6
        swept([pair], values, np.ones_like(values), rate)
        result = (before - values) / rate
        for position in np.ndindex(values.shape):
            higher, lower = before.copy(), before.copy()
            higher[position] += small
            lower[position] -= small
            rise = reference.objective([pair], *apart(higher), 5.0, 0.75)
            slope = (rise - reference.objective([pair], *apart(lower), 5.0, 0.75)) / (2 * small)
            assert result[position] == pytest.approx(slope / 2, abs=1e-8)


def test_each_number_of_a_gradient_is_cut():
    values = np.ones((2, 3))
    swept([(0, 0, 1e200)], values, np.ones_like(values), rate=0.5, clip=100.0)
    np.testing.assert_allclose(values[:, :2], 1 + 0.5 * 100)
    assert (values[:, 2] > 200).all()  # biases are not


def test_training_follows_the_reference():
    """Same counts, first values and orders: the losses of all epochs, and the vectors, in float32."""
    glove = GloVe(vector_size=WIDTH, min_count=1, x_max=2.0, epochs=6, seed=5).fit(TEXTS, verbose=0)
    pairs, size = glove.cooccurrence.pairs, 2 * len(glove.cooccurrence.words)
    draw = np.random.default_rng(5)
    values = ((draw.random((size, WIDTH + 1), np.float32) - 0.5) / (WIDTH + 1)).astype(np.float64)
    squares, losses = np.ones_like(values), []
    for _ in range(6):
        order = np.concatenate(list(shuffled(pairs, draw, capacity=10**6))).tolist()
        losses.append(reference.epoch(order, apart(values), apart(squares), 2.0, 0.75, 0.05))
    np.testing.assert_allclose(glove.history["loss"], losses, rtol=1e-5)
    w, c, b, a = apart(values)
    np.testing.assert_allclose(glove.vectors.vectors, w + c, atol=1e-5)
    np.testing.assert_allclose(glove.biases, [b, a], atol=1e-5)


def test_a_small_table_can_be_learned_by_heart():
    glove = GloVe(vector_size=30, min_count=1, x_max=1.0, learning_rate=0.2, epochs=150).fit(TEXTS, verbose=0)
    assert glove.history["loss"][-1] < 1e-3 * glove.history["loss"][0]
    result = glove.cooccurrence
    dots = (glove.word_vectors @ glove.context_vectors.T)[result.rows, result.columns]
    fitted = dots + glove.biases[0, result.rows] + glove.biases[1, result.columns]
    np.testing.assert_allclose(fitted, np.log(result.counts), atol=0.05)


def test_words_of_one_subject_come_to_lie_together():
    draw = np.random.default_rng(0)
    subjects = ["cat dog bird fish".split(), "car bus train bike".split()]
    texts = [draw.choice(subjects[i % 2], 8).tolist() for i in range(300)]
    vectors = GloVe(vector_size=8, x_max=10, epochs=30).fit(texts, verbose=0).vectors
    for subject in subjects:
        for word in subject:
            assert {other for other, _ in vectors.most_similar(word, topn=3)} == set(subject) - {word}


@pytest.mark.parametrize("capacity", [1, PAGE, 3 * PAGE + 1, 10**6])
def test_an_epoch_has_each_pair_once_in_a_new_order(capacity):
    pairs, draw = np.arange(10 * PAGE + 7), np.random.default_rng(3)
    epochs = [list(shuffled(pairs, draw, capacity, size=100)) for _ in range(2)]
    first, second = (np.concatenate(chunks) for chunks in epochs)
    assert sorted(first) == sorted(second) == pairs.tolist()
    assert max(map(len, epochs[0])) <= 100
    assert (first != second).mean() > 0.9
    assert (first[1:] != first[:-1] + 1).mean() > 0.9


def test_the_seed_decides():
    def vectors(seed, **options):
        return GloVe(vector_size=5, min_count=1, epochs=2, seed=seed, **options).fit(TEXTS, verbose=0).vectors.vectors

    np.testing.assert_array_equal(vectors(1), vectors(1))
    assert np.abs(vectors(1) - vectors(2)).max() > 1e-3


def test_a_table_on_the_disk_trains_as_well(tmp_path):
    draw = np.random.default_rng(0)
    texts = draw.integers(0, 300, (300, 20)).astype(str).tolist()
    options = dict(vector_size=5, min_count=1, epochs=3, folder=tmp_path)
    spilled = GloVe(memory=0.3, **options).fit(texts, verbose=0)
    whole = GloVe(**options).fit(texts, verbose=0)
    assert isinstance(spilled.cooccurrence.pairs, np.memmap) and not isinstance(whole.cooccurrence.pairs, np.memmap)
    np.testing.assert_allclose(spilled.history["loss"], whole.history["loss"], rtol=0.02)  # another order
    assert list(tmp_path.iterdir()) == []


def test_more_workers_learn_the_same_task():
    one, two = (GloVe(vector_size=5, min_count=1, workers=workers).fit(TEXTS, verbose=0) for workers in (1, 2))
    np.testing.assert_allclose(one.history["loss"], two.history["loss"], rtol=0.1)


def test_a_table_that_is_counted_already():
    counted = Cooccurrence.count(TEXTS, min_count=1, verbose=0)
    glove = GloVe(min_count=1, epochs=1)
    first = glove.fit(TEXTS, verbose=0).vectors.vectors
    np.testing.assert_array_equal(glove.fit(counted, verbose=0).vectors.vectors, first)
    assert len(glove.history["loss"]) == 1  # it began anew


def test_vectors_are_a_table_with_counts(tmp_path):
    glove = GloVe(vector_size=3, min_count=1, epochs=2).fit(TEXTS, verbose=0)
    vectors = glove.vectors
    assert vectors.index_to_key == ["a", "b", "c", "d", "e", "f", "g"]
    assert vectors.get_vecattr("a", "count") == 12 and vectors.get_vecattr("g", "count") == 3
    np.testing.assert_array_equal(vectors.vectors, glove.word_vectors + glove.context_vectors)
    glove.add_contexts = False
    np.testing.assert_array_equal(glove.vectors.vectors, glove.word_vectors)
    glove.save(tmp_path / "vectors.bin", format="binary")
    read = load(tmp_path / "vectors.bin")
    assert read.index_to_key == vectors.index_to_key
    np.testing.assert_array_equal(read.vectors, glove.word_vectors)


def test_progress_is_shown(capsys):
    glove = GloVe(min_count=1, epochs=2).fit(TEXTS)
    printed = capsys.readouterr().out
    assert "counting pairs" in printed and "Epoch 2/2" in printed
    assert f"loss: {glove.history['loss'][-1]:.4f}" in printed.splitlines()[-1]
    GloVe(min_count=1, epochs=2).fit(TEXTS, verbose=0)
    assert capsys.readouterr().out == ""


def test_numba_and_gensim_wait_until_they_are_used():
    code = "import sys, tfllm.vectors.glove.glove; print(sorted({'numba', 'gensim'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"


@pytest.mark.parametrize(
    "options, output",
    [
        ({"vector_size": 0}, "vector_size must be a whole number, at least 1, got 0"),
        ({"epochs": 1.5}, "epochs"),
        ({"workers": 0}, "workers"),
        ({"x_max": 0}, "x_max must be above 0, got 0"),
        ({"alpha": -1}, "alpha"),
        ({"learning_rate": 0}, "learning_rate"),
    ],
)
def test_options_that_mean_nothing_are_refused(options, output):
    with pytest.raises(ValueError, match=output):
        GloVe(**options)


def test_a_loss_that_is_no_number_ends_the_training():
    with pytest.raises(ValueError, match="lower learning_rate=1e[+]30"):
        GloVe(min_count=1, learning_rate=1e30).fit(TEXTS, verbose=0)


def test_there_are_no_vectors_before_fit():
    with pytest.raises(ValueError, match=r"call fit\(texts\) first"):
        _ = GloVe().vectors
    with pytest.raises(ValueError, match="no word occurs min_count=100 times; the most frequent, 'a', occurs 12 times"):
        GloVe(min_count=100).fit(TEXTS, verbose=0)
