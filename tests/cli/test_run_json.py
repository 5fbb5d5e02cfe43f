"""run.json that is not what a run writes: one line, before TensorFlow is imported."""

import pytest

from tfllm.cli import main


@pytest.mark.parametrize(
    "held, message",
    [
        (b"", "is not JSON in UTF-8"), (b"\xff\xfe", "is not JSON in UTF-8"), (b"[" * 100_000, "is not JSON in UTF-8"),
        (b"[]", "must be an object {...}, got a list"), (b"{}", "must name a task; got None: remove it"),
        (b'{"task": ["lm"]}', "must name a task; got ['lm']: remove it"),
        (b'{"task": "translation"}', "contains a run of translation, not of lm"),
    ],
)  # fmt: skip
def test_a_broken_note_of_a_run_is_told_in_one_line(held, message, tmp_path, capsys):
    (tmp_path / "run.json").write_bytes(held)
    with pytest.raises(SystemExit) as end:
        main(["train", "lm", "--text", "a.txt", "--out", str(tmp_path)])
    output = capsys.readouterr().err
    assert end.value.code == 2 and output.count("\n") == 1 and message in output and str(tmp_path) in output
