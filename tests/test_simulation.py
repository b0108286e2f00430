"""The full-physics engine against closed forms, solvers of the rate equations and `naive`.

Statistical tests reject correct code with probability ALPHA = 1e-6 each (their docstrings say how
the bound follows) and have a twin: the same comparison with a wrong target, which must fail.
"""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.integrate import solve_ivp
from scipy.stats import norm
from scipy.stats import t as student

from photinus import SpikeTrains
from photinus._core import memory
from photinus.devices.laser import LaserParameters, waveform
from photinus.devices.synapse import SynapticKernel
from photinus.engines.laser import loop
from photinus.engines.laser.block import per_step
from photinus.engines.laser.simulator import TIME_STEP, Simulator, largest_time_step
from photinus.engines.laser.step import (
    SUBSTEPS,
    UNIT_VARIANCE_OF_QUARTER,
    advance_carriers,
    advance_field,
    noise_number,
    noise_numbers,
    noise_pair,
)
from photinus.engines.simulation import simulate
from photinus.errors import InvalidInput
from photinus.networks.couplings import compile_couplings
from photinus.networks.lasers import LaserNetwork
from photinus.spikes.trains import Recording, Waveforms
from photinus.units import ns, ps
from tests import naive
from tests.conftest import ALPHA, same_spikes
from tests.narrow import array, there

Z = norm.isf(ALPHA / 2)
DEVICE = LaserParameters.preset("fast-absorber")
# About what its calibration says; nothing here depends on their accuracy.
MIDPOINT, SLOPE, WINDOW, THRESHOLD = 111_000.0, 10_900.0, 480 * ps, 4400.0
KERNEL = SynapticKernel(kick=0.28, sustain=0.48, duration=WINDOW)
GRID = SUBSTEPS * TIME_STEP


def network(
    biases: NDArray[np.float64] | list[float],
    weights: NDArray[np.float64] | None = None,
    **changes: Any,
) -> LaserNetwork:
    """Return a network of default lasers, biases and weights in log-odds."""
    n = len(biases)
    values = {
        "parameters": DEVICE,
        "pump": (MIDPOINT + SLOPE * np.asarray(biases, float)) / DEVICE.gain_lifetime,
        "coupling": np.zeros((n, n)) if weights is None else SLOPE * np.asarray(weights, float),
        "kernel": KERNEL,
        "window": WINDOW,
        "detection_threshold": THRESHOLD,
        "driven_pump": (0.0, (MIDPOINT + 8 * SLOPE) / DEVICE.gain_lifetime),
    }
    return LaserNetwork(**{**values, **changes})


def coupled(n: int = 5, **changes: Any) -> LaserNetwork:
    """Return an asymmetric network of `n` lasers with a delay per synapse."""
    rng = np.random.default_rng(7)
    weights = rng.normal(size=(n, n)) * (rng.random((n, n)) < 0.7)
    np.fill_diagonal(weights, 0)
    return network(rng.normal(size=n), weights, delay=rng.uniform(0, 150 * ps, size=(n, n)), **changes)


def assert_same(a: SpikeTrains, b: SpikeTrains) -> None:
    """Assert that two results hold the same spikes, bit for bit."""
    assert len(a) > 20
    assert same_spikes(a, b)


def only_chains(spikes: SpikeTrains, chains: int) -> NDArray[np.float64]:
    kept = spikes.chain < chains
    return np.array([spikes.chain[kept], spikes.unit[kept], spikes.time[kept]])


def is_close(value: float, target: float, stderr: float, z: float = Z) -> bool:
    return bool(np.all(abs(value - target) <= z * stderr))


# ---------------------------------------------------------------------------- reproducibility


def test_threads_do_not_change_spikes() -> None:
    runs = [simulate(coupled(), 15 * ns, chains=30, seed=3, threads=k) for k in (1, 2, 3)]
    assert_same(runs[0], runs[1])
    assert_same(runs[0], runs[2])


@settings(max_examples=5, deadline=None)
@given(cuts=st.lists(st.integers(1, 9999), min_size=1, max_size=40))
def test_cutting_time_does_not_change_spikes(cuts: list[int]) -> None:
    whole = Simulator(coupled(), chains=5, seed=1, threads=1).advance(10_000 * GRID)
    pieces = Simulator(coupled(), chains=5, seed=1, threads=1)
    parts = [pieces.advance((b - a) * GRID) for a, b in pairwise(sorted({0, *cuts, 10_000}))]
    assert pieces.step == 10_000
    assert_same(whole, type(whole).joined(parts))


def test_simulate_is_one_advance() -> None:
    whole = Simulator(coupled(), chains=5, seed=1).advance(12 * ns)
    assert_same(whole, simulate(coupled(), 12 * ns, chains=5, seed=1))


def test_resume_from_state() -> None:
    first = Simulator(coupled(), chains=20, seed=5, threads=2)
    first.advance(7 * ns)
    state = first.state()
    expected = first.advance(10 * ns)
    # Going on must not touch the state that was handed out.
    resumed = Simulator(coupled(), chains=20, seed=5, threads=1)
    resumed.restore(state)
    assert resumed.time == pytest.approx(7 * ns, abs=GRID)
    assert_same(expected, resumed.advance(10 * ns))
    first.restore(state)
    assert_same(expected, first.advance(10 * ns))


def test_state_of_another_layout_is_refused() -> None:
    state = Simulator(coupled(), chains=2, seed=5).state()
    with pytest.raises(InvalidInput, match="state must come from a simulator built with the same"):
        Simulator(coupled(), chains=60, seed=5).restore(state)


@pytest.mark.parametrize("chains", [1, 40, 300])
def test_a_chain_does_not_depend_on_their_number(chains: int) -> None:
    small = simulate(coupled(), 12 * ns, chains=8, seed=2)
    large = simulate(coupled(), 12 * ns, chains=chains, seed=2)
    common = min(8, chains)
    assert len(large) > 20
    np.testing.assert_array_equal(only_chains(small, common), only_chains(large, common))


