"""Configs read off constructors: against what `__init__` was given, by hand, and through Keras' own files."""

import json

import keras
import pytest

from tfllm.saving import Configured
from tfllm.text import Words


@keras.saving.register_keras_serializable("tests")
class Pair(Configured, keras.layers.Layer):
    def __init__(self, source, target=None, sizes=(1, 2), weights_of=None, rate=0.5, **kwargs):
        super().__init__(**kwargs)
        self.source, self.target = source, source if target is None else target
        self.sizes, self.weights_of, self.numbers = sizes, weights_of, {"rate": rate}
        self.rate = "what this layer says of its rate"


@keras.saving.register_keras_serializable("tests")
class Loss(Configured, keras.losses.Loss):
    def __init__(self, weight, name="mine"):
        super().__init__(name=name, reduction="sum")
        self.weight = weight


class Forgetful(Configured, keras.layers.Layer):
    def __init__(self, size):
        super().__init__()


def again(layer):
    """Through JSON, as a file has it."""
    return keras.saving.deserialize_keras_object(json.loads(json.dumps(keras.saving.serialize_keras_object(layer))))


def test_a_config_has_what_the_constructor_takes_as_it_is_now():
    layer = Pair(Words(["a"]), Words(["b", "c"]), weights_of={"class_name": 2.0}, rate=0.1, name="x", dtype="float64")
    layer.sizes = (3, (4, 5))
    config = layer.get_config()
    assert {name: config[name] for name in ("sizes", "weights_of", "rate", "name")} == {
        "sizes": [3, [4, 5]], "weights_of": {"class_name": 2.0}, "rate": 0.1, "name": "x",
    }  # fmt: skip
    made = again(layer)
    assert made.get_config() == config and made.dtype == "float64"
    assert made.source.tokens == Words(["a"]).tokens and made.target.tokens == Words(["b", "c"]).tokens


def test_one_object_stays_one():
    layer = Pair(Words(["a"]))
    assert layer.get_config()["target"] is None
    made = again(layer)
    assert made.source is made.target and made.source.tokens == layer.source.tokens


def test_what_a_constructor_does_not_take_is_left_out():
    assert Loss(2.0).get_config() == {"name": "mine", "weight": 2.0}
    assert again(Loss(2.0)).weight == 2.0


def test_a_value_that_is_not_kept_is_no_silent_loss():
    with pytest.raises(
        NotImplementedError, match="^Forgetful does not store .*'size': store it as an attribute of that name"
    ):
        Forgetful(3).get_config()

    class Careful(Forgetful):
        def get_config(self):
            return super().get_config() | {"size": 3}

    assert Careful.from_config(Careful(3).get_config()).get_config()["size"] == 3
