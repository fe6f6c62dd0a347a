"""How the documentation is built: ``python -m sphinx -W docs OUT``."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "extensions"))

from napari_axonem import __version__

project = "napari-axonem"
author = "the napari-axonem developers"
copyright = "2026, the napari-axonem developers"  # noqa: A001 - Sphinx's name
release = __version__
version = release.partition("+")[0]

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "command_reference",
    "key_reference",
]
exclude_patterns = ["extensions", "pictures"]
nitpicky = False

html_theme = "furo"
html_title = "napari-axonem"
html_theme_options = {"navigation_with_keys": True}

myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3

autodoc_typehints = "signature"
autodoc_member_order = "bysource"
napoleon_google_docstring = False
napoleon_use_rtype = False
napoleon_use_ivar = True

linkcheck_allowed_redirects = {r"https://doi\.org/.*": r"https://.*"}
