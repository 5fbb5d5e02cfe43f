"""Automata over bytes for what a text may be: one of some strings, or a match of a regular expression.

An automaton is (after int32 [S, 256], final bool [S]): state 0 is the beginning, after[s, b] the state behind byte b,
-1 where it may not follow; in a final state the text may end. Characters are those of UTF-8 (RFC 3629).
"""

import numpy as np

DEAD = -1
LEADS = [  # first bytes of characters, the second bytes that may follow, and the bytes left (RFC 3629, sec. 4)
    (range(0xC2, 0xE0), range(0x80, 0xC0), 1), (range(0xE0, 0xE1), range(0xA0, 0xC0), 2),
    (range(0xE1, 0xED), range(0x80, 0xC0), 2), (range(0xED, 0xEE), range(0x80, 0xA0), 2),
    (range(0xEE, 0xF0), range(0x80, 0xC0), 2), (range(0xF0, 0xF1), range(0x90, 0xC0), 3),
    (range(0xF1, 0xF4), range(0x80, 0xC0), 3), (range(0xF4, 0xF5), range(0x80, 0x90), 3),
]  # fmt: skip
FOLLOWS = {lead: (second, left) for leads, second, left in LEADS for lead in leads}
CONTINUATION = range(0x80, 0xC0)


def of_choices(strings):
    """The automaton of the strings. Raises ValueError for no string."""
    if not strings:
        raise ValueError("choices must be one string or more")
    wanted = [string.encode() for string in strings]
    states = {text[:size]: None for text in wanted for size in range(len(text) + 1)}
    states = {text: number for number, text in enumerate(states)}
    after = np.full((len(states), 256), DEAD, "int32")
    for text, number in states.items():
        if text:
            after[states[text[:-1]], text[-1]] = number
    return after, np.array([text in wanted for text in states])


def of_pattern(pattern):
    """The automaton of a regular expression, which the whole text must match.

    The syntax is Python's, without references to groups, anchors and word boundaries. Raises ValueError for others, and
    ImportError without the package interegular.
    """
    try:
        from interegular import InvalidSyntax, Unsupported, parse_pattern
    except ImportError:
        raise ImportError("patterns need interegular: pip install 'tfllm[patterns]'") from None
    try:
        machine = parse_pattern(pattern).to_fsm().reduce()
    except (InvalidSyntax, Unsupported) as error:
        raise ValueError(f"the pattern {pattern!r} cannot be used: {error or type(error).__name__}") from None
    return in_bytes(machine)


def in_bytes(machine):
    """An interegular.FSM over characters -> the automaton of their bytes."""
    order = {state: number for number, state in enumerate(sorted(machine.states, key=lambda s: s != machine.initial))}
    inside, rows = {}, [None] * len(order)  # inside: {what is left of a character: number of the state}

    def behind(byte, named, other, second, left):
        """The state behind a byte, after which characters have `left` bytes, the first of them one of `second`."""
        named = tuple((rest[1:], target) for rest, target in named if rest[0] == byte)
        if not left:
            return named[0][1] if named else other
        key = named, other, second, left
        if not named and other == DEAD:
            return DEAD
        if key not in inside:
            inside[key] = len(rows)
            rows.append(None)
            rows[inside[key]] = row({byte: behind(byte, named, other, CONTINUATION, left - 1) for byte in second})
        return inside[key]

    for state, number in order.items():
        targets = {kind: order[target] for kind, target in machine.map[state].items()}
        symbols = {symbol: targets.get(kind, DEAD) for symbol, kind in machine.alphabet.items()}
        named = tuple((symbol.encode(), to) for symbol, to in symbols.items() if isinstance(symbol, str))
        other = next((to for symbol, to in symbols.items() if not isinstance(symbol, str)), DEAD)
        plain = {byte: behind(byte, named, other, (), 0) for byte in range(0x80)}
        rows[number] = row(plain | {byte: behind(byte, named, other, *more) for byte, more in FOLLOWS.items()})
    return np.array(rows, "int32"), np.array([state in machine.finals for state in order] + [False] * len(inside))


def row(targets):
    return [targets.get(byte, DEAD) for byte in range(256)]
