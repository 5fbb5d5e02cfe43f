"""Options -> records: which reader is asked, and with what."""

import pytest

from tfllm import data
from tfllm.cli import pairs


def texts(records):
    return [(record["source"].decode(), record["target"].decode()) for record in records.as_numpy_iterator()]


def test_two_files(tmp_path):
    (tmp_path / "a").write_text("eins\nzwei\n")
    (tmp_path / "b").write_text("one\ntwo\n")
    named = pairs.Pairs(source=str(tmp_path / "a"), target=str(tmp_path / "b"))
    assert texts(pairs.some(named)) == [("eins", "one"), ("zwei", "two")]


@pytest.mark.parametrize("columns, header", [(None, "source\ttarget\n"), (("de", "en"), "de\ten\n"), (("0", "1"), "")])
def test_a_table_by_names_or_numbers(columns, header, tmp_path):
    path = tmp_path / "pairs.tsv"
    path.write_text(header + "eins\tone\n")
    assert texts(pairs.some(pairs.Pairs(data=str(path), columns=columns))) == [("eins", "one")]


def test_a_public_set_has_a_part_for_each_use(monkeypatch):
    monkeypatch.setattr(data, "tfds", lambda *asked: asked)
    assert pairs.records(pairs.Pairs(tfds="ted", columns=("pt", "en"))) == ("ted", "test", ("pt", "en"))
    assert pairs.records(pairs.Pairs(tfds="ted", split="train[:5%]")) == ("ted", "train[:5%]", None)


def test_nothing_named_is_none_or_an_error():
    assert pairs.records(pairs.Pairs()) is None
    with pytest.raises(ValueError, match="--source F --target F"):
        pairs.some(pairs.Pairs())
