"""The verdict on a design: what is measured, how it is told, and the command."""

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import photinus as ph
from photinus.calibration.synapse import SYNAPSES
from photinus.devices.laser import LaserParameters, spike
from photinus.devices.laser.conditions import conditions
from photinus.devices.laser.cures import cures
from photinus.errors import InvalidInput, NotConverged
from photinus.faces.design import Design, design, words
from photinus.faces.design import job as design_job
from photinus.faces.design.job import random_machines
from photinus.faces.design.page import design_page
from photinus.faces.design.verdict import Influence, Shown
from tests.conftest import Run


@pytest.fixture(scope="module")
def judged(calibration: ph.Calibration) -> Iterator[Design]:
    """Return a small verdict: one weak and one ruinous imperfection, and parameters that do nothing."""

    def no_change(parameters: LaserParameters, **_: Any) -> ph.Calibration:
        if parameters.gain_transparency > 13_000:
            raise NotConverged("it only pulses")
        return calibration

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(design_job, "LENGTH", {"chains": 32, "draws": 100})
        patch.setattr(design_job, "PARAMETERS", ("gain_lifetime", "gain_transparency"))
        patch.setattr(design_job, "USUAL", {"weight_bits": 8, "coupling_loss": 0.9})
        patch.setattr(design_job, "calibrate", no_change)
        yield design(
            calibration.laser,
            machines=random_machines(2, 2.0, 8, seed=4),
            calibration=calibration,
            chips=4,
            refined=0,
        )


def test_a_good_laser_samples_and_its_ledger_is_there(judged: Design) -> None:
    assert judged.samples == "yes"
    assert 0 < judged.floor < 0.01
    assert judged.kl < 0.01
    assert judged.ledger.power("best") > 0
    assert len(judged.chips) == 4
    share, after = judged.passing(np.inf)
    assert share == 1.0
    assert after is None


def test_the_ruinous_imperfection_is_first_and_the_weak_one_is_not_certain(judged: Design) -> None:
    worst, weak = judged.faults
    assert (worst.name, worst.value) == ("coupling_loss", 0.9)
    assert worst.kl[0] > 0.01
    assert worst.kl[0] > 2 * worst.kl[1]
    assert abs(weak.kl[0]) < 0.01
    assert "coupling_loss 90 % costs" in words.limit(judged)


def test_a_parameter_that_changes_nothing_shows_nothing(judged: Design) -> None:
    # The same calibration, machines and random numbers: no difference to the bit.
    pulses, same = judged.parameters
    assert pulses.failed == "it only pulses"
    assert (same.kl, same.rate, same.energy) == ((0.0, 0.0),) * 3
    rows = words.influence_rows(judged.parameters, raised=True)
    assert rows[0][1] == "no longer samples: it only pulses"


def test_influences_are_means_of_paired_differences() -> None:
    before = Shown(np.array([0.1, 0.3]), np.array([1.0, 2.0]), np.array([4.0, 4.0]))
    after = Shown(np.array([0.2, 0.6]), np.array([1.1, 2.2]), np.array([3.0, 5.0]))
    found = design_job._influence("x", 1.0, before, after)
    assert found.kl == pytest.approx((0.2, 0.1))
    assert found.rate == pytest.approx((0.1, 0.0))
    assert found.energy == pytest.approx((0.0, 0.25))


def test_what_gains_the_most_is_said_first(judged: Design) -> None:
    gains = Influence("beta", 1.0, (-0.02, 0.001), (0.0, 0.0), (0.0, 0.0))
    better = dataclasses.replace(judged, parameters=(gains, *judged.parameters))
    assert words.limit(better).startswith("beta 1.1 times as large gains 0.02 nats")


def test_random_machines_are_of_their_size_and_seed() -> None:
    machines = random_machines(4, 3.0, 50, seed=1)
    weights = np.concatenate([m.weights[np.triu_indices(4, 1)] for m in machines])
    assert 2.8 < np.abs(weights).max() <= 3
    assert random_machines(4, 3.0, 50, seed=1) == machines
    assert random_machines(4, 3.0, 50, seed=2) != machines


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"chips": 0}, "chips must be"),
        ({"refined": 20}, "refined must be"),
        ({"parameters": None}, "parameters must be"),
    ],
)
def test_bad_arguments_are_one_sentence(changes: dict[str, Any], sentence: str) -> None:
    given: dict[str, Any] = {"parameters": LaserParameters.preset()} | changes
    with pytest.raises(InvalidInput, match=sentence):
        design(given.pop("parameters"), **given)


