"""PNGs of reports: what is drawn where, and that nothing is left over."""

import logging
import sys

import numpy as np
import pytest

from tfllm.evaluation import classification_report, figures, reliability

PNG = b"\x89PNG"


@pytest.fixture
def drawn(monkeypatch):
    """The figures that are saved, before they are."""
    kept, save = [], figures.saved
    monkeypatch.setattr(figures, "saved", lambda figure, path: kept.append(figure) or save(figure, path))
    return kept


def test_the_confusion_matrix(tmp_path, drawn):
    report = classification_report([0, 0, 0, 1, 1, 2], [0, 0, 1, 1, 0, 2], labels=["a$b", "$c$", "d_e"])
    assert report.plot(tmp_path / "c.png") == tmp_path / "c.png"
    assert (tmp_path / "c.png").read_bytes().startswith(PNG) and len(list(tmp_path.iterdir())) == 1
    axes = drawn[0].axes[0]
    shown = np.array(axes.images[0].get_array())
    np.testing.assert_allclose(shown, [[2 / 3, 1 / 3, 0], [1 / 2, 1 / 2, 0], [0, 0, 1]])
    assert {(*map(int, text.get_position()), text.get_text()) for text in axes.texts} >= {
        (0, 0, "2"), (1, 0, "1"), (0, 1, "1"), (2, 2, "1"),
    }  # fmt: skip
    for ticks in (axes.get_xticklabels(), axes.get_yticklabels()):
        assert [tick.get_text() for tick in ticks] == ["a$b", "$c$", "d_e"]
    assert axes.get_xlabel() == "predicted" and axes.get_ylabel() == "true"


def test_many_classes_have_no_numbers(tmp_path, drawn):
    classification_report(range(40), range(40)).plot(tmp_path / "c.png")
    assert not drawn[0].axes[0].texts


@pytest.mark.parametrize("names", [["a name of a class that never seems to end", "$b" * 30, "c"], range(100, 170)])
def test_long_and_many_labels_fit(names, tmp_path, drawn):
    """No label is over another, none is cut off; of a long one the middle is left out. The colours are 0 to 1."""
    names = [f"label {name}" for name in names]
    classification_report(range(len(names)), range(len(names)), labels=names).plot(tmp_path / "c.png")
    axes, bar = drawn[0].axes
    texts = axes.get_yticklabels()
    assert all(len(text.get_text()) <= 32 and text.get_text()[:16] in name
               for text, name in zip(texts, names, strict=True))  # fmt: skip
    boxes = np.array([text.get_window_extent().extents for text in texts])
    assert (boxes[:-1, 1] > boxes[1:, 3] - 1).all()
    every = np.array([text.get_window_extent().extents for text in [*texts, *axes.get_xticklabels()]])
    assert (every[:, :2] >= -1).all() and (every[:, 2:] <= np.array(drawn[0].bbox.size) + 1).all()
    assert bar.get_ylim() == axes.images[0].get_clim() == (0, 1)


def test_reliability(tmp_path, drawn):
    reliability([0.95, 0.85, 0.15, 0.92], [1, 0, 0, 1], bins=10).plot(tmp_path / "r.png")
    assert (tmp_path / "r.png").read_bytes().startswith(PNG)
    bars = [(bar.get_x() + bar.get_width() / 2, bar.get_height()) for bar in drawn[0].axes[0].patches]
    np.testing.assert_allclose(bars, [(0.15, 0), (0.85, 0), (0.95, 1)])
    above, below = drawn[0].axes
    assert [line.get_clip_on() for line in above.lines if line.get_marker() == "."] == [False]
    assert [text.get_text() for text in below.texts] == ["1", "1", "2"]
    assert [bar.get_height() for bar in below.patches] == [1, 1, 2]


def test_letters_without_a_font_are_told(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr("tfllm.fonts.WIDE_FONTS", ())
    with caplog.at_level(logging.WARNING, "tfllm"):
        classification_report(["猫", "犬"], ["猫", "猫"]).plot(tmp_path / "c.png")
    assert "Noto Sans CJK SC" in caplog.text and (tmp_path / "c.png").exists()


def test_without_matplotlib(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r"pip install 'tfllm\[plot\]'"):
        classification_report([0, 1], [0, 1]).plot(tmp_path / "c.png")
    assert not list(tmp_path.iterdir())
