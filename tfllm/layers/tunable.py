"""What fine-tuning changes in a model besides its weights is part of its config, so that a `.keras` file keeps it."""

import keras

from tfllm.layers import lora, names
from tfllm.layers.pretrained_embedding import PretrainedEmbedding, replace_embedding


class Tunable(keras.Model):
    """Abstract. A model whose config tells its pretrained embeddings, its LoRA and its frozen weights, if any.

    A final class that has a `from_config` of its own ends it with `super().from_config(config)`.
    """

    def get_config(self):
        return super().get_config() | tuning(self)

    @classmethod
    def from_config(cls, config, custom_objects=None):
        config = dict(config)
        found = config.pop("tuning", None)
        model = super().from_config(config, custom_objects)
        if found:
            tune(model, found)
        return model


def tuning(model) -> dict:
    """{"tuning": {"embeddings": {name: its config}, "lora": {name: [rank, alpha]}, "frozen": [names of weights]}}.

    embeddings: those that `replace_embedding` put there. {} where there is nothing of all this.
    """
    told = {
        "embeddings": {name: layer.get_config() for name, layer in _pretrained(model).items()},
        "lora": {name: [layer.rank, layer.alpha] for name, layer in lora.adapters(model).items()},
        "frozen": [name for name, weight in names.weights(model).items() if not weight.trainable],
    }
    return {"tuning": told} if any(told.values()) else {}


def tune(model, found):
    """Brings a model just made into the state that `tuning` told. What a part of it did already is left out."""
    there = _pretrained(model)
    wanted = {name: config for name, config in found.get("embeddings", {}).items() if name not in there}
    for place in list(names.places(model)):
        if place.name in wanted:
            replace_embedding(model, place.layer, PretrainedEmbedding.from_config(wanted.pop(place.name)))
    there = lora.adapters(model)
    for name, (rank, alpha) in found["lora"].items():
        if name not in there:
            lora.attach(model, rank, alpha, [name])
    weights = names.weights(model)
    for name in found["frozen"]:
        weights[name].trainable = False


def _pretrained(model) -> dict[str, PretrainedEmbedding]:
    return {place.name: place.layer for place in names.places(model) if isinstance(place.layer, PretrainedEmbedding)}
