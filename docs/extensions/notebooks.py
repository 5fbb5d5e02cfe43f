"""The notebooks of the repository as pages: they are copied to docs/notebooks, which git ignores, before Sphinx reads.

Pages link to them where they are for a reader of the repository, `../notebooks/01_translate_dates.ipynb`; these links
are turned to the copies.
"""

import re
import shutil
from pathlib import Path

HOME = Path(__file__).parents[2] / "notebooks"


def copy(app):
    target = Path(app.srcdir) / "notebooks"
    target.mkdir(exist_ok=True)
    kept = {path.name for path in HOME.glob("*.ipynb")}
    for path in target.glob("*.ipynb"):
        if path.name not in kept:
            path.unlink()
    for path in HOME.glob("*.ipynb"):
        copied = target / path.name
        if not copied.exists() or copied.read_bytes() != path.read_bytes():
            shutil.copyfile(path, copied)


def relink(app, docname, source):
    source[0] = re.sub(r"\]\((?:\.\./)+notebooks/", "](/notebooks/", source[0])


def setup(app):
    app.connect("builder-inited", copy)
    app.connect("source-read", relink)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
