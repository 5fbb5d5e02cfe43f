"""What users hand over as data -> {column: [texts]}: texts, pairs, records, columns, or a dataset of records."""

from collections.abc import Mapping
from typing import Any


def columns(data: Any) -> dict[str, list[str]]:
    """A list of texts, {column: texts}, records (dicts) in a list or a tf.data.Dataset -> {column: [texts]}.

    Bytes are decoded; numbers become text. Raises ValueError for columns of unequal lengths, for records with unequal
    fields and if there are no texts.
    """
    if isinstance(data, str | bytes):
        raise ValueError("expected several texts, got one; put it into a list")
    if isinstance(data, Mapping):
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


def string(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if value is None:
        return ""
    return value if isinstance(value, str) else str(value)
