"""The files that options name: whether they are there, before anything is loaded."""

from pathlib import Path

from tfllm.paths import expanded


def there(settings, part, *names, folders=False):
    """`exist` for the files of these options. part: "", or "valid_" before each name."""
    for name in names:
        paths = getattr(settings, part + name)
        exist(f"--{part}{name}", [paths] if isinstance(paths, str) else paths or (), folders)


def exist(option, paths, folders=False):
    """OSError unless each path is a file that is there; of several files (folders), a pattern or a folder of texts.

    ValueError for an empty name.
    """
    for path in paths:
        if not path:  # "" would be the folder one is in
            raise ValueError(f"{option} is empty: expected the name of a file")
        try:
            files = expanded(path) if folders else [Path(path).expanduser()]
        except FileNotFoundError as error:
            raise FileNotFoundError(f"{option}: {error}") from None
        if not files[0].exists():
            raise FileNotFoundError(f"{option} {path}: there is no such file")
        if files[0].is_dir():
            raise IsADirectoryError(f"{option} {path}: expected a file, it is a folder")
