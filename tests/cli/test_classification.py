"""Train, evaluate, generate, export a classifier by `main([...])`, as a user would type it."""

import csv
import io
import json
import random

import pytest
import tensorflow as tf

import tfllm
from tests.cli.test_road import history, stderr_of
from tests.conftest import eagerly
from tfllm import config, data
from tfllm.cli import main
from tfllm.cli.tasks.classifier import Training, held_out
from tfllm.models.configs import MeanOfVectorsConfig

CONFIG = """
shapes: 1
batch_size: 64
model: {kind: MeanOfVectors, embedding_dim: 8}
recipe: {epochs: 4, warmup: 1, learning_rate: 0.2}
"""
WORDS = {"good": "up", "fine": "up", "bad": "down", "dull": "down"}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """A folder: train.csv, valid.csv (every tenth label is wrong), pairs.tsv, topics.jsonl and tiny.yaml."""
    folder, draw = tmp_path_factory.mktemp("corpus"), random.Random(1)
    for part, size in (("train", 60), ("valid", 20)):
        with open(folder / f"{part}.csv", "w", newline="") as file:
            table = csv.writer(file)
            table.writerow(["review", "stars"])
            for row in range(size):
                word = draw.choice(list(WORDS))
                label = WORDS[word] if part == "train" or row % 10 else {"up": "down", "down": "up"}[WORDS[word]]
                table.writerow([" ".join(draw.choices(["a", "film", "it", word], k=3) + [word]), label])
    names = list(WORDS)
    with open(folder / "pairs.tsv", "w") as file:
        rows = [(draw.choice(names), draw.choice(names)) for _ in range(40)]
        file.writelines(f"{a} film\t{b} film\t{2.5 if WORDS[a] == WORDS[b] else 0}\n" for a, b in rows)
    with open(folder / "topics.jsonl", "w") as file:
        for _ in range(40):
            some = draw.sample(names, draw.randint(0, 3))
            file.write(json.dumps({"text": " ".join(["it", *some]), "label": sorted({WORDS[w] for w in some})}) + "\n")
    (folder / "tiny.yaml").write_text(CONFIG)
    return folder


def train(corpus, out, *more):
    main(["train", "classifier", "--config", str(corpus / "tiny.yaml"), "--out", str(out), *more])


def reviews(corpus, part="train"):
    return ["--data", str(corpus / f"{part}.csv"), "--text", "review", "--label", "stars"]


@pytest.fixture(scope="module")
def run(corpus):
    more = ["--valid-data", str(corpus / "valid.csv"), "--calibrate", "true"]
    with eagerly():
        train(corpus, corpus / "RUN", *reviews(corpus), *more)
    return corpus / "RUN"


@pytest.fixture(scope="module")
def model(run):
    return tfllm.load_model(run / "best.keras")


def test_a_run_folder_holds_everything(run, model):
    assert {"config.yaml", "last.keras", "best.keras", "history.csv"} <= {path.name for path in run.iterdir()}
    rows = history(run)
    assert len(rows) == 4 and float(rows[-1]["val_loss"]) < float(rows[0]["val_loss"])
    kept = config.load(Training, run / "config.yaml")
    assert (kept.text, kept.label, kept.calibrate) == ("review", "stars", True)
    assert kept.model == MeanOfVectorsConfig(embedding_dim=8)
    assert model.labels == ("down", "up") and model.temperature != 1.0
    assert tfllm.load_model(run / "last.keras").temperature == 1.0  # what goes on training is not calibrated


def test_evaluate_prints_a_report_and_draws(run, corpus, model, tmp_path, capsys, eager):
    valid = data.labelled(corpus / "valid.csv", "review", "stars")
    expected = model.score(valid, verbose=0)
    assert expected.accuracy == 0.9
    main(["evaluate", str(run), *reviews(corpus, "valid")])
    assert capsys.readouterr().out == f"{expected}\n"
    drawn = ["--confusion", str(tmp_path / "c.png"), "--reliability", str(tmp_path / "r.png")]
    main(["evaluate", str(run), *reviews(corpus, "valid"), "--json", "true", *drawn])
    assert json.loads(capsys.readouterr().out) == expected.as_dict()
    assert all((tmp_path / name).read_bytes().startswith(b"\x89PNG") for name in ("c.png", "r.png"))


def test_the_temperature_is_that_of_the_validation_texts(corpus, model, eager):
    valid = data.labelled(corpus / "valid.csv", "review", "stars")
    before = model.temperature
    assert model.calibrate(valid, verbose=0) == pytest.approx(before, rel=1e-4)


