"""A talk with a dialogue generator, turn by turn."""

from tfllm.tasks.text_generation.decoding import of_options


class Chat:
    """Keeps the history of a talk: `chat.say("Hello")` -> the reply; `for piece in chat.stream("Hello")` as it comes.

    history: pairs of speaker and turn, which may be changed. system: the line that stands before them, or None.
    The model replies as `replies` says, or as the second speaker; what you say is the first one's, or the second's.
    Old turns that have no room are forgotten, whole; `forgotten` says how many. An empty reply is no turn.
    """

    def __init__(self, task, system=None, **decoding):
        self.task, self.system, self.decoding, self.history = task, system, decoding, []
        of_options(task.decoding, decoding)  # ValueError now, not at the first turn
        self.model = task.speakers[1] if task.replying is None else task.replies
        self.person = next(name for name in task.speakers if name != self.model)

    def say(self, text):
        """Your turn -> the reply."""
        asked = self.asked(text)
        return self.remember(asked, self.task.reply(*asked, **self.options))

    __call__ = say

    def stream(self, text):
        """Your turn -> pieces of the reply, joined what `say` gives. Both are kept when the last one has come."""
        asked, pieces = self.asked(text), []
        for piece in self.task.stream(self.task.text(*asked), **self.options):
            pieces.append(piece)
            yield piece
        self.remember(asked, "".join(pieces))

    def reset(self):
        """Forget all turns; the system line stays."""
        self.history = []

    @property
    def forgotten(self):
        """How many of the turns so far the next reply cannot look back at."""
        if not self.history:
            return 0
        return int(self.task.prompts([self.task.text(self.history, self.system, self.model)])[1]["dropped"][0])

    @property
    def options(self):
        """Sampling draws anew for each turn, the same in the same talk."""
        return self.decoding | {"row": len(self.history)}

    def asked(self, text):
        return [*self.history, (self.person, text)], self.system, self.model

    def remember(self, asked, reply):
        self.history = asked[0] + ([(self.model, reply)] if reply.strip() else [])
        return reply

    def __repr__(self):
        first = [] if self.system is None else [("system", self.system)]
        return "\n".join(f"{name}: {turn}" for name, turn in first + self.history)
