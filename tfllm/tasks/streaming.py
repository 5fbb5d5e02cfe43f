"""`fit(stream=True)`: trains on text that is larger than memory, which is tokenised during training."""

from tfllm.data.batches import TOKENS
from tfllm.tasks import user_data
from tfllm.tasks.task import log


def fit_stream(task, x, y=None, batch_size=None, epochs=1, verbose="auto", callbacks=None, validation_split=0.0,
               validation_data=None, shuffle=True, initial_epoch=0, batch_tokens=None, shapes=6, seed=1,
               recipe=None, sample_weight=None, steps_per_epoch=None, shuffle_buffer=4096,
               **options):  # fmt: skip
    """`task.fit` on a tf.data.Dataset of records that need not fit in memory; they are tokenised during training.

    The arguments are those of `Task.fit`, in the same order. task.streamed(records, **options) returns the
    data.streams.Stream that the model is trained on.

    steps_per_epoch: batches per epoch; an epoch continues where the last one ended. Without it an epoch is one pass
    over the text, which is tokenised once more before the first epoch, to plan the batches. shuffle_buffer: number of
    rows that are shuffled together. Validation data are kept in memory. Raises ValueError for `y`, `sample_weight` and
    validation_split: the length of a stream is not known in advance.
    """
    for name, given, instead in (
        ("y", y is not None, "give the text alone"),
        ("sample_weight", sample_weight is not None, "a document does not become one row"),
        ("validation_split", validation_split, "give validation_data"),
    ):
        if given:
            raise ValueError(f"fit(stream=True) takes no {name}: {instead}")
    tokens = TOKENS if batch_tokens is None and steps_per_epoch else batch_tokens
    records = task.records(x, endless=steps_per_epoch is not None)
    user_data.check_texts(records, task.fields)
    train = task.streamed(
        records, tokens=tokens, batch_size=batch_size, shapes=shapes, buffer=shuffle_buffer,
        seed=seed if shuffle else None, steps=steps_per_epoch,
    )  # fmt: skip
    summary = f"{steps_per_epoch} batches an epoch in about {train.plan.shapes}"
    log.info("training on a stream: %s", summary if steps_per_epoch else train.plan)
    return task.fit_batches(
        train, steps_per_epoch or train.plan.batches, epochs,
        task.validation(validation_data, batch_size, batch_tokens), callbacks, recipe, verbose=verbose,
        initial_epoch=initial_epoch, steps_per_epoch=steps_per_epoch, **options,
    )  # fmt: skip
