"""How a reduced laser is measured on the full model of the same device.

1. Uncoupled lasers at constant pumps give intervals; their hazard over age and drive is smoothed as a
   Poisson regression on a tensor product of B-splines with second-order penalties (P-splines; Eilers &
   Marx 1996, Stat. Sci. 11, 89; arrays as in Currie, Durbán & Eilers 2006, J. R. Stat. Soc. B 68, 259).
2. The calibration's pairs and triples, coupled, give spikes under drives that vary; the likelihood of
   these spikes given what the lasers received (Daley & Vere-Jones 2003, proposition 7.2.III) is
   maximised over the seven constants of the membrane.
3. Other runs, other seeds: activation, intervals, response to a pulse at several delays after a spike,
   and the joints of the small networks, reduced against full. Where they disagree by more than `LIMITS`
   the reduced laser is not used.
"""

import itertools
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from photinus import _validate
from photinus._numba import kernel
from photinus._threads import available_threads
from photinus.errors import InvalidInput
from photinus.network import LaserNetwork, SynapticKernel
from photinus.readout import occupancy
from photinus.reduced.kernel import (
    CLAMP,
    KEEP,
    LAG,
    LEAK,
    LOWEST,
    MOST,
    ONSET,
    REST,
    SCALE,
    TILT,
    TURN,
    advance_membrane,
)
from photinus.reduced.model import Agreement, ReducedLaser
from photinus.simulation.couplings import dense, entries
from photinus.simulation.engine import Simulator
from photinus.simulation.spikes import SpikeTrains
from photinus.simulation.streams import Seed, seed_sequence

if TYPE_CHECKING:
    from photinus.calibration.record import Calibration

STEPS_PER_WINDOW = 14
"""Steps of the recursion in a state window; docs/reduced.md compares others."""
AGES_PER_WINDOW = 60
"""Ages of the table in a state window."""
OLDEST = 3.0
"""Age after which a hazard counts as constant [τ]."""
LOG_ODDS = np.concatenate([np.linspace(-8, 8, 33), [9, 10, 11, 12]])
"""Drives at which intervals are measured, as distances from the midpoint in slopes."""
COLUMNS = 101
"""Drives of the table, over the range of `LOG_ODDS`."""
DRIVE_SPLINES, AGE_SPLINES = 28, 72
SMOOTHING = (0.1, 0.03)
"""Weights of the penalties along drive and age."""
CLOSE = 1e-6
"""Gain of log-likelihood per event that a step of the smoothing must still promise."""
PUMPS = (-1.0, 0.5, 2.0)
"""Distances from the midpoint, in slopes, at which intervals are compared."""
SWEPT = (-6.0, 8.0)
"""Range of the same, over which activations are compared."""
DELAYS = (0.75, 1.0, 1.25, 1.75, 2.5)
"""Edges of the delays from a spike to a pulse at which responses are compared [τ]."""
COPIES = 4
"""Targets of each kind that hear the same pulses."""
CHAINS = 64
AGES_PER_STEP = 4
"""Ages in a step for which hazards are read while the membrane is fitted."""
SETTLE = 20
"""State windows dropped at the begin of each measurement."""
WINDOWS = 600
"""State windows measured for the hazard."""
TRAINING = (12, 200)
"""Chains and state windows of the coupled run that is fitted."""
GUESS = (-0.3, 25.0, 0.85, 80.0, 40.0, 330.0, 10.0)
"""Where the fit starts: N_0/N_th, λ_c τ_g, n_c, 1000 τ_l/τ_g, s_0, 1000 τ_q/τ_g, s_1."""
EVALUATIONS = 500
PIECES = 8


