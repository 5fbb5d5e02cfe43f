"""Dialogues -> records {"dialogue"}: one string each, with one turn per line. From JSONL, and from DailyDialog.

    system<tab>You sell flowers.      what the conversation is about; optional, only in the first line
    user<tab>Have you any roses?      speaker and turn; the name is optional, without names the speakers alternate
    clerk<tab>Yes, red ones.

So a dialogue is one tensor, in training and in a served graph. Runs of white space in a turn become one space, so that
tabs and line ends are unambiguous; with `keep_lines`, for models with a chat template, a line break becomes U+2028 and
other white space stays. Not included: acts, emotions and topics of the turns.
"""

import json
import re
import warnings
from pathlib import Path

import tensorflow as tf

from tfllm.data.reading.opening import read_lines

SYSTEM = "system"
BREAK = "\u2028"  # a line break inside a turn
TURN_END = "__eou__"


def dialogue(turns, speakers=None, system=None, keep_lines=False):
    """Turns (str) -> the string of a dialogue. speakers: a name per turn; by default they alternate. system: a line.

    Raises ValueError for an empty turn, and for names that are empty, "system", or not one per turn.
    """
    if isinstance(turns, (str, bytes)):
        raise ValueError(f"expected a list of turns, got one string: [{turns[:40]!r}]")
    lines = [blank(turn, f"turn {number}", keep_lines) for number, turn in enumerate(turns, start=1)]
    if speakers is not None:
        names = [blank(name, f"speaker {number}") for number, name in enumerate(speakers, start=1)]
        if len(names) != len(lines):
            raise ValueError(f"expected a speaker for each of {len(lines)} turns, got {len(names)}")
        if SYSTEM in names:
            raise ValueError(f"{SYSTEM!r} is reserved for the system line and cannot be a speaker")
        lines = [f"{name}\t{turn}" for name, turn in zip(names, lines, strict=True)]
    first = [] if system is None else [f"{SYSTEM}\t{blank(system, 'the system line', keep_lines)}"]
    return "\n".join(first + lines)


def blank(text, what, keep_lines=False):
    """The text with each run of white space as one space; or with each line break as BREAK, without white space around.

    Raises ValueError if it is empty.
    """
    if not isinstance(text, str):
        raise ValueError(f"{what}: expected a text, got a {type(text).__name__}: {text!r:.40}")
    result = BREAK.join(re.split(r"\r\n|\r|\n", text.strip())) if keep_lines else " ".join(text.split())
    if not result:
        raise ValueError(f"{what} is empty")
    try:
        result.encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"{what} contains half of a surrogate pair, which is not a character") from error
    return result


def dialogues(*paths, keep_lines=False):
    """Files (or .gz), one dialogue per line -> a dataset of {"dialogue"}. keep_lines: see above.

    .jsonl  {"turns": ["...", ...]}, optionally with "speakers", a name per turn, and "system"; or
            {"messages": [{"role": "user", "content": "..."}, ...]}, optionally with the role "system" first
    others  DailyDialog: each turn ends with __eou__; text after a tab is ignored

    Blank lines are ignored; dialogues of one turn, which have no reply, are skipped and counted in a warning. Raises
    OSError if a file is missing; ValueError with file and line for other formats; also if there is no dialogue.
    """
    result, alone = [], []
    for path in paths:
        jsonl = Path(path).name.lower().removesuffix(".gz").endswith(".jsonl")
        for number, line in enumerate(read_lines(path), start=1):
            if not line.strip():
                continue
            try:
                parts = of_json(line) if jsonl else of_daily_dialog(line)
                text = dialogue(**parts, keep_lines=keep_lines)
            except ValueError as error:
                raise ValueError(f"{path}:{number}: {error}") from error
            if len(parts["turns"]) > 1:
                result.append(text)
            else:
                alone.append(f"{path}:{number}")
    if not result:
        raise ValueError(f"expected dialogues in {', '.join(map(str, paths)) or 'one or more files'}; got none")
    if alone:
        listed = ", ".join(alone[:5]) + (", ..." if len(alone) > 5 else "")
        warnings.warn(f"skipped {len(alone)} dialogues of fewer than two turns: {listed}", stacklevel=2)
    return tf.data.Dataset.from_tensor_slices({"dialogue": tf.constant(result, tf.string)})


def of_daily_dialog(line):
    """The arguments of `dialogue`."""
    *turns, rest = line.partition("\t")[0].split(TURN_END)
    if not turns or rest.strip():
        raise ValueError(f"expected turns that end with {TURN_END}; got {line[-40:]!r}")
    return {"turns": turns}


def of_json(line):
    """The arguments of `dialogue`."""
    try:
        result = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"expected one JSON object: {error}") from error
    if not isinstance(result, dict) or not {"turns", "messages"} & result.keys():
        got = list(result) if isinstance(result, dict) else type(result).__name__
        raise ValueError(f"expected one JSON object with 'turns' or 'messages'; got {got}")
    if "turns" in result:
        parts = {name: result.get(name) for name in ("turns", "speakers", "system")}
        for name in ("turns", "speakers"):
            if not isinstance(parts[name], list) and (name == "turns" or parts[name] is not None):
                raise ValueError(f"expected a list of texts in {name!r}; got a {type(parts[name]).__name__}")
        return parts
    return of_messages(result["messages"])


def of_messages(messages):
    """[{"role", "content"}, ...] -> the arguments of `dialogue`. ValueError for anything else."""
    good = isinstance(messages, list) and all(
        isinstance(one, dict) and {"role", "content"} <= one.keys() for one in messages
    )
    if not good:
        raise ValueError(f"expected a list of objects with 'role' and 'content'; got {messages!r:.60}")
    first = [one["content"] for one in messages[:1] if one["role"] == SYSTEM]
    turns = messages[len(first) :]
    return {
        "turns": [one["content"] for one in turns], "speakers": [one["role"] for one in turns],
        "system": first[0] if first else None,
    }  # fmt: skip
