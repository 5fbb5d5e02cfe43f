"""A GPT-2 in Hugging Face's format, made by hand from the names and shapes of its published checkpoint."""

import json

import numpy as np
from safetensors.numpy import save_file

V, P, D, N, H, F = 17, 9, 12, 2, 3, 20  # vocabulary, positions, width, blocks, heads, inner width
TEXTS = np.array([[2, 5, 11, 4, 6], [16, 8, 3, 0, 5]])
CONFIG = {
    "model_type": "gpt2", "architectures": ["GPT2LMHeadModel"], "activation_function": "gelu_new",
    "vocab_size": V, "n_positions": P, "n_ctx": P, "n_embd": D, "n_layer": N, "n_head": H, "n_inner": F,
    "resid_pdrop": 0.1, "embd_pdrop": 0.1, "attn_pdrop": 0.1, "layer_norm_epsilon": 1e-05,
    "initializer_range": 0.02, "task_specific_params": {"text-generation": {"max_length": 50}},
}  # fmt: skip


def tensors(seed=0):
    shapes = {"wte.weight": (V, D), "wpe.weight": (P, D), "ln_f.weight": (D,), "ln_f.bias": (D,)}
    for i in range(N):
        for name, shape in {
            "ln_1.weight": (D,), "ln_1.bias": (D,), "ln_2.weight": (D,), "ln_2.bias": (D,),
            "attn.c_attn.weight": (D, 3 * D), "attn.c_attn.bias": (3 * D,),
            "attn.c_proj.weight": (D, D), "attn.c_proj.bias": (D,),
            "mlp.c_fc.weight": (D, F), "mlp.c_fc.bias": (F,), "mlp.c_proj.weight": (F, D), "mlp.c_proj.bias": (D,),
        }.items():  # fmt: skip
            shapes[f"h.{i}.{name}"] = shape
    draw = np.random.default_rng(seed)
    return {f"transformer.{name}": draw.normal(0, 0.4, shape).astype("float32") for name, shape in shapes.items()}


def parameters(result):
    """The same numbers as tests/reference/gpt.py takes them."""
    p = {name.removeprefix("transformer."): np.float64(value) for name, value in result.items()}
    blocks = []
    for i in range(N):
        own = {name.removeprefix(f"h.{i}."): value for name, value in p.items() if name.startswith(f"h.{i}.")}
        kernels = np.split(own["attn.c_attn.weight"], 3, axis=1)
        biases = np.split(own["attn.c_attn.bias"], 3)
        look = dict(zip(("query", "key", "value"), zip(kernels, biases, strict=True), strict=True))
        look["output"] = own["attn.c_proj.weight"], own["attn.c_proj.bias"]
        blocks.append({
            "look": look,
            "norm_look": (own["ln_1.weight"], own["ln_1.bias"]), "norm_feed": (own["ln_2.weight"], own["ln_2.bias"]),
            "widen": (own["mlp.c_fc.weight"], own["mlp.c_fc.bias"]),
            "narrow": (own["mlp.c_proj.weight"], own["mlp.c_proj.bias"]),
        })  # fmt: skip
    head = p["lm_head.weight"] if "lm_head.weight" in p else p["wte.weight"]
    return {
        "embed": p["wte.weight"], "place": p["wpe.weight"], "blocks": blocks,
        "norm": (p["ln_f.weight"], p["ln_f.bias"]), "to_logits": head.T,
    }  # fmt: skip


def written(folder, result, config=CONFIG, shards=1):
    """The folder with config.json, and the tensors in so many files."""
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config))
    if shards == 1:
        save_file(result, folder / "model.safetensors")
        return folder
    homes = {name: f"model-{i % shards + 1:05}-of-{shards:05}.safetensors" for i, name in enumerate(result)}
    for file in set(homes.values()):
        save_file({name: value for name, value in result.items() if homes[name] == file}, folder / file)
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": homes}))
    return folder
