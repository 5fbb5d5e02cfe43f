"""Files that are whole or not there, and JSON objects that are what they should be."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def written(path: str | Path) -> Iterator[Path]:
    """A path beside `path`, same ending; what is written there becomes `path` when the block ends well."""
    path = Path(path)
    beside = path.with_name(f".{path.stem}.part{path.suffix}")
    try:
        yield beside
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)


def json_object(path: str | Path) -> dict:
    """What the file holds. ValueError, which names it, where that is no JSON in UTF-8 or no object."""
    try:
        found = json.loads(Path(path).read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is not JSON in UTF-8: {error}") from None
    if not isinstance(found, dict):
        raise ValueError(f"{path} must hold an object {{...}}, got a {type(found).__name__}")
    return found
