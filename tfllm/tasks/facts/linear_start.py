"""The linear start of a memory network: first epochs without a softmax in the hops. Sukhbaatar et al. 2015, sec. 4.2.

Their text ends it when the validation loss stops falling; their code, and this one, after a number of epochs.
"""

import keras


class LinearStart(keras.callbacks.Callback):
    """Sets `network.linear` to 1 in the epochs 0 .. `epochs` - 1 and to 0 afterwards.

    It depends on the epoch number only, so that a resumed training continues unchanged.
    """

    def __init__(self, network, epochs):
        super().__init__()
        self.network, self.epochs = network, epochs

    def on_epoch_begin(self, epoch, logs=None):
        self.network.linear.assign(1.0 if epoch < self.epochs else 0.0)
