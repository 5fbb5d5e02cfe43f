"""Optional cleaning of records: too short, too long, lengths out of proportion, repeated.

The usual first pass over a parallel corpus (clean-corpus-n.perl of Moses). Not included: anything that depends on the
language (identification, spelling), and changes of the texts: records are kept unchanged or dropped.
"""

import tensorflow as tf

BATCH = 1024  # records read at a time
LENGTHS = {"words": lambda text: len(text.split()), "characters": len}


def clean(
    records,
    *,
    fields=("source", "target"),
    unit="words",
    min_length=1,
    max_length=100,
    max_ratio=9.0,
    repeats=True,
):
    """Records of strings -> (the remaining records in order, {reason: number dropped}).

    Each of `fields` must have min_length to max_length `unit`s ("words" between white space, or "characters", better
    for Chinese or Japanese), the longest of them at most max_ratio times the shortest; None for no limit. repeats=False
    drops a record with the same `fields` as an earlier one. Of several reasons the first in the order of the result
    counts: "short", "long", "ratio", "repeat". Defaults: those of Moses. Reads all records into memory; invalid UTF-8
    counts as U+FFFD.

    Raises ValueError for an unknown unit, limits out of order, a field that the records do not have, or if no record
    remains.
    """
    if unit not in LENGTHS:
        raise ValueError(f"unit must be {' or '.join(LENGTHS)}; got {unit!r}")
    if min_length < 0 or (max_length is not None and max_length < min_length):
        raise ValueError(f"expected 0 <= min_length <= max_length; got {min_length} and {max_length}")
    if max_ratio is not None and max_ratio < 1:
        raise ValueError(f"expected max_ratio of at least 1, longest to shortest; got {max_ratio}")
    if missing := set(fields) - set(records.element_spec):
        raise ValueError(f"the records have {sorted(records.element_spec)}, not {sorted(missing)}: set fields=")
    cleaned, seen, dropped = [], set(), {"short": 0, "long": 0, "ratio": 0, "repeat": 0}
    for record in _rows(records):
        texts = tuple(record[field] for field in fields)
        lengths = [LENGTHS[unit](text.decode(errors="replace")) for text in texts]
        reason = _reason(lengths, min_length, max_length, max_ratio)
        if reason is None and not repeats:
            reason = "repeat" if texts in seen else None
            seen.add(texts)
        if reason:
            dropped[reason] += 1
        else:
            cleaned.append(record)
    if not cleaned:
        raise ValueError(f"clean() dropped every record: {dropped}. Relax the limits")
    columns = {name: tf.constant([record[name] for record in cleaned]) for name in records.element_spec}
    return tf.data.Dataset.from_tensor_slices(columns), dropped


def _rows(records):
    """Each record as a dict of bytes."""
    for batch in records.batch(BATCH).as_numpy_iterator():
        for row in zip(*batch.values(), strict=True):
            yield dict(zip(batch, row, strict=True))


def _reason(lengths, min_length, max_length, max_ratio):
    if min(lengths) < min_length:
        return "short"
    if max_length is not None and max(lengths) > max_length:
        return "long"
    if max_ratio is not None and max(lengths) > max_ratio * min(lengths):
        return "ratio"
    return None
