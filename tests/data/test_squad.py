"""SQuAD's JSON, written here and read by a person; the public set with invented data; the real file, all of it."""

import copy
import gzip
import json
import os
from pathlib import Path

import pytest
import tensorflow as tf

from tfllm.data import squad, squad_tfds

DATA = Path(os.environ.get("TFLLM_DATA", Path(__file__).parents[3] / "shared" / "data")) / "xquad"
CONTEXT = "Ann 🐱 lives\tin Köln. 她住在科隆。"
QUESTIONS = [
    {"id": "q1", "question": "Where does Ann live?", "answers": [
        {"text": "Köln", "answer_start": 15}, {"text": "in Köln", "answer_start": 12}]},
    {"id": "q2", "question": "她住在哪里？", "answers": [{"text": "科隆", "answer_start": 24}], "is_impossible": False},
    {"id": "q3", "question": "Who is Bob?", "answers": [], "is_impossible": True, "plausible_answers": [
        {"text": "Ann", "answer_start": 0}]},
]  # fmt: skip
WHOLE = {"version": "v2.0", "data": [{"title": "A", "paragraphs": [{"context": CONTEXT, "qas": QUESTIONS}]},
                                     {"paragraphs": [{"context": "x", "qas": []}]}]}  # fmt: skip
EXPECTED = [
    ("q1", "Where does Ann live?", ["Köln", "in Köln"], [15, 12]), ("q2", "她住在哪里？", ["科隆"], [24]),
    ("q3", "Who is Bob?", [], []),
]  # fmt: skip


def rows(data):
    result = []
    for record in data.as_numpy_iterator():
        answers = [text.decode() for text in record["answers"]]
        result.append((record["id"].decode(), record["question"].decode(), answers, record["starts"].tolist()))
    return result


def test_records(tmp_path):
    (tmp_path / "a.json").write_text(json.dumps(WHOLE))
    (tmp_path / "b.json.gz").write_bytes(gzip.compress(json.dumps(WHOLE, ensure_ascii=False).encode()))
    data = squad(tmp_path / "a.json")
    assert rows(data) == EXPECTED and data.cardinality() == 3
    assert {record["context"].decode() for record in data.as_numpy_iterator()} == {CONTEXT}
    assert rows(squad(tmp_path / "a.json", tmp_path / "b.json.gz")) == 2 * EXPECTED
    assert [part["starts"].to_list() for part in data.batch(3)] == [[[15, 12], [24], []]]


def changed(**parts):
    """The whole file with parts of the first question, its first answer, the paragraph or the file changed."""
    whole = copy.deepcopy(WHOLE)
    paragraph = whole["data"][0]["paragraphs"][0]
    positions = {"answer": paragraph["qas"][0]["answers"][0], "question": paragraph["qas"][0], "paragraph": paragraph,
              "whole": whole}  # fmt: skip
    for position, values in parts.items():
        positions[position].update(values)
        for name in [name for name, value in values.items() if value is None]:
            del positions[position][name]
    return json.dumps(whole)


@pytest.mark.parametrize(
    "text, output",
    [
        ('{"data": [\n{]}', r"a\.json:2: expected JSON: "),
        ("[]", 'an object with "data", as in SQuAD; got a list'),
        ('{"dat": []}', r"a\.json: expected an object with 'data'; got only \['dat'\]"),
        ('{"data": ["x"]}', r"a\.json: data\[0\]: expected an object with 'paragraphs'; got a text"),
        ('{"data": []}', r"expected questions in .*a\.json; got none"),
        (changed(paragraph={"context": " "}), r"data\[0\]\.paragraphs\[0\]: 'context' is empty"),
        (changed(paragraph={"qas": {}}), r"paragraphs\[0\]: expected a list as 'qas'; got an object"),
        (changed(question={"id": 3}), r"qas\[0\]: expected a text as 'id'; got a number"),
        (changed(question={"answers": None}), r"qas\[0\] \(q1\): expected an object with 'answers'; got only"),
        (changed(question={"is_impossible": True}), r"\(q1\): is_impossible is true, but there are answers"),
        (changed(answer={"answer_start": 14}), r"answers\[0\]: expected 'Köln' at character 14; there is ' Köl'; it "
                                               r"first occurs at 15"),
        (changed(answer={"answer_start": -1}), r"expected 'Köln' at character -1"),
        (changed(answer={"answer_start": "15"}), r"answers\[0\]: expected a number as 'answer_start'; got a text"),
        (changed(answer={"answer_start": True}), r"expected a number as 'answer_start'; got true or false"),
        (changed(answer={"text": "Bonn"}), r"there is 'Köln'; it does not occur in the context"),
        (changed(answer={"text": ""}), r"answers\[0\]: 'text' is empty"),
    ],
)  # fmt: skip
def test_broken_files(text, output, tmp_path):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(ValueError, match=output):
        squad(tmp_path / "a.json")


def test_what_is_not_there():
    with pytest.raises(ValueError, match="expected questions in one or more files"):
        squad()
    with pytest.raises(OSError):
        squad("no such file")


@pytest.mark.parametrize("name", ["squad", "squad/v2.0"])
def test_the_public_set(name):
    """The features are those that the builder has."""
    datasets = pytest.importorskip("tensorflow_datasets")

    def invented(builder, *_, **__):
        assert {"id", "context", "question", "answers"} <= set(builder.info.features)
        answers = {"text": tf.ragged.constant([["Köln"], []]), "answer_start": tf.ragged.constant([[15], []], tf.int32)}
        columns = {"id": ["a", "b"], "title": ["", ""], "context": [CONTEXT] * 2, "question": ["Where?", "Who?"]}
        return tf.data.Dataset.from_tensor_slices(columns | {"answers": answers})

    with datasets.testing.mock_data(as_dataset_fn=invented):
        result = squad_tfds(name, "validation")
        assert rows(result) == [("a", "Where?", ["Köln"], [15]), ("b", "Who?", [], [])]
        with pytest.raises(ValueError, match=r"glue/rte: expected context, question and answers .*'sentence1'"):
            squad_tfds("glue/rte")
        with pytest.raises(ValueError, match="has no 'squat'; it has .*squad"):
            squad_tfds("squat")


@pytest.mark.shared
@pytest.mark.skipif(not DATA.is_dir(), reason="needs the folder of real data, TFLLM_DATA")
def test_the_real_file():
    result = list(squad(DATA / "xquad.en.json").as_numpy_iterator())
    assert len(result) == 1190 and len({record["context"] for record in result}) == 240
    for record in result:
        text, at = record["context"].decode(), record["starts"][0]
        assert text[at : at + len(record["answers"][0].decode())] == record["answers"][0].decode()