def test_seeds() -> None:
    one, same, other = (simulate(coupled(), 10 * ns, chains=3, seed=s) for s in (1, 1, 2))
    assert_same(one, same)
    sequence = simulate(coupled(), 10 * ns, chains=3, seed=np.random.SeedSequence(1))
    assert_same(one, sequence)
    assert len(one) != len(other) or (one.time != other.time).any()
    fresh = [simulate(coupled(), 10 * ns, chains=3) for _ in range(2)]
    assert len(fresh[0]) != len(fresh[1]) or (fresh[0].time != fresh[1].time).any()
    times = [frozenset(one.time[one.chain == c]) for c in range(3)]
    assert len(set(times)) == 3


def test_one_compiled_signature() -> None:
    simulate(coupled(2), 1 * ns)
    simulate(coupled(17), 1 * ns, chains=3, time_step=0.25 * ps, clamp={3: 1})
    quiet = network([0.0], parameters=DEVICE.replace(carrier_noise=False, pump_noise=10))
    additive = SynapticKernel(kick=0, sustain=1, duration=WINDOW, renewing=False)
    simulate(quiet.replace(kernel=additive), 1 * ns, recording=Recording(units=(0,), stop=0.5 * ns))
    compiled = loop.advance_block.signatures  # type: ignore[attr-defined]
    # Other tests may have run compressed lasers and depressed synapses, which are compiled apart.
    assert sum([str(kind) for kind in kinds[-2:]] == ["none"] * 2 for kinds in compiled) == 1


def test_spikes_are_sorted_and_inside_the_run() -> None:
    spikes = simulate(coupled(), 12 * ns, chains=4, seed=0)
    order = np.lexsort((spikes.unit, spikes.time, spikes.chain))
    np.testing.assert_array_equal(order, np.arange(len(spikes)))
    assert spikes.time.min() > 0
    assert spikes.time.max() <= spikes.stop
    assert spikes.duration == pytest.approx(12 * ns, abs=GRID)
    assert spikes.rates().sum() * spikes.duration == pytest.approx(len(spikes), rel=1e-12)


# ---------------------------------------------------------------------------- one laser, no noise


def enlarged(scale: float, **changes: Any) -> LaserParameters:
    """Return the default device `scale` times larger: the same dynamics, less relative noise."""
    return DEVICE.replace(
        forced=True,
        gain_coefficient=DEVICE.gain_coefficient / scale,
        absorber_coefficient=DEVICE.absorber_coefficient / scale,
        gain_transparency=DEVICE.gain_transparency * scale,
        absorber_transparency=DEVICE.absorber_transparency * scale,
        **changes,
    )


def test_spike_follows_the_rate_equations() -> None:
    """A device 1e6 times larger has 1000 times less relative noise; from a thousandth of the peak
    on, the engine must follow the deterministic waveform."""
    p = enlarged(1e6)
    pump = 2 * p.threshold_carriers / p.gain_lifetime
    n = network([0.0], parameters=p).replace(pump=[pump])
    w = simulate(n, 3 * ns, seed=4, recording=Recording(units=(0,), stop=3 * ns)).waveforms
    w = there(w)
    photons, gain, absorber = (
        x[0, 0].astype(float) for x in (w.photons, w.gain_carriers, w.absorber_carriers)
    )
    late = w.time > 1 * ns  # past the transient of the initial state
    start = int(np.argmax(late & (photons > 1e-3 * photons[late].max())))
    window = slice(start, start + round(100 * ps / GRID))
    time = w.time[window] - w.time[start]

    def reference(laser: LaserParameters) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        # The field stands half a step before the carriers: bring it forward to the same time.
        net = (
            laser.gain_coefficient * (gain[start] - laser.gain_transparency)
            + laser.absorber_coefficient * (absorber[start] - laser.absorber_transparency)
            - laser.cavity_loss_rate
        )
        light = photons[start] * np.exp(net * TIME_STEP / 2)
        x = waveform(laser, pump, 110 * ps, initial=(gain[start], absorber[start], light))
        return (
            np.interp(time - TIME_STEP / 2, x.time, x.photons),
            np.interp(time, x.time, x.gain_carriers),
        )

    light, carriers = reference(p)
    assert abs(photons[window] - light).max() < 0.03 * light.max()
    assert np.trapezoid(photons[window], time) == pytest.approx(np.trapezoid(light, time), rel=0.02)
    assert abs(gain[window] - carriers).max() < 0.02 * np.ptp(carriers)
    # Twin: a photon lifetime 2 % longer is told apart.
    light, carriers = reference(p.replace(photon_lifetime=1.02 * p.photon_lifetime))
    assert abs(photons[window] - light).max() > 0.03 * light.max()
    assert abs(gain[window] - carriers).max() > 0.02 * np.ptp(carriers)


def quiet_step(
    p: LaserParameters, pump: float, dt: float, state: tuple[float, ...]
) -> tuple[float, ...]:
    """Return the state (ex, ey, ng, na) one step later, without noise, in double precision."""
    c = {name: np.float64(value) for name, value in per_step(p, dt).items()}
    zero = np.float64(0)
    growth = c["GROWTH"], c["GROWTH_G"], c["GROWTH_A"]
    ex, ey, ng, na, photons = advance_field(*state, zero, zero, zero, zero, zero, *growth)
    rest = (c[name] for name in ("GG", "GA", "CLEAR_G", "CLEAR_A", "DG", "DA"))
    return ex, ey, *advance_carriers(ng, na, photons, np.float64(pump * dt), *rest)


