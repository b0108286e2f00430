"""Reduced lasers: recursion, events, synapses, fitting, and agreement with full physics."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import ks_2samp, norm
from typer.testing import CliRunner

import photinus as ph
from photinus.calibration import agreement, hazard, membrane, trials
from photinus.devices.synapse import SynapticKernel
from photinus.diagnostics.distance import kl_divergence
from photinus.engines.laser.simulator import Simulator
from photinus.engines.reduced import Agreement, EscapeRate, ReducedLaser, order, synapses
from photinus.engines.reduced import membrane as arithmetic
from photinus.engines.reduced.simulator import ReducedSimulator
from photinus.errors import InvalidInput
from photinus.faces.cli import app
from photinus.networks.lasers import LaserNetwork
from photinus.units import ns, ps
from tests.conftest import ALPHA

PERFECT = Agreement(activation=0.0, intervals=0.0, response=0.0, networks=0.0)


def synthetic(log_hazard: np.ndarray, **changes: float) -> ReducedLaser:
    """A reduced laser with a hazard (age, drive) per lifetime of 1 ns, and gentle constants."""
    ages, columns = log_hazard.shape
    values = {
        "time_step": 20 * ps,
        "reset": 20_000.0,
        "clamp_rate": 0.0,
        "clamp_onset": 1.0,
        "lag": 30 * ps,
        "memory": 300 * ps,
        "steepness": 0.0,
        "turn": 0.0,
        "midpoint": 75_000.0,
        "slope": 4_000.0,
        "threshold_carriers": 62_500.0,
        "gain_lifetime": 1 * ns,
    }
    return ReducedLaser(
        **{**values, **changes},
        drive=np.linspace(40_000, 120_000, columns),
        age=np.asarray((np.arange(ages) + 0.5) * 20 * ps, np.float64),
        log_hazard=log_hazard,
        agreement=PERFECT,
    )


def network(drive: Sequence[float], coupling: np.ndarray | None = None, **changes: Any) -> LaserNetwork:
    n = len(drive)
    values: dict[str, Any] = {
        "parameters": ph.LaserParameters.preset(),
        "pump": np.asarray(drive) / ns,
        "coupling": np.zeros((n, n)) if coupling is None else coupling,
        "kernel": SynapticKernel(kick=0.3, sustain=0.7, duration=1 * ns),
        "window": 1 * ns,
        "detection_threshold": 1000.0,
        "driven_pump": (0.0, 2e14),
    }
    return LaserNetwork(**{**values, **changes})


def translated(
    machine: ph.BoltzmannMachine, calibration: ph.Calibration, delay: float = 0.0
) -> LaserNetwork:
    net = ph.translate(machine, calibration, delay=delay)
    assert isinstance(net, LaserNetwork)
    return net


def test_constant_drive_is_felt_as_it_is() -> None:
    """Whatever the constants, the effective drive stays put while the drive is constant."""
    laser = synthetic(np.zeros((10, 5)), clamp_rate=30e9, clamp_onset=0.8, steepness=40.0, turn=10.0)
    c = laser.constants()
    push = np.float32(80_000 - laser.reset)
    effective, felt, risen, excess = push, push, c[arithmetic.LEAK] * np.float32(0.4), np.float32(0)
    for _ in range(300):
        effective, felt, risen, excess, factor = arithmetic.advance_membrane(
            effective, felt, risen, excess, push, *c[arithmetic.REST : arithmetic.TURN + 1]
        )
        assert_allclose([effective, felt], push, rtol=2e-3)
        assert factor == pytest.approx(1.0, abs=0.05)


def test_nothing_fades_into_denormal_numbers(calibration: ph.Calibration) -> None:
    """They take many times as long; a laser at rest would slow its whole tile down."""
    drive = calibration.midpoint - calibration.slope * np.linspace(2, 6, 400)
    simulator = ReducedSimulator(
        trials.uncoupled(calibration, drive), calibration.require_reduced(), seed=1
    )
    simulator.advance(200 * calibration.window)
    state = np.abs(np.concatenate([block.f for block in simulator._blocks]))
    assert not np.any((state > 0) & (state < np.finfo(np.float32).tiny))


def test_constant_hazard_makes_a_poisson_process() -> None:
    """No age, no drive: counts are Poisson, intervals exponential. Two tests at ALPHA each."""
    rate = 0.8
    laser = synthetic(np.full((20, 4), np.log(rate)))
    spikes = ReducedSimulator(network([70_000.0]), laser, chains=64, seed=3).advance(400 * ns)
    expected = rate * 64 * 400
    assert abs(len(spikes) - expected) < norm.isf(ALPHA / 2) * np.sqrt(expected)
    intervals = spikes.intervals()[0] / ns
    assert ks_2samp(intervals, np.random.default_rng(1).exponential(1 / rate, 40_000)).pvalue > ALPHA
    twin = np.random.default_rng(1).exponential(1.1 / rate, 40_000)
    assert ks_2samp(intervals, twin).pvalue < ALPHA


def test_hazard_depends_on_age_as_the_table_says() -> None:
    """Silence for 0.5 ns, then a constant rate: shifted exponential intervals."""
    log = np.full((60, 4), np.log(2.0))
    log[:25] = -30.0
    spikes = ReducedSimulator(network([70_000.0]), synthetic(log), chains=64, seed=4).advance(300 * ns)
    intervals = spikes.intervals()[0] / ns
    exponential = np.random.default_rng(2).exponential(0.5, 40_000)
    error = np.sqrt(1 / len(intervals) + 1 / 40_000)
    # A row of the table is 9 ps wide there: up to 4 ps of shift, at a rate of 2 per ns.
    allowed = np.sqrt(-0.5 * np.log(ALPHA / 2)) * error + 0.008
    # The logarithm rises from one age of the table to the next, 20 ps later: late, all but at once.
    assert ks_2samp(intervals, 0.51 + exponential).statistic < allowed
    assert ks_2samp(intervals, 0.55 + exponential).statistic > allowed


@pytest.mark.parametrize(
    ("shape", "renewing"),
    [("rectangle", False), ("rectangle", True), ("exponential", False), ("exponential", True)],
)
def test_synapses_bring_what_their_kernel_says(shape: str, renewing: bool) -> None:
    """The mean synaptic drive of a target, from the spikes of its source, on average within 1 %."""
    laser = synthetic(np.full((20, 4), np.log(0.9)))
    coupling = np.array([[0.0, 0.0], [500.0, 0.0]])
    k = SynapticKernel(kick=0.3, sustain=0.7, duration=0.8 * ns, renewing=renewing, shape=shape)
    simulator = ReducedSimulator(
        network([70_000.0, 70_000.0], coupling, kernel=k), laser, chains=64, seed=5, threads=1
    )
    simulator.advance(10 * ns)
    seen, times = [], []
    for _ in range(3000):
        spikes = simulator.advance(20 * ps)
        times += [
            (c, t) for c, u, t in zip(spikes.chain, spikes.unit, spikes.time, strict=True) if u == 0
        ]
        rows = np.concatenate([b.synaptic[b.at] for b in simulator._blocks])
        seen.append(rows[np.arange(64) * 2 + 1].mean())
    total = 0.0
    for chain in range(64):
        t = np.array([t for c, t in times if c == chain])
        gap = np.diff(t, prepend=-1e9)
        if shape == "rectangle":
            total += (np.minimum(gap, 0.8 * ns) if renewing else np.full(len(t), 0.8 * ns)).sum()
        else:
            total += 0.8 * ns * ((1 - np.exp(-gap / (0.8 * ns))) if renewing else np.ones(len(t))).sum()
    expected = 0.7 * 500 * total / (64 * 60 * ns)
    # What is read has decayed since it acted; ends of the interval cost one pulse in sixty.
    acted = np.mean(seen) * (np.exp(20 / 800) if shape == "exponential" else 1.0)
    assert acted == pytest.approx(expected, rel=0.02)


@pytest.mark.parametrize(("units", "delay"), [(2, 0.0), (70, 0.13), (70, 1.7)])
def test_threads_pieces_and_chains_change_nothing(
    calibration: ph.Calibration, units: int, delay: float
) -> None:
    """Narrow and wide rows; delays that are no whole number of steps."""
    random = np.random.default_rng(units)
    upper = np.triu(random.uniform(-1, 1, (units, units)) / units**0.5, 1)
    machine = ph.BoltzmannMachine(upper + upper.T, random.uniform(-1, 1, units))
    window = calibration.window
    net = translated(machine, calibration, delay * window)
    reduced = calibration.require_reduced()

    def run(chains: int, threads: int, pieces: int) -> ph.SpikeTrains:
        simulator = ReducedSimulator(net, reduced, chains=chains, seed=9, threads=threads)
        return ph.SpikeTrains.joined([simulator.advance(60 * window / pieces) for _ in range(pieces)])

    whole = run(40, 1, 1)
    assert_array_equal(np.lexsort((whole.unit, whole.time, whole.chain)), np.arange(len(whole)))
    for other in (run(40, 2, 1), run(40, 2, 6)):
        assert_array_equal(whole.time, other.time)
        assert_array_equal(whole.unit, other.unit)
    few = run(7, 1, 1)
    mine = whole.chain < 7
    assert_array_equal(whole.time[mine], few.time)


@pytest.mark.parametrize("units", [5, 70])
def test_rows_bring_what_runs_bring(
    calibration: ph.Calibration, units: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whole rows of couplings, rounded, and exact runs of targets: drives within the rounding."""
    from photinus.engines.reduced import layout as module

    random = np.random.default_rng(units)
    upper = np.triu(random.uniform(-1, 1, (units, units)) / units**0.5, 1)
    net = translated(ph.BoltzmannMachine(upper + upper.T, np.zeros(units)), calibration)
    if units > synapses.NARROW:  # kicks act within a step in one layout only: plain pulses, then
        net = net.replace(kernel=SynapticKernel(kick=0.0, sustain=0.7, duration=calibration.window))
    drives = []
    for full, wide in ((module.FULL, module.WIDE), (np.inf, 0)):
        monkeypatch.setattr(module, "FULL", full)
        monkeypatch.setattr(module, "WIDE", wide)
        simulator = ReducedSimulator(net, calibration.require_reduced(), chains=32, seed=3)
        # While few spikes have acted; later the two would part by chance.
        simulator.advance(0.8 * calibration.window)
        drives.append(np.concatenate([b.synaptic[b.at] for b in simulator._blocks]))
    scattered = simulator._blocks[0].fan_out[:, synapses.KEY] == synapses.SCATTERED
    assert scattered.sum() == units * simulator._blocks[0].chains
    assert np.abs(drives[0]).max() > 100
    spikes = 4 * units
    allowed = spikes * np.abs(np.asarray(net.coupling)).max() * net.kernel.sustain / 2**16
    assert_allclose(drives[0], drives[1], rtol=0, atol=allowed)


