"""The recurrent encoder-decoder with attention: Bahdanau et al. 2015, or Luong et al. 2015.

A bidirectional encoder, a decoder with attention (bahdanau.py, luong.py in layers/decoders/), a softmax. Differences
to the papers are listed in each part, and in docs/papers.md.
"""

import keras
from keras import ops

from tfllm.layers import masks
from tfllm.layers.bidirectional import BidirectionalEncoder
from tfllm.layers.decoders.bahdanau import BahdanauDecoder
from tfllm.layers.decoders.luong import InputFeedingDecoder, LuongDecoder
from tfllm.layers.in_graph import in_graph
from tfllm.models.inputs import Model

SHARED = ("nothing", "output", "all")
ATTENTIONS = ("bahdanau", "luong")


@keras.saving.register_keras_serializable("tfllm")
class Seq2SeqRNN(Model):
    """Source token_ids and target token_ids -> logits of each next target token.

    num_layers        recurrent layers in the encoder, each in both directions, and in the decoder
    embedding_dim     width E;  num_units  U of each layer of the decoder, and of both directions together
    input_vocab_size  source vocabulary;  target_vocab_size  V
    pe_input          longest source in tokens, or None;  pe_target  longest target: limits for the task, named as in
                      the Transformer; nothing in this model depends on them
    attention         "bahdanau": attention by the previous state, before the recurrence; "luong": by the new state
    cell              "lstm" or "gru";  rate  dropout probability
    shared            "nothing"; "output": one matrix for target embedding and softmax; "all": for the source too
    score             for "luong": "general" or "dot";  input_feeding  for "luong": its sec. 3.3

    Raises ValueError for shared="all" with two vocabulary sizes, for an odd num_units, for unknown names.
    """

    source_attention = ("attention",)  # which of the attention weights returned by `call` are over the source

    def __init__(self, num_layers, embedding_dim, num_units, input_vocab_size, target_vocab_size, pe_input=None,
                 pe_target=None, attention="bahdanau", cell="lstm", rate=0.1, shared="nothing", score="general",
                 input_feeding=True, **kwargs):  # fmt: skip
        super().__init__(**kwargs)
        for name, value, known in (("shared", shared, SHARED), ("attention", attention, ATTENTIONS)):
            if value not in known:
                raise ValueError(f"{name} must be one of {known}; got {value!r}")
        if shared == "all" and input_vocab_size != target_vocab_size:
            raise ValueError(
                f"shared='all' needs one vocabulary for both sides; got {input_vocab_size} and {target_vocab_size}"
            )
        self.numbers = {
            "num_layers": num_layers, "embedding_dim": embedding_dim, "num_units": num_units,
            "input_vocab_size": input_vocab_size, "target_vocab_size": target_vocab_size,
            "pe_input": pe_input, "pe_target": pe_target, "attention": attention, "cell": cell,
            "rate": rate, "shared": shared, "score": score, "input_feeding": input_feeding,
        }  # fmt: skip
        self.pe_input, self.pe_target, self.shared, policy = pe_input, pe_target, shared, self.dtype_policy

        def embedding(size, name):
            start = keras.initializers.RandomNormal(stddev=embedding_dim**-0.5)
            return keras.layers.Embedding(size, embedding_dim, embeddings_initializer=start, name=name, dtype=policy)

        self.embed_target = embedding(target_vocab_size, "embed_target")
        self.embed_input = self.embed_target if shared == "all" else embedding(input_vocab_size, "embed_input")
        self.drop = keras.layers.Dropout(rate, name="drop", dtype=policy)
        self.encoder = BidirectionalEncoder(num_layers, num_units, cell, rate, name="encoder", dtype=policy)
        sizes = (num_layers, num_units, embedding_dim, cell, rate)
        if attention == "bahdanau":
            self.decoder = BahdanauDecoder(*sizes, name="decoder", dtype=policy)
        else:
            kind = InputFeedingDecoder if input_feeding else LuongDecoder
            self.decoder = kind(*sizes, score, name="decoder", dtype=policy)
        if shared == "nothing":
            self.to_logits = keras.layers.Dense(target_vocab_size, name="to_logits", dtype=policy)
        self.build()

    @property
    def memory_width(self):
        return self.numbers["num_units"]

    def build(self, input_shape=None):
        """Create all weights now: all sizes are known, so loading and `summary` do not need a first call."""
        self.embed_target.build()
        if not self.embed_input.built:
            self.embed_input.build()
        x_shape = (None, None, self.numbers["embedding_dim"])
        self.encoder.build(x_shape)
        self.decoder.build(x_shape, [(None, None, self.numbers["num_units"]), None, None])
        if self.shared == "nothing":
            self.to_logits.build(x_shape)

    def call(self, inp, tar, training=None):
        """inp [B, S] and tar [B, T] int, padded on the right -> (logits [B, T, V], {"attention": [B, T, S]})."""
        seen, state = self.encode(inp)
        logits, weights, _ = self.decode(tar, seen, state)
        return logits, {"attention": weights}

    @in_graph
    def encode(self, inp):
        """inp [B, S] -> (the memory [B, S, U], its keys and mask; the decoder's initial state)."""
        x = self.drop(self.scaled(self.embed_input(inp)))
        mask = masks.padding(inp)  # [B, 1, S]
        memory, finals = self.encoder(x, padding_mask=mask[:, 0])
        return self.decoder.seen(memory, mask), self.decoder.start(finals)

    def decode(self, tar, seen, state):
        """tar [R, T], the tokens before it in `state` -> (logits [R, T, V], weights [R, T, S], state)."""
        x, weights, state = self.forward(tar, seen, state)
        return self.logits(x), weights, state

    def forward(self, tar, seen, state):
        """As `decode`, but returns x [R, T, E], the input of the softmax layer, instead of logits."""
        x = self.drop(self.scaled(self.embed_target(tar)))
        x, weights, state = self.decoder(x, seen=seen, state=state)
        return self.drop(x), weights, state

    def scaled(self, x):
        """Embeddings · √E, as in the Transformer: the matrix may be shared with the softmax, and has small values."""
        return x * self.numbers["embedding_dim"] ** 0.5

    def logits(self, x):
        """x [R, T, E] -> [R, T, V]."""
        if self.shared == "nothing":
            return self.to_logits(x)
        return ops.matmul(x, ops.transpose(ops.cast(self.embed_target.embeddings, x.dtype)))

    def start(self, inp, width=1, length=None):
        """What decoding one token at a time needs: inp [B, S] -> (fixed, state).

        fixed: the memory, its keys and its mask, each with B rows; state: of each layer, each with B * width rows.
        `length`, the capacity of a cache, is not used.
        """
        fixed, state = self.encode(inp)
        return fixed, keras.tree.map_structure(lambda part: ops.repeat(part, width, axis=0), state)

    def features(self, tar, fixed, state, position=0):
        """tar [R, T], after the tokens in `state` -> (x [R, T, E] before the softmax layer, state).

        `position` is not used.
        """
        x, _, state = self.forward(tar, fixed, state)
        return x, state

    def step(self, last, fixed, state, position):
        """last [R, 1], the token at `position` -> (logits of the next [R, V], state)."""
        x, state = self.features(last, fixed, state)
        return self.logits(x)[:, 0], state
