"""Translator as a Keras model: fit on all forms of data, evaluate, save, and clear errors."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfllm
from tests.tasks.conftest import CONFIG, pairs
from tfllm.tasks import Decoding, Translator
from tfllm.tasks.text_generation.decoding import split
from tfllm.tasks.user_data import is_keras_data
from tfllm.text import END, START


@pytest.fixture
def fresh():
    keras.utils.set_random_seed(1)
    translator = Translator.from_text(*pairs(40), CONFIG)
    translator.compile(keras.optimizers.SGD(0.1), run_eagerly=True)
    return translator


def test_example_shifts_the_target_once(trained):
    inputs, targets, weights = trained.example({"source": tf.constant(["ab"]), "target": tf.constant(["BA"])})
    a, b = trained.target.encode(["BA"]).to_list()[0]
    assert inputs["source"].to_list() == [[*trained.source.encode(["ab"]).to_list()[0], END]]
    assert inputs["target"].to_list() == [[START, a, b]]
    assert targets.to_list() == [[a, b, END]]
    assert weights.to_list() == [[1, 1, 1]]


def test_strings_come_in_many_forms():
    sources, _ = pairs(4)
    assert not any(is_keras_data(form(sources)) for form in (list, tuple, np.array, tf.constant))
    assert is_keras_data(np.ones((3, 2))) and is_keras_data(tf.data.Dataset.range(3)) and not is_keras_data([1, 2])


def test_fit_takes_strings(fresh):
    sources, targets = pairs(16)
    history = fresh.fit(np.array(sources), targets, 6, epochs=2, validation_split=0.25, verbose=0).history
    assert set(history) == {"loss", "accuracy", "val_loss", "val_accuracy"}
    assert history["loss"][1] < history["loss"][0]


def test_fit_takes_records_and_validation_data(fresh):
    sources, targets = pairs(6)
    records = fresh.records(sources, targets)
    assert "val_loss" in fresh.fit(records, batch_size=6, validation_data=records, verbose=0).history
    assert "val_loss" in fresh.fit(records, batch_size=6, validation_data=(sources, targets), verbose=0).history


def test_fit_takes_the_data_of_keras(fresh):
    data = fresh.batches(*pairs(6), batch_size=2).dataset
    seen = []
    callback = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(batch))
    fresh.fit(data, epochs=2, callbacks=callback, verbose=0)
    assert len(seen) == 2 * len(data)


def test_the_order_of_an_epoch_depends_on_its_number_alone(fresh):
    def batches(epochs, initial_epoch=0):
        seen, data = [], pairs(24)
        train = fresh.batches(*data, batch_size=8, shapes=1, seed=1)
        for epoch in range(initial_epoch, epochs):
            train.epoch = epoch
            seen.append([batch[0]["source"].numpy().tolist() for batch in train.dataset])
        return seen

    assert batches(3)[2] == batches(3, initial_epoch=2)[0]
    assert batches(2)[0] != batches(2)[1]


def test_evaluate_is_the_mean_over_real_tokens(trained, eager):
    sources, targets = pairs(16, seed=3)
    result = trained.evaluate(sources, targets, batch_size=7, verbose=0, return_dict=True)
    total, right, tokens = 0.0, 0, 0
    for source, target in zip(sources, targets, strict=True):  # one sentence at a time: nothing is padded
        inputs, ids, _ = trained.example({"source": tf.constant([source]), "target": tf.constant([target])})
        logits = np.array(trained({name: part.to_tensor() for name, part in inputs.items()}))[0].astype("float64")
        log_probs = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
        ids = ids.numpy()[0]
        total -= log_probs[np.arange(len(ids)), ids].sum()
        right += (logits.argmax(-1) == ids).sum()
        tokens += len(ids)
    np.testing.assert_allclose([result["loss"], result["accuracy"]], [total / tokens, right / tokens], rtol=1e-4)


def test_evaluate_gives_bleu_on_request(trained):
    data = pairs(6, seed=4)
    assert trained.evaluate(*data, verbose=0, bleu=True, return_dict=True)["bleu"] == trained.score(*data).bleu.value
    assert len(trained.evaluate(*data, verbose=0, bleu=True)) == 3


def test_save_and_load_keep_everything(trained, tmp_path, eager):
    trained.save(tmp_path / "it.keras")
    again = tfllm.load_model(tmp_path / "it.keras")
    assert again.source is again.target
    assert again.source.tokens == trained.source.tokens
    assert again.optimizer.iterations.numpy() == trained.optimizer.iterations.numpy()
    for before, after in zip(trained.optimizer.variables, again.optimizer.variables, strict=True):
        np.testing.assert_array_equal(before, after)
    data = pairs(6)
    assert again.evaluate(*data, verbose=0) == trained.evaluate(*data, verbose=0)
    again.fit(*data, batch_size=6, verbose=0)  # goes on training


def test_separate_tokenizers_are_saved_apart(tmp_path):
    from dataclasses import replace

    config = replace(CONFIG, joint=False, model=replace(CONFIG.model, shared="output"))
    translator = Translator.from_text(["ab"], ["XYZ"], config)
    translator.save(tmp_path / "it.keras")
    again = tfllm.load_model(tmp_path / "it.keras")
    assert (again.source.tokens, again.target.tokens) == (translator.source.tokens, translator.target.tokens)
    assert again.source.tokens != again.target.tokens


def test_generate_returns_the_form_of_its_input(trained):
    sources = ["abc", "中é", "a"]
    output = trained.generate(sources)
    assert output == [trained.generate(text) for text in sources]  # neighbours change nothing
    assert trained.generate(tuple(sources), batch_size=1) == output
    assert trained.generate([]) == []
    assert isinstance(trained.generate(""), str)
    best = trained.generate("abc", n_best=3)
    assert len(best) == 3 and best[0][0] == output[0] and best[0][1] > best[1][1] > best[2][1]


def test_sampling_repeats_by_seed(trained):
    draw = {"beam_width": 1, "temperature": 5.0}
    one, same, other = (trained.generate(["abcde"] * 5, seed=seed, **draw) for seed in (1, 1, 2))
    assert one == same != other


def test_samples_depend_on_the_index_in_the_list(trained):
    """Samples do not depend on batches and neighbours, and `answer`, which is served, gives those of a list."""
    draw = {"beam_width": 1, "temperature": 3.0, "seed": 1}
    result = trained.generate(["abcde"] * 6, **draw)
    assert len(set(result)) == 6
    for size in (32, 3, 2, 1):
        assert trained.generate(["abcde"] * 6, batch_size=size, **draw) == result
    mixed = [text for i in range(6) for text in ("abcde", "a" * (i + 1))]
    assert trained.generate(mixed, batch_size=3, **draw)[::2] == [
        trained.generate("abcde", row=2 * i, **draw) for i in range(6)
    ]
    answer = trained.answer(tf.constant(["abcde"] * 6), Decoding(**draw))["text"].numpy()
    assert [text.decode() for text in answer] == result


def test_an_empty_text_has_an_empty_answer(trained):
    texts = ["", "abc", "  ", "\u3000\n", "a"]
    result = trained.generate(texts)
    assert [result[i] for i in (0, 2, 3)] == [""] * 3 and result[1::3] == trained.generate(["abc", "a"])
    assert trained.generate("") == "" and trained.generate("", n_best=2)[0] == ("", 0.0)
    assert trained.generate(texts, beam_width=1, temperature=2.0)[0] == ""
    answer = trained.answer(tf.constant([*texts, "ab" * 50]), Decoding())
    assert [text.decode() for text in answer["text"].numpy()][:5] == result
    assert answer["cut"].numpy().tolist() == [0, 0, 0, 0, 0, 100 - 31]


@pytest.mark.parametrize("beam_width", [1, 3])
def test_rules_bind_the_translation(trained, beam_width):
    output = trained.generate(["aabba", "cc"], beam_width=beam_width)
    assert output[0].count("A") > 1 and "CC" in output[1]
    once = trained.generate(["aabba", "cc"], beam_width=beam_width, no_repeat_ngram_size=1, bad_words="B")
    assert all(len(set(text)) == len(text) and "B" not in text for text in once)


def test_generate_is_traced_once(trained):
    run = trained.search(1, split(Decoding(beam_width=2))[0], False)
    for size in (1, 2, 5):
        trained.generate(["ab" * size] * size, beam_width=2, length_penalty=size / 10)
    assert run is trained.search(1, split(Decoding(beam_width=2))[0], False)
    assert run.compiled.experimental_get_tracing_count() == 1


@pytest.mark.slow
def test_mixed_precision(eager):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        translator = Translator.from_text(*pairs(16), CONFIG)
        translator.compile(keras.optimizers.Adam(1e-2), jit_compile=False)
        losses = translator.fit(*pairs(16), batch_size=16, epochs=3, verbose=0).history["loss"]
        assert losses[-1] < losses[0]
        assert isinstance(translator.generate("abc", beam_width=1), str)
    finally:
        keras.config.set_dtype_policy("float32")


def test_the_longest_answer_depends_on_its_own_source(trained):
    """3 S + 20 tokens, END of the source counted, and never more than the model has positions."""
    outputs, _ = trained.writer.search(tf.constant([[5, END, 0, 0, 0], [5, 5, 5, 5, END]]), 1, Decoding())
    assert outputs.shape[-1] == min(3 * 5 + 20, trained.model.pe_target)


@pytest.mark.parametrize("width", [1, 3])
def test_growing_caches_give_the_same_answers(fresh, width):
    """Untrained, with long answers favoured, so that they exceed the initial capacity of 16."""
    sources, decoding = tf.constant([[5, 7, 9, 6, END], [6, END, 0, 0, 0]]), Decoding(width, length_penalty=4.0)
    result, expected = (
        tf.function(lambda ids, grow=grow: fresh.writer.search(ids, 1, decoding, grow), autograph=False)(sources)
        for grow in (True, False)
    )
    assert result[0].numpy().tolist() == expected[0].numpy().tolist() and (result[0].numpy()[0, 0] != 0).sum() > 20
    np.testing.assert_allclose(result[1], expected[1], rtol=1e-5)


def test_long_pairs_are_truncated_with_a_warning(trained, caplog, eager):
    """Texts of 31 tokens and END fit into the model's 32 positions; one more does not."""
    trained.generate(["a" * 31, "b"], beam_width=1)
    trained.batches(["a" * 31, "b"], ["A", "B" * 31])
    assert not caplog.text
    trained.generate(["a" * 31, "a" * 32, "b"], beam_width=1)
    assert "1 of 3 source texts" in caplog.text and "32 tokens" in caplog.text
    caplog.clear()
    trained.batches(["a" * 31, "a" * 32, "b"], ["A", "B" * 32, "B" * 33])
    assert "1 of 3 source texts have more than 32 tokens with END and are truncated" in caplog.text
    assert "2 of 3 target texts have more than 32 tokens with END and are truncated" in caplog.text
    assert trained.prepare(["a" * 100]).to_list()[0][-1] == END


