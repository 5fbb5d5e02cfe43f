"""What fine-tuning changes in a model besides its weights is part of its config, so that a `.keras` file keeps it.

The file that `save` writes is whole or as it was before, also where the disk is full.
"""

from pathlib import Path

import keras

from tfllm import sizes
from tfllm.files import written
from tfllm.layers import lora, names
from tfllm.layers.pretrained_embedding import PretrainedEmbedding, replace_embedding
from tfllm.private_api import BuiltFromOneReplica
from tfllm.saving import Configured

ADVICE = (
    "Write save('NAME.keras'); weights alone: save_weights('NAME.weights.h5'); for TensorFlow Serving: export(FOLDER)"
)


class Tunable(Configured, BuiltFromOneReplica, keras.Model):
    """Abstract. A model whose config tells what its constructor takes, and its pretrained embeddings, its LoRA and its
    frozen weights, if any.

    A final class that has a `from_config` of its own ends it with `super().from_config(config)`. ValueError for sizes
    that are none, see sizes.py.
    """

    def __new__(cls, *args, **kwargs):
        sizes.check_arguments(cls, args, kwargs)
        return super().__new__(cls, *args, **kwargs)

    def get_config(self):
        """As in Keras. ValueError where `keras.saving.save_model` asks for a file in the older .h5 of Keras."""
        if _in_old_format():
            name = type(self).__name__
            raise ValueError(f"a {name} cannot be saved as .h5, Keras' older format, which nothing reads. {ADVICE}")
        return super().get_config() | tuning(self)

    @classmethod
    def from_config(cls, config, custom_objects=None):
        config = dict(config)
        result = config.pop("tuning", None)
        model = super().from_config(config, custom_objects)
        if result:
            tune(model, result)
        return model

    def quantize(self, mode=None, *args, **options):
        """Not here, ValueError: most layers compute with their kernels themselves, and would leave the scales out."""
        raise ValueError(
            f"{type(self).__name__} cannot be quantized ({mode!r} was asked for); for weights of half the size make it "
            "under keras.config.set_dtype_policy('bfloat16')"
        )

    def save(self, filepath, overwrite=True, **options):
        """As in Keras. ValueError for the older .h5 of Keras, in which a class is not read back, and other endings."""
        if options.get("zipped") is not False:
            expect_keras_file(filepath)
        if not _whole(filepath, overwrite, options.get("zipped"), (".keras",)):
            return super().save(filepath, overwrite, **options)
        with written(filepath) as beside:
            super().save(beside, **options)

    def save_weights(self, filepath, overwrite=True, **options):
        """As in Keras."""
        if not _whole(filepath, overwrite, options.get("max_shard_size") is None, (".weights.h5",)):
            return super().save_weights(filepath, overwrite, **options)
        with written(filepath) as beside:
            super().save_weights(beside, **options)


def expect_keras_file(path):
    """ValueError where the path of a file is not NAME.keras (or on the hub, hf://...)."""
    if not str(path).endswith(".keras") and not str(path).startswith("hf://"):
        raise ValueError(f"a model is saved as NAME.keras, which has its vocabulary too; got {str(path)!r}. {ADVICE}")


def _in_old_format():
    """Whether Keras writes the older format now: it then leaves out where a class is from."""
    one = keras.Sequential([keras.layers.Identity(name="one")], name="probe")
    return "module" not in one.get_config()["layers"][0]


def _whole(path, overwrite, one, endings):
    """Whether this is one file of this computer; others, and the question whether to overwrite, are Keras' affair."""
    if one is False or not isinstance(path, (str, Path)) or "://" in str(path) or not str(path).endswith(endings):
        return False
    return overwrite or not Path(path).exists()


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


def tune(model, result):
    """Brings a model just made into the state that `tuning` told. What a part of it did already is left out."""
    there = _pretrained(model)
    wanted = {name: config for name, config in result.get("embeddings", {}).items() if name not in there}
    for place in list(names.places(model)):
        if place.name in wanted:
            replace_embedding(model, place.layer, PretrainedEmbedding.from_config(wanted.pop(place.name)))
    there = lora.adapters(model)
    for name, (rank, alpha) in result["lora"].items():
        if name not in there:
            lora.attach(model, rank, alpha, [name])
    weights = names.weights(model)
    for name in result["frozen"]:
        weights[name].trainable = False


def _pretrained(model) -> dict[str, PretrainedEmbedding]:
    return {place.name: place.layer for place in names.places(model) if isinstance(place.layer, PretrainedEmbedding)}
