"""What `import tfllm` and `tfllm --help` load, and what that costs.

A busy machine only ever adds to a time, so a limit holds if one of several fresh processes keeps it. Importing is
timed by the processor's clock, of modules that Python has compiled once and kept, as it does unless it is told not to.
"""

import ast
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

import tfllm

TRIES = 5


def python(code):
    """(what a fresh Python prints, its seconds)"""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    began = time.perf_counter()
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    seconds = time.perf_counter() - began
    assert ended.returncode == 0, ended.stderr
    return ended.stdout, seconds


HELP = """
import sys
from tfllm.cli import main
main(["--help"])
print("loaded:", *sorted({name.split(".")[0] for name in sys.modules} & {"tensorflow", "keras", "numpy"}))
"""


def test_help_does_not_meet_tensorflow_and_is_quick():
    printed, _ = python(HELP)
    assert printed.startswith("usage: tfllm")
    assert printed.splitlines()[-1] == "loaded:"
    assert any(python(HELP)[1] < 0.5 for _ in range(TRIES))


def test_import_alone_loads_no_task():
    code = "import sys, tfllm; print(*(name for name in sys.modules if name.startswith(('tfllm.', 'keras'))))"
    assert python(code)[0].split() == ["tfllm.startup"]


AFTER_KERAS = """
import time, keras
began = time.process_time()
import tfllm
print(time.process_time() - began, *(name for name in keras.saving.get_custom_objects() if name.startswith("tfllm>")))
"""


def registered_in_the_source():
    """Names of the classes that stand under @keras.saving.register_keras_serializable("tfllm")."""
    for path in (Path(__file__).parent.parent / "tfllm").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            over = map(ast.unparse, getattr(node, "decorator_list", ()))
            if "keras.saving.register_keras_serializable('tfllm')" in over:
                yield f"tfllm>{node.name}"


def test_import_after_keras_adds_all_our_classes_and_little_time():
    for _ in range(TRIES):
        seconds, *names = python(AFTER_KERAS)[0].split()
        assert set(names) == set(registered_in_the_source()) != set()
        if float(seconds) < 0.3:
            return
    pytest.fail(f"import tfllm took {seconds} s more than import keras")


@pytest.mark.parametrize(
    "code",
    ["import keras, tfllm; model = keras.saving.load_model(PATH)", "import tfllm; model = tfllm.load_model(PATH)"],
)
def test_a_saved_model_is_loaded_in_a_fresh_process(code, tmp_path):
    path = str(tmp_path / "tiny.keras")
    tfllm.Transformer(1, 4, 2, 8, 11, 13, 5, 6).save(path)
    printed, _ = python(f"PATH = {path!r}; {code}; print(type(model).__module__, model.pe_target)")
    assert printed.split() == ["tfllm.models.transformer", "6"]


def test_names_are_those_of_the_design_and_a_wrong_one_is_told():
    assert {"Transformer", "Translator", "data", "training", "load_model"} <= set(dir(tfllm))
    assert all(getattr(tfllm, name) is not None for name in tfllm.__all__)
    with pytest.raises(AttributeError, match="no attribute 'Tranformer'"):
        _ = tfllm.Tranformer
