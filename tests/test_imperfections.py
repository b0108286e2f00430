"""Imperfections: what each does to a network, exactly or in law, and what happens during a run."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.sparse import csr_array
from scipy.stats import binom, chi2, norm, poisson
from scipy.stats._distn_infrastructure import rv_continuous_frozen, rv_discrete_frozen
from typer.testing import CliRunner

from photinus import (
    BoltzmannMachine,
    Calibration,
    InvalidInput,
    LaserNetwork,
    Samples,
    SpikeTrains,
    refine,
    sample,
    translate,
)
from photinus._core.streams import ChainsFrom, seed_sequence
from photinus.engines.disturbances import Disturbed
from photinus.engines.laser.simulator import Simulator
from photinus.faces.cli import app, main
from photinus.networks.couplings import dense
from photinus.networks.drift import drifted
from photinus.networks.imperfections import Imperfections
from photinus.samplers.samples import load
from photinus.units import ns, ps
from tests.conftest import ALPHA
from tests.machines import uniform
from tests.narrow import array, lasers, untyped

CALIBRATION = Calibration.preset()


def uncoupled(n: int, log_odds: float = 0.0) -> Any:
    one = lasers(translate(BoltzmannMachine([[0]], [log_odds]), CALIBRATION))
    return one.replace(pump=np.repeat(one.pump, n), coupling=np.zeros((n, n)), labels=())


def network_of(n: int, seed: int = 0) -> Any:
    return lasers(translate(uniform(n, seed), CALIBRATION))


def as_sparse(network: LaserNetwork) -> LaserNetwork:
    return network.replace(coupling=csr_array(network.coupling))


def within(count: float, law: rv_continuous_frozen | rv_discrete_frozen) -> Any:
    """Whether a count lies where its law puts all but ALPHA."""
    return law.ppf(ALPHA / 2) <= count <= law.isf(ALPHA / 2)


def same_spikes(one: SpikeTrains, other: SpikeTrains) -> bool:
    return all(
        np.array_equal(getattr(one, name), getattr(other, name)) for name in ("chain", "unit", "time")
    )


# What the network is


def test_without_imperfections_the_network_is_the_same() -> None:
    network = network_of(4)
    assert Imperfections().apply(network, 1).to_dict().keys() == network.to_dict().keys()
    for name, value in Imperfections().apply(network, 1).to_dict().items():
        np.testing.assert_array_equal(value, network.to_dict()[name])
    assert not Imperfections().disturbs


@pytest.mark.parametrize(("bits", "sign_bit", "steps"), [(1, False, 1), (2, True, 1), (3, False, 7)])
def test_weights_take_the_values_that_bits_can_set(bits: int, sign_bit: bool, steps: int) -> None:
    network = network_of(6)
    coupling = Imperfections(weight_bits=bits, sign_bit=sign_bit).apply(network).coupling
    largest = np.abs(network.coupling).max()
    units = coupling / largest * steps
    np.testing.assert_allclose(units, np.rint(units), atol=1e-12)
    assert np.abs(coupling - network.coupling).max() <= largest / steps / 2 * (1 + 1e-12)
    assert np.abs(array(coupling)).max() == pytest.approx(largest)


def test_losses_multiply_couplings_by_what_gets_through() -> None:
    coupling = np.zeros((6, 6))
    coupling[1:, 0] = 100.0  # five targets: three splitters in a row
    coupling[0, 1] = 100.0  # one target: none
    network = uncoupled(6).replace(coupling=coupling)
    lossy = Imperfections(coupling_loss=0.2, splitter_loss=0.1).apply(network).coupling
    np.testing.assert_allclose(array(lossy)[1:, 0], 100 * 0.8 * 0.9**3)
    assert lossy[0, 1] == pytest.approx(80)


def test_crosstalk_moves_light_to_the_neighbours_and_loses_none() -> None:
    network = network_of(5)
    leak = np.diag([0.9, 0.8, 0.8, 0.8, 0.9]) + 0.1 * (np.eye(5, k=1) + np.eye(5, k=-1))
    np.testing.assert_allclose(leak.sum(axis=0), 1)
    expected = network.coupling @ leak
    np.fill_diagonal(expected, 0)
    mixed = Imperfections(crosstalk=0.1)
    np.testing.assert_allclose(array(mixed.apply(network).coupling), expected)
    np.testing.assert_array_equal(Imperfections(crosstalk=0.5).apply(uncoupled(1)).coupling, [[0]])


def test_sparse_couplings_come_out_as_dense_ones() -> None:
    network = network_of(7)
    every = Imperfections(
        weight_bits=4,
        weight_drift=0.1,
        efficiency_mismatch=0.1,
        crosstalk=0.05,
        coupling_loss=0.1,
        splitter_loss=0.02,
    )
    sparse = every.apply(as_sparse(network), 5)
    assert isinstance(sparse.coupling, csr_array)
    np.testing.assert_allclose(dense(sparse.coupling), array(every.apply(network, 5).coupling))


def test_spreads_have_their_size() -> None:
    """n times the mean squared logarithm over s² is χ² with n degrees of freedom."""
    n, s = 400, 0.1
    network = uncoupled(n)
    drifted_pumps = Imperfections(pump_drift=s).apply(network, 1).pump
    detectors = Imperfections(detector_spread=s).apply(network, 2).detection_threshold
    efficient = Imperfections(efficiency_mismatch=s).apply(network, 3).pump
    for ratio in (
        drifted_pumps / network.pump,
        detectors / network.detection_threshold,
        efficient / network.pump,
    ):
        size = np.sum(np.log(ratio) ** 2) / s**2
        assert within(size, chi2(n))
        assert not within(1.5 * size, chi2(n))  # a spread that is a fifth larger would be seen


def test_efficiency_scales_pump_and_synapses_alike() -> None:
    network = network_of(4)
    own = Imperfections(efficiency_mismatch=0.2).apply(network, 1)
    factor = own.pump / network.pump
    assert np.ptp(factor) > 0.01
    np.testing.assert_allclose(array(own.coupling), factor[:, None] * network.coupling)


def test_each_imperfection_keeps_its_draws_whatever_others_there_are() -> None:
    network = network_of(4)
    alone = Imperfections(pump_drift=0.1).apply(network, 1)
    together = Imperfections(pump_drift=0.1, weight_drift=0.2, delay_spread=10 * ps, mismatch=0.01)
    np.testing.assert_array_equal(together.apply(network, 1).pump, alone.pump)
    twice = Imperfections(pump_drift=0.2).apply(network, 1)
    np.testing.assert_allclose(np.log(twice.pump / network.pump), 2 * np.log(alone.pump / network.pump))
    seed = np.random.SeedSequence(1)
    for _ in range(2):  # a seed is not used up
        np.testing.assert_array_equal(
            Imperfections(pump_drift=0.1).apply(network, seed).pump, alone.pump
        )
    assert (Imperfections(pump_drift=0.1).apply(network, 2).pump != alone.pump).all()


def test_delays_are_added_and_never_negative() -> None:
    network = network_of(5).replace(delay=30 * ps)
    assert Imperfections(delay=20 * ps).apply(network).delay == pytest.approx(50 * ps)
    spread = array(Imperfections(delay=20 * ps, delay_spread=60 * ps).apply(network, 1).delay)
    assert spread.shape == (5, 5)
    assert spread.min() == 0
    assert len(np.unique(spread)) > 15
    with pytest.raises(InvalidInput, match="delay_spread must be 0 s where coupling is sparse"):
        Imperfections(delay_spread=1 * ps).apply(as_sparse(network))


@pytest.mark.parametrize("name", ["lifetime_mismatch", "threshold_mismatch"])
def test_thresholds_and_lifetimes_differ_each_by_its_spread(name: str) -> None:
    n, s = 200, 0.05
    network = uncoupled(n)
    designed = CALIBRATION.laser
    devices = Imperfections(**untyped({name: s})).apply(network, 1).devices
    varied = {
        "lifetime_mismatch": ("photon_lifetime", "gain_lifetime", "absorber_lifetime"),
        "threshold_mismatch": ("threshold_carriers",),
    }[name]
    for parameter in varied:
        ratio = [getattr(device, parameter) / getattr(designed, parameter) for device in devices]
        size = np.sum(np.log(ratio) ** 2) / s**2
        assert within(size, chi2(n))
        assert not within(2 * size, chi2(n))
    fixed = "gain_coefficient" if name == "lifetime_mismatch" else "gain_lifetime"
    assert {getattr(device, fixed) for device in devices} == {getattr(designed, fixed)}


def test_drift_goes_on_in_its_direction_by_its_law() -> None:
    network = network_of(4)
    law: dict[str, Any] = {"pump_drift_rate": 1e-5, "weight_flicker": 1e-4, "flicker_bandwidth": 10.0}
    pumps, weights = [], []
    for time in (10.0, 1000.0):
        later = Imperfections(**law, drift_time=time).apply(network, 1)
        pumps.append(np.log(later.pump / network.pump))
        weights.append(np.log(later.coupling[0, 1:] / network.coupling[0, 1:]))
    np.testing.assert_allclose(pumps[1], 100 * pumps[0])
    grown = drifted(1000.0, flicker=1e-4, bandwidth=10.0) / drifted(10.0, flicker=1e-4, bandwidth=10.0)
    np.testing.assert_allclose(weights[1], grown * weights[0])
    known = Imperfections(pump_drift=0.01).apply(network, 1)
    both = Imperfections(pump_drift=0.01, pump_drift_rate=1e-5, drift_time=1000).apply(network, 1)
    np.testing.assert_allclose(
        np.log(both.pump / network.pump), np.sqrt(2) * np.log(known.pump / network.pump)
    )
    fresh = Imperfections(**law).apply(network, 1)  # just set: no drift yet
    np.testing.assert_array_equal(fresh.pump, network.pump)


def test_mismatch_is_that_of_the_network() -> None:
    devices = Imperfections(mismatch=0.05).apply(network_of(3), 1).devices
    factors = [device.gain_lifetime / CALIBRATION.laser.gain_lifetime for device in devices]
    assert len(set(factors)) == 3


def test_warmth_raises_the_threshold_by_its_law() -> None:
    network = network_of(3)
    warm = Imperfections(temperature=6, characteristic_temperature=60).apply(network)
    for device in warm.devices:
        expected = np.exp(0.1) * CALIBRATION.laser.threshold_carriers
        assert device.threshold_carriers == pytest.approx(expected, rel=1e-12)
    cold = Simulator(network, chains=16, seed=1).advance(20 * ns)
    assert len(Simulator(warm, chains=16, seed=1).advance(20 * ns)) < 0.7 * len(cold)


def test_a_dead_laser_never_fires_however_it_is_pumped() -> None:
    network = network_of(4)
    dead = Imperfections(dead=1).apply(network, 3)
    unit = int(np.argmin([device.pump_efficiency for device in dead.devices]))
    harder = dead.replace(pump=10 * dead.pump, coupling=np.abs(array(dead.coupling)))
    spikes = Simulator(harder, chains=8, seed=1).advance(20 * ns)
    assert set(spikes.unit) == set(range(4)) - {unit}
    assert {device.pump_efficiency for device in Imperfections(dead=4).apply(network).devices} == {
        1e-12
    }


# What happens during a run


@pytest.fixture(scope="module")
def quiet() -> Simulator:
    """Return a simulator of two dead lasers, which fire no spikes of their own."""
    return Simulator(Imperfections(dead=2).apply(uncoupled(2)), chains=50, seed=1)


def test_the_read_out_misses_spikes_with_its_probability() -> None:
    network = uncoupled(3)
    every = Simulator(network, chains=64, seed=1).advance(20 * ns)
    kept = Disturbed(Simulator(network, chains=64, seed=1), Imperfections(lost_spikes=0.3), 2)
    seen = kept.advance(20 * ns)
    assert set(zip(seen.chain, seen.unit, seen.time, strict=True)) < set(
        zip(every.chain, every.unit, every.time, strict=True)
    )
    assert within(len(seen), binom(len(every), 0.7))
    assert not within(len(seen), binom(len(every), 0.8))
    nothing = Disturbed(Simulator(network, chains=4, seed=1), Imperfections(lost_spikes=1), 2)
    assert len(nothing.advance(5 * ns)) == 0


def test_the_read_out_makes_up_spikes_at_its_rate(quiet: Simulator) -> None:
    spikes = Disturbed(quiet, Imperfections(spurious_rate=1e9), 3).advance(20 * ns)
    expected = 2 * 50 * 20
    assert within(len(spikes), poisson(expected))
    assert not within(len(spikes), poisson(1.2 * expected))
    intervals = np.diff(spikes.time)[(np.diff(spikes.chain) == 0)]
    assert (intervals >= 0).all()  # sorted by chain, then time


def test_detector_noise_costs_and_makes_up_spikes() -> None:
    noisy = Imperfections(detector_noise=0.2, lost_spikes=0.1)
    assert 1 - noisy.missed == pytest.approx(0.9 * norm.cdf(2.5))
    # Rice's rate against crossings counted in noise of that band.
    generator = np.random.default_rng(1)
    n, step = 2**20, 2.5 * ps
    frequency = np.fft.rfftfreq(n, step)
    spectrum = generator.standard_normal((len(frequency), 2)) @ np.array([1, 1j])
    noise = np.fft.irfft(np.where(frequency < noisy.detector_bandwidth, spectrum, 0), n)
    noise *= noisy.detector_noise / noise.std()
    crossings = int(np.sum((noise[:-1] < 0.5) & (noise[1:] >= 0.5)))
    assert within(crossings, poisson(noisy.made_up * n * step))
    assert not within(crossings, poisson(2 * noisy.made_up * n * step))


def correlation(samples: Samples) -> float:
    """Return the mean covariance of two units over its standard error, from independent chains."""
    z = samples.states.astype(float)
    each = (z[:, :, 0] * z[:, :, 1]).mean(axis=1)
    mean = z.mean(axis=(0, 1))
    # To first order the means' errors count too: those of each unit, times the other's mean.
    each = each - z[:, :, 0].mean(axis=1) * mean[1] - z[:, :, 1].mean(axis=1) * mean[0]
    return (each.mean() + mean[0] * mean[1]) / (each.std(ddof=1) / np.sqrt(len(each)))


def test_shared_pump_noise_correlates_lasers_without_synapses() -> None:
    pair = BoltzmannMachine(np.zeros((2, 2)), np.zeros(2))
    shared = Imperfections(shared_pump_noise=0.05, shared_pump_time=5 * ns)
    options: dict[str, Any] = {"chains": 128, "draws": 60, "burn_in": 10, "seed": 4}
    assert correlation(sample(pair, imperfections=shared, **options)) > norm.isf(ALPHA)
    assert abs(correlation(sample(pair, **options))) < norm.isf(ALPHA / 2)


def test_shared_pump_noise_has_its_size_and_correlation_time() -> None:
    """Values of independent chains: χ², and Fisher's z of their correlation a step later."""
    wanted = Imperfections(shared_pump_noise=0.01, shared_pump_time=1 * ns)
    simulator = Simulator(uncoupled(1), chains=400, seed=1)
    noise = Disturbed(simulator, wanted, 5)
    noise._pump(8)
    before = noise._noise.copy()
    noise._pump(12)
    assert within(np.sum(noise._noise**2), chi2(400))
    steps = 4 * noise._every * noise.grid / (1 * ns)
    found = np.arctanh(np.corrcoef(before, noise._noise)[0, 1])
    deviation = (found - np.arctanh(np.exp(-steps))) * np.sqrt(400 - 3)
    assert abs(deviation) < norm.isf(ALPHA / 2)
    assert abs(found - np.arctanh(np.exp(-2 * steps))) * np.sqrt(397) > 3


