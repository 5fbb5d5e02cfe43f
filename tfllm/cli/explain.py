"""`tfllm explain RUN "text" ...`: which tokens an answer comes from, printed or written as HTML, PNG or JSON."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

from tfllm.cli import options, run_folder

USAGE = 'tfllm explain RUN "text" ["question or second text"]'
ENDINGS = (".html", ".png", ".json")


@dataclass(frozen=True)
class Explaining:
    method: str = "integrated_gradients"  # gradient_x_input, smoothgrad, occlusion, lime, shap, shapley, attention, ...
    target: str | None = None  # label; text that is explained; start, end, answer of a reader; default: the answer
    instead: str | None = None  # explain the target and not this: another label, or another token at --step
    step: str | None = None  # of generated text: the number of a token, from 0, or the token; default: all
    score: str | None = None  # log-odds, probability, logit
    samples: int | None = None  # texts of lime and shap, noisy copies of smoothgrad
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
    run_folder.path(words[0])  # before TensorFlow is loaded
    task = run_folder.best(words[0])
    explanation = task.explain(*map(os.fsencode, words[1:]), **chosen(settings, task))
    if settings.out:
        print(explanation.save(settings.out))
    else:
        print(json.dumps(explanation.dict(), ensure_ascii=False, indent=2) if settings.json else explanation)


def completions():
    return {"": options.values([Explaining])}


def chosen(settings, task):
    """The settings as keyword arguments of `Task.explain`; those that are left out have their default."""
    names = ("method", "target", "score", "samples", "seed", "faithfulness")
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
