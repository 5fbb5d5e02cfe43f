"""The handler for Apache Beam in docs/serving.md answers a file on Beam's local runner.

Skipped where apache-beam is missing: it asks for another protobuf than TensorFlow's newest.
"""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import tensorflow as tf

pytest.importorskip("apache_beam")
PAGE = Path(__file__).parents[2] / "docs" / "serving.md"


class Labels(tf.Module):
    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="texts")])
    def serving_default(self, texts):
        return {"label": tf.strings.substr(texts, 0, 1, "UTF8_CHAR"), "score": tf.ones_like(texts, tf.float32)}


@pytest.mark.slow  # a process that imports Beam and TensorFlow
def test_the_handler_of_the_page(tmp_path):
    (code,) = re.findall(r"```python\n([^`]*apache_beam[^`]*.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    handler = code[code.index("class Answers") : code.index("if __name__")]
    assert len(handler.strip().splitlines()) < 40
    (tmp_path / "answers.py").write_text(code, "utf-8")
    texts = [f"{letter} text {i}" for i, letter in enumerate("abcä" * 30)]
    (tmp_path / "texts.txt").write_text("\n".join(texts) + "\n", "utf-8")
    labels = Labels()
    tf.saved_model.save(labels, str(tmp_path / "1"), signatures=labels.serving_default)
    subprocess.run([sys.executable, "answers.py", "1", "texts.txt", "out.tsv"], cwd=tmp_path, check=True)
    lines = (tmp_path / "out.tsv").read_text("utf-8").splitlines()
    assert sorted(line.split("\t")[1] for line in lines) == sorted(texts)
    assert all(line.split("\t")[0] == line.split("\t")[1][0] for line in lines)
