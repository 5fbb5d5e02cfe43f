"""Methods of keras.Model that also accept texts: `predict`, calling the model, those of one batch; and `export`."""

import inspect
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

from tfllm.layers.lora import merged
from tfllm.layers.tunable import Tunable
from tfllm.tasks import user_data

FORMATS = {  # besides tf_saved_model: their modules
    "ctranslate2": "tfllm.tasks.text_generation.ctranslate2_export",
    "onnx": "tfllm.tasks.runtimes.onnx",
    "litert": "tfllm.tasks.runtimes.litert",
}
WEIGHTS = ("float", "int8")


class KerasMethods(Tunable):
    """The part of Task that extends methods of keras.Model. It uses its other methods."""

    def __init_subclass__(cls, **options):
        """Raises TypeError for a `call` without the argument `training`, which Keras' `fit` would not set then."""
        super().__init_subclass__(**options)
        if "call" in vars(cls) and "training" not in inspect.signature(cls.call).parameters:
            raise TypeError(f"{cls.__name__}.call must take training=None and pass it on: else dropout is never active")

    def predict(self, x: Any, batch_size: int | None = None, verbose: int | str = "auto", steps: int | None = None,
                callbacks: Any = None) -> Any:  # fmt: skip
        """As in Keras. For texts: the output of `answer` as {name: NumPy array}, in the order of the texts.

        x: texts, or a dataset of texts or of records; a tuple of two columns if the task reads two texts (`asks`).
        """
        x = user_data.materialize(x)
        if user_data.is_keras_data(x):
            return super().predict(x, batch_size, verbose, steps, callbacks)
        if steps is not None or callbacks is not None:
            raise ValueError("steps and callbacks need batches of numbers: leave them out with texts")
        return self.run("serving_default", *self.asked(x), batch_size=batch_size or 32, verbose=verbose)

    def asked(self, x):
        """Texts or records -> one column (list of bytes) for each of `asks`."""
        return user_data.columns(user_data.read(self.asks, x, who=type(self).__name__), *self.asks)

    def __call__(self, *args, **options):
        if user_data.is_texts(args[0] if args else options.get("inputs")):
            raise TypeError(
                f"a {type(self).__name__} is called with token ids, the output of `example`; for texts use "
                "task.predict(texts), or the task's own method: generate, classify, embed"
            )
        try:
            return super().__call__(*args, **options)
        except (TypeError, KeyError, IndexError) as error:
            inputs = args[0] if args else options.get("inputs")
            if isinstance(inputs, dict):
                raise
            raise TypeError(
                f"a {type(self).__name__} is called with a dict, the output of `example`; got a "
                f"{type(inputs).__name__}: pass texts, or the batches of task.batches(x, y).dataset"
            ) from error

    def train_on_batch(self, x: Any, y: Any = None, sample_weight: Any = None, class_weight: Any = None,
                       return_dict: bool = False) -> Any:  # fmt: skip
        """As in Keras. Texts in any form that `fit` takes become one batch."""
        x = user_data.materialize(x)
        if not user_data.is_keras_data(x, with_targets=True):
            if class_weight is not None:
                raise ValueError("class_weight needs `fit`, or batches of numbers: give texts a sample_weight")
            (x, y, sample_weight), class_weight = self.one_batch(x, y, sample_weight), None
        return super().train_on_batch(x, y, sample_weight, class_weight, return_dict)

    def test_on_batch(self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False) -> Any:
        """As `train_on_batch`."""
        x = user_data.materialize(x)
        if not user_data.is_keras_data(x, with_targets=True):
            x, y, sample_weight = self.one_batch(x, y, sample_weight)
        return super().test_on_batch(x, y, sample_weight, return_dict)

    def predict_on_batch(self, x: Any) -> Any:
        """As in Keras; texts are handled as by `predict`."""
        x = user_data.materialize(x)
        return super().predict_on_batch(x) if user_data.is_keras_data(x) else self.predict(x)

    def one_batch(self, x, y=None, sample_weight=None):
        """Texts -> (inputs, targets, weights) of all their rows. Compiles an uncompiled task."""
        if not self.compiled:
            self.compile()
        result = self.batches(self.records(x, y, sample_weight), batch_size=2**31, shapes=1)
        return next(iter(result.dataset))

    def export(self, folder: str | Path, *structure: Any, format: str = "tf_saved_model", weights: str = "float",
               **options: Any) -> str:  # fmt: skip
        """Write folder/1 (or the next free number) for TensorFlow Serving and return its path.

        structure, options: arguments of `signatures`. LoRA weights are merged into the exported weights.
        format: "tf_saved_model"; or "ctranslate2", "onnx", "litert", files for these engines, see
        text_generation/ctranslate2_export.py and runtimes/: without further arguments, since an engine takes them when
        it runs. weights: "float", as they are; or "int8", kernels and embeddings as integers, a quarter of the size,
        see export/int8.py and the modules of the engines. Raises ValueError for another format or kind of weights, and
        for a task or model that the format does not support; ImportError if the package of the format is missing.
        """
        from tfllm.export import int8, saved_model

        if weights not in WEIGHTS:
            raise ValueError(f"weights must be one of {', '.join(WEIGHTS)}; got {weights!r}")
        if format not in (known := ("tf_saved_model", *FORMATS)):
            raise ValueError(f"format must be one of {', '.join(known)}; got {format!r}")
        with merged(self):
            if format in FORMATS:
                if structure or options:
                    raise ValueError(f"{format} takes the options of decoding when it runs: leave them out of export")
                module = import_module(FORMATS[format])  # it imports tasks, and no task imports it
                return module.export(self, folder, weights)
            signatures = self.signatures(*structure, **options)
            if weights == "int8":
                reading = int8.Int8(self).reading
                served = {name: replace(one, function=reading(one.function)).served for name, one in signatures.items()}
            else:
                served = {name: self.signature(name, *structure, **options).served for name in signatures}
            return saved_model.export(self, folder, served)
