"""A model's file is whole or as it was before."""

import errno
import os
import resource
import signal

import keras
import numpy as np
import pytest

import tfllm


@pytest.fixture
def gpt():
    keras.utils.set_random_seed(0)
    return tfllm.GPT(vocab_size=50, max_length=8, num_layers=1, d_model=64, num_heads=2)


@pytest.mark.parametrize("name, save", [("a.keras", "save"), ("a.weights.h5", "save_weights")])
def test_a_full_disk_leaves_the_file_as_it_was(gpt, tmp_path, name, save):
    path = tmp_path / name
    path.write_bytes(b"good")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limits[1]))  # bytes of a file: less than the weights need
    try:
        with pytest.raises(OSError, match=rf"File too large; the previous file is unchanged: '.*{name}'"):
            getattr(gpt, save)(path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, ignored)
    assert path.read_bytes() == b"good" and list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    "name, save, step",
    [
        ("a.keras", "save", "zipfile.ZipFile.open"),
        ("a.weights.h5", "save_weights", "pathlib.Path.write_bytes"),
    ],
)
def test_a_writer_that_fails_leaves_the_file_as_it_was(gpt, tmp_path, monkeypatch, name, save, step):
    def full(*arguments, **options):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    path = tmp_path / name
    path.write_bytes(before := b"good")
    monkeypatch.setattr(step, full)
    with pytest.raises(OSError, match=rf"No space left on device; the previous file is unchanged: '.*{name}'"):
        getattr(gpt, save)(str(path))
    monkeypatch.undo()
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]


def test_all_else_is_as_keras_has_it(gpt, tmp_path, monkeypatch):
    gpt.save(tmp_path / "a.keras")
    ids = np.array([[5, 6, 7]])
    np.testing.assert_array_equal(tfllm.load_model(tmp_path / "a.keras")(ids), gpt(ids))
    asked = []
    monkeypatch.setattr("builtins.input", lambda *question: asked.append(question) or "n")
    gpt.save(tmp_path / "a.keras", overwrite=False)
    assert len(asked) == 1
    gpt.save(tmp_path / "folder", zipped=False)
    assert (tmp_path / "folder" / "config.json").exists()
    with pytest.raises(ValueError, match=r"\.keras.*a\.txt"):
        gpt.save(tmp_path / "a.txt")
    with pytest.raises(FileNotFoundError, match=r"absent.a\.keras"):
        gpt.save(tmp_path / "absent" / "a.keras")
