"""What the command line prints instead of a traceback: help, and one line for an error that the user can fix."""

import difflib
import sys
import traceback
from pathlib import Path

PACKAGE = Path(__file__).parent.parent


class Help(Exception):
    """The text that --help prints."""


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
