"""What is left of a Bayesian network to sample, and posteriors by one call.

Right values come from the tables, state by state. Statistical tests reject correct code with
probability 1e-4 at most, and have a twin that must fail.
"""

import itertools
import warnings
from typing import Any

import numpy as np
import pytest

import photinus as ph
from photinus import BayesianNetwork, InvalidInput
from photinus.machines import summing
from tests.narrow import there
from tests.test_bayes import gate, naive_joint

ASIA = BayesianNetwork.asia()
CANCER = BayesianNetwork(
    {
        "polluted": 0.1,
        "smoker": 0.3,
        "cancer": (("polluted", "smoker"), {(0, 0): 0.001, (0, 1): 0.03, (1, 0): 0.02, (1, 1): 0.05}),
        "xray": (("cancer",), {(0,): 0.2, (1,): 0.9}),
        "dysp": (("cancer",), {(0,): 0.3, (1,): 0.65}),
    }
)
"""Korb & Nicholson 2010, Bayesian Artificial Intelligence, figure 2.1."""
EARTHQUAKE = BayesianNetwork(
    {
        "burglary": 0.01,
        "earthquake": 0.02,
        "alarm": (
            ("burglary", "earthquake"),
            {(0, 0): 0.001, (0, 1): 0.29, (1, 0): 0.94, (1, 1): 0.95},
        ),
        "john": (("alarm",), {(0,): 0.05, (1,): 0.9}),
        "mary": (("alarm",), {(0,): 0.01, (1,): 0.7}),
    }
)
"""The same, figure 2.6, after Pearl 1988."""
CASES = [
    (ASIA, {}),
    (ASIA, {"xray": 1, "dysp": 1}),
    (ASIA, {"asia": 1, "smoke": 0, "dysp": 1}),
    (CANCER, {}),
    (CANCER, {"xray": 1, "dysp": 1}),
    (EARTHQUAKE, {}),
    (EARTHQUAKE, {"john": 1, "mary": 1}),
]
LIMIT = 0.02
"""Error that a posterior marginal may have."""


def states_given(network: Any, evidence: Any) -> Any:
    """Return states of all variables that fit the evidence, (state, variable), and p of each."""
    joint, variables = naive_joint(network), network.variables
    states = np.arange(len(joint))[:, None] >> np.arange(len(variables)) & 1
    fits = np.all([states[:, variables.index(k)] == v for k, v in evidence.items()], axis=0)
    if evidence:
        states, joint = states[fits], joint[fits]
    return states, joint / joint.sum()


def right_marginals(network: Any, evidence: Any) -> Any:
    states, p = states_given(network, evidence)
    found = dict(zip(network.variables, p @ states, strict=True))
    return {name: value for name, value in found.items() if name not in evidence}


def ones(chances: Any) -> Any:
    """Return the probability of state 1 of each variable."""
    return {name: own[1] for name, own in chances.items()}


def random_network(seed: Any, variables: Any = 7) -> Any:
    """Return a network in which half of the tables with parents are functions, names shuffled."""
    rng = np.random.default_rng(seed)
    names = [f"v{k}" for k in rng.permutation(variables)]
    tables = {}
    for k, name in enumerate(names):
        parents = tuple(rng.choice(names[:k], min(k, int(rng.integers(0, 4))), replace=False).tolist())
        rows = list(itertools.product((0, 1), repeat=len(parents)))
        certain = parents and rng.random() < 0.5
        on = rng.integers(0, 2, len(rows)) if certain else rng.uniform(0.05, 0.95, len(rows))
        tables[name] = (parents, dict(zip(rows, on.astype(float).tolist(), strict=True)))
    return BayesianNetwork({name: tables[name] for name in sorted(names)})


def random_evidence(network: Any, seed: Any) -> Any:
    """Return values of some variables, as one possible state has them."""
    rng = np.random.default_rng(seed)
    states, p = states_given(network, {})
    state = states[rng.choice(len(p), p=p)]
    known = rng.choice(len(state), rng.integers(0, 4), replace=False)
    return {network.variables[k]: int(state[k]) for k in known}


# What is left