EVERYTHING = Imperfections(shared_pump_noise=0.05, lost_spikes=0.2, spurious_rate=2e8)


def disturbed(
    network: LaserNetwork, chains: int = 12, seed: ChainsFrom | int = 7, threads: int = 1
) -> Disturbed:
    return Disturbed(Simulator(network, chains=chains, seed=seed, threads=threads), EVERYTHING, seed)


def test_the_same_seed_gives_the_same_spikes_however_time_and_work_are_cut() -> None:
    network = network_of(3)
    whole = disturbed(network).advance(8 * ns)
    assert same_spikes(whole, disturbed(network, threads=2).advance(8 * ns))
    pieces = disturbed(network)
    parts = [pieces.advance(d * ns) for d in (0.3, 1.1, 6.6)]
    assert same_spikes(whole, type(whole).joined(parts))
    # Chains of a larger run, as workers simulate them.
    seed = ChainsFrom(8, seed_sequence(7))
    last = disturbed(network, chains=4, seed=seed).advance(8 * ns)
    mine = whole.chain >= 8
    np.testing.assert_array_equal(last.chain + 8, whole.chain[mine])
    np.testing.assert_array_equal(last.time, whole.time[mine])


def test_a_run_goes_on_from_its_state() -> None:
    network = network_of(3)
    first = disturbed(network)
    first.advance(3 * ns)
    state = first.state()
    rest = first.advance(4 * ns)
    second = disturbed(network)
    second.restore(state)
    assert same_spikes(rest, second.advance(4 * ns))


