"""The models that services are tested with, loaded once."""

import asyncio

import pytest

from tests.serving import made
from tfllm.serving.registry import Registry


@pytest.fixture(scope="session")
def folders(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    made.written(folder / "tagger")
    made.written(folder / "chat", {"speakers": ["user", "clerk"]})
    made.written(folder / "lines", {"speakers": ["user", "clerk"], "keep_lines": True})
    made.written(folder / "scorer", kind=made.Scorer)
    return {name: folder / name for name in ("tagger", "chat", "lines", "scorer")}


@pytest.fixture(scope="session")
def registry(folders):
    registry = Registry(folders, {"tagger": {"stable": 1}}, batch_size=2)
    asyncio.run(registry.refresh())
    return registry
