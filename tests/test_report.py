"""Reports as pages: what stands where, what readers without eyes, network or scripts get."""

import base64
import json
import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest

import photinus as ph
from photinus.faces.report.hardware import hardware_card
from photinus.faces.report.page import picture, render, task_page
from photinus.faces.report.posterior import posterior_page
from photinus.faces.report.rows import fidelity_rows
from photinus.faces.report.run import run_page
from photinus.hardware import headline, peers
from photinus.hardware.comparison import REFERENCE

LIMIT = 3_000_000
"""Bytes of a page at most."""
MACHINE = ph.BoltzmannMachine([[0, 1], [1, 0]], [0.5, -1], labels=["rain", "</script><b>wet"])
VOID = {"meta", "img", "br"}


@dataclass
class Page(HTMLParser):
    """What a page has: headings, pictures, captions, links, and whether its tags are closed."""

    text: str
    headings: list[str] = field(default_factory=list)
    images: list[dict[str, str | None]] = field(default_factory=list)
    captions: list[str] = field(default_factory=list)
    addresses: list[str] = field(default_factory=list)
    opened: list[dict[str, str | None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self._stack: list[str] = []
        self._said: list[str] | None = None
        self.feed(self.text)
        assert self._stack == [], "tags that are not closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self._stack.append(tag)
        found = dict(attrs)
        self.addresses += [str(found[name]) for name in ("src", "href", "action") if name in found]
        if tag == "img":
            self.images.append(found)
        if tag == "details":
            self.opened.append(found)
        if tag in ("h1", "h2", "h3", "b"):
            self._said = []

    def handle_endtag(self, tag: str) -> None:
        assert self._stack.pop() == tag
        if tag in ("h1", "h2", "h3", "b") and self._said is not None:
            said = "".join(self._said)
            (self.captions if tag == "b" else self.headings).append(said)
            self._said = None

    def handle_data(self, data: str) -> None:
        if self._said is not None:
            self._said.append(data)


@pytest.fixture(scope="module")
def samples() -> ph.Samples:
    return ph.sample(MACHINE, "laser-reduced", chains=8, draws=60, burn_in=5, seed=1)


@pytest.fixture(scope="module")
def page(samples: ph.Samples) -> str:
    return run_page(samples, command="photinus report run.zarr --out 'a b.html'")


def test_a_page_is_one_small_file_that_fetches_nothing(page: str) -> None:
    """Twin: a link elsewhere is found."""
    addresses = Page(page).addresses
    assert addresses
    assert all(address.startswith("data:image/") for address in addresses)
    assert not re.search(r"@import|url\(|https?:|fetch\(|import ", page)
    assert len(page.encode()) < LIMIT
    assert Page('<a href="https://elsewhere">x</a>').addresses == ["https://elsewhere"]


def test_the_summary_comes_first_and_tables_are_folded(page: str) -> None:
    found = Page(page)
    assert found.headings == [
        "Run on laser-reduced",
        "Summary",
        "Marginals",
        "Figures",
        "Tables",
        "Fidelity",
        "Run",
        "Hardware",
        "What the chip does",
        "Prices",
        "Power and energy",
        "Heat",
        "Appendix: other machines",
        "How this was made",
    ]
    assert len(found.opened) == 7
    assert all("open" not in attributes for attributes in found.opened)
    for question in ("Does it sample?", "How far off?", "How fast?", "How much power?"):
        assert page.index(f"<dt>{question}</dt>") < page.index("<h2>Marginals</h2>")
    assert page.index("What limits it?") < page.index("<h2>Marginals</h2>")
    assert "photinus report run.zarr --out &#39;a b.html&#39;" in page
    for package in ("numpy", "numba", "Python"):
        assert package in page[page.index("How this was made") :]


def test_captions_are_numbered_and_pictures_have_words(page: str) -> None:
    found = Page(page)
    for kind in ("Figure", "Table"):
        numbers = [int(n) for each in found.captions for n in re.findall(rf"^{kind} (\d+)\.", each)]
        assert numbers == list(range(1, len(numbers) + 1))
        assert len(numbers) >= 3
    assert len(found.images) == 3
    for image in found.images:
        assert len(str(image["alt"])) > 40
    assert "probability against state" in str(found.images[0]["alt"])


def test_pictures_are_vectors_with_words(page: str) -> None:
    for image in Page(page).images:
        kind, data = str(image["src"]).split(";base64,")
        assert kind == "data:image/svg+xml"
        drawn = base64.b64decode(data).decode()
        assert "<text" in drawn
        assert "sans-serif" in drawn


def test_a_page_prints(page: str) -> None:
    styles = page[page.index("@media print") : page.index("</style>")]
    assert "break-inside: avoid" in styles
    assert ".live { display: none; }" in styles
    assert "details-content" in styles
    assert "beforeprint" in page


def test_spikes_that_can_be_zoomed_are_those_of_the_run(page: str, samples: ph.Samples) -> None:
    (text,) = re.findall(r'<script type="application/json">(.*?)</script>', page, re.DOTALL)
    shown = json.loads(text)
    assert shown["labels"] == ["rain", "</script><b>wet"]
    spikes, window = samples.spikes, samples.window
    assert spikes is not None
    assert window is not None
    start = samples.burn_in * window
    mine = (spikes.chain == 0) & (spikes.time > start - window) & (spikes.time < start + 60 * window)
    np.testing.assert_allclose(shown["time"], (spikes.time[mine] - start) * 1e9, atol=6e-4)
    assert shown["unit"] == spikes.unit[mine].tolist()
    assert shown["end"] == pytest.approx(60 * window * 1e9, rel=1e-3)
    assert shown["flipped"] == np.broadcast_to(spikes.gauge, 2).tolist()


def test_the_headline_compares_with_what_was_read_in_a_source(samples: ph.Samples, page: str) -> None:
    """Machines that were not read in a source stand in the folded appendix alone."""
    (reference,) = (peer for peer in peers() if peer.name == REFERENCE)
    assert reference.speed_evidence == "read"
    said = headline(samples.ledger())
    recalled = [peer.name for peer in peers() if "recalled" in peer.speed_evidence]
    assert recalled
    assert not any(name in said for name in recalled)
    assert all(page.index(name) > page.index("Appendix:") for name in recalled)


def test_the_card_says_what_limits(samples: ph.Samples) -> None:
    card = dict(hardware_card(samples.ledger()))
    assert "% of the power is for detection" in card["What limits it?"]
    assert "delays" in card["What limits it?"]
    assert "for the lasers alone" in card["How much power?"]


def test_a_posterior_has_exact_values_beside_sampled_ones() -> None:
    plain: Any = ph.BoltzmannMachine([[0, 1], [1, 0]], [0.5, -1], labels=["rain", "wet"])
    found = ph.infer(plain, {"wet": 1}, "gibbs", chains=8, draws=40, burn_in=4, seed=1)
    page = posterior_page(found, "photinus infer rain.json")
    parsed = Page(page)
    assert parsed.headings[1:3] == ["Summary", "Marginals"]
    assert '<th scope="col">exact</th>' in page
    exact = plain.conditional({"wet": 1}).marginals()[0]
    assert f"<td>{exact:.4f}</td>" in page


def test_pages_of_tasks_and_of_runs_without_draws() -> None:
    figure = ph.plots.energies({"gibbs": np.arange(5.0)})
    page = task_page("Task", "", [("Task", [("a", "b")])], [("Energies", "Some.", figure)])
    assert Page(page).headings == ["Task", "Summary", "Figures", "How this was made"]
    assert "command" not in page[page.index("How this was made") :]
    gif = picture("Moving", "Some.", b"GIF89a")
    assert "data:image/gif;base64," in render(title="T", pictures=[gif])
    assert Page(render(title="<&>")).headings == ["<&>", "How this was made"]


def test_of_many_units_that_never_flipped_a_few_are_named() -> None:
    machine = ph.BoltzmannMachine(np.zeros((40, 40)), np.full(40, -30.0))
    samples = ph.sample(machine, "gibbs", chains=2, draws=4, burn_in=2, seed=1)
    told = dict(fidelity_rows(samples.fidelity()))["units that never flipped"]
    assert told == "40: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, …"
