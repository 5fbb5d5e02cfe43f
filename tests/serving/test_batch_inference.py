import json
import os
import random
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from tests.serving import made
from tfllm import cli
from tfllm.partial import whole_lines
from tfllm.serving.batch_inference import predict


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return made.loaded(tmp_path_factory.mktemp("tagger"))


def answers(path):
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_answers_are_those_to_each_record_alone_in_order(model, tmp_path):
    draw = np.random.default_rng(0)
    rows = [{"texts": " ".join("w" * int(n) for n in draw.integers(1, 9, draw.integers(0, 7))), "questions": str(i)}
            for i in range(300)]  # fmt: skip
    rows[7]["texts"] = "refused"
    lines = [json.dumps(row) for row in rows]
    lines[11], lines[12], lines[13] = "{", '{"texts": 3, "questions": ""}', "[1]"
    (tmp_path / "in.jsonl").write_text("\n".join(lines))
    count = predict(model, model.signature(), [tmp_path / "in.jsonl"], tmp_path / "out.jsonl", batch_size=4)
    result = answers(tmp_path / "out.jsonl")
    assert count == len(result) == 300 and sorted(path.name for path in tmp_path.iterdir()) == ["in.jsonl", "out.jsonl"]
    for i, (row, answer) in enumerate(zip(rows, result, strict=True)):
        if i in (7, 11, 12, 13):
            assert answer.keys() == {"error"}
        else:
            words = row["texts"].split()
            assert answer == {"text": row["texts"] + row["questions"], "length": len(row["texts"]), "words": words}
    assert "record 12: not JSON" in result[11]["error"] and "a text that is refused" in result[7]["error"]


@pytest.mark.parametrize("kind", ["csv", "tsv", "parquet"])
def test_tables(model, kind, tmp_path):
    path = tmp_path / f"in.{kind}"
    if kind == "parquet":
        pyarrow = pytest.importorskip("pyarrow")
        from pyarrow.parquet import write_table

        write_table(pyarrow.table({"body": ["A\nb", "c"], "n": [1, 2], "q": ["?", ""]}), path)
    else:
        mark = "," if kind == "csv" else "\t"
        path.write_text(f'body{mark}n{mark}q\n"A\nb"{mark}1{mark}?\nc{mark}2{mark}\n')
    field = {"texts": "body", "questions": "q"}
    predict(model, model.signature(), [path, path], tmp_path / "out.txt", field)
    assert (tmp_path / "out.txt").read_text() == "a b?\nc\n" * 2
    with pytest.raises(ValueError, match="has no field 'questions' for the input 'questions'; it has body, n, q"):
        predict(model, model.signature(), [path], tmp_path / "no.txt", {"texts": "body"})


def test_an_interrupted_run_goes_on_and_another_one_does_not(model, tmp_path):
    (tmp_path / "in.txt").write_text("".join(f"{i}\n" for i in range(50)))
    sample, out = model.signature("sample"), tmp_path / "out.jsonl"
    seen = []

    def stop(done):
        seen.append(done)
        if len(seen) == 3:
            raise KeyboardInterrupt

    options = {"batch_size": 4, "scalars": {"max_length": np.int32(9)}}
    with pytest.raises(KeyboardInterrupt):
        predict(model, sample, [tmp_path / "in.txt"], out, progress=stop, **options)
    partial = tmp_path / "out.jsonl.partial"
    with open(partial, "ab") as file:
        file.write(b'{"text": "half a li')
    with pytest.raises(ValueError, match="is of another input, model or options: --restart"):
        predict(model, sample, [tmp_path / "in.txt"], out, batch_size=4)
    seen.clear()
    assert predict(model, sample, [tmp_path / "in.txt"], out, progress=seen.append, **options) == 50
    assert seen[0] == 16 and not partial.exists()
    predict(model, sample, [tmp_path / "in.txt"], tmp_path / "whole.jsonl", **options)
    assert out.read_bytes() == (tmp_path / "whole.jsonl").read_bytes()


def test_lines_are_counted_and_half_a_line_goes(tmp_path):
    (tmp_path / "a").write_bytes(b"x\n" * 700_000 + b"half")
    assert whole_lines(tmp_path / "a") == 700_000 and (tmp_path / "a").stat().st_size == 1_400_000
    (tmp_path / "a").write_bytes(b"")
    assert whole_lines(tmp_path / "a") == 0


@pytest.mark.slow
def test_a_killed_process_loses_nothing(tmp_path):
    made.written(tmp_path / "tagger")
    (tmp_path / "in.txt").write_text("".join(f"{i:06}\n" for i in range(60_000)))
    words = ["predict", tmp_path / "tagger", "--input", tmp_path / "in.txt", "--out", tmp_path / "out.jsonl",
             "--signature", "sample", "--batch_size", "8", "--scalars", "max_length=8"]  # fmt: skip
    command = [sys.executable, "-m", "tfllm", *map(str, words)]
    draw, kills = random.Random(0), 0
    while True:
        process = subprocess.Popen(command, env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"}, stdout=subprocess.DEVNULL)
        partial, size = tmp_path / "out.jsonl.partial", 0
        size = partial.stat().st_size if partial.exists() else 0
        more = draw.randint(1, 200_000)
        while kills < 3 and process.poll() is None and not (partial.exists() and partial.stat().st_size > size + more):
            time.sleep(0.01)
        if kills < 3 and process.poll() is None:
            process.send_signal(signal.SIGKILL)
            kills += 1
        if process.wait() == 0:
            break
    assert kills == 3
    assert [one["text"][:6] for one in answers(tmp_path / "out.jsonl")] == [f"{i:06}" for i in range(60_000)]


@pytest.mark.parametrize(
    "words, message",
    [
        (["--out", "a.jsonl"], "--input is missing"),
        (["--input", "a.doc", "--out", "a.jsonl"], "expected a file that ends"),
        (["--input", "no.txt", "--out", "a.jsonl"], "no file no.txt"),
        (["--input", "{text}", "--out", "a.csv"], "--out must end"),
        (["--input", "{text}", "--out", "no/a.txt"], "no folder no"),
        (["--input", "{text}", "--out", "a.txt", "--field", "texts"], "--field: expected NAME=VALUE"),
    ],
)  # fmt: skip
def test_wrong_words(words, message, tmp_path, monkeypatch, capsys):
    (tmp_path / "m" / "1").mkdir(parents=True)
    (tmp_path / "m" / "1" / "saved_model.pb").write_bytes(b"")
    (tmp_path / "a text.txt").write_text("a")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit):
        cli.main(["predict", "m", *(word.format(text="a text.txt") for word in words)])
    assert message in capsys.readouterr().err
