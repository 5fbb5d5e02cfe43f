"""The picture of a run: what it shows of its history, and where it says that the model was best."""

import pytest

from tfllm.training import curve
from tfllm.training.progress import Progress

HISTORY = [{"epoch": i, "loss": 3.0 / i, "val_loss": abs(i - 3) + 1.0, "val_bleu": 2.0 * i} for i in (1, 2, 3, 4)]


@pytest.mark.parametrize(
    "monitor, best, title",
    [
        ("val_loss", (1.0, 3), "run: best val_loss 1 in epoch 3"),
        ("val_bleu", (8.0, 4), "run: best val_bleu 8 in epoch 4"),
        ("val_f1", (None, 0), "run"),
    ],
)
def test_the_best_epoch_is_marked(monitor, best, title, tmp_path, monkeypatch):
    drawn, save = [], curve.saved
    monkeypatch.setattr(curve, "saved", lambda figure, path: drawn.append(figure) or save(figure, path))
    (tmp_path / "run").mkdir()
    progress = Progress(4, history=HISTORY, best=best[0], best_epoch=best[1])
    curve.draw_curve(tmp_path / "run" / "curve.png", progress, monitor)
    assert (tmp_path / "run" / "curve.png").read_bytes().startswith(b"\x89PNG")
    plots = drawn[0].axes
    assert plots[0].get_title() == title and plots[-1].get_xlabel() == "epoch"
    lines = {line.get_label(): line for plot in plots for line in plot.lines}
    assert lines["loss"].get_ydata().tolist() == [3.0, 1.5, 1.0, 0.75]
    assert lines["val_loss"].get_ydata().tolist() == [3.0, 2.0, 1.0, 2.0]
    stars = [(*line.get_xdata(), *line.get_ydata()) for line in lines.values() if line.get_marker() == "*"]
    assert stars == ([best[::-1]] if best[1] else [])
    assert (f"best, epoch {best[1]}" in lines) == bool(best[1])


def test_one_epoch_has_one_tick(tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(curve, "saved", lambda figure, path: drawn.append(figure))
    curve.draw_curve(tmp_path / "curve.png", Progress(1, history=HISTORY[:1]), "loss")
    low, high = drawn[0].axes[0].get_xlim()
    assert [tick for tick in drawn[0].axes[0].get_xticks() if low <= tick <= high] == [1]
