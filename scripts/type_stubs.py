"""Write __init__.pyi for each package that loads its names when they are first used, so that type checkers see them.

    python scripts/type_stubs.py

tests/test_typing.py compares the files with `stub`.
"""

import ast
from pathlib import Path

ROOT = Path(__file__).parent.parent / "tfllm"
LOAD_MODEL = "def load_model(path: str | PathLike[str], compile: bool = True) -> Any: ..."


def stub(init):
    """The text of __init__.pyi for an __init__.py; None if the package loads its names at once."""
    tree, package = ast.parse(init.read_text()), ".".join(init.parent.relative_to(ROOT.parent).parts)
    if package == "tfllm":
        values = {node.targets[0].id: node.value for node in tree.body if isinstance(node, ast.Assign)}
        parts, homes = (ast.literal_eval(values[name]) for name in ("_PARTS", "_HOMES"))
        lines = ["from os import PathLike", "from typing import Any", ""]
        lines += [f"from tfllm import {part} as {part}" for part in parts]
        lines += sorted(f"from tfllm.{module} import {name} as {name}" for name, module in homes.items())
        return "\n".join([*lines, "", "__version__: str", "", LOAD_MODEL, ""])
    calls = (node.value for node in tree.body if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call))
    homes = next((ast.literal_eval(call.args[1]) for call in calls if ast.unparse(call.func) == "lazy.names"), None)
    if homes is None:
        return None
    pairs = sorted((module, name) for module, names in homes.items() for name in names)
    return "\n".join([*(f"from {package}.{module} import {name} as {name}" for module, name in pairs), ""])


def stubs():
    """{path of an __init__.pyi: its text}."""
    texts = {init.with_suffix(".pyi"): stub(init) for init in sorted(ROOT.rglob("__init__.py"))}
    return {path: text for path, text in texts.items() if text is not None}


if __name__ == "__main__":
    for path, text in stubs().items():
        path.write_text(text)
