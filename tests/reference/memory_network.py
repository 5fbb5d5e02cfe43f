"""The end-to-end memory network of Sukhbaatar et al. 2015, one question and one fact at a time.

p["words"][k] [V, D] and p["ages"][k] [F, D]: A and T_A of hop k + 1, C and T_C of hop k; of layer-wise tying two of
each for all hops, p["H"] [D, D] and p["W"] [D, V].
"""

import numpy as np


def place_weights(words, width):
    """[J, D]: l of the authors' code."""
    weights = np.zeros((words, width))
    for j in range(1, words + 1):
        for k in range(1, width + 1):
            weights[j - 1, k - 1] = 1 + 4 * (k - (width + 1) / 2) * (j - (words + 1) / 2) / (width * words)
    return weights


def text(ids, table, positions):
    """Σ_j l_j ∘ A x_j of word ids without padding."""
    weights = place_weights(len(ids), table.shape[1]) if positions else np.ones((len(ids), table.shape[1]))
    total = np.zeros(table.shape[1])
    for weight, i in zip(weights, ids, strict=True):
        total += weight * table[i]
    return total


def memory_network(facts, question, p, hops, positions=True, linear=False):
    """facts: lists of word ids, none empty, oldest first; question: word ids -> (logits [V], attention [H, F])."""
    adjacent = "H" not in p
    u, looks = text(question, p["words"][0], positions), []
    for hop in range(hops):
        k = hop if adjacent else 0
        scores, outputs = [], []
        for i, fact in enumerate(facts):
            age = min(len(facts) - 1 - i, len(p["ages"][k]) - 1)
            scores.append(u @ (text(fact, p["words"][k], positions) + p["ages"][k][age]))
            outputs.append(text(fact, p["words"][k + 1], positions) + p["ages"][k + 1][age])
        total = sum(np.exp(score) for score in scores)
        weights = [score if linear else np.exp(score) / total for score in scores]
        looks.append(weights)
        u = (u if adjacent else u @ p["H"]) + sum(w * c for w, c in zip(weights, outputs, strict=True))
    return u @ (p["words"][-1].T if adjacent else p["W"]), np.array(looks)
