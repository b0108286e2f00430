"""Couplings that are laid out anew are those that were given, entry by entry, at every such place.

The matrices are over the whole domain of graphs, and asymmetric where a layout has a direction. No test
here is statistical: what differs from the given matrix by more than the stated rounding is an error.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import NDArray
from scipy.sparse import csr_array

import photinus as ph
from photinus.devices.synapse import SynapticKernel
from photinus.engines.laser.simulator import Simulator
from photinus.engines.lif.simulator import LifSimulator
from photinus.engines.reduced.simulator import ReducedSimulator
from photinus.machines.evidence import Evidence
from photinus.networks.couplings import among, compile_couplings, dense
from photinus.networks.imperfections import Imperfections
from photinus.reference import couplings as couplings_of_gibbs
from photinus.reference import gibbs
from photinus.reference.couplings import VECTOR, Couplings
from photinus.reference.gibbs import GibbsSampler
from photinus.units import ns, ps
from tests import layouts, machines
from tests.test_lif import DT, MIDPOINT
from tests.test_lif import network as lif_network
from tests.test_sparse import network as laser_network

SINGLE = 2.0**-23
"""Relative rounding of numbers in single precision, with room for one more operation."""


def directed(kind: str, n: int, rng: np.random.Generator, scale: float = 1.0) -> NDArray[np.float64]:
    """Return couplings (target, source) on a graph of `kind` in random order, no two of them alike."""
    order = rng.permutation(n)
    graph = machines.GRAPHS[kind](n, rng)[np.ix_(order, order)]
    one_way = rng.random((n, n)) < 0.8
    return scale * graph * one_way * rng.choice([-1, 1], (n, n)) * rng.uniform(0.05, 1, (n, n))


def drawn(seed: int, number: int, most: int) -> Iterator[Any]:
    """Give `number` couplings over all kinds of graphs, with a generator for the rest."""
    rng = np.random.default_rng(seed)
    kinds = list(machines.GRAPHS)
    for k in range(number):
        n = int(np.ceil(most ** rng.random()))
        yield directed(kinds[k % len(kinds)], n, rng), rng


# ---------------------------------------------------------------- Gibbs sampling


def wrongly_filled(weights: NDArray[Any], couplings: Couplings) -> Couplings:
    """Return the layout that fills stretches up with what follows in the row: it must be caught."""
    n = len(weights)
    padded = np.pad(weights, ((0, 0), (0, VECTOR)))
    half = len(couplings.values) // 2
    values = couplings.values[:half].copy()
    for k in range(n):
        for start, length, place in couplings.stretches[couplings.first[k] : couplings.first[k + 1]]:
            values[place : place + length] = padded[k, start : start + length]
    return couplings._replace(values=np.concatenate([values, -values]))


def fault_of(couplings: Couplings, weights: NDArray[Any]) -> str | None:
    """Return what is wrong with a layout of `weights`, in its own order, or None."""
    n = len(weights)
    expected = np.zeros_like(layouts.of_gibbs(couplings, n))
    expected[:, :n] = weights
    if not np.array_equal(layouts.of_gibbs(couplings, n), expected):
        return "flips up"
    if not np.array_equal(layouts.of_gibbs(couplings, n, -1), -expected):
        return "flips down"
    if not np.array_equal(layouts.of_gibbs_fast(couplings, n), expected):
        return "four flips at once"
    if couplings.stretches.size and couplings.stretches[:, :2].sum(axis=1).max() > gibbs._padded(n):
        return "beyond the fields"
    if couplings.groups[0] != 0 or couplings.groups[-1] != n or (np.diff(couplings.groups) < 0).any():
        return "groups"
    for begin, end in zip(couplings.groups[:-1], couplings.groups[1:], strict=True):
        if weights[begin:end, begin:end].any():
            return "coupled units in a group"
    return None


def gibbs_layouts() -> Iterator[Any]:
    """Give couplings in quanta and their layout: every kind, n from 1 to 600, both widths of numbers."""
    rng = np.random.default_rng(1)
    for kind in machines.GRAPHS:
        for n in (1, 2, 9, 70, 200, int(rng.integers(300, 601))):
            machine = machines.machine(
                kind,
                n,
                rng,
                scale=float(10 ** rng.uniform(-6, 6)),
                sign=str(rng.choice(machines.SIGNS)),
                shuffled=bool(rng.integers(2)),
            )
            some = rng.choice(n, n // 4 * int(rng.integers(2)), replace=False)
            sampler = GibbsSampler(
                machine, chains=1, seed=0, clamp_units=some, clamp_values=np.ones(len(some), int)
            )
            units, quantum = sampler._units, sampler._quantum
            given = machine.weights[np.ix_(units, units)]
            weights = np.rint(given / quantum).astype(sampler._field.dtype)
            assert_allclose(weights * quantum, given, rtol=0, atol=quantum / 2)
            assert_array_equal(np.sort(np.append(units, some)), np.arange(n))
            assert sampler._couplings is not None
            yield weights, sampler._couplings


def test_gibbs_layout(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not a coupling more, none twice; and the layout that had some twice is caught."""
    monkeypatch.setattr(couplings_of_gibbs, "FEW", -1)
    caught, widths = 0, set()
    for weights, couplings in gibbs_layouts():
        assert fault_of(couplings, weights) is None
        widths.add(weights.dtype)
        caught += fault_of(wrongly_filled(weights, couplings), weights) == "flips up"
    assert widths == {np.dtype(np.int32), np.dtype(np.int64)}
    assert caught > 10


