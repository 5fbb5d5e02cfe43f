"""All private names of other libraries that tfllm uses, each behind one function.

Each docstring says what the function does, in which versions it works, and what to do when the name is gone.
tests/test_private_api.py has one test for each, which fails when the library changes, and checks that no other file of
tfllm uses such a name. Not included: public names that are merely undocumented.
"""

import pickle
from contextlib import contextmanager

# Python's own unpickler, whose table `dispatch` of steps can be changed; the C implementation has none, and puts no
# limit on sizes. Python 3.10 to 3.13. When it is gone: copy Lib/pickle.py of the last Python that has it.
PythonUnpickler = pickle._Unpickler


# Keras


@contextmanager
def without_memory():
    """A scope in which Keras creates variables without values, which are dropped at its end.

    `keras.StatelessScope` alone leaves them in a list, and the next scope initialises that whole list: the memory of a
    whole model. Keras 3.12 to 3.15. When it is gone: create the model in a separate process.
    """
    import keras
    from keras.src.backend.common import global_state

    before = list(global_state.get_global_attribute("uninitialized_variables") or [])
    try:
        with keras.StatelessScope(initialize_variables=False):
            yield
    finally:
        global_state.set_global_attribute("uninitialized_variables", before)


def sublayers(layer):
    """The layers directly in a layer, in the order in which they were assigned.

    Keras 3.12 to 3.15. When it is gone: `_flatten_layers(include_self=False, recursive=False)` is the same, or the
    public `Model.layers`, which layers that are not models lack.
    """
    return layer._layers


def all_layers(layer):
    """A layer and all layers below it, each once.

    Keras 3.12 to 3.15. When it is gone: traverse `sublayers`.
    """
    return layer._flatten_layers()


def own_weights(layer):
    """The weights that a layer itself created for training, frozen or not, without those of its sublayers.

    Keras 3.12 to 3.15. When it is gone: use `layer.weights` minus those of its sublayers and of its seed generators.
    """
    return layer._trainable_variables


def replace_sublayer(owner, old, new):
    """Put `new` in the position of `old` among the sublayers of a built layer, which accepts no new ones, if `old` is
    there.

    The attribute that refers to it is not changed. Keras 3.12 to 3.15, whose `enable_lora` and `quantize` open the same
    lock. When it is gone: create the layer again from its config, with `new` in it, and copy the weights.
    """
    tracker = owner._tracker
    if tracker.is_in_store("layers", old):
        tracker.replace_tracked_value("layers", old, new)


def is_bookkeeping(name):
    """Whether an attribute of a layer is a list of Keras or TensorFlow, with layers that have an attribute elsewhere
    too.

    Keras 3.12 to 3.15, TensorFlow 2.21. If others appear: add their names, or each layer has two slots.
    """
    return name in ("_layers", "_operations", "_operations_by_depth", "_functional") or name.startswith("_self_")


def set_path(part, path):
    """Give a layer or weight that was created elsewhere the path of its new position.

    Keras 3.12 to 3.15. When it is gone: create it within `keras.name_scope`s of the parts of the path.
    """
    part._path = path


class BuiltFromOneReplica:
    """Mixin, listed before keras.Model: `fit` under a strategy builds the model from the batch of one replica.

    Keras' own adds the batches of all replicas for that, which fails if they differ in their number of rows.
    Keras 3.12 to 3.15, on TensorFlow. When its hook is gone: check whether `fit` under a MirroredStrategy accepts
    batches of unequal size; if not, call the model on one row before `fit`.
    """

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        from keras import tree

        if iterator is not None:
            local = self.distribute_strategy.experimental_local_results
            _, _, batches = next(iter(iterator))
            data_batch, iterator = tree.map_structure(lambda part: local(part)[0], next(batches)), None
        super()._maybe_symbolic_build(iterator, data_batch)


