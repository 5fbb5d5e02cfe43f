"""GPT-2 and BERT from keras-nlp (KerasHub) preset folders: config.json, model.weights.h5, read by keras-nlp itself.

Not included: presets by name, which keras-nlp downloads; other backbones; the tokenizer in assets/ (see tfllm.text).
"""

from pathlib import Path

import numpy as np

from tfllm.files import json_object, understood
from tfllm.interop import huggingface
from tfllm.interop.named import assign, same_names
from tfllm.limits import check_h5
from tfllm.models.bert import BERT
from tfllm.models.decoder_only import blank
from tfllm.models.gpt import GPT

SIZES = ("vocabulary_size", "max_sequence_length", "hidden_dim", "num_layers", "num_heads", "intermediate_dim",
         "num_segments")  # fmt: skip
THEIRS = {"GPT2Backbone": "gpt2", "BertBackbone": "bert"}  # our module for the same model in Hugging Face's format


def is_preset(folder):
    """Whether the folder has a config.json of keras-nlp, of any kind."""
    path = Path(folder).expanduser() / "config.json"
    return path.is_file() and "class_name" in json_object(path)


def load(folder, rate=None, **options):
    """The GPT in a folder written by `save_to_preset` of a GPT2Backbone or GPT2CausalLM; `options` go to GPT.

    rate: dropout probability; default: the preset's. Raises FileNotFoundError without config.json; ValueError if the
    preset is of another backbone.
    """
    backbone = _backbone(folder, "GPT2Backbone")
    with blank():
        model = GPT(
            backbone.vocabulary_size, backbone.max_sequence_length, backbone.num_layers, backbone.hidden_dim,
            backbone.num_heads, backbone.intermediate_dim, backbone.dropout if rate is None else rate, **options,
        )  # fmt: skip
    return _filled(model, backbone, layout(model), folder)


def load_bert(folder, rate=None, pooling="pooler", **options):
    """The BERT in a folder written by `save_to_preset` of a BertBackbone, or of a model on one; `options` go to BERT.

    rate, and errors: as in `load`. The heads of a BertMaskedLM or BertTextClassifier are ignored.
    """
    backbone = _backbone(folder, "BertBackbone")
    model = BERT(
        backbone.vocabulary_size, backbone.max_sequence_length, backbone.num_layers, backbone.hidden_dim,
        backbone.num_heads, backbone.intermediate_dim, backbone.dropout if rate is None else rate,
        backbone.num_segments, "gelu_tanh", pooling=pooling, **options,
    )  # fmt: skip
    return _filled(model, backbone, bert_layout(model), folder)


def _backbone(folder, kind):
    import keras_hub

    path = Path(folder).expanduser() / "config.json"
    if not path.is_file():
        raise FileNotFoundError(f"{folder} has no config.json; give the folder of a keras-nlp preset")
    result = json_object(path)
    if result.get("class_name") != kind:
        hint = f"; it is in Hugging Face's format: use interop.{THEIRS[kind]}.load" if "model_type" in result else ""
        raise ValueError(f"{folder}: expected a preset of {kind}, got {result.get('class_name')!r}{hint}")
    weights = path.with_name("model.weights.h5")
    if not weights.is_file():
        raise FileNotFoundError(f"{folder} has no model.weights.h5; a keras-nlp preset has one")
    with understood(weights, "weights of keras-nlp"):
        size = check_h5(weights)
    with understood(path, f"the config of a {kind}"):
        numbers = _numbers(result.get("config"))
        sizes = [numbers[name] for name in SIZES if name != "num_segments"]
        huggingface.check_size(path, size, *sizes)
        backbone = getattr(keras_hub.models, kind)(**numbers)
    with understood(weights, f"weights that fit {path}"):
        backbone.load_weights(str(weights))
    return backbone


def _numbers(config):
    """The arguments of a backbone. The rest of its config is ignored, since it may name any class of any module."""
    values = {"dropout": 0.1, **{name: config[name] for name in (*SIZES, "dropout") if name in config}}
    values["epsilon"] = 1e-5
    huggingface.check_numbers(values, [name for name in SIZES if name in values or name != "num_segments"],
                              ["dropout"], "epsilon")  # fmt: skip
    del values["epsilon"]
    return values


def _filled(model, backbone, expected, folder):
    weights = {variable.path: np.asarray(variable.numpy(), "float32") for variable in backbone.weights}
    same_names(weights, expected, folder)
    for name, variable in expected.items():
        assign([variable], np.reshape(weights[name], variable.shape), name, folder)  # heads have a separate axis
    return model


def layout(model):
    """Name in keras-nlp -> the variable of GPT."""
    return {
        "token_embedding/embeddings": model.embed.embeddings,
        "position_embedding/embeddings": model.place.table,
        **_norm("layer_norm", model.norm),
        **_blocks(model, "self_attention"),
    }


def bert_layout(model):
    """Name in keras-nlp -> the variable of BERT."""
    return {
        "token_embedding/embeddings": model.embed.embeddings,
        "position_embedding/embeddings": model.place.table,
        "segment_embedding/embeddings": model.segment.embeddings,
        **_norm("embeddings_layer_norm", model.norm),
        **_blocks(model, "self_attention_layer"),
        **_both("pooled_dense", model.pooler),
    }


def _blocks(model, attention):
    variables = {}
    for i, block in enumerate(model.blocks):
        name, look = f"transformer_layer_{i}", block.look
        heads = {"query": look.to_query, "key": look.to_key, "value": look.to_value, "attention_output": look.to_output}
        for part, layer in heads.items():
            variables |= _both(f"{name}/{attention}/{part}", layer)
        variables |= _both(f"{name}/feedforward_intermediate_dense", block.feed.widen)
        variables |= _both(f"{name}/feedforward_output_dense", block.feed.narrow)
        variables |= _norm(f"{name}/self_attention_layer_norm", block.add_look.norm)
        variables |= _norm(f"{name}/feedforward_layer_norm", block.add_feed.norm)
    return variables


def _both(name, part):
    return {f"{name}/kernel": part.kernel, f"{name}/bias": part.bias}


def _norm(name, part):
    return {f"{name}/gamma": part.gamma, f"{name}/beta": part.beta}
