"""Shows the figures of a tutorial in the gallery, those of `photinus.plots` too.

What sphinx-gallery has for Matplotlib sees only figures that `pyplot` made. Photinus makes its figures
without `pyplot`, so that nothing stays open. Here the figure that ends a block is kept.
"""

from typing import Any

from matplotlib.figure import Figure
from sphinx_gallery.scrapers import figure_rst, matplotlib_scraper

LAST = "___"
"""Where sphinx-gallery keeps the value of a block's last line."""


def figures(block: Any, variables: dict[str, Any], settings: dict[str, Any], **options: Any) -> str:
    """Return the text that shows what a block drew, after writing its pictures."""
    shown = str(matplotlib_scraper(block, variables, settings, **options))
    last = variables["example_globals"].get(LAST)
    if not isinstance(last, Figure):
        return shown
    variables["example_globals"][LAST] = None  # blocks that end otherwise leave it as it is
    path = next(variables["image_path_iterator"])
    last.savefig(path)
    return shown + str(figure_rst([path], settings["src_dir"]))
