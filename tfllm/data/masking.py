"""Token ids -> masked inputs and targets: masked language modelling. Devlin et al. 2019, sec. 3.1.

Masks are drawn for a padded batch when it is made (RoBERTa's "dynamic masking", Liu et al. 2019, sec. 4.1), from a
seed alone: the same seed gives the same masks. `Remasked` gives every batch of every epoch its own seed.

Axes:  B batch  T tokens  P maximum number of masked positions in a row
"""

import tensorflow as tf

from tfllm.data.batches import mapped

RATES = (0.8, 0.1)  # of the chosen positions: mask token; random token; the rest is unchanged


def masked(token_ids, maskable, seed, mask, others, rate=0.15, begins=None):
    """-> (inputs [B, T], positions [B, P], targets [B, P], weights [B, P]).

    token_ids  [B, T];  maskable  [B, T] bool: tokens that may be chosen, neither padding nor special tokens
    seed       int [2];  mask  the id of [MASK];  others  int [N]: the ids that a random token is drawn from
    rate       share of the maskable tokens of each row to choose, but at least one token
    begins     [B, T] bool, True where a word begins: whole words are chosen; None: single tokens

    Of the chosen positions 80 % become the mask, 10 % one of `others`, 10 % are unchanged; all are targets. positions:
    of the targets, rising; weights: 1 for these, 0 for padding. P = `capacity`(T, rate).
    Differs: the authors count special tokens in the 15 %, and draw random tokens from all ids.
    """
    seeds = tf.random.split(seed, 3)
    chosen = choose(maskable, counted(maskable, rate), seeds[0], begins)
    what = tf.random.stateless_uniform(tf.shape(token_ids), seeds[1])
    which = tf.random.stateless_uniform(tf.shape(token_ids), seeds[2], 0, tf.size(others), tf.int32)
    new = tf.where(what < RATES[0], tf.cast(mask, token_ids.dtype), tf.cast(tf.gather(others, which), token_ids.dtype))
    inputs = tf.where(tf.logical_and(chosen, what < sum(RATES)), new, token_ids)
    positions, weights = positions_of(chosen, capacity(tf.shape(token_ids)[1], rate))
    targets = tf.gather(token_ids, positions, batch_dims=1)
    return inputs, positions, targets * tf.cast(weights, targets.dtype), weights


def counted(maskable, rate):
    """[B]: the number of tokens to mask in each row: the share, rounded, at least one if the row has tokens."""
    sizes = tf.reduce_sum(tf.cast(maskable, tf.int32), axis=1)
    share = tf.cast(tf.round(tf.cast(sizes, tf.float32) * rate), tf.int32)
    return tf.minimum(tf.maximum(share, 1), sizes)


def capacity(length, rate):
    """P: the largest result of `counted` for a row of `length`."""
    return tf.maximum(tf.cast(tf.round(tf.cast(length, tf.float32) * rate), tf.int32), 1)


def choose(maskable, count, seed, begins=None):
    """-> [B, T] bool: `count` [B] maskable tokens of each row, drawn at random; with `begins`, in whole words.

    A word that no longer fits is skipped (`create_masked_lm_predictions` of the authors' code): so the count is reached
    unless only longer words remain.
    """
    rows, length = tf.unstack(tf.shape(maskable))
    order = tf.argsort(tf.random.stateless_uniform([rows, length], seed), axis=1)
    back = tf.argsort(order, axis=1)
    if begins is None:
        size = tf.gather(tf.cast(maskable, tf.int32), order, batch_dims=1)
        fits = tf.logical_and(tf.cumsum(size, axis=1) <= count[:, None], size > 0)
        return tf.gather(fits, back, batch_dims=1)
    word, sizes = words(maskable, begins)
    shuffled = tf.gather(sizes, order, batch_dims=1)

    def add(taken, size):
        return taken + tf.where(taken + size <= count, size, 0)

    taken = tf.transpose(tf.scan(add, tf.transpose(shuffled), tf.zeros([rows], tf.int32)))  # [B, T]
    fits = tf.concat([taken[:, :1] > 0, taken[:, 1:] > taken[:, :-1]], axis=1)
    fits = tf.gather(fits, back, batch_dims=1)  # [B, T], of word t
    return tf.logical_and(tf.gather(fits, word, batch_dims=1), maskable)


def words(maskable, begins):
    """-> (word [B, T]: the index of each token's word in the row; sizes [B, T]: maskable tokens of word t, 0 after
    all).

    A token that may not be chosen belongs to no word and ends the one before it.
    """
    rows, length = tf.unstack(tf.shape(maskable))
    before = tf.concat([tf.zeros_like(maskable[:, :1]), maskable[:, :-1]], axis=1)
    apart = tf.logical_or(begins, tf.logical_not(tf.logical_and(before, maskable)))
    word = tf.cumsum(tf.cast(apart, tf.int32), axis=1) - 1  # the first position always starts a word
    flat = tf.reshape(word + length * tf.range(rows)[:, None], [-1])
    ones = tf.reshape(tf.cast(maskable, tf.int32), [-1])
    return word, tf.reshape(tf.math.unsorted_segment_sum(ones, flat, rows * length), [rows, length])


def positions_of(chosen, size):
    """[B, T] bool -> (positions [B, size] int32 of the first True values, rising; weights [B, size], 0 for padding)."""
    length = tf.shape(chosen)[1]
    rank = tf.where(chosen, tf.range(length), length)
    positions = tf.sort(rank, axis=1)[:, :size]
    weights = tf.cast(positions < length, tf.float32)
    return tf.where(positions < length, positions, 0), weights


class Remasked:
    """`batches` (data.batches.Batches, or a stream) with `mask` applied to each batch, again in every epoch.

    mask(parts of the batch, seed [2]) -> inputs of the model. The seed is (seed, number of the batch since the first
    epoch), so an interrupted training that sets `epoch` continues with the same masks.
    """

    def __init__(self, batches, mask, seed):
        self.batches, self.plan, self.seed = batches, batches.plan, seed
        self.steps = getattr(batches, "steps", None) or batches.plan.batches
        self.now = tf.Variable(batches.epoch, trainable=False, dtype=tf.int64)  # the epoch, read when a pass begins
        numbers = tf.data.Dataset.range(1).flat_map(tf.autograph.experimental.do_not_convert(self.numbers))
        numbers = numbers.apply(tf.data.experimental.assert_cardinality(tf.data.INFINITE_CARDINALITY))

        def masked(batch, number):
            return mask(batch, tf.stack([self.seed, tf.cast(number % 2**31, tf.int32)]))

        self.dataset = mapped(tf.data.Dataset.zip(batches.dataset, numbers), masked).prefetch(2)

    def numbers(self, _):
        """The numbers of the batches from the start of this epoch on."""
        return tf.data.Dataset.range(self.now * self.steps, tf.int64.max)

    @property
    def epoch(self):
        return self.batches.epoch

    @epoch.setter
    def epoch(self, epoch):
        self.batches.epoch = epoch
        self.now.assign(epoch)
