"""Questions, contexts and answers in any usual form -> a tf.data.Dataset of records of strings."""

import tensorflow as tf

from tfllm.tasks import user_data
from tfllm.tasks.texts import encoded, is_one, refuse_single, shown

ASKS = ("context", "question")
FIELDS = (*ASKS, "answer", "start")
EXPECTED = (
    'expected a dataset of records, as returned by data.squad, or a list of dicts: {"context", "question", "answers", '
    '"starts"}, with a list of answers and a list of the characters where they begin'
)


def asked(x):
    """-> lists (contexts, questions, answers, starts): str, and for each question the lists of answers and starts.

    x: a dataset or a list of dicts with "context", "question" and "answers", "starts" (or "answer", "start", or the
    nested "answers": {"text", "answer_start"} of Hugging Face's datasets); starts may be missing. Raises ValueError or
    TypeError for other records.
    """
    rows = [row_of(row, number) for number, row in enumerate(plain(x))]
    if not rows:
        raise ValueError(f"{EXPECTED}; there is none")
    return tuple(list(column) for column in zip(*rows, strict=True))


def to_ask(x):
    """Dicts of "context" and "question" -> two lists of bytes; answers are ignored."""
    rows = ({**row, "answers": [], "starts": []} if isinstance(row, dict) else row for row in plain(x))
    rows = [row_of(row, number) for number, row in enumerate(rows)]
    return [[row[i].encode() for row in rows] for i in (0, 1)]


def plain(x):
    """A dataset, or a list or generator of dicts -> an iterable of dicts. Raises TypeError for other types."""
    refuse_single(x, "context")
    if not isinstance(x, tf.data.Dataset):
        if isinstance(x, (dict, set, frozenset)) or not hasattr(x, "__iter__") or hasattr(x, "columns"):
            raise TypeError(f"{EXPECTED}; got {shown(x)}")
        return x
    user_data.refuse_endless(x, "QuestionAnswering")
    if not isinstance(x.element_spec, dict):
        raise ValueError(f"{EXPECTED}; got a dataset of {x.element_spec}")
    if getattr(x.element_spec.get("question"), "shape", None) == [None]:
        x = x.unbatch()
    return x.as_numpy_iterator()


def row_of(row, number):
    if not isinstance(row, dict):
        raise TypeError(f"record {number}: expected a dict; got {shown(row)}; {EXPECTED}")
    if missing := [name for name in ("context", "question") if name not in row]:
        raise ValueError(f"record {number}: {missing[0]!r} is missing; {EXPECTED}")
    answers, starts = row.get("answers"), row.get("starts")
    if isinstance(answers, dict):
        answers, starts = answers.get("text"), answers.get("answer_start")
    if answers is None and "answer" in row:
        answers, starts = [row["answer"]], [row["start"]] if "start" in row else None
    if answers is None:
        raise ValueError(f"record {number}: its answers are missing; {EXPECTED}")
    if is_one(answers) or not hasattr(answers, "__iter__"):
        raise TypeError(f"record {number}: expected a list of answers; got {shown(answers)}; {EXPECTED}")
    answers = [text(one, "answer", number) for one in answers]
    starts = [None] * len(answers) if starts is None else [start_of(one, number) for one in starts]
    if len(answers) != len(starts):
        raise ValueError(f"record {number}: {len(answers)} answers, but {len(starts)} starts")
    answered = [pair for pair in zip(answers, starts, strict=True) if pair[0]]
    return (
        *(text(row[name], name, number) for name in ASKS), [one for one, _ in answered], [at for _, at in answered]
    )  # fmt: skip


def text(value, name, number):
    return encoded(value, f"{name} of record {number}").decode("utf-8", "replace")


def start_of(value, number):
    digits = value.decode() if isinstance(value, bytes) else str(value)
    if digits and not digits.isdecimal():
        raise ValueError(f"record {number}: expected the character where the answer begins; got {value!r:.40}")
    return int(digits) if digits else None


def records_of(x):
    """-> a dataset of {"context", "question", "answer", "start"}, strings, with the first answer of each question.

    answer and start are "" if the question has no answer. Raises ValueError, with the index of the record, if the
    context does not contain the answer at its start.
    """
    if isinstance(x, tf.data.Dataset) and isinstance(x.element_spec, dict) and {*FIELDS} <= {*x.element_spec}:
        return user_data.read(FIELDS, x, who="QuestionAnswering")
    rows = []
    for number, (context, question, answers, starts) in enumerate(zip(*asked(x), strict=True)):
        answer, at = (answers[0], starts[0]) if answers else ("", "")
        if at is None:
            raise ValueError(
                f"record {number}: the start of the answer {answer[:40]!r} is missing, which training needs"
            )
        if answer and context[at : at + len(answer)] != answer:
            raise ValueError(
                f"record {number}: expected {answer[:40]!r} at character {at} of its context; got "
                f"{context[at : at + len(answer)][:40]!r}"
            )
        rows.append((context, question, answer, str(at)))
    columns = zip(FIELDS, zip(*rows, strict=True), strict=True)
    return tf.data.Dataset.from_tensor_slices({name: tf.constant(column, tf.string) for name, column in columns})
