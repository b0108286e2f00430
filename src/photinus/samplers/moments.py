"""Moments of samples: how often a unit is on, and both units of a pair."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from photinus._core import memory, validate
from photinus.samplers import occupancy

if TYPE_CHECKING:
    from photinus.samplers.samples import Samples


def of_units(samples: "Samples") -> NDArray[np.float64]:
    """Return P(z_k = 1) of each chain, array (chain, unit)."""
    validate.instance("samples", samples, "Samples")
    if samples.spikes is None:
        return np.asarray(samples.states.mean(axis=1, dtype=np.float64))
    assert samples.window is not None
    marginals = samples.states[:, 0].astype(np.float64)
    free, begin = samples.free_units, samples.burn_in * samples.window
    if len(free):
        marginals[:, free] = samples.spikes.of_units(free).marginals(
            samples.window, start=begin, end=begin + samples.draws * samples.window
        )
    return marginals


def of_pairs(samples: "Samples", first: int, stop: int) -> NDArray[np.float64]:
    """Return <z_i z_j> of each chain over draws `first` … `stop`-1, array (chain, unit, unit).

    Raises
    ------
    InvalidInput
        If they do not fit into memory.
    """
    validate.instance("samples", samples, "Samples")
    memory.require(
        8.0 * samples.chains * samples.machine.n_units**2,
        "moments of all pairs (coupled_moments has those of coupled ones)",
    )
    if samples.spikes is None:
        z = samples.states[:, first:stop].astype(np.float32)
        return np.asarray(np.matmul(z.transpose(0, 2, 1), z), np.float64) / (stop - first)
    assert samples.window is not None
    free = samples.free_units
    known = samples.evidence.positions
    inner = occupancy.of_free(samples, stop * samples.window, start=first * samples.window).moments
    found = np.zeros((samples.chains, samples.machine.n_units, samples.machine.n_units))
    found[:, free[:, None], free] = inner
    values = samples.evidence.values.astype(np.float64)
    found[:, known[:, None], known] = values[:, :, None] * values[:, None, :]
    cross = values[:, :, None] * np.diagonal(inner, axis1=1, axis2=2)[:, None, :]
    found[:, known[:, None], free] = cross
    found[:, free[:, None], known] = cross.transpose(0, 2, 1)
    return found
