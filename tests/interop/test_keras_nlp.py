"""A tiny GPT-2 and a tiny BERT of keras-nlp, saved as presets, are the same models here."""

import json

import numpy as np
import pytest

from tests.interop.folders import CONFIG, tensors, written
from tests.layers import parts
from tfllm.interop import bert, gpt2, keras_nlp
from tfllm.text import WordPieces

hub = pytest.importorskip("keras_hub")
TEXTS = np.array([[2, 5, 11, 4, 6], [16, 8, 3, 0, 5]])


@pytest.fixture(scope="module")
def backbone():
    sizes = dict(num_layers=2, num_heads=3, hidden_dim=12, intermediate_dim=20, max_sequence_length=9)
    return parts.scatter(hub.models.GPT2Backbone(vocabulary_size=17, dropout=0.2, **sizes))


@pytest.fixture(scope="module")
def folder(backbone, tmp_path_factory):
    backbone.save_to_preset(str(tmp_path_factory.mktemp("presets") / "gpt2"))
    return tmp_path_factory.getbasetemp() / "presets0" / "gpt2"


@pytest.mark.peers
def test_features_and_logits_are_keras_nlp_s(backbone, folder):
    model = keras_nlp.load(folder)
    expected = backbone({"token_ids": TEXTS, "padding_mask": np.ones_like(TEXTS)})
    np.testing.assert_allclose(model.features(TEXTS)[0], expected, atol=1e-4)
    expected = backbone.token_embedding(expected, reverse=True)
    np.testing.assert_allclose(model(TEXTS), expected, atol=1e-4)
    assert (model.max_length, model.numbers["dff"], model.numbers["rate"]) == (9, 20, 0.2)


@pytest.mark.peers
def test_a_preset_of_the_whole_causal_model_too(backbone, tmp_path):
    hub.models.GPT2CausalLM(backbone).save_to_preset(str(tmp_path / "causal"))
    model = keras_nlp.load(tmp_path / "causal", rate=0.0)
    expected = backbone({"token_ids": TEXTS, "padding_mask": np.ones_like(TEXTS)})
    np.testing.assert_allclose(model.features(TEXTS)[0], expected, atol=1e-4)
    assert model.numbers["rate"] == 0.0


@pytest.mark.peers
def test_it_may_go_on_to_hugging_face(folder, tmp_path):
    model = keras_nlp.load(folder)
    gpt2.save(model, tmp_path / "gpt2")
    np.testing.assert_array_equal(gpt2.load(tmp_path / "gpt2")(TEXTS), model(TEXTS))


def test_what_is_no_preset_of_gpt2(tmp_path):
    with pytest.raises(FileNotFoundError, match="has no config.json"):
        keras_nlp.load(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({"class_name": "BertBackbone"}))
    with pytest.raises(ValueError, match="expected a preset of GPT2Backbone, got 'BertBackbone'"):
        keras_nlp.load(tmp_path)
    with pytest.raises(ValueError, match="Hugging Face's format: use interop.gpt2.load"):
        keras_nlp.load(written(tmp_path / "a", tensors(), CONFIG))


@pytest.mark.peers
def test_bert_and_its_pooler_are_keras_nlp_s(tmp_path):
    sizes = dict(num_layers=2, num_heads=3, hidden_dim=12, intermediate_dim=20, max_sequence_length=9)
    backbone = parts.scatter(hub.models.BertBackbone(vocabulary_size=17, dropout=0.2, **sizes))
    backbone.save_to_preset(str(tmp_path / "bert"))
    hub.models.BertTokenizer(vocabulary=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "dog"], lowercase=True
                             ).save_to_preset(str(tmp_path / "bert"))  # fmt: skip
    texts = np.array([[2, 5, 11, 4, 6], [16, 8, 3, 0, 0]])
    segments, real = np.array([[0, 0, 1, 1, 1], [0, 1, 1, 0, 0]]), texts > 0
    model = keras_nlp.load_bert(tmp_path / "bert")
    x = model(texts, segment_ids=segments)
    expected = backbone({"token_ids": texts, "segment_ids": segments, "padding_mask": real.astype("int32")})
    np.testing.assert_allclose(x.numpy()[real], expected["sequence_output"].numpy()[real], atol=1e-4)
    np.testing.assert_allclose(model.pool(x), expected["pooled_output"], atol=1e-4)
    assert (model.max_length, model.numbers["dff"], model.numbers["rate"]) == (9, 20, 0.2)
    bert.save(model, tmp_path / "theirs")
    np.testing.assert_array_equal(bert.load(tmp_path / "theirs")(texts), model(texts))
    tokenizer = WordPieces.from_folder(tmp_path / "bert")
    assert tokenizer.encode(["Dog"]).to_list() == [[5]]
    with pytest.raises(ValueError, match="expected a preset of GPT2Backbone, got 'BertBackbone'"):
        keras_nlp.load(tmp_path / "bert")
