"""The effective inverse temperature: the one at which the target explains the samples best."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from photinus._core import validate
from photinus._core.logistic import logistic
from photinus.diagnostics.bias import student
from photinus.machines.boltzmann import BoltzmannMachine
from photinus.machines.energies import by_block

if TYPE_CHECKING:
    pass

FEWEST_UNLIKELY = 50
"""Draws of units in their unlikelier state from which β_eff has an interval."""


def beta_estimate(machine: BoltzmannMachine, groups: NDArray[np.uint8]) -> tuple[float, float]:
    """Return the inverse temperature that explains states (group, draw, unit) best, and its error.

    Maximum pseudo-likelihood (Besag 1975, The Statistician 24, 179): the one-dimensional concave
    maximum of Σ log σ(β s_k u_k), s = 2z - 1, u = b + Wz. Its standard error is the sandwich estimate
    over groups, which must be independent of each other. It is at least that of independent draws, from
    the curvature. Both are nan where there is no maximum, as every unit is always in its likelier
    state. The error is nan for one group, and for few draws of units in their unlikelier state. Those
    draws tell the temperature, and few rare events are far from normal.
    """
    validate.instance("machine", machine, BoltzmannMachine)
    beta, unknown = 1.0, float("nan")
    fields = [_aligned_fields(machine, states) for states in groups]
    score = curvature = np.zeros(len(groups))
    for _ in range(50):
        score, curvature = _pseudo_likelihood(fields, beta)
        if not curvature.sum() > 0:
            return unknown, unknown
        change = float(score.sum() / curvature.sum())
        beta += float(np.clip(change, -1, 1))
        if abs(change) < 1e-10:
            break
    else:
        return unknown, unknown
    count = len(groups)
    unlikely = sum(int(np.sum(field < 0)) for field in fields)
    if count == 1 or unlikely < FEWEST_UNLIKELY:
        return beta, unknown
    variance = np.sum(score**2) / curvature.sum() ** 2 * count / (count - 1)
    return beta, float(np.sqrt(max(variance, 1 / curvature.sum())))


def _aligned_fields(machine: BoltzmannMachine, states: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return s_k u_k of states (draw, unit)."""
    z = states.astype(np.float64)
    if isinstance(machine.matrix, np.ndarray):
        return np.asarray((2 * z - 1) * (z @ machine.matrix + machine.biases))
    blocks = by_block(machine.matrix, machine.biases, states)
    return np.concatenate([(2 * z[:, units] - 1) * field for units, field in blocks], axis=1)


def _pseudo_likelihood(
    fields: list[NDArray[np.float64]], beta: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return first and negative second derivative of the log pseudo-likelihood, per group."""
    score, curvature = np.empty(len(fields)), np.empty(len(fields))
    for k, field in enumerate(fields):
        miss = logistic(-np.clip(beta * field, -700, 700))
        score[k] = np.sum(field * miss)
        curvature[k] = np.sum(field**2 * miss * (1 - miss))
    return score, curvature


def effective_beta(
    machine: BoltzmannMachine, states: NDArray[np.uint8]
) -> tuple[float, tuple[float, float] | None]:
    """Return the inverse temperature that explains `states` (chain, draw, unit) best, and 95 % of it.

    See `beta_estimate`. The interval is Student's, with the chains as the independent sample: pieces of
    a chain are not independent where it is short. None for one chain, or where there is no maximum.
    """
    validate.instance("machine", machine, BoltzmannMachine)
    beta, error = beta_estimate(machine, states)
    if not error < np.inf:
        return beta, None
    width = float(student(0.025, len(states) - 1) * error)
    return beta, (beta - width, beta + width)
