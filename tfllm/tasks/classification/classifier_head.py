"""The layers of a classifier above its encoder: pooling, dropout and a linear head."""

import keras

from tfllm.layers.pooling import Pooling
from tfllm.models.bert import BERT
from tfllm.models.causal import CausalModel
from tfllm.models.decoder_only import DecoderOnly
from tfllm.tasks import text_inputs

STDDEV = 0.02  # of the initial head of a Transformer, as in Devlin et al. 2019's code


def build(encoder, size, pairs=False, pooling=None, rate=None):
    """-> (pool or None, drop, head), built for logits [B, size]. Freezes the weights that do not affect the logits.

    pairs, pooling, rate: see TextClassifier. pool is None if the encoder's own pooling is used.
    """
    policy = encoder.dtype_policy
    apart = pairs and not text_inputs.has_special_tokens(
        encoder
    )  # then dropout is only in the head: see text_inputs.vector
    if rate is None:
        rate = getattr(encoder, "numbers", {}).get("rate", 0.0)
        rate = rate if apart else getattr(encoder, "head_rate", rate)
    width, pooled = text_inputs.widths(encoder)
    pool = None
    if pooling is not None or isinstance(encoder, CausalModel):
        pool, pooled = Pooling(pooling or "last", name="pool", dtype=policy), width
        pool.build((None, None, width))
    for weight in text_inputs.unused_weights(encoder, pool):
        weight.trainable = False
    drop = keras.layers.Dropout(rate, name="drop", dtype=policy)
    start = keras.initializers.TruncatedNormal(stddev=STDDEV) if isinstance(encoder, (BERT, DecoderOnly)) else None
    head = keras.layers.Dense(size, kernel_initializer=start or "glorot_uniform", name="head", dtype=policy)
    head.build((None, pooled * (4 if apart else 1)))
    return pool, drop, head
