"""Folders in Hugging Face's format with sizes, layers and shards that are none: each is refused in one line."""

import json
import shutil

import numpy as np
import pytest

from tests.interop.folders import CONFIG, tensors, written
from tests.test_fuzz import told_in_one_line
from tfllm.interop import gpt2

SIZES = ["vocab_size", "n_positions", "n_embd", "n_layer", "n_head", "n_inner"]


@pytest.mark.parametrize("name", SIZES)
@pytest.mark.parametrize("size", [0, -1, 10**6, 10**30, "9", [], 1.5, True])
def test_sizes_in_the_format_of_hugging_face(tmp_path, name, size):
    folder = written(tmp_path / "a", tensors(), CONFIG | {name: size})
    assert not told_in_one_line(lambda: gpt2.load(folder), folder)


def test_layers_without_weights_are_not_made(tmp_path):
    small = {"n_embd": 1, "n_head": 1, "n_inner": 1, "vocab_size": 1, "n_positions": 1, "n_layer": 10**4}
    large = tensors() | {"transformer.wte.weight": np.zeros((40_000, 2), "float32")}
    folder = written(tmp_path / "a", large, CONFIG | small)
    with pytest.raises(ValueError, match=r"^.*a: its config asks for 10000 layers; at most 1000 are supported$"):
        gpt2.load(folder)


LONG = "b" * 5000 + ".safetensors"
HOMES = ["../b.safetensors", "/b.safetensors", "b/../b.safetensors", LONG, "b.bin", "", "..", 7, []]


@pytest.mark.parametrize("home", HOMES, ids=range(len(HOMES)))
def test_shards_are_files_of_their_folder(tmp_path, home):
    folder = written(tmp_path / "a", tensors(), shards=2)
    shutil.copy(next(folder.glob("*.safetensors")), tmp_path / "b.safetensors")
    index = folder / "model.safetensors.index.json"
    result = json.loads(index.read_text())
    result["weight_map"]["transformer.wte.weight"] = home
    for weight_map in (result["weight_map"], home, {}, None):
        index.write_text(json.dumps({"weight_map": weight_map}))
        with pytest.raises(ValueError, match=r"^.*index\.json: .*(of this folder|expected a weight_map).*$"):
            gpt2.load(folder)
