"""Figures on axes of the caller and in styles; names that are reachable from the top."""

import dataclasses
import functools
import inspect
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import matplotlib
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

import photinus as ph
from photinus.devices.laser import Spike, spike
from photinus.faces.demo.posterior import Posterior
from photinus.faces.figures.canvas import lettered
from photinus.hardware.comparison import peers
from photinus.tasks.evaluation import Mixing
from photinus.tasks.results import Completion, Dream
from tests.fits import small_fit
from tests.narrow import untyped

MACHINE = ph.BoltzmannMachine([[0, 1], [1, 0]], [0.5, -1], labels=["rain", "wet"])


@functools.cache
def run(substrate: str = "laser-reduced") -> ph.Samples:
    return ph.sample(MACHINE, substrate, chains=8, draws=40, burn_in=8, seed=1)


@functools.cache
def event() -> Spike:
    return spike(ph.LaserParameters.preset())


def dream() -> Dream:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 2, (3, 10, 6)).astype(np.uint8)
    classes = np.zeros((3, 10, 2), np.uint8)
    return Dream(pixels, pixels.astype(np.float32), classes, ("a", "b"), (2, 3), 1e-9, run())


def completion() -> Completion:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, (4, 6)).astype(np.uint8)
    return Completion(truth, truth > 0, rng.random((4, 6)), (2, 3))


def mixing() -> Mixing:
    return Mixing(np.array([[4, 6], [5, 5]]), 10, 0.9, 0.1, 3.0, 2.0, None)


def posterior() -> Posterior:
    found = untyped(object).__new__(Posterior)
    for field in dataclasses.fields(Posterior):
        object.__setattr__(found, field.name, np.array([0.2, 0.8]))
    object.__setattr__(found, "title", "two")
    object.__setattr__(found, "draws", 100)
    return found


HISTORY = [{"epoch": float(k), "reconstruction": 0.1, "pseudo_likelihood": -3.0} for k in (1, 2)]
DRAW: dict[str, Callable[..., Figure]] = {
    "activation": lambda **o: ph.plots.activation(ph.Calibration.preset(), **o),
    "completions": lambda **o: ph.plots.completions({"Gibbs": completion()}, **o),
    "divergence": lambda **o: ph.plots.divergence({"one": run()}, [run("ideal")], **o),
    "energies": lambda **o: ph.plots.energies({"Gibbs": np.arange(5.0)}, **o),
    "energy_and_speed": lambda **o: ph.plots.energy_and_speed(run().ledger(), peers()[:4], **o),
    "filters": lambda **o: ph.plots.filters(np.eye(6), (2, 3), **o),
    "histogram": lambda **o: ph.plots.histogram({"Gibbs": mixing()}, ("a", "b"), **o),
    "joint": lambda **o: ph.plots.joint(run(), **o),
    "learning_curves": lambda **o: ph.plots.learning_curves(HISTORY, **o),
    "phase_portrait": lambda **o: ph.plots.phase_portrait(ph.LaserParameters.preset(), **o),
    "posterior": lambda **o: ph.plots.posterior([posterior()], **o),
    "residuals": lambda **o: ph.plots.residuals(small_fit(), **o),
    "raster": lambda **o: ph.plots.raster(run(), **o),
    "spike": lambda **o: ph.plots.spike(event(), **o),
    "tornado": lambda **o: ph.plots.tornado({"mismatch": (0.02, 0.003)}, **o),
    "strip": lambda **o: ph.plots.strip(dream(), **o),
}


def takes(name: str) -> set[str]:
    return set(inspect.signature(getattr(ph.plots, name)).parameters)


ON_AXES = [name for name in DRAW if "ax" in takes(name)]
SEVERAL = {"activation", "learning_curves", "posterior", "residuals", "spike"}
"""Figures of several pairs of axes."""


def test_every_figure_is_drawn_here() -> None:
    assert {*DRAW, "animate", "style"} == set(ph.plots.__all__)
    assert {*ON_AXES} == {*DRAW} - SEVERAL


@pytest.mark.parametrize("name", DRAW)
def test_a_figure_takes_a_style_and_leaves_the_settings(name: str) -> None:
    before = dict(matplotlib.rcParams)
    settings = {"figure.facecolor": "#123456", "axes.labelcolor": "#654321"}
    plain, styled = DRAW[name](), DRAW[name](style=settings)
    assert isinstance(plain, Figure)
    assert to_hex(styled.get_facecolor()) == "#123456" != to_hex(plain.get_facecolor())
    assert to_hex(styled.axes[0].xaxis.label.get_color()) == "#654321"
    dark = DRAW[name](style=["dark_background", settings | {"figure.facecolor": "#000001"}])
    assert to_hex(dark.get_facecolor()) == "#000001"
    assert dict(matplotlib.rcParams) == before
    with pytest.raises(ph.InvalidInput, match="style must be the name or file of a style"):
        DRAW[name](style="no such style")
    for wrong in (3, {"no.such.setting": 1}, {"font.size": "large enough"}, [object()]):
        with pytest.raises(ph.InvalidInput, match="style must be"):
            DRAW[name](style=wrong)
    assert dict(matplotlib.rcParams) == before


