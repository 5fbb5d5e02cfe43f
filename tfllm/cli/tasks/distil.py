"""`tfllm distil RUN --out RUN2`: train a small student on what a trained model answers to its training sources.

RUN2 gets answers.jsonl, the answers; student.yaml, the settings of the training; and the run of `tfllm train`, which
continues it too. The same command continues an interrupted run.
"""

import json
import shlex
from dataclasses import dataclass, fields, replace
from pathlib import Path

from tfllm import config
from tfllm.cli import options, run_folder, train
from tfllm.cli.messages import Help
from tfllm.cli.screen import log
from tfllm.cli.tasks import summarization, table, translation
from tfllm.cli.tasks.pair_tasks import PairTraining

USAGE = "tfllm distil RUN --out RUN2 [options of tfllm train]"
APART = {"out": "the run folder of the student"}
ANSWERS, VALID, STUDENT = "answers.jsonl", "valid.jsonl", "student.yaml"


@dataclass(frozen=True)
class Distilling:
    # tiny: 5/8 of the width and a decoder of one layer, about a third of the weights; or a file F.yaml with settings of
    # tfllm train that differ from the teacher's, such as model
    student: str = "tiny"
    beam_width: int = 5  # of the teacher's beam search
    length_penalty: float = 0.6  # of the teacher's beam search
    batch_size: int = 32  # sources per batch
    restart: bool = False  # discard unfinished answers of another teacher or beam search


def run(arguments):
    given, words = options.split(arguments, options.flags(Distilling, translation.Training, summarization.Training))
    if options.HELP in given or not arguments:
        raise Help(options.help(USAGE, Distilling, APART))
    own = {field.name: given.pop(field.name) for field in fields(Distilling) if field.name in given}
    (teacher,), settings = options.words(["RUN"], words), options.settings(Distilling, own, APART)
    if not given.get("out"):
        raise ValueError("no output folder: use --out RUN2")
    folder, task = Path(given["out"]).expanduser(), run_folder.task_of(run_folder.path(teacher))
    base = teacher_settings(teacher, task)
    student = student_settings(base, settings.student, folder)
    options.settings(type(base), {name: text for name, text in given.items() if name != "out"}, train.APART)  # or raise
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "config.yaml").exists():
        write_answers(teacher, base, student, settings, folder)
        (folder / STUDENT).write_text(config.dump(student), encoding="utf-8")
        given = {"config": str(folder / STUDENT)} | given
    more = [f"--{name}" if text is None else f"--{name}={text}" for name, text in given.items()]
    train.train(task, f"tfllm train {task}", more)


def completions():
    return {"": options.values([Distilling], {"out": ""})}


def teacher_settings(run, task):
    """The settings of the teacher's training."""
    kind, kept = table.module(task).Training, Path(run).expanduser() / "config.yaml"
    if not issubclass(kind, PairTraining):
        raise ValueError(f"{run} is a run of {task}; a student can be distilled of a translation or a summarization")
    if not kept.is_file():
        raise ValueError(f"{run} is not the folder of a run: its config.yaml names the training sources")
    return config.load(kind, kept)


def student_settings(base, student, folder):
    """The settings of the student's training: `base` with a smaller model, and the teacher's answers as data."""
    from tfllm.models.configs import student_config

    if student == "tiny":
        result = replace(base, model=student_config(base.model))
    elif Path(student).expanduser().is_file():
        result = config.build(type(base), config.plain(base) | config.read(Path(student).expanduser()), student)
    else:
        raise ValueError(f"--student must be tiny or a file of settings; got {student}")
    data = {"source": None, "target": None, "tfds": None, "columns": None, "data": str(folder / ANSWERS)}
    if base.validated and base.valid_source is None:
        data["valid_data"] = str(folder / VALID)
    return replace(result, **data)


def write_answers(run, base, student, settings, folder):
    """Write the files of text that the student's settings name, unless they are there."""
    from tfllm import tasks

    base.check()
    train_data, valid_data = base.read()
    if student.valid_data:
        copy(valid_data, folder / VALID)
    if not (folder / ANSWERS).exists():
        log.info("%s answers its training sources; to continue if interrupted: the same command", shlex.quote(run))
        tasks.distil(
            run_folder.best(run), train_data, folder / ANSWERS, settings.batch_size, settings.restart,
            beam_width=settings.beam_width, length_penalty=settings.length_penalty,
        )  # fmt: skip


def copy(records, path):
    """Write records of "source" and "target" as lines of JSON."""
    from tfllm.files import written

    with written(path) as beside, open(beside, "w", encoding="utf-8") as file:
        for record in records.as_numpy_iterator():
            pair = {name: text.decode("utf-8", "replace") for name, text in record.items()}
            file.write(json.dumps(pair, ensure_ascii=False) + "\n")
