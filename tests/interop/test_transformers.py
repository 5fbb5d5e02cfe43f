"""Hugging Face's GPT-2, made here and trained a little on the manual of Python, is the same model here, and back."""

import json
from pydoc_data import topics

import numpy as np
import pytest
import tensorflow as tf

from tests.layers import parts
from tfllm.generation import sample
from tfllm.interop import gpt2
from tfllm.models.gpt import GPT

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
torch.set_num_threads(1)  # many small products: more threads only wait
pytestmark = [pytest.mark.peers, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

CORPUS = np.frombuffer("\n".join(topics.topics[name] for name in sorted(topics.topics)).encode(), np.uint8)
SIZES = dict(vocab_size=256, n_positions=64, n_embd=48, n_layer=3, n_head=4, bos_token_id=None, eos_token_id=None)
WINDOWS = np.stack([CORPUS[at : at + 64] for at in range(0, 16 * 1000, 1000)]).astype("int32")
TEXTS = np.stack([CORPUS[at : at + 64] for at in range(500, 6900, 800)]).astype("int32")  # other places


def made(**options):
    torch.manual_seed(0)
    return transformers.GPT2LMHeadModel(transformers.GPT2Config(**SIZES | options)).eval()


def trained(model, steps=100):
    """It learns 16 places of the manual by heart (no dropout): each prompt from there goes on in its own way."""
    ids, optimizer = torch.tensor(WINDOWS.astype("int64")), torch.optim.AdamW(model.parameters(), 4e-3)
    for _ in range(steps):
        loss = model(input_ids=ids, labels=ids).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
    assert loss.item() < 0.5  # it began at log 256 = 5.5
    return model


@pytest.fixture(scope="module")
def peer():
    return trained(made())


@pytest.fixture(scope="module")
def folder(peer, tmp_path_factory):
    peer.save_pretrained(tmp_path_factory.mktemp("saved") / "gpt2")
    return tmp_path_factory.getbasetemp() / "saved0" / "gpt2"


def logits(model, texts=TEXTS):
    with torch.no_grad():
        return model(torch.tensor(texts.astype("int64"))).logits.numpy()


def test_the_logits_are_theirs(peer, folder):
    np.testing.assert_allclose(gpt2.load(folder)(TEXTS), logits(peer), atol=1e-4)


def test_so_are_the_attention_weights(folder):
    eager = transformers.GPT2LMHeadModel.from_pretrained(folder, attn_implementation="eager")
    with torch.no_grad():
        expected = eager(torch.tensor(TEXTS.astype("int64")), output_attentions=True).attentions
    result = gpt2.load(folder).attention(TEXTS)
    for i, weights in enumerate(expected, start=1):
        np.testing.assert_allclose(result[f"layer{i}"], weights, atol=1e-5)


def test_greedy_texts_of_fifty_prompts_are_theirs(peer, folder):
    model, length, same = gpt2.load(folder), 48, 0

    @tf.function
    def greedily(ids, given):
        return sample(model.step, model.start(10, length), ids, given, end=-1, forbidden=())[0]

    for size in (1, 5, 12, 20, 31):
        prompts = WINDOWS[:10, :size]
        expected = peer.generate(
            torch.tensor(prompts.astype("int64")), do_sample=False, max_length=length, pad_token_id=0, eos_token_id=None
        ).numpy()
        ids = np.pad(prompts, [[0, 0], [0, length - size]])
        given = np.arange(length)[None] < np.full((10, 1), size)
        np.testing.assert_array_equal(greedily(tf.constant(ids), tf.constant(given)), expected)
        same += len(prompts)
    assert same == 50 and len(np.unique(expected[:, 31:], axis=0)) > 5  # not one text for all


def test_several_files(peer, tmp_path):
    peer.save_pretrained(tmp_path / "gpt2", max_shard_size="100KB")
    assert len(list((tmp_path / "gpt2").glob("model-*.safetensors"))) > 2
    np.testing.assert_allclose(gpt2.load(tmp_path / "gpt2")(TEXTS), logits(peer), atol=1e-4)


def test_a_model_without_its_head_has_no_prefix(peer, tmp_path):
    peer.transformer.save_pretrained(tmp_path / "gpt2")
    np.testing.assert_allclose(gpt2.load(tmp_path / "gpt2")(TEXTS), logits(peer), atol=1e-4)


OPTIONS = {
    "head of its own": {"tie_word_embeddings": False},
    "exact gelu": {"activation_function": "gelu"},
    "relu, narrow": {"activation_function": "relu", "n_inner": 50},
    "fast gelu": {"activation_function": "gelu_fast"},
    "gelu of torch": {"activation_function": "gelu_pytorch_tanh"},
    "silu, another epsilon": {"activation_function": "silu", "layer_norm_epsilon": 1e-3},
    "scores in float32": {"reorder_and_upcast_attn": True},
}


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_other_configs_there_and_back(options, tmp_path):
    """Weights large enough for an activation or an epsilon to show."""
    peer = made(n_layer=2, **options)
    with torch.no_grad():
        for weight in peer.parameters():
            weight.add_(0.2 * torch.randn_like(weight))
    peer.save_pretrained(tmp_path / "theirs")
    model = gpt2.load(tmp_path / "theirs")
    np.testing.assert_allclose(model(TEXTS), logits(peer), atol=1e-4 * np.std(logits(peer)))
    gpt2.save(model, tmp_path / "ours")
    again = transformers.GPT2LMHeadModel.from_pretrained(tmp_path / "ours").eval()
    np.testing.assert_allclose(logits(again), logits(peer), atol=1e-5)


@pytest.mark.parametrize("kind", ["float16", "bfloat16"])
def test_half_precision(peer, kind, tmp_path):
    transformers.GPT2LMHeadModel(peer.config).to(getattr(torch, kind)).save_pretrained(tmp_path / "gpt2")
    again = transformers.GPT2LMHeadModel.from_pretrained(tmp_path / "gpt2", dtype=torch.float32).eval()
    np.testing.assert_allclose(gpt2.load(tmp_path / "gpt2")(TEXTS), logits(again), atol=1e-4)


@pytest.mark.parametrize("tied", [True, False])
def test_what_we_save_they_load(tied, tmp_path):
    model = parts.scatter(GPT(256, 64, 2, 24, 4, 50, tied=tied, activation="gelu_tanh"))
    gpt2.save(model, tmp_path / "gpt2", end=10)
    kind = transformers.AutoModelForCausalLM
    peer, report = kind.from_pretrained(tmp_path / "gpt2", output_loading_info=True)
    assert not any(report[name] for name in ("missing_keys", "unexpected_keys", "mismatched_keys"))
    assert type(peer).__name__ == "GPT2LMHeadModel" and peer.config.eos_token_id == 10
    expected = model(TEXTS).numpy()
    np.testing.assert_allclose(logits(peer.eval()), expected, atol=1e-4 * expected.std())


def test_the_config_has_their_names(tmp_path):
    """No key that theirs does not know, and their defaults where ours is silent."""
    gpt2.save(GPT(256, 64, 1, 24, 4), tmp_path)
    theirs = transformers.GPT2Config().to_dict()
    assert set(json.loads((tmp_path / "config.json").read_text())) <= set(theirs) | {"architectures"}
    assert gpt2.DEFAULTS == {name: theirs[name] for name in gpt2.DEFAULTS}
