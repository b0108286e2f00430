"""What a device cannot do of what a run asks for, said before the run starts.

`photinus.translation.check` says what lies outside the range that a calibration measured. Most of that
is harmless. This here makes the sampled law visibly wrong in full physics (``studies/limits.py``):

* Weights beyond twice the measured range. The synapses act too weakly and too late: units that inhibit
  each other fire together.
* Modes held up by many synapses. A few percent of all synapses then decide how probable a mode is.
* Lasers that their partners can drive so high that they lase without a pause: they read as off.
* Pumps that would have to be negative, of lasers that their partners are to bring back.
* A predicted KL that is large (`photinus.predict`).
"""

import numpy as np
from numpy.typing import NDArray

from photinus._core import validate
from photinus._core.matrices import dense, mapped, part, upper
from photinus._core.states import MAX_PER_EVIDENCE
from photinus._core.words import NAMED, count, some
from photinus.calibration import Calibration
from photinus.devices import Network, device_of
from photinus.machines.boltzmann import BoltzmannMachine
from photinus.machines.evidence import Evidence
from photinus.translation.prediction import foretold

STRONG = 2.0
"""Weights are said to be too strong beyond this many times the measured range. Up to it, marginals of
random machines are right within 0.03."""
SYNAPSE_ERROR = 0.05
"""Relative error of all synapses together, as lasers have it."""
MOVED = 0.25
"""Change of a marginal by such an error from which on it is said."""
REACHED = 8.0
"""Log-odds below zero from which on it matters what a unit does."""


def beyond_translation(
    machine: BoltzmannMachine,
    calibration: Calibration,
    network: Network,
    evidence: Evidence,
    drive: NDArray[np.float64] | None = None,
    *,
    corrected: bool = False,
    perfect: bool = True,
) -> list[str]:
    """Return what translation cannot bring about, a sentence each.

    Parameters
    ----------
    machine, calibration, network
        A machine as the neurons see it, flipped by the gauge of its network, and that network.
    evidence
        Known units, and their values in each chain.
    drive : array (chain, unit), optional
        Constant drives, evidence included; by default those of the network and its couplings.
    corrected
        Whether the network is about to be refined. Then only a large predicted KL is said.
    perfect
        Whether the network is as designed. Else its faults are what is off, and no KL is predicted.
    """
    validate.instance("machine", machine, BoltzmannMachine)
    validate.instance("calibration", calibration, Calibration)
    validate.instance("network", network, Network)
    if drive is None:
        drive = network.drive + evidence.through(network.coupling)
    found = [_far(machine, calibration, network, evidence, drive[0], corrected) if perfect else None]
    if not corrected:
        found = [
            _strong(machine, calibration, evidence.free),
            _cooperative(machine, evidence),
            _unpumped(machine, network, evidence),
            *found,
        ]
    return [sentence for sentence in found if sentence]


def beyond_lasers(network: Network, drive: NDArray[np.float64], known: NDArray[np.intp]) -> list[str]:
    """Return which lasers of a network can be driven into steady lasing, a sentence or none.

    Parameters
    ----------
    network
        Lasers (others do not lase: none).
    drive : array (chain, unit)
        Constant drives, evidence included [carriers].
    known : array (k,)
        Positions of units that are evidence.
    """
    validate.instance("network", network, Network)
    return device_of(network).beyond(network, drive, known)


def _strong(machine: BoltzmannMachine, calibration: Calibration, free: NDArray[np.intp]) -> str | None:
    """Return which weights are too strong for the synapses."""
    low, high = (STRONG * bound for bound in calibration.weight_range)
    rows, columns, weights = upper(part(machine.matrix, free, free))
    outside = (weights < low) | (weights > high)
    if not outside.any():
        return None
    rows, columns, sizes = rows[outside], columns[outside], weights[outside]
    worst = np.argsort(-np.abs(sizes), kind="stable")[: NAMED + 1]
    named = [
        f"{machine.labels[free[rows[k]]]!r}–{machine.labels[free[columns[k]]]!r} ({sizes[k]:+.3g})"
        for k in worst
    ]
    return (
        f"{count(len(rows), 'weight')} of {len(weights)} "
        f"{'lies' if len(rows) == 1 else 'lie'} outside [{low:+.3g}, {high:+.3g}], where the synapses "
        f"of {calibration.parameters.name!r} act too weakly and too late: "
        f"{some(named, len(rows))}; scale the machine down, or refine the network"
    )


