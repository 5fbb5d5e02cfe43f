"""An encoder-decoder that can copy words of its source, also words outside its vocabulary. See et al. 2017."""

import keras
from keras import ops

from tfllm import sizes
from tfllm.layers import masks
from tfllm.layers.decoders.copying import CopyAttention, Copying, uncovered
from tfllm.models.inputs import Model

UNKNOWN = 1  # the id of words outside the vocabulary; the same in every tokenizer


@keras.saving.register_keras_serializable("tfllm")
class PointerGenerator(Model):
    """A Transformer or a Seq2SeqRNN, `model`, that generates words of its vocabulary or copies words of its source.

    inp [B, S] and tar [B, T] int, source_ids [B, S] -> (log-probabilities [B, T, V + pe_input], {"copy": [B, T, S]}).
    source_ids are those of `inp`, except that each word outside the vocabulary has its own id, V + a position of the
    source; by default they are `inp`. `tar` may contain such ids; as inputs they are UNKNOWN, since they have no
    vector.

    coverage  λ of the coverage loss Σ_i min(a_i, c_i), a mean over tokens that is added in training (eq. 12); 0: the
              mechanism without the loss; None: neither. It may be changed between two calls of fit: the paper trains
              without the loss first
    units     width of the copying attention's score; None: that of the memory

    Differs: copying has an attention of its own, next to those of the model, since a Transformer has several; so both
    kinds of model copy by the same equations. Raises ValueError for a model without `pe_input` and for a negative
    coverage.
    """

    source_attention = ("copy",)  # which of the attention weights returned by `call` are over the source

    def __init__(self, model, coverage=None, units=None, **kwargs):
        super().__init__(**kwargs)
        if model.pe_input is None:
            raise ValueError("copying needs a model with a maximum source length: set pe_input, in tokens")
        self.model, self.coverage, self.units = model, coverage, units
        units, policy = units or model.memory_width, self.dtype_policy
        self.attend = CopyAttention(units, coverage is not None, name="copy_attention", dtype=policy)
        wide = "float64" if policy.variable_dtype == "float64" else "float32"  # of probabilities
        self.copying = Copying(model.pe_input, name="copying", dtype=wide)
        self.build()

    def build(self, input_shape=None):
        """Create all weights now: all sizes are known, so loading and `summary` do not need a first call."""
        memory, width = self.model.memory_width, self.embed_target.output_dim  # of s and of x, in both kinds of model
        self.attend.build((None, None, width), (None, None, memory))
        self.copying.build((None, None, width), (None, None, width), (None, None, memory))

    def __setattr__(self, name, value):
        if name == "coverage" and self.built:
            if (value is None) != (self.coverage is None):
                raise ValueError(
                    "coverage cannot be changed between None and a number, since the mechanism has a weight: "
                    f"make a new PointerGenerator with coverage={value!r}"
                )
            sizes.check(type(self).__name__, {name: value})
        super().__setattr__(name, value)

    @property
    def embed_input(self):
        return self.model.embed_input

    @property
    def embed_target(self):
        return self.model.embed_target

    @property
    def shared(self):
        return self.model.shared

    @property
    def pe_input(self):
        return self.model.pe_input

    @property
    def pe_target(self):
        return self.model.pe_target

    @property
    def vocab_size(self):
        """V, without the positions of the source."""
        return self.embed_target.input_dim

    def call(self, inp, tar, source_ids=None, training=None):
        fixed, state = self.start(inp, length=0, source_ids=source_ids)
        x, weights, _ = self.forward(tar, fixed, state)
        if self.coverage and training:
            real = ops.cast(masks.padding(tar)[:, 0], "float32")  # [B, T]
            self.add_loss(self.coverage * ops.sum(uncovered(weights) * real) / ops.maximum(ops.sum(real), 1.0))
        return x, {"copy": weights}

    def start(self, inp, width=1, length=None, source_ids=None):
        """What decoding one token at a time needs: inp [B, S] -> (fixed, state), as in the wrapped model.

        fixed has B rows; state has B * width rows.
        """
        inner, state = self.model.start(inp, width, length)
        memory, mask = inner[0], masks.padding(inp)
        fixed = inner, memory, self.attend.project(memory), mask, inp if source_ids is None else source_ids
        if self.coverage is None:
            return fixed, (state,)
        return fixed, (state, ops.zeros((ops.shape(inp)[0] * width, ops.shape(inp)[1]), self.compute_dtype))

    @property
    def grow(self):
        """None if the state of the wrapped model has a constant size; else a function (state, length) -> state."""
        if not hasattr(self.model, "grow"):
            return None
        return lambda state, length: (self.model.grow(state[0], length), *state[1:])

    def forward(self, tar, fixed, state, position=0):
        """tar [R, T], the tokens before it in `state` -> (log-probabilities [R, T, E], weights [R, T, S], state)."""
        inner, memory, keys, mask, source_ids = fixed
        tar = ops.where(tar < self.vocab_size, tar, UNKNOWN)
        s, first = self.model.features(tar, inner, state[0], position)
        covered = state[1] if len(state) == 2 else None
        weights, covered = self.attend(s, keys=keys, attention_mask=mask, covered=covered)
        x = self.embed_target(tar) * self.embed_target.output_dim**0.5
        logits = self.model.logits(s)[..., : self.vocab_size]  # explanations lend a tied embedding more rows
        logits = ops.reshape(logits, (*ops.shape(logits)[:2], self.vocab_size))
        logits = self.copying(logits, s=s, x=x, memory=memory, weights=weights, source_ids=source_ids)
        return logits, weights, (first, covered) if len(state) == 2 else (first,)

    def step(self, last, fixed, state, position):
        """last [R, 1], the token at `position` -> (log-probabilities of the next [R, V + pe_input], state)."""
        logits, _, state = self.forward(last, fixed, state, position)
        return logits[:, 0], state
