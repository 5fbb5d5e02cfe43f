"""The softmax layer that shares its matrix with the embedding. Press & Wolf 2017."""

from keras import ops


def tied_logits(x, embeddings):
    """x [B, T, D] -> [B, T, V], or [B, D] -> [B, V]; embeddings [V, D].

    All positions are one product: the gradient of an einsum over [B, T, D] would be computed text by text, and matrices
    [B, V, D] added up.
    """
    matrix = ops.transpose(ops.cast(embeddings, x.dtype))
    if len(x.shape) == 2:
        return ops.matmul(x, matrix)
    logits = ops.matmul(ops.reshape(x, (-1, x.shape[-1])), matrix)
    return ops.reshape(logits, (*ops.shape(x)[:2], ops.shape(logits)[-1]))
