"""What the command line prints instead of a traceback: help, and one line for a mistake that the user can mend."""

import difflib
import sys
import traceback
from pathlib import Path

PACKAGE = Path(__file__).parent.parent


class Help(Exception):
    """The text that --help prints."""


def described(error):
    """Its message; of the system's own errors the file and the reason, without "[Errno 2]"."""
    ours = not isinstance(error, OSError) or error.filename is None or error.strerror is None
    return error if ours else f"{error.filename}: {error.strerror}"


def meant(name, names, cutoff=0.5):
    """`: did you mean 'train'?`, or nothing where no name is near."""
    close = difflib.get_close_matches(name, list(names), n=1, cutoff=cutoff)
    return f": did you mean {close[0]!r}?" if close else ""


def fail(message):
    print(message, file=sys.stderr)
    raise SystemExit(2)


def raised_here(error, files=()):
    """Whether the error was raised by a line of tfllm, or of one of the `files`, and so is written for the user."""
    last = traceback.extract_tb(error.__traceback__)[-1].filename
    return PACKAGE in Path(last).parents or last in files
