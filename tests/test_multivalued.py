"""Variables of any number of states: exact answers, machines that sample them, files, one call.

Right values come from the tables, state by state, or from another library. Statistical tests reject
correct code with probability 1e-4 at most, and have a twin that must fail.
"""

import itertools
import json
import pickle
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import photinus as ph
from photinus import BayesianNetwork, InvalidInput, MarkovNetwork
from photinus.interop import read_model
from photinus.machines import summing
from photinus.machines.boltzmann import BoltzmannMachine
from photinus.machines.cliques import CliqueTree, machine_tree
from photinus.machines.codes import Code
from tests.conftest import Run
from tests.narrow import there
from tests.test_inference import states_given

SHARED = [parent / "shared" / "data" / "networks" for parent in Path(__file__).resolve().parents]
"""Where networks of others may lie."""
SKY = BayesianNetwork(
    {
        "sky": [0.5, 0.3, 0.2],
        "wet": (("sky",), [[0.95, 0.05], [0.9, 0.1], [0.2, 0.8]]),
        "walk": (
            ("wet", "sky"),
            {
                ("no", "clear"): (0.1, 0.2, 0.7),
                ("no", "grey"): (0.2, 0.4, 0.4),
                ("no", "black"): (0.3, 0.5, 0.2),
                ("yes", "clear"): (0.5, 0.3, 0.2),
                ("yes", "grey"): (0.6, 0.3, 0.1),
                ("yes", "black"): (0.8, 0.15, 0.05),
            },
        ),
    },
    {
        "sky": ("clear", "grey", "black"),
        "wet": ("no", "yes"),
        "walk": ("none", "short", "long"),
    },
)


def random_network(
    seed: int, variables: int = 6, most: int = 5, parents: int = 3, certain: float = 0.3
) -> BayesianNetwork:
    """Return a network of 2 to `most` states, some tables functions, some variables alone."""
    rng = np.random.default_rng(seed)
    names = [f"v{k}" for k in rng.permutation(variables)]
    states = {name: tuple(f"s{k}" for k in range(rng.integers(2, most + 1))) for name in names}
    tables = {}
    for k, name in enumerate(names):
        count = min(k, int(rng.integers(0, parents + 1)))
        above = tuple(rng.choice(names[:k], count, replace=False).tolist())
        shape = [len(states[one]) for one in (*above, name)]
        table = rng.dirichlet(np.ones(shape[-1]), shape[:-1])
        if above and rng.random() < certain:
            table = np.eye(shape[-1])[rng.integers(0, shape[-1], shape[:-1])]
        tables[name] = (above, table)
    return BayesianNetwork({name: tables[name] for name in sorted(names)}, states)


def random_factors(seed: int, variables: int = 6, most: int = 4) -> MarkovNetwork:
    """Return a Markov network with factors of one to three variables, some entries 0."""
    rng = np.random.default_rng(seed)
    states = {f"v{k}": tuple(range(rng.integers(2, most + 1))) for k in range(variables)}
    factors = []
    for _ in range(variables + 2):
        scope = tuple(rng.choice(list(states), rng.integers(1, 4), replace=False).tolist())
        table = rng.gamma(1.0, size=[len(states[name]) for name in scope])
        table[rng.random(table.shape) < 0.1] = 0.0
        table.flat[0] = 1.0
        factors.append((scope, table))
    return MarkovNetwork(factors, states)


def naive(network: Any) -> Any:
    """Return p of every state, array (*states), one product at a time."""
    names, sizes = network.variables, [len(own) for own in network.states.values()]
    joint = np.empty(sizes)
    for state in itertools.product(*map(range, sizes)):
        value = dict(zip(names, state, strict=True))
        p = 1.0
        if isinstance(network, BayesianNetwork):
            for name in names:
                row = tuple(value[parent] for parent in network.parents(name))
                p *= network.probabilities(name)[row][value[name]]
        else:
            for scope, table in network.factors:
                p *= table[tuple(value[name] for name in scope)]
        joint[state] = p
    return joint


def naive_marginals(network: Any, evidence: Any) -> Any:
    """Return variable → state → probability, all states gone through."""
    joint = naive(network)
    place: list[Any] = [slice(None)] * joint.ndim
    for k, name in enumerate(network.variables):
        if name in evidence:
            place[k] = [network.states[name].index(evidence[name])]
    for axis, chosen in enumerate(place):
        joint = joint.take(chosen, axis) if isinstance(chosen, list) else joint
    found = {}
    for k, name in enumerate(network.variables):
        if name not in evidence:
            others = tuple(axis for axis in range(joint.ndim) if axis != k)
            chances = joint.sum(axis=others) / joint.sum()
            found[name] = dict(zip(network.states[name], chances.tolist(), strict=True))
    return found


