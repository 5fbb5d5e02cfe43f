"""What Keras users do with any model, done with a task."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.tasks import tiny
from tfllm import layers, models, training
from tfllm.tasks import TextClassifier, TextClassifierConfig
from tfllm.tasks.classification import labelled_records

TEXTS, LABELS = ["a b c", "b c d", "c d e", "e f a"] * 2, ["x", "y"] * 4


def task_config(**options):
    return TextClassifierConfig(model=models.MeanOfVectorsConfig(4, rate=0.0), **options)


def made(**options):
    return TextClassifier.from_text(TEXTS, LABELS, task_config(**options))


def fit_task(task, **options):
    task.fit(TEXTS, LABELS, 8, verbose=0, **options)
    return task


def replicas():
    return tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])


def test_two_replicas_train_one_task():
    """One has four rows, the other three, with equal weights: the same weights as training on the whole batch."""
    alone, strategy = made(), replicas()
    with strategy.scope():
        both = made()
        both.set_weights(alone.get_weights())
    for task in (alone, both):
        task.fit(TEXTS[:7], LABELS[:7], 7, 2, sample_weight=[0, 1, 1, 1, 1, 1, 1], shuffle=False, verbose=0)
    for a, b in zip(alone.get_weights(), both.get_weights(), strict=True):
        np.testing.assert_allclose(b, a, atol=1e-5)


def test_layers_added_to_a_model_are_on_its_replicas():
    alone, strategy = tiny.made("language model")[0], replicas()
    with strategy.scope():
        task, _ = tiny.made("language model")
        with pytest.raises(ValueError, match=r"^the LanguageModel was made outside the scope of this Mirrored.*inside"):
            alone.compile("sgd")
    vectors = layers.PretrainedEmbedding(task.tokenizer.vocab_size, 3, 4, 8)
    layers.replace_embedding(task.model, task.model.embed, vectors)
    training.lora(task, rank=2)
    assert all(map(strategy.extended.variable_created_in_scope, (weight.value for weight in task.weights)))


@pytest.mark.parametrize("kind", ["LearningRateScheduler", "ReduceLROnPlateau"])
def test_a_callback_sets_the_learning_rate(kind, eager):
    """For an uncompiled task; a task with a schedule raises an error that names the fix."""
    schedule = keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2)
    fall = keras.callbacks.ReduceLROnPlateau(monitor="loss", factor=0.5, patience=0, min_delta=1e9)
    callback = schedule if kind == "LearningRateScheduler" else fall
    task = fit_task(made(), epochs=3, callbacks=callback)
    halved = {"LearningRateScheduler": 3, "ReduceLROnPlateau": 2}[kind]  # the first loss is always the best so far
    assert float(task.optimizer.learning_rate) == pytest.approx(task.learning_rate / 2**halved)
    with pytest.raises(ValueError, match=rf"^{kind} sets the learning rate.*task\.compile\(keras\.optimizers"):
        fit_task(fit_task(made()), callbacks=[callback])


@pytest.mark.parametrize("name", tiny.MAKERS)
def test_a_clone_with_the_weights_answers_the_same(name, eager):
    """The config has all that is not a weight, the vocabulary too; so has its JSON."""
    task, asked = tiny.made(name)
    again = keras.models.clone_model(task)
    again.set_weights(task.get_weights())
    answers = ([part.numpy() for part in tf.nest.flatten(one.answer(*asked))] for one in (again, task))
    for result, expected in zip(*answers, strict=True):
        np.testing.assert_array_equal(result, expected)
    assert keras.models.model_from_json(task.to_json()).get_config() == again.get_config() == task.get_config()
    again.set_weights([np.full_like(weight, np.nan) for weight in task.get_weights()])  # which have nothing to say
    say = {"classifier": "classify", "embedder": "embed", "masked": "fill"}.get(name, "generate")
    texts = [[text.decode() for text in part.numpy()] for part in asked]
    with pytest.raises(ValueError, match="not numbers .NaN."):
        getattr(again, say)(*(texts[::-1] if name == "questions" else texts))


def test_callbacks_know_which_accuracy_is_better(tmp_path, eager):
    """`EarlyStopping` and `ModelCheckpoint` of val_accuracy need no mode."""
    path, data = tmp_path / "best.weights.h5", (TEXTS, LABELS)
    best = keras.callbacks.ModelCheckpoint(path, "val_accuracy", save_best_only=True, save_weights_only=True)
    stop = keras.callbacks.EarlyStopping("val_accuracy", patience=0, restore_best_weights=True)
    task = fit_task(made(), validation_data=data, callbacks=(best, stop), epochs=9)
    assert best.monitor_op is stop.monitor_op is keras.ops.greater
    again = made()
    again.load_weights(path)
    assert again.classify(TEXTS, verbose=0) == task.classify(TEXTS, verbose=0)


@pytest.mark.parametrize("name", ["x.h5", "x.hdf5", "x", "x.tf", "x.weights.h5", "x.keras.zip"])
def test_a_file_that_cannot_be_loaded_is_not_written(name, tmp_path):
    task, path = made(), tmp_path / name
    for save in (task.save, task.encoder.save):
        with pytest.raises(ValueError, match=rf"^a model is saved as NAME\.keras.*got '.*{name}'.*save_weights\("):
            save(path)
    if name.endswith(".h5"):  # others Keras refuses itself
        with pytest.raises(ValueError, match="^a model is saved as"):
            fit_task(task, callbacks=[keras.callbacks.ModelCheckpoint(str(path))])
    assert not list(tmp_path.iterdir())
    if name.endswith((".h5", ".hdf5")):  # after Keras has opened the file
        for one in (task, keras.Sequential([keras.Input((None,), dtype="int32"), task.encoder])):
            with pytest.raises(ValueError, match="^a (TextClassifier|MeanOfVectors) cannot be saved as .h5"):
                keras.saving.save_model(one, path)


def test_texts_in_a_batch_of_their_own(eager):
    """Trained, tested and answered as `fit`, `evaluate` and `predict` do; batches of numbers are Keras' affair."""
    task, other = made(), made()
    other.set_weights(task.get_weights())
    for one in (task, other):
        one.compile(keras.optimizers.SGD(0.1))
    expected = other.evaluate(TEXTS, LABELS, 8, verbose=0, return_dict=True)
    assert task.test_on_batch(TEXTS, LABELS, return_dict=True) == pytest.approx(expected)
    weights = np.arange(8.0)
    other.fit(TEXTS, LABELS, 8, sample_weight=weights, verbose=0)
    task.train_on_batch(np.array(TEXTS), np.array(LABELS), weights[:, None])
    for a, b in zip(task.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)
    batch = next(iter(task.batches(TEXTS, LABELS, batch_size=8).dataset))
    assert task.test_on_batch(*batch, return_dict=True) == pytest.approx(task.test_on_batch(TEXTS, LABELS, None, True))
    assert task.predict_on_batch(tf.constant(TEXTS))["label"].tolist() == task.predict(TEXTS)["label"].tolist()
    assert task.predict_on_batch(batch[0]).shape == (8, 2) and task.predict_on_batch([])["cut"].shape == (0,)
    with pytest.raises(ValueError, match="class_weight needs `fit`"):
        task.train_on_batch(TEXTS, LABELS, class_weight={"x": 2})


