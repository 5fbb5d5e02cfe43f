"""`tfllm explain RUN "text" ...`: which tokens an answer comes from, printed or written as HTML, PNG or JSON."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

from tfllm.cli import options, run_folder
from tfllm.cli.sources import expect_folder

USAGE = 'tfllm explain RUN "text" ["question or second text"]'
ENDINGS = (".html", ".png", ".json")
EMBEDDER = ("tfllm>TextEmbedder",)  # a .keras file; there are no runs of it


@dataclass(frozen=True)
class Explaining:
    # integrated_gradients, gradient_x_input, smoothgrad, occlusion, lime, shap, shapley (at most 10 tokens), attention,
    # attention_rollout, attention_flow, random
    method: str = "integrated_gradients"
    target: str | None = None  # label; text that is explained; start, end, answer of a reader; default: the answer
    instead: str | None = None  # explain the target and not this: another label, or another token at --step
    step: str | None = None  # of generated text: the number of a token, from 0, or the token; default: all
    score: str | None = None  # log-odds, probability, logit
    samples: int | None = None  # texts of lime and shap, noisy copies of smoothgrad
    layer: int | None = None  # of attention, from 1; default: the mean of all
    head: int | None = None  # of attention, from 1; default: the mean of all
    baseline: str | None = None  # of integrated_gradients: zero, pad, unknown, mask; default: zero
    removal: str | None = None  # how tokens are left out: delete, unknown, mask, pad; default: that of the task
    seed: int = 0  # of what is drawn
    faithfulness: bool = True  # also measure whether the model needs the tokens with high scores
    out: str | None = None  # file: NAME.html, NAME.png or NAME.json
    json: bool = False  # print as JSON, for programs


def run(arguments):
    settings, words = options.read(Explaining, USAGE, arguments)
    if len(words) < 2:
        raise ValueError(f"expected RUN and a text: {USAGE}")
    if settings.out and Path(settings.out).suffix not in ENDINGS:
        raise ValueError(f"--out must end with {', '.join(ENDINGS)}; got {settings.out}")
    if settings.out:
        expect_folder("--out", settings.out)
    run, *texts = words
    run_folder.path(run)  # before TensorFlow is loaded
    task = run_folder.best(run, EMBEDDER)
    explanation = task.explain(*map(os.fsencode, texts), **checked(task, len(texts), chosen(settings, task)))
    if settings.out:
        print(explanation.save(settings.out))
    else:
        print(json.dumps(explanation.dict(), ensure_ascii=False, indent=2) if settings.json else explanation)


def completions():
    return {"": options.values([Explaining])}


def chosen(settings, task):
    """The settings as keyword arguments of `Task.explain`; those that are left out have their default."""
    names = ("method", "target", "score", "samples", "layer", "head", "baseline", "removal", "seed", "faithfulness")
    values = {name: getattr(settings, name) for name in names}
    if settings.step is not None:
        values["step"] = int(settings.step) if settings.step.lstrip("-").isdecimal() else settings.step
    if settings.instead is not None and hasattr(task, "labels"):
        if settings.target is None:
            raise ValueError("--instead names a second label: name the first by --target")
        values["target"] = settings.target, settings.instead
    elif settings.instead is not None:
        values["instead"] = settings.instead
    return {name: value for name, value in values.items() if value is not None}


def checked(task, count, values):
    """The keyword arguments. Raises ValueError for those that do not fit the task, the method or the count of texts."""
    from tfllm.explain import explaining

    own = {name: value for name, value in values.items() if name not in ("method", "target", "score", "faithfulness",
                                                                         "removal")}  # fmt: skip
    try:
        explaining.plan(task, count, values["method"], own)
    except TypeError as error:  # what is a mistake in a program is one of the user here
        raise ValueError(str(error)) from None
    return values
