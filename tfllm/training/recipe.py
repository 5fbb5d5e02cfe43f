"""How a model is trained, as one frozen dataclass, and the optimizer that it describes.

The defaults are those of Vaswani et al. 2017, sec. 5.3 (Adam, inverse-root warm-up), with clipping.
Not included: label smoothing and dropout (part of the task and of the model's config); batches (tfllm.data).
Only `optimizer` imports Keras, so that the command line can list the options without it.
"""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Recipe:
    """An update is one step of the optimizer; an epoch is one pass over the training data."""

    epochs: int = 30  # maximum number of passes over the data
    updates: int | None = None  # maximum number of updates; linear and cosine reach 0 there
    minutes: float | None = None  # time limit in minutes: no epoch is started that would exceed it
    patience: int | None = 10  # stop after this many epochs without a better `monitor`
    monitor: str = "val_loss"  # score that determines the best checkpoint; *loss: lower is better, else higher
    learning_rate: float | None = None  # peak, after the warm-up; None: 1e-3, less for pretrained models
    schedule: Literal["inverse_root", "linear", "cosine", "constant"] = "inverse_root"  # after the warm-up
    warmup: int | None = None  # updates of linear warm-up from 0; None: 1000, but at most a tenth of all
    beta_1: float = 0.9  # Adam's decay rate for the mean of gradients
    beta_2: float = 0.98  # Adam's decay rate for the mean of squared gradients
    epsilon: float = 1e-9  # added by Adam to avoid division by 0
    weight_decay: float = 0.0  # for all weights, times the learning rate (AdamW); 0 is Adam
    clip_norm: float | None = 1.0  # maximum norm of the gradient over all variables
    layer_decay: float | None = None  # learning rate of each layer relative to the layer above: 0.9
    accumulate: int = 1  # batches whose gradients are averaged into one update
    average: int = 1  # number of last epochs whose weights are averaged; 1: none
    ema: float | None = None  # momentum of the moving average of the weights, per batch: 0.999
    seed: int = 1  # for weights, dropout and the order of the data
    tensorboard: bool = False  # write RUN/tensorboard

    def __post_init__(self):
        self._require(lambda value: value >= 1, "1 or more", "epochs", "accumulate", "average")
        self._require(lambda value: value > 0, "above 0", "updates", "minutes", "patience", "clip_norm")
        self._require(lambda value: value > 0, "above 0", "learning_rate", "epsilon")
        self._require(lambda value: value >= 0, "0 or more", "warmup", "weight_decay")
        self._require(lambda value: 0 <= value < 1, "0 or more and below 1", "beta_1", "beta_2", "ema")
        self._require(lambda value: 0 < value <= 1, "above 0 and at most 1", "layer_decay")
        if self.schedule in ("linear", "cosine") and self.updates is None:
            raise ValueError(f"Recipe.schedule {self.schedule!r} ends at `updates`: set Recipe(updates=...)")
        if self.updates is not None and self.updates <= (self.warmup or 0) and self.schedule != "constant":
            raise ValueError(f"Recipe.updates is {self.updates}, not more than the warm-up of {self.warmup} updates")
        if self.ema is not None and self.average > 1:
            raise ValueError(f"Recipe has average={self.average} and ema={self.ema}: use only one of the two")

    def _require(self, good, expected: str, *names: str):
        for name in names:
            if (value := getattr(self, name)) is not None and not good(value):
                raise ValueError(f"Recipe.{name} must be {expected}, got {value}")


def optimizer(recipe: Recipe, batches: int | None = None, learning_rate: float = 1e-3, settable: bool = False):
    """Keras' Adam (AdamW with weight decay) with schedule, clipping, accumulation and moving average.

    batches: number in the whole training, if known; it limits a default warm-up.
    learning_rate: default if the recipe has none. settable: a constant rate instead of a schedule, for callbacks.
    With layer_decay a LayerDecayAdam, which finds the layers of the model that is compiled with it.
    """
    import keras

    rate = schedule(recipe, batches, learning_rate)
    options = dict(
        learning_rate=rate.peak if settable else rate,
        beta_1=recipe.beta_1,
        beta_2=recipe.beta_2,
        epsilon=recipe.epsilon,
        global_clipnorm=recipe.clip_norm,
        gradient_accumulation_steps=recipe.accumulate if recipe.accumulate > 1 else None,
        use_ema=recipe.ema is not None,
        ema_momentum=recipe.ema or 0.99,  # Keras requires a number even without use_ema
    )
    if recipe.layer_decay is not None:
        from tfllm.training.layer_decay import LayerDecayAdam

        return LayerDecayAdam(decay=recipe.layer_decay, weight_decay=recipe.weight_decay or None, **options)
    if not recipe.weight_decay:
        return keras.optimizers.Adam(**options)
    return keras.optimizers.AdamW(weight_decay=recipe.weight_decay, **options)


def schedule(recipe: Recipe, batches: int | None = None, learning_rate: float = 1e-3):
    """The learning rate by batch: Keras counts batches, not updates, so `accumulate` stretches it."""
    from tfllm.training.schedules import Constant, Cosine, InverseRoot, Linear

    all_updates = min((n for n in (recipe.updates, batches and batches // recipe.accumulate) if n), default=None)
    warmup = warm_up(all_updates) if recipe.warmup is None else recipe.warmup
    warmup *= recipe.accumulate
    highest = learning_rate if recipe.learning_rate is None else recipe.learning_rate
    if recipe.schedule in ("linear", "cosine"):
        kind = Linear if recipe.schedule == "linear" else Cosine
        return kind(highest, warmup, recipe.updates * recipe.accumulate)  # type: ignore[operator]  # checked above
    return (InverseRoot if recipe.schedule == "inverse_root" else Constant)(highest, warmup)


def warm_up(updates: int | None) -> int:
    """1000 updates, or a tenth of all if that is known to be less."""
    return 1000 if updates is None else max(1, min(1000, updates // 10))
