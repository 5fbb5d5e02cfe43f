"""GPT-2 folders made by hand, against loops; there and back; and everything that may not fit."""

import json

import ml_dtypes
import numpy as np
import pytest
from safetensors.numpy import load_file

from tests.interop.folders import CONFIG, TEXTS, D, F, H, N, P, V, parameters, tensors, written
from tests.layers import parts
from tests.reference import gpt as reference
from tfllm.interop import gpt2
from tfllm.models.gpt import GPT


def expected(result, activation=reference.gelu_tanh):
    p = parameters(result)
    return np.stack([reference.gpt(text, p, H, 1e-5, activation=activation)[0] for text in TEXTS])


@pytest.mark.parametrize("shards", [1, 3])
def test_the_logits_are_the_papers(tmp_path, shards):
    result = tensors()
    model = gpt2.load(written(tmp_path / "a", result, shards=shards))
    np.testing.assert_allclose(model(TEXTS), expected(result), atol=1e-4)
    assert (model.max_length, model.numbers["rate"], model.tied) == (P, 0.1, True)


def test_without_the_prefix_and_with_masks_as_the_published_file_has_it(tmp_path):
    result = tensors()
    plain = {name.removeprefix("transformer."): value for name, value in result.items()}
    masks = {f"h.{i}.attn.bias": np.tri(P, dtype="float32")[None, None] for i in range(N)}
    masks |= {f"h.{i}.attn.masked_bias": np.float32([-1e4]) for i in range(N)}
    model = gpt2.load(written(tmp_path / "a", plain | masks))
    np.testing.assert_allclose(model(TEXTS), expected(result), atol=1e-4)


def test_a_softmax_of_its_own(tmp_path):
    result = tensors()
    result["lm_head.weight"] = parts.normal(7, V, D)
    with pytest.raises(ValueError, match="lm_head.weight differs from wte.weight"):
        gpt2.load(written(tmp_path / "tied", result))
    model = gpt2.load(written(tmp_path / "untied", result, CONFIG | {"tie_word_embeddings": False}))
    np.testing.assert_allclose(model(TEXTS), expected(result), atol=1e-4)
    result["lm_head.weight"] = result["transformer.wte.weight"]
    model = gpt2.load(written(tmp_path / "same", result))
    np.testing.assert_allclose(model(TEXTS), expected(result), atol=1e-4)


@pytest.mark.parametrize("kind", ["float16", ml_dtypes.bfloat16], ids=["float16", "bfloat16"])
def test_half_precision_is_read(tmp_path, kind):
    result = {name: value.astype(kind) for name, value in tensors().items()}
    model = gpt2.load(written(tmp_path / "a", result))
    assert {weight.dtype for weight in model.weights} == {"float32"}
    np.testing.assert_allclose(model(TEXTS), expected(result), atol=1e-4)


def test_the_activation_is_the_config_s(tmp_path):
    result, config = tensors(), CONFIG | {"activation_function": "relu"}
    model = gpt2.load(written(tmp_path / "a", result, config))
    np.testing.assert_allclose(model(TEXTS), expected(result, lambda z: max(z, 0.0)), atol=1e-4)


def test_what_a_config_leaves_out_is_gpt2_small_s():
    assert gpt2.arguments({"model_type": "gpt2"}) == dict(
        vocab_size=50257, max_length=1024, num_layers=12, d_model=768, num_heads=12, dff=None, rate=0.1, tied=True,
        activation="gelu_tanh", epsilon=1e-5,
    )  # fmt: skip


@pytest.mark.parametrize("tied", [True, False])
def test_there_and_back(tmp_path, tied):
    model = parts.scatter(GPT(V, P, N, D, H, F, 0.2, tied=tied, activation="gelu", epsilon=1e-3))
    gpt2.save(model, tmp_path / "new" / "folder", end=5)
    again = gpt2.load(tmp_path / "new" / "folder")
    assert again.numbers == model.numbers | {"num_kv_heads": None}
    np.testing.assert_array_equal(again(TEXTS), model(TEXTS))
    config = json.loads((tmp_path / "new" / "folder" / "config.json").read_text())
    assert (config["eos_token_id"], config["bos_token_id"], config["n_inner"]) == (5, None, F)
    result = load_file(tmp_path / "new" / "folder" / "model.safetensors")
    names = set(tensors()) | (set() if tied else {"lm_head.weight"})
    assert {name: value.shape for name, value in result.items() if name in names} and set(result) == names
    assert sorted(path.name for path in (tmp_path / "new" / "folder").iterdir()) == ["config.json", "model.safetensors"]


