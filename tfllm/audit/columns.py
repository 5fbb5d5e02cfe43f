"""What users hand over as data -> {column: [texts]}: texts, pairs, records, columns, or a dataset of records."""

from collections.abc import Iterable, Mapping
from typing import Any


def columns(data: Any) -> dict[str, list[str]]:
    """A list of texts, {column: texts}, records (dicts) in a list or a tf.data.Dataset, or a pandas DataFrame ->
    {column: [texts]}.

    Bytes are decoded; numbers become text, None and NaN an empty one. Raises ValueError for columns of unequal lengths,
    for records with unequal fields and if there are no texts.
    """
    refuse_one(data, "the data")
    if isinstance(data, Mapping) or (hasattr(data, "items") and hasattr(data, "columns")):
        result = {str(name): [string(value) for value in values] for name, values in data.items()}
    else:
        rows = list(data.as_numpy_iterator() if hasattr(data, "as_numpy_iterator") else data)
        if rows and isinstance(rows[0], Mapping):
            names = list(rows[0])
            if wrong := next((row for row in rows if list(row) != names), None):
                raise ValueError(f"all records must have the fields {names}; one has {list(wrong)}")
            result = {str(name): [string(row[name]) for row in rows] for name in names}
        else:
            result = {"text": [string(row) for row in rows]}
    sizes = {name: len(texts) for name, texts in result.items()}
    if len(set(sizes.values())) > 1:
        raise ValueError(f"the columns must be equally long; got {sizes}")
    if not any(sizes.values()):
        raise ValueError("expected texts; got none")
    return result


def listed(texts: Any, name: str) -> list[str]:
    """Texts, str or bytes -> a list of str. Raises ValueError for a single text, and for what is no list of texts."""
    refuse_one(texts, name)
    result = list(texts)
    if wrong := [one for one in result if not isinstance(one, str | bytes)]:
        raise ValueError(f"{name} must be texts (str); got {wrong[0]!r:.60}")
    return [string(one) for one in result]


def refuse_one(data: Any, name: str):
    if isinstance(data, str | bytes) or not isinstance(data, Iterable):
        got = "one text; put it into a list" if isinstance(data, str | bytes) else repr(data)[:60]
        raise ValueError(f"{name}: expected several texts, got {got}")


def string(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if value is None or (isinstance(value, float) and value != value):  # NaN
        return ""
    return value if isinstance(value, str) else str(value)
