"""LoRA: two small trainable matrices A and B next to a frozen kernel W. Hu et al. 2022.

`attach` replaces a Dense or EinsumDense by a `LowRank`, `detach` restores it. Keras' own `enable_lora` is not used: its
A and B are lost when a model is saved, and on EinsumDense it differs from the paper (docs/decisions.md).
Not included: dropout on x, embeddings, kernels of recurrent cells and convolutions.
"""

import math
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from string import ascii_letters

import keras
from keras import ops

from tfllm.layers.names import Slot, chosen, devices_of, slots

KINDS = (keras.layers.Dense, keras.layers.EinsumDense)


@keras.saving.register_keras_serializable("tfllm")
class LowRank(keras.layers.Wrapper):
    """x W + (alpha / rank) x A B, then bias and activation; W of `layer` is frozen. Hu et al. 2022, eq. 3.

    A is initialised by N(0, 1 / d) and B by 0, so that nothing changes before training (sec. 4.1). x [..., d] ->
    [..., k], A [d, rank], B [rank, k]; if the kernel of an EinsumDense has several input or output axes, d and k stand
    for all of them. Where it replaces `layer` (`attach`), it also applies its activation.

    Differs: the paper does not give the variance of A; here d is the width of the input.
    Raises ValueError for a rank below 1, and for a kernel with an axis that is both input and output.
    """

    def __init__(self, layer, rank, alpha, activation=None, **kwargs):
        super().__init__(layer, **{"name": layer.name, "dtype": layer.dtype_policy} | kwargs)
        if rank < 1:
            raise ValueError(f"the rank of LoRA must be at least 1; got {rank}")
        self.rank, self.alpha, self.scale = rank, alpha, alpha / rank
        self.activation = keras.activations.get(activation)
        equation = layer.equation if isinstance(layer, keras.layers.EinsumDense) else "...x,xy->...y"
        x, self.letters, y = equation.replace("->", ",").split(",")  # axes of the kernel: "xy", "dhk"
        self.into = "".join(letter for letter in self.letters if letter in x)
        self.out = "".join(letter for letter in self.letters if letter in y)
        if set(self.into) & set(self.out) or set(self.into + self.out) != set(self.letters):
            raise ValueError(
                f"LoRA does not support {equation!r}: each axis of the kernel must belong to the input or to the output"
            )
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
        """W + (alpha / rank) A B: the kernel of an equivalent Dense."""
        return self.layer.kernel + self.scale * ops.einsum(self.product, self.a, self.b)

    @property
    def bias(self):
        return self.layer.bias

    def install(self, slots):
        """Replace the wrapped layer in these slots, and take over its activation."""
        for slot in slots:
            slot.replace(self)
        self.activation, self.layer.activation = self.layer.activation, keras.activations.linear

    def uninstall(self, slots):
        """Put the wrapped layer back wherever it was used, with its activation."""
        for slot in slots:
            slot.replace(self.layer)
        self.layer.activation, self.activation = self.activation, keras.activations.linear

    def get_config(self):
        numbers = {"rank": self.rank, "alpha": self.alpha}
        return super().get_config() | numbers | {"activation": keras.activations.serialize(self.activation)}


def kernels(model) -> dict[str, list[Slot]]:
    """{name: its slots} of every layer that LoRA can wrap and does not wrap yet."""
    result: dict[str, list[Slot]] = {}
    for slot in slots(model):
        if isinstance(slot.layer, KINDS) and not isinstance(slot.owner, LowRank):
            result.setdefault(slot.name, []).append(slot)
    return result


def adapters(model) -> dict[str, LowRank]:
    """{name of the wrapped layer: LowRank}"""
    return {name: result[0].layer for name, result in _adapted(model).items()}


def attach(model, rank, alpha, names) -> dict[str, LowRank]:
    """Add LoRA to every Dense and EinsumDense whose name matches a pattern of `names`; see names.chosen.

    Neither freezes nor compiles: tfllm.training.lora does. Raises ValueError, before any change, for a pattern that
    matches none of them, for a layer without weights, and for one that cannot be replaced.
    """
    result = kernels(model)
    result = {name: result[name] for name in chosen(result, names)}
    for name, where in result.items():
        if any(slot.holder is None for slot in where):
            raise ValueError(
                f"{name} belongs to a functional or sequential model, where no layer can be replaced: write the "
                "model as a class, or use Keras' own layer.enable_lora"
            )
        if not where[0].layer.built:
            raise ValueError(f"{name} has no weights yet: call the model once, on any input, before LoRA")
    made = {name: LowRank(where[0].layer, rank, alpha) for name, where in result.items()}
    for name, layer in made.items():
        with devices_of(model), ExitStack() as scopes:  # so that the paths of A and B match their position in the model
            for scope in layer.layer.path.split("/")[:-1]:
                scopes.enter_context(keras.name_scope(scope))
            layer.build()
        layer.install(result[name])
    return made


def detach(model) -> dict[str, LowRank]:
    """Restore every wrapped layer with its original kernel. What LoRA learned is only in the returned layers."""
    result = _adapted(model)
    for where in result.values():
        where[0].layer.uninstall(where)
    return {name: where[0].layer for name, where in result.items()}


@contextmanager
def merged(model) -> Iterator[None]:
    """Context manager: inside it every kernel is W + (alpha / rank) A B, without LoRA; afterwards LoRA is restored."""
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
            adapter.install([replace(slot, layer=adapter.layer) for slot in where])


def _adapted(model) -> dict[str, list[Slot]]:
    result: dict[str, list[Slot]] = {}
    for slot in slots(model):
        if isinstance(slot.layer, LowRank):
            result.setdefault(slot.name, []).append(slot)
    return result
