"""The first epochs of a memory network, in which its hops look without a softmax. Sukhbaatar et al. 2015, sec. 4.2.

Their text ends this when the validation loss does not fall any more; their code, as here, after a number of epochs.
"""

import keras


class LinearStart(keras.callbacks.Callback):
    """`network.linear` is 1 in the epochs 0 .. `epochs` - 1 and 0 after them; at the end it stays as it is.

    It follows the number of the epoch alone, so that an interrupted training goes on as it would have.
    """

    def __init__(self, network, epochs):
        super().__init__()
        self.network, self.epochs = network, epochs

    def on_epoch_begin(self, epoch, logs=None):
        self.network.linear.assign(1.0 if epoch < self.epochs else 0.0)
