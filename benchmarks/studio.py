"""Time the studio over its socket: frames per second, and from a change of a control to its picture.

The client asks as a page does, two frames ahead, and draws nothing. What a browser adds depends on its
drawing; `--browser` measures it in Chromium, without a screen.

Usage: python -m benchmarks.studio [--seconds 5] [--browser]
"""

import argparse
import json
import shutil
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from tests.studios import running
from websockets.sync.client import ClientConnection, connect

from photinus import BoltzmannMachine
from photinus.faces.studio.app import Studio
from photinus.faces.studio.frames import unpacked
from photinus.faces.studio.problems import Shelf

FULL = 20
"""Lasers of full physics."""
CHANGES = 20
CASES: dict[str, tuple[str, dict[str, Any], dict[str, list[Any]]]] = {
    "200 reduced lasers": (
        "network",
        {"problem": "ring", "substrate": "laser-reduced", "chains": 2, "speed": 1e6},
        {"speed": [1e6, 9e5], "evidence": ["1" + 199 * "-", ""]},
    ),
    f"{FULL} lasers, full physics": (
        "network",
        {"problem": "file", "substrate": "laser", "chains": 2, "speed": 1e6},
        {"speed": [1e6, 9e5], "evidence": ["1" + (FULL - 1) * "-", ""]},
    ),
    "one laser": ("laser", {"speed": 1e-8}, {"pump": [1.1, 1.25], "beta": [0.011, 0.0105]}),
}


def ring(units: int) -> BoltzmannMachine:
    """Return a ring of units that agree with their neighbours."""
    weights = np.roll(np.eye(units), 1, axis=1)
    return BoltzmannMachine(1.5 * (weights + weights.T), np.full(units, -1.5))


def say(socket: ClientConnection, **message: Any) -> None:
    socket.send(json.dumps(message))


def frame(socket: ClientConnection, kind: str) -> None:
    """Take frames up to the next of a kind."""
    while (found := unpacked(socket.recv(120)))["kind"] != kind:  # type: ignore[arg-type]
        assert found["kind"] in ("frame", "about"), found


def rate(socket: ClientConnection, seconds: float) -> float:
    """Return frames per second."""
    say(socket, say="more")
    count, end = 0, time.perf_counter() + seconds
    while time.perf_counter() < end:
        say(socket, say="more")
        frame(socket, "frame")
        count += 1
    frame(socket, "frame")
    return count / seconds


def latencies(
    socket: ClientConnection, view: str, values: dict[str, Any], name: str, settings: list[Any]
) -> list[float]:
    """Return milliseconds from a change of one control to the first frame after it."""
    found = []
    for k in range(CHANGES + 2):
        time.sleep(0.05)
        start = time.perf_counter()
        say(socket, say="settings", view=view, values={**values, name: settings[k % len(settings)]})
        say(socket, say="more")
        frame(socket, "frame")
        found.append(1e3 * (time.perf_counter() - start))
    return found[2:]  # the first of each pays for what is computed once


def in_browser(page: str, seconds: float) -> None:
    """Print frames per second that Chromium draws."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        for name, (view, values, _) in CASES.items():
            opened = browser.new_page(viewport={"width": 1280, "height": 800})
            opened.goto(f"{page}#{view}?" + "&".join(f"{k}={v}" for k, v in values.items()))
            opened.wait_for_selector("#state[data-frames]", timeout=120_000)
            opened.wait_for_timeout(1000)
            before, start = int(opened.get_attribute("#state", "data-frames")), time.perf_counter()
            opened.wait_for_timeout(1000 * seconds)
            count = int(opened.get_attribute("#state", "data-frames")) - before
            print(f"{name:28} {count / (time.perf_counter() - start):6.1f} frames/s drawn")
            opened.close()
        browser.close()


def measure(shelf: Shelf, seconds: float, *, browser: bool) -> None:
    """Print what each case takes."""
    with running(Studio(shelf)) as page:
        print(f"{'':28} frames/s   from change to frame [ms]: median, largest of {CHANGES}")
        for name, (view, values, turned) in CASES.items():
            with connect(page.replace("http:", "ws:") + "live", compression=None) as socket:
                say(socket, say="settings", view=view, values=values)
                frame(socket, "about")
                rate(socket, 1.0)
                print(f"{name:28} {rate(socket, seconds):8.1f}")
                for control, settings in turned.items():
                    waits = latencies(socket, view, values, control, settings)
                    told = f"{statistics.median(waits):6.0f} {max(waits):6.0f}"
                    print(f"{'':38} {control:10} {told}")
        if browser:
            in_browser(page, seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--browser", action="store_true", help="draw in Chromium, too")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder) / "ring.json"
        ring(FULL).save(model)
        measure(Shelf(model), options.seconds, browser=options.browser)


if __name__ == "__main__":
    main()
