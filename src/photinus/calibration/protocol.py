"""The protocol of a calibration.

It follows the calibration of LIF sampling (Petrovici et al. 2016, Phys. Rev. E 94, 042312): drive,
measure the probability of being on, fit a logistic. Everything is measured on the simulated device
with full physics; nothing is taken from the parameters but the scale of the sweep. One code serves
lasers and integrate-and-fire neurons.

1. *Detection threshold* (lasers). The read-out sees a spike when the photon number passes half the peak
   of the noise-free spike (`photinus.devices.laser.spike`), and looks for the next one below a quarter
   of that. Weaker pulses pass unseen although they reset the carriers. So a higher threshold makes a
   laser look more random than it is, at the price of hidden resets. A lower one counts noise.
2. *State window*, first guess. An ideal refractory neuron (Buesing et al. 2011) with refractory time τ
   has interspike intervals of mean τ + 1/r and standard deviation 1/r for the hazard r. At p = ½ that
   is mean 2 τ and coefficient of variation ½. So τ is about half the mean interval at the drive where
   the coefficient of variation is ½. τ is a choice of the read-out, no constant of nature.
3. *Activation curve*. A long sweep of the drive; logistic fit p = 1/(1 + exp(-(x - x½)/α)) over 5–95 %.
4. *State window and synapse*. For windows around the first guess the synapse is fitted once, and a
   window is taken in place of the first guess if its objective is significantly smaller: the mean KL
   of the pairs and triples of `photinus.calibration.synapse`. The synapse is then fitted to the end.
   (The window of an integrate-and-fire neuron is its refractory time.)
"""

import functools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photinus._core import validate
from photinus._core.progress import Progress, tracked
from photinus._core.records import values_of
from photinus._core.streams import Seed, seed_sequence
from photinus._core.version import __version__
from photinus.calibration.activation import activation_curve, rounded, survey, sweep
from photinus.calibration.bench import Bench
from photinus.calibration.noise import cured
from photinus.calibration.pairs import STAGES as PAIR_STAGES
from photinus.calibration.pairs import measure_pairs
from photinus.calibration.record import Calibration
from photinus.calibration.reduction import STAGES, reduce_laser
from photinus.calibration.straight import straightened
from photinus.calibration.synapse import (
    GROUPS,
    SYNAPSES,
    Fit,
    first_duration,
    first_guess,
    fit_synapse,
    free_parameters,
    targets,
)
from photinus.devices import Parameters, device_of
from photinus.devices.laser.parameters import is_laser
from photinus.devices.synapse import SynapticKernel
from photinus.engines.reduced.model import ReducedLaser
from photinus.errors import InvalidInput
from photinus.spikes.trains import SpikeTrains
from photinus.translation.neuron import Neuron

CHAINS = 64
"""Chains of each measurement, by default."""
WINDOW_FACTORS = (1.0, 0.85, 1.18)
"""State windows that are compared, in units of the first guess, which comes first."""
STEPS = 3
"""Gauss–Newton steps of the synapse at most, after the first."""


