"""Copying and coverage one text, target token and source token at a time. See et al. 2017, eq. 1, 2, 8 to 12."""

import numpy as np


def looks(s, memory, p, covered=None):
    """Of one decoder state s: e_i = v · tanh(W_h h_i + W_s s + w_c c_i + b), a = softmax(e). covered: c, or None."""
    e = []
    for i, h in enumerate(memory):
        inner = p["W_h"].T @ h + p["W_s"].T @ s + p["b"]
        if covered is not None:
            inner = inner + p["w_c"] * covered[i]
        e.append(p["v"] @ np.tanh(inner))
    e = np.exp(np.array(e) - max(e))
    return e / e.sum()


def copies(states, memory, p, coverage):
    """States of all target tokens [T, D'] -> (a [T, S], Σ_i min(a_i, c_i) of each token [T])."""
    c, attention, lost = np.zeros(len(memory)), [], []
    for s in states:
        a = looks(s, memory, p, c if coverage else None)
        lost.append(sum(min(one, before) for one, before in zip(a, c, strict=True)))
        c = c + a
        attention.append(a)
    return np.array(attention), np.array(lost)


def distribution(logits, s, x, memory, a, source_ids, extra, p):
    """P(w) = p_gen P_vocab(w) + (1 - p_gen) Σ_{i: w_i = w} a_i over the vocabulary and `extra` more ids."""
    context = sum(weight * h for weight, h in zip(a, memory, strict=True))
    z = p["w_h"] @ context + p["w_s"] @ s + p["w_x"] @ x + p["b_ptr"]
    generate = 1 / (1 + np.exp(-z))
    vocab = np.exp(logits - logits.max())
    out = np.zeros(len(logits) + extra)
    out[: len(logits)] = generate * vocab / vocab.sum()
    for i, word in enumerate(source_ids):
        out[word] += (1 - generate) * a[i]
    return out
