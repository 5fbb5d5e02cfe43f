"""Words of a command line -> a settings dataclass; and a dataclass -> the text of --help.

`--a.b value` or `--a.b=value`; `-` and `_` are equal in names; other options override those of `--config F.yaml`;
after `--` every word is text. A boolean option needs no value: `--stream`, `--lowercase false`. The options in MANY
take all words up to the next option. The last part of a name is enough if it is unique: `--temperature` for
`--decoding.temperature`. Not supported: short options other than -h, other abbreviations.
"""

import difflib
from dataclasses import MISSING, dataclass, fields

from tfllm import config
from tfllm.cli.messages import Help, meant

MANY = ("text", "valid_text", "similarity", "input")  # options that take several files
ANY = ("seed", "sg", "negative", "min_n", "max_n", "port")  # numbers that may be 0
HELP = "help"
GPUS = "TensorFlow uses the GPUs that it finds; CUDA_VISIBLE_DEVICES=-1 in the environment hides them"
NOTES = {"device": GPUS, "gpu": GPUS}  # what users may look for, but is not an option


@dataclass(frozen=True)
class NoOptions:
    """No options."""


def flags(*kinds):
    """The names of boolean options, in full and by their last part."""
    names = {option.name for kind in kinds for option in config.options(kind) if option.kind == "bool"}
    return names | {name.rpartition(".")[2] for name in names}


def split(arguments, flags=()):
    """({option: text, or a list of texts}, words). Raises ValueError for a repeated option.

    An option without a value has None. flags: names of options that are "true" unless the next word is true or false,
    like --help and -h.
    """
    given, words, rest = {}, [], ["--help" if word == "-h" else word for word in arguments]
    while rest:
        word = rest.pop(0)
        if word == "--":
            return given, words + rest
        if not word.startswith("--"):
            words.append(word)
            continue
        name, equals, text = word[2:].partition("=")
        name = name.replace("-", "_")
        if name in given:
            raise ValueError(f"--{name} is repeated")
        if name == HELP:
            given[HELP] = "true"
            continue
        if not equals and name in flags and not (rest and rest[0].lower() in ("true", "false")):
            given[name] = "true"
            continue
        if not equals and (not rest or rest[0].startswith("--")):
            given[name] = None  # `settings` reports a missing value, or an unknown option
            continue
        text = text if equals else rest.pop(0)
        if name in MANY:
            text = [text]
            while rest and not rest[0].startswith("--"):
                text.append(rest.pop(0))
        given[name] = text
    return given, words


def read(kind, usage, arguments, apart=()):
    """(settings of the dataclass `kind`, words) of a verb's arguments; raises Help for --help."""
    given, words = split(arguments, flags(kind))
    if HELP in given or not arguments:
        raise Help(help(usage, kind, apart))
    return settings(kind, given, apart), words


def settings(kind, given, apart=(), unknown_note=NOTES.get):
    """An instance of the dataclass `kind` from {option: text}. Raises ValueError for unknown names, with a similar one.

    apart: options of the verb that are not settings, {"out": their help}, for that message. unknown_note(name): an
    explanation for an unknown name; None: nothing.
    """
    names, values_by_name = ["config", *apart, *(option.name for option in config.options(kind))], {}
    several = {option.name for option in config.options(kind) if option.kind.startswith("a list")}
    for short, text in given.items():
        name = in_full(short, names)
        if name not in names:
            note = NOTES.get(name) or unknown_note(name)
            raise ValueError(f"no option --{name}{f': {note}' if note else near(name, names)}")
        if text is None:
            raise ValueError(f"--{name} needs a value: --{name} VALUE")
        if name in values_by_name:
            raise ValueError(f"--{name} is repeated")
        alone = isinstance(text, list) and len(text) == 1 and name not in several
        values_by_name[name] = text[0] if alone else text
    given, values = values_by_name, {}
    if "config" in given:
        values = config.plain(config.load(kind, given["config"]))
    # the kind of a model first
    for name, text in sorted(given.items(), key=lambda item: not item[0].endswith(".kind")):
        if name != "config":
            values = config.override(kind, values, name, text)
    return counted(config.build(kind, values))


