"""Couplings: between lasers as arrays or sparse matrices, and as the inner loop reads them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias, Union

import numpy as np
from numpy.typing import ArrayLike, NDArray

from photinus._core import validate
from photinus._core.matrices import dense as dense
from photinus._core.matrices import entries as entries
from photinus._core.validate import is_sparse as is_sparse
from photinus.errors import InvalidInput

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Coupling: TypeAlias = Union[NDArray[np.float64], "csr_array"]
"""Couplings (target, source): an array, or a sparse matrix of SciPy in rows."""


@dataclass(frozen=True, slots=True)
class Couplings:
    """Couplings as the inner loop reads them: source → groups (by delay) → runs of targets."""

    groups_of: NDArray[np.int64]
    group_delay: NDArray[np.int64]
    runs_of: NDArray[np.int64]
    runs: NDArray[np.int64]
    kick: NDArray[np.float32]
    height: NDArray[np.float64]

    def onto(self, first: int, end: int) -> "Couplings":
        """Return what reaches targets from `first` on, before `end`; all groups stay."""
        target, place, count = self.runs.T
        start, stop = np.maximum(target, first), np.minimum(target + count, end)
        some = start < stop
        runs = np.stack([start, place + start - target, stop - start], axis=1)[some]
        runs_of = np.append(0, np.cumsum(some))[self.runs_of]
        return replace(self, runs_of=runs_of, runs=np.ascontiguousarray(runs))


def checked(coupling: Any, n: int, what: str = "laser") -> Coupling:
    """Return couplings between `n` lasers, or what they are, after a look at every entry."""
    loop = f"coupling must have a zero diagonal: a {what} has no synapse to itself"
    if not is_sparse(coupling):
        array = validate.finite_array("coupling", coupling, 2)
        if array.shape != (n, n):
            raise InvalidInput(f"coupling must have shape ({n}, {n}), got {array.shape}")
        if np.diagonal(array).any():
            raise InvalidInput(loop)
        array.setflags(write=False)
        return array
    from scipy.sparse import csr_array

    if coupling.shape != (n, n):
        raise InvalidInput(f"coupling must have shape ({n}, {n}), got {coupling.shape}")
    rows = csr_array(coupling, dtype=np.float64, copy=True)
    rows.sum_duplicates()
    validate.finite_array("coupling", rows.data, 1)
    if rows.diagonal().any():
        raise InvalidInput(loop)
    return rows


def from_entries(synapses: ArrayLike, n: int) -> Coupling:
    """Return sparse couplings between `n` lasers from an array (synapse, 3) of `entries`."""
    from scipy.sparse import csr_array

    target, source, value = np.reshape(np.asarray(synapses, np.float64), (-1, 3)).T
    return csr_array((value, (target.astype(np.int64), source.astype(np.int64))), shape=(n, n))


def written(coupling: Coupling) -> dict[str, NDArray[np.float64]]:
    """Return the entry of a network's document: `coupling`, or `synapses` of a sparse matrix."""
    if isinstance(coupling, np.ndarray):
        return {"coupling": coupling}
    return {"synapses": np.stack(entries(coupling), axis=1)}


def read(document: Mapping[str, Any], n: int) -> Any:
    """Return the couplings between `n` lasers or neurons that a document holds."""
    return from_entries(document["synapses"], n) if "synapses" in document else document["coupling"]


def among(coupling: Coupling, units: NDArray[np.intp]) -> Coupling:
    """Return the couplings among some units, in rising order."""
    if len(units) == coupling.shape[0]:
        return coupling
    return coupling[units][:, units]


def compile_couplings(
    coupling: Coupling,
    delay: float | NDArray[np.float64],
    kick: float,
    height: float,
    grid: float,
    efficiency: NDArray[np.float64] | None = None,
) -> Couplings:
    """Return `coupling` (target, source) sorted by source, delay and target.

    Parameters
    ----------
    coupling : array or sparse matrix (target, source) [carriers]
    delay : number or array (target, source) [s]
    kick, height : what multiplies a coupling to give carriers at once and pump per step
    grid : time between two visits of the synapses [s]
    efficiency : array (target,), what each target makes of a coupling; by default all of it
    """
    # By sources, and the targets of each: the entries of the transpose, row by row.
    outgoing = coupling.T if isinstance(coupling, np.ndarray) else coupling.T.tocsr()
    source, target, weight = entries(outgoing)
    if efficiency is not None:
        weight = weight * efficiency[target]
    apart = np.asarray(delay)
    between = apart[target, source] if apart.ndim else np.full(len(target), float(apart))
    steps = np.rint(between / grid).astype(np.int64)
    if apart.ndim:
        order = np.lexsort((target, steps, source))
        target, source, steps, weight = target[order], source[order], steps[order], weight[order]

    new_group = np.ones(len(target), bool)
    new_group[1:] = (np.diff(source) != 0) | (np.diff(steps) != 0)
    new_run = new_group.copy()
    new_run[1:] |= np.diff(target) != 1
    group_start, run_start = np.flatnonzero(new_group), np.flatnonzero(new_run)
    n = coupling.shape[0]
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
