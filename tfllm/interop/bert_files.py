"""BERT in Hugging Face's format <-> BERT and its heads: `load`, `load_with_heads`, `save`. Tokenizers are in
tfllm.text.

Supported: BertModel, BertForPreTraining, BertForMaskedLM, BertForNextSentencePrediction, and the folders of
sentence-transformers, which also define the pooling. Of models with other heads (such as a classifier) only the encoder
is loaded, with a log message. Not supported: decoders, relative positions, sentence-transformers with layers after the
pooling.
"""

import logging
import re
from typing import NamedTuple

import keras
import numpy as np

from tfllm.files import json_object, parsed, understood
from tfllm.interop import huggingface
from tfllm.interop.named import assign, listed, same_names
from tfllm.models.bert import BERT, masked_token_head, next_sentence_head

# Default values of the config, as in transformers.
DEFAULTS = {
    "vocab_size": 30522, "max_position_embeddings": 512, "hidden_size": 768, "num_hidden_layers": 12,
    "num_attention_heads": 12, "intermediate_size": 3072, "type_vocab_size": 2, "hidden_act": "gelu",
    "layer_norm_eps": 1e-12, "hidden_dropout_prob": 0.1, "attention_probs_dropout_prob": 0.1,
}  # fmt: skip
ACTIVATIONS = {
    "gelu": "gelu", "gelu_new": "gelu_tanh", "gelu_pytorch_tanh": "gelu_tanh", "gelu_fast": "gelu_tanh",
    "relu": "relu", "silu": "silu", "swish": "silu",
}  # fmt: skip
ONLY = {"position_embedding_type": "absolute", "is_decoder": False, "add_cross_attention": False}
RATES = ("hidden_dropout_prob", "attention_probs_dropout_prob")
SIZES = ("vocab_size", "max_length", "d_model", "num_layers", "num_heads", "dff")
PREFIX, DECODER = "bert.", "cls.predictions.decoder."
OTHER_HEADS = re.compile(r"(classifier|qa_outputs)\.")
# numbers 0, 1, 2, ... in some files, which are ignored
BUFFERS = re.compile(r"embeddings\.(position_ids|token_type_ids)")
OLD = {"LayerNorm.gamma": "LayerNorm.weight", "LayerNorm.beta": "LayerNorm.bias"}

log = logging.getLogger(__name__)


class Pretrained(NamedTuple):
    """The encoder, and the heads that the file has, else None."""

    encoder: BERT
    masked: keras.layers.Layer | None  # a MaskedTokenHead
    next_sentence: keras.layers.Layer | None  # a NextSentenceHead


class SentenceLayout(NamedTuple):
    """The content of a sentence-transformers folder. pooling: "first", "mean" or "max"; max_length: tokens, or None."""

    pooling: str
    normalize: bool  # whether vectors are scaled to length 1
    max_length: int | None


def load(path_or_name, rate=None, pooling=None, revision=None, **options):
    """The BERT in a folder, or of a name on the hub, without its heads. See `load_with_heads`."""
    return load_with_heads(path_or_name, rate, pooling, revision, **options).encoder


def load_with_heads(path_or_name, rate=None, pooling=None, revision=None, **options):
    """-> Pretrained. `options` go to BERT, such as dtype="mixed_bfloat16".

    rate: dropout probability; default: the config's, which must then be the same everywhere.
    pooling: of BERT; default: that of a sentence-transformers folder, else "pooler". If the file has no pooler, as
    with BertForMaskedLM, BERT gets an untrained one, with a log message.
    Raises ValueError for unsupported options in the config, and for tensors that are missing, unexpected or of another
    shape; FileNotFoundError if there is nothing to load; ImportError without safetensors or huggingface_hub.
    """
    folder = huggingface.folder(path_or_name, revision)
    if pooling is None:
        layout = sentence_layout(folder)
        pooling = layout.pooling if layout else "pooler"
    folder = _transformer(folder)
    config = huggingface.config(folder)
    with understood(folder, "the config of a BERT"):
        numbers = arguments(config, rate)
    weights = huggingface.Weights(folder)
    huggingface.check_size(folder, weights.size, **{name: numbers[name] for name in SIZES})
    encoder = BERT(**numbers, pooling=pooling, **options)
    names = _short(weights)
    masked = next_sentence = None
    if "cls.predictions.bias" in names or f"{DECODER}bias" in names:
        masked = masked_token_head(encoder)
        _untie(names, weights, folder)
    if "cls.seq_relationship.weight" in names:
        next_sentence = next_sentence_head(encoder)
    expected = encoder_layout(encoder) | heads_layout(masked, next_sentence)
    if not any(name.startswith("pooler.") for name in names):
        expected = {name: value for name, value in expected.items() if not name.startswith("pooler.")}
        if pooling == "pooler":
            log.warning("%s has no pooler: BERT's pooler is untrained. Choose another pooling=", folder)
    same_names(names, expected, folder)
    for short, variable in expected.items():
        value = weights[names[short]]
        assign([variable], value.T if _is_transposed(short) else value, names[short], folder)
    return Pretrained(encoder, masked, next_sentence)


