"""What the tests of layers and models share: random weights, and these as the dicts that tests/reference takes."""

import numpy as np


def normal(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def scatter(layer, seed=0):
    """Random weights everywhere, biases and normalisations too, so that none can be left out unnoticed."""
    draw = np.random.default_rng(seed)
    for weight in layer.trainable_weights:
        around = 1.0 if weight.name in ("gamma", "scale") else 0.0
        weight.assign(around + draw.normal(0, 0.4, weight.shape))
    return layer


def number(weight):
    return 0.0 if weight is None else np.float64(weight.numpy())


def dense(layer):
    return number(layer.kernel), number(layer.bias)


def norm(layer):
    return number(layer.gamma), number(layer.beta)


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


def gpt(model):
    p = {"embed": number(model.embed.embeddings), "blocks": [block(b) for b in model.blocks], "norm": norm(model.norm)}
    if model.positions == "learned":
        p["place"] = number(model.place.table)
    p["to_logits"] = p["embed"].T if model.tied else number(model.to_logits.kernel)
    return p


def gated_block(layer):
    """A GatedBlock."""
    norms = [layer.norm_look, layer.norm_feed, layer.look.norm_query, layer.look.norm_key]
    p = attention(layer.look) | {part.name: number(part.scale) for part in norms if part is not None}
    return p | {part.name: number(part.kernel) for part in (layer.feed.gate, layer.feed.widen, layer.feed.narrow)}


def llama(model):
    p = {"embed": number(model.embed.embeddings), "blocks": [gated_block(block) for block in model.blocks]}
    p["to_logits"] = p["embed"].T if model.tied else number(model.to_logits.kernel)
    return p | {"norm": number(model.norm.scale)}


def bert(model, masked=None):
    """A BERT, and its MaskedTokenHead, as reference/bert.py names their weights."""
    p = {"embed": number(model.embed.embeddings), "place": number(model.place.table), "norm": norm(model.norm)}
    p |= {"segment": number(model.segment.embeddings), "blocks": [block(b) for b in model.blocks]}
    p["pooler"] = dense(model.pooler)
    if masked is not None:
        p |= {"change": dense(masked.change), "norm_head": norm(masked.norm), "bias": number(masked.bias)}
    return p


def recurrent(layer):
    """A Recurrent: W, R and b."""
    return tuple(
        np.float64(weight.numpy()) for weight in (layer.cell.kernel, layer.cell.recurrent_kernel, layer.cell.bias)
    )


def gated(layer):
    """A GatedConvolution."""
    look = np.float64(layer.look.kernel.numpy()), np.float64(layer.look.bias.numpy())
    return {"norm": norm(layer.add.norm), "look": look, "mix": dense(layer.mix)}


def convolutions(stack):
    return {"widen": dense(stack.widen), "parts": [gated(part) for part in stack.parts]}


def kernel(layer):
    return np.float64(layer.kernel.numpy())


def seq2seq(model):
    """A Seq2SeqRNN, as reference/seq2seq.py names its weights."""
    tables = {name: number(getattr(model, name).embeddings) for name in ("embed_input", "embed_target")}
    both = zip(model.encoder.forwards, model.encoder.backwards, strict=True)
    p = {**tables, "encoder": [(recurrent(ahead), recurrent(back)) for ahead, back in both]}
    decoder, attend = model.decoder, model.decoder.attention
    p["start"] = [dense(layer) for layer in decoder.to_start]
    if model.numbers["attention"] == "bahdanau":
        p["attend"] = {
            "W": kernel(attend.to_query), "U": kernel(attend.to_key), "v": kernel(attend.to_score)[:, 0],
        }  # fmt: skip
        p["layers"] = [recurrent(decoder.loop.cell), *map(recurrent, decoder.upper)]
        p["readout"] = dense(decoder.to_pairs)
    else:
        p["attend"] = {"W": kernel(attend.to_key)} if model.numbers["score"] == "general" else {}
        step = decoder.loop.cell if model.numbers["input_feeding"] else decoder
        layers = step.cells if model.numbers["input_feeding"] else [part.cell for part in step.layers]
        p["layers"] = [tuple(map(number, (c.kernel, c.recurrent_kernel, c.bias))) for c in layers]
        p["attentional"] = kernel(step.combine)
    shared = model.shared != "nothing"
    p["to_logits"] = (p["embed_target"].T, 0.0) if shared else dense(model.to_logits)
    return p