@pytest.mark.parametrize("summing", [False, True])
@pytest.mark.parametrize("seed", range(40))
def test_the_machine_has_the_law_of_the_variables_left(seed: Any, summing: bool) -> None:
    """Softened by so little that it does not show; the sum over auxiliary units is exact."""
    network = random_network(seed)
    evidence = random_evidence(network, seed)
    reduction = network.reduced(evidence, softening=1e-7, summing=summing)
    states, p = states_given(network, evidence)
    variables, left = network.variables, reduction.sampled
    assert not reduction.summed or summing
    assert sorted(left + reduction.barren + reduction.replaced + reduction.summed) == sorted(
        name for name in variables if name not in evidence and name not in reduction.settled
    )
    for name, value in reduction.settled.items():
        assert p @ (states[:, variables.index(name)] == value) == pytest.approx(1)
    if reduction.machine is None:
        assert not left
        return
    columns = [variables.index(name) for name in left]
    right = np.bincount(states[:, columns] @ (1 << np.arange(len(left))), p, 2 ** len(left))
    found = reduction.machine.joint().reshape(-1, 2 ** len(left)).sum(axis=0)
    np.testing.assert_allclose(found, right, atol=2e-5)


@pytest.mark.parametrize("seed", range(30))
def test_what_is_left_and_the_tables_of_what_is_not_make_the_network(
    seed: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However little counts as hard: the law of all variables, state by state, is the network's."""
    monkeypatch.setattr(summing, "HARD", 0.5)
    network = random_network(seed, 8)
    evidence = random_evidence(network, seed)
    reduction = network.reduced(evidence)
    states, right = states_given(network, evidence)
    numbers = states[None].astype(np.int16)
    found = np.exp(reduction.log_weights(numbers)[0] + soft_logs(reduction, states))
    for name in (*reduction.barren, *reduction.replaced, *reduction.summed):
        row = reduction.chances(name, numbers)[0]
        found *= row[np.arange(len(states)), states[:, network.variables.index(name)]]
    for name, value in reduction.settled.items():
        found *= states[:, network.variables.index(name)] == value
    np.testing.assert_allclose(found / found.sum(), right, atol=1e-12)


def soft_logs(reduction: Any, states: Any) -> Any:
    """Return the logarithm of the softened law of the variables left, array (state,)."""
    value = dict(zip(reduction.states, states.T, strict=True))
    return sum(f.log[tuple(value[name] for name in f.scope)] for f in reduction.factors)


def test_hard_tables_are_summed_out_where_that_makes_a_machine_gentler() -> None:
    """A copy of a copy of a cause, nearly certain at each step, and a gentle rest."""
    copy: dict[Any, Any] = {(0,): 0.001, (1,): 0.999}
    tables = {"a": 0.3, "b": (("a",), copy), "c": (("b",), copy), "d": (("c",), {(0,): 0.3, (1,): 0.6})}
    network = BayesianNetwork(tables)
    reduction = network.reduced({"d": 1})
    assert set(reduction.summed) | set(reduction.sampled) == {"a", "b", "c"}
    assert np.abs(there(reduction.machine).weights).max() < 5
    whole = network.reduced({"d": 1}, summing=False)
    assert whole.summed == ()
    assert np.abs(there(whole.machine).weights).max() > 10
    posterior = ph.infer(network, {"d": 1}, "gibbs", seed=1)
    assert there(posterior.largest_deviation) < 0.01
    with pytest.raises(InvalidInput, match="^summing must be True or False, got 'yes'$"):
        ph.infer(network, {"d": 1}, "gibbs", summing="yes")  # type: ignore[arg-type]


def test_random_networks_have_something_to_leave_out() -> None:
    reductions = [random_network(k).reduced(random_evidence(random_network(k), k)) for k in range(40)]
    for part in ("barren", "replaced", "settled"):
        assert sum(bool(getattr(reduction, part)) for reduction in reductions) > 5
    assert sum(bool(reduction.summed) for reduction in reductions) > 2


def test_asia_becomes_soft() -> None:
    """`either` needs weights of 15 as a unit; replaced, the hardest weight is a hidden unit's."""
    evidence = {"xray": 1, "dysp": 1}
    reduction = ASIA.reduced(evidence)
    assert reduction.replaced == ("either",)
    assert np.abs(ASIA.to_boltzmann().conditional(evidence).weights).max() > 15
    assert np.abs(there(reduction.machine).weights).max() < 4
    assert ASIA.reduced({"either": 0}).settled == {"tub": 0, "lung": 0}
    assert EARTHQUAKE.reduced().barren == ("alarm", "john", "mary")


def test_a_function_that_helps_nobody_stays() -> None:
    """An XOR that is known: its parents are the only place for it."""
    network = gate(lambda s: sum(s) % 2, 2)
    reduction = network.reduced({"x": 1}, summing=False)
    assert reduction.replaced == ()
    assert set(reduction.sampled) == {"p0", "p1"}


def test_variables_that_are_not_asked_for_are_left_out() -> None:
    reduction = ASIA.reduced({"smoke": 1}, query=["bronc"])
    assert reduction.sampled == ("bronc",)
    assert set(reduction.barren) == {"asia", "tub", "lung", "either", "xray", "dysp"}
    assert ASIA.reduced({"dysp": 1}, query=["bronc"]).barren == ("xray",)


def test_left_out_variables_come_back_by_their_tables() -> None:
    """Chances are rows of the tables, and states are drawn with them: 1e-6 for each variable."""
    reduction = ASIA.reduced({"asia": 1})
    rng = np.random.default_rng(1)
    sampled = rng.integers(0, 2, (50, 400, there(reduction.machine).n_units)).astype(np.uint8)
    states = reduction.complete(sampled, np.random.SeedSequence(2))
    again = reduction.complete(sampled, np.random.SeedSequence(2))
    np.testing.assert_array_equal(states, again)
    variables = ASIA.variables
    for name in reduction.barren + reduction.replaced:
        k = variables.index(name)
        parents, rows = ASIA.tables[name]
        above = states[..., [variables.index(parent) for parent in parents]]
        for row, p in rows.items():
            here = (above == row).all(axis=-1)
            assert (reduction.chances(name, states)[here][:, 1] == p).all()
            count, on = here.sum(), states[here][:, k].sum()
            assert abs(on - count * p) <= 4.9 * np.sqrt(count * p * (1 - p))
    for k, name in enumerate(reduction.sampled):
        np.testing.assert_array_equal(states[..., variables.index(name)], sampled[..., k])
    assert (states[..., variables.index("asia")] == 1).all()


def test_impossible_evidence_is_found() -> None:
    """Any values of three variables, at odds with each other or not."""
    impossible = 0
    states = np.arange(64)[:, None] >> np.arange(6) & 1
    for seed in range(60):
        network = random_network(seed, 6)
        rng = np.random.default_rng(seed)
        chosen = rng.choice(6, 3, replace=False)
        evidence = {network.variables[k]: int(rng.integers(2)) for k in chosen}
        fits = (states[:, chosen] == list(evidence.values())).all(axis=1)
        if naive_joint(network)[fits].sum() > 0:
            network.reduced(evidence)
            continue
        impossible += 1
        with pytest.raises(InvalidInput, match="of probability 0$"):
            network.reduced(evidence)
    assert 5 < impossible < 55


def test_evidence_can_be_impossible_though_each_table_allows_it() -> None:
    rows = list(itertools.product((0, 1), repeat=2))
    tables = {
        "a": 0.3,
        "b": 0.6,
        "same": (("a", "b"), {s: float(s[0] == s[1]) for s in rows}),
        "other": (("a", "b"), {s: float(s[0] != s[1]) for s in rows}),
    }
    network = BayesianNetwork(tables)
    assert network.reduced({"same": 1, "other": 0}).machine is not None
    with pytest.raises(InvalidInput, match="of probability 0$"):
        network.reduced({"same": 1, "other": 1})


# One call


@pytest.mark.filterwarnings("ignore::photinus.TranslationWarning")
@pytest.mark.parametrize(("network", "evidence"), CASES)
def test_posteriors_of_lasers_are_right(network: Any, evidence: Any) -> None:
    """Standard errors are below 0.005, so that 0.02 are four of them at least."""
    posterior = ph.infer(network, evidence, "laser-reduced", chains=256, draws=300, seed=11)
    right = right_marginals(network, evidence)
    assert posterior.marginals.keys() == right.keys()
    assert max(ones(posterior.errors).values()) < LIMIT / 4
    assert max(abs(p - right[name]) for name, p in ones(posterior.marginals).items()) < LIMIT


@pytest.mark.filterwarnings("ignore::photinus.TranslationWarning")
def test_posteriors_of_lasers_are_wrong_without_refinement() -> None:
    evidence = {"xray": 1, "dysp": 1}
    options: dict[str, Any] = {"chains": 128, "draws": 200, "seed": 11, "refined": False}
    right = right_marginals(ASIA, evidence)
    posterior = ph.infer(ASIA, evidence, "laser-reduced", **options)
    assert posterior.refinement is None
    assert max(abs(p - right[name]) for name, p in ones(posterior.marginals).items()) > LIMIT
    # With functions as units even that is out of reach.
    machine = ASIA.to_boltzmann().conditional(evidence)
    samples = ph.sample(machine, "laser-reduced", chains=128, draws=200, burn_in=100, seed=11)
    found = dict(zip(machine.labels, samples.marginals(), strict=True))
    assert max(abs(found[name] - p) for name, p in right.items()) > 0.3


@pytest.mark.filterwarnings("ignore::photinus.TranslationWarning")
def test_full_physics_infers_too() -> None:
    evidence = {"john": 1, "mary": 1}
    right = right_marginals(EARTHQUAKE, evidence)
    posterior = ph.infer(EARTHQUAKE, evidence, "laser", chains=64, draws=200, seed=3)
    assert max(abs(p - right[name]) for name, p in ones(posterior.marginals).items()) < LIMIT


@pytest.mark.parametrize("substrate", ["gibbs", "ideal", "exact"])
def test_other_substrates_infer_without_refinement(substrate: Any) -> None:
    """Errors of the seven marginals within five standard errors and what softening moves."""
    evidence = {"dysp": 1}
    posterior = ph.infer(ASIA, evidence, substrate, chains=256, draws=200, seed=5)
    assert posterior.refinement is None
    for name, p in right_marginals(ASIA, evidence).items():
        assert abs(posterior.marginals[name][1] - p) < 5 * posterior.errors[name][1] + 0.001


EITHER = {"either": 1}
"""Its table is all 0 and 1 and has to stay: its parents are the only place for it."""


@pytest.mark.parametrize("substrate", ["gibbs", "exact"])
def test_weights_undo_softening(substrate: Any) -> None:
    posterior = ph.infer(ASIA, EITHER, substrate, chains=256, draws=300, softening=0.03, seed=5)
    weights, right = there(posterior.weights), right_marginals(ASIA, EITHER)
    assert weights.trusted
    for name, p in right.items():
        assert abs(posterior.marginals[name][1] - p) < 5 * posterior.errors[name][1]
    plain = dict(zip(ASIA.variables, weights.values.mean(axis=(0, 1)), strict=True))
    assert max(abs(plain[name] - p) for name, p in right.items()) > 0.1
    # Impossible states count for nothing, and only they do.
    columns = [ASIA.variables.index(name) for name in ("tub", "lung")]
    impossible = posterior.numbers[..., columns].max(axis=-1) == 0
    np.testing.assert_array_equal(weights.weights == 0, impossible)
    assert ph.infer(ASIA, {"dysp": 1}, substrate, chains=2, draws=9, burn_in=0).weights is None


@pytest.mark.filterwarnings("ignore::photinus.TranslationWarning")
def test_weights_help_lasers() -> None:
    posterior = ph.infer(ASIA, EITHER, "laser-reduced", chains=128, draws=200, seed=11)
    right = right_marginals(ASIA, EITHER)
    assert max(abs(p - right[name]) for name, p in ones(posterior.marginals).items()) < LIMIT


def test_weights_that_few_draws_have_are_not_trusted() -> None:
    with pytest.warns(ph.TranslationWarning, match="^what softening moves stays .* not to be trusted"):
        posterior = ph.infer(ASIA, EITHER, "exact", chains=4, draws=12, burn_in=0, seed=1)
    assert not there(posterior.weights).trusted


def test_nothing_may_be_left_to_sample() -> None:
    network = BayesianNetwork({"a": 1.0, "b": (("a",), {(0,): 0.3, (1,): 0.9})})
    posterior = ph.infer(network, {"b": 1}, "gibbs", chains=2, draws=3)
    assert posterior.marginals == posterior.exact == {"a": {0: 0.0, 1: 1.0}}
    assert posterior.samples is None
    assert posterior.numbers.tolist() == [[[1, 1]] * 3] * 2


def test_inference_is_reproducible_and_leaves_its_seed_alone() -> None:
    seed = np.random.SeedSequence(4)
    one, other = (
        ph.infer(ASIA, {"dysp": 1}, "gibbs", chains=8, draws=9, burn_in=0, seed=seed) for _ in "ab"
    )
    np.testing.assert_array_equal(one.numbers, other.numbers)
    assert one.marginals == other.marginals


def test_a_query_is_answered_alone() -> None:
    posterior = ph.infer(ASIA, {"smoke": 1}, "exact", query=("bronc",), chains=64, draws=300, seed=1)
    assert posterior.marginals.keys() == {"bronc"}
    assert posterior.marginals["bronc"][1] == pytest.approx(0.6, abs=0.02)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"evidence": {"either": 0, "lung": 1}}, "evidence must be possible, got .* of probability 0"),
        ({"evidence": {"dyspn": 1}}, r"known variable must be one of .* \(did you mean 'dysp'\?\)"),
        ({"evidence": {"dysp": 2}}, "evidence of 'dysp' must be one of its states 0, 1, got 2"),
        (
            {"evidence": {"dysp": 1}, "query": ["lung", "dysp"]},
            "query must not be evidence, got 'dysp', which is known",
        ),
        ({"query": "lung"}, "query must be a list, got 'lung'"),
        ({"query": []}, "query must name at least one variable, got none"),
        ({"query": ["lungs"]}, r"query must be one of .*, got 'lungs' \(did you mean 'lung'\?\)"),
        ({"query": [["lung"]]}, "query must .*"),
        ({"refined": "yes"}, "refined must be True or False, got 'yes'"),
        ({"chains": 0}, "chains must be at least 1, got 0"),
        ({"softening": 0.7}, "softening must be below 0.5, got 0.7"),
        ({"substrate": "lasr"}, "substrate must be one of .*"),
        ({"initial": [1]}, "initial must be left to infer, got .*"),
        ({"network": 3}, "network must be left to infer, got 3"),
        (
            {"model": 3},
            "model must be a BayesianNetwork or MarkovNetwork or BoltzmannMachine, got 3",
        ),
    ],
)
def test_infer_refuses(arguments: Any, message: Any) -> None:
    with warnings.catch_warnings(), pytest.raises(InvalidInput, match=f"^{message}$"):
        ph.infer(**{"model": ASIA, "substrate": "gibbs", **arguments})


