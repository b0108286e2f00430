"""What the studio ships with: the digits that it shows, and its picture in the docs.

`digits` learns the machine and writes it into the package, data/digits.npz. Weights and biases are
rounded to three decimals, so that the file is small. `picture` needs Chromium and Playwright.

Usage: python -m studies.studio digits
       python -m studies.studio picture
"""

import argparse
import shutil
from pathlib import Path

import numpy as np

from photinus.faces.demo.digits import DIGITS
from photinus.learning.data import digits
from photinus.learning.estimator import BoltzmannEstimator
from photinus.machines.boltzmann import BoltzmannMachine

ROOT = Path(__file__).parent.parent
OUT = ROOT / "src" / "photinus" / "data" / "digits.npz"
DECIMALS = 3
PICTURE = ROOT / "docs" / "images" / "studio.png"
SHOWN = "network?evidence=--1&speed=100"
SECONDS = 10


def learn() -> None:
    train, test = digits("train"), digits("test")
    estimator = BoltzmannEstimator(**DIGITS, seed=0).fit(train.pixels, train.labels)
    learned = estimator.machine()
    rounded = BoltzmannMachine(
        np.round(learned.weights, DECIMALS), np.round(learned.biases, DECIMALS), learned.labels
    )
    rounded.save(OUT.with_suffix(".full.npz"))
    with np.load(OUT.with_suffix(".full.npz")) as arrays:
        np.savez_compressed(OUT, **arrays)
    OUT.with_suffix(".full.npz").unlink()
    print(f"{OUT.name}: {OUT.stat().st_size / 1e3:.0f} kB, {rounded.n_units} units")
    print(f"accuracy on test images, before rounding: {estimator.score(test.pixels, test.labels):.1%}")


def draw() -> None:
    from playwright.sync_api import sync_playwright
    from tests.studios import running

    from photinus.faces.studio.app import Studio
    from photinus.faces.studio.problems import Shelf

    with running(Studio(Shelf())) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        page = browser.new_page(viewport={"width": 1280, "height": 800}, color_scheme="light")
        page.goto(f"{address}#{SHOWN}")
        page.wait_for_selector("#state[data-frames]")
        page.wait_for_timeout(1000 * SECONDS)
        page.screenshot(path=PICTURE)
        browser.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("digits", "picture"))
    {"digits": learn, "picture": draw}[parser.parse_args().what]()


if __name__ == "__main__":
    main()
