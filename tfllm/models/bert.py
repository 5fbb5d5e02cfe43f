"""BERT, the bidirectional encoder: Devlin et al. 2019.

token_ids -> embeddings + segments + positions -> norm -> post-norm blocks -> pooler.
The heads of its pre-training are in layers/bert_heads.py. Not included: embeddings narrower than the model (ALBERT),
relative positions, RoBERTa's position ids, which start at 2.
"""

import keras
from keras import ops

from tfllm.layers.bert_heads import MaskedTokenHead, NextSentenceHead, start
from tfllm.layers.in_graph import in_graph
from tfllm.layers.pooling import Pooling
from tfllm.layers.positions import LearnedPositions
from tfllm.layers.transformer_blocks import EncoderBlock
from tfllm.models.encoder import Encoder, real

POOLINGS = ("pooler", "first", "mean", "max")


@keras.saving.register_keras_serializable("tfllm")
class BERT(Encoder):
    """token_ids [B, T], segment_ids [B, T], padding_mask [B, T] bool -> x [B, T, D]. Devlin et al. 2019, sec. 3.

    vocab_size    V;  max_length  the longest text in tokens
    num_layers    blocks;  d_model  width D;  num_heads  H, a divisor of D;  dff  inner width F
    rate          dropout probability: on the sum of the embeddings, on attention weights and sublayers
    num_segments  number of segment ids; without segment_ids all tokens have segment 0
    activation    the name of a Keras activation, or "gelu_tanh";  epsilon  of the norms
    pooling       what `pool` returns: "pooler" is the paper's, tanh(x_1 W + b) of the first token; "first" that token
                  itself; "mean" and "max" over the real tokens (Reimers & Gurevych 2019, sec. 3)

    Initial weights: N(0, 0.02²), truncated at two standard deviations, and biases 0, as in the authors' code.
    Differs: softmax in float32. Raises ValueError for an unknown pooling, and for a text that is too long.
    """

    def __init__(self, vocab_size, max_length=512, num_layers=12, d_model=768, num_heads=12, dff=3072, rate=0.1,
                 num_segments=2, activation="gelu", epsilon=1e-12, pooling="pooler", **kwargs):  # fmt: skip
        super().__init__(**kwargs)
        if pooling not in POOLINGS:
            raise ValueError(f"pooling must be one of {POOLINGS}; got {pooling!r}")
        self.numbers = {
            "vocab_size": vocab_size, "max_length": max_length, "num_layers": num_layers, "d_model": d_model,
            "num_heads": num_heads, "dff": dff, "rate": rate, "num_segments": num_segments, "activation": activation,
            "epsilon": epsilon, "pooling": pooling,
        }  # fmt: skip
        self.vocab_size, self.max_length, self.segments, self.pooling = vocab_size, max_length, num_segments, pooling
        self.width = self.pooled_width = d_model
        policy = self.dtype_policy

        def embedding(rows, name):
            return keras.layers.Embedding(rows, d_model, embeddings_initializer=start(), name=name, dtype=policy)

        self.embed = embedding(vocab_size, "embed")
        if num_segments:
            self.segment = embedding(num_segments, "segment")
        self.place = LearnedPositions(max_length, d_model, name="place", dtype=policy)
        self.norm = keras.layers.LayerNormalization(epsilon=epsilon, name="norm", dtype=policy)
        self.drop = keras.layers.Dropout(rate, name="drop", dtype=policy)
        self.blocks = [
            EncoderBlock(
                d_model, num_heads, dff, rate, False, activation, epsilon, name=f"layer{i + 1}", dtype=policy
            )
            for i in range(num_layers)
        ]  # fmt: skip
        self.pooler = keras.layers.Dense(d_model, "tanh", kernel_initializer=start(), name="pooler", dtype=policy)
        if pooling != "pooler":
            self.summary = Pooling(pooling, name="summary", dtype=policy)
        self.build()

    def build(self, input_shape=None):
        """Create all weights now: all sizes are known, so loading and `summary` do not need a first call."""
        self.embed.build()
        if self.segments:
            self.segment.build()
        for block in self.blocks:
            look, feed = block.look, block.feed
            for part in (look.to_query, look.to_key, look.to_value, look.to_output, feed.widen, feed.narrow):
                part.kernel_initializer = start()
        for part in (self.place, self.norm, *self.blocks):
            part.build((None, None, self.width))
        self.pooler.build((None, self.width))
        if self.pooling != "pooler":
            self.summary.build((None, None, self.width))

    def call(self, token_ids, segment_ids=None, padding_mask=None, training=None):
        return self.forward(token_ids, segment_ids, padding_mask, training)[0]

    @in_graph
    def attention(self, token_ids, segment_ids=None, padding_mask=None):
        """-> {"layer1": weights [B, H, T, T], ...}: the attention weights of each block."""
        return self.forward(token_ids, segment_ids, padding_mask)[1]

    def forward(self, token_ids, segment_ids=None, padding_mask=None, training=None):
        """-> (x [B, T, D], attention weights by block [B, H, T, T])."""
        mask = real(token_ids, padding_mask)[:, None, :]  # [B, 1, T]: every position attends to real tokens only
        x = self.embed(token_ids)
        if self.segments:
            x = x + self.segment(ops.zeros_like(token_ids) if segment_ids is None else segment_ids)
        elif segment_ids is not None:
            raise ValueError("this BERT has no segments (num_segments=0): leave segment_ids out")
        x = self.drop(self.norm(self.place(x)), training=training)  # [B, T, D]
        weights = {}
        for block in self.blocks:
            x, weights[block.name], _ = block(x, attention_mask=mask, training=training)
        return x, weights

    @in_graph
    def pool(self, x, padding_mask=None):
        if self.pooling == "pooler":
            return self.pooler(x[:, 0])
        return self.summary(x, padding_mask=padding_mask)


def masked_token_head(bert):
    """A new MaskedTokenHead with weights, sized for this BERT."""
    numbers = [bert.numbers[name] for name in ("vocab_size", "d_model", "activation", "epsilon")]
    head = MaskedTokenHead(*numbers, name="masked", dtype=bert.dtype_policy)
    head.build()
    return head


def next_sentence_head(bert):
    """A new NextSentenceHead with weights, sized for this BERT."""
    head = NextSentenceHead(bert.width, name="next_sentence", dtype=bert.dtype_policy)
    head.build()
    return head
