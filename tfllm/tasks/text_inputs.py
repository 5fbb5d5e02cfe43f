"""The inputs of a model that reads one text or two, and the one vector that it computes from them.

A model with special tokens (BERT, and causal models as in Radford et al. 2018, fig. 1) reads START text END, and for
two texts START a END b END; the vector of a causal model is that of the last END. A model without special tokens
(`special_tokens` is False: TextCNN, TextRNN, MeanOfVectors) reads the words alone, and two texts separately: their
vectors u and v are combined to [u, v, |u - v|, u v] (Conneau et al. 2017, sec. 3.1). Its dropout is then off, in
training too: independent dropout of u and v would make equal texts differ. The dropout of the head applies to the
combined vector. The layout of two texts is that of Devlin et al. 2019, sec. 3 and fig. 2.
"""

import logging

import tensorflow as tf
from keras import ops

from tfllm.models.causal import CausalModel
from tfllm.ragged import joined, prefixes
from tfllm.text.cleaning import blank

log = logging.getLogger("tfllm")


def has_special_tokens(model):
    """Whether the model reads special tokens around a text."""
    return getattr(model, "special_tokens", True)


def read(model, tokenizer, length, texts, pairs=None):
    """strings [B] (and pairs [B]) -> (inputs, sizes).

    inputs  {"token_ids", "padding_mask", "segment_ids" if the model has segments}, ragged [B, None] of at most `length`
            tokens; for two separate texts {"text": such a dict, "pair": such a dict}
    sizes   [B], tokens before truncation, with special tokens; for two separate texts those of the longer one
    Without special tokens, an empty text is read as END alone. White space counts as empty.
    """
    texts, pairs = (None if part is None else tf.where(blank(part), "", part) for part in (texts, pairs))
    a, b = (None if part is None else tokenizer.encode(part) for part in (texts, pairs))
    if not has_special_tokens(model):
        a, b = (None if part is None else never_empty(part, tokenizer.end) for part in (a, b))
        sizes = a.row_lengths() if b is None else tf.maximum(a.row_lengths(), b.row_lengths())
        sides = [of_tokens(part[:, :length]) for part in (a, b) if part is not None]
        return sides[0] if b is None else dict(zip(("text", "pair"), sides, strict=True)), sizes
    sizes = a.row_lengths() + (0 if b is None else b.row_lengths())
    token_ids, segment_ids = packed(a, b, start=tokenizer.start, end=tokenizer.end, length=length)
    inputs = of_tokens(token_ids)
    if getattr(model, "segments", 0) > 1:
        inputs["segment_ids"] = segment_ids
    return inputs, sizes + num_special_tokens(b, tokenizer.start, tokenizer.end)


def both_blank(texts, pairs=None):
    """strings [B] (and pairs [B]) -> bool [B]: True if there is nothing but white space."""
    return blank(texts) if pairs is None else tf.logical_and(blank(texts), blank(pairs))


def warn_cut(flags, length):
    """Log how many texts were truncated to `length` tokens. flags: bool [N]."""
    if flags.any():
        log.warning("%d of %d texts have more than %d tokens and are truncated", flags.sum(), len(flags), length)


def of_tokens(token_ids):
    """The mask is an integer tensor, as all parts of a batch: Keras averages over replicas, which bool does not
    support.
    """
    return {"token_ids": token_ids, "padding_mask": tf.ones_like(token_ids)}


def never_empty(token_ids, end):
    """Ragged [B, None], in which an empty row becomes END."""
    sizes = token_ids.row_lengths()
    return prefixes(joined(token_ids, end), tf.maximum(sizes, 1))


def dense(inputs):
    """Ragged [B, None] -> [B, T], padded with 0; T is at least 1, even if B is 0."""

    def filled(part):
        return part.to_tensor(shape=tf.stack([part.nrows(), tf.maximum(part.bounding_shape(axis=1), 1)]))

    return tf.nest.map_structure(filled, inputs)


def vector(model, pool, inputs, training=None):
    """Dense inputs -> [B, D'], or [B, 4 D'] for two separate texts. pool: a layer of (x, padding_mask); None: the
    model's.

    `training` is passed by name: layers that `features` calls do not see Keras' own.
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
    """The weights of a model that `vector` does not use: a softmax over words, an unused pooling."""
    names = ("to_logits", "narrow", "bias") if isinstance(model, CausalModel) else ("pooler", "gather", "hidden")
    if pool is None and model.pooling not in ("mean", "max", "first"):
        names = ()
    elif pool is None:
        names = ("pooler",)
    parts = tf.nest.flatten([getattr(model, name, []) for name in names])
    return [weight for part in parts for weight in getattr(part, "trainable_weights", [part])]


def widths(model):
    """(D of the token vectors, D' of the model's own pooled vector, or None if it has no pooling)."""
    if isinstance(model, CausalModel):
        return model.features(ops.zeros((1, 1), "int32"))[0].shape[-1], None
    return model.width, model.pooled_width


def packed(a, b=None, *, start, end, length=None):
    """-> (token_ids, segment_ids), ragged int32 [B, None]: START a END, or START a END b END, at most `length` tokens.

    a, b        ragged token_ids [B, None]
    start, end  the ids of [CLS] and [SEP]; None leaves the special token out
    length      maximum number of tokens; None: no limit. A text that is too long loses its last tokens; of a pair the
                longer text does (b if both are equally long) until both fit (`_truncate_seq_pair` of the paper's code)

    segment_ids are 0 up to the END of a, and 1 after it. Core operations only. Raises ValueError if `length` is less
    than the number of special tokens.
    """
    texts, count = [part for part in (a, b) if part is not None], num_special_tokens(b, start, end)
    if length is not None and length < count:
        raise ValueError(f"length must be {count} or more, for the special tokens around the text; got {length}")
    if length is not None:
        sizes = truncated_lengths(*(part.row_lengths() for part in texts), capacity=length - count)
        texts = [prefixes(part, size) for part, size in zip(texts, sizes, strict=True)]
    starts, ends = ([] if token is None else [token] for token in (start, end))
    texts = [tf.cast(part, tf.int32) for part in texts]
    token_ids = joined(*starts, *(piece for part in texts for piece in (part, *ends)))
    if b is None:
        return token_ids, tf.zeros_like(token_ids)
    of_a, of_b = [0] * len(ends), [1] * len(ends)
    zeros, ones = tf.zeros_like(texts[0]), tf.ones_like(texts[1])
    return token_ids, joined(*([0] * len(starts)), zeros, *of_a, ones, *of_b)


def num_special_tokens(pair, start, end):
    """The number of special tokens that `packed` adds."""
    return (start is not None) + (end is not None) * (1 if pair is None else 2)


def truncated_lengths(a, b=None, *, capacity):
    """Numbers of tokens [B] of each text -> how many are kept, `capacity` in total: [a] or [a, b]."""
    if b is None:
        return [tf.minimum(a, capacity)]
    first = tf.minimum(a, tf.maximum(capacity - b, (capacity + 1) // 2))
    return [first, tf.minimum(b, capacity - first)]