def _cooperative(machine: BoltzmannMachine, evidence: Evidence) -> str | None:
    """Return which marginal small errors of all synapses would move far; small machines only.

    If all weights are off by the factor 1 + ε, a marginal moves by ε Cov(z_k, ½ zᵀWz), to first order.
    """
    if len(evidence.free) > MAX_PER_EVIDENCE:
        return None
    target = machine.conditional(evidence.part(slice(1)))
    states, probability = target.states(), target.joint()
    held_up = 0.5 * np.einsum("si,ij,sj->s", states, target.weights, states)
    centred = probability * (held_up - probability @ held_up)
    moved = SYNAPSE_ERROR * np.abs(centred @ states)
    worst = int(np.argmax(moved))
    # Written so that numbers beyond all bounds say nothing.
    if not MOVED < moved[worst] < np.inf:
        return None
    return (
        f"many synapses together hold modes up: an error of {100 * SYNAPSE_ERROR:g} % in all of them, "
        f"as devices have, would move the probability of {target.labels[worst]!r} by "
        f"{min(moved[worst], 1.0):.2f} or so; refine the network, and compare chains"
    )


def _far(
    machine: BoltzmannMachine,
    calibration: Calibration,
    network: Network,
    evidence: Evidence,
    drive: NDArray[np.float64],
    corrected: bool,
) -> str | None:
    """Return by how much samples will be off, if that is much; small machines, first evidence."""
    free = evidence.free
    if len(free) > MAX_PER_EVIDENCE or calibration.pairs is None:
        return None
    among = np.ix_(free, free)
    delay = np.asarray(network.delay)
    told = foretold(
        machine.conditional(evidence.part(slice(1))),
        calibration,
        drive[free],
        dense(part(network.coupling, free, free)),
        delay[among] if delay.ndim else delay,
    )
    if not told.large or not np.isfinite(told.kl):
        return None
    if told.exact:
        named = [f"{unit!r} ({was:.2f}, not {p:.2f})" for unit, p, was in told.marginals[: NAMED + 1]]
        where = f"P(on) of {some(named, len(told.marginals))}"
    else:
        pairs = [(f"{a!r}–{b!r}", kl) for a, b, kl in told.strength]
        units = [(repr(unit), kl) for unit, kl in (*told.bias, *told.curvature)]
        parts = sorted(pairs + units, key=lambda part: -part[1])
        where = some([f"{what} ({kl:.2g})" for what, kl in parts[: NAMED + 1]], len(parts))
    helps = "" if corrected else "refinement, "
    return (
        f"samples are predicted to be off by a KL of {told.kl:.2g} nats, most in {where}; "
        f"{helps}another gauge or preset, or a softer machine (`heated`) may help"
    )


def _unpumped(
    machine: BoltzmannMachine,
    network: Network,
    evidence: Evidence,
) -> str | None:
    """Return which lasers would need a negative pump and can be brought back by their partners."""
    device = device_of(network)
    if not np.isfinite(device.least_drive):
        return None
    free = evidence.free
    field = machine.biases_given(evidence.distinct()[0])
    among = mapped(part(machine.matrix, free, free), lambda w: np.maximum(w, 0.0))
    highest = field.max(axis=0) + np.asarray(among.sum(axis=1))
    cut = (
        (network.drive[free] <= device.least_drive)
        & (highest > -REACHED)
        & (field.min(axis=0) < -REACHED)
    )
    units = np.flatnonzero(cut)
    if not len(units):
        return None
    units = units[np.argsort(field.min(axis=0)[units], kind="stable")]
    named = [f"{machine.labels[free[k]]!r} (bias {field.min(axis=0)[k]:+.3g})" for k in units]
    return (
        f"{count(len(units), device.noun)} would need a pump below zero, which there is not, so "
        f"partners bring {'it' if len(units) == 1 else 'them'} up too easily: {some(named)}; give "
        f"{'it' if len(units) == 1 else 'them'} larger biases"
    )
