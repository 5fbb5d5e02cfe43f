"""The figures of a report are those of `task.score`, and of loops over the records."""

import keras
import numpy as np
import pytest
import sacrebleu
import tensorflow as tf

from tests.zoo import FACTS, TEXTS, made
from tfllm import evaluation, tasks
from tfllm.evaluation.wilson import wilson
from tfllm.reports import grade
from tfllm.reports.grades_of_rows import summed
from tfllm.reports.grading import records_of, spread
from tfllm.reports.report_parts import mean, ratio

pytestmark = pytest.mark.usefixtures("eager")
DIALOGUES = ["hello\nwhat ?\na cat", "no\nyes"]


def labelled(labels):
    return tf.data.Dataset.from_tensor_slices({"text": TEXTS, "label": labels})


def figures(grades):
    return {one.name: one for one in grades.figures}


def test_a_classifier():
    task, data = made("classifier"), labelled(["dog", "cat", "cat", "no"])
    grades, report = grade(task, data), task.score(data, verbose=0)
    found = figures(grades)
    assert found["accuracy"].value == report.accuracy and found["accuracy"].interval == wilson(
        int(report.hits.sum()), 4
    )
    assert found["macro F1"].value == report.macro_f1
    assert found["log loss"].value == pytest.approx(report.log_loss)
    answers = task.classify(TEXTS, verbose=0)
    for one, answer, label in zip(grades.examples, answers, ["dog", "cat", "cat", "no"], strict=True):
        assert one.answer.split()[0] == answer["label"]
        assert np.exp(one.score) == pytest.approx(answer["probabilities"][label], rel=1e-4)
    hits = [answer["label"] for answer in answers].count("cat")
    by_label = {row[0]: row[1] for row in grades.tables[0].rows}
    assert by_label["cat"].endswith(f" of {hits}") if hits else by_label["cat"] == "none"


def test_several_labels_and_numbers():
    task = made("classifier of several labels")
    data = labelled(["a|b", "a", "b", ""])
    report = task.score(data, verbose=0)
    grades = grade(task, data)
    assert figures(grades)["all labels right"].value == report.accuracy
    rows = task.classify(TEXTS, verbose=0)
    truth = [{"a", "b"}, {"a"}, {"b"}, set()]
    losses = [-np.mean([np.log(p if name in right else 1 - p) for name, p in row["probabilities"].items()])
              for row, right in zip(rows, truth, strict=True)]  # fmt: skip
    np.testing.assert_allclose([-one.score for one in grades.examples], losses, rtol=1e-4)
    task, data = made("cnn regression"), labelled(["1", "2.5", "0", "-1"])
    found, report = figures(grade(task, data)), task.score(data, verbose=0)
    assert found["mean absolute error"].value == pytest.approx(report.mae, rel=1e-5)
    assert found["mean squared error"].value == report.mse


@pytest.mark.parametrize(
    "kind, data",
    [("gpt", [*TEXTS, "a dog " * 9]), pytest.param("dialogue of one stream", DIALOGUES, marks=pytest.mark.slow)],
)
def test_tasks_that_predict_tokens(kind, data):
    """Blocks, also of a text that is longer than one; replies."""
    task = made(kind)
    grades, expected = grade(task, data), task.score(data, verbose=0, **({"most": 0} if data is DIALOGUES else {}))
    expected = getattr(expected, "perplexity", expected)
    assert figures(grades)["loss, nats per token"].value == pytest.approx(expected.loss, rel=1e-5)
    assert figures(grades)["perplexity per token"].value == pytest.approx(expected.per_token, rel=1e-3)
    if data is DIALOGUES:
        assert [one.expected for one in grades.examples] == ["what ?", "a cat", "yes"]


def test_a_masked_language_model_has_both_accuracies():
    """With a model that knows all: its logits are those of the targets."""
    task = made("masked language model")
    rows = task.rows(task.records(["A dog runs. The cat sat. No.", "One. The red dog."] * 2))

    class Knowing(type(task)):
        def __init__(self):
            keras.Model.__init__(self)

        def hide(self, parts, seed):
            inputs, self.targets, weights = task.hide(parts, seed)
            return inputs, self.targets, weights

        def __call__(self, inputs, training):
            return {name: 99 * tf.one_hot(target, 99) for name, target in self.targets.items()}

    sums = summed(Knowing(), rows, 1, lambda share: None)
    np.testing.assert_allclose(sums[:, 0], 0, atol=1e-6)
    np.testing.assert_array_equal(sums[:, 1], sums[:, 2])  # all tokens are right
    np.testing.assert_array_equal(sums[:, 3:], 1)  # and all pairs
    assert sums[:, 1].min() >= 1


