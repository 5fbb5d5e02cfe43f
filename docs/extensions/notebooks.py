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
    names = "\n".join(sorted(path.stem for path in HOME.glob("*.ipynb")))
    index = f"# Notebooks\n\n```{{toctree}}\n:maxdepth: 1\n\n{names}\n```\n"
    if not (target / "index.md").exists() or (target / "index.md").read_text("utf-8") != index:
        (target / "index.md").write_text(index, "utf-8")
    for path in HOME.glob("*.ipynb"):
        copied = target / path.name
        if not copied.exists() or copied.read_bytes() != path.read_bytes():
            shutil.copyfile(path, copied)


def relink(app, docname, source):
    source[0] = re.sub(r"\]\((?:\.\./)+notebooks/", "](/notebooks/", source[0])
    if docname == app.config.root_doc:  # it includes README, whose links begin at the folder above
        text = (HOME.parent / "README.md").read_text("utf-8")
        text = re.sub(r"\]\(docs/", "](", re.sub(r"\]\(notebooks/", "](/notebooks/", text))
        text = text.replace("](CHANGELOG.md)", "](changelog.md)")
        source[0] = re.sub(r"```\{include\} \.\./README\.md\n```", lambda _: text, source[0])


def setup(app):
    app.connect("builder-inited", copy)
    app.connect("source-read", relink)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
