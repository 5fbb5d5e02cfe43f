"""Which facts an answer is based on: the attention of each hop of a memory network, or of each generated word."""

from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from tfllm.explain.attention_maps import names
from tfllm.fonts import heatmap, labels, saved, short
from tfllm.tasks.facts.fact_inputs import lines
from tfllm.tasks.facts.fact_readers import AnswerChooser
from tfllm.tasks.texts import is_one
from tfllm.tasks.user_data import one_text, texts


@dataclass(frozen=True)
class FactMap:
    """weights [H, F]: row h is the attention of `looks[h]` to each of the `facts`; str() is a table."""

    answer: str
    probability: float
    facts: list[str]
    looks: list[str]  # "hop 1", ...; or the words of the answer, then its end
    weights: np.ndarray

    def used(self, share=0.1):
        """Indices of the facts, from 0, that got at least this share of attention in some row."""
        return np.flatnonzero((self.weights >= share).any(axis=0)).tolist()

    def __str__(self):
        widths = [max(6, len(look)) for look in self.looks]
        head = "  ".join(look.rjust(width) for look, width in zip(self.looks, widths, strict=True))
        rows = [f"{self.answer} ({self.probability:.3f})", head]
        for fact, column in zip(self.facts, self.weights.T, strict=True):
            cells = (f"{value:{width}.3f}" for value, width in zip(column, widths, strict=True))
            rows.append("  ".join(cells) + f"  {fact}")
        return "\n".join(rows)

    def save(self, path):
        """Write a PNG: rows of attention across, facts down. Raises ImportError without matplotlib."""
        axes = heatmap(self.weights.T, self.looks, self.facts, "look", "fact", "viridis", "attention")
        axes.set_title(f"{short(self.answer)} ({self.probability:.3f})", **labels(9))
        return saved(axes.figure, path)


def fact_map(task, facts, question):
    """FactAnswering, facts (a text with one per line, or a list) and a question, str -> FactMap."""
    text = one_text(facts, "facts") if is_one(facts) else b"\n".join(texts(facts, "facts"))
    result = task.explained(tf.constant([text]), tf.constant([one_text(question, "question")]))
    answer = result["text"].numpy()[0].decode("utf-8", "replace")
    weights = result["attention"].numpy()[0]
    if isinstance(task.reader, AnswerChooser):
        looks = [f"hop {hop}" for hop in range(1, len(weights) + 1)]
    else:
        words = tf.concat([task.tokenizer.encode([answer])[0], [task.tokenizer.end]], axis=0)
        looks = names(task.tokenizer, words)[: len(weights)]
    fact_texts = [fact.decode("utf-8", "replace") for fact in lines(tf.constant([text]))[0].numpy()]
    return FactMap(answer, float(result["probability"].numpy()[0]), fact_texts, looks, weights[: len(looks)])
