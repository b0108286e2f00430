"""From spikes to unit states: unit k is 1 at time t while it has spiked in (t - τ, t].

Occupancies are weighted by dwell time: how long a chain was in a joint state, not how often a grid
of samples met it. They use every spike and have several times less variance than counting draws.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from photinus._core import validate
from photinus._core.compilation import kernel
from photinus._core.display import Displayed
from photinus._core.states import MAX_ENUMERATED
from photinus.errors import InvalidInput

ROUNDING = 1e-10
"""What rounding may add to a time, in intervals of a grid."""
BRIDGED = 1e-9
"""Silence between two spikes of a unit that no reading falls into, in intervals of a grid. A chain that
starts silent has its spikes at the readings: with pauses as short as that it would drift across one."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Occupancy(Displayed):
    """Dwell times of chains in unit states, over one interval.

    Attributes
    ----------
    moments : array (chain, unit, unit)
        Fraction of time that both units are 1; on the diagonal, that the unit is 1.
    joint : array (2**units,) or None
        Fraction of time in each joint state, index sum of z_k << k, mean over chains; None for more
        than 24 units.
    """

    moments: NDArray[np.float64]
    joint: NDArray[np.float64] | None


@kernel
def _on_periods(chain, unit, time, window, start, stop, n_chains, n_units):  # type: ignore[no-untyped-def]
    """Return switches (chain bounds, unit, time, +1/-1), each chain's sorted by time.

    Spikes must be sorted by chain and time. Periods that touch or overlap are merged.
    """
    # All periods last as long, so they end in the order of the spikes: `ending` follows `k`, and no
    # sort is needed (which Numba takes seconds to compile).
    n = len(time)
    bounds = np.empty(n_chains + 1, np.int64)
    units = np.empty(2 * n, np.int64)
    times = np.empty(2 * n)
    signs = np.empty(2 * n, np.int64)
    latest = np.empty(n_units, np.int64)  # the spike that holds a unit on, -1 while it is off
    bounds[0] = 0
    k = written = 0
    for c in range(n_chains):
        latest[:] = -1
        ending = k
        while True:
            another = k < n and chain[k] == c and time[k] <= stop
            begin = max(time[k], start) if another else np.inf
            while ending < k and time[ending] + window < begin:
                if latest[unit[ending]] == ending:  # otherwise renewed since
                    units[written] = unit[ending]
                    times[written] = min(time[ending] + window, stop)
                    signs[written] = -1
                    written += 1
                    latest[unit[ending]] = -1
                ending += 1
            if not another:
                break
            if time[k] + window > start:
                if latest[unit[k]] < 0:
                    units[written] = unit[k]
                    times[written] = begin
                    signs[written] = 1
                    written += 1
                latest[unit[k]] = k
            k += 1
        while k < n and chain[k] == c:
            k += 1
        bounds[c + 1] = written
    return bounds, units, times, signs


@kernel
def _tabulate(bounds, units, times, signs, start, stop, base, bit, joint):  # type: ignore[no-untyped-def]
    """Add to `joint` (state,) the time that all chains together spend in each state."""
    for c in range(len(bounds) - 1):
        state = base[c]
        now = start
        for k in range(bounds[c], bounds[c + 1]):
            joint[state] += times[k] - now
            now = times[k]
            state += signs[k] * bit[units[k]]
        joint[state] += stop - now


@kernel
def _pair_times(bounds, units, times, signs, start, stop, on, moments):  # type: ignore[no-untyped-def]
    """Add to `moments` (chain, unit, unit) the time that both units are on.

    `on` (chain, unit) holds the states at the start and is overwritten.
    """
    n_units = on.shape[1]
    since = np.empty((n_units, n_units))
    for c in range(len(bounds) - 1):
        since[:] = start
        for k in range(bounds[c], bounds[c + 1]):
            u = units[k]
            if signs[k] > 0:
                on[c, u] = 1
                for v in range(n_units):
                    since[u, v] = times[k]
                    since[v, u] = times[k]
            else:
                for v in range(n_units):
                    if on[c, v] == 1:
                        t = times[k] - since[u, v]
                        moments[c, u, v] += t
                        if v != u:
                            moments[c, v, u] += t
                on[c, u] = 0
        for u in range(n_units):
            for v in range(n_units):
                if on[c, u] == 1 and on[c, v] == 1:
                    moments[c, u, v] += stop - since[u, v]