def test_ctrl_c_while_it_is_calibrated(corpus, tmp_path, capsys, eager, monkeypatch):
    calibrate, out = tfllm.TextClassifier.calibrate, tmp_path / "RUN"
    line = [corpus, out, *reviews(corpus), "--valid-data", str(corpus / "valid.csv"), "--calibrate", "true"]
    monkeypatch.setattr(tfllm.TextClassifier, "calibrate", lambda *a, **k: (_ for _ in ()).throw(KeyboardInterrupt))
    for _ in range(2):
        with pytest.raises(SystemExit) as end:
            train(*line)
        assert end.value.code == 130 and "to continue: tfllm train classifier" in capsys.readouterr().err
    monkeypatch.setattr(tfllm.TextClassifier, "calibrate", calibrate)
    before = (out / "last.keras").read_bytes()
    main(["train", "classifier", "--out", str(out)])
    assert "expected calibration error" in capsys.readouterr().err
    assert tfllm.load_model(out / "best.keras").temperature != 1.0
    assert (out / "last.keras").read_bytes() == before
    train(*line)
    assert "the training is complete" in capsys.readouterr().err


def test_generate_tells_labels_and_probabilities(run, model, capsys, monkeypatch, eager):
    texts = ["a good film", "dull it"]
    answers = model.classify(texts, verbose=0)
    chances = [answer["probabilities"] for answer in answers]
    main(["generate", str(run), *texts])
    output = capsys.readouterr().out.splitlines()
    assert output == [f"up {chances[0]['up']:.4f}", f"down {chances[1]['down']:.4f}"]
    main(["generate", str(run), *texts, "", " ", "--top-k", "2"])
    output = capsys.readouterr().out.splitlines()
    assert output[2:] == ["", ""]
    assert output[0] == f"up {chances[0]['up']:.4f}\tdown {chances[0]['down']:.4f}"
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO("\r\n".join(texts).encode())))
    main(["generate", str(run), "--json", "true"])
    assert [json.loads(line)["label"] for line in capsys.readouterr().out.splitlines()] == ["up", "down"]


def test_export_answers_the_same(run, model, tmp_path, capsys):
    main(["export", str(run), str(tmp_path / "serving")])
    assert (position := capsys.readouterr().out.strip()) == str(tmp_path / "serving" / "1")
    served = tf.saved_model.load(position)
    answer = served.signatures["serving_default"](texts=tf.constant(["a good film"]))
    expected = model.classify("a good film", verbose=0)
    assert answer["label"].numpy()[0].decode() == expected["label"] == "up"
    assert answer["score"].numpy()[0] == pytest.approx(expected["score"], rel=1e-5)


def test_pairs_and_numbers(corpus, tmp_path, capsys, eager):
    columns = ["--data", str(corpus / "pairs.tsv"), "--text", "0", "--pair", "1", "--label", "2"]
    out = str(tmp_path / "RUN")
    train(corpus, out, *columns, "--kind", "regression", "--held_out", "0.2", "--recipe.epochs", "1")
    main(["evaluate", out, *columns])
    assert capsys.readouterr().out.startswith("Pearson ")
    main(["generate", out, "good film\tbad film"])
    score = tfllm.load_model(tmp_path / "RUN" / "best.keras").classify("good film", "bad film", verbose=0)["score"]
    assert float(capsys.readouterr().out) == pytest.approx(score, rel=1e-4)
    assert "text 1: expected two texts separated by a tab; got 1" in stderr_of(capsys, "generate", out, "x")
    output = stderr_of(capsys, "evaluate", out, *columns, "--reliability", "c.png")
    assert "--reliability needs probabilities" in output


def test_several_labels(corpus, tmp_path, capsys, eager):
    source, out = ["--data", str(corpus / "topics.jsonl")], str(tmp_path / "RUN")
    train(corpus, out, *source, "--kind", "multi", "--recipe.epochs", "1")
    main(["evaluate", out, *source])
    assert "all labels right" in capsys.readouterr().out
    main(["generate", out, "good bad", "it", "--top-k", "2"])
    assert [{part.split()[0] for part in line.split("\t")} for line in capsys.readouterr().out.splitlines()] == [
        {"up", "down"}, {"up", "down"}
    ]  # fmt: skip
    output = stderr_of(capsys, "evaluate", out, *source, "--confusion", "c.png")
    assert "one label per text; this classifier is of kind 'multi'" in output


def test_labels_the_model_does_not_know_are_named_by_their_line(run, tmp_path, capsys):
    (tmp_path / "x.csv").write_text("text,label\na,up\nb,sideways\n")
    output = stderr_of(capsys, "evaluate", str(run), "--data", str(tmp_path / "x.csv"))
    assert "x.csv:3: expected one of the labels down, up; got 'sideways'" in output


