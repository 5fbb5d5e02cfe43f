"""What setup.cfg asks for on each Python that it names."""

from configparser import ConfigParser
from pathlib import Path

import pytest
from packaging.requirements import Requirement

PROJECT = ConfigParser()
PROJECT.read(Path(__file__).parents[1] / "setup.cfg", encoding="utf-8")
PYTHONS = [line.split(" :: ")[-1] for line in PROJECT["metadata"]["classifiers"].splitlines() if "Python :: 3." in line]


@pytest.mark.parametrize("python", PYTHONS)
def test_no_keras_that_loads_unsafe_files(python):
    """3.15.1, or 3.12.4 of the line that Python 3.10 has."""
    lines = [Requirement(line) for line in PROJECT["options"]["install_requires"].split("\n") if line.strip("# ")]
    (keras,) = [
        one
        for one in lines
        if one.name == "keras" and (not one.marker or one.marker.evaluate({"python_version": python}))
    ]
    unsafe, safe = (["3.12.3", "3.12.0"], ["3.12.4"]) if python == "3.10" else (["3.12.4", "3.15.0"], ["3.15.1"])
    assert not any(version in keras.specifier for version in unsafe) and safe[0] in keras.specifier
