"""Classifiers of every model and kind: training, class weights, truncation and errors.

All tests but one run eagerly.
"""

import logging

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfllm
from tests.layers import parts
from tests.reference import text_encoders as reference
from tfllm import models, training
from tfllm.layers import PretrainedEmbedding, lora, names
from tfllm.tasks import TextClassifier, TextClassifierConfig
from tfllm.tasks.text_inputs import dense, vector

TEXTS = ["a good film", "a very good thing", "good", "i like this good film , and the other good film too",
         "bad bad film", "a bad thing", "i hate it , bad", "so bad"]  # fmt: skip
PAIRS = ["yes", "a film", "it is", "no", "a very very bad film", "good", "so , so", "i like it"]
SINGLE = ["pos"] * 4 + ["neg"] * 4
MULTI = ["good|film", "good", "good", "film|good", "film", "", "", ""]
NUMBERS = [1.5, 2, 1, 2.5, -1, -1.5, -2, -1]
CNN = models.TextCNNConfig(8, (2, 3), 4)
VARIANTS = {
    "cnn, regression": (CNN, {"kind": "regression"}),
    "rnn, of pairs": (models.TextRNNConfig(8, 6), {"pairs": True}),
    "mean, multi": (models.MeanOfVectorsConfig(8, 8, 1), {"kind": "multi"}),
    "bert, of pairs": (models.BERTConfig(32, 1, 8, 2, 16), {"pairs": True}),
    "gpt, of pairs": (models.GPTConfig(32, 1, 8, 2), {"pairs": True}),
    "lstm, max": (models.LSTMLanguageModelConfig(8, 6, 1), {"pooling": "max"}),
    "big, mean": (models.BigLanguageModelConfig(8, 8, 1, num_heads=2), {"pooling": "mean"}),
}

pytestmark = pytest.mark.usefixtures("eager")


def labels_of(kind):
    return {"single": SINGLE, "multi": MULTI, "regression": NUMBERS}[kind]


def made(model=CNN, kind="single", pairs=False, seed=1, **options):
    """(task, x, y), untrained."""
    keras.utils.set_random_seed(seed)
    x = list(zip(TEXTS, PAIRS, strict=True)) if pairs else TEXTS
    more = {name: options.pop(name) for name in ("embeddings", "embeddings_trainable") if name in options}
    config = TextClassifierConfig(kind=kind, model=model, **options)
    return TextClassifier.from_text(x, labels_of(kind), config, **more), x, labels_of(kind)


def columns(x):
    return tuple(map(list, zip(*x, strict=True))) if isinstance(x[0], tuple) else (x,)


def ids(task, text):
    return task.tokenizer.encode([text])[0].numpy().tolist()


def chances(task, *texts):
    """The output as numbers [N, C]."""
    return np.array([[*result.get("probabilities", {}).values(), result["score"]] for result in task.classify(*texts)])


@pytest.fixture(scope="module", params=VARIANTS.values(), ids=VARIANTS)
def variant(request):
    model, options = request.param
    task, x, y = made(model, **options)
    parts.scatter(task)
    return task, x, y


def test_a_loss_reaches_every_weight_that_is_trained(variant):
    task, x, y = variant
    inputs, targets, weights = next(iter(task.batches(x, y, batch_size=8, shapes=1).dataset))
    with tf.GradientTape() as tape:
        loss = task.objective()["loss"](targets, task(inputs, training=True), weights)
    for weight, gradient in zip(task.trainable_weights, tape.gradient(loss, task.trainable_weights), strict=True):
        assert gradient is not None and np.abs(tf.convert_to_tensor(gradient)).max() > 0, weight.path
    assert task.encoder.embed.trainable_weights[0].trainable


