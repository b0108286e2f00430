"""The synapse, fitted: the pulse with which small networks come nearest to their targets.

The objective is the mean KL(sampled‖target) of a fixed set of pairs and triples, biases and weights of
both signs, translated by the measured rule. To second order a KL is ½ Σ (p - q)²/q over states, a sum
of squares, which Gauss–Newton minimises. (A one-way pair would not do: its joint is not a Boltzmann
distribution.)
"""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from photinus.calibration.bench import Bench
from photinus.devices.synapse import SynapticKernel
from photinus.diagnostics.distance import kl_divergence
from photinus.machines.boltzmann import BoltzmannMachine
from photinus.networks.couplings import dense
from photinus.translation.neuron import Neuron
from photinus.translation.rules import translate

SYNAPSES = ("rectangle", "plain", "exponential", "filter", "charge")
"""Kinds of synapse that can be fitted. A rectangle of length τ has pre-emphasis (kick and sustained
pulse), a plain one has none. An exponential has a height (and a time constant, unless given). A filter
is an exponential with pre-emphasis. A charge is a kick alone."""

_PAIRS: list[tuple[list[float], list[float]]] = [
    (b, [w])
    for b in ([-1.0, -1.0], [-1.0, 1.0], [0.0, 0.0], [1.0, 0.5])
    for w in (-1.0, -0.5, 0.5, 1.0)
]  # fmt: skip
# Biases of three units, weights 12, 13, 23.
_TRIPLES: list[tuple[list[float], list[float]]] = [
    ([0, 0, 0], [1, 1, 1]),
    ([0, 0, 0], [-1, -1, -1]),
    ([-1, 0, 1], [1, -1, 0.5]),
    ([1, -1, 0], [-0.5, 1, -1]),
    ([0.5, 0.5, -0.5], [-1, 0.5, 0.5]),
    ([-0.5, 1, -1], [0.5, 0.5, 1]),
    ([1, 1, 1], [-1, -1, -0.5]),
    ([-1, -0.5, 0], [1, 1, -1]),
]


def _machine(biases: Sequence[float], upper: Sequence[float]) -> BoltzmannMachine:
    weights = np.zeros((len(biases), len(biases)))
    weights[np.triu_indices(len(biases), 1)] = upper
    return BoltzmannMachine(weights + weights.T, np.asarray(biases, np.float64))


MACHINES = tuple(_machine(b, w) for b, w in [*_PAIRS, *_TRIPLES])
"""The targets: 16 pairs and 8 triples."""
CROWD = 6
"""Units of a target in which many that are seldom on excite each other."""


