"""What a laser does as a sampling neuron, measured: activation curve, state window, synapse.

The protocol follows the calibration of LIF sampling (Petrovici et al. 2016, Phys. Rev. E 94,
042312): drive, measure the probability of being on, fit a logistic. Everything is measured on the
simulated device with full physics; nothing is taken from the parameters but the scale of the sweep.

1. *Detection threshold.* The read-out sees a spike when the photon number passes half the peak of the
   noise-free spike (`photinus.laser.spike`), and looks for the next one below a quarter of that.
   Weaker pulses pass unseen although they reset the carriers, so a higher threshold makes a laser
   look more random than it is, at the price of hidden resets; a lower one counts noise.
2. *State window.* An ideal refractory neuron (Buesing et al. 2011) with refractory time τ has
   interspike intervals of mean τ + 1/r and standard deviation 1/r for the hazard r. At p = ½ that is
   mean 2 τ and coefficient of variation ½. So τ is half the mean interval at the pump where the
   coefficient of variation is ½, to two digits: τ is a choice of the read-out, no constant of nature.
3. *Activation curve.* A long sweep; logistic fit p = 1/(1 + exp(-(N - N½)/α)) over 5–95 % with
   N = P τ_g, P the pump rate.
4. *Synapse.* Symmetric pairs over biases and weights of both signs. Kick and sustained pulse are
   those that minimise the mean KL of the pairs, to second order: Gauss–Newton on the log-odds of
   the pairs' joint states, weighted with the Fisher information of the targets. (A one-way pair
   would not do: its joint is not a Boltzmann distribution.)
"""

import functools
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photinus import _files, _validate
from photinus.errors import InvalidInput, NotConverged
from photinus.laser import PRESETS, LaserParameters, spike
from photinus.network import LaserNetwork, SynapticKernel
from photinus.progress import Progress, tracked
from photinus.readout import occupancy
from photinus.simulation.engine import TIME_STEP, largest_time_step, simulate
from photinus.simulation.spikes import SpikeTrains
from photinus.simulation.streams import Seed, seed_sequence

SCHEMA = 1
KIND = "laser-calibration"
DEFAULT_PRESET = "fast-absorber"

THRESHOLD_FRACTION = 0.5
"""Detection threshold over the peak of the noise-free spike."""
SURVEY_POINTS = 32
"""Pumps in each step of the survey."""
FIT_BAND = (0.05, 0.95)
"""Probabilities between which the logistic is fitted (protocol of `sbs`)."""
RELIABLE = 0.004
"""Probability from which on (and up to one minus it) a point of the activation table is inverted."""
TOLERATED_ERROR = 0.05
"""Largest error of the activation that counts as inside the calibrated range of biases."""
CHAINS = 64
SETTLE = 15
"""State windows dropped at the begin of each measurement."""
PAIR_BIASES = ((-1.0, -1.0), (-1.0, 1.0), (0.0, 0.0), (1.0, 0.5))
PAIR_WEIGHTS = (-1.0, -0.5, 0.5, 1.0)
START_KERNEL = (0.25, 0.75)
KERNEL_STEPS = (0.08, 0.15)
"""Steps of the finite differences in kick and sustain."""
GROUPS = 8
"""Groups of chains whose spread gives the errors of kick and sustain."""

