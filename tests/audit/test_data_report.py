"""The report on data with planted duplicates, labels, personal data and hidden characters."""

import gzip
import json

import pytest
import tensorflow as tf

from tfllm.audit import data_report, hidden_characters, language, redacted_file, scripts
from tfllm.cli import main

A, B = "the cat sat on the mat with a dog", "a man plays the guitar in the park today"
TRAIN = [A, B, A, "The cat sat on the mat, with a dog!", "write to ann@example.org\u200b", "", "no dog here at all"]
LABELS = ["x", "y", "x", "x", "y", "y", "y"]
TEST = ["nothing like it is here", A, "a man plays the guitar in the park, today"]


@pytest.fixture(scope="module")
def report():
    pytest.importorskip("datasketch")
    return data_report({"text": TRAIN, "label": LABELS}, {"text": TEST, "label": ["x", "z", "x"]})


def test_counts(report):
    train, test = report.parts["train"]["text"], report.parts["test"]["text"]
    assert (train.records, train.empty, train.equal, train.near) == (7, 1, 1, 1)
    assert train.examples == [(3, 0, 1.0), (2, 0, 1.0)]
    assert (train.personal, train.personal_records) == ({"email": 1}, 1)
    assert (train.hidden, train.hidden_records) == ({"zero-width": 1}, 1)
    assert train.lengths.total == sum(len(text.replace("@", " ").replace(".", " ").split()) for text in TRAIN)
    assert (train.lengths.shortest, train.lengths.longest, train.lengths.median) == (0, 9, 9)
    assert report.labels == {"train": {"y": 4, "x": 3}, "test": {"x": 2, "z": 1}}
    assert (test.equal, test.near, test.personal) == (0, 0, {})
    assert (report.leakage["text"].equal, report.leakage["text"].near) == (1, 1)
    assert report.leakage["text"].examples == [(2, 1, 1.0), (1, 0, 1.0)]


def test_it_is_shown(report):
    assert "nearly equal (Jaccard 0.8)" in str(report) and "x       3 (42.86%)" in str(report)
    assert json.loads(json.dumps(report.as_dict()))["leakage"]["text"]["equal"] == 1
    assert report.html().count("<table>") == 4 and "<script" not in report.html()


def test_all_forms_of_data_give_one_report():
    table = {"text": ["a b", "c"], "label": ["1", "2"]}
    rows = [{"text": "a b", "label": 1}, {"text": "c", "label": 2}]
    expected = data_report(table, threshold=None)
    assert data_report(rows, threshold=None) == expected
    assert data_report(tf.data.Dataset.from_tensor_slices(table), threshold=None) == expected
    assert data_report(table["text"], threshold=None).parts == expected.parts


@pytest.mark.parametrize(
    "train, test, message",
    [
        ([], None, "expected texts"), ("text", None, "got one"), ({"label": ["a"]}, None, "beside the labels"),
        ({"a": ["x"], "b": []}, None, "equally long"), (["a"], {"b": ["c"]}, "the test data"),
        ([{"a": 1}, {"b": 1}], None, "all records"),
    ],
)  # fmt: skip
def test_wrong_data_is_refused(train, test, message):
    with pytest.raises(ValueError, match=message):
        data_report(train, test, threshold=None)


def test_languages_and_scripts():
    texts = {"en": A, "de": "Der Mann ist nicht im Haus", "zh": "我喜欢电脑", "ja": "私は猫です", "ru": "Он не в доме",
             "fr": "Les chats sont dans la maison", "ko": "고양이", "unknown": "Kaxxi tu",
             "es": "El gato no es muy grande"}  # fmt: skip
    assert {name: language(text) for name, text in texts.items()} == {name: name for name in texts}
    assert language("12 !") == "unknown"
    assert scripts(["ab", "我 1", "д"]) == {"LATIN": 0.5, "CJK": 0.25, "CYRILLIC": 0.25}


def test_hidden_characters_by_kind():
    assert hidden_characters("a\u202eb\u200d\u00ad\ufffd\u200b\u200b\t\n") == {
        "bidi controls": 1, "joiners": 1, "soft hyphens": 1, "replacement": 1, "zero-width": 2
    }  # fmt: skip
    assert hidden_characters("plain, 中文") == {}


