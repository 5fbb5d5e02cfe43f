"""Tasks are trained with dropout and evaluated without: Keras passes `training` only to a `call` that takes it."""

import keras
import pytest

from tests.zoo import KINDS
from tfllm.tasks import LanguageModel

WITH_DROPOUT = (
    "translator", "recurrent translator", "summarizer", "recurrent summarizer", "gpt", "rotary gpt",
    "dialogue of one stream", "dialogue of pairs", "masked language model", "denoiser", "classifier of pairs",
    "gpt classifier of pairs", "regression", "recurrent dialogue", "writer of facts",
    "reader of one text", "transformer writer of facts",
)  # fmt: skip


@pytest.mark.parametrize("kind", WITH_DROPOUT)
def test_dropout_is_active_in_training_only(kind, monkeypatch):
    modes, call = [], keras.layers.Dropout.call

    def recorded(self, inputs, training=False):
        modes.append(bool(training))
        return call(self, inputs, training=training)

    monkeypatch.setattr(keras.layers.Dropout, "call", recorded)
    task, data = KINDS[kind].make()
    task.compile("sgd", run_eagerly=True)
    modes.clear()
    task.train_on_batch(*data)
    assert modes and all(modes)
    modes.clear()
    task.test_on_batch(*data)
    assert modes and not any(modes)


def test_a_call_without_training_is_refused():
    with pytest.raises(TypeError, match="Own.call must take training=None"):

        class Own(LanguageModel):
            def call(self, inputs):
                return self.model(inputs)