def test_short_rows_are_equally_long_and_bring_the_couplings(calibration: ph.Calibration) -> None:
    weights = np.zeros((96, 96))
    weights[:64, 64:] = np.random.default_rng(4).normal(size=(64, 32))
    net = translated(ph.BoltzmannMachine(weights + weights.T, np.zeros(96)), calibration)
    block = ReducedSimulator(net, calibration.require_reduced(), chains=2, seed=1)._blocks[0]
    dense, found = block.shared.couplings[3], np.zeros((96, 96))
    for source, (_, aim, size, row) in enumerate(block.fan_out[:96]):
        assert size == synapses.NARROW
        assert 0 <= aim <= 96 - size
        found[aim : aim + size, source] = dense[row : row + size] * block.unit[source]
    coupling = np.asarray(net.coupling)
    assert_allclose(found, coupling, rtol=0, atol=float(np.abs(coupling).max()) / 2**16)


@pytest.mark.parametrize("layout", ["narrow", "crossing", "wide", "scattered"])
@pytest.mark.parametrize("delay", [0.0, 5 * ps])
def test_no_laser_fires_while_it_is_silenced(
    layout: str, delay: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A kick that silences for 0.08 ns: nobody fires later in that step, nor in the three after it.

    What is derived: without hazard there are no spikes, in whatever order they fall into steps.
    """
    from photinus.engines.reduced import layout as module

    if layout == "scattered":
        monkeypatch.setattr(module, "FULL", np.inf)
        monkeypatch.setattr(module, "WIDE", 0)
    # Rows of 48 lanes that begin anywhere in a tile of 32 are "crossing".
    units = {"narrow": 3, "crossing": 43}.get(layout, 70)
    # 10 000 carriers too few, 1 000 of which make the factor zero; half of them are left after 0.08 ns.
    # None fires within 2 ns of its own spike, after which kicks bring back more than they took.
    log = np.full((120, 4), np.log(6.0 / units))
    log[:100] = -30.0
    laser = synthetic(log, steepness=1000.0, memory=0.3 * ns)
    net = network(
        [70_000.0] * units,
        -10_000.0 * (1 - np.eye(units)),
        kernel=SynapticKernel(kick=1.0, sustain=0.0, duration=1 * ns, renewing=False),
        delay=delay,
    )
    spikes = ReducedSimulator(net, laser, chains=40, seed=1).advance(100 * ns)
    gap = np.diff(spikes.time)[(np.diff(spikes.chain) == 0) & (np.diff(spikes.unit) != 0)]
    assert len(gap) > 500
    assert not np.any((gap > 1.01 * delay) & (gap < 0.08 * ns))
    # The same without couplings: such gaps are met, again and again.
    free = ReducedSimulator(net.replace(coupling=np.zeros((units, units))), laser, chains=40, seed=1)
    twin = free.advance(100 * ns)
    assert np.sum(np.diff(twin.time)[np.diff(twin.chain) == 0] < 0.08 * ns) > 200


@pytest.mark.parametrize("size", [1, 2, 3, order.MANY, order.MANY + 1, 1000])
def test_spikes_of_a_step_are_put_in_order(size: int) -> None:
    """Few and many of one chain in a step; equal times stay in the order of their lanes."""
    random = np.random.default_rng(size)
    lanes = np.array([np.sort(random.permutation(2000)[:size]) for _ in range(3)], np.int32)
    times = 7.0 - random.choice(64, (3, size)) / 64 + np.arange(3)[:, None]
    zeros = np.zeros(2000, np.int32)
    chain, unit = np.empty((2, 3 * size), np.int32)
    found = np.empty(3 * size)
    ends = np.zeros(1, np.int64)
    order.place_by_chain(
        times.ravel(),
        lanes.ravel(),
        zeros,
        np.arange(2000, dtype=np.int32),
        ends,
        5,
        1.0,
        chain,
        unit,
        found,
    )
    wanted = np.lexsort((lanes.ravel(), times.ravel()))
    assert_array_equal(found, times.ravel()[wanted])
    assert_array_equal(unit, lanes.ravel()[wanted])
    assert (chain == 5).all()
    assert ends[0] == 3 * size


def test_state_goes_on_with_the_same_spikes(calibration: ph.Calibration) -> None:
    net = translated(ph.BoltzmannMachine(np.array([[0, 1.0], [1.0, 0]]), np.zeros(2)), calibration)
    reduced = calibration.require_reduced()
    one = ReducedSimulator(net, reduced, chains=20, seed=2)
    one.advance(30 * ns)
    state = one.state()
    other = ReducedSimulator(net, reduced, chains=20, seed=2)
    other.restore(state)
    assert_array_equal(one.advance(30 * ns).time, other.advance(30 * ns).time)
    with pytest.raises(InvalidInput, match="same arguments"):
        ReducedSimulator(net, reduced, chains=21, seed=2).restore(state)


def test_room_for_pending_spikes_grows(calibration: ph.Calibration) -> None:
    """Delays of many windows: more spikes under way than there was room for."""
    net = translated(
        ph.BoltzmannMachine(np.array([[0, 0.5], [0.5, 0]]), np.array([3.0, 3.0])),
        calibration,
        delay=20 * calibration.window,
    )
    simulator = ReducedSimulator(net, calibration.require_reduced(), chains=8, seed=1)
    before = len(simulator._blocks[0].pending)
    assert len(simulator.advance(60 * calibration.window)) > 8 * 2 * 40
    assert len(simulator._blocks[0].pending) > before


def test_smoothed_hazard_is_that_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Intervals of a known hazard; averaged over 1.2 ns the spline finds it within its error.

    The error of a rate from c counted intervals is at least 1/√c of it; eight means within five
    of those fail by chance with probability 5e-6. Where only the events are few (lowest drives)
    neighbours help, never harm: the truth is smooth.
    """
    monkeypatch.setattr(hazard, "DRIVE_SPLINES", 10)
    monkeypatch.setattr(hazard, "AGE_SPLINES", 30)
    random = np.random.default_rng(7)
    drives = np.linspace(60_000, 90_000, 12)
    rates = np.exp((drives - 75_000) / 8_000)
    parts = []
    for unit, rate in enumerate(rates):
        for chain in range(16):
            t = np.cumsum(0.5 * ns + random.exponential(ns / rate, 1500))
            t = t[t < 600 * ns]
            parts.append((np.full(len(t), chain), np.full(len(t), unit), t))
    chains, units, time = (np.concatenate(column) for column in zip(*parts, strict=True))
    spikes = ph.SpikeTrains(
        chains.astype(np.int32), units.astype(np.int32), time, tuple(range(12)), 16, 0.0, 600 * ns
    )
    log = hazard.smooth_hazard(spikes, drives, drives, 90, 40 * ps)
    found = np.exp(log[30:60]).mean(axis=0) * ns
    window = np.array([30 * 40 * ps, 60 * 40 * ps]) / ns - 0.5
    survive = np.exp(-np.outer(window, rates))
    counts = np.bincount(units, minlength=12) * (survive[0] - survive[1])
    assert np.all(np.abs(found / rates - 1)[2:10] < 5 / np.sqrt(counts[2:10]))
    assert np.all(np.abs(found / rates - 1)[3:7] < 0.1)
    assert np.exp(log[:8]).max() * ns < 0.05


def test_fit_finds_the_membrane_of_its_own_spikes(
    calibration: ph.Calibration, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Joints of a reduced network lead back to a laser with the same joints, from a start far off."""
    monkeypatch.setattr(membrane, "COUPLED", 75)
    monkeypatch.setattr(membrane, "ROUNDS", 4)
    # Light that follows at once and hardly sharpens: far from any laser.
    monkeypatch.setattr(membrane, "GUESS", (-0.3, 25.0, 0.85, 30.0, 15.0, 150.0, 3.0))
    truth = calibration.require_reduced()
    small = trials.SmallNetworks.of(calibration, trials.random_machines(3, units=3))
    seeds = np.random.SeedSequence(8).spawn(3)

    def joints(laser: EscapeRate, seed: np.random.SeedSequence) -> list[np.ndarray]:
        return small.joints(trials.run_reduced(small.network, laser, 150, seed, 2, 128))

    wanted = joints(truth, seeds[0])
    start = membrane.constants_of(membrane.GUESS, truth.gain_lifetime, truth.threshold_carriers)
    found = membrane.fit_membrane(replace(truth, **start), small, wanted, seeds[1], 2)

    def far(laser: EscapeRate) -> float:
        seen = zip(joints(laser, seeds[2]), wanted, strict=True)
        return float(np.mean([agreement.divergence(p, q, 150 * 128) for p, q in seen]))

    # 0.0002 by chance alone, as the truth itself shows in other runs.
    assert far(found) < 0.001
    assert far(replace(truth, **start)) > 0.005


def test_it_is_like_full_physics(calibration: ph.Calibration) -> None:
    """Activation within 0.01 and intervals within a distance of 0.02, beyond what chance explains."""
    window = calibration.window
    drive = calibration.midpoint + calibration.slope * np.array([-2.0, -1.0, 0.0, 1.0, 2.0])
    net = trials.uncoupled(calibration, drive)
    full = Simulator(net, chains=64, seed=21, time_step=calibration.time_step)
    reduced = ReducedSimulator(net, calibration.require_reduced(), chains=64, seed=22)
    runs = []
    for simulator, windows in ((full, 300), (reduced, 1000)):
        simulator.advance(20 * window)
        runs.append(simulator.advance(windows * window))
    for unit in range(5):
        intervals = [run.intervals()[unit] for run in runs]
        on = [np.minimum(i, window).mean() / i.mean() for i in intervals]
        error = np.sqrt(sum(1 / len(i) for i in intervals))
        assert abs(on[0] - on[1]) < 0.01 + norm.isf(ALPHA / 2) * 0.5 * error
        assert (
            ks_2samp(intervals[0], intervals[1]).statistic
            < 0.02 + np.sqrt(-0.5 * np.log(ALPHA / 2)) * error
        )


def test_networks_sample_alike(calibration: ph.Calibration) -> None:
    """KL to the target within 0.002 of full physics; machines that no calibration has seen."""
    random = np.random.default_rng(31)
    for seed in range(3):
        upper = np.triu(random.uniform(-1, 1, (5, 5)), 1)
        machine = ph.BoltzmannMachine(upper + upper.T, random.uniform(-1, 1, 5))
        kl = []
        for substrate in ("laser", "laser-reduced"):
            samples = ph.sample(machine, substrate, chains=128, draws=200, seed=seed)
            kl.append(kl_divergence(samples.joint(), machine.joint()))
        assert abs(kl[0] - kl[1]) < 0.002
        assert kl[1] < 0.004


@pytest.mark.parametrize(("scale", "allowed"), [(1.0, 0.001), (2.0, 0.002), (4.0, 0.004)])
def test_inhibited_networks_are_like_full_physics(
    calibration: ph.Calibration, scale: float, allowed: float
) -> None:
    """KL(reduced‖full) of a machine of five that no fit has seen, weights of one sign, and its twin.

    Chance adds 31 states/(2 · 38 000 windows) = 0.0004, give or take 0.0001.
    """
    random = np.random.default_rng(int(97 * scale))
    upper = np.triu(random.uniform(-scale, 0, (5, 5)), 1)
    small = trials.SmallNetworks.of(
        calibration, [ph.BoltzmannMachine(upper + upper.T, random.uniform(-scale, scale, 5))]
    )
    simulator = Simulator(small.network, chains=128, seed=5, time_step=calibration.time_step)
    simulator.advance(20 * calibration.window)
    full = small.joints(simulator.advance(300 * calibration.window))[0]

    def far(network: LaserNetwork) -> float:
        seed = np.random.SeedSequence(6)
        spikes = trials.run_reduced(network, calibration.require_reduced(), 1000, seed, 2, 128)
        return agreement.divergence(small.joints(spikes)[0], full, 128 * 300)

    assert far(small.network) < allowed
    # Partners that inhibit by a quarter too little.
    weaker = small.network.replace(coupling=0.75 * np.asarray(small.network.coupling))
    assert far(weaker) > allowed


def test_one_of_twenty_is_on() -> None:
    """All inhibit all: 1.003 units on by enumeration of counts, up to 1.2 at full physics."""
    machine = ph.BoltzmannMachine(-16.0 * (1 - np.eye(20)), np.full(20, 8.0))
    with pytest.warns(ph.TranslationWarning, match="weights of 190"):
        run = ph.sample(machine, "laser-reduced", chains=16, draws=60, burn_in=20, seed=1)
    assert 0.95 < run.states.sum(axis=-1).mean() < 1.25


def test_couplings_beyond_what_was_compared_are_named(calibration: ph.Calibration) -> None:
    known = replace(calibration.require_reduced(), agreement=replace(PERFECT, strong=0.005))
    near = translated(ph.BoltzmannMachine([[0, -4.0], [-4.0, 0]], [2, 2]), calibration)
    far = translated(
        ph.BoltzmannMachine([[0, -14.0], [-14.0, 0]], [7, 7], labels=("a", "b")), calibration
    )
    assert known.check(near) == []
    (sentence,) = known.check(far)
    assert "up to 6 slopes" in sentence
    assert "'a'" in sentence
    for strong in (np.nan, 0.02):  # never compared, or too far off
        unsure = replace(known, agreement=replace(PERFECT, strong=strong))
        assert "up to 3 slopes" in unsure.check(near)[0]
    alone = translated(ph.BoltzmannMachine(np.zeros((2, 2)), [0, 0]), calibration)
    assert known.check(alone) == []


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("lag", 0.0, "reduced.lag must be from 1 µτ_g"),
        ("lag", float("nan"), "reduced.lag must be finite"),
        ("clamp_rate", -1.0, "reduced.clamp_rate must be from 0"),
        ("time_step", 1e-3, "reduced.time_step must be from"),
        ("turn", 1e30, "reduced.turn must be from"),
        ("threshold_carriers", "62500", "reduced.threshold_carriers must be a number"),
        ("midpoint", True, "reduced.midpoint must be a number"),
        ("drive", [1.0, 2.0, 4.0], "reduced.drive must hold two numbers or more that rise"),
        ("age", [2e-11, 1e-11], "reduced.age must hold two numbers or more that rise"),
        ("log_hazard", [[0.0]], "reduced.log_hazard must have shape"),
        ("log_hazard", [[0.0, "x"]], "reduced.log_hazard must be an array of numbers"),
        ("agreement", {"activation": 0.1}, "reduced.agreement.intervals is missing"),
    ],
)
def test_a_file_with_an_absurd_constant_is_refused(
    calibration: ph.Calibration, name: str, value: Any, told: str
) -> None:
    values = calibration.require_reduced().to_dict()
    with pytest.raises(InvalidInput, match=told):
        ReducedLaser.from_dict({**values, name: value})
    del values[name]
    with pytest.raises(InvalidInput, match=f"reduced.{name} is missing"):
        ReducedLaser.from_dict(values)


def test_files_from_before_strong_couplings_were_compared(calibration: ph.Calibration) -> None:
    values = calibration.require_reduced().to_dict()
    values["agreement"].pop("strong", None)
    assert np.isnan(ReducedLaser.from_dict(values).agreement.strong)


def test_clamps_and_tempering(calibration: ph.Calibration) -> None:
    machine = ph.BoltzmannMachine(np.array([[0, 1.0], [1.0, 0]]), np.array([0.0, -0.5]))
    exact = 1 / (1 + np.exp(-0.5))
    for mode in ("pump", "laser"):
        samples = ph.sample(
            machine, "laser-reduced", chains=64, draws=400, seed=1, clamp={0: 1}, clamp_mode=mode
        )
        assert samples.marginals()[1] == pytest.approx(exact, abs=0.03)
    hot = ph.sample(
        machine,
        "laser-reduced",
        chains=8,
        draws=20,
        burn_in=5,
        seed=1,
        tempering=ph.Tempering(hottest=3, period=8),
    )
    assert hot.spikes is None
    assert hot.draws == 20


def test_what_is_refused(calibration: ph.Calibration) -> None:
    machine = ph.BoltzmannMachine(np.zeros((2, 2)), np.zeros(2))
    net = translated(machine, calibration)
    reduced = calibration.require_reduced()
    with pytest.raises(InvalidInput, match="must hold a reduced laser"):
        ph.sample(machine, "laser-reduced", calibration=replace(calibration, reduced=None))
    far = replace(reduced, agreement=replace(PERFECT, response=0.2, networks=np.nan))
    with pytest.raises(InvalidInput, match=r"response to a pulse is off by 0.200.*KL nan"):
        ph.sample(machine, "laser-reduced", calibration=replace(calibration, reduced=far))
    with pytest.raises(InvalidInput, match="time_step must be None"):
        ph.sample(machine, "laser-reduced", time_step=1 * ps)
    with pytest.raises(InvalidInput, match="devices must be empty"):
        ReducedSimulator(net.mismatched(0.05, seed=1), reduced)
    with pytest.raises(InvalidInput, match="delay must be one number"):
        ReducedSimulator(net.replace(delay=np.array([[0, 1 * ns], [2 * ns, 0]])), reduced)
    with pytest.raises(InvalidInput, match="reduced must be False"):
        ph.calibrate(ph.LifParameters.preset("lif-hcs"), reduced=True)


def test_calibration_keeps_it(calibration: ph.Calibration, tmp_path: Path) -> None:
    calibration.save(tmp_path / "c.json")
    again = ph.Calibration.load(tmp_path / "c.json").require_reduced()
    mine = calibration.require_reduced()
    assert_allclose(again.tables()[0], mine.tables()[0], rtol=2e-3)
    assert_array_equal(again.constants(), mine.constants())
    assert again.agreement == mine.agreement
    text = (tmp_path / "c.json").read_text()
    assert max(map(len, text.splitlines())) < 3000
    assert json.loads(text)["reduced"]["time_step"] == mine.time_step


def test_command_line(tmp_path: Path) -> None:
    model, out = tmp_path / "m.json", tmp_path / "run.zarr"
    ph.BoltzmannMachine(np.array([[0, 1.0], [1.0, 0]]), np.zeros(2)).save(model)
    options = ["--substrate", "laser-reduced", "--chains", "8", "--draws", "50", "--out", str(out)]
    result = CliRunner().invoke(app, ["sample", str(model), *options])
    assert result.exit_code == 0, result.output
    assert "laser-reduced" in result.output
    assert ph.load(out).substrate == "laser-reduced"
