"""RUN on the command line -> the model to use."""

from pathlib import Path


def best(run):
    """The best model of a run folder; or that of a .keras file. FileNotFoundError where there is none."""
    from tfllm import load_model, training

    path = Path(run)
    if not path.exists():
        raise FileNotFoundError(f"{run}: expected the folder of a run or a .keras file; it does not exist")
    return load_model(path if path.is_file() else training.best(path))
