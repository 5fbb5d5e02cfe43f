"""The convolutional sentence model of Kim 2014: Embedding -> windows of several widths -> maximum over time."""

import keras
from keras import ops

from tfllm.layers.convolution import CausalConvolution
from tfllm.layers.in_graph import in_graph
from tfllm.layers.pooling import Pooling
from tfllm.models.encoder import Encoder, real

RANGE = 0.25  # of the initial values of the embedding, Kim 2014, sec. 3.2


@keras.saving.register_keras_serializable("tfllm")
class TextCNN(Encoder):
    """c_t = relu(b + Σ x_(t + i) K_i) by each filter, then the maximum over t. Kim 2014, eq. 2 and 3, fig. 1.

    vocab_size  V;  embedding_dim  E of the word vectors;  widths  of the windows, in tokens;  filters  of each width
    rate        dropout probability before the head (eq. 4), applied by TextClassifier: with two texts, after their
                comparison

    token_ids [B, T], padding_mask [B, T] -> x [B, T, D], the windows around each token, D = filters of all widths;
    `pool` -> [B, D]. The embedding is initialised uniformly in ±0.25; `tasks.building.Builder` decides between
    "static", "non-static" and mixtures. Raises ValueError if there is no width, or one below 1.
    Differs: a window is centred at a token and reads zeros past the ends, so that no text is too short (Kim adds width
    - 1 zeros on either side, and includes windows of padding alone in the maximum); no limit on the norm of the head's
    weights, no two channels.
    """

    pooling = "max"
    special_tokens = False  # texts are read without START and END

    def __init__(self, vocab_size, embedding_dim=300, widths=(3, 4, 5), filters=100, rate=0.5, **kwargs):
        super().__init__(**kwargs)
        widths = tuple(widths)
        self.numbers = {
            "vocab_size": vocab_size, "embedding_dim": embedding_dim, "widths": widths, "filters": filters,
            "rate": rate,
        }  # fmt: skip
        self.vocab_size, self.width = vocab_size, filters * len(widths)
        self.pooled_width, policy = self.width, self.dtype_policy
        start = keras.initializers.RandomUniform(-RANGE, RANGE)
        self.embed = keras.layers.Embedding(
            vocab_size, embedding_dim, embeddings_initializer=start, name="embed", dtype=policy
        )
        self.windows = [CausalConvolution(filters, width, name=f"window{width}", dtype=policy) for width in widths]
        self.most = Pooling("max", name="most", dtype=policy)
        self.build()

    def build(self, input_shape=None):
        """Create all weights now: all sizes are known, so loading and `summary` do not need a first call."""
        self.embed.build()
        for part in self.windows:
            part.build((None, None, self.numbers["embedding_dim"]))

    def call(self, token_ids, segment_ids=None, padding_mask=None, training=None):
        seen = ops.expand_dims(real(token_ids, padding_mask), -1)  # [B, T, 1]
        x = self.embed(token_ids)
        x = ops.where(seen, x, ops.zeros_like(x))  # [B, T, E]
        features = []
        for part in self.windows:
            ahead = part.kernel_size // 2  # number of positions of a window after its centre
            features.append(part(ops.pad(x, [[0, 0], [0, ahead], [0, 0]]))[0][:, ahead:])
        x = ops.relu(ops.concatenate(features, axis=-1))  # [B, T, D]
        return ops.where(seen, x, ops.zeros_like(x))

    @in_graph
    def pool(self, x, padding_mask=None):
        return self.most(x, padding_mask=padding_mask)
