"""What a run says before it starts: where full physics fails, and never where it does not."""

import json
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import photinus as ph
from photinus import BoltzmannMachine, Calibration, TranslationWarning
from photinus._core import gauge as gauges
from photinus.devices.laser import LaserParameters
from photinus.devices.laser.dynamics import instability_pump, lasing_pump, quiet_state
from photinus.machines.evidence import Evidence
from photinus.samplers import limits
from tests.machines import GRAPHS, machine

LASERS = ("laser", "laser-reduced")
FEW = {"chains": 4, "draws": 8, "burn_in": 4, "seed": 1}


def all_pairs(n: int, weight: float, bias: float) -> BoltzmannMachine:
    return BoltzmannMachine(weight * (np.ones((n, n)) - np.eye(n)), np.full(n, float(bias)))


def told(target: BoltzmannMachine, substrate: str = "laser", **options: Any) -> tuple[str, ph.Samples]:
    """Return what one call says, and its result."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        samples = ph.sample(target, substrate, **(FEW | options))
    assert len(caught) <= 1
    for warning in caught:
        assert warning.category is TranslationWarning
        assert warning.filename == __file__
    said = [str(warning.message) for warning in caught]
    assert said == ["; ".join(samples.attributes[k]) for k in ("outside",) if k in samples.attributes]
    assert json.loads(json.dumps(dict(samples.attributes))) == dict(samples.attributes)
    return (said or [""])[0], samples


@pytest.mark.parametrize("substrate", [*LASERS, "lif"])
def test_strong_weights_are_said(substrate: str) -> None:
    """A group of which one unit is on: exactly 1.003 are, of lasers more."""
    said, samples = told(all_pairs(20, -16, 8), substrate, chains=16, draws=60, burn_in=20)
    assert "190 weights of 190 lie outside [-2, +2]" in said
    assert "0–1 (-16), 0–2 (-16), 0–3 (-16), …" in said
    if substrate == "laser":
        assert samples.states.sum(-1).mean() > 1.05
    said, _ = told(BoltzmannMachine([[0, 2.5, 0], [2.5, 0, 1], [0.0, 1, 0]], [0, 0, 0]), substrate)
    assert said.startswith("1 weight of 2 lies outside [-2, +2]")


@pytest.mark.parametrize("preset", ["fast-absorber", "high-beta"])
def test_lasers_that_lase_are_said_and_do(preset: str) -> None:
    """Just above what is said a laser's spikes may still be seen; far above it is never on."""
    calibration = Calibration.preset(preset)
    lasing = lasing_pump(calibration.laser) * calibration.laser.gain_lifetime
    target = BoltzmannMachine([[0.0]], [8.0], ["x"])
    network = ph.translate(target, calibration)

    def pumped(factor: float) -> tuple[str, ph.Samples]:
        return told(target, network=network.driven(np.array([factor * lasing])), burn_in=8)

    said, samples = pumped(1.6)
    assert said.startswith("1 laser can be pumped beyond ")
    assert "A, evidence and partners included" in said
    assert "'x' (" in said
    assert samples.marginals()[0] < 0.1
    assert pumped(0.82)[0]
    said, samples = pumped(0.78)
    assert not said
    assert samples.marginals()[0] == 1
    assert "'x' (" in told(BoltzmannMachine([[0.0]], [250.0], ["x"]), calibration=calibration)[0]
    # Neurons that cannot lase are on.
    said, samples = told(BoltzmannMachine([[0.0]], [250.0]), "lif")
    assert not said
    assert samples.marginals()[0] > 0.999


@pytest.mark.parametrize("mode", ["pump", "laser"])
def test_evidence_can_make_a_laser_lase(mode: str) -> None:
    target = BoltzmannMachine([[0, 200.0], [200.0, 0]], [0, 0])
    for value in (0, 1):
        said, _ = told(target, clamp={0: value}, clamp_mode=mode)
        # Driven partners act through their synapses, whatever they are.
        assert ("1 laser can be pumped beyond" in said) == (value == 1)
    said, _ = told(target, clamp={0: [0, 0, 1, 0]})
    assert said.startswith("1 laser can be pumped beyond")
    assert "outside" not in said


def test_a_given_network_has_limits_of_its_own() -> None:
    target = BoltzmannMachine([[0, 3.0], [3.0, 0]], [-1, -1])
    calibration = Calibration.preset()
    network = ph.translate(target, calibration)
    # What is given may have been refined: its synapses are not judged by the machine's weights.
    assert not told(target, network=network)[0]
    assert "weight" in told(target)[0]
    strong = network.driven(np.array([network.drive[0], 9 * calibration.midpoint]))
    said, _ = told(target, network=strong)
    assert said.startswith("1 laser can be pumped beyond")
    assert ": 1 (" in said
    # A laser that makes little of its current does not lase.
    weak = calibration.laser.replace(pump_efficiency=0.05)
    assert not told(target, network=strong.replace(devices=(calibration.laser, weak)))[0]


def test_lasing_pump_is_where_pulsing_ends() -> None:
    for name in LaserParameters.presets():
        laser = LaserParameters.preset(name)
        pump = lasing_pump(laser)
        assert pump > instability_pump(laser)
        assert quiet_state(laser, 1.02 * pump).is_stable
        assert not quiet_state(laser, 0.9 * pump).is_stable


