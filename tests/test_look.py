"""The look of figures: colours that all can tell apart, type, files made of lines and words."""

import io
import itertools
import re
from typing import Any

import matplotlib
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from numpy.typing import NDArray

import photinus as ph
from photinus.faces.figures import look, palette
from photinus.faces.figures.canvas import blank, styled
from photinus.samplers.registry import SUBSTRATES

MACHINE = ph.BoltzmannMachine([[0, 1], [1, 0]], [0.5, -1], labels=["rain", "wet"])
# Machado, Oliveira & Fernandes 2009, severity 1: what is seen without one kind of cone, linear RGB.
SIGHT: dict[str, Any] = {
    "normal": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
}
# sRGB to XYZ (IEC 61966-2-1), and the white point D65.
XYZ = np.array(
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
)
WHITE = XYZ.sum(axis=1)
APART, LIGHTER = 20.0, 9.0
"""Least distance in CIELAB, and least difference of lightness in grey (a just noticeable one is 2.3)."""
BEFORE = {"laser": "#d1495b", "ideal": "#00798c", "absorber": "#edae49", "exact": "#222222"}
"""Colours of before: red and teal had one lightness."""


def lab(colour: str, sight: str) -> NDArray[np.float64]:
    """Return lightness, a and b (CIE 1976) of a colour as it is seen."""
    given = np.array(to_rgb(colour))
    linear = np.where(given <= 0.04045, given / 12.92, ((given + 0.055) / 1.055) ** 2.4)
    seen = XYZ @ np.clip(np.array(SIGHT[sight]) @ linear, 0, 1) / WHITE
    f = np.where(seen > 216 / 24389, np.cbrt(seen), (24389 / 27 * seen + 16) / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def nearest(colours: dict[str, str], sight: str) -> float:
    """Return the smallest distance between two colours."""
    seen = [lab(colour, sight) for colour in colours.values()]
    return min(float(np.linalg.norm(a - b)) for a, b in itertools.combinations(seen, 2))


def greys(colours: dict[str, str]) -> float:
    """Return the smallest difference of lightness between two colours."""
    light = sorted(lab(colour, "normal")[0] for colour in colours.values())
    return float(np.diff(light).min())


def test_every_substrate_has_its_colour_marker_and_dash() -> None:
    assert {*SUBSTRATES} <= {*palette.SUBSTRATES}
    marks = palette.SUBSTRATES.values()
    for part in ("colour", "marker", "dash"):
        assert len({str(getattr(mark, part)) for mark in marks}) == len(marks)


@pytest.mark.parametrize("sight", SIGHT)
def test_colours_of_substrates_can_be_told_apart(sight: str) -> None:
    """Twin: red and green of one lightness, which deuteranopes see as one."""
    colours = {name: mark.colour for name, mark in palette.SUBSTRATES.items()}
    assert nearest(colours, sight) > APART
    if sight != "normal":
        assert nearest({"brown": "#a0623c", "green": "#7c7a3c"}, sight) < APART


def test_colours_of_substrates_differ_in_grey() -> None:
    """Twin: the colours of before."""
    assert greys({name: mark.colour for name, mark in palette.SUBSTRATES.items()}) > LIGHTER
    assert greys(BEFORE) < LIGHTER


def test_a_name_has_the_mark_of_its_substrate_everywhere() -> None:
    names = ("gibbs", "Gibbs", "laser-reduced", "laser-reduced, learned in the loop", "lasers", "other")
    marks = palette.marks(names)
    colours = [mark.colour for mark in marks]
    assert colours[0] == colours[1] == palette.GIBBS.colour
    assert colours[2] == colours[3] == palette.REDUCED.colour
    assert colours[4] == palette.LASER.colour
    assert colours[5] not in colours[:5]
    # The same substrate again has another dash and another marker.
    assert marks[2].dash != marks[3].dash
    assert marks[2].marker != marks[3].marker
    assert len(palette.marks([f"run {k}" for k in range(20)])) == 20


def test_style_holds_within_its_block_and_is_a_style() -> None:
    before = dict(matplotlib.rcParams)
    with ph.plots.style() as settings:
        assert matplotlib.rcParams["font.size"] == 7 == settings["font.size"]
        with ph.plots.style():
            assert matplotlib.rcParams["pdf.fonttype"] == 42
        assert matplotlib.rcParams["pdf.fonttype"] == 42
    assert dict(matplotlib.rcParams) == before
    with matplotlib.style.context([ph.plots.style(), {"font.size": 9}]):
        assert matplotlib.rcParams["font.size"] == 9
        assert matplotlib.rcParams["svg.fonttype"] == "none"
    assert dict(matplotlib.rcParams) == before


def test_type_is_one_that_the_machine_has(monkeypatch: pytest.MonkeyPatch) -> None:
    assert look.families()[-2:] == ["DejaVu Sans", "sans-serif"]
    monkeypatch.setattr(look, "FONTS", ("No such type", "DejaVu Serif"))
    assert look.families() == ["DejaVu Serif", "DejaVu Sans", "sans-serif"]


@styled
def drawing() -> Figure:
    figure = blank(look.COLUMN, 2)
    axes = figure.subplots()
    axes.loglog([1, 1000], [1e-3, 1], marker="o")
    axes.set_xlabel("time [ns], ‖ τ")
    return figure


def test_figures_keep_their_look_until_they_are_saved() -> None:
    """Ticks are made when a figure is drawn: outside of the look they had another size and type."""
    figure = drawing()
    assert figure.get_figwidth() == pytest.approx(88 / 25.4)
    figure.draw_without_rendering()
    labels = figure.axes[0].get_xticklabels()
    assert {label.get_fontsize() for label in labels} == {look.SIZE}
    assert {tuple(label.get_fontfamily()) for label in labels} == {tuple(look.families())}
    with matplotlib.rc_context({"svg.fonttype": "path", "pdf.fonttype": 3}):
        svg, pdf = io.StringIO(), io.BytesIO()
        figure.savefig(svg, format="svg")
        figure.savefig(pdf, format="pdf")
    assert re.search(r"<text[^>]*>time \[ns\]", svg.getvalue())
    assert "sans-serif" in svg.getvalue()
    assert b"/FontFile2" in pdf.getvalue()
    assert b"/Type3" not in pdf.getvalue()


def test_axes_of_the_caller_keep_the_look_of_the_caller() -> None:
    samples = ph.sample(MACHINE, "laser-reduced", chains=8, draws=20, burn_in=2, seed=1)
    with matplotlib.rc_context({"font.size": 11}):
        axes = Figure().subplots()
        ph.plots.joint(samples, ax=axes)
    assert axes.xaxis.label.get_fontsize() == 11
    assert ph.plots.joint(samples).axes[0].xaxis.label.get_fontsize() == look.SIZE


def test_a_joint_of_few_units_names_states_and_tells_errors() -> None:
    samples = ph.sample(MACHINE, "laser-reduced", chains=16, draws=40, burn_in=2, seed=1)
    axes = ph.plots.joint(samples).axes[0]
    labels = [label.get_text() for label in axes.get_xticklabels()]
    assert sorted(labels) == ["00", "01", "10", "11"]
    assert axes.get_yscale() == "linear"
    assert "(rain, wet)" in axes.get_xlabel()
    # "10" is rain without wet: state 1 of the joint.
    bars: Any = axes.containers[0]
    heights = [bar.get_height() for bar in bars]
    assert heights[labels.index("10")] == pytest.approx(MACHINE.joint()[1])
    assert "standard error, 16 chains" in axes.get_legend_handles_labels()[1][1]
    few = ph.sample(MACHINE, "gibbs", chains=2, draws=40, burn_in=2, seed=1)
    assert "error" not in str(ph.plots.joint(few).axes[0].get_legend_handles_labels()[1])


def test_bars_that_overlap_are_one() -> None:
    from photinus.faces.figures.plots import _merged

    starts = np.array([-0.5, 0.4, 3.0, 3.2, 9.7, 20.0])
    merged = _merged(starts, 1.0, 10.0)
    assert [start for start, _ in merged] == pytest.approx([0.0, 3.0, 9.7])
    assert [length for _, length in merged] == pytest.approx([1.4, 1.2, 0.3])


def test_a_raster_has_a_time_that_reads_well() -> None:
    """Twenty nanoseconds of a fast laser were 20000 ps."""
    calibration = ph.Calibration.preset("high-beta")
    samples = ph.sample(MACHINE, calibration=calibration, chains=1, draws=80, burn_in=2, seed=1)
    axes = ph.plots.raster(samples).axes[0]
    assert axes.get_xlabel() == "time [ns]"
    assert axes.get_xlim()[1] == pytest.approx(40 * calibration.window * 1e9)
