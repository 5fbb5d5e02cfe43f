"""The docstrings of tfllm, which are plain text, as reStructuredText for autodoc.

`name: what it is` at the start of a line, and `name   what it is` in columns, become definitions; lines that are
indented for no other reason stay as they are written; all else is paragraphs. Only `code` between backticks is markup.
Fields of dataclasses are listed with the comments that stand behind them.
"""

import inspect
import re
from dataclasses import MISSING, fields, is_dataclass

from tfllm import config

CODE = re.compile(r"(?<![\w`])`([^`\n]+)`(?!`)")
COLON = re.compile(r"(\*{0,2}[a-z_]\w*(?:(?:, | and )\*{0,2}[a-z_]\w*)*): +(\S.*)")
COLUMNS = re.compile(r"(\*{0,2}[A-Za-z_]\w*(?:, \*{0,2}\w+)*) {2,}(\S.*)")


def inline(text):
    """One line of plain text with `code` -> reStructuredText."""
    parts = CODE.split(text)
    for i, part in enumerate(parts):
        if i % 2:
            glued = parts[i + 1][:1].isalnum() or parts[i + 1][:1] == "_"
            parts[i] = f"``{part.strip()}``" + ("\\ " if glued else "")
        else:
            parts[i] = re.sub(r"([\\*|_`])", r"\\\1", part)
    found = "".join(parts)
    return "\\" + found if found[:1] in tuple("-+>=~^\"#$%&'(),./:;<?@[]{}!") else found


def indent(line):
    return len(line) - len(line.lstrip())


def blocks(lines):
    """Lists of lines between blank lines."""
    found = [[]]
    for line in lines:
        if line.strip():
            found[-1].append(line.rstrip())
        elif found[-1]:
            found.append([])
    return [block for block in found if block]


def items(block, known=()):
    """A block -> [(name or None, text)] in order; None: a paragraph; "" : lines to keep as they are."""
    if indent(block[0]):
        return [("", "\n".join(block))]
    found, finished = [], True
    for line in block:
        text, deeper = line.strip(), indent(line)
        match = None if deeper else COLUMNS.fullmatch(text) or COLON.fullmatch(text)
        names = re.split(r", | and ", match[1].replace("*", "")) if match else []
        in_list = bool(found) and bool(found[-1][0])
        if match and (finished or in_list or set(names) <= set(known)):
            found.append((match[1], match[2]))
        elif deeper and found and not in_list and found[-1][1].endswith(":"):
            found.append(("", line))
        elif deeper and found and found[-1][0] == "":
            found[-1] = ("", f"{found[-1][1]}\n{line}")
        elif text.startswith("- ") or not found or found[-1][0] == "":
            found.append((None, text))
        else:
            found[-1] = (found[-1][0], f"{found[-1][1]} {text}")
        finished = text.endswith((".", ":", ";")) or deeper > 0
    return found


def rst(lines, known=()):
    """The lines of a docstring as reStructuredText. known: the names of its parameters."""
    found = []
    for block in blocks(lines):
        for name, text in items(block, known):
            if name == "":
                found += ["::", "", *(f"    {line}" for line in text.split("\n")), ""]
            elif name is None:
                bullet = text.startswith("- ")
                found += [f"* {inline(text[2:])}" if bullet else inline(text), ""]
            else:
                found += [f"``{name}``", f"    {inline(text)}"]
        if found and found[-1]:
            found.append("")
    return found


def parameters(thing):
    try:
        return tuple(inspect.signature(thing).parameters)
    except (TypeError, ValueError):
        return ()


def listed(kind):
    """The fields of a dataclass, as definitions."""
    comments, found = config._comments(kind), []
    for field in fields(kind):
        default = field.default if field.default_factory is MISSING else field.default_factory()
        given = "" if default is MISSING else f" = {default!r}" if not is_dataclass(default) else ""
        found += [f"``{field.name}{given}``", f"    {inline(comments.get(field.name, '')) or '—'}"]
    return [*found, ""]


def process(app, what, name, thing, options, lines):
    written = list(lines)
    if inspect.isclass(thing) and is_dataclass(thing) and "".join(written).startswith(f"{thing.__name__}("):
        written = []  # made by @dataclass
    lines[:] = rst(inspect.cleandoc("\n".join(written)).split("\n"), parameters(thing))
    if inspect.isclass(thing) and is_dataclass(thing):
        lines += listed(thing)


def sign(app, what, name, thing, options, arguments, returned):
    """The arguments of `__init__` of a class: Keras hides those of layers and models behind (*args, **kwargs)."""
    if what != "class" or "__init__" not in vars(thing) or is_dataclass(thing):
        return None
    signature = inspect.signature(thing.__init__)
    shown = [part.replace(annotation=part.empty) for part in list(signature.parameters.values())[1:]]
    return str(signature.replace(parameters=shown, return_annotation=signature.empty)), None


def skip(app, what, name, thing, skipped, options):
    """Fields of named tuples are in the docstring of the tuple."""
    return True if (getattr(thing, "__doc__", None) or "").startswith("Alias for field number") else None


def setup(app):
    app.connect("autodoc-process-docstring", process)
    app.connect("autodoc-process-signature", sign)
    app.connect("autodoc-skip-member", skip)
    app.setup_extension("sphinx.ext.autodoc")
    return {"parallel_read_safe": True, "parallel_write_safe": True}
