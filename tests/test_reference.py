"""Reference samplers against enumeration.

Statistical statements compare chain means with the exact law. Chains are independent, so the mean
over chains divided by its standard error follows Student's t; a test of m numbers raises a false
alarm with probability ALPHA (Bonferroni: ALPHA/m each). Every such test has a twin that must fail:
the same samples against a machine whose biases are off by a little.
"""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import t as student

from photinus._core.streams import Role, lane_states, seed_sequence
from photinus.errors import InvalidInput
from photinus.machines.boltzmann import BoltzmannMachine
from photinus.reference import gibbs, ideal
from photinus.reference._chains import uniform
from photinus.reference.exact import sample_exact
from photinus.reference.gibbs import GibbsSampler, sample_gibbs
from photinus.reference.ideal import sample_ideal
from photinus.samplers.sampling import sample
from photinus.spikes.readout import states_on_grid
from tests.conftest import ALPHA
from tests.machines import gaussian

CHAINS = 400
Spikes = tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float64]]


random_machine = functools.partial(gaussian, scale=0.8)


def largest_deviation(estimates: NDArray[np.float64], expected: NDArray[np.float64]) -> float:
    """Return max |mean - expected| / (t-quantile times standard error); above 1 is an alarm.

    `estimates` has shape (chain, number), chains independent.
    """
    chains, numbers = estimates.shape
    stderr = estimates.std(axis=0, ddof=1) / np.sqrt(chains)
    bound = student.isf(ALPHA / numbers / 2, chains - 1) * stderr
    return float((np.abs(estimates.mean(axis=0) - expected) / bound).max())


def shifted(machine: BoltzmannMachine, by: float) -> BoltzmannMachine:
    """The wrong target of power twins."""
    return BoltzmannMachine(machine.weights, machine.biases + by, machine.labels)


