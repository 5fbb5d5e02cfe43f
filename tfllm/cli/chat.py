"""`tfllm chat RUN`: talk with a run's best dialogue generator; each line is a turn, the reply comes as it is made.

/reset forgets all turns; /system TEXT says the line that they begin with, /system alone that there is none; /quit, or
the end of the input, ends. Where standard input is no terminal, nothing but the replies is printed, a line each.
"""

import sys
from dataclasses import asdict

from tfllm.cli import kinds, options
from tfllm.cli.trained import best, options_of

COMMANDS = "/reset, /system TEXT, /quit"


def run(arguments):
    if arguments in ([], ["--help"], ["-h"]):
        return print(options.help("tfllm chat RUN", kinds.file("dialogue").Chatting))
    given, words = options.split(arguments)
    (folder,) = options.words(["RUN"], words)
    try:
        kind = options_of(folder, "Chatting")
    except AttributeError:
        raise ValueError(f"{folder} is no run of dialogue: tfllm generate {folder} answers a text") from None
    settings = options.settings(kind, given)
    talk(best(folder).chat(settings.system, **asdict(settings.decoding)), sys.stdin.buffer, sys.stdin.isatty())


def talk(chat, lines, shown):
    """A Chat with the lines of a binary file. shown: whether names are printed, for a person."""
    if shown:
        print(f"({COMMANDS})")
    while True:
        if shown:
            print(f"{chat.person}: ", end="", flush=True)
        line = lines.readline()
        text = line.decode("utf-8", "replace").strip()
        if not line or text == "/quit":
            return print() if shown and not line else None
        if text.startswith("/"):
            command(chat, text)
        elif text:
            answer(chat, text, shown)


def command(chat, text):
    name, _, rest = text.partition(" ")
    if name == "/reset":
        chat.reset()
    elif name == "/system":
        chat.system = rest.strip() or None
    else:
        print(f"no command {name}; there are {COMMANDS}", file=sys.stderr)


def answer(chat, text, shown):
    if shown:
        print(f"{chat.model}: ", end="", flush=True)
    beams = chat.decoding.get("beam_width", 1) > 1  # they know their text at the end only
    for piece in [chat.say(text)] if beams else chat.stream(text):
        print(piece.replace("\n", " "), end="", flush=True)
    print(flush=True)