def possible_evidence(network: Any, seed: int, count: int = 2) -> Any:
    """Return states of some variables, as one possible state has them."""
    rng, joint = np.random.default_rng(seed), naive(network)
    state = np.unravel_index(rng.choice(joint.size, p=joint.ravel() / joint.sum()), joint.shape)
    known = rng.choice(joint.ndim, count, replace=False)
    names = network.variables
    return {names[k]: network.states[names[k]][int(state[k])] for k in known}


def alike(found: Any, right: Any, tolerance: float = 1e-9) -> None:
    assert found.keys() == right.keys()
    for name, chances in right.items():
        assert found[name] == pytest.approx(chances, abs=tolerance)


# Exact answers


@pytest.mark.parametrize("make", [random_network, random_factors])
@pytest.mark.parametrize("seed", range(12))
def test_posteriors_are_those_of_enumeration(make: Callable[[int], Any], seed: int) -> None:
    network = make(seed)
    joint = naive(network)
    assert network.log_partition() == pytest.approx(np.log(joint.sum()), abs=1e-9)
    np.testing.assert_allclose(network.joint(), (joint / joint.sum()).T.ravel(), atol=1e-12)
    alike(network.marginals(), naive_marginals(network, {}))
    evidence = possible_evidence(network, seed)
    right = naive_marginals(network, evidence)
    alike(network.posterior(evidence), right)
    name = next(iter(right))
    alike(network.marginals(evidence, query=[name]), {name: right[name]})


def test_zero_and_one_are_as_ever() -> None:
    """Two states 0 and 1: posteriors are numbers, and states need no names."""
    network = BayesianNetwork.asia()
    assert network.posterior({"dysp": 1})["lung"] == network.marginals({"dysp": 1})["lung"][1]
    states, p = states_given(network, {"dysp": 1})
    right = dict(zip(network.variables, p @ states, strict=True))
    del right["dysp"]
    assert network.posterior({"dysp": 1}) == pytest.approx(right)


@pytest.mark.parametrize("kind", [BayesianNetwork, MarkovNetwork])
def test_exact_draws_have_the_law(kind: Any) -> None:
    """Pearson's chi-square of all joint states: false alarms 1e-5. Another law fails."""
    stats = pytest.importorskip("scipy.stats")
    network = SKY if kind is BayesianNetwork else random_factors(3, 4, 3)
    other = naive_marginals(network, {})
    drawn = network.draw(20_000, seed=4)
    joint = naive(network) / naive(network).sum()
    counts = np.zeros(joint.shape)
    np.add.at(counts, tuple(drawn.T), 1)
    assert counts[joint == 0].sum() == 0
    fits = joint > 0

    def p_value(law: Any) -> float:
        return float(stats.chisquare(counts[fits], 20_000 * law[fits]).pvalue)

    assert p_value(joint) > 1e-5
    product = np.ones(())
    for chances in other.values():
        product = np.multiply.outer(product, np.array(list(chances.values())))
    product = np.where(fits, product, 0)
    assert p_value(product / product.sum()) < 1e-5


