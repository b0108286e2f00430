"""What a session and a notebook show: short, whatever the object is, and nothing that a label brings."""

import dataclasses
import importlib
import pkgutil
import re
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import photinus as ph
from photinus._core.display import Displayed, bars, card, curve, cut, joined, raster, shown
from photinus.devices.laser import spike
from photinus.hardware import Chip
from photinus.hardware.comparison import peers
from photinus.interop.dimod import PhotonicSampler
from photinus.learning import BoltzmannEstimator, log_partition
from photinus.learning.data import digits
from photinus.networks.imperfections import Imperfections
from tests.narrow import there, untyped
from tests.public import ROOMS, door

LINE, PAGE = 200, 20_000
"""Most characters of what is shown."""
SCRIPT = "<script>alert('x')</script>"
FOUL = [
    SCRIPT,
    '"><img src=x onerror=y>',
    "x" * 5000,
    "line\nbreak",
    "nul\x00\x1b[31m",
    "&amp;",
    "φ$x_$",
]
"""Labels that are markup, too long, or not on one line."""


def machine(n: int, labels: list[Any] | None = None) -> ph.BoltzmannMachine:
    rng = np.random.default_rng(n)
    w = np.triu(rng.normal(0, 0.1, (n, n)), 1)
    return ph.BoltzmannMachine(w + w.T, rng.normal(0, 0.5, n), labels)


def roots() -> Iterator[Any]:
    """Give objects that hold most others between them, with foul labels, small and large."""
    foul = machine(len(FOUL), FOUL)
    large = machine(300, [f"{SCRIPT}{k}" for k in range(300)])
    options: dict[str, Any] = {"chains": 4, "draws": 30, "burn_in": 8, "seed": 1}
    reduced = ph.sample(foul, "laser-reduced", **options)
    yield from (reduced, there(reduced.spikes).occupancy(there(reduced.window)), reduced.fidelity())
    yield ph.sample(foul, "lif", **options, evidence={SCRIPT: [0, 1, 0, 1]})
    yield ph.sample(foul, "gibbs", **options, tempering=ph.Tempering())
    yield dataclasses.replace(reduced, states=reduced.states[:, :0], spikes=None)
    yield ph.sample(large, "laser-reduced", **options, gauge="none")
    yield reduced.ledger()
    yield ph.sample(foul, "exact", **options).draws_needed(0.1)
    yield ph.sample(foul.heated(2), "exact", **options).reweighted(foul)
    yield ph.SpikeTrains.empty(tuple(FOUL), 3)
    calibration = ph.Calibration.preset()
    yield ph.predict(foul, calibration, ph.translate(foul, calibration))
    yield log_partition(machine(3, ["v0", "v1", "h0"]))
    yield spike(ph.LaserParameters.preset())
    yield from (ph.Parallel(), ph.Recording(units=(0,), stop=1e-9), Chip(lasers=4), *peers())
    yield from (Imperfections(), Imperfections(lost_spikes=0.1), ph.Calibration.preset("lif-hcs"))
    yield digits("train")
    yield PhotonicSampler()
    network = ph.BayesianNetwork({SCRIPT: 0.2, FOUL[2]: ((SCRIPT,), {(0,): 0.1, (1,): 0.9})})
    yield from (network, ph.MarkovNetwork([((FOUL[1],), [1, 3])], {FOUL[1]: (SCRIPT, "b")}))
    yield ph.BayesianNetwork({f"{SCRIPT}{k}": 0.5 for k in range(300)})
    yield ph.infer(network, {FOUL[2]: 1}, "gibbs", chains=8, draws=50, burn_in=5, seed=1)
    yield ph.refine(machine(2, FOUL[:2]), None, chains=16, draws=100, seed=1)


def walk(value: Any, seen: dict[int, Any]) -> Iterator[Any]:
    """Give an object and all that it holds, once."""
    if id(value) in seen:
        return
    seen[id(value)] = value
    if isinstance(value, Displayed):
        yield value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            yield from walk(getattr(value, field.name), seen)
    elif isinstance(value, (list, tuple)):
        for each in value[:50]:
            yield from walk(each, seen)


@pytest.fixture(scope="module")
def objects() -> list[Any]:
    import warnings

    seen: dict[int, Any] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ph.TranslationWarning)
        return [each for root in roots() for each in walk(root, seen)]


def tags(page: str) -> set[str]:
    """Return the names of all tags of a page, which must be well-formed."""
    return {element.tag.rpartition("}")[2] for element in ET.fromstring(page).iter()}


ALLOWED = {"div", "b", "table", "tr", "th", "td", "svg", "text", "rect", "path", "polyline"}


def check(value: Any) -> None:
    line, page = repr(value), value._repr_html_()
    assert len(line) < LINE, line
    assert "\n" not in line
    assert line.startswith(f"{type(value).__name__}(")
    assert len(page) < PAGE
    assert tags(page) <= ALLOWED


def test_objects_are_shown_briefly_and_harmlessly(objects: list[Any]) -> None:
    assert len({type(each) for each in objects}) > 30
    for each in objects:
        check(each)


def test_labels_are_shown_escaped(objects: list[Any]) -> None:
    pages = [each._repr_html_() for each in objects if isinstance(each, (ph.Samples, ph.SpikeTrains))]
    assert len(pages) > 8
    for page in pages:
        assert "<script" not in page
        assert "&lt;script&gt;" in page
        assert "<img" not in page


