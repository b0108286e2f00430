"""How Sphinx builds the documentation: `make docs`."""

import sys
from pathlib import Path
from typing import Any

import photinus

sys.path.insert(0, str(Path(__file__).parent / "tools"))
from architecture import write_architecture
from reference import write_reference

project = "Photinus"
author = copyright = "The Photinus developers"
version = release = photinus.__version__

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx_gallery.gen_gallery",
    "sphinx-mathjax-offline",
    "formulas",
    "images",
]
exclude_patterns = ["tutorials", "figures"]  # scripts, which the gallery runs
default_role = "code"
nitpicky = False

myst_enable_extensions = ["dollarmath", "deflist"]
myst_heading_anchors = 3
suppress_warnings = ["config.cache"]  # the gallery's order is a class

autodoc_default_options = {"show-inheritance": False}
autodoc_typehints = "none"  # the docstrings say it in words
numpydoc_show_class_members = False
numpydoc_xref_param_type = False
numpydoc_validation_checks = {"GL08"}  # a public name without a docstring
# Attributes that are None at first are taken for values without one.
numpydoc_validation_exclude = {r"photinus\.samplers\.Run\.(drive|method|network|time_step|window)$"}

sphinx_gallery_conf = {
    "examples_dirs": ["tutorials", "figures"],
    "gallery_dirs": ["gallery/tutorials", "gallery/figures"],
    "within_subsection_order": "FileNameSortKey",
    "filename_pattern": "",  # run all
    "download_all_examples": False,
    "show_signature": False,
    "remove_config_comments": True,
    "image_scrapers": ("scraper.figures",),
    "capture_repr": ("_repr_html_",),
}

html_theme = "pydata_sphinx_theme"
html_static_path = ["static"]
html_css_files = ["photinus.css"]
html_title = "Photinus"
html_theme_options = {
    "show_prev_next": False,
    "navigation_with_keys": False,
    "secondary_sidebar_items": ["page-toc"],
    "header_links_before_dropdown": 8,
}
html_show_sourcelink = False


def setup(app: Any) -> None:
    """Write what is generated before it is read."""
    folder = Path(app.srcdir) / "reference"
    write_reference(folder)
    write_architecture(folder)
