"""How far the samples of a network will be from its machine, told before it is simulated."""

from collections.abc import Hashable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from photinus._core import gauge as gauges
from photinus._core import validate
from photinus._core.display import Displayed
from photinus._core.words import some
from photinus.devices import Network
from photinus.errors import InvalidInput
from photinus.machines.boltzmann import BoltzmannMachine
from photinus.networks.couplings import dense
from photinus.translation.distortion import Context, Pairs, information, told_of
from photinus.translation.fields import doses, states_met
from photinus.translation.law import MOST_SOLVED, Curve, Shown, stationary
from photinus.translation.neuron import Neuron
from photinus.translation.pairs import PairTable

NAMED = 3
"""Units and pairs that are named."""
LARGE = 0.02
"""KL per unit that counts as large: as if each marginal of ½ was off by 0.1 [nats]."""
RARE = 1e-12
UNSURE = 0.3
"""KL that pairs are off beside what the table tells, over the KL that what it tells amounts to. Other
partners change a pair, and the table has errors. Fitted to machines that were simulated."""
FEWER = 64
"""By how much fewer states are looked at than translation does, where parts are summed."""


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class Prediction(Displayed):
    """Predicted KL(sampled‖target) of a network, and where it comes from [nats].

    Parts are first-order estimates, each as if all else was right. They do not add up to `kl`, since
    errors meet. Moments that are off in one place may be so for what is wrong in another.
    """

    kl: float
    """Predicted KL(sampled‖target), `unsure` included, without the noise of a finite run."""
    unsure: float
    """What pairs are expected to be off beside what the pair table tells."""
    exact: bool
    """Whether the law was solved for; else `kl` is the sum of the parts."""
    with_pairs: bool
    """Whether the calibration knew what pairs show; else the parts of pairs are missing."""
    bias: tuple[tuple[Hashable, float], ...]
    """(unit, KL) of log-odds that are off in the mean, the largest first."""
    curvature: tuple[tuple[Hashable, float], ...]
    """(unit, KL) of a curve that is not the line which a network can add up, the largest first."""
    strength: tuple[tuple[Hashable, Hashable, float], ...]
    """(unit, unit, KL) of weights that pairs do not show, the largest first."""
    marginals: tuple[tuple[Hashable, float, float], ...]
    """(unit, probability wanted, predicted), the furthest off first; none unless `exact`."""
    delay: float
    """What `kl` would be smaller without synaptic delays; below zero where they help."""

    @property
    def large(self) -> bool:
        """Whether the KL is large: more than `LARGE` per unit."""
        return self.kl > LARGE * len(self.bias)

    def __str__(self) -> str:
        """Return the total and the parts, a line each."""
        way = "" if self.exact else ", summed over units and pairs"
        lines = [f"predicted KL: {self.kl:.2g} nats{way}"]
        for name, parts in (("bias", self.bias), ("curvature", self.curvature)):
            if parts:
                lines.append(_line(name, [(repr(u), part) for u, part in parts]))
        if self.strength:
            named = [(f"{a!r}–{b!r}", part) for a, b, part in self.strength]
            lines.append(_line("strength of couplings", named))
        elif not self.with_pairs:
            lines.append("strength of couplings: not known, the calibration has no pair table")
        if self.unsure:
            lines.append(f"not told by the pair table: {self.unsure:.2g}")
        if self.delay:
            lines.append(f"delay: {self.delay:+.2g}")
        return "\n".join(lines)


def _line(name: str, parts: list[tuple[str, float]]) -> str:
    """Return a line for one kind of parts: their sum, and the largest of them."""
    named = [f"{what} {part:.2g}" for what, part in parts[: NAMED + 1]]
    return f"{name}: {sum(part for _, part in parts):.2g} ({some(named, len(parts))})"


