"""Small random models of Hugging Face, of each family that Llama covers, are the same models here, and back."""

import numpy as np
import pytest

from tests.layers import parts
from tfllm.interop import llama

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
torch.set_num_threads(1)
pytestmark = [pytest.mark.peers, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

SIZES = dict(vocab_size=37, hidden_size=24, intermediate_size=40, num_hidden_layers=2, num_attention_heads=4,
             num_key_value_heads=2, max_position_embeddings=64, bos_token_id=None, eos_token_id=None)  # fmt: skip
SCALED = {"rope_type": "llama3", "rope_theta": 100.0, "factor": 4.0, "low_freq_factor": 1.0, "high_freq_factor": 3.0,
          "original_max_position_embeddings": 30}  # fmt: skip
LINEAR = {"rope_type": "linear", "rope_theta": 500.0, "factor": 2.0}
FAMILIES = {
    "llama": ("Llama", dict(rope_parameters=SCALED, attention_bias=True)),
    "smollm2": ("Llama", dict(rope_parameters={"rope_type": "default", "rope_theta": 100000.0},
                              tie_word_embeddings=True)),
    "mistral": ("Mistral", dict(sliding_window=5, head_dim=8)),
    "qwen2": ("Qwen2", dict(rope_parameters=LINEAR, tie_word_embeddings=True)),
    "qwen2 with windows": ("Qwen2", dict(use_sliding_window=True, sliding_window=4, max_window_layers=0)),
    "qwen3": ("Qwen3", dict(head_dim=10, num_key_value_heads=1, rms_norm_eps=1e-3)),
}  # fmt: skip
TEXTS = np.random.default_rng(0).integers(0, 37, (2, 21))


def logits(model):
    with torch.no_grad():
        return model(torch.tensor(TEXTS)).logits.numpy()


@pytest.fixture(scope="module", params=FAMILIES)
def peer(request):
    kind, options = FAMILIES[request.param]
    torch.manual_seed(0)
    config = getattr(transformers, f"{kind}Config")(**SIZES | options)
    model = getattr(transformers, f"{kind}ForCausalLM")(config).eval()
    for name, weight in model.named_parameters():  # also biases and norms
        around = 1.0 if "norm" in name else 0.0
        torch.nn.init.normal_(weight, around, 0.3)
    return model


def test_the_logits_are_theirs_and_back(peer, tmp_path):
    peer.save_pretrained(tmp_path / "theirs", max_shard_size="20KB")
    assert len(list((tmp_path / "theirs").glob("*.safetensors"))) > 1
    model = llama.load(tmp_path / "theirs")
    np.testing.assert_allclose(model(TEXTS), logits(peer), atol=1e-4)

    parts.scatter(model, seed=1)
    llama.save(model, tmp_path / "ours")
    again = type(peer).from_pretrained(tmp_path / "ours")
    np.testing.assert_allclose(model(TEXTS), logits(again), atol=1e-4)
    given = {"num_kv_heads": peer.config.num_key_value_heads, "head_width": model.blocks[0].look.width}
    assert llama.load(tmp_path / "ours").numbers == model.numbers | given
