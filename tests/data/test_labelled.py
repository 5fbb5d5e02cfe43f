"""Labelled tables and public sets: what comes of each kind of label, and what is said about faults."""

import gzip

import pytest
import tensorflow as tf

from tfllm.data import labelled, labelled_tfds
from tfllm.data.reading.labelled_texts import GLUE

datasets = pytest.importorskip("tensorflow_datasets")


def read(dataset):
    result = [{name: text.decode() for name, text in record.items()} for record in dataset.as_numpy_iterator()]
    assert dataset.cardinality() == len(result)
    return result


@pytest.fixture
def write(tmp_path):
    def write(name, content):
        data = content.encode()
        (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return tmp_path / name

    return write


REVIEWS = {
    "x.csv": 'id,review,stars\n1,"Good, really",pos\n2,Bad, neg \n',
    "x.tsv": "id\treview\tstars\n1\tGood, really\tpos\n2\tBad\t neg \n",
    "x.jsonl": '{"review": "Good, really", "stars": "pos"}\n{"stars": "neg", "review": "Bad", "id": 2}\n',
}


@pytest.mark.parametrize("name", REVIEWS)
@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_single_labels(write, name, suffix):
    path = write(name + suffix, REVIEWS[name])
    expected = [{"text": "Good, really", "label": "pos"}, {"text": "Bad", "label": "neg"}]
    assert read(labelled(path, "review", "stars")) == expected


def test_pairs_and_numbered_columns(write):
    path = write("x.tsv", "0\tA man sleeps.\tA man is awake.\tno\n")
    assert read(labelled(path, text=1, pair=2, label=3)) == [
        {"text": "A man sleeps.", "pair": "A man is awake.", "label": "no"}
    ]


def test_several_labels(write):
    table = write("x.csv", "text,label\na,x| y\nb,\nc,y||y\n")
    assert [record["label"] for record in read(labelled(table, kind="multi"))] == ["x|y", "", "y"]
    other = write("x.tsv", "text\tlabel\na\tx;y, z\n")
    assert read(labelled(other, kind="multi", separator=";"))[0]["label"] == "x;y, z"
    lists = write("x.jsonl", '{"text": "a", "label": ["x, 1", "y"]}\n{"text": "b", "label": []}\n'
                             '{"text": "c", "label": ["x, 1"]}\n{"text": "d", "label": "y,x"}\n'
                             '{"text": "e", "label": null}\n{"text": "f", "label": [1]}\n')  # fmt: skip
    result = [record["label"] for record in read(labelled(lists, kind="multi"))]
    assert result == ["x, 1|y", "", "x, 1", "y,x", "", "1"]


def test_numbers(write):
    path = write("x.csv", "text,label\na,2.5\nb, -1e3 \n")
    assert [record["label"] for record in read(labelled(path, kind="regression"))] == ["2.5", "-1e3"]


def test_what_is_empty_is_skipped(write):
    path = write("x.csv", "text,label\na,x\n,y\nb,\n")
    with pytest.warns(
        UserWarning, match=r"x\.csv: skipped 2 of 3 records without text and label, line 3, 4"
    ) as message:
        assert read(labelled(path)) == [{"text": "a", "label": "x"}]
    assert message[0].filename == __file__
    with pytest.warns(UserWarning, match=r"skipped 1 of 3 records without text, line 3"):
        assert [record["text"] for record in read(labelled(path, kind="multi"))] == ["a", "b"]


@pytest.mark.parametrize(
    "name, content, options, output",
    [
        ("x.csv", "text,label\na,x\nb,w\n", {"labels": ["x", b"y"]}, r"x\.csv:3: .* one of the labels x, y; got 'w'"),
        ("x.csv", "text,label\na,x|w\n", {"labels": ["x"], "kind": "multi"}, r"x\.csv:2: .* got 'w'"),
        ("x.csv", "text,label\na,x\n", {"kind": "regression"}, r"x\.csv:2: expected a number as label; got 'x'"),
        ("x.csv", "text,label\na,1\nb,nan\n", {"kind": "regression"}, r"x\.csv:3: .* number as label; got 'nan'"),
        ("x.jsonl", '{"text": "a", "label": ["x|y"]}\n', {"kind": "multi"}, r"x\.jsonl:1: .* '\|' occurs in"),
        ("x.csv", "text,stars\na,x\n", {}, r"x\.csv:1: expected one column 'label' in the header"),
        ("x.csv", "text,label\na,x\nb\n", {}, r"x\.csv:3: expected 2 fields"),
        ("x.jsonl", '{"text": "a", "label": ["x"]}\n', {}, r"x\.jsonl:1: expected a text in field 'label'; got a list"),
        ("x.jsonl", '{"text": ["a"], "label": ["x"]}\n', {"kind": "multi"}, r"x\.jsonl:1: .*'text'; got a list"),
        ("x.jsonl", '{"text": "a", "label": [["x"]]}\n', {"kind": "multi"}, r"x\.jsonl:1: .*'label'; got a list"),
        ("x.txt", "a\n", {}, r"expected a table named \.tsv, \.csv, \.jsonl"),
        ("x.csv", "text,label\na,x\n", {"kind": "several"}, "kind must be one of single, multi, regression"),
        ("x.csv", "text,label\na,x\n", {"label": 1}, "columns: expected"),
    ],
)  # fmt: skip
def test_faults(write, name, content, options, output):
    with pytest.raises(ValueError, match=output):
        labelled(write(name, content), **options)


def test_imdb_by_name():
    with datasets.testing.mock_data(num_examples=5):
        raw = list(datasets.load("imdb_reviews", split="train").as_numpy_iterator())
        result = read(labelled_tfds("imdb_reviews", "train"))
    names = "neg", "pos"
    assert result == [{"text": r["text"].decode(), "label": names[r["label"]]} for r in raw]


@pytest.mark.parametrize("task", GLUE)
def test_every_task_of_glue_has_its_texts_and_label_names(task):
    with datasets.testing.mock_data(num_examples=4):
        features = datasets.builder(f"glue/{task}").info.features
        result = read(labelled_tfds(f"glue/{task}", "test" if task == "ax" else "validation"))
    texts = [name for name in features if name not in ("label", "idx")]
    assert len(texts) == len(result[0]) - 1 and set(texts) == set(filter(None, GLUE[task]))
    if task == "stsb":
        assert all(float(record["label"]) is not None for record in result)
    else:
        assert {record["label"] for record in result} <= set(features["label"].names)


def rte(label):
    def invented(*_, **__):
        return tf.data.Dataset.from_tensor_slices(
            {"sentence1": ["a"], "sentence2": ["b"], "label": tf.constant([label], tf.int64), "idx": [7]}
        )

    return invented


def test_withheld_labels_are_refused():
    with datasets.testing.mock_data(as_dataset_fn=rte(-1)):
        with pytest.raises(ValueError, match=r"glue/rte: the labels of the split 'test' are withheld \(-1\)"):
            labelled_tfds("glue/rte", "test")
    with datasets.testing.mock_data(as_dataset_fn=rte(1)):
        assert read(labelled_tfds("glue/rte", "validation")) == [{"text": "a", "pair": "b", "label": "not_entailment"}]
        other = labelled_tfds("glue/rte", "validation", text="sentence2", label="idx")
        assert read(other) == [{"text": "b", "label": "7"}]


def test_withheld_scores_are_refused_too():
    def invented(*_, **__):
        columns = {"sentence1": ["a"], "sentence2": ["b"], "label": tf.constant([-1.0]), "idx": [7]}
        return tf.data.Dataset.from_tensor_slices(columns)

    with datasets.testing.mock_data(as_dataset_fn=invented), pytest.raises(ValueError, match="glue/stsb.*withheld"):
        labelled_tfds("glue/stsb", "test")


def test_a_set_without_a_supervised_pair_needs_names():
    with datasets.testing.mock_data(num_examples=2), pytest.raises(ValueError, match="columns: expected a pair"):
        labelled_tfds("super_glue/rte", "validation")
