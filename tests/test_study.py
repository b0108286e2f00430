"""The fidelity study, end to end and tiny: points, storage, resuming, report."""

import dataclasses
import json
import math
import re
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest
from numpy.typing import NDArray
from studies.fidelity import points, report, results, variants
from studies.fidelity.__main__ import main
from studies.fidelity.points import Point, Selection, Target
from studies.fidelity.variants import EXACT_IN_LAW, REFINED, TRANSLATED, VARIANTS, Budget
from studies.pictures.fidelity import CAPTIONS, drawable

import photinus as ph
from photinus.diagnostics.distance import kl_divergence
from tests.narrow import untyped

TINY = Budget(chains=8, draws=12, burn_in=4)
FAST = ("exact", "gibbs", "ideal", "fast-absorber")
ARGUMENTS = [
    *("--chains", "8", "--draws", "12", "--burn-in", "4", "--machines", "2"),
    *("--families", "uniform", "--sizes", "3", "--experiments", "grid", "--only", *FAST),
]


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Return the folder of a tiny study that has run."""
    folder = tmp_path_factory.mktemp("study")
    assert main(["run", *ARGUMENTS, "--results", str(folder)]) == 0
    return folder


@pytest.fixture
def tiny() -> Any:
    return Selection(("grid",), ("uniform",), (3,), 2, FAST, TINY)


def contents(folder: Path) -> Any:
    return {path.name: path.read_bytes() for path in folder.rglob("*.json")}


# Machines


@pytest.mark.parametrize(("family", "edge"), [("uniform", 1.0), ("beta", 1.2)])
def test_machines_are_random_within_their_family_and_always_the_same(family: str, edge: float) -> None:
    """Beta(½, ½) has variance 1/8, so its machines (2.4/√8)² = 0.72, uniform ones 1/3.

    1000 biases each: the relative standard error of their variance is below 4 %, 0.2 is 5 of them.
    """
    targets = [Target(family, 10, k) for k in range(100)]
    machines = [target.machine() for target in targets]
    assert machines == [target.machine() for target in targets]
    assert len(set(machines)) == 100
    for machine in machines:
        assert max(np.abs(machine.biases).max(), np.abs(machine.weights).max()) <= edge
    variance = {"uniform": 1 / 3, "beta": 0.72}[family]
    assert np.var([machine.biases for machine in machines]) == pytest.approx(variance, rel=0.2)


def test_scaled_machine_is_the_same_one_scaled() -> None:
    one, three = (Target("beta", 5, 4, scale).machine() for scale in (1.0, 3.0))
    np.testing.assert_allclose(three.weights, 3 * one.weights)
    np.testing.assert_allclose(three.biases, 3 * one.biases)


def test_no_calibration_has_the_seed_of_the_study() -> None:
    for preset in ("fast-absorber", "slow-absorber", "vcsel-sa"):
        assert ph.Calibration.preset(preset).seed != str(points.SEED)


# Points


def test_whole_study_has_every_point_once() -> None:
    whole = Selection().points()
    grid = len(points.FAMILIES) * len(points.SIZES) * points.MACHINES * len(VARIANTS)  # type: ignore[attr-defined]
    delays = points.SWEEP_MACHINES * 2 * (len(variants.DELAYS) - 1)
    scales = points.SWEEP_MACHINES * 3 * (len(points.SCALES) - 1)
    assert len(whole) == grid + delays + scales
    assert len({point.name() for point in whole}) == len(whole)
    assert all("/" not in point.name() and " " not in point.name() for point in whole)


def test_everything_that_determines_a_result_is_in_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    point = Point(Target("uniform", 3, 0), TRANSLATED, TINY)
    target, budget = point.target, point.budget
    others = [
        dataclasses.replace(point, target=dataclasses.replace(target, family="beta")),
        dataclasses.replace(point, target=dataclasses.replace(target, size=5)),
        dataclasses.replace(point, target=dataclasses.replace(target, index=1)),
        dataclasses.replace(point, target=dataclasses.replace(target, scale=1.1)),
        dataclasses.replace(point, variant=REFINED),
        dataclasses.replace(point, budget=dataclasses.replace(budget, draws=13)),
        dataclasses.replace(point, budget=dataclasses.replace(budget, chains=7)),
        dataclasses.replace(point, budget=dataclasses.replace(budget, burn_in=3)),
    ]
    names = {other.name() for other in others}
    threads = dataclasses.replace(point, budget=dataclasses.replace(budget, threads=1))
    assert threads.name() == point.name() not in names
    name = point.name()
    other = dataclasses.replace(VARIANTS[TRANSLATED], settings={"calibration": "another one"})
    monkeypatch.setitem(VARIANTS, TRANSLATED, other)
    assert point.name() not in {name, *names}


def test_code_is_told_by_what_it_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Comments and docstrings do not count, statements do."""
    here = results.code_digest()
    assert here.startswith(ph.__version__)

    def digest(text: Any) -> Any:
        (tmp_path / "module.py").write_text(text)
        monkeypatch.setattr(results.resources, "files", lambda name: tmp_path)  # type: ignore[attr-defined]
        return results.code_digest.__wrapped__()

    first = digest('"""Text."""\n\ndef f(x):\n    """Text."""\n    return x\n')
    assert first == digest("def f(x):\n    # why\n    return x\n") != here
    assert first != digest("def f(x):\n    return -x\n")


