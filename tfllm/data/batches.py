"""Records -> batches, padded to a few fixed lengths: the only place that pads and buckets.

Rows of like length share a batch, padded to one of a few lengths. The rows of one length are shared evenly among its
batches, so that XLA, which compiles for each shape, meets at most two numbers of rows for each length.
Token ids are held in memory, 4 bytes each. Packing several rows into one is in blocks.py, what is larger than memory
in streams.py.
"""

import bisect
import re
from dataclasses import dataclass
from numbers import Integral

import keras
import numpy as np
import tensorflow as tf

from tfllm.endless import counted

CHUNK = 512  # strings that are tokenised together
MANY_BYTES = "which are tokenised together, have too many bytes"
LARGEST = 2**31 - 1  # bytes that are tokenised together, at most: their positions are int32
LARGE = 20000  # records whose tokenising shows a progress bar
TOKENS = 4096  # positions in a batch, padding counted, where nothing else is said
UPDATES = 50  # batches that an epoch has at least, where the batch size is fitted to the data
LEAST = 2  # rows in a batch, at least, where it is fitted
CANDIDATES = 512  # lengths that a padded length is chosen from


def rows(records, example, verbose=0):
    """Records (a dataset of dicts of strings) -> nests of ragged tensors [N, None]: (inputs, targets, weights).

    `example(records [B])` gives the same nests for B of them; it runs inside tf.data, on all cores. A part whose rows
    have one static length there, such as labels, has it here too. verbose: 1 shows progress on many records.
    """
    dataset = mapped(records.batch(CHUNK), bounded(example), tf.data.AUTOTUNE)
    chunks, done, total, bar = [], 0, int(records.cardinality()), None
    for chunk in counted(_read(dataset), CHUNK, known=total >= 0):
        chunks.append(chunk)
        done += CHUNK
        if verbose and (done if total < 0 else total) >= LARGE:
            bar = bar or keras.utils.Progbar(total if total >= 0 else None, unit_name="record", verbose=verbose)
            bar.update(min(done, total) if total >= 0 else done)
    if not chunks:
        raise ValueError("there is nothing to make batches of: the data has no record")
    return tf.nest.map_structure(_concatenated, *chunks)


def _read(dataset):
    try:
        yield from dataset
    except tf.errors.InvalidArgumentError as error:
        if MANY_BYTES not in str(error):
            raise
        said = re.search(f"({MANY_BYTES}[^]]*)] \\[(\\d+)", " ".join(str(error).split()))
        raise ValueError(f"{CHUNK} records or fewer, {' '.join(said.groups()) if said else MANY_BYTES}") from None


def bounded(example):
    """A function of records -> the same, with an error where it would be given more bytes than positions count."""

    def checked(record):
        texts = [part for part in tf.nest.flatten(record) if part.dtype == tf.string]
        size = tf.add_n([tf.reduce_sum(tf.cast(tf.strings.length(text), tf.int64)) for text in texts])
        told = f"{MANY_BYTES}: cut long texts, at most {LARGEST} bytes are allowed; they have"
        fits = tf.debugging.Assert(size < LARGEST, [told, size])
        with tf.control_dependencies([fits]):
            return example(tf.nest.map_structure(tf.identity, record))

    return checked


def _concatenated(*parts):
    """Ragged tensors [B, None] -> one; a static row length stays."""
    flat = tf.concat([part.flat_values for part in parts], axis=0)
    if width(parts[0]) is not None:
        return tf.RaggedTensor.from_uniform_row_length(flat, width(parts[0]))
    return tf.RaggedTensor.from_row_lengths(flat, tf.concat([part.row_lengths() for part in parts], axis=0))


def mapped(dataset, function, parallel=2):
    """`dataset.map` without AutoGraph: docs/decisions.md."""
    return dataset.map(tf.autograph.experimental.do_not_convert(function), num_parallel_calls=parallel)


def width(part):
    """The length of all rows of a ragged tensor where it is static, or None."""
    return part.shape[1] if part.uniform_row_length is not None else None


def lengths(rows):
    """[N]: the longest part of each row, by which its bucket is chosen; parts of one static length do not count."""
    parts = tf.nest.flatten(rows)
    ragged = [part for part in parts if width(part) is None]
    return np.max([part.row_lengths().numpy() for part in ragged or parts], axis=0)


