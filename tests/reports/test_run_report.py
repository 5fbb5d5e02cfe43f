"""The report of small tasks: every section is there, with figures or with a reason; the page stands alone."""

import json
import math
import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import keras
import pytest
import tensorflow as tf

from tests.reports.test_grading import DIALOGUES, labelled
from tests.zoo import TEXTS, made
from tfllm import reports, tasks
from tfllm.audit.pair_likelihoods import MinimalPair
from tfllm.reports import bias_checks
from tfllm.reports.bias_checks import swaps
from tfllm.reports.curve_drawing import curves, nice
from tfllm.reports.report_parts import Example, Grades
from tfllm.reports.report_study import SECTIONS
from tfllm.training import progress
from tfllm.training.progress import Progress

pytestmark = pytest.mark.usefixtures("eager")
HISTORY = [{"epoch": i, "seconds": 60.0 * i, "loss": 3.0 / i, "val_loss": 2.0 + (i - 2) ** 2} for i in (1, 2, 3)]
FAST = {"explained": 2, "repeats": 2}
LABELS = ["dog", "cat", "cat", "no"]


def run_of(task, folder):
    """The folder of a run of a task."""
    done = Progress(3, 12, 180.0, 2.0, 2, HISTORY)
    for name in ("last.keras", "best.keras"):
        progress.save(task, folder / name, done)
    (folder / "config.yaml").write_text("recipe: {epochs: 3, monitor: val_loss}\n")
    (folder / "run.json").write_text(json.dumps({"task": "classifier", "texts": {"a|b.csv": [1234, "ab" * 32]}}))
    return folder


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    """The report of a classifier with all sections, on texts with markup."""
    task, folder = made("classifier"), run_of(made("classifier"), tmp_path_factory.mktemp("films"))
    texts = ["he <script>alert(1)</script> runs .", "the red cat & she sat", "a cat", "no"]
    test = tf.data.Dataset.from_tensor_slices({"text": texts, "label": LABELS})
    told = []
    groups = ["x", "x", "y", "y"]
    result = reports.report(task, test, labelled(LABELS), folder, groups=groups, label="cat", **FAST,
                            progress=lambda title, share: told.append((title, share)))  # fmt: skip
    return result, told


def test_every_section_has_figures(films):
    result, told = films
    assert list(result.sections) == list(SECTIONS)
    assert not [section.reason for section in result.sections.values() if section.reason]
    shares = [share for _, share in told]
    assert shares == sorted(shares) and shares[-1] == 1 and {title for title, _ in told} >= set(SECTIONS.values())
    for section in result.sections.values():
        assert not [note for note in section.notes if "{" in note]
        for one in section.figures:
            assert one.size > 0 and one.unit and one.how, one
            if one.interval and all(map(math.isfinite, one.interval)):
                assert one.interval[0] - 1e-9 <= one.value <= one.interval[1] + 1e-9, one
    names = [one.name for one in result.sections["bias"].figures]
    assert "en_gender: change of the probability of cat" in names
    assert result.sections["bias"].tables[-1].title == "cat against all other labels, by group"
    assert result.sections["data"].data["parts"]["train"]["text"]["records"] == 4


def test_the_page_stands_alone(films):
    page = films[0].html()
    assert "<script" not in page and "&lt;script&gt;alert(1)" in page and "cat &amp; she" in page
    assert not re.search(r"https?://|@import|url\(|<link|<img|<iframe| src=", page)
    assert set(re.findall(r'href="([^"]*)"', page)) == {f"#{name}" for name in SECTIONS}
    opened, void = [], {"meta", "line", "circle", "polyline", "br"}

    class Parser(HTMLParser):
        def handle_starttag(self, tag, attributes):
            if tag not in void:
                opened.append(tag)

        def handle_endtag(self, tag):
            assert tag in void or opened.pop() == tag, tag

    Parser().feed(page)
    assert not opened


def test_the_figures_as_json_and_text(films):
    result = films[0]
    told = json.loads(json.dumps(result.as_dict(), allow_nan=False))
    accuracy = told["sections"]["scores"]["figures"][0]
    assert accuracy["name"] == "accuracy" and accuracy["size"] == 4 and len(accuracy["interval"]) == 2
    assert told["facts"]["best_epoch"] == 2 and told["sections"]["curve"]["data"]["history"] == HISTORY
    assert "accuracy " in str(result) and "Learning curve" in str(result)


def test_the_card_has_the_facts(films):
    card = films[0].card("CC-BY-4.0")
    assert card.startswith("---\nlicense: CC-BY-4.0\n") and "## Licence\n\nCC-BY-4.0" in card
    accuracy = films[0].sections["scores"].figures[0]
    assert f"| accuracy | {accuracy.shown} | {accuracy.shown_interval} (Wilson) | 4 texts |" in card
    assert "3 epochs, the best of them 2; 12 updates; 3.0 minutes." in card
    assert "| a\\|b.csv | 1.23 kB, SHA-256 abababababab… |" in card
    assert "en_gender" in card and "It gives one of its labels to every text" in card
    assert "Cat against all other labels, by group:\n\n| group | records | accuracy |" in card
    assert "Swaps:\n\n| list of words |" in card
    rows = [line for line in card.splitlines() if line.startswith("|")]
    assert len(rows) > 10 and all(line.endswith(" |") for line in rows)


