"""The documents' samples of language models, run as printed; their faults, each shown; and what stands for them here.

The samples' text is quoted: only the arguments that a sample leaves open are given, as names it can see.
"""

import keras
import numpy as np
import pytest

from tfllm.models import BigLanguageModel, LSTMLanguageModel

LSTM_SAMPLE = """
import tensorflow as tf

inputs = tf.keras.Input(shape=(None,), dtype=tf.int32)
x = tf.keras.layers.Embedding(input_dim=vocab_size, output_dim=embedding_dim)(inputs)
outputs = tf.keras.layers.LSTM(units=num_units)(x)

model = tf.keras.Model(inputs=inputs, outputs=outputs)

model.compile(optimizer='adam', loss='categorical_crossentropy', metrics=['accuracy'])
model.fit(train_data, train_labels, epochs=num_epochs, batch_size=batch_size)
"""
BIG_SAMPLE = """
import tensorflow as tf
from tensorflow.keras.layers import Embedding, RNN, Attention, Dense

class BigLanguageModel(tf.keras.Model):
    def __init__(self, vocab_size, embedding_dim, hidden_dim, num_layers):
        super(BigLanguageModel, self).__init__()
        self.embedding = Embedding(vocab_size, embedding_dim)
        self.rnn = RNN(hidden_dim, return_sequences=True)
        self.attention = Attention()
        self.dense = Dense(vocab_size)

    def call(self, inputs):
        embedded = self.embedding(inputs)
        rnn_output = self.rnn(embedded)
        attention_output = self.attention(rnn_output)
        output = self.dense(attention_output)
        return output
"""
SIZES = (7, 8, 16, 2)  # vocab_size, embedding_dim, hidden_dim, num_layers
CELL = ("RNN(hidden_dim,", "RNN(tf.keras.layers.LSTMCell(hidden_dim),")
INPUTS = ("self.attention(rnn_output)", "self.attention([rnn_output, rnn_output])")

TEXT = np.tile([1, 2, 3, 1, 4, 5, 6], 3)  # after 1 comes 2 or 4: the last token alone does not say which
WINDOW = 4
WINDOWS = np.stack([TEXT[i : i + WINDOW] for i in range(len(TEXT) - WINDOW)])
NEXT = TEXT[WINDOW:]


def run(sample, *mended, **given):
    """The names a sample leaves behind; `mended`: (printed, instead), each of which must be there to be mended."""
    for printed, instead in mended:
        assert sample.count(printed) == 1
        sample = sample.replace(printed, instead)
    exec(sample, given)
    return given


def lstm_sample(*mended, **given):
    keras.utils.set_random_seed(0)
    sizes = {"vocab_size": 7, "embedding_dim": 8, "num_units": 7, "num_epochs": 2, "batch_size": 17}
    labels = keras.utils.to_categorical(NEXT, 7)
    return run(LSTM_SAMPLE, *mended, **sizes | {"train_data": WINDOWS, "train_labels": labels} | given)["model"]


def test_the_lstm_sample_as_printed():
    """It runs where num_units is the number of classes; what it gives are no probabilities."""
    model = lstm_sample()
    out = model.predict(WINDOWS, verbose=0)
    assert out.shape == (len(WINDOWS), 7) and model.history.epoch == [0, 1]
    assert out.min() < 0 and np.abs(out.sum(-1) - 1).max() > 0.1


def test_the_lstm_sample_needs_as_many_units_as_classes():
    with pytest.raises(ValueError, match="shape"):
        lstm_sample(num_units=12)


@pytest.mark.slow
def test_the_lstm_sample_as_it_is_meant_learns_the_text():
    """With the Dense softmax of the document's title, and more steps than two."""
    dense = (
        "(units=num_units)(x)",
        "(units=num_units)(x)\noutputs = tf.keras.layers.Dense(vocab_size, 'softmax')(outputs)",
    )
    faster = ("optimizer='adam'", "optimizer=tf.keras.optimizers.Adam(0.03)")
    model = lstm_sample(dense, faster, num_units=16, num_epochs=60)
    out = model.predict(WINDOWS, verbose=0)
    np.testing.assert_allclose(out.sum(-1), 1.0, atol=1e-5)
    assert model.history.history["accuracy"][-1] == 1.0 and (out.argmax(-1) == NEXT).all()


def test_ours_learns_the_text_at_every_place():
    """Where the sample predicts one token a window, each place predicts its next; the first 1 cannot be told."""
    keras.utils.set_random_seed(0)
    model = LSTMLanguageModel(7, 8, 16)
    model.compile(
        keras.optimizers.Adam(0.03), keras.losses.SparseCategoricalCrossentropy(from_logits=True), jit_compile=True
    )
    model.fit(TEXT[None, :-1], TEXT[None, 1:], epochs=60, verbose=0)
    assert (np.argmax(model(TEXT[None, :-1])[0], -1)[3:] == TEXT[4:]).all()


def test_the_big_sample_fails_as_printed():
    """`RNN` takes a cell, not a width."""
    made = run(BIG_SAMPLE)
    with pytest.raises(ValueError, match="Argument `cell` should have a `call` method. Received: cell=16"):
        made["BigLanguageModel"](*SIZES)


def test_with_a_cell_its_attention_fails():
    """`Attention` takes a list: queries and values."""
    model = run(BIG_SAMPLE, CELL)["BigLanguageModel"](*SIZES)
    with pytest.raises(ValueError, match="(?s)must be called on a list of inputs"):
        model(WINDOWS)


def test_mended_so_far_it_sees_the_future_and_forgets_num_layers():
    kind = run(BIG_SAMPLE, CELL, INPUTS)["BigLanguageModel"]
    model, deeper = kind(*SIZES), kind(*SIZES[:3], 5)
    before = model(WINDOWS[:1]).numpy()
    changed = WINDOWS[:1].copy()
    changed[0, -1] = 0
    assert np.abs(model(changed).numpy() - before)[0, 0].max() > 1e-6  # the first place moves with the last token
    deeper(WINDOWS)
    assert deeper.count_params() == model.count_params()


def test_ours_takes_the_arguments_of_the_big_sample_and_learns():
    keras.utils.set_random_seed(0)
    model = BigLanguageModel(*SIZES)
    model.compile(
        keras.optimizers.Adam(0.03), keras.losses.SparseCategoricalCrossentropy(from_logits=True), jit_compile=False
    )
    model.fit(TEXT[None, :-1], TEXT[None, 1:], epochs=70, verbose=0)
    assert (np.argmax(model(TEXT[None, :-1])[0], -1)[3:] == TEXT[4:]).all()