def test_samples_of_an_imperfect_chip(tmp_path: Path) -> None:
    machine = uniform(3)
    faulty = EVERYTHING.from_dict({**EVERYTHING.to_dict(), "pump_drift": 0.02})
    options: dict[str, Any] = {
        "chains": 8,
        "draws": 20,
        "burn_in": 5,
        "seed": 1,
        "imperfections": faulty,
    }
    samples = sample(machine, **options)
    built = faulty.apply(lasers(translate(machine, CALIBRATION)), 1)
    np.testing.assert_array_equal(lasers(samples.network).pump, built.pump)
    by_hand = sample(machine, network=built, **options)
    np.testing.assert_array_equal(samples.states, by_hand.states)
    plain = sample(machine, network=built, **{**options, "imperfections": None})
    assert (samples.states != plain.states).any()
    assert samples.attributes["imperfections"]["pump_drift"] == 0.02
    assert "imperfections" not in plain.attributes
    stored = sample(machine, path=tmp_path / "run.zarr", **options)
    np.testing.assert_array_equal(stored.states, samples.states)


def test_evidence_finds_pumps_off_as_they_are() -> None:
    machine = uniform(3)
    off = Imperfections(pump_drift=0.2)
    options: dict[str, Any] = {"chains": 64, "draws": 40, "seed": 1, "clamp": {0: 1}}
    as_designed = sample(machine, **options).marginals()
    assert np.abs(sample(machine, imperfections=off, **options).marginals() - as_designed).max() > 0.1