@pytest.mark.parametrize("seed", range(6))
def test_trees_of_machines_agree_with_enumeration(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = 11
    weights = np.triu(rng.normal(0, 2, (n, n)) * (rng.random((n, n)) < rng.choice([0.2, 0.5])), 1)
    machine = BoltzmannMachine(weights + weights.T, rng.normal(size=n))
    tree = machine_tree(machine.weights, machine.biases)
    assert tree.log_partition == pytest.approx(machine.log_partition(), abs=1e-10)
    found, known = tree.pair_moments(), machine.weights != 0
    np.testing.assert_allclose(found[known], machine.pair_moments()[known], atol=1e-10)
    np.testing.assert_allclose(np.diagonal(found), machine.marginals(), atol=1e-10)


def ladder(rungs: int, seed: int = 1) -> BoltzmannMachine:
    """Return a machine of two rails with rungs, treewidth 2."""
    rng, n = np.random.default_rng(seed), 2 * rungs
    weights = np.zeros((n, n))
    for k in range(n - 2):
        weights[k, k + 2] = rng.normal()
    for k in range(0, n, 2):
        weights[k, k + 1] = rng.normal()
    return BoltzmannMachine(weights + weights.T, rng.normal(size=n))


def transfer(machine: BoltzmannMachine) -> float:
    """Return log Z of a ladder, rung by rung: the transfer matrix in logarithms."""
    w, b = machine.weights, machine.biases
    states = list(itertools.product((0, 1), repeat=2))
    log = np.zeros(4)
    for k in range(0, machine.n_units, 2):
        own = np.array([b[k] * x + b[k + 1] * y + w[k, k + 1] * x * y for x, y in states])
        if k:
            step = [
                [w[k - 2, k] * a * x + w[k - 1, k + 1] * c * y for x, y in states] for a, c in states
            ]
            log = np.logaddexp.reduce(log[:, None] + np.array(step), axis=0)
        log = log + own
    return float(np.logaddexp.reduce(log))


def test_large_machines_of_small_treewidth_have_exact_answers() -> None:
    machine = ladder(200)
    assert machine.log_partition() == pytest.approx(transfer(machine), rel=1e-12)
    # By derivatives: P(on) = ∂ log Z/∂b, H = log Z - ∂ log Z/∂β at β = 1.
    step = 1e-5
    for unit in (0, 7, 399):
        up, down = machine.biases.copy(), machine.biases.copy()
        up[unit] += step
        down[unit] -= step
        change = transfer(BoltzmannMachine(machine.weights, up)) - transfer(
            BoltzmannMachine(machine.weights, down)
        )
        assert machine.marginals()[unit] == pytest.approx(change / (2 * step), abs=1e-6)
    warm, cold = machine.heated(1 / (1 + step)), machine.heated(1 / (1 - step))
    slope = (transfer(warm) - transfer(cold)) / (2 * step)
    assert machine.entropy() == pytest.approx(transfer(machine) - slope, abs=1e-5)


def test_the_substrate_exact_draws_from_large_machines_and_says_how() -> None:
    """64 × 500 draws, 60 marginals within 5 standard errors: 4e-5. A shifted machine fails."""
    machine = ladder(30)
    samples = ph.sample(machine, "exact", chains=64, draws=500, seed=2, evidence={3: 1})
    assert samples.attributes["method"] == "tree decomposition"
    assert ph.sample(ladder(5), "exact", chains=2, draws=30).attributes["method"] == "enumeration"
    right = machine.conditional({3: 1}).marginals()
    found = np.delete(samples.marginals(), 3)
    error = np.sqrt(right * (1 - right) / (64 * 500))
    assert (np.abs(found - right) < 5 * error).all()
    assert (np.abs(found - np.delete(machine.marginals(), 3)) > 5 * error).any()
    assert samples.fidelity().reference == "tree decomposition"
    # A chain depends neither on the others nor on their evidence.
    again = ph.sample(machine, "exact", chains=2, draws=500, seed=2, evidence={3: 1})
    np.testing.assert_array_equal(again.states, samples.states[:2])


def test_what_is_too_far_from_a_tree_is_refused_with_its_treewidth() -> None:
    size = 40
    pairs = itertools.combinations(range(size), 2)
    network = MarkovNetwork(
        [(pair, [[2, 1], [1, 2]]) for pair in pairs], dict.fromkeys(range(size), (0, 1))
    )
    with pytest.raises(InvalidInput, match="this network has treewidth 39 or more$"):
        network.marginals()
    posterior = ph.infer(network, {0: 1}, "gibbs", chains=4, draws=20, burn_in=5, seed=1)
    assert posterior.exact is None
    assert posterior.largest_deviation is None


def test_trees_agree_with_dwave() -> None:
    samplers, dimod = pytest.importorskip("dwave.samplers"), pytest.importorskip("dimod")
    machine = ladder(40, 5)
    first, second = np.nonzero(np.triu(machine.weights))
    pairs = zip(first.tolist(), second.tolist(), strict=True)
    couplings = {(i, j): -machine.weights[i, j] for i, j in pairs}
    model = dimod.BinaryQuadraticModel(dict(enumerate(-machine.biases)), couplings, 0.0, "BINARY")
    solver = samplers.TreeDecompositionSampler()
    info = solver.sample(model, num_reads=1, beta=1.0, marginals=True, seed=1).info
    assert machine.log_partition() == pytest.approx(info["log_partition_function"], rel=1e-9)
    right = [info["variable_marginals"][k] for k in range(machine.n_units)]
    np.testing.assert_allclose(machine.marginals(), right, atol=1e-9)


@pytest.mark.parametrize(
    ("name", "evidence"),
    [
        ("alarm", {"HR": "HIGH", "BP": "LOW"}),
        ("sachs", {"Akt": "HIGH"}),
        ("win95pts", {"Problem1": "No_Output"}),
    ],
)
def test_posteriors_agree_with_pyagrum(name: str, evidence: Any) -> None:
    """It keeps its tables in single precision."""
    gum = pytest.importorskip("pyagrum")
    path = next((one / f"{name}.bif" for one in SHARED if one.exists()), None)
    if path is None:
        pytest.skip("shared/data/networks is missing")
    network: Any = read_model(path)
    theirs = gum.LazyPropagation(gum.loadBN(str(path)))
    theirs.setEvidence(evidence)
    theirs.makeInference()
    for variable, chances in network.marginals(evidence).items():
        right = dict(zip(network.states[variable], theirs.posterior(variable).toarray(), strict=True))
        assert chances == pytest.approx(right, abs=1e-5)


# Machines


def law_of(network: Any, expansion: Any) -> tuple[Any, float]:
    """Return the law of the states, auxiliary units summed out one by one, and the invalid share.

    Auxiliary units have weights to units of variables alone.
    """
    machine, own = expansion.machine, sum(code.units for code in expansion.codes)
    units = (np.arange(2**own)[:, None] >> np.arange(own) & 1).astype(np.uint8)
    w, b = machine.weights, machine.biases
    assert not w[own:, own:].any()
    log = units @ b[:own] + ((units @ w[:own, :own]) * units).sum(axis=1) / 2
    log += np.logaddexp(0, units @ w[:own, own:] + b[own:]).sum(axis=1)
    p = np.exp(log - log.max())
    numbers = expansion.numbers(units)
    valid = (numbers >= 0).all(axis=1)
    law = np.zeros([len(states) for states in network.states.values()])
    np.add.at(law, tuple(numbers[valid].T), p[valid])
    return law / law.sum(), float(p[~valid].sum() / p.sum())


@pytest.mark.parametrize("code", ["one-hot", "binary"])
@pytest.mark.parametrize("make", [random_network, random_factors])
@pytest.mark.parametrize("seed", range(5))
def test_machines_have_the_law_of_the_softened_network(
    make: Callable[[int, int, int], Any], code: str, seed: int
) -> None:
    network = make(seed, 5, 4)
    found, invalid = law_of(network, network.expansion(code=code, softening=0.01))
    right = naive(network.softened(0.01))
    np.testing.assert_allclose(found, right / right.sum(), atol=1e-9)
    assert (invalid == 0) if code == "binary" else (invalid < 0.2)
    # With the states of one variable exchanged it is another law.
    assert np.abs(found - np.roll(right / right.sum(), 1, axis=0)).max() > 1e-3


def test_five_states_are_coded_both_ways() -> None:
    network = random_network(9, 3, 5)
    assert max(map(len, network.states.values())) == 5
    for code in ("one-hot", "binary"):
        found, _ = law_of(network, network.expansion(code=code, softening=0.01))
        np.testing.assert_allclose(found, naive(network.softened(0.01)), atol=1e-9)


def test_auto_takes_the_smaller_and_softer_machine() -> None:
    both = {code: SKY.to_boltzmann(code=code) for code in ("one-hot", "binary")}
    effort = {code: m.n_units * np.abs(m.weights).max() for code, m in both.items()}
    assert SKY.to_boltzmann() == both[min(effort, key=lambda code: effort[code])]
    assert both["one-hot"] != both["binary"]


@pytest.mark.parametrize("size", [2, 3, 4, 5, 6, 7, 8, 9, 13, 17, 31, 64])
@pytest.mark.parametrize("kind", ["one-hot", "binary"])
def test_codes_give_back_every_state(kind: str, size: int) -> None:
    code = Code(kind, size, reference=0 if kind == "binary" else size // 2)
    units = np.array([code.encoded(state) for state in range(size)])
    assert units.shape == (size, (size - 1).bit_length() if kind == "binary" else size - 1)
    np.testing.assert_array_equal(code.decoded(units), np.arange(size))
    if kind == "binary":  # every code is one of the states, each a few times
        every = np.arange(2**code.units)[:, None] >> np.arange(code.units) & 1
        found = code.decoded(every)
        assert set(found.tolist()) == set(range(size))
    elif size > 2:
        assert code.decoded(np.ones(size - 1, int)) == -1


def test_two_units_of_one_variable_are_rarely_on() -> None:
    """By exp(-4) less likely than the best state, whatever the others do."""
    expansion = SKY.expansion(code="one-hot")
    _, invalid = law_of(SKY, expansion)
    pairs = 2
    assert 0 < invalid < pairs * np.exp(-4)


def test_evidence_of_units_is_that_of_variables() -> None:
    for code in ("one-hot", "binary"):
        expansion = SKY.softened().expansion(code=code)
        given = expansion.machine.conditional(expansion.evidence({"walk": "long"}))
        own = {label: k for k, label in enumerate(given.labels)}
        chance = given.marginals()[own["wet"]]
        if code == "binary":
            assert chance == pytest.approx(SKY.marginals({"walk": "long"})["wet"]["yes"], abs=1e-6)
        drawn = ph.sample(expansion.machine, "exact", chains=8, draws=400, seed=1)
        shares = expansion.marginals(drawn.states)
        assert shares["sky"].keys() == SKY.marginals()["sky"].keys()
        assert expansion.invalid(drawn.states) == (expansion.numbers(drawn.states) < 0).any(-1).sum()


def test_a_thousand_units_are_built_in_seconds_and_answered_exactly() -> None:
    """Size and density of the large public networks: 220 variables, up to four parents each.

    Shares of 4000 draws within 5.5 standard errors: false alarms 1e-5.
    """
    rng = np.random.default_rng(1)
    tables: dict[int, Any] = {}
    for k in range(220):
        near = range(max(0, k - 8), k)
        count = min(k, int(rng.integers(0, 5)))
        above = tuple(rng.choice(list(near), count, replace=False).tolist()) if count else ()
        on = rng.uniform(0.05, 0.95, (2,) * count)
        tables[k] = (above, np.stack([1 - on, on], axis=-1))
    network = BayesianNetwork(tables)
    began = time.perf_counter()
    machine = network.to_boltzmann()
    assert machine.n_units > 900
    assert time.perf_counter() - began < 60
    drawn, place = network.draw(4000, seed=1), network.marginals()
    share = drawn.mean(axis=0)
    right = np.array([place[k][1] for k in range(220)])
    assert (np.abs(share - right) < 5.5 * np.sqrt(right * (1 - right) / 4000)).all()


# One call


@pytest.mark.parametrize("code", ["one-hot", "binary"])
def test_gibbs_sampling_infers_many_states(code: str) -> None:
    """Marginals within 5 standard errors: false alarms 1e-5. Those without evidence fail."""
    evidence = {"walk": "none"}
    posterior = ph.infer(SKY, evidence, "gibbs", code=code, chains=128, draws=300, seed=3)
    right = naive_marginals(SKY, evidence)
    alike(posterior.exact, right)

    def off(wanted: Any) -> float:
        return max(
            abs(p - wanted[name][state]) / max(error, 1e-9)
            for name, state, p, error, _ in posterior.rows()
        )

    assert off(right) < 5
    assert off(naive_marginals(SKY, {})) > 5
    assert (posterior.invalid > 0) == (code == "one-hot")
    assert posterior.invalid == (posterior.numbers < 0).any(axis=-1).sum()
    assert sum(posterior.marginals["sky"].values()) == pytest.approx(1)
    assert there(posterior.fidelity).grade in ("indistinguishable", "close")
    assert repr(posterior).startswith("Posterior(2 variable(s) on 'gibbs': P(sky=")


@pytest.mark.filterwarnings("ignore::photinus.TranslationWarning")
def test_lasers_infer_many_states() -> None:
    evidence = {"walk": "none"}
    options: dict[str, Any] = {"chains": 128, "draws": 200, "seed": 5}
    posterior = ph.infer(SKY, evidence, "laser-reduced", **options)
    assert there(posterior.largest_deviation) < 0.02
    assert there(posterior.chip_time) > 0
    wrong = naive_marginals(SKY, {})
    assert max(abs(p - wrong[name][state]) for name, state, p, _, _ in posterior.rows()) > 0.1


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("make", [random_network, random_factors])
def test_reductions_keep_the_posterior(make: Callable[[int], Any], seed: int) -> None:
    """Exact draws of what is left, 3 standard errors beside 0.01 for what weights can't undo."""
    network = make(seed)
    evidence = possible_evidence(network, seed, 3)
    reduction = network.reduced(evidence, softening=1e-6)
    right = naive_marginals(network, evidence)
    for name, state in reduction.settled.items():
        assert right[name][state] == pytest.approx(1)
    if reduction.expansion is None:
        return
    left = {name: network.states[name] for name in reduction.sampled}
    law, _ = law_of(
        BayesianNetwork({n: [1 / len(s)] * len(s) for n, s in left.items()}, left), reduction.expansion
    )
    for k, name in enumerate(left):
        others = tuple(axis for axis in range(law.ndim) if axis != k)
        np.testing.assert_allclose(law.sum(axis=others), list(right[name].values()), atol=1e-4)


def test_barren_and_function_variables_are_left_out() -> None:
    found = [random_network(k, 6, 4, 2, certain=0.6) for k in range(12)]
    reductions = [n.reduced(possible_evidence(n, k, 2)) for k, n in enumerate(found)]
    for part in ("barren", "settled"):
        assert sum(bool(getattr(reduction, part)) for reduction in reductions) > 3


def test_variables_without_parents_may_be_left_out() -> None:
    """A steep table at the top of the network, below which nothing is left."""
    states = {"a": tuple("wxyz"), "b": (0, 1)}
    network = BayesianNetwork(
        {"a": [0.97, 0.01, 0.01, 0.01], "b": (("a",), np.eye(2)[[0, 1, 1, 0]])}, states
    )
    posterior = ph.infer(network, None, "gibbs", chains=64, draws=300, seed=1)
    assert posterior.reduction.barren == ("a", "b")
    assert posterior.marginals["a"] == pytest.approx(there(posterior.exact)["a"])
    assert posterior.marginals["b"][1] == pytest.approx(0.02, abs=0.006)  # 5 standard errors


def test_boltzmann_machines_are_asked_alike() -> None:
    machine = BoltzmannMachine([[0, 1], [1, 0]], [0.5, -1], labels=["rain", "wet"])
    posterior = ph.infer(machine, {"wet": 1}, "gibbs", chains=64, draws=200, seed=1)
    p = float(machine.conditional({"wet": 1}).marginals()[0])
    assert there(posterior.exact)["rain"] == pytest.approx({0: 1 - p, 1: p})
    assert posterior.marginals["rain"][1] == pytest.approx(p, abs=5 * posterior.errors["rain"][1])
    assert posterior.samples is not None
    with pytest.raises(InvalidInput, match="did you mean 'wet'"):
        ph.infer(machine, {"wett": 1}, "gibbs")


def test_impossible_evidence_of_many_states_is_refused() -> None:
    network = BayesianNetwork(
        {"a": [0.2, 0.3, 0.5], "b": (("a",), np.eye(3)), "c": (("a",), np.eye(3)[[1, 2, 0]])},
        dict.fromkeys("abc", ("x", "y", "z")),
    )
    assert network.reduced({"b": "x"}).settled == {"a": "x", "c": "y"}
    for call in (network.marginals, network.reduced, lambda e: ph.infer(network, e, "gibbs")):
        with pytest.raises(InvalidInput, match="evidence must be possible, got .* of probability 0$"):
            call({"b": "x", "c": "x"})
    factors = MarkovNetwork([(("a", "b"), np.eye(2))], {"a": (0, 1), "b": (0, 1), "c": (0, 1)})
    with pytest.raises(InvalidInput, match="of probability 0$"):
        ph.infer(factors, {"a": 0, "b": 1}, "gibbs")


# Values, files, bad input


@pytest.mark.parametrize("network", [SKY, random_network(1), random_factors(1)])
def test_networks_are_values_and_files(network: Any, tmp_path: Path) -> None:
    again = pickle.loads(pickle.dumps(network))
    assert again == network
    assert hash(again) == hash(network)
    network.save(tmp_path / "n.json")
    assert type(network).load(tmp_path / "n.json") == network
    assert read_model(tmp_path / "n.json") == network
    assert network != random_network(7)
    with pytest.raises(InvalidInput, match="exists already"):
        network.save(tmp_path / "n.json", replace=False)
    with pytest.raises(InvalidInput, match=r"must end in \.json"):
        network.save(tmp_path / "n.npz")


@pytest.mark.parametrize(
    "change",
    [
        {"variables": 3},
        {"variables": [{"name": "a"}]},
        {"tables": [{"variable": "sky", "parents": []}]},
        {"tables": []},
        {"kind": "calibration"},
        {"schema": 99},
    ],
)
def test_damaged_files_are_told_in_one_sentence(tmp_path: Path, change: Any) -> None:
    SKY.save(tmp_path / "n.json")
    document = json.loads((tmp_path / "n.json").read_text())
    (tmp_path / "n.json").write_text(json.dumps(document | change))
    with pytest.raises(InvalidInput, match=r"n\.json"):
        BayesianNetwork.load(tmp_path / "n.json")


THREE = {"a": ("x", "y", "z")}


@pytest.mark.parametrize(
    ("tables", "states", "message"),
    [
        ({"a": [0.2, 0.3, 0.4]}, THREE, r"P\(a\) must have probabilities that add up to 1, got 0.9"),
        ({"a": [0.2, 0.3]}, THREE, r"P\(a\) must be 3 probabilities, got 2"),
        ({"a": 0.3}, THREE, r"P\(a\) must be 3 probabilities, got 1 number"),
        ({"a": [1.2, -0.2, 0]}, THREE, r"P\(a\) must be within \[0, 1\], got 1.2"),
        ({"a": ((), [0.5, 0.5])}, THREE, r"table of 'a' must have shape \(3,\), got \(2,\)"),
        ({"a": [0.5, 0.5]}, {"a": ("x",)}, "states of 'a' must be at least 2, got 1"),
        ({"a": [0.5, 0.5]}, {"a": ("x", "x")}, "states of 'a' must differ .* got 'x' twice"),
        ({"a": [0.5, 0.5]}, {"a": ("x", 1.5)}, "states of 'a' must be strings, .* got 1.5"),
        ({"a": [0.5, 0.5]}, {"a": "xy"}, "states of 'a' must be a list, got 'xy'"),
        ({"a": [0.5, 0.5]}, {"aa": (0, 1)}, r"states must be those .* got 'aa' \(did you mean 'a'\?\)"),
        ({"a": [0.5, 0.5]}, 3, "states must be a mapping variable → states, got 3"),
        (
            {"a": [0.2, 0.3, 0.5], "b": (("a",), {("x",): 0.1, ("y",): 0.2})},
            THREE,
            r"rows of 'b' must include \('z',\)",
        ),
        (
            {"a": (tuple("bcdefgh"), {}), **dict.fromkeys("bcdefgh", [0.1] * 10)},
            dict.fromkeys("abcdefgh", tuple(range(10))),
            "table of 'a' must have at most 1,000,000 entries, got 100,000,000",
        ),
    ],
)
def test_bad_networks(tables: Any, states: Any, message: str) -> None:
    with pytest.raises(InvalidInput, match=f"^{message}"):
        BayesianNetwork(tables, states)


@pytest.mark.parametrize(
    ("factors", "message"),
    [
        (3, "factors must be a list, got 3"),
        ([3], r"factor 0 must be \(variables, array\), got 3"),
        ([(("a", "b"), np.ones((3, 2)))], "scope of factor 0 must be variables .* got 'b'"),
        ([(("a", "a"), np.ones((3, 3)))], "scope of factor 0 must name each variable once"),
        ([(("a",), [1, 2])], r"factor 0 must have shape \(3,\), got \(2,\)"),
        ([(("a",), [1, 2, -1])], "factor 0 must be at least 0, got -1"),
        ([(("a",), [0, 0, 0])], "factor 0 must have an entry above 0, got none"),
        ([(("a",), [1, 2, np.inf])], "factor 0 must .*inf"),
    ],
)
def test_bad_factors(factors: Any, message: str) -> None:
    with pytest.raises(InvalidInput, match=f"^{message}"):
        MarkovNetwork(factors, THREE)


def test_trees_take_factors_without_variables_and_variables_without_factors() -> None:
    tree = CliqueTree([3, 2], [((), np.array(np.log(5.0)))], "this")
    assert tree.log_partition == pytest.approx(np.log(30))
    np.testing.assert_allclose(tree.marginals()[0], 1 / 3)
    assert tree.treewidth == 0


@pytest.mark.parametrize("code", ["auto", "one-hot", "binary"])
@pytest.mark.parametrize("make", [random_network, random_factors])
@pytest.mark.parametrize("seed", range(6))
def test_what_is_left_and_the_tables_of_what_is_not_make_the_network(
    make: Any, seed: int, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However little counts as hard: the law of all variables, state by state, is the network's."""
    monkeypatch.setattr(summing, "HARD", 0.5)
    network = make(seed)
    evidence = possible_evidence(network, seed)
    reduction = network.reduced(evidence, code=code)
    assert reduction.summed or make is random_network
    joint = naive(network)
    numbers = np.moveaxis(np.indices(joint.shape), 0, -1).reshape(1, -1, joint.ndim).astype(np.int16)
    value = dict(zip(network.variables, numbers[0].T, strict=True))
    soft = sum(f.log[tuple(value[name] for name in f.scope)] for f in reduction.factors)
    found = np.exp(reduction.log_weights(numbers)[0] + soft)
    for name in (*reduction.barren, *reduction.replaced, *reduction.summed):
        found *= reduction.chances(name, numbers)[0][np.arange(joint.size), value[name]]
    fits = np.ones(joint.size, bool)
    for name, state in {**evidence, **reduction.settled}.items():
        fits &= value[name] == network.states[name].index(state)
    right = joint.ravel() * fits
    np.testing.assert_allclose(found * fits / (found * fits).sum(), right / right.sum(), atol=1e-12)


def test_impossible_evidence_is_found_however_wide_a_network_is() -> None:
    """Factors that nothing satisfies, where sums find out."""
    names = [f"v{k}" for k in range(60)]
    pairs = [((a, b), [[2, 1], [1, 2]]) for a, b in itertools.combinations(names, 2)]
    never: Any = [(("x", "v0"), [[0, 0], [1, 1]])]
    network = MarkovNetwork([*pairs, *never], dict.fromkeys([*names, "x"], (0, 1)))
    assert network.reduced({"x": 1}).machine is not None
    with pytest.raises(InvalidInput, match="^evidence must be possible, got .* of probability 0"):
        network.reduced({"x": 0})


# The command line


@pytest.fixture
def sky(tmp_path: Path) -> Path:
    """Write a small network and return its path."""
    SKY.save(tmp_path / "sky.json")
    return tmp_path / "sky.json"


FEW = ("--substrate", "gibbs", "--chains", 32, "--draws", 100)


def test_the_command_infers(run: Run, sky: Path, tmp_path: Path) -> None:
    given = ("infer", sky, "--evidence", "walk=none", *FEW)
    code, out, _ = run(*given, "--json", "--out", "s.zarr")
    assert code == 0
    found = json.loads(out)
    right = naive_marginals(SKY, {"walk": "none"})
    assert found["marginals"].keys() == right.keys()
    for name, chances in right.items():
        for state, p in chances.items():
            told = found["marginals"][name][state]
            assert told["exact"] == pytest.approx(p)
            assert told["probability"] == pytest.approx(p, abs=6 * told["error"])
    assert found["verdict"].keys() == {"grade", "sentence", "advice"}
    assert found["chip_time"] is None
    assert found["wall_time"] > 0
    assert "sky" in (tmp_path / "s.zarr.report.html").read_text()
    assert ph.load(tmp_path / "s.zarr").chains == 32
    assert run(*given, "--out", "s.zarr")[0] == 2
    code, out, _ = run(*given, "--out", "s.zarr", "--force", "--query", "wet")
    assert code == 0
    assert "largest deviation" in out
    assert "black" not in out


def test_names_that_read_alike_are_refused_before_any_work(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Keys of JSON are text."""

    def worked(*_: object, **__: object) -> None:
        raise AssertionError("it worked before it asked")

    monkeypatch.setattr("photinus.tasks.inference.sample", worked)
    BayesianNetwork({1: 0.3, "1": 0.4}).save(tmp_path / "n.json")
    BayesianNetwork({"a": 0.3, "b": 0.4}, {"a": (1, "1")}).save(tmp_path / "s.json")
    for file, shown in (("n.json", "[1, '1']"), ("s.json", "[1, '1']")):
        code, out, err = run("infer", file, *FEW, "--json")
        assert (code, out) == (2, "")
        assert err == f"photinus: --json needs names that do not read alike, got {shown}\n"
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    assert run("infer", "s.json", *FEW, "--json", "--query", "b")[0] == 0


@pytest.mark.parametrize(
    "few",
    [("--draws", 10), ("--draws", 1, "--chains", 3), ("--substrate", "gibbs", "--draws", 3)],
)
def test_few_draws_need_no_other_option(run: Run, sky: Path, few: tuple[Any, ...]) -> None:
    code, out, err = run("infer", sky, "--substrate", "laser-reduced", *few)
    assert code == 0, err
    assert "largest deviation" in out


def test_evidence_comes_from_uai_files_too(run: Run, tmp_path: Path) -> None:
    (tmp_path / "n.uai").write_text("MARKOV\n2\n3 2\n1\n2 0 1\n6\n1 2 3 4 5 6\n")
    (tmp_path / "n.evid").write_text("1 0 2\n")
    code, out, _ = run("infer", "n.uai", "--evidence", "n.evid", *FEW, "--json")
    assert code == 0
    (chances,) = json.loads(out)["marginals"].values()
    assert [told["exact"] for told in chances.values()] == pytest.approx([5 / 11, 6 / 11])


def test_names_are_matched_as_text(run: Run, tmp_path: Path) -> None:
    """Numbers, booleans and equals signs among them."""
    states = {1: (False, True), "a=b": ("x=y", "z")}
    network = BayesianNetwork({1: 0.3, "a=b": ((1,), [[0.2, 0.8], [0.9, 0.1]])}, states)
    network.save(tmp_path / "n.json")
    for given, name in (("1=True", "a=b"), ("a=b=x=y", "1")):
        code, out, _ = run("infer", "n.json", "--evidence", given, *FEW, "--json")
        assert code == 0
        assert json.loads(out)["marginals"].keys() == {name}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--evidence", "wlk=none"), "known variable must be one of .* (did you mean 'walk'?)"),
        (("--evidence", "walk=nne"), "evidence of 'walk' must be .* (did you mean 'none'?)"),
        (("--evidence", "walk"), "--evidence must be VARIABLE=STATE, got 'walk'"),
        (("--query", "ski"), "query must be one of .* (did you mean 'sky'?)"),
        (("--evidence", "walk=none", "--query", "walk"), "query must not be evidence, got 'walk'"),
        (("--evidence", "wet=no", "--evidence", "wet=no"), "must name each variable once"),
        (("--code", "unary"), "code must be one of 'auto', 'one-hot', 'binary', got 'unary'"),
        (("--substrate", "lasr"), "did you mean 'laser'"),
    ],
)
def test_the_command_refuses_in_one_line(
    run: Run, sky: Path, arguments: tuple[str, ...], message: str
) -> None:
    code, out, err = run("infer", sky, *FEW, *arguments)
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert re.search(".*".join(map(re.escape, message.split(".*"))), err)
