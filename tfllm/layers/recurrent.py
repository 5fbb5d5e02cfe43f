"""LSTM and GRU over [B, T, D] with an explicit state, single and stacked.

Weights, names and layout are those of Keras' `LSTMCell` and `GRUCell`. The step and the loop over time are ours, and so
is the gradient of the loop: x W for all positions is one product before the loop, and the gradients of W and of the
recurrent matrix are one product each after it, where automatic differentiation adds up one product per position. The
custom gradient is used in training only, because TensorFlow keeps the graph of each custom gradient until the process
ends. Elsewhere the loop is differentiated automatically, which XLA cannot do. Not included: masks and reading
backwards, which no causal model needs, and dropout on the state.

Axes:  B batch  T tokens  D width of the input  U units
"""

import keras
from keras import ops

CELLS = ("lstm", "gru")


def _output_gradients(upstream):
    """The gradients with respect to several outputs: TensorFlow passes them separately, JAX as one tuple."""
    return upstream if len(upstream) > 1 else upstream[0]


def _backwards(step, carried, sequences):
    """`ops.scan` from the last position to the first over several tensors [T, B, ...], passed to `step` as a list.

    They are concatenated, since Keras' own scan fails for several tensors whose T is unknown before the graph runs.
    """
    ends = [sum(part.shape[-1] for part in sequences[: i + 1]) for i in range(len(sequences) - 1)]
    joined = ops.concatenate(sequences, axis=-1)
    return ops.scan(lambda kept, inputs: step(kept, ops.split(inputs, ends, axis=-1)), carried, joined, reverse=True)


def _lstm_gates(z):
    i, f, g, o = ops.split(z, 4, axis=-1)
    return ops.sigmoid(i), ops.sigmoid(f), ops.tanh(g), ops.sigmoid(o)


def lstm(z, recurrent, h, c):
    """c = f c + i g, h = o tanh(c), with (i, f, g, o) = (σ, σ, tanh, σ)(z + h R). Zaremba et al. 2014, sec. 3.1.

    z = x W + b [T, B, 4U], recurrent R [U, 4U], h and c [B, U] of the step before -> (h, c, z + h R), each [T, B, ...].
    Hochreiter & Schmidhuber 1997, with the forget gate of Gers et al. 2000.
    """

    def forward(carried, z):
        h, c, _ = carried
        z = z + ops.matmul(h, recurrent)
        i, f, g, o = _lstm_gates(z)
        c = f * c + i * g
        carried = (o * ops.tanh(c), c, z)
        return carried, carried

    return ops.scan(forward, (h, c, ops.zeros_like(z[0])), z)[1]


@ops.custom_gradient
def trained_lstm(z, recurrent, h, c):
    """`lstm` with its custom gradient -> (h, c)."""
    hs, cs, zs = lstm(z, recurrent, h, c)

    def gradient(*upstream):
        dhs, dcs = _output_gradients(upstream)
        before_h, before_c = ops.concatenate([h[None], hs[:-1]]), ops.concatenate([c[None], cs[:-1]])
        i, f, g, o = _lstm_gates(zs)
        bent = ops.tanh(cs)
        slopes = [g * i * (1 - i), before_c * f * (1 - f), i * (1 - g * g), bent * o * (1 - o)]
        slopes = ops.concatenate(slopes, axis=-1)  # [T, B, 4U]: derivatives of c by i, f and g, and of h by o
        through = o * (1 - bent * bent)  # [T, B, U]: derivative of h by c

        def backward(carried, inputs):
            dh, dc, _ = carried
            dh_here, dc_here, slopes, through, f = inputs
            dh = dh + dh_here
            dc = dc + dc_here + dh * through
            dz = ops.concatenate([dc, dc, dc, dh], axis=-1) * slopes
            carried = (ops.matmul(dz, ops.transpose(recurrent)), dc * f, dz)
            return carried, carried

        none = (ops.zeros_like(h), ops.zeros_like(c), ops.zeros_like(z[0]))
        (dh, dc, _), (_, _, dz) = _backwards(backward, none, [dhs, dcs, slopes, through, f])
        return dz, ops.einsum("tbu,tbv->uv", before_h, dz), dh, dc

    return (hs, cs), gradient


def _gru_gates(z, inner):
    zu, zr, zg = ops.split(z, 3, axis=-1)
    iu, ir, ig = ops.split(inner, 3, axis=-1)
    reset = ops.sigmoid(zr + ir)
    return ops.sigmoid(zu + iu), reset, ops.tanh(zg + reset * ig), ig


def gru(z, recurrent, bias, h):
    """h = u h + (1 - u) g, with u, r = σ(z + h R + b), g = tanh(z + r (h R + b)). Cho et al. 2014, eq. 5 to 8.

    z = x W + b' [T, B, 3U], recurrent R [U, 3U], bias b [3U], h [B, U] of the step before -> (h, h R + b), [T, ...].
    Differs: the reset gate r acts after the matrix, as in cuDNN and Keras; the paper's acts on h.
    """

    def forward(carried, z):
        h, _ = carried
        inner = ops.matmul(h, recurrent) + bias
        u, _, g, _ = _gru_gates(z, inner)
        carried = (u * h + (1 - u) * g, inner)
        return carried, carried

    return ops.scan(forward, (h, ops.zeros_like(z[0])), z)[1]


