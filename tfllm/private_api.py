"""All that tfllm uses of other libraries without a promise of theirs: private names, each behind one function here.

Each docstring says what the function does, in which versions it was seen to work, and what to do when the name is gone.
tests/test_private_api.py has one test for each, which fails when the library changes, and holds that no other file of
tfllm uses such a name. Left out: public names that are merely undocumented.
"""

import pickle
from contextlib import contextmanager

# Python's own unpickler, whose table `dispatch` of steps can be changed; that of C has none, and lets what was read
# grow to any size. Python 3.10 to 3.13. When it is gone: copy Lib/pickle.py of the last Python that has it.
PythonUnpickler = pickle._Unpickler


# Keras


@contextmanager
def without_memory():
    """A scope in which Keras makes variables without values, which are forgotten at its end.

    `keras.StatelessScope` alone leaves them in a list, and the next scope gives all of that list values: the memory of
    a whole model. Keras 3.12 to 3.15. When it is gone: make the model in a process of its own.
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

    Keras 3.12 to 3.15. When it is gone: `_flatten_layers(include_self=False, recursive=False)` gives the same, or the
    public `Model.layers`, which layers that are no models lack.
    """
    return layer._layers


def all_layers(layer):
    """A layer and all layers below it, each once.

    Keras 3.12 to 3.15. When it is gone: walk through `sublayers`.
    """
    return layer._flatten_layers()


def own_weights(layer):
    """The weights that a layer itself made to be trained, frozen or not, without those of its sublayers.

    Keras 3.12 to 3.15. When it is gone: take `layer.weights` less those of its sublayers and of its seed generators.
    """
    return layer._trainable_variables


def replace_sublayer(owner, old, new):
    """Among the sublayers of a built layer, which takes no new ones, `new` gets the place of `old`, if `old` is there.

    The attribute that holds it is left as it is. Keras 3.12 to 3.15, whose `enable_lora` and `quantize` open the same
    lock. When it is gone: make the layer anew from its config, with `new` in it, and copy the weights.
    """
    tracker = owner._tracker
    if tracker.is_in_store("layers", old):
        tracker.replace_tracked_value("layers", old, new)


def is_bookkeeping(name):
    """Whether an attribute of a layer is a list of Keras or TensorFlow, which names layers that stand elsewhere too.

    Keras 3.12 to 3.15, TensorFlow 2.21. When others come: add their names, or each layer has two places.
    """
    return name in ("_layers", "_operations", "_operations_by_depth", "_functional") or name.startswith("_self_")


def set_path(part, path):
    """Gives a layer or a weight that was made elsewhere the path it would have had where it stands now.

    Keras 3.12 to 3.15. When it is gone: make it within `keras.name_scope`s of the parts of the path.
    """
    part._path = path


class BuiltFromOneReplica:
    """Mixin, named before keras.Model: `fit` under a strategy builds the model from the batch of one replica.

    Keras' own adds up the batches of all replicas for that, which fails where these differ in their number of rows.
    Keras 3.12 to 3.15, on TensorFlow. When its hook is gone: see whether `fit` under a MirroredStrategy takes batches
    of unequal size; if not, call the model on one row before `fit`.
    """

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        from keras import tree

        if iterator is not None:
            local = self.distribute_strategy.experimental_local_results
            _, _, batches = next(iter(iterator))
            data_batch, iterator = tree.map_structure(lambda part: local(part)[0], next(batches)), None
        super()._maybe_symbolic_build(iterator, data_batch)


def weight_index(optimizer, weight):
    """The place of a weight in the list that the optimizer was built with.

    Keras 3.12 to 3.15. When it is gone: keep {id(weight): place} in the optimizer's `build`.
    """
    return optimizer._get_variable_index(weight)


def has_weight_decay(optimizer, weight):
    """Whether a weight is not among those that `exclude_from_weight_decay` named.

    Keras 3.12 to 3.15. When it is gone: compare with the names in a list of our own.
    """
    return optimizer._use_weight_decay(weight)


def metric_function(metric):
    """The function (targets, predictions) -> values that a metric of Keras is the mean of; None for another metric.

    Keras 3.12 to 3.15. When it is gone: `metric.get_config()` of a MeanMetricWrapper has it as "fn".
    """
    return getattr(metric, "_fn", None)


def best_is(direction):
    """Decorator of a class of metrics: "up" or "down", the best value for callbacks of Keras whose mode is "auto".

    Keras 3.12 to 3.15. When it is gone: give these callbacks `mode="max"` or "min".
    """

    def mark(kind):
        kind._direction = direction
        return kind

    return mark


# gensim


def with_losses(kind):
    """gensim's Word2Vec or FastText -> a subclass whose list `done` gets (loss, words) of each job.

    gensim itself adds up the loss of all epochs in a float32, which soon stands still. A job is up to 10,000 words, and
    runs in a thread of gensim's. gensim 4.4. When it is gone: take differences of `get_latest_training_loss()`.
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
    """A CHRF whose scores are floats. Its own are float32 but for 0.0, and statistics.mean refuses a mixture.

    sacrebleu 2.4 to 2.6. When it is gone: try the test without this function.
    """
    score = metric._compute_f_score
    metric._compute_f_score = lambda matches: float(score(matches))
    return metric


def mean_and_half_width(score):
    """(mean, half the width of the 95 % interval) of a score that sacrebleu found with `n_bootstrap`.

    sacrebleu 2.4 to 2.6. When it is gone: `score.format(width=9)` prints both.
    """
    return score._mean, score._ci
