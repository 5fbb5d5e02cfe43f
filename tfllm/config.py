"""Settings: dict or YAML -> strict frozen dataclass, and back; `--a.b value` overrides.

Unknown names, wrong types and missing values are errors with the dotted path and the most similar name.
If the type of a field is one of several dataclasses, `model: GPTConfig | LSTMConfig`, `kind` selects one by its class
name without "Config": `model: {kind: LSTM, num_units: 64}`, `--model.kind LSTM`. The default is the first.
Not supported: dataclasses by type name, inheritance of YAML files, environment variables.
TensorFlow is never imported here: `tfllm --help` lists the options from these functions.
"""

import difflib
import inspect
import re
import reprlib
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, NamedTuple, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")
KIND = "kind"  # the name that selects one of several dataclasses
SHORT = reprlib.Repr()  # for values that a file nests very deeply
SHORT.maxlevel, SHORT.maxstring, SHORT.maxother = 3, 100, 100
NUMBER = re.compile(r"[-+]?\d[\d_]*(\.\d*)?[eE][-+]?\d+$")  # a float of YAML 1.2 that PyYAML reads as text


def build(kind: type[T], values: Mapping[str, Any], where: str = "") -> T:
    """An instance of the dataclass `kind` from a mapping; nested mappings become nested dataclasses.

    Raises ValueError for unknown, missing or wrongly typed values; `where` is the dotted name of the mapping, for
    these messages.
    """
    if not isinstance(values, Mapping):
        raise ValueError(f"{where or kind.__name__}: expected names with values, got {_shown(values)}")
    hints = get_type_hints(kind)
    known = [field for field in fields(kind) if field.init]  # type: ignore[arg-type]
    for name in values:
        if name not in (names := [field.name for field in known]):
            raise ValueError(f"{where or kind.__name__} has no {name!r}{nearest(str(name), names)}")
    needed = [f.name for f in known if f.default is MISSING and f.default_factory is MISSING]
    if missing := [name for name in needed if name not in values]:
        raise ValueError(f"{where or kind.__name__} needs a value for {', '.join(missing)}")
    prefix = f"{where}." if where else ""
    return kind(**{name: _converted(hints[name], value, prefix + name) for name, value in values.items()})


def load(kind: type[T], path: str | Path) -> T:
    """`build(kind, ...)` from a YAML file. Errors name the file."""
    values = read(path)
    try:
        return build(kind, values)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def read(path: str | Path) -> dict[str, Any]:
    """The values of a YAML file (1e-3 is a number, as in YAML 1.2; a repeated name is an error)."""
    import yaml

    try:
        values = yaml.load(Path(path).expanduser().read_bytes().decode("utf-8"), _loader())
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ValueError(f"{path} is not YAML in UTF-8: {' '.join(str(error).split())[:300]}") from None
    if values is not None and not isinstance(values, dict):
        raise ValueError(f"{path}: expected lines `name: value`, got {_shown(values)}")
    return values or {}


def plain(config) -> dict[str, Any]:
    """The dataclass as a dict of YAML types; `build(type(config), plain(config)) == config`."""
    hints = get_type_hints(type(config))
    return {field.name: _plain(getattr(config, field.name), hints[field.name]) for field in _ordered(config, hints)}


def dump(config) -> str:
    """The dataclass as YAML text, names in the order of the class, nested ones last."""
    import yaml

    class Dumper(yaml.SafeDumper):
        """Texts with line ends, and "1e3", are double-quoted; otherwise they would be read back differently."""

    def quoted(dumper, text):
        style = None if text.isprintable() and not NUMBER.match(text) else '"'
        return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)

    Dumper.add_representer(str, quoted)
    return yaml.dump(plain(config), Dumper=Dumper, sort_keys=False, allow_unicode=True)


class Option(NamedTuple):
    """One setting as the command line shows it."""

    name: str  # dotted, "model.num_layers"
    kind: str  # "int", "float or none", "one of a, b"
    default: Any  # dataclasses.MISSING if a value is needed
    comment: str  # the comment after the field in the source
    choices: tuple[str, ...] = ()  # the values, if they can be listed