def test_an_empty_text_has_an_empty_answer(variant):
    """White space is empty, of any script; of a pair one text is enough."""
    task, x, y = variant
    texts = ["", " \t\n", "\u3000\u00a0", "film"]
    result = task.classify(*(texts for _ in columns(x)))
    nothing = {"label": [] if task.kind == "multi" else "", "score": 0.0}
    if task.kind != "regression":
        nothing["probabilities"] = dict.fromkeys(task.labels, 0.0)
    assert result[:3] == [nothing] * 3 and result[3] != nothing
    output = task.answer(*(tf.constant(texts) for _ in columns(x)))
    assert output["score"].numpy()[:3].tolist() == [0.0] * 3 and output["label"].numpy()[:3].tolist() == [b""] * 3
    if task.pairs:
        assert task.classify([""], ["film"])[0] != nothing != task.classify(["film"], [""])[0]
    assert task.classify([], None if len(columns(x)) == 1 else []) == []
    with pytest.raises(ValueError, match="1 of 2 records have an empty text, the first is record 1"):
        task.score([x[0], (" ", "") if task.pairs else " "], [y[0]] * 2 if task.kind != "multi" else y[:2])


def test_truncated_tokens_are_counted(variant):
    """Exactly as many tokens as are read, and one more."""
    task, x, _ = variant
    text = "good " * 3 + "film"
    pairs = () if not task.pairs else (tf.constant([text, text, "", ""]),)
    both = task.read(tf.constant([text]), *(part[:1] for part in pairs))[1]
    length, task.length = task.length, int(both[0])
    try:
        texts = tf.constant([text, text + " film", "", "film"])
        assert task.answer(texts, *pairs)["cut"].numpy().tolist() == [0, 1, 0, 0]
    finally:
        task.length = length


@pytest.mark.slow
def test_it_learns_and_is_scored_and_calibrated(tmp_path, graphs):
    """Compiled, with a validation split and callbacks of Keras; loading keeps the optimizer and the temperature."""
    task, x, y = made(models.MeanOfVectorsConfig(16), class_weights="balanced")
    assert task.class_weights == {"neg": 1.0, "pos": 1.0}
    task.compile(keras.optimizers.Adam(0.05))
    history = task.fit(x * 4, y * 4, epochs=10, batch_size=8, shapes=1, validation_split=0.25, verbose=0).history
    assert history["val_accuracy"][-1] == 1.0 and history["val_loss"][-1] < history["val_loss"][0]
    assert task.evaluate(x, y, return_dict=True, verbose=0)["accuracy"] == 1.0
    assert task.classify("so good")["label"] == "pos" and task.classify([b"so bad"])[0]["label"] == "neg"
    wrong = [*y[1:], "neg"]  # one of eight
    report = task.score(x, wrong)
    assert report.accuracy == 7 / 8 and report.labels == ("neg", "pos") and report.log_loss is not None
    loss, output = report.log_loss, [result["label"] for result in task.classify(x)]
    temperature = task.calibrate(x, wrong)
    assert temperature == task.temperature > 1.0 and task.score(x, wrong).log_loss < loss
    assert [result["label"] for result in task.classify(x)] == output
    task.save(tmp_path / "it.keras")
    again = tfllm.load_model(tmp_path / "it.keras")
    assert again.temperature == temperature and again.optimizer.iterations == task.optimizer.iterations
    np.testing.assert_allclose(chances(again, x), chances(task, x), atol=1e-6)


def test_several_labels_and_numbers_are_scored():
    task, x, y = made(models.MeanOfVectorsConfig(8), kind="multi")
    report = task.score(x, y)
    assert report.examples == 8 and report.labels == ("film", "good")
    assert task.classify(x)[0]["probabilities"].keys() == {"film", "good"}
    assert task.calibrate(x, y) > 0
    task, x, y = made(models.MeanOfVectorsConfig(8), kind="regression")
    report = task.score(x, y)
    output = np.array([result["score"] for result in task.classify(x)])
    assert report.pearson == pytest.approx(np.corrcoef(output, y)[0, 1], abs=1e-5)
    with pytest.raises(ValueError, match="no probabilities to calibrate"):
        task.calibrate(x, y)