def reduce_laser(
    calibration: "Calibration",
    *,
    steps: int = STEPS_PER_WINDOW,
    seed: Seed = 0,
    threads: int | None = None,
    advance: Callable[[], None] = lambda: None,
) -> ReducedLaser:
    """Measure the reduced laser of a calibrated device; takes one or two minutes on two cores.

    Parameters
    ----------
    calibration
        The device, with its state window and synapse.
    steps
        Steps of the recursion in a state window.
    seed
        Integer, SeedSequence or None.
    threads
        Number of threads; by default all cores that this process may use.
    advance
        Called `STAGES` times on the way.

    Raises
    ------
    InvalidInput
        If the calibration is not that of a laser, or `steps` are less than four.
    """
    steps = _validate.integer("steps", steps, 4)
    sequences = seed_sequence(seed).spawn(5)
    laser, window = calibration.laser, calibration.window
    drives = calibration.midpoint + calibration.slope * LOG_ODDS
    drives = drives[drives > 0]

    def run(network: LaserNetwork, windows: int, which: int, chains: int = CHAINS) -> SpikeTrains:
        simulator = Simulator(
            network,
            chains=chains,
            seed=sequences[which],
            time_step=calibration.time_step,
            threads=threads,
        )
        simulator.advance(SETTLE * window)
        return SpikeTrains.joined([simulator.advance(windows * window / PIECES) for _ in range(PIECES)])

    single = run(uncoupled(calibration, drives), WINDOWS, 0)
    advance()
    drive = np.linspace(drives[0], drives[-1], COLUMNS)
    bin_ = window / AGES_PER_WINDOW
    age = np.asarray((np.arange(round(OLDEST * AGES_PER_WINDOW)) + 0.5) * bin_, np.float64)
    log_hazard = _smooth_hazard(single, drives, drive, len(age), bin_) + np.log(laser.gain_lifetime)
    advance()
    reduced = ReducedLaser(
        time_step=window / steps,
        midpoint=calibration.midpoint,
        slope=calibration.slope,
        threshold_carriers=laser.threshold_carriers,
        gain_lifetime=laser.gain_lifetime,
        drive=drive,
        age=age,
        log_hazard=log_hazard,
        agreement=Agreement(activation=np.inf, intervals=np.inf, response=np.inf, networks=np.inf),
        **_constants(GUESS, laser.gain_lifetime, laser.threshold_carriers),
    )
    network = _small_networks(calibration)
    coupled = run(network, TRAINING[1], 1, TRAINING[0])
    reduced = _fit_membrane(reduced, network, coupled, available_threads(threads))
    advance()
    agreement = _agreement(calibration, reduced, run, sequences[4], threads)
    advance()
    return replace(reduced, agreement=agreement)


STAGES = 4
"""Calls of `advance` while a laser is reduced."""


def uncoupled(calibration: "Calibration", drive: NDArray[np.float64]) -> LaserNetwork:
    """Return lasers with these drives that hear nothing of each other."""
    n = len(drive)
    return _network(calibration, drive, np.zeros((n, n)))


def _network(
    calibration: "Calibration", drive: NDArray[np.float64], coupling: NDArray[np.float64]
) -> LaserNetwork:
    from photinus.devices import assemble, setting

    network = assemble(
        calibration.parameters,
        drive=drive,
        coupling=coupling,
        kernel=calibration.kernel,
        window=calibration.window,
        detection_threshold=calibration.detection_threshold,
        driven=setting(calibration.parameters).bracket,
    )
    assert isinstance(network, LaserNetwork)  # calibration.laser was asked for before
    return network


def _small_networks(calibration: "Calibration") -> LaserNetwork:
    """Return the calibration's pairs and triples as one network of uncoupled parts."""
    from scipy.linalg import block_diag

    from photinus.calibration.synapse import MACHINES
    from photinus.translation import translate

    parts = [translate(machine, calibration) for machine in MACHINES]
    return _network(
        calibration,
        np.concatenate([part.drive for part in parts]),
        block_diag(*[dense(part.coupling) for part in parts]),
    )


