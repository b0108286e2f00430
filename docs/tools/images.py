"""Warns of pictures that are older than what draws them, so that no page shows one."""

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))
from studies.pictures.manifest import faults


def check(app: Any) -> None:
    """Warn of each picture that is old, missing, or drawn by nothing."""
    from sphinx.util import logging

    for fault in faults():
        logging.getLogger(__name__).warning("docs/images/%s: make figures", fault)


def setup(app: Any) -> dict[str, bool]:
    """Check before pages are read."""
    app.connect("builder-inited", check)
    return {"parallel_read_safe": True}
