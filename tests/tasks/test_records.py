"""The gate: what every task reads, in which forms, in one pass; and what it refuses, and how it says so."""

import logging
import re
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.tasks import questions
from tfllm import endless, models
from tfllm.extraction import Keywords, Lead
from tfllm.tasks import (
    Denoiser,
    DenoiserConfig,
    DialogueGenerator,
    DialogueGeneratorConfig,
    FactAnswering,
    FactAnsweringConfig,
    LanguageModel,
    LanguageModelConfig,
    MaskedLanguageModel,
    MaskedLanguageModelConfig,
    QuestionAnswering,
    QuestionAnsweringConfig,
    Summarizer,
    SummarizerConfig,
    TextClassifier,
    TextClassifierConfig,
    TextEmbedder,
    Translator,
    TranslatorConfig,
    records,
)
from tfllm.tasks import records as gate
from tfllm.tasks.classification import label_weights, labelled_records

pytestmark = pytest.mark.usefixtures("eager")

TEXTS = [f"the {name} number {i} sat down" for i, name in enumerate(["cat", "dog", "bird", "fish"] * 3)]
LABELS = ["pos", "neg", "pos"] * 4
TURNS = [f"hello {text}\nhi you" for text in TEXTS]
FACTS = [f"{text} .\nit rained ." for text in TEXTS]
LSTM = models.LSTMLanguageModelConfig(4, 4, 1)
PAIRS = models.TransformerConfig(1, 8, 1, 8, rate=0.0)
TASKS = {
    "translator": (Translator, TranslatorConfig("words", model=PAIRS), {"source": TEXTS, "target": TEXTS}),
    "summarizer": (
        Summarizer, SummarizerConfig("words", copy=False, coverage=None, model=PAIRS),
        {"source": TEXTS, "target": TEXTS},
    ),
    "classifier": (
        TextClassifier, TextClassifierConfig(model=models.MeanOfVectorsConfig(4, 4, 1)),
        {"text": TEXTS, "label": LABELS},
    ),
    "lm": (LanguageModel, LanguageModelConfig("words", model=LSTM), {"text": TEXTS}),
    "masked": (
        MaskedLanguageModel,
        MaskedLanguageModelConfig(50, next_sentence=False, length=16, model=models.BERTConfig(16, 1, 8, 1, 8)),
        {"text": TEXTS},
    ),
    "denoiser": (Denoiser, DenoiserConfig("words", length=16, model=PAIRS), {"text": TEXTS}),
    "facts": (
        FactAnswering, FactAnsweringConfig(model=models.MemoryNetworkConfig(4, 1)),
        {"facts": FACTS, "question": ["where is it ?"] * 12, "answer": ["here", "there", "no"] * 4},
    ),
    "dialogue": (DialogueGenerator, DialogueGeneratorConfig("words", model=LSTM), {"dialogue": TURNS}),
}  # fmt: skip
made = {}


def task_of(name):
    """(an untrained task, its columns); one for all tests."""
    kind, config, columns = TASKS[name]
    if name not in made:
        keras.utils.set_random_seed(1)
        made[name] = kind.from_text(tf.data.Dataset.from_tensor_slices(columns), config=config)
        made[name].compile("sgd", jit_compile=False)
    return made[name], columns


def dataset(columns):
    return tf.data.Dataset.from_tensor_slices(columns)


def in_rows(data, names):
    return list(zip(*records.strings(data, *names), strict=True))


# What is read


class Series:
    """What a pandas Series is to a reader: it has a dtype and a shape, and gives its values in order."""

    dtype = object

    def __init__(self, values):
        self.values, self.shape = list(values), (len(values),)

    def __iter__(self):
        return iter(self.values)