def test_cooperation_is_the_change_of_marginals() -> None:
    """The covariance against enumeration with all weights larger by 1e-5."""
    target = all_pairs(8, 2, -7)
    said, _ = told(target, gauge="none")
    assert said.startswith("many synapses together hold modes up: an error of 5 %")
    more = BoltzmannMachine(target.weights * (1 + 1e-5), target.biases)
    slope = (more.marginals() - target.marginals())[0] / 1e-5
    assert f"would move the probability of 0 by {0.05 * slope:.2f} or so" in said
    # With evidence on three units the others decide less.
    assert not told(target, clamp={0: 1, 1: 0, 2: 1, 3: 0})[0]


def test_negative_pumps_are_said() -> None:
    """Its partners would have to overcome a bias of -30, and overcome one of -20."""
    n = 30
    weights = np.zeros((n, n))
    weights[0, 1:] = weights[1:, 0] = 1.5
    target = BoltzmannMachine(weights, np.r_[-30, np.full(n - 1, 3.0)])
    said, _ = told(target)
    assert said.startswith("1 laser would need a pump below zero")
    assert "0 (bias -30)" in said
    assert not told(target, "lif")[0]
    # A laser that nothing brings back is off without a pump, as it should be.
    assert not told(BoltzmannMachine([[0, 1.0], [1.0, 0]], [-30, 0]))[0]


def test_nothing_is_said_where_samples_are_right() -> None:
    """Machines of every kind of graph, weights and biases up to one, up to ten units."""
    calibrations = [Calibration.preset(name) for name in ("fast-absorber", "high-beta", "lif-hcs")]
    rng = np.random.default_rng(7)
    for kind in GRAPHS:
        for n in (1, 2, 5, 10):
            target = machine(kind, n, rng)
            none = Evidence.of(None, target.labels)
            for calibration in calibrations:
                network = ph.translate(target, calibration)
                assert not limits.beyond_lasers(network, network.drive[None], none.positions)
                seen = target.flipped(gauges.of(network))
                assert not limits.beyond_translation(seen, calibration, network, none)
    for substrate in (*LASERS, "lif", "gibbs", "exact", "ideal"):
        assert not told(machine("dense", 5, rng), substrate)[0]
    for substrate in ("gibbs", "exact", "ideal"):
        assert not told(all_pairs(6, -16, 8), substrate)[0]


def two_modes(weight: float, n: int = 5) -> BoltzmannMachine:
    """Return units that are all off or all on, either with probability ½ or so."""
    return all_pairs(n, weight, -weight * (n - 1) / 2)


@pytest.mark.parametrize("substrate", [*LASERS, "lif"])
def test_a_large_predicted_kl_is_said(substrate: str) -> None:
    said, _ = told(two_modes(6), substrate)
    assert "samples are predicted to be off by a KL of" in said
    assert "0.50), " in said
    for gentle in (two_modes(0.7), all_pairs(5, -1, 1), all_pairs(9, 0.1, -3)):
        assert not told(gentle, substrate)[0]
    # Evidence leaves one unit, whose drive is right whatever it is.
    assert "predicted" not in told(two_modes(6), substrate, evidence=dict.fromkeys(range(4), 1))[0]


def test_a_prediction_is_said_before_refinement() -> None:
    calibration = Calibration.preset()
    few: dict[str, Any] = {"chains": 8, "draws": 8, "most_rounds": 1}
    with pytest.warns(TranslationWarning, match=r"^samples are predicted to be off") as caught:
        ph.refine(two_modes(6), calibration, **few)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert "refinement" not in str(caught[0].message)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ph.refine(two_modes(0.7), calibration, **few)
        # A network that is given has been judged before.
        ph.refine(two_modes(6), calibration, network=ph.translate(two_modes(6), calibration), **few)


def test_what_reduced_lasers_were_not_compared_on_is_said() -> None:
    """Two modes of ten units: reduced lasers weigh them differently, full physics is not said so."""
    strong = all_pairs(10, 1.0, -4.5)
    said, samples = told(strong, "laser-reduced", gauge="none")
    assert "known to be like full physics for couplings up to 4 slopes (sum of what excites" in said
    assert any("like full physics" in each for each in samples.attributes["outside"])
    assert "like full physics" not in told(strong, gauge="none")[0]
    # A network that is given is judged as well; evidence excites nobody.
    network = ph.translate(strong, Calibration.preset(), gauge="none")
    assert "like full physics" in told(strong, "laser-reduced", network=network)[0]
    clamp = dict.fromkeys(range(7), 1)
    for given in (None, network):
        assert "like full physics" not in told(strong, "laser-reduced", network=given, clamp=clamp)[0]
    # What inhibits is judged by its squares.
    assert "up to 6 slopes (root of the sum of" in told(all_pairs(10, -3, 3), "laser-reduced")[0]
    assert not told(all_pairs(5, 0.8, -1), "laser-reduced")[0]


def test_it_is_stored_and_resumed(tmp_path: Path) -> None:
    target, path = all_pairs(5, -4, 2), tmp_path / "run.zarr"
    said, samples = told(target, path=path)
    assert said
    assert ph.load(path).attributes["outside"] == samples.attributes["outside"]
    again, _ = told(target, path=path, resume=True)
    assert again == said


def test_the_command_line_says_it_once(tmp_path: Path) -> None:
    model = tmp_path / "model.json"
    all_pairs(5, -4, 2).save(model)
    code = "import sys; from photinus.faces.cli import main; sys.exit(main())"
    options = ["--chains", "4", "--draws", "25", "--burn-in", "4", "--out", str(tmp_path / "run.zarr")]
    done = subprocess.run(
        [sys.executable, "-c", code, "sample", str(model), *options],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    assert [line for line in lines if "outside" in line] == lines
    assert len(lines) == 1
    assert lines[0].startswith("photinus: 10 weights of 10 lie outside [-2, +2]")