_TABLE = (
    "pump_carriers",
    "activation",
    "activation_error",
    "mean_interval",
    "interval_cv",
    "shortest_interval",
)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Calibration:
    """The constants that turn a Boltzmann machine into pumps and couplings, with their errors."""

    parameters: LaserParameters
    """The device that was measured."""
    window: float
    """State window τ [s]."""
    detection_threshold: float
    """Photon number in the cavity at which a spike counts."""
    midpoint: float
    """N½ = P τ_g at which a laser is on half of the time [carriers]."""
    midpoint_error: float
    """Standard error of `midpoint` [carriers]."""
    slope: float
    """α, change of P τ_g that changes the log-odds by one [carriers]."""
    slope_error: float
    """Standard error of `slope` [carriers]."""
    residual: float
    """Largest deviation of the measured activation from the logistic between 5 and 95 %."""
    kick: float
    """Carriers that a spike adds at once, in units of α W."""
    kick_error: float
    """Standard error of `kick`."""
    sustain: float
    """Height of the pump pulse that follows, in units of α W / τ_g."""
    sustain_error: float
    """Standard error of `sustain`."""
    pair_kl: float
    """Mean KL(sampled‖target) of the calibration pairs with this synapse [nats]."""
    bias_range: tuple[float, float]
    """Biases within which the activation is logistic to 0.05."""
    weight_range: tuple[float, float]
    """Weights that the synapse was measured with."""
    pump_carriers: NDArray[np.float64]
    """P τ_g of the sweep, array (point,) [carriers]."""
    activation: NDArray[np.float64]
    """Probability of being on, array (point,)."""
    activation_error: NDArray[np.float64]
    """Standard error of `activation`, array (point,)."""
    mean_interval: NDArray[np.float64]
    """Mean interspike interval, array (point,) [s]; nan where there were too few spikes."""
    interval_cv: NDArray[np.float64]
    """Coefficient of variation of the intervals, array (point,)."""
    shortest_interval: NDArray[np.float64]
    """Shortest interval seen, array (point,) [s]."""
    time_step: float
    """Integration step that was used [s]."""
    seed: str
    """Entropy of the seed."""
    version: str
    """Version of Photinus that measured."""

    def __post_init__(self) -> None:
        for name in ("window", "detection_threshold", "midpoint", "slope", "time_step"):
            _validate.positive(name, getattr(self, name))
        errors = ("midpoint_error", "slope_error", "kick_error", "sustain_error")
        for name in ("kick", "sustain", "residual", "pair_kl", *errors):
            _validate.non_negative(name, getattr(self, name))
        for name in ("bias_range", "weight_range"):
            low, high = _validate.finite_array(name, getattr(self, name), 1)
            if not low < high:
                raise InvalidInput(f"{name} must rise, got {getattr(self, name)!r}")
        for name in _TABLE:
            _validate.same_length(name, getattr(self, name), "pump_carriers", len(self.pump_carriers))

    @property
    def samples_or_pulses(self) -> str:
        """A plain judgement: whether this device samples, roughly samples, or merely pulses."""
        if self.residual <= 0.06 and self.pair_kl <= 0.02:
            return (
                f"samples: activation logistic to {self.residual:.3f}, "
                f"pairs within KL {self.pair_kl:.2g} of their target"
            )
        if self.residual <= 0.12 and self.pair_kl <= 0.1:
            return (
                f"samples roughly: activation logistic to {self.residual:.3f}, "
                f"pairs within KL {self.pair_kl:.2g} of their target"
            )
        return (
            f"pulses rather than samples: activation off a logistic by {self.residual:.3f}, "
            f"pairs by KL {self.pair_kl:.2g}"
        )

    @property
    def half_current(self) -> float:
        """Pump current at which a laser is on half of the time [A]."""
        return self.parameters.current(self.midpoint / self.parameters.gain_lifetime)

    def logistic(self, carriers: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the fitted probability of being on at P τ_g = `carriers`."""
        return _logistic(np.asarray(carriers, np.float64), self.midpoint, self.slope)

    def carriers(self, log_odds: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the P τ_g at which a laser is on with probability σ(log_odds): the measured curve.

        The inverse of the activation table, monotone between its points (PCHIP; Fritsch & Carlson
        1980, SIAM J. Numer. Anal. 17, 238) where a probability is known well (0.4 to 99.6 %), and
        straight beyond.
        """
        from scipy.interpolate import PchipInterpolator

        p = self.activation
        known = (p > RELIABLE) & (p < 1 - RELIABLE)
        x, y = np.log(p[known] / (1 - p[known])), self.pump_carriers[known]
        rising = np.concatenate([[True], x[1:] > np.maximum.accumulate(x)[:-1] + 0.05])
        x, y = x[rising], y[rising]
        inner = PchipInterpolator(x, y)(np.clip(log_odds, x[0], x[-1]))
        foot = (y[3] - y[0]) / (x[3] - x[0]) * np.minimum(log_odds - x[0], 0.0)
        shoulder = (y[-1] - y[-4]) / (x[-1] - x[-4]) * np.maximum(log_odds - x[-1], 0.0)
        return np.asarray(inner + foot + shoulder)

    def require(self, parameters: LaserParameters) -> None:
        """Raise `InvalidInput` unless this is a calibration of `parameters`."""
        mine, other = self.parameters.to_dict(), parameters.to_dict()
        for key in mine:
            if key != "name" and mine[key] != other[key]:
                raise InvalidInput(
                    f"calibration must be of the same device: {key} is {mine[key]!r} there, "
                    f"{other[key]!r} here"
                )

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the calibration as JSON to `path`."""
        document: dict[str, Any] = {"kind": KIND, "schema": SCHEMA}
        for name in self.__slots__:
            value = getattr(self, name)
            if isinstance(value, LaserParameters):
                value = value.to_dict()
            elif isinstance(value, np.ndarray):
                value = [None if np.isnan(x) else float(f"{x:.6g}") for x in value]
            document[name] = value
        _files.write_text(path, json.dumps(document, indent=1) + "\n")

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "Calibration":
        """Read a calibration that `save` wrote.

        Raises
        ------
        InvalidInput
            If the file is missing, truncated, of another kind or of a newer schema.
        """
        document = _files.read_json(path, kind=KIND, schema=SCHEMA)
        with _files.reading(path, KIND):
            fields = {name: document[name] for name in cls.__slots__}
            fields["parameters"] = LaserParameters.from_dict(fields["parameters"])
            for name in ("bias_range", "weight_range"):
                fields[name] = tuple(fields[name])
            for name in _TABLE:
                fields[name] = np.array([np.nan if x is None else x for x in fields[name]], np.float64)
            return cls(**fields)

    @classmethod
    @functools.cache
    def preset(cls, name: str = DEFAULT_PRESET) -> "Calibration":
        """Return the calibration of a preset that ships with the package."""
        _validate.one_of("preset", name, PRESETS)
        return cls.load(str(files("photinus") / "data" / f"{name}.json"))


def calibrate(
    parameters: LaserParameters,
    *,
    seed: Seed = 0,
    time_step: float | None = None,
    threads: int | None = None,
    progress: Progress | bool | None = None,
) -> Calibration:
    """Measure a laser as a sampling neuron; takes a minute or so on two cores.

    Parameters
    ----------
    parameters
        The device.
    seed
        Integer, SeedSequence or None.
    time_step
        Integration step [s]; by default 0.5 ps, or less where the device asks for it.
    threads, progress
        As in `photinus.simulate`.

    Raises
    ------
    NotConverged
        If the device fires no spikes, or never at random: there is nothing to calibrate.
    """
    from photinus import __version__

    sequence = seed_sequence(seed)
    dt = min(TIME_STEP, largest_time_step(parameters)) if time_step is None else time_step
    bench = _Bench(parameters, dt, threads, [*sequence.spawn(8)])
    with tracked(progress, f"calibrating {parameters.name}", 11) as advance:
        threshold = THRESHOLD_FRACTION * spike(parameters).peak_photons
        window, guess = _state_window(bench, threshold, advance)
        curve = _activation_curve(bench, threshold, window, guess)
        advance(2)
        synapse = _synapse(bench, threshold, window, curve, advance)
    return Calibration(
        parameters=parameters,
        window=window,
        detection_threshold=threshold,
        **curve,
        **synapse,
        weight_range=(min(PAIR_WEIGHTS), max(PAIR_WEIGHTS)),
        time_step=dt,
        seed=str(sequence.entropy),
        version=__version__,
    )


@dataclass(frozen=True, slots=True)
class _Bench:
    """A device, how it is simulated, and one seed per measurement."""

    parameters: LaserParameters
    time_step: float
    threads: int | None
    seeds: list[np.random.SeedSequence]

    def network(
        self,
        carriers: NDArray[np.float64],
        threshold: float,
        window: float,
        *,
        coupling: NDArray[np.float64] | None = None,
        kernel: tuple[float, float] = (0.0, 0.0),
    ) -> LaserNetwork:
        """Return lasers with P τ_g = `carriers`, coupled by `coupling` if given."""
        n = len(carriers)
        return LaserNetwork(
            parameters=self.parameters,
            pump=np.maximum(carriers, 0.0) / self.parameters.gain_lifetime,
            coupling=np.zeros((n, n)) if coupling is None else coupling,
            kernel=SynapticKernel(kick=kernel[0], sustain=kernel[1], duration=window),
            window=window,
            detection_threshold=threshold,
            driven_pump=(0.0, 0.0),
        )

    def run(self, network: LaserNetwork, duration: float, chains: int, seed: int) -> SpikeTrains:
        """Simulate `network`."""
        return simulate(
            network,
            duration,
            chains=chains,
            seed=self.seeds[seed],
            time_step=self.time_step,
            threads=self.threads,
        )


def _logistic(x: NDArray[np.float64], midpoint: float, slope: float) -> NDArray[np.float64]:
    return 1.0 / (1.0 + np.exp(-np.clip((x - midpoint) / slope, -700, 700)))


def _intervals(spikes: SpikeTrains, start: float) -> tuple[NDArray[np.float64], ...]:
    """Return mean, coefficient of variation and minimum of the intervals per unit; nan for few."""
    mean, cv, shortest = np.full((3, spikes.n_units), np.nan)
    order = np.lexsort((spikes.time, spikes.chain, spikes.unit))
    unit, chain, time = spikes.unit[order], spikes.chain[order], spikes.time[order]
    same = (np.diff(unit) == 0) & (np.diff(chain) == 0) & (time[:-1] >= start)
    interval, owner = np.diff(time)[same], unit[1:][same]
    for u in range(spikes.n_units):
        mine = interval[owner == u]
        if len(mine) >= 20:
            mean[u], cv[u], shortest[u] = mine.mean(), mine.std() / mine.mean(), mine.min()
    return mean, cv, shortest


def _activation(
    spikes: SpikeTrains, window: float, start: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the probability of being on and its standard error (from the spread over chains)."""
    on = np.empty((spikes.chains, spikes.n_units))
    for u in range(spikes.n_units):
        mine = spikes.unit == u
        on[:, u] = occupancy(
            spikes.chain[mine],
            np.zeros(int(mine.sum()), np.int32),
            spikes.time[mine],
            chains=spikes.chains,
            units=1,
            window=window,
            start=start,
            stop=spikes.stop,
        ).moments[:, 0, 0]
    return on.mean(axis=0), on.std(axis=0, ddof=1) / np.sqrt(spikes.chains)


def _fit_logistic(
    x: NDArray[np.float64], p: NDArray[np.float64], error: NDArray[np.float64]
) -> tuple[float, float, float, float, float]:
    """Return midpoint, slope, their standard errors, and the largest residual in the band."""
    from scipy.optimize import curve_fit

    band = (p > FIT_BAND[0]) & (p < FIT_BAND[1])
    if band.sum() < 4:
        raise NotConverged(
            f"the activation must have at least 4 points between {FIT_BAND[0]} and {FIT_BAND[1]}, "
            f"got {int(band.sum())}: the device switches from silent to always on"
        )
    guess = (float(np.interp(0.5, p[band], x[band])), float(np.ptp(x[band])) / 5)
    (midpoint, slope), covariance = curve_fit(
        _logistic, x[band], p[band], p0=guess, sigma=np.maximum(error[band], 1e-4)
    )
    midpoint_error, slope_error = np.sqrt(np.diag(covariance))
    residual = np.abs(_logistic(x[band], midpoint, slope) - p[band]).max()
    return (
        float(midpoint),
        float(slope),
        float(midpoint_error),
        float(slope_error),
        float(residual),
    )


def _state_window(
    bench: _Bench, threshold: float, advance: Callable[[float], None]
) -> tuple[float, tuple[float, float]]:
    """Return the state window, and a first (midpoint, slope) of the activation."""
    scale, lifetime = bench.parameters.threshold_carriers, bench.parameters.gain_lifetime
    settle = 12 * lifetime
    bracket = (0.6 * scale, 3.0 * scale)
    # Each survey narrows the pumps to where firing goes from rare to regular.
    for stage in range(3):
        carriers = np.linspace(*bracket, SURVEY_POINTS)
        network = bench.network(carriers, threshold, lifetime)
        spikes = bench.run(network, settle + (40 if stage < 2 else 200) * lifetime, 32, stage)
        mean, cv, _ = _intervals(spikes, settle)
        if stage < 2:
            bracket = _zoom(carriers, spikes.rates().mean(axis=0), cv, bracket)
        advance(1)
    half = _crossing(carriers, cv, 0.5)
    if half is None:
        raise NotConverged(
            f"laser {bench.parameters.name!r} never fires at random at pumps from 0.6 to 3 times "
            "its threshold: there is no activation curve to calibrate"
        )
    known = np.isfinite(mean)
    window = float(f"{np.interp(half, carriers[known], mean[known]) / 2:.2g}")
    p, error = _activation(spikes, window, settle)
    midpoint, slope, *_ = _fit_logistic(carriers, p, error)
    return window, (midpoint, slope)


def _zoom(
    grid: NDArray[np.float64],
    rate: NDArray[np.float64],
    cv: NDArray[np.float64],
    bracket: tuple[float, float],
) -> tuple[float, float]:
    """Return the pumps between the last silent point and the first that fires regularly."""
    firing = rate > 0.01 * rate.max(initial=0.0)
    if not firing.any():
        return bracket
    first = max(int(np.argmax(firing)) - 1, 0)
    regular = firing & (np.nan_to_num(cv, nan=np.inf) < 0.12)
    last = int(np.argmax(regular)) if regular.any() else len(grid) - 1
    return float(grid[first]), float(grid[max(last, first + 1)])


def _crossing(x: NDArray[np.float64], y: NDArray[np.float64], level: float) -> float | None:
    """Return where the falling curve y(x) last crosses `level`, None if it does not."""
    known = np.isfinite(y)
    x, y = x[known], y[known]
    above = np.flatnonzero(y >= level)
    if len(above) == 0 or above[-1] + 1 >= len(y):
        return None
    k = above[-1]
    return float(np.interp(level, [y[k + 1], y[k]], [x[k + 1], x[k]]))


def _activation_curve(
    bench: _Bench, threshold: float, window: float, guess: tuple[float, float]
) -> dict[str, Any]:
    """Return the long sweep and its logistic fit, as fields of `Calibration`."""
    carriers = guess[0] + guess[1] * np.linspace(-6, 8, 57)
    carriers = carriers[carriers > 0]
    settle = SETTLE * window
    spikes = bench.run(bench.network(carriers, threshold, window), settle + 200 * window, CHAINS, 3)
    p, error = _activation(spikes, window, settle)
    mean, cv, shortest = _intervals(spikes, settle)
    midpoint, slope, midpoint_error, slope_error, residual = _fit_logistic(carriers, p, error)
    bias = (carriers - midpoint) / slope
    good = np.abs(p - _logistic(bias, 0.0, 1.0)) <= TOLERATED_ERROR
    middle = int(np.argmin(np.abs(bias)))
    first, last = middle, middle
    while first > 0 and good[first - 1]:
        first -= 1
    while last < len(bias) - 1 and good[last + 1]:
        last += 1
    return {
        "midpoint": midpoint,
        "midpoint_error": midpoint_error,
        "slope": slope,
        "slope_error": slope_error,
        "residual": residual,
        "bias_range": (float(bias[first]), float(bias[last])),
        "pump_carriers": carriers,
        "activation": p,
        "activation_error": error,
        "mean_interval": mean,
        "interval_cv": cv,
        "shortest_interval": shortest,
    }


PAIRS = np.array([(b1, b2, w) for b1, b2 in PAIR_BIASES for w in PAIR_WEIGHTS])
"""Calibration pairs, array (pair, 3): two biases and the weight between them."""


def _pair_statistics() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the pairs' target joints (pair, 4) and the covariances of (z1, z2, z1 z2)."""
    features = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 1, 1]], np.float64)
    weight = np.exp(PAIRS @ features.T)
    joint = weight / weight.sum(axis=1, keepdims=True)
    mean = joint @ features
    second = np.einsum("ps,si,sj->pij", joint, features, features)
    return joint, second - mean[:, :, None] * mean[:, None, :]


