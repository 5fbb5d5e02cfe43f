"""BiDAF, a recurrent question answering model: where in a text the answer begins and ends. Seo et al. 2017.

Axes:  B batch  T tokens of the context  J of the question  U units, both directions together
"""

import keras
from keras import ops

from tfllm.layers.attention_flow import AttentionFlow, Highway
from tfllm.layers.bidirectional import BidirectionalEncoder
from tfllm.models.encoder import real
from tfllm.models.inputs import Model

NOWHERE = -1e9  # the score of padding
SPREAD = 0.5  # initial standard deviation of word vectors, about that of GloVe's; 1 in the authors' code


@keras.saving.register_keras_serializable("tfllm")
class BiDAF(Model):
    """context [B, T] and question [B, J] token_ids -> logits [B, 2, T] of the answer's first and last token.

    Word vectors and a highway of two layers (sec. 2, 2) -> H and U of one bidirectional recurrence (3) -> the
    attention flow G (4) -> M of `num_layers` more (5) -> p¹ = softmax(w₁ · [G; M]), p² = softmax(w₂ · [G; M²]), M² one
    more recurrence over M (6, eq. 3).

    vocab_size  V;  embedding_dim  E;  num_units  U, 2 d in the paper;  cell  "lstm" or "gru"
    rate        dropout probability, on the input of the first recurrence, on G, and after each recurrence

    context_mask, question_mask: bool, real tokens first; by default all tokens that are not PAD. Padding has the logit
    -1e9 and does not change real positions. Raises ValueError for an odd num_units.
    Differs: no convolution over characters, so all words outside the vocabulary share one vector; M² reads M alone, as
    in the paper, not the output of the first softmax, as in the authors' code.
    """

    max_length = None

    def __init__(self, vocab_size, embedding_dim=100, num_units=200, num_layers=2, cell="lstm", rate=0.2, **kwargs):
        super().__init__(**kwargs)
        self.numbers = {
            "vocab_size": vocab_size, "embedding_dim": embedding_dim, "num_units": num_units,
            "num_layers": num_layers, "cell": cell, "rate": rate,
        }  # fmt: skip
        self.vocab_size, policy = vocab_size, self.dtype_policy

        def recurrence(layers, name):
            return BidirectionalEncoder(layers, num_units, cell, rate, name=name, dtype=policy)

        spread = keras.initializers.RandomNormal(stddev=SPREAD)
        self.embed = keras.layers.Embedding(
            vocab_size, embedding_dim, embeddings_initializer=spread, name="embed", dtype=policy
        )
        self.highway = Highway(name="highway", dtype=policy)
        self.drop = keras.layers.Dropout(rate, name="drop", dtype=policy)
        self.encode = recurrence(1, "encode")
        self.flow = AttentionFlow(name="flow", dtype=policy)
        self.modelling = recurrence(num_layers, "modelling")
        self.ending = recurrence(1, "ending")
        self.to_start = keras.layers.Dense(1, use_bias=False, name="to_start", dtype=policy)
        self.to_end = keras.layers.Dense(1, use_bias=False, name="to_end", dtype=policy)
        self.build()

    def build(self, input_shape=None):
        """Create all weights now: all sizes are known, so loading and `summary` do not need a first call."""
        embedding, units = self.numbers["embedding_dim"], self.numbers["num_units"]
        self.embed.build()
        self.highway.build((None, None, embedding))
        self.encode.build((None, None, embedding))
        self.flow.build((None, None, units), (None, None, units))
        self.modelling.build((None, None, 4 * units))
        self.ending.build((None, None, units))
        for part in (self.to_start, self.to_end):
            part.build((None, None, 5 * units))

    def call(self, context, question, context_mask=None, question_mask=None, training=None):
        context_mask, question_mask = real(context, context_mask), real(question, question_mask)
        h, u = (
            self.forward(token_ids, mask, training)
            for token_ids, mask in ((context, context_mask), (question, question_mask))
        )
        g = self.drop(self.flow(h, u, context_mask, question_mask), training=training)  # [B, T, 4 U]
        m, _ = self.modelling(g, padding_mask=context_mask, training=training)
        m2, _ = self.ending(m, padding_mask=context_mask, training=training)
        ends = [self.to_start(ops.concatenate([g, m], axis=-1)), self.to_end(ops.concatenate([g, m2], axis=-1))]
        logits = ops.transpose(ops.concatenate(ends, axis=-1), (0, 2, 1))  # [B, 2, T]
        return ops.where(context_mask[:, None], ops.cast(logits, "float32"), NOWHERE)

    def forward(self, token_ids, padding_mask, training=None):
        """[B, T] -> [B, T, U]: contextual word vectors of one text."""
        x = self.drop(self.highway(self.embed(token_ids)), training=training)
        return self.encode(x, padding_mask=padding_mask, training=training)[0]
