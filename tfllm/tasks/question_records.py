"""Questions, contexts and answers, as users have them -> a tf.data.Dataset of records of strings."""

import numpy as np
import tensorflow as tf

FIELDS = ("context", "question", "answer", "start")
EXPECTED = (
    'expected a dataset of records, as data.squad gives it, or a list of dicts: {"context", "question", "answers", '
    '"starts"}, lists of the texts of all answers and of where they begin'
)


def is_asked(x):
    """Whether `asked` takes it: else it is ready for Keras."""
    if isinstance(x, tf.data.Dataset):
        return isinstance(x.element_spec, dict) and "question" in x.element_spec
    return isinstance(x, (list, tuple)) and bool(x) and all(isinstance(row, dict) and "question" in row for row in x)


def asked(x):
    """-> lists (contexts, questions, answers, starts): str, and of each question the list of its answers.

    x: a dataset or a list of dicts with "context", "question" and "answers", "starts" (or "answer", "start", or the
    nested "answers": {"text", "answer_start"} of Hugging Face's datasets); starts may be missing. ValueError for all
    else.
    """
    if not is_asked(x):
        raise ValueError(f"{EXPECTED}; got {type(x).__name__} {x!r:.60}")
    rows = [row_of(row, number) for number, row in enumerate(plain(x))]
    if not rows:
        raise ValueError(f"{EXPECTED}; there is none")
    return tuple(list(column) for column in zip(*rows, strict=True))


def plain(x):
    return x.as_numpy_iterator() if isinstance(x, tf.data.Dataset) else x


def row_of(row, number):
    if missing := [name for name in ("context", "question") if name not in row]:
        raise ValueError(f"record {number}: {missing[0]!r} is missing; {EXPECTED}")
    answers, starts = row.get("answers"), row.get("starts")
    if isinstance(answers, dict):
        answers, starts = answers.get("text"), answers.get("answer_start")
    if answers is None and "answer" in row:
        answers, starts = [row["answer"]], [row["start"]] if "start" in row else None
    if answers is None:
        raise ValueError(f"record {number}: its answers are missing; {EXPECTED}")
    answers = [text(one, number) for one in answers]
    starts = [None] * len(answers) if starts is None else [start_of(one, number) for one in starts]
    if len(answers) != len(starts):
        raise ValueError(f"record {number}: {len(answers)} answers, but {len(starts)} starts")
    kept = [pair for pair in zip(answers, starts, strict=True) if pair[0]]
    return (
        text(row["context"], number), text(row["question"], number), [one for one, _ in kept], [at for _, at in kept]
    )  # fmt: skip


def text(value, number):
    if isinstance(value, (bytes, np.bytes_)):
        return value.decode("utf-8", "replace")
    if not isinstance(value, str):
        raise ValueError(f"record {number}: expected a text; got {type(value).__name__} {value!r:.40}")
    return str(value)


def start_of(value, number):
    digits = value.decode() if isinstance(value, bytes) else str(value)
    if digits and not digits.isdecimal():
        raise ValueError(f"record {number}: expected the character where the answer begins; got {value!r:.40}")
    return int(digits) if digits else None


def records_of(x):
    """-> a dataset of {"context", "question", "answer", "start"}, strings: the first answer, to be trained on.

    answer and start are "" where the question has no answer. ValueError, with the number of the record, for an answer
    that does not stand where it is said to.
    """
    if isinstance(x, tf.data.Dataset) and set(x.element_spec) == set(FIELDS):
        return x
    rows = []
    for number, (context, question, answers, starts) in enumerate(zip(*asked(x), strict=True)):
        answer, at = (answers[0], starts[0]) if answers else ("", "")
        if at is None:
            raise ValueError(f"record {number}: where does {answer[:40]!r} begin? Give its start, to train on it")
        if answer and context[at : at + len(answer)] != answer:
            raise ValueError(
                f"record {number}: expected {answer[:40]!r} at character {at} of its context; there is "
                f"{context[at : at + len(answer)][:40]!r}"
            )
        rows.append((context, question, answer, str(at)))
    columns = zip(FIELDS, zip(*rows, strict=True), strict=True)
    return tf.data.Dataset.from_tensor_slices({name: tf.constant(column, tf.string) for name, column in columns})
