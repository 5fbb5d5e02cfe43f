"""README's Python runs as printed, on a few made sentences; only the number of epochs is lowered."""

import re
from pathlib import Path

import pytest

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
NAMES = [("Hund", "dog"), ("Mann", "man"), ("Ball", "ball"), ("Baum", "tree"), ("Fisch", "fish"), ("Vogel", "bird")]


@pytest.mark.slow
def test_the_example(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for part, rows in (("train", 20), ("valid", 4), ("test", 4)):
        pairs = [(f"Ein {a} und {b}.", f"A {c} and {d}.") for a, c in NAMES for b, d in NAMES][:rows]
        for column, language in enumerate(("de", "en")):
            Path(f"{part}.{language}").write_text("".join(pair[column] + "\n" for pair in pairs), encoding="utf-8")
    train, served = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert "epochs=20" in train
    names = {}
    exec(train.replace("epochs=20", "epochs=1"), names)
    exec(served, names)
    said = capsys.readouterr().out
    assert "BLEU" in said and "chrF" in said and "case:mixed|eff:no|tok:13a" in said
    assert Path("de-en.keras").exists() and Path("serving/de-en/1/saved_model.pb").exists()
