"""Who may import whom: the table of the design, held against every import statement inside tfllm/.

Read from the source, so imports inside functions count. Left out: tfllm/__init__.py, the public face, which
loads everything; and `importlib.import_module`, by which a package loads its own parts on first use.
"""

import ast
import importlib
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent / "tfllm"
EVERYTHING = None
MAY_IMPORT = {
    "startup": set(),
    "lazy": set(),
    "paths": set(),
    "partial": set(),
    "files": set(),
    "private_api": set(),
    "limits": {"private_api"},
    "saving": set(),
    "sizes": set(),
    "changeable": {"saving", "sizes"},
    "endless": set(),
    "ragged": set(),
    "fonts": {"files"},
    "config": {"files"},  # beyond the design, here and below: files are whole or not there
    "losses": {"saving"},
    "metrics": {"saving", "private_api"},
    "text": {"lazy", "files", "limits", "endless", "ragged"},
    "layers": {"files", "saving", "private_api", "sizes"},
    "generation": set(),
    "data": {"files", "limits", "endless", "paths", "ragged"},
    "evaluation": {"lazy", "files", "fonts", "private_api"},
    "export": {"lazy", "files", "private_api"},
    "serving": {"lazy", "export", "partial", "private_api", "data.reading.dialogues"},  # no tasks and models
    # Beyond the design: freezing and LoRA, by name.
    "training": {"lazy", "files", "limits", "fonts", "private_api", "config", "layers.names", "layers.lora"},
    "models": {"lazy", "layers", "sizes"},
    "vectors": {"lazy", "files", "limits", "fonts", "private_api", "text", "losses", "layers"},
    "interop": {"files", "limits", "models", "layers"},
    # Beyond the design: `fit` compiles with the recipe unless the user did; `score` and `export` are methods of a task.
    "tasks": {"lazy", "files", "saving", "sizes", "endless", "models", "layers", "text", "losses", "metrics",
              "generation", "vectors", "config", "data.batches", "data.blocks", "data.reading.dialogues",
              "data.masking", "data.sentence_pairs", "data.spans", "data.streams", "training.recipe",
              "training.schedules", "training.stopping", "evaluation", "export", "interop", "ragged", "private_api",
              "partial", "changeable"},
    # Texts as users hand them over are read as tasks read them.
    "extraction": {"lazy", "text", "evaluation", "tasks.user_data", "tasks.texts", "tasks.signature"},
    # `Task.explain` asks for it by name: explanations know tasks, and tasks know none of them.
    "explain": {"fonts", "files", "config", "ragged", "text", "layers", "tasks", "models", "evaluation"},
    "audit": {"lazy", "files", "evaluation", "data.reading", "explain", "tasks", "ragged"},
    "reports": {"lazy", "files", "config", "text", "losses", "training.progress", "evaluation", "tasks", "explain",
                "audit"},
    "cli": EVERYTHING,
    "__main__": {"cli"},
}  # fmt: skip