def test_reduced_lasers_have_imperfections_too() -> None:
    machine = uniform(3)
    options: dict[str, Any] = {"substrate": "laser-reduced", "chains": 64, "draws": 40, "seed": 1}
    options["gauge"] = "none"  # a laser that misses spikes is off more often, whatever it stands for
    few = sample(machine, imperfections=Imperfections(lost_spikes=0.5), **options).marginals()
    assert (few < sample(machine, **options).marginals() - 0.1).all()


def test_refinement_absorbs_what_the_read_out_misses() -> None:
    """The misfit of the marginals, 0.03 or more, falls to what noise leaves."""
    machine = uniform(2)
    faulty = Imperfections(lost_spikes=0.15)
    found = refine(machine, CALIBRATION, imperfections=faulty, chains=64, draws=150, seed=1)
    assert found.rounds[0].marginal_error > 0.03
    assert found.rounds[-1].marginal_error < 0.015


def test_refinement_starts_from_the_chip_as_built() -> None:
    machine = uniform(2)
    faulty = Imperfections(mismatch=0.02, pump_drift=0.05)
    options: dict[str, Any] = {"chains": 8, "draws": 16, "most_rounds": 1, "seed": 3}
    built = faulty.apply(lasers(translate(machine, CALIBRATION)), 3)
    found = refine(machine, CALIBRATION, imperfections=faulty, **options)
    by_hand = refine(machine, CALIBRATION, network=built, imperfections=faulty, **options)
    assert lasers(found.network).devices == built.devices
    assert found.rounds == by_hand.rounds


