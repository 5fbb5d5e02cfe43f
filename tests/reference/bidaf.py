"""Seo et al. 2017, one text, one pair of words at a time. Weights `p` by the names of the paper."""

import numpy as np

from tests.reference import seq2seq


def sigmoid(z):
    return 1.0 / (1.0 + np.exp(-z))


def softmax(scores):
    parts = [np.exp(score - max(scores)) for score in scores]
    return [part / sum(parts) for part in parts]


def attention_flow(h, u, w):
    """Eq. 1 and 2, h [T, U], u [J, U], w [3 U] -> G [T, 4 U]."""
    scores = np.zeros((len(h), len(u)))
    for t, row in enumerate(h):
        for j, word in enumerate(u):
            scores[t, j] = w @ np.concatenate([row, word, row * word])
    most = softmax([max(row) for row in scores])
    whole = sum(b * row for b, row in zip(most, h, strict=True))
    out = []
    for t, row in enumerate(h):
        seen = sum(a * word for a, word in zip(softmax(list(scores[t])), u, strict=True))
        out.append(np.concatenate([row, seen, row * seen, row * whole]))
    return np.array(out)


def highway(x, layers):
    """Srivastava et al. 2015, eq. 3. layers: (W, b, V, c) each."""
    for W, b, V, c in layers:
        gate = sigmoid(x @ V + c)
        x = gate * np.maximum(x @ W + b, 0) + (1 - gate) * x
    return x


def bidaf(context, question, p, cell):
    """token_ids [T], [J], all real -> logits [2, T]."""
    both = []
    for token_ids in (context, question):
        x = np.stack([highway(p["embed"][i], p["highway"]) for i in token_ids])
        both.append(seq2seq.encoder(x, p["encode"], cell)[0])
    g = attention_flow(*both, p["flow"])
    m, _ = seq2seq.encoder(g, p["modelling"], cell)
    m2, _ = seq2seq.encoder(m, p["ending"], cell)
    return np.array([np.concatenate([g, m], axis=1) @ p["start"], np.concatenate([g, m2], axis=1) @ p["end"]])