def predict(machine: BoltzmannMachine, calibration: Neuron, network: Network) -> Prediction:
    """Predict how far the samples of `network` will be from `machine`; takes milliseconds.

    Up to `MOST_SOLVED` units the stationary law of ideal neurons with the measured curve is solved,
    with what the pair table tells of each pair. Beyond, first-order parts are summed.

    Parameters
    ----------
    machine
        The target.
    calibration
        Calibration of the neurons; without a pair table the prediction knows of the curve alone.
    network
        Network of such neurons, one for each unit of the machine.

    Raises
    ------
    InvalidInput
        If the calibration is of another device, or the network has other labels than the machine.

    Examples
    --------
    >>> import photinus as ph
    >>> machine = ph.BoltzmannMachine([[0, 1], [1, 0]], [0.5, -1])
    >>> calibration = ph.Calibration.preset("fast-absorber")
    >>> found = ph.predict(machine, calibration, ph.translate(machine, calibration))
    >>> found.kl < 0.01
    True
    """
    validate.instance("machine", machine, BoltzmannMachine)
    validate.instance("calibration", calibration, Neuron)
    validate.instance("network", network, Network)
    calibration.require(network.parameters)
    if network.labels != machine.labels:
        raise InvalidInput(
            f"network must have the labels of the machine, got {network.labels!r} for "
            f"{machine.labels!r}"
        )
    gauge = gauges.of(network)
    own = machine.flipped(gauge)
    found = foretold(own, calibration, network.drive, dense(network.coupling), network.delay)
    flipped = {label for label, flip in zip(machine.labels, gauge, strict=False) if flip}
    turned = tuple(
        (unit, 1 - wanted, 1 - shown) if unit in flipped else (unit, wanted, shown)
        for unit, wanted, shown in found.marginals
    )
    return replace(found, marginals=turned)


