"""Training for a benchmark that continues where it was interrupted."""

import keras

import tfllm
from tfllm import training


def trained(folder, recipe, begin, train, valid, **options):
    """-> (the task of the epoch with the lowest validation loss, a summary of its training).

    begin() -> untrained task. options: further arguments of `fit`.
    """
    if (folder / "last.keras").exists():
        task, epoch = training.resume(folder, tfllm.load_model)
    else:
        keras.utils.set_random_seed(recipe.seed)
        task, epoch = begin(), 0
    if training.finished(folder, recipe) is None:
        task.fit(
            train, validation_data=valid, epochs=recipe.epochs, initial_epoch=epoch, recipe=recipe, verbose=0,
            callbacks=training.callbacks(folder, recipe), **{"shapes": 3} | options,
        )  # fmt: skip
    rows = (folder / "history.csv").read_text().splitlines()
    loss = rows[0].split(",").index("val_loss")
    losses = [float(row.split(",")[loss]) for row in rows[1:]]
    result = {"epochs": len(losses), "best_epoch": losses.index(min(losses)) + 1, "val_loss": round(min(losses), 3)}
    return tfllm.load_model(training.best(folder)), result
