"""The Transformer of Vaswani et al. 2017, fig. 1, one sentence at a time, in float64 and without dropout.

Parameters `p` are dicts: (W, b) of a dense layer, (gamma, beta) of a normalisation, named by their place in the figure.
"""

import numpy as np

from tests.reference.attention import multi_head
from tests.reference.positions import sinusoids

PAD = 0


def layer_norm(x, p, epsilon=1e-6):
    """Ba et al. 2016, eq. 3, one token at a time."""
    gamma, beta = p
    return np.stack([gamma * (row - row.mean()) / np.sqrt(row.var() + epsilon) + beta for row in x])


def feed_forward(x, widen, narrow, activation=lambda z: max(z, 0.0)):
    """Eq. 2, one token at a time."""
    act = np.vectorize(activation)
    return np.stack([act(row @ widen[0] + widen[1]) @ narrow[0] + narrow[1] for row in x])


def add_and_norm(x, sublayer, norm, pre_norm):
    """Sec. 3.1, LayerNorm(x + Sublayer(x)); pre-norm, Radford et al. 2019: x + Sublayer(LayerNorm(x))."""
    if pre_norm:
        return x + sublayer(layer_norm(x, norm))
    return layer_norm(x + sublayer(x), norm)


def encoder_block(x, p, heads, mask, pre_norm=False):
    """x [T, D] -> x [T, D]."""
    x = add_and_norm(x, lambda h: multi_head(h, h, p["look"], heads, mask)[0], p["norm_look"], pre_norm)
    return add_and_norm(x, lambda h: feed_forward(h, p["widen"], p["narrow"]), p["norm_feed"], pre_norm)


def decoder_block(x, memory, p, heads, self_mask, cross_mask, pre_norm=False):
    """x [T, D], memory [S, D] -> (x [T, D], weights [H, T, T], weights [H, T, S])."""
    weights = []

    def attend(h, to, name, mask):
        out, weight = multi_head(h, to, p[name], heads, mask)
        weights.append(weight)
        return out

    x = add_and_norm(x, lambda h: attend(h, h, "look", self_mask), p["norm_look"], pre_norm)
    x = add_and_norm(x, lambda h: attend(h, memory, "cross", cross_mask), p["norm_cross"], pre_norm)
    x = add_and_norm(x, lambda h: feed_forward(h, p["widen"], p["narrow"]), p["norm_feed"], pre_norm)
    return x, *weights


def transformer(inp, tar, p, heads, pre_norm=False):
    """Token ids inp [S], tar [T] of one sentence -> (logits [T, V], for each decoder block its two weights)."""
    source = np.array([[token != PAD for token in inp]])
    see_source = {length: np.repeat(source, length, axis=0) for length in (len(inp), len(tar))}
    look_ahead = np.array([[s <= t and tar[s] != PAD for s in range(len(tar))] for t in range(len(tar))])

    def embedded(ids, table):
        width = table.shape[1]
        return np.stack([table[i] * np.sqrt(width) for i in ids]) + sinusoids(len(ids), width)

    memory = embedded(inp, p["embed_input"])
    for block in p["encoder"]:
        memory = encoder_block(memory, block, heads, see_source[len(inp)], pre_norm)
    x, weights = embedded(tar, p["embed_target"]), []
    if pre_norm:
        memory = layer_norm(memory, p["norm_memory"])
    for block in p["decoder"]:
        x, own, across = decoder_block(x, memory, block, heads, look_ahead, see_source[len(tar)], pre_norm)
        weights.append((own, across))
    if pre_norm:
        x = layer_norm(x, p["norm_output"])
    return x @ p["to_logits"][0] + p["to_logits"][1], weights