def joint_of_draws(states: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return each chain's state frequencies, array (chain, 2**unit)."""
    n = states.shape[2]
    index = states.astype(np.int64) @ (1 << np.arange(n))
    return np.stack([np.bincount(row, minlength=2**n) / len(row) for row in index])


def joint_of_spikes(
    spikes: Spikes, chains: int, n: int, start: float, stop: float
) -> NDArray[np.float64]:
    """Return each chain's fraction of time in each state over [start, stop], spike by spike."""
    chain, unit, time = spikes
    joint = np.zeros((chains, 2**n))
    for c in range(chains):
        mine = chain == c
        # A unit that fires again at once ends before it fires.
        moments = np.concatenate([time[mine] + 1, time[mine]])
        bits = np.concatenate([-(1 << unit[mine]), 1 << unit[mine]])
        order = np.argsort(moments, kind="stable")
        edges = np.clip(np.concatenate([[start], moments[order], [stop]]), start, stop)
        states = np.concatenate([[0], np.cumsum(bits[order])])
        joint[c] = np.bincount(states, weights=np.diff(edges), minlength=2**n)
    return joint / (stop - start)


def exact_joints(machine: BoltzmannMachine, seed: int) -> NDArray[np.float64]:
    return joint_of_draws(sample_exact(machine, chains=CHAINS, draws=500, seed=seed))


def gibbs_joints(machine: BoltzmannMachine, seed: int) -> NDArray[np.float64]:
    return joint_of_draws(sample_gibbs(machine, chains=CHAINS, draws=1000, burn_in=50, seed=seed))


def ideal_joints(machine: BoltzmannMachine, seed: int) -> NDArray[np.float64]:
    spikes = sample_ideal(machine, chains=CHAINS, duration=320.0, seed=seed)
    return joint_of_spikes(spikes, CHAINS, machine.n_units, 20.0, 320.0)


SAMPLERS = {"exact": exact_joints, "gibbs": gibbs_joints, "ideal": ideal_joints}
Sampler = Callable[[BoltzmannMachine, int], NDArray[np.float64]]


@pytest.mark.parametrize("sampler", SAMPLERS.values(), ids=SAMPLERS)
@pytest.mark.parametrize("n", [1, 2, 4])
def test_every_state_has_its_probability(sampler: Sampler, n: int) -> None:
    machine = random_machine(n, seed=n)
    joints = sampler(machine, 11)
    assert largest_deviation(joints, machine.joint()) < 1
    assert largest_deviation(joints, shifted(machine, 0.05).joint()) > 1


@pytest.mark.parametrize("sampler", SAMPLERS.values(), ids=SAMPLERS)
def test_strong_coupling_of_both_signs(sampler: Sampler) -> None:
    w = np.array([[0, 2.5, -2.0], [2.5, 0, -1.5], [-2.0, -1.5, 0]])
    machine = BoltzmannMachine(w, [-1.2, -0.8, 1.0])
    joints = sampler(machine, 5)
    assert largest_deviation(joints, machine.joint()) < 1
    assert largest_deviation(joints, shifted(machine, 0.1).joint()) > 1


@pytest.mark.parametrize("bias", [-2.0, 0.0, 3.0])
def test_an_ideal_unit_is_on_for_the_logistic_fraction_of_time(bias: float) -> None:
    machine = BoltzmannMachine([[0]], [bias])
    on = ideal_joints(machine, 3)[:, 1:]
    assert largest_deviation(on, np.array([1 / (1 + np.exp(-bias))])) < 1
    assert largest_deviation(on, np.array([1 / (1 + np.exp(-bias - 0.05))])) > 1


def test_waiting_times_of_an_ideal_unit_are_exponential() -> None:
    """After the refractory time; Kolmogorov-Smirnov at 1e-6, rate off by 3 % is caught."""
    from scipy.stats import expon, kstest

    rate = 1.7
    machine = BoltzmannMachine([[0]], [np.log(rate)])
    chain, _, time = sample_ideal(machine, chains=1, duration=60_000.0, seed=2)
    waits = np.diff(time) - 1
    assert chain.max() == 0
    assert waits.min() > -1e-9
    assert kstest(waits, expon(scale=1 / rate).cdf).pvalue > ALPHA
    assert kstest(waits, expon(scale=1.05 / rate).cdf).pvalue < ALPHA


def test_two_ideal_units_in_closed_form() -> None:
    """p(11)/Z = e^(b1 + b2 + W)/(1 + e^b1 + e^b2 + e^(b1 + b2 + W))."""
    b1, b2, w = 0.4, -0.9, 1.3
    weight = np.array([1, np.exp(b1), np.exp(b2), np.exp(b1 + b2 + w)])
    joints = ideal_joints(BoltzmannMachine([[0, w], [w, 0]], [b1, b2]), 8)
    assert largest_deviation(joints, weight / weight.sum()) < 1
    weight[3] *= np.exp(0.1)
    assert largest_deviation(joints, weight / weight.sum()) > 1


def test_a_large_machine_has_the_moments_of_its_blocks() -> None:
    """20 coupled pairs side by side: too many units to enumerate, but each pair is known.

    The units are shuffled, so that rows have zeros before, between and behind what acts.
    """
    pair = BoltzmannMachine([[0, 1.2], [1.2, 0]], [-0.5, 0.3])
    order = np.random.default_rng(0).permutation(40)
    weights, biases = np.kron(np.eye(20), pair.weights), np.tile(pair.biases, 20)
    machine = BoltzmannMachine(weights[np.ix_(order, order)], biases[order])
    place = np.argsort(order)
    states = sample_gibbs(machine, chains=CHAINS, draws=200, burn_in=20, seed=4)[:, :, place]
    both = (states[:, :, 0::2] * states[:, :, 1::2]).mean(axis=1)
    estimates = np.concatenate([states.mean(axis=1), both], axis=1)
    expected = np.concatenate([np.tile(pair.marginals(), 20), [pair.pair_moments()[0, 1]] * 20])
    assert largest_deviation(estimates, expected) < 1
    expected[:40] += 0.01
    assert largest_deviation(estimates, expected) > 1


@pytest.mark.parametrize("per_chain", [False, True])
def test_clamped_gibbs_samples_the_conditional(per_chain: bool) -> None:
    machine = random_machine(5, seed=2)
    values = np.array([[k & 1, k >> 1 & 1] for k in range(CHAINS)]) if per_chain else [1, 0]
    states = sample_gibbs(
        machine,
        chains=CHAINS,
        draws=1000,
        burn_in=30,
        seed=9,
        clamp_units=[3, 1],  # out of order on purpose
        clamp_values=values,
    )
    each = np.broadcast_to(values, (CHAINS, 2))
    np.testing.assert_array_equal(states[:, :, [3, 1]], np.repeat(each[:, None], 1000, axis=1))
    for evidence in np.unique(each, axis=0):
        chains = (each == evidence).all(axis=1)
        target = machine.conditional({3: int(evidence[0]), 1: int(evidence[1])})
        joints = joint_of_draws(states[chains][:, :, [0, 2, 4]])
        assert largest_deviation(joints, target.joint()) < 1
        assert largest_deviation(joints, shifted(target, 0.1).joint()) > 1


@pytest.mark.parametrize("per_chain", [False, True])
def test_clamped_ideal_neurons_sample_the_conditional(per_chain: bool) -> None:
    machine = random_machine(4, seed=6)
    values = np.arange(CHAINS)[:, None] % 2 if per_chain else [1]
    chain, unit, time = sample_ideal(
        machine, chains=CHAINS, duration=320.0, seed=1, clamp_units=[1], clamp_values=values
    )
    assert set(unit.tolist()) == {0, 2, 3}
    each = np.broadcast_to(values, (CHAINS, 1))[:, 0]
    place = np.array([0, -1, 1, 2], np.int32)
    joints = joint_of_spikes((chain, place[unit], time), CHAINS, 3, 20.0, 320.0)
    for value in np.unique(each):
        target = machine.conditional({1: int(value)})
        assert largest_deviation(joints[each == value], target.joint()) < 1
        assert largest_deviation(joints[each == value], shifted(target, 0.1).joint()) > 1


def test_spikes_are_sorted_refractory_and_in_range() -> None:
    machine = random_machine(6, seed=1)
    chain, unit, time = sample_ideal(machine, chains=7, duration=50.0, seed=0)
    assert [str(column.dtype) for column in (chain, unit, time)] == ["int32", "int32", "float64"]
    assert (np.lexsort((time, chain)) == np.arange(len(time))).all()
    assert time.min() >= 0
    assert time.max() < 50
    assert set(chain.tolist()) == set(range(7))
    for c in range(7):
        for k in range(6):
            assert np.diff(time[(chain == c) & (unit == k)]).min() > 1 - 1e-9


@pytest.mark.parametrize("bias", [30.0, 800.0])
def test_no_spike_is_lost_when_every_unit_fires_without_pause(bias: float) -> None:
    """The fullest buffer there is: u so large that a unit fires again at once."""
    machine = BoltzmannMachine(np.zeros((5, 5)), np.full(5, bias))
    chain, unit, time = sample_ideal(machine, chains=3, duration=100.5, seed=0)
    assert len(time) == 3 * 5 * 101
    np.testing.assert_allclose(time, np.floor(time + 1e-6), atol=1e-6)
    assert (np.bincount(chain * 5 + unit) == 101).all()


def test_a_silent_network_has_no_spikes() -> None:
    machine = BoltzmannMachine(np.zeros((3, 3)), np.full(3, -800.0))
    chain, unit, time = sample_ideal(machine, chains=4, duration=1e6, seed=0)
    assert len(chain) == len(unit) == len(time) == 0


@pytest.mark.parametrize("name", ["gibbs", "ideal"])
def test_huge_weights_lead_to_a_state_that_no_single_flip_improves(name: str) -> None:
    machine = random_machine(8, seed=3, scale=1e3)
    if name == "gibbs":
        final = sample_gibbs(machine, chains=50, draws=1, burn_in=50, seed=0)[:, 0]
    else:
        chain, unit, time = sample_ideal(machine, chains=50, duration=60.0, seed=0)
        final = np.zeros((50, 8), np.uint8)
        on = (time > 58.6) & (time <= 59.6)
        final[chain[on], unit[on]] = 1
    field = machine.biases + final @ machine.weights
    np.testing.assert_array_equal(final, field > 0)


def single_peaked(rng: np.random.Generator, scale: float) -> BoltzmannMachine:
    """Return a small random machine of which every state but one has a better neighbour."""
    while True:
        n = int(rng.integers(2, 7))
        weights = np.triu(rng.uniform(-1, 1, (n, n)), 1)
        machine = BoltzmannMachine(scale * (weights + weights.T), scale * rng.uniform(-1, 1, n))
        states = machine.states()
        gain = (machine.biases + states @ machine.weights) * (1 - 2.0 * states)
        if (gain.max(axis=1) < 0).sum() == 1:
            return machine


@pytest.mark.parametrize("scale", [10.0, 100.0, 1e4])
def test_ideal_neurons_at_large_weights_against_enumeration(scale: float) -> None:
    """A whole avalanche at one moment of the clock: its order decides whether it comes to rest.

    Sixty machines without a second peak, so that all chains get to the first. Chance: 240 marginals
    beyond 6 standard errors (64 chains), less than 1e-5; what is left of the start, below 0.01.
    """
    rng = np.random.default_rng(int(scale))
    for seed in range(60):
        machine = single_peaked(rng, scale)
        n = machine.n_units
        chain, unit, time = sample_ideal(machine, chains=64, duration=70.0, seed=seed)
        seen = joint_of_spikes((chain, unit, time), 64, n, 10.0, 70.0) @ machine.states()
        error = np.abs(seen.mean(axis=0) - machine.marginals())
        assert (error < 6 * seen.std(axis=0) / 8 + 0.01).all(), (seed, error)
        grid = states_on_grid(
            chain, unit, time, chains=64, units=n, window=1.0, first=10.0, interval=1.0, draws=60
        ).mean(axis=1)
        error = np.abs(grid.mean(axis=0) - machine.marginals())
        assert (error < 6 * grid.std(axis=0) / 8 + 0.01).all(), (seed, error)


def test_spikes_at_the_very_first_moment_are_kept() -> None:
    """A waiting time of e^-1000 is none on the clock: units are on for all of the run."""
    machine = BoltzmannMachine([[0.0]], [1000.0])
    samples = sample(machine, "ideal", chains=3, draws=10, burn_in=0, seed=0)
    assert samples.states.all()
    assert samples.spikes is not None
    assert samples.spikes.time.min() == 0
    np.testing.assert_allclose(samples.marginals(), 1.0, atol=1e-12)


def test_events_of_vanishing_probability_do_not_happen() -> None:
    """10^8 trials of probability 1e-22: a uniform number of exactly 0 would let some pass."""
    machine = BoltzmannMachine(np.zeros((100, 100)), np.full(100, -50.0))
    states = sample_gibbs(machine, chains=100, draws=1, burn_in=10_000, seed=0)
    assert states.sum() == 0
    words = np.zeros(4, np.uint32)
    with np.errstate(over="ignore"):
        assert uniform(*words)[0] == 2.0**-53
        assert uniform(*np.array([2**32 - 1, 0, 0, 0], np.uint32))[0] < 1


def test_exact_draws_are_independent_in_time() -> None:
    """Lag-one correlation of each unit at ALPHA; Gibbs sweeps of a coupled pair fail it."""
    machine = BoltzmannMachine([[0, 2.0], [2.0, 0]], [-1, -1])

    def correlation(states: NDArray[np.uint8]) -> float:
        z = states - machine.marginals()
        return largest_deviation((z[:, 1:] * z[:, :-1]).mean(axis=1), np.zeros(2))

    assert correlation(sample_exact(machine, chains=CHAINS, draws=200, seed=1)) < 1
    assert correlation(sample_gibbs(machine, chains=CHAINS, draws=200, burn_in=20, seed=1)) > 1


def test_exact_never_draws_what_is_impossible() -> None:
    machine = BoltzmannMachine(np.zeros((3, 3)), [0.0, -1e3, 1e3])
    states = sample_exact(machine, chains=4, draws=500, seed=0)
    assert (states[..., 1] == 0).all()
    assert (states[..., 2] == 1).all()
    with pytest.raises(InvalidInput, match="treewidth 29 or more$"):
        sample_exact(random_machine(30), chains=1, draws=1)


def test_draws_of_a_chain_do_not_depend_on_the_number_of_chains() -> None:
    machine = random_machine(9, seed=4)
    many = sample_exact(machine, chains=9, draws=40, seed=3)
    np.testing.assert_array_equal(sample_exact(machine, chains=2, draws=40, seed=3), many[:2])
    many = sample_gibbs(machine, chains=23, draws=40, burn_in=3, seed=3)
    np.testing.assert_array_equal(
        sample_gibbs(machine, chains=5, draws=40, burn_in=3, seed=3), many[:5]
    )
    chain, unit, time = sample_ideal(machine, chains=23, duration=30.0, seed=3)
    few = sample_ideal(machine, chains=5, duration=30.0, seed=3)
    kept = chain < 5
    for column, whole in zip(few, (chain, unit, time), strict=True):
        np.testing.assert_array_equal(column, np.asarray(whole)[kept])


@pytest.mark.parametrize("threads", [2, 3, 7])
def test_threads_change_nothing(threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gibbs, "FIELDS_PER_BLOCK", 40)  # many ragged blocks
    machine = random_machine(9, seed=4)
    clamp: dict[str, Any] = {"clamp_units": [2], "clamp_values": [[k % 2] for k in range(23)]}
    one = sample_gibbs(machine, chains=23, draws=40, burn_in=3, seed=3, threads=1, **clamp)
    monkeypatch.setattr(gibbs, "FIELDS_PER_BLOCK", 2**16)
    more = sample_gibbs(machine, chains=23, draws=40, burn_in=3, seed=3, threads=threads, **clamp)
    np.testing.assert_array_equal(more, one)
    once = sample_ideal(machine, chains=23, duration=30.0, seed=3, threads=1, **clamp)
    again = sample_ideal(machine, chains=23, duration=30.0, seed=3, threads=threads, **clamp)
    for column, whole in zip(again, once, strict=True):
        np.testing.assert_array_equal(column, whole)


def test_seeds_chains_and_samplers_differ() -> None:
    machine = random_machine(12, seed=4)
    samplers: list[Callable[..., NDArray[np.uint8]]] = [sample_exact, sample_gibbs]
    for sampler in samplers:
        first = sampler(machine, chains=2, draws=50, seed=0)
        assert (first != sampler(machine, chains=2, draws=50, seed=1)).any()
        assert (first[0] != first[1]).any()
        np.testing.assert_array_equal(
            first, sampler(machine, chains=2, draws=50, seed=np.random.SeedSequence(0))
        )
        child = np.random.SeedSequence(0).spawn(1)[0]
        assert (first != sampler(machine, chains=2, draws=50, seed=child)).any()
    spikes = [sample_ideal(machine, chains=2, duration=20.0, seed=s)[2] for s in (0, 1)]
    assert spikes[0][0] != spikes[1][0]


def test_pieces_of_a_gibbs_run_are_the_whole_run() -> None:
    machine = random_machine(9, seed=4)
    whole = sample_gibbs(machine, chains=6, draws=50, burn_in=7, seed=3)
    sampler = GibbsSampler(machine, chains=6, seed=3)
    pieces = [sampler.run(20, skip=7), sampler.run(0), sampler.run(1)]
    state = sampler.state()
    pieces.append(sampler.run(29))
    np.testing.assert_array_equal(np.concatenate(pieces, axis=1), whole)
    other = GibbsSampler(machine, chains=6, seed=99)
    other.restore(state)
    np.testing.assert_array_equal(other.run(29), pieces[-1])
    other.restore(state)
    np.testing.assert_array_equal(other.run(29, skip=0), pieces[-1])
    with pytest.raises(InvalidInput, match="built with the same arguments"):
        GibbsSampler(machine, chains=5, seed=3).restore(state)


def test_gibbs_starts_where_it_is_told() -> None:
    machine = BoltzmannMachine(np.zeros((4, 4)), np.zeros(4))
    start = np.array([[1, 1, 0, 0], [0, 0, 1, 1]])
    sampler = GibbsSampler(machine, chains=2, initial=start, clamp_units=[0], clamp_values=[1])
    np.testing.assert_array_equal(sampler.state()["z"], [[1, 1, 0, 0], [1, 0, 1, 1]])
    same = GibbsSampler(machine, chains=3, initial=[1, 0, 1, 0])
    np.testing.assert_array_equal(same.state()["z"], [[1, 0, 1, 0]] * 3)
    # A machine that cannot move keeps its start; the field must know of it.
    w = np.array([[0.0, 200.0], [200.0, 0.0]])
    frozen = BoltzmannMachine(w, [-100.0, -100.0])
    states = sample_gibbs(frozen, chains=2, draws=30, seed=0, initial=[[1, 1], [0, 0]])
    assert (states[0] == 1).all()
    assert (states[1] == 0).all()


def test_kernels_compile_once_whatever_is_passed() -> None:
    machine = random_machine(3)
    for clamp in ({}, {"clamp_units": [0], "clamp_values": [True]}):
        for chains in (1, 5):
            sample_gibbs(machine, chains=chains, draws=2, **clamp)  # type: ignore[arg-type]
            sample_ideal(machine, chains=chains, duration=2, **clamp)  # type: ignore[arg-type]
    fields = {signature[4].dtype for signature in gibbs._sweep.signatures}  # type: ignore[attr-defined]
    assert len(gibbs._sweep.signatures) == len(fields) <= 2  # type: ignore[attr-defined]
    assert len(ideal._fire.signatures) == 1  # type: ignore[attr-defined]


def test_streams_belong_to_the_documented_roles() -> None:
    machine = random_machine(4)
    sampler = GibbsSampler(machine, chains=3, seed=5)
    expected = lane_states(seed_sequence(5), Role.GIBBS, 3, 1)[:, 0]
    np.testing.assert_array_equal(sampler.state()["stream"], expected)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"chains": 0}, "chains must be at least 1, got 0"),
        ({"chains": 2.5}, "chains must be a whole number, got 2.5"),
        ({"threads": 0}, "threads must be at least 1, got 0"),
        ({"seed": -3}, "seed must be at least 0, got -3"),
        ({"clamp_units": [0]}, "clamp_units and clamp_values must be given together"),
        ({"clamp_units": [4], "clamp_values": [0]}, "clamp_units must be from 0 to 3, got 4"),
        ({"clamp_units": [1, 1], "clamp_values": [0, 0]}, "differ from each other, got 1 twice"),
        ({"clamp_units": [0.5], "clamp_values": [0]}, "clamp_units must be a list of whole"),
        ({"clamp_units": [0], "clamp_values": [2]}, "clamp_values must be 0 or 1, got 2"),
        (
            {"clamp_units": [0], "clamp_values": [[0], [1]]},
            r"clamp_values must have shape \(1,\) or \(3, 1\), got \(2, 1\)",
        ),
        (
            {"clamp_units": [0, 1, 2, 3], "clamp_values": [0, 0, 0, 0]},
            "evidence must leave at least one unit free, got all 4",
        ),
    ],
)
def test_wrong_arguments(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        sample_gibbs(random_machine(4), **{"chains": 3, "draws": 2, **arguments})
    with pytest.raises(InvalidInput, match=message):
        sample_ideal(random_machine(4), **{"chains": 3, "duration": 2.0, **arguments})


def test_wrong_lengths() -> None:
    machine = random_machine(4)
    with pytest.raises(InvalidInput, match="draws must be at least 1, got 0"):
        sample_gibbs(machine, chains=1, draws=0)
    with pytest.raises(InvalidInput, match="burn_in must be at least 0, got -1"):
        sample_gibbs(machine, chains=1, draws=1, burn_in=-1)
    with pytest.raises(InvalidInput, match=r"initial must have shape \(4,\) or \(1, 4\)"):
        sample_gibbs(machine, chains=1, draws=1, initial=[0, 1])
    with pytest.raises(InvalidInput, match="initial must be 0 or 1, got 3"):
        sample_gibbs(machine, chains=1, draws=1, initial=[0, 1, 3, 0])
    with pytest.raises(InvalidInput, match="draws must be at least 1, got 0"):
        sample_exact(machine, chains=1, draws=0)
    for wrong in (0, -1.0, np.inf, "x"):
        with pytest.raises(InvalidInput, match="duration must be"):
            sample_ideal(machine, chains=1, duration=wrong)  # type: ignore[arg-type]
