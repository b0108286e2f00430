"""A design's verdict as a page of HTML."""

from typing import TYPE_CHECKING

from photinus.faces.cli.device import sheet_rows
from photinus.faces.design.job import Design
from photinus.faces.design.words import headline, influence_rows, verdict_rows
from photinus.faces.report.page import task_page

if TYPE_CHECKING:
    from matplotlib.figure import Figure
