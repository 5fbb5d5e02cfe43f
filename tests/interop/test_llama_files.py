"""Folders of Llama and Qwen made by hand from the names and shapes of published checkpoints, against loops."""

import json

import numpy as np
import pytest
from safetensors.numpy import load_file

from tests.interop.folders import written
from tests.layers import parts
from tests.reference import llama as reference
from tfllm.interop import llama
from tfllm.models.llama import Llama

V, D, N, H, G, K, F = 17, 16, 2, 4, 2, 6, 10
TEXTS = np.array([[2, 5, 11, 4, 6], [16, 8, 3, 0, 5]])
CONFIG = {
    "model_type": "llama", "architectures": ["LlamaForCausalLM"], "vocab_size": V, "hidden_size": D, "head_dim": K,
    "intermediate_size": F, "num_hidden_layers": N, "num_attention_heads": H, "num_key_value_heads": G,
    "hidden_act": "silu", "max_position_embeddings": 40, "rms_norm_eps": 1e-5, "rope_theta": 500.0,
    "attention_bias": False, "mlp_bias": False, "pretraining_tp": 1, "tie_word_embeddings": False,
    "rope_scaling": {"factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
                     "original_max_position_embeddings": 30, "rope_type": "llama3"},
}  # fmt: skip
ROTARY = {"base": 500.0, "scaling": "llama3", "factor": 8.0, "slow": 1.0, "fast": 4.0, "length": 30}
QWEN2 = {name: value for name, value in CONFIG.items() if name not in ("head_dim", "attention_bias", "rope_scaling")}
QWEN2 |= {"model_type": "qwen2", "use_sliding_window": False, "sliding_window": 4, "max_window_layers": 1}
BIASES = {"q_proj": H * 4, "k_proj": G * 4, "v_proj": G * 4}
PARTS = {"query": "self_attn.q_proj", "key": "self_attn.k_proj", "value": "self_attn.v_proj",
         "output": "self_attn.o_proj", "gate": "mlp.gate_proj", "widen": "mlp.up_proj", "narrow": "mlp.down_proj",
         "norm_look": "input_layernorm", "norm_feed": "post_attention_layernorm"}  # fmt: skip


def tensors(width=K, biases=()):
    shapes = {"model.embed_tokens.weight": (V, D), "model.norm.weight": (D,), "lm_head.weight": (V, D)}
    for i in range(N):
        for name, shape in {
            "self_attn.q_proj": (H * width, D), "self_attn.k_proj": (G * width, D), "self_attn.v_proj": (G * width, D),
            "self_attn.o_proj": (D, H * width), "mlp.gate_proj": (F, D), "mlp.up_proj": (F, D),
            "mlp.down_proj": (D, F), "input_layernorm": (D,), "post_attention_layernorm": (D,),
        }.items():  # fmt: skip
            shapes[f"model.layers.{i}.{name}.weight"] = shape
        shapes |= {f"model.layers.{i}.self_attn.{name}.bias": (size,) for name, size in dict(biases).items()}
    draw = np.random.default_rng(0)
    return {name: draw.normal(0, 0.4, shape).astype("float32") for name, shape in shapes.items()}


def expected(result, rotary):
    """The same numbers as tests/reference/llama.py takes them."""
    blocks = []
    for i in range(N):
        own = {short: result[f"model.layers.{i}.{name}.weight"].T for short, name in PARTS.items()}
        for name in ("query", "key", "value", "output"):
            own[name] = own[name], result.get(f"model.layers.{i}.{PARTS[name]}.bias", 0.0)
        blocks.append(own)
    p = {"embed": result["model.embed_tokens.weight"], "blocks": blocks, "norm": result["model.norm.weight"]}
    p["to_logits"] = result.get("lm_head.weight", p["embed"]).T
    return np.stack([reference.llama(text, p, H, G, 1e-5, rotary)[0] for text in TEXTS])


@pytest.mark.parametrize("shards", [1, 3])
def test_the_logits_are_the_papers(tmp_path, shards):
    result = tensors()
    old = {f"model.layers.{i}.self_attn.rotary_emb.inv_freq": np.ones(3, "float32") for i in range(N)}
    model = llama.load(written(tmp_path / "a", result | old, CONFIG, shards))
    np.testing.assert_allclose(model(TEXTS), expected(result, ROTARY), atol=1e-4)
    assert (model.max_length, model.numbers["rate"], model.tied) == (40, 0.0, False)


def test_a_qwen2_with_biases_and_one_matrix(tmp_path):
    result = tensors(4, BIASES)
    del result["lm_head.weight"]
    model = llama.load(written(tmp_path / "a", result, QWEN2 | {"tie_word_embeddings": True}))
    np.testing.assert_allclose(model(TEXTS), expected(result, {"base": 500.0}), atol=1e-4)
    assert model.window is None


def test_half_precision_is_half_the_memory(tmp_path):
    result = tensors()
    whole = llama.load(written(tmp_path / "a", result, CONFIG))
    half = llama.load(tmp_path / "a", dtype="bfloat16")
    assert {weight.dtype for weight in half.weights} == {"bfloat16"}
    for big, small in zip(whole.weights, half.weights, strict=True):
        np.testing.assert_array_equal(
            np.float32(small.numpy()), big.numpy().astype(small.numpy().dtype).astype("float32")
        )
    expected = whole(TEXTS).numpy()
    assert np.std(np.float32(half(TEXTS)) - expected) < 0.05 * expected.std()


