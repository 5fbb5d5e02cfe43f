"""LanguageModel as a Keras model: fit on all forms of data, evaluate, score, save, and clear errors."""

import inspect

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfllm
from tests.tasks.text_generation.fading import fading
from tfllm.models import BigLanguageModelConfig, GPTConfig, LSTMLanguageModelConfig
from tfllm.tasks import LanguageModel, LanguageModelConfig
from tfllm.tasks.streaming import fit_stream
from tfllm.tasks.task import Task
from tfllm.text import END, START, Bytes, Characters

pytestmark = pytest.mark.usefixtures("eager")
TEXTS = ["the cat sat", "a dog", "", "the dog sat on the cat, and the cat sat on the dog."]
SMALL = GPTConfig(max_length=16, num_layers=1, d_model=16, num_heads=2, rate=0.0)


@pytest.fixture
def lm():
    model = LanguageModel(fading(260, spread=0.3), Bytes(), length=8)
    model.compile(keras.optimizers.Adam(1e-2), jit_compile=False)
    return model


class NoStart(Bytes):
    """As GPT-2's: no PAD, UNKNOWN or START; END between documents."""

    pad = unknown = start = None


def ids(text):
    return [byte + 4 for byte in text.encode()]


def test_a_document_is_predicted_from_its_first_token_to_end(lm):
    inputs, targets, weights = lm.example({"text": tf.constant(["abc", ""])})
    assert inputs.to_list() == [[START, *ids("abc")], [START]]
    assert targets.to_list() == [[*ids("abc"), END], [END]]
    assert weights.to_list() == [[1] * 4, [1]]
    assert lm.prepare(["abc", ""]).to_list() == inputs.to_list()


def test_without_start_documents_and_empty_prompts_begin_with_end():
    lm = LanguageModel(fading(260), NoStart(), length=8)
    inputs, targets, _ = lm.example({"text": tf.constant(["abc"])})
    assert (inputs.to_list(), targets.to_list()) == ([[END, *ids("abc")]], [[*ids("abc"), END]])
    assert lm.prepare(["abc", ""]).to_list() == [ids("abc"), [END]]


def test_long_documents_are_split_completely(lm):
    inputs, targets, _ = lm.example({"text": tf.constant(["a" * 20, "b" * 8])})
    assert [len(row) for row in inputs.to_list()] == [8, 8, 5, 8, 1]
    assert inputs.to_list()[1][0] == targets.to_list()[0][-1]
    assert inputs.to_list()[4] == ids("b") and targets.to_list()[4] == [END]


def test_cross_document_blocks_have_no_padding(lm):
    lm.cross_documents = True
    batches = lm.batches(TEXTS, batch_size=1)
    total = sum(len(text) + 1 for text in TEXTS)
    assert batches.plan.edges == (8,) and batches.plan.waste == 0
    assert sum(int(weights.numpy().sum()) for _, _, weights in batches.dataset) == total
    assert b"".join(lm.tokenizer.decode(targets).numpy()[0] for _, targets, _ in list(batches.dataset)[:-1]).startswith(
        b"the cat sata dogthe dog sat"
    )


@pytest.mark.parametrize("cross_documents", [False, True])
def test_evaluate_is_the_mean_over_tokens(lm, cross_documents):
    lm.cross_documents, lm.length = cross_documents, 64 if cross_documents else 8
    result = lm.evaluate(TEXTS, batch_size=3, verbose=0, return_dict=True)
    losses, right = [], []
    inputs, targets, _ = lm.example({"text": tf.constant(TEXTS)})
    rows = zip(inputs.to_list(), targets.to_list(), strict=True)
    if cross_documents:  # 72 places: the last block begins at place 8
        inputs, targets = sum(inputs.to_list(), []), sum(targets.to_list(), [])
        rows = [(inputs[:64], targets[:64]), (inputs[8:], [-1] * 56 + targets[64:])]
    for before, after in rows:
        logits = np.float64(lm(np.array([before])))[0]
        log_probs = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
        losses += [-log_probs[i, target] for i, target in enumerate(after) if target >= 0]
        right += [log_probs[i].argmax() == target for i, target in enumerate(after) if target >= 0]
    assert len(losses) == sum(len(text) + 1 for text in TEXTS)
    np.testing.assert_allclose([result["loss"], result["accuracy"]], [np.mean(losses), np.mean(right)], rtol=1e-5)