def test_step_is_of_second_order() -> None:
    """The field is known half a step before the carriers; errors must fall by 4 per halving."""
    p, pump, lead, span = DEVICE, 1.5e14, 4 * ps, 96 * ps
    y0 = [100.0, 85_000.0, 0.0]
    exact = there(
        solve_ivp(
            naive.rate_equations(p, pump, emission=False),
            (0, lead + span),
            y0,
            method="DOP853",
            rtol=1e-11,
            max_step=0.5 * ps,
            atol=1e-6,
            dense_output=True,
        ).sol
    )
    errors = []
    for dt in (1 * ps, 0.5 * ps, 0.25 * ps, 0.125 * ps):
        _, ng, na = exact(lead)
        state = np.sqrt(exact(lead - dt / 2)[0]), np.float64(0), ng, na
        path = []
        for k in range(1, round(span / dt) + 1):
            state = ex, _, ng, na = quiet_step(p, pump, dt, state)  # type: ignore[assignment]
            if abs(k * dt / ps % 1) < 1e-9:
                s = exact(lead + (k - 0.5) * dt)[0]
                _, g, a = exact(lead + k * dt)
                path.append([(ex**2 - s) / 5e3, (ng - g) / 5e4, (na - a) / 2e3])
        errors.append(np.abs(path).max(axis=0))
    assert exact(np.linspace(lead, lead + span, 500))[0].max() > 3000  # there is a spike in it
    ratios = np.array(errors[:-1]) / errors[1:]
    np.testing.assert_array_less(ratios[-1], 4.4)
    np.testing.assert_array_less(3.6, ratios[-1])
    assert errors[1][1] < 0.03  # carriers at the default step


# ---------------------------------------------------------------------------- field noise


def test_noise_numbers_are_sums_of_small_ones() -> None:
    """Of a quarter and of a half of a word, as Python adds them up."""
    words = np.random.default_rng(3).integers(0, 2**32, 500, dtype=np.uint32)
    words[:2] = 0, 2**32 - 1
    quarters, halves = np.array(noise_numbers(words)), np.array(noise_pair(words))
    assert (noise_number(words) == quarters[0]).all()
    assert quarters.dtype == halves.dtype == np.float32
    for word, of_quarters, of_halves in zip(words.tolist(), quarters.T, halves.T, strict=True):
        twos = [word >> 2 * k & 3 for k in range(16)]
        assert of_quarters.tolist() == [sum(twos[4 * k : 4 * k + 4]) - 6 for k in range(4)]
        fours = [word >> 4 * k & 15 for k in range(8)]
        assert of_halves.tolist() == [sum(fours[4:]) - 30, sum(fours[:4]) - 30]


def test_noise_numbers_have_the_moments_that_the_scheme_needs() -> None:
    """Over all values of their bits: mean and third moment 0, variance as told, fourth 3 - 0.34."""
    number = noise_number(np.arange(256, dtype=np.uint32)).astype(float) * UNIT_VARIANCE_OF_QUARTER
    moments = [(number**k).mean() for k in (1, 2, 3, 4)]
    assert moments == pytest.approx([0, 1, 0, 3 - 0.34], abs=1e-12)


def linear_mode(
    rate: float,
    emission: float,
    dt: float,
    steps: list[int],
    lanes: int,
    seed: int,
    euler: bool = False,
) -> NDArray[np.float64]:
    """Return photon numbers (sample, lane) of a mode with fixed carriers and net gain -`rate`."""
    rng = np.random.default_rng(seed)
    noise = np.float32(np.sqrt(emission * dt / 2) * UNIT_VARIANCE_OF_QUARTER)
    deviation = np.sqrt(emission / rate / 2)
    ex, ey = rng.normal(size=(2, lanes)).astype(np.float32) * np.float32(deviation)
    one, zero = np.float32(1), np.float32(0)
    samples = []
    for count in steps:
        for _ in range(count):
            words = rng.integers(0, 2**32, lanes, dtype=np.uint32)
            xi, eta, _, _ = noise_numbers(words)
            if euler:
                keep = np.float32(1 - rate * dt / 2)
                ex, ey = keep * ex + noise * xi, keep * ey + noise * eta
            else:
                growth = np.float32(-rate * dt / 4)
                ex, ey, _, _, _ = advance_field(
                    ex, ey, one, one, xi, eta, noise, zero, zero, growth, zero, zero
                )
        samples.append((ex * ex + ey * ey).astype(float))
    return np.array(samples)


@pytest.mark.parametrize("dt", [0.25 * ps, 0.5 * ps, 1 * ps])
def test_stationary_photon_number(dt: float) -> None:
    """Photon number R/(κ - G - A), false alarm 1e-6: thermal light has relative deviation 1, so
    the mean of n independent samples has 1/sqrt(n); samples lie 5 decay times apart, which leaves
    a correlation of e^-5. The bias allowed is the second-order one, (rate dt)²/24."""
    rate, emission, lanes = 5e11, 2e12, 20_000
    apart = [round(5 / rate / dt)] * 30
    mean = linear_mode(rate, emission, dt, apart, lanes, seed=1).mean() * rate / emission
    stderr = np.sqrt((1 + np.exp(-5)) / (1 - np.exp(-5)) / (30 * lanes))
    bias = (rate * dt) ** 2 / 24
    assert abs(mean - 1) <= Z * stderr + 1.1 * bias
    # Twin: Euler-Maruyama is off by the first order and must fail.
    euler = linear_mode(rate, emission, dt, apart, lanes, seed=1, euler=True).mean()
    assert abs(euler * rate / emission - 1) > Z * stderr + 1.1 * bias


