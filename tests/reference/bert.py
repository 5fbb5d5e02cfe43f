"""BERT of Devlin et al. 2019, sec. 3 and fig. 2, one text at a time, in float64 and without dropout.

Parameters `p` are dicts as in reference/transformer.py.
"""

import math

import numpy as np

from tests.reference.attention import multi_head
from tests.reference.transformer import feed_forward, layer_norm


def gelu(z):
    """Hendrycks & Gimpel 2016, sec. 2: z times the chance that a normal number is below z."""
    return z / 2 * (1 + math.erf(z / math.sqrt(2)))


def bert(token_ids, segment_ids, p, heads, epsilon, real=None, activation=gelu):
    """Token ids [T] and segments [T] of one text -> (x [T, D], weights [H, T, T] of each block)."""
    real = [True] * len(token_ids) if real is None else real
    mask, weights = np.array([real] * len(token_ids)), []
    places = enumerate(zip(token_ids, segment_ids, strict=True))
    x = np.stack([p["embed"][i] + p["segment"][s] + p["place"][t] for t, (i, s) in places])
    x = layer_norm(x, p["norm"], epsilon)
    for block in p["blocks"]:
        h, seen = multi_head(x, x, block["look"], heads, mask)
        x = layer_norm(x + h, block["norm_look"], epsilon)
        x = layer_norm(x + feed_forward(x, block["widen"], block["narrow"], activation), block["norm_feed"], epsilon)
        weights.append(seen)
    return x, weights


def pooled(x, p):
    """tanh of a dense layer on the first place."""
    return np.tanh(x[0] @ p["pooler"][0] + p["pooler"][1])


def masked_token(x, p, epsilon, activation=gelu):
    """x [D] of one place -> logits [V]: dense layer, norm, products with the embeddings, bias."""
    h = np.vectorize(activation)(x @ p["change"][0] + p["change"][1])
    return p["embed"] @ layer_norm(h[None], p["norm_head"], epsilon)[0] + p["bias"]
