"""The base class of all tasks: text in, text out, and a keras.Model that Keras users know how to use.

A final task defines how records become token ids (`prepare`, `example`), what the model computes (`call`) and how its
output becomes an answer (`answer`, `signatures`). This file has what all tasks share: training and evaluation on raw
strings, the objective, and running a signature on texts.
"""

import logging
from importlib import import_module
from typing import Any

import keras
import tensorflow as tf

from tfllm.changeable import Changeable
from tfllm.data import batches
from tfllm.tasks import compiling, running, user_data
from tfllm.tasks.callbacks import as_list, check_callbacks, check_options, learning_rate_setters
from tfllm.tasks.compiled import changed, compiled
from tfllm.tasks.compiling import Metrics
from tfllm.tasks.keras_methods import KerasMethods
from tfllm.tasks.signature import Signature
from tfllm.tasks.texts import is_one
from tfllm.training import recipe as recipes
from tfllm.training.stopping import Diverged

log = logging.getLogger("tfllm")


class Task(Changeable, KerasMethods):
    """Abstract base class of all tasks.

    fields: the string fields of a record, in the order of `fit(x, y)`. asks: the fields that `predict` reads.
    inputs: the names of the text inputs of the signatures, one for each of `asks`.
    allows_sample_weight: True if each record becomes one row of a batch, so that it may have a sample weight.
    """

    fields: tuple[str, ...] = ("text",)
    asks: tuple[str, ...] = ("text",)
    inputs: tuple[str, ...] = ("texts",)
    allows_sample_weight = False
    divergence_factor = 100  # `fit` stops at a loss of max(first loss, 1) times this; a uniform guess has ln V
    max_rows: int | None = None  # rows of a batch without a given size; None: batches are counted in tokens
    learning_rate = 1e-3  # default peak of the schedule; `pretrained` sets a smaller one

    def pretrained(self, learning_rate: float = 5e-5) -> Any:
        """Mark the task as pretrained: sets a smaller default learning rate, which keeps what the model has learned.

        Returns self. Devlin et al. 2019, sec. A.3, use 2e-5 to 5e-5 for large models, Turc et al. 2019 up to 3e-4 for
        small ones.
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
        """strings [B] -> ragged token_ids [B, None], the input of the model."""
        raise NotImplementedError(f"{type(self).__name__} must define how text becomes token ids")

    def example(self, record):
        """dict of strings [B] -> (inputs, targets, weights), nests of ragged tensors [B, None]."""
        raise NotImplementedError(f"{type(self).__name__} must define how a record becomes an example")

    def answer(self, texts):
        """strings [B] -> dict of tensors, B first. The same in eager mode, in a graph and in a SavedModel."""
        raise NotImplementedError(f"{type(self).__name__} must define how it answers")

    def objective(self):
        """-> {"loss": ..., "weighted_metrics": [...]}: the defaults of `compile`."""
        raise NotImplementedError(f"{type(self).__name__} must define what it minimises")

    # Keras' own methods, with defaults and with raw strings

    def compile(self, optimizer: Any = None, loss: Any = None, metrics: Any = None, weighted_metrics: Any = None,
                **options: Any) -> None:  # fmt: skip
        """As in Keras, with defaults: the optimizer of the standard recipe, and the loss and metrics of the objective.

        Losses and metrics are means over real tokens, and "accuracy" is the task's own (see compiling.py). Raises
        ValueError for a loss or metric that expects probabilities: every task outputs logits.
        """
        compiling.expect_own_strategy(self)
        optimizer = self.standard_optimizer() if optimizer is None else optimizer
        result = compiling.settings(self.objective(), loss, metrics, weighted_metrics)
        super().compile(optimizer, **result, **options)

    def standard_optimizer(self, recipe=None, batches=None, callbacks=None):
        """The optimizer of the recipe (default: the standard recipe), created on the devices of the model.

        batches: number of batches of the whole training, if known. callbacks: those of `fit`; if one of them sets the
        learning rate, the learning rate is a number instead of a schedule.
        """
        with self.distribute_strategy.scope():
            return recipes.optimizer(
                recipe or recipes.Recipe(), batches, self.learning_rate, bool(learning_rate_setters(callbacks))
            )

    def make_train_function(self, force=False):
        """As in Keras, but builds the optimizer first: else Keras builds it in the first step, and traces twice."""
        if not self.optimizer.built:
            with self.distribute_strategy.scope():
                self.optimizer.build(self.trainable_variables)
        return super().make_train_function(force or changed(self, "train"))

    def make_test_function(self, force=False):
        """As in Keras, but retraces after the task has changed; so does `make_predict_function`."""
        return super().make_test_function(force or changed(self, "test"))

    def make_predict_function(self, force=False):
        return super().make_predict_function(force or changed(self, "predict"))

    def compile_from_config(self, config):
        self.compile(**keras.saving.deserialize_keras_object(config))
        self.optimizer.build(self.trainable_variables)

    def fit(self, x: Any = None, y: Any = None, batch_size: int | None = None, epochs: int = 1,
            verbose: int | str = "auto", callbacks: Any = None, validation_split: float = 0.0,
            validation_data: Any = None, shuffle: bool = True, initial_epoch: int = 0, batch_tokens: int | None = None,
            shapes: int = 6, seed: int = 1, recipe: Any = None, sample_weight: Any = None,
            **options: Any) -> keras.callbacks.History:  # fmt: skip
        """As in Keras; `x` and `y` may also be texts in any form, or `x` a Dataset of records (see user_data.py).

        Strings are tokenised once and kept in memory. A batch has about `batch_tokens` tokens (padding included) or
        `batch_size` rows. If neither is given, a batch has 4,096 tokens, or fewer so that an epoch has 50 batches.
        Batches are padded to at most `shapes` different lengths. The order depends only on (seed, epoch).
        Data that Keras can read, such as a dataset of (inputs, targets, weights), is passed on unchanged.
        recipe: the training.Recipe that compiles an uncompiled task; default: the standard recipe.
        Raises ValueError or TypeError for wrong options before any text is tokenised.
        """
        x = user_data.materialize(x)
        if user_data.is_keras_data(x, with_targets=True):
            user_data.expect_targets(x, y)
            if not self.compiled:
                self.compile(self.standard_optimizer(recipe, None, callbacks))
            check_callbacks(self.optimizer, callbacks)
            return super().fit(
                x, y, batch_size=batch_size, epochs=epochs, verbose=verbose,
                callbacks=[Diverged(self.divergence_factor), *as_list(callbacks)],
                shuffle=shuffle and not isinstance(x, tf.data.Dataset),  # Keras warns that it cannot
                validation_split=validation_split, initial_epoch=initial_epoch, sample_weight=sample_weight,
                validation_data=self.validation(validation_data, batch_size, batch_tokens), **options,
            )  # fmt: skip
        if options.pop("class_weight", None) is not None:
            raise ValueError(f"class_weight needs a TextClassifier with single labels; got a {type(self).__name__}")
        check_options(epochs, callbacks, options)
        batches.check_sizes(batch_tokens, batch_size, shapes)
        records = self.records(x, y, sample_weight)
        user_data.check_texts(records, self.fields)
        if validation_split:
            records, validation_data = user_data.split(records, validation_split)
        validation_data = self.validation(validation_data, batch_size, batch_tokens)
        train = self.batches(records, None, batch_size, batch_tokens, shapes, seed if shuffle else None, shown(verbose))
        log.info("training on %s", train.plan)
        return self.fit_batches(
            train, train.plan.batches, epochs, validation_data,
            verbose=verbose, callbacks=callbacks, initial_epoch=initial_epoch, recipe=recipe, **options,
        )  # fmt: skip

    def fit_batches(self, train, steps, epochs, validation_data, callbacks=None, recipe=None, **options):
        """Fit on `train.dataset`; `train` is a data.batches.Batches or a Stream, and its `epoch` follows Keras' epoch.

        steps: batches per epoch. recipe: the training.Recipe that compiles an uncompiled task.
        """
        if not self.compiled:
            self.compile(self.standard_optimizer(recipe, steps * epochs, callbacks))
        check_callbacks(self.optimizer, callbacks)
        follow = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: setattr(train, "epoch", epoch))
        return super().fit(
            train.dataset, epochs=epochs, callbacks=[follow, Diverged(self.divergence_factor), *as_list(callbacks)],
            validation_data=validation_data, shuffle=False, **options,
        )  # fmt: skip

    def validation(self, data, batch_size, tokens):
        """Strings or records -> batches padded to two lengths. Returns None and data that Keras can read unchanged."""
        pair = isinstance(data, tuple) or (isinstance(data, list) and data and not any(map(is_one, data)))
        parts = tuple(data) if pair else (data,)
        parts = (user_data.materialize(parts[0]), *parts[1:]) if parts else parts
        if data is None or user_data.is_keras_data(parts[0], with_targets=True):
            return data
        if not 1 <= len(parts) <= 3:
            raise ValueError(f"validation_data is (x, y) or (x, y, sample_weight); got {len(parts)} parts")
        records = self.records(*parts)
        return self.batches(records, batch_size=batch_size, tokens=tokens or batches.TOKENS, shapes=2).dataset

    def evaluate(self, x: Any = None, y: Any = None, batch_size: int | None = None, verbose: int | str = "auto",
                 batch_tokens: int = batches.TOKENS, shapes: int = 6, return_dict: bool = False,
                 sample_weight: Any = None, **options: Any) -> Metrics:  # fmt: skip
        """As in Keras, also on strings. Loss and metrics are means over all real tokens."""
        if not self.compiled:
            self.compile()
        x = user_data.materialize(x)
        if not user_data.is_keras_data(x, with_targets=True):
            records, y, sample_weight = self.records(x, y, sample_weight), None, None
            x = self.batches(records, None, batch_size, batch_tokens, shapes, verbose=shown(verbose)).dataset
            batch_size = None
        else:
            user_data.expect_targets(x, y)
        options |= {"verbose": verbose, "return_dict": True, "sample_weight": sample_weight}
        result = super().evaluate(x, y, batch_size=batch_size, **options)
        return result if return_dict else [result.pop("loss"), *result.values()]

    def batches(self, x, y=None, batch_size=None, tokens=batches.TOKENS, shapes=6, seed=None, verbose=0):
        """Strings or records -> data.batches.Batches, to inspect or to loop over.

        tokens: tokens of a batch, padding included; None without a batch_size: chosen by the size of the data, as in
        `fit`.
        """
        batches.check_sizes(tokens, batch_size, shapes)
        rows = self.rows(self.records(x, y), verbose)
        plan = batches.plan(batches.lengths(rows), tokens, batch_size, shapes, self.max_rows)
        return batches.Batches(rows, plan, seed)

    def rows(self, records, verbose=0):
        """All examples of the records, in memory: nests of ragged tensors [N, None]."""
        return batches.rows(records, user_data.with_sample_weights(self.example), verbose)

    def records(self, x, y=None, sample_weight=None, **options):
        """Texts (one column for each of `fields`) or a dataset -> a dataset of records of strings; see user_data.py."""
        if sample_weight is not None and not self.allows_sample_weight:
            raise ValueError(f"{type(self).__name__} does not keep one row per record: leave sample_weight out")
        return user_data.read(
            self.fields,
            x,
            y,
            sample_weight,
            type(self).__name__,
            allows_sample_weight=self.allows_sample_weight,
            **options,
        )

    # Answers

    def signatures(self) -> dict[str, Signature]:
        """{name: Signature}, used in Python and in a SavedModel; "serving_default" is `answer`."""
        return {"serving_default": Signature(self.answer, self.inputs)}

    @compiled
    def signature(self, name: str, *structure: Any, **options: Any) -> Signature:
        """The signature of that name among `signatures(*structure, **options)`, cached for the next call.

        Raises ValueError for an unknown name.
        """
        result = self.signatures(*structure, **options)
        if name not in result:
            raise ValueError(f"{type(self).__name__} has no signature {name!r}; it has {', '.join(result)}")
        return result[name]

    def run(self, signature: str | Signature, *columns: Any, convert: Any = None, batch_size: int = 32,
            verbose: int | str = "auto", row: int = 0, **scalars: Any) -> Any:  # fmt: skip
        """Run a signature (or the one of that name) on texts -> {name: NumPy array}.

        columns: one for each text input of the signature. Single texts give the arrays of one answer. Lists give arrays
        [N, ...] in order, computed in batches of texts of similar length. A dataset of records of `asks` (one column)
        gives a generator of single answers, which keeps at most 1,024 records in memory.
        convert: a function of the arrays [N, ...] that returns a list of N answers, which is returned instead.
        row: the index of the first text, which selects the random numbers. scalars: the scalar inputs of the signature.
        """
        signature, who = self.signature(signature) if isinstance(signature, str) else signature, type(self).__name__
        return running.run(signature, columns, self.asks, who, convert, batch_size, verbose, row, **scalars)

    def explain(self, *texts: Any, method: str = "integrated_gradients", target: Any = None, **options: Any) -> Any:
        """Which tokens of a text determine the answer -> explain.Explanation; for lists a list of them.

        texts: one column for each of `asks`. method ("occlusion", "lime", ...), target and options: see
        docs/explanation.md; for a classifier the target is a label, or (label, another label); default: the answer.
        Each text is explained independently. Raises TypeError for a task without explanations, ValueError for an
        unknown method or target, ImportError if a package that the method needs is missing.
        """
        explaining = import_module("tfllm.explain.explaining")  # it imports tasks, and no task imports it
        return explaining.explain(self, texts, method, target, **options)


def shown(verbose):
    """Keras' `verbose` as a number: 1 if a progress bar is wanted."""
    return int(verbose == 1 or (verbose == "auto" and keras.config.is_interactive_logging_enabled()))