def test_engine_light_below_threshold_is_thermal() -> None:
    """Mean R/(κ - G - A) and g2(0) = 2 (Loudon 2000, section 3.7) in the whole engine; false alarm
    1e-6 each: standard errors 1/sqrt(n) and, by the delta method for an exponential law, 2/sqrt(n).
    Samples lie 4 decay times apart. A device 1e5 times larger keeps the carriers fixed."""
    p = enlarged(1e5, gain_lifetime=200 * ps, carrier_noise=False)
    units, samples = 128, 150
    carriers = 0.9 * p.threshold_carriers
    n = network(np.zeros(units), parameters=p, detection_threshold=1e9)
    n = n.replace(pump=np.full(units, carriers / p.gain_lifetime))
    rate = p.gain_coefficient * (p.threshold_carriers - carriers)
    expected = p.gain_coefficient * carriers / rate
    simulator = Simulator(n, seed=8)
    simulator.advance(4 * ns)
    gap = round(4 / rate / GRID)
    recording = Recording(units=tuple(range(units)), start=0, stop=1)
    w = there(simulator.advance(gap * samples * GRID, recording).waveforms)
    light = w.photons[0, :, ::gap].astype(float)
    n_light = light.size * np.tanh(2)
    mean, g2 = light.mean(), (light**2).mean() / light.mean() ** 2
    assert is_close(mean, expected, expected / np.sqrt(n_light))
    assert is_close(g2, 2, 2 / np.sqrt(n_light))
    # Twins: noise in one quadrature only would halve the mean; coherent light has g2 = 1, light of
    # one real quadrature 3; a loss rate 5 % off moves the mean.
    assert not is_close(mean, expected * 1.05, expected / np.sqrt(n_light))
    assert not is_close(g2, 1, 2 / np.sqrt(n_light))
    assert not is_close(g2, 3, 2 / np.sqrt(n_light))


# ---------------------------------------------------------------------------- carrier noise


def dark(**changes: Any) -> LaserParameters:
    """Return a device whose gain is so small that light does nothing."""
    return DEVICE.replace(
        **{
            "forced": True,
            "gain_coefficient": 1e-3,
            "absorber_coefficient": 1e-6,
            "gain_transparency": 0,
            "absorber_transparency": 0,
            "gain_lifetime": 200 * ps,
            "carrier_noise": False,
            **changes,
        }
    )


def dark_variance(
    p: LaserParameters, carriers: float, seed: int = 0, units: int = 128, samples: int = 200
) -> tuple[float, float, float]:
    """Return mean and variance of N_g, and how many independent samples the variance rests on."""
    n = network(np.zeros(units), parameters=p, detection_threshold=1e30)
    simulator = Simulator(n.replace(pump=np.full(units, carriers / p.gain_lifetime)), seed=seed)
    simulator.advance(40 * p.gain_lifetime)
    gap = round(2 * p.gain_lifetime / GRID)
    w = simulator.advance(gap * samples * GRID, Recording(units=tuple(range(units)), start=0, stop=1))
    x = there(w.waveforms).gain_carriers[0, :, ::gap].astype(float)
    # Squares of samples two lifetimes apart have correlation e^-4.
    return x.mean(), ((x - carriers) ** 2).mean(), x.size * np.tanh(2)


@pytest.mark.parametrize(
    ("changes", "carriers", "expected"),
    [
        ({"pump_noise": 3000.0}, 1e5, 9e6),
        ({"carrier_noise": True}, 1e5, 1e5),
        ({"pump_noise": 300.0, "carrier_noise": True}, 1e5, 1.9e5),
    ],
)
def test_carrier_noise_of_a_dark_laser(
    changes: dict[str, Any], carriers: float, expected: float
) -> None:
    """Variance σ_N² of an Ornstein-Uhlenbeck process, and P τ_g for the shot noise of pumping and
    decay (Poisson); false alarm 1e-6: relative standard error sqrt(2/n). The engine visits the
    noise every grid step h and records before the next visit: variance times 2q/(e^2q - 1),
    q = h/τ_g."""
    mean, variance, n = dark_variance(dark(**changes), carriers)
    q = GRID / (200 * ps)
    expected *= 2 * q / np.expm1(2 * q)
    assert is_close(variance, expected, expected * np.sqrt(2 / n))
    # Samples of the mean have correlation e^-2.
    assert is_close(mean, carriers, np.sqrt(expected / n / np.tanh(1) * np.tanh(2)))
    # Twin: 10 % more noise is told apart.
    assert not is_close(variance, 1.1 * expected, expected * np.sqrt(2 / n))


def test_no_carrier_noise_where_it_is_off() -> None:
    _, variance, _ = dark_variance(dark(), 1e5, samples=5)
    # Single precision may be off by 0.004 per step, which adds up over a lifetime of 400 steps.
    assert variance < 100
    _, variance, _ = dark_variance(dark(carrier_noise=True), 1e5, samples=5)
    assert variance > 1e4


# ---------------------------------------------------------------------------- spike rates


BIAS = 0.01
"""Relative error of a rate that a time step of 0.5 ps may make."""


def rates_per_chain(
    chain: Any, unit: Any, time: Any, chains: int, units: int, start: Any, stop: Any
) -> Any:
    counts = np.zeros((chains, units))
    late = (time >= start) & (time < stop)
    np.add.at(counts, (chain[late], unit[late]), 1)
    return counts / (stop - start)


def differ(a: Any, b: Any) -> Any:
    """Return by how many standard errors two sets of chains (chain, unit) lie apart beyond BIAS."""
    error = np.sqrt(a.var(axis=0, ddof=1) / len(a) + b.var(axis=0, ddof=1) / len(b))
    gap = abs(a.mean(axis=0) - b.mean(axis=0)) - BIAS * b.mean(axis=0)
    return np.maximum(gap, 0) / error


@pytest.fixture(scope="module")
def reference_rates() -> Any:
    """Return the network, its rates by `naive` (chain, unit), and the interval counted."""
    weights = np.zeros((4, 4))
    weights[2, 1] = 1.5
    weights[3, 1] = -1.5
    delay = np.zeros((4, 4))
    delay[2, 1] = 100 * ps
    n = network([0.0, 1.0, 0.0, 0.0], weights, delay=delay)
    # What costs time is steps: many chains, for a short time.
    chains, start, stop = 240, 5 * ns, 9 * ns
    rng = np.random.default_rng(11)
    spikes = naive.simulate(n, stop, chains=chains, rng=rng, dt=0.25 * ps, look=TIME_STEP)
    return n, rates_per_chain(*spikes, chains, 4, start, stop), start, stop  # type: ignore[call-arg]


