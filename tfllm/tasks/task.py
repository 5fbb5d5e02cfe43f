"""The contract of every task: text in, text out, and a keras.Model that Keras users know how to use.

A final task says how records become token ids (`prepare`, `example`), what the model computes (`call`) and how its
output becomes an answer (`answer`). Here stands what all share: fitting and evaluating on raw strings, the objective,
the friendly `generate`, and export.
"""

import inspect
import logging

import keras
import numpy as np
import tensorflow as tf

from tfllm.data import batches
from tfllm.layers.lora import merged
from tfllm.layers.tunable import Tunable
from tfllm.training import recipe as recipes

log = logging.getLogger("tfllm")


class Task(Tunable):
    """Abstract. `fields` names the strings of a record, in the order of `fit(x, y)`."""

    fields = ("text",)
    most_rows = None  # in a batch whose size is left open; None: batches are counted in tokens
    learning_rate = 1e-3  # the highest, where neither `compile` nor a recipe says one; see `pretrained`

    def pretrained(self, learning_rate=5e-5):
        """The task itself, whose model is trained already: a small learning rate keeps what it knows.

        Devlin et al. 2019, sec. A.3, name 2e-5 to 5e-5 for large models, Turc et al. 2019 up to 3e-4 for small ones.
        """
        self.learning_rate = learning_rate
        return self

    def get_config(self):
        changed = self.learning_rate != type(self).learning_rate
        return super().get_config() | ({"learning_rate": self.learning_rate} if changed else {})

    @classmethod
    def from_config(cls, config, custom_objects=None):
        config = dict(config)
        learning_rate = config.pop("learning_rate", cls.learning_rate)
        task = super().from_config(config, custom_objects)
        task.learning_rate = learning_rate
        return task

    def prepare(self, texts):
        """strings [B] -> ragged token_ids [B, None], as the model is fed."""
        raise NotImplementedError(f"{type(self).__name__} must say how text becomes token ids")

    def example(self, record):
        """dict of strings [B] -> (inputs, targets, weights), nests of ragged tensors [B, None]."""
        raise NotImplementedError(f"{type(self).__name__} must say how a record becomes an example")

    def answer(self, texts):
        """strings [B] -> dict of readable tensors, B first: the same in Python, in a graph and when served."""
        raise NotImplementedError(f"{type(self).__name__} must say how it answers")

    def objective(self):
        """-> {"loss": ..., "weighted_metrics": [...]}: what `compile` uses where nothing else is said."""
        raise NotImplementedError(f"{type(self).__name__} must say what it minimises")

    # Keras' own methods, with defaults and with raw strings

    def compile(self, optimizer=None, loss=None, metrics=None, weighted_metrics=None, **options):
        """As in Keras. Left out: the optimizer of the standard recipe, the loss and metrics of the objective.

        Raises ValueError for a loss that expects probabilities: every task gives logits.
        """
        optimizer = self.standard_optimizer() if optimizer is None else optimizer
        if loss is None:
            loss = self.objective()["loss"]
            weighted_metrics = self.objective()["weighted_metrics"] if weighted_metrics is None else weighted_metrics
        for one in loss.values() if isinstance(loss, dict) else [loss]:
            refuse_probabilities(one)
        super().compile(optimizer, loss, metrics=metrics, weighted_metrics=weighted_metrics, **options)

    def standard_optimizer(self, recipe=None, batches=None, callbacks=None):
        """That of the recipe, the standard one where left out, on the devices that the model is on.

        batches: of the whole training, where known. callbacks: of a `fit`; those that set the learning rate get one
        that can be set, a number instead of a schedule.
        """
        with self.distribute_strategy.scope():
            return recipes.optimizer(recipe or recipes.Recipe(), batches, self.learning_rate, bool(setters(callbacks)))

    def make_train_function(self, force=False):
        """As in Keras. The optimizer makes its variables first: made in the first step, they have it traced twice."""
        if not self.optimizer.built:
            with self.distribute_strategy.scope():
                self.optimizer.build(self.trainable_variables)
        return super().make_train_function(force)

    def compile_from_config(self, config):
        self.compile(**keras.saving.deserialize_keras_object(config))
        self.optimizer.build(self.trainable_variables)

    def fit(self, x=None, y=None, batch_size=None, epochs=1, verbose="auto", callbacks=None, validation_split=0.0,
            validation_data=None, shuffle=True, initial_epoch=0, batch_tokens=None, shapes=6, seed=1, recipe=None,
            **options):  # fmt: skip
        """As in Keras; `x` and `y` may also be lists or arrays of strings, or `x` a tf.data.Dataset of records.

        Strings are tokenised once and held in memory. Batches have about `batch_tokens` tokens (padding counted), or
        `batch_size` rows where given; with neither they are sized for the data: 4,096 tokens, and less where an epoch
        would have fewer than 50 batches. They are padded to at most `shapes` lengths. The order depends on (seed,
        epoch) alone.
        Data that is ready for Keras, such as a dataset of (inputs, targets, weights), goes to Keras as it is.
        recipe: the training.Recipe whose optimizer a task gets that was not compiled; left out, the standard one.
        """
        if not is_text(x):
            if not self.compiled:
                self.compile(self.standard_optimizer(recipe, None, callbacks))
            refuse_setters(self.optimizer, callbacks)
            return super().fit(
                x, y, batch_size=batch_size, epochs=epochs, verbose=verbose, callbacks=callbacks,
                shuffle=shuffle and not isinstance(x, tf.data.Dataset),  # Keras warns that it cannot
                validation_split=validation_split, initial_epoch=initial_epoch,
                validation_data=self.validation(validation_data, batch_size, batch_tokens), **options,
            )  # fmt: skip
        if validation_split:
            x, y, validation_data = split(self.records(x, y), validation_split)
        train = self.batches(x, y, batch_size, batch_tokens, shapes, seed if shuffle else None, shown(verbose))
        log.info("training on %s", train.plan)
        return self.fit_batches(
            train, train.plan.batches, epochs, self.validation(validation_data, batch_size, batch_tokens),
            verbose=verbose, callbacks=callbacks, initial_epoch=initial_epoch, recipe=recipe, **options,
        )  # fmt: skip

    def fit_batches(self, train, steps, epochs, validation_data, callbacks=None, recipe=None, **options):
        """Fit on the `dataset` of `train` (data.batches.Batches, or a stream), whose `epoch` follows Keras'.

        steps: batches in an epoch. recipe: a training.Recipe that an uncompiled task compiles itself with.
        """
        if not self.compiled:
            self.compile(self.standard_optimizer(recipe, steps * epochs, callbacks))
        refuse_setters(self.optimizer, callbacks)
        follow = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: setattr(train, "epoch", epoch))
        return super().fit(
            train.dataset, epochs=epochs, callbacks=[follow, *listed(callbacks)],
            validation_data=validation_data, shuffle=False, **options,
        )  # fmt: skip

    def validation(self, data, batch_size, tokens):
        """Strings or records as batches of two lengths; what is ready for Keras, and None, as it is."""
        if data is None or not is_text(first(data)):
            return data
        pair = data if isinstance(data, tuple) else (data,)
        return self.batches(*pair, batch_size=batch_size, tokens=tokens or batches.TOKENS, shapes=2).dataset

    def evaluate(self, x=None, y=None, batch_size=None, verbose="auto", batch_tokens=batches.TOKENS,
                 shapes=6, return_dict=False, **options):  # fmt: skip
        """As in Keras, of strings too: loss and metrics are means over all real tokens."""
        if not self.compiled:
            self.compile()
        if is_text(x):
            x, y = self.batches(x, y, batch_size, batch_tokens, shapes, verbose=shown(verbose)).dataset, None
            batch_size = None
        found = super().evaluate(x, y, batch_size=batch_size, verbose=verbose, return_dict=True, **options)
        return found if return_dict else [found.pop("loss"), *found.values()]

    def batches(self, x, y=None, batch_size=None, tokens=None, shapes=6, seed=None, verbose=0):
        """Strings or records -> data.batches.Batches: what `fit` trains on, for who wants to look or to loop."""
        rows = self.rows(self.records(x, y), verbose)
        plan = batches.plan(batches.lengths(rows), tokens, batch_size, shapes, self.most_rows)
        return batches.Batches(rows, plan, seed)

    def rows(self, records, verbose=0):
        """All examples of the records, in memory: nests of ragged tensors [N, None]."""
        return batches.rows(records, self.example, verbose)

    def records(self, x, y=None):
        """Lists or arrays of strings, one for each of `fields` -> a dataset of records; a dataset is checked."""
        if isinstance(x, tf.data.Dataset):
            missing = [name for name in self.fields if name not in x.element_spec]
            if missing:
                raise ValueError(
                    f"{type(self).__name__} needs records with {list(self.fields)}; these have {list(x.element_spec)}"
                )
            return x
        columns = [column for column in (x, y) if column is not None]
        sizes = [len(column) for column in columns]
        if len(columns) != len(self.fields) or len(set(sizes)) != 1:
            raise ValueError(
                f"{type(self).__name__} needs {' and '.join(self.fields)}, equally many strings; got {sizes} strings"
            )
        columns = [[text if isinstance(text, bytes) else str(text) for text in column] for column in columns]
        columns = [tf.constant(column, tf.string) for column in columns]
        return tf.data.Dataset.from_tensor_slices(dict(zip(self.fields, columns, strict=True)))

    def export_signatures(self, folder, signatures):
        """Writes folder/N for TensorFlow Serving and returns its path; LoRA, if any, is merged in what is written."""
        from tfllm.export import saved_model

        with merged(self):
            return saved_model.export(self, folder, signatures)