def test_only_neurons_are_refined() -> None:
    machine = ph.BoltzmannMachine([[0, 1], [1, 0]], [0, 0])
    message = "^substrate must be one of 'laser', 'laser-reduced', 'lif'.* to be refined, got 'gibbs'$"
    with pytest.raises(InvalidInput, match=message):
        ph.refine(machine, None, substrate="gibbs")


@pytest.mark.parametrize("substrate", ["laser-reduced", "lif"])
def test_refinement_by_a_substrate_brings_its_calibration(substrate: Any) -> None:
    machine = ph.BoltzmannMachine([[0, 1], [1, 0]], [-1, 0.5])
    options: dict[str, Any] = {"chains": 8, "draws": 8, "most_rounds": 1}
    found = ph.refine(machine, None, substrate=substrate, **options)
    preset = "lif-hcs" if substrate == "lif" else "fast-absorber"
    assert found.network.parameters == ph.Calibration.preset(preset).parameters


def test_a_state_that_chance_kept_from_all_draws_has_an_error() -> None:
    """1 is seen with probability 0.01 in the 40 draws, which does not make it impossible."""
    rare = BayesianNetwork({"rare": 0.00025, "often": (("rare",), {(0,): 0.5, (1,): 0.9})})
    posterior = ph.infer(rare, {"often": 1}, "exact", chains=4, draws=10, burn_in=0, seed=3)
    assert posterior.marginals["rare"] == {0: 1.0, 1: 0.0}
    right = 0.9 * 0.00025 / (0.9 * 0.00025 + 0.5 * 0.99975)
    assert there(posterior.exact)["rare"][1] == pytest.approx(right)
    assert posterior.errors["rare"][1] >= 1 / 40 > right
    settled = ph.infer(ASIA, {"either": 0}, "exact", chains=4, draws=10, burn_in=0, seed=3)
    assert settled.errors["tub"] == {0: 0.0, 1: 0.0}


