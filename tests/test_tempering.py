"""Heating and cooling: the cycle, what simulators do when heated, and that modes far apart mix.

Statistical tests reject correct code with probability 1e-6 and have a twin that must fail.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import binom, chisquare

import photinus as ph
from photinus import Calibration, InvalidInput, Tempering, TranslationWarning
from photinus.devices import Network, simulator
from photinus.devices.protocol import SpikingSimulator
from photinus.machines.evidence import Evidence
from photinus.samplers import abstract, sampling, spiking
from photinus.translation.drives import drive_and_strength, evidence_drive, heated_drive
from tests.conftest import ALPHA
from tests.machines import two_modes, uniform
from tests.narrow import there, untyped
from tests.progress import Impatient

# The cycle


@given(hottest=st.floats(1, 50), quarter=st.integers(1, 40), draw=st.integers(0, 500))
def test_draws_are_taken_cold_and_in_order(hottest: float, quarter: int, draw: int) -> None:
    t = Tempering(hottest=hottest, period=4 * quarter)
    window = t.window_of(draw)
    assert t.window_of(draw + 1) > window
    assert t.temperature(window) == 1
    # It has been cold for at least as long as draws are taken.
    assert all(t.temperature(w) == 1 for w in range(window - quarter, window))
    assert t.window_of(draw + t.draws_per_cycle) == window + t.period
    cycle = [t.temperature(w) for w in range(t.period)]
    assert 1 <= min(cycle) <= max(cycle) <= hottest
    assert max(cycle) >= 1 + 0.7 * (hottest - 1) or quarter < 2
    assert cycle[: 2 * quarter] == cycle[: 2 * quarter][::-1]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"hottest": 0.5}, "hottest must be at least 1, got 0.5"),
        ({"hottest": "hot"}, "hottest must be a number, got 'hot'"),
        ({"period": 0}, "period must be at least 4, got 0"),
        ({"period": 10}, "period must be a multiple of 4, got 10"),
    ],
)
def test_tempering_refuses(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=f"^{message}$"):
        Tempering(**changes)


# Heated networks


@pytest.fixture(params=["fast-absorber", "lif-hcs"])
def calibration(request: pytest.FixtureRequest) -> Calibration:
    return Calibration.preset(request.param)


def spikes_of(running: SpikingSimulator, windows: int, network: Network) -> tuple[NDArray[Any], ...]:
    found = running.advance(windows * network.window)
    return found.chain, found.unit, found.time


def test_attenuation_is_that_of_the_couplings(calibration: Calibration) -> None:
    network = ph.translate(uniform(3), calibration)
    weak = network.driven(network.drive, 0.4 * network.coupling)
    heated = simulator(network, chains=6, seed=1)
    heated.heat(np.zeros((6, 3)), 0.4)
    built = simulator(weak, chains=6, seed=1)
    plain = simulator(network, chains=6, seed=1)
    for a, b in zip(spikes_of(heated, 30, network), spikes_of(built, 30, network), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6)
    assert len(spikes_of(plain, 30, network)[2]) != len(spikes_of(built, 30, network)[2])


def test_heating_in_the_middle_is_undone_by_cooling(calibration: Calibration) -> None:
    """Pulses under way are attenuated and come back, so that nothing is left of a heating."""
    network = ph.translate(uniform(3), calibration)
    one, other = (simulator(network, chains=6, seed=1) for _ in range(2))
    spikes_of(one, 10, network)
    spikes_of(other, 10, network)
    one.heat(np.full((6, 3), 0.3 * calibration.slope), 0.2)
    one.heat(np.zeros((6, 3)), 1.0)
    for a, b in zip(spikes_of(one, 5, network), spikes_of(other, 5, network), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4)


def test_no_drive_is_left_over() -> None:
    """After hundreds of pulses under changing strengths, silent lasers are driven by nothing."""
    calibration = Calibration.preset()
    network = ph.translate(uniform(3), calibration)
    running = simulator(network, chains=6, seed=1)
    for strength in (0.3, 1.0, 0.7, 2.0, 0.5):
        running.heat(np.zeros((6, 3)), strength)
        assert len(running.advance(7.3 * network.window)) > 0
    running.heat(np.tile(-network.drive, (6, 1)), 1.0)
    running.advance(4 * network.window)
    scale = network.coupling.max() * running.time_step / network.parameters.gain_lifetime
    assert max(np.abs(block.drive).max() for block in untyped(running)._blocks) < 1e-9 * scale


def test_driven_lasers_are_not_heated() -> None:
    network = ph.translate(uniform(3), Calibration.preset())
    clamp = {0: 1}
    one, other = (
        simulator(network, chains=4, seed=1, clamp=clamp, clamp_mode="laser") for _ in range(2)
    )
    one.heat(np.full((4, 3), -1e9), 1.0)
    found, plain = one.advance(30 * network.window), other.advance(30 * network.window)
    assert (found.unit == 0).all()
    assert len(found) > 0.5 * (plain.unit == 0).sum()


def test_drives_at_temperature_one_are_those_of_the_evidence(calibration: Calibration) -> None:
    machine = uniform(4)
    network = ph.translate(machine, calibration, rule="measured", gauge="none")
    evidence = Evidence.of({1: [0, 1, 1]}, machine.labels, 3)
    drive, strength = drive_and_strength(machine, calibration, evidence, rule="measured")
    expected = evidence_drive(machine, calibration, network, evidence, rule="measured")
    free = [0, 2, 3]
    assert strength == 1
    np.testing.assert_array_equal(drive[:, free], expected[:, free])
    assert np.isnan(drive[:, 1]).all()
    positions, values = evidence.positions, evidence.values
    former = heated_drive(machine, calibration, positions, values, temperature=1.0, rule="measured")[0]
    np.testing.assert_array_equal(former, drive)
    # Without evidence they are those of the translation.
    none = Evidence.of(None, machine.labels)
    drive, _ = drive_and_strength(machine, calibration, none, rule="measured")
    np.testing.assert_allclose(drive[0], network.drive, rtol=1e-9)


def test_hot_drives_are_those_of_the_hot_machine(calibration: Calibration) -> None:
    """With equal units the common attenuation is what each of them needs: the same network."""
    machine = two_modes(5, 0.8)
    none = Evidence.of(None, machine.labels)
    drive, strength = drive_and_strength(machine, calibration, none, temperature=2.5, rule="measured")
    network, hot = (
        ph.translate(m, calibration, rule="measured", gauge="none")
        for m in (machine, machine.heated(2.5))
    )
    np.testing.assert_allclose(drive[0], hot.drive, rtol=1e-9)
    np.testing.assert_allclose(strength * network.coupling, hot.coupling, rtol=1e-9)


# Tempered samples


def test_tempered_gibbs_draws_are_of_the_machine() -> None:
    """One draw of each of 6000 chains, chi-square at 1e-6; the hot machine's joint must be refused."""
    machine = uniform(3, seed=2)
    tempering = Tempering(hottest=6, period=40)
    samples = ph.sample(machine, "gibbs", chains=6000, draws=1, burn_in=0, seed=1, tempering=tempering)
    counts = samples.free_joint() * 6000
    assert chisquare(counts, machine.joint() * 6000).pvalue > ALPHA
    assert chisquare(counts, machine.heated(2).joint() * 6000).pvalue < ALPHA
    assert samples.physical_time is None
    assert samples.tempering == tempering


