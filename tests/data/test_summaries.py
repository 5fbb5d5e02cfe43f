"""The public sets of summaries, with invented data instead of the network."""

import pytest
import tensorflow as tf

import tfllm.data

datasets = pytest.importorskip("tensorflow_datasets")
FEATURES = {
    "cnn_dailymail": ("article", "highlights"),
    "gigaword": ("document", "summary"),
    "xsum": ("document", "summary"),
    "aeslc": ("email_body", "subject_line"),
}


@pytest.mark.parametrize("name, columns", FEATURES.items())
def test_records_are_documents_and_summaries(name, columns):
    """The features are those that the builder has; white space is plain, and what is empty is left out."""

    def invented(builder, *_, **__):
        assert set(columns) <= set(builder.info.features)
        rows = {feature: ["", "", ""] for feature in builder.info.features}
        rows |= {columns[0]: ["A  b .\nC d .", "x", " \n"], columns[1]: [" One .\nTwo .", " ", "y"]}
        return tf.data.Dataset.from_tensor_slices(rows)

    with datasets.testing.mock_data(as_dataset_fn=invented):
        result = tfllm.data.summaries(name, "test")
    assert result.element_spec == {part: tf.TensorSpec([], tf.string) for part in ("source", "target")}
    assert list(result.as_numpy_iterator()) == [{"source": b"A b . C d .", "target": b"One . Two ."}]


def test_other_names_are_refused():
    with pytest.raises(ValueError, match="one of cnn_dailymail, gigaword, xsum, aeslc; got 'multi_news'"):
        tfllm.data.summaries("multi_news")
