"""How a reduced laser is measured on the full model of the same device.

1. Uncoupled lasers at constant pumps give intervals; their hazard over age and drive is smoothed as a
   Poisson regression on a tensor product of B-splines with second-order penalties (P-splines; Eilers &
   Marx 1996, Stat. Sci. 11, 89; arrays as in Currie, Durbán & Eilers 2006, J. R. Stat. Soc. B 68, 259).
2. Random machines of four units, weights and biases of both signs up to `COUPLINGS`, and the
   calibration's pairs and triples give the joint distributions of coupled lasers. The seven constants
   of the membrane are those whose joints come closest: to second order a KL is ½ Σ (p - q)²/q over
   states, a sum of squares, which Gauss–Newton with Marquardt's damping minimises (Marquardt 1963,
   J. Soc. Indust. Appl. Math. 11, 431).
3. Other runs, other seeds: activation, intervals, response to a pulse at several delays after a spike,
   and the joints of other random machines, reduced against full. Where they disagree by more than
   `LIMITS` the reduced laser is not used.
"""

import itertools
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photinus._core import validate
from photinus._core.streams import Seed, seed_sequence
from photinus._core.threads import available_threads
from photinus.calibration.synapse import MACHINES
from photinus.devices import assemble, setting
from photinus.engines.laser.simulator import Simulator
from photinus.engines.reduced.model import Agreement, ReducedLaser
from photinus.engines.reduced.simulator import ReducedSimulator
from photinus.errors import InvalidInput
from photinus.machines.boltzmann import BoltzmannMachine
from photinus.networks.couplings import dense
from photinus.networks.lasers import LaserNetwork, is_of_lasers
from photinus.spikes.trains import SpikeTrains
from photinus.translation.neuron import Neuron
from photinus.translation.rules import translate

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
SETTLE = 20
"""State windows dropped at the begin of each measurement."""
WINDOWS = 600
"""State windows measured for the hazard."""
COUPLED = 400
"""State windows of the coupled runs that are fitted or judged, with `COUPLED_CHAINS` chains."""
COUPLED_CHAINS = 128
COUPLINGS = (1.0, 2.0, 4.0)
"""Largest weights and biases of the random machines."""
FITTED, JUDGED = 21, 22
"""Seeds of the random machines that are fitted, and of those that tell how well."""
GUESS = (-0.3, 25.0, 0.85, 80.0, 40.0, 330.0, 10.0)
"""Where the fit starts: N_0/N_th, λ_c τ_g, n_c, 1000 τ_l/τ_g, s_0, 1000 τ_q/τ_g, s_1."""
CHANGES = (0.2, 4.0, 0.08, 10.0, 3.0, 30.0, 1.5)
"""By how much each is changed to see what it does."""
ROUNDS = 7
"""Steps of Gauss and Newton at most."""
GAIN = 0.02
"""Part by which a step must lower the sum of squares for another one to be taken."""
LONGEST = 6.0
"""Steps are at most so many `CHANGES`."""
DAMPINGS = (0.01, 0.1, 1.0, 10.0)
"""Tried in turn until a step helps."""
RARE = 1e-4
"""Added to the probability of each state in the weights, so that no unseen one counts for all."""
PIECES = 8


