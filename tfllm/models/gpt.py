"""The decoder-only Transformer with the layout of GPT-2: Radford et al. 2018 and 2019.

token_ids -> embeddings + positions -> pre-norm blocks -> norm -> product with the embeddings.
Options: rotary positions (Su et al. 2021), fewer key and value heads (Ainslie et al. 2023), a separate softmax matrix,
no biases. RMSNorm, SwiGLU and sliding windows: llama.py.
"""

import keras

from tfllm.layers.positions import LearnedPositions
from tfllm.layers.transformer_blocks import EncoderBlock
from tfllm.models.decoder_only import DecoderOnly, normal

POSITIONS = ("learned", "rotary")
STDDEV = 0.02  # of the initial values, Radford et al. 2018, sec. 4.1


@keras.saving.register_keras_serializable("tfllm")
class GPT(DecoderOnly):
    """token_ids [B, T] -> logits [B, T, V] of the token after each. Radford et al. 2019, sec. 2.3.

    vocab_size    V;  max_length  the longest text in tokens (None, with rotary positions only: no limit)
    num_layers    blocks;  d_model  width D;  num_heads  H, a divisor of D;  dff  inner width F, by default 4 D
    rate          dropout probability: on the sum of embeddings and positions, on attention weights and sublayers
    positions     "learned", added to the embeddings; "rotary", applied to every block's queries and keys
    num_kv_heads  G, a divisor of H: heads of keys and values, by default H
    tied          whether the logits are products with the embeddings
    use_bias      whether dense layers and norms have a bias;  epsilon  of the norms
    activation    the name of a Keras activation, or "gelu_tanh"

    Initial weights: N(0, 0.02²), Radford et al. 2018, sec. 4.1, divided by √N in the N = 2 num_layers matrices that
    write to the residual stream, Radford et al. 2019, sec. 2.3; biases 0. Differs: learned positions also start at N(0,
    0.02²), in the authors' code at N(0, 0.01²). Raises ValueError for unknown positions, and for learned ones without
    max_length.
    """

    def __init__(self, vocab_size, max_length, num_layers, d_model, num_heads, dff=None, rate=0.1,
                 positions="learned", num_kv_heads=None, tied=True, use_bias=True, activation="gelu_tanh",
                 epsilon=1e-5, **kwargs):  # fmt: skip
        super().__init__(**kwargs)
        if positions not in POSITIONS:
            raise ValueError(f"positions must be one of {POSITIONS}; got {positions!r}")
        if positions == "learned" and max_length is None:
            raise ValueError(
                "learned positions need max_length, the longest text in tokens; only rotary positions have no limit"
            )
        self.numbers = {
            "vocab_size": vocab_size, "max_length": max_length, "num_layers": num_layers, "d_model": d_model,
            "num_heads": num_heads, "dff": dff, "rate": rate, "positions": positions, "num_kv_heads": num_kv_heads,
            "tied": tied, "use_bias": use_bias, "activation": activation, "epsilon": epsilon,
        }  # fmt: skip
        self.vocab_size, self.max_length, self.d_model, policy = vocab_size, max_length, d_model, self.dtype_policy
        self.num_layers, self.tied, self.positions = num_layers, tied, positions
        self.embed = keras.layers.Embedding(
            vocab_size, d_model, embeddings_initializer=normal(STDDEV), name="embed", dtype=policy
        )
        if positions == "learned":
            self.place = LearnedPositions(max_length, d_model, name="place", dtype=policy)
        self.drop = keras.layers.Dropout(rate, name="drop", dtype=policy)
        self.blocks = [
            EncoderBlock(
                d_model, num_heads, dff or 4 * d_model, rate, True, activation, epsilon, use_bias, num_kv_heads,
                10000.0 if positions == "rotary" else None, name=f"layer{i + 1}", dtype=policy,
            )
            for i in range(num_layers)
        ]  # fmt: skip
        self.norm = keras.layers.LayerNormalization(epsilon=epsilon, center=use_bias, name="norm", dtype=policy)
        if not tied:
            self.to_logits = keras.layers.Dense(
                vocab_size, use_bias=False, kernel_initializer=normal(STDDEV), name="to_logits", dtype=policy
            )
        self.build()

    def build(self, input_shape=None):
        """Create all weights now: all sizes are known, so loading and `summary` do not need a first call."""
        self.embed.build()
        for block in self.blocks:
            for part in (block.look.to_query, block.look.to_key, block.look.to_value, block.feed.widen):
                part.kernel_initializer = normal(STDDEV)
            for part in (block.look.to_output, block.feed.narrow):
                part.kernel_initializer = normal(STDDEV / (2 * self.num_layers) ** 0.5)
        parts = [*([self.place] if self.positions == "learned" else []), *self.blocks, self.norm]
        for part in [*parts, *([] if self.tied else [self.to_logits])]:
            part.build((None, None, self.d_model))

    def embedded(self, token_ids, position, training):
        if self.positions == "learned":
            x = self.place(self.embed(token_ids), position=position)
        else:
            x = super().embedded(token_ids, position, training)
        return self.drop(x, training=training)
