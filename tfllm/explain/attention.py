"""Which source tokens a translator looks at for each token that it writes."""

from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from tfllm.fonts import heatmap, saved
from tfllm.tasks.records import one


@dataclass(frozen=True)
class AttentionMap:
    """weights [H, T, S] of one attention, H = 1 of a recurrent one; row t: the look before target token t was made."""

    source: list[str]  # S tokens
    target: list[str]  # T tokens
    weights: np.ndarray

    def save(self, path):
        """The mean over the heads as a PNG: source across, target down. Raises ImportError without matplotlib."""
        axes = heatmap(self.weights.mean(axis=0), self.source, self.target, "source", "written", "viridis", "attention")
        if len(self.weights) > 1:
            axes.set_title(f"mean of {len(self.weights)} heads", fontsize=9)
        return saved(axes.figure, path)


def attention_map(translator, source, target=None, layer=None):
    """source, target str -> AttentionMap of the attention to the source in decoder block `layer`, counted from 1.

    target: the text to explain; left out, the translator's own translation. layer: left out, the last.
    Raises ValueError for a layer that the model does not have.
    """
    looks = translator.model.source_attention
    layer = len(looks) if layer is None else layer
    if not 1 <= layer <= len(looks):
        raise ValueError(f"layer must be between 1 and {len(looks)}; got {layer}")
    target = translator.generate(source) if target is None else target
    record = {"source": tf.constant([one(source, "source")]), "target": tf.constant([one(target, "target")])}
    inputs, targets, _ = translator.example(record)
    _, weights = translator.model(inputs["source"].to_tensor(), inputs["target"].to_tensor())
    weights = np.array(weights[looks[layer - 1]])[0]  # [H, T, S] or [T, S]
    weights = weights.reshape(-1, *weights.shape[-2:])
    return AttentionMap(names(translator.source, inputs["source"][0]), names(translator.target, targets[0]), weights)


def names(tokenizer, token_ids):
    """What each id stands for, to be read: a space as ␣."""
    tokens = tokenizer.tokens
    return [tokens[i].decode("utf-8", "replace").replace(" ", "␣") for i in token_ids.numpy()]
