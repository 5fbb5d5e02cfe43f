"""Scores by attention weights: the mean of layers and heads, rollout, flow, and the alignments of encoder-decoders.

    rollout  Ã_l = A_l Ã_(l-1), A_l = 0.5 W_l + 0.5 I, W_l the mean of the heads. Abnar & Zuidema 2020, eq. 1 and 2
    flow     the greatest flow from an output to each token through the layers, whose edges have the capacities A_l;
             their sec. 3.2

Attention is no proof that a token mattered: other weights may give the same answer (Jain & Wallace 2019). The scores
say where the model looked; `faithfulness` says whether it needed it. They are the same for every label.

Axes:  L layers  H heads  T positions  K numbers  N tokens
"""

import numpy as np
import tensorflow as tf
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import maximum_flow

from tfllm.explain.methods.division import Division

UNIT = 2**20  # capacities are whole numbers: so many are 1


def attention(subject, layer=None, head=None):
    """-> Division: the attention paid to each token. layer, head: from 1; None: the mean of all."""
    if hasattr(subject, "alignments"):
        weights, queries = aligned(subject), np.eye(len(subject.inputs["target"]))[subject.at]
        return divided(subject, queries @ chosen(weights, layer, head), "source")
    weights = chosen(stacked(subject), layer, head)
    return divided(subject, subject.queries() @ weights)


def attention_rollout(subject):
    """-> Division."""
    shares = rollout(stacked(subject))
    return divided(subject, subject.queries() @ shares)


def attention_flow(subject):
    """-> Division."""
    weights = residual(stacked(subject))
    queries = subject.queries()
    flows = {t: flow(weights, t) for t in np.flatnonzero(queries.any(axis=0))}
    return divided(subject, np.stack([sum(row[t] * flows[t] for t in np.flatnonzero(row)) for row in queries]))


def rollout(weights):
    """[L, H, T, T] -> [T, T]: of each position at the top the shares of the positions at the bottom."""
    found = np.eye(weights.shape[-1])
    for layer in residual(weights):
        found = layer @ found
    return found


def residual(weights):
    """[L, H, T, T] -> [L, T, T]: the mean of the heads, and the residual connection around them; rows sum to 1."""
    mixed = 0.5 * weights.mean(axis=1) + 0.5 * np.eye(weights.shape[-1])
    return mixed / mixed.sum(axis=-1, keepdims=True)


def flow(weights, top):
    """[L, T, T] -> [T]: the greatest flow from position `top` of the last layer to each position of the embeddings."""
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
    """-> [L, H, T, T]. ValueError for a model without self-attention."""
    function = getattr(subject, "attention", None)
    if function is None:
        raise ValueError(f"a {type(subject.task).__name__} has no attention among the tokens of its text")
    found = function(subject.task, {name: tf.constant(part[None]) for name, part in subject.inputs.items()})
    layers = list(found.values()) if isinstance(found, dict) else [found]
    return np.stack([np.array(layer)[0] for layer in layers]).astype("float64")


def aligned(subject):
    """-> [L, H, T, S] of the decoder to the source."""
    inputs = {name: tf.constant(part[None]) for name, part in subject.inputs.items()}
    return np.stack(subject.alignments(subject.task, inputs)).astype("float64")


def chosen(weights, layer, head):
    """[L, H, T, S] -> [T, S]. ValueError for a layer or a head that is not there."""
    for axis, (name, number) in enumerate((("layer", layer), ("head", head))):
        if number is not None:
            if not 1 <= number <= weights.shape[axis]:
                raise ValueError(f"{name} must be between 1 and {weights.shape[axis]}; got {number!r}")
            weights = np.take(weights, [number - 1], axis=axis)
    return weights.mean(axis=(0, 1))


def divided(subject, shares, part=None):
    """Shares of positions [K, T] -> Division. part: the input that they are of; tokens of others have 0."""
    value = subject.values(np.ones((1, subject.size), bool))[0]
    matrix = np.zeros((len(value), subject.size))
    for n, (name, position) in enumerate(subject.places):
        if part is None or name == part:
            matrix[:, n] = shares[:, position]
    return Division(matrix, value)