def test_two_texts_apart_are_their_vectors_side_by_side():
    """[u, v, |u - v|, u v], each of the text alone. Conneau et al. 2017, sec. 3.1."""
    task, x, _ = made(models.MeanOfVectorsConfig(8), pairs=True)
    table, (kernel, bias) = parts.number(task.encoder.embed.embeddings), parts.dense(task.head)
    result = task.logits(*map(tf.constant, columns(x)))
    for row, texts in zip(result, x, strict=True):
        u, v = (reference.mean_of_vectors(ids(task, text), {"embed": table, "layers": []}) for text in texts)
        np.testing.assert_allclose(row, np.concatenate([u, v, abs(u - v), u * v]) @ kernel + bias, atol=1e-5)


def test_the_inputs_of_the_models():
    task, _, _ = made(models.BERTConfig(12, 1, 8, 2, 16), pairs=True)
    record = {"text": ["a film", TEXTS[3]], "pair": ["good", "so"], "label": SINGLE[:2]}
    inputs, targets, weights = task.example({name: tf.constant(part) for name, part in record.items()})
    start, end = task.tokenizer.start, task.tokenizer.end
    a, film, good = ids(task, "a film good")
    assert inputs["token_ids"][0].numpy().tolist() == [start, a, film, end, good, end]
    assert inputs["segment_ids"][0].numpy().tolist() == [0, 0, 0, 0, 1, 1]
    assert inputs["token_ids"].row_lengths().numpy().tolist() == [6, 12]  # the second is cut
    assert all(part.dtype == tf.int32 for part in inputs.values()) and inputs["padding_mask"].flat_values.numpy().all()
    assert targets.to_list() == [[1], [1]] and weights.to_list() == [[1.0], [1.0]]
    task, _, _ = made(models.GPTConfig(32, 1, 8, 2))
    assert task.prepare(["a film"]).to_list() == [[start, *ids(task, "a film"), end]]
    task, _, _ = made()
    assert task.prepare(["a film", ""]).to_list() == [ids(task, "a film"), [end]]


def test_class_weights_are_in_the_loss_and_not_in_the_accuracy():
    weights = {"pos": 3.0, "neg": 0.5}
    task, x, y = made(class_weights=weights)
    result = task.evaluate(x[:5], y[:5], batch_size=3, verbose=0, return_dict=True)
    output = task.classify(x[:5])
    losses = np.array([-np.log(one["probabilities"][label]) for one, label in zip(output, y, strict=False)])
    of = np.array([weights[label] for label in y[:5]])
    assert result["loss"] == pytest.approx((of * losses).sum() / of.sum(), rel=1e-4)
    right = [one["label"] == label for one, label in zip(output, y, strict=False)]
    assert result["accuracy"] == pytest.approx(np.mean(right))


def test_long_texts_are_truncated_with_a_warning(caplog):
    task, x, y = made(length=4)
    with caplog.at_level(logging.WARNING, "tfllm"):
        task.batches(x, y)
        task.classify(x)
    messages = [record.getMessage() for record in caplog.records]
    assert messages == ["2 of 8 texts have more than 4 tokens and are truncated"] * 2
    np.testing.assert_allclose(chances(task, [TEXTS[3]]), chances(task, ["i like this good"]), atol=1e-6)
    with pytest.raises(ValueError, match="length is 40 tokens, but the model's limit is 32"):
        made(models.GPTConfig(32, 1, 8, 2), length=40)


@pytest.mark.parametrize("config", [models.TextCNNConfig(8), models.TextRNNConfig(8, 6), models.MeanOfVectorsConfig(8)])
def test_equal_texts_are_equal_in_training_too(config):
    """Dropout comes after the comparison of two texts: |u - v| of equal texts is 0, also in a batch with others."""
    texts = tf.constant([*TEXTS[:3], "a"])
    task, _, _ = made(config, pairs=True)
    inputs, _ = task.read(texts, tf.concat([texts[:3], [" ".join(TEXTS)]], axis=0))
    features = vector(task.encoder, task.pool, dense(inputs), training=True).numpy()
    apart = np.split(features, 4, axis=1)[2]
    assert not apart[:3].any() and apart[3].any() and task.drop.rate == task.encoder.numbers["rate"] > 0
    output = [task(dense(inputs), training=training).numpy() for training in (True, True, False, False)]
    assert (output[0] != output[1]).any() and (output[2] == output[3]).all()


