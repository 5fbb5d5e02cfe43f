"""The base class of encoders: token_ids -> a vector for each token -> one vector for the text.

A subclass defines `call`, the vectors of the tokens, and `pool`, the vector of the text. Classification, search and
pre-training need nothing else.
"""

from keras import ops

from tfllm.layers.masks import PAD
from tfllm.models.inputs import Model


class Encoder(Model):
    """Abstract. token_ids [B, T] (segment_ids [B, T], padding_mask [B, T] bool, True = real) -> x [B, T, D].

    Padding changes neither real positions nor the pooled vector.

    vocab_size    V;  max_length  the maximum number of tokens, or None without a limit
    width         D, of x;  pooled_width  D', of the output of `pool`
    segments      number of segment ids; 0: the model takes no segment_ids
    pooling       the kind of pooling of `pool`
    embed         the embedding of the tokens, which `replace_embedding` may replace
    """

    max_length = None
    segments = 0

    def call(self, token_ids, segment_ids=None, padding_mask=None, training=None):
        raise NotImplementedError(f"{type(self).__name__} must define call")

    def pool(self, x, padding_mask=None):
        """x [B, T, D], padding_mask [B, T] bool (None: all are real) -> [B, D']."""
        raise NotImplementedError(f"{type(self).__name__} must define pool")


def real(token_ids, padding_mask=None):
    """[B, T] bool: the given mask, else True wherever the id is not PAD."""
    return ops.not_equal(token_ids, PAD) if padding_mask is None else ops.cast(padding_mask, "bool")