@pytest.mark.parametrize(
    "name, text, expected",
    [
        ("a.txt", "to a@b.org\n\nno\n", "to [EMAIL]\n\nno\n"),
        ("a.tsv", "a@b.org\tx\n", "[EMAIL]\tx\n"),
        ("a.csv", 'text,label\n"a@b.org, ""q""\nc",1\n', 'text,label\n"[EMAIL], ""q""\nc",1\n'),
        ("a.jsonl", '{"a": ["a@b.org", 1], "b": 4111111111111111}\n',
         '{"a": ["[EMAIL]", 1], "b": 4111111111111111}\n'),
        ("a.txt.gz", "to a@b.org\n", "to [EMAIL]\n"),
    ],
)  # fmt: skip
def test_a_redacted_copy_has_the_form_of_its_file(name, text, expected, tmp_path):
    packed = name.endswith(".gz")
    (tmp_path / name).write_bytes(gzip.compress(text.encode()) if packed else text.encode())
    data = redacted_file(tmp_path / name, tmp_path / "out").read_bytes()
    assert (gzip.decompress(data) if packed else data).decode() == expected
    with pytest.raises(FileExistsError):
        redacted_file(tmp_path / name, tmp_path / "out")


def test_the_verb(tmp_path, monkeypatch, capsys):
    pytest.importorskip("datasketch")
    monkeypatch.chdir(tmp_path)
    rows = [f'"{text}",{label}' for text, label in zip(TRAIN, LABELS, strict=True)]
    (tmp_path / "train.csv").write_text("\n".join(["text,label", *rows, ""]), "utf-8")
    main("data-report --train train.csv --columns text,label --html r.html --redact out --json".split())
    result = json.loads(capsys.readouterr().out)
    report = data_report({"text": TRAIN, "label": LABELS})
    assert result == json.loads(json.dumps(report.as_dict()))
    assert (tmp_path / "r.html").read_text("utf-8") == report.html()
    assert "[EMAIL]" in (tmp_path / "out/train.csv").read_text("utf-8")


def test_a_data_frame_is_a_table():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"text": ["a film", None, float("nan"), "a film"], "label": ["x", "y", "x", "x"]})
    report = data_report(frame, threshold=None)
    one = report.parts["train"]["text"]
    assert (one.records, one.empty, one.equal, report.labels["train"]) == (4, 2, 2, {"x": 3, "y": 1})


def test_the_verb_refuses_its_files_before_it_examines_the_data(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "x.txt").write_text("to a@b.org\n")
    for words, message in (
        ("--train a/x.txt --html none/r.html", "--html none/r.html: there is no folder none"),
        ("--train a/x.txt --redact b", "b/x.txt exists already; redacted copies do not overwrite"),
        ("--train a/x.txt --test b/x.txt --redact c", "two files would be c/x.txt"),
    ):
        with pytest.raises(SystemExit):
            main(["data-report", "--no_near", *words.split()])
        printed = capsys.readouterr()
        assert message in printed.err and not printed.out
    assert not (tmp_path / "c").exists()


def test_the_verb_reads_aligned_lines(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.en").write_text("a\nb\n"), (tmp_path / "a.de").write_text("c\nc\n")
    main("data-report --train a.en,a.de --test a.en,a.de --columns en,de --no-near".split())
    shown = capsys.readouterr().out
    assert shown.split("\n")[0].split() == ["train", "data", "en", "de"]
    assert "equal to a training text" in shown and "nearly" not in shown


@pytest.mark.parametrize(
    "words, message",
    [
        ("", "usage"), ("--test a.csv", "name the training data"), ("--train none.txt", "no such file"),
        ("--train a.csv", "name its columns"), ("--train a.csv,a.csv --columns a", "takes one table"),
        ("--train a.txt --columns a,b", "has 2 names for 1 files"),
    ],
)  # fmt: skip
def test_wrong_options(words, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.csv").write_text("a\n"), (tmp_path / "a.txt").write_text("a\n")
    if words:
        with pytest.raises(SystemExit):
            main(["data-report", *words.split()])
    else:
        main(["data-report"])
    captured = capsys.readouterr()
    assert message in captured.out + captured.err
