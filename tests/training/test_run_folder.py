"""The run folder: exact resume, best checkpoint, stopping, history and what the user is told."""

import csv
import json
import logging
import os
import zipfile

import keras
import numpy as np
import pytest

from tfllm.training import Recipe, ValidationScore, best, callbacks, finished, resume, running, start
from tfllm.training.progress import of_run

RATE = {"learning_rate": 0.02, "warmup": 10}


class Interrupt(keras.callbacks.Callback):
    """Ctrl-C in the middle of an epoch."""

    def __init__(self, epoch, batch):
        super().__init__()
        self.when, self.now = (epoch, batch), None

    def on_epoch_begin(self, epoch, logs=None):
        self.now = epoch

    def on_train_batch_end(self, batch, logs=None):
        if (self.now, batch) == self.when:
            raise KeyboardInterrupt


def rows(folder):
    with open(folder / "history.csv", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def state(model, seeds=True):
    """Everything the next step depends on; Keras alone does not load the seed generators."""
    variables = model.variables if seeds else model.weights
    return [np.array(variable.numpy()) for variable in [*variables, *model.optimizer.variables]]


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [
        {"average": 3},
        {"ema": 0.9},
        {"accumulate": 3, "schedule": "cosine", "updates": 14, "warmup": 2, "weight_decay": 0.01},
    ],
    ids=["average", "ema", "compiled"],
)
def test_an_interrupted_run_ends_as_if_it_was_not(small, tmp_path, options):
    recipe, eager = Recipe(**RATE | {"epochs": 5} | options), "accumulate" not in options
    model = small.model(recipe, eager)
    small.fit(model, callbacks(tmp_path / "whole", recipe), 5)

    folder = tmp_path / "broken"
    with pytest.raises(KeyboardInterrupt):
        small.fit(small.model(recipe, eager), [*callbacks(folder, recipe), Interrupt(2, 4)], 5)
    keras.utils.set_random_seed(99)
    again, epoch = resume(folder)
    assert epoch == 2
    with pytest.raises(KeyboardInterrupt):
        small.fit(again, [*callbacks(folder, recipe), Interrupt(3, 0)], 5, initial_epoch=epoch)
    again, epoch = resume(folder)
    assert epoch == 3
    small.fit(again, callbacks(folder, recipe), 5, initial_epoch=epoch)

    for a, b in zip(state(model), state(again), strict=True):
        np.testing.assert_array_equal(a, b)
    names = sorted(path.name for path in folder.glob("*.keras"))
    assert names == sorted(path.name for path in (tmp_path / "whole").glob("*.keras"))
    assert {"best.keras", "last.keras"} <= set(names)
    for name in names:
        one, two = (keras.saving.load_model(path / name) for path in (tmp_path / "whole", folder))
        for a, b in zip(state(one, seeds=False), state(two, seeds=False), strict=True):
            np.testing.assert_array_equal(a, b)
    losses = [[(row["epoch"], row["loss"], row["val_loss"]) for row in rows(path)]
              for path in (tmp_path / "whole", folder)]  # fmt: skip
    assert losses[0] == losses[1] and len(losses[0]) == 5


def script(values):
    """A validation score that takes these values in turn."""
    values = iter(values)
    return lambda: next(values)


