"""`tfllm serve FOLDER ...`: exported models answer over HTTP, in the forms of TensorFlow Serving, KServe and OpenAI."""

import asyncio
import os
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tfllm.cli import options
from tfllm.export.versions import versions_of
from tfllm.serving import extra
from tfllm.serving.logs import log_to_stderr

USAGE = "tfllm serve [NAME=]FOLDER [[NAME=]FOLDER ...], where `tfllm export RUN FOLDER` has written FOLDER/1"
KEYS = "TFLLM_API_KEYS"


@dataclass(frozen=True)
class Serving:
    host: str = "127.0.0.1"  # address to listen at; 0.0.0.0: all, for clients on other machines
    port: int = 8501  # 0: any that is free
    ui: bool = False  # also serve a page to try the models, at /ui
    batch_size: int = 32  # texts that are answered together at most
    latency_ms: float = 5.0  # how long a text waits for others
    threads: int = 1  # batches that are computed at the same time
    workers: int = 1  # processes, each with its own copy of the models; one that ends is started again
    queue: int = 1000  # texts that may wait; more are refused with status 429
    timeout: float = 60.0  # seconds of a request; then status 504
    max_bytes: int = 1_000_000  # of the body of a request; more are refused with status 413
    poll: float = 5.0  # seconds between looks for new versions in the folders; 0: never
    grace: float = 1.0  # seconds between "not ready" and the end, after SIGTERM
    labels: str | None = None  # versions by label: NAME:LABEL=VERSION, several with commas
    api_keys: str | None = None  # file with one key a line; or TFLLM_API_KEYS in the environment, with commas
    origins: str | None = None  # web pages that may ask (CORS), with commas; default: none but /ui
    log_text: bool = False  # also log the text of requests
    trust: bool = False  # load files that are not as exported, or operations that exports do not use


def run(arguments):
    settings, words = options.read(Serving, USAGE, arguments)
    folders = folders_of(words)
    labels, keys = labels_of(settings.labels, folders), keys_of(settings.api_keys)
    extra.require()
    if settings.trust:
        print("--trust: a SavedModel is a program; the files are not checked", file=sys.stderr)
    run_one = partial(answer, settings, folders, labels, keys)
    if settings.workers == 1:
        run_one(ready=lambda server: announce(server.servers[0].sockets[0].getsockname(), folders, settings))
    else:
        from tfllm.cli.serving.workers import supervise

        log_to_stderr()
        supervise(settings.workers, run_one, settings.host, settings.port,
                  lambda address: announce(address, folders, settings))  # fmt: skip


def answer(settings, folders, labels, keys, ready, sock=None):
    """Answer requests in this process until a signal."""
    without_keras()
    from tfllm.serving import server
    from tfllm.serving.service import Limits

    limits = Limits(settings.batch_size, settings.latency_ms / 1000, settings.threads, settings.queue,
                    settings.timeout, settings.max_bytes)  # fmt: skip
    log_to_stderr()
    origins = settings.origins.split(",") if settings.origins else ()
    asyncio.run(server.serve(
        folders, limits, host=settings.host, port=settings.port, labels=labels, trust=settings.trust, keys=keys,
        origins=origins, page=settings.ui, poll=settings.poll, grace=settings.grace, log_text=settings.log_text,
        ready=ready, sock=sock,
    ))  # fmt: skip


def without_keras():
    """TensorFlow imports Keras if it can: seconds, and memory, for nothing. Call it before TensorFlow is imported."""
    if not {"keras", "tensorflow"} & sys.modules.keys():
        sys.modules["keras"] = None


def completions():
    return {"": options.values([Serving])}


def announce(address, folders, settings):
    """One line for each model on standard output, once requests are answered."""
    host, port = address[:2]
    base = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    for name in folders:
        print(f"{base}/v1/models/{name}:predict")
    if settings.ui:
        print(f"{base}/ui")
    sys.stdout.flush()


def folders_of(words):
    """["reviews", "mt=models/translator"] -> {name: Path}. Raises ValueError, and OSError for no SavedModel."""
    if not words:
        raise ValueError(f"expected a folder: {USAGE}")
    folders = {}
    for word in words:
        name, equals, path = word.partition("=")
        path = Path(path if equals else word).expanduser()
        name = name if equals else path.resolve().name
        if not name or "/" in name or ":" in name:
            raise ValueError(f"{word}: {name!r} cannot be the name of a model: use NAME=FOLDER")
        if name in folders:
            raise ValueError(f"two folders have the name {name!r}: use NAME=FOLDER")
        if not path.is_dir():
            raise FileNotFoundError(f"no folder {path}")
        if not versions_of(path):
            hint = f": {path.parent} is the folder" if (path / "saved_model.pb").is_file() else ""
            raise FileNotFoundError(f"{path} has no 1/saved_model.pb, which `tfllm export` writes{hint}")
        folders[name] = path
    return folders


def labels_of(text, folders):
    """ "reviews:stable=1" -> {"reviews": {"stable": 1}}. Raises ValueError."""
    result = {}
    for part in filter(None, (text or "").split(",")):
        left, _, version = part.partition("=")
        name, _, label = left.partition(":")
        if name not in folders or not label or not version.isdecimal():
            raise ValueError(f"--labels: expected NAME:LABEL=VERSION of {', '.join(folders)}, got {part!r}")
        result.setdefault(name, {})[label] = int(version)
    return result


def keys_of(file):
    """The keys of a file, or of the environment. Raises ValueError if a file has none."""
    if file is None:
        return tuple(filter(None, (key.strip() for key in os.environ.get(KEYS, "").split(","))))
    keys = tuple(filter(None, (line.strip() for line in Path(file).expanduser().read_text("utf-8").splitlines())))
    if not keys:
        raise ValueError(f"--api_keys: {file} has no key")
    return keys
