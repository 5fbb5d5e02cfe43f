"""`tfllm explain` of a saved classifier and a saved language model."""

import json

import pytest

from tests.explain.planted import TEXT, planted
from tests.explain.test_generated_explanations import made
from tfllm.cli import main

pytestmark = pytest.mark.usefixtures("eager")


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    planted("mean").save(folder / "classifier.keras")
    made("gpt").save(folder / "lm.keras")
    return folder


def test_a_classifier(runs, capsys):
    run = str(runs / "classifier.keras")
    main(["explain", run, TEXT, "--method", "occlusion", "--target", "yes", "--json"])
    told = json.loads(capsys.readouterr().out)
    assert told == json.loads(json.dumps(planted("mean").explain(TEXT, method="occlusion", target="yes").dict()))
    main(["explain", run, TEXT, "--target", "yes", "--instead", "no", "--out", str(runs / "why.html")])
    assert capsys.readouterr().out == f"{runs / 'why.html'}\n"
    assert "for yes and not no" in (runs / "why.html").read_text("utf-8")
    main(["explain", run, TEXT])
    assert "completeness error" in capsys.readouterr().out


def test_a_step_of_a_language_model(runs, capsys):
    words = ["explain", str(runs / "lm.keras"), "a dog", "--target", " sat", "--method", "random"]
    main([*words, "--step", "1", "--instead", "c", "--json"])
    assert json.loads(capsys.readouterr().out)["targets"] == ["s and not c"]
    main([*words, "--step", "t", "--json"])
    assert json.loads(capsys.readouterr().out)["targets"] == ["t"]


@pytest.mark.parametrize(
    "words, message",
    [
        ([], "expected RUN and a text"),
        ([TEXT, "--out", "x.pdf"], "--out must end with .html, .png, .json; got x.pdf"),
        ([TEXT, "--instead", "no"], "name the first by --target"),
        ([TEXT, "--method", "lyme"], "no explanation method 'lyme'; did you mean 'lime'"),
    ],
)
def test_mistakes_are_one_line(runs, capsys, words, message):
    with pytest.raises(SystemExit):
        main(["explain", str(runs / "classifier.keras"), *words])
    printed = capsys.readouterr().err
    assert message in printed.splitlines()[-1] and "Traceback" not in printed
