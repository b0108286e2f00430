"""The pair table, measured: what weight and biases two coupled neurons show.

The activation curve is measured once more, `LONGER`, because its errors would count once for each
partner. Then pairs over a grid of weights and middles are simulated as one network of parts that hear
nothing of each other. A pair has two fields for each unit, so drives and couplings from the curve fit
both exactly. What is off is the synapse, not the curve. Noise of rare states is taken away by smoothing
with second differences along all axes (Whittaker 1923, Proc. Edinburgh Math. Soc. 41, 63).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from photinus._core import validate
from photinus._core.streams import Seed, seed_sequence
from photinus.calibration.bench import Bench, activation
from photinus.devices import setting
from photinus.translation.neuron import Neuron
from photinus.translation.pairs import PairTable

DELAY = 0.25
"""Synaptic delay that is measured beside none [τ]."""
WEIGHTS = np.array([-4.0, -3.0, -2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0, 3.0, 4.0])
"""Weights; that of 0 changes nothing, and is not simulated."""
MIDDLES = np.linspace(-4.0, 4.0, 9)
"""Log-odds of a unit while its partner is half on."""
LATE_WEIGHTS, LATE_MIDDLES = (-4.0, -2.0, -0.5, 0.5, 2.0, 4.0), (-4.0, -2.0, 0.0, 2.0, 4.0)
"""Those of them that are measured with a delay."""
WINDOWS = 150
"""State windows of each measurement of pairs."""
LONGER, LONGEST = 8, 4000
"""State windows in which the activation is measured: a multiple of those of the pairs, or so many."""
PRIOR = 4.0
"""State windows of the pair's target that are added to what was seen."""
BEND, AT_WEIGHT, SMALLEST = 0.05, 2.0, 0.5
"""Second derivative of a change that is thought usual, in log-odds. Along a middle it is that at this
weight, and in proportion to others, none of them smaller than the last number."""
STAGES = 3
"""Calls of `advance` while pairs are measured."""