def occupancy(
    chain: NDArray[np.int32],
    unit: NDArray[np.int32],
    time: NDArray[np.float64],
    *,
    chains: int,
    units: int,
    window: float,
    start: float,
    stop: float,
    known: NDArray[np.uint8] | None = None,
) -> Occupancy:
    """Return how long each chain was in each joint state and pair of states.

    Parameters
    ----------
    chain, unit, time : array (spike,)
        Spikes, sorted by chain and time; those in (start - window, start] count as well.
    chains, units
        Numbers of chains and units.
    window
        State window τ, in the unit of `time`.
    start, stop
        Interval to look at.
    known : array (chain, unit) of uint8, optional
        1 for units that evidence keeps on without spikes.

    Raises
    ------
    InvalidInput
        If the interval is empty.
    """
    validate.positive("window", window)
    if not stop > start:
        raise InvalidInput(f"stop must be after start ({start:g}), got {stop:g}")
    on = np.zeros((chains, units), np.uint8) if known is None else known.copy()
    switches = _on_periods(chain, unit, time, float(window), float(start), float(stop), chains, units)
    joint = None
    if units <= MAX_ENUMERATED:
        bit = np.int64(1) << np.arange(units, dtype=np.int64)
        joint = np.zeros(2**units)
        _tabulate(*switches, float(start), float(stop), on @ bit, bit, joint)
        joint /= joint.sum()
    moments = np.zeros((chains, units, units))
    _pair_times(*switches, float(start), float(stop), on, moments)
    moments /= stop - start
    return Occupancy(moments, joint)


@kernel
def _states_on_grid(chain, unit, time, window, first, interval, states):  # type: ignore[no-untyped-def]
    n_draws = states.shape[1]
    for k in range(len(time)):
        # On from the spike (included) until window later (excluded).
        begin = max(int(np.ceil((time[k] - first) / interval - BRIDGED)), 0)
        end = min(int(np.ceil((time[k] + window - first) / interval - ROUNDING)), n_draws)
        for draw in range(begin, end):
            states[chain[k], draw, unit[k]] = 1


def states_on_grid(
    chain: NDArray[np.int32],
    unit: NDArray[np.int32],
    time: NDArray[np.float64],
    *,
    chains: int,
    units: int,
    window: float,
    first: float,
    interval: float,
    draws: int,
    known: NDArray[np.uint8] | None = None,
) -> NDArray[np.uint8]:
    """Return unit states at ``first + draw * interval``, array (chain, draw, unit) of uint8.

    Arguments as for `occupancy`; `interval` is usually τ.
    """
    states = np.zeros((chains, draws, units), np.uint8)
    if known is not None:
        states |= known[:, None, :]
    _states_on_grid(chain, unit, time, float(window), float(first), float(interval), states)
    return states


def dwell_times(
    chain: NDArray[np.int32],
    unit: NDArray[np.int32],
    time: NDArray[np.float64],
    *,
    chains: int,
    units: int,
    window: float,
    start: float,
    stop: float,
    moments: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return how long each chain stays in the joint state of each moment, array (chain, moment).

    From the change of state before the moment to the one after, within `start` and `stop`. Arguments as
    for `occupancy`; `moments` are an array (moment,) of times from `start` to `stop`.
    """
    bounds, _, times, _ = _on_periods(
        chain, unit, time, float(window), float(start), float(stop), chains, units
    )
    found = np.empty((chains, len(moments)))
    # A unit that goes on at a moment is on by then, also where rounding puts it just behind.
    behind = np.minimum(moments + BRIDGED * window, np.nextafter(stop, -np.inf))
    for k in range(chains):
        changes = np.unique([start, *times[bounds[k] : bounds[k + 1]], stop])
        place = np.searchsorted(changes, behind, side="right")
        found[k] = changes[place] - changes[place - 1]
    return found