def test_questions_on_a_text():
    """F1 by hand: "the cat" is "cat" without its article; "cat sat" has one word of two right, one of one found."""

    class Told(tasks.QuestionAnswering):
        no_answer, asks = False, ("context", "question")

        def __init__(self):
            keras.Model.__init__(self)

        def generate(self, contexts, questions, batch_size):
            told = {"who ran ?": ("the cat", 0.9), "who sat ?": ("cat sat", 0.6), "who ?": ("", 0.7)}
            return [{"text": told[one][0], "score": told[one][1], "no_answer": 0.0} for one in questions]

    rows = [{"context": "c", "question": one, "answers": right, "starts": [0] * len(right)}
            for one, right in (("who ran ?", ["cat"]), ("who sat ?", ["cat"]), ("who ?", []))]  # fmt: skip
    grades = grade(Told(), rows)
    found = figures(grades)
    assert found["exact match"].value == 2 / 3 and found["F1"].value == pytest.approx(100 * (1 + 2 / 3 + 1) / 3)
    assert found["exact match, with an answer"].size == 2 and found["exact match, without an answer"].value == 1
    assert found["F1"].signature.startswith("n:3|rules:SQuAD 2.0")
    assert [one.expected for one in grades.examples] == ["cat", "cat", "no answer"]
    assert grades.examples[1].score < grades.examples[2].score < grades.examples[0].score


def test_questions_on_facts():
    task, data = made("memory network"), tf.data.Dataset.from_tensor_slices(FACTS)
    grades = grade(task, data)
    assert 100 * figures(grades)["exact match"].value == task.score(data).value
    answers = task.generate(FACTS["facts"], FACTS["question"], probabilities=True)
    for one, (answer, chance), right in zip(grades.examples, answers, FACTS["answer"], strict=True):
        assert one.score == pytest.approx(chance if answer == right.lower() else -chance)


@pytest.mark.parametrize("kind", ["Translator", "Summarizer"])
def test_translations_and_summaries(kind):
    """Of a model that says what it read."""

    class Parrot(getattr(tasks, kind)):
        def __init__(self):
            keras.Model.__init__(self)

        def generate(self, texts, batch_size, verbose):
            return list(texts)

    sources, references = ["a dog runs .", "the red cat sat", ""], ["a dog runs .", "the red dog sat", "no"]
    grades = grade(Parrot(), (sources, references))
    if kind == "Translator":
        expected = evaluation.bleu(sources, references), evaluation.chrf(sources, references)
        scores = [sacrebleu.sentence_chrf(a, [b]).score for a, b in zip(sources, references, strict=True)]
    else:
        expected = evaluation.rouge(sources, references)
        expected = expected.rouge1, expected.rouge2, expected.rougeL
        scores = [100, 75, 0]  # three words of four in the same order
    assert [(one.value, one.interval, one.signature) for one in grades.figures] == [
        (one.value, (one.low, one.high), one.signature) for one in expected
    ]
    assert [one.score for one in grades.examples] == pytest.approx(scores)
    assert [one.answer for one in grades.examples] == [*sources[:2], "(nothing)"]


def test_what_has_no_grades_is_named():
    with pytest.raises(TypeError, match="a Model has no grades|a Functional has no grades"):
        grade(keras.Model(), TEXTS)


def test_records_are_spread_evenly():
    assert spread(10, 4) == [0, 2, 5, 7] and spread(3, 4) == [0, 1, 2]
    chosen = records_of(made("gpt"), ["a", "b", "c", "d", "e"], 2)
    assert [row["text"] for row in chosen.as_numpy_iterator()] == [b"a", b"c"] and int(chosen.cardinality()) == 2


def test_the_interval_of_a_ratio_contains_it_with_its_frequency():
    """Of 60 samples of 50 rows with random sizes, nearly all intervals contain the true ratio, 0.3."""
    draw, inside = np.random.default_rng(0), 0
    for _ in range(60):
        counts = draw.integers(1, 30, 50)
        one = ratio("share", draw.binomial(counts, 0.3), counts, "rows", share=True)
        inside += one.interval[0] <= 0.3 <= one.interval[1]
    assert 52 <= inside <= 60


def test_one_record_has_no_interval():
    one = mean("error", [2.0], "texts")
    assert one.value == 2 and one.interval is None and str(one) == "error 2 (no interval of one), 1 texts"
    assert ratio("loss", [6.0], [3], "rows").interval is None
