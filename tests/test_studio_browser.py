"""The studio in a real browser: what a person sees, by mouse and by keyboard. Skipped without Chromium."""

import shutil
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest

pytest.importorskip("starlette", reason="the studio's server needs the extra studio")
pytest.importorskip("playwright", reason="the studio is looked at by Playwright")

from numpy.typing import NDArray
from playwright.sync_api import Browser, Page, sync_playwright

from photinus import BoltzmannMachine
from photinus.faces.studio.app import STATIC, Studio
from photinus.faces.studio.problems import Shelf
from photinus.faces.studio.views.network import NetworkView
from photinus.learning.data import digits
from tests import looks
from tests.studios import LONGEST, running, served

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")
QUICK = "problem=triangle&substrate=laser-reduced&speed=100000"
VIEWS = ("network", "laser", "imperfect", "ledger", "images")
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
BLUE = "#0072b2"
"""Of what is measured, on a light ground."""
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
    opened.set_default_timeout(1000 * LONGEST)
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


def look(page: Page, scheme: Literal["light", "dark"]) -> NDArray[np.uint8]:
    """Return the blocks of a page without what moves: figures, what they say, and the verdict."""
    page.locator("#busy").wait_for(state="hidden")
    page.emulate_media(color_scheme=scheme)
    moving = [page.locator(each) for each in ("canvas", "figcaption span", ".verdict", "#state")]
    return looks.blocks(page.screenshot(mask=moving, mask_color="#808080"))


@pytest.mark.parametrize("view", VIEWS)
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
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    page.click("#pause")
    whole = looks.pixels(page.screenshot())
    for canvas in page.locator("main canvas").all():
        box = canvas.bounding_box()
        assert box is not None
        left, top, wide, tall = (round(box[side]) for side in ("x", "y", "width", "height"))
        seen_here = whole[top : top + tall, left : left + wide].reshape(-1, 3)
        colours, counts = np.unique(seen_here, axis=0, return_counts=True)
        assert len(colours) > 8
        assert counts.max() < 0.995 * counts.sum()
    with np.load(looks.KEPT) as kept:
        for scheme in SCHEMES:
            now = look(page, scheme)
            far = {name: looks.unlike(now, kept[name]) for name in kept}
            assert far[f"{view} {scheme}"] < looks.ALIKE
            assert min(far, key=far.__getitem__) == f"{view} {scheme}"
            # Twins that must fail: all views in the other scheme.
            assert all(far[name] > looks.ALIKE for name in kept if scheme not in name)


def test_a_page_without_its_style_looks_different(page: Page, address: str) -> None:
    page.route("**/style.css", lambda route: route.fulfill(body="", content_type="text/css"))
    shown(page, address, "network")
    page.click("#pause")
    with np.load(looks.KEPT) as kept:
        assert looks.unlike(look(page, "light"), kept["network light"]) > looks.ALIKE


def test_another_font_looks_alike(page: Page, address: str) -> None:
    """What is compared does not hang on the fonts of this machine."""
    style = (STATIC / "style.css").read_text().replace("system-ui", "serif")
    page.route("**/style.css", lambda route: route.fulfill(body=style, content_type="text/css"))
    shown(page, address, "network")
    page.click("#pause")
    with np.load(looks.KEPT) as kept:
        assert looks.unlike(look(page, "light"), kept["network light"]) < looks.ALIKE


def test_evidence_is_set_by_keyboard_and_by_click(page: Page, address: str) -> None:
    shown(page, address, f"network?{QUICK}&problem=rain")
    chip = page.locator("[data-unit='2']")
    chip.focus()
    page.keyboard.press("Enter")
    until(lambda: "evidence=--0" in page.url, page)
    page.keyboard.press("Enter")  # the focus stays
    until(lambda: "evidence=--1" in page.url, page)
    assert chip.text_content() == "wet: on"

    def clicked() -> bool:
        """Click the uppermost unit, which may just be moving, and look whether it is known to be off."""
        box = page.locator("figure.graph canvas").bounding_box()
        assert box is not None
        page.mouse.click(box["x"] + box["width"] / 2, box["y"] + 50)
        page.wait_for_timeout(500)
        return "evidence=0-1" in page.url

    until(clicked, page)