def save(encoder, folder, masked=None, next_sentence=None, pad=0):
    """Write config.json and model.safetensors, as `AutoModel.from_pretrained` of transformers reads them.

    With both heads it is a BertForPreTraining, with one a BertForMaskedLM or BertForNextSentencePrediction, else a
    BertModel. A BertForMaskedLM has no pooler, so none is written. pad: the padding id.
    Raises ValueError for a BERT that the format cannot represent.
    """
    numbers = encoder.numbers
    activations = {ours: theirs for theirs, ours in reversed(ACTIVATIONS.items())}
    if numbers["activation"] not in activations or not numbers["num_segments"]:
        wrong = {name: numbers[name] for name in ("activation", "num_segments")}
        raise ValueError(
            f"the format cannot represent {wrong}: it supports {sorted(activations)} and at least 1 segment"
        )
    kinds = {
        (True, True): "BertForPreTraining", (True, False): "BertForMaskedLM",
        (False, True): "BertForNextSentencePrediction", (False, False): "BertModel",
    }  # fmt: skip
    kind = kinds[masked is not None, next_sentence is not None]
    config = {
        "model_type": "bert", "architectures": [kind], "pad_token_id": pad,
        "vocab_size": numbers["vocab_size"], "max_position_embeddings": numbers["max_length"],
        "hidden_size": numbers["d_model"], "num_hidden_layers": numbers["num_layers"],
        "num_attention_heads": numbers["num_heads"], "intermediate_size": numbers["dff"],
        "type_vocab_size": numbers["num_segments"], "hidden_act": activations[numbers["activation"]],
        "layer_norm_eps": numbers["epsilon"], "hidden_dropout_prob": numbers["rate"],
        "attention_probs_dropout_prob": numbers["rate"],
    }  # fmt: skip
    tensors, prefix = {}, "" if kind == "BertModel" else PREFIX
    for name, variable in encoder_layout(encoder).items():
        if kind != "BertForMaskedLM" or not name.startswith("pooler."):
            tensors[prefix + name] = _array(name, variable)
    for name, variable in heads_layout(masked, next_sentence).items():
        tensors[name] = _array(name, variable)
    huggingface.write(folder, config, tensors)


def arguments(config, rate=None):
    """A Hugging Face config -> the arguments of BERT. Raises ValueError for unsupported options."""
    values = huggingface.values_of(config, "BERT", "bert", DEFAULTS, ONLY)
    huggingface.check_choice(values, "hidden_act", ACTIVATIONS)
    sizes = ("vocab_size", "max_position_embeddings", "hidden_size", "num_hidden_layers", "num_attention_heads")
    huggingface.check_numbers(values, (*sizes, "intermediate_size", "type_vocab_size"), RATES, "layer_norm_eps")
    rate = huggingface.check_one_rate(values, RATES, "BERT", rate)
    return {
        "vocab_size": values["vocab_size"], "max_length": values["max_position_embeddings"],
        "num_layers": values["num_hidden_layers"], "d_model": values["hidden_size"],
        "num_heads": values["num_attention_heads"], "dff": values["intermediate_size"],
        "rate": rate, "num_segments": values["type_vocab_size"],
        "activation": ACTIVATIONS[values["hidden_act"]], "epsilon": values["layer_norm_eps"],
    }  # fmt: skip


def sentence_layout(folder):
    """SentenceLayout of a sentence-transformers folder, None for others. Raises ValueError for unsupported layers."""
    modules = folder / "modules.json"
    if not modules.is_file():
        return None
    with understood(folder, "the files of sentence-transformers"):
        return _sentence_layout(folder, parsed(modules.read_bytes(), modules))