def test_networks_without_factors_are_even() -> None:
    free = ph.MarkovNetwork([], states={"a": (0, 1), "b": ("x", "y", "z")})
    assert not free.to_boltzmann(code="one-hot").biases.any()
    posterior = ph.infer(free, {"a": 1}, "gibbs", chains=8, draws=500, seed=1)
    assert there(posterior.exact)["b"] == pytest.approx({"x": 1 / 3, "y": 1 / 3, "z": 1 / 3})
    assert there(posterior.largest_deviation) < 0.05
    two = ph.MarkovNetwork([], states={"a": (0, 1)}).to_boltzmann()
    assert two.biases.tolist() == [0.0]


def test_units_that_hardly_ever_flip_are_refined_in_silence() -> None:
    # What the runs told of each other was not positive by rounding, and NumPy warned.
    machine = ph.BoltzmannMachine([[0, 2.4], [2.4, 0]], [-16.6, 12.1])
    posterior = ph.infer(machine, {}, "laser-reduced", chains=64, draws=200, burn_in=100, seed=3)
    assert posterior.largest_deviation is not None
    assert posterior.largest_deviation < 0.01


def test_what_lasers_cannot_do_is_told_once() -> None:
    machine = ph.BoltzmannMachine(4.5 * (1 - np.eye(2)), [-2.0, -2.5])
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        ph.infer(machine, None, "laser-reduced", chains=8, draws=10, seed=1)
    said = [str(one.message) for one in told if issubclass(one.category, ph.TranslationWarning)]
    assert sum("known to be like full physics" in one for one in said) == 1
