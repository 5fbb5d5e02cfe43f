"""README and docs/: links lead somewhere, pictures are those that code draws, and the language is plain English."""

import importlib.util
import json
import re
import struct

import pytest

from tests.pages import ROOT

PAGES = sorted(
    path.relative_to(ROOT)
    for path in [ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")]
    if "notebooks" not in path.relative_to(ROOT).parts
)
LINK = re.compile(r"\]\(([^)\s]+)\)")
CODE = re.compile(r"```.*?```|`[^`\n]+`", re.DOTALL)
DIALECT = (  # said in the words of this project alone
    "batches of few shapes", "token-mean", "leaves XLA out", "takes it in", "what they associate",
    "by the words that these lack", "without a word", "Of a beam of", "is what `compile` saw", "Told what",
    "Of the prompts", "may get", "whose model is trained already", "Nothing is to be said", "its own places",
    "can be told about", "few shapes", "Left uncompiled", "what stands behind", "no room", "tells how",
)  # fmt: skip
SKIPPED = {"CHANGELOG.md"}


def text(page):
    return (ROOT / page).read_text("utf-8")


def anchors(page):
    """The anchors of the headings of a page, as GitHub and MyST make them."""
    heads = re.findall(r"^#+ (.*)$", CODE.sub(lambda code: code[0] if "\n" not in code[0] else "", text(page)), re.M)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_links_lead_to_files_and_headings(page):
    for link in LINK.findall(re.sub(r"```.*?```", "", text(page), flags=re.DOTALL)):
        if "://" in link or link.startswith("mailto:"):
            continue
        path, _, anchor = link.partition("#")
        target = (ROOT / page).parent / path if path else ROOT / page
        assert target.exists(), f"{page}: {link}"
        if anchor and target.suffix == ".md":
            assert anchor in anchors(target.resolve().relative_to(ROOT)), f"{page}: {link}"


@pytest.mark.parametrize("page", [page for page in PAGES if page.name != "CHANGELOG.md"], ids=str)
def test_files_of_the_code_that_are_named_exist(page):
    named = re.findall(r"(?<![\w/])(?:tfllm|tests|docs|benchmarks|scripts)/[\w/]+\.(?:py|md|yaml|json)", text(page))
    assert not [path for path in named if not (ROOT / path).exists()]


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_the_language_is_plain(page):
    if page.name in SKIPPED:
        pytest.skip("history")
    words = " ".join(text(page).split()).lower()
    assert not [phrase for phrase in DIALECT if phrase.lower() in words]


def test_readme_is_short():
    assert len(text("README.md").splitlines()) < 200


def test_pictures_are_those_that_code_draws():
    spec = importlib.util.spec_from_file_location("pictures", ROOT / "docs/pictures.py")
    pictures = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(pictures)
    drawn = {
        "life_of_a_sentence.svg": pictures.life_of_a_sentence().encode(),
        "packages.svg": pictures.packages().encode(),
        "efficiency.svg": pictures.efficiency(json.loads(pictures.EFFICIENCY.read_text("utf-8"))).encode(),
    }
    drawn |= {name: pictures.figure(*where) for name, where in pictures.FIGURES.items()}
    files = {path.name: path.read_bytes() for path in pictures.PICTURES.iterdir()}
    assert files.pop("growth.png").startswith(b"\x89PNG\r\n\x1a\n")  # of a measurement: benchmarks/growth.py
    for name, size in pictures.PHOTOGRAPHS.items():  # of a browser, which is not always installed
        photograph = files.pop(name)
        assert photograph[:8] == b"\x89PNG\r\n\x1a\n" and len(photograph) < 80_000
        assert struct.unpack(">2I", photograph[16:24]) == size
    assert files == drawn, "run: python docs/pictures.py"
    assert all(len(data) < 100_000 for data in files.values())
