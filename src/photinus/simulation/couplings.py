"""Couplings as the inner loop reads them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Couplings:
    """Couplings as the inner loop reads them: source → groups (by delay) → runs of targets."""

    groups_of: NDArray[np.int64]
    group_delay: NDArray[np.int64]
    runs_of: NDArray[np.int64]
    runs: NDArray[np.int64]
    kick: NDArray[np.float32]
    height: NDArray[np.float64]


def compile_couplings(
    coupling: NDArray[np.float64],
    delay: NDArray[np.float64],
    kick: float,
    height: float,
    grid: float,
) -> Couplings:
    """Return `coupling` (target, source) sorted by source, delay and target.

    Parameters
    ----------
    coupling, delay : array (target, source) [carriers], [s]
    kick, height : what multiplies a coupling to give carriers at once and pump per step
    grid : time between two visits of the synapses [s]
    """
    target, source = np.nonzero(coupling)
    steps = np.rint(delay[target, source] / grid).astype(np.int64)
    order = np.lexsort((target, steps, source))
    target, source, steps = target[order], source[order], steps[order]
    weight = coupling[target, source]

    new_group = np.ones(len(target), bool)
    new_group[1:] = (np.diff(source) != 0) | (np.diff(steps) != 0)
    new_run = new_group.copy()
    new_run[1:] |= np.diff(target) != 1
    group_start, run_start = np.flatnonzero(new_group), np.flatnonzero(new_run)
    n = len(coupling)
    groups_of = np.searchsorted(source[group_start], np.arange(n + 1))
    runs_of = np.searchsorted(run_start, np.append(group_start, len(target)))
    runs = np.stack([target[run_start], run_start, np.diff(np.append(run_start, len(target)))], axis=1)
    return Couplings(
        groups_of.astype(np.int64),
        steps[group_start],
        runs_of.astype(np.int64),
        runs.astype(np.int64),
        (kick * weight).astype(np.float32),
        height * weight,
    )
