"""BERT folders made by hand from the names and shapes of published checkpoints, against loops; there and back."""

import json
import logging

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from tests.layers import parts
from tests.reference import bert as reference
from tfllm.interop import bert
from tfllm.layers import MaskedTokenHead, NextSentenceHead
from tfllm.models.bert import BERT

V, P, D, N, H, F, EPSILON = 17, 9, 12, 2, 3, 20, 1e-3  # vocabulary, positions, width, blocks, heads, inner width
TEXTS, SEGMENTS = np.array([[2, 5, 11, 4, 6], [16, 8, 3, 9, 5]]), np.array([[0, 0, 1, 1, 1], [0, 1, 1, 1, 1]])
CONFIG = {
    "model_type": "bert", "architectures": ["BertForPreTraining"], "vocab_size": V, "max_position_embeddings": P,
    "hidden_size": D, "num_hidden_layers": N, "num_attention_heads": H, "intermediate_size": F, "type_vocab_size": 2,
    "hidden_act": "gelu", "layer_norm_eps": EPSILON, "hidden_dropout_prob": 0.1, "attention_probs_dropout_prob": 0.1,
    "initializer_range": 0.02, "pad_token_id": 0, "position_embedding_type": "absolute",
}  # fmt: skip
PARTS = {  # our name of a dense layer -> theirs in encoder.layer.i
    "query": "attention.self.query", "key": "attention.self.key", "value": "attention.self.value",
    "output": "attention.output.dense", "widen": "intermediate.dense", "narrow": "output.dense",
}  # fmt: skip


def tensors(seed=0):
    """Of a BertForPreTraining; kernels are [out, in]."""
    shapes = {
        "embeddings.word_embeddings.weight": (V, D), "embeddings.position_embeddings.weight": (P, D),
        "embeddings.token_type_embeddings.weight": (2, D), "pooler.dense.weight": (D, D), "pooler.dense.bias": (D,),
    }  # fmt: skip
    norms = ["embeddings"]
    for i in range(N):
        for name, theirs in PARTS.items():
            out, into = {"widen": (F, D), "narrow": (D, F)}.get(name, (D, D))
            shapes[f"encoder.layer.{i}.{theirs}.weight"] = out, into
            shapes[f"encoder.layer.{i}.{theirs}.bias"] = (out,)
        norms += [f"encoder.layer.{i}.attention.output", f"encoder.layer.{i}.output"]
    shapes |= {f"{name}.LayerNorm.{kind}": (D,) for name in norms for kind in ("weight", "bias")}
    shapes = {f"bert.{name}": shape for name, shape in shapes.items()}
    shapes |= {
        "cls.predictions.bias": (V,), "cls.predictions.transform.dense.weight": (D, D),
        "cls.predictions.transform.dense.bias": (D,), "cls.predictions.transform.LayerNorm.weight": (D,),
        "cls.predictions.transform.LayerNorm.bias": (D,), "cls.seq_relationship.weight": (2, D),
        "cls.seq_relationship.bias": (2,),
    }  # fmt: skip
    draw = np.random.default_rng(seed)
    return {name: draw.normal(0, 0.4, shape).astype("float32") for name, shape in shapes.items()}


def parameters(result):
    """The same numbers as tests/reference/bert.py takes them."""
    p = {name.removeprefix("bert."): np.float64(value) for name, value in result.items()}

    def dense(name):
        return p[f"{name}.weight"].T, p[f"{name}.bias"]

    def norm(name):
        return p[f"{name}.LayerNorm.weight"], p[f"{name}.LayerNorm.bias"]

    blocks = []
    for i in range(N):
        own = {name: dense(f"encoder.layer.{i}.{theirs}") for name, theirs in PARTS.items()}
        around = f"encoder.layer.{i}"
        blocks.append({
            "look": {name: own[name] for name in ("query", "key", "value", "output")}, "widen": own["widen"],
            "narrow": own["narrow"], "norm_look": norm(f"{around}.attention.output"),
            "norm_feed": norm(f"{around}.output"),
        })  # fmt: skip
    return {
        "embed": p["embeddings.word_embeddings.weight"], "place": p["embeddings.position_embeddings.weight"],
        "segment": p["embeddings.token_type_embeddings.weight"], "norm": norm("embeddings"), "blocks": blocks,
        "pooler": dense("pooler.dense"), "change": dense("cls.predictions.transform.dense"),
        "norm_head": norm("cls.predictions.transform"), "bias": p["cls.predictions.bias"],
        "next": dense("cls.seq_relationship"),
    }  # fmt: skip