@pytest.mark.slow
def test_fit_takes_texts_records_and_batches(lm):
    history = lm.fit(TEXTS, epochs=3, batch_size=2, validation_data=TEXTS, verbose=0).history
    assert set(history) == {"loss", "accuracy", "val_loss", "val_accuracy"}
    assert history["loss"][2] < history["loss"][0]
    records = tf.data.Dataset.from_tensor_slices({"text": TEXTS, "topic": TEXTS})
    assert "val_loss" in lm.fit(records, validation_split=0.5, verbose=0).history
    ready = lm.batches(TEXTS, batch_size=2).dataset
    assert "val_loss" in lm.fit(ready, validation_data=TEXTS, verbose=0).history


@pytest.mark.parametrize("cross_documents", [False, True])
def test_fit_takes_a_stream(lm, cross_documents):
    lm.cross_documents, seen = cross_documents, []
    endless = tf.data.Dataset.from_tensor_slices({"text": TEXTS}).repeat()
    count = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(batch))
    options = {"stream": True, "batch_size": 2, "shapes": 2, "callbacks": count, "verbose": 0}
    history = lm.fit(endless, epochs=3, steps_per_epoch=4, validation_data=TEXTS, **options).history
    assert seen == [0, 1, 2, 3] * 3 and history["loss"][2] < history["loss"][0] and "val_loss" in history
    seen.clear()
    lm.fit(endless.take(4 * 3), epochs=2, **options)
    assert len(seen) == 2 * (seen.index(0, 1)) > 4


def test_a_stream_has_the_arguments_of_fit_in_order(lm):
    names, streamed = (list(inspect.signature(fit).parameters) for fit in (Task.fit, fit_stream))
    assert streamed[1 : len(names) - 1] == names[1:-1]  # all but the task and **options
    seen = []
    count = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(batch))
    lm.fit(TEXTS, None, 2, 3, 0, [count], 0.0, None, False, 2, stream=True)
    once = len(seen)
    lm.fit(TEXTS, None, 2, 3, 0, [count], 0.0, None, False, 2)
    assert once and len(seen) == 2 * once
    with pytest.raises(ValueError, match=r"fit\(stream=True\) takes no y: give the text alone"):
        lm.fit(TEXTS, TEXTS, stream=True)
    with pytest.raises(ValueError, match="takes no validation_split: give validation_data"):
        lm.fit(TEXTS, validation_split=0.2, stream=True)


def test_streamed_epochs_are_those_in_memory(lm):
    """Without shuffling, a streamed epoch trains on the same tokens: the same loss, at learning rate 0."""
    lm.compile(keras.optimizers.SGD(0.0), jit_compile=False)
    whole = lm.fit(TEXTS, batch_size=2, shapes=1, shuffle=False, verbose=0).history["loss"]
    streamed = lm.fit(TEXTS, batch_size=2, shapes=1, shuffle=False, verbose=0, stream=True).history["loss"]
    np.testing.assert_allclose(whole, streamed, rtol=1e-6)


