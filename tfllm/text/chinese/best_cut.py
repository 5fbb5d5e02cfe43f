"""The most probable segmentation of text into words of a dictionary, for many texts at once.

A text is a sequence of atoms that no word divides: single Chinese characters, punctuation marks and symbols, and runs
of everything else. Dictionary words are found by walking down a trie of code points from all atoms in parallel. A
boundary that no dictionary word spans splits the problem: the spans between such boundaries are independent, a few
atoms long, and solved in parallel, so the loop is as long as the longest span, not as the text.
Not included: words that the dictionary does not have (jieba guesses them by a hidden Markov model).
"""

import numpy as np
import tensorflow as tf

from tfllm.text.matching import as_mask, doubled

ALONE = r"([\p{P}\p{S}\p{Han}])"
BLANK = r"[\s\p{Z}\x1f]+"
APART = 0x1F  # the control character "unit separator": surrounds single-character atoms, and is removed later
LIMIT = 512  # atoms in a span; longer spans are split there
BITS = 21  # bits of a code point
NEVER = -np.inf


class BestCut:
    """argmax Σ log p(word) over all segmentations, p(word) = count / sum of counts. Kudo 2018, eq. 1 and 2, by Viterbi.

    dictionary: {word: count > 0}. An atom that is not a word gets the score of a word seen once: this is jieba's
    algorithm without its hidden Markov model. Of two equal segmentations the one with the longer first word wins.
    string [B], valid UTF-8 -> ragged string [B, None], without white space.
    """

    def __init__(self, dictionary):
        words = sorted(dictionary)
        counts = np.array([dictionary[word] for word in words], np.float64)
        total = np.log(max(counts.sum(), 1.0))
        edges, ends = trie(words)
        scores = np.full(len(edges) + 1, NEVER)
        scores[ends] = np.log(counts) - total
        self.edges = tf.constant(np.append(edges, np.iinfo(np.int64).max))
        self.scores = tf.constant(scores)  # by node
        self.floor = tf.constant(np.log(min(1.0, counts.min(initial=1.0))) - total)

    def __call__(self, texts):
        texts = tf.strings.regex_replace(texts, BLANK, " ")
        texts = tf.strings.regex_replace(texts, ALONE, "\x1f\\1\x1f") + " "  # no word crosses the end of a text
        points = tf.strings.unicode_decode(texts, "UTF-8")
        flat, rows = points.flat_values, points.value_rowids()
        real = flat != APART
        before = tf.concat([[ord(" ")], flat], 0)[:-1]
        begins = tf.boolean_mask((before == APART) | (before == ord(" ")) | (flat == ord(" ")), real)
        flat, rows = tf.boolean_mask(flat, real), tf.boolean_mask(rows, real)
        atoms = tf.where(begins)[:, 0]  # [A] where atoms begin
        first = tf.gather(atoms, tf.where(self._begins(flat, begins, atoms))[:, 0])  # of each word
        words = tf.RaggedTensor.from_row_starts(flat, first, validate=False)
        visible = tf.gather(flat, first) != ord(" ")
        words = tf.strings.unicode_encode(tf.ragged.boolean_mask(words, visible), "UTF-8")
        return tf.RaggedTensor.from_value_rowids(
            words, tf.boolean_mask(tf.gather(rows, first), visible), nrows=tf.size(texts, tf.int64), validate=False
        )

    def _begins(self, points, begins, atoms):
        """Code points [N], bool [N] where atoms begin, their indices int [A] -> bool [A]: atoms that begin a word."""
        position, count, scores = self._edges(points, begins, atoms)
        size, most = tf.size(atoms), tf.reduce_max(tf.concat([[1], count], 0))
        table = tf.fill([size, most], tf.constant(NEVER, tf.float64))  # [A, K]: column K - k for words of k atoms
        table = tf.tensor_scatter_nd_update(table, tf.stack([position, most - count], 1), scores)
        alone = table[:, -1]
        table = tf.concat([table[:, :-1], tf.where(alone > NEVER, alone, self.floor)[:, None]], 1)
        spans = tf.math.unsorted_segment_sum(  # number of words that continue across the start of an atom
            tf.concat([tf.ones_like(position), -tf.ones_like(position)], 0),
            tf.concat([position + 1, position + count], 0),
            size,
        )
        starts = tf.where(tf.cumsum(spans) == 0)[:, 0]
        starts = tf.cast(starts, tf.int32)
        lengths = tf.concat([starts[1:], [size]], 0)[: tf.size(starts)] - starts
        parts = tf.ragged.range(starts, starts + lengths, LIMIT).flat_values  # split spans that are too long
        lengths = tf.concat([parts[1:], [size]], 0)[: tf.size(parts)] - parts
        ahead = tf.minimum(tf.range(size) + best(table, parts, lengths), size - 1)
        return doubled(as_mask(parts, size), ahead)

    def _edges(self, points, begins, atoms):
        """Words of the dictionary in the text: (first atom [E], number of atoms [E], log p [E])."""
        size = tf.size(points)
        number = tf.concat([tf.cumsum(tf.cast(begins, tf.int32)) - 1, [tf.size(atoms)]], 0)  # the atom of each position
        points, ends = tf.concat([tf.cast(points, tf.int64), [0]], 0), tf.concat([begins, [True]], 0)
        empty = [tf.zeros([0], kind) for kind in (tf.int32, tf.int32, tf.float64)]
        shape = tf.TensorShape([None])

        def some_alive(depth, positions, nodes, *result):
            return tf.size(positions) > 0

        def deeper(depth, positions, nodes, *result):
            keys = tf.bitwise.left_shift(nodes, BITS) + tf.gather(points, tf.minimum(positions + depth, size))
            at = tf.searchsorted(self.edges, keys)
            alive = tf.where(tf.gather(self.edges, at) == keys)[:, 0]
            positions, nodes = tf.gather(positions, alive), tf.cast(tf.gather(at, alive) + 1, tf.int64)
            scores, after = tf.gather(self.scores, nodes), positions + depth + 1
            words = tf.where((scores > NEVER) & tf.gather(ends, after))[:, 0]
            first, last = (tf.gather(number, tf.gather(ends_of, words)) for ends_of in (positions, after))
            new = first, last - first, tf.gather(scores, words)
            return depth + 1, positions, nodes, *(tf.concat(pair, 0) for pair in zip(result, new, strict=True))

        start = (0, tf.cast(atoms, tf.int32), tf.zeros_like(atoms, tf.int64), *empty)
        shapes = (tf.TensorShape([]), *[shape] * 5)
        return tf.while_loop(some_alive, deeper, start, shape_invariants=shapes, parallel_iterations=1)[3:]


