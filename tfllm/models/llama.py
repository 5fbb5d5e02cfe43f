"""Llama, Touvron et al. 2023, and the models of its layout: Mistral, Qwen2, Qwen3, SmolLM2.

token_ids -> embeddings -> pre-norm blocks (RMS norms, rotary positions, gated feed-forward) -> norm -> logits.
Not included: experts, windows in some layers only, layers without positions, biases of the feed-forward.
"""

import keras

from tfllm.layers.gated_blocks import GatedBlock
from tfllm.layers.rotary import rotary_speeds
from tfllm.models.decoder_only import DecoderOnly, normal

STDDEV = 0.02  # of the initial values
BIASES = ("none", "inputs", "all")


@keras.saving.register_keras_serializable("tfllm")
class Llama(DecoderOnly):
    """token_ids [B, T] -> logits [B, T, V] of the token after each. Touvron et al. 2023, sec. 2.2.

    vocab_size      V;  max_length  the longest text in tokens; None: no limit
    num_layers      blocks;  d_model  width D;  num_heads  H;  dff  inner width F of the gated feed-forward
    num_kv_heads    G, a divisor of H: heads of keys and values (Ainslie et al. 2023), by default H
    head_width      K, by default D / H
    rate            dropout probability
    tied            whether the logits are products with the embeddings
    activation      of the gate, the name of a Keras activation;  epsilon  of all norms
    base            of the rotary positions;  scaling, factor, slow, fast, trained_length  as in `rotary_speeds`
    biases          of the attention: "none"; "inputs", of queries, keys and values (Qwen2); "all"
    norm_heads      whether each query and key is normalised (Qwen3)
    window          the maximum number of tokens that a query attends to (Mistral; Jiang et al. 2023, sec. 2); None: all

    Initial weights: as in GPT, and norms 1. Raises ValueError for unknown biases and scalings, for an odd head width,
    and if num_heads is not a multiple of num_kv_heads.
    """

    def __init__(self, vocab_size, max_length, num_layers, d_model, num_heads, dff, num_kv_heads=None, head_width=None,
                 rate=0.0, tied=False, activation="silu", epsilon=1e-5, base=10000.0, scaling="none", factor=1.0,
                 slow=1.0, fast=4.0, trained_length=8192, biases="none", norm_heads=False, window=None,
                 **kwargs):  # fmt: skip
        super().__init__(**kwargs)
        if biases not in BIASES:
            raise ValueError(f"biases must be one of {BIASES}; got {biases!r}")
        self.numbers = {
            "vocab_size": vocab_size, "max_length": max_length, "num_layers": num_layers, "d_model": d_model,
            "num_heads": num_heads, "dff": dff, "num_kv_heads": num_kv_heads, "head_width": head_width, "rate": rate,
            "tied": tied, "activation": activation, "epsilon": epsilon, "base": base, "scaling": scaling,
            "factor": factor, "slow": slow, "fast": fast, "trained_length": trained_length, "biases": biases,
            "norm_heads": norm_heads, "window": window,
        }  # fmt: skip
        self.vocab_size, self.max_length, self.d_model, policy = vocab_size, max_length, d_model, self.dtype_policy
        self.num_layers, self.tied, self.window = num_layers, tied, window
        width = d_model // num_heads if head_width is None else head_width
        if width % 2:
            raise ValueError(f"rotary positions need an even head width; got {width}")
        attention = {
            "num_kv_heads": num_kv_heads, "head_width": head_width, "norm_heads": epsilon if norm_heads else None,
            "rotary": rotary_speeds(width, base, scaling, factor, slow, fast, trained_length),
            "use_bias": {"none": False, "inputs": "inputs", "all": True}[biases],
        }  # fmt: skip
        self.embed = keras.layers.Embedding(
            vocab_size, d_model, embeddings_initializer=normal(STDDEV), name="embed", dtype=policy
        )
        self.drop = keras.layers.Dropout(rate, name="drop", dtype=policy)
        self.blocks = [
            GatedBlock(
                d_model, num_heads, dff, rate, activation, epsilon, attention, name=f"layer{i + 1}", dtype=policy
            )
            for i in range(num_layers)
        ]
        self.norm = keras.layers.RMSNormalization(epsilon=epsilon, name="norm", dtype=policy)
        if not tied:
            self.to_logits = keras.layers.Dense(
                vocab_size, use_bias=False, kernel_initializer=normal(STDDEV), name="to_logits", dtype=policy
            )
        self.build()

    def build(self, input_shape=None):
        """Create all weights now: all sizes are known, so loading and `summary` do not need a first call."""
        self.embed.build()
        for block in self.blocks:
            look, feed = block.look, block.feed
            for part in (look.to_query, look.to_key, look.to_value, feed.gate, feed.widen):
                part.kernel_initializer = normal(STDDEV)
            for part in (look.to_output, feed.narrow):
                part.kernel_initializer = normal(STDDEV / (2 * self.num_layers) ** 0.5)
        for part in [*self.blocks, self.norm, *([] if self.tied else [self.to_logits])]:
            part.build((None, None, self.d_model))

    def embedded(self, token_ids, position, training):
        return self.drop(super().embedded(token_ids, position, training), training=training)
