"""Small models in two forms: a step for tfllm.generation, and a Python function for the reference."""

import numpy as np
import tensorflow as tf


class Tree:
    """Random logits for every possible prefix. Called with a tuple of ids, it returns the logits of the next token."""

    def __init__(self, seed, vocab_size, max_length, spread=2.0):
        nodes = sum(vocab_size**t for t in range(max_length))
        self.vocab_size = vocab_size
        self.table = np.random.default_rng(seed).normal(0, spread, (nodes, vocab_size)).astype("float32")

    def __call__(self, ids):
        node = 0
        for i in ids:
            node = node * self.vocab_size + i + 1
        return self.table[node]

    @staticmethod
    def begin(batch, width=1):
        """State of the root: which tree, which node; each [B * W]."""
        return tf.repeat(tf.range(batch), width), tf.zeros([batch * width], tf.int32)

    @staticmethod
    def step(table):
        """table [B, nodes, V] -> a step; the token at position 0 is START and chooses nothing."""

        def step(last, state, position):
            which, node = state
            child = node * tf.shape(table)[-1] + last[:, 0] + 1
            node = tf.where(position == 0, 0, child)
            return tf.gather_nd(table, tf.stack([which, node], -1)), (which, node)

        return step


class Markov:
    """Logits that depend on the last id only. Its state counts the steps, as a cache would."""

    def __init__(self, logits):
        self.logits = np.asarray(logits, "float32")  # [V, V]: row = last id

    def __call__(self, ids, start=2):
        return self.logits[ids[-1] if ids else start]

    def step(self, last, state, position):
        return tf.gather(tf.constant(self.logits), last[:, 0]), {"seen": state["seen"] + 1}

    @staticmethod
    def begin(rows):
        return {"seen": tf.zeros([rows], tf.int32)}


class Recurrent:
    """h' = tanh(h A + its token), logits h W: to NumPy a function of a text, to TensorFlow a causal model."""

    def __init__(self, seed, vocab_size=30, width=6):
        rng = np.random.default_rng(seed)
        self.back, self.into = rng.normal(0, 0.5, (width, width)), rng.normal(0, 1, (vocab_size, width))
        self.out = rng.normal(0, 1, (width, vocab_size))

    def __call__(self, ids):
        h, seen = np.zeros(len(self.back)), []
        for i in ids:
            h = np.tanh(h @ self.back + self.into[i])
            seen.append(h)
        return np.array(seen), h @ self.out

    def features(self, token_ids, state, position):
        h, seen = state["h"], []
        for t in range(token_ids.shape[1]):
            h = tf.tanh(h @ self.tensor("back") + tf.gather(self.tensor("into"), token_ids[:, t]))
            seen.append(h)
        return tf.stack(seen, axis=1), {"h": h}

    def logits(self, x):
        return x @ self.tensor("out")

    def step(self, last, state, position):
        x, state = self.features(last, state, position)
        return self.logits(x)[:, 0], state

    def tensor(self, name):
        return tf.constant(getattr(self, name), tf.float32)

    def begin(self, rows):
        return {"h": tf.zeros([rows, len(self.back)])}


def prompts(*rows, length):
    """-> token_ids and padding_mask [B, length]."""
    token_ids, padding_mask = np.zeros((len(rows), length), "int32"), np.zeros((len(rows), length), bool)
    for ids, mask, row in zip(token_ids, padding_mask, rows, strict=True):
        ids[: len(row)], mask[: len(row)] = row, True
    return tf.constant(token_ids), tf.constant(padding_mask)


def as_lists(beams):
    """Beams as lists, one per sentence, of (ids, score, log-probability); empty slots are left out."""
    return [
        [
            (tuple(ids[:n].tolist()), float(score), float(log_prob))
            for ids, score, log_prob, n in zip(*sentence, strict=True)
            if np.isfinite(score)
        ]
        for sentence in zip(*(x.numpy() for x in beams), strict=True)
    ]
