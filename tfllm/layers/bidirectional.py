"""A bidirectional recurrent encoder of right-padded texts. Schuster & Paliwal 1997; Bahdanau et al. 2015.

Both directions start at a real token: the backward direction reads the real tokens in reverse order, followed by the
padding. So the loops need no mask, and the attention masks the outputs at padding.

Axes:  B batch  S source tokens  D width of the input  U units, both directions together
"""

import keras
from keras import ops

from tfllm.layers.recurrent import Recurrent


def reversal(lengths, positions):
    """lengths [B] -> [B, S]: the index of the token at each position if the real tokens are reversed.

    Its own inverse.
    """
    position = ops.arange(positions, dtype="int32")[None]
    return ops.where(position < lengths[:, None], lengths[:, None] - 1 - position, position)


def gather_positions(x, positions):
    """x [B, S, D], positions [B, N] -> [B, N, D]: the vectors of each text at its positions."""
    batch, length, width = ops.shape(x)
    rows = ops.arange(batch, dtype="int32")[:, None] * length + positions
    return ops.take(ops.reshape(x, (-1, width)), rows, axis=0)


@keras.saving.register_keras_serializable("tfllm")
class BidirectionalEncoder(keras.layers.Layer):
    """`num_layers` of two recurrences each, U / 2 units forwards and U / 2 backwards; dropout after each layer.

    x [B, S, D], padding_mask [B, S] bool, real tokens first (None: all are real) -> (memory [B, S, U], finals). finals
    has for each layer [B, U]: the last forward state (after the last real token), then the last backward state (at the
    first). memory is undefined where the mask is False. Raises ValueError for an odd U.
    Differs: in Bahdanau et al. 2015 each direction has as many units as the decoder; here both together have.
    """

    def __init__(self, num_layers, num_units, cell="lstm", rate=0.0, **kwargs):
        super().__init__(**kwargs)
        if num_units % 2:
            raise ValueError(f"num_units must be even (half for each direction); got {num_units}")
        self.numbers = {"num_layers": num_layers, "num_units": num_units, "cell": cell, "rate": rate}
        self.drop = keras.layers.Dropout(rate, name="drop", dtype=self.dtype_policy)

        def direction(name):
            kind = {"cell": cell, "dtype": self.dtype_policy}
            return [Recurrent(num_units // 2, name=f"{name}{i + 1}", **kind) for i in range(num_layers)]

        self.forwards, self.backwards = direction("forwards"), direction("backwards")

    def build(self, x_shape):
        for i, pair in enumerate(zip(self.forwards, self.backwards, strict=True)):
            for part in pair:
                part.build((None, None, self.numbers["num_units"] if i else x_shape[-1]))

    def call(self, x, padding_mask=None, training=None):
        padding_mask = ops.ones_like(x[..., 0]) if padding_mask is None else padding_mask
        lengths = ops.sum(ops.cast(padding_mask, "int32"), axis=1)  # [B]
        order, last = reversal(lengths, ops.shape(x)[1]), ops.maximum(lengths - 1, 0)[:, None]
        finals = []
        for forwards, backwards in zip(self.forwards, self.backwards, strict=True):
            ahead = forwards(x, training=training)[0]  # [B, S, U / 2]
            back = gather_positions(backwards(gather_positions(x, order), training=training)[0], order)
            finals.append(ops.concatenate([gather_positions(ahead, last)[:, 0], back[:, 0]], axis=-1))
            x = self.drop(ops.concatenate([ahead, back], axis=-1), training=training)
        return x, finals

    def get_config(self):
        return super().get_config() | self.numbers
