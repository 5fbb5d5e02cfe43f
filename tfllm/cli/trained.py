"""RUN on the command line -> the model to use, and the task that it does."""

from pathlib import Path

from tfllm import config
from tfllm.cli import Help, begun, kinds, options, screen


def asked(arguments, verb, usage, words=("RUN",)):
    """(settings, RUN, further words) of the arguments of a verb that is told of a RUN.

    verb: the dataclass of its options in the file of the run's task. words: what is expected; more, where the last is
    "...". Raises Help where the arguments ask for it: of the run's task, or of all tasks where no run is named.
    """
    every = kinds.all_of(verb)
    given, found = options.split(arguments, options.flags(*every.values()))
    if options.HELP in given or not arguments:
        if not found:
            raise Help(options.helps(usage, every))
        raise Help(options.help(usage.replace("RUN", found[0], 1), options_of(found[0], verb)))
    if words[-1] == "...":
        words = [*words[:-1], *found[len(words) - 1 :]] if len(found) >= len(words) - 1 else words[:-1]
    run, *more = options.words(words, found)
    kind = options_of(run, verb)
    task = task_of(path(run))

    def told(name):
        if others := having(name, every):
            text = f", whose text is {kinds.file(task).TEXT}" if verb == "Evaluation" else ""
            return f"{run} is a run of {task}{text}; the option is of {', '.join(others)}"

    return options.settings(kind, given, told=told), run, more


def having(name, kinds):
    """The tasks whose dataclass has an option of this name."""
    return [task for task, kind in kinds.items() if any(option.name == name for option in config.options(kind))]


def path(run):
    """The file of the best model of a run folder; or the .keras file itself. FileNotFoundError where there is none."""
    from tfllm import training

    place = Path(run).expanduser()
    if not place.exists():
        raise FileNotFoundError(f"{run}: expected the folder of a run or a .keras file; it does not exist")
    return place if place.is_file() else training.best(place)


def task_of(path):
    """The task whose model a .keras file holds, without loading it."""
    name = begun.class_of(path)
    if name not in kinds.CLASSES:
        known = ", ".join(other.removeprefix("tfllm>") for other in kinds.CLASSES)
        raise ValueError(f"{path} holds a {name.removeprefix('tfllm>')}; the command line knows {known}")
    return kinds.CLASSES[name]


def options_of(run, verb):
    """The dataclass `verb` of the task that a run has trained, without loading the model."""
    task = task_of(path(run))
    if not hasattr(kinds.file(task), verb):
        raise ValueError(f"{run} is a run of {task}, which has no such verb: tfllm generate {run} answers a text")
    return getattr(kinds.file(task), verb)


def best(run):
    """The best model of a run."""
    from tfllm import load_model

    screen.device()
    return load_model(path(run))
