"""Texts with a context, a separator and a question at the end: "Ann lives in Bonn | Where is Ann?"."""


def parts(texts, separator, about, first=0):
    """(contexts, questions) of strings. An empty text has two empty parts.

    about: a name for the context, for messages. first: the number of the first text. Raises ValueError, with the
    number, for a text that lacks a part.
    """
    expect_separator(separator)
    result = [tuple(part.strip() for part in text.rpartition(separator)[::2]) for text in texts]
    for number, (text, pair) in enumerate(zip(texts, result, strict=True), first + 1):
        if text.replace(separator, "").strip() and not all(pair):
            got = text if len(text) < 60 else f"{text[:57]}..."
            raise ValueError(f"text {number}: expected {about}, {separator!r} and a question; got {got!r}")
    return [before for before, _ in result], [question for _, question in result]


def strings(texts):
    """Bytes as strings; invalid UTF-8 is replaced."""
    return [text.decode("utf-8", "replace") if isinstance(text, bytes) else text for text in texts]


def expect_separator(separator):
    """Raises ValueError for an empty separator."""
    if not separator:
        raise ValueError("--separator must not be empty")
