"""`tfllm report RUN ...`: one page about a trained model, the same figures as JSON, and a model card.

Without test data, the validation data of the run is used, if its files are still where they were.
"""

import json
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from tfllm import config
from tfllm.cli import options, run_folder, run_options, screen, sources
from tfllm.cli.messages import described
from tfllm.cli.screen import log
from tfllm.cli.tasks import table

USAGE = "tfllm report RUN DATA"
NO_CONFIG = "RUN is not the folder of a run, so its training data is not known"


def run(arguments):
    settings, run, _ = run_options.read(arguments, "Reporting", USAGE)
    settings.check()
    path = run_folder.path(run)
    folder = path.parent if (path.parent / "config.yaml").exists() and Path(run).is_dir() else None
    page, figures = outputs(settings, path, folder)
    trained, why = training_of(folder, table.module(run_folder.task_of(path)).Training)
    settings = with_columns(settings, trained)
    from tfllm import audit, reports
    from tfllm.files import written

    task = run_folder.best(run)
    pairs = None if settings.minimal_pairs is None else audit.read_minimal_pairs(settings.minimal_pairs)
    test, groups = settings.test(**of_labels(task))
    train, valid, why = read(trained, why)
    if test is None and valid is not None:
        log.info("no test data is named: the validation data of the run is used")
        test = valid
    with progress() as show:
        result = reports.report(
            task, test, train, run=folder or path, groups=groups, pairs=pairs, agreement=settings.gender_agreement,
            label=settings.bias_label, method=settings.method, most=settings.most, explained=settings.explained,
            repeats=settings.repeats, seed=settings.seed, skip=settings.skip, missing={"data": why} if why else {},
            progress=show,
        )  # fmt: skip
    values = {"model": run_folder.checksum(path), **result.as_dict()}  # a report is about this model and no later one
    texts = {page: result.html(), figures: json.dumps(values, ensure_ascii=False, indent=2, allow_nan=False)}
    if settings.card is not None:
        texts[Path(settings.card).expanduser()] = result.card(settings.license)
    for file, text in texts.items():
        with written(file) as beside:
            beside.write_text(text + "\n", encoding="utf-8")
    for section in result.sections.values():
        if section.reason:
            log.info("no %s: %s", section.title.lower(), section.reason)
    print(*texts, sep="\n")


def completions():
    return {"": options.values(table.all_of("Reporting").values())}


def known_sections(path):
    """The sections of report.json beside the model of a run, if it is about this model; else None."""
    file = path.with_name("report.json")
    if not file.exists():
        return None
    from tfllm import reports
    from tfllm.files import json_object

    try:
        values = json_object(file)
        if values.get("model") != run_folder.checksum(path):
            raise ValueError(f"{file} is about another model")
        return reports.sections_of(values)
    except ValueError as error:
        log.info("%s: its scores are not used", error)
        return None


def outputs(settings, path, folder):
    """(file of the page, file of the JSON). Raises OSError if the folder of one does not exist."""
    beside = path.with_suffix("") if folder is None else folder / "report"
    named = [settings.out or (f"{beside}.html" if folder else f"{beside}.report.html"),
             settings.json or (f"{beside}.json" if folder else f"{beside}.report.json")]  # fmt: skip
    files = [Path(name).expanduser() for name in named]
    for option, file in (("--out", files[0]), ("--json", files[1]), ("--card", settings.card)):
        if file is not None:
            sources.expect_folder(option, file)
    return files


def training_of(folder, kind):
    """(the settings of the run's training or None, why there are none)"""
    if folder is None:
        return None, NO_CONFIG
    try:
        return config.load(kind, folder / "config.yaml"), ""
    except (OSError, ValueError) as error:
        return None, str(described(error))


def with_columns(settings, trained):
    """The settings, with the run's names of columns where none are given."""
    names = [name for name in getattr(settings, "COLUMNS", ()) if getattr(settings, name) is None]
    return replace(settings, **{name: getattr(trained, name) for name in names if hasattr(trained, name)})


def of_labels(task):
    """The options of a Source that depend on the labels of a classifier."""
    if not hasattr(task, "labels"):
        return {}
    return {"kind": task.kind, "separator": task.separator, "labels": task.labels or None}


def read(trained, why):
    """(training records or None, validation records or None, why there are none)"""
    if trained is None:
        return None, None, why
    try:
        trained.check()
        return *trained.read(), ""
    except (OSError, ValueError, ImportError) as error:
        return None, None, f"the training data cannot be read, {described(error)}"


@contextmanager
def progress():
    """Context manager: a function (title, share done) that shows the progress to a person, else logs the titles."""
    if not screen.watched():
        seen = set()

        def tell(title, share):
            if title not in seen and share < 1:
                seen.add(title)
                log.info("%s ...", title)

        yield tell
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    shown = TextColumn("{task.description:<24}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %")
    times = TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn()
    with Progress(*shown, *times, transient=True, speed_estimate_period=600) as bar:
        number = bar.add_task("", total=1.0)
        yield lambda title, share: bar.update(number, description=title, completed=share)