@dataclass(frozen=True, slots=True)
class _Grid:
    """Pairs over weights and middles, each pair once, in either order of its units."""

    weight: NDArray[np.intp]
    one: NDArray[np.intp]
    other: NDArray[np.intp]

    @classmethod
    def of(cls, weights: ArrayLike = WEIGHTS, middles: ArrayLike = MIDDLES) -> "_Grid":
        """Return these points of the axes, less weight 0."""
        weight = np.flatnonzero(np.isin(WEIGHTS, weights) & (WEIGHTS != 0))[:, None]
        middle = np.flatnonzero(np.isin(MIDDLES, middles))
        i, j = np.triu_indices(len(middle))
        w, i, j = np.broadcast_arrays(weight, middle[i], middle[j])
        return cls(w.ravel(), i.ravel(), j.ravel())

    @property
    def values(self) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Weight and both middles of each pair."""
        return WEIGHTS[self.weight], MIDDLES[self.one], MIDDLES[self.other]


def measure_pairs(
    neuron: Neuron,
    *,
    chains: int = 64,
    windows: int = WINDOWS,
    seed: Seed = 0,
    threads: int | None = None,
    advance: Callable[[], None] = lambda: None,
) -> PairTable:
    """Measure the pair table of a calibrated neuron at full physics; half a minute on two cores.

    Parameters
    ----------
    neuron
        The device, with its state window and synapse.
    chains, windows
        Chains, at least 2, and state windows of each pair, at least 1.
    seed
        Integer, SeedSequence or None.
    threads
        Number of threads; by default all cores that this process may use.
    advance
        Called `STAGES` times on the way.
    """
    validate.instance("neuron", neuron, Neuron)
    chains = validate.integer("chains", chains, 2)
    windows = validate.integer("windows", windows, 1)
    bench = Bench(
        neuron.parameters,
        setting(neuron.parameters),
        neuron.kernel,
        chains,
        neuron.time_step,
        threads,
        seed_sequence(seed).spawn(STAGES),
    )
    settle = bench.settle(neuron.window)
    alone = bench.run(
        bench.network(neuron.drive, neuron.window),
        settle + min(LONGER * windows, LONGEST) * neuron.window,
        0,
    )
    curve, _ = activation(alone, neuron.window, settle)
    advance()
    sharper = replace(neuron, activation=curve)
    grids = []
    late = _Grid.of(LATE_WEIGHTS, LATE_MIDDLES)
    for seed_, (delay, grid) in enumerate(((0.0, _Grid.of()), (DELAY, late)), 1):
        seen = _joints(bench, sharper, grid, windows, delay, seed_)
        grids.append(_table(seen, grid, chains * windows))
        advance()
    both = np.stack(grids, axis=1)
    return PairTable(
        activation=curve,
        delay=np.array([0.0, DELAY]),
        weight=WEIGHTS,
        middle=MIDDLES,
        weight_change=both[0],
        middle_change=both[1],
    )


def _joints(
    bench: Bench, neuron: Neuron, grid: _Grid, windows: int, delay: float, seed: int
) -> NDArray[np.float64]:
    """Return the joints of all pairs, array (pair, state)."""
    weight, one, other = grid.values
    n = 2 * len(weight)
    both = np.repeat(weight, 2)
    low = np.stack([one, other], axis=1).ravel() - both / 2
    drive = neuron.drive_at(low)
    step = neuron.drive_at(low + both) - drive
    coupling = np.zeros((n, n))
    first = np.arange(0, n, 2)
    coupling[first, first + 1], coupling[first + 1, first] = step[first], step[first + 1]
    network = bench.network(drive, neuron.window, coupling=coupling)
    settle = bench.settle(neuron.window)
    spikes = bench.run(
        network.replace(delay=delay * neuron.window), settle + windows * neuron.window, seed
    )
    return np.array([pair.joint(neuron.window, start=settle) for pair in spikes.split(first + 2)])


def _table(seen: NDArray[np.float64], grid: _Grid, count: float) -> NDArray[np.float64]:
    """Return smoothed changes of weight and first middle, array (2, weight, middle, middle)."""
    weight, one, other = grid.values
    target = pair_joint(weight, one, other)
    p = (seen * count + PRIOR * target) / (count + PRIOR)
    off, first, second, both = np.log(p).T
    change = both + off - first - second - weight
    middles = 0.5 * (both + first - second - off) - one, 0.5 * (both + second - first - off) - other
    shape = (len(WEIGHTS), len(MIDDLES), len(MIDDLES))
    values, precision = np.zeros((2, *shape)), np.zeros(shape)
    precision[WEIGHTS == 0] = 1e9
    for i, j, middle in (
        (grid.one, grid.other, middles[0]),
        (grid.other, grid.one, middles[1]),
    ):
        values[:, grid.weight, i, j] = change, middle
        # One over the variance of W' that the target has: what was seen would trust its own luck.
        precision[grid.weight, i, j] = count / (1 / target).sum(axis=1)
    axes = (WEIGHTS, MIDDLES, MIDDLES)
    return np.stack([_smooth(values[0], precision, axes), _smooth(values[1], 4 * precision, axes)])


def pair_joint(
    weight: NDArray[np.float64], one: NDArray[np.float64], other: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the joints of pairs with weights and middles (pair,), array (pair, state)."""
    low, high = one - weight / 2, other - weight / 2
    log = np.stack([np.zeros_like(low), low, high, low + high + weight], axis=1)
    p = np.exp(log - log.max(axis=1, keepdims=True))
    return np.asarray(p / p.sum(axis=1, keepdims=True))


def _kron(parts: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return the Kronecker product of matrices."""
    product = np.eye(1)
    for part in parts:
        product = np.asarray(np.kron(product, part), np.float64)
    return product


def _smooth(
    values: NDArray[np.float64],
    precision: NDArray[np.float64],
    axes: Sequence[NDArray[np.float64]],
) -> NDArray[np.float64]:
    """Return the surface nearest to `values` whose second derivatives are about as usual.

    `axes` are the weight and two middles. Changes vanish with the weight, and so do their bends.
    """
    eyes = [np.eye(len(axis)) for axis in axes]
    usual = BEND * np.maximum(np.abs(axes[0]), SMALLEST) / AT_WEIGHT
    system = np.diag(precision.ravel())
    for axis, points in enumerate(axes):
        bend = _second(points)
        parts = [np.diag(usual**-2.0) if axis else np.eye(1), *eyes[1:]]
        parts[axis] = bend.T @ bend / (1.0 if axis else BEND**2)
        system += _kron(parts)
    found = np.linalg.solve(system, (precision * values).ravel())
    return np.asarray(found.reshape(values.shape))


def _second(axis: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the matrix of second derivatives at the inner points, times the root of their share.

    The sum of squares is then the integral of the squared derivative. At steps of 1 these are plain
    second differences.
    """
    slopes = np.diff(np.eye(len(axis)), axis=0) / np.diff(axis)[:, None]
    share = 0.5 * (axis[2:] - axis[:-2])
    return np.asarray(np.diff(slopes, axis=0) / np.sqrt(share)[:, None])
