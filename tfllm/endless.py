"""Data whose end is not known, read to its end: a warning after many records says what to do if there is none."""

import logging

MANY = 1_000_000  # records; then twice as many, and so on

log = logging.getLogger("tfllm")


def counted(items, size=1, known=False):
    """The items, each of `size` records. known: whether their number is known, and so that they end."""
    seen, many = 0, MANY
    for item in items:
        yield item
        seen += size
        if not known and seen >= many:
            many *= 2
            log.warning(
                "%d records are read and held in memory, and more come: if the data never ends, take(n) of it, or "
                "train a LanguageModel by fit(..., stream=True, steps_per_epoch=n)", seen,
            )  # fmt: skip