def test_newer_configs_say_the_same(tmp_path):
    new = {name: value for name, value in CONFIG.items() if not name.startswith("rope")}
    new["rope_parameters"] = CONFIG["rope_scaling"] | {"rope_theta": 500.0}
    assert llama.arguments(new) == llama.arguments(CONFIG)


def test_a_softmax_equal_to_the_embeddings(tmp_path):
    result = tensors()
    tied = CONFIG | {"tie_word_embeddings": True}
    with pytest.raises(ValueError, match="lm_head.weight differs from model.embed_tokens.weight"):
        llama.load(written(tmp_path / "a", result, tied))
    result["lm_head.weight"] = result["model.embed_tokens.weight"]
    assert llama.load(written(tmp_path / "b", result, tied)).tied


THERE = {
    "llama": dict(biases="all", head_width=4, base=77.0, scaling="linear", factor=2.0),
    "mistral": dict(window=3, activation="gelu_tanh"),
    "qwen2": dict(biases="inputs", window=7, tied=True),
    "qwen3": dict(norm_heads=True, biases="all", head_width=4),
}


@pytest.mark.parametrize("family", THERE)
def test_there_and_back(tmp_path, family):
    model = parts.scatter(Llama(V, 9, N, 24, 4, F, 2, rate=0.25, epsilon=1e-3, **THERE[family]))
    llama.save(model, tmp_path / "new" / "folder", end=5)
    again = llama.load(tmp_path / "new" / "folder")
    np.testing.assert_array_equal(again(TEXTS), model(TEXTS))
    config = json.loads((tmp_path / "new" / "folder" / "config.json").read_text())
    assert (config["model_type"], config["eos_token_id"], config["bos_token_id"]) == (family, 5, None)
    width = {"head_width": None if family == "qwen2" else model.blocks[0].look.width}
    assert again.numbers | width == model.numbers | {"head_width": model.blocks[0].look.width} | width


def test_a_file_written_is_the_file_read(tmp_path):
    result = tensors()
    llama.save(llama.load(written(tmp_path / "a", result, CONFIG)), tmp_path / "b")
    again = load_file(tmp_path / "b" / "model.safetensors")
    assert set(again) == set(result)
    for name, value in result.items():
        np.testing.assert_array_equal(again[name], value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model_type": "gemma"}, "model_type must be one of llama, mistral, qwen2, qwen3; got 'gemma'"),
        ({"mlp_bias": True}, "Llama does not support .*'mlp_bias': True"),
        ({"hidden_act": "relu6"}, "hidden_act must be one of silu, .*; got 'relu6'"),
        (
            {"rope_scaling": {"rope_type": "yarn", "factor": 2.0}},
            "rope_type must be default, linear or llama3; got 'ya",
        ),
        ({"rope_scaling": {"type": "dynamic"}}, "rope_type must be default, linear or llama3; got 'dynamic'"),
        ({"rope_scaling": {"type": "linear"}}, "factor of the rotary positions must be a number above 0; got None"),
        ({"partial_rotary_factor": 0.5}, "rotates whole heads; got partial_rotary_factor=0.5"),
        ({"quantization_config": {"bits": 4}}, "does not support .*quantization_config"),
        ({"auto_map": {"AutoModel": "mine.Model"}}, "does not support .*auto_map"),
        ({"no_rope_layers": [1, 0]}, "does not support .*no_rope_layers"),
        ({"attention_bias": "yes"}, "attention_bias must be true or false; got 'yes'"),
        ({"num_hidden_layers": 0}, "num_hidden_layers must be a whole number, at least 1; got 0"),
        ({"hidden_size": 10**6}, "which does not fit"),
        (
            QWEN2 | {"use_sliding_window": True},
            "one sliding_window for all layers; .*full_attention.*sliding_attention",
        ),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_configs_that_cannot_be_followed(change, message, tmp_path):
    config = CONFIG | change if change.get("model_type") != "qwen2" else change
    folder = written(tmp_path / "a", {"model.embed_tokens.weight": np.zeros((V, D), "float32")}, config)
    with pytest.raises(ValueError, match=message):
        llama.load(folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.pop("model.layers.1.mlp.up_proj.weight"), "missing model.layers.1.mlp.up_proj.weight; unexpected"),
        (lambda t: t.update({"score.weight": t["lm_head.weight"]}), "missing nothing; unexpected score.weight"),
        (lambda t: t.update({"model.norm.weight": np.ones(5, "float32")}), r"shape \[5\]; by the config it is \[16\]"),
    ],
    ids=["missing", "unexpected", "shape"],
)
def test_tensors_that_do_not_fit(tmp_path, change, message):
    result = tensors()
    change(result)
    with pytest.raises(ValueError, match=message):
        llama.load(written(tmp_path / "a", result, CONFIG))


def test_models_that_no_format_has(tmp_path):
    for options in (dict(biases="inputs", norm_heads=True), dict(biases="all", window=4), dict(activation="tanh")):
        with pytest.raises(ValueError, match="no format of Hugging Face's represents|cannot represent activation"):
            llama.save(Llama(V, 9, 1, 24, 4, F, **options), tmp_path / "a")
    assert not (tmp_path / "a").exists()
