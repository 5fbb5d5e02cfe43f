"""Notebooks are kept as they ran, with their outputs: whole, small, and without traces of the machine they ran on."""

import json
import re
from pathlib import Path

import pytest

NOTEBOOKS = sorted((Path(__file__).parent.parent / "notebooks").glob("*.ipynb"))
PATH = re.compile(r"(?<![\w./:])(/(home|root|tmp|work|usr|opt|var|mnt|Users|private)/|[A-Z]:\\)")
MOST = 1_500_000  # bytes of all together


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_outputs(path):
    cells = [cell for cell in json.loads(path.read_text("utf-8"))["cells"] if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1)), "run it from top to bottom"
    outputs = [output for cell in cells for output in cell["outputs"]]
    assert not [output for output in outputs if output["output_type"] == "error" or output.get("name") == "stderr"]
    assert any("image/png" in output.get("data", {}) for output in outputs), "a picture tells more"
    texts = ["".join(output.get("text", [])) for output in outputs]
    texts += ["".join(part) for output in outputs for kind, part in output.get("data", {}).items() if "text" in kind]
    assert not [text for text in texts if PATH.search(text)]
    assert not [text for text in texts if "\b" in text or "\r" in text], "a progress bar in all its states"


def test_together_they_are_small():
    assert len(NOTEBOOKS) == 12 and sum(path.stat().st_size for path in NOTEBOOKS) < MOST