def written(folder, result, config=CONFIG):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config))
    save_file(result, folder / "model.safetensors")
    return folder


def assert_right(pretrained, result):
    p, x = parameters(result), pretrained.encoder(TEXTS, segment_ids=SEGMENTS)
    logits = pretrained.masked(x, embeddings=pretrained.encoder.embed.embeddings).numpy()
    follows = pretrained.next_sentence(pretrained.encoder.pool(x)).numpy()
    for b in range(len(TEXTS)):
        expected, _ = reference.bert(TEXTS[b], SEGMENTS[b], p, H, EPSILON)
        np.testing.assert_allclose(x[b], expected, atol=1e-4)
        np.testing.assert_allclose(logits[b, 2], reference.masked_token(expected[2], p, EPSILON), atol=1e-4)
        right = reference.pooled(expected, p) @ p["next"][0] + p["next"][1]
        np.testing.assert_allclose(follows[b], right, atol=1e-4)


def test_encoder_and_heads_are_the_papers(tmp_path):
    result = tensors()
    pretrained = bert.load_with_heads(written(tmp_path / "a", result))
    assert_right(pretrained, result)
    assert pretrained.encoder.numbers == {
        "vocab_size": V, "max_length": P, "num_layers": N, "d_model": D, "num_heads": H, "dff": F, "rate": 0.1,
        "num_segments": 2, "activation": "gelu", "epsilon": EPSILON, "pooling": "pooler",
    }  # fmt: skip


def test_names_of_older_files_and_what_they_carry_along(tmp_path):
    result = tensors()
    old = {
        name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"): value
        for name, value in result.items()
    }
    old["bert.embeddings.position_ids"] = np.arange(P)[None]
    old["cls.predictions.decoder.weight"] = result["bert.embeddings.word_embeddings.weight"]
    old["cls.predictions.decoder.bias"] = result["cls.predictions.bias"]
    assert_right(bert.load_with_heads(written(tmp_path / "a", old)), result)
    old["cls.predictions.decoder.weight"] = parts.normal(7, V, D)
    with pytest.raises(ValueError, match="decoder.weight is not embeddings.word_embeddings.weight"):
        bert.load(written(tmp_path / "b", old))


def test_an_encoder_alone_and_under_another_head(tmp_path, caplog):
    result = tensors()
    right = bert.load(written(tmp_path / "a", result))(TEXTS)
    alone = {name.removeprefix("bert."): value for name, value in result.items() if name.startswith("bert.")}
    pretrained = bert.load_with_heads(written(tmp_path / "b", alone))
    assert pretrained.masked is pretrained.next_sentence is None
    np.testing.assert_array_equal(pretrained.encoder(TEXTS), right)
    labels = {name: value for name, value in result.items() if name.startswith("bert.")}
    labels["classifier.weight"] = parts.normal(0, 3, D)
    with caplog.at_level(logging.INFO):
        np.testing.assert_array_equal(bert.load(written(tmp_path / "c", labels))(TEXTS), right)
    assert "without classifier.weight" in caplog.text


def test_without_a_pooler_that_is_told(tmp_path, caplog):
    bare = {name: value for name, value in tensors().items() if "pooler" not in name and "seq_rel" not in name}
    pretrained = bert.load_with_heads(written(tmp_path / "a", bare))
    assert pretrained.masked is not None and pretrained.next_sentence is None
    assert "has no pooler" in caplog.text
    caplog.clear()
    assert bert.load(tmp_path / "a", pooling="mean").pooling == "mean" and not caplog.text