def engine_rates(n: LaserNetwork, start: Any, stop: Any, chains: int = 1000) -> Any:
    s = simulate(n, stop, chains=chains, seed=12)
    return rates_per_chain(s.chain, s.unit, s.time, chains, n.n_units, start, stop)


def test_cheap_noise_gives_the_rates_of_gaussian_noise(reference_rates: Any) -> None:
    """Engine (cheap noise, 0.5 ps) against `naive` (Gaussian, 0.25 ps), a single laser and the
    targets of an exciting and an inhibiting synapse; false alarm 1e-6 for all four lasers together:
    Student's t with the chains of `naive`, Bonferroni. Both look for a spike every 0.5 ps."""
    n, expected, start, stop = reference_rates
    bound = student.isf(ALPHA / 2 / 4, len(expected) - 1)
    assert (differ(engine_rates(n, start, stop), expected) < bound).all()


def test_rate_comparison_has_power(reference_rates: Any) -> None:
    """Half a unit of log-odds at the laser, or no synapse, must be told apart."""
    n, expected, start, stop = reference_rates
    bound = student.isf(ALPHA / 2 / 4, len(expected) - 1)
    moved = n.replace(pump=n.pump + 0.5 * SLOPE / DEVICE.gain_lifetime)
    assert (differ(engine_rates(moved, start, stop), expected) > bound)[0]
    apart = n.replace(coupling=np.zeros((4, 4)))
    assert (differ(engine_rates(apart, start, stop), expected) > bound)[2:].all()


# ---------------------------------------------------------------------------- synapses


def dark_network(
    coupling: NDArray[np.float64],
    delay: NDArray[np.float64] | float,
    kernel: SynapticKernel,
    carriers: float = 3e4,
    level: float = 3.0,
) -> LaserNetwork:
    """Return dark lasers whose faint thermal light crosses the sources' thresholds at random.

    Laser j is a source where column j of `coupling` has an entry; the others never fire.
    """
    p = dark(gain_lifetime=1 * ns)
    photons = p.gain_coefficient * carriers * p.photon_lifetime
    is_source = np.any(coupling != 0, axis=0)
    return LaserNetwork(
        parameters=p,
        pump=np.full(len(coupling), carriers / p.gain_lifetime),
        coupling=coupling,
        kernel=kernel,
        window=100 * ps,
        detection_threshold=np.where(is_source, level * photons, 1e30),
        driven_pump=(0.0, 0.0),
        delay=delay,
    )


def delivered(
    n: LaserNetwork,
    chains: int = 3,
    duration: float = 3 * ns,
    seed: int = 0,
    time_step: float = TIME_STEP,
) -> tuple[SpikeTrains, NDArray[np.float64], NDArray[np.float64]]:
    """Return spikes and, per chain, N_g of engine and closed form, arrays (unit, sample)."""
    recording = Recording(units=tuple(range(n.n_units)), chains=tuple(range(chains)), stop=duration)
    s = simulate(
        n, duration, chains=chains, seed=seed, time_step=time_step, recording=recording, threads=2
    )
    w = there(s.waveforms)
    found = w.gain_carriers.astype(float)
    expected = []
    for c in range(chains):
        times = [s.time[(s.chain == c) & (s.unit == u)] for u in range(n.n_units)]
        expected.append(naive.dark_carriers(n, times, w.time, found[c, :, 0], SUBSTEPS * time_step))
    return s, found, np.array(expected)


KERNELS = [
    SynapticKernel(kick=1.0, sustain=0.0, duration=100 * ps),
    SynapticKernel(kick=0.0, sustain=3.0, duration=100 * ps),
    SynapticKernel(kick=0.5, sustain=2.0, duration=100 * ps),
    SynapticKernel(kick=0.5, sustain=2.0, duration=100 * ps, renewing=False),
    SynapticKernel(kick=0.3, sustain=3.0, duration=100 * ps, shape="exponential"),
    SynapticKernel(kick=0.0, sustain=2.0, duration=60 * ps, renewing=False, shape="exponential"),
]


@pytest.mark.parametrize("kernel", KERNELS)
def test_kernel_is_delivered_exactly(kernel: SynapticKernel) -> None:
    """One source and two targets, one exciting with delay, one inhibiting without."""
    coupling = np.zeros((3, 3))
    coupling[1, 0], coupling[2, 0] = 4000.0, -2000.0
    delay = np.zeros((3, 3))
    delay[1, 0] = 37 * ps
    n = dark_network(coupling, delay, kernel)
    s, found, expected = delivered(n)
    gaps = np.diff(s.time[s.chain == 0])
    assert (gaps < 90 * ps).sum() >= 3  # renewals
    assert (gaps > 110 * ps).sum() >= 3  # and fresh pulses
    assert set(s.unit) == {0}
    np.testing.assert_allclose(found, expected, rtol=0, atol=12)
    # Twins: a delay one grid step off, or the other way to treat a second spike, is told apart.
    for wrong in (
        n.replace(delay=np.where(delay > 0, delay + GRID, delay)),
        n.replace(kernel=replace(kernel, renewing=not kernel.renewing)),
    ):
        times = [s.time[(s.chain == 0) & (s.unit == u)] for u in range(3)]
        off = naive.dark_carriers(wrong, times, there(s.waveforms).time, found[0, :, 0], GRID)
        assert abs(found[0, 1] - off[1]).max() > 12


