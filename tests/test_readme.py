"""README's Python runs as printed, on a few made sentences; only the epochs are fewer, and the GPT is smaller."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

import tfllm
from tfllm.interop import bert
from tfllm.models import BERT, BERTConfig, GPTConfig, Seq2SeqRNNConfig
from tfllm.tasks import DialogueGeneratorConfig, LanguageModelConfig, MaskedLanguageModelConfig, SummarizerConfig
from tfllm.text import WordPieces

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
BLOCKS = {  # heading: its blocks of code
    part.split("\n", 1)[0]: re.findall(r"```python\n(.*?)```", part, re.DOTALL) for part in README.split("\n## ")[1:]
}
NAMES = [("Hund", "dog"), ("Mann", "man"), ("Ball", "ball"), ("Baum", "tree"), ("Fisch", "fish"), ("Vogel", "bird")]


def minilm(*words):
    """A folder as that of all-MiniLM-L6-v2, but tiny."""
    tokenizer = WordPieces(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words])
    bert.save(BERT(tokenizer.vocab_size, 16, 1, 8, 2, 16), "all-MiniLM-L6-v2/")
    tokenizer.save_files("all-MiniLM-L6-v2/")


@pytest.mark.slow
def test_the_example(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for part, rows in (("train", 20), ("valid", 4), ("test", 4)):
        pairs = [(f"Ein {a} und {b}.", f"A {c} and {d}.") for a, c in NAMES for b, d in NAMES][:rows]
        for column, language in enumerate(("de", "en")):
            Path(f"{part}.{language}").write_text("".join(pair[column] + "\n" for pair in pairs), encoding="utf-8")
    train, served = BLOCKS["Translate your own text"]
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
    names, (code,) = {"small": small}, BLOCKS["A language model of your own text"]
    assert "epochs=10" in code and 'config="tiny"' in code
    exec(code.replace("epochs=10", "epochs=1").replace('"tiny"', "small"), names)
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
    exec(*BLOCKS["Word vectors"], names)
    words = {"Once", "upon", "a", "time", "there", "was", ".", *(animal for _, animal in NAMES)}
    assert set(names["tfllm"].vectors.load("books.vec").index_to_key) == words
    assert "missing" in capsys.readouterr().out and Path("map.png").exists()


@pytest.mark.slow
def test_the_classifier(tmp_path, monkeypatch, capsys, eager):
    monkeypatch.chdir(tmp_path)
    for part, rows in (("train", 20), ("valid", 6), ("test", 6)):
        lines = [f"A {word} {noun}.,{label}" for _, noun in NAMES for word, label in (("fine", "up"), ("dull", "down"))]
        Path(f"{part}.csv").write_text("\n".join(["text,label", *lines[:rows]]) + "\n", encoding="utf-8")
    exec(*BLOCKS["Classify"], {})
    said = capsys.readouterr().out
    assert "'label': '" in said and "macro F1" in said
    assert Path("serving/reviews/1/saved_model.pb").exists()


@pytest.mark.slow
def test_the_pre_training(tmp_path, monkeypatch, capsys, eager):
    monkeypatch.chdir(tmp_path)
    Path("books").mkdir()
    for i, (_, animal) in enumerate(NAMES):
        text = f"The {animal} was late. It came at noon.\n\n" * 2
        Path(f"books/{i}.txt").write_text(text, encoding="utf-8")
    model = BERTConfig(max_length=32, num_layers=1, d_model=8, num_heads=2, dff=16)
    names, (code,) = {"small": MaskedLanguageModelConfig(60, length=32, model=model)}, BLOCKS["Pre-train a BERT"]
    assert "epochs=20" in code
    exec(code.replace("epochs=20", "epochs=1").replace('"tiny"', "small"), names)
    assert "entropy" in capsys.readouterr().out
    assert names["classifier"].encoder is names["mlm"].encoder and Path("books-bert/model.safetensors").exists()


@pytest.mark.slow
def test_the_vectors_of_texts(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    minilm("a", "man", "music", "cat", "guitar")
    tfllm.vectors.save({"a": np.ones(4), "cat": np.arange(4.0)}, "books.vec")
    names = {}
    exec(*BLOCKS["Vectors of texts, keywords"], names)
    assert names["indices"].shape == (1,) and Path("serving/embedder/1/saved_model.pb").exists()


def test_the_chinese_words():
    pytest.importorskip("jieba")
    pytest.importorskip("opencc")
    names = {"texts": ["我喜歡電腦", "ＡＢＣ"]}
    exec(*BLOCKS["Chinese"], names)
    assert [word.decode() for word in names["tokenizer"].cut(["我喜歡電腦"])[0].numpy()] == ["我", "喜欢", "电脑"]


@pytest.mark.slow
def test_the_summarizer(tmp_path, monkeypatch, capsys, eager):
    monkeypatch.chdir(tmp_path)
    for part, rows in (("train", 6), ("valid", 2), ("test", 2)):
        lines = [json.dumps({"body": f"Where is the {noun} of {name}? It is late.", "subject": f"{noun} of {name}"})
                 for name, noun in NAMES[:rows]]  # fmt: skip
        Path(f"{part}.jsonl").write_text("\n".join(lines), encoding="utf-8")
    small = SummarizerConfig(model=Seq2SeqRNNConfig(1, 8, 8, pe_input=40, pe_target=12))
    (code,) = BLOCKS["Summarize"]
    assert "epochs=10" in code and 'config="lstm"' in code
    exec(code.replace("epochs=10", "epochs=1").replace('"lstm"', "small"), {"small": small})
    assert "ROUGE-L" in capsys.readouterr().out and Path("serving/subjects/1/saved_model.pb").exists()


@pytest.mark.slow
def test_the_reader(tmp_path, monkeypatch, capsys, eager):
    monkeypatch.chdir(tmp_path)
    minilm("the", "cat", "man", "where", "?", "in", "koln", "z", "##oe")
    asked = {"question": "Where?", "id": "1", "answers": [{"text": "Köln", "answer_start": 15}]}
    article = {"title": "", "paragraphs": [{"context": "The cat was in Köln.", "qas": [asked]}]}
    for part in ("train", "test"):
        Path(f"{part}.json").write_text(json.dumps({"version": "1.1", "data": [article]}), encoding="utf-8")
    code, _ = BLOCKS["Answer questions"]
    assert "epochs=3" in code
    exec(code.replace("epochs=3", "epochs=1"), {})
    assert "'start': " in capsys.readouterr().out and Path("serving/reader/1/saved_model.pb").exists()


@pytest.mark.slow
def test_the_facts(tmp_path, monkeypatch, capsys, eager):
    monkeypatch.chdir(tmp_path)
    story = "1 Mary went to the {}.\n2 John went to the garden.\n3 Where is Mary?\t{}\t1\n"
    text = "".join(story.format(place, place) for place in ("office", "kitchen") * 5)
    Path("qa1_single-supporting-fact_train.txt").write_text(text, encoding="utf-8")
    _, code = BLOCKS["Answer questions"]
    assert "epochs=100" in code
    exec(code.replace("epochs=100", "epochs=2"), {})
    said = capsys.readouterr().out
    assert "Mary went to the office" in said and "hop" in said


@pytest.mark.slow
def test_the_dialogue(tmp_path, monkeypatch, capsys, eager):
    monkeypatch.chdir(tmp_path)
    for part in ("train", "test"):
        lines = [json.dumps({"turns": [f"Hello {name}!", f"Hi, a {noun}?", "Yes."]}) for name, noun in NAMES]
        Path(f"{part}.jsonl").write_text("\n".join(lines), encoding="utf-8")
    model = GPTConfig(max_length=48, num_layers=1, d_model=8, num_heads=2)
    small = DialogueGeneratorConfig(reply_length=8, model=model)
    (code,) = BLOCKS["Talk"]
    assert "epochs=10" in code and 'config="tiny"' in code
    exec(code.replace("epochs=10", "epochs=1").replace('"tiny"', "small"), {"small": small})
    assert "perplexity" in capsys.readouterr().out and Path("serving/tea/1/saved_model.pb").exists()