class Batches(keras.utils.PyDataset):
    """Two batches of four records."""

    def __init__(self, *columns, size=2):
        super().__init__()
        self.columns, self.size = columns, size

    @property
    def num_batches(self):
        return self.size

    def __getitem__(self, number):
        found = tuple(column[4 * number : 4 * number + 4] for column in self.columns)
        return found if len(found) > 1 else found[0]


def test_batches_by_number_may_hold_texts(eager):
    """A PyDataset of texts is read as a list of them, in every method; one without an end is refused."""
    task, lists = made(), np.array(TEXTS)
    weights = np.arange(8.0)
    by_number = task.records(Batches(TEXTS, LABELS, weights)).as_numpy_iterator()
    assert list(by_number) == list(task.records(TEXTS, LABELS, weights).as_numpy_iterator())
    assert labelled_records.to_classify(("text",), Batches(lists)) == ([text.encode() for text in TEXTS], None)
    task.fit(Batches(TEXTS, LABELS), validation_data=Batches(lists, LABELS), verbose=0)
    for one, other in zip(task.predict(Batches(lists)).items(), task.predict(TEXTS).items(), strict=True):
        np.testing.assert_equal(one, other)
    assert TextClassifier.from_text(Batches(TEXTS, LABELS), config=task_config()).labels == ("x", "y")
    with pytest.raises(
        ValueError, match=r"^the Batches never ends, but all of its texts are read: define its __len__$"
    ):
        task.fit(Batches(TEXTS, LABELS, size=None), verbose=0)


