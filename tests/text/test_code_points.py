"""Tables of characters: stretches read and written, files that are in the package and as their script makes them."""

from configparser import ConfigParser
from importlib import util
from pathlib import Path

import numpy as np
import pytest

from tfllm.text import code_points

ROOT = Path(__file__).parents[2]
AUDIT = ROOT / "tfllm" / "audit"
TEXT = ROOT / "tfllm" / "text"


def test_stretches_of_code_points():
    result = code_points.points("41-43 61 10FFFF")
    assert np.flatnonzero(result).tolist() == [0x41, 0x42, 0x43, 0x61, 0x10FFFF]
    assert code_points.stretches(result) == "41-43 61 10FFFF"
    assert code_points.stretches(np.zeros(code_points.HIGHEST, bool)) == ""


def test_a_table_of_a_package():
    result = code_points.table("tfllm.text.bytepair", "unicode16.txt")
    assert (
        result.keys() == {"L", "N"} and result["L"].startswith("41-5A 61-7A AA ") and result["N"][:12] == "30-39 B2-B3 "
    )
    assert not (code_points.points(result["L"]) & code_points.points(result["N"])).any()


def test_all_files_beside_the_code_are_package_data():
    project = ConfigParser()
    project.read(ROOT / "setup.cfg", encoding="utf-8")
    declared = {
        path
        for package, names in project["options.package_data"].items()
        for name in names.replace(",", " ").split()
        for path in ((ROOT / "tfllm").rglob(name) if package == "*" else ROOT.joinpath(*package.split(".")).glob(name))
    }
    there = {path for path in (ROOT / "tfllm").rglob("*") if path.is_file() and path.suffix not in (".py", ".pyc")}
    assert declared == there
    data = {path for path in there if path.suffix != ".pyi" and path.name != "py.typed" and path.parent.parent != AUDIT}
    served = {ROOT / "tfllm/export/operations.txt", ROOT / "tfllm/serving/page.html"}
    served |= set((ROOT / "tfllm/export/templates").iterdir())
    assert data == {TEXT / "bytepair" / "unicode16.txt", TEXT / "wordpiece" / "unicode8.txt"} | served


@pytest.mark.peers
@pytest.mark.slow
def test_the_files_are_as_their_script_makes_them():
    """Asks Hugging Face's `tokenizers` about each code point."""
    pytest.importorskip("tokenizers")
    spec = util.spec_from_file_location("unicode_tables", ROOT / "scripts" / "unicode_tables.py")
    script = util.module_from_spec(spec)
    spec.loader.exec_module(script)
    assert script.letters_and_numbers() == (TEXT / "bytepair" / "unicode16.txt").read_text("utf-8")
    assert script.marks_and_punctuation() == (TEXT / "wordpiece" / "unicode8.txt").read_text("utf-8")
