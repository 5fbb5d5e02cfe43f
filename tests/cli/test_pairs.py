"""Options -> records: which reader is asked, and with what."""

import keras
import pytest

import tfllm
from tfllm import data
from tfllm.cli.sources import Pairs
from tfllm.cli.tasks import summarization, translation
from tfllm.evaluation import translation_scores
from tfllm.training import Recipe, ValidationScore


def texts(records):
    return [(record["source"].decode(), record["target"].decode()) for record in records.as_numpy_iterator()]


def test_two_files(tmp_path):
    (tmp_path / "a").write_text("eins\nzwei\n")
    (tmp_path / "b").write_text("one\ntwo\n")
    named = Pairs(source=str(tmp_path / "a"), target=str(tmp_path / "b"))
    assert texts(named.records()) == [("eins", "one"), ("zwei", "two")]


@pytest.mark.parametrize("columns, header", [(None, "source\ttarget\n"), (("de", "en"), "de\ten\n"), (("0", "1"), "")])
def test_a_table_by_names_or_numbers(columns, header, tmp_path):
    path = tmp_path / "pairs.tsv"
    path.write_text(header + "eins\tone\n")
    assert texts(Pairs(data=str(path), columns=columns).records()) == [("eins", "one")]


def test_a_public_set_has_a_part_for_each_use(monkeypatch):
    monkeypatch.setattr(data, "tfds", lambda *asked: asked)
    assert Pairs(tfds="ted", columns=("pt", "en")).records() == ("ted", "test", ("pt", "en"))
    assert Pairs(tfds="ted", split="train[:5%]").records() == ("ted", "train[:5%]", None)


def test_the_tokenizers_of_bleu_are_those_of_the_scores():
    assert translation.TOKENIZERS == translation_scores.TOKENIZERS


def test_nothing_named_is_none_or_an_error():
    assert Pairs().records() is None
    with pytest.raises(ValueError, match="--source F --target F"):
        Pairs().check()


@pytest.mark.parametrize(
    "kind, monitor, by_words, expected",
    [
        (translation.Training, "val_bleu", {"tokenize": "13a"}, 100 * (6 / 7 * 5 / 6 * 4 / 5 * 3 / 4) ** 0.25),
        (summarization.Training, "val_rougeL", {"tokens": "words"}, 100 * 6 / 7),
    ],
)
def test_the_monitor_reads_the_script(kind, monitor, by_words, expected, tmp_path):
    """Of a model that says 猫坐在垫子上吧 where the reference is 猫坐在垫子上了: 6 of 7 characters; no word."""

    class Parrot(getattr(tfllm, kind.task)):
        def __init__(self):
            keras.Model.__init__(self)

        def generate(self, texts, **options):
            return ["猫坐在垫子上吧"] * len(texts)

        def fit(self, *args, callbacks, **options):
            self.monitors = [one for one in callbacks if isinstance(one, ValidationScore)]

    (tmp_path / "pairs.tsv").write_text("source\ttarget\nthe cat sat\t猫坐在垫子上了\n", encoding="utf-8")
    for options, value in (({}, expected), (by_words, 0)):
        settings = kind(data=str(tmp_path / "pairs.tsv"), valid_data=str(tmp_path / "pairs.tsv"),
                        recipe=Recipe(monitor=monitor), **options)  # fmt: skip
        task = Parrot()
        settings.fit(task, 0, tmp_path, *settings.read())
        (score,) = task.monitors
        assert (score.name, score.function()) == (monitor, pytest.approx(value, abs=1e-6))