FORMS = {
    "list": list, "tuple": tuple, "array": np.array, "objects": lambda x: np.array(x, object), "tensor": tf.constant,
    "bytes": lambda x: [text.encode() for text in x], "generator": lambda x: (text for text in x),
    "map": lambda x: map(str, x), "series": Series, "dataset": dataset,
    "tensors": lambda x: list(tf.constant(x)), "numpy": lambda x: list(np.array(x)),
    "batches": lambda x: dataset(x).batch(5), "named": lambda x: dataset({"text": x, "more": x}),
    "first of a tuple": lambda x: dataset((x, np.arange(len(x)))).batch(5),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_texts_are_read_in_every_usual_form(form):
    assert records.texts(form(TEXTS)) == [text.encode() for text in TEXTS]


@pytest.mark.parametrize("name", TASKS)
def test_records_are_read_in_every_usual_form(name):
    task, columns = task_of(name)
    names = list(columns)
    rows = list(zip(*columns.values(), strict=True))
    parts = tuple(columns.values())
    forms = {
        "dicts": dataset(columns), "tuples": dataset(parts), "batched dicts": dataset(columns).batch(5),
        "batched tuples": dataset(parts).batch(12), "more fields": dataset(columns | {"id": np.arange(12)}),
        "nested": dataset(((*parts[:-1],), parts[-1])) if len(parts) > 1 else dataset(parts[0]),
        "columns": columns, "unknown sizes": dataset(columns).filter(lambda record: True).batch(5),
    }  # fmt: skip
    for form, data in forms.items():
        assert in_rows(task.records(data), names) == rows, form
    if len(parts) < 3:
        for form in (list, np.array, tf.constant, Series, lambda x: (text for text in x)):
            assert in_rows(task.records(*map(form, parts)), names) == rows


# In one pass


@pytest.mark.parametrize("name", TASKS)
def test_a_shuffled_dataset_keeps_its_records_together(name):
    task, columns = task_of(name)
    shuffled = dataset(columns).shuffle(200)
    assert set(in_rows(task.records(shuffled), columns)) == set(zip(*columns.values(), strict=True))
    again = type(task).from_text(shuffled, config=TASKS[name][1])
    tokens = [getattr(one, "tokenizer", getattr(one, "source", None)).tokens for one in (task, again)]
    assert set(tokens[0]) == set(tokens[1])


@pytest.mark.parametrize("name", TASKS)
def test_validation_has_no_record_of_training(name, monkeypatch):
    task, columns = task_of(name)
    seen = []
    monkeypatch.setattr(task, "batches", lambda x, *args, **options: seen.append(x) or SimpleNamespace(
        plan=SimpleNamespace(batches=1), dataset=None))  # fmt: skip
    monkeypatch.setattr(task, "fit_batches", lambda *args, **options: None)
    task.fit(dataset(columns).shuffle(200), validation_split=0.25)
    assert len(seen) == 2
    for _ in range(2):  # in every pass
        valid, train = (in_rows(part, columns) for part in seen)
        assert len(train) == 9 and len(valid) == 3
        assert {*train} | {*valid} == {*zip(*columns.values(), strict=True)}


def test_scores_of_shuffled_records_are_right(monkeypatch):
    assert Lead().score(dataset({"source": TEXTS, "target": TEXTS}).shuffle(200)).rouge1.value == 100
    for name, score in (("translator", lambda s: s.bleu.value), ("summarizer", lambda s: s.rouge1.value)):
        task, columns = task_of(name)
        monkeypatch.setattr(task, "generate", lambda texts, **options: list(texts))
        assert score(task.score(dataset(columns).shuffle(200))) == pytest.approx(100)
    task, columns = task_of("classifier")
    said = [one["label"] for one in task.classify(TEXTS)]
    assert task.score(dataset((TEXTS, said)).shuffle(200)).accuracy == 1
    task, columns = task_of("facts")
    said = task.generate(columns["facts"], columns["question"])
    assert task.score(dataset(columns | {"answer": said}).shuffle(200)).value == 100
    task, columns = task_of("lm")
    assert task.score(dataset(columns).shuffle(200)).log_probability == pytest.approx(
        task.score(TEXTS).log_probability, rel=1e-5)  # fmt: skip


@pytest.mark.parametrize("name", TASKS)
def test_a_dataset_without_an_end_is_refused(name):
    task, columns = task_of(name)
    endless = dataset(columns).repeat().shuffle(3)
    for call in (task.fit, task.evaluate, type(task).from_text, getattr(task, "score", task.fit)):
        with pytest.raises(ValueError, match=r"never ends.*leave .repeat.. out.*stream=True, steps_per_epoch"):
            call(endless)
    with pytest.raises(ValueError, match="never ends"):
        task.fit(dataset(columns), validation_data=endless)


def test_data_whose_end_is_not_known_is_told(monkeypatch, caplog):
    monkeypatch.setattr(endless, "MANY", 4)
    task, columns = task_of("lm")
    unknown = dataset(columns).repeat(2).filter(lambda record: True)
    reads = [lambda: gate.columns(unknown, "text"), lambda: gate.texts(text for text in ["a b"] * 9),
             lambda: gate.held(text for text in ["a b"] * 9), lambda: task.rows(task.records(unknown)),
             lambda: type(task).from_text(text for text in ["a b"] * 9),
             lambda: gate.expect_words(unknown.map(lambda record: {"text": "a"}), ["text"])]  # fmt: skip
    for read in reads:
        caplog.clear()
        read()
        assert "records are read and held in memory, and more come: if the data never ends" in caplog.text
        assert "stream=True, steps_per_epoch" in caplog.text
    caplog.clear()
    gate.texts(["a b"] * 9), task.rows(task.records(dataset(columns).repeat(2))), type(task).from_text(["a b"] * 9)
    assert not [record for record in caplog.records if "never ends" in record.message]


def test_names_of_files_that_are_not_there_are_told(caplog):
    lm, translator = type(task_of("lm")[0]), type(task_of("translator")[0])
    for learn in (lambda: lm.from_text(["a.txt", "b.txt.gz"]), lambda: translator.from_text(["no.de"], ["no.en"]),
                  lambda: lm.from_text(tf.data.Dataset.from_tensor_slices(["data/a.csv"]))):  # fmt: skip
        caplog.clear()
        learn()
        assert re.search("looks like the name of a file: there is none of this name here", caplog.text)
    caplog.clear()
    lm.from_text(["a.txt", "a cat"])
    assert "looks like" not in caplog.text


# What is refused


WRONG = {
    "none": (None, "got None"), "one text": ("the cat", r"got one text: write \['the cat'\]"),
    "a path": ("some/train.de", "got the path 'some/train.de': read the file first, with tfllm.data"),
    "a Path": (Path("corpus"), "got the path 'corpus'"), "files": ([str(Path(__file__))], "got the path"),
    "a number": (3, "got int 3"), "a set": ({"a"}, "got set"), "missing": (["a", None], "of record 1; got None"),
    "nan": (["a", float("nan")], "of record 1; got float nan: leave out what is missing"),
    "numbers": (np.arange(3), "of record 0; got int64"), "dicts": ([{"text": "a"}], r"of record 0; got dict.*record\["),
    "tokens": (["a", ["a", "b"]], "of record 1; got list"), "ids": ([[1, 2], [3]], r"of record 0; got list \[1, 2\]"),
    "paths": ([Path("a")], "of record 0; got .*Path.*read the file"), "half": (["\ud800"], "record 0 holds half of a"),
    "rows": (np.array([["a"], ["b"]]), r"of shape \(2, 1\)"), "NA": (Series(["a", np.float64("nan")]), "record 1"),
    "a table": (SimpleNamespace(shape=(2, 1), columns=["a"]), r"of shape \(2, 1\): give one column of it"),
}  # fmt: skip


@pytest.mark.parametrize("wrong, told", WRONG.values(), ids=WRONG)
def test_what_is_no_text_is_refused(wrong, told):
    with pytest.raises((TypeError, ValueError), match=told):
        records.texts(wrong)


@pytest.mark.parametrize("name", TASKS)
def test_every_method_refuses_what_is_no_text(name):
    task, columns = task_of(name)
    others = [list(column) for column in columns.values()][1:]
    for kind in ("none", "one text", "a path", "missing", "dicts", "half"):
        wrong, told = WRONG[kind]
        given = (wrong, *others) if len(columns) < 3 else ((wrong, others[0]), others[1])
        calls = [(task.fit, given), (task.evaluate, given), (task.predict, given[:1])]
        if len(columns) < 3:
            calls += [(type(task).from_text, given), (task.fit, (dataset(columns),), {"validation_data": given})]
            calls += [(task.score, given)] if hasattr(task, "score") else []
        if not isinstance(wrong, str):
            named = {"classifier": "classify", "facts": "predict"}.get(name, "generate")
            calls += [(getattr(task, named), given[:1])]
        for call, arguments, *options in calls:
            with pytest.raises((TypeError, ValueError), match=told):
                call(*arguments, **dict(*options))


def test_what_is_no_task_refuses_it_too():
    embedder, words, lead = TextEmbedder.from_task(task_of("classifier")[0]), Keywords("textrank"), Lead()
    for kind in ("none", "missing", "dicts", "half"):
        wrong, told = WRONG[kind]
        for call in (embedder.embed, embedder.similarity, words.fit, words.extract, lead.generate, lead.score):
            with pytest.raises((TypeError, ValueError), match=told):
                call(wrong, wrong) if call in (embedder.similarity, lead.score) else call(wrong)
    for call in (words.fit, lambda x: lead.score(x, x)):
        with pytest.raises(TypeError, match="got one text: write"):
            call("the cat")


def test_one_text_may_be_a_tensor():
    task, _ = task_of("lm")
    short = {"max_new_tokens": 1}
    said = task.generate("the cat", **short)
    assert task.generate(tf.constant("the cat"), **short) == task.generate([np.str_("the cat")], **short)[0] == said
    assert "".join(task.stream(tf.constant("the cat"), **short)) == said
    for wrong in (None, Path("a"), ["the cat"], "\udc80"):
        with pytest.raises((TypeError, ValueError), match="the text"):
            next(task.stream(wrong))
    talk, _ = task_of("dialogue")
    said = talk.reply("hello the", **short)
    assert talk.reply(tf.constant("hello the"), **short) == talk.reply(["hello the"], **short) == said
    for wrong in (None, 3, [None], ["a", ("A", "b")], Path("a")):
        with pytest.raises((TypeError, ValueError), match="expected"):
            talk.reply(wrong)


@pytest.mark.parametrize("name", TASKS)
def test_texts_without_words_are_told(name, caplog):
    task, columns = task_of(name)
    field = next(iter(columns))
    for text in ("", " \n"):
        with pytest.raises(ValueError, match="texts are empty|records have an empty text"):
            task.fit(dataset(columns | {field: [text] * 12}))
    if name == "lm":
        with caplog.at_level(logging.WARNING, "tfllm"):
            records.expect_words(task.records(list("the cat")), task.fields)
            assert "all 7 texts have one character as text" in caplog.text
            caplog.clear()
            records.expect_words(task.records(["", "a cat"]), task.fields)
            assert not caplog.text
        for stream in ({"steps_per_epoch": 1}, {}):
            with pytest.raises(ValueError, match="texts are empty"):
                task.fit(dataset({"text": [""] * 3}), stream=True, **stream)


# Labels


def test_labels_of_one_value_are_one_label():
    assert labelled_records.labels([1, 1.0, "1", np.float32(1), np.int8(1), b"1", tf.constant("1")]) == [b"1"] * 7
    given = [True, 0.5, -2.0, "1.0", ["a", b"b", 3]]
    assert labelled_records.labels(given) == [b"True", b"0.5", b"-2", b"1.0", b"a|b|3"]
    for form in (list, tuple, np.array, tf.constant, Series, iter, lambda x: np.array(x)[:, None]):
        assert labelled_records.labels(form([0, 1, 2])) == [b"0", b"1", b"2"]
    for wrong, told in (
        ([0, None], "got None as label of record 1"), ([0.0, float("nan")], "as label of record 1; got float nan"),
        (np.array([0, np.inf]), "label of record 1"), ("pos", "a list of labels"), (None, "a list of labels"),
        (np.eye(3), r"of shape \(3, 3\)"), ({"a", "b"}, "a list of labels"), ([{"a": 1}], "got dict"),
        (["a", "b\ud800"], "label of record 1 holds half"), ([["a|b", "c"]], "the separator '|' is part of 'a|b'"),
        ([["a", None]], "got None as label of record 0"),
    ):  # fmt: skip
        with pytest.raises((TypeError, ValueError), match=told.replace("|", r"\|")):
            labelled_records.labels(wrong)


def test_labels_of_numbers_come_in_datasets_too():
    numbers = [0, 1, 0] * 4
    wanted = list(zip(TEXTS, map(str, numbers), strict=True))
    for y in (numbers, np.array(numbers, "float32"), np.array(numbers)[:, None], np.array(numbers, "uint8")):
        for data in (dataset((TEXTS, y)), dataset((TEXTS, y)).batch(5), dataset({"label": y, "text": TEXTS}).batch(5)):
            assert in_rows(labelled_records.records_of(data), ("text", "label")) == wanted
    pairs = dataset(((TEXTS, TEXTS[::-1]), numbers)).batch(5)
    assert in_rows(labelled_records.records_of(pairs), ("text", "pair", "label"))[0] == (TEXTS[0], TEXTS[-1], "0")
    with pytest.raises(ValueError, match="label of record 2; got float nan"):
        labelled_records.records_of(dataset((TEXTS, [0.0, 1, np.nan] * 4)))
    task = TextClassifier.from_text(dataset((TEXTS, numbers)).batch(5), config=TASKS["classifier"][1])
    assert task.labels == ("0", "1")
    assert task.score(dataset((TEXTS, numbers)).batch(5)).as_dict() == task.score(TEXTS, numbers).as_dict()


# Weights


@pytest.mark.parametrize("name", ["translator", "classifier", "facts"])
def test_a_record_of_weight_0_is_as_if_it_were_not_there(name):
    task, columns = task_of(name)
    weights = np.array([0, 1, 2.5] * 4, "float32")
    without = {field: np.array(column)[weights > 0] for field, column in columns.items()}
    loss = task.evaluate(dataset(without), return_dict=True, verbose=0)["loss"]
    equal = task.evaluate(dataset(columns | {"sample_weight": np.minimum(weights, 1)}), return_dict=True, verbose=0)
    assert equal["loss"] == pytest.approx(loss, rel=1e-5)
    heavy = task.evaluate(dataset((*columns.values(), weights)).batch(5), return_dict=True, verbose=0)["loss"]
    assert abs(heavy - loss) > 1e-7
    known = task.records(columns, sample_weight=weights)
    assert records.columns(known, records.WEIGHT)[0] == weights.tolist()
    for wrong in (weights[:2], np.eye(12), -weights, weights * np.nan, ["a"] * 12):
        with pytest.raises(ValueError, match="sample_weight is a number of 0 or more for each of 12 records"):
            task.fit(columns, sample_weight=wrong)


def test_weights_that_nobody_takes_are_refused():
    task, columns = task_of("lm")
    with pytest.raises(ValueError, match="LanguageModel makes other rows of its records: leave sample_weight out"):
        task.fit(TEXTS, sample_weight=np.ones(12))
    with pytest.raises(ValueError, match="class_weight is of a TextClassifier"):
        task.fit(TEXTS, class_weight={0: 1.0})


def test_class_weights_of_one_training(monkeypatch):
    task, columns = task_of("classifier")  # labels neg, pos
    known = task.records(TEXTS, LABELS, np.full(12, 2.0))
    for given, wanted in (
        ({"neg": 3.0}, {"neg": 6, "pos": 2}), ({0: 3.0, 1: 0.5}, {"neg": 6, "pos": 1}), ({1: 0}, {"neg": 2, "pos": 0}),
        ("balanced", {"neg": 3, "pos": 1.5}), (None, {"neg": 2, "pos": 2}),
    ):  # fmt: skip
        labels, weights = records.columns(label_weights.weighted(task.kinds, given, known), "label", records.WEIGHT)
        assert weights == pytest.approx([wanted[label.decode()] for label in labels])
    for wrong in ({"good": 1}, {2: 1}, {"pos": -1}, {"pos": None}, [1, 2], 3):
        with pytest.raises((TypeError, ValueError), match="class_weight"):
            task.fit(TEXTS, LABELS, class_weight=wrong)
    known = (TEXTS, LABELS, np.ones(12))
    history = task.fit(TEXTS, LABELS, class_weight={"neg": 2}, validation_data=known, verbose=0).history
    assert history["val_loss"][-1] == pytest.approx(task.evaluate(TEXTS, LABELS, verbose=0)[0], rel=1e-5)


# predict and calls


def spelt(task, *columns, **structure):
    """An answer in the place of long ones: of unequal widths from batch to batch."""
    words = tf.strings.split(columns[0])
    return {"text": columns[-1], "words": words.to_tensor(), "sizes": words.row_lengths()}


@pytest.mark.parametrize("name", TASKS)
def test_texts_are_predicted_as_they_are_answered(name, monkeypatch):
    task, columns = task_of(name)
    if name not in ("classifier", "facts"):
        monkeypatch.setattr(type(task), "answer", spelt)
        vars(task).pop("_functions", None)
    asked = [[text + " ?" * (i % 3) for i, text in enumerate(columns[field][:5])] for field in task.asks]
    wanted = {part: value.numpy() for part, value in task.answer(*map(tf.constant, asked)).items()}
    one = asked[0] if len(asked) == 1 else tuple(asked)
    records_of = dict(zip(task.asks, asked, strict=True)) | {"label": LABELS[:5]}
    for x in (one, dataset(records_of), dataset(one).batch(3)):
        found = task.predict(x, batch_size=2, verbose=0)
        assert found.keys() == wanted.keys()
        for part, value in wanted.items():
            same = np.testing.assert_allclose if value.dtype.kind == "f" else np.testing.assert_array_equal
            same(found[part], value, **({"rtol": 1e-4, "atol": 1e-5} if value.dtype.kind == "f" else {}))
    with pytest.raises(ValueError, match="steps and callbacks"):
        task.predict(one, steps=2)
    with pytest.raises(TypeError, match="called with token ids.*predict"):
        task(asked[0])


def test_pairs_and_questions_are_predicted():
    pairs = list(zip(TEXTS, TEXTS[::-1], strict=True))
    task = TextClassifier.from_text(pairs, LABELS, TASKS["classifier"][1])
    wanted = task.predict(pairs)["score"]
    for x in ((TEXTS, TEXTS[::-1]), dataset(((TEXTS, TEXTS[::-1]), LABELS)).batch(5), dataset((TEXTS, TEXTS[::-1]))):
        np.testing.assert_array_equal(task.predict(x)["score"], wanted)
    assert task.classify(pairs) == task.classify(TEXTS, TEXTS[::-1])
    with pytest.raises(ValueError, match="reads two texts"):
        task.predict(TEXTS)
    rows = questions.records(4)
    reader = QuestionAnswering.from_text(rows, QuestionAnsweringConfig("words", model=models.BiDAFConfig(4, 4)))
    found = reader.predict(rows)
    assert [text.decode() for text in found["text"]] == [one["text"] for one in reader.generate(
        [row["context"] for row in rows], [row["question"] for row in rows])]  # fmt: skip
    for wrong, told in (
        (None, "got None"), ("a.json", "got the path"), ([1], "record 0: expected a dict"), ({1}, "got set")
    ):  # fmt: skip
        for call in (reader.fit, reader.score, reader.evaluate, QuestionAnswering.from_text):
            with pytest.raises((TypeError, ValueError), match=told):
                call(wrong)


def test_weights_that_are_no_numbers_say_nothing():
    classifier = task_of("classifier")[0]
    embedder = TextEmbedder.from_task(classifier)
    before = classifier.get_weights()
    classifier.set_weights([np.full_like(weight, np.nan) for weight in before])
    try:
        for task in (classifier, embedder):
            with pytest.raises(ValueError, match="^the model gives logits that are not numbers .NaN."):
                task.predict(TEXTS[:2])
            with pytest.raises((ValueError, tf.errors.InvalidArgumentError), match="that are not numbers .NaN."):
                task.signatures()["serving_default"].served(tf.constant(TEXTS[:2]))
    finally:
        classifier.set_weights(before)
