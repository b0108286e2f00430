"""What a spike does to others: the pulse behind it, and the couplings that it goes through.

Fan-out. A laser whose targets lie close together has its couplings as one row, with zeros in the gaps.
Rows are 16-bit integers, multiples of a 32767th of the largest coupling in the row. A row is read at
every spike, and large machines wait for them. Long rows are delivered four spikes at a time, so that
the drives of their targets are read and written once for four.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from photinus._core.compilation import SHORT_TILE as TILE
from photinus._core.compilation import apart, disjoint, inlined, wide
from photinus._core.vectors import add_8, add_16
from photinus.engines.reduced.membrane import BASE, HALF, LEAST, ZERO, F

# Columns of a pending spike: time [steps], step in which it was fired, lane, steps since the spike
# before, renewed by the next one, height of its pulse and of the one that it renews, in units of the
# undepressed height.
TIME, FIRED, LANE, ELAPSED, RENEWED, HEIGHT, BEFORE = range(7)
PENDING = 7
# Entries of the ring: the first spike that still has to end, to begin, and the next free place.
ENDING, BEGINNING, FREE = range(3)

# Columns of what a lane does to others: a key, the same for all sources of a chain whose rows have the
# same place and width; the first lane and the number of lanes of the row; where the row begins. Lanes
# that are SCATTERED have single targets instead: the first lane of their chain, none, the source.
KEY, AIM, SIZE, ROW = range(4)
FAN_OUT = 4
SCATTERED, NOWHERE = -1, -2
WIDTH = 8
"""Lanes by which rows of small networks are rounded up."""
NARROW = 64
"""Lanes of a row up to which it costs less to add it up alone than to find out what goes with it."""
ROUNDING = 1e-6
_NO_LANES, _SIXTEEN = np.uintp(0), np.uintp(16)
LARGEST = 2.0**15
WEAK = 1.5
"""Change of a log-hazard, at a kick of a long row's largest coupling, below which it can wait."""


class Synapses(NamedTuple):
    """Couplings, the pulse behind a spike, its delay and depression; times in steps."""

    entries_of: NDArray[np.int64]
    """Where the couplings of each source begin, (source + 1,)."""
    targets: NDArray[np.int32]
    """Lasers of a chain that they reach, rising for each source."""
    coupling: NDArray[np.float32]
    dense: NDArray[np.int16]
    """Rows of couplings, one after the other."""
    fan_out: NDArray[np.int64]
    """(lanes, FAN_OUT), see KEY."""
    unit: NDArray[np.float32]
    """What the integers of a row are multiples of, (lanes,); 1 without a row."""
    negative: NDArray[np.uint64]
    """Bits of the negative couplings of a row up to NARROW lanes; of others not 0 if there is one."""
    kick: float
    """Carriers at once per coupling, as a drive for one step."""
    sustain: float
    """Drive per coupling."""
    pulse: float
    """Duration."""
    decay: np.float32
    """Factor per step of an exponential, else 1."""
    renewing: bool
    delay: float
    use: float
    """Of a depressed synapse; 0 for one that is not."""
    recovery: float
    gain: NDArray[np.float64]
    """What all synapses of each chain are multiplied with, (lanes,)."""


class Drivers(NamedTuple):
    """Drivers that bend, see `photinus.devices.laser.driver`; empty arrays where none does."""

    bent: NDArray[np.float32]
    """What they make of the synaptic drives, (tiles * TILE,)."""
    knee: NDArray[np.float32]
    """Idle drives, relative to the reset, (tiles * TILE,)."""
    bend: np.float32
    """Square of half their softness."""


@inlined
def begun(  # type: ignore[no-untyped-def]
    elapsed, late, high, before, gain, unit, kick, sustain, pulse, per_pulse, rate, decays, renewing
):
    """Return by how much a spike raises drives per coupling, and by how much in this step only."""
    height = sustain * gain * high
    share = 1.0
    if decays:
        if renewing:
            share = -np.expm1(rate * elapsed)
        height *= share
    elif renewing:
        share = min(elapsed * per_pulse, 1.0)
        height -= sustain * gain * (before if elapsed < pulse else 0.0)
    moment = height * late + kick * gain * share * high
    return height * unit, moment * unit


@inlined
def add_scattered(  # type: ignore[no-untyped-def]
    synaptic, once, first_lane, source, height, moment, entries_of, targets, coupling
):
    """Raise the synaptic drive of the targets of a source by `height`, and by `moment` for a step."""
    for c in range(np.uintp(entries_of[source]), np.uintp(entries_of[source + np.uintp(1)])):
        k, weight = first_lane + np.uintp(targets[c]), coupling[c]
        synaptic[k] += height * weight
        once[k] += moment * weight


@inlined
def add_row(synaptic, once, dense, i, size, a, h0, m0):  # type: ignore[no-untyped-def]
    """Add a short row of couplings, the one that begins at a; WIDTH divides its size."""
    whole = size - size % _SIXTEEN
    for j in range(_NO_LANES, whole, _SIXTEEN):
        add_16(synaptic, once, i + j, h0, m0, dense, a + j)
    if whole < size:
        add_8(synaptic, once, i + whole, h0, m0, dense, a + whole)


@inlined
def add_four(  # type: ignore[no-untyped-def]
    synaptic, once, dense, i, size, a, b, c, d, h0, h1, h2, h3, m0, m1, m2, m3
):
    """Add four rows of couplings at a time, those that begin at a, b, c and d."""
    wide()
    apart()
    disjoint()
    for j in range(size):
        w0, w1 = np.float32(dense[a + j]), np.float32(dense[b + j])
        w2, w3 = np.float32(dense[c + j]), np.float32(dense[d + j])
        synaptic[i + j] += h0 * w0 + h1 * w1 + h2 * w2 + h3 * w3
        once[i + j] += m0 * w0 + m1 * w1 + m2 * w2 + m3 * w3


@inlined
def through_drivers(f, synaptic, once, bent, knee, bend):  # type: ignore[no-untyped-def]
    """Write into `bent` what drivers make of the synaptic drives, and weaken kicks as they do.

    See `_set_bent_pumps` of `photinus.engines.laser.loop`.
    """
    for tile in range(bent.size // TILE):
        b = np.uintp(tile) * F + np.uintp(BASE * TILE)
        g = np.uintp(tile * TILE)
        for lane in range(TILE):
            k = g + np.uintp(lane)
            base = f[b + np.uintp(lane)]
            before = max(base + bent[k] - knee[k], ZERO)
            x = base + synaptic[k] - knee[k]
            root = np.float32(np.sqrt(x * x + np.float32(4.0) * bend))
            # Of the two forms, the one that subtracts no numbers of like size.
            above = HALF * (x + root)
            below = (bend + bend) / max(root - x, LEAST)
            y = above if x > ZERO else below
            both = y * before
            once[k] *= both / (both + bend + LEAST)
            bent[k] = (knee[k] + y) - base
