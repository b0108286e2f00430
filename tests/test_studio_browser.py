"""The studio in a real browser: what a person sees, by mouse and by keyboard. Skipped without Chromium."""

import shutil
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("starlette", reason="the studio's server needs the extra studio")
pytest.importorskip("playwright", reason="the studio is looked at by Playwright")

from playwright.sync_api import Browser, Page, sync_playwright

from photinus import BoltzmannMachine
from photinus.faces.studio.app import Studio
from photinus.faces.studio.problems import Shelf
from tests.studios import LONGEST, running, served

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")
QUICK = "problem=triangle&substrate=laser-reduced&speed=100000"
address = pytest.fixture(scope="module")(served)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """Return a page that fails the test for an error, or for a request that leaves loopback."""
    opened = browser.new_page(viewport={"width": 1280, "height": 800})
    wrong: list[str] = []
    opened.on("pageerror", lambda error: wrong.append(str(error)))
    opened.on(
        "console", lambda message: wrong.append(message.text) if message.type == "error" else None
    )
    asked: list[str] = []
    opened.on("request", lambda request: asked.append(request.url))
    opened.on("websocket", lambda socket: asked.append(socket.url))
    yield opened
    opened.close()
    assert not [error for error in wrong if "WebSocket" not in error and "status of 422" not in error]
    assert asked
    assert {url.split("/")[2].split(":")[0] for url in asked if "://" in url} == {"127.0.0.1"}


def frames(page: Page) -> int:
    return int(page.get_attribute("#state", "data-frames") or 0)


def until(said: Callable[[], Any], page: Page) -> Any:
    """Return what `said` gives as soon as it is true."""
    end = time.monotonic() + LONGEST
    while not (found := said()):
        assert time.monotonic() < end, "waited in vain"
        page.wait_for_timeout(50)
    return found


def shown(page: Page, address: str, settings: str) -> None:
    """Open the page with settings and wait for the first frames."""
    page.goto(f"{address}#{settings}")
    until(lambda: frames(page) > 3, page)


def picture(page: Page, name: str) -> bytes:
    """Return what a figure looks like."""
    return page.locator(f"figure.{name} canvas").screenshot()


@pytest.mark.parametrize("view", ["network", "laser", "imperfect", "ledger", "images"])
def test_each_view_opens_and_moves(page: Page, address: str, view: str) -> None:
    shown(page, address, view)
    assert page.locator("nav button[aria-current=page]").get_attribute("data-view") == view
    before = picture(page, "raster" if view != "laser" else "traces")
    seen = frames(page)
    until(lambda: frames(page) > seen + 5, page)
    assert picture(page, "raster" if view != "laser" else "traces") != before
    assert page.locator("#notice").is_hidden()
    # Every control has a name, and every slider says its value with a unit.
    for control in page.locator("#side input, #side select").all():
        name = control.get_attribute("id")
        assert control.get_attribute("aria-label") or page.locator(f"label[for={name}]").count() == 1
    for told in page.locator("#side output").all_text_contents():
        assert " " in told.strip()
    wide = page.evaluate("() => [document.documentElement.scrollWidth, innerWidth]")
    assert wide[0] <= wide[1]


def test_evidence_is_set_by_keyboard_and_by_click(page: Page, address: str) -> None:
    shown(page, address, f"network?{QUICK}&problem=rain")
    chip = page.locator("[data-unit='2']")
    chip.focus()
    page.keyboard.press("Enter")
    until(lambda: "evidence=--0" in page.url, page)
    page.keyboard.press("Enter")  # the focus stays
    until(lambda: "evidence=--1" in page.url, page)
    assert chip.text_content() == "wet: on"
    box = page.locator("figure.graph canvas").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + 50)  # the uppermost unit
    until(lambda: "evidence=0-1" in page.url, page)


def test_a_slider_changes_the_laser(page: Page, address: str) -> None:
    shown(page, address, "laser")
    until(lambda: page.locator(".verdict").get_attribute("data-verdict") == "samples", page)
    pump = page.locator("#control-pump")
    pump.focus()
    page.keyboard.press("Home")
    until(lambda: page.locator(".verdict").get_attribute("data-verdict") == "silent", page)
    assert "pump=0" in page.url


def test_pause_stops_the_frames(page: Page, address: str) -> None:
    shown(page, address, f"network?{QUICK}")
    page.click("#pause")
    page.wait_for_timeout(300)  # what was asked for still comes
    seen = frames(page)
    page.wait_for_timeout(500)
    assert frames(page) == seen
    page.click("#pause")
    until(lambda: frames(page) > seen, page)


def test_a_shared_address_opens_the_same_settings(page: Page, address: str) -> None:
    shown(page, address, f"network?{QUICK}&chains=8&evidence=1--")
    page.click("#share")
    shared = page.locator("#dialog-code").input_value()
    page.click("#dialog-close")
    page.goto("about:blank")
    page.goto(shared)
    until(lambda: frames(page) > 3, page)
    assert page.locator("#control-chains").input_value() == "8"
    assert page.locator("#control-problem").input_value() == "triangle"
    assert page.locator("[data-unit='0']").text_content() == "a: on"


