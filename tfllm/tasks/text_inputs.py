"""What a model is fed that reads whole texts, and the one vector that it makes of each: of one text, or of two.

A model that reads marks (BERT, and the causal models, as in Radford et al. 2018, fig. 1) gets START text END, and of
two texts START a END b END; a causal model's vector stands at the last END. One whose `marks` is False (TextCNN,
TextRNN, MeanOfVectors) reads the words alone, and two texts apart: of their vectors u and v it is [u, v, |u - v|, u v]
that stands for both (Conneau et al. 2017, sec. 3.1). Dropout of the model is off then, in training too: it would hit u
and v apart, so that texts that are equal would differ; the head's dropout hits what they are compared by.
"""

import logging

import tensorflow as tf
from keras import ops

from tfllm.models.causal import CausalModel
from tfllm.ragged import joined, prefixes
from tfllm.tasks.packed_pairs import marks_around, packed
from tfllm.text.cleaning import blank

log = logging.getLogger("tfllm")


def marks(model):
    return getattr(model, "marks", True)


def read(model, tokenizer, length, texts, pairs=None):
    """strings [B] (and pairs [B]) -> (inputs, sizes).

    inputs  {"token_ids", "padding_mask", "segment_ids" where the model tells segments apart}, ragged [B, None] of at
            most `length` tokens; of two texts apart {"text": such a dict, "pair": such a dict}
    sizes   [B], tokens before anything was cut off, marks included; of two texts apart those of the longer one
    An empty text is read as END alone where no marks are read; one of white space is as an empty one.
    """
    texts, pairs = (None if part is None else tf.where(blank(part), "", part) for part in (texts, pairs))
    a, b = (None if part is None else tokenizer.encode(part) for part in (texts, pairs))
    if not marks(model):
        a, b = (None if part is None else never_empty(part, tokenizer.end) for part in (a, b))
        sizes = a.row_lengths() if b is None else tf.maximum(a.row_lengths(), b.row_lengths())
        sides = [of_tokens(part[:, :length]) for part in (a, b) if part is not None]
        return sides[0] if b is None else dict(zip(("text", "pair"), sides, strict=True)), sizes
    sizes = a.row_lengths() + (0 if b is None else b.row_lengths())
    token_ids, segment_ids = packed(a, b, start=tokenizer.start, end=tokenizer.end, length=length)
    inputs = of_tokens(token_ids)
    if getattr(model, "segments", 0) > 1:
        inputs["segment_ids"] = segment_ids
    return inputs, sizes + marks_around(b, tokenizer.start, tokenizer.end)


def both_blank(texts, pairs=None):
    """strings [B] (and pairs [B]) -> bool [B]: there is nothing to read but white space."""
    return blank(texts) if pairs is None else tf.logical_and(blank(texts), blank(pairs))


def warn_cut(flags, length):
    """Logs how many of these texts, flags [N], have more tokens than are read."""
    if flags.any():
        log.warning("%d of %d texts have more than %d tokens and are cut", flags.sum(), len(flags), length)


def of_tokens(token_ids):
    """The mask is of integers, as all that is in a batch: Keras takes means over replicas, which bool has not."""
    return {"token_ids": token_ids, "padding_mask": tf.ones_like(token_ids)}


def never_empty(token_ids, end):
    """Ragged [B, None], where a row without a token becomes END."""
    sizes = token_ids.row_lengths()
    return prefixes(joined(token_ids, end), tf.maximum(sizes, 1))


def dense(inputs):
    """Ragged [B, None] -> [B, T], filled up with 0; T is 1 or more, even where B is 0."""

    def filled(part):
        return part.to_tensor(shape=tf.stack([part.nrows(), tf.maximum(part.bounding_shape(axis=1), 1)]))

    return tf.nest.map_structure(filled, inputs)


def vector(model, pool, inputs, training=None):
    """inputs, dense -> [B, D'], or [B, 4 D'] of two texts apart. pool: a layer of (x, padding_mask); None: the model's.

    `training` is handed down by name: what `features` calls would not see Keras' own.
    """
    if "pair" in inputs:
        u, v = (vector(model, pool, inputs[side], training=False) for side in ("text", "pair"))
        return ops.concatenate([u, v, ops.abs(u - v), u * v], axis=-1)
    mask = ops.cast(inputs["padding_mask"], "bool")
    if isinstance(model, CausalModel):
        x = model.features(inputs["token_ids"], training=training)[0]
    else:
        x = model(
            inputs["token_ids"], segment_ids=inputs.get("segment_ids"), padding_mask=mask, training=training
        )  # fmt: skip
    return (pool or model.pool)(x, padding_mask=mask)


def unused_weights(model, pool):
    """The weights of a model that have no part in `vector`: a softmax over words, a pooling that is not used."""
    names = ("to_logits", "narrow", "bias") if isinstance(model, CausalModel) else ("pooler", "gather", "hidden")
    if pool is None and model.pooling not in ("mean", "max", "first"):
        names = ()
    elif pool is None:
        names = ("pooler",)
    parts = tf.nest.flatten([getattr(model, name, []) for name in names])
    return [weight for part in parts for weight in getattr(part, "trainable_weights", [part])]


def widths(model):
    """(D of the places, D' of what the model itself pools; None where it pools nothing)."""
    if isinstance(model, CausalModel):
        return model.features(ops.zeros((1, 1), "int32"))[0].shape[-1], None
    return model.width, model.pooled_width