def _sentence_layout(folder, steps):
    kinds = [step["type"].rsplit(".", 1)[-1] for step in steps]
    if kinds not in (["Transformer", "Pooling"], ["Transformer", "Pooling", "Normalize"]):
        raise ValueError(f"{folder}: expected Transformer, Pooling and optionally Normalize; got {', '.join(kinds)}")
    if wrong := [step["path"] for step in steps if not re.fullmatch(r"[\w-]*", step["path"])]:
        raise ValueError(f"{folder}: modules.json must name subfolders; got {wrong[0]!r:.60}")
    result = json_object(folder / steps[1]["path"] / "config.json")
    known = {"cls_token": "first", "mean_tokens": "mean", "max_tokens": "max"}
    chosen = [name.removeprefix("pooling_mode_") for name, value in result.items() if value is True]
    chosen = [name for name in chosen if name != "include_prompt"] or [result.get("pooling_mode")]
    known |= {"cls": "first", "mean": "mean", "max": "max"}
    if len(chosen) != 1 or chosen[0] not in known:
        raise ValueError(f"{folder}: pooling must be one of {', '.join(known)}; got {chosen}")
    length = folder / steps[0]["path"] / "sentence_bert_config.json"
    limit = json_object(length).get("max_seq_length") if length.is_file() else None
    if limit is not None and (type(limit) is not int or limit < 1):
        raise ValueError(f"{length}: max_seq_length must be a number of tokens, at least 1; got {limit!r:.60}")
    return SentenceLayout(known[chosen[0]], "Normalize" in kinds, limit)


def encoder_layout(encoder):
    """Name in the file -> the variable of BERT. Kernels are [out, in] in the file."""

    def norm(name, part):
        return {f"{name}.LayerNorm.weight": part.gamma, f"{name}.LayerNorm.bias": part.beta}

    variables = {
        "embeddings.word_embeddings.weight": encoder.embed.embeddings,
        "embeddings.position_embeddings.weight": encoder.place.table,
        "embeddings.token_type_embeddings.weight": encoder.segment.embeddings,
        **norm("embeddings", encoder.norm),
    }
    for i, block in enumerate(encoder.blocks):
        name, look = f"encoder.layer.{i}", block.look
        variables |= _both(f"{name}.attention.self.query", look.to_query)
        variables |= _both(f"{name}.attention.self.key", look.to_key)
        variables |= _both(f"{name}.attention.self.value", look.to_value)
        variables |= _both(f"{name}.attention.output.dense", look.to_output)
        variables |= norm(f"{name}.attention.output", block.add_look.norm)
        variables |= _both(f"{name}.intermediate.dense", block.feed.widen)
        variables |= _both(f"{name}.output.dense", block.feed.narrow) | norm(f"{name}.output", block.add_feed.norm)
    return variables | _both("pooler.dense", encoder.pooler)


def heads_layout(masked, next_sentence):
    """Name in the file -> the variable of a head; {} without heads."""
    variables = {}
    if masked is not None:
        name = "cls.predictions"
        variables |= _both(f"{name}.transform.dense", masked.change) | {f"{name}.bias": masked.bias}
        variables[f"{name}.transform.LayerNorm.weight"] = masked.norm.gamma
        variables[f"{name}.transform.LayerNorm.bias"] = masked.norm.beta
    if next_sentence is not None:
        variables |= _both("cls.seq_relationship", next_sentence.to_logits)
    return variables


def _both(name, part):
    return {f"{name}.weight": part.kernel, f"{name}.bias": part.bias}


def _is_transposed(name):
    """Whether this is the kernel of a dense layer, whose axes are the other way round there."""
    return name.endswith(".weight") and "embeddings" not in name and "LayerNorm" not in name


def _array(name, variable):
    value = np.asarray(variable.numpy(), "float32")
    return value.T if _is_transposed(name) else value


def _transformer(folder):
    """Where config.json and the weights are: sentence-transformers may put them into a folder of their own."""
    if (folder / "config.json").is_file() or not (folder / "0_Transformer").is_dir():
        return folder
    return folder / "0_Transformer"


def _short(weights):
    """Name without "bert." and as it is written today -> name in the file; other heads are left aside."""
    prefix = PREFIX if any(name.startswith(PREFIX) for name in weights) else ""
    names = {}
    for name in weights:
        short = name.removeprefix(prefix)
        for old, new in OLD.items():
            short = short.replace(old, new)
        names[short] = name
    if others := sorted(name for name in names if OTHER_HEADS.match(name)):
        log.info("of a model with another head the encoder is taken, without %s", listed(others))
    return {
        short: name for short, name in names.items() if not BUFFERS.fullmatch(short) and not OTHER_HEADS.match(short)
    }


def _untie(names, weights, folder):
    """The softmax has the matrix of the embeddings and one bias, which a file may have a second time."""
    bias, again = "cls.predictions.bias", f"{DECODER}bias"
    if again in names and bias not in names:
        names[bias] = names.pop(again)
    for name, first in ((f"{DECODER}weight", "embeddings.word_embeddings.weight"), (again, bias)):
        if name in names and not np.array_equal(weights[names.pop(name)], weights[names[first]]):
            raise ValueError(f"{folder}: {name} is not {first}, as in BERT it must be")
