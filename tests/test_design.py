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
from photinus.faces.design import Design, design, influences, words
from photinus.faces.design import job as design_job
from photinus.faces.design.chips import Chips, longer
from photinus.faces.design.job import random_machines
from photinus.faces.design.page import design_page
from photinus.faces.design.verdict import Influence, Shown
from photinus.faces.figures.tornados import tornado
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
    assert judged.chips.passing(np.inf) == 4
    assert len(judged.refined) == 0


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
    found = influences.influence("x", 1.0, [before], [after])
    assert found.kl == pytest.approx((0.2, 0.1))
    assert found.rate == pytest.approx((0.1, 0.0))
    assert found.energy == pytest.approx((0.0, 0.25))


def noisy(random: np.random.Generator, kl: float, noise: float) -> Shown:
    """Return what a calibration shows that is off by chance, the same on all four machines."""
    off = noise * random.normal()
    return Shown(np.full(4, kl + off), np.full(4, 1e9 * (1 + off)), np.full(4, 1e-12 * (1 + off)))


def test_errors_hold_the_noise_of_calibration_so_that_chance_is_seldom_named() -> None:
    random, far = np.random.default_rng(5), 0
    for _ in range(200):
        groups = [[noisy(random, 0.1, 0.01) for _ in range(k)] for k in (3, *8 * [2])]
        noise = influences.calibration_noise(groups)
        found = influences.influence("x", 1.0, groups[0], groups[1], noise)
        far += sum(abs(change) > 2 * error for change, error in (found.kl, found.rate))
    # Twenty in four hundred by chance; with the spread over machines alone, all of them.
    assert 5 < far < 60


def test_the_noise_of_calibration_is_that_between_repeats() -> None:
    random = np.random.default_rng(6)
    groups = [[noisy(random, kl, 0.01) for _ in range(2)] for kl in np.linspace(0, 1, 2000)]
    assert influences.calibration_noise(groups) == pytest.approx((0.01, 0.01, 0.01), rel=0.05)


def test_synapses_and_parameters_are_calibrated_with_several_seeds(
    calibration: ph.Calibration, monkeypatch: pytest.MonkeyPatch
) -> None:
    seeds = []

    def noted(parameters: LaserParameters, *, seed: int, **_: Any) -> ph.Calibration:
        seeds.append(seed)
        return dataclasses.replace(calibration, window=calibration.window * (1 + 0.1 * (seed % 2)))

    monkeypatch.setattr(design_job, "calibrate", noted)
    monkeypatch.setattr(design_job, "LENGTH", {"chains": 16, "draws": 40})
    monkeypatch.setattr(design_job, "PARAMETERS", ("gain_lifetime",))
    bench = design_job._Bench(random_machines(2, 2.0, 2), None, 7, None)
    (found,), noise = design_job._parameters(bench, calibration.laser, lambda: None)
    assert seeds == [7, 8, 9, 7, 8]
    assert noise > 0
    assert abs(found.rate[0]) < 2 * found.rate[1]


def test_what_gains_the_most_is_said_first(judged: Design) -> None:
    gains = Influence("beta", 1.0, (-0.02, 0.001), (0.0, 0.0), (0.0, 0.0))
    better = dataclasses.replace(judged, parameters=(gains, *judged.parameters))
    assert words.limit(better).startswith("raise beta by 10 %, which gains 0.02 nats")


def test_the_longest_certain_bar_is_named_whichever_way_it_points(judged: Design) -> None:
    gains = Influence("beta", 1.0, (-0.02, 0.001), (0.0, 0.0), (0.0, 0.0))
    costs = Influence("gain_lifetime", 1.0, (0.03, 0.004), (0.0, 0.0), (0.0, 0.0))
    noisy = Influence("pump_noise", 1.0, (-0.05, 0.03), (0.0, 0.0), (0.0, 0.0))
    named = dataclasses.replace(judged, parameters=(noisy, costs, gains))
    assert words.improvement(named).startswith("lower gain_lifetime by 10 % (raised by as much")
    # One that no longer samples is no improvement either.
    none = dataclasses.replace(judged, parameters=(judged.parameters[0], noisy))
    assert words.improvement(none) == "no parameter stands out"


def test_chips_are_judged_by_the_kl_less_what_exact_draws_show() -> None:
    good = Chips(np.array([0.017, 0.016, 0.016]), np.array([0.009, 0.009, 0.009]))
    assert good.counted() == "3 of 3"
    low, high = good.interval()
    # Wilson 1927 for all of n: from n/(n + z²) to 1.
    assert (low, high) == pytest.approx((3 / (3 + 1.959964**2), 1.0), rel=1e-5)
    assert words.share(good) == "3 of 3 (95 %: 44 to 100 %)"
    mixed = Chips(np.array([0.02, 0.025, 0.5]), np.array([0.015, 0.015, 0.015]))
    assert mixed.told().tolist() == [False, False, True]
    assert mixed.counted() == "0 of 3 (cannot tell of 2: too few draws)"
    unknown = Chips(np.array([0.02]), np.array([np.nan]))
    assert unknown.interval() == (0.0, 1.0)


def test_runs_are_longer_where_the_floor_is_near_the_limit() -> None:
    assert [longer(x) for x in (0.001, 0.005, 0.015, 1.0, np.nan)] == [1, 1, 3, 8, 1]


@pytest.mark.parametrize(
    ("after", "told"),
    [
        ([0.001, 0.002], "no. Refine it: 2 of 2 fabricated chips pass after refinement."),
        ([0.3, 0.4], "no. Refinement does not do: 0 of 2 fabricated chips pass after refinement."),
        ([], "no. Refine it: `photinus refine` corrects"),
    ],
)
def test_what_to_do_is_said_where_networks_do_not_sample(
    judged: Design, after: list[float], told: str
) -> None:
    off = dataclasses.replace(judged.shown, kl=judged.shown.kl + 0.5)
    refined = Chips(np.array(after), np.zeros(len(after)))
    poor = dataclasses.replace(judged, shown=off, refined=refined)
    assert dict(words.verdict_rows(poor))["do networks sample?"].startswith(told)
    assert told.removeprefix("no. ") in words.headline(poor)
    assert words.answer(judged) == "yes"


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
        "What to improve first?",
        "mismatch 2 %, weight_bits 5",
        "coupling_loss 90 %",
        "photinus design fast-absorber",
        "Data sheet",
    ):
        assert told in page
    status, out, _ = run("design", "fast-absorber", "--json", "--force")
    assert status == 0
    told = json.loads(out)
    assert told["samples"] == "yes"
    assert told["fabricated"]["kl"] == pytest.approx(judged.chips.kl)
    assert told["fabricated"]["kl_refined"] == []
    # No value is how Python would show an object.
    assert not any(sign in out for sign in ("array", "np.", "<", "Influence"))
    status, _, err = run("design", "lif-hcs")
    assert status == 2
    assert "laser must be a laser" in err


def test_bars_say_what_their_errors_hold(judged: Design, monkeypatch: pytest.MonkeyPatch) -> None:
    """Calibrations are repeated where a parameter is changed, and nowhere else."""
    said = []

    def draw(*given: Any, **options: Any) -> Any:
        figure = tornado(*given, **options)
        said.append(figure.axes[0].get_xlabel().splitlines()[-1])
        return figure

    monkeypatch.setattr("photinus.faces.design.page.tornado", draw)
    design_page(judged)
    assert sorted(said) == [
        "(lines: standard error over runs and calibrations)",
        "(lines: standard error over runs)",
    ]


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
