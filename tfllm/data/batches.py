"""Records -> batches, padded to a few fixed lengths: the only module that pads and buckets.

Rows of similar length share a batch, padded to one of a few lengths. The rows of each length are divided evenly among
its batches, so that XLA, which compiles for each shape, sees at most two batch sizes for each length.
Token ids are kept in memory, 4 bytes each. blocks.py packs several rows into one; streams.py handles data that is
larger than memory.
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
LARGEST = 2**31 - 1  # maximum number of bytes tokenised together, since their positions are int32
LARGE = 20000  # number of records from which tokenising shows a progress bar
TOKENS = 4096  # default number of positions in a batch, including padding
UPDATES = 50  # minimum number of batches in an epoch, if the batch size is chosen automatically
LEAST = 2  # minimum number of rows in a batch, if it is chosen automatically
CANDIDATES = 512  # maximum number of candidates for padded lengths


def rows(records, example, verbose=0):
    """Records (a dataset of dicts of strings) -> nested ragged tensors [N, None]: (inputs, targets, weights).

    `example(records [B])` returns the same structure for B of them; it runs inside tf.data, on all cores. Parts whose
    rows have a static length, such as labels, keep it. verbose: 1 shows progress for many records.
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
        raise ValueError("there is nothing to make batches of: the data has no records")
    return tf.nest.map_structure(_concatenated, *chunks)


def _read(dataset):
    try:
        yield from dataset
    except tf.errors.InvalidArgumentError as error:
        if MANY_BYTES not in str(error):
            raise
        match = re.search(f"({MANY_BYTES}[^]]*)] \\[(\\d+)", " ".join(str(error).split()))
        raise ValueError(f"up to {CHUNK} records, {' '.join(match.groups()) if match else MANY_BYTES}") from None


def bounded(example):
    """A function of records -> the same, with an error if it gets more bytes than int32 positions can address."""

    def checked(record):
        texts = [part for part in tf.nest.flatten(record) if part.dtype == tf.string]
        size = tf.add_n([tf.reduce_sum(tf.cast(tf.strings.length(text), tf.int64)) for text in texts])
        message = f"{MANY_BYTES}: truncate long texts, at most {LARGEST} bytes are allowed; they have"
        fits = tf.debugging.Assert(size < LARGEST, [message, size])
        with tf.control_dependencies([fits]):
            return example(tf.nest.map_structure(tf.identity, record))

    return checked


def _concatenated(*parts):
    """Ragged tensors [B, None] -> one; a static row length is kept."""
    flat = tf.concat([part.flat_values for part in parts], axis=0)
    if width(parts[0]) is not None:
        return tf.RaggedTensor.from_uniform_row_length(flat, width(parts[0]))
    return tf.RaggedTensor.from_row_lengths(flat, tf.concat([part.row_lengths() for part in parts], axis=0))


def mapped(dataset, function, parallel=2):
    """`dataset.map` without AutoGraph: docs/decisions.md."""
    return dataset.map(tf.autograph.experimental.do_not_convert(function), num_parallel_calls=parallel)


def width(part):
    """The static length of all rows of a ragged tensor, or None."""
    return part.shape[1] if part.uniform_row_length is not None else None


def lengths(rows):
    """[N]: the length of each row for choosing its bucket: its longest part, except parts of static length."""
    parts = tf.nest.flatten(rows)
    ragged = [part for part in parts if width(part) is None]
    return np.max([part.row_lengths().numpy() for part in ragged or parts], axis=0)


