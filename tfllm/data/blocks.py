"""Documents -> blocks of at most `length` positions: split, packed, or as overlapping windows.

A document of n positions is inputs [n] and targets [n]; the target at each position is the next input. Both are split
at the same positions, so that a block begins with the last token of the one before, and every token is a target exactly
once. By default a block belongs to one document; `packed` crosses documents and leaves no padding.
"""

import tensorflow as tf

from tfllm.ragged import between, rows_of


def windows(inputs, targets, length, stride=None):
    """Ragged [B, None] each -> (inputs, targets, weights), ragged [N, at most `length`]; weights are 0 or 1.

    A document's windows begin at every `stride`-th position (default: `length`, no overlap) and end when one reaches
    its end. A position in several windows has weight 1 only in the first of them: after the first window of a document,
    every target sees at least length - stride earlier inputs. Raises ValueError unless 1 <= stride <= length.
    """
    stride = length if stride is None else stride
    if not 1 <= stride <= length:
        raise ValueError(f"stride must be between 1 and the length of a window, {length}; got {stride}")
    sizes = targets.row_lengths()  # [B]
    count = 1 + -(-tf.maximum(sizes - length, 0) // stride)
    numbers = tf.ragged.range(count)
    document, begin = rows_of(numbers), numbers.flat_values * stride  # [N], begin: position within its document
    size = tf.minimum(tf.gather(sizes, document) - begin, length)
    first = tf.gather(targets.row_starts(), document) + begin  # [N], index among all positions
    inputs, targets = (between(part.flat_values, first, first + size) for part in (inputs, targets))
    weights = tf.ones_like(targets, tf.float32)
    if stride < length:
        position, seen = tf.ragged.range(size).flat_values, tf.where(begin == 0, 0 * begin, length - stride)
        fresh = position >= tf.gather(seen, rows_of(targets))
        weights = weights.with_flat_values(tf.cast(fresh, tf.float32))
    return inputs, targets, weights


def packed(rows, length):
    """(inputs, targets, weights), ragged [B, None], concatenated -> the same, ragged [N, `length`], without padding.

    The last block overlaps the one before, with weight 0 there. Less than one block is returned unchanged.
    """
    flat = [part.flat_values for part in rows]
    size = int(tf.size(flat[0]))
    over = size % length
    if size < length or not over:
        return tuple(_equal(part, min(size, length)) for part in flat)
    inputs, targets, weights = ([part[: size - over], part[size - length :]] for part in flat)
    weights[1] = tf.concat([tf.zeros([length - over]), weights[1][length - over :]], axis=0)
    return tuple(_equal(tf.concat(part, axis=0), length) for part in (inputs, targets, weights))


def _equal(flat, length):
    """[n * length] -> ragged [n, length]"""
    return tf.RaggedTensor.from_row_lengths(flat, tf.fill([tf.size(flat) // length], length), validate=False)