def test_the_command_line_takes_imperfections(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    uniform(2).save(tmp_path / "m.json")
    monkeypatch.chdir(tmp_path)
    asked = ["lost_spikes=0.2", "weight_bits=3", "sign_bit=true", "pump_drift=0.02"]
    given = [word for pair in asked for word in ("--imperfection", pair)]
    wanted = ["sample", "m.json", "--chains", "4", "--draws", "12", "--burn-in", "2", "--seed", "5"]
    done = CliRunner().invoke(app, [*wanted, *given])
    assert done.exit_code == 0, done.output
    assert "lost_spikes = 0.2" in done.output
    faulty = Imperfections(lost_spikes=0.2, weight_bits=3, sign_bit=True, pump_drift=0.02)
    by_hand = sample(uniform(2), imperfections=faulty, chains=4, draws=12, burn_in=2, seed=5)
    np.testing.assert_array_equal(load("run.zarr").states, by_hand.states)
    for pair, sentence in (
        ("lost_spike=0.1", "(did you mean 'lost_spikes'?)"),
        (
            "coupling_loss=1.2",
            "coupling_loss must be from 0 to 1, got 1.2: did you mean 1.2 dB or 1.2 %?",
        ),
        ("dead", "--imperfection must be NAME=VALUE, got 'dead'"),
    ):
        arguments = ["photinus", *wanted, "--out", "x.zarr", "--imperfection", pair]
        monkeypatch.setattr(sys, "argv", arguments)
        with pytest.raises(SystemExit) as stop:
            main()
        told = capsys.readouterr().err
        assert stop.value.code == 2
        assert sentence in told
        assert told.count("\n") == 1


# Drift


def test_drift_is_the_integral_over_its_spectrum() -> None:
    def spectrum(frequency: float) -> float:
        return 2 * 1e-4 / frequency * (1 - np.cos(2 * np.pi * frequency * 3.0))

    variance = quad(spectrum, 0, 5.0, limit=500)[0]
    assert drifted(3.0, flicker=1e-4, bandwidth=5.0) == pytest.approx(np.sqrt(variance), rel=1e-6)
    assert drifted(3.0, linear=0.01) == pytest.approx(0.03)
    both = drifted(3.0, linear=0.01, flicker=1e-4, bandwidth=5.0)
    assert both**2 == pytest.approx(0.03**2 + variance, rel=1e-6)
    assert drifted(0.0, linear=1, flicker=1) == 0


# Bad input


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (
            {"coupling_loss": 1.2},
            "coupling_loss must be from 0 to 1, got 1.2: did you mean 1.2 dB or 1.2 %.",
        ),
        ({"splitter_loss": -0.1}, "splitter_loss must be from 0 to 1, got -0.1"),
        ({"lost_spikes": 1.01}, "lost_spikes must be from 0 to 1, got 1.01: did you mean 1.01 %."),
        ({"crosstalk": 0.6}, "crosstalk must be from 0 to 0.5, got 0.6: did you mean 0.6 %."),
        ({"weight_bits": 0}, "weight_bits must be from 1 to 32, got 0"),
        ({"weight_bits": 2000}, "weight_bits must be from 1 to 32, got 2000"),
        ({"weight_bits": 1, "sign_bit": True}, "weight_bits must be from 2 to 32, got 1"),
        ({"weight_bits": 2.5}, "weight_bits must be a whole number, got 2.5"),
        ({"sign_bit": 1}, "sign_bit must be True or False, got 1"),
        ({"mismatch": -1}, "mismatch must be from 0 to 1, got -1"),
        ({"weight_drift": 1.5}, "weight_drift must be from 0 to 1, got 1.5: did you mean 1.5 %."),
        ({"shared_pump_noise": 2}, "shared_pump_noise must be from 0 to 1, got 2: did you mean 2 %."),
        ({"delay": -1}, "delay must be from 0 to 1 µs, got -1 s"),
        (
            {"delay_spread": 1},
            "delay_spread must be from 0 to 1 µs, got 1 s: did you mean 1 ps or 1 ns.",
        ),
        (
            {"spurious_rate": 1e15},
            r"spurious_rate must be from 0 to 1e\+11 1/s, got 1e\+15 1/s: did you mean .*",
        ),
        ({"temperature": -400}, "temperature must be from -200 K to 200 K, got -400 K.*"),
        (
            {"characteristic_temperature": 1},
            "characteristic_temperature must be from 10 K to .*, got 1 K: did you mean 1000 K.",
        ),
        (
            {"pump_drift_rate": 1, "drift_time": 60},
            "drift_time must leave pumps a spread of at most 1, got 60 after 60 s",
        ),
        ({"weight_flicker": -1}, r"weight_flicker must be from 0 to 1e\+06, got -1"),
        ({"shared_pump_time": 0}, "shared_pump_time must be above 0 s, got 0"),
        ({"lost_spike": 0.1}, r"imperfection must be .*did you mean 'lost_spikes'\?\): .*"),
        ({"temperature": np.nan}, "temperature must be finite, got nan"),
        ({"dead": -1}, "dead must be at least 0, got -1"),
        (
            {"drift": 1},
            r"imperfection must be one of .*, got 'drift' \(did you mean '\w+drift'\?\): .*",
        ),
    ],
)
def test_bad_values_are_refused_in_one_sentence(values: dict[str, float], sentence: str) -> None:
    with pytest.raises(InvalidInput, match=f"^{sentence}$"):
        Imperfections.from_dict(values)


def test_bad_combinations_are_refused() -> None:
    with pytest.raises(InvalidInput, match="^dead must be from 0 to 2, got 3$"):
        Imperfections(dead=3).apply(network_of(2))
    with pytest.raises(InvalidInput, match="^substrate must be one of 'laser', 'laser-reduced' for"):
        sample(uniform(2), "gibbs", imperfections=Imperfections(lost_spikes=0.1))
    with pytest.raises(InvalidInput, match="^imperfections must be an Imperfections or None, got 0.1$"):
        sample(uniform(2), imperfections=untyped(0.1))
    with pytest.raises(InvalidInput, match="^elapsed must be at least 0 s, got -1$"):
        drifted(-1)
