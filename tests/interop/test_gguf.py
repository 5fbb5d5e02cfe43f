"""GGUF files written by the package `gguf`, with llama.cpp's names and order of rotations, are the same Llama."""

import numpy as np
import pytest

from tests.layers import parts
from tests.text.test_byte_pairs import PAIRS, VOCABULARY
from tfllm.interop import gguf as files
from tfllm.interop import llama
from tfllm.layers.rotary import rotary_speeds
from tfllm.models.llama import Llama
from tfllm.tasks import LanguageModel
from tfllm.text import BytePairs

gguf = pytest.importorskip("gguf")

V, D, N, H, G, F = len(VOCABULARY), 32, 2, 4, 2, 64
TEXTS = np.array([[2, 5, 11, 4, 6], [16, 8, 3, 0, 5]])
NAMES = {"input_layernorm": "attn_norm", "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k",
         "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output", "post_attention_layernorm": "ffn_norm",
         "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down",
         "self_attn.q_norm": "attn_q_norm", "self_attn.k_norm": "attn_k_norm"}  # fmt: skip
SCALED = dict(base=500000.0, scaling="llama3", factor=8.0)
KINDS = {
    "llama": dict(num_kv_heads=G, tied=True), "llama scaled": dict(num_kv_heads=G, **SCALED),
    "qwen2": dict(biases="inputs"), "qwen3": dict(norm_heads=True, head_width=16, num_kv_heads=1),
}  # fmt: skip


