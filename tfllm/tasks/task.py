"""The contract of every task: text in, text out, and a keras.Model that Keras users know how to use.

A final task says how records become token ids (`prepare`, `example`), what the model computes (`call`) and how its
output becomes an answer (`answer`, `signatures`). Here stands what all share: fitting and evaluating on raw strings,
the objective, running a signature on texts, and export.
"""

import logging

import keras
import tensorflow as tf

from tfllm.data import batches
from tfllm.layers.lora import merged
from tfllm.layers.tunable import Tunable
from tfllm.tasks import compiling, running
from tfllm.tasks import records as gate
from tfllm.tasks.callbacks import check_callbacks, check_options, listed, setters
from tfllm.tasks.compiled import changed, compiled
from tfllm.tasks.signature import Signature
from tfllm.tasks.texts import is_one
from tfllm.training import recipe as recipes
from tfllm.training.stopping import Diverged

log = logging.getLogger("tfllm")


class Task(Tunable):
    """Abstract. `fields` names the strings of a record, in the order of `fit(x, y)`; `asks` those that are answered,
    and `inputs` the texts of the signatures, as many.

    weighable: whether each record becomes one row of a batch, which may have a sample weight.
    """

    fields = ("text",)
    asks = ("text",)
    inputs = ("texts",)
    weighable = False
    explodes_at = 100  # times the first loss, or 1, where `fit` stops: ln V, of all that is said alike, is far below
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

        Losses and metrics are means over real tokens, and "accuracy" is the task's own, see compiling.py. Raises
        ValueError for a loss or metric that expects probabilities: every task gives logits.
        """
        compiling.expect_own_strategy(self)
        optimizer = self.standard_optimizer() if optimizer is None else optimizer
        found = compiling.settings(self.objective(), loss, metrics, weighted_metrics)
        super().compile(optimizer, **found, **options)

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
        return super().make_train_function(force or changed(self, "train"))

    def make_test_function(self, force=False):
        """As in Keras; after a change of the task too, which what was traced does not know. So the other two."""
        return super().make_test_function(force or changed(self, "test"))

    def make_predict_function(self, force=False):
        return super().make_predict_function(force or changed(self, "predict"))

    def compile_from_config(self, config):
        self.compile(**keras.saving.deserialize_keras_object(config))
        self.optimizer.build(self.trainable_variables)

    def fit(self, x=None, y=None, batch_size=None, epochs=1, verbose="auto", callbacks=None, validation_split=0.0,
            validation_data=None, shuffle=True, initial_epoch=0, batch_tokens=None, shapes=6, seed=1, recipe=None,
            sample_weight=None, **options):  # fmt: skip
        """As in Keras; `x` and `y` may also be texts in any form, or `x` a tf.data.Dataset of records, see records.py.

        Strings are tokenised once and held in memory. Batches have about `batch_tokens` tokens (padding counted), or
        `batch_size` rows where given; with neither they are sized for the data: 4,096 tokens, and less where an epoch
        would have fewer than 50 batches. They are padded to at most `shapes` lengths. The order depends on (seed,
        epoch) alone.
        Data that is ready for Keras, such as a dataset of (inputs, targets, weights), goes to Keras as it is.
        recipe: the training.Recipe whose optimizer a task gets that was not compiled; left out, the standard one.
        """
        x = gate.held(x)
        if gate.is_ready(x, with_targets=True):
            gate.expect_targets(x, y)
            if not self.compiled:
                self.compile(self.standard_optimizer(recipe, None, callbacks))
            check_callbacks(self.optimizer, callbacks)
            return super().fit(
                x, y, batch_size=batch_size, epochs=epochs, verbose=verbose,
                callbacks=[Diverged(self.explodes_at), *listed(callbacks)],
                shuffle=shuffle and not isinstance(x, tf.data.Dataset),  # Keras warns that it cannot
                validation_split=validation_split, initial_epoch=initial_epoch, sample_weight=sample_weight,
                validation_data=self.validation(validation_data, batch_size, batch_tokens), **options,
            )  # fmt: skip
        if options.pop("class_weight", None) is not None:
            raise ValueError(f"class_weight is of a TextClassifier with single labels; {type(self).__name__} has none")
        check_options(epochs, callbacks, options)
        batches.check_sizes(batch_tokens, batch_size, shapes)
        records = self.records(x, y, sample_weight)
        gate.expect_words(records, self.fields)
        if validation_split:
            records, validation_data = gate.split(records, validation_split)
        validation_data = self.validation(validation_data, batch_size, batch_tokens)
        train = self.batches(records, None, batch_size, batch_tokens, shapes, seed if shuffle else None, shown(verbose))
        log.info("training on %s", train.plan)
        return self.fit_batches(
            train, train.plan.batches, epochs, validation_data,
            verbose=verbose, callbacks=callbacks, initial_epoch=initial_epoch, recipe=recipe, **options,
        )  # fmt: skip

    def fit_batches(self, train, steps, epochs, validation_data, callbacks=None, recipe=None, **options):
        """Fit on the `dataset` of `train` (data.batches.Batches, or a stream), whose `epoch` follows Keras'.

        steps: batches in an epoch. recipe: a training.Recipe that an uncompiled task compiles itself with.
        """
        if not self.compiled:
            self.compile(self.standard_optimizer(recipe, steps * epochs, callbacks))
        check_callbacks(self.optimizer, callbacks)
        follow = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: setattr(train, "epoch", epoch))
        return super().fit(
            train.dataset, epochs=epochs, callbacks=[follow, Diverged(self.explodes_at), *listed(callbacks)],
            validation_data=validation_data, shuffle=False, **options,
        )  # fmt: skip

    def validation(self, data, batch_size, tokens):
        """Strings or records as batches of two lengths; what is ready for Keras, and None, as it is."""
        pair = isinstance(data, tuple) or (isinstance(data, list) and data and not any(map(is_one, data)))
        parts = tuple(data) if pair else (data,)
        parts = (gate.held(parts[0]), *parts[1:]) if parts else parts
        if data is None or gate.is_ready(parts[0], with_targets=True):
            return data
        if not 1 <= len(parts) <= 3:
            raise ValueError(f"validation_data is (x, y) or (x, y, sample_weight); got {len(parts)} parts")
        records = self.records(*parts)
        return self.batches(records, batch_size=batch_size, tokens=tokens or batches.TOKENS, shapes=2).dataset

    def evaluate(self, x=None, y=None, batch_size=None, verbose="auto", batch_tokens=batches.TOKENS,
                 shapes=6, return_dict=False, sample_weight=None, **options):  # fmt: skip
        """As in Keras, of strings too: loss and metrics are means over all real tokens."""
        if not self.compiled:
            self.compile()
        x = gate.held(x)
        if not gate.is_ready(x, with_targets=True):
            records, y, sample_weight = self.records(x, y, sample_weight), None, None
            x = self.batches(records, None, batch_size, batch_tokens, shapes, verbose=shown(verbose)).dataset
            batch_size = None
        else:
            gate.expect_targets(x, y)
        options |= {"verbose": verbose, "return_dict": True, "sample_weight": sample_weight}
        found = super().evaluate(x, y, batch_size=batch_size, **options)
        return found if return_dict else [found.pop("loss"), *found.values()]

    def predict(self, x, batch_size=None, verbose="auto", steps=None, callbacks=None):
        """As in Keras; of texts what `answer` gives of them, {name: NumPy array}, in order.

        x: texts, or a dataset of them or of records; where two texts are asked for (`asks`), a tuple of two columns.
        """
        x = gate.held(x)
        if gate.is_ready(x):
            return super().predict(x, batch_size, verbose, steps, callbacks)
        if steps is not None or callbacks is not None:
            raise ValueError("steps and callbacks are of batches that are ready for Keras: leave them out with texts")
        return self.run("serving_default", *self.asked(x), batch_size=batch_size or 32, verbose=verbose)

    def asked(self, x):
        """Texts, or records -> a column (list of bytes) for each of `asks`."""
        return gate.columns(gate.read(self.asks, x, who=type(self).__name__), *self.asks)

    def __call__(self, *args, **options):
        if gate.is_texts(args[0] if args else options.get("inputs")):
            raise TypeError(
                f"a {type(self).__name__} is called with token ids, as `example` makes them; for texts write "
                "task.predict(texts), or what the task has of its own: generate, classify, embed"
            )
        try:
            return super().__call__(*args, **options)
        except (TypeError, KeyError, IndexError) as error:
            inputs = args[0] if args else options.get("inputs")
            if isinstance(inputs, dict):
                raise
            raise TypeError(
                f"a {type(self).__name__} is called with a dict, as `example` makes it; got a {type(inputs).__name__}: "
                "give the texts themselves, or the batches of task.batches(x, y).dataset"
            ) from error

    def train_on_batch(self, x, y=None, sample_weight=None, class_weight=None, return_dict=False):
        """As in Keras; of texts, in any form that `fit` takes, all are one batch."""
        x = gate.held(x)
        if not gate.is_ready(x, with_targets=True):
            if class_weight is not None:
                raise ValueError("class_weight is of `fit`, or of batches of numbers: give texts a sample_weight")
            (x, y, sample_weight), class_weight = self.one_batch(x, y, sample_weight), None
        return super().train_on_batch(x, y, sample_weight, class_weight, return_dict)

    def test_on_batch(self, x, y=None, sample_weight=None, return_dict=False):
        """As `train_on_batch`."""
        x = gate.held(x)
        if not gate.is_ready(x, with_targets=True):
            x, y, sample_weight = self.one_batch(x, y, sample_weight)
        return super().test_on_batch(x, y, sample_weight, return_dict)

    def predict_on_batch(self, x):
        """As in Keras; of texts as `predict`."""
        x = gate.held(x)
        return super().predict_on_batch(x) if gate.is_ready(x) else self.predict(x)

    def one_batch(self, x, y=None, sample_weight=None):
        """Texts -> (inputs, targets, weights) of all rows that they make; the task is compiled, if it was not."""
        if not self.compiled:
            self.compile()
        found = self.batches(self.records(x, y, sample_weight), batch_size=2**31, shapes=1)
        return next(iter(found.dataset))

    def batches(self, x, y=None, batch_size=None, tokens=batches.TOKENS, shapes=6, seed=None, verbose=0):
        """Strings or records -> data.batches.Batches, for who wants to look or to loop.

        tokens: in a batch, padding counted; None, with no batch_size either: sized for the data, as `fit` does.
        """
        batches.check_sizes(tokens, batch_size, shapes)
        rows = self.rows(self.records(x, y), verbose)
        plan = batches.plan(batches.lengths(rows), tokens, batch_size, shapes, self.most_rows)
        return batches.Batches(rows, plan, seed)

    def rows(self, records, verbose=0):
        """All examples of the records, in memory: nests of ragged tensors [N, None]."""
        return batches.rows(records, gate.weighed(self.example), verbose)

    def records(self, x, y=None, sample_weight=None, **options):
        """Texts, one column for each of `fields`, or a dataset -> a dataset of records of strings; see records.py."""
        if sample_weight is not None and not self.weighable:
            raise ValueError(f"{type(self).__name__} makes other rows of its records: leave sample_weight out")
        return gate.read(self.fields, x, y, sample_weight, type(self).__name__, weighable=self.weighable, **options)

    # Answers

    def signatures(self):
        """{name: Signature}: what answers, in Python and in a SavedModel; "serving_default" is `answer`."""
        return {"serving_default": Signature(self.answer, self.inputs)}

    @compiled
    def signature(self, name, **structure):
        """The signature of that name among `signatures(**structure)`, kept for the next call.

        ValueError where there is none.
        """
        found = self.signatures(**structure)
        if name not in found:
            raise ValueError(f"{type(self).__name__} has no signature {name!r}; it has {', '.join(found)}")
        return found[name]

    def run(self, signature, *columns, tell=None, batch_size=32, verbose="auto", row=0, **scalars):
        """What a signature, or the one of that name, answers to texts: {name: NumPy array}, and errors in one line.

        columns: one for each of its texts. Of single texts the arrays are those of one answer; of lists, [N, ...] in
        order, computed in batches of texts of like length; of a dataset of records of `asks` (one column), a generator
        of the answers one by one, which holds 1,024 at most.
        tell: a function of the arrays [N, ...] that makes a list of N answers of them, given instead.
        row: the number of the first text, on which what is drawn depends. scalars: the numbers of the signature.
        """
        signature, who = self.signature(signature) if isinstance(signature, str) else signature, type(self).__name__
        return running.run(signature, columns, self.asks, who, tell, batch_size, verbose, row, **scalars)

    def export(self, folder, *structure, **options):
        """Writes folder/1 (or the next free number) for TensorFlow Serving and returns its path.

        structure, options: as of `signatures`, which are written; LoRA, if any, is merged in what is written.
        """
        from tfllm.export import saved_model

        with merged(self):
            found = self.signatures(*structure, **options)
            return saved_model.export(self, folder, {name: one.served for name, one in found.items()})


def shown(verbose):
    """Keras' `verbose` as a number: 1 where a progress bar is wanted."""
    return int(verbose == 1 or (verbose == "auto" and keras.config.is_interactive_logging_enabled()))
