"""Classifiers in Hugging Face's format: saved and loaded, a new head where there is none, and equal to transformers."""

import json
import logging

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfllm
from tests.layers.parts import scatter
from tests.text.test_byte_pair_files import PAIRS, VOCABULARY
from tfllm.models import BERT, GPT, TextCNN
from tfllm.tasks import LanguageModel, TextClassifier
from tfllm.text import BytePairs, WordPieces, Words
from tfllm.training import Recipe

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "good", "bad", "film", "so", "##s", "!"]
TEXTS = ["a good film !", "films so bad", "what is so good", ""]
pytestmark = pytest.mark.usefixtures("eager")


def made(labels=("bad", "good", "so so"), kind="single", **options):
    keras.utils.set_random_seed(1)
    encoder = BERT(len(WORDS), 16, 1, 8, 2, 16, pooling=options.pop("bert_pooling", "pooler"))
    return scatter(TextClassifier(encoder, WordPieces(WORDS), labels, kind, **options))


def chances(task, *texts):
    return np.array([[*result.get("probabilities", {}).values(), result["score"]] for result in task.classify(*texts)])


@pytest.mark.parametrize(
    "options",
    [{"pairs": True}, {"kind": "multi", "temperature": 2.0}, {"labels": (), "kind": "regression"}],
    ids=["single, of pairs", "multi", "regression"],
)
def test_there_and_back(options, tmp_path):
    task = made(**options)
    task.save_pretrained(tmp_path / "it")
    again = TextClassifier.from_pretrained(tmp_path / "it", pairs=task.pairs)
    assert (again.labels, again.kind, again.length) == (task.labels, task.kind, 16)
    texts = (TEXTS, TEXTS[::-1]) if task.pairs else (TEXTS,)
    np.testing.assert_allclose(chances(again, *texts), chances(task, *texts), atol=1e-6)


def test_another_head(tmp_path, caplog):
    task = made()
    task.save_pretrained(tmp_path / "it")
    with caplog.at_level(logging.INFO, "tfllm"):
        again = TextClassifier.from_pretrained(tmp_path / "it", labels=["yes", "no"], encoder_rate=0.0, length=8)
    assert "the head is new and untrained" in caplog.text
    assert again.labels == ("yes", "no") and again.encoder.numbers["rate"] == 0.0 and again.length == 8
    np.testing.assert_array_equal(again.encoder.embed.embeddings, task.encoder.embed.embeddings)
    config = json.loads((tmp_path / "it" / "config.json").read_text())
    (tmp_path / "it" / "config.json").write_text(json.dumps(config | {"id2label": {"0": "bad"}}))
    with pytest.raises(ValueError, match="classifier.weight has 3 labels, id2label names"):
        TextClassifier.from_pretrained(tmp_path / "it")


def test_a_gpt2_gets_a_head(tmp_path):
    gpt = scatter(GPT(len(VOCABULARY), 32, 1, 8, 2, rate=0.0))
    LanguageModel(gpt, BytePairs(VOCABULARY, PAIRS)).save_pretrained(tmp_path / "gpt2")
    with pytest.raises(ValueError, match="has no classification head: pass the labels of a new one"):
        TextClassifier.from_pretrained(tmp_path / "gpt2")
    task = TextClassifier.from_pretrained(tmp_path / "gpt2", labels=["yes", "no"])
    ids = task.prepare(["low", ""]).to_list()
    assert ids[0][-1] == task.tokenizer.end and ids[1] == [task.tokenizer.end]
    x = gpt.features(np.array([ids[0]]))[0][0, -1]
    logits = np.array(x) @ task.head.kernel.numpy() + task.head.bias.numpy()
    np.testing.assert_allclose(task.logits(tf.constant(["low"]))[0], logits, atol=1e-5)


def test_unsupported_models_are_refused(tmp_path):
    with pytest.raises(ValueError, match="is for a BERT with WordPieces; this is a TextCNN with Words"):
        TextClassifier(TextCNN(9, 4), Words(["a"]), ["yes", "no"]).save_pretrained(tmp_path / "no")
    with pytest.raises(ValueError, match="needs BERT's pooler; this classifier has the pooling 'mean'"):
        made(bert_pooling="mean").save_pretrained(tmp_path / "no")
    assert not (tmp_path / "no").exists()


@pytest.mark.peers
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_transformers_gives_the_same(tmp_path):
    torch, transformers = pytest.importorskip("torch"), pytest.importorskip("transformers")
    task = made(pairs=True, temperature=1.5)
    task.save_pretrained(tmp_path / "it")
    model = transformers.AutoModelForSequenceClassification.from_pretrained(tmp_path / "it").eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path / "it")
    inputs = tokenizer(TEXTS, TEXTS[::-1], return_tensors="pt", padding=True)
    with torch.no_grad():
        expected = model(**inputs).logits.softmax(-1).numpy()
    np.testing.assert_allclose(chances(task, TEXTS, TEXTS[::-1])[:, :3], expected, atol=1e-5)
    assert model.config.id2label == dict(enumerate(task.labels))
    model.save_pretrained(tmp_path / "again")
    tokenizer.save_pretrained(tmp_path / "again")
    again = TextClassifier.from_pretrained(tmp_path / "again", pairs=True)
    np.testing.assert_allclose(chances(again, TEXTS, TEXTS[::-1])[:, :3], expected, atol=1e-5)


@pytest.mark.slow
def test_a_pretrained_task_has_a_small_learning_rate(tmp_path):
    """The learning rate is small unless one is named, and a file keeps that."""

    def highest(task, recipe=None):
        task.fit(["good film", "bad film"], ["good", "bad"], batch_size=2, verbose=0, recipe=recipe)
        return task.optimizer.get_config()["learning_rate"]["config"]["peak"]

    task = made(("bad", "good"))
    task.save(tmp_path / "new.keras")
    tuned = TextClassifier.from_encoder(task.encoder, task.tokenizer, ["bad", "good"])
    tuned.save(tmp_path / "tuned.keras")
    for file, rate in (("new", 1e-3), ("tuned", 3e-4)):
        assert highest(tfllm.load_model(tmp_path / f"{file}.keras")) == rate
        assert highest(tfllm.load_model(tmp_path / f"{file}.keras"), Recipe(learning_rate=0.5)) == 0.5