@pytest.mark.parametrize(("mode", "pooling"), [("cls_token", "first"), ("mean_tokens", "mean"), ("max_tokens", "max")])
@pytest.mark.parametrize("position", ["", "0_Transformer"])
def test_folders_of_sentence_transformers(mode, pooling, position, tmp_path):
    folder = written(tmp_path / position, tensors()).parent if position else written(tmp_path, tensors())
    steps = [
        {"path": path, "type": f"sentence_transformers.models.{kind}"}
        for path, kind in ((position, "Transformer"), ("1_Pooling", "Pooling"), ("2_Normalize", "Normalize"))
    ]
    (folder / "modules.json").write_text(json.dumps(steps))
    (folder / "1_Pooling").mkdir()
    modes = {f"pooling_mode_{name}": name == mode for name in ("cls_token", "mean_tokens", "max_tokens")}
    (folder / "1_Pooling" / "config.json").write_text(json.dumps({"word_embedding_dimension": D} | modes))
    (folder / position / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": 7}))
    assert bert.load(folder).pooling == pooling
    assert bert.sentence_layout(folder) == (pooling, True, 7)
    assert bert.load(folder, pooling="pooler").pooling == "pooler"
    (folder / "1_Pooling" / "config.json").write_text(
        json.dumps({f"pooling_mode_{mode}": True, "pooling_mode_x": True})
    )
    with pytest.raises(ValueError, match="pooling must be one of"):
        bert.load(folder)
    (folder / "modules.json").write_text(json.dumps([*steps[:2], steps[2] | {"type": "models.Dense"}]))
    with pytest.raises(ValueError, match="expected Transformer, Pooling .* got Transformer, Pooling, Dense"):
        bert.load(folder)


KINDS = {
    "BertForPreTraining": (True, True), "BertForMaskedLM": (True, False),
    "BertForNextSentencePrediction": (False, True), "BertModel": (False, False),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_there_and_back(kind, tmp_path):
    encoder = parts.scatter(BERT(V, P, N, D, H, F, 0.2, activation="gelu_tanh", epsilon=1e-3))
    masked, follows = MaskedTokenHead(V, D, "gelu_tanh", 1e-3), NextSentenceHead(D)
    for seed, head in enumerate((masked, follows)):
        head.build()
        parts.scatter(head, seed + 1)
    heads = [head if wanted else None for head, wanted in zip((masked, follows), KINDS[kind], strict=True)]
    bert.save(encoder, tmp_path / "new" / "folder", *heads)
    config = json.loads((tmp_path / "new" / "folder" / "config.json").read_text())
    assert (config["architectures"], config["hidden_act"], config["layer_norm_eps"]) == ([kind], "gelu_new", 1e-3)
    again = bert.load_with_heads(tmp_path / "new" / "folder")
    assert again.encoder.numbers == encoder.numbers
    x = encoder(TEXTS, segment_ids=SEGMENTS)
    np.testing.assert_array_equal(again.encoder(TEXTS, segment_ids=SEGMENTS), x)
    assert [head is not None for head in again[1:]] == list(KINDS[kind])
    for new, old in zip(again[1:], heads, strict=True):
        if old is not None:
            assert [w.numpy().tolist() for w in new.weights] == [w.numpy().tolist() for w in old.weights]
    stored = load_file(tmp_path / "new" / "folder" / "model.safetensors")
    if kind == "BertForPreTraining":
        assert {name: value.shape for name, value in stored.items()} == {n: v.shape for n, v in tensors().items()}
    assert any("pooler" in name for name in stored) == (kind != "BertForMaskedLM")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model_type": "roberta"}, "model_type must be 'bert'; got 'roberta'"),
        ({"hidden_act": "tanh"}, "hidden_act must be one of gelu,"),
        ({"position_embedding_type": "relative_key"}, "does not support these options of the config: {'position"),
        ({"is_decoder": True}, "{'is_decoder': True}"),
        ({"hidden_dropout_prob": 0.2}, "one dropout probability, the config several"),
        ({"hidden_size": 24}, r"has shape \[.*\]; by the config it is"),
        ({"num_hidden_layers": 1}, "unexpected encoder.layer.1"),
    ],
)
def test_what_does_not_fit_is_explained(change, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        bert.load(written(tmp_path, tensors(), CONFIG | change))


def test_what_the_format_cannot_say():
    for options in ({"num_segments": 0}, {"activation": "elu"}):
        with pytest.raises(ValueError, match="the format cannot represent"):
            bert.save(BERT(V, P, N, D, H, F, **options), "nowhere")


def test_a_rate_may_be_given_and_the_defaults_are_bert_base_s(tmp_path):
    folder = written(tmp_path, tensors(), CONFIG | {"hidden_dropout_prob": 0.2})
    assert bert.load(folder, rate=0.0).numbers["rate"] == 0.0
    assert bert.arguments({"model_type": "bert"}) == dict(
        vocab_size=30522, max_length=512, num_layers=12, d_model=768, num_heads=12, dff=3072, rate=0.1, num_segments=2,
        activation="gelu", epsilon=1e-12,
    )  # fmt: skip