def _by_laser(spikes: SpikeTrains) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Return the lane (unit, chain) of all spikes, where each lane begins, and their times."""
    lane = spikes.unit.astype(np.int64) * spikes.chains + spikes.chain
    order = np.lexsort((spikes.time, lane))
    lane, time = lane[order], spikes.time[order]
    begins = np.searchsorted(lane, np.arange(spikes.n_units * spikes.chains + 1))
    return lane, begins, time


def intervals_of(spikes: SpikeTrains, unit: int) -> NDArray[np.float64]:
    """Return the intervals of a unit in all chains."""
    lane, _begins, time = _by_laser(spikes)
    between = np.diff(time)[np.diff(lane) == 0]
    owner = lane[1:][np.diff(lane) == 0] // spikes.chains
    return np.asarray(between[owner == unit])


def _smooth_hazard(
    spikes: SpikeTrains,
    drives: NDArray[np.float64],
    drive: NDArray[np.float64],
    ages: int,
    step: float,
) -> NDArray[np.float64]:
    """Return the logarithm of the hazard [1/s] at ages and `drive`, array (age, drive)."""
    lane, begins, time = _by_laser(spikes)
    events, exposure = np.zeros((2, len(drives), ages))
    same = np.diff(lane) == 0
    last = begins[1:][np.diff(begins) > 0] - 1
    length = np.concatenate([np.diff(time)[same], spikes.stop - time[last]])
    owner = np.concatenate([lane[1:][same], lane[last]]) // spikes.chains
    fired = np.arange(len(length)) < same.sum()
    bin_ = np.minimum((length / step).astype(np.int64), ages - 1)
    np.add.at(events, (owner[fired], bin_[fired]), 1.0)
    # Time spent in the last bin reached, and the whole of every earlier one.
    np.add.at(exposure, (owner, bin_), length - bin_ * step)
    reached = np.zeros_like(exposure)
    np.add.at(reached, (owner, bin_), 1.0)
    later = reached[:, ::-1].cumsum(axis=1)[:, ::-1] - reached
    exposure[:, :-1] += later[:, :-1] * step
    middle = 0.5 * (drives[0] + drives[-1])

    def along(x: NDArray[np.float64]) -> NDArray[np.float64]:
        # Finer in the middle, where activations change most.
        return np.asarray(np.arcsinh(4 * (x - middle) / (drives[-1] - drives[0])))

    return _p_spline(
        _splines(along(drives), along(drives), DRIVE_SPLINES),
        _splines(np.arange(ages) / ages, np.array([0.0, 1.0]), AGE_SPLINES),
        events,
        exposure,
        _splines(along(drive), along(drives), DRIVE_SPLINES),
    ).T


def _splines(x: NDArray[np.float64], span: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """Return `count` cubic B-splines with equal knots over the range of `span`, array (x, spline)."""
    from scipy.interpolate import BSpline

    low, high = span.min(), span.max()
    knot = (high - low) / (count - 3)
    knots = low + knot * np.arange(-3, count + 1)
    inside = np.clip(x, low, high - 1e-9 * knot)
    return np.asarray(BSpline.design_matrix(inside, knots, 3).toarray())


def _p_spline(
    rows: NDArray[np.float64],
    columns: NDArray[np.float64],
    events: NDArray[np.float64],
    exposure: NDArray[np.float64],
    wanted: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return the smoothed log rate at `wanted` rows and all columns, by penalised scoring."""
    from scipy.linalg import solve

    n, m = rows.shape[1], columns.shape[1]

    def penalty(size: int) -> NDArray[np.float64]:
        bend = np.diff(np.eye(size), 2, axis=0)
        return bend.T @ bend

    def squares(basis: NDArray[np.float64]) -> NDArray[np.float64]:
        return (basis[:, :, None] * basis[:, None, :]).reshape(len(basis), -1)

    # The last term holds coefficients that no datum and no neighbour determines.
    prior = SMOOTHING[0] * np.kron(penalty(n), np.eye(m)) + SMOOTHING[1] * np.kron(
        np.eye(n), penalty(m)
    )
    prior += 1e-6 * np.eye(n * m)
    left, right = squares(rows).T, squares(columns)

    def expected(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(exposure * np.exp(np.clip(rows @ weights @ columns.T, -80, 60)))

    def loss(weights: NDArray[np.float64]) -> float:
        flat = weights.ravel()
        rate = expected(weights).sum() - np.vdot(events, rows @ weights @ columns.T)
        return float(rate + 0.5 * flat @ prior @ flat)

    weights = np.full((n, m), np.log((events.sum() + 1) / exposure.sum()))
    now = loss(weights)
    for _ in range(80):
        mean = expected(weights)
        fisher = (left @ mean @ right).reshape(n, n, m, m).transpose(0, 2, 1, 3)
        slope = (rows.T @ (events - mean) @ columns).ravel() - prior @ weights.ravel()
        step = solve(fisher.reshape(n * m, n * m) + prior, slope, assume_a="pos")
        gain = 0.5 * float(slope @ step)
        if gain < CLOSE * events.sum():
            break
        share = 1.0
        while (after := loss(weights + share * step.reshape(n, m))) > now and share > 1e-6:
            share *= 0.5
        weights, now = weights + share * step.reshape(n, m), after
    return np.asarray(wanted @ weights @ columns.T)


def _constants(values: Sequence[float], lifetime: float, threshold: float) -> dict[str, Any]:
    """Return the membrane's constants by name from numbers of order one to a hundred, see `GUESS`."""
    reset, rate, onset, lag, steepness, memory, turn = values
    return {
        "reset": reset * threshold,
        "clamp_rate": abs(rate) / lifetime,
        "clamp_onset": onset,
        "lag": (abs(lag) + 1) * 1e-3 * lifetime,
        "steepness": steepness,
        "memory": (abs(memory) + 5) * 1e-3 * lifetime,
        "turn": turn,
    }


@dataclass(frozen=True, slots=True)
class _Heard:
    """What the lasers of one chain got and did, on the grid of the recursion."""

    pump: NDArray[np.float32]
    """Synaptic drive, mean over each step, array (unit, step)."""
    kick: NDArray[np.float32]
    """Kicks, as a drive for one step."""
    begins: NDArray[np.int64]
    """Where each unit's spikes begin, array (unit + 1,)."""
    time: NDArray[np.float64]
    """Spikes, unit by unit [steps]."""


def _fit_membrane(
    reduced: ReducedLaser, network: LaserNetwork, spikes: SpikeTrains, threads: int
) -> ReducedLaser:
    """Return `reduced` with the constants that make the spikes most likely."""
    from scipy.optimize import minimize

    dt = reduced.time_step
    heard = [_hear(network, spikes, chain, dt) for chain in range(spikes.chains)]
    hazard = hazard_by_age(reduced)

    def candidate(values: Sequence[float]) -> ReducedLaser:
        return replace(reduced, **_constants(values, reduced.gain_lifetime, reduced.threshold_carriers))

    with ThreadPoolExecutor(threads) as pool:

        def unlikely(values: NDArray[np.float64]) -> float:
            try:
                tried = candidate(values.tolist())
            except InvalidInput:  # out of the range that a constant may have
                return np.inf
            constants = tried.constants()

            def one(chain: _Heard) -> float:
                return float(
                    _log_likelihood(
                        chain.time,
                        chain.begins,
                        chain.pump,
                        chain.kick,
                        network.drive - tried.reset,
                        constants,
                        hazard,
                    )
                )

            total = -sum(pool.map(one, heard))
            return total if np.isfinite(total) else np.inf

        found = minimize(
            unlikely,
            np.array(GUESS),
            method="Nelder-Mead",
            options={"maxfev": EVALUATIONS, "xatol": 1e-3, "fatol": 0.3},
        )
    return candidate(found.x.tolist())


def hazard_by_age(reduced: ReducedLaser) -> NDArray[np.float64]:
    """Return the logarithm of the hazard per step as `_log_likelihood` reads it, array (age, drive)."""
    dt = reduced.time_step / AGES_PER_STEP
    ages = np.arange(0.5, reduced.age[-1] / dt) * dt
    return np.asarray(np.log(reduced.hazard_per_step(ages)))


def _hear(network: LaserNetwork, spikes: SpikeTrains, chain: int, dt: float) -> _Heard:
    mine = spikes.chain == chain
    unit, time = spikes.unit[mine].astype(np.int64), (spikes.time[mine] - spikes.start) / dt
    steps = int((spikes.stop - spikes.start) / dt)
    n = network.n_units
    target, source, weight = entries(network.coupling)
    pump, kick = np.zeros((2, n, steps), np.float32)
    k = network.kernel
    shape = (float(k.sustain), k.duration / dt, k.kick * network.parameters.gain_lifetime / dt)
    _received(unit, time, target, source, weight, *_rectangle(k, shape), pump, kick)
    order = np.lexsort((time, unit))
    begins = np.searchsorted(unit[order], np.arange(n + 1)).astype(np.int64)
    return _Heard(pump, kick, begins, time[order])


def _rectangle(
    kernel_: SynapticKernel, shape: tuple[float, float, float]
) -> tuple[float, float, float, bool, bool]:
    return (*shape, kernel_.renewing, kernel_.shape == "exponential")


@kernel
def _received(  # type: ignore[no-untyped-def]
    unit, time, target, source, weight, height, duration, kick, renewing, decaying, pumps, kicks
):
    """Fill in what spikes (unit, time [steps]) bring to their targets, step by step.

    As `photinus.reduced.kernel` does it: from the step after the spike on, with what was missed or
    brought too much made up for in the step after.
    """
    steps = pumps.shape[1]
    last = np.full(pumps.shape[0], -1e18)
    decay = np.exp(-1.0 / duration)
    if decaying:
        height *= (1.0 - decay) * duration
    for k in range(len(time)):
        j = unit[k]
        elapsed = time[k] - last[j]
        ended = last[j] + duration
        last[j] = time[k]
        ends = time[k] + duration
        first = int(time[k]) + 1
        end = min(first + int(12.0 * duration) if decaying else int(ends) + 1, steps)
        share, begin, begins = 1.0, first, time[k]
        if renewing and decaying:
            share = 1.0 - np.exp(-elapsed / duration)
        elif renewing and elapsed < duration:
            share, begin, begins = elapsed / duration, int(ended) + 1, ended
        for q in range(len(target)):
            if source[q] != j:
                continue
            i = target[q]
            full = height * weight[q] * (share if decaying else 1.0)
            if first < steps:
                kicks[i, first] += share * kick * weight[q]
            if begin < steps:
                pumps[i, begin] += full * (begin - begins)
            for s in range(begin, end):
                pumps[i, s] += full * decay ** (s - begin) if decaying else full
            if not decaying and end < steps:
                pumps[i, end] -= full * (end - ends)


@kernel
def _log_likelihood(time, begins, pumps, kicks, base, constants, log_hazard):  # type: ignore[no-untyped-def]
    """Return the log-likelihood of the spikes of one chain under a reduced laser, see module.

    `base` is the constant drive relative to the reset; `log_hazard` (age, drive) as by `hazard_by_age`.
    """
    rest, most = constants[REST], constants[MOST]
    leak, clamp = constants[LEAK], constants[CLAMP]
    onset, lag, keep = constants[ONSET], constants[LAG], constants[KEEP]
    tilt, turn = constants[TILT], constants[TURN]
    lowest, scale = constants[LOWEST], constants[SCALE]
    ages, columns = log_hazard.shape
    total = 0.0
    for i in range(pumps.shape[0]):
        spike, end = begins[i], begins[i + 1]
        if end - spike < 2:
            continue
        step = int(time[spike])
        since = step + 1 - time[spike]
        push = max(np.float32(base[i]) + pumps[i, step], rest)
        effective, felt, excess = push, push, np.float32(0.0)
        risen = leak * np.float32(max(since, 1e-3))
        age = since
        spike += 1
        step += 1
        while spike < end and step < pumps.shape[1]:
            push = max(np.float32(base[i]) + pumps[i, step], rest)
            effective, felt, risen, excess, factor = advance_membrane(
                effective,
                felt,
                risen,
                excess,
                push + kicks[i, step],
                rest,
                most,
                leak,
                clamp,
                onset,
                lag,
                keep,
                tilt,
                turn,
            )
            x = (felt - lowest) * scale
            # Compared so that what is not a number gives an entry of the table too.
            x = x if x > 0.0 else 0.0
            x = x if x < columns - 1.001 else columns - 1.001
            column = int(x)
            row = min(int((age + 0.5) * AGES_PER_STEP), ages - 1)
            low, high = log_hazard[row, column], log_hazard[row, column + 1]
            rate = np.exp(low + (high - low) * (x - column)) * factor
            if int(time[spike]) == step:
                part = time[spike] - step
                total += np.log(rate + 1e-12) - rate * part
                since = 1.0 - part
                effective, felt, excess = push, push, np.float32(0.0)
                risen = leak * np.float32(max(since, 1e-3))
                age = since
                spike += 1
            else:
                total -= rate
                age += 1.0
            step += 1
    return total


def _agreement(
    calibration: "Calibration",
    reduced: ReducedLaser,
    full: Callable[..., SpikeTrains],
    seed: np.random.SeedSequence,
    threads: int | None,
) -> Agreement:
    """Compare runs of the reduced laser with others at full physics than those that were fitted."""
    from scipy.stats import ks_2samp

    from photinus.calibration.synapse import MACHINES
    from photinus.fidelity import kl_divergence
    from photinus.reduced.simulator import ReducedSimulator

    window = calibration.window

    def run(network: LaserNetwork, windows: int, chains: int = CHAINS) -> SpikeTrains:
        simulator = ReducedSimulator(network, reduced, chains=chains, seed=seed, threads=threads)
        simulator.advance(SETTLE * window)
        return simulator.advance(windows * window)

    drives = calibration.midpoint + calibration.slope * np.arange(SWEPT[0], SWEPT[1] + 1)
    single = uncoupled(calibration, drives[drives > 0])
    pair = full(single, 1000, 2), run(single, 4000)
    activation = [_activation(spikes, window) for spikes in pair]
    at = calibration.midpoint + calibration.slope * np.array(PUMPS)
    three = uncoupled(calibration, at)
    spikes = full(three, 2000, 3), run(three, 4000)
    distance = [
        ks_2samp(intervals_of(spikes[0], unit), intervals_of(spikes[1], unit)).statistic
        for unit in range(len(PUMPS))
    ]
    small = _small_networks(calibration)
    both = full(small, 200, 3), run(small, 800)
    kl, end = [], 0
    for machine in MACHINES:
        end += machine.n_units
        p, q = (_joint(one, end - machine.n_units, end, window) for one in both)
        kl.append(kl_divergence(q, p))
    heard = pulsed(calibration)
    responses = full(heard, 3000, 2), run(heard, 6000)
    by_delay = [response(one, window) for one in responses]
    return Agreement(
        activation=float(np.abs(activation[0] - activation[1]).max()),
        intervals=float(max(distance)),
        response=float(np.sqrt(np.mean((by_delay[0] - by_delay[1]) ** 2))),
        networks=float(np.mean(kl)),
    )


def _activation(spikes: SpikeTrains, window: float) -> NDArray[np.float64]:
    return np.array([_joint(spikes, u, u + 1, window)[1] for u in range(spikes.n_units)])


def _joint(spikes: SpikeTrains, first: int, end: int, window: float) -> NDArray[np.float64]:
    mine = (spikes.unit >= first) & (spikes.unit < end)
    joint = occupancy(
        spikes.chain[mine],
        spikes.unit[mine] - np.int32(first),
        spikes.time[mine],
        chains=spikes.chains,
        units=end - first,
        window=window,
        start=spikes.start + window,
        stop=spikes.stop,
    ).joint
    assert joint is not None  # networks are small
    return np.asarray(joint / joint.sum())


def pulsed(calibration: "Calibration") -> LaserNetwork:
    """Return a source that fires seldom and its targets, `COPIES` of each bias and sign of weight."""
    kinds = np.array([(bias, weight) for bias in (-1, 0, 1) for weight in (-1, 1)] * COPIES)
    drive = calibration.midpoint + calibration.slope * np.append(-1.5, kinds[:, 0])
    coupling = np.zeros((len(drive), len(drive)))
    coupling[1:, 0] = calibration.slope * kinds[:, 1]
    return _network(calibration, drive, coupling)


def response(spikes: SpikeTrains, window: float) -> NDArray[np.float64]:
    """Return how often a target fires within τ of its source's spike, array (kind, delay).

    By the delay since its own latest spike, in the classes of `DELAYS`; sources that were on already
    are left out.
    """
    _lane, begins, time = _by_laser(spikes)
    trains = [time[begin:end] for begin, end in itertools.pairwise(begins)]
    chains = spikes.chains
    kinds = (spikes.n_units - 1) // COPIES
    fired, pulses = np.zeros((2, kinds, len(DELAYS) - 1))
    for chain, source in enumerate(trains[:chains]):
        pulse = source[1:][np.diff(source) > 2 * window]
        pulse = pulse[pulse < spikes.stop - window]
        for k, target in enumerate(trains[chains + chain :: chains]):
            padded = np.concatenate([[-np.inf], target, [np.inf]])
            next_ = np.searchsorted(padded, pulse)
            delay = np.searchsorted(DELAYS, (pulse - padded[next_ - 1]) / window) - 1
            known = (delay >= 0) & (delay < len(DELAYS) - 1)
            then = padded[next_] - pulse < window
            np.add.at(pulses[k % kinds], delay[known], 1.0)
            np.add.at(fired[k % kinds], delay[known], then[known].astype(float))
    return np.asarray(fired / np.maximum(pulses, 1.0))
