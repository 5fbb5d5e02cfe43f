"""The directives `command-options` and `task-options`: the options of the command line, from its dataclasses.

    ```{command-options} vectors train
    ```
    ```{task-options} translation
    ```

The first shows a verb (and an action or task of it); the second what all verbs take for a task: train, evaluate,
generate, export, chat. So the pages cannot differ from `--help`.
"""

from dataclasses import MISSING

from sphinx.util.docutils import SphinxDirective

from tfllm import config
from tfllm.cli import info, keywords, options, runs, train, vectors
from tfllm.cli.audit import checks, data_report
from tfllm.cli.serving import predict, serve
from tfllm.cli.tasks import distil, table

VERBS = {  # of a task: its dataclass, the line
    "train": ("Training", "tfllm train {task} {text} --out RUN"),
    "evaluate": ("Evaluation", "tfllm evaluate RUN ..."),
    "generate": ("Generation", "{ask}"),
    "chat": ("Chatting", "tfllm chat RUN"),
    "export": ("Exporting", "tfllm export RUN FOLDER"),
    "report": ("Reporting", "tfllm report RUN DATA"),
}
GROUPS = {"": "Options", "model": "Model", "recipe": "Training recipe", "decoding": "Decoding"}


def verbs():
    """{words after `tfllm`: (usage, dataclass, {option: comment} beside it)} of what has one set of options."""
    found = {
        "data-report": (data_report.USAGE, data_report.Report, {}),
        "predict": (predict.USAGE, predict.Predicting, {}),
        "serve": (serve.USAGE, serve.Serving, {}),
        "keywords": (keywords.USAGE, keywords.Extraction, {}),
        "distil": (distil.USAGE, distil.Distilling, distil.APART),
        "info": ("tfllm info RUN", info.Info, {}),
        "runs": ("tfllm runs FOLDER", runs.Runs, {}),
    }
    for check, (_, usage, _) in checks.CHECKS.items():
        found[f"audit {check}"] = (f"tfllm audit {usage}", checks.kind_of(check), {})
    for action, (kind, usage, _) in vectors.ACTIONS.items():
        apart = vectors.OUT if kind is vectors.Training else {}
        found[f"vectors {action}"] = (f"tfllm vectors {usage}", kind, apart)
    return found


def cell(text):
    return str(text).replace("|", "\\|").replace("*", "\\*").replace("<", "\\<").replace("\n", " ").strip()


def rows(kind, apart):
    """{group: [(option, type, default, meaning)]}"""
    found = {"": [("--config", "file.yaml", "", "settings in a file; options on the line override them")]}
    found[""] += [(f"--{name}", "flag" if name == "dry_run" else "path", "", text) for name, text in apart.items()]
    for option in config.options(kind):
        group = option.name.rpartition(".")[0]
        kind_ = option.kind.removesuffix(" or none")
        kind_ = "flag" if kind_ == "bool" and option.default is False else kind_
        default = "" if option.default in (None, MISSING, ()) or kind_ == "flag" else options.shown(option.default)
        found.setdefault(group, []).append((f"--{option.name}", kind_, default, option.comment))
    return found


def markdown(usage, kind, apart=(), level=3):
    """The usage and a table of options for each group."""
    lines = ["```text", usage, "```", ""]
    for group, found in rows(kind, dict(apart)).items():
        title = GROUPS.get(group, group)
        lines += [f"{'#' * level} {title}" if group else "", ""]
        lines += ["| option | type | default | meaning |", "|---|---|---|---|"]
        lines += [f"| `{name}` | {cell(how)} | {cell(value)} | {cell(text)} |" for name, how, value, text in found]
        lines.append("")
    return "\n".join(lines)


def task_page(task):
    """Every verb of a task, as sections."""
    module, lines = table.module(task), []
    for verb, (kind, usage) in VERBS.items():
        if not hasattr(module, kind):
            continue
        apart = train.APART if verb == "train" else {}
        usage = usage.format(task=task, text=module.TEXT, ask=module.ASK)
        lines += [f"## {verb}", "", markdown(usage, getattr(module, kind), apart)]
    return "\n".join(lines)


class CommandOptions(SphinxDirective):
    required_arguments, final_argument_whitespace = 1, True

    def run(self):
        usage, kind, apart = verbs()[self.arguments[0]]
        return self.parse_text_to_nodes(markdown(usage, kind, apart), allow_section_headings=True)


class TaskOptions(SphinxDirective):
    required_arguments = 1

    def run(self):
        return self.parse_text_to_nodes(task_page(self.arguments[0]), allow_section_headings=True)


def setup(app):
    app.add_directive("command-options", CommandOptions)
    app.add_directive("task-options", TaskOptions)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