def test_which_reader_is_asked(monkeypatch):
    monkeypatch.setattr(data, "labelled", lambda *asked: asked)
    monkeypatch.setattr(data, "labelled_tfds", lambda *asked: asked)
    table = Training(data="a.csv", text="0", label="stars", valid_data="b.csv")
    assert table.records() == ("a.csv", 0, "stars", None, "single", "|", None)
    assert table.records("valid_", kind="multi") == ("b.csv", 0, "stars", None, "multi", "|", None)
    public = Training(tfds="glue/rte", valid_split="validation")
    assert public.records() == ("glue/rte", "train", None, "label", None)
    assert public.records("valid_") == ("glue/rte", "validation", None, "label", None)
    assert public.validated and not Training(tfds="glue/rte").validated


def test_what_is_held_out_is_drawn_once():
    texts = [f"t{i}" for i in range(20)]
    records = tf.data.Dataset.from_tensor_slices({"text": texts, "label": ["x"] * 20})
    parts = [[r["text"].decode() for r in part.as_numpy_iterator()] for part in held_out(records, 0.25, 3)]
    assert len(parts[1]) == 5 and sorted(parts[0] + parts[1]) == sorted(texts)
    again = [[r["text"].decode() for r in part.as_numpy_iterator()] for part in held_out(records, 0.25, 3)]
    assert again == parts and parts[1] != texts[-5:]
    for share in (0.0, 0.001, 0.999):
        with pytest.raises(ValueError, match="leaves one part empty"):
            held_out(records, share, 3)


@pytest.mark.parametrize(
    "line, parts",
    [
        ("train classifier --out R", ["--data F.csv --text COLUMN --label COLUMN, or --tfds NAME"]),
        ("train classifier --out R --data a.csv --tfds imdb_reviews", ["use only one of --data, --tfds"]),
        ("train classifier --out R --data a.csv --text review", ["a.csv:1", "'review'"]),
        ("train classifier --out R --data a.csv --calibrate true", ["--valid_data F, or --held_out"]),
        ("train classifier --out R --data a.csv --held_out 0.5 --valid_data b.csv", ["use only one of --valid_data"]),
        ("train classifier --out R --data a.csv --kind regression", ["a.csv:2: expected a number as label; got 'x'"]),
        ("train classifier --out R --data a.csv --model.kind GPT2", ["one of TextCNN"]),
        ("train clasifier --out R", ["no task 'clasifier'", "did you mean 'classifier'"]),
    ],
)
def test_errors_say_what_to_do(line, parts, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.csv").write_text("text,label\na,x\nb,y\n")
    output = stderr_of(capsys, *line.split())
    assert all(part in output for part in parts), output
    assert not (tmp_path / "R").exists()


def test_help_lists_the_options(capsys):
    main(["train", "classifier", "--help"])
    output = capsys.readouterr().out
    assert "usage: tfllm train classifier --data F --text COLUMN --label COLUMN --out RUN" in output
    assert all(name in output for name in ("--calibrate", "--pretrained", "--held_out", "--model.kind", "TextCNN: "))
    main(["generate", "--help"])
    assert "RUN of classifier:" in capsys.readouterr().out


def test_a_classifier_begins_with_the_model_of_another_run(corpus, tmp_path):
    from tfllm.models import GPTConfig
    from tfllm.tasks import LanguageModelConfig

    small = LanguageModelConfig("words", model=GPTConfig(max_length=16, num_layers=1, d_model=8, num_heads=2))
    lm = tfllm.LanguageModel.from_text(["a good film", "a dull film"], config=small)
    lm.save(tmp_path / "lm.keras")
    settings = Training(
        data=str(corpus / "train.csv"), text="review", label="stars", pretrained=str(tmp_path / "lm.keras"), length=9
    )
    train, _ = settings.read()
    result = settings.begin(train)
    assert result.labels == ("down", "up") and result.length == 9 and not result.pairs
    assert result.tokenizer.tokens == lm.tokenizer.tokens
    for ours, theirs in zip(result.encoder.get_weights(), lm.model.get_weights(), strict=True):
        assert (ours == theirs).all()


def test_a_folder_goes_to_from_pretrained(corpus, monkeypatch):
    monkeypatch.setattr("tfllm.TextClassifier.from_pretrained", lambda *a, **options: (a, options))
    settings = Training(data=str(corpus / "topics.jsonl"), kind="multi", pretrained="some/name", rate=0.2)
    (path,), options = settings.begin(settings.read()[0])
    assert path == "some/name" and options["labels"] == ("down", "up")
    assert (options["kind"], options["pairs"], options["rate"]) == ("multi", False, 0.2)
