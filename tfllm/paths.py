"""The files of a name: itself, those of a folder, or those that match a pattern; `~` is the home folder."""

import glob
from pathlib import Path

TEXTS = (".txt", ".txt.gz")  # the files of a folder that are read


def expanded(path: str | Path) -> list[Path]:
    """The files, sorted; for a folder the .txt and .txt.gz inside, at any depth.

    An existing name is not a pattern, whatever characters it has; nor is an existing folder before a pattern, as in
    "a [1]/*.txt". A name that does not exist is returned as it is. Raises FileNotFoundError for a pattern without
    matches, or a folder without such files.
    """
    path = Path(path).expanduser()
    if path.is_dir():
        result = [file for file in path.rglob("*") if file.name.lower().endswith(TEXTS) and file.is_file()]
        if not result:
            raise FileNotFoundError(f"{path} is a folder without {' or '.join(TEXTS)}: name its files, {path}/*")
        return sorted(result)
    if path.exists() or not glob.has_magic(str(path)):
        return [path]
    if names := sorted(name for name in glob.glob(pattern(path), recursive=True) if Path(name).is_file()):
        return [Path(name) for name in names]
    raise FileNotFoundError(f"no file matches the pattern {path}")


def pattern(path: Path) -> str:
    """The pattern for glob, with the existing folders escaped."""
    known, parts = Path(), list(path.parts)
    while parts and (known / parts[0]).exists():
        known /= parts.pop(0)
    return str(Path(glob.escape(str(known)), *parts))
