"""The decoder of Bahdanau et al. 2015: attention by the previous state, then the recurrence reads the context.

Axes:  R rows  T target tokens  E width of the embedding  U units  S source tokens  D width of the memory
"""

import keras
from keras import ops

from tfllm.layers.decoders.attention_decoder import CELLS, Attending, AttentionDecoder, looped, over_time
from tfllm.layers.decoders.recurrent_attention import AdditiveAttention
from tfllm.layers.recurrent import Recurrent, stepped


@keras.saving.register_keras_serializable("tfllm")
class BahdanauCell(Attending, keras.layers.Layer):
    """One step: c_i = attention of s_{i-1}, s_i = f(s_{i-1}, [y_{i-1}; c_i]). Bahdanau et al. 2015, eq. 4 to 6.

    x [R, E]; states: those of f [R, U], then `seen` -> (s_i, c_i and the weights side by side [R, U + D + S], states).
    """

    def __init__(self, num_units, cell="lstm", **kwargs):
        super().__init__(**kwargs)
        self.num_units, self.kind = num_units, cell
        kind, self.parts = CELLS[cell]
        self.state_size, self.output_size = [num_units] * (self.parts + 3), num_units  # required by keras.layers.RNN
        self.attend = AdditiveAttention(num_units, name="attend", dtype=self.dtype_policy)
        self.cell = kind(num_units, name=cell, dtype=self.dtype_policy)

    @property
    def attention(self):
        return self.attend

    def build(self, x_shape, states_shape):
        memory_shape = tuple(states_shape[-3])
        if not self.attend.built:
            self.attend.build((None, None, self.num_units), memory_shape)
        self.cell.build((None, x_shape[-1] + memory_shape[-1]))

    def call(self, x, states):
        state, (memory, keys, mask) = states[: self.parts], states[self.parts :]
        context, weights = self.attend(state[0][:, None], memory, keys=keys, attention_mask=mask > 0)
        h, state = stepped(self.cell, ops.concatenate([x, context[:, 0]], axis=-1), state)
        weights = ops.cast(weights[:, 0], h.dtype)
        return ops.concatenate([h, context[:, 0], weights], axis=-1), [*state, memory, keys, mask]

    def get_config(self):
        return super().get_config() | {"num_units": self.num_units, "cell": self.kind}


@keras.saving.register_keras_serializable("tfllm")
class BahdanauDecoder(AttentionDecoder):
    """The lowest layer attends before it reads; the layers above get the context too; maxout of state, token and
    context.

    Bahdanau et al. 2015, sec. 3.1 and A.2.2; the layers above the first: Wu et al. 2016, sec. 3.
    Differs: LSTM is possible; the output uses s_i, as in eq. 4 of the paper, not s_{i-1}, as in its appendix; the
    number of maxout units equals the width of the embedding.
    """

    def __init__(self, num_layers, num_units, embedding_dim, cell="lstm", rate=0.0, **kwargs):
        super().__init__(num_layers, num_units, embedding_dim, cell, rate, **kwargs)
        policy = self.dtype_policy
        self.loop = looped(BahdanauCell(num_units, cell, name="cell", dtype=policy), policy)
        self.upper = [Recurrent(num_units, cell, name=f"layer{i + 2}", dtype=policy) for i in range(num_layers - 1)]
        self.to_pairs = keras.layers.Dense(2 * embedding_dim, name="readout", dtype=policy)

    @property
    def attention(self):
        return self.loop.cell.attend

    def build(self, x_shape, seen_shape, state_shape=None):
        units, memory_width = self.numbers["num_units"], seen_shape[0][-1]
        self.build_start(memory_width)
        self.loop.cell.build(x_shape, seen_shape)
        self.loop.built = True
        for part in self.upper:
            part.build((None, None, units + memory_width))
        self.to_pairs.build((None, None, units + x_shape[-1] + memory_width))

    def call(self, x, seen, state, training=None):
        units, width = self.numbers["num_units"], seen[0].shape[-1]
        outputs, first = over_time(self.loop, x, [*state[0], *seen])
        h, context, weights = outputs[..., :units], outputs[..., units : units + width], outputs[..., units + width :]
        state = [tuple(first[: self.parts]), *state[1:]]
        for i, part in enumerate(self.upper, start=1):
            h = self.drop(h, training=training)
            h, state[i] = part(ops.concatenate([h, context], axis=-1), state=state[i], training=training)
        pairs = self.to_pairs(ops.concatenate([h, x, context], axis=-1))
        pairs = ops.reshape(pairs, (*ops.shape(pairs)[:2], self.numbers["embedding_dim"], 2))
        return ops.maximum(pairs[..., 0], pairs[..., 1]), weights, state  # maxout: Goodfellow et al. 2013