def test_a_card_without_a_report_has_the_recorded_scores(tmp_path):
    facts = reports.run_facts(made("classifier"), run_of(made("classifier"), tmp_path))
    card = reports.model_card(facts)
    assert "| val_loss | 2 |" in card and "Recorded in the training, epoch 2" in card
    assert "license: unknown" in card and "Not measured." in card
    assert facts.weights == sum(int(tf.size(w)) for w in made("classifier").weights if "seed" not in w.path)
    assert facts.vocabularies == {"tokenizer": made("classifier").tokenizer.vocab_size}


def test_sections_that_cannot_be_made_say_why():
    result = reports.report(made("classifier"), skip=("speed",))
    reasons = {name: section.reason for name, section in result.sections.items()}
    assert all(reasons[name] for name in SECTIONS if name != "sizes") and not reasons["sizes"]
    assert reasons["speed"] == "left out on request" and "no test data" in reasons["scores"]
    assert "no history" in reasons["curve"] and "training data is not known" in reasons["data"]
    page = result.html()
    assert page.count("Not available: ") == len(SECTIONS) - 1
    wrong = tf.data.Dataset.from_tensor_slices({"text": ["a"], "label": ["horse"]})
    reason = reports.report(made("classifier"), wrong, skip=("speed", "data")).sections["scores"].reason
    assert "expected one of the labels" in reason and "\n" not in reason


def test_wrong_options_are_refused_before_anything_is_measured():
    for options, message in (
        ({"skip": ("colour",)}, "no section 'colour' to skip"),
        ({"method": "lyme"}, "no explanation method 'lyme'"),
        ({"label": "horse"}, "no label 'horse'; the labels: cat, dog, no"),
    ):
        with pytest.raises(ValueError, match=message):
            reports.report(made("classifier"), **options)
    with pytest.raises(ValueError, match="no label 'cat'; this LanguageModel has none"):
        reports.report(made("gpt"), label="cat")


def test_a_check_of_bias_that_fails_leaves_the_others(monkeypatch):
    monkeypatch.setattr(bias_checks, "numbers_of", lambda task, label: {}["he"])  # an error that nobody expects
    pairs = [MinimalPair("the cat sat", "the dog sat", "animals")]
    section = bias_checks.bias(made("gpt"), Grades([], [], ""), pairs=pairs)
    assert "swaps: not measured, KeyError: 'he'" in section.notes and section.figures[0].size == 1


def test_language_models():
    pairs = [MinimalPair("the cat sat", "the dog sat", "animals"), MinimalPair("a cat", "a dog", "animals")]
    result = reports.report(made("gpt"), [*TEXTS, "he and the boy sat on a cat and a dog ran to the man"], TEXTS,
                            pairs=pairs, skip=("speed",), **FAST)  # fmt: skip
    assert [name for name, section in result.sections.items() if section.reason] == ["curve", "speed"]
    names = [one.name for one in result.sections["bias"].figures]
    assert "en_gender: change of the log-probability of the text, nats" in names
    assert "stereotype is likelier: animals" in names
    assert result.sections["explanations"].data["method"] == "occlusion"


@pytest.mark.parametrize(
    "kind, test, expected",
    [
        pytest.param("dialogue of one stream", DIALOGUES, "bias", marks=pytest.mark.slow),
        ("masked language model", ["A dog runs. The cat sat. No.", "One. The red dog."], "explanations"),
    ],
)
def test_other_tasks_have_a_reason_for_what_does_not_suit_them(kind, test, expected):
    result = reports.report(made(kind), test, test, skip=("speed",))
    reasons = {name: section.reason for name, section in result.sections.items()}
    made_ones = {"scores", "examples", "explanations", "data", "sizes"} - {expected}
    assert reasons[expected] and not any(reasons[name] for name in made_ones)


def test_swaps_of_what_a_writer_writes():
    """A parrot that is surer of "he": ten words of difference are none, its log-probability falls by 1."""

    class Parrot(tasks.Translator):
        def __init__(self):
            keras.Model.__init__(self)
            self.asked = []

        def generate(self, texts, n_best, verbose):
            self.asked += texts
            return [[(text, -1.0 - ("she" in text.split()))] for text in texts]

    task = Parrot()
    texts = ["he runs", "he\x1fsat", "a dog"]  # with the character that joins the texts of a record
    found, tables, _ = swaps(task, [Example({"source": text}, "", "", 0.0, "") for text in texts])
    values = {one.name: (one.value, one.size) for one in found}
    assert values == {"en_gender: change of the log-probability of what it writes": (-1.0, 2),
                      "en_gender: change of the words that it writes": (0.0, 2)}  # fmt: skip
    assert len(task.asked) == len(set(task.asked)) == 4  # each text is written once
    assert tables[0].rows[0][-2:] == ["0.5", "1"]  # of four signs two are as extreme; Holm doubles it


def test_curves_are_drawn_to_scale():
    drawing = curves([*HISTORY, {"epoch": 4, "loss": math.nan}], "val_loss", 2)
    svg = ElementTree.fromstring(drawing[: drawing.index("<p ")])
    lines = [[tuple(map(float, point.split(","))) for point in line.get("points").split()]
             for line in svg.iter("polyline")]  # fmt: skip
    assert len(lines) == 2 and all(len(line) == 3 for line in lines)
    (x1, y1), (x2, y2), (x3, y3) = lines[0]  # loss: 3, 1.5, 1
    assert x2 - x1 == pytest.approx(x3 - x2, abs=0.2) and (y2 - y1) / (y3 - y2) == pytest.approx(3, abs=0.05)
    assert curves([], "val_loss") == "" and "val_bleu" in curves([{"epoch": 1, "val_bleu": 3.0}], "val_bleu")
    assert nice(0.02, 0.79) == [0, 0.2, 0.4, 0.6, 0.8] and nice(5, 5) == [5]