@ops.custom_gradient
def trained_gru(z, recurrent, bias, h):
    """`gru` with its custom gradient -> h."""
    hs, inners = gru(z, recurrent, bias, h)

    def gradient(dhs):
        before = ops.concatenate([h[None], hs[:-1]])
        u, r, g, ig = _gru_gates(z, inners)
        by_g = (1 - u) * (1 - g * g)
        by_u, by_r = (before - g) * u * (1 - u), by_g * ig * r * (1 - r)
        slopes = ops.concatenate([by_u, by_r, by_g * r], axis=-1)  # [T, B, 3U]: derivatives of h by h R + b

        def backward(carried, inputs):
            dh_here, slopes, u = inputs
            dh = carried[0] + dh_here
            d_inner = ops.tile(dh, (1, 3)) * slopes
            carried = (dh * u + ops.matmul(d_inner, ops.transpose(recurrent)), dh)
            return carried, carried

        none = (ops.zeros_like(h), ops.zeros_like(h))
        (dh, _), (_, whole) = _backwards(backward, none, [dhs, slopes, u])
        d_inner = ops.tile(whole, (1, 1, 3)) * slopes
        dz = ops.tile(whole, (1, 1, 3)) * ops.concatenate([by_u, by_r, by_g], axis=-1)
        return dz, ops.einsum("tbu,tbv->uv", before, d_inner), ops.sum(d_inner, axis=(0, 1)), dh

    return hs, gradient


def stepped(cell, x, state):
    """One step of a Keras LSTMCell or GRUCell, x [B, D] -> (h [B, U], state), equal to the cell's own call.

    With B = 0 outside a graph the cell's own call fails: its `ops.add` takes [0, U] for a bias.
    """
    z = ops.matmul(x, cell.kernel)
    if isinstance(cell, keras.layers.LSTMCell):
        h, c = state
        i, f, g, o = _lstm_gates(z + ops.matmul(h, cell.recurrent_kernel) + cell.bias)
        c = f * c + i * g
        h = o * ops.tanh(c)
        return h, [h, c]
    (h,), (bias, inner) = state, ops.unstack(ops.convert_to_tensor(cell.bias), 2)
    u, _, g, _ = _gru_gates(z + bias, ops.matmul(h, cell.recurrent_kernel) + inner)
    h = u * h + (1 - u) * g
    return h, [h]


@keras.saving.register_keras_serializable("tfllm")
class Recurrent(keras.layers.Layer):
    """One layer of LSTM or GRU. x [B, T, D], state -> (x [B, T, U], state).

    num_units  U;  cell  "lstm" or "gru"
    state: a tuple of h and c (LSTM) or h (GRU), each [B, U]; None: zeros, the start of a text.
    Raises ValueError for another cell.
    """

    def __init__(self, num_units, cell="lstm", **kwargs):
        super().__init__(**kwargs)
        if cell not in CELLS:
            raise ValueError(f"cell must be one of {CELLS}; got {cell!r}")
        self.numbers = {"num_units": num_units, "cell": cell}
        kind = keras.layers.LSTMCell if cell == "lstm" else keras.layers.GRUCell
        self.num_units, self.cell = num_units, kind(num_units, name=cell, dtype=self.dtype_policy)

    def build(self, x_shape):
        self.cell.build((None, x_shape[-1]))

    def start(self, rows):
        parts = 2 if self.numbers["cell"] == "lstm" else 1
        return tuple(ops.zeros((rows, self.num_units), self.compute_dtype) for _ in range(parts))

    def call(self, x, state=None, training=None):
        state = self.start(ops.shape(x)[0]) if state is None else state
        if x.shape[1] == 1:
            x, state = stepped(self.cell, x[:, 0], state)
            return x[:, None], tuple(state)
        # tensors instead of variables from here on
        kernel, recurrent = ops.copy(self.cell.kernel), ops.copy(self.cell.recurrent_kernel)
        x = ops.transpose(x, (1, 0, 2))  # [T, B, D]
        if len(state) == 2:
            loop = trained_lstm if training else lstm
            states = loop(ops.matmul(x, kernel) + self.cell.bias, recurrent, *state)[:2]
        else:
            bias, inner = ops.unstack(ops.copy(self.cell.bias), 2)
            given = ops.matmul(x, kernel) + bias, recurrent, inner, *state
            states = (trained_gru(*given) if training else gru(*given)[0],)
        return ops.transpose(states[0], (1, 0, 2)), tuple(part[-1] for part in states)

    def get_config(self):
        return super().get_config() | self.numbers


@keras.saving.register_keras_serializable("tfllm")
class RecurrentStack(keras.layers.Layer):
    """`num_layers` of LSTM or GRU, stacked, with dropout after each (Zaremba et al. 2014, fig. 2).

    x [B, T, D], state -> (x [B, T, U], state): one state of `Recurrent` per layer, or None.
    """

    def __init__(self, num_layers, num_units, cell="lstm", rate=0.0, **kwargs):
        super().__init__(**kwargs)
        self.numbers = {"num_layers": num_layers, "num_units": num_units, "cell": cell, "rate": rate}
        policy = self.dtype_policy
        self.parts = [Recurrent(num_units, cell, name=f"layer{i + 1}", dtype=policy) for i in range(num_layers)]
        self.drop = keras.layers.Dropout(rate, name="drop", dtype=policy)
        self.num_units = num_units

    def build(self, x_shape):
        for i, part in enumerate(self.parts):
            part.build((None, None, self.num_units if i else x_shape[-1]))

    def start(self, rows):
        return [part.start(rows) for part in self.parts]

    def call(self, x, state=None, training=None):
        state = list(state or [None] * len(self.parts))
        for i, part in enumerate(self.parts):
            x, state[i] = part(x, state=state[i], training=training)
            x = self.drop(x, training=training)
        return x, state

    def get_config(self):
        return super().get_config() | self.numbers
