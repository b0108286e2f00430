"""LIF neurons against closed forms, a plain float64 simulation, and the theory of bursts.

Statistical tests reject correct code with probability ALPHA = 1e-6 each (Bonferroni over the numbers
that they look at) and have a twin: the same comparison with a wrong target, which must fail.
"""

import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.integrate import quad
from scipy.optimize import brentq
from scipy.stats import norm

from photinus.devices.lif import (
    LIF_PRESETS,
    LifParameters,
    activation,
    area_rule_sustain,
    free_membrane,
    mean_current,
    psp,
)
from photinus.devices.synapse import SynapticKernel
from photinus.engines.lif.simulator import LifSimulator
from photinus.errors import InvalidInput
from photinus.networks.couplings import dense
from photinus.networks.lif import LifNetwork
from photinus.spikes.readout import occupancy
from photinus.spikes.trains import SpikeTrains
from photinus.units import ms
from tests.conftest import ALPHA, same_spikes
from tests.narrow import untyped

NEURON = LifParameters.preset()
QUIET = NEURON.replace(noise=0)
DT = NEURON.time_step
mV = 1e-3
# About the logistic fit of the activation curve; nothing here depends on their accuracy.
MIDPOINT, SLOPE = -50.475 * mV, 0.611 * mV
KERNEL = SynapticKernel(kick=0, sustain=1.4, duration=NEURON.synaptic_time, shape="exponential")


def kernel(**changes: Any) -> SynapticKernel:
    return SynapticKernel(**{name: getattr(KERNEL, name) for name in KERNEL.__slots__} | changes)


def network(
    drive: NDArray[np.float64] | list[float],
    coupling: NDArray[np.float64] | list[list[float]] | None = None,
    **changes: Any,
) -> LifNetwork:
    """Return neurons of the preset with mean free potentials `drive`."""
    n = len(drive)
    values = {
        "parameters": NEURON,
        "drive": drive,
        "coupling": np.zeros((n, n)) if coupling is None else coupling,
        "kernel": KERNEL,
        "window": NEURON.refractory_time,
        "driven_drive": (MIDPOINT - 10 * SLOPE, MIDPOINT + 10 * SLOPE),
    }
    return LifNetwork(**{**values, **changes})


def coupled(n: int = 5, **changes: Any) -> LifNetwork:
    """Return an asymmetric noisy network of `n` neurons with a delay; large ones have full rows."""
    rng = np.random.default_rng(7)
    weights = rng.normal(size=(n, n)) * np.sqrt(5 / n)
    weights[rng.random((n, n)) < (0.3 if n < 16 else 0.02)] = 0
    np.fill_diagonal(weights, 0)
    drive = MIDPOINT + SLOPE * rng.normal(size=n)
    return network(drive, SLOPE * weights, **{"delay": 0.3 * ms, **changes})


def run(net: LifNetwork, duration: float, *, settle: float = 0.0, **options: Any) -> SpikeTrains:
    """Return the spikes of `duration` seconds after `settle` seconds."""
    simulator = LifSimulator(net, **{"seed": 1, "threads": 2, **options})
    if settle:
        simulator.advance(settle)
    return simulator.advance(duration)


def assert_same(a: SpikeTrains, b: SpikeTrains) -> None:
    """Assert that two results hold the same spikes, bit for bit."""
    assert len(a) > 50
    assert same_spikes(a, b)


# ---------------------------------------------------------------------------- parameters


def test_preset_follows_from_the_conductances() -> None:
    """g_l = 200 nS and two sources of 30 nS leave C/g = 0.2 nF/260 nS; μ stays where they balance."""
    membrane = free_membrane(
        capacitance=0.2e-9,
        leak_conductance=200e-9,
        leak_potential=-50 * mV,
        synaptic_time=10 * ms,
        rates=[3000, 3000],
        weights=[1e-9, 1e-9],
        reversal_potentials=[0, -0.1],
    )
    assert membrane.time_constant == pytest.approx(0.2 / 260)
    assert membrane.mean == pytest.approx(-50 * mV)
    assert NEURON.membrane_time == pytest.approx(membrane.time_constant)
    assert NEURON.noise == pytest.approx(membrane.deviation)
    assert NEURON.noise_time == NEURON.synaptic_time == NEURON.refractory_time == 10 * ms


