"""Which source tokens a translator attends to for each token that it generates."""

from dataclasses import dataclass
from numbers import Integral

import numpy as np
import tensorflow as tf

from tfllm.fonts import heatmap, saved
from tfllm.tasks.user_data import one_text


@dataclass(frozen=True)
class AttentionMap:
    """weights [H, T, S] of one attention layer, H = 1 for a recurrent model; row t belongs to target token t."""

    source: list[str]  # S tokens
    target: list[str]  # T tokens
    weights: np.ndarray

    def save(self, path):
        """Write a PNG of the mean over the heads: source across, target down. Raises ImportError without matplotlib."""
        axes = heatmap(self.weights.mean(axis=0), self.source, self.target, "source", "written", "viridis", "attention")
        if len(self.weights) > 1:
            axes.set_title(f"mean of {len(self.weights)} heads", fontsize=9)
        return saved(axes.figure, path)


def attention_map(translator, source, target=None, layer=None):
    """source, target str -> AttentionMap of the attention to the source in decoder block `layer`, counted from 1.

    target: the text to explain; default: the translator's own translation. layer: default: the last.
    translator: a Translator or a Summarizer. Raises TypeError for another task, ValueError for a layer that the
    model does not have.
    """
    looks = getattr(getattr(translator, "model", None), "source_attention", None)
    if looks is None or tuple(translator.fields) != ("source", "target"):
        raise TypeError(
            f"an attention map needs a Translator or a Summarizer; got a {type(translator).__name__}: for facts see "
            "fact_map"
        )
    layer = len(looks) if layer is None else layer
    if not isinstance(layer, Integral) or not 1 <= layer <= len(looks):
        raise ValueError(f"layer must be between 1 and {len(looks)}; got {layer!r}")
    target = translator.generate(source) if target is None else target
    record = {"source": tf.constant([one_text(source, "source")]), "target": tf.constant([one_text(target, "target")])}
    inputs, targets, _ = translator.example(record)
    parts = {name: part.to_tensor() for name, part in inputs.items()}
    _, weights = translator.model(parts["source"], parts["target"])
    weights = np.array(weights[looks[layer - 1]])[0]  # [H, T, S] or [T, S]
    weights = weights.reshape(-1, *weights.shape[-2:])
    both = [getattr(translator, name, None) or translator.tokenizer for name in ("source", "target")]
    read = names(both[0], inputs["source"][0])
    written = names(both[1], targets[0], copied=read)
    return AttentionMap(read, written, weights)


def names(tokenizer, token_ids, copied=()):
    """The token of each id, readable: a space as ␣. Ids past the vocabulary are copies, V + i of copied[i]."""
    tokens = [token.decode("utf-8", "replace").replace(" ", "␣") for token in tokenizer.tokens]
    return [tokens[i] if i < len(tokens) else copied[i - len(tokens)] for i in token_ids.numpy()]
