"""Records -> padded batches in constant memory, for text that is larger than memory.

Records are tokenised, split, shuffled within a buffer and bucketed while the model trains. For data that fits in memory
use `Batches` (batches.py), which shuffles all tokens.
"""

import itertools

import numpy as np
import tensorflow as tf

from tfllm.data.batches import bounded, mapped, plan
from tfllm.data.generators import from_generator

CHUNK = 64  # records that are tokenised together
LOOK = 4096  # number of rows that the plan is based on if an epoch has a fixed number of steps


class Stream:
    """`dataset` is a tf.data.Dataset of (inputs, targets, weights), each pass over it one epoch, as in `Batches`.

    example: records [B] -> (inputs, targets, weights), ragged [N, None], equally long, none longer than `length`;
        with pack=True of any length: they are concatenated and split into rows of `length`, the remainder is dropped.
    tokens, batch_size, shapes: as in `plan`.
    buffer: number of rows to shuffle together, if there is a seed.
    steps: batches in an epoch; the next epoch continues after them, and at the end of the text starts again. The plan
        is based on the first `LOOK` rows. Without steps, an epoch is one pass over the text, which is tokenised once
        more at the start, to plan for all its rows and to count the batches.

    The order depends on (seed, `epoch`) alone, as long as the text is the same. With `steps`, resuming at a later epoch
    tokenises all text before it. At the end of the text, batches may be smaller.
    Raises ValueError if there are no rows.
    """

    def __init__(self, records, example, length, tokens=None, batch_size=None, shapes=6, buffer=4096, seed=None,
                 steps=None, pack=False):  # fmt: skip
        self.chunks = mapped(records.batch(CHUNK), bounded(example)).prefetch(2)
        self.length, self.pack, self.buffer, self.seed, self.steps, self.epoch = length, pack, buffer, seed, steps, 0
        some = (len(row[1]) for row in itertools.islice(self.rows(), LOOK))
        result = self.lengths() if steps is None else np.fromiter(some, "int32")
        if not result.size:
            raise ValueError("there is nothing to make batches of: no text, or less than one block of text")
        result = result if steps is None else np.append(result, length)  # a longer row may follow
        self.plan = plan(result, tokens, batch_size, shapes)
        spec = tuple(tf.TensorSpec([None, None], part.dtype) for part in self.chunks.element_spec)
        dataset = from_generator(self.batches, spec)
        size = self.plan.batches if steps is None else tf.data.INFINITE_CARDINALITY
        self.dataset = dataset.apply(tf.data.experimental.assert_cardinality(size)).prefetch(2)

    def batches(self):
        """The batches of `epoch`, as NumPy; with `steps`, also those of all later epochs."""
        if self.steps is None:
            return self.once(self.epoch)
        endless = itertools.chain.from_iterable(map(self.once, itertools.count()))
        return itertools.islice(endless, self.epoch * self.steps, None)

    def once(self, number):
        """The batches of pass number `number` over the text."""
        rows = self.rows()
        if self.seed is not None:
            rows = shuffled(rows, self.buffer, np.random.default_rng((self.seed, number)))
        waiting = [[] for _ in self.plan.edges]
        sizes = [self.sizes(bucket) for bucket in range(len(waiting))]
        wanted = [next(part) for part in sizes]
        for row in rows:
            bucket = np.searchsorted(self.plan.edges, len(row[1]))
            waiting[bucket].append(row)
            if len(waiting[bucket]) == wanted[bucket]:
                yield self.padded(waiting[bucket], bucket)
                waiting[bucket], wanted[bucket] = [], next(sizes[bucket], None)
        for bucket, rest in enumerate(waiting):
            if rest:
                yield self.padded(rest, bucket)

    def sizes(self, bucket):
        """The numbers of rows of the batches: evenly divided if the plan is based on all rows."""
        return iter(self.plan.sizes(bucket)) if self.steps is None else itertools.repeat(self.plan.rows[bucket])

    def rows(self):
        """Single rows in the order of the text: (inputs, targets, weights), each [at most length]."""
        rest = None
        for chunk in self.chunks:
            parts = [part.flat_values.numpy() for part in chunk]
            if self.pack:
                parts = parts if rest is None else [np.concatenate(pair) for pair in zip(rest, parts, strict=True)]
                ends = np.arange(0, len(parts[1]) + 1, self.length)
                rest = [part[ends[-1] :] for part in parts]
            else:
                ends = chunk[1].row_splits.numpy()
            for begin, end in itertools.pairwise(ends):
                yield tuple(part[begin:end].copy() for part in parts)  # a view would keep the whole chunk in memory

    def lengths(self):
        """[N]: the lengths of all rows."""
        result = [chunk[1].row_lengths().numpy().astype("int32") for chunk in self.chunks]
        result = np.concatenate([np.zeros(0, "int32"), *result])
        return np.full(result.sum() // self.length, self.length) if self.pack else result

    def padded(self, rows, bucket):
        """Rows -> (inputs, targets, weights), padded to the length of their bucket."""
        shape = len(rows), self.plan.edges[bucket]
        batch = tuple(np.zeros(shape, part.dtype) for part in rows[0])
        for i, row in enumerate(rows):
            for part, whole in zip(row, batch, strict=True):
                whole[i, : len(part)] = part
        return batch


def shuffled(rows, size, draw):
    """The rows, each drawn from the next `size` remaining ones."""
    buffer = list(itertools.islice(rows, size))
    for row in rows:
        i = draw.integers(len(buffer))
        buffer[i], out = row, buffer[i]
        yield out
    draw.shuffle(buffer)
    yield from buffer