def targets(reach: float) -> tuple[BoltzmannMachine, ...]:
    """Return `MACHINES`, and with a `reach` above one others with weights up to that.

    These are pairs and triples whose units are on about half of the time, and crowds. Units of a crowd
    are seldom on and excite each other, so small weights far below half-activation matter there.
    """
    if reach <= 1:
        return MACHINES
    pairs = [
        _machine([shift - w / 2] * 2, [w])
        for w in (-reach, -reach / 2, reach / 2, reach)
        for shift in (-1.0, 0.0, 1.0)
    ]
    signs = ([1, 1, 1], [-1, -1, -1], [1, -1, 1], [-1, 1, -1])
    triples = [_triple(np.array(sign) * w) for w in (reach / 2, reach) for sign in signs]
    crowds = [
        _machine([bias] * CROWD, [weight] * (CROWD * (CROWD - 1) // 2))
        for bias, weight in ((-1.5, 0.5), (-2.5, 0.8), (-3.5, 1.2))
    ]
    return (*MACHINES, *pairs, *triples, *crowds)


def _triple(upper: NDArray[np.float64]) -> BoltzmannMachine:
    """Return a triple with these weights whose units are on about half of the time."""
    a, b, c = upper
    return _machine([-(a + b) / 2, -(a + c) / 2, -(b + c) / 2], upper.tolist())


GROUPS = 8
"""Groups of chains whose spread gives the errors."""
WINDOWS = 150
"""State windows of each measurement."""
LEAST_CHANGE = 0.005
"""Change of the free parameters (in units of kick and sustain, or of τ) below which a fit ends."""


@dataclass(frozen=True, slots=True)
class Fit:
    """A synapse, how well it does, and how well it is known."""

    kernel: SynapticKernel
    error: dict[str, float]
    """Standard errors of the free parameters."""
    kl: NDArray[np.float64]
    """KL of each of `MACHINES`, array (machine,) [nats]."""

    @property
    def mean_kl(self) -> float:
        """The objective."""
        return float(self.kl.mean())

    def beats(self, other: "Fit") -> bool:
        """Whether the objective is lower by more than two standard errors, machine by machine."""
        gain = other.kl - self.kl
        return bool(gain.mean() > 2 * gain.std(ddof=1) / np.sqrt(len(gain)))


def first_guess(synapse: str, window: float, *, renewing: bool, decay: float | None) -> SynapticKernel:
    """Return where the fit of a kind of synapse starts."""
    if synapse in ("exponential", "filter"):
        kick, sustain = (0.0, 2.5) if synapse == "exponential" else (0.15, 2.2)
        return SynapticKernel(
            kick=kick,
            sustain=sustain if decay is None else 1.5,
            duration=first_duration("exponential", window) if decay is None else decay,
            renewing=renewing,
            shape="exponential",
        )
    kick, sustain = {"rectangle": (0.25, 0.75), "plain": (0.0, 1.0), "charge": (1.0, 0.0)}[synapse]
    return SynapticKernel(kick=kick, sustain=sustain, duration=window, renewing=renewing)


def first_duration(shape: str, window: float) -> float:
    """Return how long a pulse lasts where its fit starts [s]: the window, an exponential less.

    From a decay of one window a fit to strong weights ends far from the best.
    """
    return window if shape == "rectangle" else 0.4 * window


def free_parameters(synapse: str, *, decay: float | None) -> dict[str, float]:
    """Return what is fitted, with the step of its finite difference (times τ for a time)."""
    if synapse in ("exponential", "filter"):
        kick = {"kick": 0.08} if synapse == "filter" else {}
        return {**kick, "sustain": 0.2, **({} if decay is not None else {"duration": 0.06})}
    steps = {"kick": 0.08, "sustain": 0.15}
    fitted = {"rectangle": ("kick", "sustain"), "plain": ("sustain",), "charge": ("kick",)}[synapse]
    return {name: steps[name] for name in fitted}


def fit_synapse(
    bench: Bench,
    neuron: Neuron,
    free: dict[str, float],
    *,
    machines: Sequence[BoltzmannMachine] = MACHINES,
    steps: int,
    advance: Callable[[], None],
) -> Fit:
    """Return the synaptic kernel that minimises the mean KL, from that of `neuron` on.

    Parameters
    ----------
    bench
        The device, ready to be simulated.
    neuron
        Activation and state window, with the synaptic kernel to start from.
    free
        Names of the synapse's free parameters, with the steps of finite differences.
    machines
        The targets.
    steps
        Gauss–Newton steps at most.
    advance
        Called after every measurement.
    """
    scale = {name: neuron.window if name == "duration" else 1.0 for name in free}
    kernel, measured = neuron.kernel, _joints(bench, neuron, neuron.kernel, machines)
    projection = np.zeros((len(free), 0))
    for _ in range(steps):
        base = _residuals(measured, machines)
        columns = []
        for name, step in free.items():
            moved = replace(kernel, **{name: getattr(kernel, name) + step * scale[name]})
            there = _residuals(_joints(bench, neuron, moved, machines), machines)
            columns.append((there - base) / step)
            advance()
        projection = np.linalg.pinv(np.stack(columns, axis=1))
        change = np.clip(-projection @ base, -0.4, 0.4)
        kernel = _moved(kernel, dict(zip(free, change, strict=True)), scale)
        measured = _joints(bench, neuron, kernel, machines)
        if np.abs(change).max() < LEAST_CHANGE:
            break
    offsets = np.stack(
        [projection @ _residuals([j[g : g + 1] for j in measured], machines) for g in range(GROUPS)]
    )
    spread = offsets.std(axis=0, ddof=1) / np.sqrt(GROUPS)
    error = {name: float(e) * scale[name] for name, e in zip(free, spread, strict=True)}
    return Fit(kernel=kernel, error=error, kl=_kl(measured, machines))


def _moved(kernel: SynapticKernel, change: dict[str, float], scale: dict[str, float]) -> SynapticKernel:
    """Return the synaptic kernel with its parameters changed, none of them below its range."""
    lowest = {"kick": 0.0, "sustain": 0.0, "duration": 0.05}
    return replace(
        kernel,
        **{
            name: scale[name] * max(getattr(kernel, name) / scale[name] + step, lowest[name])
            for name, step in change.items()
        },
    )


def _joints(
    bench: Bench, neuron: Neuron, kernel: SynapticKernel, machines: Sequence[BoltzmannMachine]
) -> list[NDArray[np.float64]]:
    """Return the joints that the machines show, arrays (group, state), all simulated as one network."""
    parts = [
        translate(machine, replace(neuron, kernel=kernel), rule="measured", gauge="none")
        for machine in machines
    ]
    ends = list(itertools.accumulate(part.n_units for part in parts))
    coupling = np.zeros((ends[-1], ends[-1]))
    for part, end in zip(parts, ends, strict=True):
        mine = slice(end - part.n_units, end)
        coupling[mine, mine] = dense(part.coupling)
    network = bench.network(
        np.concatenate([part.drive for part in parts]),
        neuron.window,
        coupling=coupling,
        kernel=kernel,
    )
    spikes = bench.run(network, bench.settle(neuron.window) + WINDOWS * neuron.window, 4)
    joints = []
    size = spikes.chains // GROUPS
    for alone in spikes.split(ends):
        groups = [alone.of_chains(k * size, (k + 1) * size) for k in range(GROUPS)]
        joints.append(
            np.array([one.joint(neuron.window, start=bench.settle(neuron.window)) for one in groups])
        )
    return joints


def _residuals(
    joints: list[NDArray[np.float64]], machines: Sequence[BoltzmannMachine]
) -> NDArray[np.float64]:
    """Return (p - q)/√q of all states of all machines: half their squares are the KLs."""
    return np.concatenate(
        [
            (p.mean(axis=0) - machine.joint()) / np.sqrt(machine.joint())
            for p, machine in zip(joints, machines, strict=True)
        ]
    )


def _kl(joints: list[NDArray[np.float64]], machines: Sequence[BoltzmannMachine]) -> NDArray[np.float64]:
    return np.array(
        [
            kl_divergence(p.mean(axis=0), machine.joint())
            for p, machine in zip(joints, machines, strict=True)
        ]
    )
