"""Command-line options for classification."""

import json
import os
from dataclasses import dataclass
from typing import ClassVar

from tfllm.cli.run_folder import encoder_of
from tfllm.cli.sources import Labelled
from tfllm.cli.tasks.exporting import ExportForm
from tfllm.cli.tasks.fitting import Fitting
from tfllm.cli.tasks.reporting import ReportOptions
from tfllm.tasks.settings import TextClassifierConfig

TEXT = "--data F --text COLUMN --label COLUMN"
ASK = "tfllm generate RUN 'text'"


@dataclass(frozen=True)
class Training(Fitting, TextClassifierConfig, Labelled):
    """Text, tokenizer, model, recipe: the config.yaml of a run."""

    split: str = "train"  # part of the public data set
    valid_data: str | None = None  # validation table, with the same columns
    valid_split: str | None = None  # validation part of the public data set, "validation" or "train[90%:]"
    held_out: float | None = None  # share of the texts to use for validation instead of training, drawn by the seed
    # folder in Hugging Face's format, or RUN of another task, whose tokenizer and model to start from
    pretrained: str | None = None
    calibrate: bool = False  # after training, fit the temperature on the validation texts
    batch_size: int | None = None  # texts in a batch; none: chosen automatically, at most 32
    unit: ClassVar[str] = "texts"

    @property
    def validated(self):
        """Whether validation texts are named."""
        return super().validated or self.held_out is not None

    def check(self):
        if self.calibrate and not self.validated:
            raise ValueError("--calibrate needs validation texts: --valid_data F, or --held_out 0.1")
        if self.held_out is not None and (self.valid_data or self.valid_split) is not None:
            raise ValueError("use only one of --valid_data, --valid_split, --held_out")
        if self.held_out is not None and not 0 < self.held_out < 1:
            raise ValueError(f"--held_out must be a share between 0 and 1; got {self.held_out}")
        super().check()

    def read(self):
        how = {"kind": self.kind, "separator": self.separator}
        train = self.records(**how)
        if self.held_out is not None:
            return held_out(train, self.held_out, self.recipe.seed)
        return train, self.records("valid_", **how)

    def untrained(self, train):
        """A new classifier, or one whose head alone is untrained."""
        if self.pretrained is None:
            from tfllm import TextClassifier

            return TextClassifier.from_text(train, config=self)
        return pretrained(self.pretrained, self, train)

    def left(self, folder):
        """Whether the trained model still has to be calibrated."""
        from tfllm.training import best, progress

        return self.calibrate and not progress.read(best(folder)).calibrated

    def finish(self, folder, valid):
        """Calibrate the model."""
        calibrate(folder, valid)

    def sample(self, model, record):
        text = record["text"] + (f"\t{record['pair']}" if model.pairs else "")
        return f"{text} -> {''.join(Generation().pieces(model, [text], 0))}"


def pretrained(path, config, train):
    """A classifier on the model of a folder or a run, with the labels of the training records."""
    from tfllm import TextClassifier
    from tfllm.tasks.classification.labels import Labels
    from tfllm.tasks.user_data import columns

    labels = Labels.learned(columns(train, "label")[0], config.kind, config.separator).names
    options = {
        "kind": config.kind, "pairs": "pair" in train.element_spec, "length": config.length,
        "class_weights": config.class_weights, "pooling": config.pooling, "rate": config.rate,
        "separator": config.separator,
    }  # fmt: skip
    if result := encoder_of(path):
        return TextClassifier.from_encoder(*result, labels, **options)
    return TextClassifier.from_pretrained(path, labels=labels, **options)


def held_out(records, share, seed):
    """(records without, records with) a random share of them. Raises ValueError if one part is empty."""
    import numpy as np
    import tensorflow as tf

    columns = records.batch(2**31).get_single_element()
    order = np.random.default_rng(seed).permutation(len(columns["text"]))
    kept = len(order) - round(share * len(order))
    if kept in (0, len(order)):
        raise ValueError(f"--held_out {share} of {len(order)} texts leaves one part empty")
    parts = np.sort(order[:kept]), np.sort(order[kept:])
    return tuple(
        tf.data.Dataset.from_tensor_slices({name: tf.gather(texts, part) for name, texts in columns.items()})
        for part in parts
    )


def calibrate(folder, valid):
    """Fit the temperature of the run's best model, and save it."""
    from tfllm import load_model
    from tfllm.tasks.task import log
    from tfllm.training import best, progress

    path = best(folder)
    model, done = load_model(path), progress.read(path)
    progress.restore_seeds(model, done)
    before = model.score(valid, verbose=0).ece
    temperature = model.calibrate(valid, verbose=0)
    done.calibrated = True
    progress.save(model, path, done)
    after = model.score(valid, verbose=0).ece
    log.info("temperature %.3f: expected calibration error %.4f, was %.4f", temperature, after, before)


@dataclass(frozen=True)
class Evaluation(Labelled):
    """Scores per class and overall, with confidence intervals and calibration."""

    confusion: str | None = None  # PNG file for the confusion matrix
    reliability: str | None = None  # PNG file for a plot of accuracy over probability
    json: bool = False  # print JSON
    batch_size: int = 64  # texts per batch

    def scores(self, model):
        if self.confusion and model.kind != "single":
            raise ValueError(f"--confusion needs one label per text; this classifier is of kind {model.kind!r}")
        if self.reliability and model.kind == "regression":
            raise ValueError("--reliability needs probabilities; this classifier predicts numbers")
        names = model.labels or None
        result = self.records(kind=model.kind, separator=model.separator, labels=names)
        report = model.score(result, batch_size=self.batch_size, verbose=0)
        if self.confusion:
            report.plot(self.confusion)
        if self.reliability:
            report.reliability.plot(self.reliability)
        return report


@dataclass(frozen=True)
class Reporting(ReportOptions, Labelled):
    """One page about a trained model, with scores on these texts."""


@dataclass(frozen=True)
class Generation:
    """One line per text: its label and the probability, or the number; an empty line for an empty text.

    A pair is two texts separated by a tab.
    """

    top_k: int | None = None  # labels to show, the most probable first; none: the predicted ones
    json: bool = False  # print a JSON object per line
    batch_size: int = 64  # texts per batch

    def pieces(self, model, texts, first):
        """What to print. first: the number of the first text."""
        pairs = None
        if model.pairs:
            cut = [os.fsencode(text).split(b"\t") if text.strip() else [b"", b""] for text in texts]
            for number, parts in enumerate(cut, first + 1):
                if len(parts) != 2:
                    raise ValueError(f"text {number}: expected two texts separated by a tab; got {len(parts)}")
            texts, pairs = (list(part) for part in zip(*cut, strict=True))
        for answer in model.classify(texts, pairs, batch_size=self.batch_size, verbose=0):
            yield (json.dumps(answer, ensure_ascii=False) if self.json else self.line(answer)) + "\n"

    def line(self, answer):
        if "probabilities" not in answer:
            return f"{answer['score']:.6g}" if answer["label"] else ""
        chances, label = answer["probabilities"], answer["label"]
        if not any(chances.values()):
            return ""
        names = sorted(chances, key=chances.get, reverse=True)
        if self.top_k is None:
            names = [name for name in names if name in ([label] if isinstance(label, str) else label)]
        return "\t".join(f"{name} {chances[name]:.4f}" for name in names[: self.top_k])


Exporting = ExportForm  # temperature and labels are part of the model
