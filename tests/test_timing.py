"""The limit of CPU seconds: what is charged to a test, what fails, and what is kept."""

import json
from pathlib import Path

import pytest

from tests import timing

pytest_plugins = ["pytester"]
ROOT = Path(__file__).parent.parent
TESTS = """
import pytest, subprocess, sys, time
from tests import timing

BURN = "import time\\nwhile time.process_time() < {}: pass"

def burn(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end: pass

@pytest.fixture(scope="module")
def shared():
    burn(0.3)

@pytest.fixture
def own():
    burn(0.3)

def test_sleeps(): time.sleep(0.3)
def test_shared(shared): pass
def test_own(own): pass
def test_burns(): burn(0.3)
def test_children(): subprocess.run([sys.executable, "-c", BURN.format(0.3)], check=True)
@pytest.mark.slow
def test_marked(): burn(0.3)
def test_wrong():
    burn(0.3)
    assert False, "its own fault"
"""


def test_a_test_over_the_limit_fails_the_run(pytester, monkeypatch):
    """Not for sleeping, not for what it shares, not where it is marked; for its own fixture and its processes."""
    monkeypatch.setattr(timing, "durations", lambda: {"test_gone.py": 3.0})
    pytester.makeini("[pytest]\nmarkers = slow")
    path, kept = pytester.makepyfile(TESTS), pytester.path / "durations.json"
    found = pytester.inline_run("-q", "-p", "no:cacheprovider", plugins=[timing.Timing(kept, limit=0.2)])
    passed, _, failed = found.listoutcomes()
    assert {one.nodeid.split("::")[1] for one in passed} == {"test_sleeps", "test_shared", "test_marked"}
    told = {one.nodeid.split("::")[1]: str(one.longrepr) for one in failed}
    assert set(told) == {"test_own", "test_burns", "test_children", "test_wrong"}
    assert all(("a test that is not marked slow has 0.2 s" in text) != (name == "test_wrong")
               for name, text in told.items())  # fmt: skip
    kept = json.loads(kept.read_text())
    assert list(kept) == [path.name] and 1.5 < kept[path.name] < 15


def test_a_run_that_records_nothing_has_more_time():
    assert timing.Timing().limit == timing.SLACK * timing.LIMIT


@pytest.mark.parametrize("known, order", [({"test_b.py": 2.0}, "ba"), ({"test_a.py": 2.0, "test_b.py": 1.0}, "ab")])
def test_long_files_come_first(known, order, pytester, monkeypatch):
    monkeypatch.setattr(timing, "durations", lambda: known)
    pytester.makepyfile(test_a="def test(): pass", test_b="def test(): pass")
    found = pytester.inline_run("-q", "-p", "no:cacheprovider", plugins=[timing.Timing()])
    assert "".join(one.nodeid[5] for one in found.listoutcomes()[0]) == order


def test_durations_are_of_files_that_exist():
    assert [path for path in timing.durations() if not (ROOT / path).is_file()] == []


def test_slow_tests_are_listed():
    told = (ROOT / "docs" / "tests.md").read_text("utf-8")
    marked = [path for path in (ROOT / "tests").rglob("test_*.py") if "mark.slow" in path.read_text("utf-8")]
    assert [path.name for path in marked if path != Path(__file__) and path.name not in told] == []