def counted(settings):
    """The settings, after checking that counts are at least 1, or 0 if that is the default. Raises ValueError."""
    for field in fields(settings):
        value, least = getattr(settings, field.name), 0 if field.default == 0 else 1
        if type(value) is int and value < least and field.name not in ANY:
            raise ValueError(f"--{field.name} must be at least {least}; got {value}")
    return settings


def full(kind, given):
    """The names of the given options, in full."""
    names = [option.name for option in config.options(kind)]
    return {in_full(name, names) for name in given}


def values(kinds, apart=()):
    """{option: its values, () if they are not listed} of a verb, for shell completion."""
    result = {name: {} for name in ("config", *apart)}  # dicts as ordered sets
    for option in (option for kind in kinds for option in config.options(kind)):
        result.setdefault(option.name, {}).update(dict.fromkeys(option.choices))
    return {name: tuple(choices) for name, choices in result.items()}


def in_full(name, names):
    """The only one of `names` with this last part; `name` itself if it is one of them, or if it is not unique."""
    result = {other for other in names if other.rpartition(".")[2] == name}
    return result.pop() if name not in names and len(result) == 1 else name


def near(name, names):
    """`: did you mean '--recipe.epochs'?`: the option whose last part is most similar to that of `name`, or ""."""
    stem, _, last = name.rpartition(".")
    inside = {other.rpartition(".")[2]: other for other in reversed(names) if other.startswith(stem)}
    if close := difflib.get_close_matches(last, inside, n=1, cutoff=0.55):
        return f": did you mean '--{inside[close[0]]}'?"
    return meant(f"--{name}", [f"--{other}" for other in names], cutoff=0.75)


def words(expected, given):
    """The `given` words, one for each name in `expected`; raises ValueError otherwise, and for an empty word."""
    if len(given) != len(expected):
        raise ValueError(f"expected {' '.join(expected) or 'options only'}, got {' '.join(given) or 'nothing'}")
    for name, word in zip(expected, given, strict=True):
        if name and not word:
            raise ValueError(f"{name} is an empty word; expected {' '.join(expected)}")
    return given


def help(usage, kind, apart=()):
    """The text of --help: usage, then every option with its comment, type and default."""
    return "\n".join([f"usage: {usage}", "", *lines(kind, apart)])


def helps(usage, kinds):
    """The text of --help if the options depend on RUN's task: {task: dataclass}. Those of all tasks come last, once."""
    found = {f"RUN of {task}:": rows(kind) for task, kind in kinds.items()}
    parts = list(found.values())
    common = [row for row in parts[0] if len(parts) > 1 and all(row in other for other in parts[1:])]
    own = {title: [row for row in part if row not in common] for title, part in found.items()} | {"every RUN:": common}
    shown = [line for title, part in own.items() if part for line in ("", title, *aligned(part))]
    return "\n".join([f"usage: {usage}", *shown])


def lines(kind, apart=()):
    return aligned(rows(kind, apart))


def rows(kind, apart=()):
    """[(option, what it does)] of a dataclass."""
    result = [("--config F.yaml", "settings in a file; other options override them; - and _ are equal in names")]
    result += [(f"--{name}", comment) for name, comment in dict(apart).items()]
    for option in config.options(kind):
        default = "" if option.default in (None, MISSING, ()) else f", default {shown(option.default)}"
        result.append((f"--{option.name}", f"{option.comment} ({option.kind.removesuffix(' or none')}{default})"))
    return result


def aligned(rows):
    width = max(len(name) for name, _ in rows) + 2
    return [f"  {name:{width}}{text.strip()}" for name, text in rows]


def shown(default):
    return ",".join(map(str, default)) if isinstance(default, tuple) else str(default)