def test_free_membrane_equals_the_published_form() -> None:
    """The variance as Petrovici et al. 2016 write it, with S and the difference of times."""
    c, g, e, tau = 0.2e-9, 10e-9, -65 * mV, 8 * ms
    rate, weight, reversal = np.array([5000, 4000]), np.array([3.5e-9, 5.5e-9]), np.array([0, -0.09])
    total = g + (weight * rate * tau).sum()
    mean = (g * e + (weight * rate * tau * reversal).sum()) / total
    fast = c / total
    s = weight * (reversal - mean) / (fast * total) / (1 / tau - 1 / fast)
    variance = (rate * s**2).sum() * (tau / 2 + fast / 2 - 2 * fast * tau / (fast + tau))
    found = free_membrane(
        capacitance=c,
        leak_conductance=g,
        leak_potential=e,
        synaptic_time=tau,
        rates=tuple(rate),
        weights=tuple(weight),
        reversal_potentials=tuple(reversal),
    )
    np.testing.assert_allclose(found, (fast, mean, np.sqrt(variance)), rtol=1e-12)


def test_free_membrane_under_poisson_noise() -> None:
    """The formulas against 2000 membranes under Poisson spikes, conductances and all.

    Linearised PSPs leave out corrections of the order of a PSP over the driving force (here below
    1 %); the bound on σ is that plus its statistical error, 4.9/sqrt(2 · 2000 · 6) = 3.2 %. The twin
    with rates half as high again must fail.
    """
    c, g, tau, dt = 0.2e-9, 0.2e-6, 10 * ms, 0.05 * ms
    given: dict[str, Any] = {
        "capacitance": c,
        "leak_conductance": g,
        "leak_potential": -0.05,
        "synaptic_time": tau,
    }
    sources: dict[str, Any] = {"weights": (1e-9, 1e-9), "reversal_potentials": (0, -0.1)}
    rng = np.random.default_rng(3)
    opened = np.full((2, 2000), 1e-9 * 3000 * tau)
    v, seen = np.full(2000, -0.05), []
    for step in range(1, 8001):
        total = g + opened.sum(axis=0)
        target = (g * -0.05 + opened[1] * -0.1) / total
        v = target + (v - target) * np.exp(-dt * total / c)
        opened = opened * np.exp(-dt / tau) + 1e-9 * rng.poisson(3000 * dt, opened.shape)
        if step > 2000 and step % 1000 == 0:
            seen.append(v)
    right, wrong = (free_membrane(**given, **sources, rates=(r, r)) for r in (3000, 4500))
    assert abs(np.std(seen) / right.deviation - 1) < 0.04 < abs(np.std(seen) / wrong.deviation - 1)
    assert abs(np.mean(seen) - right.mean) < 0.04 * right.deviation


