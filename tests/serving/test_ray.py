"""`tfllm predict --ray`: every record is answered once, also after `kill -9` in the middle."""

import json
import os
import subprocess
import sys
import time

import pytest

from tests.serving import made
from tfllm.cli import main

pytest.importorskip("ray.data")
SIZE, LONG = 12_000, "w" * 500  # some megabytes, so that they are written in several files


@pytest.fixture
def command(tmp_path, monkeypatch):
    made.written(tmp_path / "tagger")
    with open(tmp_path / "in.jsonl", "w", encoding="utf-8") as file:
        for i in range(SIZE):
            row = {"texts": f"Text {i} {LONG}", "questions": "?"} if i else {"texts": "refused", "questions": "?"}
            file.write(json.dumps(row) + "\n" if i != 7 else "no JSON\n")
    monkeypatch.setenv("RAY_worker_niceness", "0")  # else they hardly run on a busy machine
    return ["predict", str(tmp_path / "tagger"), "--input", str(tmp_path / "in.jsonl"), "--out", str(tmp_path / "out"),
            "--ray"]  # fmt: skip


def answers(folder):
    files = [file for file in folder.glob("*.json") if not file.name.startswith(".")]
    return [json.loads(line) for file in files for line in file.read_text("utf-8").splitlines()]


@pytest.mark.slow  # Ray and its workers, twice
def test_a_killed_run_goes_on(command, tmp_path):
    run = [sys.executable, "-m", "tfllm", *command]
    first = subprocess.Popen(run, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=os.environ)
    end = time.monotonic() + 200
    while not (part := len(answers(tmp_path / "out"))) and first.poll() is None and time.monotonic() < end:
        time.sleep(0.1)
    first.kill()
    first.wait()
    assert 0 < part < SIZE
    second = subprocess.run(run, capture_output=True, text=True, env=os.environ)
    assert second.returncode == 0, second.stderr
    assert second.stdout.splitlines()[-1] == f"{tmp_path / 'out'}: {SIZE:,} answers"
    found = sorted(answers(tmp_path / "out"), key=lambda row: row["record"])
    assert [row["record"] for row in found] == list(range(SIZE))
    assert found[0]["error"] == "a text that is refused" and "record 8: not JSON" in found[7]["error"]
    assert all(row["text"] == f"text {i} {LONG}?" for i, row in enumerate(found) if i not in (0, 7))
    again = subprocess.run(run, capture_output=True, text=True, env=os.environ)  # there is nothing left to do
    assert again.stdout == f"{tmp_path / 'out'}: {SIZE:,} answers\n"


def test_what_is_refused(command, tmp_path, capsys):
    for more, message in ((["--signature", "sample"], "random numbers by the order of texts"),
                          (["--signature", "other"], "no signature 'other'")):  # fmt: skip
        with pytest.raises(SystemExit):
            main([*command, *more])
        assert message in capsys.readouterr().err
    (tmp_path / "out").touch()
    with pytest.raises(SystemExit):
        main(command)
    assert "--out must be a folder for --ray" in capsys.readouterr().err
