"""Files of word vectors that a test writes by hand."""

import gzip

import pytest


@pytest.fixture
def write(tmp_path):
    def write(content, name="x.txt"):
        path = tmp_path / name
        data = content if isinstance(content, bytes) else content.encode()
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return path

    return write