def is_text(x):
    """Strings (a list, tuple or array of them) or a dataset of dicts of strings."""
    if isinstance(x, tf.data.Dataset):
        spec = x.element_spec
        return isinstance(spec, dict) and all(getattr(part, "dtype", None) == tf.string for part in spec.values())
    if isinstance(x, tf.Tensor):
        return x.dtype == tf.string
    if isinstance(x, np.ndarray):
        return x.dtype.kind in "USO"
    return isinstance(x, (list, tuple)) and all(isinstance(text, (str, bytes)) for text in x)


def first(data):
    return data[0] if isinstance(data, tuple) else data


def shown(verbose):
    """Keras' `verbose` as a number: 1 where a progress bar is wanted."""
    return int(verbose == 1 or (verbose == "auto" and keras.config.is_interactive_logging_enabled()))


def listed(callbacks):
    return [] if callbacks is None else callbacks if isinstance(callbacks, list) else [callbacks]


def setters(callbacks):
    """The names of the callbacks that set the learning rate."""
    kinds = keras.callbacks.LearningRateScheduler, keras.callbacks.ReduceLROnPlateau
    return [type(one).__name__ for one in listed(callbacks) if isinstance(one, kinds)]


def refuse_setters(optimizer, callbacks):
    """ValueError where a callback would set a learning rate that is a schedule's."""
    if (names := setters(callbacks)) and not isinstance(optimizer.learning_rate, keras.Variable):
        raise ValueError(
            f"{names[0]} sets the learning rate, but the task is compiled with a schedule: compile it with a number "
            f"first, task.compile(keras.optimizers.Adam({float(optimizer.learning_rate):g}))"
        )


def split(records, share):
    """The last `share` of the records for validation, as Keras does: (train, None, validation)."""
    if not 0 < share < 1:
        raise ValueError(f"validation_split is a share between 0 and 1; got {share}")
    size = int(records.cardinality())
    if size < 0:
        raise ValueError("validation_split needs data of known size; give validation_data")
    train = round(size * (1 - share))
    return records.take(train), None, records.skip(train)


def refuse_probabilities(loss):
    """ValueError for a Keras loss that takes logits for probabilities."""
    loss = keras.losses.get(loss) if isinstance(loss, str) else loss
    if isinstance(loss, keras.losses.Loss):
        from_logits = loss.get_config().get("from_logits", True)
    else:
        from_logits = getattr(inspect.signature(loss).parameters.get("from_logits"), "default", True)
    if not from_logits:
        name = getattr(loss, "name", getattr(loss, "__name__", loss))
        raise ValueError(
            f"the loss {name!r} expects probabilities, but the model gives logits: leave it out, "
            "or use keras.losses.SparseCategoricalCrossentropy(from_logits=True)"
        )
