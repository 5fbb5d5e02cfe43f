"""Fine-tuning by LoRA: a few per cent of the weights are trained, and stored in a small file. Hu et al. 2022.

    training.lora(task, rank=8, alpha=16)             # queries and values, as in the paper; all else is frozen
    task.compile(optimizer); task.fit(texts)
    training.save_adapter(task, "adapter.npz")        # A and B alone, for training.load_adapter on the same base
    training.merge(task)                              # plain kernels: the same answers at the old speed

`task.save` stores base and LoRA separately, so training can continue after loading; `task.export` merges them.
"""

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np

from tfllm.files import parsed_object, understood, written
from tfllm.layers import lora as layers
from tfllm.layers import names as naming
from tfllm.limits import check_unpacked
from tfllm.training.freezing import Trained, changed, train_only

_SETTINGS = "settings"  # in the file: JSON, {name of the layer: [rank, alpha]}


def lora(model: keras.Model, rank: int = 8, alpha: float = 16.0, names=("query", "value")) -> Trained:
    """Add LoRA to the Dense and EinsumDense layers whose name matches a pattern; only its A and B are trained.

    names: "query" is every layer of that name, "layer1/*" those of one block, "*" all (tfllm.layers.names.chosen).
    To train more, call `unfreeze` afterwards ("*/bias"). A compiled model is compiled again (freezing.py).
    Raises ValueError for a model that already has LoRA, and as lora.attach.
    """
    if layers.adapters(model):
        raise ValueError("the model already has LoRA: merge it, or call remove_adapter, first")
    made = layers.attach(model, rank, alpha, [names] if isinstance(names, str) else names)
    train_only(model, [weight for layer in made.values() for weight in (layer.a, layer.b)])
    return changed(model)


def merge(model: keras.Model) -> Trained:
    """Every kernel becomes W + (alpha / rank) A B; LoRA is removed and all weights are trained again."""
    _require(model)
    for layer in layers.detach(model).values():
        layer.layer.kernel.assign(layer.kernel)
    return _plain(model)


def remove_adapter(model: keras.Model) -> Trained:
    """Restore the base model without what LoRA learned; all weights are trained again."""
    _require(model)
    layers.detach(model)
    return _plain(model)


def save_adapter(model: keras.Model, path: str | Path):
    """Write A and B of every layer with LoRA, with rank, alpha and the layers' names, to one NumPy file."""
    _require(model)
    result = layers.adapters(model)
    arrays: dict[str, Any] = {}
    for name, layer in result.items():
        arrays |= {f"{name}/lora_a": _array(layer.a), f"{name}/lora_b": _array(layer.b)}
    settings = json.dumps({name: [layer.rank, layer.alpha] for name, layer in result.items()})
    with written(path) as temporary, open(temporary, "wb") as file:
        np.savez(file, **{_SETTINGS: np.array(settings)} | arrays)


def load_adapter(model: keras.Model, path: str | Path) -> Trained:
    """Add LoRA from a file of `save_adapter` to the base model that it was trained on; only it is trained.

    Raises ValueError, before any change, for a file of another kind, for a base model without these layers or of other
    sizes, and for a model that has another LoRA.
    """
    arrays, settings = _read(path)
    bases = layers.kernels(model)
    existing = {name: [layer.rank, layer.alpha] for name, layer in layers.adapters(model).items()}
    if existing and existing != settings:
        raise ValueError(f"the model has another LoRA than {path}: merge it, or call remove_adapter, first")
    for name, (rank, _) in {} if existing else settings.items():
        if name not in bases:
            raise ValueError(f"{path} is for a model with a layer {name!r}; this model has {', '.join(bases)}")
        shape, sizes = bases[name][0].layer.kernel.shape, [arrays[f"{name}/lora_{part}"].size for part in "ab"]
        if sizes[0] * sizes[1] != rank**2 * int(np.prod(shape)):
            raise ValueError(
                f"{path} does not fit the kernel of {name}, which is {tuple(shape)}: it belongs to another base model"
            )
    for name, (rank, alpha) in {} if existing else settings.items():
        layers.attach(model, rank, alpha, [name])
    result = layers.adapters(model)
    for name, layer in result.items():
        layer.a.assign(arrays[f"{name}/lora_a"])
        layer.b.assign(arrays[f"{name}/lora_b"])
    train_only(model, [weight for layer in result.values() for weight in (layer.a, layer.b)])
    return changed(model)


def _read(path):
    """(arrays, {layer: [rank, alpha]}) of a file of `save_adapter`."""
    with understood(path, "a file of training.save_adapter"):
        check_unpacked(path)
        with np.load(path) as file:
            arrays = dict(file)
        if _SETTINGS not in arrays:
            raise ValueError(f"{path} contains no LoRA: it must be written by training.save_adapter")
        settings = parsed_object(str(arrays[_SETTINGS]), path)
        for name, (rank, alpha) in settings.items():
            sizes = [arrays[f"{name}/lora_{part}"].size for part in "ab"]
            if type(rank) is not int or not 0 < rank <= min(sizes) or not isinstance(alpha, (int, float)):
                raise ValueError(f"rank {rank!r} and alpha {alpha!r} of {name} do not fit {sizes} numbers")
    return arrays, settings


def _require(model):
    if not layers.adapters(model):
        raise ValueError("the model has no LoRA: call training.lora or training.load_adapter first")


def _plain(model):
    train_only(model, naming.weights(model).values())
    return changed(model)


def _array(weight):
    value = np.array(weight.numpy())
    return value.astype("float32") if value.dtype.kind not in "f" else value  # NumPy itself has no bfloat16
