"""The end-to-end memory network: facts and a question -> an answer, by several steps of attention over the facts.

Sukhbaatar et al. 2015. An answer is one token of the vocabulary; the task decides which strings are tokens
(tasks/facts/fact_answering.py).

Axes:  B batch  F facts  W words of a fact  Q words of the question  D width  H hops  V vocabulary
"""

import keras
from keras import ops

from tfllm.layers.masks import PAD
from tfllm.models.inputs import Model

TYINGS = ("adjacent", "layerwise")
SPREAD = 0.1  # initial standard deviation of all weights, sec. 4.2
HIDDEN = -1e9  # the score of empty facts


@keras.saving.register_keras_serializable("tfllm")
class MemoryNetwork(Model):
    """facts and question token_ids -> logits of the answer. Sukhbaatar et al. 2015, eq. 1 to 4, sec. 2.2 and 4.1.

    vocab_size     V;  max_facts  the maximum of F;  embedding_dim  D
    num_hops       H: u' = u + o, o = Σ_i p_i c_i, p = softmax(uᵀ m_i)
    tying          "adjacent": A^{k+1} = C^k, B = A¹, Wᵀ = C^H (sec. 2.2, 1); "layerwise": all hops share A and C,
                   u' = H u + o, with a W of its own (sec. 2.2, 2), where B = A too
    positions      m_i = Σ_j l_j ∘ A x_ij, sec. 4.1; False: l = 1
    noise          n facts get the ages of n among n + e facts, e drawn from 0 .. noise · n (training only, sec. 4.1)

    `embed[k]` and `age[k]`: A and T_A of hop k + 1, C and T_C of hop k; embed[0] also embeds the question.
    `linear` is a weight that is not trained: if it is 1, hops attend without a softmax, p = uᵀ m (linear start,
    sec. 4.2).

    facts [B, F, W] and question [B, Q], 0 is padding -> (logits [B, V], {"attention": [B, H, F], its sum 1 or, without
    facts, 0}). Padded words and empty facts change nothing.
    Raises ValueError for another tying, for sizes below 1, and for a noise outside 0 to 1.
    Differs: l_kj = 1 + 4 (k - (D + 1) / 2) (j - (J + 1) / 2) / (D J), as in the authors' code: about twice the paper's,
    and 1 for a single word; J is the number of words in that fact (in their code: in the longest). Empty facts get no
    attention (in their code they get some). Ages beyond max_facts share the last row, as in their code.
    """

    def __init__(self, vocab_size, max_facts=50, num_hops=3, embedding_dim=20, tying="adjacent", positions=True,
                 noise=0.1, **kwargs):  # fmt: skip
        super().__init__(**kwargs)
        if tying not in TYINGS:
            raise ValueError(f"tying must be one of {TYINGS}; got {tying!r}")
        self.numbers = {
            "vocab_size": vocab_size, "max_facts": max_facts, "num_hops": num_hops, "embedding_dim": embedding_dim,
            "tying": tying, "positions": positions, "noise": noise,
        }  # fmt: skip
        self.vocab_size, self.max_facts, self.num_hops = vocab_size, max_facts, num_hops
        self.tying, self.noise, policy = tying, noise, self.dtype_policy

        def table(size, name):
            start = keras.initializers.RandomNormal(stddev=SPREAD)
            return keras.layers.Embedding(size, embedding_dim, embeddings_initializer=start, name=name, dtype=policy)

        def dense(size, name):
            start = keras.initializers.RandomNormal(stddev=SPREAD)
            return keras.layers.Dense(size, use_bias=False, kernel_initializer=start, name=name, dtype=policy)

        tables = num_hops + 1 if tying == "adjacent" else 2
        self.embed = [table(vocab_size, f"embed{i}") for i in range(tables)]
        self.age = [table(max_facts, f"age{i}") for i in range(tables)]
        self.to_next = dense(embedding_dim, "to_next") if tying == "layerwise" else None
        self.to_logits = dense(vocab_size, "to_logits") if tying == "layerwise" else None
        self.draw = keras.random.SeedGenerator()
        self.linear = self.add_weight((), initializer="zeros", trainable=False, name="linear")
        self.build()

    def build(self, input_shape=None):
        """Create all weights now: all sizes are known, so loading and `summary` do not need a first call."""
        for part in [*self.embed, *self.age]:
            part.build()
        for part in (self.to_next, self.to_logits):
            if part is not None:
                part.build((None, self.numbers["embedding_dim"]))

    def call(self, facts, question, training=None):
        real = ops.not_equal(facts, PAD)  # [B, F, W]
        has_fact, positions = ops.any(real, axis=-1), self.word_weights(real)
        ages = self.ages(has_fact, training)  # [B, F]
        memory = ops.sum(ops.take(self.stacked(self.embed), facts, axis=0) * positions[..., None, :], axis=2)
        memory = memory + ops.take(self.stacked(self.age), ages, axis=0)  # [B, F, tables, D]
        question_vectors = ops.take(self.stacked(self.embed[:1]), question, axis=0)[:, :, 0]
        u = ops.sum(question_vectors * self.word_weights(ops.not_equal(question, PAD)), axis=1)  # [B, D]
        weights = []
        for hop in range(self.num_hops):
            k = hop if self.tying == "adjacent" else 0
            p = self.attend(ops.einsum("bd,bfd->bf", u, memory[:, :, k]), has_fact)
            carried = u if self.to_next is None else self.to_next(u)
            u = carried + ops.einsum("bf,bfd->bd", p, memory[:, :, k + 1])
            weights.append(p)
        return self.logits(u), {"attention": ops.stack(weights, axis=1)}

    def stacked(self, parts):
        """Embeddings -> one table [V, tables, D]. Its gradient is dense, so that gradient clipping uses the summed
        gradient.

        The gradient of a Keras Embedding has one row per position of the batch, which clipping by norm does not sum.
        """
        return ops.cast(ops.stack([part.embeddings for part in parts], axis=1), self.compute_dtype)

    def attend(self, scores, has_fact):
        """Scores uᵀ m [B, F] -> p [B, F]; 0 for empty facts."""
        scores = ops.cast(scores, "float32")
        top = ops.max(ops.where(has_fact, scores, HIDDEN), axis=-1, keepdims=True, initial=HIDDEN)
        shares = ops.exp(ops.where(has_fact, scores - top, HIDDEN))  # Keras' softmax warns about a single fact
        shares = shares / ops.maximum(ops.sum(shares, axis=-1, keepdims=True), 1e-9)
        p = ops.where(self.linear > 0, ops.where(has_fact, scores, 0.0), shares)
        return ops.cast(p, self.compute_dtype)

    def logits(self, u):
        """u [B, D] -> [B, V]."""
        if self.to_logits is not None:
            return self.to_logits(u)
        return ops.matmul(u, ops.transpose(ops.cast(self.embed[-1].embeddings, u.dtype)))

    def word_weights(self, real_words):
        """Real words [..., W] bool -> their weights l [..., W, D] or [..., W, 1]; 0 for padding."""
        real = ops.cast(real_words, "float32")[..., None]
        if self.numbers["positions"]:
            width = self.numbers["embedding_dim"]
            size = ops.sum(real, axis=-2, keepdims=True)  # J
            j = ops.cumsum(real, axis=-2) - (size + 1) / 2
            k = ops.arange(1, width + 1, dtype="float32") - (width + 1) / 2
            real = real * (1 + 4 * k * j / (width * ops.maximum(size, 1.0)))
        return ops.cast(real, self.compute_dtype)

    def ages(self, has_fact, training=None):
        """bool [B, F], False for empty facts -> int [B, F]: the number of later facts, limited to the number of ages.

        In training some empty facts are counted too.
        """
        counts = ops.cast(has_fact, "int32")
        size = ops.sum(counts, axis=-1, keepdims=True)
        after = size - ops.cumsum(counts, axis=-1)  # 0 for the last
        if training and self.noise:
            after = self.spread(after, size)
        return ops.clip(after, 0, self.max_facts - 1)

    def spread(self, after, size):
        """Fact number `after` [B, F] of `size` [B, 1] -> its age once empty facts are inserted."""
        batch, facts = ops.shape(after)
        most = ops.cast(ops.ceil(self.noise * ops.cast(size, "float32")), "int32")
        share = keras.random.uniform((batch, 1), dtype="float32", seed=self.draw)
        empty = ops.minimum(ops.cast(share * ops.cast(most + 1, "float32"), "int32"), most)
        capacity = 2 * facts
        positions = ops.arange(capacity, dtype="int32")[None]
        draws = keras.random.uniform((batch, capacity), seed=self.draw)
        draws = ops.where(positions < size + empty, draws, 2.0)  # the `size` lowest are facts
        rank = ops.argsort(ops.argsort(draws, axis=-1), axis=-1)
        filled = ops.cumsum(ops.cast(rank < size, "int32"), axis=-1)  # [B, capacity]
        return ops.sum(ops.cast(filled[:, None] <= after[..., None], "int32"), axis=-1)