def test_a_file_written_is_the_file_read(tmp_path):
    result = tensors()
    gpt2.save(gpt2.load(written(tmp_path / "a", result)), tmp_path / "b")
    again = load_file(tmp_path / "b" / "model.safetensors")
    assert set(again) == set(result)
    for name, value in result.items():
        np.testing.assert_array_equal(again[name], value)


def test_options_go_to_the_model(tmp_path):
    folder = written(tmp_path / "a", tensors())
    assert gpt2.load(folder, dtype="mixed_bfloat16").compute_dtype == "bfloat16"
    assert gpt2.load(folder, rate=0.3).numbers["rate"] == 0.3


WRONG = {
    "missing": (lambda t: t.pop("transformer.h.1.mlp.c_fc.bias"), "missing h.1.mlp.c_fc.bias; unexpected nothing"),
    "unexpected": (lambda t: t.update({"score.weight": t["transformer.wte.weight"]}), "unexpected score.weight"),
    "another prefix": (
        lambda t: t.update({f"model.{name}": t.pop(name) for name in list(t)}),
        "missing h.0.attn.c_attn.bias, .* and 22 more; unexpected model.transformer.h.0",
    ),
    "shape": (
        lambda t: t.update({"transformer.wpe.weight": t["transformer.wpe.weight"][:5]}),
        r"transformer.wpe.weight has shape \[5, 12\]; by the config it is \[9, 12\]",
    ),
    "turned": (
        lambda t: t.update({"transformer.h.0.mlp.c_fc.weight": t["transformer.h.0.mlp.c_proj.weight"].copy()}),
        r"h.0.mlp.c_fc.weight has shape \[20, 12\]; by the config it is \[12, 20\]",
    ),
    "whole numbers": (
        lambda t: t.update({"transformer.ln_f.bias": np.zeros(D, "int8")}),
        "transformer.ln_f.bias is stored as I8; supported are F64, F32, F16, BF16",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("change", "message"), WRONG.values(), ids=WRONG)
def test_tensors_that_do_not_fit(tmp_path, change, message):
    result = tensors()
    change(result)
    with pytest.raises(ValueError, match=message):
        gpt2.load(written(tmp_path / "a", result))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model_type": "gpt_neo"}, "model_type must be 'gpt2'; got 'gpt_neo'"),
        ({"activation_function": "tanh"}, "activation_function must be one of gelu_new, .*; got 'tanh'"),
        ({"scale_attn_by_inverse_layer_idx": True}, "does not support .*'scale_attn_by_inverse_layer_idx': True"),
        ({"scale_attn_weights": False}, "does not support .*'scale_attn_weights': False"),
        ({"add_cross_attention": True}, "does not support .*'add_cross_attention': True"),
        ({"quantization_config": {"bits": 4}}, "does not support .*quantization_config"),
        ({"auto_map": {"AutoModel": "mine.Model"}}, "does not support .*auto_map"),
        ({"attn_pdrop": 0.0}, "one dropout probability, the config several: .*'attn_pdrop': 0.0.* Set rate="),
        ({"n_head": 5}, "d_model must be a multiple of num_heads; got 12 and 5"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_configs_that_cannot_be_followed(change, message, tmp_path):
    folder = written(tmp_path / "a", {"transformer.wte.weight": np.zeros((V, D), "float32")}, CONFIG | change)
    with pytest.raises(ValueError, match=message):
        gpt2.load(folder)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"positions": "rotary"}, "cannot represent positions='rotary'"),
        ({"use_bias": False}, "cannot represent use_bias=False"),
        ({"num_kv_heads": 1}, "cannot represent num_kv_heads=1"),
        ({"activation": "tanh"}, "cannot represent activation='tanh'"),
    ],
)
def test_models_that_gpt2_is_not(options, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        gpt2.save(GPT(V, P, 1, D, H, **options), tmp_path / "a")
    assert not (tmp_path / "a").exists()
