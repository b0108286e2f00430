"""Marginals of variables and their errors, from draws and the weights that undo softening."""

from collections.abc import Hashable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from photinus.diagnostics.convergence import smallest_effective_draws
from photinus.diagnostics.weights import Weighted, weighted
from photinus.machines.codes import INVALID
from photinus.machines.elimination import Reduction
from photinus.samplers.samples import Samples

SAME = 1e-9
"""Log-weights that differ by less are equal."""
Found = dict[Hashable, tuple[NDArray[np.float64], NDArray[np.float64]]]
"""Variable → mean and standard error of each of its states."""


def weights_of(reduction: Reduction, samples: Samples, numbers: NDArray[np.int16]) -> Weighted | None:
    """Return the weights that undo what softening did; None where it did nothing."""
    valid = numbers[..., 0] != INVALID
    log_weights = np.where(valid, reduction.log_weights(numbers), -np.inf)
    if not np.isfinite(log_weights).any() or np.ptp(log_weights[valid]) < SAME:
        return None
    return weighted(numbers, log_weights, _effective(samples))


def _effective(samples: Samples) -> float:
    return smallest_effective_draws(samples.machine, samples.states)


def estimate(
    reduction: Reduction,
    samples: Samples | None,
    weights: Weighted | None,
    numbers: NDArray[np.int16],
    name: Hashable,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return mean and standard error of each state of a variable."""
    chance = reduction.chances(name, numbers)
    if weights is not None and weights.trusted:
        own = replace(weights, values=chance)
        return own.mean(), own.errors()
    invalid = numbers[..., 0] == INVALID
    if invalid.any():
        counted = weighted(chance, np.where(invalid, -np.inf, 0.0), float("nan"))
        return counted.mean(), counted.errors()
    by_chain = chance.mean(axis=1)
    two_valued = reduction.expansion is not None and all(c.size == 2 for c in reduction.expansion.codes)
    if samples is not None and two_valued and name in reduction.sampled:
        # By dwell times, where there are spikes.
        on = samples.chain_marginals()[:, reduction.sampled.index(name)]
        by_chain = np.stack([1 - on, on], axis=1)
    chains = len(by_chain)
    spread = by_chain.std(axis=0, ddof=1) if chains > 1 else np.full(by_chain.shape[1], np.nan)
    return by_chain.mean(axis=0), spread / np.sqrt(chains)


def never_seen(
    found: Found, reduction: Reduction, samples: Samples | None, weights: Weighted | None
) -> Found:
    """Return estimates whose errors are not 0 for states that only chance kept from all draws."""
    constant = {
        name: np.minimum(mean, 1 - mean) < SAME
        for name, (mean, _) in found.items()
        if name not in reduction.settled
    }
    if samples is None or not any(edge.any() for edge in constant.values()):
        return found
    draws = weights.ess if weights is not None and weights.trusted else _effective(samples)
    # Chains that never move tell one state each.
    least = 1 / (draws if draws == draws else len(samples.states))
    return found | {
        name: (found[name][0], np.where(edge, np.maximum(found[name][1], least), found[name][1]))
        for name, edge in constant.items()
    }


def named(reduction: Reduction, name: Hashable, values: NDArray[np.float64]) -> dict[Hashable, float]:
    """Return values of the states of a variable by their names."""
    return dict(zip(reduction.states[name], values.tolist(), strict=True))