def test_parameters_as_json() -> None:
    changed = NEURON.replace(refractory_time=20 * ms)
    assert changed.name == "custom"
    assert LifParameters.from_dict(changed.to_dict()) == changed
    assert LifParameters.presets() == LIF_PRESETS == ("lif-hcs",)
    assert LifParameters.preset("lif-hcs", threshold=-0.04).threshold == -0.04
    values = changed.to_dict()
    del values["noise_time"]
    assert LifParameters.from_dict(values) == changed


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"membrane_time": 0}, "membrane_time must be above 0 s, got 0"),
        ({"noise": -1}, "noise must be at least 0 V, got -1"),
        ({"reset": -0.05}, "reset must be below the threshold"),
        ({"time_step": 1 * ms}, "time_step must be at most 0.192 ms .a quarter of membrane_time."),
        ({"noise_time": 0.2 * ms}, "time_step must be at most 0.05 ms .a quarter of noise_time."),
        ({"membrane_tim": 1}, "LIF parameter must be one of .*did you mean"),
        ({"name": 3}, "name must be a string"),
    ],
)
def test_parameters_out_of_range(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        NEURON.replace(**change)


def test_parameters_from_a_bad_mapping() -> None:
    values = NEURON.to_dict()
    with pytest.raises(InvalidInput, match="schema of LIF parameters must be 1, got 9"):
        LifParameters.from_dict({**values, "schema": 9})
    with pytest.raises(InvalidInput, match="LIF parameters must be a mapping"):
        LifParameters.from_dict(untyped([1]))
    del values["noise"]
    with pytest.raises(InvalidInput, match="must include noise, which is missing"):
        LifParameters.from_dict(values)
    with pytest.raises(InvalidInput, match="weights must have 2 entries as rates has, got 1"):
        free_membrane(
            capacitance=1e-9,
            leak_conductance=1e-9,
            leak_potential=0,
            synaptic_time=1,
            rates=[1, 2],
            weights=[1],
            reversal_potentials=[1, 2],
        )


# ---------------------------------------------------------------------------- networks


def test_networks_as_json(tmp_path: Path) -> None:
    path = tmp_path / "network.json"
    net = coupled(labels=("a", "b", "c", "d", "e"))
    net.save(path)
    loaded = LifNetwork.load(path)
    for name in ("parameters", "kernel", "window", "driven_drive", "delay", "labels"):
        assert getattr(loaded, name) == getattr(net, name)
    np.testing.assert_array_equal(loaded.drive, net.drive)
    np.testing.assert_array_equal(loaded.coupling, net.coupling)
    assert loaded.n_units == 5
    path.write_text('{"kind": "lif-network", "schema": 1}')
    with pytest.raises(InvalidInput, match="not a valid lif-network: 'parameters' is missing"):
        LifNetwork.load(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"drive": []}, "drive must have at least 1 entry"),
        ({"drive": [0, np.nan]}, "drive must be finite"),
        ({"coupling": np.zeros((3, 3))}, r"coupling must have shape \(2, 2\), got \(3, 3\)"),
        ({"coupling": np.eye(2)}, "coupling must have a zero diagonal"),
        ({"kernel": kernel(shape="rectangle")}, "kernel must have the shape 'exponential'"),
        ({"delay": -1}, "delay must be at least 0 s"),
        ({"delay": np.zeros((2, 2))}, "delay must be a number"),
        ({"window": 0}, "window must be above 0 s"),
        ({"labels": ("a", "a")}, "labels must differ"),
        ({"labels": ("a",)}, "labels must have 2 entries"),
        ({"driven_drive": (1, 2, 3)}, "driven_drive must be two drives"),
        ({"pump": 1}, "field of LifNetwork must be one of"),
    ],
)
def test_networks_out_of_range(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        network([0.0, 0.0]).replace(**change)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"chains": 0}, "chains must be at least 1"),
        ({"seed": -1}, "seed must be at least 0"),
        ({"time_step": 1 * ms}, "time_step must be at most"),
        ({"clamp": {9: 1}}, "known unit must be one of"),
        ({"clamp_mode": "unit"}, "clamp_mode must be one of 'pump', 'laser'"),
        ({"drive": np.zeros((3, 2))}, r"drive must have shape \(1, 2\)"),
        ({"threads": 0}, "threads must be at least 1"),
    ],
)
def test_simulator_out_of_range(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        LifSimulator(network([0.0, 0.0]), **change)


def test_a_kernel_too_short_for_the_step_is_refused() -> None:
    with pytest.raises(InvalidInput, match="at most a quarter of the synaptic kernel's duration"):
        LifSimulator(network([0.0], kernel=kernel(duration=0.2 * ms)))


# ---------------------------------------------------------------------------- reproducibility


def test_threads_do_not_change_spikes() -> None:
    runs = [run(coupled(), 0.5, chains=100, threads=k) for k in (1, 2, 3)]
    assert_same(runs[0], runs[1])
    assert_same(runs[0], runs[2])


@settings(max_examples=5, deadline=None)
@given(cuts=st.lists(st.integers(1, 9999), min_size=1, max_size=40))
def test_cutting_time_does_not_change_spikes(cuts: list[int]) -> None:
    whole = LifSimulator(coupled(), chains=5, seed=1).advance(10_000 * DT)
    pieces = LifSimulator(coupled(), chains=5, seed=1)
    parts = [pieces.advance((b - a) * DT) for a, b in pairwise(sorted({0, *cuts, 10_000}))]
    assert pieces.step == 10_000
    for part in parts:
        assert (part.time > part.start).all()
        assert (part.time <= part.stop).all()
    assert_same(whole, SpikeTrains.joined(parts))


@pytest.mark.parametrize("delay", [0.0, 0.3 * ms, 25 * ms])
def test_resume_from_state(delay: float) -> None:
    net = coupled(delay=delay)
    first = LifSimulator(net, chains=100, seed=5, threads=2)
    first.advance(0.2)
    state = first.state()
    expected = first.advance(0.3)
    # Going on must not touch the state that was handed out.
    resumed = LifSimulator(net, chains=100, seed=5, threads=1)
    resumed.restore(state)
    assert resumed.time == pytest.approx(0.2)
    assert_same(expected, resumed.advance(0.3))
    first.restore(state)
    assert_same(expected, first.advance(0.3))
    with pytest.raises(InvalidInput, match="state must come from a simulator built with the same"):
        LifSimulator(net, chains=1, seed=5).restore(state)


@pytest.mark.parametrize("units", [5, 40])
@pytest.mark.parametrize("chains", [1, 40, 300])
def test_a_chain_does_not_depend_on_their_number(chains: int, units: int) -> None:
    """40 units: whether their targets fill whole tiles depends on the chain's place in its block."""
    small, large = (run(coupled(units), 0.4, chains=c) for c in (8, chains))
    common = min(8, chains)
    kept = [
        np.array([s.chain[mine], s.unit[mine], s.time[mine]])
        for s in (small, large)
        for mine in [s.chain < common]
    ]
    assert kept[0].shape[1] > 20
    np.testing.assert_array_equal(kept[0], kept[1])


def test_spikes_are_sorted() -> None:
    spikes = run(coupled(20), 1.0, chains=30)
    order = np.lexsort((spikes.unit, spikes.time, spikes.chain))
    np.testing.assert_array_equal(order, np.arange(len(spikes)))
    assert set(spikes.chain) == set(range(30))
    assert set(spikes.unit) == set(range(20))


def test_seeds() -> None:
    one, same, other = (run(coupled(), 0.3, chains=3, seed=s) for s in (1, 1, 2))
    assert_same(one, same)
    assert len(one) != len(other) or (one.time != other.time).any()
    times = [frozenset(one.time[one.chain == c]) for c in range(3)]
    assert len(set(times)) == 3


# ---------------------------------------------------------------------------- the free membrane


def test_free_membrane_of_the_simulation() -> None:
    """Mean, deviation and autocorrelation of the membrane without threshold.

    4000 lanes × 20 moments 10 τ apart: m = 80 000 independent values, so the errors of mean, σ and
    a correlation ρ are σ/sqrt(m), σ/sqrt(2 m), (1 - ρ²)/sqrt(m). Twins: σ off by 3 %, one time
    constant instead of two. A moment counts from the first one on: the start is in equilibrium.
    """
    p = NEURON.replace(threshold=50 * mV, time_step=0.15 * ms)
    simulator = LifSimulator(network([-50 * mV] * 4, parameters=p), chains=1000, seed=2, threads=2)
    lag = 4 * ms
    early, late = [], []
    for _ in range(20):
        early.append(simulator.potential)
        simulator.advance(lag)
        late.append(simulator.potential)
        simulator.advance(96 * ms)
    v, later = np.array(early).ravel(), np.array(late).ravel()
    lag = round(lag / simulator.grid + 0.49) * simulator.grid
    m, z = v.size, norm.isf(ALPHA / 6)
    slow, fast = p.noise_time, p.membrane_time
    rho = (slow * np.exp(-lag / slow) - fast * np.exp(-lag / fast)) / (slow - fast)

    def alarm(deviation: float, correlation: float) -> bool:
        return (
            abs(v.mean() + 50 * mV) > z * deviation / np.sqrt(m)
            or abs(v.std() - deviation) > z * deviation / np.sqrt(2 * m)
            or abs(np.corrcoef(v, later)[0, 1] - correlation) > z * (1 - rho**2) / np.sqrt(m)
        )

    assert not alarm(p.noise, rho)
    assert alarm(1.03 * p.noise, rho)
    assert alarm(p.noise, np.exp(-lag / slow))


# ---------------------------------------------------------------------------- spikes


@pytest.mark.parametrize("above", [0.2 * mV, 1 * mV, 5 * mV])
@pytest.mark.parametrize("depth", [0.001 * mV, 3 * mV])
def test_regular_firing(above: float, depth: float) -> None:
    """Period of a noiseless neuron: τ_ref + τ_m log((V̄ - reset)/(V̄ - θ)), to second order in dt."""
    p = QUIET.replace(reset=QUIET.threshold - depth)
    drive = p.threshold + above
    period = p.refractory_time + p.membrane_time * np.log((drive - p.reset) / above)
    errors = []
    for dt in (DT, DT / 2):
        time = run(network([drive], parameters=p), 2.0, time_step=dt).time
        errors.append(abs(np.mean(np.diff(time)) - period))
        assert np.ptp(np.diff(time)) < (dt / p.membrane_time) ** 2 * p.membrane_time
    # A line in place of a curve with V'' = -V'/τ_m is off by at most dt²/(8 τ_m), at either end.
    assert errors[0] < DT**2 / (4 * p.membrane_time)
    assert errors[1] < max(errors[0] / 3, 2e-3 * DT)


def test_no_spikes_below_threshold() -> None:
    assert len(run(network([QUIET.threshold - 1e-6], parameters=QUIET), 1.0)) == 0


def plain_rates(drive: NDArray[np.float64], duration: float, *, chains: int, dt: float) -> Any:
    """Return spike rates (chain, drive): Euler-Maruyama in float64 with Gaussian noise."""
    p, rng = NEURON, np.random.default_rng(11)
    shape = (chains, len(drive))
    deviation = p.noise * np.sqrt(1 + p.membrane_time / p.noise_time)
    x, kick = deviation * rng.normal(size=shape), deviation * np.sqrt(2 * dt / p.noise_time)
    v, free_at, counts = np.full(shape, p.reset), np.zeros(shape), np.zeros(shape)
    settle = 0.1
    for step in range(round((duration + settle) / dt)):
        now = step * dt
        free = now >= free_at
        before = v
        v = np.where(free, v + dt / p.membrane_time * (drive + x - v), p.reset)
        x = x - dt / p.noise_time * x + kick * rng.standard_normal(shape)
        fires = free & (v >= p.threshold)
        crossed = now + dt * (p.threshold - before[fires]) / (v[fires] - before[fires])
        # The grid point nearest to the end of refractoriness: no bias at first order.
        free_at[fires] = crossed + p.refractory_time - dt / 2
        v[fires] = p.reset
        counts += fires & (now >= settle)
    return counts / duration


def test_rates_agree_with_a_plain_simulation() -> None:
    """Welch's test over chains at two drives; the twin has 10 % more noise."""
    drive = np.array([-52, -50.5]) * mV
    plain = plain_rates(drive, 1.0, chains=600, dt=0.05 * ms)
    z = norm.isf(ALPHA / 4)
    alarms = []
    for noise in (NEURON.noise, 1.1 * NEURON.noise):
        net = network(drive, parameters=NEURON.replace(noise=noise))
        fast = run(net, 4.0, settle=0.1, chains=500).rates()
        stderr = np.sqrt(fast.var(axis=0) / 500 + plain.var(axis=0) / 600)
        alarms.append((abs(fast.mean(axis=0) - plain.mean(axis=0)) > z * stderr).any())
    assert alarms == [False, True]


def test_default_step_is_fine_enough() -> None:
    """Activation at the default step and at an eighth of it agree within 0.01, errors included.

    The twin compares with drives that are 0.05 mV off.
    """
    drive = np.array([-51, -50, -47]) * mV
    coarse, fine, off = (
        run(network(v), 40.0, settle=0.1, chains=100, time_step=dt).rates() * NEURON.refractory_time
        for v, dt in ((drive, DT), (drive, DT / 8), (drive + 0.05 * mV, DT))
    )
    z = norm.isf(ALPHA / 6)

    def within(p: Any) -> Any:
        stderr = np.sqrt((p.var(axis=0) + fine.var(axis=0)) / 100)
        return (abs(p.mean(axis=0) - fine.mean(axis=0)) + z * stderr < 0.01).all()

    assert within(coarse)
    assert not within(off)


def test_activation_rises_with_the_drive() -> None:
    """p_on over 25 drives rises by more than its error from each point to the next but one."""
    drive = np.linspace(-54, -47, 15) * mV
    p = run(network(drive), 5.0, settle=0.1, chains=100).rates() * NEURON.refractory_time
    mean, error = p.mean(axis=0), p.std(axis=0) / 10
    assert (np.diff(mean) > 3 * (error[1:] + error[:-1])).all()
    assert mean[0] < 0.005
    assert mean[-1] > 0.99


def test_activation_of_a_fast_membrane_is_that_of_bursts() -> None:
    """τ_m = τ_noise/200; the theory's own error is 0.005 there, a twin forgets the shift of θ."""
    p = NEURON.replace(membrane_time=NEURON.noise_time / 200, time_step=12.5e-6)
    drive = np.linspace(-53, -48, 6) * mV
    simulated = run(network(drive, parameters=p), 5.0, settle=0.1, chains=100).rates()
    on = simulated * p.refractory_time
    z = norm.isf(ALPHA / 12)
    margin = 0.005 + z * on.std(axis=0) / 10
    assert (abs(on.mean(axis=0) - activation(p, drive)) < margin).all()
    unshifted = activation(p.replace(membrane_time=1e-12, time_step=1e-13, forced=True), drive)
    assert (abs(on.mean(axis=0) - unshifted) > margin).any()


def test_activation_of_bursts_in_limits() -> None:
    """Slow noise: P(u > θ). Long refractoriness: each wait starts from a fresh Gaussian u."""
    p = NEURON.replace(membrane_time=1e-12, time_step=1e-13, forced=True)
    drive = np.array([-51, -50, -49]) * mV
    slow = activation(p.replace(noise_time=100 * p.refractory_time), drive)
    np.testing.assert_allclose(slow, norm.cdf((drive - p.threshold) / p.noise), atol=0.05)

    long = activation(p.replace(refractory_time=20 * p.noise_time), drive)
    for b, found in zip((p.threshold - drive) / p.noise, long, strict=True):
        # Integration by parts of E[T(u); u < b] = √(2π) ∫ exp(x²/2) Φ(x)² dx up to b.
        integrand = lambda x: np.sqrt(2 * np.pi) * np.exp(x**2 / 2) * norm.cdf(x) ** 2  # noqa: E731
        wait = quad(integrand, -12, b)[0]
        assert found == pytest.approx(20 / (20 + wait), rel=1e-5)

    assert (np.diff(activation(p, np.linspace(-56, -44, 13) * mV)) >= 0).all()
    assert activation(p, -0.05) == pytest.approx(activation(p.replace(noise=2 * p.noise), -0.05))
    with pytest.raises(InvalidInput, match="noise must be above 0 V"):
        activation(QUIET, drive)


# ---------------------------------------------------------------------------- synapses


def test_psp_is_the_difference_of_exponentials() -> None:
    """The free membrane of a target after one spike at a known time, between grid points."""
    for kick, delay in ((0.0, 0.0), (0.3, 0.0), (0.0, 0.7 * ms)):
        strong = kernel(kick=kick)
        drive = np.array([QUIET.threshold + 1 * mV, -60 * mV])
        net = network(
            drive, [[0, 0], [2 * mV, 0]], parameters=QUIET, kernel=strong, delay=delay, window=10 * ms
        )
        simulator = LifSimulator(net, time_step=DT / 2)
        spikes: list[float] = []
        time, seen = [], []
        while simulator.time < 9 * ms:
            spikes.extend(simulator.advance(DT / 2).time)
            time.append(simulator.time)
            seen.append(simulator.potential[0, 1])
        assert len(spikes) == 1
        expected = -60 * mV + 2 * mV * psp(QUIET, strong, np.array(time) - spikes[0] - delay)
        np.testing.assert_allclose(seen, expected, atol=1e-3 * 2 * mV)
        # A PSP one step late would not pass.
        late = -60 * mV + 2 * mV * psp(QUIET, strong, np.array(time) - spikes[0] - delay - DT / 2)
        assert abs(seen - late).max() > 0.02 * 2 * mV


def test_a_kick_over_the_threshold_fires_at_once() -> None:
    """The target fires within a step of the arrival; with half the kick it stays silent."""
    drive = QUIET.threshold + np.array([1, -1]) * mV
    for kick, fires in ((1.2, True), (0.6, False)):
        only = kernel(kick=kick, sustain=0)
        spikes = run(network(drive, [[0, 0], [1 * mV, 0]], parameters=QUIET, kernel=only), 5 * ms)
        source, target = (spikes.time[spikes.unit == u] for u in (0, 1))
        assert len(source) == 1
        assert len(target) == fires
        if fires:
            assert 0 <= target[0] - source[0] <= DT


@pytest.mark.parametrize("renewing", [True, False])
def test_current_of_regular_spikes(renewing: bool) -> None:
    """A renewing current starts at full height each time, additive ones pile up geometrically."""
    sending = kernel(renewing=renewing)
    drive = [QUIET.threshold + 0.5 * mV, -60 * mV]
    net = network(drive, [[0, 0], [1 * mV, 0]], parameters=QUIET, kernel=sending)
    simulator = LifSimulator(net)
    spikes = simulator.advance(0.5)
    period, tau = float(np.mean(np.diff(spikes.time))), sending.duration
    peak = sending.sustain * mV / (1 if renewing else -np.expm1(-period / tau))
    expected = peak * np.exp(-(simulator.time - spikes.time[-1]) / tau)
    np.testing.assert_allclose(simulator.current[0], [0, expected], rtol=1e-4)
    currents = []
    for _ in range(round(10 * period / DT)):
        simulator.advance(DT)
        currents.append(simulator.current[0, 1])
    mean = mean_current(sending, period)
    np.testing.assert_allclose(np.mean(currents) / mV, mean, rtol=0.01)
    other = mean_current(kernel(renewing=not renewing), period)
    assert abs(np.mean(currents) / mV / other - 1) > 0.3


def test_area_rule() -> None:
    """The PSP's area over τ_ref, by quadrature, is that of the rectangle; twin: one τ_m off."""
    for p in (NEURON, NEURON.replace(membrane_time=NEURON.synaptic_time)):
        t = np.linspace(0, p.refractory_time, 20_001)
        area = np.trapezoid(psp(p, kernel(sustain=area_rule_sustain(p)), t), t)
        assert area == pytest.approx(p.refractory_time, rel=1e-6)
    assert area_rule_sustain(NEURON.replace(membrane_time=1.1 * NEURON.membrane_time)) != (
        pytest.approx(area_rule_sustain(NEURON), rel=1e-3)
    )
    # The published rule, with conductances instead of times: w = W α (τ_r/τ)/{…}, h = w/g.
    c, g, tau = 0.2e-9, 0.2e-9 / NEURON.membrane_time, NEURON.synaptic_time
    inside = -(c / g) * np.expm1(-tau * g / c) + tau * np.expm1(-1)
    assert 1 / (inside / (c - g * tau)) / g == pytest.approx(area_rule_sustain(NEURON))


def plain_spikes(net: LifNetwork, duration: float) -> NDArray[np.float64]:
    """Return (unit, time) of noiseless neurons, from event to event in closed form."""
    p, k, n = net.parameters, net.kernel, net.n_units
    fast, slow = p.membrane_time, k.duration
    v, current, free_at = np.full(n, p.reset), np.zeros(n), np.zeros(n)
    now, last = 0.0, np.full(n, -np.inf)
    coming: list[tuple[float, NDArray[np.float64]]] = []
    spikes = []

    def potential(later: NDArray[np.float64] | float) -> NDArray[np.float64]:
        s = (np.atleast_1d(later) - now)[:, None]
        rise = slow / (slow - fast) * (np.exp(-s / slow) - np.exp(-s / fast)) * current
        free = net.drive + (v - net.drive) * np.exp(-s / fast) + rise
        return np.where(free_at <= now, free, p.reset)

    while now < duration:
        scheduled = [duration, *(time for time, *_ in coming), *free_at[free_at > now]]
        times = np.linspace(now, min(scheduled), 2 + int((min(scheduled) - now) / 2e-5))
        above = potential(times) >= p.threshold
        event, spiking = times[-1], None
        if above.any():
            first = above.any(axis=1).argmax()
            crossings = {
                brentq(lambda t, j=j: potential(t)[0, j] - p.threshold, *times[[first - 1, first]]): j
                for j in np.flatnonzero(above[first])
            }
            event = min(crossings)
            spiking = crossings[event]
        v, current, now = potential(event)[0], current * np.exp(-(event - now) / slow), event
        if spiking is not None:
            share = 1 - np.exp((last[spiking] - now) / slow) if k.renewing else 1.0
            v[spiking], free_at[spiking], last[spiking] = p.reset, now + p.refractory_time, now
            coming.append((now + net.delay, share * k.sustain * dense(net.coupling)[:, spiking]))
            spikes.append((spiking, now))
        current = current + sum(jump for time, jump in coming if time <= now)
        coming = [c for c in coming if c[0] > now]
    return np.array(spikes)


@pytest.mark.parametrize("renewing", [True, False])
def test_a_noiseless_network_agrees_with_a_plain_simulation(renewing: bool) -> None:
    """Four neurons that drive each other: the spike times of 100 ms, spike by spike.

    Each of ten intervals may be off by dt²/(4 τ_m); twins without coupling or with the other kind of
    synapse must fail.
    """
    drive = QUIET.threshold + np.array([0.3, 0.7, 1.1, 1.9]) * mV
    coupling = 0.4 * mV * np.array([[0, 1, -0.5, 0], [0.2, 0, 1, 1], [0.5, -0.5, 0, 1], [1, 0, 1, 0]])
    deep = QUIET.replace(reset=QUIET.threshold - 2 * mV)
    changes: dict[str, Any] = {"parameters": deep, "delay": 0.4 * ms}
    net = network(drive, coupling, kernel=kernel(renewing=renewing), **changes)
    expected = plain_spikes(net, 0.1)

    def error(other: LifNetwork) -> float:
        found = run(other, 0.1)
        count = min(len(found), len(expected))
        assert abs(len(found) - len(expected)) <= 4
        early = abs(found.time[:count] - expected[:count, 1])
        return np.inf if (found.unit[:count] != expected[:count, 0]).any() else early.max()

    assert len(expected) > 30
    bound = 10 * DT**2 / (4 * NEURON.membrane_time)
    assert error(net) < bound
    assert error(net.replace(kernel=kernel(renewing=not renewing))) > bound
    assert error(network(drive, **changes)) > bound


# ---------------------------------------------------------------------------- sampling and evidence


def joints(net: LifNetwork, duration: float = 3.0, chains: int = 200) -> NDArray[np.float64]:
    """Return dwell-time moments of each chain, array (chain, unit, unit)."""
    settle = 0.2
    simulator = LifSimulator(net, chains=chains, seed=4, threads=2)
    spikes = simulator.advance(settle + duration)
    return occupancy(
        spikes.chain,
        spikes.unit,
        spikes.time,
        chains=chains,
        units=net.n_units,
        window=net.window,
        start=settle,
        stop=spikes.stop,
    ).moments


@pytest.mark.parametrize("weight", [-1.0, 1.0])
def test_symmetric_pair(weight: float) -> None:
    """The log-odds ratio of a pair is its weight, within 0.2; that of no weight is far outside.

    0.2 is room for the translation; the statistical error is below 0.02.
    """
    coupling = SLOPE * weight * np.array([[0, 1], [1, 0]])
    moments = joints(network([MIDPOINT] * 2, coupling))
    free = joints(network([MIDPOINT] * 2))
    (p1, p2), both = np.diagonal(moments.mean(axis=0)), moments[:, 0, 1].mean()
    effective = np.log(both * (1 - p1 - p2 + both) / ((p1 - both) * (p2 - both)))
    assert abs(effective - weight) < 0.2
    assert np.sign(weight) * (both - free[:, 0, 1].mean()) > 0.05


@pytest.mark.parametrize("value", [0, 1])
def test_pump_clamp_is_a_constant_drive(value: int) -> None:
    """Spike by spike the network of the other units, with coupling times value added to the drive."""
    net = coupled()
    fixed, rest = 2, np.array([0, 1, 3, 4])
    clamped = run(net, 0.5, chains=40, clamp={fixed: value})
    drive = (net.drive + value * dense(net.coupling)[:, fixed])[rest]
    inner = {"drive": drive, "coupling": dense(net.coupling)[np.ix_(rest, rest)], "labels": ()}
    alone = run(net.replace(**inner), 0.5, chains=40)
    np.testing.assert_array_equal(clamped.time, alone.time)
    np.testing.assert_array_equal(clamped.unit, rest[alone.unit])
    np.testing.assert_array_equal(
        net.clamped_drive(np.array([fixed]), np.full((3, 1), value, np.uint8)),
        np.tile(net.drive + value * net.coupling[:, fixed], (3, 1)),
    )


def test_each_chain_its_own_evidence_and_drive() -> None:
    net = coupled()
    values = np.arange(40) % 2
    mixed = run(net, 0.5, chains=40, clamp={2: values})
    by_value = [run(net, 0.5, chains=40, clamp={2: v}) for v in (0, 1)]
    for chain in range(40):
        expected = by_value[values[chain]]
        np.testing.assert_array_equal(
            mixed.time[mixed.chain == chain], expected.time[expected.chain == chain]
        )
    drive = net.clamped_drive(np.array([2]), values[:, None].astype(np.uint8))
    assert_same(mixed, run(net, 0.5, chains=40, clamp={2: 0}, drive=drive))


def test_driven_clamp() -> None:
    """A driven neuron is on or off for more than 99.9 % of the time, and acts by its spikes.

    Its partner then is on about as often as with the constant drive: within 0.05, while the other
    value is more than 0.15 away.
    """
    net = network([MIDPOINT] * 2, SLOPE * np.array([[0, 1], [1, 0]]))
    on = []
    for value in (0, 1):
        simulator = LifSimulator(net, chains=100, seed=1, clamp={1: value}, clamp_mode="laser")
        np.testing.assert_array_equal(simulator.units, [0, 1])
        simulator.advance(0.2)
        driven = simulator.advance(3.0).rates() * net.window
        pumped = run(net, 3.0, settle=0.2, chains=100, clamp={1: value}).rates() * net.window
        assert abs(driven[:, 1].mean() - value) < 1e-3
        assert (pumped[:, 1] == 0).all()
        assert abs(driven[:, 0].mean() - pumped[:, 0].mean()) < 0.05
        on.append(driven[:, 0].mean())
    assert on[1] - on[0] > 0.15


def test_all_sizes() -> None:
    """One unit, more units than a block has lanes, chains that do not fill a tile."""
    for n, chains in ((1, 1), (1, 17), (300, 1), (17, 3)):
        spikes = run(network(np.full(n, MIDPOINT), np.zeros((n, n))), 0.3, chains=chains)
        assert spikes.n_units == n
        assert abs(spikes.rates().mean() * NEURON.refractory_time - 0.5) < 0.25


# ---------------------------------------------------------------------------- documentation


def test_numbers_in_the_page_for_users_of_sbs() -> None:
    """The blocks run, one after the other, and give what the page says."""
    page = (Path(__file__).parent.parent / "docs" / "start" / "from-sbs.md").read_text()
    blocks = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert len(blocks) >= 3
    names: dict[str, object] = {}
    for block in blocks:
        exec(block, names)
        for expression, value in re.findall(r"^(.+?)  # → (\S+)", block, re.MULTILINE):
            assert eval(expression, names) == pytest.approx(float(value), rel=2e-3)


def test_midpoint_is_where_the_page_says() -> None:
    """θ minus the half-activation drive of the burst theory, for orientation: half a millivolt."""
    half = brentq(lambda v: float(activation(NEURON, v)) - 0.5, -60 * mV, -40 * mV)
    assert abs(half - MIDPOINT) < 0.15 * mV
