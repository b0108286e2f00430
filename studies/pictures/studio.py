"""``python -m studies.pictures.studio``: take the picture of the studio, as Chromium shows it.

It lies beside the drawn pictures, but is not old after each change of a style. It needs Chromium.
"""

import io
import shutil

from PIL import Image
from playwright.sync_api import sync_playwright
from studies.pictures.manifest import IMAGES
from tests.studios import running

from photinus.faces.studio.app import Studio
from photinus.faces.studio.problems import Shelf

NAME = "studio.png"
SIZE = {"width": 1160, "height": 720}
SHOWN = "network?problem=rain&evidence=--1&speed=120"
WAIT = 12_000
"""Time that the network samples before the picture is taken [ms]."""
COLOURS = 128
"""Of the file: the page has few, and so a third of the bytes does."""


def main() -> None:
    """Show a network given evidence, and keep what the page looks like."""
    with running(Studio(Shelf())) as page, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        opened = browser.new_page(viewport=SIZE, color_scheme="light")
        opened.goto(f"{page}#{SHOWN}")
        opened.wait_for_selector("#state[data-frames]", timeout=120_000)
        opened.wait_for_timeout(WAIT)
        taken = Image.open(io.BytesIO(opened.screenshot()))
        browser.close()
    few = taken.convert("RGB").quantize(COLOURS, Image.Quantize.MAXCOVERAGE)
    few.save(IMAGES / NAME, optimize=True)
    print(f"docs/images/{NAME}")


if __name__ == "__main__":
    main()
