"""Buckets against brute force over all choices of edges; batches by their laws."""

import itertools
import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfllm.data import batches
from tfllm.data.batches import Batches, Plan, best_edges, plan


def ragged(lists):
    return tf.ragged.constant(lists, tf.int32, ragged_rank=1)


def numbered(sizes, others=None):
    """Rows (inputs, targets, weights): row i holds i + 1 everywhere; `others`: the lengths of the targets."""
    sources = [[i + 1] * n for i, n in enumerate(sizes)]
    targets = [[i + 1] * n for i, n in enumerate(others or sizes)]
    weights = tf.ones_like(ragged(targets), tf.float32)
    return {"source": ragged(sources), "target": ragged(targets)}, ragged(targets), weights


def epoch(made):
    """The batches of one epoch as NumPy."""
    return [tf.nest.map_structure(lambda part: part.numpy(), batch) for batch in made.dataset]


def rows_of(epoch):
    """The numbers of the rows in each batch."""
    return [[int(i) - 1 for i in targets[:, 0] if i] for _, targets, _ in epoch]


SIZES = [3, 1, 7, 7, 2, 9, 4, 4, 4, 1, 8, 2, 5, 9, 3]
OTHERS = [2, 5, 7, 1, 2, 3, 9, 4, 1, 1, 8, 6, 5, 2, 3]


@pytest.fixture
def made():
    rows = numbered(SIZES, OTHERS)
    return Batches(rows, plan(batches.lengths(rows), tokens=20, shapes=3), seed=7)


@pytest.mark.parametrize("most", [1, 2, 3, 4, 9])
def test_edges_are_the_best_there_are(most):
    draw = np.random.default_rng(most)
    for _ in range(30):
        lengths = draw.integers(1, draw.integers(2, 12), draw.integers(1, 20))

        def padding(edges, lengths=lengths):
            return sum(min(edge for edge in edges if edge >= n) - n for n in lengths)

        sizes = sorted(set(lengths))
        choices = itertools.combinations(sizes[:-1], min(most, len(sizes)) - 1)
        result = best_edges(lengths, most)
        assert list(result) == sorted(set(result)) and result[-1] == sizes[-1] and len(result) <= most
        assert padding(result) == min(padding((*edges, sizes[-1])) for edges in choices)


def test_the_plan_counts_exactly():
    lengths = np.array([2] * 7 + [5] * 3 + [6])
    result = plan(lengths, tokens=12, shapes=2)  # 6 rows of 2, 2 rows of 6
    assert result == Plan(edges=(2, 6), rows=(6, 2), counts=(7, 4), waste=1 - lengths.sum() / (7 * 2 + 4 * 6))
    assert ([result.sizes(k) for k in (0, 1)], result.batches) == ([[4, 3], [2, 2]], 4)
    assert str(result) == "4 batches an epoch in 3 shapes (4 or 3 x 2, 2 x 6), 7.9% padding"


@pytest.mark.parametrize("count, most", [(1, 3), (3, 3), (4, 3), (100, 7), (7, 100)])
def test_rows_are_shared_evenly_in_as_few_batches_as_can_be(count, most):
    sizes = Plan((5,), (most,), (count,), 0.0).sizes(0)
    assert sum(sizes) == count and len(sizes) == math.ceil(count / most)
    assert max(sizes) <= most and max(sizes) - min(sizes) <= 1 and sizes == sorted(sizes, reverse=True)


def test_a_batch_may_have_fixed_rows():
    result = plan(np.array([2, 2, 2, 30]), tokens=10, batch_size=3, shapes=2)
    assert (result.edges, result.rows, result.batches, result.auto_sized) == ((2, 30), (3, 3), 2, False)


