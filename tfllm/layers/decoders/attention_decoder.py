"""The common part of recurrent decoders with attention (bahdanau.py, luong.py).

Each has three methods. `start(finals)` creates the initial state; `seen(memory, attention_mask)` computes what stays
constant over all steps; the call decodes T tokens: x [R, T, E], seen, state -> (features [R, T, E],
weights [R, T, S], state). With T = 1 there is no loop, and R may be a multiple of the rows of `seen`: the beams of a
sentence are consecutive rows. Features are as wide as the embedding, so that the softmax may share its matrix.

Axes:  R rows  T target tokens  E width of the embedding  U units  S source tokens  D width of the memory
"""

import keras
from keras import ops

from tfllm.layers.in_graph import InGraph, in_graph

# and the number of tensors in their state
CELLS = {"lstm": (keras.layers.LSTMCell, 2), "gru": (keras.layers.GRUCell, 1)}


def over_time(loop, x, states):
    """A keras.layers.RNN over x [R, T, ...] -> (its cell's outputs [R, T, ...], states).

    A single step needs no loop.
    """
    if x.shape[1] == 1:
        outputs, states = loop.cell(x[:, 0], states)
        return outputs[:, None], states
    outputs, *states = loop(x, initial_state=states)
    return outputs, states


def looped(cell, policy):
    return keras.layers.RNN(cell, return_sequences=True, return_state=True, name="loop", dtype=policy)


class Attending(InGraph):
    """Mixin for a layer with an `attention` whose queries are states of `num_units`."""

    @in_graph
    def seen(self, memory, attention_mask):
        """memory [B, S, D], attention_mask [B, 1, S] bool -> (memory, its keys, the mask as 0 and 1)."""
        if not self.attention.built:
            self.attention.build((None, None, self.num_units), memory.shape)
        return memory, self.attention.project(memory), ops.cast(attention_mask, memory.dtype)


class AttentionDecoder(Attending, keras.layers.Layer):
    """Abstract: config, initial state, and projected memory. A subclass defines `attention` and `call`."""

    def __init__(self, num_layers, num_units, embedding_dim, cell="lstm", rate=0.0, **kwargs):
        super().__init__(**kwargs)
        if cell not in CELLS:
            raise ValueError(f"cell must be one of {list(CELLS)}; got {cell!r}")
        self.numbers = {
            "num_layers": num_layers, "num_units": num_units, "embedding_dim": embedding_dim,
            "cell": cell, "rate": rate,
        }  # fmt: skip
        self.drop = keras.layers.Dropout(rate, name="drop", dtype=self.dtype_policy)
        self.num_units, self.parts = num_units, CELLS[cell][1]
        self.to_start = [
            keras.layers.Dense(self.parts * num_units, "tanh", name=f"start{i + 1}", dtype=self.dtype_policy)
            for i in range(num_layers)
        ]

    @in_graph
    def start(self, finals):
        """The encoder's final states, [B, D] per layer -> the initial state of each layer, tanh(W final + b).

        Bahdanau et al. 2015, sec. A.2.2, uses the backward state only; Luong et al. 2015 copy the states.
        """
        made = (layer(final) for layer, final in zip(self.to_start, finals, strict=True))
        return [tuple(ops.split(state, self.parts, axis=-1)) for state in made]

    def build_start(self, width):
        """Build the layers of `start`, for finals as wide as the memory."""
        for layer in self.to_start:
            if not layer.built:
                layer.build((None, width))

    def get_config(self):
        return super().get_config() | self.numbers