def foretold(
    machine: BoltzmannMachine,
    calibration: Neuron,
    drive: NDArray[np.float64],
    coupling: NDArray[np.float64],
    delay: float | NDArray[np.float64] = 0.0,
) -> Prediction:
    """Return `predict` for drives (unit,) and couplings (target, source), as the neurons see them.

    `machine` is flipped by the gauge of the network, and `delay` is in seconds.
    """
    validate.instance("machine", machine, BoltzmannMachine)
    validate.instance("calibration", calibration, Neuron)
    coupling = coupling / doses(machine, calibration)
    curve = Curve.of(calibration.sharpened())
    delay = np.asarray(delay) / calibration.window
    either = (coupling != 0) | (machine.weights != 0)
    table = calibration.pairs or _nothing()
    pairs = Pairs.between(machine.weights, table, delay, among=either | either.T)
    states, probability = states_met(machine)
    field = states @ machine.weights + machine.biases
    small = machine.n_units <= MOST_SOLVED
    context = Context.of(states, probability, field, 1 if small else FEWER * len(pairs))
    shown = Shown.by(context, drive, coupling, curve, pairs)
    parts = _parts(machine, context, shown, pairs)
    law = stationary(shown.together) if small else None
    kl = parts.total() if law is None else _divergence(law, context.probability)
    unsure = UNSURE * _told_by_pairs(context, shown, pairs, law)
    late = 0.0
    if np.any(delay > 0):
        at_once = replace(pairs, delay=np.zeros(()))
        without = Shown.by(context, drive, coupling, curve, at_once)
        late = kl - (
            _divergence(stationary(without.together), context.probability)
            if small
            else _parts(machine, context, without, at_once).total()
        )
    names = machine.labels
    return Prediction(
        kl=kl + unsure,
        unsure=unsure,
        exact=small,
        with_pairs=calibration.pairs is not None,
        bias=_ranked([(name,) for name in names], parts.bias),
        curvature=_ranked([(name,) for name in names], parts.curvature),
        strength=_ranked(
            [(names[i], names[j]) for i, j in zip(pairs.one, pairs.other, strict=True)],
            parts.strength,
        )
        if calibration.pairs is not None
        else (),
        marginals=() if law is None else _marginals(names, context, law),
        delay=late,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Parts:
    """First-order parts of a KL: arrays (unit,), (unit,) and (pair,)."""

    bias: NDArray[np.float64]
    curvature: NDArray[np.float64]
    strength: NDArray[np.float64]

    def total(self) -> float:
        """Return the sum."""
        return float(self.bias.sum() + self.curvature.sum() + self.strength.sum())


def _parts(machine: BoltzmannMachine, context: Context, shown: Shown, pairs: Pairs) -> _Parts:
    """Return what the errors of log-odds cost to first order, each for itself.

    An error ε of a log-odds costs ½ σ(1 - σ) ε², and one of a weight ½ ε²/Σ(1/p).
    """
    p = context.probability
    choice = context.choice()
    # P(z_k = 1)(1 - P) given the others, in the mean.
    on = 1 / (1 + np.exp(-np.clip(context.field, -700, 700)))
    varies = p @ (on * (1 - on))
    off = shown.together - context.field
    mean = (choice * off).sum(axis=0)
    bias = 0.5 * varies * mean**2
    # What is left of the curve when the line through it is taken away.
    line = context.field - (choice * context.field).sum(axis=0)
    bent = shown.alone - (choice * shown.alone).sum(axis=0)
    spread = (choice * line**2).sum(axis=0)
    rise = (choice * line * bent).sum(axis=0) / np.maximum(spread, RARE)
    left = np.maximum((choice * (bent - rise * line) ** 2).sum(axis=0), 0.0)
    curvature = 0.5 * varies * np.where(spread > RARE, left, 0.0)
    wanted = pairs.wanted
    told = told_of(context, pairs, wanted)
    wrong = (told * (shown.weight + shown.changes[0] - wanted)).sum(axis=0)
    known = p @ information(*pairs.middles(context, context.field, wanted), wanted)
    return _Parts(bias, curvature, 0.5 * known * wrong**2)


def _told_by_pairs(
    context: Context, shown: Shown, pairs: Pairs, law: NDArray[np.float64] | None
) -> float:
    """Return the KL that the changes of the pair table amount to, from weights alone without a law."""
    if not len(pairs):
        return 0.0
    if law is not None:
        return _divergence(stationary(shown.alone), law)
    told = told_of(context, pairs, shown.weight.mean(axis=0))
    known = context.probability @ information(
        *pairs.middles(context, context.field, shown.weight), shown.weight
    )
    return float((0.5 * known * (told * shown.changes[0]).sum(axis=0) ** 2).sum())


def _divergence(law: NDArray[np.float64], target: NDArray[np.float64]) -> float:
    """Return KL(law‖target), arrays (state,)."""
    target = np.maximum(target, 1e-300)
    there = law > 0
    return float(max(0.0, np.sum(law[there] * np.log(law[there] / target[there]))))


def _marginals(
    names: tuple[Hashable, ...], context: Context, law: NDArray[np.float64]
) -> tuple[tuple[Hashable, float, float], ...]:
    """Return (unit, probability wanted, predicted), the furthest off first."""
    wanted, found = context.probability @ context.states, law @ context.states
    order = np.argsort(-np.abs(found - wanted), kind="stable")
    return tuple((names[k], float(wanted[k]), float(found[k])) for k in order)


def _ranked(names: list[tuple[Hashable, ...]], parts: NDArray[np.float64]) -> tuple:  # type: ignore[type-arg]
    """Return (name …, part), the largest part first."""
    return tuple((*names[k], float(parts[k])) for k in np.argsort(-parts, kind="stable"))


def _nothing() -> PairTable:
    """Return a table of pairs that show what they are given."""
    axis, table = np.array([-1.0, 1.0]), np.zeros((2, 2, 2, 2))
    return PairTable(
        activation=np.zeros(0),
        delay=np.array([0.0, 1.0]),
        weight=axis,
        middle=axis,
        weight_change=table,
        middle_change=table,
    )
