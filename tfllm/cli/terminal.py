"""A person at a terminal: prompts for lines; what is typed early is kept for the next prompt."""

import os
import sys
from contextlib import contextmanager


def typed():
    """Whether a person types the standard input."""
    return sys.stdin.isatty()


def ask(prompt):
    """The line that is typed after the prompt, bytes without its end; None at the end of the input."""
    try:
        import readline  # noqa: F401  input() edits the line, and remembers those before
    except ImportError:  # Windows
        pass
    if not sys.stdout.isatty():  # the output goes to a file or a program, without the prompt
        print(prompt, end="", file=sys.stderr, flush=True)
        prompt = ""
    try:
        return os.fsencode(input(prompt))
    except EOFError:
        return None


@contextmanager
def unread():
    """Context manager: typed keys are not echoed into the output; they are kept for the next prompt."""
    try:
        import termios

        terminal = sys.stdin.fileno()
        before = termios.tcgetattr(terminal)
    except (ImportError, OSError, ValueError):  # Windows; not a terminal
        yield
        return
    after = list(before)
    after[3] &= ~termios.ECHO
    termios.tcsetattr(terminal, termios.TCSANOW, after)
    try:
        yield
    finally:
        termios.tcsetattr(terminal, termios.TCSANOW, before)
