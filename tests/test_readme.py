"""README's Python runs as printed, on a few made sentences; only the epochs are fewer, and the GPT is smaller."""

import re
from pathlib import Path

import pytest

from tfllm.models import GPTConfig
from tfllm.tasks import LanguageModelConfig

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
NAMES = [("Hund", "dog"), ("Mann", "man"), ("Ball", "ball"), ("Baum", "tree"), ("Fisch", "fish"), ("Vogel", "bird")]


@pytest.mark.slow
def test_the_example(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for part, rows in (("train", 20), ("valid", 4), ("test", 4)):
        pairs = [(f"Ein {a} und {b}.", f"A {c} and {d}.") for a, c in NAMES for b, d in NAMES][:rows]
        for column, language in enumerate(("de", "en")):
            Path(f"{part}.{language}").write_text("".join(pair[column] + "\n" for pair in pairs), encoding="utf-8")
    train, served, *_ = BLOCKS
    assert "epochs=20" in train
    names = {}
    exec(train.replace("epochs=20", "epochs=1"), names)
    exec(served, names)
    said = capsys.readouterr().out
    assert "BLEU" in said and "chrF" in said and "case:mixed|eff:no|tok:13a" in said
    assert Path("de-en.keras").exists() and Path("serving/de-en/1/saved_model.pb").exists()


@pytest.mark.slow
def test_the_language_model(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("books").mkdir()
    for i, (_, animal) in enumerate(NAMES):
        Path(f"books/{i}.txt").write_text(f"Once upon a time there was a {animal}.\n" * 9, encoding="utf-8")
    Path("held-out.txt").write_text("Once there was a time.\n", encoding="utf-8")
    small = LanguageModelConfig(model=GPTConfig(max_length=32, num_layers=1, d_model=16, num_heads=2))
    names = {"small": small}
    assert "epochs=10" in BLOCKS[2] and 'config="tiny"' in BLOCKS[2]
    exec(BLOCKS[2].replace("epochs=10", "epochs=1").replace('"tiny"', "small"), names)
    said = capsys.readouterr().out
    assert "perplexity" in said and names["lm"].generate("Once upon a time", max_length=50) in said
    assert Path("serving/books/1/saved_model.pb").exists()


@pytest.mark.slow
def test_the_word_vectors(tmp_path, monkeypatch, capsys):
    pytest.importorskip("numba")
    monkeypatch.chdir(tmp_path)
    Path("books").mkdir()
    for i, (_, animal) in enumerate(NAMES):
        Path(f"books/{i}.txt").write_text(f"Once upon a time there was a {animal}.\n" * 9, encoding="utf-8")
    names = {}
    exec(BLOCKS[3], names)
    words = {"Once", "upon", "a", "time", "there", "was", ".", *(animal for _, animal in NAMES)}
    assert set(names["tfllm"].vectors.load("books.vec").index_to_key) == words
    assert "missing" in capsys.readouterr().out and Path("map.png").exists()
