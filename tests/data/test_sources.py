"""tensorflow-datasets builders by name, with invented data instead of the network."""

import pytest
import tensorflow as tf

import tfllm.data

datasets = pytest.importorskip("tensorflow_datasets")


def strings(dataset, names):
    assert dataset.element_spec == {name: tf.TensorSpec([], tf.string) for name in names}
    return list(dataset.as_numpy_iterator())


def test_ted_hrlr():
    with datasets.testing.mock_data(num_examples=7):
        raw = list(datasets.load("ted_hrlr_translate/pt_to_en", split="train").as_numpy_iterator())
        dataset = tfllm.data.tfds("ted_hrlr_translate/pt_to_en", "train")
        swapped = tfllm.data.tfds("ted_hrlr_translate/pt_to_en", "train", columns=("en", "pt"))
        assert dataset.cardinality() == 7
        result = strings(dataset, ["source", "target"])
        assert result == [{"source": r["pt"], "target": r["en"]} for r in raw]
        assert strings(swapped, ["source", "target"]) == [{"source": r["en"], "target": r["pt"]} for r in raw]


def test_class_labels_become_names():
    def invented(*_, **__):
        return tf.data.Dataset.from_tensor_slices(
            {"sentence1": ["a", "b", "c"], "label": tf.constant([1, 0, -1], tf.int64), "idx": [7, 8, 9]}
        )

    with datasets.testing.mock_data(as_dataset_fn=invented):
        columns = {"text": "sentence1", "label": "label", "number": "idx"}
        result = strings(tfllm.data.tfds("glue/rte", "test", columns), columns)
    assert [record["label"] for record in result] == [b"not_entailment", b"entailment", b""]
    assert [record["number"] for record in result] == [b"7", b"8", b"9"]


@pytest.mark.parametrize(
    "name, columns, output",
    [
        ("ted_hrlr_translat/pt_to_en", None, "no 'ted_hrlr_translat/pt_to_en'.*ted_hrlr_translate"),
        ("ted_hrlr_translate/pt_to_xx", None, "pt_to_xx"),
        ("ted_hrlr_translate/pt_to_en", ("pt", "de"), r"expected a feature 'de'; it has \[.*'pt'"),
        ("squad", ("question", "answers"), "expected a text, a class label or a number in 'answers'"),
        ("glue/rte", None, r"columns: expected a pair"),
    ],
)
def test_faults(name, columns, output):
    with datasets.testing.mock_data(), pytest.raises(ValueError, match=output):
        tfllm.data.tfds(name, "train", columns)
