"""Folders and names: what is there, what is not, and what is said then."""

import json

import numpy as np
import pytest
from huggingface_hub import constants
from safetensors import SafetensorError
from safetensors.numpy import save_file

from tests.interop.folders import CONFIG, tensors, written
from tfllm.interop import gpt2, huggingface


@pytest.fixture
def offline(monkeypatch, tmp_path):
    """No network, and a cache of its own."""
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_a_folder_is_itself(tmp_path):
    assert huggingface.folder(tmp_path) == huggingface.folder(str(tmp_path)) == tmp_path


def test_a_name_without_a_network_says_what_to_do(offline):
    with pytest.raises(FileNotFoundError) as caught:
        gpt2.load("openai-community/gpt2")
    output = str(caught.value)
    assert output.startswith(
        "'openai-community/gpt2' is not a local folder, and could not be downloaded from the Hugging Face hub"
    )
    assert "hf download openai-community/gpt2" in output and "give its path" in output


def test_a_name_that_was_downloaded_before_is_found_without_a_network(offline):
    """The layout of the hub's cache: refs/main names the commit, snapshots/COMMIT holds the files."""
    home, commit = offline / "models--some--gpt2", "0123456789abcdef0123456789abcdef01234567"
    (home / "refs").mkdir(parents=True)
    (home / "refs" / "main").write_text(commit)
    (home / "snapshots").mkdir()
    here = written(home / "snapshots" / commit, tensors())
    assert huggingface.folder("some/gpt2") == here
    assert gpt2.load("some/gpt2").num_layers == 2


@pytest.mark.parametrize("name", ["./nowhere", "/nowhere/at/all", "~/nowhere", "nowhere/", "../nowhere"])
def test_a_path_is_not_looked_for_on_the_hub(name, offline):
    with pytest.raises(FileNotFoundError, match="is not a folder: give one with config.json and model.safetensors"):
        huggingface.folder(name)


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "model.safetensors").write_bytes(b"")
    with pytest.raises(FileNotFoundError, match="is not a folder"):
        huggingface.folder(tmp_path / "model.safetensors")


def test_a_name_that_can_be_none(offline):
    with pytest.raises(FileNotFoundError, match="'a/b/c' is not a local folder, .*HFValidationError"):
        huggingface.folder("a/b/c")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "has no config.json"),
        ("{", "config.json is not JSON in UTF-8"),
        ("[]", "config.json must be an object {...}, got a list"),
        ("{}", "has no model_type; add .*gpt2.* or .*bert"),
        (json.dumps({"class_name": "GPT2Backbone"}), "keras-nlp preset: use interop.keras_nlp.load"),
    ],
    ids=["none", "cut", "list", "empty", "preset"],
)
def test_configs_that_are_none(text, message, tmp_path):
    if text is not None:
        (tmp_path / "config.json").write_text(text)
    with pytest.raises((FileNotFoundError, ValueError), match=message):
        huggingface.config(tmp_path)


def test_a_folder_without_weights(tmp_path):
    with pytest.raises(FileNotFoundError, match="neither model.safetensors nor model.safetensors.index.json"):
        huggingface.Weights(tmp_path)
    (tmp_path / "pytorch_model.bin").write_bytes(b"")
    with pytest.raises(FileNotFoundError, match="it has pytorch_model.bin, .* may run code: save it again"):
        huggingface.Weights(tmp_path)


def test_weights_that_are_cut_short(tmp_path):
    folder = written(tmp_path / "a", tensors())
    whole = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(whole[:-100])
    with pytest.raises(ValueError, match="model.safetensors is not a safetensors file, or incomplete"):
        gpt2.load(folder)


def test_a_shard_is_missing_or_another(tmp_path):
    folder = written(tmp_path / "a", tensors(), shards=3)
    second = folder / "model-00002-of-00003.safetensors"
    second.unlink()
    with pytest.raises(FileNotFoundError, match="lacks model-00002-of-00003.safetensors, which model"):
        gpt2.load(folder)
    save_file({"other": np.zeros(1, "float32")}, second)
    with pytest.raises(ValueError, match=r"and the files it names differ in other \(10 in all\)"):
        gpt2.load(folder)


def test_nothing_is_half_written(tmp_path):
    folder = written(tmp_path / "a", tensors())
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(SafetensorError):
        huggingface.write(folder, CONFIG, {"x": np.array([object()])})
    with pytest.raises(TypeError):
        huggingface.write(folder, {"x": object()}, {"x": np.zeros(1, "float32")})
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
