"""presidio's recognisers beside ours, on numbers with known check digits; names by a spaCy pipeline of this test."""

import json
import sys

import pytest

from tfllm.audit import PersonalData, Presidio, data_report, personal_data, redact, redacted_file
from tfllm.cli import main

pytest.importorskip("presidio_analyzer")
NHS, BITCOIN = (
    "943 476 5919",
    "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa",
)  # NHS' own example (modulo 11); the first address


@pytest.fixture(scope="module")
def finder():
    return Presidio()


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory):
    """A spaCy pipeline that knows one person, as a folder."""
    spacy = pytest.importorskip("spacy")
    nlp, folder = spacy.blank("en"), tmp_path_factory.mktemp("pipeline") / "names"
    nlp.add_pipe("entity_ruler").add_patterns([{"label": "PERSON", "pattern": "Ada Lovelace"}])
    nlp.to_disk(folder)
    return str(folder)


def test_more_kinds_with_their_check_digits(finder):
    text = f"My NHS number is {NHS}; pay to {BITCOIN}."
    found = {one.kind: text[one.start : one.end] for one in finder(text)}
    assert found == {"uk_nhs": NHS, "crypto": BITCOIN}
    assert not {"uk_nhs", "crypto"} & {one.kind for one in finder(text.replace("5919", "5918").replace("1A1", "1A2"))}
    assert finder("") == finder(" \n") == finder("no data 好 😀") == []


def test_own_matches_come_first(finder):
    text = f"ann@example.org, 4111 1111 1111 1111, 192.168.0.1, call 713-345-6687, {NHS}, 2024-01-02, http://a.org"
    assert [one for one in finder(text) if one.kind != "uk_nhs"] == personal_data(text)[:-1]  # that is a phone number
    ends = [(one.start, one.end) for one in finder(text)]
    assert all(a[1] <= b[0] for a, b in zip(ends, ends[1:], strict=False))
    assert redact(text, find=finder).startswith("[EMAIL], [CARD], [IP_ADDRESS], call [PHONE], [UK_NHS]")


def test_names_by_a_pipeline(pipeline):
    finder, text = Presidio(pipeline), "Here Ada Lovelace wrote."
    assert finder(text) == [PersonalData("person", 5, 17)] and pipeline in str(finder)
    assert Presidio()(text) == []


def test_the_report_counts_them(finder, tmp_path, capsys, pipeline):
    texts = [f"number {NHS}", "Ada Lovelace wrote ann@example.org", "nothing"]
    report = data_report(texts, threshold=None, find=finder)
    column = report.parts["train"]["text"]
    assert column.personal == {"uk_nhs": 1, "email": 1} and column.personal_records == 2
    assert str(finder) in report.html() and "patterns" in data_report(texts, threshold=None).html()
    (tmp_path / "data.txt").write_text("\n".join(texts), "utf-8")
    words = ["data-report", "--train", str(tmp_path / "data.txt"), "--no_near", "--presidio", "--spacy_model", pipeline]
    main([*words, "--json", "--redact", str(tmp_path / "redacted")])
    told = json.loads(capsys.readouterr().out)
    assert told["parts"]["train"]["text"]["personal"] == {"uk_nhs": 1, "person": 1, "email": 1}
    expected = "number [UK_NHS]\n[PERSON] wrote [EMAIL]\nnothing\n"
    assert (tmp_path / "redacted" / "data.txt").read_text("utf-8") == expected
    assert redacted_file(tmp_path / "data.txt", tmp_path / "own").read_text("utf-8") != expected


def test_mistakes_are_told(tmp_path, capsys, monkeypatch):
    with pytest.raises(ValueError, match="no pipeline 'no_such_model': install it, python -m spacy download"):
        Presidio("no_such_model")
    (tmp_path / "data.txt").write_text("a\n")
    with pytest.raises(SystemExit):
        main(["data-report", "--train", str(tmp_path / "data.txt"), "--spacy_model", "x"])
    assert "--spacy_model needs --presidio" in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "presidio_analyzer", None)
    with pytest.raises(ImportError, match=r"pip install 'tfllm\[presidio\]'"):
        Presidio()