def calibrate(
    parameters: Parameters,
    *,
    window: float | None = None,
    synapse: str | None = None,
    decay: float | None = None,
    renewing: bool = True,
    pairs: bool = False,
    reduced: bool = False,
    straight: bool = False,
    reach: float = 1.0,
    chains: int = CHAINS,
    seed: Seed = 0,
    time_step: float | None = None,
    threads: int | None = None,
    progress: Progress | bool | None = None,
) -> Calibration:
    """Measure a device as a sampling neuron; takes a minute or two on two cores.

    Parameters
    ----------
    parameters
        The device: `LaserParameters`, or `LifParameters` of an integrate-and-fire neuron.
    window
        State window τ [s]; by default the one with which small networks sample best.
    synapse
        Kind of pulse to fit. "rectangle" of length τ with pre-emphasis is the default for lasers,
        "plain" has none. "exponential" is a photodiode behind an RC filter, and the default for
        integrate-and-fire neurons; a "filter" has pre-emphasis beside it. "charge" is carriers injected
        at once.
    decay
        Time constant of an exponential [s]; by default fitted too (τ_syn of integrate-and-fire
        neurons).
    renewing
        Whether a spike during a pulse renews it; otherwise pulses add up. See `SynapticKernel`.
    pairs
        Whether to measure what coupled pairs show, for the translation rule "paired"; takes half a
        minute of the time. See `photinus.calibration.pairs`.
    reduced
        Whether to measure the device as an escape rate too, for the substrate "laser-reduced"; lasers
        only, takes two minutes more. See `photinus.engines.reduced`.
    straight
        Whether to fit a driver first, behind which the log-odds are straight in the input current (see
        `photinus.devices.laser.driver`); lasers only.
    reach
        Largest weight of the small networks that the synapse is fitted to, from 1 to 8. Above 1 there
        are twice as many of them, with strong weights and with units that are seldom on.
    chains
        Copies of the device in each measurement, at least 8. Time goes down with their number, errors
        go up with its root: fewer than the default only to compare many devices.
    seed
        Integer, SeedSequence or None.
    time_step
        Integration step [s]; by default 0.5 ps for lasers, or less where the device asks for it.
    threads, progress
        As in `photinus.simulate`.

    Raises
    ------
    InvalidInput
        If an argument is out of its range.
    NotConverged
        If the device fires no spikes, or never at random: there is nothing to calibrate. The message
        names the inequality that does not hold, and the changes that help, as tried.

    Examples
    --------
    >>> import photinus as ph
    >>> laser = ph.LaserParameters.preset("fast-absorber", gain_lifetime="0.8 ns")
    >>> calibration = ph.calibrate(laser)  # doctest: +SKIP
    >>> calibration.save("mine.json")  # doctest: +SKIP
    """
    validate.instance("parameters", parameters, Parameters)
    parameters = _allowed(parameters, reduced=reduced, straight=straight)
    reach = validate.within("reach", reach, 1.0, 8.0)
    found = device_of(parameters).setting(parameters)
    synapse = validate.one_of("synapse", found.synapse if synapse is None else synapse, SYNAPSES)
    decay = found.decay if decay is None else validate.positive("decay", decay, "s")
    window = found.window if window is None else validate.positive("window", window, "s")
    chains = validate.integer("chains", chains, GROUPS)
    sequence = seed_sequence(seed)
    dt = found.time_step if time_step is None else time_step
    about = found.time_constant if window is None else window
    kernel = first_guess(synapse, about, renewing=renewing, decay=decay)
    bench = Bench(parameters, found, kernel, chains, dt, threads, [*sequence.spawn(9)])
    free = free_parameters(synapse, decay=decay)
    factors = WINDOW_FACTORS if window is None else (1.0,)
    rounds = 4 * (1 + straight) + len(free) * (len(factors) + STEPS)
    rounds += (PAIR_STAGES if pairs else 0) + (STAGES if reduced else 0)
    with tracked(progress, f"calibrating {parameters.name}", rounds) as advance, cured(bench, window):
        step = functools.partial(advance, 1)
        bench = _behind_driver(bench, window, step) if straight else bench
        near, guess = survey(bench, window, step)
        swept = sweep(bench, near, guess)
        step()
        windows = [near] if window is not None else [rounded(near * x) for x in factors]
        tried = _tried(bench, swept, windows, kernel, free, step, follows=decay is None, reach=reach)
        best = _best(tried)
        start, measured = _started(bench, *swept, best[0], best[1].kernel, reach)
        fit = fit_synapse(bench, start, free, machines=targets(reach), steps=STEPS, advance=step)
        neuron = replace(start, kernel=fit.kernel)
        neuron = _paired(bench, neuron, step) if pairs else neuron
        escape = _escape(bench, neuron, step) if reduced else None
    return Calibration(
        **values_of(neuron),
        **measured,
        kernel_error=fit.error,
        network_kl=fit.mean_kl,
        **_named(tried),
        seed=str(sequence.entropy),
        version=__version__,
        reduced=escape,
    )


