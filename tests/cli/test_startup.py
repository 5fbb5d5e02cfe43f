"""What needs no TensorFlow meets none: help, errors of typing, what a run is. Read from sys.modules, not by a clock."""

import os
import subprocess
import sys

import pytest

from tests.test_startup import python
from tfllm.cli import VERBS
from tfllm.cli.audit.checks import CHECKS
from tfllm.cli.tasks import table
from tfllm.cli.vectors import ACTIONS

LINES = {  # what is typed: what is printed on either stream
    "--help": "usage: tfllm VERB",
    "--version": "tfllm ",
    **{f"{verb} --help": f"usage: tfllm {verb}" for verb in VERBS},
    **{f"train {task} --help": "--recipe.epochs" for task in table.TASKS},
    **{f"vectors {action} --help": "--" for action in ACTIONS},
    **{f"audit {check} --help": f"usage: tfllm audit {check} RUN" for check in CHECKS},
    "completion bash": "complete -o default -F _tfllm tfllm",
    "train --help": "TASK: translation",
    "train translation --help": "--model.num_layers",
    "generate --help": "RUN of translation:",
    "generate RUN --help": "usage: tfllm generate RUN",
    "generate --help RUN --stream": "--decoding.temperature",
    "generate RUN --temperatur 1": "did you mean '--decoding.temperature'",
    "generate RUN hello --temperature hot": "expected float",
    "generate RUN hello --allowed_scripts Latn": "allowed_scripts has no script 'Latn'; did you mean 'Latin'",
    "generate RUN hello --batch_size 0": "--batch_size must be at least 1; got 0",
    "evaluate RUN": "name the text: --text F [F ...]",
    "evaluate RUN --text none.txt": "--text none.txt: there is no such file",
    "evaluate RUN --text none*.txt": "no file matches the pattern",
    "generate RUN hello --num_return_sequences -1": "--num_return_sequences must be at least 1; got -1",
    "evaluate RUN --text file --batch_tokens 0": "--batch_tokens must be at least 1; got 0",
    "evaluate RUN --text .": "is a folder without .txt",
    "train translation --out R --source . --target .": "--source .: expected a file, it is a folder",
    "keywords file --k -1": "--k must be at least 1; got -1",
    "export RUN file/below": "FOLDER file/below cannot be created",
    "chat RUN": "RUN is a run of lm",
    "info RUN": "lm",
    "info RUN --json": '"task": "lm"',
    "train lm --out": "no output folder: use --out RUN",
    "train lm --out R --gpu": "no option --gpu: TensorFlow uses the GPUs that it finds",
    "train lm --text": "no output folder: use --out RUN",
    "train lm --out R --text": "--text needs a value",
    "info file": "expected the folder of a run",
    "info .": "it is not a run",
    "train lm --out R --text file --config none.yaml": "tfllm train: none.yaml: No such file or directory",
    "train lm --out file --text file": "file: File exists",
    "train lm --out R --device gpu": "no option --device: TensorFlow uses the GPUs that it finds",
    "train lm --out R --recipe.epochs 0": "epochs must be 1 or more",
    "train translation --out R --source a": "--source and --target must be used together",
    "train translation --out R --source a --target b": "--source a: there is no such file",
    "train translation --out R --data file --bleu_every 1": "BLEU needs validation text",
    "train classifier --out R --data file --held_out 2": "--held_out must be a share between 0 and 1",
    "train qa --out R --squad file --valid_squad none": "--valid_squad none: there is no such file",
    "keywords none.txt": "FILE none.txt: there is no such file",
    "vectors train --text none.txt --out v.vec": "--text none.txt: there is no such file",
    "audit swaps RUN --data missing.txt": "--data missing.txt: there is no such file",
    "audit gender RUN": "RUN is a run of lm; tfllm audit gender needs one of translation",
}

CODE = """
import contextlib, io, json, os, sys
from tfllm.cli import main
for line in LINES:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed), contextlib.suppress(SystemExit):
        main(line.split())
    heavy = [name for name in ("tensorflow", "keras", "numpy")[: 3 if "--help" in line else 2] if name in sys.modules]
    assert not heavy, (line, heavy)
    assert LINES[line] in printed.getvalue(), (line, printed.getvalue())
assert os.environ["TF_CPP_MIN_LOG_LEVEL"] == "3"  # oneDNN logs "errors" that are none
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The working folder: RUN, which only says what it is, and a file."""
    from tests.cli.test_info import made

    made(tmp_path / "RUN", "LanguageModel")
    (tmp_path / "file").write_text("one\ttwo\n")
    monkeypatch.chdir(tmp_path)


def test_no_tensorflow_before_the_options_are_right(folder):
    python(f"LINES = {LINES!r}\n{CODE}")


def test_the_module_is_the_command():
    ended = subprocess.run([sys.executable, "-m", "tfllm", "--version"], capture_output=True, text=True, env=os.environ)
    assert ended.returncode == 0 and ended.stdout.startswith("tfllm ")
    line = [sys.executable, "-m", "tfllm", "train", "lm", "--help"]
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as unread:  # as `| head -0`
        unread.stdout.close()
        assert unread.stderr.read() == b""
