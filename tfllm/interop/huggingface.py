"""Folders in Hugging Face's format for any model, config.json and *.safetensors, local or by name from the hub.

Not supported: pickled weights (pytorch_model.bin), which run code when they are read; quantized weights.
"""

import json
import math
import os
import re
import reprlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from tfllm.files import json_object, written
from tfllm.limits import LAYERS

WANTED = (
    "config.json", "generation_config.json", "model*.safetensors", "model.safetensors.index.json",
    "tokenizer.json", "tokenizer_config.json", "vocab.json", "merges.txt", "vocab.txt", "added_tokens.json",
    "special_tokens_map.json", "modules.json", "sentence_bert_config.json", "*_Pooling/config.json",
)  # fmt: skip
WEIGHTS, INDEX, CONFIG = "model.safetensors", "model.safetensors.index.json", "config.json"
FLOATS = ("F64", "F32", "F16", "BF16")


def folder(path_or_name, revision=None):
    """The folder itself or, for a name on the hub ("openai-community/gpt2"), the folder it is downloaded to -> Path.

    revision: a branch, tag or commit of the hub. Earlier downloads are also found offline. Raises FileNotFoundError if
    neither a folder nor the hub has it, ImportError without huggingface_hub.
    """
    path = Path(path_or_name).expanduser()
    if path.is_dir():
        return path
    name = str(path_or_name)
    if path.exists() or path.is_absolute() or name.startswith((".", "~")) or name.endswith(("/", os.sep)):
        raise FileNotFoundError(f"{name} is not a folder: give one with {CONFIG} and {WEIGHTS}, or a name on the hub")
    hub = _hub()
    try:
        return Path(hub.snapshot_download(name, revision=revision, allow_patterns=list(WANTED)))
    except (OSError, hub.errors.HFValidationError) as error:
        reason = str(error).strip().splitlines()
        raise FileNotFoundError(
            f"{name!r} is not a local folder, and could not be downloaded from the Hugging Face hub "
            f"({type(error).__name__}: {reason[0] if reason else 'no reason given'}). Download it with a "
            f"network connection (`hf download {name}`), copy the folder here, and give its path"
        ) from None


def config(path):
    """The dict in `path`/config.json. Raises FileNotFoundError without it, ValueError for other formats."""
    path = Path(path)
    if not (path / CONFIG).is_file():
        raise FileNotFoundError(f"{path} has no {CONFIG}, which Hugging Face's format needs")
    result = json_object(path / CONFIG)
    if "model_type" not in result:
        preset = "it is a keras-nlp preset: use interop.keras_nlp.load"
        add = 'add "model_type": "gpt2" or "model_type": "bert", whichever it is'
        raise ValueError(f"{path / CONFIG} has no model_type; {preset if 'class_name' in result else add}")
    return result


def values_of(config, model, model_type, defaults, only):
    """{name: value} of the names in `defaults`, for our class `model`.

    Raises ValueError for another model_type, for a value in `only` that differs, and for quantized weights or own code.
    """
    if config.get("model_type") != model_type:
        raise ValueError(f"model_type must be {model_type!r}; got {config.get('model_type')!r}")
    wrong = {name: config[name] for name, needed in only.items() if config.get(name, needed) != needed}
    wrong |= {name: config[name] for name in ("quantization_config", "auto_map") if config.get(name)}
    if wrong:
        raise ValueError(f"{model} does not support these options of the config: {wrong}")
    return {name: config.get(name, default) for name, default in defaults.items()}


def check_choice(values, name, known):
    """Raises ValueError if values[name] is none of the strings in `known`."""
    if values[name] not in list(known):  # a list, since the value may be unhashable
        raise ValueError(f"{name} must be one of {', '.join(known)}; got {values[name]!r}")


def check_one_rate(values, names, model, rate=None):
    """`rate`, or the dropout probability of the config. Raises ValueError if it has several and `rate` is None."""
    rates = {name: values[name] for name in names}
    if rate is None and len(set(rates.values())) > 1:
        raise ValueError(f"{model} has one dropout probability, the config several: {rates}. Set rate=")
    return values[names[0]] if rate is None else rate


def check_numbers(values, sizes, rates, epsilon):
    """Raises ValueError for sizes that are not whole numbers, for invalid rates, and for an epsilon outside 0 to 1."""
    for name in sizes:
        if type(values[name]) is not int or values[name] < 1:
            raise ValueError(f"{name} must be a whole number, at least 1; got {_short(values[name])}")
    for name in rates:
        if not isinstance(values[name], (int, float)) or not 0 <= values[name] < 1:
            raise ValueError(f"{name} must be a probability below 1; got {_short(values[name])}")
    if not isinstance(values[epsilon], float) or not 0 < values[epsilon] < 1:
        raise ValueError(f"{epsilon} must be a small number above 0; got {_short(values[epsilon])}")


