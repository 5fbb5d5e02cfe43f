"""`tfllm chat RUN`: chat with a run's best dialogue generator; each line is a turn, the reply is printed as generated.
RUN may also be a pretrained chat model: a .gguf file, or a folder in Hugging Face's format.

/reset forgets all turns; /system TEXT sets the system line, /system alone removes it; /quit, or the end of the input,
ends the chat. If standard input is not a terminal, only the replies are printed, one per line.
"""

import sys
from contextlib import nullcontext
from dataclasses import asdict
from itertools import chain

from tfllm.cli import options, run_folder, run_options, terminal
from tfllm.cli.tasks import table

THINKING, CLEAR = "thinking ...", "\x1b[K"  # the second: clears to the end of the line in a terminal
COMMANDS = "/reset, /system TEXT, /quit"


def run(arguments):
    settings, folder, _ = run_options.read(arguments, "Chatting", "tfllm chat RUN")
    typed = terminal.typed()
    with terminal.unread() if typed else nullcontext():
        chat = run_folder.best(folder).chat(settings.system, **asdict(settings.decoding))
    talk(chat, terminal.ask if typed else read, typed)


def completions():
    return {"": options.values(table.all_of("Chatting").values())}


def read(prompt):
    """The next line of standard input, if no person types it; None at its end."""
    return sys.stdin.buffer.readline() or None


def talk(chat, ask, shown):
    """Chat with the turns that ask(prompt) returns: bytes, None at the end. shown: whether a person watches."""
    if shown:
        print(f"({COMMANDS})")
    while True:
        line = ask(f"{chat.person}: ")
        text = "/quit" if line is None else line.decode("utf-8", "replace").strip()
        if text == "/quit":
            return print() if shown and line is None else None
        if text.startswith("/"):
            command(chat, text)
        elif text:
            with terminal.unread() if shown else nullcontext():
                answer(chat, text, shown)


def command(chat, text):
    name, _, rest = text.partition(" ")
    if name == "/reset":
        chat.reset()
    elif name == "/system":
        chat.system = rest.strip() or None
    else:
        print(f"no command {name}; the commands are {COMMANDS}", file=sys.stderr)


def answer(chat, text, shown):
    """Print the reply as it is generated. shown: a person watches, and sees that the model is thinking."""
    beams = chat.decoding.get("beam_width", 1) > 1  # beam search knows its text only at the end
    if shown:
        print(f"{chat.model}: {THINKING}", end="", flush=True)
    pieces = iter([chat.say(text)] if beams else chat.stream(text))
    first = next(pieces, "")
    if shown:
        print(f"\r{CLEAR}{chat.model}: ", end="")
    for piece in chain([first], pieces):
        print(piece.replace("\n", " "), end="", flush=True)
    print(flush=True)
