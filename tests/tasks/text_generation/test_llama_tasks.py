"""A Llama in tasks: LoRA, explanations and files work as with a GPT."""

import keras
import numpy as np

import tfllm
from tests.layers.parts import scatter
from tfllm import training
from tfllm.models import LlamaConfig
from tfllm.tasks import LanguageModel, LanguageModelConfig

TEXTS = ["the dog runs home .", "a cat sat on the mat .", "the red cat runs ."]
MODEL = LlamaConfig(16, 2, 16, 4, 12, num_kv_heads=2, norm_heads=True, window=5, biases="inputs", rate=0.0)


def test_adapters_explanations_and_files(eager, tmp_path):
    keras.utils.set_random_seed(0)
    lm = LanguageModel.from_text(TEXTS, LanguageModelConfig("words", model=MODEL))
    scatter(lm)
    before = lm.generate("the red cat", max_new_tokens=2, verbose=0)
    training.lora(lm, rank=2)
    assert len(lm.trainable_weights) == 2 * 2 * 2  # A and B of queries and values in two blocks
    assert lm.generate("the red cat", max_new_tokens=2, verbose=0) == before
    logits = lm.model(np.array([[2, 5, 6]])).numpy()
    lm.fit(TEXTS, epochs=1, verbose=0, recipe=training.Recipe(learning_rate=0.5))
    changed = lm.model(np.array([[2, 5, 6]])).numpy()
    assert np.abs(changed - logits).max() > 1e-3
    lm.save(tmp_path / "a.keras")
    np.testing.assert_array_equal(tfllm.load_model(tmp_path / "a.keras").model(np.array([[2, 5, 6]])), changed)
    explained = lm.explain("the red cat", method="attention", max_new_tokens=1)
    scores = np.asarray(explained.scores, float)
    assert scores.size >= 3 and np.isfinite(scores).all() and np.abs(scores).max() > 0
