"""Gibbs sampling by groups: restricted, sparse and dense machines against enumeration.

As in test_reference.py: chains are independent, a test of m numbers raises a false alarm with probability
ALPHA, and each has a twin that must fail.
"""

import numpy as np
import pytest
from numpy.typing import NDArray

from photinus.machines.boltzmann import BoltzmannMachine
from photinus.reference import couplings, gibbs
from photinus.reference._chains import exponential
from photinus.reference.colouring import colouring
from photinus.reference.gibbs import GibbsSampler, sample_gibbs
from tests.test_reference import CHAINS, largest_deviation, random_machine, shifted


def masked(machine: BoltzmannMachine, coupled: NDArray[np.bool_]) -> BoltzmannMachine:
    return BoltzmannMachine(machine.weights * (coupled | coupled.T), machine.biases)


def bipartite(first: int, second: int, seed: int = 0) -> BoltzmannMachine:
    layer = np.arange(first + second) < first
    return masked(random_machine(first + second, seed, scale=0.5), layer[:, None] & ~layer)


def ring(n: int) -> BoltzmannMachine:
    return masked(random_machine(n, seed=n), np.roll(np.eye(n, dtype=bool), 1, axis=1))


def grid(rows: int, columns: int, seed: int = 0) -> BoltzmannMachine:
    row, column = np.divmod(np.arange(rows * columns), columns)
    apart = np.abs(row[:, None] - row) + np.abs(column[:, None] - column)
    return masked(random_machine(rows * columns, seed), apart == 1)


def with_label(machine: BoltzmannMachine, units: list[int]) -> BoltzmannMachine:
    """The machine with couplings among `units`, so that it is bipartite only once they are clamped."""
    weights = machine.weights.copy()
    weights[np.ix_(units, units)] = 1 - np.eye(len(units))
    return BoltzmannMachine(weights, machine.biases)