def test_tags_of_labels_are_found() -> None:
    assert "script" in tags(f"<div>{SCRIPT}</div>")
    with pytest.raises(ET.ParseError):
        tags("<div><b></div>")


def records() -> dict[str, type[Any]]:
    """Return the classes that show their fields, of all modules."""
    for module in pkgutil.walk_packages(ph.__path__, "photinus."):
        importlib.import_module(module.name)
    found: dict[str, type[Any]] = {}
    kinds = list(Displayed.__subclasses__())
    while kinds:
        kind = kinds.pop()
        kinds += kind.__subclasses__()
        if dataclasses.is_dataclass(kind) and kind._facts is Displayed._facts:
            # A class with slots is made twice; the second one is that of the module.
            found[kind.__name__] = getattr(sys.modules[kind.__module__], kind.__name__)
    return found


HOSTILE = [
    SCRIPT, "x" * 100_000, FOUL, tuple(FOUL), dict.fromkeys(FOUL, 1), np.zeros((50, 50)), np.float64("nan"),
    10**400, [SCRIPT] * 3, None, object(), b"<b>" * 500, np.array(SCRIPT), 1e300, {1, 2}, machine(2, FOUL[:2]),
]  # fmt: skip


RECORDS = records()


@pytest.mark.parametrize("name", RECORDS)
def test_records_are_shown_whatever_they_hold(name: str) -> None:
    kind = RECORDS[name]
    if kind._picture is not Displayed._picture:
        kind = type(name, (kind,), {"_picture": Displayed._picture})
    value = untyped(object).__new__(kind)
    for k, field in enumerate(dataclasses.fields(kind)):
        object.__setattr__(value, field.name, HOSTILE[k % len(HOSTILE)])
    check(value)


ELSEWHERE = {
    "Device", "Network", "Parameters", "SpikingSimulator", "Run", "WholeRun",  # what others derive from
    "Role", "Allowed", "FreeMembrane",  # a number with a name, plain tuples
    "BoltzmannEstimator",  # scikit-learn shows its estimators
}  # fmt: skip


def test_every_public_class_shows_itself() -> None:
    for room in ("", *ROOMS):
        module = importlib.import_module(f"photinus.{room}".rstrip("."))
        for name in door(module):
            thing = getattr(module, name)
            if isinstance(thing, type) and not issubclass(thing, BaseException):
                assert issubclass(thing, Displayed) or name in ELSEWHERE, name


def test_an_estimator_is_shown_by_scikit_learn() -> None:
    estimator = BoltzmannEstimator(epochs=3)
    assert repr(estimator) == "BoltzmannEstimator(epochs=3)"
    assert "<div" in estimator._repr_html_()


# What is told


def test_samples_tell_what_they_are_and_how_good() -> None:
    small = ph.BoltzmannMachine([[0, 1], [1, 0]], [0.5, -1], labels=["rain", "wet"])
    samples = ph.sample(small, "laser-reduced", chains=16, draws=200, burn_in=20, seed=1)
    assert repr(samples) == (
        "Samples(2 unit(s) on 'laser-reduced', 16 chain(s) × 200 draw(s), 242 ns each)"
    )
    page = samples._repr_html_()
    for fact in ("rain, wet", "16 × 200, after 20", samples.fidelity().verdict, "laser-reduced"):
        assert fact in page
    # Bars are as long as the marginals, ticks stand at the exact ones.
    lengths = [float(w) for w in re.findall(r'<rect [^>]*width="([\d.]+)"', page)]
    np.testing.assert_allclose(np.array(lengths) / 200, samples.marginals(), atol=1e-3)
    places = [float(x) for x in re.findall(r"M([\d.]+) \d+v12", page)]
    np.testing.assert_allclose((np.array(places) - 80) / 200, small.marginals(), atol=1e-3)
    large = machine(40)
    run = ph.sample(large, "gibbs", chains=2, draws=10, burn_in=0, seed=0, evidence={3: 1})
    assert "call fidelity()" in run._repr_html_()
    assert "evidence on 1" in repr(run)


def test_a_raster_has_a_stroke_per_spike() -> None:
    small = ph.BoltzmannMachine([[0, 1], [1, 0]], [0.5, -1], labels=["rain", "wet"])
    spikes = there(ph.sample(small, "laser-reduced", chains=2, draws=40, burn_in=8, seed=1).spikes)
    page = spikes._repr_html_()
    (strokes,) = re.findall(r'<path d="([^"]+)"', page)
    assert strokes.count("M") == int((spikes.chain == 0).sum())
    assert strokes.count(f" {14 * 1 + 2}v10") == int(((spikes.chain == 0) & (spikes.unit == 1)).sum())


def test_pieces() -> None:
    assert cut("a\nb  c") == "a b c"
    assert len(cut("x" * 500)) == 40
    assert joined(["a", "b"]) == "a, b"
    assert joined(["x" * 50] * 9, 120) == f"{'x' * 50}, {'x' * 50}, …"
    assert shown(np.zeros((2, 3))) == "array (2, 3)"
    assert shown((1.0, 2)) == "(1, 2)"
    assert shown(list(range(9))) == "9 entries"
    assert card("a<b", {"c&d": "<e>", "none": None}).count("<tr>") == 1
    assert "&lt;e&gt;" in card("a<b", {"c&d": "<e>"})
    assert raster([], [], []) == curve([1.0], [2.0]) == ""
    assert bars(["a"], [2.0]).count("rect") == 1