def reduce_laser(
    neuron: Neuron,
    *,
    steps: int = STEPS_PER_WINDOW,
    seed: Seed = 0,
    threads: int | None = None,
    advance: Callable[[], None] = lambda: None,
) -> ReducedLaser:
    """Measure the reduced laser of a calibrated device; takes a few minutes on two cores.

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
    validate.instance("neuron", neuron, Neuron)

    steps = validate.integer("steps", steps, 4)
    sequences = seed_sequence(seed).spawn(5)
    laser, window = neuron.laser, neuron.window
    drives = neuron.midpoint + neuron.slope * LOG_ODDS
    drives = drives[drives > 0]

    def run(network: LaserNetwork, windows: int, which: int, chains: int = CHAINS) -> SpikeTrains:
        simulator = Simulator(
            network,
            chains=chains,
            seed=sequences[which],
            time_step=neuron.time_step,
            threads=threads,
        )
        simulator.advance(SETTLE * window)
        return SpikeTrains.joined([simulator.advance(windows * window / PIECES) for _ in range(PIECES)])

    single = run(uncoupled(neuron, drives), WINDOWS, 0)
    advance()
    drive = np.linspace(drives[0], drives[-1], COLUMNS)
    bin_ = window / AGES_PER_WINDOW
    age = np.asarray((np.arange(round(OLDEST * AGES_PER_WINDOW)) + 0.5) * bin_, np.float64)
    log_hazard = _smooth_hazard(single, drives, drive, len(age), bin_) + np.log(laser.gain_lifetime)
    advance()
    reduced = ReducedLaser(
        time_step=window / steps,
        midpoint=neuron.midpoint,
        slope=neuron.slope,
        threshold_carriers=laser.threshold_carriers,
        gain_lifetime=laser.gain_lifetime,
        drive=drive,
        age=age,
        log_hazard=log_hazard,
        agreement=Agreement(activation=np.inf, intervals=np.inf, response=np.inf, networks=np.inf),
        **_constants(GUESS, laser.gain_lifetime, laser.threshold_carriers),
    )
    machines = [*random_machines(FITTED), *MACHINES]
    small = SmallNetworks.of(neuron, machines)
    coupled = small.joints(run(small.network, COUPLED, 1, COUPLED_CHAINS))
    reduced = _fit_membrane(reduced, small, coupled, sequences[1], available_threads(threads))
    advance()
    agreement = _agreement(neuron, reduced, run, sequences[4], threads)
    advance()
    return replace(reduced, agreement=agreement)


STAGES = 4
"""Calls of `advance` while a laser is reduced."""


def uncoupled(neuron: Neuron, drive: NDArray[np.float64]) -> LaserNetwork:
    """Return lasers with these drives that hear nothing of each other."""
    n = len(drive)
    return _network(neuron, drive, np.zeros((n, n)))


def _network(neuron: Neuron, drive: NDArray[np.float64], coupling: NDArray[np.float64]) -> LaserNetwork:
    network = assemble(
        neuron.parameters,
        drive=drive,
        coupling=coupling,
        kernel=neuron.kernel,
        window=neuron.window,
        detection_threshold=neuron.detection_threshold,
        driven=setting(neuron.parameters).bracket,
    )
    assert is_of_lasers(network)  # neuron.laser was asked for before
    return network


def random_machines(seed: int, units: int = 4) -> list[BoltzmannMachine]:
    """Return eight machines for each of `COUPLINGS`, the weakest first.

    Of each eight, three have weights of both signs, two inhibit only, one excites only, and two are
    frustrated: all weights of the same size, signs drawn.
    """
    rng = np.random.default_rng(seed)
    machines = []
    for scale, kind in itertools.product(COUPLINGS, range(8)):
        low, high = ((-1, 1), (-1, 0), (0, 1))[(kind > 2) + (kind > 4)]
        weights = rng.uniform(low, high, (units, units)) * scale
        if kind > 5:
            weights = rng.choice([-scale, scale], (units, units))
        weights = np.triu(weights, 1) + np.triu(weights, 1).T
        biases = rng.uniform(-scale, scale, units)
        if kind > 4:  # else they would be all on or all off
            biases = rng.uniform(-0.5, 0.5, units) - weights.sum(axis=1) / 2
        machines.append(BoltzmannMachine(weights, biases))
    return machines


@dataclass(frozen=True, slots=True)
class SmallNetworks:
    """Small machines as one network of parts that hear nothing of each other."""

    network: LaserNetwork
    ends: NDArray[np.intp]
    """Where the units of each machine end, array (machine,)."""

    @classmethod
    def of(cls, neuron: Neuron, machines: Sequence[BoltzmannMachine]) -> "SmallNetworks":
        """Return the lasers that sample from `machines`, by the measured rule."""
        from scipy.linalg import block_diag

        parts = [translate(machine, neuron) for machine in machines]
        network = _network(
            neuron,
            np.concatenate([part.drive for part in parts]),
            block_diag(*[dense(part.coupling) for part in parts]),
        )
        return cls(network, np.cumsum([part.n_units for part in parts]))

    def joints(self, spikes: SpikeTrains) -> list[NDArray[np.float64]]:
        """Return the joint of each machine, array (state,)."""
        return [mine.joint(self.window) for mine in spikes.split(self.ends)]

    @property
    def window(self) -> float:
        """State window τ [s]."""
        return self.network.window


def _smooth_hazard(
    spikes: SpikeTrains,
    drives: NDArray[np.float64],
    drive: NDArray[np.float64],
    ages: int,
    step: float,
) -> NDArray[np.float64]:
    """Return the logarithm of the hazard [1/s] at ages and `drive`, array (age, drive)."""
    lane, begins, time = spikes.by_lane()
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


def _fit_membrane(
    reduced: ReducedLaser,
    small: SmallNetworks,
    wanted: list[NDArray[np.float64]],
    seed: np.random.SeedSequence,
    threads: int,
) -> ReducedLaser:
    """Return `reduced` with the constants whose joints come closest to those `wanted`."""
    weight = 1 / np.sqrt(np.concatenate(wanted) + RARE)

    def candidate(values: NDArray[np.float64]) -> ReducedLaser:
        constants = _constants(values.tolist(), reduced.gain_lifetime, reduced.threshold_carriers)
        return replace(reduced, **constants)

    def residuals(values: NDArray[np.float64], threads: int = 1) -> NDArray[np.float64]:
        try:
            tried = candidate(values)
        except InvalidInput:  # out of the range that a constant may have
            return np.full(len(weight), np.inf)
        spikes = _run_reduced(small.network, tried, COUPLED, seed, threads, COUPLED_CHAINS)
        return (np.concatenate(small.joints(spikes)) - np.concatenate(wanted)) * weight

    values, now = np.array(GUESS), residuals(np.array(GUESS), threads)
    with ThreadPoolExecutor(threads) as pool:
        for _ in range(ROUNDS):
            before = now @ now
            moved = pool.map(residuals, values + np.diag(CHANGES))
            slope = np.stack([(there - now) for there in moved], axis=1)
            square, downhill = slope.T @ slope, -slope.T @ now
            for damping in DAMPINGS:
                step = np.linalg.solve(square + damping * np.diag(np.diag(square)), downhill)
                there = values + np.clip(step, -LONGEST, LONGEST) * CHANGES
                after = residuals(there, threads)
                if after @ after < now @ now:
                    values, now = there, after
                    break
            if now @ now > (1 - GAIN) * before:
                break
    return candidate(values)


def _run_reduced(
    network: LaserNetwork,
    reduced: ReducedLaser,
    windows: int,
    seed: np.random.SeedSequence,
    threads: int | None,
    chains: int = CHAINS,
) -> SpikeTrains:
    simulator = ReducedSimulator(network, reduced, chains=chains, seed=seed, threads=threads)
    simulator.advance(SETTLE * network.window)
    return simulator.advance(windows * network.window)


def divergence(p: NDArray[np.float64], q: NDArray[np.float64], windows: float) -> float:
    """Return KL(p‖q) of two joints seen for so many state windows, in nats.

    Half a window is shared out among the states of each, so that a state which one has not met costs
    little.
    """
    p, q = ((each * windows + 0.5 / len(each)) / (windows + 0.5) for each in (p, q))
    return float(np.sum(p * np.log(p / q)))


def _agreement(
    neuron: Neuron,
    reduced: ReducedLaser,
    full: Callable[..., SpikeTrains],
    seed: np.random.SeedSequence,
    threads: int | None,
) -> Agreement:
    """Compare runs of the reduced laser with others at full physics than those that were fitted."""
    from scipy.stats import ks_2samp

    window = neuron.window

    def run(network: LaserNetwork, windows: int, chains: int = CHAINS) -> SpikeTrains:
        return _run_reduced(network, reduced, windows, seed, threads, chains)

    drives = neuron.midpoint + neuron.slope * np.arange(SWEPT[0], SWEPT[1] + 1)
    single = uncoupled(neuron, drives[drives > 0])
    pair = full(single, 1000, 2), run(single, 4000)
    activation = [_activation(spikes, window) for spikes in pair]
    at = neuron.midpoint + neuron.slope * np.array(PUMPS)
    three = uncoupled(neuron, at)
    spikes = full(three, 2000, 3), run(three, 4000)
    distance = [
        ks_2samp(*both).statistic for both in zip(*(some.intervals() for some in spikes), strict=True)
    ]
    small = SmallNetworks.of(neuron, random_machines(JUDGED))
    coupled = (
        full(small.network, COUPLED, 3, COUPLED_CHAINS),
        run(small.network, COUPLED, COUPLED_CHAINS),
    )
    q, p = (small.joints(spikes) for spikes in coupled)
    seen = COUPLED * COUPLED_CHAINS
    kl = [divergence(*pair, seen) for pair in zip(p, q, strict=True)]
    strong = len(kl) // len(COUPLINGS)
    heard = pulsed(neuron)
    responses = full(heard, 3000, 2), run(heard, 6000)
    by_delay = [response(one, window) for one in responses]
    return Agreement(
        activation=float(np.abs(activation[0] - activation[1]).max()),
        intervals=float(max(distance)),
        response=float(np.sqrt(np.mean((by_delay[0] - by_delay[1]) ** 2))),
        networks=float(np.mean(kl[:-strong])),
        strong=float(np.mean(kl[-strong:])),
    )


def _activation(spikes: SpikeTrains, window: float) -> NDArray[np.float64]:
    return np.array([one.joint(window)[1] for one in spikes.split(np.arange(spikes.n_units) + 1)])


def pulsed(neuron: Neuron) -> LaserNetwork:
    """Return a source that fires seldom and its targets, `COPIES` of each bias and sign of weight."""
    kinds = np.array([(bias, weight) for bias in (-1, 0, 1) for weight in (-1, 1)] * COPIES)
    drive = neuron.midpoint + neuron.slope * np.append(-1.5, kinds[:, 0])
    coupling = np.zeros((len(drive), len(drive)))
    coupling[1:, 0] = neuron.slope * kinds[:, 1]
    return _network(neuron, drive, coupling)


def response(spikes: SpikeTrains, window: float) -> NDArray[np.float64]:
    """Return how often a target fires within τ of its source's spike, array (kind, delay).

    By the delay since its own latest spike, in the classes of `DELAYS`; sources that were on already
    are left out.
    """
    _lane, begins, time = spikes.by_lane()
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
