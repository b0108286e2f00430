"""A laser event by event: whole photons, whole carriers, no noise term put in by hand.

Every process of the rate equations in `photinus.devices.laser.parameters` is an event that happens at
the rate of the process and changes numbers by one. With n photons, sections x = g (gain), a (absorber)
and the linear gain g_x (N_x - N_x,tr)::

    emission into the mode     g_x N_x (n + 1)       n + 1    N_x - 1
    stimulated absorption      g_x N_x,tr n          n - 1    N_x + 1
    other decay                N_x (1/τ_x - g_x)              N_x - 1
    loss of the cavity         κ n                   n - 1
    pump                       P                              N_g + 1
    noise of the pump          σ_N²/τ_g, each way             N_g ± 1

Of the emissions n are stimulated and one is spontaneous: that is Einstein's relation. Where the gain is
compressed, n/(1 + ε n) stands for n in the gain section. The means obey
the rate equations up to correlations of the numbers. All fluctuations follow from the events being
single ones, those of photons and carriers together among them (the shot-noise rule, McKinstrie 2020, J.
Opt. Soc. Am. B 37, 1333; such chains are right for any number of photons: Bundgaard-Nielsen, Lippi &
Mørk 2025, arXiv 2511.13622).

Events of the light are drawn one by one (Gillespie 1977, J. Phys. Chem. 81, 2340) while they are
few, and in leaps by the midpoint rule (Gillespie 2001, J. Chem. Phys. 115, 1716) when they are many,
in a spike. Pump and other decay of the gain carriers, which change N_g by a few in ten
thousand, are drawn once per time step.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from photinus._core import validate
from photinus._core.display import Displayed
from photinus._core.streams import Role, Seed, lane_states, seed_sequence
from photinus._core.threads import available_threads, on_threads
from photinus.devices.laser.parameters import LaserParameters
from photinus.engines.events import Event, Number, Rates, run_laser
from photinus.engines.laser.simulator import TIME_STEP
from photinus.engines.laser.step import SUBSTEPS
from photinus.errors import InvalidInput
from photinus.spikes.trains import SpikeTrains

LEAP = 0.1
"""Default size of a leap; the study `studies/noise.py` shows what it changes."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class JumpRun(Displayed):
    """What lasers did, event by event.

    Attributes
    ----------
    spikes : SpikeTrains
        One unit per pump.
    initial, final : array (chain, unit, number) of int64
        Carriers and photons at the start and at the end, columns as in `Number`.
    events : array (chain, unit, event) of int64
        How often each `Event` happened; ``final - initial == events @ CHANGE``.
    samples : array (chain, unit, sample, number) of int64
        Carriers and photons over time; empty unless asked for.
    """

    spikes: SpikeTrains
    initial: NDArray[np.int64]
    final: NDArray[np.int64]
    events: NDArray[np.int64]
    samples: NDArray[np.int64]


def simulate_jumps(
    parameters: LaserParameters,
    pump: ArrayLike,
    duration: float,
    *,
    threshold: float,
    chains: int = 1,
    seed: Seed = None,
    time_step: float = TIME_STEP,
    leap: float = LEAP,
    sample_every: int = 0,
    threads: int | None = None,
) -> JumpRun:
    """Simulate uncoupled lasers with whole photons and carriers.

    A slow reference for the field equation, not a substrate: a nanosecond of one laser takes about a
    millisecond.

    Parameters
    ----------
    parameters
        The laser. `carrier_noise` says nothing here: whole carriers have shot noise.
    pump : array (unit,)
        Constant pump rate of each laser [carriers/s], >= 0.
    duration
        Time per laser [s], > 0, rounded up to four time steps.
    threshold
        Photons above which the read-out sees a spike, > 0. It looks at every time step. It looks for
        the next spike once it finds less than a quarter of that, as `photinus.simulate` does.
    chains
        Number of independent copies of each laser, >= 1.
    seed
        Integer, SeedSequence or None (fresh entropy). The same seed gives the same events on any
        number of threads; a laser does not depend on how many there are.
    time_step
        Time between two looks [s], > 0.
    leap
        Part of the photons, or of the carriers of a section, that take part in the events of one leap.
        From 0 (no leaps: event by event throughout) to 1.
    sample_every
        Keep photons and carriers once in so many grid steps (four time steps each); 0 keeps none.
    threads
        Number of threads; by default all cores that this process may use.

    Raises
    ------
    InvalidInput
        If an argument is out of its range.
    """
    validate.instance("parameters", parameters, LaserParameters)
    pump = _checked(pump)
    duration = validate.positive("duration", duration, "s")
    threshold = validate.positive("threshold", threshold, "photons")
    chains = validate.integer("chains", chains, 1)
    time_step = validate.positive("time_step", time_step, "s")
    leap = validate.non_negative("leap", leap)
    if leap > 1:
        raise InvalidInput(f"leap must be at most 1, got {leap:g}")
    sample_every = validate.integer("sample_every", sample_every, 0)
    units, grid = len(pump), SUBSTEPS * time_step
    steps = max(1, int(np.ceil(duration / grid - 1e-6)))

    words = lane_states(seed_sequence(seed), Role.JUMPS, chains, units)
    initial = np.empty((chains, units, len(Number)), np.int64)
    events = np.zeros((chains, units, len(Event)), np.int64)
    kept = steps // sample_every if sample_every else 0
    samples = np.empty((chains, units, kept, len(Number)), np.int64)
    final = np.empty_like(initial)

    def run(lane: tuple[int, int]) -> NDArray[np.int64]:
        rng = np.random.Generator(np.random.SFC64(words[lane]))
        initial[lane] = _start(parameters, pump[lane[1]], rng)
        final[lane] = initial[lane]
        fired = np.empty(steps, np.int64)
        count = run_laser(
            rng,
            Rates.of(parameters, float(pump[lane[1]])),
            time_step,
            leap,
            threshold,
            final[lane],
            events[lane],
            fired,
            samples[lane],
            sample_every,
        )
        return fired[:count].copy()

    lanes = list(np.ndindex(chains, units))
    fired = on_threads(run, lanes, available_threads(threads))
    spikes = _trains(fired, chains, units, grid, steps)
    return JumpRun(spikes, initial, final, events, samples)


def _trains(
    fired: list[NDArray[np.int64]], chains: int, units: int, grid: float, steps: int
) -> SpikeTrains:
    """Return the spikes of all lasers, by the steps in which they `fired`."""
    lane = np.repeat(np.arange(chains * units), [len(times) for times in fired])
    return SpikeTrains.sorted(
        chain=lane // units,
        unit=lane % units,
        time=np.asarray(np.concatenate(fired) * grid, np.float64),
        labels=tuple(range(units)),
        chains=chains,
        start=0.0,
        stop=steps * grid,
    )


def _checked(pump: ArrayLike) -> NDArray[np.float64]:
    """Return pump rates of at least one laser, none below zero."""
    pump = validate.finite_array("pump", pump, 1)
    if len(pump) == 0:
        raise InvalidInput("pump must have at least 1 entry, got 0")
    if (pump < 0).any():
        raise InvalidInput(f"pump must be at least 0 carriers/s, got {pump.min():g}")
    return pump


def _start(parameters: LaserParameters, pump: float, rng: np.random.Generator) -> tuple[int, int, int]:
    """Return a start that no two lasers share: the one of `photinus.simulate`, in whole numbers."""
    settled = min(pump * parameters.gain_lifetime, parameters.threshold_carriers)
    return round(settled * rng.uniform(0.5, 0.9)), 0, int(rng.geometric(1 / 3)) - 1
