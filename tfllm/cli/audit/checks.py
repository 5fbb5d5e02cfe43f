"""`tfllm audit CHECK RUN ...`: measure the bias of a trained model, and what it repeats. Each check is a file."""

import importlib
import json

from tfllm.cli import options, run_folder
from tfllm.cli.evaluate import figures
from tfllm.cli.messages import subverb

CHECKS = {  # check: its module, usage, what it answers
    "swaps": ("swap_check", "swaps RUN --data F --label LABEL",
              "does a score change if only a gender, name or nationality does?"),
    "subgroups": ("subgroup_check", "subgroups RUN --data F --positive LABEL --group COLUMN",
                  "accuracy, error rates and AUC of groups, and their gaps"),
    "minimal-pairs": ("pair_check", "minimal-pairs RUN --pairs F.csv",
                      "does a language model, or BERT, prefer stereotypes?"),
    "gender": ("gender_check", "gender RUN", "does an English-German translator keep the gender of a person?"),
    "memorisation": ("memory_check", "memorisation RUN --text F [F ...]",
                     "does a language model repeat its training text?"),
    "screen": ("screen_check", "screen RUN --data F --words F", "how often does it write words of a list?"),
}  # fmt: skip


def run(arguments):
    footer = "tfllm audit CHECK --help lists the options. Every check prints a table, or --json."
    known = {name: row[1:] for name, row in CHECKS.items()}
    check, rest = subverb(arguments, "tfllm audit CHECK RUN ...", "check", known, footer)
    kind, usage = kind_of(check), f"tfllm audit {CHECKS[check][1]}"
    settings, words = options.read(kind, usage, rest)
    (folder,) = options.words(["RUN"], words)
    settings.check()
    task = run_folder.task_of(run_folder.path(folder))
    if task not in kind.TASKS:
        raise ValueError(f"{folder} is a run of {task}; tfllm audit {check} needs one of {', '.join(kind.TASKS)}")
    settings.check_task(task)
    result = settings.measured(run_folder.best(folder))
    if settings.json:
        print(json.dumps(figures(settings.plain(result)), ensure_ascii=False, indent=2, allow_nan=False))
    else:
        print(settings.shown(result))


def kind_of(check):
    """The dataclass with the options of a check."""
    return importlib.import_module(f"tfllm.cli.audit.{CHECKS[check][0]}").Options


def completions():
    return {check: options.values([kind_of(check)]) for check in CHECKS}
