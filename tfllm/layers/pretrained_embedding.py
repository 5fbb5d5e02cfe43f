"""An embedding with two kinds of rows: fixed ones, which never change, and free ones, which are trained.

Kim 2014, sec. 3.1 (static and non-static), there for all rows alike. tfllm/vectors/pretrained.py decides which vectors
the rows get. Not included: changing which rows are free (training.freeze fixes all of them temporarily).
"""

import keras
import numpy as np
from keras import ops

from tfllm import private_api
from tfllm.layers.names import devices_of, slots


@keras.saving.register_keras_serializable("tfllm")
class PretrainedEmbedding(keras.layers.Layer):
    """token_ids [B, T] -> vectors [B, T, D]; `embeddings` [V, D] is the whole table, for a softmax with the same
    matrix.

    input_dim   V rows;  vector_dim  width E of a row
    free_rows   number of trained rows. The others are a separate variable that the optimizer does not get: momentum,
                weight decay and weight averages leave them bitwise unchanged
    output_dim  width D; if it is not E, a trained dense layer without bias projects the rows. It is initialised by
                N(0, 1 / E), which keeps the variance; a row of zeros stays zero

    `of` makes one from a table. If made from sizes alone, the fixed rows come first and are 0.
    coverage: which rows have a pretrained vector, if known; not saved.
    Raises ValueError for sizes below 1, and for more free rows than rows.
    """

    def __init__(self, input_dim, vector_dim, free_rows, output_dim=None, **kwargs):
        super().__init__(**kwargs)
        output_dim = vector_dim if output_dim is None else output_dim
        if min(input_dim, vector_dim, output_dim) < 1 or not 0 <= free_rows <= input_dim:
            raise ValueError(
                f"expected sizes of 1 or more and at most as many free rows; got input_dim={input_dim}, "
                f"vector_dim={vector_dim}, free_rows={free_rows}, output_dim={output_dim}"
            )
        self.input_dim, self.vector_dim, self.free_rows, self.output_dim = input_dim, vector_dim, free_rows, output_dim
        self.fixed_rows = input_dim - free_rows
        self.autocast = False  # rows are looked up first, then cast to the compute dtype
        self.fixed = self.free = self.project = self.coverage = None
        if output_dim != vector_dim:
            start = keras.initializers.RandomNormal(stddev=vector_dim**-0.5)
            self.project = keras.layers.Dense(
                output_dim, use_bias=False, kernel_initializer=start, name="project", dtype=self.dtype_policy
            )

    @classmethod
    def of(cls, table, free, output_dim=None, **kwargs):
        """table [V, E] float, free [V] bool: the rows to train -> the layer, built."""
        table, free = np.asarray(table), np.asarray(free)
        if table.ndim != 2 or free.shape != table.shape[:1] or free.dtype != bool:
            raise ValueError(
                f"expected a table [V, E] and bool [V]; got {table.shape} and {free.dtype.name} {free.shape}"
            )
        layer = cls(*table.shape, int(free.sum()), output_dim, **kwargs)
        layer.build()
        order = np.empty(len(table), "int32")
        order[~free], order[free] = np.arange(layer.fixed_rows), layer.fixed_rows + np.arange(layer.free_rows)
        layer.order.assign(order)
        for variable, rows in ((layer.fixed, table[~free]), (layer.free, table[free])):
            if variable is not None:
                variable.assign(rows)
        return layer

    def build(self, input_shape=None):
        if self.built:
            return
        if self.free_rows:
            self.free = self.add_weight((self.free_rows, self.vector_dim), initializer="random_normal", name="free")
        if self.fixed_rows:
            shape = (self.fixed_rows, self.vector_dim)
            self.fixed = self.add_weight(shape, initializer="zeros", trainable=False, name="fixed")
        self.order = self.add_weight(  # the row of each token: the fixed ones, then the free ones
            (self.input_dim,), initializer=in_order, dtype="int32", trainable=False, name="order"
        )
        if self.project is not None:
            self.project.build((None, self.vector_dim))

    def call(self, token_ids):
        rows = ops.take(self.order, ops.cast(token_ids, "int32"), axis=0)
        if self.free is None:
            x = ops.take(self.fixed, rows, axis=0)
        elif self.fixed is None:
            x = ops.take(self.free, rows, axis=0)
        else:
            free = rows >= self.fixed_rows
            x = ops.where(
                free[..., None],
                ops.take(self.free, ops.where(free, rows - self.fixed_rows, 0), axis=0),
                ops.take(self.fixed, ops.where(free, 0, rows), axis=0),
            )
        return self.projected(ops.cast(x, self.compute_dtype))

    @property
    def embeddings(self):
        """All vectors [V, D], in the order of the token ids. AttributeError before the layer is built."""
        if not self.built:
            raise AttributeError("the layer has no embeddings before it is built")
        parts = [part for part in (self.fixed, self.free) if part is not None]
        return self.projected(ops.take(ops.concatenate(parts, axis=0), self.order, axis=0))

    def projected(self, x):
        """[..., E] -> [..., D]"""
        return x if self.project is None else self.project(x)

    def compute_output_shape(self, token_ids_shape):
        return (*token_ids_shape, self.output_dim)

    def get_config(self):
        sizes = {"input_dim": self.input_dim, "vector_dim": self.vector_dim, "free_rows": self.free_rows}
        return super().get_config() | sizes | {"output_dim": self.output_dim}


def in_order(shape, dtype=None):
    """0, 1, 2, ..."""
    return ops.arange(shape[0], dtype=dtype)


def replace_embedding(model, old, new):
    """Use the PretrainedEmbedding `new` wherever the model uses its embedding `old`, under the same name.

    A shared embedding is replaced everywhere. The model's file keeps the change (tunable.py). Call it before `compile`.
    Raises ValueError for another kind of layer, for other sizes, for a compiled model, and if `old` is not in the
    model.
    """
    if not isinstance(new, PretrainedEmbedding):
        raise ValueError(
            f"an embedding can only be replaced by a PretrainedEmbedding, see pretrained_embedding(...); got {new!r}"
        )
    if (new.input_dim, new.output_dim) != (old.input_dim, old.output_dim):
        raise ValueError(
            f"the model needs an embedding of {old.input_dim} tokens and width {old.output_dim}; "
            f"got {new.input_dim} tokens and width {new.output_dim}"
        )
    if model.compiled:
        raise ValueError("the model is compiled, and its optimizer uses the old embedding: replace it before `compile`")
    used_in = [slot for slot in slots(model) if slot.layer is old and slot.holder is not None]
    if not used_in:
        raise ValueError(f"{old.name} is not a replaceable layer of the model")
    with devices_of(model):
        new.build()
    if old.path:  # the paths of its weights, as when the model is loaded from a file
        for variable in new.variables:
            private_api.set_path(variable, old.path + variable.path.removeprefix(new.path))
        private_api.set_path(new, old.path)
    new.name = old.name
    for slot in used_in:
        slot.replace(new)
