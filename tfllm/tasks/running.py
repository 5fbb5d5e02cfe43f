"""Run a signature on texts in any form -> one answer, a list of answers in order, or a generator."""

import tensorflow as tf

from tfllm.tasks import user_data
from tfllm.tasks.signature import batch_starts, in_batches
from tfllm.tasks.texts import is_one


def run(signature, columns, fields, who, convert=None, batch_size=32, verbose="auto", row=0, **scalars):
    """See `Task.run`. columns: one for each of the fields, or a dataset of records. who: the name of the task."""
    if isinstance(columns[0], tf.data.Dataset):
        records = user_data.from_dataset(fields, columns[0], who, endless=True)
        return streamed(signature, records, fields, convert or rows_as_dicts, batch_size, row, scalars)
    if len(columns) != len(fields):
        raise TypeError(f"{who} reads {' and '.join(fields)}: expected {len(fields)} columns; got {len(columns)}")
    one = all(map(is_one, columns))
    columns = [user_data.texts([part] if one else part, name) for part, name in zip(columns, fields, strict=True)]
    if len({len(part) for part in columns}) > 1:
        sizes = " and ".join(str(len(part)) for part in columns)
        raise ValueError(f"expected a {fields[0]} for each {fields[1]}; got {sizes}")
    if convert is not None and not columns[0]:
        batch_starts(0, batch_size)
        return []
    result = in_batches(signature, columns, batch_size, verbose, row, **scalars)
    if convert is None:
        return {name: part[0] for name, part in result.items()} if one else result
    return convert(result)[0] if one else convert(result)


def streamed(signature, records, fields, convert, batch_size, row, scalars):
    """A generator of single answers; keeps one chunk of records in memory."""
    for part in records.batch(user_data.CHUNK).as_numpy_iterator():
        columns = [part[name].tolist() for name in fields]
        yield from convert(in_batches(signature, columns, batch_size, 0, row, **scalars))
        row += len(columns[0])


def rows_as_dicts(result):
    """{name: array [N, ...]} -> a list of N dicts."""
    return [dict(zip(result, parts, strict=True)) for parts in zip(*result.values(), strict=True)]
