"""The tokens of facts and of a question, with their characters in the texts as written."""

import tensorflow as tf

from tfllm.explain.subjects.subject import Token
from tfllm.explain.subjects.token_spans import token_spans
from tfllm.tasks.facts.fact_inputs import lines, plain


def read_tokens(task, story, question):
    """Texts (str) -> (the facts, ragged string [1, None], the Tokens of each, the Tokens of the question).

    Raises ValueError if one of the texts is empty.
    """
    facts = lines(tf.constant([story]))
    rows, asked = fact_tokens(task.tokenizer, story, facts), question_tokens(task.tokenizer, question)
    if not (rows and asked):
        raise ValueError("there is no answer to explain: the facts or the question is empty")
    return facts, rows, asked


def fact_tokens(tokenizer, story, facts):
    """The text of the facts (str), the facts, ragged string [1, None] -> the Tokens of each fact, [[Token]]."""
    result, begin = [], 0
    for fact in (fact.decode("utf-8", "replace") for fact in facts[0].numpy()):
        begin = story.index(fact, begin)
        spans = token_spans(tokenizer, fact)
        result.append([Token(fact[first:end], begin + first, begin + end, "facts") for first, end in spans])
        begin += len(fact)
    return result


def question_tokens(tokenizer, question):
    """-> [Token]; none for an empty question."""
    asked = plain(tf.constant([question])).numpy()[0].decode("utf-8", "replace")
    shift = question.index(asked)
    return [Token(asked[first:end], shift + first, shift + end, "question")
            for first, end in token_spans(tokenizer, asked)]  # fmt: skip
