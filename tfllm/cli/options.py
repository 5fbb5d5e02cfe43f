"""Words of a command line -> a settings dataclass; and back, as the verb's --help.

`--a.b value` or `--a.b=value`; `-` and `_` are the same in a name; `--config F.yaml` stands below the
options; after `--` every word is text. Left out: short options, flags without a value, abbreviations.
"""

from dataclasses import MISSING

from tfllm import config
from tfllm.cli import meant


def read(kind, arguments, words=0):
    """(settings: an instance of the dataclass `kind`, the words that are no options).

    words: how many of those there may be, None for any number.
    Raises ValueError for unknown names (with the nearest), wrong values and too many words.
    """
    given, rest = split(arguments)
    if words is not None and len(rest) > words:
        raise ValueError(f"unexpected {' '.join(rest[words:])!r}: every option is --name value")
    values = {}
    if "config" in given:
        values = config.read(given.pop("config"))
        config.build(kind, values)
    for name, text in given.items():
        values = override(kind, values, name, text)
    return config.build(kind, values), rest


def split(arguments):
    """({option: text}, words). Raises ValueError for an option without a value or given twice."""
    given, words, rest = {}, [], list(arguments)
    while rest:
        word = rest.pop(0)
        if word == "--":
            return given, words + rest
        if not word.startswith("--"):
            words.append(word)
            continue
        name, equals, text = word[2:].partition("=")
        name = name.replace("-", "_")
        if not equals and (not rest or rest[0].startswith("--")):
            raise ValueError(f"--{name} needs a value: --{name} VALUE")
        if name in given:
            raise ValueError(f"--{name} is given twice")
        given[name] = text if equals else rest.pop(0)
    return given, words


def override(kind, values, name, text):
    """`values` with one option read; ValueError with the nearest name for an unknown one."""
    known = ["config", *(option.name for option in config.options(kind))]
    if name not in known:
        raise ValueError(f"no option --{name}{meant('--' + name, ['--' + other for other in known])}")
    return config.override(kind, values, name, text)


def help(usage, kind):
    """The text of --help: the usage and every option with its type, default and comment."""
    rows = [("--config F.yaml", "settings in a file, below those given here")]
    for option in config.options(kind):
        default = "" if option.default in (None, MISSING, ()) else f" [{shown(option.default)}]"
        rows.append((f"--{option.name}", f"{option.comment or option.kind}{default}"))
    width = max(len(name) for name, _ in rows) + 2
    return "\n".join([f"usage: {usage}", "", *(f"  {name:{width}}{text}" for name, text in rows)])


def shown(default):
    return ",".join(map(str, default)) if isinstance(default, tuple) else str(default)
