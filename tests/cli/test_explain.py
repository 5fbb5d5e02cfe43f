"""`tfllm explain` of a saved classifier and a saved language model."""

import json

import pytest

import tfllm
from tests import zoo
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


def test_a_layer_and_a_head(runs, capsys):
    run = ["explain", str(runs / "lm.keras"), "a dog", "--target", " sat", "--step", "s", "--method", "attention"]
    main([*run, "--layer", "1", "--head", "2", "--json"])
    expected = made("gpt").explain("a dog", target=" sat", step="s", method="attention", layer=1, head=2).dict()
    assert json.loads(capsys.readouterr().out) == json.loads(json.dumps(expected))
    with pytest.raises(SystemExit):
        main([*run, "--layer", "9"])
    assert "layer must be between 1 and" in capsys.readouterr().err


def test_an_embedder(runs, capsys, tmp_path):
    embedder = tfllm.TextEmbedder.from_task(planted("mean"))
    embedder.save(tmp_path / "embedder.keras")
    main(["explain", str(tmp_path / "embedder.keras"), TEXT, "--target", "why", "--method", "occlusion", "--json"])
    expected = embedder.explain(TEXT, target="why", method="occlusion").dict()
    assert json.loads(capsys.readouterr().out) == json.loads(json.dumps(expected))


def test_a_task_without_explanations(tmp_path, capsys):
    task = zoo.made("masked language model")
    task.save(tmp_path / "bert.keras")
    with pytest.raises(SystemExit):
        main(["explain", str(tmp_path / "bert.keras"), "a dog"])
    assert "a MaskedLanguageModel cannot be explained; supported are" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words, message",
    [
        ([], "expected RUN and a text"),
        ([TEXT, "--out", "x.pdf"], "--out must end with .html, .png, .json; got x.pdf"),
        ([TEXT, "--instead", "no"], "name the first by --target"),
        ([TEXT, "--method", "lyme"], "no explanation method 'lyme'; did you mean 'lime'"),
        ([TEXT, "--out", "none/x.html"], "--out none/x.html: there is no folder none"),
        ([TEXT, "--samples", "5"], "explaining a TextClassifier by integrated_gradients has no option 'samples'"),
        ([TEXT, "--step", "1", "--method", "lime"], "by lime has no option 'step'"),
        ([TEXT, "--layer", "1"], "no option 'layer'"),
        ([TEXT, "second"], "a TextClassifier reads text: expected 1, got 2"),
        ([TEXT, "--method", "attention"], "has no attention"),
        ([TEXT, "--baseline", "nothing"], "baseline must be one of"),
        ([TEXT, "--removal", "nothing", "--method", "occlusion"], "removal must be one of"),
    ],
)
def test_mistakes_are_one_line(runs, capsys, words, message):
    with pytest.raises(SystemExit):
        main(["explain", str(runs / "classifier.keras"), *words])
    printed = capsys.readouterr().err
    assert message in printed.splitlines()[-1] and "Traceback" not in printed
