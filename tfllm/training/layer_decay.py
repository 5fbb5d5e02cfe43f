"""A lower learning rate for lower layers, which are the most general. Howard & Ruder 2018, sec. 3.2.

Clark et al. 2020 (ELECTRA) and Bao et al. 2022 (BEiT) use one factor from each layer to the next below.
Not included: optimizers other than Adam; gradual unfreezing (call training.unfreeze between two `fit`).
"""

import re
from fnmatch import fnmatchcase

import keras

from tfllm.private_api import has_weight_decay, weight_index

BOTTOM = ("embed*", "place*", "position*", "*embedding*")


@keras.saving.register_keras_serializable("tfllm")
class LayerDecayAdam(keras.optimizers.Adam):
    """Adam, or AdamW, whose learning rate is rate · decay^(L + 1 - l) for layer l of L. Howard & Ruder 2018, eq. 2.

    l is the number in the weight's path, as in "layer3" or "encoder_layer3"; 0 for weights below all layers (a part of
    the path matches a pattern of `bottom`), L + 1 for those above (the last norm, a head). Layers with the same number
    in encoder and decoder have the same rate. The update is scaled, not the gradient, since Adam would undo that;
    weight decay is scaled too.

    Differs: the paper uses 1/2.6 from layer to layer, here the default is 0.9; the scale of the top is 1.
    Raises ValueError for a decay outside (0, 1]; at the first step, for weights without any numbered layer.
    """

    def __init__(self, learning_rate=1e-3, decay=0.9, bottom=BOTTOM, weight_decay=None, name="layer_decay_adam",
                 **options):  # fmt: skip
        super().__init__(learning_rate, name=name, **options)
        if not 0 < decay <= 1:
            raise ValueError(f"the decay from layer to layer must be above 0 and at most 1; got {decay}")
        self.decay, self.bottom, self.shrink, self.scales = decay, tuple(bottom), weight_decay, None

    def build(self, variables):
        if not self.built:
            self.scales = tuple(scales([variable.path for variable in variables], self.decay, self.bottom))
        super().build(variables)

    def update_step(self, gradient, variable, learning_rate):
        rate = learning_rate * self.scales[weight_index(self, variable)]
        if self.shrink and has_weight_decay(self, variable):
            self.assign_sub(variable, variable * keras.ops.cast(self.shrink * rate, variable.dtype))
        super().update_step(gradient, variable, rate)

    def get_config(self):
        mine = {"decay": self.decay, "bottom": list(self.bottom), "weight_decay": self.shrink}
        return super().get_config() | mine


def scales(paths, decay, bottom=BOTTOM) -> list[float]:
    """The factors of the learning rate for each weight."""
    matches = [re.search(r"layer_?(\d+)(?:/|$)", path) for path in paths]
    numbers = [int(match[1]) if match else None for match in matches]
    known = [number for number in numbers if number is not None]
    if not known:
        raise ValueError(f"layer decay needs numbered layers, such as layer1/...; got {paths}")
    top, lowest = max(known) + 1, -1 if 0 in known else 0  # some models count their layers from 0
    result = []
    for path, number in zip(paths, numbers, strict=True):
        if number is None:
            below = any(fnmatchcase(part, pattern) for part in path.split("/") for pattern in bottom)
            number = lowest if below else top
        result.append(decay ** (top - number))
    return result
