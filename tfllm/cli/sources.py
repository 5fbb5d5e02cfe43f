"""The files that options name: whether they are there, before anything is loaded."""

import glob
from pathlib import Path


def there(settings, part, *names):
    """`exist` for the files of these options. part: "", or "valid_" before each name."""
    for name in names:
        paths = getattr(settings, part + name)
        exist(f"--{part}{name}", [paths] if isinstance(paths, str) else paths or ())


def exist(option, paths):
    """FileNotFoundError unless each path is there. One that has no file may be a pattern, which must fit a file."""
    for path in paths:
        path = str(Path(path).expanduser())
        if not Path(path).exists() and not glob.glob(path, recursive=True):
            kind = "no file fits this pattern" if glob.has_magic(path) else "there is no such file"
            raise FileNotFoundError(f"{option} {path}: {kind}")