@pytest.mark.parametrize("time_step", [0.25 * ps, 0.5 * ps, 1 * ps])
def test_every_synapse_reaches_its_own_target(time_step: float) -> None:
    """Sparse asymmetric couplings with their own delays, more lasers than one tile holds."""
    rng = np.random.default_rng(5)
    n = 19
    coupling = rng.uniform(500, 3000, (n, n)) * (rng.random((n, n)) < 0.25)
    coupling *= rng.choice([1, -0.3], (n, n))
    coupling[:, 9:] = 0
    np.fill_diagonal(coupling, 0)
    assert not np.array_equal(coupling, coupling.T)
    delay = rng.choice([0, 3 * ps, 50 * ps, 211 * ps], (n, n))
    net = dark_network(coupling, delay, KERNELS[2], carriers=5e4)
    s, found, expected = delivered(net, chains=9, duration=1.5 * ns, time_step=time_step)
    assert len(s) > 300
    assert found.min() > 0  # or the closed form would not be linear
    scale = abs(coupling).max()
    np.testing.assert_allclose(found, expected, rtol=0, atol=0.02 * scale)
    # Twin: the transposed couplings are another network.
    times = [s.time[(s.chain == 0) & (s.unit == u)] for u in range(n)]
    swapped = naive.dark_carriers(
        net.replace(coupling=coupling.T),
        times,
        there(s.waveforms).time,
        found[0, :, 0],
        SUBSTEPS * time_step,
    )
    assert abs(found[0] - swapped).max() > scale


