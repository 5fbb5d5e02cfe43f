"""Saves what fine-tuning changes in a model besides its weights, as part of its config in the `.keras` file.

`save` is atomic: the file is complete, or unchanged, also if the disk is full.
"""

from pathlib import Path

import keras

from tfllm import sizes
from tfllm.files import written
from tfllm.layers import lora, names
from tfllm.layers.pretrained_embedding import PretrainedEmbedding, replace_embedding
from tfllm.private_api import BuiltFromOneReplica, weights_file
from tfllm.saving import Configured

ADVICE = (
    "Write save('NAME.keras'); weights alone: save_weights('NAME.weights.h5'); for TensorFlow Serving: export(FOLDER)"
)


class Tunable(Configured, BuiltFromOneReplica, keras.Model):
    """Abstract. A model whose config has the constructor's arguments and, if any, its pretrained embeddings, its LoRA
    and its frozen weights.

    A subclass with its own `from_config` must end it with `super().from_config(config)`. Raises ValueError for invalid
    sizes, see sizes.py.
    """

    def __new__(cls, *args, **kwargs):
        sizes.check_arguments(cls, args, kwargs)
        return super().__new__(cls, *args, **kwargs)

    def get_config(self):
        """As in Keras. Raises ValueError if `keras.saving.save_model` asks for a file in Keras' older .h5 format."""
        if _in_old_format():
            name = type(self).__name__
            raise ValueError(
                f"a {name} cannot be saved as .h5, Keras' older format, since it could not be loaded. {ADVICE}"
            )
        return super().get_config() | tuning(self)

    @classmethod
    def from_config(cls, config, custom_objects=None):
        config = dict(config)
        changes = config.pop("tuning", None)
        model = super().from_config(config, custom_objects)
        if changes:
            tune(model, changes)
        return model

    def quantize(self, mode=None, *args, **options):
        """Not supported, raises ValueError: most layers use their kernels directly, which would ignore the scales."""
        raise ValueError(
            f"{type(self).__name__} cannot be quantized (mode {mode!r}); for weights of half the size make it "
            "under keras.config.set_dtype_policy('bfloat16')"
        )

    def save(self, filepath, overwrite=True, **options):
        """As in Keras.

        Raises ValueError for Keras' older .h5 format, which cannot be loaded again, and for other file name endings.
        """
        if options.get("zipped") is not False:
            expect_keras_file(filepath)
        if not _whole(filepath, overwrite, options.get("zipped"), (".keras",)):
            return super().save(filepath, overwrite, **options)
        with written(filepath) as temporary:
            super().save(temporary, **options)

    def save_weights(self, filepath, overwrite=True, **options):
        """As in Keras; the file is made in memory first."""
        one = options.get("max_shard_size") is None and self.built
        if not _whole(filepath, overwrite, one, (".weights.h5",)):
            return super().save_weights(filepath, overwrite, **options)
        result = weights_file(self)
        with written(filepath) as temporary:
            temporary.write_bytes(result)


def expect_keras_file(path):
    """Raises ValueError if the path is not NAME.keras (or on the hub, hf://...)."""
    if not str(path).endswith(".keras") and not str(path).startswith("hf://"):
        raise ValueError(f"a model is saved as NAME.keras, with its vocabulary; got {str(path)!r}. {ADVICE}")


def _in_old_format():
    """Whether Keras is writing the older format, which does not store the package of a class."""
    one = keras.Sequential([keras.layers.Identity(name="one")], name="probe")
    return "module" not in one.get_config()["layers"][0]


def _whole(path, overwrite, one, endings):
    """Whether this is one local file; other paths, and the question whether to overwrite, are left to Keras."""
    if one is False or not isinstance(path, (str, Path)) or "://" in str(path) or not str(path).endswith(endings):
        return False
    return overwrite or not Path(path).exists()


def tuning(model) -> dict:
    """{"tuning": {"embeddings": {name: its config}, "lora": {name: [rank, alpha]}, "frozen": [names of weights]}}.

    embeddings: those set by `replace_embedding`. {} if nothing was changed.
    """
    changes = {
        "embeddings": {name: layer.get_config() for name, layer in _pretrained(model).items()},
        "lora": {name: [layer.rank, layer.alpha] for name, layer in lora.adapters(model).items()},
        "frozen": [name for name, weight in names.weights(model).items() if not weight.trainable],
    }
    return {"tuning": changes} if any(changes.values()) else {}


def tune(model, changes):
    """Apply the result of `tuning` to a new model. Skips what a part of the model has already applied."""
    existing = _pretrained(model)
    new = {name: config for name, config in changes.get("embeddings", {}).items() if name not in existing}
    for slot in list(names.slots(model)):
        if slot.name in new:
            replace_embedding(model, slot.layer, PretrainedEmbedding.from_config(new.pop(slot.name)))
    existing = lora.adapters(model)
    for name, (rank, alpha) in changes["lora"].items():
        if name not in existing:
            lora.attach(model, rank, alpha, [name])
    weights = names.weights(model)
    for name in changes["frozen"]:
        weights[name].trainable = False


def _pretrained(model) -> dict[str, PretrainedEmbedding]:
    return {slot.name: slot.layer for slot in names.slots(model) if isinstance(slot.layer, PretrainedEmbedding)}
