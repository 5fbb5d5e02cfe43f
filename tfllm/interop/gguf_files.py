"""GGUF files of llama.cpp -> Llama: `read(path)` the metadata and tensors, `load(file)` the model.

All kinds of quantisation that the package `gguf` dequantises are read; the file is mapped, and each tensor becomes
float32 when it is assigned. Architectures: llama (also Mistral and SmolLM2), qwen2, qwen3. The vocabulary is read by
text.BytePairs.from_gguf. Not supported: experts, files in several parts, writing.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tfllm.files import understood
from tfllm.interop import huggingface, llama_files
from tfllm.interop.named import same_names
from tfllm.layers.rotary import rotary_speeds
from tfllm.models.decoder_only import blank
from tfllm.models.llama import Llama

ARCHITECTURES = ("llama", "qwen2", "qwen3")
PARTS = {
    "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output", "self_attn.q_norm": "attn_q_norm", "self_attn.k_norm": "attn_k_norm",
    "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down", "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
}  # fmt: skip
NAMES = {"model.embed_tokens.weight": "token_embd.weight", "model.norm.weight": "output_norm.weight",
         "lm_head.weight": "output.weight"}  # fmt: skip
FREQUENCIES = "rope_freqs.weight"  # Llama 3's divisors of the rotary speeds
LLAMA3 = {"slow": 1.0, "fast": 4.0, "trained_length": 8192}  # what all models with such divisors have


class File(NamedTuple):
    """metadata: {key: value}; tensors: {name: the package's ReaderTensor}, mapped from the file."""

    path: Path
    metadata: dict[str, Any]
    tensors: dict[str, Any]


def read(path) -> File:
    """Raises ImportError without gguf, FileNotFoundError without the file, ValueError if it is not a GGUF file."""
    try:
        import gguf
    except ImportError:
        raise ImportError("GGUF files need gguf: pip install 'tfllm[gguf]'") from None
    path = Path(path).expanduser()
    if not path.is_file():
        raise FileNotFoundError(f"{path}: there is no such file")
    with understood(path, "a GGUF file"):
        reader = gguf.GGUFReader(path)
        metadata = {name: field.contents() for name, field in reader.fields.items()}
        return File(path, metadata, {tensor.name: tensor for tensor in reader.tensors})


def load(file: File, rate=None, **options) -> Llama:
    """The Llama in a file. `options` go to Llama, such as dtype="bfloat16"; rate: dropout probability, by default 0.

    Raises ValueError for another architecture, for options that Llama does not have, and for tensors that are missing,
    unexpected or of another shape.
    """
    path, tensors = file.path, dict(file.tensors)
    with understood(path, "the metadata of a Llama"):
        numbers = arguments(file, rate)
    size = sum(int(tensor.n_elements) for tensor in tensors.values())
    huggingface.check_size(path, size, max_length=0, **{name: numbers[name] for name in llama_files.SIZES})
    tensors.pop(FREQUENCIES, None)
    with blank():
        model = Llama(**numbers, **options)
    names = {name: translated(name) for name in llama_files.layout(model)}
    same_names(tensors, list(names.values()), path)
    weights = Dequantised(tensors, names, file.metadata["general.architecture"] == "llama", model)
    llama_files.fill(model, weights, path)
    return model


def translated(name):
    """A name of llama_files.layout -> the name in a GGUF file."""
    if name in NAMES:
        return NAMES[name]
    _, _, number, part = name.split(".", 3)
    part, _, kind = part.rpartition(".")
    return f"blk.{number}.{PARTS[part]}.{kind}"


class Dequantised(Mapping):
    """name of llama_files.layout -> float32 array; each is dequantised on access.

    interleaved: queries and keys are in the order of llama.cpp's rotation, pairs (2i, 2i + 1), as in architecture
    llama; here pair i is (i, i + K / 2).
    """

    def __init__(self, tensors, names, interleaved, model):
        self.tensors, self.names, self.model = tensors, names, model
        self.interleaved = ("self_attn.q_proj.", "self_attn.k_proj.") if interleaved else ()

    def __getitem__(self, name):
        import gguf

        tensor = self.tensors[self.names[name]]
        value = np.asarray(gguf.dequantize(tensor.data, tensor.tensor_type), "float32")
        if any(part in name for part in self.interleaved):
            width = self.model.blocks[0].look.width
            parts = value.reshape(-1, width // 2, 2, *value.shape[1:])
            value = np.swapaxes(parts, 1, 2).reshape(value.shape)
        return value

    def __iter__(self):
        return iter(self.names)

    def __len__(self):
        return len(self.names)


def arguments(file, rate=None):
    """Metadata of a GGUF file -> the arguments of Llama. Raises ValueError for what Llama does not have."""
    data, tensors = file.metadata, file.tensors
    kind = data.get("general.architecture")
    if kind not in ARCHITECTURES:
        raise ValueError(f"general.architecture must be one of {', '.join(ARCHITECTURES)}; got {kind!r:.60}")

    def number(name, default=None, whole=True):
        value = data.get(f"{kind}.{name}", default)
        if value is None and default is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)) or value <= 0:
            raise ValueError(
                f"{kind}.{name} must be {'a whole number' if whole else 'a number'} above 0; got {value!r:.60}"
            )
        return value if whole else float(f"{value:.7g}")  # stored as float32

    def needed(name, whole=True):
        if (value := number(name, whole=whole)) is None:
            raise ValueError(f"{kind}.{name} is missing")
        return value

    if data.get(f"{kind}.expert_count", 0):
        raise ValueError(f"Llama has no experts; got {kind}.expert_count {data[f'{kind}.expert_count']}")
    d_model, heads = needed("embedding_length"), needed("attention.head_count")
    width = number("attention.key_length")
    if number("attention.value_length", width or 1) != (width or 1) and width is not None:
        raise ValueError(f"{kind}.attention.value_length must equal key_length")
    if number("rope.dimension_count", width or d_model // heads) != (width or d_model // heads):
        raise ValueError(
            f"Llama rotates whole heads; got {kind}.rope.dimension_count {data[f'{kind}.rope.dimension_count']}"
        )
    if "token_embd.weight" not in tensors:
        raise ValueError("token_embd.weight is missing")
    biased = {part for part in ("attn_q", "attn_output") if f"blk.0.{part}.bias" in tensors}
    base = number("rope.freq_base", 10000.0, whole=False)
    return {
        "vocab_size": int(tensors["token_embd.weight"].shape[1]), "max_length": needed("context_length"),
        "num_layers": needed("block_count"), "d_model": d_model, "num_heads": heads,
        "dff": needed("feed_forward_length"), "num_kv_heads": number("attention.head_count_kv", heads),
        "head_width": width, "rate": rate or 0.0, "tied": "output.weight" not in tensors,
        "epsilon": needed("attention.layer_norm_rms_epsilon", whole=False),
        "biases": "all" if "attn_output" in biased else "inputs" if biased else "none",
        "norm_heads": "blk.0.attn_q_norm.weight" in tensors, "window": number("attention.sliding_window"),
        "base": base, **scaling(file, kind, width or d_model // heads, base),
    }  # fmt: skip


def scaling(file, kind, width, base):
    """The scaling of the rotary positions. Llama 3's is stored as divisors, of which only the largest is a number."""
    data, name = file.metadata, f"{kind}.rope.scaling."
    if (type_ := data.get(f"{name}type", "none")) not in ("none", "linear"):
        raise ValueError(f"{name}type must be none or linear; got {type_!r:.60}")
    if FREQUENCIES in file.tensors:
        divisors = np.asarray(file.tensors[FREQUENCIES].data, "float64").ravel()
        result = {"scaling": "llama3", "factor": float(divisors.max()), **LLAMA3}
        plain = np.array(rotary_speeds(width, base))
        ours = rotary_speeds(width, base, "llama3", result["factor"], LLAMA3["slow"], LLAMA3["fast"], 8192)
        if divisors.shape != plain.shape or not np.allclose(plain / divisors, ours, rtol=1e-4):
            raise ValueError(f"{FREQUENCIES} is not the scaling of Llama 3")
        return result
    if type_ == "linear":
        return {"scaling": "linear", "factor": float(data.get(f"{name}factor", 1.0))}
    return {"scaling": "none"}
