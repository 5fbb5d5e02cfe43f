"""A conversation with a dialogue generator, turn by turn, and the forms of a history."""

from collections.abc import Iterator

from tfllm.data.reading.dialogues import dialogue, of_messages
from tfllm.tasks import user_data
from tfllm.tasks.text_generation.decoding import of_options
from tfllm.tasks.texts import decoded, is_one, shown


class Chat:
    """Keeps the history of a conversation: `chat.say("Hello")` returns the reply, `chat.stream("Hello")` yields it in
    chunks.

    history: pairs of speaker and turn; may be changed. system: a system line before them, or None.
    The model replies as the speaker `replies` of the task, or as the second speaker; the user is the other speaker.
    Whole old turns are dropped if they exceed the history length; `forgotten` counts them. Empty replies are not kept.
    """

    def __init__(self, task, system=None, **decoding):
        self.task, self.system, self.decoding, self.history = task, system, decoding, []
        of_options(task.decoding, decoding)  # raises ValueError now, not at the first turn
        self.model = task.speakers[1] if task.replying is None else task.replies
        self.person = next(name for name in task.speakers if name != self.model)

    def say(self, text: str) -> str:
        """The user's turn -> the reply."""
        asked = self.asked(text)
        return self.remember(asked, self.task.reply(*asked, **self.options))

    __call__ = say

    def stream(self, text: str) -> Iterator[str]:
        """The user's turn -> chunks of the reply. Both turns are added to the history after the last chunk."""
        asked, pieces = self.asked(text), []
        for piece in self.task.stream(self.task.text(*asked), **self.options):
            pieces.append(piece)
            yield piece
        self.remember(asked, "".join(pieces))

    def reset(self) -> None:
        """Remove all turns; the system line is kept."""
        self.history = []

    @property
    def forgotten(self) -> int:
        """The number of turns that are too old for the next reply's history."""
        if not self.history:
            return 0
        return int(self.task.prompts([self.task.text(self.history, self.system, self.model)])[1]["dropped"][0])

    @property
    def options(self):
        """The decoding options; `row` gives each turn other random numbers, reproducibly."""
        return self.decoding | {"row": len(self.history)}

    def asked(self, text):
        return [*self.history, (self.person, text)], self.system, self.model

    def remember(self, asked, reply):
        self.history = asked[0] + ([(self.model, reply)] if reply.strip() else [])
        return reply

    def __repr__(self):
        first = [] if self.system is None else [("system", self.system)]
        return "\n".join(f"{name}: {turn}" for name, turn in first + self.history)


def dialogue_of(history, system, keep_lines):
    """A history in any form, and a system line or None -> the string of a dialogue. Raises as `turns_of`."""
    if not is_one(history):
        parts = turns_of(history) | ({} if system is None else {"system": system})
        return dialogue(**parts, keep_lines=keep_lines)
    text = decoded([user_data.one_text(history, "dialogue")])[0]
    return text if system is None else f"{dialogue([], system=system, keep_lines=keep_lines)}\n{text}"


def turns_of(history):
    """Turns, pairs of speaker and turn, or messages -> the arguments of `dialogue`.

    Raises TypeError for other types, ValueError for an empty history.
    """
    if not isinstance(history, (list, tuple)):
        raise TypeError(f"expected a dialogue as one string, or a list of turns; got {shown(history)}")
    if not history:
        raise ValueError("a history needs one turn or more; got none")
    if all(isinstance(turn, dict) for turn in history):
        return of_messages(list(history))
    if all(isinstance(turn, (list, tuple)) and len(turn) == 2 for turn in history):
        return {"turns": [turn for _, turn in history], "speakers": [name for name, _ in history]}
    for number, turn in enumerate(history):
        if not is_one(turn):
            raise TypeError(
                f"expected turns (str), pairs of speaker and turn, or messages; got {shown(turn)} as turn {number}"
            )
    return {"turns": decoded(user_data.texts(history, "turn"))}
