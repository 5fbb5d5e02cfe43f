"""Learning rates by step: a linear warm-up from 0 to the peak, then one of four ways down.

Keras passes the number of finished steps, so the first step gets 0; all formulas count it as 1, as the paper does, and
no step is wasted at a learning rate of 0.
Not included: restarts, reduction on plateaus (`keras.callbacks.ReduceLROnPlateau` needs a constant rate).
"""

import math

import keras
from keras import ops


@keras.saving.register_keras_serializable("tfllm")
class InverseRoot(keras.optimizers.schedules.LearningRateSchedule):
    """peak · min(step / warmup, √(warmup / step)). Vaswani et al. 2017, eq. 3, parametrised by its peak (fairseq).

    warmup = 0 starts at the peak. step int [] -> float32 [].
    """

    def __init__(self, peak, warmup):
        self.peak, self.warmup = peak, warmup

    @classmethod
    def of_width(cls, d_model, warmup=4000):
        """Eq. 3 as printed: d_model^-0.5 · min(step^-0.5, step · warmup^-1.5); peak (d_model·warmup)^-0.5."""
        return cls((d_model * warmup) ** -0.5, warmup)

    def __call__(self, step):
        step, warmup = ops.cast(step, "float32") + 1, float(max(self.warmup, 1))
        return self.peak * ops.minimum(step / warmup, ops.sqrt(warmup / step))

    def get_config(self):
        return {"peak": self.peak, "warmup": self.warmup}


@keras.saving.register_keras_serializable("tfllm")
class Constant(keras.optimizers.schedules.LearningRateSchedule):
    """peak · min(step / warmup, 1). step int [] -> float32 []."""

    def __init__(self, peak, warmup=0):
        self.peak, self.warmup = peak, warmup

    def __call__(self, step):
        return self.peak * _rise(ops.cast(step, "float32") + 1, self.warmup)

    def get_config(self):
        return {"peak": self.peak, "warmup": self.warmup}


@keras.saving.register_keras_serializable("tfllm")
class Linear(keras.optimizers.schedules.LearningRateSchedule):
    """peak · (1 - done), done = (step - warmup) / (steps - warmup) from 0 to 1; 0 afterwards."""

    def __init__(self, peak, warmup, steps):
        self.peak, self.warmup, self.steps = peak, warmup, steps

    def __call__(self, step):
        step = ops.cast(step, "float32") + 1
        return self.peak * ops.minimum(_rise(step, self.warmup), 1 - _done(step, self.warmup, self.steps))

    def get_config(self):
        return {"peak": self.peak, "warmup": self.warmup, "steps": self.steps}


@keras.saving.register_keras_serializable("tfllm")
class Cosine(keras.optimizers.schedules.LearningRateSchedule):
    """peak · (1 + cos π·done) / 2, with `done` of Linear. Loshchilov and Hutter 2017, eq. 5, one cycle."""

    def __init__(self, peak, warmup, steps):
        self.peak, self.warmup, self.steps = peak, warmup, steps

    def __call__(self, step):
        step = ops.cast(step, "float32") + 1
        fall = (1 + ops.cos(math.pi * _done(step, self.warmup, self.steps))) / 2
        return self.peak * ops.minimum(_rise(step, self.warmup), fall)

    def get_config(self):
        return {"peak": self.peak, "warmup": self.warmup, "steps": self.steps}


def _rise(step, warmup):
    return ops.minimum(step / float(max(warmup, 1)), 1.0)


def _done(step, warmup, steps):
    return ops.clip((step - warmup) / float(max(steps - warmup, 1)), 0.0, 1.0)
