"""The attention inside the encoder of a classifier or an embedder, and the positions that the text vector is made
of.
"""

import numpy as np

from tfllm.models.causal import CausalModel


def attention(task, inputs):
    """{name: int [1, T]} -> {layer: [1, H, T, T]} or [1, H, T, T]. Raises ValueError without attention."""
    function = getattr(task.encoder, "attention", None)
    if function is None or "token_ids" not in inputs:
        raise ValueError(f"a {type(task.encoder).__name__} has no attention among the tokens of a text")
    more = {} if isinstance(task.encoder, CausalModel) else {"segment_ids": inputs.get("segment_ids")}
    return function(inputs["token_ids"], **more)


def queries(task, size):
    """-> [1, T]: the share of each position in the text vector; uniform for "max" and "attention"."""
    kind = task.encoder.pooling if task.pool is None else task.pool.kind
    shares = np.zeros((1, size))
    if kind in ("pooler", "first"):
        shares[0, 0] = 1
    elif kind == "last":
        shares[0, -1] = 1
    else:
        shares[:] = 1 / size
    return shares
