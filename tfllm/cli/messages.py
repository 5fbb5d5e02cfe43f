"""What the command line prints instead of a traceback: help, and one line for an error that the user can fix."""

import difflib
import sys
import traceback
from pathlib import Path

PACKAGE = Path(__file__).parent.parent


class Help(Exception):
    """The text that --help prints."""


def subverb(arguments, usage, kind, known, footer):
    """(name, further arguments): the first of the arguments is one of `known`, {name: (usage, what it does)}.

    kind: what a name is, "check". Raises Help for --help and without arguments, ValueError for an unknown name.
    """
    name, *rest = arguments or ["--help"]
    if name in ("--help", "-h"):
        width = max(len(line) for line, _ in known.values())
        rows = [f"  {line:{width}}  {what}" for line, what in known.values()]
        raise Help("\n".join([f"usage: {usage}", "", *rows, "", footer]))
    if name not in known:
        raise ValueError(f"no {kind} {name!r}{meant(name, known)}; the {kind}s: {', '.join(known)}")
    return name, rest


def described(error):
    """The message of an error; for system errors the file and the reason, without "[Errno 2]"."""
    ours = not isinstance(error, OSError) or error.filename is None or error.strerror is None
    return error if ours else f"{error.filename}: {error.strerror}"


def meant(name, names, cutoff=0.5):
    """`: did you mean 'train'?`, or "" if no name is similar."""
    close = difflib.get_close_matches(name, list(names), n=1, cutoff=cutoff)
    return f": did you mean {close[0]!r}?" if close else ""


def fail(message):
    print(message, file=sys.stderr)
    raise SystemExit(2)


def raised_here(error, files=()):
    """Whether a line of tfllm, or of one of the `files`, raised the error, so that its message is meant for the
    user.
    """
    last = traceback.extract_tb(error.__traceback__)[-1].filename
    return PACKAGE in Path(last).parents or last in files
