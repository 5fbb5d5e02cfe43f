"""A tiny model with dropout on fixed data; every fit is reproducible from the seed."""

import keras
import numpy as np
import pytest

from tfllm.training import optimizer


class Small:
    x = np.random.default_rng(0).normal(size=(24, 5)).astype("float32")
    y = x.sum(1, keepdims=True)

    def model(self, recipe, eager=True):
        keras.utils.set_random_seed(recipe.seed)
        layers = [keras.layers.Dense(4, "tanh"), keras.layers.Dropout(0.3), keras.layers.Dense(1)]
        model = keras.Sequential([keras.Input((5,)), *layers])
        model.compile(optimizer=optimizer(recipe), loss="mse", run_eagerly=eager)
        return model

    def fit(self, model, callbacks, epochs, **options):
        """8 batches of 3 an epoch, always in the same order."""
        options = {"validation_data": (self.x[:8], self.y[:8]), "shuffle": False, "verbose": 0} | options
        return model.fit(self.x, self.y, batch_size=3, epochs=epochs, callbacks=callbacks, **options)

    @staticmethod
    def weights(model):
        return [np.array(weight.numpy()) for weight in model.trainable_variables]


class Watch(keras.callbacks.Callback):
    """The trainable weights after every batch."""

    def __init__(self):
        super().__init__()
        self.batches = []

    def on_train_batch_end(self, batch, logs=None):
        self.batches.append(Small.weights(self.model))


@pytest.fixture
def small():
    return Small()


@pytest.fixture
def watch():
    return Watch()