def _synapse(
    bench: _Bench,
    threshold: float,
    window: float,
    curve: dict[str, Any],
    advance: Callable[[float], None],
) -> dict[str, Any]:
    """Return kick and sustain with their errors and the mean KL of the pairs."""
    midpoint, slope = curve["midpoint"], curve["slope"]
    n = 2 * len(PAIRS)
    carriers = midpoint + slope * PAIRS[:, :2].ravel()
    coupling = np.zeros((n, n))
    even = np.arange(0, n, 2)
    coupling[even, even + 1] = coupling[even + 1, even] = slope * PAIRS[:, 2]
    target, fisher = _pair_statistics()

    def joints(kernel: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the pairs' joints, array (group, pair, 4), with this kernel."""
        network = bench.network(
            carriers,
            threshold,
            window,
            coupling=coupling,
            kernel=(max(float(kernel[0]), 0.0), max(float(kernel[1]), 0.0)),
        )
        settle = SETTLE * window
        spikes = bench.run(network, settle + 150 * window, CHAINS, 4)
        moments = occupancy(
            spikes.chain,
            spikes.unit,
            spikes.time,
            chains=CHAINS,
            units=n,
            window=window,
            start=settle,
            stop=spikes.stop,
        ).moments
        first, second = (moments[:, even + k, even + k] for k in (0, 1))
        both = moments[:, even, even + 1]
        joint = np.stack([1 - first - second + both, first - both, second - both, both], axis=-1)
        grouped = np.maximum(joint, 1e-9).reshape(GROUPS, -1, len(PAIRS), 4)
        return np.asarray(grouped.mean(axis=1))

    def misfit(joint: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what the effective (b1, b2, W) of joints (…, 4) are off by."""
        log = np.log(joint)
        effective = np.stack(
            [
                log[..., 1] - log[..., 0],
                log[..., 2] - log[..., 0],
                log[..., 3] + log[..., 0] - log[..., 1] - log[..., 2],
            ],
            axis=-1,
        )
        return np.asarray(effective - PAIRS)

    kernel = np.array(START_KERNEL)
    measured = joints(kernel)
    for _ in range(3):
        base = misfit(measured.mean(axis=0))
        slopes = []
        for k, step in enumerate(KERNEL_STEPS):
            moved = kernel.copy()
            moved[k] += step
            slopes.append((misfit(joints(moved).mean(axis=0)) - base) / step)
            advance(1)
        jacobian = np.stack(slopes, axis=-1)
        normal = np.einsum("pik,pij,pjl->kl", jacobian, fisher, jacobian)
        project = np.linalg.solve(normal, np.einsum("pik,pij->kpj", jacobian, fisher).reshape(2, -1))
        change = -project @ base.ravel()
        kernel = np.maximum(kernel + np.clip(change, -0.4, 0.4), 0.0)
        measured = joints(kernel)
        if np.abs(change).max() < 0.005:
            break
    offsets = misfit(measured).reshape(GROUPS, -1) @ project.T
    error = offsets.std(axis=0, ddof=1) / np.sqrt(GROUPS)
    joint = measured.mean(axis=0)
    return {
        "kick": float(kernel[0]),
        "kick_error": float(error[0]),
        "sustain": float(kernel[1]),
        "sustain_error": float(error[1]),
        "pair_kl": float(np.mean(np.sum(joint * np.log(joint / target), axis=1))),
    }
