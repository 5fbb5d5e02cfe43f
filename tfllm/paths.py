"""The files that a name stands for: itself, those of a folder, or those that fit a pattern; `~` is the home folder."""

import glob
from pathlib import Path

TEXTS = (".txt", ".txt.gz")  # of a folder


def expanded(path: str | Path) -> list[Path]:
    """The files, in order; of a folder the .txt and .txt.gz inside, at any depth.

    A name that is there is no pattern, whatever signs it has; nor is the folder before a pattern, as in "a [1]/*.txt".
    A name that is not there stands for itself. FileNotFoundError for a pattern that fits no file, or a folder without.
    """
    path = Path(path).expanduser()
    if path.is_dir():
        result = [file for file in path.rglob("*") if file.name.lower().endswith(TEXTS) and file.is_file()]
        if not result:
            raise FileNotFoundError(f"{path} is a folder without {' or '.join(TEXTS)}: name its files, {path}/*")
        return sorted(result)
    if path.exists() or not glob.has_magic(str(path)):
        return [path]
    if result := sorted(name for name in glob.glob(pattern(path), recursive=True) if Path(name).is_file()):
        return [Path(name) for name in result]
    raise FileNotFoundError(f"no file fits the pattern {path}")


def pattern(path: Path) -> str:
    """The pattern for glob, in which the folders that are there stand for themselves."""
    known, parts = Path(), list(path.parts)
    while parts and (known / parts[0]).exists():
        known /= parts.pop(0)
    return str(Path(glob.escape(str(known)), *parts))
