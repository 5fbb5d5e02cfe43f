"""Questions about paragraphs, in files of SQuAD's format or of tensorflow-datasets -> records for QuestionAnswering.

    {"data": [{"paragraphs": [{"context": "...", "qas": [{"id": "...", "question": "...",
      "answers": [{"text": "...", "answer_start": 34}], "is_impossible": false}]}]}]}

Version 1.1 (Rajpurkar et al. 2016) and 2.0 (Rajpurkar et al. 2018), where a question may have no answer; XQuAD, MLQA,
CMRC 2018 and DRCD are written alike. Left out: titles, plausible_answers.
"""

import json

import tensorflow as tf

from tfllm.data.reading.opening import read_text
from tfllm.data.reading.public_sources import builder_of

KINDS = {str: "a text", int: "a number", list: "a list", dict: "an object", bool: "true or false"}


def squad(*paths):
    """Files (or .gz) -> a dataset of {"id", "context", "question", "answers", "starts"}.

    answers  string [A], the reference answers, none where the question has no answer
    starts   int32 [A], where each begins, counted in characters of the context (code points)

    Raises OSError where a file is missing; ValueError, with file and place, for a file that is no such JSON, for an
    answer that does not stand where it is said to, for an empty text; and for files without questions.
    """
    rows = [row for path in paths for row in _rows(path)]
    if not rows:
        raise ValueError(f"expected questions in {', '.join(map(str, paths)) or 'one or more files'}; found none")
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
        whole = json.loads(read_text(path))
    except RecursionError:
        raise ValueError(f"{path}: expected JSON as SQuAD has it, got one nested too deep") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"{path}:{error.lineno}: expected JSON: {error.msg}") from error
    except ValueError as error:  # of a number of too many digits, or of the file's bytes
        raise error if str(error).startswith(str(path)) else ValueError(f"{path}: expected JSON: {error}") from None
    if not isinstance(whole, dict):
        raise ValueError(f'{path}: expected an object with "data", as SQuAD has it; got {_kind(whole)}')
    for a, article in enumerate(_of(whole, "data", list, path)):
        place = f"{path}: data[{a}]"
        for p, paragraph in enumerate(_of(article, "paragraphs", list, place)):
            inner = f"{place}.paragraphs[{p}]"
            context = _text(paragraph, "context", inner)
            for q, asked in enumerate(_of(paragraph, "qas", list, inner)):
                yield _question(asked, context, f"{inner}.qas[{q}]")


def _question(asked, context, place):
    name = _text(asked, "id", place)
    place = f"{place} ({name})"
    result = _of(asked, "answers", list, place)
    if result and asked.get("is_impossible"):
        raise ValueError(f"{place}: is_impossible is true, but there are answers")
    answers = [_answer(answer, context, f"{place}.answers[{i}]") for i, answer in enumerate(result)]
    return name, context, _text(asked, "question", place), [text for text, _ in answers], [at for _, at in answers]


def _answer(answer, context, place):
    text, start = _text(answer, "text", place), _of(answer, "answer_start", int, place)
    if start < 0 or context[start : start + len(text)] != text:
        there = context[max(start, 0) : max(start, 0) + len(text)]
        first = context.find(text)
        hint = "it is nowhere in the context" if first < 0 else f"it first stands at {first}"
        raise ValueError(f"{place}: expected {text[:40]!r} at character {start}; there is {there[:40]!r}; {hint}")
    return text, start


def _text(value, name, place):
    text = _of(value, name, str, place)
    if not text.strip():
        raise ValueError(f"{place}: {name!r} is empty")
    return text


def _of(value, name, kind, place):
    """value[name], which must be of this kind."""
    if not isinstance(value, dict) or name not in value:
        got = f"only {list(value)}" if isinstance(value, dict) else _kind(value)
        raise ValueError(f"{place}: expected an object with {name!r}; got {got}")
    if type(value[name]) is not kind:
        raise ValueError(f"{place}: expected {KINDS[kind]} as {name!r}; got {_kind(value[name])}")
    return value[name]


def _kind(value):
    return KINDS.get(type(value), repr(value)[:40])
