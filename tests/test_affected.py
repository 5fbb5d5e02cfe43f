"""`make check` runs the tests that depend on a change: which these are, for some changes that are easy to judge."""

from pathlib import Path

import pytest

from tests import affected


@pytest.fixture(scope="module", autouse=True)
def imports():
    """Read once, before the first test."""
    affected.affected(["tfllm/layers/masks.py"])


@pytest.mark.parametrize(
    "changed, in_, out",
    [
        ("tfllm/layers/masks.py", ["layers/test_masks.py", "models/test_gpt.py"], ["data/test_readers.py"]),
        ("tfllm/evaluation/perplexity.py", ["evaluation/test_perplexity.py"], ["layers/test_masks.py"]),
        ("tests/reference/gpt.py", ["models/test_gpt.py"], ["models/test_bert.py"]),  # a file of the tests themselves
        ("tests/vectors/conftest.py", ["vectors/test_faults.py"], ["text/test_words.py"]),  # whoever names it or not
        ("README.md", ["test_docs.py", "test_pages.py"], ["text/test_words.py"]),
        ("docs/benchmarks.md", ["test_docs.py"], ["text/test_words.py"]),
    ],
)
def test_what_depends_on_a_change_is_found(changed, in_, out):
    result = {str(path.relative_to("tests")) for path in affected.affected([changed])}
    assert result >= set(in_) and not result & set(out)


def test_a_changed_test_is_run():
    assert Path("tests/text/test_words.py") in affected.affected(["tests/text/test_words.py"])


@pytest.mark.parametrize(
    "name, home",
    [
        ("tfllm.layers.masks.causal", "tfllm/layers/masks.py"),
        ("tfllm.models.GPT", "tfllm/models/gpt.py"),  # loaded when it is first used
        ("tfllm.GPT", "tfllm/models/gpt.py"),
        ("tfllm.data.parallel", "tfllm/data/reading/readers.py"),  # imported by the package
        ("tfllm.GloVe.fit", "tfllm/vectors/glove/glove.py"),
        ("numpy.array", None),
    ],
)
def test_a_name_is_followed_to_its_file(name, home):
    assert affected.file_of(name) == (home and Path(home))