@settings(max_examples=100, deadline=None)
@given(n=st.integers(1, 9), density=st.floats(0, 1), seed=st.integers(0, 2**32 - 1))
def test_compiled_couplings_are_the_matrix(n: int, density: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    coupling = rng.normal(size=(n, n)) * (rng.random((n, n)) < density)
    delay = rng.integers(0, 4, (n, n)).astype(float) * 2.2 * ps
    c = compile_couplings(coupling, delay, 0.5, 3.0, 2 * ps)
    found = {}
    for source in range(n):
        delays = c.group_delay[c.groups_of[source] : c.groups_of[source + 1]]
        assert (np.diff(delays) > 0).all()
        for group in range(c.groups_of[source], c.groups_of[source + 1]):
            for target, offset, length in c.runs[c.runs_of[group] : c.runs_of[group + 1]]:
                for k in range(length):
                    assert (source, target + k) not in found
                    found[source, target + k] = (
                        c.group_delay[group],
                        c.kick[offset + k],
                        c.height[offset + k],
                    )
    expected = {
        (j, i): (
            round(delay[i, j] / (2 * ps)),
            np.float32(0.5 * coupling[i, j]),
            3.0 * coupling[i, j],
        )
        for j in range(n)
        for i in range(n)
        if coupling[i, j] != 0
    }
    assert found == expected


# ---------------------------------------------------------------------------- devices


def test_each_laser_has_its_own_parameters() -> None:
    """Uncoupled lasers share nothing, so unit k is the laser of a network made of its device alone."""
    designed = network([0.5] * 6)
    mixed = designed.mismatched(0.05, seed=3)
    found = simulate(mixed, 30 * ns, chains=4, seed=8)
    nominal = simulate(designed, 30 * ns, chains=4, seed=8)
    for k, device in enumerate(mixed.devices):
        alone = simulate(designed.replace(devices=(device,) * 6), 30 * ns, chains=4, seed=8)
        np.testing.assert_array_equal(found.time[found.unit == k], alone.time[alone.unit == k])
        assert not np.array_equal(found.time[found.unit == k], nominal.time[nominal.unit == k])


def test_clamped_lasers_leave_the_others_their_devices() -> None:
    designed = network([0.5] * 4)
    mixed = designed.mismatched(0.05, seed=3)
    found = simulate(mixed, 20 * ns, chains=4, seed=8, clamp={1: 1})
    rest = network([0.5] * 3, devices=tuple(mixed.devices[k] for k in (0, 2, 3)))
    expected = simulate(rest, 20 * ns, chains=4, seed=8)
    np.testing.assert_array_equal(found.time, expected.time)
    np.testing.assert_array_equal(found.unit, np.array([0, 2, 3])[expected.unit])


def test_efficiency_scales_what_a_driver_gives() -> None:
    """Half the efficiency at twice the pump and coupling is the same laser."""
    weights = np.array([[0, 1.0], [1.0, 0]])
    half = DEVICE.replace(pump_efficiency=0.5)
    n = network([0.2, -0.4], weights)
    weak = n.replace(devices=(half, half), pump=2 * n.pump, coupling=2 * n.coupling)
    assert_same(simulate(n, 12 * ns, chains=4, seed=6), simulate(weak, 12 * ns, chains=4, seed=6))


# ---------------------------------------------------------------------------- evidence


WEIGHTS = np.array([[0, 0.8, -1.0], [0.5, 0, 1.2], [0.3, 0.3, 0]])


def test_clamped_pump_is_a_change_of_bias() -> None:
    n = network([0.2, -0.4, 0.1], WEIGHTS)
    coupling = array(n.coupling)
    for value in (0, 1):
        clamped = simulate(n, 12 * ns, chains=10, seed=6, clamp={2: value})
        rest = LaserNetwork(
            parameters=DEVICE,
            pump=n.pump[:2] + value * coupling[:2, 2] / DEVICE.gain_lifetime,
            coupling=coupling[:2, :2],
            kernel=KERNEL,
            window=WINDOW,
            detection_threshold=THRESHOLD,
            driven_pump=n.driven_pump,
        )
        assert_same(clamped, simulate(rest, 12 * ns, chains=10, seed=6))


def test_clamped_first_unit_keeps_names_of_the_others() -> None:
    n = network([0.2, -0.4, 0.1], WEIGHTS, labels=("a", "b", "c"))
    s = simulate(n, 12 * ns, chains=10, seed=6, clamp={"a": 1})
    assert set(s.unit) == {1, 2}
    assert s.labels == ("a", "b", "c")


@pytest.mark.parametrize("mode", ["pump", "laser"])
def test_clamp_per_chain(mode: str) -> None:
    n = network([0.2, -0.4, 0.1], WEIGHTS)
    values = np.arange(12) % 2
    mixed = simulate(n, 12 * ns, chains=12, seed=6, clamp={1: values}, clamp_mode=mode)
    for value in (0, 1):
        pure = simulate(n, 12 * ns, chains=12, seed=6, clamp={1: value}, clamp_mode=mode)
        for name in ("chain", "unit", "time"):
            np.testing.assert_array_equal(
                getattr(mixed, name)[mixed.chain % 2 == value],
                getattr(pure, name)[pure.chain % 2 == value],
            )
    pure_on = only_chains(pure, 12)
    assert not np.array_equal(only_chains(mixed, 12), pure_on)


def test_clamped_lasers_are_off_and_on() -> None:
    """Off: not one spike. On at bias 8: on with probability 0.9997 if it were ideal; 0.98 asked."""
    n = network([0.0, 0.0, 0.0])
    s = simulate(n, 25 * ns, chains=20, seed=9, clamp={0: 0, 2: 1}, clamp_mode="laser")
    assert set(s.unit) == {1, 2}
    gone = []
    for c in range(20):
        times = s.time[(s.chain == c) & (s.unit == 2) & (s.time > 4 * ns)]
        gone.append(np.maximum(np.diff(times) - WINDOW, 0).sum() / np.ptp(times))
    assert np.mean(gone) < 0.02
    # Twin: a laser at bias 0 is off about half of the time.
    times = s.time[(s.chain == 0) & (s.unit == 1) & (s.time > 4 * ns)]
    assert np.maximum(np.diff(times) - WINDOW, 0).sum() / np.ptp(times) > 0.1


# ---------------------------------------------------------------------------- recording


def test_recording_window() -> None:
    n = coupled()
    plain = simulate(n, 12 * ns, chains=20, seed=3, threads=2)
    recording = Recording(units=(3, 1), chains=(0, 7, 19), start=4 * ns, stop=6 * ns)
    s = simulate(n, 12 * ns, chains=20, seed=3, threads=2, recording=recording)
    assert_same(plain, s)
    w = there(s.waveforms)
    samples = round(2 * ns / GRID)
    assert w.photons.shape == w.gain_carriers.shape == w.absorber_carriers.shape == (3, 2, samples)
    np.testing.assert_allclose(
        w.time, 4 * ns + GRID * np.arange(1, samples + 1), rtol=0, atol=1e-6 * GRID
    )
    # The recorded light crosses the threshold where the spikes are.
    for c, chain in enumerate(recording.chains):
        for u, unit in enumerate(recording.units):
            mine = s.time[(s.chain == chain) & (s.unit == unit)]
            mine = mine[(mine > w.time[0]) & (mine <= w.time[-1])]
            above = np.isclose(mine[:, None], w.time, rtol=0, atol=0.1 * GRID)
            assert (above.sum(axis=1) == 1).all()
            # Every step looks for a spike, waveforms keep every fourth: the peak may just be past.
            assert (w.photons[c, u][above.any(axis=0)] > 0.9 * THRESHOLD).all()
            crossings = (w.photons[c, u, 1:] > THRESHOLD) & (w.photons[c, u, :-1] <= THRESHOLD)
            assert len(mine) <= crossings.sum() + 1


def test_recording_does_not_depend_on_pieces() -> None:
    recording = Recording(units=(0, 2), chains=(1,), start=1 * ns, stop=3 * ns)
    whole = Simulator(coupled(), chains=3, seed=3).advance(4 * ns, recording)
    pieces = Simulator(coupled(), chains=3, seed=3)
    parts = [pieces.advance(k * GRID, recording) for k in (3, 497, 255, 255, 300, 690)]
    joined = type(whole).joined(parts)
    for name in ("time", "photons", "gain_carriers", "absorber_carriers"):
        np.testing.assert_array_equal(getattr(joined.waveforms, name), getattr(whole.waveforms, name))


def test_recorded_chains_in_any_order() -> None:
    def record(chains: Any) -> Waveforms:
        recording = Recording(units=(2, 0), chains=chains, stop=1 * ns)
        return there(simulate(coupled(), 1 * ns, chains=40, seed=3, recording=recording).waveforms)

    whole = record(range(40))
    # In one block and in several, as lists, arrays and ranges.
    for chains in ((35, 2), (2, 0), (1, 0, 2), (39, 0, 38, 1, 17), np.array([4, 3]), range(9, 0, -2)):
        found = record(chains)
        for name in ("photons", "gain_carriers", "absorber_carriers"):
            expected = getattr(whole, name)[list(chains)]
            np.testing.assert_array_equal(getattr(found, name), expected)


def test_recorded_units_in_any_order() -> None:
    def record(units: Any) -> NDArray[np.float32]:
        recording = Recording(units=units, chains=(1, 0), stop=1 * ns)
        run = simulate(coupled(), 1 * ns, chains=2, seed=3, recording=recording)
        return there(run.waveforms).photons

    whole = record(range(5))
    for units in ((3, 1), (4,), np.array([2, 0, 1])):
        np.testing.assert_array_equal(record(units), whole[:, list(units)])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"units": (0, 0)}, r"recorded units must be at least one and differ, got \(0, 0\)"),
        ({"units": ()}, r"recorded units must be at least one and differ, got \(\)"),
        ({"units": 0}, "recorded units must be a list, got 0"),
        ({"units": "01"}, "recorded units must be a list, got '01'"),
        ({"units": (-1,)}, "recorded unit must be at least 0, got -1"),
        ({"units": (0.5,)}, "recorded unit must be a whole number, got 0.5"),
        ({"units": (True,)}, "recorded unit must be a whole number, got True"),
        ({"chains": (1, 1)}, r"recorded chains must be at least one and differ, got \(1, 1\)"),
        ({"chains": (-1,)}, "recorded chain must be at least 0, got -1"),
        ({"stop": np.inf}, "recording stop must be finite, got inf"),
        ({"stop": 0}, "recording stop must be after its start"),
        ({"every": 0}, "recording every must be at least 1, got 0"),
    ],
    ids=str,
)
def test_recordings_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=f"^{message}"):
        Recording(**{"units": (0,), "stop": 1e-9, **changes})