def _allowed(parameters: Parameters, *, reduced: bool, straight: bool) -> Parameters:
    """Return the device to calibrate, without a driver that bends where one is to be fitted."""
    device = device_of(parameters)
    if reduced and not device.can_be_reduced:
        raise InvalidInput(f"reduced must be False for {device.plural}, got True")
    if not straight:
        return parameters
    if not is_laser(parameters):
        raise InvalidInput(f"straight must be False for {device.plural}, got True")
    return parameters.replace(driver_knee=0.0, driver_softness=0.0)


def _paired(bench: Bench, neuron: Neuron, advance: Callable[[], None]) -> Neuron:
    """Return the neuron with what coupled pairs of it show."""
    chains, seed = bench.chains, bench.seeds[8]
    table = measure_pairs(neuron, chains=chains, seed=seed, threads=bench.threads, advance=advance)
    return replace(neuron, pairs=table)


def _escape(bench: Bench, neuron: Neuron, advance: Callable[[], None]) -> ReducedLaser:
    """Return the neuron as an escape rate."""
    return reduce_laser(neuron, seed=bench.seeds[7], threads=bench.threads, advance=advance)


def _named(tried: list[tuple[float, Fit]]) -> dict[str, Any]:
    """Return the windows that were compared, and the objective with each."""
    return {
        "windows_tried": np.array([tau for tau, _ in tried]),
        "windows_kl": np.array([fit.mean_kl for _, fit in tried]),
    }


def _started(
    bench: Bench,
    drive: NDArray[np.float64],
    spikes: SpikeTrains,
    window: float,
    kernel: SynapticKernel,
    reach: float,
) -> tuple[Neuron, dict[str, Any]]:
    """Return the neuron with a state window, a synapse to start from, and its errors."""
    constants, measured = activation_curve(bench, drive, spikes, window)
    neuron = Neuron(
        parameters=bench.parameters,
        window=window,
        detection_threshold=bench.setting.detection_threshold,
        kernel=kernel,
        weight_range=(-reach, reach),
        time_step=bench.time_step,
        **constants,
    )
    return neuron, measured


def _behind_driver(bench: Bench, window: float | None, advance: Callable[[], None]) -> Bench:
    """Return the bench with a driver in front of the device that makes its log-odds straight."""
    near, guess = survey(bench, window, advance)
    drive, spikes = sweep(bench, near, guess)
    advance()
    plain, _ = _started(bench, drive, spikes, near, bench.kernel, 1.0)
    return replace(bench, parameters=straightened(plain))


def _tried(
    bench: Bench,
    swept: tuple[NDArray[np.float64], SpikeTrains],
    windows: list[float],
    kernel: SynapticKernel,
    free: dict[str, float],
    advance: Callable[[], None],
    *,
    follows: bool,
    reach: float,
) -> list[tuple[float, Fit]]:
    """Return a first fit of the synapse with each state window, each from the one before.

    `follows` says whether the synapse starts as long as the window asks for.
    """
    found = []
    for window in windows:
        if follows:
            kernel = replace(kernel, duration=first_duration(kernel.shape, window))
        start, _ = _started(bench, *swept, window, kernel, reach)
        fit = fit_synapse(bench, start, free, machines=targets(reach), steps=1, advance=advance)
        kernel = fit.kernel
        found.append((window, fit))
    return found


def _best(tried: list[tuple[float, Fit]]) -> tuple[float, Fit]:
    """Return the window to take: another one than the first only if it is significantly better."""
    best = first = tried[0]
    for other in tried[1:]:
        if other[1].beats(first[1]) and other[1].mean_kl < best[1].mean_kl:
            best = other
    return best
