"""The versions of an exported model: the subfolders 1, 2, ... of its folder."""

from pathlib import Path


def versions_of(folder):
    """The numbers of the subfolders that hold a SavedModel, ascending."""
    return sorted(int(path.parent.name) for path in Path(folder).glob("*/saved_model.pb") if path.parent.name.isdigit())
