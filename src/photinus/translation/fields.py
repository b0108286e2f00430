"""The fields that units meet in the target, and the lines that stand for the measured curve."""

import functools
from collections.abc import Iterator
from dataclasses import astuple, dataclass

import numpy as np
from numpy.typing import NDArray

from photinus._core import validate
from photinus._core.logistic import logistic
from photinus._core.states import MAX_PER_EVIDENCE
from photinus._core.validate import is_sparse
from photinus.machines.boltzmann import BoltzmannMachine
from photinus.machines.energies import by_block
from photinus.machines.evidence import Evidence
from photinus.reference.gibbs import sample_gibbs
from photinus.translation.neuron import Neuron

SMALLEST_SPREAD = 1e-6
"""Variance of a unit's field below which it counts as constant."""
EVIDENCE_AT_ONCE = 64
CHAINS, CHAINS_PER_EVIDENCE, DRAWS_PER_EVIDENCE = 64, 8, 12
"""Gibbs chains among all evidence, at least so many for each, and draws of each chain."""
FEW_CHAINS, FEW_SWEEPS, FEWEST_DRAWS = 8, 20, 8
"""Gibbs chains of machines that are held as sparse rows, their burn-in, and draws of each at least."""
MOST_FIELDS = 2**23
"""Fields, states times units, that are looked at of such machines: a second or two."""


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields that units meet, weighted by how much their log-odds matter; arrays (unit,)."""

    mean: NDArray[np.float64]
    """Mean field."""
    drive: NDArray[np.float64]
    """Mean of the x(u) that the fields call for."""
    slope: NDArray[np.float64]
    """Slope of the line through (mean, drive) that is closest to x(u)."""


def states_met(machine: BoltzmannMachine) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Return states (state, unit) and their probabilities (state,): all, or Gibbs draws of many.

    There are fewer of machines that are held as sparse rows. A line is fitted to exact values of the
    curve, so that few states tell it well.
    """
    validate.instance("machine", machine, BoltzmannMachine)
    if machine.n_units <= MAX_PER_EVIDENCE:
        return machine.states(), machine.joint()
    chains, draws, burn_in = 64, 50, 100
    if is_sparse(machine.matrix):
        chains, burn_in = FEW_CHAINS, FEW_SWEEPS
        draws = int(np.clip(MOST_FIELDS // (chains * machine.n_units), FEWEST_DRAWS, 200))
    drawn = sample_gibbs(machine, chains=chains, draws=draws, burn_in=burn_in, seed=0)
    states = drawn.reshape(-1, machine.n_units)
    return states, np.full(len(states), 1.0 / len(states))


def doses(machine: BoltzmannMachine, calibration: Neuron) -> NDArray[np.float64]:
    """Return by what the pulses of each unit are to be smaller, array (unit,): 1 where they renew."""
    if calibration.kernel.renewing or calibration.mean_interval is None:
        return np.ones(machine.n_units)
    states, probability = states_met(machine)
    found = []
    for units, field in by_block(machine.matrix, machine.biases, states):
        weight = probability[:, None] * states[:, units]
        # The added constant keeps the sum above zero for a unit that is never on.
        dose = ((weight * calibration.dose(field)).sum(axis=0) + 1e-12) / (weight.sum(axis=0) + 1e-12)
        found.append(dose)
    return np.concatenate(found)


def fields_met(machine: BoltzmannMachine, calibration: Neuron) -> Fields:
    """Return the fields of each unit in the target distribution, and the line instead of x(u)."""
    return lines_through(machine, *states_met(machine), calibration)


def lines_through(
    machine: BoltzmannMachine,
    states: NDArray[np.uint8],
    probability: NDArray[np.float64],
    calibration: Neuron,
) -> Fields:
    """Return `line_through` the fields of all units in states (state, unit)."""
    validate.instance("machine", machine, BoltzmannMachine)
    validate.instance("calibration", calibration, Neuron)
    parts = [
        line_through(field, probability, calibration)
        for _, field in by_block(machine.matrix, machine.biases, states)
    ]
    return Fields(*(np.concatenate(each) for each in zip(*map(astuple, parts), strict=True)))


def states_given(
    machine: BoltzmannMachine, distinct: Evidence
) -> tuple[NDArray[np.uint8], Iterator[NDArray[np.uint8]]]:
    """Return states of the free units without evidence, and those given each, all sampled together.

    Arrays (state, free unit), as many of both. Errors of the mean cancel to first order in a drive, so
    that few states do for each evidence.
    """
    few = is_sparse(machine.matrix)
    chains = max(CHAINS_PER_EVIDENCE, (FEW_CHAINS if few else CHAINS) // distinct.chains)
    size = chains * DRAWS_PER_EVIDENCE
    if few:
        anyway = states_met(machine)[0][:size, distinct.free]
    else:
        anyway = _drawn_anyway(machine, size)[:, distinct.free]
    return anyway, _states_by_evidence(machine, distinct, chains)


@functools.lru_cache(maxsize=2)
def _drawn_anyway(machine: BoltzmannMachine, size: int) -> NDArray[np.uint8]:
    """Return states (state, unit) without evidence: the same, however often evidence changes."""
    return sample_gibbs(machine, chains=size, draws=1, burn_in=100, seed=1)[:, 0]


def _states_by_evidence(
    machine: BoltzmannMachine, distinct: Evidence, chains: int
) -> Iterator[NDArray[np.uint8]]:
    """Return states of the free units given each evidence in turn, array (state, free unit)."""
    for first in range(0, distinct.chains, EVIDENCE_AT_ONCE):
        part = distinct.part(slice(first, first + EVIDENCE_AT_ONCE))
        drawn = sample_gibbs(
            machine,
            chains=part.chains * chains,
            draws=DRAWS_PER_EVIDENCE,
            burn_in=30,
            seed=first,
            evidence=part.repeated(chains),
        )[:, :, distinct.free]
        yield from drawn.reshape(part.chains, chains * DRAWS_PER_EVIDENCE, -1)


def line_through(
    field: NDArray[np.float64], probability: NDArray[np.float64], calibration: Neuron
) -> Fields:
    """Return what is needed of fields (state, unit) with the states' probabilities (state,)."""
    validate.instance("calibration", calibration, Neuron)
    on = logistic(np.clip(field, -700, 700))
    # The added constant keeps the sum above zero for a unit that never has a choice.
    weight = probability[:, None] * (on * (1 - on) + 1e-12)
    weight /= weight.sum(axis=0)
    drive = calibration.drive_at(field)
    mean, level = (weight * field).sum(axis=0), (weight * drive).sum(axis=0)
    off = field - mean
    spread = (weight * off**2).sum(axis=0)
    # A unit without partners: the tangent.
    ends = calibration.drive_at(mean + np.array([[-0.5], [0.5]]))
    rise = (weight * off * (drive - level)).sum(axis=0)
    moves = spread > SMALLEST_SPREAD
    slope = np.where(moves, rise / np.where(moves, spread, 1.0), ends[1] - ends[0])
    return Fields(mean, level, slope)