def weights_file(model):
    """The bytes of a file of weights, as Keras' `save_weights` writes it, of a model that is built.

    They are made in memory: HDF5 ends the process where a disk is full while it writes. Keras 3.15. When it is gone:
    `save_weights` into a folder in memory.
    """
    import io

    from keras.src.saving import saving_lib

    file = io.BytesIO()
    store = saving_lib.H5IOStore(file, mode="w")
    saving_lib._save_state(model, weights_store=store, assets_store=None, inner_path="", visited_saveables=set())
    store.close()
    return file.getbuffer()


def weight_index(optimizer, weight):
    """The index of a weight in the list that the optimizer was built with.

    Keras 3.12 to 3.15. When it is gone: keep {id(weight): index} in the optimizer's `build`.
    """
    return optimizer._get_variable_index(weight)


def has_weight_decay(optimizer, weight):
    """Whether a weight has weight decay: it is not among those that `exclude_from_weight_decay` named.

    Keras 3.12 to 3.15. When it is gone: compare with the names in a list of our own.
    """
    return optimizer._use_weight_decay(weight)


def metric_function(metric):
    """The function (targets, predictions) -> values whose mean a Keras metric is; None for other metrics.

    Keras 3.12 to 3.15. When it is gone: `metric.get_config()` of a MeanMetricWrapper has it as "fn".
    """
    return getattr(metric, "_fn", None)


def best_is(direction):
    """Class decorator for metrics: "up" or "down", the better direction for Keras callbacks whose mode is "auto".

    Keras 3.12 to 3.15. When it is gone: give these callbacks `mode="max"` or "min".
    """

    def mark(kind):
        kind._direction = direction
        return kind

    return mark


# gensim


def with_losses(kind):
    """gensim's Word2Vec or FastText -> a subclass that appends (loss, words) of each job to its list `done`.

    gensim sums the loss of all epochs in a float32, which soon stops growing. A job is up to 10,000 words, and runs in
    one of gensim's threads. gensim 4.4. When it is gone: use differences of `get_latest_training_loss()`.
    """
    from copy import copy

    class Model(kind):
        def _do_train_job(self, sentences, alpha, inits):
            job = copy(self)  # shares all weights
            job.running_training_loss = 0.0
            words, seen = super(Model, job)._do_train_job(sentences, alpha, inits)
            self.done.append((float(job.running_training_loss), words))
            return words, seen

    return Model


# sacrebleu


def with_float_scores(metric):
    """A CHRF whose scores are floats. Its own are float32 except 0.0, and statistics.mean refuses a mixture.

    sacrebleu 2.4 to 2.6. When it is gone: try the test without this function.
    """
    score = metric._compute_f_score
    metric._compute_f_score = lambda matches: float(score(matches))
    return metric


def mean_and_half_width(score):
    """(mean, half the width of the 95 % interval) of a score that sacrebleu computed with `n_bootstrap`.

    sacrebleu 2.4 to 2.6. When it is gone: `score.format(width=9)` prints both.
    """
    return score._mean, score._ci


# TensorFlow: calls that can be stopped, SavedModels as messages


def cancellation():
    """An object whose `start_cancel()` stops the calls that run inside `cancellable(it)`.

    TensorFlow 2.21: tensorflow.python.eager.cancellation. When it is gone: let calls run to their end.
    """
    from tensorflow.python.eager import cancellation

    return cancellation.CancellationManager()


def cancellable(stop):
    """Context manager: calls of tf.functions in it raise tf.errors.CancelledError once `stop` is cancelled.

    stop: what `cancellation` returned, or None. TensorFlow 2.21. When it is gone: `contextlib.nullcontext()`.
    """
    from contextlib import nullcontext

    from tensorflow.python.eager import cancellation

    return nullcontext() if stop is None else cancellation.CancellationManagerContext(stop)


def saved_model_graphs(content):
    """The MetaGraphDefs of a file saved_model.pb, from its bytes. Raises protobuf's DecodeError.

    TensorFlow 2.21: tensorflow.core.protobuf.saved_model_pb2. When it is gone: parse field 2 of the message as
    `tf.compat.v1.MetaGraphDef`.
    """
    from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

    return SavedModel.FromString(content).meta_graphs