@pytest.mark.parametrize("loss", [
    "sparse_categorical_crossentropy",
    keras.losses.SparseCategoricalCrossentropy(),
    keras.losses.sparse_categorical_crossentropy,
])  # fmt: skip
def test_a_loss_of_probabilities_is_refused(fresh, loss):
    with pytest.raises(ValueError, match="expects probabilities.*logits"):
        fresh.compile("adam", loss)


def test_a_loss_of_logits_is_taken(fresh):
    fresh.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), run_eagerly=True)
    assert np.isfinite(fresh.fit(*pairs(6), batch_size=6, verbose=0).history["loss"][0])


def test_left_uncompiled_it_takes_the_recipe():
    translator = Translator.from_text(*pairs(20), CONFIG)
    translator.compile(jit_compile=False)
    assert translator.optimizer.get_config()["learning_rate"]["class_name"] == "InverseRoot"
    assert translator.loss.get_config()["label_smoothing"] == translator.label_smoothing


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda t: t.fit(["a"], ["b", "c"]), r"needs source and target, the same number of strings each; got \[1, 2\]"),
        (lambda t: t.fit(["a"]), r"needs source and target.*\[1\]"),
        (lambda t: t.fit(t.records(["a"], ["b"]).map(lambda r: {"text": r["source"]})), r"source.*text"),
        (lambda t: t.fit([], []), "no record"),
        (lambda t: t.fit(["a"], ["b"], validation_split=1.5), "between 0 and 1"),
        (lambda t: t.generate("a", beam_width=0), "beam_width must be 1 or more"),
        (lambda t: t.generate("a", n_best=3, beam_width=2), "beam_width=2 cannot give 3 answers.*beam_width=3"),
        (lambda t: t.generate("a", n_best=0), "n_best must be 1 or more, got 0"),
        (lambda t: t.generate(["a"], batch_size=0), "batch_size must be a whole number, 1 or more, got 0"),
        (lambda t: t.generate("a", beam_with=2), "Decoding has no 'beam_with'; did you mean 'beam_width'"),
        (lambda t: t.generate("a", temperature=1.0), "beam_width=1"),
        (lambda t: t.generate("a", beam_width=1, top_k=3), "temperature"),
        (lambda t: Translator.from_text(["a"], ["b"], "huge"), "tiny.*small.*base.*'huge'"),
    ],
)
def test_errors_name_the_fix(trained, call, message):
    with pytest.raises(ValueError, match=message):
        call(trained)


def test_a_step_of_training_is_traced_once(monkeypatch):
    translator, calls, call = Translator.from_text(*pairs(20), CONFIG), [], Translator.call
    monkeypatch.setattr(Translator, "call", lambda *args, **options: calls.append(1) or call(*args, **options))
    translator.compile("sgd", jit_compile=False)
    translator.fit(*pairs(20), batch_size=5, epochs=2, verbose=0)
    assert len(calls) == 1
