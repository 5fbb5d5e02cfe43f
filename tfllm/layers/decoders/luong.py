"""The decoders of Luong et al. 2015, with and without input feeding: recurrence first, then attention by its state.

Axes:  R rows  T target tokens  E width of the embedding  U units  S source tokens  D width of the memory
"""

import keras
from keras import ops

from tfllm.layers.decoders.attention_decoder import CELLS, Attending, AttentionDecoder, looped, over_time
from tfllm.layers.decoders.recurrent_attention import MultiplicativeAttention
from tfllm.layers.in_graph import in_graph
from tfllm.layers.recurrent import Recurrent, stepped


def attentional(embedding_dim, policy):
    """h~ = tanh(W [c; h]). Luong et al. 2015, eq. 5. Differs: as wide as the embedding, not as the state."""
    return keras.layers.Dense(embedding_dim, "tanh", use_bias=False, name="attentional", dtype=policy)


@keras.saving.register_keras_serializable("tfllm")
class LuongDecoder(AttentionDecoder):
    """Stacked recurrences over all tokens, then attention for all states at once, then h~. Luong et al. 2015, sec. 3.1.

    score: "general" or "dot". Only the recurrences need a loop, so this is the fastest of the decoders.
    """

    def __init__(self, num_layers, num_units, embedding_dim, cell="lstm", rate=0.0, score="general", **kwargs):
        super().__init__(num_layers, num_units, embedding_dim, cell, rate, **kwargs)
        self.numbers["score"], policy = score, self.dtype_policy
        self.layers = [Recurrent(num_units, cell, name=f"layer{i + 1}", dtype=policy) for i in range(num_layers)]
        self.attention = MultiplicativeAttention(score, name="attend", dtype=policy)
        self.combine = attentional(embedding_dim, policy)

    def build(self, x_shape, seen_shape, state_shape=None):
        units, memory_width = self.numbers["num_units"], seen_shape[0][-1]
        self.build_start(memory_width)
        for i, part in enumerate(self.layers):
            part.build((None, None, units if i else x_shape[-1]))
        if not self.attention.built:
            self.attention.build((None, None, units), seen_shape[0])
        self.combine.build((None, memory_width + units))

    def call(self, x, seen, state, training=None):
        memory, keys, mask = seen
        state = list(state)
        for i, part in enumerate(self.layers):
            x = self.drop(x, training=training) if i else x
            x, state[i] = part(x, state=state[i], training=training)
        context, weights = self.attention(x, memory, keys=keys, attention_mask=mask > 0)
        return self.combine(ops.concatenate([context, x], axis=-1)), weights, state


@keras.saving.register_keras_serializable("tfllm")
class InputFeedingCell(Attending, keras.layers.Layer):
    """One step: the layers read [y_{t-1}; h~_{t-1}], the top layer attends, h~_t = tanh(W [c; h]). Luong et al. 2015.

    x: y [R, E], followed in training by the dropout factors [R, U] of each layer's output except the last;
    states: h~ [R, E], those of each layer [R, U], then `seen` -> (h~ and the weights concatenated [R, E + S], states).
    """

    def __init__(self, num_layers, num_units, embedding_dim, cell="lstm", score="general", **kwargs):
        super().__init__(**kwargs)
        self.numbers = {
            "num_layers": num_layers, "num_units": num_units, "embedding_dim": embedding_dim,
            "cell": cell, "score": score,
        }  # fmt: skip
        (kind, self.parts), policy, self.num_units = CELLS[cell], self.dtype_policy, num_units
        self.state_size = [num_units] * (num_layers * self.parts + 4)  # required by keras.layers.RNN
        self.cells = [kind(num_units, name=f"{cell}{i + 1}", dtype=policy) for i in range(num_layers)]
        self.attend = MultiplicativeAttention(score, name="attend", dtype=policy)
        self.combine = attentional(embedding_dim, policy)

    @property
    def attention(self):
        return self.attend

    def build(self, x_shape, states_shape):
        units, width, memory_shape = self.numbers["num_units"], self.numbers["embedding_dim"], states_shape[-3]
        for i, cell in enumerate(self.cells):
            cell.build((None, units if i else 2 * width))
        if not self.attend.built:
            self.attend.build((None, None, units), memory_shape)
        self.combine.build((None, memory_shape[-1] + units))

    def call(self, x, states):
        units, width = self.numbers["num_units"], self.numbers["embedding_dim"]
        fed, *state, memory, keys, mask = states
        h, kept = ops.concatenate([x[:, :width], fed], axis=-1), x[:, width:]
        for i, cell in enumerate(self.cells):
            if i and kept.shape[-1]:
                h = h * kept[:, (i - 1) * units : i * units]
            own = slice(i * self.parts, (i + 1) * self.parts)
            h, state[own] = stepped(cell, h, state[own])
        context, weights = self.attend(h[:, None], memory, keys=keys, attention_mask=mask > 0)
        fed = self.combine(ops.concatenate([context[:, 0], h], axis=-1))
        outputs = ops.concatenate([fed, ops.cast(weights[:, 0], h.dtype)], axis=-1)
        return outputs, [fed, *state, memory, keys, mask]

    def get_config(self):
        return super().get_config() | self.numbers


@keras.saving.register_keras_serializable("tfllm")
class InputFeedingDecoder(AttentionDecoder):
    """As LuongDecoder, with h~ of each token as an additional input of the next. Luong et al. 2015, sec. 3.3 and fig.

    4.
    """

    def __init__(self, num_layers, num_units, embedding_dim, cell="lstm", rate=0.0, score="general", **kwargs):
        super().__init__(num_layers, num_units, embedding_dim, cell, rate, **kwargs)
        self.numbers["score"], policy = score, self.dtype_policy
        step = InputFeedingCell(num_layers, num_units, embedding_dim, cell, score, name="cell", dtype=policy)
        self.loop = looped(step, policy)

    @property
    def attention(self):
        return self.loop.cell.attend

    def build(self, x_shape, seen_shape, state_shape=None):
        self.build_start(seen_shape[0][-1])
        self.loop.cell.build(x_shape, seen_shape)
        self.loop.built = True

    @in_graph
    def start(self, finals):
        state = super().start(finals)
        return [(ops.zeros((ops.shape(finals[0])[0], self.numbers["embedding_dim"]), finals[0].dtype),), *state]

    def call(self, x, seen, state, training=None):
        width, between = self.numbers["embedding_dim"], self.numbers["num_layers"] - 1
        if training and between and self.numbers["rate"]:  # dropout between the layers, drawn before the loop
            ones = ops.ones((*ops.shape(x)[:2], between * self.numbers["num_units"]), x.dtype)
            x = ops.concatenate([x, self.drop(ones, training=training)], axis=-1)
        outputs, states = over_time(self.loop, x, [*(part for own in state for part in own), *seen])
        fed, *rest = states[: 1 + (1 + between) * self.parts]
        state = [(fed,), *(tuple(rest[i : i + self.parts]) for i in range(0, len(rest), self.parts))]
        return outputs[..., :width], outputs[..., width:], state
