"""README's Python runs as printed, on a few made sentences; only the epochs are fewer, and the GPT is smaller."""

import re
from pathlib import Path

import numpy as np
import pytest

import tfllm
from tests.cli.test_road import ALL_BUT_DATA, eager  # noqa: F401 (a fixture)
from tfllm.interop import bert
from tfllm.models import BERT, BERTConfig, GPTConfig
from tfllm.tasks import LanguageModelConfig, MaskedLanguageModelConfig
from tfllm.text import WordPieces

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


@pytest.mark.slow
@ALL_BUT_DATA
def test_the_classifier(tmp_path, monkeypatch, capsys, eager):  # noqa: F811
    monkeypatch.chdir(tmp_path)
    for part, rows in (("train", 20), ("valid", 6), ("test", 6)):
        lines = [f"A {word} {noun}.,{label}" for _, noun in NAMES for word, label in (("fine", "up"), ("dull", "down"))]
        Path(f"{part}.csv").write_text("\n".join(["text,label", *lines[:rows]]) + "\n", encoding="utf-8")
    exec(BLOCKS[4], {})
    said = capsys.readouterr().out
    assert "'label': '" in said and "macro F1" in said
    assert Path("serving/reviews/1/saved_model.pb").exists()


@pytest.mark.slow
@ALL_BUT_DATA
def test_the_pre_training(tmp_path, monkeypatch, capsys, eager):  # noqa: F811
    monkeypatch.chdir(tmp_path)
    Path("books").mkdir()
    for i, (_, animal) in enumerate(NAMES):
        text = f"The {animal} was late. It came at noon.\n\n" * 2
        Path(f"books/{i}.txt").write_text(text, encoding="utf-8")
    model = BERTConfig(max_length=32, num_layers=1, d_model=8, num_heads=2, dff=16)
    names = {"small": MaskedLanguageModelConfig(60, length=32, model=model)}
    assert "epochs=20" in BLOCKS[5]
    exec(BLOCKS[5].replace("epochs=20", "epochs=1").replace('"tiny"', "small"), names)
    assert "entropy" in capsys.readouterr().out
    assert names["classifier"].encoder is names["mlm"].encoder and Path("books-bert/model.safetensors").exists()


@pytest.mark.slow
def test_the_vectors_of_texts(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tokenizer = WordPieces(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "man", "music", "cat", "guitar"])
    bert.save(BERT(tokenizer.vocab_size, 16, 1, 8, 2, 16), "all-MiniLM-L6-v2/")
    tokenizer.save_files("all-MiniLM-L6-v2/")
    tfllm.vectors.save({"a": np.ones(4), "cat": np.arange(4.0)}, "books.vec")
    names = {}
    exec(BLOCKS[6], names)
    assert names["indices"].shape == (1,) and Path("serving/embedder/1/saved_model.pb").exists()


def test_the_chinese_words():
    pytest.importorskip("jieba")
    pytest.importorskip("opencc")
    names = {"texts": ["我喜歡電腦", "ＡＢＣ"]}
    exec(BLOCKS[7], names)
    assert [word.decode() for word in names["tokenizer"].cut(["我喜歡電腦"])[0].numpy()] == ["我", "喜欢", "电脑"]