def test_the_command_tells_and_writes_the_page(
    run: Run, judged: Design, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("photinus.faces.design.design", lambda *_, **__: judged)
    status, out, err = run("design", "fast-absorber")
    assert status == 0, err
    assert "fast-absorber samples: KL" in out
    page = (tmp_path / "design.html").read_text()
    for told in (
        "What costs accuracy?",
        "coupling_loss 90 %",
        "photinus design fast-absorber",
        "Data sheet",
    ):
        assert told in page
    status, out, _ = run("design", "fast-absorber", "--json", "--force")
    assert status == 0
    assert json.loads(out)["samples"] == "yes"
    status, _, err = run("design", "lif-hcs")
    assert status == 2
    assert "laser must be a laser" in err


def test_every_kind_of_synapse_is_tried_and_the_best_comes_first(judged: Design) -> None:
    assert {each.kind for each in judged.synapses} == set(SYNAPSES)
    found = [each.kl[0] for each in judged.synapses]
    assert found == sorted(found)
    rows = words.synapse_rows(judged)
    assert [row[0] for row in rows] == [each.kind for each in judged.synapses]
    assert {each["kind"] for each in words.document(judged)["synapses"]} == set(SYNAPSES)
    assert judged.links == ()


def test_the_verdict_tells_power_in_three_cases_with_what_is_left_out(judged: Design) -> None:
    rows = dict(words.verdict_rows(judged))
    for case in ("best", "expected", "worst"):
        assert ", ".join(judged.ledger.left_out(case)) in rows[f"power, {case}"]


def test_one_machine_is_run_several_times_so_that_errors_are_known(
    judged: Design, calibration: ph.Calibration, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(design_job, "LENGTH", {"chains": 32, "draws": 50})
    monkeypatch.setattr(design_job, "PARAMETERS", ())
    monkeypatch.setattr(design_job, "USUAL", {"mismatch": 0.05})
    monkeypatch.setattr(design_job, "SYNAPSES", ())
    machines = random_machines(2, 2.0, 1, seed=4)
    options: dict[str, Any] = {"calibration": calibration, "chips": 1, "refined": 0}
    found = design(calibration.laser, machines=machines, **options)
    assert found.machines == machines
    assert len(set(found.shown.kl)) == design_job.FEWEST_RUNS
    assert 0 < found.faults[0].kl[1] < np.inf
    assert "Which chips pass?" in design_page(found)


@pytest.mark.parametrize(
    ("machines", "sentence"),
    [
        ([], "machines must be at least one"),
        ([ph.BoltzmannMachine(np.zeros((17, 17)), np.zeros(17))], "units of every machine must be"),
        ([3], "every one of machines must be"),
    ],
)
def test_machines_that_cannot_be_judged_are_refused_first(machines: Any, sentence: str) -> None:
    with pytest.raises(InvalidInput, match=sentence):
        design(LaserParameters.preset(), machines=machines)


KNOWN = {
    "wavelength": 1.55e-6, "quality": 5000.0, "gain_lifetime": 0.6e-9, "beta": 0.05,
    "threshold_current": 8e-6, "absorber_lifetime": 30e-12, "absorber_loss": 1.0, "gain_ratio": 12.5,
    "pump_efficiency": 1.0, "output_efficiency": 1.0,
}  # fmt: skip
DULL = (
    LaserParameters.preset(absorber_transparency=100),
    LaserParameters.from_measured(**KNOWN),
    LaserParameters.preset(absorber_transparency=500),
)
"""Lasers whose first inequality fails, whose second does, whose third does."""


@pytest.mark.parametrize("which", range(3))
def test_the_inequality_that_fails_first_is_found(which: int) -> None:
    assert [each.holds for each in conditions(DULL[which])].index(False) == which
    with pytest.raises(NotConverged):
        spike(DULL[which])


def test_all_inequalities_hold_once_a_laser_is_cured() -> None:
    best = cures(DULL[2])[0]
    assert all(each.holds for each in conditions(DULL[2].replace(**{best.name: best.value})))


def test_a_laser_that_does_not_calibrate_gets_a_page_with_its_phase_portrait(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(design_job, "calibrate", ph.calibrate)
    (tmp_path / "dull.json").write_text(json.dumps(DULL[2].to_dict()))
    status, _, err = run("design", "dull.json")
    assert status == 2
    assert "274 photons" in err
    assert "Phase portraits: design.html" in err
    page = (tmp_path / "design.html").read_text()
    for told in ("Which inequality", "photons after a kick", "Phase portrait, cured", "1.4"):
        assert told in page


def test_the_portrait_has_its_nullclines_cross_where_the_laser_rests() -> None:
    laser = LaserParameters.preset("high-beta")
    figure = ph.plots.phase_portrait(laser)
    lines = {line.get_label(): line for line in figure.axes[0].get_lines()}
    rest = lines["at rest"]
    carriers, photons = (float(np.asarray(rest.get_data()[k], dtype=float)[0]) for k in (0, 1))
    for name in ("light stands still", "gain stands still"):
        x, y = (np.asarray(lines[name].get_data()[k], dtype=float) for k in (0, 1))
        assert np.interp(np.log(photons), np.log(y), x) == pytest.approx(carriers, rel=1e-3)
    with pytest.raises(InvalidInput, match="pump must be"):
        ph.plots.phase_portrait(laser, -1.0)