# Running


def test_second_run_measures_nothing_and_changes_nothing(
    study: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    before = contents(study)
    assert len(before) == 2 * 6
    assert main(["run", *ARGUMENTS, "--results", str(study)]) == 0
    assert "0 points measured" in capsys.readouterr().out
    assert contents(study) == before


def test_stopped_study_goes_on_where_it_was(
    study: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Ctrl-C in the fourth point: three are kept, and the rest come out as in one go."""
    calls = []

    def measure(point: Any) -> Any:
        calls.append(point)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return results.measure(point)

    monkeypatch.setattr("studies.fidelity.__main__.measure", measure)
    arguments = ["run", *ARGUMENTS, "--results", str(tmp_path)]
    assert main(arguments) == 130
    assert "the same command goes on" in capsys.readouterr().out
    assert len(contents(tmp_path)) == 3
    assert main(arguments) == 0
    assert len(calls) == len(set(calls)) + 1 == 13

    def measured(folder: Path) -> Any:
        found = {name: json.loads(text)["result"] for name, text in contents(folder).items()}
        for result in found.values():
            del result["seconds"]
            result.pop("refining_seconds", None)
        return found

    assert measured(tmp_path) == measured(study)


def test_one_failing_point_does_not_stop_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(machine: ph.BoltzmannMachine, seed: np.random.SeedSequence, budget: Any) -> NoReturn:
        raise ph.InvalidInput("this one must fail")

    monkeypatch.setitem(VARIANTS, "gibbs", dataclasses.replace(VARIANTS["gibbs"], draw=fail))
    assert main(["run", *ARGUMENTS, "--results", str(tmp_path), "--only", "exact", "gibbs"]) == 1
    out = capsys.readouterr().out
    assert "this one must fail" in out
    assert "2 points measured, 2 failed" in out


def test_list_measures_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--list", "--results", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert str(len(Selection().points())) in out
    assert all(name in out for name in VARIANTS)
    assert contents(tmp_path) == {}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--only", "lasre"], "--only must be part of a variant's name"),
        (["--sizes", "17"], "--sizes must be from 1 to 16, got 17"),
        (["--machines", "0"], "--machines must be at least 1"),
        (["--chains", "1"], "--chains must be at least 2"),
        (["--burn-in", "500"], "--burn-in must be from 0 to 400"),
        (["--code", "0.1.0-other"], "--code must be one of"),
    ],
)
def test_bad_arguments_are_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert main(["run", "--results", str(tmp_path), *arguments]) == 1
    assert message in capsys.readouterr().out


# What a point holds


def test_a_point_is_what_it_says() -> None:
    point = Point(Target("uniform", 3, 0), "ideal", TINY)
    result, machine = results.measure(point), point.target.machine()
    assert result["draws"] == [3, 6, 12, 24, 48, 96]
    assert result["kl"][-1] == pytest.approx(sum(result["parts"]["kl"].values()), abs=1e-9)
    samples = VARIANTS["ideal"].draw(machine, point.seed(), TINY)
    assert result["kl"][-1] == pytest.approx(samples.fidelity().kl)
    assert result["marginal_error"] == pytest.approx(samples.fidelity().marginal_error)
    assert result["pair_error"] == pytest.approx(samples.fidelity().pair_error)
    assert result["ess"] == samples.fidelity().ess


def test_divergences_are_means_over_disjoint_groups() -> None:
    machine = Target("uniform", 3, 1).machine()
    samples = ph.sample(machine, "gibbs", chains=6, draws=12, seed=1, burn_in=2)
    target = machine.joint()
    draws, kl = results.divergences(samples, results.chain_joints(samples), target)  # type: ignore[attr-defined]
    states = samples.states @ np.array([1, 2, 4])

    def divergence(part: NDArray[np.int64]) -> float:
        return kl_divergence(np.bincount(part.ravel(), minlength=8) / part.size, target)

    expected = {
        3: [divergence(chain[:3]) for chain in states],
        6: [divergence(chain[:6]) for chain in states],
        12: [divergence(chain) for chain in states],
        24: [divergence(states[k : k + 2]) for k in (0, 2, 4)],
        48: [divergence(states[:4])],
        72: [divergence(states)],
    }
    assert draws == list(expected)
    np.testing.assert_allclose(kl, [np.mean(values) for values in expected.values()])


def test_refined_points_say_how_they_came_about(study: Any, tiny: Any) -> None:
    found, codes = results.read_points(study / results.code_digest(), tiny.points())
    assert codes == {results.code_digest()}
    for point, result in found.items():
        assert ("rounds" in result) == ("converged" in result) == (point.variant == REFINED)


def test_delays_reach_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    monkeypatch.setattr(
        ph, "sample", lambda machine, substrate, **options: seen.append(options["network"])
    )
    machine = Target("uniform", 3, 0).machine()
    for delay in variants.DELAYS:
        name = variants.at_delay(TRANSLATED, delay)
        variants.variant_of(name).draw(machine, np.random.SeedSequence(0), TINY)
    window = ph.Calibration.preset("fast-absorber").window
    assert [network.delay / window for network in seen] == pytest.approx(variants.DELAYS)


# Report


def test_report_writes_tables_and_figures_and_what_is_missing(
    study: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["report", *ARGUMENTS, "--results", str(study), "--docs", str(tmp_path)]
    assert main(arguments) == 0
    text = (tmp_path / "results" / "fidelity.md").read_text()
    assert re.search(r"^\*Measured on .* with Photinus \S+.*\*$", text, re.MULTILINE)
    assert "Only whole rows are shown" not in text
    assert "| uniform | 5 | laser fast-absorber refined | ≤ 0.0005 | – | – | – | 0 |" in text
    row = next(line for line in text.splitlines() if line.startswith("| uniform | 3 | ideal |"))
    assert " 1.0 |" in row
    for name in ("sizes", "parts"):
        assert f"![{CAPTIONS[name]}](../images/fidelity-{name}.png)" in text
        assert (tmp_path / "images" / f"fidelity-{name}.png").stat().st_size > 10_000
    assert (
        main([*arguments, "--machines", "3", "--experiments", "grid", "scale", "--sizes", "3", "5"])
        == 0
    )
    text = (tmp_path / "results" / "fidelity.md").read_text()
    assert "`gibbs` (2 of 6)" in text
    assert f"`{REFINED}` (2 of 24)" in text
    assert "| uniform | 3 | ideal |" not in text  # two of three machines


def test_report_does_not_mix_code_silently(
    study: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Results of other code are not found; with --code they are, and the page says so."""
    old = results.code_digest()
    monkeypatch.setattr("studies.fidelity.__main__.code_digest", lambda: "0.1.0-new")
    monkeypatch.setattr(results, "code_digest", lambda: "0.1.0-new")
    arguments = [*ARGUMENTS, "--results", str(study)]
    docs = ["--docs", str(tmp_path)]
    assert main(["report", *arguments, *docs]) == 1
    assert f"must hold results, got none (other code: {old})" in capsys.readouterr().out
    assert main(["report", *arguments, *docs, "--code", old]) == 0
    assert "other code" not in (tmp_path / "results" / "fidelity.md").read_text()
    removed = next((study / old).glob("*exact*.json"))
    content = removed.read_text()
    removed.unlink()
    assert main(["run", *arguments, "--code", old]) == 0
    assert main(["report", *arguments, *docs, "--code", old]) == 0
    removed.write_text(content)
    text = (tmp_path / "results" / "fidelity.md").read_text()
    assert "**Some were measured by other code: 0.1.0-new.**" in text


def test_sweeps_are_tabulated_and_drawn(tmp_path: Path) -> None:
    selection = Selection(machines=3, budget=TINY)
    made = {
        point: {
            "kl": [1.0 + point.target.index],
            "parts": {"kl": {"higher": 0.25}} if point.target.index else None,
            "converged": point.target.index == 1,
        }
        for point in selection.points()
    }
    study = report.Study(selection, made)
    place = tmp_path / "results" / "fidelity.md"
    place.parent.mkdir()
    page = report._sweep(study, "delay", "delay [τ]")
    place.write_text(f"## Synaptic delay\n\n{page}")
    assert page.count("| 2 (1.5 … 2.5) ") == 3 * len(variants.DELAYS)
    assert "| 0.25 | 1 of 3 | 3 / 3 / 3 |" in page
    page = report._sweep(study, "scale", "W and b ×")
    assert page.count("| 2 (1.5 … 2.5) ") == 3 * len(points.SCALES)
    axes = drawable(tmp_path)["delay"](tmp_path).axes[0]
    labels = axes.get_legend_handles_labels()[1]
    ways = ("translated", "refined")
    assert labels == ["ideal neurons (floor)", *(f"laser fast-absorber, {way}" for way in ways)]
    for curve in untyped(axes.containers):
        right = [list(variants.DELAYS), [2.0] * len(variants.DELAYS)]
        np.testing.assert_allclose(curve.lines[0].get_data(), right)
    assert list(study.sweeps()["delay"]) == [EXACT_IN_LAW, TRANSLATED, REFINED]


def test_interval_of_the_median_covers() -> None:
    """Of 20 machines: at least 90 % of 300 intervals hold the true median (binomial, α = 1e-6).

    Twin: intervals around a median that is off by one standard deviation.
    """
    from scipy.stats import binom

    values = np.random.default_rng(0).lognormal(size=(300, 20))
    ends = np.array([report.median_interval(each) for each in values])
    least = binom.ppf(1e-6, 300, 0.9)
    assert np.sum((ends[:, 0] <= 1) & (ends[:, 1] >= 1)) >= least
    assert np.sum((ends[:, 0] <= math.e) & (ends[:, 1] >= math.e)) < least