@pytest.mark.parametrize("substrate", ["laser", "lif"])
def test_tempering_leaves_a_mode_that_plain_sampling_stays_in(substrate: str) -> None:
    """Two deep modes at equal time: plain chains hardly cross, tempered ones are found in both.

    A chain changes its mode in each of 10 cycles with probability 0.15 at least, so that the 24 chains
    stay without a crossing with probability below 0.85^240 = 1e-17.
    """
    machine = two_modes()
    tempering = Tempering(hottest=4, period=40)
    options: dict[str, Any] = {"chains": 24, "seed": 1, "initial": np.zeros(8), "gauge": "none"}
    options["rule"] = "measured"  # by the other one plain chains cross more often
    with pytest.warns(TranslationWarning, match="lie outside"):
        hot = ph.sample(machine, substrate, draws=100, burn_in=10, tempering=tempering, **options)
    with pytest.warns(TranslationWarning, match="lie outside"):
        plain = ph.sample(machine, substrate, draws=400, burn_in=40, **options)
    assert plain.physical_time == hot.physical_time
    assert crossings(plain) <= 1
    assert crossings(hot) > 10
    assert hot.spikes is None
    up = int((hot.states[:, -1].mean(axis=1) > 0.5).sum())
    # Both modes are there: fewer than 2 of 24 is refused at 1e-6 for a fair coin.
    assert binom.cdf(1, 24, 0.5) < 2 * ALPHA
    assert 1 < up < 23


