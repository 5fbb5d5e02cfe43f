"""The directive `public-names`: every public name of a package, a summary first, then the docstring of each.

    ```{public-names} tfllm.layers
    ```

Public is what `__all__` of the package names. Of a name that is a module, its own functions and classes are shown.
"""

import importlib
import inspect

from docstrings import inline
from sphinx.util.docutils import SphinxDirective

HIDDEN = {"tfllm.generation": {"NOT_A_NUMBER"}}  # constants, without a docstring


def own(module):
    """The public functions and classes that a module defines."""
    return [
        name for name, thing in vars(module).items()
        if not name.startswith("_") and getattr(thing, "__module__", None) == module.__name__
        and (inspect.isfunction(thing) or inspect.isclass(thing)) and thing.__doc__
    ]  # fmt: skip


def public(package):
    """{full name: object} of a package, functions and classes; names of its modules are opened."""
    found, home = {}, importlib.import_module(package)
    for name in sorted(home.__all__, key=str.lower):
        thing = getattr(home, name)
        if inspect.ismodule(thing):
            found |= {f"{thing.__name__}.{part}": getattr(thing, part) for part in own(thing)}
        elif name not in HIDDEN.get(package, ()):
            found[f"{package}.{name}"] = thing
    return found


def first(thing):
    """The first sentence of a docstring."""
    text = " ".join((inspect.getdoc(thing) or "").split("\n\n")[0].split())
    if text.startswith(f"{getattr(thing, '__name__', '')}("):
        return ""
    return text.split(". ")[0].rstrip(".")


def role(thing):
    return "class" if inspect.isclass(thing) else "func" if inspect.isroutine(thing) else "data"


def page(package):
    """reStructuredText: a table of the names, then each."""
    rows, parts = [".. list-table::", "   :widths: 30 70", ""], []
    for name, thing in public(package).items():
        kind = role(thing)
        short = name.removeprefix(f"{package}.")
        said = "" if kind == "data" else inline(first(thing))
        rows += [f"   * - :py:{kind}:`{short} <{name}>`", f"     - {said}"]
        parts += ["", f".. auto{ {'func': 'function'}.get(kind, kind) }:: {name}"]
        parts += ["   :no-value:", ""] if kind == "data" else [""]
    return "\n".join(rows + parts)


class PublicNames(SphinxDirective):
    required_arguments = 1

    def run(self):
        return self.parse_text_to_nodes(f"```{{eval-rst}}\n{page(self.arguments[0])}\n```")


def setup(app):
    app.add_directive("public-names", PublicNames)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
