"""No file is half written."""

import pytest

from tfllm.files import written


def test_a_failed_writer_leaves_the_old_file_alone(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(OSError, match="disk full"), written(path) as beside:
        beside.write_text("ne")
        raise OSError("disk full")
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


def test_the_new_file_replaces_the_old_one(tmp_path):
    path = tmp_path / "a.keras"
    path.write_text("old")
    with written(path) as beside:
        assert beside.suffix == ".keras" and beside.parent == tmp_path
        beside.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new" and list(tmp_path.iterdir()) == [path]
