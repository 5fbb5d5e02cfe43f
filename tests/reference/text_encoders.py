"""The encoders of whole texts, one text at a time, all of its tokens real: token_ids [T] -> one vector."""

import numpy as np

from tests.reference import seq2seq
from tests.reference.pooling import pooled


def text_cnn(token_ids, p):
    """Kim 2014, eq. 2 and 3: p["windows"] are (kernel [W, E, F], bias [F]) of each width; zeros past the ends."""
    x, out = [p["embed"][i] for i in token_ids], []
    for kernel, bias in p["windows"]:
        width = len(kernel)
        said = np.zeros((len(x), len(bias)))
        for t in range(len(x)):
            for f in range(len(bias)):
                z = bias[f]
                for k in range(width):
                    place = t - (width - 1) // 2 + k
                    if 0 <= place < len(x):
                        z += x[place] @ kernel[k, :, f]
                said[t, f] = max(z, 0.0)
        out.append(pooled(said, "max"))
    return np.concatenate(out)


def text_rnn(token_ids, p, cell, pooling):
    """Schuster & Paliwal 1997; p["layers"] as reference/seq2seq.py takes them."""
    memory, finals = seq2seq.encoder(np.stack([p["embed"][i] for i in token_ids]), p["layers"], cell)
    return finals[-1] if pooling == "ends" else pooled(memory, pooling, p.get("kernel"))


def mean_of_vectors(token_ids, p):
    """Iyyer et al. 2015, fig. 1, with relu; p["layers"] are (kernel, bias)."""
    z = sum(p["embed"][i] for i in token_ids) / len(token_ids)
    for kernel, bias in p["layers"]:
        z = np.maximum(z @ kernel + bias, 0.0)
    return z
