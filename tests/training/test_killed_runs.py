"""Runs that were killed, torn, or written by two at once: they go on, and end with the same weights."""

import json
import os
import shutil
import subprocess
import sys
import zipfile

import keras
import numpy as np
import pytest

from tfllm import files
from tfllm.training import Recipe, best, callbacks, complete, finished, locked, resume, running, start
from tfllm.training.progress import of_run, read

RATE = {"learning_rate": 0.02, "warmup": 10}


@pytest.fixture(autouse=True)
def no_drawing(monkeypatch):
    monkeypatch.setattr("tfllm.training.curve.draw_curve", lambda path, *more: path.write_bytes(b"PNG"))


class Killed(BaseException):
    """As by kill -9: nothing is tidied up."""


@pytest.fixture
def kill(monkeypatch):
    """kill(name, before): the process ends when a file of this name gets its place, before or after that."""
    armed, replace, rmtree = [None, None, False], os.replace, shutil.rmtree

    def replaced(source, target):
        name, before, _ = armed
        if os.path.basename(target) != name:
            return replace(source, target)
        if not before:
            replace(source, target)
        armed[:] = [None, None, True]
        raise Killed

    def arm(name, before):
        armed[:] = [name, before, False]

    monkeypatch.setattr(files.os, "replace", replaced)
    monkeypatch.setattr(shutil, "rmtree", lambda *a, **k: None if armed[2] else rmtree(*a, **k))
    yield arm
    armed[2] = False


def go_on(small, folder, recipe):
    """As `tfllm train` does when its line is given again."""
    if not (folder / "last.keras").exists():
        start(folder, recipe)
        model, epoch = small.model(recipe), 0
    elif finished(folder, recipe):
        return complete(folder, recipe)
    else:
        model, epoch = resume(folder)
    small.fit(model, callbacks(folder, recipe), recipe.epochs, initial_epoch=epoch)


def kept(folder):
    """All that a run leaves, but times."""
    weights = {
        path.name: [weight.numpy() for weight in keras.saving.load_model(path).weights]
        for path in folder.glob("*.keras")
    }
    names = {str(path.relative_to(folder)) for path in folder.rglob("*")}
    rows = [{name: row[name] for name in ("epoch", "loss", "val_loss")} for row in of_run(folder).history]
    return weights, names, rows


WRITES = [
    ("config.yaml", True), ("000001.npz", True), ("best.keras", False), ("000002.npz", True), ("last.keras", True),
    ("last.keras", False), ("average.keras", True), ("history.csv", True),
]  # fmt: skip


def test_a_run_killed_at_a_write_goes_on(small, tmp_path, kill):
    recipe = Recipe(**RATE, epochs=2, average=2)
    go_on(small, tmp_path / "whole", recipe)
    whole = kept(tmp_path / "whole")
    folder = tmp_path / "killed"
    for name, before in WRITES:  # one after the other, in the same run
        kill(name, before)
        with pytest.raises(Killed):
            go_on(small, folder, recipe)
        assert [path for path in folder.rglob(".part-*")] or not before
        kill(None, None)
    go_on(small, folder, recipe)
    weights, names, rows = kept(folder)
    assert names == whole[1] and rows == whole[2]
    for name in whole[0]:
        for a, b in zip(whole[0][name], weights[name], strict=True):
            np.testing.assert_array_equal(a, b)
    assert finished(folder, recipe) == "all 2 epochs are done"


def test_leftovers_of_older_versions_are_passed_over(small, tmp_path):
    recipe = Recipe(**RATE, average=2)
    small.fit(small.model(recipe), callbacks(tmp_path, recipe), 1)
    left = [tmp_path / "weights" / ".000002.part.npz", tmp_path / ".last.part.keras"]
    for path in left:
        path.write_bytes(b"half")
    model, epoch = resume(tmp_path)
    small.fit(model, callbacks(tmp_path, recipe), 2, initial_epoch=epoch)
    assert of_run(tmp_path).epoch == 2 and not any(path.exists() for path in left)


def tear(path):
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])


def spoil(path):
    """One byte of the weights is another: only the checksum tells."""
    data = bytearray(path.read_bytes())
    at = data.index(b"model.weights.h5") + 3000
    data[at] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("damage", [tear, spoil])
def test_the_last_good_file_is_used_and_the_torn_one_named(small, tmp_path, caplog, damage):
    recipe = Recipe(**RATE, epochs=2)
    small.fit(small.model(recipe), callbacks(tmp_path, recipe), 2)
    (tmp_path / "whole").mkdir()
    for name in ("last.keras", "best.keras"):
        shutil.copy(tmp_path / name, tmp_path / "whole")
    damage(tmp_path / "best.keras")
    assert best(tmp_path) == tmp_path / "last.keras"
    assert f"{tmp_path / 'best.keras'} is damaged (" in caplog.text and caplog.text.count("last.keras is used") == 1
    shutil.copy(tmp_path / "whole" / "best.keras", tmp_path)
    (tmp_path / "last.keras").unlink()
    assert resume(tmp_path)[1] == 2 and f"{tmp_path / 'last.keras'} is missing: best.keras is used" in caplog.text
    with pytest.raises(FileExistsError):
        start(tmp_path, recipe)
    shutil.copy(tmp_path / "whole" / "last.keras", tmp_path)
    caplog.clear()
    damage(tmp_path / "last.keras")
    assert finished(tmp_path, recipe) == "all 2 epochs are done"
    model, epoch = resume(tmp_path)
    small.fit(model, callbacks(tmp_path, recipe), 3, initial_epoch=epoch)
    assert of_run(tmp_path).epoch == 3 and caplog.text.count("best.keras is used") == 1
    for name in ("last.keras", "best.keras"):
        damage(tmp_path / name)
    for ask in (best, resume, of_run, lambda folder: callbacks(folder, recipe)):
        with pytest.raises(ValueError, match=r"^.*last\.keras is damaged.*nothing is left.*$") as message:
            ask(tmp_path)
        assert "best.keras is damaged" in str(message.value) and "\n" not in str(message.value)