@pytest.mark.parametrize("monitor, order", [("val_bleu", 1), ("val_error_loss", -1)])
def test_best_is_highest_score_or_lowest_loss(small, watch, tmp_path, monitor, order):
    recipe = Recipe(monitor=monitor, **RATE)
    score = script([order * value for value in (1.0, 5.0, 3.0, 5.0)])
    small.fit(small.model(recipe), [watch, *callbacks(tmp_path, recipe, {monitor: score})], 4)
    assert of_run(tmp_path).best_epoch == 2 and of_run(tmp_path).best == order * 5.0
    assert best(tmp_path) == tmp_path / "best.keras"
    kept = keras.saving.load_model(best(tmp_path))
    for a, b in zip(small.weights(kept), watch.batches[15], strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("options", [{"average": 2}, {"ema": 0.8}], ids=["last", "ema"])
def test_best_holds_what_was_validated(small, tmp_path, options):
    recipe = Recipe(**RATE, **options)
    small.fit(small.model(recipe), callbacks(tmp_path, recipe), 3)
    kept = keras.saving.load_model(best(tmp_path))
    assert kept.evaluate(small.x[:8], small.y[:8], verbose=0) == pytest.approx(of_run(tmp_path).best, rel=1e-5)


def test_patience_counts_through_a_resume(small, tmp_path):
    recipe = Recipe(monitor="val_bleu", patience=3, **RATE)
    small.fit(small.model(recipe), callbacks(tmp_path, recipe, {"val_bleu": script([5.0, 1.0])}), 2)
    assert finished(tmp_path, recipe) is None
    model, epoch = resume(tmp_path)
    rest = callbacks(tmp_path, recipe, {"val_bleu": script([4.0, 4.5, 9.0])})
    small.fit(model, rest, 20, initial_epoch=epoch)
    assert of_run(tmp_path).epoch == 4
    assert finished(tmp_path, recipe) == "val_bleu has not improved since epoch 1, for 3 epochs"


def test_minutes_are_counted_through_a_resume_and_not_passed(small, tmp_path, monkeypatch, caplog):
    caplog.set_level(logging.INFO, "tfllm")
    clock = [0.0]
    monkeypatch.setattr("tfllm.training.checkpoint.time.monotonic", lambda: clock[0])
    tick = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: clock.append(clock.pop() + 60.0))
    recipe = Recipe(minutes=3.5, **RATE)
    small.fit(small.model(recipe), [tick, *callbacks(tmp_path, recipe)], 2)
    clock[0] += 1e6  # between the two runs
    model, epoch = resume(tmp_path)
    small.fit(model, [tick, *callbacks(tmp_path, recipe)], 20, initial_epoch=epoch)
    assert [float(row["seconds"]) for row in rows(tmp_path)] == [60.0, 120.0, 180.0]
    assert [line.split()[1:4] for line in caplog.messages if line.startswith("epoch ")] == [
        [str(epoch), "60", "s"] for epoch in (1, 2, 3)
    ]
    assert finished(tmp_path, recipe) == "another epoch would exceed the limit of 3.5 minutes"


def test_updates_end_the_training(small, tmp_path):
    recipe = Recipe(updates=17, **RATE)
    small.fit(small.model(recipe), callbacks(tmp_path, recipe), 20)
    assert of_run(tmp_path).updates == 24 and finished(tmp_path, recipe) == "17 updates are done"


def test_history_has_a_column_for_every_name(small, tmp_path):
    recipe = Recipe(monitor="loss", **RATE)
    small.fit(small.model(recipe), callbacks(tmp_path, recipe, {"val_bleu": lambda: 7.0}, every=2), 2)
    first, second = rows(tmp_path)
    assert list(first) == ["epoch", "seconds", "learning_rate", "loss", "val_loss", "val_bleu"]
    assert (first["val_bleu"], second["val_bleu"]) == ("", "7.0")
    assert float(first["learning_rate"]) == pytest.approx(0.02 * 9 / 10)
    assert (tmp_path / "curve.png").read_bytes().startswith(b"\x89PNG")


def test_a_loss_that_is_not_finite_is_an_error_and_keeps_what_was(small, tmp_path):
    recipe = Recipe(average=2, **RATE)
    model = small.model(recipe)
    small.fit(model, callbacks(tmp_path, recipe), 1)
    model, epoch = resume(tmp_path)
    before = (tmp_path / "last.keras").read_bytes()
    with pytest.raises(FloatingPointError, match="the loss is nan in epoch 2.*lower learning rate"):
        small.y = small.y * np.nan
        small.fit(model, callbacks(tmp_path, recipe), 9, initial_epoch=epoch)
    assert (tmp_path / "last.keras").read_bytes() == before
    assert [path.stem for path in (tmp_path / "weights").iterdir()] == ["000001"]


@pytest.mark.parametrize("factor", [1e6, np.nan])
def test_a_loss_that_explodes_is_an_error_never_the_best_and_keeps_what_was(small, tmp_path, factor):
    recipe, kept = Recipe(monitor="loss", **RATE), {}
    model = small.model(recipe)

    def explode(epoch, logs):
        if epoch == 2:
            kept.update({path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()})
            for weight in model.trainable_variables:
                weight.assign(weight * factor)

    chain = [keras.callbacks.LambdaCallback(on_epoch_begin=explode), *callbacks(tmp_path, recipe)]
    message = "at the first step it was .*stops; .* has the epochs before. Start again with a lower learning rate"
    with pytest.raises(FloatingPointError, match=rf"the loss is (\d\S*e\+\d+|nan) in epoch 3, {message}"):
        small.fit(model, chain, 9)
    assert {"best.keras", "last.keras", "history.csv"} <= set(kept)
    assert all((tmp_path / name).read_bytes() == before for name, before in kept.items())


