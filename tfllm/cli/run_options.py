"""The options of a verb that takes a RUN: they depend on the run's task."""

from tfllm import config
from tfllm.cli import options
from tfllm.cli.messages import Help
from tfllm.cli.run_folder import path, task_of
from tfllm.cli.tasks import table
from tfllm.cli.tasks.reporting import ReportOptions

DEFAULTS = {"Reporting": ReportOptions}  # of tasks of other packages that do not have the dataclass


def read(arguments, verb, usage, words=("RUN",)):
    """(settings, RUN, further words) of the arguments of a verb that takes a RUN.

    verb: the name of its dataclass in the module of the run's task. words: the expected words; any number if the last
    is "...". Raises Help for --help: of the run's task, or of all tasks if no run is named.
    """
    every = table.all_of(verb)
    given, result = options.split(arguments, options.flags(*every.values()))
    if options.HELP in given or not arguments:
        if not result:
            raise Help(options.helps(usage, every))
        raise Help(options.help(usage.replace("RUN", result[0], 1), options_of(result[0], verb)))
    if words[-1] == "...":
        words = [*words[:-1], *result[len(words) - 1 :]] if len(result) >= len(words) - 1 else words[:-1]
    run, *more = options.words(words, result)
    kind = options_of(run, verb)
    task = task_of(path(run))

    def unknown_note(name):
        if others := having(name, every):
            text = f", whose data options are {table.module(task).TEXT}" if verb == "Evaluation" else ""
            return f"{run} is a run of {task}{text}; the option belongs to {', '.join(others)}"

    return options.settings(kind, given, unknown_note=unknown_note), run, more


def having(name, classes):
    """The tasks whose dataclass has an option of this name."""
    return [task for task, kind in classes.items() if any(option.name == name for option in config.options(kind))]


def options_of(run, verb):
    """The dataclass `verb` of a run's task, without loading the model."""
    task = task_of(path(run))
    kind = getattr(table.module(task), verb, DEFAULTS.get(verb))
    if kind is None:
        raise ValueError(f"{run} is a run of {task}, which does not support this verb: use tfllm generate {run}")
    return kind