@pytest.mark.slow
def test_word_vectors_freezing_and_lora(tmp_path):
    """Static vectors stay as they are; layers freeze by name; LoRA is trained, saved and merged when exported."""
    table = {word: np.random.default_rng(i).normal(size=5) for i, word in enumerate(["good", "bad", "film"])}
    task, x, y = made(embeddings=table, embeddings_trainable=False)
    assert isinstance(task.encoder.embed, PretrainedEmbedding) and task.encoder.embed.fixed_rows > 3
    before = task.encoder.embed.fixed.numpy()
    training.freeze(task, "window2")
    kernel = names.weights(task)["window2/kernel"].numpy()
    task.compile(keras.optimizers.Adam(0.05), run_eagerly=True)
    task.fit(x, y, epochs=2, batch_size=8, verbose=0)
    np.testing.assert_array_equal(task.encoder.embed.fixed, before)
    np.testing.assert_array_equal(names.weights(task)["window2/kernel"], kernel)
    task, x, y = made(models.BERTConfig(32, 1, 8, 2, 16))
    assert "pooler/kernel" in {name for name, weight in names.weights(task).items() if weight.trainable}
    training.lora(task, rank=2)
    training.unfreeze(task, "head")
    task.compile(keras.optimizers.Adam(0.05), run_eagerly=True)
    task.fit(x, y, epochs=2, batch_size=8, verbose=0)
    result = chances(task, x)
    task.save(tmp_path / "it.keras")
    again = tfllm.load_model(tmp_path / "it.keras")
    assert len(lora.adapters(again)) == 2
    np.testing.assert_allclose(chances(again, x), result, atol=1e-6)
    served = tf.saved_model.load(task.export(tmp_path / "serving"))
    np.testing.assert_allclose(
        served.signatures["serving_default"](texts=tf.constant(x))["probabilities"], result[:, :2], atol=1e-5
    )


def test_half_precision_gives_whole_logits():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        task, x, y = made(models.BERTConfig(32, 1, 8, 2, 16))
        task.compile(keras.optimizers.Adam(0.01), run_eagerly=True)
        task.fit(x, y, epochs=1, batch_size=8, verbose=0)
    finally:
        keras.config.set_dtype_policy("float32")
    assert task.logits(tf.constant(x)).dtype == tf.float32 and task.head.kernel.dtype == "float32"
    half = chances(task, x)
    whole = TextClassifier(
        models.BERT.from_config(task.encoder.get_config() | {"dtype": "float32"}), task.tokenizer, task.labels
    )
    whole.set_weights(task.get_weights())
    np.testing.assert_allclose(half, chances(whole, x), atol=0.05)


def test_a_new_head_on_a_trained_model():
    task, x, y = made(models.GPTConfig(32, 1, 8, 2))
    lm = tfllm.LanguageModel(task.encoder, task.tokenizer)
    new = TextClassifier.from_encoder(lm.model, lm.tokenizer, ["a", "b", "c"], length=16)
    assert new.encoder is lm.model and new.head.kernel.shape == (8, 3) and new.length == 16
    assert set(new.classify("good film")["probabilities"]) == {"a", "b", "c"}


def test_training_resets_the_temperature(caplog):
    task, x, y = made(models.MeanOfVectorsConfig(8))
    task.temperature = 2.0
    task.compile(keras.optimizers.Adam(0.01), run_eagerly=True)
    with caplog.at_level(logging.WARNING, "tfllm"):
        task.fit(x, y, batch_size=8, verbose=0)
    assert task.temperature == 1.0 and "the temperature 2.000 was fitted before this training" in caplog.text
