"""Records -> batches of few shapes: the only place that pads and buckets.

Rows of like length share a batch, padded to one of a few lengths (XLA compiles once for each), and every batch of
one length has the same number of rows, filled up at the end of an epoch with rows of weight 0.
Token ids are held in memory, 4 bytes each. Packing several rows into one is in blocks.py, what is larger than memory
in streams.py.
"""

from dataclasses import dataclass

import numpy as np
import tensorflow as tf

CHUNK = 512  # strings that are tokenised together


def rows(records, example):
    """Records (a dataset of dicts of strings) -> nests of ragged tensors [N, None]: (inputs, targets, weights).

    `example(records [B])` gives the same nests for B of them; it runs inside tf.data, on all cores.
    """
    chunks = list(mapped(records.batch(CHUNK), example, tf.data.AUTOTUNE))
    if not chunks:
        raise ValueError("there is nothing to make batches of: the data has no record")
    return tf.nest.map_structure(lambda *parts: tf.concat(parts, axis=0), *chunks)


def mapped(dataset, function, parallel=2):
    """`dataset.map` without AutoGraph: docs/decisions.md."""
    return dataset.map(tf.autograph.experimental.do_not_convert(function), num_parallel_calls=parallel)


def lengths(rows):
    """[N]: the longest part of each row, by which its bucket is chosen."""
    return np.max([part.row_lengths().numpy() for part in tf.nest.flatten(rows)], axis=0)


@dataclass(frozen=True)
class Plan:
    """Which shapes an epoch has, and what they cost."""

    edges: tuple[int, ...]  # padded lengths, rising; the last is the longest row's
    rows: tuple[int, ...]  # rows in a batch of each
    batches: int  # in an epoch
    waste: float  # share of padding among all places of an epoch (the longest part of each row counted)

    @property
    def shapes(self):
        listed = ", ".join(f"{rows} x {edge}" for rows, edge in zip(self.rows, self.edges, strict=True))
        return f"{len(self.edges)} shapes ({listed}), {self.waste:.1%} padding"

    def __str__(self):
        return f"{self.batches} batches an epoch in {self.shapes}"


def plan(lengths, tokens=4096, batch_size=None, shapes=6):
    """-> Plan: the padded lengths, at most `shapes` of them, that leave the least padding for rows of these `lengths`.

    tokens: places in a batch, rows x padded length; or, where given, `batch_size` rows whatever their length.
    Raises ValueError where a row is longer than `tokens`.
    """
    if batch_size is None and lengths.max() > tokens:
        raise ValueError(f"the longest row has {lengths.max()} tokens, a batch only {tokens}: raise batch_tokens")
    edges = best_edges(lengths, shapes)
    size = tuple(batch_size or max(1, tokens // edge) for edge in edges)
    counts = np.bincount(np.searchsorted(edges, lengths), minlength=len(edges))
    batches = -(-counts // size)
    places = int((batches * size * edges).sum())
    return Plan(tuple(map(int, edges)), size, int(batches.sum()), 1 - int(lengths.sum()) / places)


def best_edges(lengths, most):
    """At most `most` edges with Σ (edge above the row - row) least, by dynamic programming over the lengths seen."""
    sizes, counts = np.unique(lengths, return_counts=True)
    below = np.concatenate([[0], np.cumsum(counts)])  # rows among the first j sizes
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
    Within a bucket each part has its own padded length, that of its longest row there. PAD and weight are 0, so every
    part is filled up with zeros. sizes [N]: the lengths that were planned with, where they are not `lengths(rows)`.
    """

    def __init__(self, rows, plan, seed=None, sizes=None):
        self.rows, self.plan, self.seed, self.epoch = rows, plan, seed, 0
        self.bucket = np.searchsorted(plan.edges, lengths(rows) if sizes is None else sizes)  # [N]
        self.widths = tf.nest.map_structure(self.width, rows)  # [buckets]
        spec = (tf.TensorSpec([None], tf.int64), tf.TensorSpec([], tf.int32))
        dataset = tf.data.Dataset.from_generator(self.order, output_signature=spec)
        dataset = dataset.apply(tf.data.experimental.assert_cardinality(plan.batches))
        self.dataset = mapped(dataset, self.pad).prefetch(2)

    def width(self, part):
        longest = np.zeros(len(self.plan.edges), "int64")
        np.maximum.at(longest, self.bucket, part.row_lengths().numpy())
        return tf.constant(longest)

    def order(self):
        """(indices of the rows, number of the bucket) of each batch of this epoch."""
        draw = None if self.seed is None else np.random.default_rng((self.seed, self.epoch))
        batches = []
        for k, size in enumerate(self.plan.rows):
            members = np.flatnonzero(self.bucket == k)
            if draw:
                draw.shuffle(members)
            batches += [(members[i : i + size], k) for i in range(0, len(members), size)]
        return iter([batches[i] for i in draw.permutation(len(batches))] if draw else batches)

    def pad(self, index, bucket):
        size = tf.constant(self.plan.rows, tf.int64)[bucket]

        def dense(part, width):
            return tf.gather(part, index).to_tensor(shape=tf.stack([size, width[bucket]]))

        return tf.nest.map_structure(dense, self.rows, self.widths)
