"""`tfllm predict FOLDER --input F ... --out F`: the answers of an exported model to files of any length."""

from dataclasses import dataclass
from pathlib import Path

from tfllm.cli import options
from tfllm.cli.serving.serve import folders_of, without_keras
from tfllm.export.versions import versions_of

USAGE = "tfllm predict FOLDER --input F [F ...] --out F, where `tfllm export RUN FOLDER` has written FOLDER/1"
READS, WRITES = (".txt", ".jsonl", ".csv", ".tsv", ".parquet"), (".jsonl", ".txt")


@dataclass(frozen=True)
class Predicting:
    input: tuple[str, ...] | None = None  # files: .txt (a text a line), .jsonl, .csv, .tsv, .parquet
    out: str | None = (
        None  # .jsonl: all outputs, an object a line; .txt: the text or label, a line each; --ray: a folder
    )
    field: str | None = None  # fields that are read: texts=body,questions=ask; default: the names of the inputs
    signature: str = "serving_default"  # see `Signatures` in docs/serving.md
    scalars: str | None = None  # numbers of the signature: temperature=0.8,seed=1
    batch_size: int = 64  # texts that are answered together
    threads: int | None = None  # batches that are computed at the same time; default: one a core
    ray: bool = False  # on Ray Data, on the cluster that RAY_ADDRESS names or on this machine
    restart: bool = False  # begin anew where an interrupted run would go on
    trust: bool = False  # load files that are not as exported, or operations that exports do not use


def run(arguments):
    settings, words = options.read(Predicting, USAGE, arguments)
    (folder,) = folders_of(options.words(("FOLDER",), words)).values()
    sources = files(settings.input)
    out = Path(settings.out or "").expanduser()
    if settings.ray and (out.is_file() or not settings.out):
        raise ValueError(f"--out must be a folder for --ray; got {settings.out or 'nothing'}")
    if not settings.ray and out.suffix not in WRITES:
        raise ValueError(f"--out must end with {' or '.join(WRITES)}; got {settings.out or 'nothing'}")
    if not out.parent.is_dir():
        raise FileNotFoundError(f"--out: no folder {out.parent}")
    fields, scalars = pairs("field", settings.field), pairs("scalars", settings.scalars)
    without_keras()
    from tfllm.serving.batch_inference import predict
    from tfllm.serving.served_model import ServedModel

    path = folder / str(versions_of(folder)[-1])
    numbers = {name: number(name, text) for name, text in scalars.items()}
    if settings.ray:
        from tfllm.serving import ray_inference

        count = ray_inference.predict(path, settings.signature, sources, out, fields or None, settings.batch_size,
                                      settings.threads, settings.restart, numbers, settings.trust)  # fmt: skip
        print(f"{out}: {count:,} answers")
        return
    model = ServedModel(path, settings.trust)
    signature = model.signature(settings.signature)
    numbers = signature.read_scalars(numbers)
    with progress(sources) as show:
        count = predict(model, signature, sources, out, fields or None, settings.batch_size, settings.threads,
                        settings.restart, show, numbers)  # fmt: skip
    print(f"{out}: {count:,} answers")


def completions():
    return {"": options.values([Predicting])}


def files(names):
    """The files as paths. Raises ValueError for none and for unknown endings, FileNotFoundError."""
    if not names:
        raise ValueError(f"--input is missing: {USAGE}")
    paths = [Path(name).expanduser() for name in names]
    for path in paths:
        if path.suffix not in READS:
            raise ValueError(f"--input {path}: expected a file that ends with {', '.join(READS)}")
        if not path.is_file():
            raise FileNotFoundError(f"--input: no file {path}")
    return paths


def pairs(option, text):
    """ "a=b,c=d" -> {"a": "b", "c": "d"}. Raises ValueError."""
    parts = [part.partition("=") for part in (text or "").split(",") if part]
    if wrong := [name for name, equals, value in parts if not (name and equals and value)]:
        raise ValueError(f"--{option}: expected NAME=VALUE, got {wrong[0]!r}")
    return {name: value for name, _, value in parts}


def number(name, text):
    try:
        return int(text) if text.lstrip("-").isdecimal() else float(text)
    except ValueError:
        raise ValueError(f"--scalars: {name} must be a number, got {text!r}") from None


def progress(sources):
    """Context manager: a function of the number of answers, which shows it with the time left, on a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    class Shown(Progress):
        def __enter__(self):
            super().__enter__()
            task = self.add_task("answers", total=counted(sources))
            return lambda done: self.update(task, completed=done)

    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    console = Console(stderr=True)
    return Shown(*columns, console=console, disable=not console.is_terminal)


def counted(sources):
    """The number of records if it is known without reading them as records: the lines of text files; else None."""
    if any(path.suffix not in (".txt", ".jsonl") for path in sources):
        return None
    total = 0
    for path in sources:
        with open(path, "rb") as file:
            last = b"\n"
            while block := file.read(1 << 20):
                total, last = total + block.count(b"\n"), block[-1:]
            total += last != b"\n"
    return total
