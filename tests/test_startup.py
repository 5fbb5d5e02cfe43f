"""What `import tfllm` loads, what that costs, and what TensorFlow prints meanwhile.

A busy machine only ever adds to a time, so a limit holds if one of several fresh processes keeps it. Importing is
timed by the processor's clock, of modules that Python has compiled once and kept, as it does unless it is told not to.
"""

import ast
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import keras
import pytest

import tfllm
from tfllm import startup

TRIES = 5


def python(code, *arguments, silent=False):
    """(what a fresh Python prints, its seconds). silent: nothing may stand on standard error."""
    left_out = ("PYTHONDONTWRITEBYTECODE", "TF_CPP_MIN_LOG_LEVEL")
    environment = {name: value for name, value in os.environ.items() if name not in left_out}
    began = time.perf_counter()
    ended = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, env=environment)
    seconds = time.perf_counter() - began
    assert ended.returncode == 0 and not (silent and ended.stderr), ended.stderr
    return ended.stdout, seconds


def test_import_alone_loads_no_task():
    code = "import sys, tfllm; print(*(name for name in sys.modules if name.startswith(('tfllm.', 'keras'))))"
    assert python(code)[0].split() == ["tfllm.startup"]


AFTER_KERAS = """
import sys, time, keras
began = time.process_time()
import tfllm
print(time.process_time() - began, *(name for name in keras.saving.get_custom_objects() if name.startswith("tfllm>")))
model = keras.saving.load_model(sys.argv[1])
print(type(model).__module__, model.pe_target)
"""
BEFORE_KERAS = """
import sys, tfllm
model = tfllm.load_model(sys.argv[1])
print(type(model).__module__, model.pe_target)
"""


OLD = {"tfllm>CausalDialogue", "tfllm>Seq2SeqDialogue"}  # in files that were saved before 0.2


def registered_in_the_source():
    """Names of the classes that stand under @keras.saving.register_keras_serializable("tfllm")."""
    for path in (Path(__file__).parent.parent / "tfllm").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            over = map(ast.unparse, getattr(node, "decorator_list", ()))
            if "keras.saving.register_keras_serializable('tfllm')" in over:
                yield f"tfllm>{node.name}"


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    path = tmp_path_factory.mktemp("saved") / "tiny.keras"
    tfllm.Transformer(1, 4, 2, 8, 11, 13, 5, 6).save(path)
    return str(path)


@pytest.mark.slow
def test_import_after_keras_adds_all_our_classes_and_little_time(saved):
    """And Keras loads a model of ours."""
    for _ in range(TRIES):
        line, model = python(AFTER_KERAS, saved)[0].splitlines()
        seconds, *names = line.split()
        assert set(names) - OLD == set(registered_in_the_source()) != set()
        assert model == "tfllm.models.transformer 6"
        if float(seconds) < 0.3:  # 0.1 where nothing else runs
            return
    pytest.fail(f"import tfllm took {seconds} s more than import keras")


def test_a_saved_model_is_loaded_in_a_fresh_process(saved):
    assert python(BEFORE_KERAS, saved, silent=True)[0] == "tfllm.models.transformer 6\n"


NOISE = b"""WARNING: All log messages before absl::InitializeLog() is called are written to STDERR
I0000 00:00:1795939609.026614    2921 port.cc:153] oneDNN custom operations are on.
E0000 00:00:1795938427.712411    8432 cuda_platform.cc:52] failed call to cuInit: INTERNAL: CUDA error
2026-11-29 07:49:55.1: W tensorflow/core/x.cc:1] of older versions
To enable the following instructions: AVX2 FMA, in other operations, rebuild TensorFlow.
"""


def test_only_what_tensorflow_says_first_is_left_out(capfd):
    with startup.quiet():
        os.write(2, NOISE + b"DeprecationWarning: real\nF0000 00:00:1.1 1 a.cc:1] fatal\n")
    assert capfd.readouterr().err == "DeprecationWarning: real\nF0000 00:00:1.1 1 a.cc:1] fatal\n"
    with pytest.raises(ImportError), startup.quiet():
        os.write(2, NOISE)
        raise ImportError
    assert capfd.readouterr().err.encode() == NOISE
    with pytest.raises(KeyboardInterrupt), startup.quiet():
        os.write(2, NOISE)
        raise KeyboardInterrupt
    assert capfd.readouterr().err == ""


def test_the_device_is_said():
    assert re.fullmatch(r"CPU \([1-9]\d* cores?\)|GPU \(.+\)", startup.device())


def test_names_are_those_of_the_design_and_a_wrong_one_is_told():
    assert {"Transformer", "Translator", "data", "training", "load_model"} <= set(dir(tfllm))
    assert all(getattr(tfllm, name) is not None for name in tfllm.__all__)
    with pytest.raises(AttributeError, match="no attribute 'Tranformer'"):
        _ = tfllm.Tranformer


def test_names_that_are_not_there_are_told_with_the_nearest():
    for wrong, right in (("Tranlator", "Translator"), ("Bert", "BERT"), ("load_modle", "load_model")):
        with pytest.raises(AttributeError, match=f"no attribute '{wrong}'; did you mean '{right}'"):
            getattr(tfllm, wrong)
    with pytest.raises(AttributeError, match="no 'Translater'; did you mean 'Translator'"):
        _ = tfllm.tasks.Translater
    with pytest.raises(FileNotFoundError, match="nowhere.keras: expected the folder of a run or a .keras file"):
        tfllm.load_model("nowhere.keras")
    with pytest.raises(AttributeError, match="no attribute 'xyzzy'$"):
        _ = tfllm.xyzzy
    assert dir(tfllm) == sorted(tfllm.__all__)


def test_the_folder_of_a_run_is_loaded(tmp_path):
    layer = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    layer.save(tmp_path / "last.keras")
    assert tfllm.load_model(tmp_path).count_params() == 3
    layer.add(keras.layers.Dense(1))
    layer.save(tmp_path / "best.keras")
    assert tfllm.load_model(str(tmp_path)).count_params() == 5
    (tmp_path / "nothing").mkdir()
    with pytest.raises(FileNotFoundError, match="nothing has neither best.keras nor last.keras"):
        tfllm.load_model(tmp_path / "nothing")
