"""Gives each explained token its own row in the embedding, so that models read vectors instead of ids.

Ids V, V + 1, ... of a table of V rows refer to added rows. The model is not changed: a `StatelessScope` of Keras gives
its variables other values, and gradients with respect to the rows are computed there. So every model that uses a Keras
Embedding or a PretrainedEmbedding is explained by its own `call`, including masks, windows and tied softmax.
"""

from contextlib import contextmanager

import keras
import tensorflow as tf

from tfllm.layers.pretrained_embedding import PretrainedEmbedding


@contextmanager
def embedded(layers, vectors):
    """Context manager: each of the `layers` has the added rows `vectors` [B, N, D]: ids V .. V + B N - 1."""
    with keras.StatelessScope() as scope:
        for layer, rows in zip(layers, vectors, strict=True):
            rows = tf.reshape(rows, [-1, tf.shape(rows)[-1]])
            for variable, value in extended(layer, rows):
                scope.add_update((variable, value))
        yield


def extended(layer, rows):
    """The variables of an embedding layer with `rows` [M, D] added: a list of (variable, value)."""
    expect_embedding(layer)
    if not isinstance(layer, PretrainedEmbedding):
        table = layer.embeddings
        return [(table, tf.concat([read(table), tf.cast(rows, table.dtype)], axis=0))]
    table = layer.fixed if layer.free is None else layer.free  # the table that has the last rows
    width = layer.vector_dim
    order = layer.input_dim + tf.range(tf.shape(rows)[0])
    rows = tf.ensure_shape(rows, [None, width])
    return [
        (table, tf.concat([read(table), tf.cast(rows, table.dtype)], axis=0)),
        (layer.order, tf.concat([read(layer.order), order], axis=0)),
    ]


def rows_of(layer, ids):
    """ids [N] -> the rows that the layer looks up, NumPy [N, D]; for a PretrainedEmbedding before its projection."""
    expect_embedding(layer)
    if not isinstance(layer, PretrainedEmbedding):
        return tf.gather(read(layer.embeddings), ids).numpy()
    parts = [read(part) for part in (layer.fixed, layer.free) if part is not None]
    return tf.gather(tf.concat(parts, axis=0), tf.gather(read(layer.order), ids)).numpy()


def read(variable):
    return tf.convert_to_tensor(variable.value)


def expect_embedding(layer):
    if not isinstance(layer, (keras.layers.Embedding, PretrainedEmbedding)):
        raise ValueError(f"gradients need a Keras Embedding or a PretrainedEmbedding; got a {type(layer).__name__}")
