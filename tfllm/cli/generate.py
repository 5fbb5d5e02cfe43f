"""`tfllm generate RUN "text" ...`: answers on stdout, a line each; without text, of the lines of standard input.

Bytes that are not UTF-8 are answered as the tokenizer answers them; line breaks inside an answer become blanks.
"""

import os
import sys
from dataclasses import asdict, dataclass, field
from itertools import islice

from tfllm.cli import options
from tfllm.cli.trained import best
from tfllm.tasks.decoding import Decoding


@dataclass(frozen=True)
class Generation:
    batch_size: int = 32  # texts answered at a time, from standard input that is no terminal
    decoding: Decoding = field(default_factory=Decoding)


def run(arguments):
    if arguments in ([], ["--help"], ["-h"]):
        return print(options.help('tfllm generate RUN "text" ... < lines', Generation))
    given, words = options.split(arguments)
    if not words:
        raise ValueError('expected RUN "text" ..., got options only')
    folder, *texts = words
    settings = options.settings(Generation, given)
    model = best(folder)
    size = 1 if sys.stdin.isatty() and not texts else settings.batch_size
    lines = map(os.fsencode, texts) if texts else (line.rstrip(b"\r\n") for line in sys.stdin.buffer)
    for part in batches(lines, size):
        for answer in model.generate(part, verbose=0, **asdict(settings.decoding)):
            print(answer.replace("\n", " "), flush=True)


def batches(texts, size):
    """Lists of `size` texts; the last may be shorter."""
    texts = iter(texts)
    while part := list(islice(texts, size)):
        yield part