def check_size(where, size, vocab_size, max_length, d_model, num_layers, num_heads, dff):
    """Raises ValueError for a config that needs far more weights than the files have, before the model is created."""
    dff = dff or 4 * d_model
    wanted = (vocab_size + max_length) * d_model + num_layers * (4 * d_model**2 + 2 * d_model * dff)
    if d_model % num_heads:
        raise ValueError(f"{where}: d_model must be a multiple of num_heads; got {d_model} and {num_heads}")
    if num_layers > LAYERS:
        raise ValueError(f"{where}: its config asks for {num_layers} layers; at most {LAYERS} are supported")
    if wanted > 2 * size + 1000:
        raise ValueError(
            f"{where}: its config asks for {vocab_size} tokens, {max_length} positions, width {d_model}, {num_layers} "
            f"layers, inner width {dff}; its files have {size} numbers, which does not fit"
        )


def _short(value):
    return reprlib.repr(value)


class Weights(Mapping):
    """name -> NumPy array, float32, of every tensor in a folder's safetensors files; each is read on access.

    `size`: their total number of elements. Raises FileNotFoundError if a file is missing; ValueError if an index and
    its files differ or it names files outside this folder, and on access to a tensor that is not floating point;
    ImportError without safetensors.
    """

    def __init__(self, path):
        self.path = Path(path)
        index = self.path / INDEX
        listed, self.size = None, 0
        if (self.path / WEIGHTS).is_file():
            files = [WEIGHTS]
        elif index.is_file():
            listed = _weight_map(index)
            files = sorted(set(listed.values()))
        else:
            pickled = sorted(file.name for file in self.path.glob("*.bin"))
            hint = (
                f"it has {', '.join(pickled)}, which is not read because it may run code: "
                "save it again with save_pretrained, which writes safetensors"
                if pickled
                else "give a folder that has one of them"
            )
            raise FileNotFoundError(f"{self.path} has neither {WEIGHTS} nor {INDEX}; {hint}")
        if missing := [name for name in files if not (self.path / name).is_file()]:
            raise FileNotFoundError(f"{self.path} lacks {', '.join(missing)}, which {INDEX} names: download it again")
        self.files = {name: file for file in files for name in self._names(file)}
        if listed is not None and listed != self.files:
            differ = sorted(name for name, _ in listed.items() ^ self.files.items())
            raise ValueError(f"{index} and the files it names differ in {differ[0]} ({len(set(differ))} in all)")

    def _names(self, file):
        with self._open(file) as stored:
            names = list(stored.keys())
            self.size += sum(math.prod(stored.get_slice(name).get_shape()) for name in names)
            return names

    def _open(self, file):
        try:
            return _safetensors().safe_open(self.path / file, framework="np")
        except _safetensors().SafetensorError as error:
            raise ValueError(f"{self.path / file} is not a safetensors file, or incomplete: {error}") from None

    def __getitem__(self, name):
        import ml_dtypes  # noqa: F401  NumPy learns bfloat16 from it

        with self._open(self.files[name]) as stored:
            kind = stored.get_slice(name).get_dtype()
            if kind not in FLOATS:
                raise ValueError(f"{self.path}: {name} is stored as {kind}; supported are {', '.join(FLOATS)}")
            return np.asarray(stored.get_tensor(name), "float32")

    def __iter__(self):
        return iter(self.files)

    def __len__(self):
        return len(self.files)


def _weight_map(index):
    """{tensor: file in the same folder}"""
    result = json_object(index).get("weight_map")
    if not isinstance(result, dict) or not result:
        raise ValueError(f"{index}: expected a weight_map, an object of tensors and their files; got {_short(result)}")
    for name, file in result.items():
        if not isinstance(file, str) or not re.fullmatch(r"[\w-][\w.-]{,200}\.safetensors", file):
            raise ValueError(f"{index}: {name:.60} must be in a .safetensors file of this folder; got {_short(file)}")
    return result


def write(path, config, tensors):
    """Write `path`/config.json and `path`/model.safetensors from dicts, each atomically."""
    path, save_file = Path(path), _safetensors().numpy.save_file
    text = json.dumps(config, indent=2, sort_keys=True) + "\n"
    tensors = {name: np.ascontiguousarray(value) for name, value in tensors.items()}
    path.mkdir(parents=True, exist_ok=True)
    with written(path / WEIGHTS) as temporary:
        save_file(tensors, temporary, metadata={"format": "pt"})
    with written(path / CONFIG) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _hub():
    try:
        import huggingface_hub.errors
    except ImportError:
        raise ImportError("names on the Hugging Face hub need huggingface_hub: pip install 'tfllm[hub]'") from None
    return huggingface_hub


def _safetensors():
    try:
        import safetensors.numpy
    except ImportError:
        raise ImportError("safetensors files need safetensors: pip install 'tfllm[hub]'") from None
    return safetensors
