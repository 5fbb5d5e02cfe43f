"""`tfllm evaluate RUN ...`: scores of a run's best model on a text; --json prints them for programs."""

import json
import math

from tfllm.cli import options, run_folder, run_options
from tfllm.cli.tasks import table


def run(arguments):
    settings, folder, _ = run_options.read(arguments, "Evaluation", "tfllm evaluate RUN TEXT ...")
    settings.check()
    result = settings.scores(run_folder.best(folder))
    print(
        json.dumps(figures(result), ensure_ascii=False, indent=2, allow_nan=False) if settings.json else shown(result)
    )


def completions():
    return {"": options.values(table.all_of("Evaluation").values())}


def figures(scores):
    """{name: number} of the scores of any task; None for NaN and infinity, which JSON does not have."""
    if not isinstance(scores, dict):
        return figures(scores.as_dict()) if hasattr(scores, "as_dict") else finite(scores)
    return {name: figures(value) for name, value in scores.items()}


def finite(value):
    if isinstance(value, (list, tuple)):
        return [figures(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def shown(scores):
    if isinstance(scores, dict):
        return "\n".join(f"{name:9}{value:.4f}" for name, value in scores.items())
    return str(scores)
