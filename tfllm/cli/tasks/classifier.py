"""Command-line options of a classifier, and what the verbs do with it."""

import json
import os
from dataclasses import dataclass
from typing import ClassVar

from tfllm.cli.options import NoOptions
from tfllm.cli.run_folder import encoder_of
from tfllm.cli.sources import Labelled
from tfllm.cli.tasks.fitting import Fitting
from tfllm.tasks.settings import TextClassifierConfig

TEXT = "--data F --text COLUMN --label COLUMN"
ASK = "tfllm generate RUN 'text'"


@dataclass(frozen=True)
class Training(Fitting, TextClassifierConfig, Labelled):
    """Text, tokenizer, model, recipe: the config.yaml of a run."""

    split: str = "train"  # the part of the public set
    valid_data: str | None = None  # table to validate on, with the same columns
    valid_split: str | None = None  # part of the public set to validate on, "validation" or "train[90%:]"
    held_out: float | None = None  # share of the texts to validate on and not to train on, drawn by the seed
    pretrained: str | None = None  # folder in Hugging Face's format, or RUN of another task: its tokenizer and model
    calibrate: bool = False  # when trained, fit the temperature to the texts to validate on
    batch_size: int | None = None  # texts in a batch; none: sized for the data, 32 at most
    unit: ClassVar[str] = "texts"

    @property
    def validated(self):
        """Whether texts to validate on are named."""
        return super().validated or self.held_out is not None

    def check(self):
        if self.calibrate and not self.validated:
            raise ValueError("--calibrate needs texts to validate on: --valid_data F, or --held_out 0.1")
        if self.held_out is not None and (self.valid_data or self.valid_split) is not None:
            raise ValueError("give one of --valid_data, --valid_split, --held_out")
        if self.held_out is not None and not 0 < self.held_out < 1:
            raise ValueError(f"--held_out is a share between 0 and 1; got {self.held_out}")
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
        """Whether the trained model is still to be calibrated."""
        from tfllm.training import best, progress

        return self.calibrate and not progress.read(best(folder)).calibrated

    def finish(self, folder, valid):
        """Calibrate it."""
        calibrate(folder, valid)

    def sample(self, model, record):
        text = record["text"] + (f"\t{record['pair']}" if model.pairs else "")
        return f"{text} -> {''.join(Generation().pieces(model, [text], 0))}"


def pretrained(path, config, train):
    """A classifier on the model of a folder or of a run, with the labels of the training records."""
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
    """(records without, records with) a share of them, drawn by the seed. ValueError where one side has none."""
    import numpy as np
    import tensorflow as tf

    columns = records.batch(2**31).get_single_element()
    order = np.random.default_rng(seed).permutation(len(columns["text"]))
    kept = len(order) - round(share * len(order))
    if kept in (0, len(order)):
        raise ValueError(f"--held_out {share} of {len(order)} texts leaves nothing on one side")
    parts = np.sort(order[:kept]), np.sort(order[kept:])
    return tuple(
        tf.data.Dataset.from_tensor_slices({name: tf.gather(texts, part) for name, texts in columns.items()})
        for part in parts
    )


def calibrate(folder, valid):
    """Fit the temperature of the run's best model, in its file."""
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
    """Figures of each class and of all, with intervals and calibration."""

    confusion: str | None = None  # PNG to draw the confusion matrix in
    reliability: str | None = None  # PNG to draw accuracy over probability in
    json: bool = False  # for programs
    batch_size: int = 64  # texts at a time

    def scores(self, model):
        if self.confusion and model.kind != "single":
            raise ValueError(f"--confusion is for texts of one label each; this classifier is of kind {model.kind!r}")
        if self.reliability and model.kind == "regression":
            raise ValueError("--reliability is of probabilities; this classifier gives numbers")
        names = model.labels or None
        result = self.records(kind=model.kind, separator=model.separator, labels=names)
        report = model.score(result, batch_size=self.batch_size, verbose=0)
        if self.confusion:
            report.plot(self.confusion)
        if self.reliability:
            report.reliability.plot(self.reliability)
        return report


@dataclass(frozen=True)
class Generation:
    """A line for each text: its label and the probability, or the number; an empty line for an empty text.

    A pair is two texts with a tab between.
    """

    top_k: int | None = None  # labels to show, the likeliest first; none: what the classifier says
    json: bool = False  # everything, an object a line
    batch_size: int = 64  # texts at a time

    def pieces(self, model, texts, first):
        """What to print. first: the number of the first text."""
        pairs = None
        if model.pairs:
            cut = [os.fsencode(text).split(b"\t") if text.strip() else [b"", b""] for text in texts]
            for number, parts in enumerate(cut, first + 1):
                if len(parts) != 2:
                    raise ValueError(f"text {number}: expected two texts with a tab between; got {len(parts)}")
            texts, pairs = (list(part) for part in zip(*cut, strict=True))
        for answer in model.classify(texts, pairs, batch_size=self.batch_size, verbose=0):
            yield (json.dumps(answer, ensure_ascii=False) if self.json else self.line(answer)) + "\n"

    def line(self, answer):
        if "probabilities" not in answer:
            return f"{answer['score']:.6g}" if answer["label"] else ""
        chances, said = answer["probabilities"], answer["label"]
        if not any(chances.values()):
            return ""
        names = sorted(chances, key=chances.get, reverse=True)
        if self.top_k is None:
            names = [name for name in names if name in ([said] if isinstance(said, str) else said)]
        return "\t".join(f"{name} {chances[name]:.4f}" for name in names[: self.top_k])


Exporting = NoOptions  # the temperature and the labels go with it
