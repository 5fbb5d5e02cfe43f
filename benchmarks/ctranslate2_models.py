"""Writes a GPT or a Transformer of tfllm as a CTranslate2 model (github.com/OpenNMT/CTranslate2), float32.

The tokens of the written model are the ids, as strings: "0", "1", ...
"""

import numpy as np
from ctranslate2.specs import Activation, TransformerDecoderModelSpec, TransformerSpec

ACTIVATIONS = {"relu": Activation.RELU, "gelu": Activation.GELU, "gelu_tanh": Activation.GELUTanh}
SPECIAL = {"unk_token": "1", "bos_token": "2", "eos_token": "3"}


def write_gpt(model, folder):
    """A GPT with learned positions, as many key heads as heads, and tied embeddings."""
    n = model.numbers
    spec = TransformerDecoderModelSpec.from_config(n["num_layers"], n["num_heads"], True, ACTIVATIONS[n["activation"]])
    decoder = spec.decoder
    decoder.scale_embeddings = False
    decoder.embeddings.weight = decoder.projection.weight = array(model.embed.embeddings)
    decoder.position_encodings.encodings = array(model.place.table)
    norm(decoder.layer_norm, model.norm)
    for layer, block in zip(decoder.layer, model.blocks, strict=True):
        own_attention(layer.self_attention, block.look, block.add_look.norm)
        feed(layer.ffn, block)
    finish(spec, n["epsilon"], n["vocab_size"], folder)


def write_transformer(model, folder):
    """A post-norm Transformer whose source and target share the embeddings, which are the softmax matrix too."""
    n = model.numbers
    spec = TransformerSpec.from_config(
        n["num_layers"], n["num_heads"], pre_norm=False, activation=ACTIVATIONS[n["activation"]]
    )
    encoder, decoder = spec.encoder, spec.decoder
    weights = array(model.embed_target.embeddings)
    encoder.embeddings[0].weight = decoder.embeddings.weight = decoder.projection.weight = weights
    encoder.position_encodings.encodings = np.float32(model.place_input.table)
    decoder.position_encodings.encodings = np.float32(model.place_target.table)
    for layer, block in zip(encoder.layer, model.encoder, strict=True):
        own_attention(layer.self_attention, block.look, block.add_look.norm)
        feed(layer.ffn, block)
    for layer, block in zip(decoder.layer, model.decoder, strict=True):
        own_attention(layer.self_attention, block.look, block.add_look.norm)
        linear(layer.attention.linear[0], block.cross.to_query)
        linear(layer.attention.linear[1], block.cross.to_key, block.cross.to_value)
        linear(layer.attention.linear[2], block.cross.to_output)
        norm(layer.attention.layer_norm, block.add_cross.norm)
        feed(layer.ffn, block)
    spec.config.decoder_start_token = "2"
    finish(spec, 1e-6, n["target_vocab_size"], folder)


def own_attention(layer, look, layer_norm):
    linear(layer.linear[0], look.to_query, look.to_key, look.to_value)
    linear(layer.linear[1], look.to_output)
    norm(layer.layer_norm, layer_norm)


def feed(layer, block):
    linear(layer.linear_0, block.feed.widen)
    linear(layer.linear_1, block.feed.narrow)
    norm(layer.layer_norm, block.add_feed.norm)


def linear(layer, *dense):
    """One product for several Dense layers with the same input."""
    layer.weight = np.ascontiguousarray(np.concatenate([array(part.kernel) for part in dense], axis=1).T)
    layer.bias = np.concatenate([array(part.bias) for part in dense])


def norm(layer, ours):
    layer.gamma, layer.beta = array(ours.gamma), array(ours.beta)


def array(weight):
    return np.float32(weight.numpy())


def finish(spec, epsilon, size, folder):
    for name, token in SPECIAL.items():
        setattr(spec.config, name, token)
    spec.config.layer_norm_epsilon = epsilon
    tokens = [str(i) for i in range(size)]
    if isinstance(spec, TransformerSpec):
        spec.register_source_vocabulary(tokens)
        spec.register_target_vocabulary(tokens)
    else:
        spec.register_vocabulary(tokens)
    spec.validate()
    folder.mkdir(parents=True, exist_ok=True)
    spec.save(str(folder))
