"""CPU seconds of each test: the limit of those that are not marked slow, and the order of the files.

CPU seconds are those of this process and of the processes that it started and waited for, so that other programs on
the machine change them little. A fixture that several tests share is charged to the file, not to the test that asks
for it first. durations.json has the CPU seconds of each file; `make durations` measures them anew and fails every
unmarked test over LIMIT. Any other run fails it over SLACK times that, since its machine may be slower or busy.
"""

import json
import os
from collections import Counter
from pathlib import Path

import pytest

LIMIT = 5.0  # CPU seconds of a test that is not marked slow, on the machine that measured durations.json
SLACK = 3
FILE = Path(__file__).parent / "durations.json"


def cpu():
    now = os.times()
    return now.user + now.system + now.children_user + now.children_system


def durations():
    """{path of a test file relative to the root: CPU seconds}; what takes less than a second is left out."""
    return json.loads(FILE.read_text("utf-8"))


def updated(known, measured, root):
    """`known` with what was measured now, without files that are gone; sorted by path."""
    found = known | {path: round(seconds, 1) for path, seconds in measured.items()}
    return {path: found[path] for path in sorted(found) if found[path] >= 1 and (root / path).is_file()}


class Timing:
    """A plugin of pytest. record: the file that the durations are written to when the run ends, if any."""

    def __init__(self, record=None, limit=LIMIT):
        self.record, self.limit, self.files = record, limit if record else SLACK * limit, Counter()
        self.mark = self.shared = self.own = 0.0

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items, config):
        """Long files first: where several processes share the tests, none is left alone with one at the end."""
        known = durations()
        items.sort(key=lambda item: -known.get(item.path.relative_to(config.rootpath).as_posix(), 0))

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logstart(self):
        self.mark, self.shared, self.own = cpu(), 0.0, 0.0

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef):
        begin, before = cpu(), self.shared
        try:
            return (yield)
        finally:
            if fixturedef.scope != "function":  # a fixture that it asks for is part of it
                self.shared = before + cpu() - begin

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item, call):
        report = yield
        now = cpu()
        report.cpu_seconds, self.mark = now - self.mark, now
        self.own += report.cpu_seconds
        over = self.own - self.shared > self.limit and not item.get_closest_marker("slow")
        if over and report.when == "call" and report.passed:
            report.outcome = "failed"
            report.longrepr = (
                f"{item.nodeid} used {self.own - self.shared:.1f} s of CPU; a test that is not marked slow has "
                f"{self.limit:g} s: make it smaller, or mark it slow and list it in docs/tests.md"
            )
        return report

    def pytest_runtest_logreport(self, report):
        self.files[report.nodeid.split("::")[0]] += getattr(report, "cpu_seconds", 0.0)

    def pytest_terminal_summary(self, terminalreporter):
        terminalreporter.write_line(f"{sum(self.files.values()):.0f} s of CPU in tests")

    def pytest_sessionfinish(self, session):
        if self.record and not hasattr(session.config, "workerinput"):
            found = updated(durations(), self.files, session.config.rootpath)
            self.record.write_text(json.dumps(found, indent=0) + "\n", "utf-8")
