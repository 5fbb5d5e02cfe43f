"""What starting costs: the best of several fresh processes, since a busy machine only ever adds to a time."""

import subprocess
import sys
import time

REPEATS = 4


def python(code):
    """(what a fresh Python prints, its seconds)"""
    began = time.perf_counter()
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    seconds = time.perf_counter() - began
    assert ended.returncode == 0, ended.stderr
    return ended.stdout, seconds


HELP = """
import sys
from tfllm.cli import main
try:
    main(["--help"])
except SystemExit as end:
    assert not end.code
print("loaded:", *sorted({name.split(".")[0] for name in sys.modules} & {"tensorflow", "keras", "numpy"}))
"""


def test_help_is_quick_and_does_not_meet_tensorflow():
    printed, seconds = zip(*(python(HELP) for _ in range(REPEATS)), strict=True)
    assert printed[0].splitlines()[-1] == "loaded:"
    assert "usage: tfllm" in printed[0]
    assert min(seconds) < 0.5


def test_import_adds_little_to_keras():
    """After `import keras` it also loads the classes that `keras.saving.load_model` may ask for."""
    code = "import time, keras; began = time.perf_counter(); import tfllm; print(time.perf_counter() - began)"
    assert min(float(python(code)[0]) for _ in range(REPEATS)) < 0.3


def test_import_alone_loads_no_task():
    code = "import sys, tfllm; print(*(name for name in sys.modules if name.startswith(('tfllm.', 'keras'))))"
    assert python(code)[0].strip() == ""