def options(kind: type, where: str = "") -> Iterator[Option]:
    """All settings of a dataclass by dotted name, nested ones last; once for each kind that has them."""
    hints, comments = get_type_hints(kind), _comments(kind)
    for field in _ordered(kind, hints):
        hint, name = hints[field.name], where + field.name
        if nested := _kinds(hint):
            if len(nested) > 1:
                one = f"one of {', '.join(nested)}"
                comment = f"which {name}; each has its own settings"
                yield Option(f"{name}.{KIND}", one, next(iter(nested)), comment, tuple(nested))
            for which, part in nested.items():
                for option in options(part, f"{name}."):
                    yield option if len(nested) == 1 else option._replace(comment=f"{which}: {option.comment}".strip())
        else:
            default = field.default if field.default_factory is MISSING else field.default_factory()
            yield Option(name, _described(hint), default, comments.get(field.name, ""), _choices(hint))


def override(kind: type, values: Mapping[str, Any], name: str, text: str | list[str]) -> dict[str, Any]:
    """A copy of `values` with the setting of the dotted `name` read from `text` as its field's type.

    override(Translation, {}, "model.num_layers", "4") -> {"model": {"num_layers": 4}}
    "none" sets None if allowed; "a, b, c" are the items of a tuple, as is a list of texts. Another `kind` starts with
    its own defaults.
    """
    head, _, rest = name.partition(".")
    hint = get_type_hints(kind).get(head)
    nested, old = _kinds(hint), values.get(head) or {}
    if hint is None or bool(rest) != bool(nested):
        known = list(dict.fromkeys(option.name for option in options(kind)))
        raise ValueError(f"{kind.__name__} has no {name!r}{nearest(name, known)}")
    if nested:
        try:
            if rest == KIND and len(nested) > 1:
                return {**values, head: old if text == _kind(nested, old, head) else {KIND: text}}
            return {**values, head: override(nested[_kind(nested, old, head)], old, rest, text)}
        except ValueError as error:
            others = [which for which, part in nested.items() if rest in get_type_hints(part)]
            advice = (
                f". {' and '.join(others)} would have it: {head}.{KIND}" if others and "has no" in str(error) else ""
            )
            raise ValueError(f"{head}: {error}{advice}") from None
    return {**values, head: _parsed(hint, text, name)}


def nearest(name: str, names) -> str:
    """The end of an error message: `; did you mean 'x'? It has a, b, x`."""
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    return (f"; did you mean {close[0]!r}?" if close else ".") + f" It has {', '.join(names) or 'nothing'}"


def _converted(hint, value, where: str):
    """`value` as the type `hint`, or ValueError. Only int -> float and list -> tuple are converted."""
    parts, origin = _parts(hint), get_origin(hint)
    if hint is Any:
        return value
    if len(parts) > 1:
        if (nested := _kinds(hint)) and isinstance(value, Mapping):
            part = nested[_kind(nested, value, where)]
            values = value if len(nested) == 1 else {name: value[name] for name in value if name != KIND}
            return build(part, values, where)  # its error is more specific
        for part in parts:
            try:
                return _converted(part, value, where)
            except ValueError:
                continue
    elif is_dataclass(hint):
        return value if isinstance(value, hint) else build(hint, value, where)  # type: ignore[arg-type]
    elif origin is Literal:
        if any(type(value) is type(choice) and value == choice for choice in get_args(hint)):
            return value
    elif origin in (tuple, list) and isinstance(value, (tuple, list)):
        item = get_args(hint)[0]
        return origin(_converted(item, part, f"{where}[{i}]") for i, part in enumerate(value))
    elif origin is dict and isinstance(value, Mapping):
        item = get_args(hint)[1]
        return {name: _converted(item, part, f"{where}.{name}") for name, part in value.items()}
    elif hint is float and type(value) is int:
        return float(value)
    elif origin is None and type(value) is hint:
        return value
    raise ValueError(f"{where}: expected {_described(hint)}, got {_shown(value)}")


def _parsed(hint, text, where: str):
    """The value of `text` from the command line for a field of type `hint`."""
    for part in sorted(_parts(hint), key=lambda part: part is str):
        origin = get_origin(part)
        if isinstance(text, list) and origin not in (tuple, list):
            continue
        try:
            if part is NoneType and text.lower() in ("none", "null"):
                return None
            if part is bool and text.lower() in ("true", "false"):
                return text.lower() == "true"
            if part in (int, float, str):
                return part(text)
            if origin is Literal:
                return next(choice for choice in get_args(part) if str(choice) == text)
            if origin in (tuple, list):
                return origin(_parsed(get_args(part)[0], item, where) for item in _items(text))
        except (ValueError, StopIteration):
            continue
    raise ValueError(f"{where}: expected {_described(hint)}, got {text!r}")