@pytest.mark.parametrize("name", ON_AXES)
def test_a_figure_is_drawn_on_axes_that_are_given(name: str) -> None:
    figure = Figure()
    left, right = figure.subplots(1, 2)
    assert DRAW[name](ax=right) is figure
    assert right.has_data()
    assert not left.has_data()
    inner = Figure()
    part: Any = untyped(inner.subfigures(1, 2))[0]
    if name == "energy_and_speed":
        with pytest.raises(ph.InvalidInput, match="ax must not be in a subfigure"):
            DRAW[name](ax=part.subplots())
    else:
        assert DRAW[name](ax=part.subplots()) is inner
    with pytest.raises(ph.InvalidInput, match="ax must be an Axes, got 'left'"):
        DRAW[name](ax="left")


def test_results_of_another_kind_are_refused() -> None:
    plots: Any = ph.plots
    for draw, wrong in (
        (plots.completions, completion()),
        (plots.completions, {}),
        (plots.completions, {"Gibbs": 3}),
        (lambda found: plots.histogram(found, ("a", "b")), mixing()),
        (plots.energies, np.arange(5.0)),
        (plots.energies, {"Gibbs": "low"}),
        (lambda runs: plots.divergence(runs, [run("ideal")]), run()),
    ):
        with pytest.raises(ph.InvalidInput, match=r"(found|runs) must be"):
            draw(wrong)


def test_filters_want_a_row_per_pixel() -> None:
    plots: Any = ph.plots
    hidden_first = np.zeros((4, 6))
    for wrong in (hidden_first, np.zeros((6, 0)), np.zeros(6), np.full((6, 2), np.nan)):
        with pytest.raises(ph.InvalidInput, match="weights must"):
            plots.filters(wrong, (2, 3))
    assert plots.filters(hidden_first.T, (2, 3)).axes[0].images[0].get_array().shape == (2, 15)


def test_what_is_drawn_does_not_depend_on_where() -> None:
    alone = ph.plots.joint(run()).axes[0]
    axes: Axes = Figure().subplots()
    ph.plots.joint(run(), ax=axes)
    for one, other in zip(alone.get_lines(), axes.get_lines(), strict=True):
        np.testing.assert_array_equal(one.get_ydata(), other.get_ydata())


def test_names_are_reachable_from_the_top_and_load_late() -> None:
    code = """
import sys, photinus as ph
for name in ("plots", "tasks", "interop", "Imperfections"):
    assert name in dir(ph) and name in ph.__all__
assert "matplotlib" not in sys.modules
ph.plots
assert "matplotlib" not in sys.modules
assert ph.tasks.infer is ph.infer
assert ph.Imperfections(lost_spikes="5%").lost_spikes == 0.05
ph.plots.raster
assert "matplotlib" in sys.modules and "matplotlib.pyplot" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_letters_stand_on_several_panels_only() -> None:
    figure = Figure()
    panels = list(figure.subplots(1, 2))
    lettered(panels[:1])
    assert panels[0].get_title(loc="left") == ""
    lettered(panels)
    assert [axes.get_title(loc="left") for axes in panels] == ["a", "b"]


def test_a_power_of_ten_stands_beside_the_unit() -> None:
    axes = ph.plots.tornado({"loss": (-0.004, 0.001), "delay": (0.02, 0.001)}).axes[0]
    assert axes.get_xlabel().startswith("change of KL [10$^{-3}$ nats]")
    assert axes.xaxis.get_major_formatter()(-0.004, 0) == "−4"
    axes = ph.plots.tornado({"loss": (4.0, 1.0)}).axes[0]
    assert axes.get_xlabel().startswith("change of KL [nats]")


def test_a_run_is_named_once_where_its_name_says_the_substrate() -> None:
    machine = ph.BoltzmannMachine([[0, 1], [1, 0]], [0.5, -1])
    one, other = (ph.sample(machine, "ideal", chains=4, draws=30, seed=k) for k in range(2))
    named = ph.plots.divergence({"ideal": one, "again": other}, [other]).axes[0].get_legend()
    assert named is not None
    assert [text.get_text() for text in named.get_texts()][:2] == ["ideal", "ideal, again"]


def test_a_raster_shows_as_many_units_as_it_has_room_for() -> None:
    """The first 280 of 300, with the spikes of these alone."""
    machine = ph.BoltzmannMachine(np.zeros((300, 300)), np.zeros(300))
    samples = ph.sample(machine, "ideal", chains=2, draws=5, burn_in=2, seed=1)
    axes = ph.plots.raster(samples).axes[0]
    assert len(axes.get_yticklabels()) == 280
    assert len(axes.lines) == 280
