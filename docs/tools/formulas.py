"""Refuses formulas that cannot be typeset, when pages are built and not when somebody reads them.

MathJax typesets them in the browser. Here Matplotlib tries: it knows fewer commands, so those that it
spells otherwise are listed.
"""

import re
from typing import Any

from matplotlib.mathtext import MathTextParser

OTHERWISE = {
    r"\\[td]frac(?![a-z])": r"\\frac",
    r"\\frac(\d)(\d)": r"\\frac{\1}{\2}",
    r"\\frac(\d)": r"\\frac{\1}",
    r"\\[bB]igg?[lrm]?(?![a-z])": "",
    r"\\(l|g)e(?![a-z])": r"\\\1eq",
    r"\\texttt": r"\\mathtt",
}
"""Pattern of what MathJax knows → what Matplotlib calls it."""

parser = MathTextParser("path")


def problem(formula: str) -> str:
    """Return why a formula cannot be typeset; nothing if it can."""
    plain = " ".join(formula.split())
    for pattern, other in OTHERWISE.items():
        plain = re.sub(pattern, other, plain)
    try:
        parser.parse(f"${plain}$")
    except ValueError as error:
        return str(error).splitlines()[-1]
    return ""


def check(app: Any, document: Any) -> None:
    """Warn of each formula of a page that cannot be typeset."""
    from docutils import nodes
    from sphinx.util import logging  # tests of `problem` do without both

    for kind in (nodes.math, nodes.math_block):
        for node in document.findall(kind):
            why = problem(node.astext())
            if why:
                logging.getLogger(__name__).warning("formula %r: %s", node.astext(), why, location=node)


def setup(app: Any) -> dict[str, bool]:
    """Check each page when it was read."""
    app.connect("doctree-read", check)
    return {"parallel_read_safe": True}
