"""A Transformer or a GPT as a model of CTranslate2 (github.com/OpenNMT/CTranslate2), a fast engine for CPUs: float32.

Weights are assigned by name. A token that is never generated has a bias of NEVER before the softmax.
"""

from pathlib import Path

import keras
import numpy as np

from tfllm.models.gpt import GPT
from tfllm.models.transformer import Transformer

ACTIVATIONS = {
    "relu": "RELU", "gelu": "GELU", "gelu_tanh": "GELUTanh", "silu": "SWISH", "swish": "SWISH", "tanh": "Tanh",
    "sigmoid": "Sigmoid",
}  # fmt: skip
NEVER = -1e4  # e^NEVER is 0, and float16 has the number


def save(model, folder, names, start, end, unknown, never=(), source_names=None, weights="float"):
    """Write model.bin, config.json and the vocabularies to the folder, which is created.

    names: the tokens [V] (str, unique); the model may have more ids, which are left out. start, end, unknown: tokens
    among them. never: ids that are never generated. source_names: the tokens of a Transformer's source.
    weights: "float", float32; or "int8", with a scale for each output.
    Raises ImportError without the package; ValueError, which names what is not supported, for other models.
    """
    check(model)
    specs = imported()
    if isinstance(model, GPT):
        spec = gpt(specs, model, len(names))
        spec.register_vocabulary(names)
    else:
        spec = transformer(specs, model, len(source_names), len(names))
        spec.register_source_vocabulary(source_names)
        spec.register_target_vocabulary(names)
        spec.config.decoder_start_token = start
    spec.config.bos_token, spec.config.eos_token, spec.config.unk_token = start, end, unknown
    spec.config.layer_norm_epsilon = model.numbers.get("epsilon", 1e-6)
    bias = spec.decoder.projection.bias
    bias = np.zeros(len(names), "float32") if isinstance(bias, str) else bias.copy()
    bias[list(never)] = NEVER
    spec.decoder.projection.bias = bias
    spec.validate()
    spec.optimize(quantization="int8" if weights == "int8" else "float32")
    Path(folder).mkdir(parents=True, exist_ok=True)
    spec.save(str(folder))


def check(model):
    """Raises ValueError for a model that CTranslate2 cannot represent."""
    if not isinstance(model, (GPT, Transformer)):
        raise ValueError(
            f"CTranslate2's format is for a Transformer or a GPT; a {type(model).__name__} is not supported"
        )
    numbers = model.numbers
    wrong = [f"positions={numbers['positions']!r}"] if numbers.get("positions", "learned") != "learned" else []
    if numbers.get("num_kv_heads") not in (None, numbers["num_heads"]):
        wrong.append(f"num_kv_heads={numbers['num_kv_heads']}")
    if numbers["activation"] not in ACTIVATIONS:
        wrong.append(f"activation={numbers['activation']!r}")
    if wrong:
        raise ValueError(f"the export to CTranslate2 does not support a {type(model).__name__} with {', '.join(wrong)}")


def imported():
    try:
        from ctranslate2 import specs
    except ImportError:
        raise ImportError("the format of CTranslate2 needs its package: pip install 'tfllm[ctranslate2]'") from None
    return specs


def gpt(specs, model, size):
    n = model.numbers
    activation = specs.Activation[ACTIVATIONS[n["activation"]]]
    spec = specs.TransformerDecoderModelSpec.from_config(n["num_layers"], n["num_heads"], True, activation)
    decoder = spec.decoder
    decoder.scale_embeddings = False
    decoder.embeddings.weight = array(model.embed.embeddings)[:size]
    decoder.position_encodings.encodings = array(model.place.table)
    norm(decoder.layer_norm, model.norm)
    softmax(decoder, None if n["tied"] else model.to_logits, size)
    for layer, block in zip(decoder.layer, model.blocks, strict=True):
        own_attention(layer.self_attention, block)
        feed(layer.ffn, block)
    return spec


def transformer(specs, model, source_size, size):
    n = model.numbers
    spec = specs.TransformerSpec.from_config(
        (len(model.encoder), len(model.decoder)), n["num_heads"], pre_norm=n["pre_norm"],
        activation=specs.Activation[ACTIVATIONS[n["activation"]]],
    )  # fmt: skip
    encoder, decoder = spec.encoder, spec.decoder
    encoder.embeddings[0].weight = array(model.embed_input.embeddings)[:source_size]
    decoder.embeddings.weight = array(model.embed_target.embeddings)[:size]
    encoder.position_encodings.encodings = array(model.place_input.table)
    decoder.position_encodings.encodings = array(model.place_target.table)
    softmax(decoder, model.to_logits if n["shared"] == "nothing" else None, size)
    if n["pre_norm"]:
        norm(encoder.layer_norm, model.norm_memory)
        norm(decoder.layer_norm, model.norm_output)
    for layer, block in zip(encoder.layer, model.encoder, strict=True):
        own_attention(layer.self_attention, block)
        feed(layer.ffn, block)
    for layer, block in zip(decoder.layer, model.decoder, strict=True):
        own_attention(layer.self_attention, block)
        linear(layer.attention.linear[0], block.cross.to_query)
        linear(layer.attention.linear[1], block.cross.to_key, block.cross.to_value)
        linear(layer.attention.linear[2], block.cross.to_output)
        norm(layer.attention.layer_norm, block.add_cross.norm)
        feed(layer.ffn, block)
    return spec


def softmax(decoder, dense, size):
    """The projection to logits of the first `size` ids. dense: its layer; None: the embeddings."""
    if dense is None:
        decoder.projection.weight = decoder.embeddings.weight
        return
    linear(decoder.projection, dense)
    decoder.projection.weight = decoder.projection.weight[:size]
    if dense.use_bias:
        decoder.projection.bias = decoder.projection.bias[:size]


def own_attention(layer, block):
    linear(layer.linear[0], block.look.to_query, block.look.to_key, block.look.to_value)
    linear(layer.linear[1], block.look.to_output)
    norm(layer.layer_norm, block.add_look.norm)


def feed(layer, block):
    linear(layer.linear_0, block.feed.widen)
    linear(layer.linear_1, block.feed.narrow)
    norm(layer.layer_norm, block.add_feed.norm)


def linear(layer, *dense):
    """One product for several Dense layers with the same input."""
    layer.weight = np.ascontiguousarray(np.concatenate([array(part.kernel) for part in dense], axis=1).T)
    if dense[0].use_bias:
        layer.bias = np.concatenate([array(part.bias) for part in dense])


def norm(layer, ours):
    layer.gamma = array(ours.gamma)
    layer.beta = array(ours.beta) if ours.center else np.zeros_like(layer.gamma)


def array(weight):
    return np.float32(keras.ops.convert_to_numpy(weight))
