"""`tfllm VERB ...`: each verb is a module of this package, imported when it is called.

Errors that a user can fix are one line on stderr and exit code 2, without a traceback: errors with files (OSError),
and errors raised by tfllm itself. The same errors raised by a library are our bugs and keep their traceback.
"""

import importlib
import os
import sys

from tfllm.cli import screen
from tfllm.cli.messages import Help, described, fail, meant, raised_here
from tfllm.cli.tasks import table

VERBS = {
    "train": f"train a model on your text: tfllm train TASK ... --out RUN; tasks: {', '.join(table.TASKS)}",
    "evaluate": "score a trained model on a text: tfllm evaluate RUN ...",
    "generate": 'answer or continue texts: tfllm generate RUN "text" ..., or line by line from standard input',
    "chat": "talk with a trained dialogue generator, turn by turn: tfllm chat RUN",
    "explain": 'which tokens an answer comes from: tfllm explain RUN "text" --method M --out F.html',
    "report": "one page about a trained model: scores, examples, explanations, bias: tfllm report RUN",
    "info": "show a run: task, sizes, training state, scores: tfllm info RUN",
    "runs": "compare the runs of a folder, the best first: tfllm runs FOLDER",
    "export": "write a SavedModel that needs no tfllm: tfllm export RUN FOLDER",
    "predict": "answer files of any length with an exported model: tfllm predict FOLDER --input F ... --out F",
    "serve": "answer over HTTP with exported models: tfllm serve FOLDER ...",
    "distil": "train a small student on the answers of a trained model: tfllm distil RUN --out RUN2",
    "pretrain": "pre-train on plain text by masking parts of it: tfllm pretrain --text F ... --out RUN",
    "audit": "measure bias and memorisation of a trained model: tfllm audit CHECK RUN ...",
    "data-report": "examine data before training: tfllm data-report --train F ... --test F ...",
    "keywords": "extract keywords from texts, English or Chinese: tfllm keywords FILE ...",
    "vectors": "train, convert, evaluate, search word vectors: tfllm vectors ACTION ...",
    "completion": "print a completion script for your shell: tfllm completion bash|zsh|fish",
}


HOMES = {  # verbs whose module has another name
    "audit": "audit.checks", "data-report": "audit.data_report", "report": "audit.report",
    "distil": "tasks.distil",
    "predict": "serving.predict",
    "serve": "serving.serve",
}  # fmt: skip


def module(verb):
    return importlib.import_module(f"tfllm.cli.{HOMES.get(verb, verb)}")


def main(arguments=None):
    """Run one verb; `arguments` as in sys.argv[1:]. Raises SystemExit on errors."""
    try:
        run(arguments)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader of the output, such as `head`, has closed it
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for stream in (sys.stdout, sys.stderr):
            os.dup2(nowhere, stream.fileno())
        raise SystemExit(141) from None  # the exit code that a shell reports for SIGPIPE


def run(arguments):
    verb, *rest = (sys.argv[1:] if arguments is None else arguments) or ["--help"]
    if verb in ("--help", "-h"):
        print(usage())
        return
    if verb == "--version":
        from tfllm import __version__

        print(f"tfllm {__version__}")
        return
    if verb not in VERBS:
        fail(f"tfllm: no verb {verb!r}{meant(verb, VERBS)}\nVerbs: {', '.join(VERBS)}. See tfllm --help")
    try:
        module(verb).run(screen.begin(rest))
    except Help as help:
        print(help)
    except BrokenPipeError:
        raise
    except (OSError, ValueError, ImportError, ArithmeticError) as error:
        if not isinstance(error, OSError) and not raised_here(error, table.files()):
            raise
        fail(f"tfllm {verb}: {described(error)}")
    except KeyboardInterrupt:
        print(file=sys.stderr)  # the terminal shows ^C
        raise SystemExit(130) from None


def usage():
    lines = [f"  {verb:12}{what}" for verb, what in VERBS.items()]
    footer = "tfllm VERB --help lists its options. With every verb: -q shows warnings only; -v also TensorFlow's log."
    return "\n".join(["usage: tfllm VERB ...", "", *lines, "", footer])