def moments(states: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return marginals and pair moments of each chain, array (chain, number)."""
    z = states.astype(np.float64)
    pairs = np.triu_indices(states.shape[2])
    return np.stack([(chain.T @ chain / len(chain))[pairs] for chain in z])


def exact_moments(machine: BoltzmannMachine) -> NDArray[np.float64]:
    return machine.pair_moments()[np.triu_indices(machine.n_units)]


MACHINES = {
    "restricted": (bipartite(11, 7), 2),
    "restricted, equal layers": (bipartite(10, 10, seed=1), 2),
    "even ring": (ring(10), 2),
    "odd ring": (ring(9), 3),
    "grid": (grid(4, 4), 2),
    "dense": (random_machine(9, seed=5, scale=0.5), 9),
    "uncoupled": (BoltzmannMachine(np.zeros((6, 6)), np.linspace(-2, 2, 6)), 1),
}


@pytest.mark.parametrize(("machine", "groups"), MACHINES.values(), ids=MACHINES)
def test_moments_are_those_of_the_enumerated_machine(machine: BoltzmannMachine, groups: int) -> None:
    assert colouring(machine.weights != 0).max() + 1 == groups
    estimates = moments(GibbsSampler(machine, chains=CHAINS, seed=1).run(400, skip=60))
    assert largest_deviation(estimates, exact_moments(machine)) < 1
    assert largest_deviation(estimates, exact_moments(shifted(machine, 0.05))) > 1


@pytest.mark.parametrize(("bias", "width"), [(-60.0, np.int32), (-300.0, np.int64)])
def test_a_unit_that_is_never_on_leaves_the_law_of_the_others(bias: float, width: type) -> None:
    """A large bias asks for whole numbers of 64 bits, and the law is that of the unit held off."""
    others = grid(3, 3)
    machine = BoltzmannMachine(others.weights, [*others.biases[:8], bias])
    assert couplings.quantum(machine)[1] is width
    states = GibbsSampler(machine, chains=CHAINS, seed=1).run(400, skip=60)
    assert (states[:, :, 8] == 0).all()
    estimates, target = moments(states[:, :, :8]), machine.conditional({8: 0})
    assert largest_deviation(estimates, exact_moments(target)) < 1
    assert largest_deviation(estimates, exact_moments(shifted(target, 0.05))) > 1


def groups_of(sampler: GibbsSampler) -> int:
    assert sampler._couplings is not None
    return len(sampler._couplings.groups) - 1


@pytest.mark.parametrize("per_chain", [False, True])
def test_a_clamped_machine_is_coloured_without_what_is_clamped(
    per_chain: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(couplings, "FEW", -1)
    label = [2, 5]
    machine = with_label(bipartite(8, 6, seed=3), label)
    values = np.arange(2 * CHAINS).reshape(CHAINS, 2) // 2 % 2 if per_chain else np.array([1, 0])
    sampler = GibbsSampler(machine, chains=CHAINS, seed=2, clamp_units=label, clamp_values=values)
    assert groups_of(sampler) == 2
    assert groups_of(GibbsSampler(machine, chains=1)) > 2
    states = sampler.run(400, skip=60)
    each = np.broadcast_to(values, (CHAINS, 2))
    np.testing.assert_array_equal(states[:, :, label], np.repeat(each[:, None], 400, axis=1))
    free = np.setdiff1d(np.arange(14), label)
    for given in np.unique(each, axis=0):
        target = machine.conditional(dict(zip(label, given.tolist(), strict=True)))
        estimates = moments(states[(each == given).all(axis=1)][:, :, free])
        assert largest_deviation(estimates, exact_moments(target)) < 1
        assert largest_deviation(estimates, exact_moments(shifted(target, 0.1))) > 1


def test_heated_sweeps_are_of_the_heated_machine() -> None:
    machine = grid(3, 4, seed=2)
    sampler = GibbsSampler(machine, chains=CHAINS, seed=3)
    estimates = moments(sampler.run(400, skip=60, temperature=2.5))
    assert largest_deviation(estimates, exact_moments(machine.heated(2.5))) < 1
    assert largest_deviation(estimates, exact_moments(machine.heated(2.7))) > 1


def test_sweeps_of_a_schedule_are_those_of_single_runs() -> None:
    machine = bipartite(20, 9)
    temperatures, keep = np.array([3.0, 1.0, 1.0, 2.0, 1.0]), np.array([0, 1, 0, 0, 1], bool)
    states = GibbsSampler(machine, chains=5, seed=3).sweep(temperatures, keep)
    sampler = GibbsSampler(machine, chains=5, seed=3)
    single = np.concatenate([sampler.run(1, temperature=t) for t in temperatures], axis=1)
    np.testing.assert_array_equal(states, single[:, keep])


LAYOUTS = {
    "restricted": bipartite(90, 40),
    "grid": grid(9, 12),
    "dense": random_machine(40, seed=8, scale=0.2),
}


@pytest.mark.parametrize("machine", LAYOUTS.values(), ids=LAYOUTS)
@pytest.mark.parametrize("threads", [2, 5])
def test_threads_pieces_and_layout_change_nothing(
    machine: BoltzmannMachine, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = sample_gibbs(machine, chains=37, draws=30, burn_in=4, seed=6, threads=1)
    monkeypatch.setattr(gibbs, "FIELDS_PER_BLOCK", 40)
    monkeypatch.setattr(couplings, "COUPLINGS_PER_GROUP", 500)
    sampler = GibbsSampler(machine, chains=37, seed=6, threads=threads)
    pieces = [sampler.run(7, skip=4), sampler.run(1)]
    state = sampler.state()
    sampler = GibbsSampler(machine, chains=37, seed=99, threads=1)
    sampler.restore(state)
    pieces.append(sampler.run(22))
    np.testing.assert_array_equal(np.concatenate(pieces, axis=1), whole)
    few = sample_gibbs(machine, chains=3, draws=30, burn_in=4, seed=6)
    np.testing.assert_array_equal(few, whole[:3])


@pytest.mark.parametrize("bias", [0.0, -300.0], ids=["32 bits", "64 bits"])
@pytest.mark.parametrize("name", LAYOUTS)
def test_fields_that_are_gathered_are_those_that_are_kept(
    name: str, bias: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Draws are the same, with evidence of each chain, for some chains, heated, after a restart."""
    machine = LAYOUTS[name]
    machine = BoltzmannMachine(
        machine.weights, machine.biases + bias * (np.arange(machine.n_units) == 7)
    )
    other = shifted(machine, 1e-3)
    runs = []
    for few, target in ((-1, machine), (10**6, machine), (10**6, other)):
        monkeypatch.setattr(couplings, "FEW", few)
        found = []
        for evidence in (None, {3: np.arange(37) % 2}):
            sampler = GibbsSampler(target, chains=37, seed=6, evidence=evidence, threads=2)
            assert (sampler._partners is None) == (few < 0)
            found += [sampler.run(5), sampler.run(5, temperature=1.7)]
            sampler.sweep(np.ones(3), np.zeros(3, bool), np.array([1, 30]))
            state = sampler.state()
            found.append(sampler.run(9))
            sampler.restore(state)
            found.append(sampler.run(9))
            np.testing.assert_array_equal(found[-1], found[-2])
        runs.append(np.concatenate(found, axis=1))
    np.testing.assert_array_equal(runs[0], runs[1])
    assert (runs[1] != runs[2]).any()


def test_a_chain_does_not_depend_on_the_evidence_of_others() -> None:
    machine = with_label(bipartite(8, 6), [0, 1, 2])
    clamp = np.random.default_rng(0).integers(0, 2, (20, 3))
    one, other = (
        sample_gibbs(machine, chains=20, draws=50, seed=1, clamp_units=[0, 1, 2], clamp_values=values)
        for values in (clamp, np.vstack([clamp[:1], 1 - clamp[1:]]))
    )
    np.testing.assert_array_equal(one[0], other[0])
    assert (one[1:] != other[1:]).any()


@pytest.mark.parametrize("n", [2, 7, 30])
def test_bipartite_graphs_get_two_colours_in_any_order_of_the_units(n: int) -> None:
    generator = np.random.default_rng(n)
    for _ in range(50):
        side = generator.random(n) < 0.5
        coupled = (generator.random((n, n)) < 0.3) & (side[:, None] != side)
        coupled |= coupled.T
        colour = colouring(coupled)
        assert colour.max() <= 1
        assert not (coupled & (colour[:, None] == colour)).any()


def test_coupled_units_never_share_a_colour() -> None:
    generator = np.random.default_rng(0)
    for share in (0.1, 0.5, 1.0):
        coupled = np.triu(generator.random((25, 25)) < share, 1)
        coupled |= coupled.T
        colour = colouring(coupled)
        assert not (coupled & (colour[:, None] == colour)).any()
        assert colour.max() <= coupled.sum(axis=1).max()
        assert colour.min() == 0
    np.testing.assert_array_equal(colour, np.arange(25))  # the last one is complete


@pytest.mark.parametrize("machine", LAYOUTS.values(), ids=LAYOUTS)
def test_fields_are_exact_after_any_number_of_flips(
    machine: BoltzmannMachine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whole numbers: no tolerance. They are the fields of the machine to half a quantum per weight."""
    monkeypatch.setattr(couplings, "FEW", -1)
    sampler = GibbsSampler(machine, chains=3, seed=1, clamp_units=[4], clamp_values=[1])
    sampler.run(1, skip=5000)
    np.testing.assert_array_equal(sampler._field, sampler._fields())
    units = sampler._units
    expected = machine.biases[units] + sampler.state()["z"] @ machine.weights[:, units]
    found = sampler._quantum * sampler._field[:, : len(units)]
    tolerance = machine.n_units * sampler._quantum / 2
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance)


def test_rounding_of_fields_is_below_single_precision() -> None:
    fine = random_machine(40, seed=2)
    assert couplings.quantum(fine) == (2.0**-24, np.int32)
    for scale in (10.0, 1e3, 1e6, 1e12):
        unit, whole = couplings.quantum(BoltzmannMachine(scale * fine.weights, fine.biases))
        assert unit <= max(couplings.COARSEST_QUANTUM, scale * 2.0**-50)
        largest = scale * np.abs(fine.weights).sum(axis=1).max() / unit
        assert largest < 2 ** (8 * np.dtype(whole).itemsize - 2)


def test_the_exponential_function() -> None:
    x = np.linspace(-40, 40, 4001)
    near = np.abs(x) <= 20
    np.testing.assert_allclose(exponential(x[near]), np.exp(x[near]), rtol=1e-13)
    np.testing.assert_allclose(exponential(x), np.exp(x), rtol=1e-10)
