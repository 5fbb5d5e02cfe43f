"""What the tests of layers and models share: random weights, and these as the dicts that tests/reference takes."""

import numpy as np


def normal(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def scatter(layer, seed=0):
    """Random weights everywhere, biases and normalisations too, so that none can be left out unnoticed."""
    draw = np.random.default_rng(seed)
    for weight in layer.trainable_weights:
        around = 1.0 if weight.name == "gamma" else 0.0
        weight.assign(around + draw.normal(0, 0.4, weight.shape))
    return layer


def dense(layer):
    return np.float64(layer.kernel.numpy()), np.float64(layer.bias.numpy())


def norm(layer):
    return np.float64(layer.gamma.numpy()), np.float64(layer.beta.numpy())


def attention(layer):
    parts = {"query": layer.to_query, "key": layer.to_key, "value": layer.to_value, "output": layer.to_output}
    return {name: dense(part) for name, part in parts.items()}


def block(layer):
    """An EncoderBlock or a DecoderBlock."""
    p = {"look": attention(layer.look), "norm_look": norm(layer.add_look.norm), "norm_feed": norm(layer.add_feed.norm)}
    p |= {"widen": dense(layer.feed.widen), "narrow": dense(layer.feed.narrow)}
    if hasattr(layer, "cross"):
        p |= {"cross": attention(layer.cross), "norm_cross": norm(layer.add_cross.norm)}
    return p


def transformer(model):
    tables = {name: np.float64(getattr(model, name).embeddings.numpy()) for name in ("embed_input", "embed_target")}
    p = {**tables, "encoder": [block(b) for b in model.encoder], "decoder": [block(b) for b in model.decoder]}
    if model.shared == "nothing":
        p["to_logits"] = dense(model.to_logits)
    else:
        p["to_logits"] = p["embed_target"].T, 0.0
    if model.pre_norm:
        p |= {"norm_memory": norm(model.norm_memory), "norm_output": norm(model.norm_output)}
    return p