@dataclass(frozen=True)
class Plan:
    """Which shapes an epoch has, and what they cost."""

    edges: tuple[int, ...]  # padded lengths, rising; the last is the longest row's
    rows: tuple[int, ...]  # the most rows in a batch of each
    counts: tuple[int, ...]  # rows of each in an epoch
    waste: float  # share of padding among all positions of an epoch (the longest part of each row counted)
    fitted: bool = False  # whether the rows of a batch follow from how many there are

    def sizes(self, k):
        """Rows in each batch of length k: as few batches as can be, equally large but for one row."""
        batches = -(-self.counts[k] // self.rows[k])
        return [(self.counts[k] + i) // batches for i in reversed(range(batches))]

    @property
    def batches(self):
        """How many an epoch has."""
        return sum(len(self.sizes(k)) for k in range(len(self.edges)))

    @property
    def shapes(self):
        sizes = [sorted(set(self.sizes(k)), reverse=True) for k in range(len(self.edges))]
        listed = (f"{' or '.join(map(str, result))} x {edge}" for result, edge in zip(sizes, self.edges, strict=True))
        count = sum(map(len, sizes))
        return f"{count} shape{'s' * (count > 1)} ({', '.join(listed)}), {self.waste:.1%} padding"

    def __str__(self):
        fitted = f"; sized for {sum(self.counts)} rows, unless batch_size or batch_tokens is given" * self.fitted
        return f"{self.batches} batch{'es' * (self.batches > 1)} an epoch in {self.shapes}{fitted}"


def plan(lengths, tokens=None, batch_size=None, shapes=6, most=None):
    """-> Plan: the padded lengths, at most `shapes` of them, that leave the least padding for rows of these `lengths`.

    tokens: positions in a batch, rows x padded length; or, where given, `batch_size` rows whatever their length. With
    neither, batches are fitted to the data: an epoch has about `UPDATES` of them or more, if that leaves each `LEAST`
    rows, and none has more than `TOKENS` positions, or than `most` rows where that is given instead. What is small has
    fewer padded lengths then.
    Raises ValueError where a row is longer than `tokens`, and for numbers below 1.
    """
    check_sizes(tokens, batch_size, shapes)
    fitted = tokens is None and batch_size is None
    if fitted and most:
        batch_size = min(most, max(LEAST, len(lengths) // UPDATES))
    limit = TOKENS if tokens is None else tokens
    if batch_size is None and lengths.max() > limit:
        raise ValueError(f"the longest row has {lengths.max()} tokens, a batch only {limit}: raise batch_tokens")
    if fitted:
        batches = max(min(UPDATES, len(lengths) // LEAST), int(lengths.sum()) // limit)
        shapes = min(shapes, max(2, batches // 12))
    edges = best_edges(lengths, shapes)
    counts = np.bincount(np.searchsorted(edges, lengths), minlength=len(edges))
    full = np.maximum(1, limit // edges) if batch_size is None else np.full(len(edges), batch_size)
    size = fitted_rows(edges, counts, limit) if fitted and batch_size is None else full
    small = fitted and bool((size < (most or full)).any())
    parts = (tuple(map(int, part)) for part in (edges, size, counts))
    return Plan(*parts, 1 - int(lengths.sum()) / int((counts * edges).sum()), small)


def check_sizes(tokens, batch_size, shapes):
    """ValueError for numbers below 1 and what is no whole number; None is left open."""
    for name, value in (("batch_tokens", tokens), ("batch_size", batch_size), ("shapes", shapes)):
        if value is not None and not (isinstance(value, Integral) and value >= 1):
            raise ValueError(f"{name} must be a whole number, 1 or more; got {value!r}")


def fitted_rows(edges, counts, limit):
    """The most rows for batches of each length, none above `limit` positions, that still give `UPDATES` batches.

    At least `LEAST`, however few batches that gives. They are rows of one number of positions, for all lengths.
    """

    def rows(tokens):
        return np.minimum(np.maximum(1, limit // edges), np.maximum(LEAST, tokens // edges))

    def batches(tokens):
        return int((-(-counts // rows(tokens))).sum())

    goal = min(UPDATES, batches(1))
    return rows(bisect.bisect_left(range(1, limit + 1), True, key=lambda tokens: batches(tokens) < goal))


def best_edges(lengths, most):
    """At most `most` edges with Σ (edge above the row - row) least, by dynamic programming over the lengths seen.

    Of more than `CANDIDATES` different lengths so many are looked at, evenly spread among them and with the longest.
    """
    sizes, counts = np.unique(lengths, return_counts=True)
    below = np.concatenate([[0], np.cumsum(counts)])  # rows among the first j sizes
    if len(sizes) > CANDIDATES:
        chosen = np.linspace(0, len(sizes) - 1, CANDIDATES).round().astype(int)
        sizes, below = sizes[chosen], np.concatenate([[0], below[chosen + 1]])
    cost, back = sizes * below[1:], []  # one edge, at sizes[j]
    for _ in range(min(most, len(sizes)) - 1):
        # an edge at j after one at i: the rows of sizes i + 1 .. j are padded to sizes[j]
        options = cost[:, None] + np.where(
            np.tri(len(sizes), k=-1, dtype=bool).T, sizes * (below[1:] - below[1:, None]), np.iinfo(int).max // 4
        )
        back.append(options.argmin(axis=0))
        cost = np.minimum(cost, options.min(axis=0))
    chosen = [len(sizes) - 1]
    for before in reversed(back):
        chosen.append(before[chosen[-1]])
    return sizes[chosen[::-1]]


class Batches:
    """The rows as padded batches by a plan. `dataset` is a tf.data.Dataset; each pass over it is one epoch.

    With a seed, an epoch's order depends on (seed, `epoch`) alone: an interrupted training that sets `epoch` goes on
    with the very batches it would have had. Without one, batches come bucket by bucket, rows in their own order.
    Within a bucket each part has its own padded length, that of its longest row there; a part of one static length has
    it in every batch, as its static shape. PAD and weight are 0, so every part is filled up with zeros.

    The order is drawn inside tf.data: a Python generator there makes TensorFlow give freed memory back to the system
    after every step, see docs/decisions.md.
    """

    def __init__(self, rows, plan, seed=None):
        self.rows, self.plan, self.seed = rows, plan, seed
        self.now = tf.Variable(0, trainable=False, dtype=tf.int64)  # read when a pass over `dataset` begins
        self.bucket = np.searchsorted(plan.edges, lengths(rows))  # [N]
        self.widths = tf.nest.map_structure(self.longest, rows)  # [buckets]
        self.dense = tf.nest.map_structure(
            lambda part: part if width(part) is None else tf.reshape(part.flat_values, [-1, width(part)]), rows
        )
        dataset = tf.data.Dataset.range(1).flat_map(tf.autograph.experimental.do_not_convert(self.order))
        dataset = dataset.apply(tf.data.experimental.assert_cardinality(plan.batches))
        self.dataset = mapped(dataset, self.pad).prefetch(2)

    @property
    def epoch(self):
        return int(self.now)

    @epoch.setter
    def epoch(self, number):
        self.now.assign(number)

    def longest(self, part):
        result = np.zeros(len(self.plan.edges), "int64")
        np.maximum.at(result, self.bucket, part.row_lengths().numpy())
        return tf.constant(result)

    def order(self, _):
        """A dataset of (indices of the rows, number of the bucket) of each batch of this epoch."""
        sizes = [self.plan.sizes(k) for k in range(len(self.plan.edges))]
        kinds = tf.constant(np.repeat(np.arange(len(sizes)), [len(part) for part in sizes]))  # [batches]
        ends = tf.constant(np.cumsum([size for part in sizes for size in part]))
        begins, index = tf.concat([[0], ends[:-1]], axis=0), tf.constant(np.argsort(self.bucket, kind="stable"))
        batches = tf.range(self.plan.batches)
        if self.seed is not None:
            seeds = tf.random.split(tf.stack([tf.constant(self.seed, tf.int64), self.now]), 2)
            drawn = tf.random.stateless_uniform(tf.shape(index), seeds[0], None, None, tf.int32)
            keys = tf.cast(tf.constant(self.bucket), tf.int64) * 2**32 + tf.cast(drawn, tf.int64)
            index = tf.argsort(keys, stable=True)
            batches = tf.random.experimental.stateless_shuffle(batches, seeds[1])
        numbers = tuple(tf.gather(part, batches) for part in (begins, ends, kinds))
        return mapped(
            tf.data.Dataset.from_tensor_slices(numbers), lambda begin, end, kind: (index[begin:end], kind), None
        )

    def pad(self, index, bucket):
        def padded(part, width):
            result = tf.gather(part, index)
            if not isinstance(result, tf.RaggedTensor):
                return result
            return result.to_tensor(shape=tf.stack([tf.size(index, tf.int64), width[bucket]]))

        return tf.nest.map_structure(padded, self.dense, self.widths)
