"""The chat template of a pretrained model as fixed strings around turns, which a graph can contain.

    OPENING  before(system) ... after(system)  before(user) ... after(user)  before(assistant) ... after(assistant)

`compiled` finds the strings by rendering the template, a program in Jinja, with placeholders, and checks them against
the template on other conversations. Jinja runs in a sandbox.
Not supported: templates whose strings depend on the turns (dates of today, tools, thoughts that are dropped from older
turns): these are refused.
"""

from dataclasses import asdict, dataclass, field

from tfllm.data.reading.dialogues import SYSTEM

USER, ASSISTANT = SPEAKERS = ("user", "assistant")
LONGEST = 100_000  # characters of a template
PLACES = [f"\ue000{number}\ue001" for number in range(8)]  # contents of turns that no template has
CHECKS = [
    ((USER, "Hi"),), ((USER, 'a "b" {c}\n\n  d'), (ASSISTANT, "<e> 'f'"), (USER, "g")),
    ((SYSTEM, "h\ni"), (USER, "j")), ((SYSTEM, "k"), (USER, "l"), (ASSISTANT, "m"), (USER, "n"), (ASSISTANT, "o")),
]  # fmt: skip


@dataclass(frozen=True)
class ChatTemplate:
    """Strings with names of special tokens in them, such as "<|im_start|>user\\n".

    before, after: {speaker, or "system": the string}; opening: before everything; default: the system line of a
    dialogue without one; None: then it has none. source: the template in Jinja, for `save_pretrained`.
    """

    before: dict[str, str]
    after: dict[str, str]
    opening: str = ""
    default: str | None = None
    source: str | None = field(default=None, repr=False)

    def text(self, messages, reply=True):
        """Pairs of role and text -> what the model reads; reply: up to the beginning of the assistant's turn."""
        messages = list(messages)
        if self.default is not None and (not messages or messages[0][0] != SYSTEM):
            messages.insert(0, (SYSTEM, self.default))
        turns = (self.before[role] + text + self.after[role] for role, text in messages)
        return self.opening + "".join(turns) + (self.before[ASSISTANT] if reply else "")

    def as_dict(self):
        return asdict(self)


def compiled(source, start=None, end=None) -> ChatTemplate:
    """A template in Jinja -> ChatTemplate. start, end: the names of the tokens that it calls bos_token and eos_token.

    Raises ValueError if no fixed strings give what the template gives; ImportError without jinja2.
    """
    render = rendered(source, start, end)
    system, user, reply, again, last = PLACES[:5]
    try:
        whole = [(SYSTEM, system), (USER, user), (ASSISTANT, reply), (USER, again), (ASSISTANT, last)]
        first, between, to_reply, to_user, _, tail = parts(render(whole, False), PLACES[:5])
        after_user = parts(render(whole[:2], False), PLACES[:2])[-1]
        plain = parts(render([(USER, user)], False), [user])[0]
        from_user = less(to_user, tail, start=True)
        alone = less(plain, from_user, start=False)  # what precedes a first turn of the user
        if first.startswith(alone):
            opening, default_system = alone, False
        else:
            common = bool(start) and first.startswith(start) and not from_user.startswith(start)
            opening, default_system = start if common else "", True
        before = {
            SYSTEM: first.removeprefix(opening),
            USER: from_user,
            ASSISTANT: less(to_reply, after_user, start=True),
        }
        after = {SYSTEM: less(between, before[USER], start=False), USER: after_user, ASSISTANT: tail}
        default = None
        if default_system:
            default = less(less(alone, opening + before[SYSTEM], start=True), after[SYSTEM], start=False)
    except ValueError as error:
        raise ValueError(f"the chat template has no fixed strings around its turns: {error}") from None
    result = ChatTemplate(before, after, opening, default, source)
    for messages in CHECKS:
        asks = messages[-1][0] == USER
        if (got := result.text(messages, asks)) != (expected := render(messages, asks)):
            raise ValueError(
                f"the chat template has no fixed strings around its turns: it gives {expected!r:.200}, "
                f"which fixed strings make {got!r:.200}"
            )
    return result


def parts(text, places):
    """The text before, between and after the places, which must occur once each, in this order."""
    result = []
    for place in places:
        before, found, text = text.partition(place)
        if not found or place in text:
            raise ValueError("a turn does not occur exactly once")
        result.append(before)
    return [*result, text]


def less(text, part, start):
    """The text without a part at its start, or at its end. Raises ValueError if it is not there."""
    if not (text.startswith(part) if start else text.endswith(part)):
        raise ValueError(f"{text!r:.100} does not {'begin' if start else 'end'} with {part!r:.100}")
    return text.removeprefix(part) if start else text.removesuffix(part)


def rendered(source, start, end):
    """-> render(pairs of role and text, reply) -> str. Raises ValueError for errors of the template."""
    try:
        import jinja2
        from jinja2.ext import loopcontrols
        from jinja2.sandbox import ImmutableSandboxedEnvironment
    except ImportError:
        raise ImportError("chat templates need jinja2: pip install 'tfllm[chat]'") from None
    if len(source) > LONGEST:
        raise ValueError(f"a chat template has at most {LONGEST} characters; got {len(source)}")

    def refuse(message):
        raise jinja2.TemplateError(message)

    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols])
    environment.globals["raise_exception"] = refuse

    def render(messages, reply):
        messages = [{"role": role, "content": text} for role, text in messages]
        try:
            return environment.from_string(source).render(
                messages=messages, add_generation_prompt=reply, bos_token=start or "", eos_token=end or ""
            )
        except Exception as error:  # a template can raise anything
            raise ValueError(f"{type(error).__name__}: {error}".split("\n")[0]) from None

    return render