def crossings(samples: ph.Samples) -> int:
    """Return how often chains went from mostly on to mostly off or back."""
    level = samples.states.mean(axis=2)
    total = 0
    for chain in level:
        side = np.sign(chain - 0.5)[np.abs(chain - 0.5) > 0.2]
        total += int((np.diff(side) != 0).sum())
    return total


@pytest.mark.parametrize("substrate", ["laser", "lif", "gibbs"])
def test_pieces_and_files_are_those_of_one_run(
    substrate: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments: dict[str, Any] = {
        "chains": 3,
        "draws": 11,
        "burn_in": 2,
        "seed": 4,
        "clamp": {0: [0, 1, 1]},
    }
    tempering = Tempering(hottest=3, period=12)
    whole = ph.sample(uniform(3), substrate, tempering=tempering, **arguments)
    monkeypatch.setattr(spiking, "LASER_STEPS_PER_PIECE", 1)
    monkeypatch.setattr(abstract, "UNIT_UPDATES_PER_PIECE", 1)
    path = tmp_path / "run.zarr"
    pieces = ph.sample(uniform(3), substrate, tempering=tempering, path=path, **arguments)
    loaded = ph.load(path)
    for found in (pieces, loaded):
        np.testing.assert_array_equal(found.states, whole.states)
        assert found.tempering == tempering
        assert found.physical_time == whole.physical_time
        assert found.spikes is None
    assert np.array_equal(loaded.joint(), whole.joint()) if not whole.clamp else True


def test_a_stopped_run_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spiking, "LASER_STEPS_PER_PIECE", 1)
    arguments: dict[str, Any] = {
        "chains": 3,
        "draws": 9,
        "burn_in": 1,
        "seed": 4,
        "tempering": Tempering(period=8),
    }
    whole = ph.sample(uniform(3), "laser", **arguments)

    path = tmp_path / "run.zarr"
    with pytest.raises(sampling.Interrupted):
        ph.sample(uniform(3), "laser", path=path, progress=Impatient(30.0), **arguments)
    assert 0 < ph.load(path).draws < 9
    resumed = ph.sample(uniform(3), "laser", path=path, resume=True, **arguments)
    np.testing.assert_array_equal(resumed.states, whole.states)
    with pytest.raises(InvalidInput, match="resume needs"):
        ph.sample(
            uniform(3),
            "laser",
            path=path,
            resume=True,
            **{**arguments, "tempering": Tempering(period=12)},
        )


def test_certificate_of_tempered_samples() -> None:
    machine = uniform(3)
    samples = ph.sample(machine, "laser", chains=32, draws=40, seed=1, tempering=Tempering(period=8))
    fidelity = samples.fidelity()
    assert there(fidelity.kl) < 0.1
    assert 0 < there(fidelity.kl_floor) < 0.1


@pytest.mark.parametrize("substrate", ["exact", "ideal"])
def test_some_substrates_cannot_be_heated(substrate: str) -> None:
    with pytest.raises(InvalidInput, match=f"^substrate must be one of .* got '{substrate}'$"):
        ph.sample(uniform(3), substrate, tempering=Tempering())


def test_tempering_must_be_one() -> None:
    with pytest.raises(
        InvalidInput, match="^tempering must be a Tempering or Parallel or None, got 4$"
    ):
        ph.sample(uniform(3), tempering=untyped(4))
