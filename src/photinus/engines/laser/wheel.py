"""Records of what spikes will do, in a wheel of time slots; see `photinus.engines.laser.loop`.

Each slot is a linked list of records in a pool. A stack holds the free ones; its first entry is its
size.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from photinus._core.compilation import inlined

FAR = 2**31
"""Steps after which nothing is left of an exponential pulse."""

# Columns of a record, and their number.
NEXT, LANE, GROUP, KIND, CANCELLED, ELAPSED = range(6)
COLUMNS = 6
RAISE, RENEW, LOWER = range(3)


class Fatigue(NamedTuple):
    """Short-term depression of synapses, see `photinus.networks.depression`."""

    resources: NDArray[np.float64]
    """What the latest spike has left of each lane's resources, (lanes,)."""
    heights: NDArray[np.float64]
    """Height of the pulse of each record and of the one that it renews, (record, 2); 1 undepressed."""
    use: float
    recovery: float
    """Steps."""


@inlined
def schedule(wheel, pool, free, step, lane, group, kind, elapsed):  # type: ignore[no-untyped-def]
    """Put a new record into the slot of `step` and return its index."""
    slot = step % wheel.size
    index = free[free[0]]
    free[0] -= 1
    pool[index, NEXT] = wheel[slot]
    pool[index, LANE] = lane
    pool[index, GROUP] = group
    pool[index, KIND] = kind
    pool[index, CANCELLED] = 0
    pool[index, ELAPSED] = elapsed
    wheel[slot] = index
    return index


@inlined
def pass_on(wheel, pool, free, step, record, groups_of, group_delay, n_units):  # type: ignore[no-untyped-def]
    """Move a record of `step` on to the next group of its source, or free it after the last one."""
    group = pool[record, GROUP]
    source = pool[record, LANE] % n_units
    if group + 1 < groups_of[source + 1]:
        due = step + group_delay[group + 1] - group_delay[group]
        pool[record, GROUP] = group + 1
        pool[record, NEXT] = wheel[due % wheel.size]
        wheel[due % wheel.size] = record
    else:
        free[0] += 1
        free[free[0]] = record


@inlined
def send(  # type: ignore[no-untyped-def]
    wheel, pool, free, last_spike, last_end, step, lane, groups_of, group_delay, n_units, pulse_steps,
    renewing, exponential, fatigue,
):  # fmt: skip
    """Schedule what a spike of `lane` at `step` will do to its targets, if it has any.

    Without `fatigue`, None, synapses do not tire.
    """
    source = lane % n_units
    group = groups_of[source]
    if group == groups_of[source + 1]:
        return
    due = step + group_delay[group]
    elapsed = step - last_spike[lane]
    last_spike[lane] = step
    before = last_end[lane]
    kind, share = RAISE, pulse_steps
    if exponential:
        share = elapsed if renewing else FAR
    elif renewing and elapsed < pulse_steps:
        pool[before, CANCELLED] = 1
        kind, share = RENEW, elapsed
    first = schedule(wheel, pool, free, due, lane, group, kind, share)
    if not exponential:
        last_end[lane] = schedule(wheel, pool, free, due + pulse_steps, lane, group, LOWER, 0)
    if fatigue is not None:
        resources, heights, use, recovery = fatigue
        left = 1.0 - (1.0 - resources[lane]) * np.exp(-elapsed / recovery)
        resources[lane] = left * (1.0 - use)
        heights[first, 0], heights[first, 1] = left, heights[before, 0]
        if not exponential:
            heights[last_end[lane], 0] = left
