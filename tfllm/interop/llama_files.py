"""Llama, Mistral, Qwen2 and Qwen3 in Hugging Face's format <-> Llama: `load(path_or_name)`, `save(model, folder)`.

Reads float32, float16 and bfloat16, in one file or several. Tokenizers are in tfllm.text; GGUF files in
gguf_files.py. Not supported: windows in some layers only, and what rotary_config.py does not support.
"""

import re

import numpy as np

from tfllm.files import understood
from tfllm.interop import huggingface, rotary_config
from tfllm.interop.named import assign, joined, same_names
from tfllm.models.decoder_only import blank
from tfllm.models.llama import Llama

# Default values of the config, as in transformers.
COMMON = {
    "vocab_size": 32000, "hidden_size": 4096, "intermediate_size": 11008, "num_hidden_layers": 32,
    "num_attention_heads": 32, "num_key_value_heads": None, "head_dim": None, "hidden_act": "silu",
    "max_position_embeddings": 2048, "rms_norm_eps": 1e-6, "tie_word_embeddings": False, "attention_dropout": 0.0,
    "attention_bias": False, "sliding_window": None, "use_sliding_window": None, "max_window_layers": 28,
    "layer_types": None,
}  # fmt: skip
QWEN = {"vocab_size": 151936, "intermediate_size": 22016, "num_key_value_heads": 32, "max_position_embeddings": 32768,
        "sliding_window": 4096, "use_sliding_window": False}  # fmt: skip
DEFAULTS = {
    "llama": COMMON,
    "mistral": COMMON | {"intermediate_size": 14336, "num_key_value_heads": 8, "max_position_embeddings": 131072,
                         "sliding_window": 4096},
    "qwen2": COMMON | QWEN,
    "qwen3": COMMON | QWEN | {"head_dim": 128},
}  # fmt: skip
ONLY = {"mlp_bias": False, "rope_interleaved": False, "no_rope_layers": None, "num_local_experts": None}
ACTIVATIONS = {
    "silu": "silu", "swish": "silu", "gelu": "gelu", "gelu_new": "gelu_tanh", "gelu_pytorch_tanh": "gelu_tanh",
    "relu": "relu",
}  # fmt: skip
SIZES = ("vocab_size", "d_model", "num_layers", "num_heads", "dff")
WINDOWED = "sliding_attention"
HEAD, EMBED = "lm_head.weight", "model.embed_tokens.weight"
SPEEDS = re.compile(
    r"model\.layers\.\d+\.self_attn\.rotary_emb\.inv_freq"
)  # in older files; it follows from the config


def load(path_or_name, rate=None, revision=None, **options):
    """The Llama in a folder, or of a name on the hub. `options` go to Llama, such as dtype="bfloat16".

    rate: dropout probability; default: the config's. Raises ValueError for unsupported options in the config, and for
    tensors that are missing, unexpected or of another shape; FileNotFoundError if there is nothing to load; ImportError
    without safetensors or huggingface_hub.
    """
    folder = huggingface.folder(path_or_name, revision)
    config = huggingface.config(folder)
    with understood(folder, "the config of a Llama"):
        numbers = arguments(config, rate)
    weights = huggingface.Weights(folder)
    huggingface.check_size(folder, weights.size, max_length=0, **{name: numbers[name] for name in SIZES})
    with blank():
        model = Llama(**numbers, **options)
    names, expected = {name for name in weights if not SPEEDS.fullmatch(name)}, layout(model)
    if model.tied and HEAD in names:
        names.remove(HEAD)
        if not np.array_equal(weights[HEAD], weights[EMBED]):
            raise ValueError(f"{folder}: {HEAD} differs from {EMBED}, although the config has tie_word_embeddings")
    same_names(names, expected, folder)
    fill(model, weights, folder)
    return model


def fill(model, weights, where):
    """Assign the tensors of `weights` {name of `layout`: array}, one after another."""
    for name, variable in layout(model).items():
        value = weights[name]
        assign([variable], value.T if value.ndim == 2 and name != EMBED else value, name, where)


def save(model, folder, start=None, end=None):
    """Write config.json and model.safetensors, as transformers reads them.

    start, end: the ids of the start and end tokens, if any.
    Raises ValueError for a Llama that none of the formats can represent.
    """
    numbers, family = model.numbers, family_of(model.numbers)
    window, biases = numbers["window"], numbers["biases"]
    config = {
        "model_type": family, "architectures": [f"{family.capitalize()}ForCausalLM"],
        "vocab_size": numbers["vocab_size"], "hidden_size": numbers["d_model"], "intermediate_size": numbers["dff"],
        "num_hidden_layers": numbers["num_layers"], "num_attention_heads": numbers["num_heads"],
        "num_key_value_heads": numbers["num_kv_heads"] or numbers["num_heads"],
        "head_dim": numbers["head_width"] or numbers["d_model"] // numbers["num_heads"],
        "hidden_act": activation_of(numbers), "rms_norm_eps": numbers["epsilon"],
        "max_position_embeddings": numbers["max_length"] or numbers["trained_length"],
        "tie_word_embeddings": numbers["tied"], "attention_dropout": numbers["rate"],
        "bos_token_id": start, "eos_token_id": end, **rotary_config.written(numbers),
    }  # fmt: skip
    if family in ("llama", "qwen3"):
        config["attention_bias"] = biases == "all"
    if family == "mistral":
        config["sliding_window"] = window
    elif family in ("qwen2", "qwen3"):
        config |= {"use_sliding_window": window is not None, "sliding_window": window, "max_window_layers": 0}
    huggingface.write(folder, config, {name: tensor(name, variable) for name, variable in layout(model).items()})


