"""A progress display in a terminal: position, speed, remaining time; instead of Keras' bar.

    with Display(sample=lambda: task.generate("Guten Tag")) as display:
        task.fit(texts, epochs=20, verbose=0, callbacks=[display])

Everything printed or logged meanwhile appears above the display. It must be the last callback, since it shows what the
others spend time on. Not included: training without a terminal, which has a log (checkpoint.py).
"""

import time
from collections.abc import Callable

import keras
from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

REFRESH = 0.25  # seconds between two updates of the numbers


class Display(keras.callbacks.Callback):
    """sample() -> an output of the model, printed after each epoch; None: nothing.

    unit: what the loss is averaged over. device: "CPU (2 cores)".
    """

    def __init__(self, sample: Callable[[], str] | None = None, unit="tokens", device="", console=None):
        super().__init__()
        self.sample, self.unit, self.device = sample, unit, device
        self.now, self.phase = time.monotonic, ""
        self.figures: dict = {}
        self.epoch, self.epochs, self.step, self.steps = 0, 1, 0, None
        self.step_seconds = self.rate = None
        self.rest = 0.0  # seconds of an epoch after its last step: validating, saving
        self.live = Live(get_renderable=self.drawn, console=console or Console(), transient=True, refresh_per_second=4)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.live.stop()

    def on_train_begin(self, logs=None):
        self.epochs, self.steps = self.params.get("epochs") or 1, self.params.get("steps")
        self.enter("compiling the training step")
        self.live.start(refresh=True)

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch, self.step, self.began, self.measured = epoch, 0, self.now(), None
        if self.step_seconds is not None:
            self.enter("")

    def on_train_batch_end(self, batch, logs=None):
        self.step, now = batch + 1, self.now()
        if self.measured is None:  # the first step of an epoch may include compilation, and fills the pipeline
            self.measured, self.refreshed = (now, self.step, self.seen()), now
            self.enter("")
        elif now - self.refreshed < REFRESH and self.step != self.steps:
            return
        began, step, seen = self.measured
        if self.step > step:
            self.step_seconds = (now - began) / (self.step - step)
            self.rate = (self.seen() - seen) / max(now - began, 1e-9)
        elif self.step_seconds is None:
            self.step_seconds = 0.0
        self.refreshed = now
        names = sorted(logs or {}, key=lambda name: name != "loss")
        self.figures = {name: float(logs[name]) for name in names}
        self.figures["learning rate"] = float(self.model.optimizer.learning_rate)
        if self.step == self.steps:
            self.enter("ending the epoch")

    def on_test_begin(self, logs=None):
        self.enter("validating")

    def on_test_batch_end(self, batch, logs=None):
        self.phase = f"validating, batch {batch + 1}"

    def on_test_end(self, logs=None):
        self.enter("scoring and saving")

    def on_epoch_end(self, epoch, logs=None):
        self.steps = self.steps or self.step
        if self.sample is not None:
            self.enter("answering")
            self.live.console.print(Text(f"  {self.sample().strip()}", overflow="ellipsis", no_wrap=True, style="dim"))
        self.rest = self.now() - self.refreshed
        self.enter("")

    def on_train_end(self, logs=None):
        self.live.stop()

    def enter(self, phase):
        self.phase, self.since = phase, self.now()

    def seen(self) -> float:
        """The number of tokens (or what the metrics count) seen in this epoch."""
        inner = [part for metric in self.model.metrics for part in getattr(metric, "metrics", ())]
        return next((float(part.count) for part in inner if hasattr(part, "count")), 0.0)

    def left(self) -> tuple[float, float] | None:
        """Seconds left of the epoch, and of the training if all epochs are run; None while unknown."""
        if not self.steps or not self.step_seconds:
            return None
        epoch = (self.steps - self.step) * self.step_seconds
        return epoch, epoch + self.rest + (self.epochs - self.epoch - 1) * (self.steps * self.step_seconds + self.rest)

    def drawn(self):
        """The current display."""
        head = Table.grid(padding=(0, 1))
        bar = ProgressBar(self.steps or 1, min(self.step, self.steps or 0), width=30, pulse=not self.steps)
        steps = f"{self.step}/{self.steps or '?'} steps"
        head.add_row(f"epoch {self.epoch + 1} of {self.epochs}", bar, steps, self.device)
        texts = [f"{name} {value:{'.2e' if 'rate' in name else '.4f'}}" for name, value in self.figures.items()]
        texts += [f"{self.rate:,.0f} {self.unit}/s"] if self.rate else []
        if left := self.left():
            texts.append(f"{clock(left[0])} left of the epoch, {clock(left[1])} of the training")
        phase = [Text(f"{self.phase} ... {clock(self.now() - self.since)}")] if self.phase else []
        return Group(head, *([Text("  ".join(texts))] if texts else []), *phase)


def clock(seconds) -> str:
    """75 -> "1:15", 3675 -> "1:01:15"."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