@dataclass(frozen=True)
class Plan:
    """The shapes of an epoch's batches, and the resulting padding."""

    edges: tuple[int, ...]  # padded lengths, rising; the last is the longest row's length
    rows: tuple[int, ...]  # maximum number of rows in a batch of each length
    counts: tuple[int, ...]  # number of rows of each length in an epoch
    waste: float  # share of padding among all positions of an epoch (for the longest part of each row)
    auto_sized: bool = False  # whether the batch size was derived from the number of rows

    def sizes(self, k):
        """Rows in each batch of length k: as few batches as possible, of equal size up to one row."""
        batches = -(-self.counts[k] // self.rows[k])
        return [(self.counts[k] + i) // batches for i in reversed(range(batches))]

    @property
    def batches(self):
        """Number of batches in an epoch."""
        return sum(len(self.sizes(k)) for k in range(len(self.edges)))

    @property
    def shapes(self):
        sizes = [sorted(set(self.sizes(k)), reverse=True) for k in range(len(self.edges))]
        listed = (f"{' or '.join(map(str, result))} x {edge}" for result, edge in zip(sizes, self.edges, strict=True))
        count = sum(map(len, sizes))
        return f"{count} shape{'s' * (count > 1)} ({', '.join(listed)}), {self.waste:.1%} padding"

    def __str__(self):
        auto_sized = (
            f"; sized for {sum(self.counts)} rows, unless batch_size or batch_tokens is given" * self.auto_sized
        )
        return f"{self.batches} batch{'es' * (self.batches > 1)} an epoch in {self.shapes}{auto_sized}"


def plan(lengths, tokens=None, batch_size=None, shapes=6, most=None):
    """-> Plan: at most `shapes` padded lengths that minimise the padding for rows of these `lengths`.

    tokens: positions in a batch, rows x padded length; or `batch_size`: rows of any length. With neither, the batch
    size is chosen automatically: at least about `UPDATES` batches per epoch if each can have `LEAST` rows, and at most
    `TOKENS` positions per batch, or `most` rows if given. Small data then gets fewer padded lengths.
    Raises ValueError if a row is longer than `tokens`, and for numbers below 1.
    """
    check_sizes(tokens, batch_size, shapes)
    auto_sized = tokens is None and batch_size is None
    if auto_sized and most:
        batch_size = min(most, max(LEAST, len(lengths) // UPDATES))
    limit = TOKENS if tokens is None else tokens
    if batch_size is None and lengths.max() > limit:
        raise ValueError(f"the longest row has {lengths.max()} tokens, more than a batch ({limit}): raise batch_tokens")
    if auto_sized:
        batches = max(min(UPDATES, len(lengths) // LEAST), int(lengths.sum()) // limit)
        shapes = min(shapes, max(2, batches // 12))
    edges = best_edges(lengths, shapes)
    counts = np.bincount(np.searchsorted(edges, lengths), minlength=len(edges))
    full = np.maximum(1, limit // edges) if batch_size is None else np.full(len(edges), batch_size)
    size = auto_rows(edges, counts, limit) if auto_sized and batch_size is None else full
    small = auto_sized and bool((size < (most or full)).any())
    parts = (tuple(map(int, part)) for part in (edges, size, counts))
    return Plan(*parts, 1 - int(lengths.sum()) / int((counts * edges).sum()), small)


def check_sizes(tokens, batch_size, shapes):
    """Raises ValueError for anything but whole numbers of at least 1; None means not given."""
    for name, value in (("batch_tokens", tokens), ("batch_size", batch_size), ("shapes", shapes)):
        if value is not None and not (isinstance(value, Integral) and value >= 1):
            raise ValueError(f"{name} must be a whole number, 1 or more; got {value!r}")


def auto_rows(edges, counts, limit):
    """Maximum number of rows for batches of each length, at most `limit` positions, that still gives `UPDATES` batches.

    At least `LEAST` rows, even if that gives fewer batches. The number of positions is the same for all lengths.
    """

    def rows(tokens):
        return np.minimum(np.maximum(1, limit // edges), np.maximum(LEAST, tokens // edges))

    def batches(tokens):
        return int((-(-counts // rows(tokens))).sum())

    goal = min(UPDATES, batches(1))
    return rows(bisect.bisect_left(range(1, limit + 1), True, key=lambda tokens: batches(tokens) < goal))


def best_edges(lengths, most):
    """At most `most` edges that minimise Σ (edge above the row - row), by dynamic programming over the distinct
    lengths.

    Of more than `CANDIDATES` distinct lengths a subset is used, evenly spread and including the longest.
    """
    sizes, counts = np.unique(lengths, return_counts=True)
    below = np.concatenate([[0], np.cumsum(counts)])  # number of rows among the first j sizes
    if len(sizes) > CANDIDATES:
        chosen = np.linspace(0, len(sizes) - 1, CANDIDATES).round().astype(int)
        sizes, below = sizes[chosen], np.concatenate([[0], below[chosen + 1]])
    cost, back = sizes * below[1:], []  # with one edge, at sizes[j]
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

    With a seed, an epoch's order depends on (seed, `epoch`) alone: an interrupted training that sets `epoch` continues
    with exactly the same batches. Without one, batches come bucket by bucket, rows in their original order.
    Within a bucket each part has its own padded length, that of its longest row there; parts of static length have it
    in every batch, as their static shape. PAD and weight are 0, so all parts are padded with zeros.

    The order is computed inside tf.data: with a Python generator TensorFlow would return freed memory to the system
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
        """A dataset of (row indices, bucket number) of each batch of this epoch."""
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
