"""`tfllm generate RUN "text" ...`: print answers; without text, answer the lines of standard input.

Invalid UTF-8 is handled by the tokenizer.
"""

import os
import sys
from contextlib import nullcontext
from itertools import islice

from tfllm.cli import options, run_folder, run_options, terminal
from tfllm.cli.messages import raised_here
from tfllm.cli.tasks import table


def run(arguments):
    settings, folder, texts = run_options.read(
        arguments, "Generation", 'tfllm generate RUN "text" ... < lines', ("RUN", "...")
    )
    if hasattr(settings, "check"):
        settings.check(texts)  # before the model is loaded
    typed = terminal.typed() and not texts
    with terminal.unread() if typed else nullcontext():
        model = run_folder.best(folder)
    size = 1 if typed else settings.batch_size
    lines = map(os.fsencode, texts) if texts else prompted(folder) if typed else map(ended, sys.stdin.buffer)
    for number, part in enumerate(batches(lines, size)):
        with terminal.unread() if typed else nullcontext():
            try:
                for piece in settings.pieces(model, part, number * size):
                    print(piece, end="", flush=True)
            except ValueError as error:
                if not typed or not raised_here(error, table.files()):
                    raise
                print(error, file=sys.stderr)  # the person can type another line


def completions():
    return {"": options.values(table.all_of("Generation").values())}


def ended(line):
    """A line without its line end."""
    return line.rstrip(b"\r\n")


def prompted(folder):
    """The lines that a person types."""
    print(f"{folder} answers each line; Ctrl-D ends.", file=sys.stderr)
    while (line := terminal.ask("> ")) is not None:
        yield line
    print(file=sys.stderr)


def batches(texts, size):
    """Lists of `size` texts; the last may be shorter."""
    texts = iter(texts)
    while part := list(islice(texts, size)):
        yield part