def test_token_ids_that_do_not_fit_are_refused(eager):
    """One-line errors for arrays instead of a dict, and for targets that are missing or texts."""
    task, ids = made(), np.ones((4, 6), "int32")
    for call in (
        lambda: task.fit(ids, np.zeros(4)),
        lambda: task.evaluate(ids, np.zeros(4)),
        lambda: task.predict(ids),
    ):
        with pytest.raises(
            TypeError, match=r"^a TextClassifier is called with a dict, the output of `example`; got a \w+:"
        ):
            call()
    for call in (task.fit, task.evaluate):
        with pytest.raises(ValueError, match=r"^token ids need targets: pass \(inputs, targets\)"):
            call(ids)
        with pytest.raises(TypeError, match=r"^x has token ids but y has texts: pass both as texts"):
            call(ids, LABELS[:4])


def test_calling_a_task_with_texts():
    task = made()
    ragged, symbol = tf.ragged.constant([["a"], ["b", "c"]]), keras.Input((1,), dtype="string")
    for x in ("a", ["a"], np.array(["a"]), np.array(["a"], object), tf.constant(["a"]), ragged, symbol, {"text": "a"}):
        with pytest.raises(TypeError, match=r"^a TextClassifier is called with token ids.*predict\(texts\)"):
            task(x)
        with pytest.raises(TypeError, match="is called with token ids"):
            task(inputs=x)


def test_quantizing_raises_an_error_with_advice():
    task = made()
    for one in (task, task.encoder):
        with pytest.raises(ValueError, match=r"^\w+ cannot be quantized .*'int8'.*policy\('bfloat16'\)$"):
            one.quantize("int8")
    keras.config.set_dtype_policy("bfloat16")
    try:
        half = made()
    finally:
        keras.config.set_dtype_policy("float32")
    assert {weight.dtype for weight in half.weights} == {"bfloat16"} and half.classify(TEXTS[0], verbose=0)["label"]


@pytest.mark.parametrize("name", ["classifier", "summarizer", "language model"])
def test_in_float64(name, tmp_path, eager):
    """Keras' default type, changed: tasks train, save and answer in it. (The policy is made of it at its first use.)"""
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    try:
        task, asked = tiny.made(name)
        task.fit(tiny.TEXTS, {"classifier": ["yes", "no"] * 2, "summarizer": tiny.TEXTS}.get(name), 4, verbose=0)
        assert {weight.dtype for weight in task.trainable_weights} == {"float64"}
        task.save(tmp_path / "it.keras")
        again = keras.saving.load_model(tmp_path / "it.keras")
        for result, expected in zip(*(tf.nest.flatten(one.answer(*asked)) for one in (again, task)), strict=True):
            np.testing.assert_array_equal(result, expected)
    finally:
        keras.config.set_floatx("float32")
        keras.config.set_dtype_policy("float32")


def test_usual_moves(tmp_path, eager):
    """Callbacks that write, weights alone, layers by name, freezing: as with any model of Keras."""
    task, lines = made(), []
    task.encoder.trainable = False
    before = task.encoder.get_weights()
    fit_task(task, epochs=2, callbacks=[
        keras.callbacks.TensorBoard(tmp_path / "board", histogram_freq=1), keras.callbacks.TerminateOnNaN(),
        keras.callbacks.CSVLogger(tmp_path / "log.csv"), keras.callbacks.BackupAndRestore(tmp_path / "backup"),
        keras.callbacks.ModelCheckpoint(str(tmp_path / "{epoch}.keras")),
    ])  # fmt: skip
    for new, old in zip(task.encoder.get_weights(), before, strict=True):
        np.testing.assert_array_equal(new, old)
    assert list((tmp_path / "board").rglob("events*")) and len((tmp_path / "log.csv").read_text().splitlines()) == 3
    task.summary(print_fn=lambda text, **options: lines.append(text))
    assert "Non-trainable params" in "".join(lines) and task.get_layer("head") is task.head is task.layers[-1]
    task.save_weights(tmp_path / "it.weights.h5")
    again, loaded = made(), keras.saving.load_model(tmp_path / "2.keras")
    again.load_weights(tmp_path / "it.weights.h5")
    assert [weight.path for weight in loaded.trainable_weights] == [weight.path for weight in task.trainable_weights]
    for one in (again, loaded):
        assert one.classify(TEXTS, verbose=0) == task.classify(TEXTS, verbose=0)
