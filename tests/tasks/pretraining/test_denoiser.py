"""Denoiser: its inputs, its loss, filling gaps, and a Translator with its weights."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfllm.models import Seq2SeqRNNConfig, TransformerConfig
from tfllm.tasks.pretraining.denoiser import Denoiser, DenoiserConfig
from tfllm.tasks.text_generation.decoding import Decoding
from tfllm.text import END, START, Bytes

SMALL = TransformerConfig(num_layers=1, d_model=16, num_heads=2, dff=32, pe_input=40, pe_target=40, rate=0.0)
RNN = Seq2SeqRNNConfig(1, 8, 8)
TEXTS = ["abcdefghijklmnopqrst", "aabbccddeeff", "a", "", "abc" * 12] * 8


def denoiser(model=SMALL):
    keras.utils.set_random_seed(1)
    task = Denoiser.from_text(TEXTS, DenoiserConfig("characters", length=36, model=model))
    task.compile(keras.optimizers.Adam(1e-2), run_eagerly=True)
    return task


@pytest.fixture(scope="module")
def trained():
    task = denoiser()
    task.compile(keras.optimizers.Adam(1e-2), jit_compile=False)
    task.history = task.fit(TEXTS, epochs=8, batch_size=16, shapes=1, validation_data=TEXTS, verbose=0).history
    return task


def test_source_and_target_make_up_the_text():
    task = denoiser()
    first = task.tokenizer.vocab_size
    inputs, targets, weights = next(iter(task.batches(TEXTS, batch_size=64, shapes=1).dataset))
    output = set()
    for source, decoder_input, target, real in zip(*(part.numpy() for part in (*inputs.values(), targets, weights)),
                                             strict=True):  # fmt: skip
        size = int(real.sum())
        assert target[size - 1] == END and (real[:size] == 1).all() and not target[size:].any()
        assert decoder_input[:size].tolist() == [START, *target[: size - 1]]
        gaps = np.split(target[: size - 1], np.flatnonzero(target[: size - 1] >= first))[1:]
        filled = {gap[0]: gap[1:].tolist() for gap in gaps}
        source = source[: source.tolist().index(END)]
        whole = [part for token in source for part in filled.get(token, [token])]
        output.add(task.tokenizer.decode([whole]).numpy()[0].decode())
    assert output == {"abcdefghijklmnopqrst", "aabbccddeeff", "a", "abc" * 12}


def test_it_learns_and_evaluates_by_tokens(trained):
    assert trained.history["loss"][-1] < 0.7 * trained.history["loss"][0] and "val_accuracy" in trained.history
    losses = []
    for inputs, targets, weights in trained.batches(TEXTS).dataset:
        z = np.float64(trained(inputs))
        z -= np.log(np.exp(z).sum(-1, keepdims=True))
        losses.append(-np.take_along_axis(z, targets.numpy()[..., None], -1)[..., 0][weights.numpy() > 0])
    np.testing.assert_allclose(trained.evaluate(TEXTS, verbose=0)[0], np.concatenate(losses).mean(), rtol=1e-5)


@pytest.mark.slow
def test_gaps_are_numbered_and_filled(trained):
    first = trained.tokenizer.vocab_size
    ids = trained.prepare(["ab[MASK]c[MASK]", "", "[MASK]"]).to_list()
    a, b, c = trained.tokenizer.encode(["abc"]).to_list()[0]
    assert ids == [[a, b, first, c, first + 1, END], [END], [first, END]]
    texts = tf.constant(["abcdefgh[MASK]lmnop", "no gap", "", "a[MASK]b[MASK]"])
    output = [text.decode() for text in trained.answer(texts)["text"].numpy()]
    assert output[1:3] == ["no gap", ""] and output[0].startswith("abcdefgh") and output[0].endswith("lmnop")
    source = trained.prepare(texts).to_list()
    for row, text in ((0, output[0]), (3, output[3])):  # greedily, by the whole forward pass for each token
        target = [START]
        while target[-1] != END and len(target) <= trained.model.pe_target:
            inputs = {"source": np.array([source[row]]), "target": np.array([target])}
            target.append(int(np.argmax(trained(inputs)[0, -1])))
        expected, gaps = texts.numpy()[row].decode().split("[MASK]"), ["[MASK]"] * 2
        for token in target[1 : target.index(END) if END in target else None]:
            if token >= first:
                number = sum(1 for other in target[: target.index(token) + 1] if other >= first) - 1
                gaps[number : number + 1] = [""]
            elif "number" in locals() and number < 2:
                gaps[number] += trained.tokenizer.decode([[token]]).numpy()[0].decode()
        del number
        whole = expected[0] + "".join((gap or "[MASK]") + part for gap, part in zip(gaps, expected[1:], strict=False))
        assert text == whole
    assert trained.generate(["no gap", "", " "]) == ["no gap", "", " "]


def test_truncated_texts_log_a_warning(trained, caplog):
    """A text of 39 letters and END fits into 40 positions; of one more, the last letter is not read."""
    answer = trained.answer(tf.constant(["a" * 39, "a" * 40, ""]))
    assert answer["cut"].numpy().tolist() == [0, 1, 0]
    assert trained.generate("a" * 39) == "a" * 39 and not caplog.text
    assert trained.generate(["a" * 40, "b"]) == ["a" * 40, "b"]
    assert "1 of 2 texts have more than 40 tokens and are truncated" in caplog.text


@pytest.mark.parametrize("model", [SMALL, RNN])
def test_a_translator_reuses_weights_and_tokenizer(model):
    task = denoiser(model)
    task.fit(TEXTS[:10], batch_size=10, shapes=1, verbose=0)
    translator = task.translator()
    assert translator.source is translator.target is task.tokenizer
    sources = ["abc", "bcd", "cde", "def"] * 4
    ids = translator.example({"source": sources, "target": sources})
    np.testing.assert_array_equal(  # the same weights: the same logits
        translator({name: part.to_tensor() for name, part in ids[0].items()}),
        task({name: part.to_tensor() for name, part in ids[0].items()}),
    )
    translator.compile(keras.optimizers.Adam(1e-2), run_eagerly=True)
    losses = translator.fit(sources, sources, epochs=4, batch_size=16, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    assert translator.answer(tf.constant(["abc"]), Decoding(beam_width=1))["text"].shape == (1,)


def test_streamed_rows_are_those_in_memory():
    task = denoiser()
    task.compile(keras.optimizers.SGD(0.0), run_eagerly=True)
    losses = [
        task.fit(TEXTS[:12], batch_size=4, shapes=1, shuffle=False, verbose=0, seed=0, stream=stream).history["loss"]
        for stream in (False, True)
    ]
    np.testing.assert_allclose(*losses, rtol=1e-5)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Denoiser.from_text(["a"], "huge"), "tiny.*small.*base.*'huge'"),
        (lambda: Denoiser.from_text(TEXTS, DenoiserConfig("bytes", model=SMALL)), "length is 128 tokens.* limit is 40"),
        (lambda: Denoiser(denoiser().model, Bytes(), 20), "one vocabulary, sentinels included: 261 ids; got"),
        (lambda: denoiser().fit(["", ""]), "nothing to learn from"),
    ],
)
def test_errors_name_the_fix(call, message):
    with pytest.raises(ValueError, match=message):
        call()
