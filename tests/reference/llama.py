"""Llama, Touvron et al. 2023, sec. 2.2, one text, one head and one number at a time, in float64 and without dropout.

p: "embed" [V, D]; "blocks", each with "query", "key", "value", "output" (W, b), "norm_look", "norm_feed", "gate",
"widen", "narrow" and, if queries and keys are normalised, "norm_query" and "norm_key"; "norm"; "to_logits" [D, V].
"""

import math

import numpy as np

from tests.reference.attention import attention


def rms_norm(x, gain, epsilon):
    """Zhang & Sennrich 2019, eq. 4, one vector at a time."""
    return np.stack([gain * row / math.sqrt(sum(v * v for v in row) / len(row) + epsilon) for row in x])


def swish(z):
    """Ramachandran et al. 2017, β = 1."""
    return z / (1 + math.exp(-z))


def swiglu(x, gate, widen, narrow):
    """Shazeer 2020, eq. 6, without biases."""
    return np.stack([
        np.array([swish(a) * b for a, b in zip(row @ gate, row @ widen, strict=True)]) @ narrow
        for row in x
    ])  # fmt: skip


def speed(i, width, base, scaling="none", factor=1.0, slow=1.0, fast=4.0, length=8192):
    """Radians per token of pair i. Su et al. 2021, eq. 15; scaled: Chen et al. 2023, eq. 4; Llama 3's code.

    Llama 3's code in words: wavelengths below length / fast stay; those above length / slow are `factor` times as long;
    between them s (1 / wavelength) + (1 - s) (1 / (factor wavelength)), s = (length / wavelength - slow) / (fast -
    slow).
    """
    angle = base ** (-2 * i / width)
    if scaling == "linear":
        return angle / factor
    if scaling == "llama3":
        wavelength = 2 * math.pi / angle
        if wavelength < length / fast:
            return angle
        if wavelength > length / slow:
            return angle / factor
        s = (length / wavelength - slow) / (fast - slow)
        return (1 - s) * angle / factor + s * angle
    return angle


def turned(x, **rotary):
    """x [T, K]; pair i is (x_i, x_{i + K/2}), in the order of the checkpoints."""
    out, half = np.zeros(x.shape), x.shape[1] // 2
    for t, row in enumerate(x):
        for i in range(half):
            angle = t * speed(i, 2 * half, **rotary)
            out[t, i] = math.cos(angle) * row[i] - math.sin(angle) * row[i + half]
            out[t, i + half] = math.sin(angle) * row[i] + math.cos(angle) * row[i + half]
    return out


def grouped(x, p, heads, shared, mask, epsilon, rotary):
    """Ainslie et al. 2023, fig. 2: query head h has the keys and values of head h shared / heads."""
    q, k, v = (x @ p[name][0] + p[name][1] for name in ("query", "key", "value"))
    width, outs, weights = q.shape[1] // heads, [], []
    for h in range(heads):
        g = h * shared // heads
        query, key = q[:, h * width : (h + 1) * width], k[:, g * width : (g + 1) * width]
        if "norm_query" in p:
            query, key = rms_norm(query, p["norm_query"], epsilon), rms_norm(key, p["norm_key"], epsilon)
        out, weight = attention(turned(query, **rotary), turned(key, **rotary), v[:, g * width : (g + 1) * width], mask)
        outs.append(out)
        weights.append(weight)
    return np.concatenate(outs, axis=1) @ p["output"][0] + p["output"][1], np.stack(weights)


def llama(token_ids, p, heads, shared, epsilon, rotary, window=None):
    """Token ids [T] of one text -> (logits [T, V], weights [H, T, T] of each block)."""
    length, weights = len(token_ids), []
    mask = np.array([[s <= t and (window is None or t - s < window) for s in range(length)] for t in range(length)])
    x = np.stack([p["embed"][i] for i in token_ids])
    for block in p["blocks"]:
        h, seen = grouped(rms_norm(x, block["norm_look"], epsilon), block, heads, shared, mask, epsilon, rotary)
        x = x + h
        x = x + swiglu(rms_norm(x, block["norm_feed"], epsilon), block["gate"], block["widen"], block["narrow"])
        weights.append(seen)
    return rms_norm(x, p["norm"], epsilon) @ p["to_logits"], weights
