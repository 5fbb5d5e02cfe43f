"""`tfllm evaluate RUN ...`: scores of a run's best model on a text; with --json, for programs."""

import json

from tfllm.cli import trained


def run(arguments):
    settings, folder, _ = trained.asked(arguments, "Evaluation", "tfllm evaluate RUN TEXT ...")
    settings.check()
    found = settings.scores(trained.best(folder))
    print(json.dumps(figures(found), ensure_ascii=False, indent=2) if settings.json else shown(found))


def figures(scores):
    """{name: figure} of the scores of any task."""
    return scores if isinstance(scores, dict) else scores.as_dict()


def shown(scores):
    if isinstance(scores, dict):
        return "\n".join(f"{name:9}{value:.4f}" for name, value in scores.items())
    return str(scores)
