"""The display of a training: what it says at each moment of a made course of calls, and of a real fit."""

import io
import re
from types import SimpleNamespace

import keras
import pytest
from rich.console import Console

from tfllm.training.display import Display, clock


def shown(display):
    """What the display shows now, as plain text."""
    console = Console(file=io.StringIO(), width=120)
    console.print(display.drawn())
    return console.file.getvalue()


@pytest.fixture
def course():
    """A display with a clock of its own, of a model whose loss counts 50 tokens a step: (display, the time)."""
    time, count = SimpleNamespace(now=0.0), SimpleNamespace(count=0.0)
    display = Display(lambda: "ein -> one", device="CPU (2 cores)", console=Console(file=io.StringIO(), width=120))
    display.now = lambda: time.now
    display.set_params({"epochs": 3, "steps": 10})
    display.set_model(SimpleNamespace(
        metrics=[SimpleNamespace(metrics=[count])], optimizer=SimpleNamespace(learning_rate=1e-3)
    ))  # fmt: skip

    def step(number, seconds):
        time.now += seconds
        count.count += 50
        display.on_train_batch_end(number, {"accuracy": 0.5, "loss": 2.0})

    with display:
        yield display, time, step


def test_a_course(course):
    display, time, step = course
    display.on_train_begin()
    display.on_epoch_begin(0)
    time.now = 65
    assert "compiling the training step ... 1:05" in shown(display) and "CPU (2 cores)" in shown(display)
    step(0, 5)
    assert "compiling" not in shown(display)
    for number in range(1, 5):
        step(number, 2)
    output = shown(display)  # 4 steps of 2 s and 50 tokens: 25 tokens/s; 5 more, and two epochs of 10
    assert "epoch 1 of 3" in output and "5/10 steps" in output and "loss 2.0000  accuracy 0.5000" in output
    assert "learning rate 1.00e-03" in output and "25 tokens/s" in output
    assert "0:10 left of the epoch, 0:50 of the training" in output
    for number in range(5, 10):
        step(number, 2)
    display.on_test_begin()
    time.now += 3
    assert "validating ... 0:03" in shown(display)
    display.on_test_end()
    assert "scoring and saving" in shown(display)
    time.now += 1
    display.on_epoch_end(0)
    assert "ein -> one" in display.live.console.file.getvalue()
    display.on_epoch_begin(1)
    assert "epoch 2 of 3" in shown(display) and "0:20 left of the epoch, 0:48 of the training" in shown(display)


def test_a_fit_is_followed_and_what_is_printed_stands_above(capsys):
    model = keras.Sequential([keras.layers.Dense(1)])
    model.compile("sgd", "mse", weighted_metrics=["mae"], run_eagerly=True)
    console = Console(file=io.StringIO(), force_terminal=True, width=100, _environ={})  # not of a dumb terminal
    answers = iter(["first", "second"])
    with Display(lambda: next(answers), "rows", console=console) as display:
        model.fit(
            keras.ops.ones((8, 2)), keras.ops.ones((8, 1)), epochs=2, batch_size=4, verbose=0, callbacks=[display],
            validation_data=(keras.ops.ones((2, 2)), keras.ops.ones((2, 1))),
        )  # fmt: skip
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", console.file.getvalue())
    assert text.index("compiling") < text.index("first") < text.index("second")
    assert "epoch 2 of 2" in shown(display) and "2/2 steps" in shown(display) and "loss" in shown(display)
    assert not display.live.is_started and capsys.readouterr().out == ""


def test_the_terminal_is_given_back_after_an_error():
    with pytest.raises(KeyboardInterrupt), Display(console=Console(file=io.StringIO(), force_terminal=True)) as display:
        display.set_params({"epochs": 1})
        display.on_train_begin()
        assert display.live.is_started
        raise KeyboardInterrupt
    assert not display.live.is_started


@pytest.mark.parametrize("seconds, text", [(0.4, "0:00"), (75, "1:15"), (3599.6, "1:00:00"), (90061, "25:01:01")])
def test_times(seconds, text):
    assert clock(seconds) == text