def test_score_is_the_loop_over_tokens(lm):
    for stride, length in ((None, 8), (3, 8), (1, 5)):
        lm.length = length
        total = 0.0
        for text in TEXTS:
            whole = [START, *ids(text), END]
            for position in range(1, len(whole)):
                if stride is None:
                    first = (position - 1) // length * length
                else:  # of the windows that begin at multiples of the stride, the first that has this target
                    first = max(0, -(-(position - length) // stride) * stride)
                logits = np.float64(lm(np.array([whole[first:position]])))[0, -1]
                total += logits[whole[position]] - np.log(np.exp(logits).sum())
        result = lm.score(TEXTS, stride=stride, batch_tokens=16, verbose=0)
        assert result.tokens == sum(len(text) + 1 for text in TEXTS) and result.of.bytes == result.tokens - 4
        np.testing.assert_allclose(result.log_probability, total, rtol=1e-5)


def test_the_score_is_the_loss_of_evaluate(lm):
    np.testing.assert_allclose(lm.score(TEXTS, verbose=0).loss, lm.evaluate(TEXTS, verbose=0)[0], rtol=1e-5)


def uniform(tokenizer):
    model = fading(tokenizer.vocab_size, spread=0.0)
    return LanguageModel(model, tokenizer)


def test_a_uniform_model_has_the_perplexity_of_its_vocabulary():
    result = uniform(Bytes()).score(TEXTS, verbose=0)
    np.testing.assert_allclose([result.per_token, result.loss], [260, np.log(260)], rtol=1e-5)


def test_two_tokenizers_with_the_same_distribution_have_the_same_bits_per_byte():
    """Every byte has probability 1/260; to the second model that is 260**-3 for each character of three bytes."""
    texts, characters = ["中文", "文", "中中文"], Characters(["中", "文"])
    by_bytes, by_characters = uniform(Bytes()), uniform(characters)
    probabilities = np.full(characters.vocab_size, 260.0**-3)
    probabilities[END] = 1 / 260
    probabilities[START] = 1 - probabilities.sum() + probabilities[START]  # all that is never seen
    by_characters.model.to_logits.bias.assign(np.log(probabilities))
    a, b = (lm.score(texts, verbose=0) for lm in (by_bytes, by_characters))
    assert (a.tokens, b.tokens) == (21, 9) and a.of == b.of and a.per_token != b.per_token
    for name in ("bits_per_byte", "bits_per_character", "per_byte", "per_word"):
        np.testing.assert_allclose(getattr(a, name), getattr(b, name), rtol=1e-5)
    np.testing.assert_allclose(a.bits_per_byte, 21 / 18 * np.log2(260), rtol=1e-5)


def test_unknown_tokens_log_a_warning():
    result = uniform(Characters(["a", "b"])).score(["abc", "ab"], verbose=0)
    assert (result.unknown, result.tokens) == (1, 7) and "UNKNOWN" in str(result)


def test_save_and_load_keep_everything(lm, tmp_path):
    lm.fit(TEXTS, verbose=0)
    lm.cross_documents = True
    lm.save(tmp_path / "it.keras")
    again = tfllm.load_model(tmp_path / "it.keras")
    assert (again.length, again.cross_documents) == (8, True)
    assert again.optimizer.iterations.numpy() == lm.optimizer.iterations.numpy() > 0
    assert again.evaluate(TEXTS, verbose=0) == lm.evaluate(TEXTS, verbose=0)
    again.fit(TEXTS, verbose=0)  # goes on training


@pytest.mark.parametrize("model", [SMALL, LSTMLanguageModelConfig(8, 8, 1)])
@pytest.mark.parametrize("tokenizer", ["subwords", "words", "characters", "bytes"])
def test_from_text(tokenizer, model):
    config = LanguageModelConfig(tokenizer, vocab_size=280, lowercase=True, length=12, model=model)
    lm = LanguageModel.from_text(["The cat sat.", "A dog sat there."] * 3, config)
    assert type(lm.tokenizer).__name__.lower() == tokenizer and lm.tokenizer.lowercase
    assert lm.model.vocab_size == lm.tokenizer.vocab_size
    assert type(model).__name__ == type(lm.model).__name__ + "Config" and lm.length == 12


@pytest.mark.parametrize(
    "model",
    [SMALL, LSTMLanguageModelConfig(8, 8, 1), BigLanguageModelConfig(8, 8, 1, num_heads=2),
     BigLanguageModelConfig(8, 8, 1, "cnn", num_heads=2)],
)  # fmt: skip
def test_every_model_learns_and_is_scored(model):
    keras.utils.set_random_seed(1)
    lm = LanguageModel.from_text(TEXTS, LanguageModelConfig("characters", length=12, model=model))
    lm.compile(keras.optimizers.Adam(1e-2), run_eagerly=True)
    losses = lm.fit(TEXTS, epochs=3, batch_size=8, shapes=1, verbose=0).history["loss"]
    assert losses[2] < losses[0]
    np.testing.assert_allclose(lm.score(TEXTS, verbose=0).loss, lm.evaluate(TEXTS, verbose=0)[0], rtol=1e-4)


def test_the_default_length_is_the_limit_of_the_model():
    def length(**options):
        return LanguageModel.from_text(TEXTS, LanguageModelConfig("bytes", **options)).length

    assert length(model=SMALL) == 16 and length(model=SMALL, length=9) == 9
    assert length(model=LSTMLanguageModelConfig(8, 8, 1)) == 256


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda lm: LanguageModel.from_text(TEXTS, "huge"), "tiny.*small.*base.*'huge'"),
        (lambda lm: LanguageModel(fading(260, max_length=8), Bytes(), length=9), "length is 9 tokens.* limit is 8"),
        (lambda lm: lm.fit([]), "no record"),
        (lambda lm: lm.fit(tf.data.Dataset.from_tensor_slices({"texts": ["a"]})), "text.*texts"),
        (lambda lm: lm.score(["a"], stride=9), "stride must be between 1 and .* 8; got 9"),
        (lambda lm: lm.score([""]), "nothing to score"),
        (lambda lm: lm.compile("adam", "sparse_categorical_crossentropy"), "expects probabilities.*logits"),
    ],
)
def test_errors_name_the_fix(lm, call, message):
    with pytest.raises(ValueError, match=message):
        call(lm)
