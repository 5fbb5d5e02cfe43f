"""What every model is that reads a whole text: token_ids -> a vector for each place -> one vector for the text.

A final model says how it reads (`call`) and how it makes one vector of many (`pool`). Classifying, searching and
pre-training ask for no more than this.
"""

from keras import ops

from tfllm.layers.masks import PAD
from tfllm.models.inputs import Model


class Encoder(Model):
    """Abstract. token_ids [B, T] (segment_ids [B, T], padding_mask [B, T] bool, True = real) -> x [B, T, D].

    Law: padding changes nothing at the places of real tokens, and nothing of what is pooled.

    vocab_size    V;  max_length  the most tokens it can take, or None where there is no limit
    width         D, of x;  pooled_width  D', of what `pool` gives
    segments      kinds of segments it tells apart; 0: it takes no segment_ids
    pooling       the name of what `pool` does
    embed         the embedding of the tokens, which `replace_embedding` may replace
    """

    max_length = None
    segments = 0

    def call(self, token_ids, segment_ids=None, padding_mask=None, training=None):
        raise NotImplementedError(f"{type(self).__name__} must say how it reads")

    def pool(self, x, padding_mask=None):
        """x [B, T, D], padding_mask [B, T] bool (None: all are real) -> [B, D']."""
        raise NotImplementedError(f"{type(self).__name__} must say how it makes one vector of many")


def real(token_ids, padding_mask=None):
    """[B, T] bool: the mask that is given, else True wherever the id is not PAD."""
    return ops.not_equal(token_ids, PAD) if padding_mask is None else ops.cast(padding_mask, "bool")
