"""GPT-2 in Hugging Face's format <-> GPT: `load(path_or_name)`, `save(model, folder)`. Tokenizers are in tfllm.text.

Reads float32, float16 and bfloat16, in one file or several, with or without "transformer." before the names; the model
computes in float32 unless another dtype is given. Not included: heads other than the language model's.
"""

import re

import numpy as np

from tfllm.files import understood
from tfllm.interop import huggingface
from tfllm.interop.named import assign, joined, same_names
from tfllm.models.decoder_only import blank
from tfllm.models.gpt import GPT

# Default values of the config, as in transformers.
DEFAULTS = {
    "vocab_size": 50257, "n_positions": 1024, "n_embd": 768, "n_layer": 12, "n_head": 12, "n_inner": None,
    "activation_function": "gelu_new", "layer_norm_epsilon": 1e-5, "tie_word_embeddings": True,
    "resid_pdrop": 0.1, "embd_pdrop": 0.1, "attn_pdrop": 0.1,
}  # fmt: skip
ACTIVATIONS = {
    "gelu_new": "gelu_tanh", "gelu_pytorch_tanh": "gelu_tanh", "gelu_fast": "gelu_tanh", "gelu": "gelu",
    "relu": "relu", "silu": "silu", "swish": "silu",
}  # fmt: skip
ONLY = {"scale_attn_weights": True, "scale_attn_by_inverse_layer_idx": False, "add_cross_attention": False}
RATES = ("resid_pdrop", "embd_pdrop", "attn_pdrop")
MASKS = re.compile(r"h\.\d+\.attn\.(masked_)?bias")  # the causal mask, a tensor in some files, which is ignored
SIZES = ("vocab_size", "max_length", "d_model", "num_layers", "num_heads", "dff")
PREFIX, HEAD = "transformer.", "lm_head.weight"


def load(path_or_name, rate=None, revision=None, **options):
    """The GPT in a folder, or of a name on the hub. `options` go to GPT, such as dtype="mixed_bfloat16".

    rate: dropout probability; default: the config's, which must then be the same everywhere.
    Raises ValueError for unsupported options in the config, and for tensors that are missing, unexpected or of another
    shape; FileNotFoundError if there is nothing to load; ImportError without safetensors or huggingface_hub.
    """
    folder = huggingface.folder(path_or_name, revision)
    config = huggingface.config(folder)
    with understood(folder, "the config of a GPT-2"):
        numbers = arguments(config, rate)
    weights = huggingface.Weights(folder)
    huggingface.check_size(folder, weights.size, **{name: numbers[name] for name in SIZES})
    with blank():
        model = GPT(**numbers, **options)
    prefix = PREFIX if f"{PREFIX}wte.weight" in weights else ""
    names = {name if name == HEAD else name.removeprefix(prefix): name for name in weights}
    names = {short: name for short, name in names.items() if not MASKS.fullmatch(short)}
    expected = layout(model)
    if model.tied and HEAD in names:
        if not np.array_equal(weights[names.pop(HEAD)], weights[names["wte.weight"]]):
            raise ValueError(f"{folder}: {HEAD} differs from wte.weight, although the config has tie_word_embeddings")
    same_names(names, expected, folder)
    for short, variables in expected.items():
        value = weights[names[short]]
        assign(variables, value.T if short == HEAD else value, names[short], folder)
    return model


def save(model, folder, start=None, end=None):
    """Write config.json and model.safetensors, as `GPT2LMHeadModel.from_pretrained` of transformers reads them.

    start, end: the ids of the start and end tokens, if any.
    Raises ValueError for a GPT that GPT-2's format cannot represent: rotary positions, shared heads, no biases.
    """
    numbers = model.numbers
    head = {"positions": "learned", "use_bias": True}
    wrong = [f"{name}={numbers[name]!r}" for name, needed in head.items() if numbers[name] != needed]
    if numbers["num_kv_heads"] not in (None, numbers["num_heads"]):
        wrong.append(f"num_kv_heads={numbers['num_kv_heads']}")
    activations = {ours: theirs for theirs, ours in reversed(ACTIVATIONS.items())}
    if numbers["activation"] not in activations:
        wrong.append(f"activation={numbers['activation']!r}")
    if wrong:
        raise ValueError(f"GPT-2's format cannot represent {', '.join(wrong)}")
    config = {
        "model_type": "gpt2", "architectures": ["GPT2LMHeadModel"],
        "vocab_size": numbers["vocab_size"], "n_positions": numbers["max_length"], "n_embd": numbers["d_model"],
        "n_layer": numbers["num_layers"], "n_head": numbers["num_heads"], "n_inner": numbers["dff"],
        "activation_function": activations[numbers["activation"]], "layer_norm_epsilon": numbers["epsilon"],
        "resid_pdrop": numbers["rate"], "embd_pdrop": numbers["rate"], "attn_pdrop": numbers["rate"],
        "tie_word_embeddings": numbers["tied"], "bos_token_id": start, "eos_token_id": end,
    }  # fmt: skip
    tensors = {}
    for short, variables in layout(model).items():
        value = joined(variables)
        tensors[short if short == HEAD else PREFIX + short] = value.T if short == HEAD else value
    huggingface.write(folder, config, tensors)


def arguments(config, rate=None):
    """A Hugging Face config of GPT-2 -> the arguments of GPT. Raises ValueError for unsupported options."""
    values = huggingface.values_of(config, "GPT", "gpt2", DEFAULTS, ONLY)
    if type(values["tie_word_embeddings"]) is not bool:
        raise ValueError(f"tie_word_embeddings must be true or false; got {values['tie_word_embeddings']!r:.60}")
    huggingface.check_choice(values, "activation_function", ACTIVATIONS)
    inner = [] if values["n_inner"] is None else ["n_inner"]
    sizes = ["vocab_size", "n_positions", "n_embd", "n_layer", "n_head", *inner]
    huggingface.check_numbers(values, sizes, RATES, "layer_norm_epsilon")
    rate = huggingface.check_one_rate(values, RATES, "GPT", rate)
    return {
        "vocab_size": values["vocab_size"], "max_length": values["n_positions"], "num_layers": values["n_layer"],
        "d_model": values["n_embd"], "num_heads": values["n_head"], "dff": values["n_inner"],
        "rate": rate, "tied": values["tie_word_embeddings"],
        "activation": ACTIVATIONS[values["activation_function"]], "epsilon": values["layer_norm_epsilon"],
    }  # fmt: skip


def layout(model):
    """Name in the file -> the variables of GPT that are concatenated there. Kernels are [in, out] in both."""

    def both(name, *parts):
        return {f"{name}.weight": [p.kernel for p in parts], f"{name}.bias": [p.bias for p in parts]}

    def norm(name, part):
        return {f"{name}.weight": [part.gamma], f"{name}.bias": [part.beta]}

    variables = {"wte.weight": [model.embed.embeddings], "wpe.weight": [model.place.table], **norm("ln_f", model.norm)}
    for i, block in enumerate(model.blocks):
        look = block.look
        variables |= norm(f"h.{i}.ln_1", block.add_look.norm) | norm(f"h.{i}.ln_2", block.add_feed.norm)
        variables |= both(f"h.{i}.attn.c_attn", look.to_query, look.to_key, look.to_value)
        variables |= both(f"h.{i}.attn.c_proj", look.to_output)
        variables |= both(f"h.{i}.mlp.c_fc", block.feed.widen) | both(f"h.{i}.mlp.c_proj", block.feed.narrow)
    return variables if model.tied else variables | {HEAD: [model.to_logits.kernel]}