def best(table, starts, lengths):
    """Scores [A, K] and spans [S] of atoms -> int32 [A], the number of atoms of the best word that begins at each.

    Works from the last atom of each span to the first, longest spans first: after t steps only spans of more than t
    atoms remain. The best scores of the K next positions are carried along.
    """
    most, never = tf.shape(table)[1], tf.constant(NEVER, tf.float64)
    order = tf.argsort(lengths, direction="DESCENDING", stable=True)
    lengths, ends = tf.gather(lengths, order), tf.gather(starts + lengths, order)
    several = tf.reduce_sum(tf.cast(lengths > 1, tf.int32))  # a span of one atom is a word
    lengths, ends = lengths[:several], ends[:several]
    steps = tf.reduce_max(tf.concat([[0], lengths], 0))
    behind = tf.concat([tf.fill([several, most - 1], never), tf.zeros([several, 1], tf.float64)], 1)
    none = tf.zeros([0], tf.int32)
    arrays = [tf.TensorArray(tf.int32, steps + 1, element_shape=[None], infer_shape=False).write(0, none) for _ in "pk"]

    def under_way(step, behind, positions, chosen):
        return step < steps

    def backwards(step, behind, positions, chosen):
        left = tf.reduce_sum(tf.cast(lengths > step, tf.int32))
        step, at, behind = step + 1, ends[:left] - step - 1, behind[:left]
        scores = tf.gather(table, at) + behind  # [left, K]
        column = tf.argmax(scores, 1, tf.int32)  # argmax takes the first of equal scores, which is the longest word
        top = tf.reduce_max(scores, 1, keepdims=True)
        return step, tf.concat([behind[:, 1:], top], 1), positions.write(step, at), chosen.write(step, most - column)

    shapes = (tf.TensorShape([]), tf.TensorShape([None, None]), tf.TensorShape(None), tf.TensorShape(None))
    _, _, positions, chosen = tf.while_loop(
        under_way, backwards, (0, behind, *arrays), shape_invariants=shapes, parallel_iterations=1
    )
    jump = tf.ones([tf.shape(table)[0]], tf.int32)
    return tf.tensor_scatter_nd_update(jump, positions.concat()[:, None], chosen.concat())


def trie(words):
    """Words (str, sorted, unique) -> (edges int64 [E], node of each word [M]).

    Nodes are numbered by depth, the root is 0; an edge is `node << 21 | code point`, and edge number e leads to node
    e + 1. The edges are sorted, so a child is found by binary search.
    """
    lengths = np.fromiter(map(len, words), np.int64, len(words))
    points = np.zeros((len(words), lengths.max(initial=0)), np.int64)
    points[np.arange(points.shape[1]) < lengths[:, None]] = np.frombuffer("".join(words).encode("utf-32-le"), np.uint32)
    node, edges, nodes = np.zeros(len(words), np.int64), [np.zeros(0, np.int64)], 1
    for depth in range(points.shape[1]):
        some = np.flatnonzero(lengths > depth)
        new, child = np.unique(node[some] << BITS | points[some, depth], return_inverse=True)
        edges.append(new)
        node[some] = nodes + child
        nodes += len(new)
    return np.concatenate(edges), node
