"""The reference of the site is whole, and docstrings become reStructuredText as the site needs it."""

import sys
from pathlib import Path

import pytest

import tfllm
from tfllm.cli.tasks import table
from tfllm.config import options

DOCS = Path(__file__).parent.parent / "docs"
UNPUBLISHED = {"config", "losses", "metrics"}  # modules without names of their own in __all__


@pytest.fixture(autouse=True)
def extensions(monkeypatch):
    monkeypatch.syspath_prepend(DOCS / "extensions")
    yield
    for name in ("docstrings", "command_line", "public_names"):
        sys.modules.pop(name, None)


def test_every_package_and_every_task_has_a_page():
    packages = {path.stem for path in (DOCS / "reference/api").glob("*.md")} - {"index"}
    assert packages == set(tfllm._PARTS) - UNPUBLISHED
    assert {path.stem for path in (DOCS / "reference/options").glob("*.md")} - {"index", "other"} == set(table.TASKS)


@pytest.mark.parametrize("task", table.TASKS)
def test_every_option_of_a_task_has_a_description(task):
    assert [one.name for one in options(table.module(task).Training) if not one.comment] == []


def test_a_docstring_becomes_definitions_paragraphs_and_literal_lines():
    from docstrings import rst

    lines = [
        "Sum of a* and `b`s, over |x|. Stops at", "epoch: whatever.", "",
        "x, y: numbers", "  of any size. See `z`.", "rate     of dropout", "",
        "Written so:", "    1 + 2", "", "-> [B, T]",
    ]  # fmt: skip
    assert rst(lines, ("x", "y")) == [
        "Sum of a\\* and ``b``\\ s, over \\|x\\|. Stops at epoch: whatever.", "",
        "``x, y``", "    numbers of any size. See ``z``.", "``rate``", "    of dropout", "",
        "Written so:", "", "::", "", "        1 + 2", "", "\\-> [B, T]", "",
    ]  # fmt: skip


def test_fields_of_a_dataclass_have_their_comments():
    from docstrings import listed

    from tfllm.training import Recipe

    found = listed(Recipe)
    assert "``epochs = 30``" in found and found[found.index("``epochs = 30``") + 1].strip()


@pytest.mark.parametrize("task", table.TASKS)
def test_the_options_of_a_task_are_those_of_its_help(task):
    from command_line import task_page

    from tfllm.cli import options

    page = task_page(task)
    for kind in ("Training", "Evaluation", "Generation", "Exporting"):
        shown = options.lines(getattr(table.module(task), kind))
        names = [line.split()[0].removeprefix("--") for line in shown]
        assert all(f"| `--{name}` |" in page for name in names)


def test_other_verbs_have_their_options():
    from command_line import markdown, verbs

    assert {"keywords", "info", "runs", "vectors train", "vectors nearest"} <= set(verbs())
    for usage, kind, apart in verbs().values():
        assert usage.startswith("tfllm ") and "| option |" in markdown(usage, kind, apart)


def test_public_names_are_functions_and_classes_with_a_first_sentence():
    from public_names import first, public

    names = public("tfllm.explain")
    assert "tfllm.explain.weat" in names and first(names["tfllm.explain.weat"])
    assert "tfllm.layers.masks.causal" in public("tfllm.layers")
