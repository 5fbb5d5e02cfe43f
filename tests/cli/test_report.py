"""`tfllm report` of a small classifier: its files, where its data comes from, and the card of an export."""

import csv
import json
import re

import pytest

from tests.cli.test_road import stderr_of
from tests.reports.test_run_report import run_of
from tests.zoo import TEXTS, made
from tfllm import config
from tfllm.cli import export, main, run_folder
from tfllm.cli.audit import report
from tfllm.cli.tasks import classifier

pytestmark = pytest.mark.usefixtures("eager")
QUICK = ["--explained", "1", "--repeats", "1"]
LABELS = ["dog", "cat", "cat", "no"]


@pytest.fixture
def run(tmp_path, monkeypatch):
    """The working folder, with a run RUN and its data; test.csv has the columns of the training, and groups."""
    monkeypatch.chdir(tmp_path)
    for name in ("train.csv", "valid.csv", "test.csv"):
        with open(name, "w", newline="", encoding="utf-8") as file:
            rows = [("review", "animal", "from"), *zip(TEXTS, LABELS, ["x", "y", "x", ""], strict=True)]
            csv.writer(file).writerows(rows if name == "test.csv" else [row[:2] for row in rows])
    (tmp_path / "RUN").mkdir()
    run_of(made("classifier"), tmp_path / "RUN")
    settings = classifier.Training(data="train.csv", valid_data="valid.csv", text="review", label="animal")
    (tmp_path / "RUN" / "config.yaml").write_text(config.dump(settings), encoding="utf-8")
    return tmp_path / "RUN"


def sections(path):
    return json.loads(path.read_text("utf-8"))["sections"]


@pytest.mark.filterwarnings("ignore:.*skipped 1 of 4 records")
def test_with_test_data_and_groups(run, capsys):
    """A record without a group is skipped, with its group; the columns are those of the training."""
    main(["report", "RUN", "--data", "test.csv", "--group", "from", "--bias_label", "cat", "--out", "page.html",
          "--json", "page.json", "--card", "card.md", "--license", "MIT", *QUICK])  # fmt: skip
    assert capsys.readouterr().out.split() == ["page.html", "page.json", "card.md"]
    found = sections(run.parent / "page.json")
    assert [one["size"] for one in found["scores"]["figures"]][0] == 3
    table = found["bias"]["tables"][-1]
    assert table["title"].startswith("cat against") and [row[:2] for row in table["rows"]] == [
        ["x", "2"], ["y", "1"], ["gap", ""]
    ]  # fmt: skip
    assert "license: MIT" in (run.parent / "card.md").read_text("utf-8")
    assert not found["data"]["reason"] and not found["curve"]["reason"]


def test_without_test_data_the_validation_data_is_used(run, capsys, caplog):
    (run.parent / "train.csv").rename(run.parent / "other.csv")
    with caplog.at_level("INFO", "tfllm"):
        main(["report", "RUN", "--skip", "speed,explanations"])
    found = sections(run / "report.json")
    assert "train.csv: there is no such file" in found["data"]["reason"]
    assert "recorded in the training" in found["scores"]["notes"][0]
    (run.parent / "other.csv").rename(run.parent / "train.csv")
    main(["report", "RUN", "--skip", "speed,explanations"])
    found = sections(run / "report.json")
    assert found["scores"]["figures"][0]["size"] == 4 and not found["data"]["reason"]
    assert found["speed"]["reason"] == "left out on request"
    assert "the validation data of the run is used" in caplog.text


def test_a_file_alone(run, capsys):
    (run / "best.keras").rename(run.parent / "film.keras")
    main(["report", "film.keras", "--skip", "speed"])
    assert capsys.readouterr().out.split() == ["film.report.html", "film.report.json"]
    reasons = {name: one["reason"] for name, one in sections(run.parent / "film.report.json").items()}
    assert "no test data" in reasons["scores"] and reasons["data"].startswith("RUN is not the folder of a run")


def test_the_card_of_an_export(run, monkeypatch):
    """It has the scores of the last report of the same model; a licence that was filled in is kept."""
    task, card = made("classifier"), run.parent / "MODEL_CARD.md"
    export.write_card(task, str(run), card)
    assert "Recorded in the training" in card.read_text("utf-8")
    card.write_text(card.read_text("utf-8").replace("license: unknown", "license: MIT"), encoding="utf-8")
    main(["report", "RUN", "--data", "test.csv", "--skip", "speed,explanations,data"])
    export.write_card(task, str(run), card)
    text = card.read_text("utf-8")
    assert re.search(r"\| accuracy \| .*% to .*% \(Wilson\) \| 4 texts \|", text) and "license: MIT" in text
    values = json.loads((run / "report.json").read_text("utf-8")) | {"model": "another"}
    (run / "report.json").write_text(json.dumps(values), encoding="utf-8")
    assert report.known_sections(run / "best.keras") is None
    (run / "report.json").write_text(json.dumps({"model": run_folder.checksum(run / "best.keras"), "sections": [1]}))
    assert report.known_sections(run / "best.keras") is None


@pytest.mark.parametrize(
    "words, message",
    [
        (["--out", "x.pdf"], "--out must end with .html; got x.pdf"),
        (["--group", "from"], "use it with --data F.csv"),
        (["--data", "none.csv"], "--data none.csv: there is no such file"),
        (["--minimal_pairs", "none.csv"], "--minimal_pairs none.csv: there is no such file"),
        (["--out", "none/x.html"], "there is no folder none"),
        (["--skip", "colour"], "there is no section 'colour' to skip"),
        (["--method", "lyme"], "there is no explanation method 'lyme'; did you mean 'lime'"),
        (["--bias_label", "dg"], "there is no label 'dg'; the labels: cat, dog, no"),
        (["--babi", "x"], "the option belongs to facts"),
    ],
)
def test_mistakes_are_one_line(run, capsys, words, message):
    assert message in stderr_of(capsys, "report", "RUN", *words).splitlines()[-1]
