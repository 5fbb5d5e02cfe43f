"""LoRA: beside a frozen kernel W, two small matrices A and B that are trained. Hu et al. 2022.

`attach` puts a `LowRank` where a Dense or EinsumDense stood, `detach` puts that back. Keras' own `enable_lora` is not
used: its A and B do not survive a file, and on EinsumDense it is not the paper's (docs/decisions.md).
Left out: dropout on x, embeddings, kernels of recurrent cells and convolutions.
"""

import math
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from string import ascii_letters

import keras
from keras import ops

from tfllm.layers.names import Place, chosen, devices_of, places

KINDS = (keras.layers.Dense, keras.layers.EinsumDense)


@keras.saving.register_keras_serializable("tfllm")
class LowRank(keras.layers.Wrapper):
    """x W + (alpha / rank) x A B, then bias and activation: W of `layer`, frozen. Hu et al. 2022, eq. 3.

    A starts at N(0, 1 / d) and B at 0, so that nothing changes before training (sec. 4.1). x [..., d] -> [..., k],
    A [d, rank], B [rank, k]; where the kernel of an EinsumDense has several axes of input or output, d and k are these.
    In the place of `layer` (`attach`) this also does its activation.

    Differs: the paper says that A is Gaussian, not how wide; d is the width of the input here.
    Raises ValueError for a rank below 1, and for a kernel with an axis that is both of the input and of the output.
    """

    def __init__(self, layer, rank, alpha, activation=None, **kwargs):
        super().__init__(layer, **{"name": layer.name, "dtype": layer.dtype_policy} | kwargs)
        if rank < 1:
            raise ValueError(f"the rank of LoRA must be 1 or more; got {rank}")
        self.rank, self.alpha, self.scale = rank, alpha, alpha / rank
        self.activation = keras.activations.get(activation)
        equation = layer.equation if isinstance(layer, keras.layers.EinsumDense) else "...x,xy->...y"
        x, self.letters, y = equation.replace("->", ",").split(",")  # of the kernel: "xy", "dhk"
        self.into = "".join(letter for letter in self.letters if letter in x)
        self.out = "".join(letter for letter in self.letters if letter in y)
        if set(self.into) & set(self.out) or set(self.into + self.out) != set(self.letters):
            raise ValueError(f"no LoRA for {equation!r}: each axis of the kernel must be of the input or of the output")
        r = next(letter for letter in ascii_letters if letter not in equation)
        between = "".join(letter for letter in y if letter not in self.out) + r
        self.down = f"{x},{self.into}{r}->{between}"  # x, A -> x A
        self.up = f"{between},{r}{self.out}->{y}"  # x A, B -> x A B
        self.product = f"{self.into}{r},{r}{self.out}->{self.letters}"  # A, B -> A B

    def build(self, x_shape=None):
        if not self.layer.built:
            self.layer.build(x_shape)
        sizes = dict(zip(self.letters, self.layer.kernel.shape, strict=True))
        into, out = [sizes[letter] for letter in self.into], [sizes[letter] for letter in self.out]
        start = keras.initializers.RandomNormal(stddev=math.prod(into) ** -0.5)
        self.a = self.add_weight((*into, self.rank), initializer=start, name="lora_a")
        self.b = self.add_weight((self.rank, *out), initializer="zeros", name="lora_b")

    def call(self, x):
        change = ops.einsum(self.up, ops.einsum(self.down, x, self.a), self.b)
        return self.activation(self.layer(x) + self.scale * change)

    @property
    def kernel(self):
        """W + (alpha / rank) A B: the kernel of one Dense that does the same."""
        return self.layer.kernel + self.scale * ops.einsum(self.product, self.a, self.b)

    @property
    def bias(self):
        return self.layer.bias

    def install(self, places):
        """Stand in the places of its layer, with its activation."""
        for place in places:
            place.replace(self)
        self.activation, self.layer.activation = self.layer.activation, keras.activations.linear

    def uninstall(self, places):
        """Put the layer back wherever it was, with its activation."""
        for place in places:
            place.replace(self.layer)
        self.layer.activation, self.activation = self.activation, keras.activations.linear

    def get_config(self):
        numbers = {"rank": self.rank, "alpha": self.alpha}
        return super().get_config() | numbers | {"activation": keras.activations.serialize(self.activation)}


def kernels(model) -> dict[str, list[Place]]:
    """{name: its places} of every layer that LoRA can stand for and does not yet."""
    result = {}
    for place in places(model):
        if isinstance(place.layer, KINDS) and not isinstance(place.owner, LowRank):
            result.setdefault(place.name, []).append(place)
    return result


def adapters(model) -> dict[str, LowRank]:
    """{name of the layer it stands for: LowRank}"""
    return {name: result[0].layer for name, result in _adapted(model).items()}


def attach(model, rank, alpha, names) -> dict[str, LowRank]:
    """LoRA on every Dense and EinsumDense whose name a pattern of `names` fits; see names.chosen.

    Neither freezes nor compiles: tfllm.training.lora does. ValueError for a pattern that fits none of them, for a
    layer that has no weights yet, and for one that cannot be replaced; nothing is changed then.
    """
    result = kernels(model)
    result = {name: result[name] for name in chosen(result, names)}
    for name, where in result.items():
        if any(place.holder is None for place in where):
            raise ValueError(
                f"{name} belongs to a functional or sequential model, where no layer can be replaced: write the "
                "model as a class, or use Keras' own layer.enable_lora"
            )
        if not where[0].layer.built:
            raise ValueError(f"{name} has no weights yet: call the model once, on any input, before LoRA")
    made = {name: LowRank(where[0].layer, rank, alpha) for name, where in result.items()}
    for name, layer in made.items():
        with devices_of(model), ExitStack() as scopes:  # so that the paths of A and B tell where they stand
            for scope in layer.layer.path.split("/")[:-1]:
                scopes.enter_context(keras.name_scope(scope))
            layer.build()
        layer.install(result[name])
    return made


def detach(model) -> dict[str, LowRank]:
    """Every layer is back in its place, its kernel as it was: what LoRA learned is only in what is returned."""
    result = _adapted(model)
    for where in result.values():
        where[0].layer.uninstall(where)
    return {name: where[0].layer for name, where in result.items()}


@contextmanager
def merged(model) -> Iterator[None]:
    """A block in which every kernel is W + (alpha / rank) A B and LoRA is gone; after it all is as it was."""
    result = _adapted(model)
    kept = {name: where[0].layer.layer.kernel.numpy() for name, where in result.items()}
    for layer in detach(model).values():
        layer.layer.kernel.assign(layer.kernel)
    try:
        yield
    finally:
        for name, where in result.items():
            adapter = where[0].layer
            adapter.layer.kernel.assign(kept[name])
            adapter.install([replace(place, layer=adapter.layer) for place in where])


def _adapted(model) -> dict[str, list[Place]]:
    result = {}
    for place in places(model):
        if isinstance(place.layer, LowRank):
            result.setdefault(place.name, []).append(place)
    return result