def test_evidence_moves_the_bars_to_the_posterior(page: Page, address: str) -> None:
    machine = Shelf().machine("rain")
    shown(page, address, f"network?{QUICK}&problem=rain")
    for evidence, target in ({}, machine), ({"wet": 1}, machine.conditional({"wet": 1})):
        if evidence:
            page.click("[data-unit='2']")
            page.click("[data-unit='2']")
        expected = target.marginals()

        def error(expected: NDArray[np.float64] = expected) -> float:
            drawn = picture(page, "marginals")
            found = looks.bars(drawn, BLUE, len(expected), top=26, bottom=34, right=12)
            return float(np.abs(found - expected).max())

        # Two pixels are 0.01; reduced lasers come to within 0.02 of this machine.
        until(lambda: error() < 0.03, page)
    assert np.abs(expected - machine.marginals()[:2]).max() > 0.1


def test_a_slider_changes_the_laser(page: Page, address: str) -> None:
    shown(page, address, "laser")
    until(lambda: page.locator(".verdict").get_attribute("data-verdict") == "samples", page)
    before = highest(page)
    pump = page.locator("#control-pump")
    pump.focus()
    page.keyboard.press("Home")
    until(lambda: page.locator(".verdict").get_attribute("data-verdict") == "silent", page)
    assert "pump=0" in page.url
    until(lambda: highest(page) < before / 4, page)


def highest(page: Page) -> float:
    """Return how high the photons go in the upper figure, as a share of the canvas."""
    image = looks.pixels(picture(page, "traces"))
    upper = looks.near(image, BLUE)[24 : len(image) // 2]  # without the names of curves
    drawn = np.flatnonzero(upper.any(axis=1))  # none where the curve lies on its axis
    return float(1 - drawn[0] / len(upper)) if drawn.size else 0.0


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


def test_a_drawn_half_is_completed(page: Page, address: str) -> None:
    test = digits("test")
    assert test.labels is not None
    image = test.pixels[int(np.flatnonzero(test.labels == 0)[0])]
    shown(page, address, "images?substrate=laser-reduced&chains=8&speed=1000000")
    box = page.locator("figure.editor canvas").bounding_box()
    assert box is not None
    side = min(box["width"], box["height"]) - 24
    left, top = box["x"] + (box["width"] - side) / 2, box["y"] + (box["height"] - side) / 2
    places = [
        (left + (k % 8 + 0.5) * side / 8, top + (k // 8 + 0.5) * side / 8)
        for k in np.flatnonzero(image[:32])
    ]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place)
    page.mouse.up()
    drawn = "".join(map(str, image[:32])) + 106 * "-"
    until(lambda: f"evidence={drawn}" in page.url, page)
    known = np.abs(test.pixels[:, 32:].mean(axis=0) - image[32:]).mean()
    # Half a nought leaves little doubt: what is shown is far nearer than the mean of all images.
    until(
        lambda: np.abs(looks.image(picture(page, "mean"))[32:] - image[32:]).mean() < 0.8 * known, page
    )
    np.testing.assert_allclose(looks.image(picture(page, "mean"))[:32], image[:32], atol=0.1)


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
    price.fill("3010")
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


def test_what_is_too_large_comes_with_a_way_out(page: Page, address: str) -> None:
    page.goto(f"{address}#network?problem=ring&substrate=laser")
    until(lambda: "laser-reduced" in (page.locator("#notice").text_content() or ""), page)
    assert "A ring of 200 units" in (page.locator("#control-problem").text_content() or "")
    page.click("text=Use reduced lasers")
    until(lambda: frames(page) > 3, page)
    assert page.locator("#notice").is_hidden()
    assert "substrate=laser-reduced" in page.url


def test_a_broken_engine_is_started_again(
    page: Page, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("the engine broke")

    shown(page, address, f"network?{QUICK}")
    with monkeypatch.context() as patch:
        patch.setattr(NetworkView, "advance", broken)
        until(lambda: "the engine broke" in (page.locator("#notice").text_content() or ""), page)
    seen = frames(page)
    page.click("text=Start again")
    until(lambda: frames(page) > seen + 2, page)
    assert page.locator("#notice").is_hidden()


def keep() -> None:
    """Keep how the views look now: ``python -m tests.test_studio_browser``, after a look at them."""
    found: dict[str, NDArray[np.uint8]] = {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for address in served():
            for view in VIEWS:
                page = browser.new_page(viewport={"width": 1280, "height": 800})
                shown(page, address, view)
                page.click("#pause")
                found |= {f"{view} {scheme}": look(page, scheme) for scheme in SCHEMES}
        browser.close()
    looks.keep(found)


if __name__ == "__main__":
    keep()
