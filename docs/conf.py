"""Sphinx reads this file: `make docs` builds the site into build/docs, strictly: every warning is an error.

The pages are Markdown (MyST). Notebooks are shown with the outputs they are committed with; nothing is executed here,
since the tests execute every block of the pages. The reference is made from docstrings and from the dataclasses of the
command line by the modules in docs/extensions.
"""

import os
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent), str(HERE / "extensions")]
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import tfllm  # noqa: E402  found through the line above

project, author, copyright = "tfllm", "the tfllm authors", "the tfllm authors; Apache-2.0"
version = release = tfllm.__version__

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.doctest",
    "notebooks",
    "docstrings",
    "public_names",
    "command_line",
]
exclude_patterns = ["extensions"]
nitpicky = True
default_role = "code"  # `name` in a docstring is code

autodoc_member_order = "bysource"
autodoc_typehints = "none"  # docstrings say what the arguments are
autodoc_inherit_docstrings = False  # those of Keras
smartquotes = False
autodoc_default_options = {"members": True}

nb_execution_mode = "off"
nb_merge_streams = True
myst_enable_extensions = ["attrs_inline", "colon_fence", "deflist"]
myst_heading_anchors = 4
suppress_warnings = ["mystnb.unknown_mime_type"]

html_theme = "furo"
html_title = f"tfllm {version}"
html_copy_source = False
html_show_sourcelink = False
templates_path, html_static_path = [], []

# Translations: `sphinx-build -b gettext`, then sphinx-intl update -l zh_CN; the catalogues are docs/locale/*.
locale_dirs, gettext_compact, gettext_uuid = ["locale/"], False, False
