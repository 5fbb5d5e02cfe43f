"""Classifiers in Hugging Face's format: a BERT or GPT-2 with its tokenizer, with or without a head."""

from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np

from tfllm import text
from tfllm.interop import bert, bert_classifier, gpt2, huggingface
from tfllm.models.bert import BERT


class Checkpoint(NamedTuple):
    """The content of a folder; `name` is the user's path or name. head: None if it has no classification head."""

    name: str | Path
    folder: Path
    encoder: keras.Model
    tokenizer: text.Tokenizer
    head: bert_classifier.Head | None

    def labels(self, labels, kind):
        """-> (labels, kind) of the task: the given ones, or those of the head.

        Raises ValueError if there is no head and no labels are given.
        """
        if self.head is None and labels is None and kind != "regression":
            raise ValueError(f"{self.name} has no classification head: pass the labels of a new one, labels=[...]")
        kind = kind or (self.head.kind if self.head and labels is None else "single")
        return (self.head.labels if self.head else ()) if labels is None else tuple(labels), kind

    def fill(self, task):
        """Copy the folder's head into the task, if labels and pooling are the same; returns whether it was copied."""
        same = self.head is not None and (self.head.labels, self.head.kind) == (task.labels, task.kind)
        if not same or task.pooling is not None:
            return False
        bert_classifier.fill(task.head, self.head, self.folder)
        return True


def load(path_or_name, rate=None, dtype=None):
    """-> Checkpoint of a folder or a name. rate: probability of dropout, to override the checkpoint's."""
    folder = huggingface.folder(path_or_name)
    if huggingface.config(folder)["model_type"] == "gpt2":
        encoder, kind, head = gpt2.load(folder, rate, dtype=dtype), text.BytePairs, None
    else:
        encoder, kind, head = bert.load(folder, rate, dtype=dtype), text.WordPieces, bert_classifier.head(folder)
    return Checkpoint(path_or_name, folder, encoder, kind.from_folder(folder), head)


def save(task, folder):
    """Write model, head and tokenizer; see `TextClassifier.save_pretrained`."""
    encoder, tokenizer, pooling = task.encoder, task.tokenizer, task.pooling or task.encoder.pooling
    if not isinstance(encoder, BERT) or not isinstance(tokenizer, text.WordPieces):
        kinds = f"{type(encoder).__name__} with {type(tokenizer).__name__}"
        raise ValueError(f"Hugging Face's format is for a BERT with WordPieces; this is a {kinds}")
    if pooling != "pooler":
        raise ValueError(f"Hugging Face's format needs BERT's pooler; this classifier has the pooling {pooling!r}")
    kernel, bias = (np.asarray(part, "float32") / task.temperature for part in task.head.get_weights())
    result = bert_classifier.Head(kernel, bias, task.labels, task.kind)
    bert_classifier.save(encoder, result, folder, tokenizer.pad)
    tokenizer.save_files(folder)
