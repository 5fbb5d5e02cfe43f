"""Words of a command line -> a settings dataclass; and a dataclass -> the verb's --help.

`--a.b value` or `--a.b=value`; `-` and `_` are the same in a name; `--config F.yaml` stands below the other options;
after `--` every word is text. An option that is true or false needs no value: `--stream`, `--lowercase false`. The
options of MANY take all words up to the next option (one, where one is wanted). The last part of a name is enough where
no other option has it: `--temperature` for `--decoding.temperature`.
Left out: other short options than -h, other abbreviations.
"""

import difflib
from dataclasses import MISSING, dataclass, fields

from tfllm import config
from tfllm.cli.messages import Help, meant

MANY = ("text", "valid_text", "similarity")  # files
ANY = ("seed", "sg", "negative", "min_n", "max_n")  # numbers that may be 0
HELP = "help"
GPUS = "TensorFlow computes on the GPUs that it finds; CUDA_VISIBLE_DEVICES=-1 in the environment hides them"
NOTES = {"device": GPUS, "gpu": GPUS}  # what people look for that is no option


@dataclass(frozen=True)
class NoOptions:
    """Of a verb that has none for a task."""


def flags(*kinds):
    """The names of the options that need no value, in full and by their last part."""
    names = {option.name for kind in kinds for option in config.options(kind) if option.kind == "bool"}
    return names | {name.rpartition(".")[2] for name in names}


def split(arguments, flags=()):
    """({option: text, or a list of texts}, words). Raises ValueError for an option given twice.

    An option without a value has None. flags: names of options that are "true" unless the next word is true or false.
    --help and -h are of them.
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
            raise ValueError(f"--{name} is given twice")
        if name == HELP:
            given[HELP] = "true"
            continue
        if not equals and name in flags and not (rest and rest[0].lower() in ("true", "false")):
            given[name] = "true"
            continue
        if not equals and (not rest or rest[0].startswith("--")):
            given[name] = None  # `settings` refuses it, or says that there is no such option
            continue
        text = text if equals else rest.pop(0)
        if name in MANY:
            text = [text]
            while rest and not rest[0].startswith("--"):
                text.append(rest.pop(0))
        given[name] = text
    return given, words


def read(kind, usage, arguments, apart=()):
    """(settings of the dataclass `kind`, words) of a verb's arguments; raises Help where they ask for it."""
    given, words = split(arguments, flags(kind))
    if HELP in given or not arguments:
        raise Help(help(usage, kind, apart))
    return settings(kind, given, apart), words


def settings(kind, given, apart=(), told=NOTES.get):
    """An instance of the dataclass `kind` from {option: text}. ValueError for unknown names, with the nearest.

    apart: options of the verb that are no settings, {"out": what it is}, for that error message. told(name): what
    it says of an unknown name instead; None: nothing.
    """
    names, whole = ["config", *apart, *(option.name for option in config.options(kind))], {}
    several = {option.name for option in config.options(kind) if option.kind.startswith("a list")}
    for short, text in given.items():
        name = in_full(short, names)
        if name not in names:
            note = NOTES.get(name) or told(name)
            raise ValueError(f"no option --{name}{f': {note}' if note else near(name, names)}")
        if text is None:
            raise ValueError(f"--{name} needs a value: --{name} VALUE")
        if name in whole:
            raise ValueError(f"--{name} is given twice")
        alone = isinstance(text, list) and len(text) == 1 and name not in several
        whole[name] = text[0] if alone else text
    given, values = whole, {}
    if "config" in given:
        values = config.plain(config.load(kind, given["config"]))
    for name, text in sorted(given.items(), key=lambda item: not item[0].endswith(".kind")):  # what is meant, first
        if name != "config":
            values = config.override(kind, values, name, text)
    return counted(config.build(kind, values))


def counted(settings):
    """The settings, whose whole numbers count something: 1 or more, 0 where that is the default. ValueError else."""
    for field in fields(settings):
        value, least = getattr(settings, field.name), 0 if field.default == 0 else 1
        if type(value) is int and value < least and field.name not in ANY:
            raise ValueError(f"--{field.name} must be {least} or more; got {value}")
    return settings


def full(kind, given):
    """The names of the given options, in full."""
    names = [option.name for option in config.options(kind)]
    return {in_full(name, names) for name in given}


def values(kinds, apart=()):
    """{option: its values, () where they are any} of a verb, for the completion of a shell."""
    result = {name: {} for name in ("config", *apart)}  # as sets that keep their order
    for option in (option for kind in kinds for option in config.options(kind)):
        result.setdefault(option.name, {}).update(dict.fromkeys(option.choices))
    return {name: tuple(choices) for name, choices in result.items()}


def in_full(name, names):
    """The one of the `names` that has this last part; `name` itself where it is one of them, or not one alone is."""
    result = {other for other in names if other.rpartition(".")[2] == name}
    return result.pop() if name not in names and len(result) == 1 else name


def near(name, names):
    """`: did you mean '--recipe.epochs'?`: the option whose last part is most like that of `name`, or nothing."""
    place, _, last = name.rpartition(".")
    inside = {other.rpartition(".")[2]: other for other in reversed(names) if other.startswith(place)}
    if close := difflib.get_close_matches(last, inside, n=1, cutoff=0.55):
        return f": did you mean '--{inside[close[0]]}'?"
    return meant(f"--{name}", [f"--{other}" for other in names], cutoff=0.75)


def words(expected, given):
    """`given` words, one for each name in `expected`; ValueError otherwise, and for an empty one with a name."""
    if len(given) != len(expected):
        raise ValueError(f"expected {' '.join(expected) or 'options only'}, got {' '.join(given) or 'nothing'}")
    for name, word in zip(expected, given, strict=True):
        if name and not word:
            raise ValueError(f"{name} is an empty word; expected {' '.join(expected)}")
    return given


def help(usage, kind, apart=()):
    """The text of --help: the usage, then every option with its comment, type and default."""
    return "\n".join([f"usage: {usage}", "", *lines(kind, apart)])


def helps(usage, kinds):
    """The text of --help where the options are those of RUN's task: {task: dataclass}."""
    parts = [line for task, kind in kinds.items() for line in ("", f"RUN of {task}:", *lines(kind))]
    return "\n".join([f"usage: {usage}", *parts])


def lines(kind, apart=()):
    rows = [("--config F.yaml", "settings in a file, below the options given here; in names - and _ are the same")]
    rows += [(f"--{name}", comment) for name, comment in dict(apart).items()]
    for option in config.options(kind):
        default = "" if option.default in (None, MISSING) else f", default {shown(option.default)}"
        rows.append((f"--{option.name}", f"{option.comment} ({option.kind.removesuffix(' or none')}{default})"))
    width = max(len(name) for name, _ in rows) + 2
    return [f"  {name:{width}}{text.strip()}" for name, text in rows]


def shown(default):
    return ",".join(map(str, default)) if isinstance(default, tuple) else str(default)
