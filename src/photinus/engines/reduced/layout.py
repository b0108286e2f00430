"""What all blocks of reduced lasers read: couplings as rows of tiles, tables, constants."""

import math

import numpy as np
from numpy.typing import NDArray

from photinus._core.compilation import SHORT_TILE as TILE
from photinus._core.memory import aligned
from photinus.engines.reduced.loop import Law
from photinus.engines.reduced.model import EscapeRate
from photinus.engines.reduced.synapses import (
    AIM,
    FAN_OUT,
    KEY,
    NARROW,
    NOWHERE,
    ROW,
    SCATTERED,
    SIZE,
    WIDTH,
)
from photinus.networks.couplings import Couplings
from photinus.networks.lasers import LaserNetwork

WIDE = 64
"""Units from which on every chain begins at a tile."""
FULL = 0.5
"""Part of a row of tiles that couplings fill at least, for the row to be stored whole."""
LARGEST = 2**15 - 1
"""What the largest coupling of a row is stored as."""
CLASSES = 8
"""Different places and widths of such rows at most."""


class Shared:
    """What all blocks read and none writes."""

    def __init__(
        self,
        network: LaserNetwork,
        reduced: EscapeRate,
        units: NDArray[np.intp],
        couplings: Couplings,
        stride: int,
    ) -> None:
        kernel, dt = network.kernel, reduced.time_step
        self.reduced, self.units, self.stride = reduced, units, stride
        self.driver = network.parameters.driver.scaled(network.parameters.gain_lifetime)
        runs_of = couplings.runs_of[couplings.groups_of]
        dense, self.fan_out, self.unit = _rows(couplings, runs_of, stride)
        self.negative = _negative(couplings, runs_of, dense, self.fan_out)
        place = np.append(couplings.runs[:, 1], len(couplings.kick))
        self.couplings = place[runs_of], _targets(couplings), couplings.kick, dense
        # The last row once more: all has risen.
        hazard, trend = (np.vstack([table, table[-1:]]) for table in reduced.tables())
        self.law = Law(reduced.constants(), hazard.ravel(), trend.ravel(), hazard.shape[1])
        steps = kernel.duration / dt
        decays = kernel.shape == "exponential"
        decay = math.exp(-1 / steps) if decays else 1.0
        # The mean of an exponential over a step, not its start.
        self.sustain = kernel.sustain * ((1 - decay) * steps if decays else 1.0)
        self.kick = kernel.kick * reduced.gain_lifetime / dt
        self.pulse: tuple[float, np.float32, bool] = steps, np.float32(decay), kernel.renewing
        self.delay = float(np.max(network.delay)) / dt
        fatigue = network.depression
        self.depression = (0.0, 1.0) if fatigue is None else (fatigue.use, fatigue.recovery / dt)


def stride_of(units: int) -> int:
    """Return the lanes that a chain of so many units takes."""
    return units if units < WIDE else -(-units // TILE) * TILE


def _targets(couplings: Couplings) -> NDArray[np.int32]:
    """Return the target of each coupling."""
    target, place, length = couplings.runs.T
    return np.asarray(np.arange(len(couplings.kick)) + np.repeat(target - place, length), np.int32)


def _rows(
    couplings: Couplings, starts: NDArray[np.int64], stride: int
) -> tuple[NDArray[np.int16], NDArray[np.int64], NDArray[np.float32]]:
    """Return the couplings of sources whose targets lie close together, as whole rows.

    Parameters
    ----------
    starts
        Where the runs of each source begin, array (source + 1,).
    stride
        Lanes of a chain. Rows of tiles if these are whole tiles.

    Returns
    -------
    dense : int16, rows, one after the other.
    fan_out : int64 (lane of a chain, FAN_OUT), see `synapses.KEY`; keys without the chain.
    unit : float32 (lane of a chain,), what the integers of a row are multiples of; 1 without a row.
    """
    fan_out = np.zeros((stride, FAN_OUT), np.int64)
    fan_out[:, KEY] = NOWHERE
    some = np.flatnonzero(np.diff(starts))
    if not len(some):
        return np.zeros(0, np.int16), fan_out, np.ones(stride, np.float32)
    target, _, length = couplings.runs.T
    width = WIDTH if stride % TILE else TILE
    first = target[starts[:-1][some]] // width
    last = -(-(target + length)[starts[1:][some] - 1] // width)
    filled = np.add.reduceat(length, starts[:-1][some])
    close = (filled >= FULL * width * (last - first)) | (stride < WIDE)
    place = np.stack([first, last - first], axis=1)
    if len(np.unique(place[close], axis=0)) > CLASSES:
        place[close] = first[close].min(), last[close].max() - first[close].min()
    # Short rows are all as long as the longest: no branch could foretell how long the next one is.
    short = close & (width * place[:, 1] <= NARROW)
    if short.any():
        place[short, 1] = place[short, 1].max()
        place[short, 0] = np.minimum(place[short, 0], -(-stride // width) - place[short, 1])
    fan_out[some, KEY], fan_out[some, ROW] = SCATTERED, some
    rows = some[close]
    fan_out[rows, AIM], fan_out[rows, SIZE] = width * place[close].T
    fan_out[rows, KEY] = np.unique(place[close], axis=0, return_inverse=True)[1].ravel()
    ends = np.cumsum(fan_out[rows, SIZE])
    fan_out[rows, ROW] = np.append(0, ends[:-1])[: len(rows)]
    dense = np.zeros(ends[-1] if len(rows) else 0, np.int16)
    unit = np.ones(stride, np.float32)
    for source in rows:
        shift = fan_out[source, ROW] - fan_out[source, AIM]
        runs = couplings.runs[starts[source] : starts[source + 1]]
        each = couplings.kick[runs[0, 1] : runs[-1, 1] + runs[-1, 2]]
        unit[source] = max(np.abs(each).max() / LARGEST, np.finfo(np.float32).tiny)
        for aim, offset, size in runs:
            dense[shift + aim : shift + aim + size] = np.rint(
                couplings.kick[offset : offset + size] / unit[source]
            )
    return aligned(dense), fan_out, unit


def _negative(
    couplings: Couplings,
    starts: NDArray[np.int64],
    dense: NDArray[np.int16],
    fan_out: NDArray[np.int64],
) -> NDArray[np.uint64]:
    """Return the bits of negative couplings of each lane, see `Synapses`; `starts` as above."""
    found = np.zeros(len(fan_out), np.uint64)
    some = np.flatnonzero(fan_out[:, KEY] == SCATTERED)
    if len(some):
        every = np.flatnonzero(np.diff(starts))
        least = np.minimum.reduceat(couplings.kick, couplings.runs[starts[:-1][every], 1])
        found[some] = least[np.isin(every, some)] < 0
    for lane in np.flatnonzero(fan_out[:, KEY] >= 0):
        size, row = fan_out[lane, [SIZE, ROW]]
        below = np.flatnonzero(dense[row : row + size] < 0).astype(np.uint64)
        short = size <= NARROW
        found[lane] = np.bitwise_or.reduce(np.uint64(1) << below) if short else len(below) > 0
    return found
