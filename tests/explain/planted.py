"""Tiny classifiers in which one word, the cue, alone decides the label: `planted(model)`, made once each.

The encoder is random, but that all words have small vectors and the cue a large one; the head is fitted to the vectors
of texts with and without the cue by least squares.
"""

from functools import cache

import keras
import numpy as np

from tests.conftest import eagerly
from tests.layers.parts import scatter
from tfllm import models, tasks
from tfllm.tasks import text_inputs

FILLERS, CUE = ["red", "dog", "cat", "sat", "ran", "one", "two", "six"], "why"
TEXT, PLACE = "red dog why cat one", 2  # of the cue

MODELS = {
    "cnn": models.TextCNNConfig(8, (2,), 8),
    "rnn": models.TextRNNConfig(8, 8),
    "mean": models.MeanOfVectorsConfig(8, 8, 1),
    "lstm": models.LSTMLanguageModelConfig(8, 8),
    "big": models.BigLanguageModelConfig(8, 8, 1, "cnn", num_heads=2),
    "bert": models.BERTConfig(16, 1, 8, 2, 16, pooling="mean"),
    "gpt": models.GPTConfig(16, 1, 8, 2, 16),
}
POOLING = {"lstm": "max", "big": "mean", "gpt": "mean"}


def records(count, seed=0):
    """Texts of 5 words; half have the cue somewhere -> (texts, labels "yes" and "no")."""
    draw = np.random.default_rng(seed)
    texts = [draw.choice(FILLERS, 5).tolist() for _ in range(count)]
    for words in texts[::2]:
        words[draw.integers(5)] = CUE
    return [" ".join(words) for words in texts], ["yes", "no"] * (count // 2)


@cache
def planted(name, seed=3):
    """-> the TextClassifier, which is right about all its texts."""
    keras.utils.set_random_seed(seed)
    texts, labels = records(64)
    with eagerly():
        config = tasks.TextClassifierConfig("words", model=MODELS[name], pooling=POOLING.get(name))
        task = scatter(tasks.TextClassifier.from_text(texts, labels, config), seed)
        rows = np.random.default_rng(seed).normal(0, 0.1, task.encoder.embed.embeddings.shape)
        rows[task.tokenizer.tokens.index(CUE.encode())] *= 15
        task.encoder.embed.embeddings.assign(rows)
        inputs, _ = task.read(np.array(texts))
        x = np.array(text_inputs.vector(task.encoder, task.pool, text_inputs.dense(inputs)))  # [64, D]
        wanted = np.where(np.array(labels)[:, None] == np.array(task.labels), 3.0, -3.0)
        x1 = np.hstack([x, np.ones((64, 1))])
        w = np.linalg.solve(x1.T @ x1 + 1e-3 * np.eye(x1.shape[1]), x1.T @ wanted)
        task.head.kernel.assign(w[:-1])
        task.head.bias.assign(w[-1])
    return task
