"""Couplings as engines and samplers lay them out, turned back into matrices entry by entry.

Each function reads the arrays as the compiled loops do, one addition after the other, so that a
coupling that is laid out twice, or at another unit, is seen.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from photinus.engines.lif.block import Synapses
from photinus.engines.reduced import synapses as reduced
from photinus.engines.reduced.layout import Shared
from photinus.reference.couplings import Couplings


def of_gibbs(couplings: Couplings, n: int, sign: int = 1) -> NDArray[Any]:
    """Return what a flip of unit k adds to the field of unit i, array (k, i), in quanta.

    `sign` is +1 for flips up, -1 for flips down. What is added beyond the units is in further columns.
    """
    half = len(couplings.values) // 2 if sign < 0 else 0
    width = n + max([0, *couplings.stretches[:, 1]])
    found = np.zeros((n, width), couplings.values.dtype)
    for k in range(n):
        for start, length, place in couplings.stretches[couplings.first[k] : couplings.first[k + 1]]:
            found[k, start : start + length] += couplings.values[half + place : half + place + length]
    return found


def of_gibbs_fast(couplings: Couplings, n: int) -> NDArray[Any]:
    """Return the same by the shortcut for groups of which all units act on the same stretch."""
    found = of_gibbs(couplings, n)
    groups = zip(couplings.groups[:-1], couplings.groups[1:], couplings.alike, strict=True)
    for begin, end, alike in groups:
        if alike:
            start, length, _ = couplings.stretches[couplings.first[begin]]
            found[begin:end] = 0
            for k in range(begin, end):
                place = couplings.stretches[couplings.first[k], 2]
                found[k, start : start + length] += couplings.values[place : place + length]
    return found


def of_runs(
    couplings: Any, n: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """Return carriers, pump per step and delay [steps] of each synapse, arrays (target, source)."""
    kick, height = np.zeros((2, n, n))
    delay = np.full((n, n), -1)
    for source in range(n):
        for group in range(couplings.groups_of[source], couplings.groups_of[source + 1]):
            runs = couplings.runs[couplings.runs_of[group] : couplings.runs_of[group + 1]]
            for target, place, length in runs:
                kick[target : target + length, source] += couplings.kick[place : place + length]
                height[target : target + length, source] += couplings.height[place : place + length]
                assert (delay[target : target + length, source] == -1).all()
                delay[target : target + length, source] = couplings.group_delay[group]
    return kick, height, delay


def of_rows(shared: Shared, n: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return what the reduced laser's loop reads, array (target, source), and its rounding (source,).

    What it adds beyond the units is in further rows.
    """
    begin, targets, coupling, dense = shared.couplings
    found = np.zeros((shared.stride + reduced.WIDTH + n, n))
    rounding = np.zeros(n)
    for source in range(n):
        key, aim, size, row = shared.fan_out[source]
        if key == reduced.SCATTERED:
            for c in range(begin[row], begin[row + 1]):
                found[targets[c], source] += coupling[c]
        elif key != reduced.NOWHERE:
            unit = float(shared.unit[source])
            found[aim : aim + size, source] += unit * dense[row : row + size].astype(float)
            rounding[source] = unit / 2
    return found, rounding


def of_lif(synapses: Synapses, n: int) -> NDArray[np.float64]:
    """Return the couplings (target, source) of integrate-and-fire neurons."""
    found = np.zeros((n, n))
    for source in range(n):
        for k in range(synapses.first_target[source], synapses.first_target[source + 1]):
            found[synapses.target[k], source] += synapses.coupling[k]
    return found
