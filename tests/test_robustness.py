"""Robustness: the size at which an imperfection is too large, measured and read off."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from studies.robustness import Point, breakers

import photinus as ph
from photinus.errors import InvalidInput
from photinus.faces.report.hardware import load_tolerances
from photinus.faces.robustness import SWEEPS, Robustness, robustness
from photinus.faces.robustness.measuring import Length
from photinus.faces.robustness.tolerances import crossing, tolerance
from tests.conftest import Run

SIZES = np.array([0.01, 0.03, 0.1, 0.3])


@pytest.mark.parametrize("power", [1, 2, 4])
def test_a_power_law_is_crossed_where_it_is(power: int) -> None:
    assert crossing(SIZES, SIZES**power, 0.05**power) == pytest.approx(0.05)


def test_levels_outside_the_sizes_are_told() -> None:
    assert crossing(SIZES, SIZES, 0.005) == 0
    assert crossing(SIZES, SIZES, 0.5) == np.inf


def test_a_single_high_point_among_low_ones_is_no_crossing() -> None:
    noisy = np.array([0.0009, 0.0004, 0.0005, 0.01])  # level 0.0008
    assert 0.1 < crossing(SIZES, noisy, 0.0008) < 0.3


def test_the_error_bar_holds_the_spread_of_the_machines() -> None:
    """Of the 27 samples of three of 1, 2, 4, the sums 5 and 9 stand at 16 % and 84 %: √(0.03/sum)."""
    kl = np.outer([1.0, 2.0, 4.0], SIZES**2)
    shown = tolerance(SWEEPS["crosstalk"], SIZES, kl, np.zeros(3), 0.01)
    assert shown == "6.5 % (5.8 % to 7.7 %)"


def test_the_three_that_are_tolerated_least_come_in_order() -> None:
    table = {}
    for machine in range(2):
        table[Point("", 0.0, machine)] = {"translated": 5e-4, "refined": 5e-4}
        for name, constant in {
            "efficiency": 500,
            "crosstalk": 1,
            "lost_spikes": 20,
            "delay": 9,
        }.items():
            for size in SWEEPS[name].sizes:
                kl = 5e-4 + constant * size**2
                table[Point(name, size, machine)] = {"translated": kl, "refined": 5e-4}
    lines = breakers(table, ("crosstalk", "delay", "efficiency", "lost_spikes"), 2)
    titles = [SWEEPS[name].title for name in ("efficiency", "lost_spikes", "crosstalk")]
    assert [line.split(":")[0] for line in lines] == [f"1. {title}" for title in titles]
    assert all("after refinement not up to" in line for line in lines)


def test_every_sweep_rises_and_is_of_the_device(calibration: ph.Calibration) -> None:
    other = ph.Calibration.preset("high-beta")
    for name, sweep in SWEEPS.items():
        assert list(sweep.sizes) == sorted(sweep.sizes), name
        made = {sweep.make(size, calibration) for size in sweep.sizes}
        assert len(made) == len(sweep.sizes), name
    # Shares of τ and of the photons at the peak of a spike are those of the device.
    for name, value in (("rise_time", "driver_rise_time"), ("compression", "gain_compression")):
        mine, its = (getattr(SWEEPS[name].make(0.1, c), value) for c in (calibration, other))
        assert abs(mine / its - 1) > 0.5


@pytest.fixture(scope="module")
def borne(calibration: ph.Calibration) -> Robustness:
    machines = [ph.BoltzmannMachine([[0, w], [w, 0]], [0.3, -0.5]) for w in (1.0, -1.0)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(SWEEPS, "coupling_loss", replace(SWEEPS["coupling_loss"], sizes=(0.02, 0.4)))
        length = Length(64, 60)
        return robustness(
            calibration, machines=machines, names=["coupling_loss"], refined=True, length=length
        )


def test_losses_are_borne_up_to_a_size_and_refined_away(borne: Robustness) -> None:
    lost, refined = (
        borne.curves["coupling_loss"][kind].mean(axis=0) for kind in ("translated", "refined")
    )
    assert lost[-1] > 0.004 > abs(lost[0])
    assert refined[-1] < lost[-1] / 2
    assert borne.head()[:3] == ("imperfection", "doubled, translated", "doubled, refined")


def test_points_are_kept_and_the_report_takes_the_tolerances(
    run: Run, calibration: ph.Calibration, tmp_path: Path
) -> None:
    calibration.save(tmp_path / "mine.json")
    options = ("--calibration", "mine.json", "--machines", "2", "--random", "2", "--only", "dead")
    brief = ("--chains", "16", "--draws", "20", "--out", "borne")
    status, out, err = run("robustness", "fast-absorber", *options, *brief)
    assert status == 0, err
    assert "dead lasers" in out
    assert load_tolerances(tmp_path / "borne" / "tolerances.json").rows[0][0] == "dead lasers"
    points = sorted((tmp_path / "borne" / "points").iterdir())
    assert len(points) == 2 * (1 + len(SWEEPS["dead"].sizes))
    content = [point.read_bytes() for point in points]
    status, out, _ = run("robustness", "fast-absorber", *options, *brief, "--json")
    assert status == 0
    assert json.loads(out)["rows"][0][1] == "beyond already at 1"
    assert [point.read_bytes() for point in points] == content


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"names": ["wear"]}, "names must be"),
        (
            {"machines": [ph.BoltzmannMachine(np.zeros((17, 17)), np.zeros(17))]},
            "units of every machine",
        ),
        ({"machines": []}, "machines must be at least one"),
        ({"length": 3}, "length must be"),
        ({"device": 3}, "device must be"),
        ({"device": ph.Calibration.preset("lif-hcs")}, "device must be"),
    ],
)
def test_bad_arguments_are_one_sentence(
    calibration: ph.Calibration, options: dict[str, Any], sentence: str
) -> None:
    given = {"device": calibration, **options}
    with pytest.raises(InvalidInput, match=sentence):
        robustness(given.pop("device"), **given)