def test_recording_beside_a_clamp() -> None:
    recording = Recording(units=(2,), stop=1 * ns)
    n = network([0.2, -0.4, 0.1], WEIGHTS)
    w = there(simulate(n, 1 * ns, seed=1, clamp={0: 1}, recording=recording).waveforms)
    coupling = array(n.coupling)
    alone = LaserNetwork(
        parameters=DEVICE,
        pump=n.pump[1:] + coupling[1:, 0] / DEVICE.gain_lifetime,
        coupling=coupling[1:, 1:],
        kernel=KERNEL,
        window=WINDOW,
        detection_threshold=THRESHOLD,
        driven_pump=n.driven_pump,
    )
    other = simulate(alone, 1 * ns, seed=1, recording=Recording(units=(1,), stop=1 * ns)).waveforms
    np.testing.assert_array_equal(w.photons, there(other).photons)


# ---------------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"duration": 0}, "duration must be above 0 s, got 0"),
        ({"duration": -1e-9}, "duration must be above 0 s, got -1e-09"),
        ({"duration": np.nan}, "duration must be finite, got nan"),
        ({"chains": 0}, "chains must be at least 1, got 0"),
        ({"chains": 1.5}, "chains must be a whole number, got 1.5"),
        ({"threads": 0}, "threads must be at least 1, got 0"),
        ({"seed": -1}, "seed must be at least 0, got -1"),
        ({"time_step": 0}, "time_step must be above 0 s, got 0"),
        ({"time_step": 3 * ps}, "time_step must be at most 1 ps for these parameters, got 3 ps"),
        ({"clamp": {7: 1}}, "known unit must be one of"),
        ({"clamp": {0: 2}}, "evidence of unit 0 must be 0 or 1, got 2"),
        ({"clamp": {0: [0, 1, 1]}}, r"evidence of unit 0 must be one value or one per chain \(1\)"),
        ({"clamp": dict.fromkeys(range(5), 1)}, "evidence must leave at least one unit free"),
        ({"clamp": {0: 1}, "clamp_mode": "light"}, "clamp_mode must be one of 'pump', 'laser'"),
        ({"recording": 3}, "recording must be a Recording or None, got 3"),
        (
            {"recording": Recording(units=(0,), start=1 * ns, stop=2 * ns)},
            r"recording start must be before the end of the run \(1e-09 s\), got 1e-09",
        ),
        ({"chains": 10**12}, "the spikes of this run would need about"),
        ({"time_step": 1e-25}, "the steps of a synaptic pulse and its delay would need about"),
        ({"progress": 3}, "progress must be True, False or have start, advance and stop, got 3"),
        (
            {"recording": Recording(units=(5,), stop=1e-9)},
            r"recorded unit must be a simulated one \(0 to 4\), got 5",
        ),
        (
            {"recording": Recording(units=(0,), stop=1e-9), "clamp": {0: 1}},
            "recorded unit must be a simulated one .* got 0",
        ),
        (
            {"recording": Recording(units=(0,), chains=(1,), stop=1e-9)},
            "recorded chain must be from 0 to 0, got 1",
        ),
    ],
)
def test_refused(changes: dict[str, Any], message: str) -> None:
    values = {"duration": 1 * ns, "seed": 0, **changes}
    with pytest.raises(InvalidInput, match=f"^{message}") as caught:
        simulate(coupled(), values.pop("duration"), **values)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("wrong", [None, 3, "network"])
def test_only_lasers_are_simulated(wrong: Any) -> None:
    with pytest.raises(InvalidInput, match="^network must be a Network, got"):
        simulate(wrong, 1 * ns)


@pytest.mark.parametrize("duration", [0, -1 * ns, np.nan])
def test_advance_refuses_durations(duration: float) -> None:
    with pytest.raises(InvalidInput, match="duration must be"):
        Simulator(coupled(), seed=0).advance(duration)


def test_largest_time_step_is_accepted() -> None:
    limit = largest_time_step(DEVICE)
    assert limit == pytest.approx(1 * ps)
    assert Simulator(coupled(), seed=0, time_step=limit).advance(1 * ns).stop >= 1 * ns


def test_memory_is_asked_for_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "available", lambda: 1e3)
    with pytest.raises(InvalidInput, match=r"the spikes of this run would need about .* GiB"):
        simulate(coupled(), 1000 * ns, chains=100, seed=0)
    monkeypatch.setattr(memory, "available", lambda: 1e9)
    assert simulate(coupled(), 1 * ns, seed=0).chains == 1


def test_memory_counts_recordings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "available", lambda: 1e5)
    recording = Recording(units=(0, 1, 2, 3, 4), stop=100 * ns)
    with pytest.raises(InvalidInput, match="would need about"):
        simulate(coupled(), 100 * ns, seed=0, recording=recording)


def test_recording_may_skip_samples() -> None:
    """Every seventh sample is the same as in the full recording, however the time is cut."""
    n = network([0.0, 1.0])

    def record(every: int) -> list[NDArray[Any]]:
        simulator = Simulator(n, chains=3, seed=4)
        recording = Recording(units=(1,), chains=(0, 2), start=0.3 * ns, stop=1 * ns, every=every)
        parts = [simulator.advance(piece * ns, recording) for piece in (0.4, 0.301, 0.5)]
        kept = [part.waveforms for part in parts if part.waveforms is not None]
        return [np.concatenate([getattr(w, k) for w in kept], axis=-1) for k in ("time", "photons")]

    time, photons = record(1)
    few_times, few_photons = record(7)
    place = np.searchsorted(time, few_times - 1e-15)
    assert len(few_times) == len(time) // 7
    np.testing.assert_allclose(time[place], few_times, rtol=1e-12)
    np.testing.assert_array_equal(photons[..., place], few_photons)