def test_without_validation_the_last_is_used_and_patience_rests(small, tmp_path, caplog):
    recipe = Recipe(patience=1, **RATE)
    small.fit(small.model(recipe), callbacks(tmp_path, recipe), 3, validation_data=None)
    assert best(tmp_path) == tmp_path / "last.keras" and of_run(tmp_path).epoch == 3
    assert "no 'val_loss' among ['loss']: no best.keras is written" in caplog.text


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no disk that is always full")
def test_a_log_without_room_does_not_hide_what_went_wrong(tmp_path, capsys):
    (tmp_path / "log.txt").symlink_to("/dev/full")
    with pytest.raises(OSError, match="best.keras: no room"), running(tmp_path, ""):
        logging.getLogger("tfllm").info("epoch 1")
        raise OSError("best.keras: no room")
    assert "Logging error" not in capsys.readouterr().err


def test_misuse_is_explained(small, tmp_path):
    recipe = Recipe(**RATE)
    with pytest.raises(ValueError, match="the recipe monitors 'val_bleu': add it to the scores"):
        callbacks(tmp_path, Recipe(monitor="val_bleu"))
    with pytest.raises(ValueError, match="`every` must be at least 1 epoch"):
        ValidationScore("val_bleu", lambda: 0.0, every=0)
    with pytest.raises(FileNotFoundError, match="no epoch was finished"):
        resume(tmp_path)
    with pytest.raises(FileNotFoundError, match="no epoch was finished"):
        best(tmp_path)
    start(tmp_path, recipe)
    small.fit(small.model(recipe), callbacks(tmp_path, recipe), 2)
    with pytest.raises(FileExistsError, match="contains a run: resume it, or use another folder"):
        start(tmp_path, recipe)
    with pytest.raises(ValueError, match="the optimizer has done 0 updates, .* 16: to continue"):
        small.fit(small.model(recipe), callbacks(tmp_path, recipe), 3, initial_epoch=2)
    with pytest.raises(ValueError, match=r"call fit\(initial_epoch=2\)"):
        small.fit(resume(tmp_path)[0], callbacks(tmp_path, recipe), 3)
    small.model(recipe).save(tmp_path / "last.keras")
    with pytest.raises(ValueError, match="contains a model without training progress"):
        resume(tmp_path)


def test_tensorboard_gets_the_score(small, tmp_path):
    pytest.importorskip("tensorboard")
    recipe = Recipe(tensorboard=True, monitor="val_bleu", **RATE)
    small.fit(small.model(recipe), callbacks(tmp_path, recipe, {"val_bleu": lambda: 7.0}), 1)
    events = b"".join(path.read_bytes() for path in (tmp_path / "tensorboard").rglob("*tfevents*"))
    assert b"epoch_bleu" in events and b"epoch_loss" in events


def test_without_matplotlib_there_is_no_curve(small, tmp_path, monkeypatch, caplog):
    monkeypatch.setitem(__import__("sys").modules, "matplotlib.figure", None)
    recipe = Recipe(**RATE)
    small.fit(small.model(recipe), callbacks(tmp_path, recipe), 3)
    assert caplog.text.count("pip install 'tfllm[plot]'") == 1 and (tmp_path / "history.csv").exists()


def test_progress_is_inside_the_keras_file(small, tmp_path):
    recipe = Recipe(**RATE)
    small.fit(small.model(recipe), callbacks(tmp_path, recipe), 1)
    with zipfile.ZipFile(tmp_path / "last.keras") as archive:
        kept = json.loads(archive.read("training.json"))
    assert kept["epoch"] == 1 and kept["updates"] == 8 and len(kept["seeds"]) == 1
    assert {path.name for path in tmp_path.iterdir()} == {
        "best.keras",
        "last.keras",
        "history.csv",
        "curve.png",
    }


def test_loss_scaling_counts_the_same_updates(small, tmp_path):
    recipe = Recipe(average=2, **RATE)
    model = small.model(recipe)
    model.compile(optimizer=keras.optimizers.LossScaleOptimizer(model.optimizer), loss="mse", run_eagerly=True)
    small.fit(model, callbacks(tmp_path, recipe), 2)
    again, epoch = resume(tmp_path)
    small.fit(again, callbacks(tmp_path, recipe), 3, initial_epoch=epoch)
    assert of_run(tmp_path).updates == 24
