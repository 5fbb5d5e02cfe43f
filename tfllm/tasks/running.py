"""Texts in any form -> what a signature answers to them, in the same form: one answer, all in order, or a stream."""

import tensorflow as tf

from tfllm.tasks import records as gate
from tfllm.tasks.signature import batch_starts, in_batches
from tfllm.tasks.texts import is_one


def run(signature, columns, fields, who, tell=None, batch_size=32, verbose="auto", row=0, **scalars):
    """See `Task.run`. columns: one for each of the fields, or a dataset of records of them. who: the task."""
    if isinstance(columns[0], tf.data.Dataset):
        records = gate.of_dataset(fields, columns[0], who, endless=True)
        return streamed(signature, records, fields, tell or each, batch_size, row, scalars)
    if len(columns) != len(fields):
        raise TypeError(f"{who} answers {' and '.join(fields)}: {len(fields)} columns; got {len(columns)}")
    one = all(map(is_one, columns))
    columns = [gate.texts([part] if one else part, name) for part, name in zip(columns, fields, strict=True)]
    if len({len(part) for part in columns}) > 1:
        sizes = " and ".join(str(len(part)) for part in columns)
        raise ValueError(f"expected a {fields[0]} for each {fields[1]}; got {sizes}")
    if tell is not None and not columns[0]:
        batch_starts(0, batch_size)
        return []
    found = in_batches(signature, columns, batch_size, verbose, row, **scalars)
    if tell is None:
        return {name: part[0] for name, part in found.items()} if one else found
    return tell(found)[0] if one else tell(found)


def streamed(signature, records, fields, tell, batch_size, row, scalars):
    """A generator of the answers one by one; as many records are held as are read together."""
    for part in records.batch(gate.GROUP).as_numpy_iterator():
        columns = [part[name].tolist() for name in fields]
        yield from tell(in_batches(signature, columns, batch_size, 0, row, **scalars))
        row += len(columns[0])


def each(found):
    """{name: array [N, ...]} -> a list of N dicts."""
    return [dict(zip(found, parts, strict=True)) for parts in zip(*found.values(), strict=True)]