def test_figures_are_saved_and_code_is_shown(page: Page, address: str, tmp_path: Path) -> None:
    shown(page, address, f"network?{QUICK}")
    for kind in ("svg", "png"):
        with page.expect_download() as saved:
            page.click(f"#{kind}")
        saved.value.save_as(tmp_path / f"figure.{kind}")
    root = ET.parse(tmp_path / "figure.svg").getroot()
    texts = {each.text for each in root.iter("{http://www.w3.org/2000/svg}text")}
    assert {"Raster", "Marginals", "a", "b", "c"} <= texts
    assert (tmp_path / "figure.png").read_bytes().startswith(b"\x89PNG")
    page.click("#python")
    until(lambda: "ph.sample(" in page.locator("#dialog-code").input_value(), page)


def test_it_comes_back_after_the_server_restarts(page: Page) -> None:
    studio = Studio(Shelf())
    with running(studio) as first:
        shown(page, first, f"network?{QUICK}&chains=4")
        port = int(first.split(":")[2].split("/")[0])
    until(lambda: page.locator("#notice").is_visible(), page)
    seen = frames(page)
    with running(studio, port):
        until(lambda: frames(page) > seen + 2, page)
        assert page.locator("#notice").is_hidden()
        assert page.locator("#control-chains").input_value() == "4"


def test_half_a_digit_is_drawn_with_the_mouse(page: Page, address: str) -> None:
    shown(page, address, "images?substrate=laser-reduced")
    canvas = page.locator("figure.editor canvas")
    box = canvas.bounding_box()
    assert box is not None
    middle = box["x"] + box["width"] / 2
    page.mouse.move(middle, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(middle, box["y"] + 70)
    page.mouse.up()
    until(lambda: "evidence=0" in page.url, page)
    drawn = page.url.split("evidence=")[1][:64]
    assert "1" in drawn[:32]
    assert drawn[32:] == "-" * 32
    canvas.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press(" ")
    until(lambda: "evidence=01" in page.url, page)
    page.click("#clear")
    until(lambda: "evidence" not in page.url, page)
    page.select_option("#control-class", "7")
    until(lambda: page.url.split("evidence=")[-1][64:74] == "0000000100", page)


def test_a_network_is_built_by_hand(page: Page, address: str) -> None:
    shown(page, address, "network?problem=pair&substrate=gibbs")
    page.click("#change")
    until(lambda: "own=-0.5%2C-1%3B0-1%3A1.5" in page.url, page)
    page.click("#add")
    until(lambda: page.locator("[data-unit]").count() == 3, page)
    box = page.locator("figure.graph canvas").bounding_box()
    assert box is not None
    page.wait_for_timeout(300)  # until the third unit is drawn
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 45)  # the uppermost unit
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2 - 85, box["y"] + box["height"] * 0.66)
    page.mouse.up()
    until(lambda: "0-2%3A1" in page.url, page)
    page.locator("#control-weight").focus()
    page.keyboard.press("End")
    until(lambda: "0-2%3A4" in page.url, page)
    page.click("#remove")
    until(lambda: page.locator("[data-unit]").count() == 2, page)


def test_a_price_is_set(page: Page, address: str) -> None:
    shown(page, address, "ledger?problem=triangle&substrate=laser-reduced")
    told = page.locator("figure.powers figcaption span")
    until(lambda: "mW" in (told.text_content() or ""), page)
    price = page.locator("#control-static")
    price.fill("3000")
    price.press("Enter")
    until(lambda: "3.01 W" in (told.text_content() or ""), page)


def test_a_model_file_is_opened(page: Page, address: str, tmp_path: Path) -> None:
    shown(page, address, f"network?{QUICK}")
    wrong, right = tmp_path / "wrong.json", tmp_path / "right.json"
    wrong.write_text("{}")
    BoltzmannMachine([[0, 1], [1, 0]], [0.5, -1], labels=["x", "y"]).save(right)
    page.set_input_files("#control-file", wrong)
    until(lambda: "wrong.json" in (page.locator("#notice").text_content() or ""), page)
    page.set_input_files("#control-file", right)
    until(lambda: page.locator("[data-unit='1']").text_content() == "y: free", page)
    assert (
        "right.json" in page.locator("#control-problem").locator("option:checked").all_text_contents()
    )


def test_refusals_are_told(page: Page, address: str) -> None:
    page.goto(f"{address}#network?problem=ring&substrate=laser")
    until(lambda: "laser-reduced" in (page.locator("#notice").text_content() or ""), page)
    page.select_option("#control-substrate", "laser-reduced")
    until(lambda: frames(page) > 3, page)
    assert page.locator("#notice").is_hidden()
