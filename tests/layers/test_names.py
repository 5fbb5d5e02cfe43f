"""Names of layers and weights: where they stand, whatever the models around them are called."""

import keras
import pytest

from tfllm.layers import names
from tfllm.layers.names import chosen, slots
from tfllm.models import LSTMLanguageModel, Transformer
from tfllm.models.gpt import GPT


def gpt(**options):
    return GPT(**{"vocab_size": 11, "max_length": 6, "num_layers": 2, "d_model": 8, "num_heads": 2, **options})


class Around(keras.Model):
    def __init__(self, inner):
        super().__init__()
        self.inner, self.head = inner, keras.layers.Dense(3, name="head")
        self.head.build((None, 8))


def test_weights_of_a_gpt():
    result = names.weights(gpt())
    assert list(result)[:2] == ["embed/embeddings", "place/table"]
    assert {"layer1/look/query/kernel", "layer2/feed/widen/bias", "norm/gamma"} <= set(result)


@pytest.mark.parametrize(
    "model",
    [gpt(), gpt(tied=False), Transformer(1, 8, 2, 16, 7, 7, 5, 5), LSTMLanguageModel(7, 4, 6, num_layers=2)],
    ids=["gpt", "untied", "transformer", "lstm"],
)
def test_every_weight_has_one_name(model):
    result = names.weights(model)
    assert {id(weight) for weight in result.values()} == {id(weight) for weight in model.trainable_weights}
    assert len(result) == len(model.trainable_weights)


def test_names_do_not_depend_on_what_is_around():
    inner = gpt(name="another")
    assert set(names.weights(Around(inner))) == {*names.weights(inner), "head/kernel", "head/bias"}


def test_a_shared_layer_has_one_name_and_its_places():
    model = Transformer(1, 8, 2, 16, 7, 7, 5, 5, shared="all")
    result = [slot for slot in slots(model) if slot.layer is model.embed_target]
    assert [(slot.name, slot.key) for slot in result] == [
        ("embed_target", "embed_target"),
        ("embed_target", "embed_input"),
    ]


def test_layers_of_one_name_are_told_apart():
    class Twins(keras.Model):
        def __init__(self):
            super().__init__()
            self.both = [keras.layers.Dense(2, name="dense"), keras.layers.Dense(2, name="dense")]

    assert [slot.name for slot in slots(Twins())] == ["dense", "dense_2"]


def test_a_layer_in_a_list_is_replaced_in_its_order():
    class Listed(keras.Model):
        def __init__(self):
            super().__init__()
            self.rows = [keras.layers.Dense(2, name=name) for name in "abc"]

    model, new = Listed(), keras.layers.Dense(2, name="new")
    list(slots(model))[1].replace(new)
    assert [layer.name for layer in model.rows] == ["a", "new", "c"]
    assert [layer.name for layer in model.layers] == ["a", "new", "c"]


NAMES = ["embed/embeddings", "layer1/look/query/kernel", "layer1/look/query/bias", "layer10/look/query/kernel", "norm"]


@pytest.mark.parametrize(
    "patterns, expected",
    [
        (["layer1"], [1, 2]),  # not layer10
        (["layer1*"], [1, 2, 3]),
        (["query"], [1, 2, 3]),
        (["kernel"], [1, 3]),
        (["layer1/*/kernel"], [1]),
        (["look/query"], [1, 2, 3]),
        (["embed*", "norm"], [0, 4]),
        (["norm", "embed*"], [0, 4]),  # in the order of the names
        (["*"], [0, 1, 2, 3, 4]),
        (["layer1[0-9]"], [3]),
        ([], []),
    ],
)
def test_patterns(patterns, expected):
    assert chosen(NAMES, patterns) == [NAMES[i] for i in expected]


@pytest.mark.parametrize("pattern, near", [("qeury", "query"), ("embd*", "embed"), ("layer1/look/qery", "layer1/look")])
def test_a_pattern_for_nothing_names_the_nearest(pattern, near):
    with pytest.raises(ValueError, match=f"no name matches '.*'; similar names: .*{near}"):
        chosen(NAMES, ["norm", pattern])


def test_a_part_of_a_name_is_no_name():
    with pytest.raises(ValueError, match="no name matches 'ayer1'"):
        chosen(NAMES, ["ayer1"])