@pytest.mark.parametrize("count", [1, 3, 40, 100, 101, 149, 300, 777, 2000, 60000])
@pytest.mark.parametrize("most", [None, 32])
def test_the_batch_size_is_fitted_to_the_data(count, most):
    lengths = np.random.default_rng(count).integers(3, 30, count)
    result = plan(lengths, most=most)
    assert result.batches >= min(50, count // 2) and max(result.rows) >= 2
    for k, (edge, rows) in enumerate(zip(result.edges, result.rows, strict=True)):
        assert rows <= (most or 4096 // edge) and len(set(result.sizes(k))) <= 2
    assert len(result.edges) <= (2 if count < 70 else 4 if count < 300 else 6)
    if count == 60000:
        assert result == (plan(lengths, batch_size=32) if most else plan(lengths, tokens=4096))
    output = f"; sized for {count} rows, unless batch_size or batch_tokens is given"
    assert str(result).endswith(output) == result.auto_sized == ((0 if most else 3) < count < (1600 if most else 10000))


def test_many_different_lengths_take_little_memory():
    """50,000 of them: a table of all pairs would be 20 GB."""
    lengths = np.random.default_rng(0).permutation(np.arange(1, 50001))
    edges = best_edges(lengths, 4)
    assert len(edges) == 4 and edges[-1] == 50000
    np.testing.assert_allclose(edges, [12500, 25000, 37500, 50000], rtol=0.02)  # what is best of a uniform spread


def test_a_row_longer_than_a_batch_is_refused():
    with pytest.raises(ValueError, match="the longest row has 21 tokens, more than a batch .20.: raise batch_tokens"):
        plan(np.array([3, 21]), tokens=20)
    assert plan(np.array([3, 20]), tokens=20, shapes=1).rows == (1,)


def test_the_longest_part_of_a_row_counts():
    assert batches.lengths(numbered(SIZES, OTHERS)).tolist() == list(map(max, SIZES, OTHERS))


def test_every_row_once_an_epoch_and_whole(made):
    inputs, targets, weights = made.rows
    seen = []
    for batch in epoch(made):
        for source, before, target, weight in zip(batch[0]["source"], batch[0]["target"], *batch[1:], strict=True):
            i = int(target[0]) - 1
            seen.append(i)
            for part, whole in [(source, inputs["source"]), (before, inputs["target"]), (target, targets)]:
                n = int(whole[i].shape[0])
                np.testing.assert_array_equal(part[:n], whole[i])
                assert not part[n:].any()
            assert weight.sum() == OTHERS[i] and (weight == (target != 0)).all()
    assert sorted(seen) == list(range(len(SIZES)))


def test_shapes_are_those_of_the_plan(made):
    result, plan = epoch(made), made.plan
    assert len(result) == plan.batches == int(made.dataset.cardinality())
    planned = {(rows, edge) for k, edge in enumerate(plan.edges) for rows in plan.sizes(k)}
    assert {part.shape for batch in result for part in tf.nest.flatten(batch)} == planned
    assert len(plan.edges) == 3 and all(rows * edge <= 20 for rows, edge in planned)
    assert f"in {len(planned)} shapes" in str(plan)


def test_each_part_is_as_wide_as_its_longest_row_in_the_bucket():
    rows = numbered([1, 2, 2, 9, 8], others=[4, 3, 4, 3, 5])
    made = Batches(rows, plan(batches.lengths(rows), tokens=18, shapes=2))
    shapes = [[part.shape for part in (*inputs.values(), targets)] for inputs, targets, _ in epoch(made)]
    assert made.plan.edges == (4, 9) and shapes == [[(3, 2), (3, 4), (3, 4)], [(2, 9), (2, 5), (2, 5)]]


def test_the_waste_is_what_is_wasted(made):
    positions = sum(weights.size for _, _, weights in epoch(made))
    assert made.plan.waste == pytest.approx(1 - sum(map(max, SIZES, OTHERS)) / positions)


def test_the_order_depends_on_seed_and_epoch_only(made):
    first, again = rows_of(epoch(made)), rows_of(epoch(made))
    assert first == again
    made.epoch = 1
    second = rows_of(epoch(made))
    resumed = Batches(made.rows, made.plan, seed=7)
    resumed.epoch = 1
    assert second == rows_of(epoch(resumed)) != first
    assert rows_of(epoch(Batches(made.rows, made.plan, seed=8))) != first


def test_fit_trains_on_the_order_of_its_epoch(made):
    """Keras looks at a first batch before it begins, and prefetches: neither may shift the order."""

    class Recorder(keras.Model):
        def train_step(self, data):
            seen[-1].append(data[1].numpy()[:, 0])
            return {"loss": 0.0}

    def begin(number, logs):
        made.epoch = number
        seen.append([])

    seen, model = [], Recorder()
    model.compile(run_eagerly=True)
    follow = keras.callbacks.LambdaCallback(on_epoch_begin=begin)
    model.fit(made.dataset, initial_epoch=2, epochs=4, shuffle=False, verbose=0, callbacks=[follow])
    for number, result in zip((2, 3), seen, strict=True):
        made.epoch = number
        assert [[i - 1 for i in batch if i] for batch in result] == rows_of(epoch(made))


def test_an_epoch_mixes_batches_and_their_rows(made):
    mates = []
    for number in range(5):
        made.epoch = number
        mates.append({frozenset(rows) for rows in rows_of(epoch(made))})
    assert len(set.union(*mates)) > made.plan.batches
    made.epoch = 0
    orders = []
    for number in range(5):
        made.epoch = number
        orders.append([targets.shape[1] for _, targets, _ in epoch(made)])
    assert any(edges not in (sorted(edges), sorted(edges, reverse=True)) for edges in orders)


def test_without_a_seed_rows_keep_their_order(made):
    result = rows_of(epoch(Batches(made.rows, made.plan)))
    longest, edges = list(map(max, SIZES, OTHERS)), (0, *made.plan.edges)
    expected = []
    for k, (low, high) in enumerate(itertools.pairwise(edges)):
        members = iter([i for i, n in enumerate(longest) if low < n <= high])
        expected += [list(itertools.islice(members, size)) for size in made.plan.sizes(k)]
    assert result == expected


def test_rows_come_from_records_in_their_order():
    count = 2 * batches.CHUNK + 3
    texts = [str(i) for i in range(count)]

    def example(record):
        points = tf.strings.unicode_decode(record["text"], "UTF-8")
        return {"text": points}, points

    inputs, targets = batches.rows(tf.data.Dataset.from_tensor_slices({"text": texts}), example)
    assert targets.nrows() == count and inputs["text"].to_list() == [[ord(c) for c in text] for text in texts]
    lengths = batches.lengths((inputs, targets))
    assert lengths.tolist() == [len(text) for text in texts]
    assert plan(lengths, tokens=8, shapes=4).batches == sum(math.ceil(n / (8 // k)) for k, n in
                                                          [(1, 10), (2, 90), (3, 900), (4, count - 1000)])  # fmt: skip


def test_labels_have_a_static_shape_and_do_not_choose_the_length():
    def example(record):
        points = tf.strings.unicode_decode(record["text"], "UTF-8")
        label = tf.RaggedTensor.from_tensor(tf.one_hot(points.row_lengths(), 9))
        return points, label, tf.ones_like(points, tf.float32)

    texts = [letter * n for n, letter in enumerate("abcdefg", start=1)] * 100
    rows = batches.rows(tf.data.Dataset.from_tensor_slices({"text": texts}), example)
    assert batches.lengths(rows).tolist() == [len(text) for text in texts]
    made = Batches(rows, plan(batches.lengths(rows), tokens=40, shapes=2), seed=1)
    assert [part.shape.as_list() for part in made.dataset.element_spec] == [[None, None], [None, 9], [None, None]]
    for points, label, weights in epoch(made):
        np.testing.assert_array_equal(label.argmax(axis=1), weights.sum(axis=1))
        np.testing.assert_array_equal(points > 0, weights > 0)


def test_many_records_show_progress(monkeypatch, capsys):
    monkeypatch.setattr(batches, "LARGE", 600)
    data = tf.data.Dataset.from_tensor_slices({"text": ["a b"] * 700})
    for records, shown, end in [(data, 1, "700/700"), (data.take(599), 1, ""), (data, 0, ""),
                                (data.filter(lambda record: True), 1, "1024/Unknown")]:  # fmt: skip
        batches.rows(records, lambda record: tf.strings.split(record["text"]), shown)
        output = capsys.readouterr().out
        assert end in output if end else not output, output


@pytest.mark.parametrize("options", [{"batch_size": 0}, {"tokens": -1}, {"shapes": 0}])
def test_sizes_below_one_are_refused(options):
    with pytest.raises(ValueError, match="must be a whole number, 1 or more; got (0|-1)"):
        plan(np.array([3, 4]), **options)


def test_more_bytes_than_positions_count_are_refused(monkeypatch):
    monkeypatch.setattr(batches, "LARGEST", 20)
    records = tf.data.Dataset.from_tensor_slices({"text": ["a b c d e f"] * 2})
    batches.rows(records.take(1), lambda record: tf.strings.split(record["text"]))
    with pytest.raises(ValueError, match=r"^up to \d+ records, .* truncate long texts, at most 20 bytes .* have 22$"):
        batches.rows(records, lambda record: tf.strings.split(record["text"]))


def test_no_record_at_all_is_refused():
    nothing = tf.data.Dataset.from_tensor_slices({"text": tf.constant([], tf.string)})
    with pytest.raises(ValueError, match="the data has no record"):
        batches.rows(nothing, lambda record: tf.strings.split(record["text"]))
