"""Magnitude pruning: the smallest weights become 0 and stay 0 in further training. Han et al. 2015, sec. 3.

    training.prune(task, 0.5)                # half of each kernel
    task.fit(train, epochs=3)                # fine-tuning of what is left

The mask is a constraint of the weight, which Keras applies after each update; a file does not keep it: call `prune`
again after loading, it finds the same zeros. Differs: the share is that of each weight matrix, as in Zhu & Gupta 2018,
instead of a threshold by its standard deviation; all at once, without a schedule.
"""

import keras
import numpy as np

from tfllm.layers import names
from tfllm.training.freezing import changed


class Masked(keras.constraints.Constraint):
    """w -> w where `mask`, bool, is True, else 0."""

    def __init__(self, mask):
        self.mask = mask

    def __call__(self, w):
        return w * keras.ops.convert_to_tensor(self.mask, w.dtype)


def prune(model: keras.Model, sparsity: float, *patterns: str) -> dict[str, float]:
    """Set the share `sparsity` of each weight that matches a pattern to 0, those of the smallest magnitude.

    -> {name: its share of zeros}. patterns: see tfllm.layers.names.chosen; by default all kernels. Of n weights,
    round(sparsity n) become 0. A sparsity of 0 ends pruning: no weight is set to 0, and zeros may change again. A
    compiled model is compiled again, as by `freeze`: pass the task, not its model. Raises ValueError for a sparsity
    outside of 0 <= s < 1 and for a pattern without a match.
    """
    if not 0 <= sparsity < 1:
        raise ValueError(f"sparsity must be 0 or more and below 1; got {sparsity!r}")
    weights, result = names.weights(model), {}
    for name in names.chosen(weights, patterns or ("*kernel",)):
        weight = weights[name]
        value = keras.ops.convert_to_numpy(weight)
        zeros = np.argsort(np.abs(value), axis=None, kind="stable")[: round(sparsity * value.size)]
        mask = np.ones(value.size, bool)
        mask[zeros] = False
        mask = mask.reshape(value.shape)
        weight.assign(value * mask)
        weight.constraint = Masked(mask) if sparsity else None
        result[name] = len(zeros) / value.size
    changed(model)
    return result
