"""The report of coverage: counted by hand."""

import numpy as np
import tensorflow as tf

from tfllm.text import Subwords, Words
from tfllm.vectors import Coverage, coverage, pretrained_embedding

TABLE = {word: np.ones(2, "float32") * i for i, word in enumerate(["a", "dog", "running", "mice"])}
TOKENIZER = Words(["a", "Dog", "runs", "mouse", "bird"])
TEXTS = ["a Dog runs", "a bird sees a mouse", "", "bird runs runs"]  # "sees" is unknown


def test_by_types_and_by_tokens():
    result = coverage(TOKENIZER, TABLE, TEXTS)
    assert result.types == {"exact": 1, "case": 1, "subword": 0, "missing": 4}  # UNKNOWN, runs, mouse, bird
    assert result.running == {"exact": 3, "case": 1, "subword": 0, "missing": 7}
    assert result.share() == 1 - 4 / 6 and result.share(result.running) == 1 - 7 / 11
    assert result.missing() == [("runs", 3), ("bird", 2), ("<unk>", 1), ("mouse", 1)]
    assert result.missing(1) == [("runs", 3)]


def test_without_a_text():
    result = coverage(TOKENIZER, TABLE)
    assert result.running is None and result.missing(2) == [("<unk>", None), ("runs", None)]


def test_a_table_to_read():
    assert str(coverage(TOKENIZER, TABLE, TEXTS)) == (
        "                       types              tokens\n"
        "exact              1   16.7%           3   27.3%\n"
        "case               1   16.7%           1    9.1%\n"
        "subword            0    0.0%           0    0.0%\n"
        "missing            4   66.7%           7   63.6%\n"
        "most frequent missing: 'runs' 3, 'bird' 2, '<unk>' 1, 'mouse' 1"
    )
    assert str(coverage(TOKENIZER, TABLE)).endswith("66.7%\nmissing: '<unk>', 'runs', 'mouse', 'bird'")
    everything = Coverage(TOKENIZER, np.array([4, 0, 4, 4, 0, 0, 0, 0, 0]))
    assert str(everything).endswith("missing            0    0.0%")


def test_the_layer_has_it():
    layer = pretrained_embedding(Subwords([" run", " dog"]), TABLE)
    assert layer.coverage.types == {"exact": 2, "case": 1, "subword": 1, "missing": 255}  # bytes "a", "A"; UNKNOWN
    counted = layer.coverage.of(tf.data.Dataset.from_tensor_slices(["a dog runs"]))
    assert counted.running == {"exact": 2, "case": 0, "subword": 1, "missing": 1}  # a, dog, run; the last s
    assert layer.coverage.counts is None
