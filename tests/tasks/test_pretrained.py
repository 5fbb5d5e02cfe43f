"""Pretrained folders: written, read, and the same text from transformers and from keras-nlp."""

import json

import keras
import numpy as np
import pytest

import tfllm
from tests.layers.parts import scatter
from tests.text.test_byte_pair_files import END, PAIRS, VOCABULARY
from tfllm.data import python_topics
from tfllm.models import GPT, LSTMLanguageModel
from tfllm.tasks import LanguageModel
from tfllm.text import BytePairs, Bytes

LINES = [line for record in python_topics("test").as_numpy_iterator() for line in record["text"].decode().split("\n")]
PROMPTS = ["The quick brown fox", "Once upon a time", *sorted({line[:30] for line in LINES if len(line) > 30})[:48]]


@pytest.fixture(scope="module")
def lm():
    keras.utils.set_random_seed(0)
    return LanguageModel(scatter(GPT(len(VOCABULARY), 64, 2, 16, 2, rate=0.0)), BytePairs(VOCABULARY, PAIRS))


@pytest.fixture(scope="module")
def folder(lm, tmp_path_factory):
    lm.save_pretrained(tmp_path_factory.mktemp("pretrained") / "gpt2")
    return tmp_path_factory.getbasetemp() / "pretrained0" / "gpt2"


@pytest.fixture(scope="module")
def output(lm):
    return lm.generate(PROMPTS, max_length=50)


def test_a_folder_there_and_back(lm, folder, output):
    again = LanguageModel.from_pretrained(folder, dtype="float32")
    assert again.tokenizer.tokens == lm.tokenizer.tokens and again.tokenizer.end == END
    assert again.length == again.model.max_length == 64
    assert again.generate(PROMPTS[:3], max_length=50) == output[:3] and len(set(output)) == len(PROMPTS)
    config = json.loads((folder / "config.json").read_text())
    assert config["bos_token_id"] == config["eos_token_id"] == END


@pytest.mark.slow
def test_a_pretrained_model_is_trained_and_saved(folder, tmp_path):
    lm = LanguageModel.from_pretrained(str(folder), rate=0.1)
    lm.compile(keras.optimizers.Adam(1e-2), run_eagerly=True)
    losses = lm.fit(["low low low"] * 4, epochs=2, batch_size=4, verbose=0).history["loss"]
    assert losses[1] < losses[0]
    lm.save(tmp_path / "it.keras")
    again = tfllm.load_model(tmp_path / "it.keras")
    assert again.score(["low"], verbose=0) == lm.score(["low"], verbose=0)


@pytest.mark.parametrize(
    "model, tokenizer, kinds",
    [(LSTMLanguageModel(262, 4, 4), BytePairs(VOCABULARY, PAIRS), "LSTMLanguageModel with BytePairs"),
     (GPT(260, 8, 1, 4, 1), Bytes(), "GPT with Bytes")],
)  # fmt: skip
def test_unsupported_models_are_refused(model, tokenizer, kinds, tmp_path):
    with pytest.raises(ValueError, match=f"is for a GPT or Llama with BytePairs; this is a {kinds}"):
        LanguageModel(model, tokenizer).save_pretrained(tmp_path / "no")
    assert not (tmp_path / "no").exists()


def test_what_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError, match="config.json"):
        LanguageModel.from_pretrained(tmp_path)
    with pytest.raises(ValueError, match="needs a tokenizer with an END token"):
        LanguageModel(GPT(262, 8, 1, 4, 1), BytePairs(VOCABULARY, PAIRS, end=None))


@pytest.mark.peers
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_transformers_gives_the_same(lm, folder, output, tmp_path):
    """The documents' samples, and lines of Python's manual: greedy, max_length=50, num_return_sequences=1."""
    torch, transformers = pytest.importorskip("torch"), pytest.importorskip("transformers")
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.GPT2LMHeadModel.from_pretrained(folder).eval()
    expected = []
    for prompt in PROMPTS:
        ids = tokenizer(prompt, return_tensors="pt")
        assert ids["input_ids"][0].tolist() == lm.prepare([prompt]).to_list()[0]
        with torch.no_grad():
            result = model.generate(**ids, max_length=50, num_return_sequences=1, do_sample=False, pad_token_id=END)
        expected.append(tokenizer.decode(result[0], skip_special_tokens=True, clean_up_tokenization_spaces=False))
    assert output == expected
    tokenizer.save_pretrained(tmp_path)
    model.save_pretrained(tmp_path)  # in their own way: tokenizer.json
    again = LanguageModel.from_pretrained(tmp_path)
    assert again.generate(PROMPTS[:5], max_length=50) == output[:5]


@pytest.mark.peers
def test_a_preset_of_keras_nlp_with_a_padded_vocabulary(tmp_path):
    hub = pytest.importorskip("keras_hub")
    pytest.importorskip("tensorflow_text")
    tokenizer = hub.models.GPT2Tokenizer({token: i for i, token in enumerate(VOCABULARY)}, [" ".join(p) for p in PAIRS])
    sizes = dict(num_layers=1, num_heads=2, hidden_dim=8, intermediate_dim=16, max_sequence_length=32)
    backbone = scatter(hub.models.GPT2Backbone(vocabulary_size=320, dropout=0.0, **sizes))
    rows = backbone.get_layer("token_embedding").embeddings
    rows.assign(np.where(np.arange(320)[:, None] < len(VOCABULARY), rows, 3 * rows.numpy()))  # it likes the others best
    causal = hub.models.GPT2CausalLM(backbone, hub.models.GPT2CausalLMPreprocessor(tokenizer, sequence_length=20))
    causal.save_to_preset(str(tmp_path / "preset"))
    lm = LanguageModel.from_pretrained(tmp_path / "preset")
    ids = np.array([tokenizer("low ## é")])
    assert lm.prepare(["low ## é"]).to_list() == ids.tolist()
    first = []
    while ids.shape[1] < 20:  # its own `generate` puts a START before the prompt
        logits = causal({"token_ids": ids, "padding_mask": np.ones_like(ids)})
        first.append(np.argmax(logits[0, -1]))
        ids = np.append(ids, np.argmax(logits[:, -1, : len(VOCABULARY)], -1)[:, None], axis=1)
    assert max(first) >= len(VOCABULARY)
    assert lm.generate("low ## é", max_length=20) == lm.tokenizer.decode(ids).numpy()[0].decode("utf-8", "replace")
