"""The classification head of BERT in Hugging Face's format, BertForSequenceClassification: `head`, `save`."""

import tempfile
from typing import NamedTuple

import numpy as np

from tfllm.files import understood
from tfllm.interop import bert_files, huggingface
from tfllm.interop.named import assign

WEIGHT, BIAS = "classifier.weight", "classifier.bias"
PROBLEMS = {
    "single": "single_label_classification", "multi": "multi_label_classification", "regression": "regression",
}  # fmt: skip


class Head(NamedTuple):
    """kernel [D, C], bias [C], the names of the C labels (none for a regression), "single", "multi" or "regression"."""

    kernel: np.ndarray
    bias: np.ndarray
    labels: tuple[str, ...]
    kind: str


def head(folder):
    """The Head in a folder; None if it has none. Raises ValueError if config and weights differ."""
    config, weights = huggingface.config(folder), huggingface.Weights(folder)
    if WEIGHT not in weights:
        return None
    with understood(folder, "a BERT classifier"):
        return _head(weights, config, folder)


def _head(weights, config, folder):
    kernel, bias = weights[WEIGHT].T, weights[BIAS]
    count = len(bias)
    problem = config.get("problem_type") or PROBLEMS["regression" if count == 1 else "single"]  # as in transformers
    kinds = {theirs: ours for ours, theirs in PROBLEMS.items()}
    if problem not in kinds:
        raise ValueError(f"{folder}: problem_type must be one of {list(kinds)}; got {problem!r}")
    named = config.get("id2label") or {str(i): f"LABEL_{i}" for i in range(count)}
    if sorted(map(int, named)) != list(range(count)) or kernel.shape[1] != count:
        raise ValueError(f"{folder}: {WEIGHT} has {kernel.shape[1]} labels, id2label names {sorted(named)}")
    labels = () if kinds[problem] == "regression" else tuple(str(named[str(i)]) for i in range(count))
    return Head(kernel, bias, labels, kinds[problem])


def fill(layer, result, folder):
    """Load the weights of a Head into a Dense layer. Raises ValueError for another size."""
    assign([layer.kernel], result.kernel, WEIGHT, folder)
    assign([layer.bias], result.bias, BIAS, folder)


def save(encoder, result, folder, pad=0):
    """Write config.json and model.safetensors, as BertForSequenceClassification.from_pretrained reads them."""
    with tempfile.TemporaryDirectory() as temporary:
        bert_files.save(encoder, temporary, pad=pad)
        config, weights = huggingface.config(temporary), dict(huggingface.Weights(temporary))
    names = result.labels or ("LABEL_0",)
    config |= {
        "architectures": ["BertForSequenceClassification"], "problem_type": PROBLEMS[result.kind],
        "id2label": {str(i): name for i, name in enumerate(names)},
        "label2id": {name: i for i, name in enumerate(names)},
    }  # fmt: skip
    tensors = {bert_files.PREFIX + name: value for name, value in weights.items()}
    huggingface.write(folder, config, tensors | {WEIGHT: result.kernel.T, BIAS: result.bias})
