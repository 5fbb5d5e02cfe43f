"""Where the tokens of a dialogue's history are: in the text, and in the ids that the model reads.

The history is that of tasks/dialogue/turns.py: tags of speakers and END are no tokens of a text, and turns that are too
old are not read. White space in a turn is read as one space, or with a chat template as it is.
"""

import re

import tensorflow as tf

from tfllm.explain.subjects.subject import Token
from tfllm.explain.subjects.token_spans import token_spans
from tfllm.tasks.dialogue import turns

WHITE = "\t\n\v\f\r "  # what TensorFlow strips and replaces


def history_tokens(task, text, part="history"):
    """A DialogueGenerator, a dialogue (str) -> (ids of the history [T], [(Token, position)])."""
    ids, notes = task.prompts(tf.constant([text]))
    parsed, script, exact = task.parsed(tf.constant([text])), task.script, task.template is not None
    written = script.write(parsed)
    lost = int(written.system_cut[0])
    cut, first = int(notes["cut"][0]) - lost, int(notes["dropped"][0])
    system = parsed.system.numpy()[0].decode("utf-8", "replace")
    said = [(turn.decode("utf-8", "replace"), tag) for turn, tag in
            zip(parsed.turns[0].numpy(), parsed.speakers[0].numpy(), strict=True)]  # fmt: skip
    result, position, begin = [], len(script.opening), 0
    if not system:  # a chat template may have a system line of its own
        position += int(written.system.row_lengths()[0])
    for number, (turn, tag) in enumerate([(system, -1)] * bool(system) + said, start=-bool(system)):
        places, begin = found(turn, text, begin, exact)
        if 0 <= number < first:
            continue
        spans = token_spans(task.tokenizer, turn)
        spans = spans[: len(spans) - lost] if number < 0 else spans[cut:] if number == first else spans
        position += len(script.tags[tag])
        for start, end in spans:
            at = places[start], places[max(start, end - 1)] + 1
            result.append((Token(text[at[0] : at[1]], *at, part), position))
            position += 1
        position += len(script.ends[tag])
    return ids[0].numpy().astype("int32"), result


def found(turn, text, begin, exact=False):
    """The index in the text of each character of a turn, whose line is the next that contains it; and its end.

    exact: white space in the turn is that of the text, with `turns.BREAK` for a line break.
    """
    words = [turn.replace("\n", turns.BREAK)] if exact else turn.split(" ")
    pattern = f"[{WHITE}]+".join(map(re.escape, words))
    match = re.compile(rf"(?:^|(?<=[{WHITE}]))({pattern})[{WHITE}]*$", re.MULTILINE).search(text, begin)
    if exact:
        return list(range(*match.span(1))), match.end(1)
    places, at = [], match.start(1)
    for letter in turn:
        places.append(at)
        at += 1
        while letter == " " and text[at] in WHITE:
            at += 1
    return places, match.end(1)
