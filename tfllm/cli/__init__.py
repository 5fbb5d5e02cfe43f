"""`tfllm VERB ...`: each verb is a file of this folder, imported when it is called.

What a user can mend is one line on stderr and exit code 2, without a traceback: files (OSError), and what
tfllm itself raises. The same errors raised by a library are our bugs and keep their traceback.
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
    "info": "what a run is: task, sizes, training state, scores: tfllm info RUN",
    "runs": "the runs of a folder side by side, the best first: tfllm runs FOLDER",
    "export": "write a SavedModel that needs no tfllm: tfllm export RUN FOLDER",
    "pretrain": "pre-train on running text by hiding parts of it: tfllm pretrain --text F ... --out RUN",
    "keywords": "the keywords of texts, English or Chinese: tfllm keywords FILE ...",
    "vectors": "train, convert, evaluate, search word vectors: tfllm vectors ACTION ...",
    "completion": "a script by which your shell completes all of this: tfllm completion bash|zsh|fish",
}


def main(arguments=None):
    """Run one verb; `arguments` as in sys.argv[1:]. Raises SystemExit where there is an error."""
    try:
        run(arguments)
        sys.stdout.flush()
    except BrokenPipeError:  # whoever reads, such as `head`, has seen enough
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for stream in (sys.stdout, sys.stderr):
            os.dup2(nowhere, stream.fileno())
        raise SystemExit(141) from None  # as the shell counts it


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
        importlib.import_module(f"tfllm.cli.{verb}").run(screen.begin(rest))
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
    told = "tfllm VERB --help lists its options. With every verb: -q, warnings alone; -v, TensorFlow's own log too."
    return "\n".join(["usage: tfllm VERB ...", "", *lines, "", told])
