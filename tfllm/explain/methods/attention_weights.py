"""Scores by attention weights: the mean of layers and heads, rollout, flow, and the alignments of encoder-decoders.

    rollout  Ã_l = A_l Ã_(l-1), A_l = 0.5 W_l + 0.5 I, W_l the mean of the heads. Abnar & Zuidema 2020, eq. 1 and 2
    flow     the maximum flow from an output to each token through the layers, whose edges have the capacities A_l;
             their sec. 3.2

Differs: of a Transformer with encoder and decoder both also go through the decoder, with the attention to the source as
one more layer beside a residual connection.

Attention does not prove that a token mattered: other weights may give the same answer (Jain & Wallace 2019). The scores
show what the model attended to; `faithfulness` shows whether it was needed. They are the same for every label.

Axes:  L layers  H heads  T positions  K numbers  N tokens
"""

import numpy as np
import tensorflow as tf
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import maximum_flow

from tfllm.explain.methods.division import Division

UNIT = 2**20  # capacities are whole numbers; 1.0 is this many


def attention(subject, layer=None, head=None):
    """-> Division: the attention to each token. layer, head: counted from 1; None: the mean of all."""
    if hasattr(subject, "alignments"):
        weights, queries = aligned(subject), np.eye(len(subject.inputs["target"]))[subject.at]
        return divided(subject, queries @ chosen(weights, layer, head), "source")
    weights = chosen(stacked(subject), layer, head)
    return divided(subject, subject.queries() @ weights)


def attention_rollout(subject):
    """-> Division."""
    layers, queries, begins = mixing(subject)
    return divided(subject, queries @ rollout(layers), begins=begins)


def attention_flow(subject):
    """-> Division."""
    layers, queries, begins = mixing(subject)
    flows = {t: flow(layers, t) for t in np.flatnonzero(queries.any(axis=0))}
    shares = np.stack([sum(row[t] * flows[t] for t in np.flatnonzero(row)) for row in queries])
    return divided(subject, shares, begins=begins)


def mixing(subject):
    """-> (layers [L, T, T] with residual connections, queries [K, T], {input: its first position}).

    The positions of an encoder-decoder are those of the source, then those of the target: S + T. A layer of its encoder
    changes the first, and the two layers of each block of its decoder change the others, by themselves and by the
    source.
    """
    if not hasattr(subject, "whole_attention"):
        return residual(stacked(subject)), subject.queries(), {}
    inputs = {name: tf.constant(part[None]) for name, part in subject.inputs.items()}
    encoder, own, across = subject.whole_attention(subject.task, inputs)
    size, whole, layers = across.shape[-1], sum(across.shape[-2:]), []
    parts = [("source", part) for part in residual(encoder)]
    for i, part in enumerate(residual(own)):
        parts += [("target", part), ("across", across[i].astype("float64").mean(axis=0))]
    for kind, part in parts:
        layer = np.eye(whole)
        if kind == "source":
            layer[:size, :size] = part
        elif kind == "target":
            layer[size:, size:] = part
        else:
            layer[size:] *= 0.5
            layer[size:, :size] = 0.5 * part
        layers.append(layer)
    return np.stack(layers), np.eye(whole)[size + subject.at], {"source": 0, "target": size}


def rollout(layers):
    """[L, T, T], layers with residual connections -> [T, T]: the shares of the inputs in each output position."""
    result = np.eye(layers.shape[-1])
    for layer in layers:
        result = layer @ result
    return result


def residual(weights):
    """[L, H, T, T] -> [L, T, T]: the mean of the heads plus the residual connection; rows sum to 1."""
    mixed = 0.5 * weights.mean(axis=1) + 0.5 * np.eye(weights.shape[-1])
    return mixed / mixed.sum(axis=-1, keepdims=True)


def flow(weights, top):
    """[L, T, T] -> [T]: the maximum flow from position `top` of the last layer to each input position."""
    layers, size, _ = weights.shape
    rows, columns, values = [], [], []
    for layer in range(layers):  # node (layer + 1) T + t above layer T + s
        t, s = np.nonzero(np.round(weights[layer] * UNIT))
        rows.append((layer + 1) * size + t)
        columns.append(layer * size + s)
        values.append(np.round(weights[layer][t, s] * UNIT).astype("int32"))
    nodes = (layers + 1) * size
    parts = np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))
    graph = csr_matrix(parts, shape=(nodes, nodes), dtype="int32")
    return np.array([maximum_flow(graph, layers * size + top, token).flow_value for token in range(size)]) / UNIT


def stacked(subject):
    """-> [L, H, T, T]. Raises ValueError for a model without self-attention."""
    function = getattr(subject, "attention", None)
    if function is None:
        raise ValueError(f"a {type(subject.task).__name__} has no attention among the tokens of its text")
    result = function(subject.task, {name: tf.constant(part[None]) for name, part in subject.inputs.items()})
    layers = list(result.values()) if isinstance(result, dict) else [result]
    return np.stack([np.array(layer)[0] for layer in layers]).astype("float64")


def aligned(subject):
    """-> [L, H, T, S] of the decoder to the source."""
    inputs = {name: tf.constant(part[None]) for name, part in subject.inputs.items()}
    return np.stack(subject.alignments(subject.task, inputs)).astype("float64")


def chosen(weights, layer, head):
    """[L, H, T, S] -> [T, S]. Raises ValueError for a layer or a head that does not exist."""
    for axis, (name, number) in enumerate((("layer", layer), ("head", head))):
        if number is not None:
            if not 1 <= number <= weights.shape[axis]:
                raise ValueError(f"{name} must be between 1 and {weights.shape[axis]}; got {number!r}")
            weights = np.take(weights, [number - 1], axis=axis)
    return weights.mean(axis=(0, 1))


def divided(subject, shares, part=None, begins=None):
    """Shares of positions [K, T] -> Division. part: the input that they belong to; tokens of others get 0.

    begins: {input: the first of its positions}, if they are those of several inputs.
    """
    value = subject.values(np.ones((1, subject.size), bool))[0]
    matrix = np.zeros((len(value), subject.size))
    for n, (name, position) in enumerate(subject.positions):
        if part is None or name == part:
            matrix[:, n] = shares[:, (begins or {}).get(name, 0) + position]
    return Division(matrix, value)
