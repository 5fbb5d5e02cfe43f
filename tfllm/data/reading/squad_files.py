"""Questions about paragraphs, in SQuAD's JSON format or from tensorflow-datasets -> records for QuestionAnswering.

    {"data": [{"paragraphs": [{"context": "...", "qas": [{"id": "...", "question": "...",
      "answers": [{"text": "...", "answer_start": 34}], "is_impossible": false}]}]}]}

Version 1.1 (Rajpurkar et al. 2016) and 2.0 (Rajpurkar et al. 2018), where a question may have no answer; XQuAD, MLQA,
CMRC 2018 and DRCD have the same format. Not included: titles, plausible_answers.
"""

import json

import tensorflow as tf

from tfllm.data.reading.opening import read_text
from tfllm.data.reading.public_sources import builder_of

KINDS = {str: "a text", int: "a number", list: "a list", dict: "an object", bool: "true or false"}


def squad(*paths):
    """Files (or .gz) -> a dataset of {"id", "context", "question", "answers", "starts"}.

    answers  string [A], the reference answers, none if the question has no answer
    starts   int32 [A], where each begins, in characters of the context (code points)

    Raises OSError if a file is missing; ValueError, with file and path in the JSON, for another format, for an answer
    that is not at its position, and for an empty text; also for files without questions.
    """
    rows = [row for path in paths for row in _rows(path)]
    if not rows:
        raise ValueError(f"expected questions in {', '.join(map(str, paths)) or 'one or more files'}; got none")
    ids, contexts, questions, answers, starts = zip(*rows, strict=True)
    texts = {"id": ids, "context": contexts, "question": questions}
    columns = {name: tf.constant(column, tf.string) for name, column in texts.items()}
    columns["answers"] = tf.ragged.constant(answers, tf.string, ragged_rank=1, inner_shape=())
    columns["starts"] = tf.ragged.constant(starts, tf.int32, ragged_rank=1, inner_shape=())
    return tf.data.Dataset.from_tensor_slices(columns)


def squad_tfds(name="squad", split="train", data_dir=None):
    """A split of "squad", "squad/v2.0" or another set with these features in tensorflow-datasets -> records as `squad`.

    Raises ValueError for a set without context, question, answers.text and answers.answer_start.
    """
    builder = builder_of(name, data_dir)
    features = builder.info.features
    inner = getattr(features["answers"], "feature", None) if "answers" in features else None  # of a sequence
    inner = inner.keys() if hasattr(inner, "keys") else set()
    if not {"context", "question"} <= features.keys() or not {"text", "answer_start"} <= inner:
        raise ValueError(
            f"{name}: expected context, question and answers (text, answer_start) as in squad; it has {list(features)}"
        )
    builder.download_and_prepare()

    def record_of(example):
        answers = example["answers"]
        result = {"answers": answers["text"], "starts": tf.cast(answers["answer_start"], tf.int32)}
        return {part: example[part] for part in ("id", "context", "question") if part in features} | result

    return builder.as_dataset(split=split, shuffle_files=False).map(record_of, tf.data.AUTOTUNE)


def _rows(path):
    """(id, context, question, answers, starts) of each question of a file."""
    try:
        data = json.loads(read_text(path))
    except RecursionError:
        raise ValueError(f"{path}: expected JSON in SQuAD's format, got one nested too deep") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"{path}:{error.lineno}: expected JSON: {error.msg}") from error
    except ValueError as error:  # for a number with too many digits, or invalid bytes
        raise error if str(error).startswith(str(path)) else ValueError(f"{path}: expected JSON: {error}") from None
    if not isinstance(data, dict):
        raise ValueError(f'{path}: expected an object with "data", as in SQuAD; got {_kind(data)}')
    for a, article in enumerate(_of(data, "data", list, path)):
        where = f"{path}: data[{a}]"
        for p, paragraph in enumerate(_of(article, "paragraphs", list, where)):
            inner = f"{where}.paragraphs[{p}]"
            context = _text(paragraph, "context", inner)
            for q, question in enumerate(_of(paragraph, "qas", list, inner)):
                yield _question(question, context, f"{inner}.qas[{q}]")


def _question(question, context, where):
    name = _text(question, "id", where)
    where = f"{where} ({name})"
    result = _of(question, "answers", list, where)
    if result and question.get("is_impossible"):
        raise ValueError(f"{where}: is_impossible is true, but there are answers")
    answers = [_answer(answer, context, f"{where}.answers[{i}]") for i, answer in enumerate(result)]
    return name, context, _text(question, "question", where), [text for text, _ in answers], [at for _, at in answers]


def _answer(answer, context, where):
    text, start = _text(answer, "text", where), _of(answer, "answer_start", int, where)
    if start < 0 or context[start : start + len(text)] != text:
        actual = context[max(start, 0) : max(start, 0) + len(text)]
        first = context.find(text)
        hint = "it does not occur in the context" if first < 0 else f"it first occurs at {first}"
        raise ValueError(f"{where}: expected {text[:40]!r} at character {start}; there is {actual[:40]!r}; {hint}")
    return text, start


def _text(value, name, where):
    text = _of(value, name, str, where)
    if not text.strip():
        raise ValueError(f"{where}: {name!r} is empty")
    return text


def _of(value, name, kind, where):
    """value[name], which must be of this kind."""
    if not isinstance(value, dict) or name not in value:
        got = f"only {list(value)}" if isinstance(value, dict) else _kind(value)
        raise ValueError(f"{where}: expected an object with {name!r}; got {got}")
    if type(value[name]) is not kind:
        raise ValueError(f"{where}: expected {KINDS[kind]} as {name!r}; got {_kind(value[name])}")
    return value[name]


def _kind(value):
    return KINDS.get(type(value), repr(value)[:40])
