"""Which test files depend on what has changed: `python tests/affected.py [BASE]` prints them, for `make check`.

A file depends on the files whose names it imports, read from the source: `from tfllm.tasks import Translator` and
`tfllm.Translator` lead to tasks/translator.py. A change is a difference to the commit BASE (origin/main where it is
known, else HEAD~1), committed or not. Not seen: imports in code that a test hands to another process as text.
"""

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGES = [Path("tests/test_docs.py"), Path("tests/test_pages.py")]  # of README.md and docs/


@cache
def module(name):
    """The file of a module or package, relative to the root; None where there is none."""
    place = Path(*name.split("."))
    return next((path for path in (place.with_suffix(".py"), place / "__init__.py") if (ROOT / path).is_file()), None)


@cache
def tree(path):
    return ast.parse((ROOT / path).read_text("utf-8"))


@cache
def exported(package):
    """{name: the full name that it has elsewhere} of what the __init__.py of a package offers.

    Imported there, or loaded when it is first used: lazy.names(__name__, {module: [names]}), _HOMES of tfllm itself.
    """
    found, here = {}, ".".join(package.parent.parts)
    for node in ast.walk(tree(package)):
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Call) and ast.unparse(node.func) == "lazy.names":
            homes = ast.literal_eval(node.args[1])
            found |= {name: f"{here}.{home}.{name}" for home, names in homes.items() for name in names}
        elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "_HOMES":
            found |= {name: f"{here}.{home}.{name}" for name, home in ast.literal_eval(node.value).items()}
    return found


def file_of(name):
    """The file that a full name such as tfllm.layers.masks.causal comes from; None: it is not ours."""
    parts = name.split(".")
    for size in range(len(parts), 0, -1):
        path = module(".".join(parts[:size]))
        if path is None:
            continue
        if path.name == "__init__.py" and size < len(parts):
            elsewhere = exported(path).get(parts[size])
            if elsewhere and elsewhere != ".".join(parts[: size + 1]):
                return file_of(elsewhere)
        return path
    return None


@cache
def uses(path):
    """The files of ours whose names a file uses."""
    names = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Attribute):
            names.add(ast.unparse(node))
    found = {file_of(name) for name in names if name.split(".")[0] in ("tfllm", "tests")}
    if path.parts[0] == "tests":
        found |= {folder / "conftest.py" for folder in path.parents if (ROOT / folder / "conftest.py").is_file()}
    return found - {None, path}


def reached(path):
    """All files that a file depends on, itself among them."""
    seen, rest = set(), [path]
    while rest:
        if (one := rest.pop()) not in seen:
            seen.add(one)
            rest += uses(one)
    return seen


def affected(changed):
    """Paths that have changed -> the test files that depend on them, in order."""
    changed = {Path(path) for path in changed}
    tests = sorted(path.relative_to(ROOT) for path in (ROOT / "tests").rglob("test_*.py"))
    found = [path for path in tests if reached(path) & changed]
    pages = any(path == Path("README.md") or path.parts[0] == "docs" for path in changed)
    return found + [path for path in PAGES if pages and path not in found]


def changes(base):
    def lines(*command):
        run = subprocess.run(["git", *command], cwd=ROOT, capture_output=True, text=True, check=True)
        return run.stdout.splitlines()

    return [*lines("diff", "--name-only", base), *lines("ls-files", "--others", "--exclude-standard")]


def default_base():
    known = subprocess.run(["git", "rev-parse", "--verify", "-q", "origin/main"], cwd=ROOT, capture_output=True)
    return "origin/main" if known.returncode == 0 else "HEAD~1"


if __name__ == "__main__":
    print(*affected(changes(sys.argv[1] if len(sys.argv) > 1 else default_base())), sep="\n")
