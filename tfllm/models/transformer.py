"""The encoder-decoder Transformer of Vaswani et al. 2017, with the names of the documents' sample.

Differs from the paper: dropout also on the attention weights (as in its authors' code); masks are boolean, True = may
be attended to (the sample's TensorFlow ancestors use 1 = hidden); shared embeddings and pre-norm are optional.
"""

import keras
from keras import ops

from tfllm.layers import masks
from tfllm.layers.attention import longer, places
from tfllm.layers.in_graph import in_graph
from tfllm.layers.positions import SinusoidalPositions
from tfllm.layers.tied_logits import tied_logits
from tfllm.layers.transformer_blocks import DecoderBlock, EncoderBlock
from tfllm.models.inputs import Model

SHARED = ("nothing", "output", "all")


@keras.saving.register_keras_serializable("tfllm")
class Transformer(Model):
    """Source token_ids and target token_ids -> logits of each next target token.

    num_layers        blocks in the encoder, and in the decoder unless num_decoder_layers is given
    d_model           width D;  num_heads  H, a divisor of D;  dff  inner width F
    input_vocab_size  source vocabulary;  target_vocab_size  V
    pe_input          longest source in tokens;  pe_target  longest target
    rate              dropout probability
    shared            "nothing"; "output": one matrix for target embedding and softmax; "all": for the source too
                      (Press & Wolf 2017; Vaswani et al. 2017, sec. 3.4)
    pre_norm          normalise before each sublayer, and once at the end, instead of after each
    num_decoder_layers  None: num_layers; fewer make decoding faster (Kasai et al. 2021)

    Raises ValueError for shared="all" with two vocabulary sizes, and for an unknown `shared`.
    """

    def __init__(self, num_layers, d_model, num_heads, dff, input_vocab_size, target_vocab_size, pe_input, pe_target,
                 rate=0.1, shared="nothing", pre_norm=False, activation="relu", num_decoder_layers=None,
                 **kwargs):  # fmt: skip
        super().__init__(**kwargs)
        if shared not in SHARED:
            raise ValueError(f"shared must be one of {SHARED}; got {shared!r}")
        if shared == "all" and input_vocab_size != target_vocab_size:
            raise ValueError(
                f"shared='all' needs one vocabulary for both sides; got {input_vocab_size} and {target_vocab_size}"
            )
        self.numbers = {
            "num_layers": num_layers, "d_model": d_model, "num_heads": num_heads, "dff": dff,
            "input_vocab_size": input_vocab_size, "target_vocab_size": target_vocab_size,
            "pe_input": pe_input, "pe_target": pe_target,
            "rate": rate, "shared": shared, "pre_norm": pre_norm, "activation": activation,
            "num_decoder_layers": num_decoder_layers,
        }  # fmt: skip
        self.num_layers, self.d_model, self.num_heads = num_layers, d_model, num_heads
        num_decoder_layers = num_decoder_layers or num_layers
        self.pe_input, self.pe_target = pe_input, pe_target
        self.shared, self.pre_norm, policy = shared, pre_norm, self.dtype_policy

        def embedding(size, name):
            start = keras.initializers.RandomNormal(stddev=d_model**-0.5)
            return keras.layers.Embedding(size, d_model, embeddings_initializer=start, name=name, dtype=policy)

        self.embed_target = embedding(target_vocab_size, "embed_target")
        self.embed_input = self.embed_target if shared == "all" else embedding(input_vocab_size, "embed_input")
        self.place_input = SinusoidalPositions(pe_input, d_model, name="place_input", dtype=policy)
        self.place_target = SinusoidalPositions(pe_target, d_model, name="place_target", dtype=policy)
        self.drop_input = keras.layers.Dropout(rate, name="drop_input", dtype=policy)
        self.drop_target = keras.layers.Dropout(rate, name="drop_target", dtype=policy)
        sizes = (d_model, num_heads, dff, rate, pre_norm, activation)
        self.encoder = [EncoderBlock(*sizes, name=f"encoder_layer{i + 1}", dtype=policy) for i in range(num_layers)]
        self.decoder = [
            DecoderBlock(*sizes, name=f"decoder_layer{i + 1}", dtype=policy) for i in range(num_decoder_layers)
        ]
        if pre_norm:
            self.norm_memory = keras.layers.LayerNormalization(epsilon=1e-6, name="norm_memory", dtype=policy)
            self.norm_output = keras.layers.LayerNormalization(epsilon=1e-6, name="norm_output", dtype=policy)
        if shared == "nothing":
            self.to_logits = keras.layers.Dense(target_vocab_size, name="to_logits", dtype=policy)
        self.build()

    @property
    def memory_width(self):
        return self.d_model

    @property
    def source_attention(self):
        """The names of the attention weights over the source, first block to last."""
        return [f"decoder_layer{i + 1}_block2" for i in range(len(self.decoder))]

    def build(self, input_shape=None):
        """Create all weights now: all sizes are known, so loading and `summary` do not need a first call."""
        self.embed_target.build()
        if not self.embed_input.built:
            self.embed_input.build()
        parts = [*self.encoder, *self.decoder]
        parts += [self.norm_memory, self.norm_output] if self.pre_norm else []
        parts += [self.to_logits] if self.shared == "nothing" else []
        for part in parts:
            part.build((None, None, self.d_model))

    def __call__(self, *args, **kwargs):
        """As in the sample, `training` and the masks may be positional arguments; Keras allows only tensors there."""
        names = ("training", "enc_padding_mask", "look_ahead_mask", "dec_padding_mask")
        return super().__call__(*args[:2], **dict(zip(names, args[2:], strict=False)), **kwargs)

    def call(self, inp, tar, training=None, enc_padding_mask=None, look_ahead_mask=None, dec_padding_mask=None):
        """inp [B, S] and tar [B, T] int -> (final_output [B, T, V] logits, attention_weights).

        attention_weights: "decoder_layer{i}_block1" [B, H, T, T] (self), "..._block2" [B, H, T, S] (to the source).
        Masks that are not given are derived from PAD: enc_padding_mask and dec_padding_mask [B, 1, S],
        look_ahead_mask [B or 1, T, T]. Raises ValueError for a mask that is not bool, and for more tokens than
        positions.
        """
        if enc_padding_mask is None:
            enc_padding_mask = masks.padding(inp)
        if dec_padding_mask is None:
            dec_padding_mask = masks.padding(inp)
        if look_ahead_mask is None:
            positions = ops.shape(tar)[1]
            look_ahead_mask = masks.combined(masks.padding(tar), masks.causal(positions, positions))
        masks.checked(enc_padding_mask, "enc_padding_mask")
        masks.checked(look_ahead_mask, "look_ahead_mask")
        masks.checked(dec_padding_mask, "dec_padding_mask")
        memory = self.encode(inp, enc_padding_mask)
        return self.decode(tar, memory, look_ahead_mask, dec_padding_mask)[:2]

    @in_graph
    def encode(self, inp, attention_mask):
        """inp [B, S] -> memory [B, S, D]."""
        return self.encoded(inp, attention_mask)[0]

    def encoded(self, inp, attention_mask):
        """inp [B, S] -> (memory [B, S, D], attention weights {"encoder_layer{i}": [B, H, S, S]})."""
        x, weights = self.drop_input(self.place_input(self.embed_input(inp) * self.d_model**0.5)), {}
        for i, block in enumerate(self.encoder):
            x, weights[f"encoder_layer{i + 1}"], _ = block(x, attention_mask=attention_mask)
        return self.norm_memory(x) if self.pre_norm else x, weights

    def encoder_attention(self, inp):
        """inp [B, S] int -> the attention weights of the encoder, see `encoded`."""
        return self.encoded(inp, masks.padding(inp))[1]

    def decode(self, tar, memory, self_mask, cross_mask, caches=None, seen=None, position=0):
        """tar [B, T] -> (logits [B, T, V], attention weights by name, caches).

        Whole target: memory [B, S, D]. Step by step: memory None, with `caches` and `seen` from `start`.
        """
        x, weights, caches = self.forward(tar, memory, self_mask, cross_mask, caches, seen, position)
        return self.logits(x), weights, caches

    def forward(self, tar, memory, self_mask, cross_mask, caches=None, seen=None, position=0):
        """As `decode`, but returns x [B, T, D], the input of the softmax layer, instead of logits."""
        x = self.embed_target(tar) * self.d_model**0.5
        x = self.drop_target(self.place_target(x, position=position))
        where = places(caches[0][0], position) if caches else None
        nothing = [None] * len(self.decoder)
        weights, caches, seen = {}, list(caches or nothing), seen or nothing
        for i, block in enumerate(self.decoder):
            x, own, across, caches[i] = block(
                x, memory=memory, self_mask=self_mask, cross_mask=cross_mask,
                cache=caches[i], seen=seen[i], position=position, where=where,
            )  # fmt: skip
            weights |= {f"decoder_layer{i + 1}_block1": own, f"decoder_layer{i + 1}_block2": across}
        return self.norm_output(x) if self.pre_norm else x, weights, caches

    def logits(self, x):
        """x [B, T, D] -> [B, T, V], or [B, D] -> [B, V]."""
        if self.shared == "nothing":
            return self.to_logits(x)
        return tied_logits(x, self.embed_target.embeddings)

    def start(self, inp, width=1, length=None):
        """What decoding one token at a time needs: inp [B, S] -> (fixed, state).

        fixed: the memory [B, S, D], its keys and values by block, its mask [B, 1, S], each with B rows;
        state: empty caches of `length` positions, each with B * width rows; None for a length of 0.
        """
        mask = masks.padding(inp)
        memory = self.encode(inp, mask)
        fixed = memory, [block.cross.project(memory) for block in self.decoder], mask
        if isinstance(length, int) and length == 0:
            return fixed, None
        rows, length = ops.shape(inp)[0] * width, self.pe_target if length is None else length
        shape = (rows, self.num_heads, length, self.d_model // self.num_heads)
        state = [(ops.zeros(shape, memory.dtype), ops.zeros(shape, memory.dtype)) for _ in self.decoder]
        return fixed, state

    def grow(self, state, length):
        """The caches of `start`, extended to `length` positions."""
        return [tuple(longer(part, length) for part in cache) for cache in state]

    def features(self, tar, fixed, state=None, position=0):
        """tar [R, T] from `position` on, after the tokens in `state` -> (x [R, T, D] before the softmax layer, state).

        tar [R], one token of each target -> x [R, D]. Without a state: the whole target at once.
        """
        (_, seen, mask), positions = fixed, ops.shape(tar)[1] if len(tar.shape) == 2 else 1
        if state is None:
            self_mask = masks.combined(masks.padding(tar), masks.causal(positions, positions))
        else:
            self_mask = masks.causal(positions, ops.shape(state[0][0])[2], position)
        x, _, caches = self.forward(tar, None, self_mask, mask, state, seen, position)
        return x, None if state is None else caches

    def constants(self):
        """What all steps need of the weights: {"matrix": the softmax matrix [D, V], which products read faster}."""
        if self.shared == "nothing":
            return {}
        return {"matrix": ops.transpose(ops.cast(self.embed_target.embeddings, self.compute_dtype))}

    def step(self, last, fixed, state, position, matrix=None):
        """last [R, 1], the token at `position` -> (logits of the next [R, V], state). matrix: see `constants`."""
        x, state = self.features(last[:, 0], fixed, state, position)
        return self.logits(x) if matrix is None else ops.matmul(x, matrix), state