def imported(source, package):
    """What a file of `package` ("tfllm.text") imports: {"layers.masks", ...}; "" is tfllm itself."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*parents, *filter(None, [node.module])])
            names |= {f"{base}.{alias.name}" for alias in node.names}
    return {name.removeprefix("tfllm").removeprefix(".") for name in names if name.split(".")[0] == "tfllm"}


def forbidden(part, names):
    """The `names` that the table does not let a file of `part` import."""
    allowed = MAY_IMPORT[part]
    if allowed is EVERYTHING:
        return set()
    allowed = {part, *allowed}
    return {name for name in names if not any(name == way or name.startswith(way + ".") for way in allowed)}


FILES = sorted(path.relative_to(ROOT) for path in ROOT.rglob("*.py") if path != ROOT / "__init__.py")


@pytest.mark.parametrize("path", FILES, ids=str)
def test_the_table_of_imports_holds(path):
    part = path.parts[0].removesuffix(".py")
    assert part in MAY_IMPORT, f"tfllm/{part} is not in the table of the design"
    package = ".".join(["tfllm", *path.parent.parts])
    assert not forbidden(part, imported((ROOT / path).read_text("utf-8"), package))


def test_the_table_has_no_circle():
    """A row only looks at rows above it."""
    above = []
    for part, allowed in MAY_IMPORT.items():
        for name in allowed or ():
            assert name.split(".")[0] in above, f"{part} looks down at {name}"
        above.append(part)


def graph():
    """{file: the files whose names it imports}, packages left out: they load their parts on first use."""
    names = {".".join(path.with_suffix("").parts): path for path in FILES if path.name != "__init__.py"}
    result = {}
    for name, path in names.items():
        package = ".".join(["tfllm", *path.parent.parts])
        wanted = imported((ROOT / path).read_text("utf-8"), package)
        result[name] = {one for way in wanted for one in (way, way.rpartition(".")[0]) if one in names and one != name}
    return result


def test_no_file_imports_itself_by_way_of_others():
    """Files whose imports are all known to come first, taken away again and again, are all files."""
    left = graph()
    while done := {name for name, wanted in left.items() if not wanted & left.keys()}:
        left = {name: wanted for name, wanted in left.items() if name not in done}
    assert not left


def test_a_family_of_tasks_imports_no_other():
    families = {path.parent.name for path in FILES if path.parts[0] == "tasks" and len(path.parts) == 3}
    families -= {"runtimes"}  # exports tasks of all families
    shared = {"text_generation"}  # parts that write, for all families that do
    for name, wanted in graph().items():
        if name.startswith("tasks.") and (own := name.split(".")[1]) in families:
            others = {one.split(".")[1] for one in wanted if one.startswith("tasks.")} & (families - shared - {own})
            assert not others, f"tfllm/tasks/{own} imports {others}"


def test_files_are_found_by_their_names():
    """No two files have one name, and no folder more than 20."""
    modules = [path for path in FILES if path.name != "__init__.py"]
    for count, many in ((Counter(path.name for path in modules), 1), (Counter(path.parent for path in modules), 19)):
        assert not {name: size for name, size in count.items() if size > many}


def test_an_abstract_class_has_two_children_and_a_task_one_parent():
    """Abstract is what says so first in its docstring. What has one child is a part of it, or belongs in it."""
    nodes = [node for path in FILES for node in ast.walk(ast.parse((ROOT / path).read_text("utf-8")))
             if isinstance(node, ast.ClassDef)]  # fmt: skip
    bases = [(node.name, [ast.unparse(base) for base in node.bases]) for node in nodes]
    children = Counter(base for _, result in bases for base in result)
    abstract = {node.name for node in nodes if (ast.get_docstring(node) or "").startswith("Abstract")}
    assert {"Task", "Writing", "Encoder"} <= abstract
    assert not {name for name in abstract if children[name] < 2}
    tasks = {"Task"}
    while more := {name for name, result in bases if tasks & set(result)} - tasks:
        tasks |= more
    assert not [(name, result) for name, result in bases if tasks & set(result) and len(result) > 1]


@pytest.mark.parametrize(
    "part, line, caught",
    [
        ("models", "from tfllm.layers import masks", set()),
        ("models", "from ..layers.masks import causal", set()),
        ("models", "from . import gpt", set()),
        ("models", "import keras", set()),
        ("models", "import tfllm", {""}),
        ("models", "from tfllm import losses", {"losses"}),
        ("models", "from .. import losses", {"losses"}),
        ("models", "def f():\n    from tfllm.text.words import Words", {"text.words.Words"}),
        ("layers", "import tfllm.models as m", {"models"}),
        ("tasks", "from tfllm.data.batches import bucketed", set()),
        ("tasks", "from tfllm.data import batches", set()),
        ("tasks", "from tfllm.data import parallel", {"data.parallel"}),
        ("tasks", "from ..training import callbacks", {"training.callbacks"}),
        ("training", "from tfllm.tasks.translator import Translator", {"tasks.translator.Translator"}),
        ("data", "from tfllm.database import x", {"database.x"}),
        ("cli", "import tfllm", set()),
    ],
)
def test_the_check_sees(part, line, caught):
    assert forbidden(part, imported(line, f"tfllm.{part}")) == caught


@pytest.mark.parametrize("package, name", [("tasks", "Keywords"), ("tasks", "Lead"), ("text", "width")])
def test_what_has_moved_is_given_with_a_warning(package, name):
    with pytest.warns(FutureWarning, match=f"tfllm.{package}.{name} is now tfllm"):
        assert getattr(importlib.import_module(f"tfllm.{package}"), name).__name__.startswith(("tfllm", name))
    with pytest.raises(AttributeError, match="nothing"):
        getattr(importlib.import_module(f"tfllm.{package}"), "nothing" + name)
