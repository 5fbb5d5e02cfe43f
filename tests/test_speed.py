"""benchmarks/speed.py: the models of its rows are made, and the peers that are installed give equal texts."""

import json
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

sys.path.append(str(Path(__file__).parent.parent / "benchmarks"))
speed, speed_peers, speed_rows = (__import__(name) for name in ("speed", "speed_peers", "speed_rows"))


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "row"), [("decode", "decode-16"), ("translate", "translate-greedy")])
def test_peers_give_the_same_texts(kind, row, tmp_path):
    amounts = getattr(speed_rows, kind)(tmp_path, quick=True)
    peers = ["tfllm"] + ["ctranslate2"] * (find_spec("ctranslate2") is not None)
    texts = [speed_peers.peer(peer, row, tmp_path)() for peer in peers]
    assert all(one == texts[0] for one in texts)
    assert len(texts[0]) == speed_rows.ROWS[row].texts or len(texts[0]) == amounts[row]["amount"]
    assert len(set(texts[0])) > 1


@pytest.mark.slow
@pytest.mark.parametrize("row", ["train-gpt-4x128", "train-lstm-2x256", "train-transformer"])
def test_peers_train_to_the_same_losses(row, tmp_path):
    amounts = speed_rows.train(tmp_path, True, row)
    peers = ["tfllm"] + ["torch"] * (find_spec("torch") is not None)
    before, after = zip(*(speed_peers.peer(peer, row, tmp_path)() for peer in peers), strict=True)
    assert np.ptp(before) < 1e-3 and np.ptp(after) < 1e-3 and after[0] < before[0]
    assert 0 < amounts[row]["amount"] < amounts[row]["operations"]


def test_the_ratio_is_to_the_fastest_other_library(tmp_path, monkeypatch):
    """Processes that answer with fixed seconds: 2 and 4 s of ours, 1 s of the other library."""

    class Fixed(speed.Peer):
        def __init__(self, name, row, folder):
            self.name, self.outputs = name, ["a", "b"]
            self.times = [{"cpu": {"tfllm": 2.0, "tfllm-xla": 4.0, "ctranslate2": 1.0}[name], "wall": 5.0}]

        def work(self):
            self.times.append(self.times[0])

        def close(self):
            pass

    (tmp_path / "amount.json").write_text(json.dumps({"decode-1": {"amount": 128, "operations": 100, "bytes": 3}}))
    monkeypatch.setattr(speed, "Peer", Fixed)
    monkeypatch.setattr(speed, "installed", lambda peer: True)
    rows = speed.measured("decode-1", tmp_path, 3, rates={"operations": 200, "bytes": 30})
    assert [row["ratio"] for row in rows] == [0.5, 0.25, None]
    assert "| decode-1 | tfllm | 64 tokens | 2.000 (2.000) | 5.000 | 0.50 | 4.0 |" in speed.table(rows)


def test_peers_with_other_texts_are_refused(tmp_path, monkeypatch):
    class Other(speed.Peer):
        def __init__(self, name, row, folder):
            self.name, self.times, self.outputs = name, [], [name]

        def close(self):
            pass

    monkeypatch.setattr(speed, "Peer", Other)
    with pytest.raises(ValueError, match="decode-1: 0.0% of the outputs of tfllm-xla are those of tfllm"):
        speed.measured("decode-1", tmp_path, 1)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "value"), [("decode: texts", 2), ("train: texts", 2), ("data: lines", 600)])
def test_growth_measures_a_point(name, value):
    growth = __import__("growth")
    row = growth.point(name, value)
    assert row["time"] > 0 and row["megabytes"] > 50 and name in growth.POINTS
