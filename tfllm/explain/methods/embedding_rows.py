"""A row of its own in the embedding for each token that is explained: models read vectors in the place of ids.

Ids V, V + 1, ... of a table of V rows stand for rows behind it. The model is not changed: a `StatelessScope` of Keras
gives its variables other values, and a gradient by the rows is taken there. So every model that looks ids up in a
Keras Embedding or a PretrainedEmbedding is explained by its own `call`, masks, windows and tied softmax included.
"""

from contextlib import contextmanager

import keras
import tensorflow as tf

from tfllm.layers.pretrained_embedding import PretrainedEmbedding


@contextmanager
def embedded(layers, vectors):
    """A block in which each of the `layers` has the rows `vectors` [B, N, D] behind its own: ids V .. V + B N - 1."""
    with keras.StatelessScope() as scope:
        for layer, rows in zip(layers, vectors, strict=True):
            rows = tf.reshape(rows, [-1, tf.shape(rows)[-1]])
            for variable, value in extended(layer, rows):
                scope.add_update((variable, value))
        yield


def extended(layer, rows):
    """The variables of an embedding layer with `rows` [M, D] behind them: a list of (variable, value)."""
    expect_embedding(layer)
    if not isinstance(layer, PretrainedEmbedding):
        table = layer.embeddings
        return [(table, tf.concat([read(table), tf.cast(rows, table.dtype)], axis=0))]
    table = layer.fixed if layer.free is None else layer.free  # its last rows
    width = layer.vector_dim
    order = layer.input_dim + tf.range(tf.shape(rows)[0])
    rows = tf.ensure_shape(rows, [None, width])
    return [
        (table, tf.concat([read(table), tf.cast(rows, table.dtype)], axis=0)),
        (layer.order, tf.concat([read(layer.order), order], axis=0)),
    ]


def rows_of(layer, ids):
    """ids [N] -> the rows that the layer looks up, NumPy [N, D]; of a PretrainedEmbedding before its projection."""
    expect_embedding(layer)
    if not isinstance(layer, PretrainedEmbedding):
        return tf.gather(read(layer.embeddings), ids).numpy()
    parts = [read(part) for part in (layer.fixed, layer.free) if part is not None]
    return tf.gather(tf.concat(parts, axis=0), tf.gather(read(layer.order), ids)).numpy()


def read(variable):
    return tf.convert_to_tensor(variable.value)


def expect_embedding(layer):
    if not isinstance(layer, (keras.layers.Embedding, PretrainedEmbedding)):
        raise ValueError(f"gradients are of a Keras Embedding or a PretrainedEmbedding; got a {type(layer).__name__}")