def test_gibbs_fields_of_states(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fields that are built from a state, and kept up to date by flips, are W z + b in whole numbers."""
    monkeypatch.setattr(couplings_of_gibbs, "FEW", -1)
    rng = np.random.default_rng(2)
    for kind in machines.GRAPHS:
        machine = machines.machine(kind, 120, rng, shuffled=True)
        sampler = GibbsSampler(machine, chains=5, seed=3, clamp_units=[7], clamp_values=[1])
        for _ in range(2):
            units, z = sampler._units, sampler.state()["z"]
            quanta = np.rint(machine.weights[np.ix_(units, units)] / sampler._quantum).astype(np.int64)
            quiet = (machine.biases + machine.weights[7])[units] / sampler._quantum
            expected = np.rint(quiet).astype(np.int64) + z[:, units].astype(np.int64) @ quanta
            assert_array_equal(sampler._field[:, : len(units)], expected)
            assert not sampler._field[:, len(units) :].any()
            sampler.run(3)


# ---------------------------------------------------------------- full physics and reduced lasers


@pytest.mark.parametrize("sparse", [False, True])
def test_runs_of_synapses(sparse: bool) -> None:
    """`compile_couplings` with one delay, with a delay for each synapse, and with efficiencies."""
    grid = 2 * ps
    for matrix, rng in drawn(3, 44, 400):
        n = len(matrix)
        steps = int(rng.integers(0, 9)) if sparse or rng.random() < 0.3 else rng.integers(0, 4, (n, n))
        efficiency = rng.uniform(0.5, 1.5, n)
        efficiency[rng.random(n) < 0.1] = 0  # dead
        coupling = csr_array(matrix) if sparse else matrix
        delay = np.asarray(steps * grid) if np.ndim(steps) else float(steps * grid)
        laid_out = compile_couplings(coupling, delay, 3.0, 0.25, grid, efficiency)
        kick, height, found = layouts.of_runs(laid_out, n)
        assert_array_equal(height, 0.25 * (matrix * efficiency[:, None]))
        assert_allclose(kick, 3 * matrix * efficiency[:, None], rtol=SINGLE, atol=0)
        assert_array_equal(found, np.where(matrix != 0, steps, -1))


@pytest.mark.parametrize("sparse", [False, True])
def test_parts_of_couplings(sparse: bool) -> None:
    """`among` and `Evidence.through` cut the matrix where evidence does."""
    for matrix, rng in drawn(4, 22, 200):
        n = len(matrix)
        known = np.sort(rng.choice(n, n // 3, replace=False))
        free = np.setdiff1d(np.arange(n), known)
        values = rng.integers(0, 2, (3, len(known))).astype(np.uint8)
        evidence = Evidence(tuple(range(n)), known, values)
        coupling = csr_array(matrix) if sparse else matrix
        part = among(coupling, free)
        for i, target in enumerate(free):
            assert_array_equal(dense(part)[i], matrix[target][free])
        expected = [[sum(matrix[i, known[v == 1]]) for i in range(n)] for v in values]
        assert_allclose(evidence.through(coupling), expected, rtol=1e-12, atol=1e-12)


def additive(matrix: NDArray[np.float64], **changes: Any) -> ph.LaserNetwork:
    """Return lasers whose pulses add up and end after any test: drives count the spikes received."""
    kernel = SynapticKernel(kick=0.0, sustain=0.7, duration=1e4 * ns, renewing=False)
    return laser_network(matrix, kernel=kernel, **changes)


def received(
    spikes: "Spikes", chains: int, units: NDArray[np.int64], due: NDArray[np.int64], stop: int
) -> NDArray[np.float64]:
    """Return how many spikes of each source have come to each target, array (chain, target, source).

    `due` are the steps after a spike from which on it acts, array (target, source); `stop` is the step
    reached.
    """
    n = len(units)
    at = np.searchsorted(units, spikes.unit)
    counts = np.zeros((chains, n, n))
    for chain, source, step in zip(spikes.chain, at, spikes.steps, strict=True):
        counts[chain, :, source] += step + due[:, source] < stop
    return counts


class Spikes:
    """Spikes with the step in which each was fired."""

    def __init__(self, found: ph.SpikeTrains, grid: float) -> None:
        self.chain, self.unit = found.chain, found.unit
        self.steps = np.ceil(found.time / grid - 1e-6).astype(int)


DELIVERED = [
    (kind, n) for kind in ("sparse", "hubs", "blocks", "restricted", "dense") for n in (20, 110)
]


@pytest.mark.parametrize(("kind", "n"), DELIVERED)
def test_what_lasers_receive(kind: str, n: int) -> None:
    """Full physics, with evidence, delays, differing lasers and dead ones: drives of all lanes."""
    rng = np.random.default_rng(n)
    matrix = directed(kind, n, rng, scale=30.0)
    grid, chains = 4 * 0.5 * ps, 3
    steps = rng.integers(0, 5, (n, n)) * 7
    network = additive(matrix, delay=np.asarray(steps * grid, float)).mismatched(0.02, seed=1)
    network = Imperfections(dead=2).apply(network, seed=2)
    fixed = np.sort(rng.choice(n, n // 5, replace=False))
    values = rng.integers(0, 2, (chains, len(fixed)))
    clamp: Any = {int(k): values[:, i] for i, k in enumerate(fixed)}
    simulator = Simulator(network, chains=chains, seed=3, clamp=clamp, time_step=0.5 * ps)
    assert simulator.grid == grid
    spikes = Spikes(simulator.advance(4 * ns), grid)
    units, size = simulator.units, len(simulator.units)
    assert_array_equal(units, np.setdiff1d(np.arange(n), fixed))
    cut = np.ix_(units, units)
    counts = received(spikes, chains, units, steps[cut], simulator.step)
    assert (counts.sum(axis=(0, 1)) > 0).mean() > 0.5
    own = np.array([d.pump_efficiency for d in network.each_device()])[units]
    per_step = 0.7 * 0.5 * ps / network.parameters.gain_lifetime
    scale = per_step * own / network.parameters.pump_efficiency
    expected = np.einsum("cij,ij->ci", counts, matrix[cut]) * scale
    drive = np.concatenate([b.drive[: b.chains * size].reshape(-1, size) for b in simulator._blocks])
    assert_allclose(drive, expected, rtol=0, atol=1e-9 * per_step * 30 * n)
    held = np.array([[sum(matrix[i, fixed[v == 1]]) for i in units] for v in values])
    base = (network.drive[units] + held) / network.parameters.gain_lifetime * 0.5 * ps
    pump = np.concatenate([b.base_pump[: b.chains * size].reshape(-1, size) for b in simulator._blocks])
    assert_allclose(pump, base * own / network.parameters.pump_efficiency, rtol=1e-12)


@pytest.mark.parametrize("sparse", [False, True])
def test_rows_of_reduced_lasers(sparse: bool) -> None:
    """Whole rows to half of a 32767th of their largest coupling, scattered ones in single precision."""
    reduced = ph.Calibration.preset("fast-absorber").require_reduced()
    kept = set()
    for matrix, _ in drawn(5, 44, 400):
        n = len(matrix)
        network = laser_network(csr_array(1e3 * matrix) if sparse else 1e3 * matrix)
        simulator = ReducedSimulator(network, reduced, chains=1, seed=0)
        found, rounding = layouts.of_rows(simulator._blocks[0].shared, n)
        assert not found[n:].any()
        off = np.abs(found[:n] - 1e3 * matrix)
        assert (off <= rounding * (1 + 1e-3) + SINGLE * np.abs(1e3 * matrix)).all()
        assert (rounding <= np.abs(1e3 * matrix).max(axis=0, initial=0) / 65_530).all()
        kept |= {bool(r) for r in rounding[matrix.any(axis=0)]}
    assert kept == {True, False}


@pytest.mark.parametrize(("kind", "n"), DELIVERED)
def test_what_reduced_lasers_receive(kind: str, n: int) -> None:
    """With evidence; rows of one chain must not reach into the next."""
    rng = np.random.default_rng(n)
    matrix = directed(kind, n, rng, scale=30.0)
    reduced = ph.Calibration.preset("fast-absorber").require_reduced()
    network = additive(matrix, delay=5 * reduced.time_step)
    fixed = np.sort(rng.choice(n, n // 5, replace=False))
    clamp: Any = {int(k): rng.integers(0, 2, 3) for k in fixed}
    simulator = ReducedSimulator(network, reduced, chains=3, seed=3, clamp=clamp)
    spikes = Spikes(simulator.advance(30 * ns), simulator.grid)
    units, size = simulator.units, len(simulator.units)
    cut = np.ix_(units, units)
    counts = received(spikes, 3, units, np.full((size, size), 5), simulator.step)
    assert (counts.sum(axis=(0, 1)) > 0).all()
    expected = 0.7 * np.einsum("cij,ij->ci", counts, matrix[cut])
    synaptic = np.concatenate(
        [b.synaptic[b.at].reshape(b.chains, size).astype(float) for b in simulator._blocks]
    )
    largest = np.abs(matrix[cut]).max(axis=0, initial=0)
    # Half a unit of the row for each spike, and single precision of every sum on the way.
    whole = 0.7 * np.einsum("cij,j->ci", counts, largest / (2 * 32_767))
    sums = 0.7 * np.einsum("cij,ij->ci", counts, np.abs(matrix[cut]))
    tolerance = 1.01 * whole + SINGLE * counts.sum(axis=2) * sums + 1e-9
    assert (np.abs(synaptic - expected) <= tolerance).all()
    idle = np.concatenate([np.delete(b.synaptic, b.at) for b in simulator._blocks])
    assert not idle.any()


# ---------------------------------------------------------------- integrate-and-fire neurons


@pytest.mark.parametrize(("kind", "n"), DELIVERED)
def test_what_neurons_receive(kind: str, n: int) -> None:
    """Currents that hardly decay count the spikes received; with evidence and a delay."""
    rng = np.random.default_rng(n)
    matrix = directed(kind, n, rng, scale=1e-6)
    kernel = SynapticKernel(kick=0.0, sustain=1.0, duration=1e9, renewing=False, shape="exponential")
    network = lif_network(np.full(n, MIDPOINT), matrix, kernel=kernel, delay=5 * DT)
    fixed = np.sort(rng.choice(n, n // 5, replace=False))
    clamp: Any = {int(k): rng.integers(0, 2, 3) for k in fixed}
    simulator = LifSimulator(network, chains=3, seed=3, clamp=clamp)
    spikes = Spikes(simulator.advance(0.2), simulator.grid)
    units, size = simulator.units, len(simulator.units)
    cut = np.ix_(units, units)
    laid_out = layouts.of_lif(simulator._blocks[0].synapses, size)
    assert_array_equal(laid_out, matrix[cut].astype(np.float32))
    # A spike is passed on in the step in which it is due.
    counts = received(spikes, 3, units, np.full((size, size), 5), simulator.step + 1)
    assert (counts.sum(axis=(0, 1)) > 0).mean() > 0.5
    expected = np.einsum("cij,ij->ci", counts, matrix[cut])
    current = np.concatenate([b.read("CURRENT") for b in simulator._blocks])
    sums = np.einsum("cij,ij->ci", counts, np.abs(matrix[cut]))
    assert (np.abs(current - expected) <= SINGLE * (1 + counts.sum(axis=2)) * sums).all()