def _items(text) -> list[str]:
    return text if isinstance(text, list) else [part.strip() for part in text.strip("()[] ").split(",") if part.strip()]


def _parts(hint) -> tuple:
    return get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)


def _kinds(hint) -> dict[str, Any]:
    """{kind: dataclass} of a hint's dataclasses, {} if it has none."""
    parts: list[Any] = [part for part in _parts(hint) if is_dataclass(part)]
    return {part.__name__.removesuffix("Config"): part for part in parts}


def _kind(nested: Mapping[str, type], values: Mapping[str, Any], where: str) -> str:
    """The kind that the values have among the `nested` dataclasses."""
    kind = values.get(KIND) if len(nested) > 1 else None
    if kind is not None and kind not in list(nested):
        raise ValueError(f"{where}.{KIND}: expected one of {', '.join(nested)}, got {_shown(kind)}")
    return kind or next(iter(nested))


def _ordered(kind, hints) -> list:
    """The fields of a dataclass, nested dataclasses after all others."""
    return sorted(fields(kind), key=lambda field: bool(_kinds(hints[field.name])))


def _described(hint) -> str:
    if len(_parts(hint)) > 1:
        return " or ".join(map(_described, _parts(hint)))
    if get_origin(hint) is Literal:
        return "one of " + ", ".join(map(str, get_args(hint)))
    if get_origin(hint) in (tuple, list):
        return f"a list of {_described(get_args(hint)[0])}"
    return "none" if hint is NoneType else getattr(hint, "__name__", str(hint))


def _shown(value) -> str:
    text = SHORT.repr(value)
    return f"{text if len(text) < 60 else text[:57] + '...'} ({type(value).__name__})"


def _choices(hint) -> tuple[str, ...]:
    """The values of a hint, as they are typed; () if some part of it has no list of values."""
    known = {bool: ("true", "false"), NoneType: ("none",)}
    parts = [get_args(part) if get_origin(part) is Literal else known.get(part, ()) for part in _parts(hint)]
    return tuple(str(value) for part in parts for value in part) if all(parts) else ()


def _plain(value, hint=Any):
    """`value` in YAML types; with its kind, if the hint has several. Not supported: several kinds inside a list."""
    if is_dataclass(value):
        nested = _kinds(hint)
        kind = next((name for name, part in nested.items() if type(value) is part), None)
        return ({KIND: kind} if len(nested) > 1 else {}) | plain(value)
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    return [_plain(part) for part in value] if isinstance(value, (tuple, list)) else value


def _comments(kind: type) -> dict[str, str]:
    """{field: the comment on its line, else above it}, with inherited fields: the source documents the options."""
    return {name: text for part in filter(is_dataclass, reversed(kind.__mro__)) for name, text in _own_comments(part)}


@cache
def _own_comments(part: type) -> list[tuple[str, str]]:
    """Found by indentation: `inspect.getsource` of a class parses its whole file, which is too slow for --help."""
    try:
        source = inspect.getsource(sys.modules[part.__module__])
    except (OSError, TypeError):  # a class typed at a prompt has no source
        return []
    body = re.search(rf"^([ \t]*)class {part.__name__}\b.*?(?=^\1\S|\Z)", source, re.MULTILINE | re.DOTALL)
    text = body[0] if body else ""
    fields = re.findall(r"^((?:[ \t]+#.*\n)*)[ \t]+(\w+)[ \t]*:.*?(?:#\s*(.*))?$", text, re.MULTILINE)
    comments = ((name, beside or " ".join(re.findall(r"#\s*(.*)", above))) for above, name, beside in fields)
    return [(name, text) for name, text in comments if text]


def _loader():
    import yaml

    class Loader(yaml.SafeLoader):
        def construct_mapping(self, node, deep=False):
            names = Counter((name.tag, name.value) for name, _ in node.value if isinstance(name, yaml.ScalarNode))
            if twice := next((name for (_, name), count in names.items() if count > 1), None):
                raise yaml.MarkedYAMLError(problem=f"{twice!r:.60} is repeated", problem_mark=node.start_mark)
            return super().construct_mapping(node, deep)

    Loader.add_implicit_resolver("tag:yaml.org,2002:float", NUMBER, list("-+0123456789"))
    return Loader
