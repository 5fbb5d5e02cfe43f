"""A person at a terminal: lines are asked for with a prompt, and what is typed too early waits for the next one."""

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
    if not sys.stdout.isatty():  # answers go into a file or a program: the prompt does not
        print(prompt, end="", file=sys.stderr, flush=True)
        prompt = ""
    try:
        return os.fsencode(input(prompt))
    except EOFError:
        return None


@contextmanager
def unread():
    """A block in which typed keys are not shown among what is printed; they stay for the next prompt."""
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
