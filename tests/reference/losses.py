"""Cross-entropy with label smoothing, one place and one token at a time, in float64."""

import math


def smoothed_cross_entropy(target, logits, smoothing):
    """-Σ_v q_v log p_v of one place, q = (1 - ε) [v = target] + ε / V. Szegedy et al. 2016, sec. 7."""
    top = max(logits)
    total = math.log(sum(math.exp(z - top) for z in logits)) + top
    loss = 0.0
    for v, z in enumerate(logits):
        q = (1 - smoothing) * (v == target) + smoothing / len(logits)
        loss -= q * (z - total)
    return loss
