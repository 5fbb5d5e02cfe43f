"""Ctrl-C and SIGTERM end a run with what is saved and how to go on."""

import logging
import signal
from concurrent.futures import ThreadPoolExecutor

import keras
import pytest

from tests.training.test_run_folder import RATE, Interrupt
from tfllm.training import Recipe, callbacks, resume, running, start


def test_ctrl_c_says_how_to_go_on(small, tmp_path):
    handlers = list(logging.getLogger("tfllm").handlers)
    recipe = Recipe(**RATE)
    folder = start(tmp_path / "run", recipe)
    assert (folder / "config.yaml").read_text().startswith("epochs: 30\n")
    with pytest.raises(SystemExit) as exit, running(folder, "tfllm train --out run"):
        small.fit(small.model(recipe), [*callbacks(folder, recipe), Interrupt(2, 1)], 5)
    assert exit.value.code == 130
    log = (folder / "log.txt").read_text()
    assert "INFO epoch 2 " in log
    assert f"WARNING interrupted: 2 epochs are saved in {folder}; to continue: tfllm train --out run\n" in log
    assert logging.getLogger("tfllm").handlers == handlers
    with pytest.raises(ZeroDivisionError), running(folder, ""):
        print(1 / 0)
    assert "ERROR the run failed" in (folder / "log.txt").read_text()


def test_sigterm_keeps_what_ctrl_c_keeps(small, tmp_path):
    recipe, before = Recipe(**RATE), signal.getsignal(signal.SIGTERM)
    folder = start(tmp_path / "run", recipe)
    kill = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: epoch and signal.raise_signal(signal.SIGTERM)
    )
    with pytest.raises(SystemExit) as exit, running(folder, "tfllm train --out run"):
        small.fit(small.model(recipe), [*callbacks(folder, recipe), kill], 3)
    assert exit.value.code == 143
    message = f"WARNING terminated: 1 epoch is saved in {folder}; to continue: tfllm train --out run\n"
    assert message in (folder / "log.txt").read_text() and resume(folder)[1] == 1
    assert signal.getsignal(signal.SIGTERM) == before


def test_sigterm_of_who_hears_it_already(tmp_path):
    """A handler of the program's own is left in its place; another thread hears no signal."""
    folder, heard = start(tmp_path / "run", Recipe(**RATE)), []
    before = signal.signal(signal.SIGTERM, lambda *signal: heard.append(signal))
    try:
        with running(folder, ""):
            signal.raise_signal(signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert len(heard) == 1
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(lambda: running(folder, "").__enter__()).result() is None