def tensor(name, variable):
    value = joined([variable])
    return value.T if value.ndim == 2 and name != EMBED else value


def family_of(numbers):
    """The model_type that can represent these arguments of Llama. Raises ValueError if none can."""
    biases, window = numbers["biases"], numbers["window"]
    if numbers["norm_heads"] and biases != "inputs":
        return "qwen3"
    standard = numbers["head_width"] in (None, numbers["d_model"] // numbers["num_heads"])
    if biases == "inputs" and not numbers["norm_heads"] and standard:
        return "qwen2"
    if biases == "none":
        return "llama" if window is None else "mistral"
    if biases == "all" and window is None:
        return "llama"
    wrong = {name: numbers[name] for name in ("biases", "norm_heads", "window", "head_width")}
    raise ValueError(f"no format of Hugging Face's represents a Llama with {wrong}")


def activation_of(numbers):
    names = {ours: theirs for theirs, ours in reversed(ACTIVATIONS.items())}
    if numbers["activation"] not in names:
        raise ValueError(f"Llama's format cannot represent activation={numbers['activation']!r}")
    return names[numbers["activation"]]


def arguments(config, rate=None):
    """A Hugging Face config of one of the families -> the arguments of Llama.

    Raises ValueError for unsupported options.
    """
    family = config.get("model_type")
    if family not in DEFAULTS:
        raise ValueError(f"model_type must be one of {', '.join(DEFAULTS)}; got {family!r}")
    values = huggingface.values_of(config, "Llama", family, DEFAULTS[family], ONLY)
    for name in ("tie_word_embeddings", "attention_bias"):
        if type(values[name]) is not bool:
            raise ValueError(f"{name} must be true or false; got {values[name]!r:.60}")
    huggingface.check_choice(values, "hidden_act", ACTIVATIONS)
    optional = [name for name in ("num_key_value_heads", "head_dim") if values[name] is not None]
    sizes = ["vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads",
             "max_position_embeddings", *optional]  # fmt: skip
    huggingface.check_numbers(values, sizes, ["attention_dropout"], "rms_norm_eps")
    biases = {"llama": "all", "qwen2": "inputs", "qwen3": "all", "mistral": "none"}[family]
    width = values["head_dim"]
    if family == "qwen2" and width not in (None, values["hidden_size"] // values["num_attention_heads"]):
        raise ValueError(f"a qwen2 has no head_dim of its own; got {width}")
    return {
        "vocab_size": values["vocab_size"], "max_length": values["max_position_embeddings"],
        "num_layers": values["num_hidden_layers"], "d_model": values["hidden_size"],
        "num_heads": values["num_attention_heads"], "dff": values["intermediate_size"],
        "num_kv_heads": values["num_key_value_heads"], "head_width": width,
        "rate": values["attention_dropout"] if rate is None else rate, "tied": values["tie_word_embeddings"],
        "activation": ACTIVATIONS[values["hidden_act"]], "epsilon": values["rms_norm_eps"],
        "biases": biases if family == "qwen2" or values["attention_bias"] else "none",
        "norm_heads": family == "qwen3", "window": window_of(values, family), **rotary_config.read(config),
    }  # fmt: skip


def window_of(values, family):
    """The sliding window of all layers, or None. Raises ValueError if only some layers have one."""
    size, kinds = values["sliding_window"], values["layer_types"]
    if size is not None and (type(size) is not int or size < 1):
        raise ValueError(f"sliding_window must be a whole number, at least 1; got {size!r:.60}")
    if family == "llama" or size is None or (family != "mistral" and not values["use_sliding_window"]):
        return None
    if family == "mistral":
        return size
    if kinds is None:
        first = values["max_window_layers"]
        kinds = [WINDOWED if i >= first else "full_attention" for i in range(values["num_hidden_layers"])]
    if len(set(kinds)) > 1:
        raise ValueError(f"Llama has one sliding_window for all layers; this config has {sorted(set(kinds))}")
    return size if set(kinds) == {WINDOWED} else None


def layout(model):
    """Name in the file -> the variable of Llama; kernels are [out, in] there and [in, out] here."""
    variables = {EMBED: model.embed.embeddings, "model.norm.weight": model.norm.scale}
    for i, block in enumerate(model.blocks):
        look, feed, name = block.look, block.feed, f"model.layers.{i}."
        dense = {"self_attn.q_proj": look.to_query, "self_attn.k_proj": look.to_key, "self_attn.v_proj": look.to_value,
                 "self_attn.o_proj": look.to_output, "mlp.gate_proj": feed.gate, "mlp.up_proj": feed.widen,
                 "mlp.down_proj": feed.narrow}  # fmt: skip
        norms = {"input_layernorm": block.norm_look, "post_attention_layernorm": block.norm_feed,
                 "self_attn.q_norm": look.norm_query, "self_attn.k_norm": look.norm_key}  # fmt: skip
        variables |= {f"{name}{part}.weight": layer.kernel for part, layer in dense.items()}
        variables |= {f"{name}{part}.bias": layer.bias for part, layer in dense.items() if layer.bias is not None}
        variables |= {f"{name}{part}.weight": layer.scale for part, layer in norms.items() if layer is not None}
    return variables if model.tied else variables | {HEAD: model.to_logits.kernel}