def permute(weights, heads):
    """As in llama.cpp's convert_hf_to_gguf.py, LlamaModel.permute."""
    parts = weights.reshape(heads, 2, weights.shape[0] // heads // 2, *weights.shape[1:])
    return parts.swapaxes(1, 2).reshape(weights.shape)


def write(path, kind, model, quantised=None, **changes):
    numbers, arch = model.numbers, kind.split()[0]
    writer, values = gguf.GGUFWriter(path, changes.pop("architecture", arch)), {}
    writer.add_block_count(N)
    writer.add_context_length(40)
    writer.add_embedding_length(D)
    writer.add_feed_forward_length(F)
    writer.add_head_count(H)
    writer.add_head_count_kv(numbers["num_kv_heads"] or H)
    writer.add_layer_norm_rms_eps(numbers["epsilon"])
    writer.add_rope_freq_base(numbers["base"])
    if numbers["head_width"]:
        writer.add_key_length(numbers["head_width"])
        writer.add_value_length(numbers["head_width"])
    for name, add in changes.items():
        getattr(writer, name)(add)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(VOCABULARY)
    writer.add_token_types([1] * (V - 1) + [3])
    writer.add_token_merges([" ".join(pair) for pair in PAIRS])
    writer.add_eos_token_id(V - 1)
    writer.add_chat_template("{{ messages }}")
    for name, variable in llama.layout(model).items():
        value = llama.tensor(name, variable)
        if name.startswith("model.layers."):
            _, _, number, rest = name.split(".", 3)
            part, _, suffix = rest.rpartition(".")
            if arch == "llama" and part in ("self_attn.q_proj", "self_attn.k_proj"):
                value = permute(value, H if "q_proj" in part else numbers["num_kv_heads"] or H)
            name = f"blk.{number}.{NAMES[part]}.{suffix}"
        else:
            name = {"model.embed_tokens.weight": "token_embd.weight", "model.norm.weight": "output_norm.weight",
                    "lm_head.weight": "output.weight"}[name]  # fmt: skip
        values[name] = value
    if numbers["scaling"] == "llama3":
        plain = np.array(rotary_speeds(D // H, numbers["base"]))
        values["rope_freqs.weight"] = np.float32(plain / rotary_speeds(D // H, **SCALED))
    for name, value in values.items():
        if quantised is not None and value.ndim == 2:
            writer.add_tensor(name, gguf.quantize(value, quantised), raw_dtype=quantised)
        else:
            writer.add_tensor(name, np.ascontiguousarray(value))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return values


def built(kind):
    return parts.scatter(Llama(V, 40, N, D, H, F, **KINDS[kind]))


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_model(tmp_path, kind):
    model = built(kind)
    write(tmp_path / "a.gguf", kind, model)
    again = files.load(files.read(tmp_path / "a.gguf"))
    assert again.numbers == model.numbers | {"num_kv_heads": model.numbers["num_kv_heads"] or H}
    np.testing.assert_array_equal(again(TEXTS), model(TEXTS))


def test_quantised_it_is_what_the_package_dequantises(tmp_path):
    """Widths of 32 are one block of Q8_0."""
    model, kind = built("qwen2"), gguf.GGMLQuantizationType.Q8_0
    values = write(tmp_path / "a.gguf", "qwen2", model, kind)
    again = files.load(files.read(tmp_path / "a.gguf"))
    for name, variable in llama.layout(model).items():
        expected = values[files.translated(name)]
        expected = gguf.dequantize(gguf.quantize(expected, kind), kind) if expected.ndim == 2 else expected
        np.testing.assert_array_equal(llama.tensor(name, llama.layout(again)[name]), expected)
        assert np.abs(expected - llama.tensor(name, variable)).max() < 0.02


def test_a_task_with_its_tokenizer_and_back(tmp_path):
    model = built("llama")
    write(tmp_path / "a.gguf", "llama", model)
    task = LanguageModel.from_pretrained(tmp_path / "a.gguf", rate=0.1)
    expected = BytePairs(VOCABULARY, PAIRS, rules={"digits": 1})
    assert task.tokenizer.get_config() | {"name": ""} == expected.get_config() | {"name": ""}
    assert task.tokenizer.pieces(["low 12"]).to_list() == [[b"low", b" ", b"1", b"2"]]
    np.testing.assert_array_equal(task.model(TEXTS), model(TEXTS))
    task.save_pretrained(tmp_path / "folder")
    again = LanguageModel.from_pretrained(tmp_path / "folder")
    np.testing.assert_array_equal(again.model(TEXTS), model(TEXTS))
    assert again.tokenizer.get_config() | {"name": ""} == expected.get_config() | {"name": ""}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"architecture": "gemma"}, "general.architecture must be one of llama, qwen2, qwen3; got 'gemma'"),
        ({"add_rope_dimension_count": 4}, "rotates whole heads; got llama.rope.dimension_count 4"),
        ({"add_rope_scaling_type": gguf.RopeScalingType.YARN}, "scaling.type must be none or linear; got 'yarn'"),
        ({"add_expert_count": 8}, "Llama has no experts; got llama.expert_count 8"),
        ({"add_vocab_size": V, "add_block_count": 3}, "missing blk.2.attn_k.weight"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_what_llama_does_not_have(tmp_path, changes, message):
    write(tmp_path / "a.gguf", "llama", built("llama"), **changes)
    with pytest.raises(ValueError, match=message):
        files.load(files.read(tmp_path / "a.gguf"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model": "llama"}, "byte-level BPE, tokenizer.ggml.model 'gpt2'; got 'llama'"),
        ({"pre": "tekken"}, "tokenizer.ggml.pre must be one of gpt-2, .*; got 'tekken'"),
        ({"token_type": [1]}, "token_type must be 1, 3, 4 or 5 for each token"),
        ({"eos_token_id": V}, f"eos_token_id must be the id of a token; got {V}"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_other_vocabularies(changes, message):
    data = {"model": "gpt2", "pre": "gpt-2", "tokens": VOCABULARY, "merges": [], "eos_token_id": V - 1} | changes
    with pytest.raises(ValueError, match=message):
        BytePairs.from_gguf({f"tokenizer.ggml.{name}": value for name, value in data.items()})


def test_kinds_of_tokens():
    """Llama 3 begins a text with its start; user-defined tokens are found in a text, unused ones are never made."""
    data = {"model": "gpt2", "pre": "llama-bpe", "tokens": [*VOCABULARY, "<tool>", "[PAD]", "<s>"], "merges": [],
            "token_type": [1] * (V - 1) + [3, 4, 5, 3], "bos_token_id": V + 2, "eos_token_id": V - 1}  # fmt: skip
    tokenizer = BytePairs.from_gguf({f"tokenizer.ggml.{name}": value for name, value in data.items()})
    assert (tokenizer.start, tokenizer.end, tokenizer.rules.added) == (V + 2, V - 1, ("<tool>",))
    assert tokenizer.encode(["low<tool>[PAD]"]).to_list()[0][:2] == [257, V]  # a token that no merge makes


def test_bytes_without_a_token_are_dropped():
    tokens = [token for token in VOCABULARY if token != "Ā"]  # the letter of the byte 0
    data = {"model": "gpt2", "pre": "gpt-2", "tokens": tokens, "merges": [" ".join(p) for p in PAIRS]}
    tokenizer = BytePairs.from_gguf({f"tokenizer.ggml.{name}": value for name, value in data.items()})
    assert tokenizer.rules.drops_bytes and tokenizer.pieces(["lo\0w", "\0"]).to_list() == [[b"lo", b"w"], []]


def test_files_that_are_not(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no such file"):
        files.read(tmp_path / "a.gguf")
    (tmp_path / "a.gguf").write_bytes(b"GGUF" + bytes(40))
    with pytest.raises(ValueError, match=r"a.gguf: expected a GGUF file"):
        files.read(tmp_path / "a.gguf")
