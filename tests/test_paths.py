"""Names, patterns and folders -> files, in a made folder whose name has the signs of a pattern."""

import pytest

from tfllm.paths import expanded


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    for name in ("a [1]/x.txt", "a [1]/in/y.txt.gz", "a [1]/z.csv", "a 1/w.txt", "what?.txt", "b/c.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / name).write_text("text")
    return tmp_path


@pytest.mark.parametrize(
    "name, files",
    [
        ("a [1]", ["a [1]/in/y.txt.gz", "a [1]/x.txt"]),
        ("a [1]/x.txt", ["a [1]/x.txt"]),
        ("a [1]/*", ["a [1]/x.txt", "a [1]/z.csv"]),
        ("a [1]/[xz].*", ["a [1]/x.txt", "a [1]/z.csv"]),
        ("a */*.txt", ["a 1/w.txt", "a [1]/x.txt"]),
        ("**/*.txt.gz", ["a [1]/in/y.txt.gz"]),
        ("what?.txt", ["what?.txt"]),
        ("none.txt", ["none.txt"]),
    ],
)
def test_files(name, files, home, monkeypatch):
    assert expanded(f"~/{name}") == [home / file for file in files]
    assert expanded(home / name) == expanded(f"~/{name}")
    monkeypatch.chdir(home)
    assert [home / path for path in expanded(name)] == [home / file for file in files]


@pytest.mark.parametrize("name, message", [("b", "is a folder without .txt"), ("none*", "no file matches the pattern")])
def test_what_has_no_file(name, message, home):
    with pytest.raises(FileNotFoundError, match=message):
        expanded(home / name)
