"""The fields that units meet in the target, and the lines that stand for the measured curve."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from photinus._core import validate
from photinus._core.logistic import logistic
from photinus._core.states import MAX_PER_EVIDENCE
from photinus.machines.boltzmann import BoltzmannMachine
from photinus.machines.evidence import Evidence
from photinus.reference.gibbs import sample_gibbs
from photinus.translation.neuron import Neuron

SMALLEST_SPREAD = 1e-6
"""Variance of a unit's field below which it counts as constant."""


EVIDENCE_AT_ONCE = 64


CHAINS, CHAINS_PER_EVIDENCE, DRAWS_PER_EVIDENCE = 64, 8, 12
"""Gibbs chains among all evidence, at least so many for each, and draws of each chain."""


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields that units meet, weighted by how much their log-odds matter; arrays (unit,)."""

    mean: NDArray[np.float64]
    """Mean field."""
    drive: NDArray[np.float64]
    """Mean of the x(u) that the fields call for."""
    slope: NDArray[np.float64]
    """Slope of the line through (mean, drive) that is closest to x(u)."""


def doses(machine: BoltzmannMachine, calibration: Neuron) -> NDArray[np.float64]:
    """Return by what the pulses of each unit are to be smaller, array (unit,): 1 where they renew."""
    if calibration.kernel.renewing or calibration.mean_interval is None:
        return np.ones(machine.n_units)
    states, probability = states_met(machine)
    weight = probability[:, None] * states
    # The added constant keeps the sum above zero for a unit that is never on.
    dose = calibration.dose(states @ machine.weights + machine.biases)
    return np.asarray(((weight * dose).sum(axis=0) + 1e-12) / (weight.sum(axis=0) + 1e-12))


def fields_met(machine: BoltzmannMachine, calibration: Neuron) -> Fields:
    """Return the fields of each unit in the target distribution, and the line instead of x(u)."""
    validate.instance("calibration", calibration, Neuron)
    states, probability = states_met(machine)
    return line_through(states @ machine.weights + machine.biases, probability, calibration)


def states_met(machine: BoltzmannMachine) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Return states (state, unit) and their probabilities (state,): all, or Gibbs draws of many."""
    validate.instance("machine", machine, BoltzmannMachine)
    if machine.n_units <= MAX_PER_EVIDENCE:
        return machine.states(), machine.joint()
    drawn = sample_gibbs(machine, chains=64, draws=50, burn_in=100, seed=0)
    states = drawn.reshape(-1, machine.n_units)
    return states, np.full(len(states), 1.0 / len(states))


def sampled_fields(
    machine: BoltzmannMachine,
    calibration: Neuron,
    distinct: Evidence,
) -> list[Fields]:
    """Return the fields of the free units given each evidence, all sampled together.

    Errors of the mean cancel to first order in a drive, so that few states do for each evidence.
    """
    validate.instance("machine", machine, BoltzmannMachine)
    validate.instance("calibration", calibration, Neuron)
    free = distinct.free
    among = machine.weights[np.ix_(free, free)]
    biases = machine.biases_given(distinct)
    chains = max(CHAINS_PER_EVIDENCE, CHAINS // distinct.chains)
    size = chains * DRAWS_PER_EVIDENCE
    anyway = sample_gibbs(machine, chains=size, draws=1, burn_in=100, seed=1)[:, 0, free]
    partners = anyway @ among
    found = []
    for first in range(0, distinct.chains, EVIDENCE_AT_ONCE):
        part = distinct.part(slice(first, first + EVIDENCE_AT_ONCE))
        drawn = sample_gibbs(
            machine,
            chains=part.chains * chains,
            draws=DRAWS_PER_EVIDENCE,
            burn_in=30,
            seed=first,
            evidence=part.repeated(chains),
        )
        states = drawn[:, :, free].reshape(part.chains, size, -1).astype(np.float64)
        equal = np.full(2 * size, 0.5 / size)
        for each, own in zip(states, biases[first:], strict=False):
            found.append(
                line_through(np.concatenate([each @ among, partners]) + own, equal, calibration)
            )
    return found


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
