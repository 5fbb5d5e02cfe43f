"""Reads data of unknown length to its end: after many records a warning says what to do if there is no end."""

import logging

MANY = 1_000_000  # records before the first warning; then twice as many, and so on

log = logging.getLogger("tfllm")


def counted(items, size=1, known=False):
    """The items, each of `size` records. known: whether their number is known, so that they do end."""
    seen, many = 0, MANY
    for item in items:
        yield item
        seen += size
        if not known and seen >= many:
            many *= 2
            log.warning(
                "%d records were read into memory, and there are more: if the data is infinite, use take(n), or "
                "train a LanguageModel with fit(..., stream=True, steps_per_epoch=n)", seen,
            )  # fmt: skip