def with_progress(path, text):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", "{}")
        archive.writestr("training.json", text)


GOOD = {"epoch": 1, "history": [{"epoch": 1, "seconds": 2.0, "loss": 3.0}]}
WRONG = ["[]", "{", "null", "", "[" * 100_000, json.dumps(GOOD | {"epoch": "1"}), json.dumps(GOOD | {"epoch": -1}),
         json.dumps(GOOD | {"epoch": 1.0}), json.dumps(GOOD | {"history": {}}), json.dumps(GOOD | {"history": [1]}),
         json.dumps(GOOD | {"seeds": [1]}), json.dumps(GOOD | {"more": 1}), json.dumps(GOOD | {"epoch": 7}),
         json.dumps(GOOD | {"history": [{"loss": 1}]}), json.dumps(GOOD | {"best_epoch": 2}), b"\xff{}"]  # fmt: skip


@pytest.mark.parametrize("text", WRONG, ids=range(len(WRONG)))
def test_a_wrong_training_json_is_told_in_one_line(tmp_path, text):
    path = tmp_path / "last.keras"
    with_progress(path, json.dumps(GOOD))
    assert read(path).history[0]["loss"] == 3.0
    with_progress(path, text)
    for ask in (resume, of_run, lambda folder: finished(folder, Recipe())):
        with pytest.raises(ValueError, match=r"last\.keras: training\.json|training\.json in .*last\.keras") as message:
            ask(tmp_path)
        assert "\n" not in str(message.value)


HOLDING = """
import sys
from tfllm.training.lock import locked
with locked(sys.argv[1]):
    print(flush=True)
    sys.stdin.read()
"""


@pytest.mark.skipif(os.name == "nt", reason="its own locks are tested by all others")
def test_the_locks_of_windows(tmp_path, monkeypatch):
    """Its module locks bytes at the place of the file; here by locks of POSIX that do."""
    monkeypatch.setattr(files, "fcntl", files.fcntl)
    monkeypatch.setattr(files, "msvcrt", None, raising=False)
    exec(WINDOWS)
    command = [sys.executable, "-c", WINDOWS + HOLDING, str(tmp_path)]
    other = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    other.stdout.readline()
    with pytest.raises(BlockingIOError, match=f"in use: process {other.pid} on"), locked(tmp_path):
        pass
    other.kill()
    other.communicate()
    with locked(tmp_path):
        assert (tmp_path / ".lock").read_text().startswith(f"process {os.getpid()} on ")
    assert not list(tmp_path.iterdir())


WINDOWS = """
import fcntl, os, types
from tfllm import files

def locking(file, mode, size, lock=fcntl.lockf, how=fcntl.LOCK_EX | fcntl.LOCK_NB, here=os.SEEK_CUR):
    try:
        lock(file, how, size, 0, here)
    except BlockingIOError:
        raise PermissionError(13, "Permission denied")

files.fcntl, files.msvcrt = None, types.SimpleNamespace(LK_NBLCK=2, locking=locking)
"""


@pytest.mark.skipif(files.fcntl is None, reason="no locks")
def test_one_process_trains_in_a_folder(small, tmp_path):
    recipe, folder = Recipe(**RATE), tmp_path / "run"
    command = [sys.executable, "-c", HOLDING, str(folder)]
    other = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    other.stdout.readline()
    output = (
        rf"^.*run is in use: process {other.pid} on \S+, since .* trains there; wait, stop it, or use another folder$"
    )
    for ask in (
        lambda: start(folder, recipe),
        lambda: running(folder, "").__enter__(),
        lambda: small.fit(small.model(recipe), callbacks(folder, recipe), 1),
    ):
        with pytest.raises(BlockingIOError, match=output):
            ask()
    assert [path.name for path in folder.iterdir()] == [".lock"]
    other.kill()
    other.communicate()
    assert (folder / ".lock").exists()  # stale: it is taken over
    with locked(folder), running(folder, ""):
        start(folder, recipe)
        small.fit(small.model(recipe), callbacks(folder, recipe), 1)
    assert not (folder / ".lock").exists() and (folder / "last.keras").exists()
    with pytest.raises(ZeroDivisionError), locked(tmp_path / "new"):
        print(1 / 0)
    assert not (tmp_path / "new").exists()
