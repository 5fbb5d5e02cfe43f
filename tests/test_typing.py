"""Type stubs are those of the packages' tables; the public methods of tasks are annotated."""

import inspect
import runpy
from pathlib import Path

import pytest

import tfllm

STUBS = runpy.run_path(str(Path(__file__).parent.parent / "scripts" / "type_stubs.py"))
METHODS = (
    "fit", "evaluate", "predict", "generate", "stream", "score", "export", "from_text", "from_pretrained",
    "from_encoder", "from_language_model", "from_task", "from_vectors", "save_pretrained", "classify", "calibrate",
    "embed", "similarity", "search", "fill", "reply", "chat", "choose_threshold", "translator", "signatures", "run",
)  # fmt: skip


@pytest.mark.parametrize("path", STUBS["stubs"](), ids=str)
def test_stubs_are_those_of_the_tables(path):
    assert path.read_text() == STUBS["stubs"]()[path], "run python scripts/type_stubs.py"


def test_only_packages_with_a_table_have_stubs():
    assert set(STUBS["ROOT"].rglob("*.pyi")) == set(STUBS["stubs"]())
    assert (STUBS["ROOT"] / "py.typed").exists()


def test_a_stub_has_all_names():
    text = STUBS["stub"](STUBS["ROOT"] / "__init__.py")
    assert all(f" {name} as {name}\n" in text for name in tfllm.__all__ if name != "load_model")
    text = STUBS["stub"](STUBS["ROOT"] / "tasks" / "__init__.py")
    assert all(f" {name} as {name}\n" in text for name in tfllm.tasks.__all__)


TASKS = [name for name in tfllm.tasks.__all__ if inspect.isclass(getattr(tfllm.tasks, name)) and issubclass(
    getattr(tfllm.tasks, name), tfllm.tasks.Task)]  # fmt: skip


@pytest.mark.parametrize("name", TASKS)
def test_public_methods_are_annotated(name):
    task = getattr(tfllm.tasks, name)
    for method in (method for method in METHODS if hasattr(task, method)):
        signature = inspect.signature(getattr(task, method))
        missing = [
            one.name for one in signature.parameters.values() if one.annotation is one.empty and one.name != "self"
        ]
        if method in vars(task) or signature.return_annotation is not signature.empty:
            assert not missing and signature.return_annotation is not signature.empty, (method, missing)
