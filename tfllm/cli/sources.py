"""The files that options name: whether they are there, before anything is loaded."""

import glob
from pathlib import Path


def there(settings, part, *names):
    """FileNotFoundError unless the files of these options are there. part: "", or "valid_" before each name.

    A name that has no file may be a pattern, which must fit a file.
    """
    for name in names:
        paths = getattr(settings, part + name)
        for path in [paths] if isinstance(paths, str) else paths or ():
            if not Path(path).expanduser().exists() and not glob.glob(str(Path(path).expanduser()), recursive=True):
                raise FileNotFoundError(f"--{part}{name} {path}: there is no such file")
