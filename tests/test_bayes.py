"""Bayesian networks: tables, exact inference, softening, and the Boltzmann machines made of them."""

import itertools
import pickle
import runpy
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from photinus import BoltzmannMachine, sample
from photinus.errors import InvalidInput, TranslationWarning
from photinus.machines.bayes import BayesianNetwork
from tests.narrow import untyped

RAIN = {"rain": 0.2, "wet": (("rain",), {(0,): 0.1, (1,): 0.9})}


def random_network(parents: int, seed: int = 0) -> BayesianNetwork:
    """Return a variable `x` with random parents and a random table, the child first."""
    generator = np.random.default_rng(seed)
    names = tuple(f"p{k}" for k in range(parents))
    rows = {s: generator.uniform(0.05, 0.95) for s in itertools.product((0, 1), repeat=parents)}
    return BayesianNetwork(
        {"x": (names, rows), **{name: generator.uniform(0.1, 0.9) for name in names}}
    )


def gate(rule: Callable[..., Any], parents: int) -> BayesianNetwork:
    names = tuple(f"p{k}" for k in range(parents))
    rows = {s: float(rule(s)) for s in itertools.product((0, 1), repeat=parents)}
    return BayesianNetwork({**dict.fromkeys(names, 0.3), "x": (names, rows)})


def visible_joint(machine: BoltzmannMachine, variables: int) -> NDArray[np.float64]:
    """Return the joint of the first units, the others summed out."""
    return machine.joint().reshape(-1, 2**variables).sum(axis=0)


def naive_joint(network: BayesianNetwork) -> NDArray[np.float64]:
    """Return the joint, state by state, as its definition says."""
    variables = network.variables
    joint = np.zeros(2 ** len(variables))
    for index in range(len(joint)):
        z = {name: (index >> k) & 1 for k, name in enumerate(variables)}
        p = 1.0
        for name, (parents, rows) in network.tables.items():
            on = rows[tuple(z[parent] for parent in parents)]
            p *= on if z[name] else 1 - on
        joint[index] = p
    return joint


# --- the network -------------------------------------------------------------------------------


@pytest.mark.parametrize("network", [BayesianNetwork.asia(), random_network(3), gate(any, 2)])
def test_joint_is_the_product_of_the_tables(network: BayesianNetwork) -> None:
    joint = network.joint()
    np.testing.assert_allclose(joint, naive_joint(network), atol=1e-15)
    assert joint.sum() == pytest.approx(1)


def test_states_are_in_the_order_of_boltzmann_machines() -> None:
    network = BayesianNetwork(RAIN)
    machine = BoltzmannMachine(np.zeros((2, 2)), [0, 0])
    expected = [0.8 * 0.9, 0.2 * 0.1, 0.8 * 0.1, 0.2 * 0.9]
    assert machine.states().tolist() == [[0, 0], [1, 0], [0, 1], [1, 1]]
    np.testing.assert_allclose(network.joint(), expected)


def test_posterior_is_bayes_rule() -> None:
    network = BayesianNetwork(RAIN)
    assert network.posterior() == pytest.approx({"rain": 0.2, "wet": 0.26})
    assert network.posterior({"wet": 1}) == pytest.approx({"rain": 0.18 / 0.26})
    assert network.posterior({"wet": 0}) == pytest.approx({"rain": 0.02 / 0.74})


def test_posterior_of_asia_is_that_of_its_states() -> None:
    network = BayesianNetwork.asia()
    joint, states = naive_joint(network), np.arange(256)[:, None] >> np.arange(8) & 1
    evidence = {"xray": 1, "asia": 1, "bronc": 0}
    fits = np.all([states[:, network.variables.index(k)] == v for k, v in evidence.items()], axis=0)
    marginals = joint[fits] @ states[fits] / joint[fits].sum()
    expected = {k: p for k, p in zip(network.variables, marginals, strict=True) if k not in evidence}
    assert network.posterior(evidence) == pytest.approx(expected, abs=1e-14)


def test_asia_has_the_published_marginals() -> None:
    """Lauritzen & Spiegelhalter 1988: the tables alone give these by hand."""
    p = BayesianNetwork.asia().posterior()
    assert p["tub"] == pytest.approx(0.99 * 0.01 + 0.01 * 0.05)
    assert p["lung"] == pytest.approx(0.055)
    assert p["bronc"] == pytest.approx(0.45)
    assert p["either"] == pytest.approx(1 - (1 - p["tub"]) * (1 - p["lung"]))
    assert p["xray"] == pytest.approx(0.98 * p["either"] + 0.05 * (1 - p["either"]))


def test_24_variables_are_enumerated_and_more_are_refused() -> None:
    chain = {0: 0.3, **{k: ((k - 1,), {(0,): 0.1, (1,): 0.8}) for k in range(1, 24)}}
    p = 0.3
    for _ in range(23):
        p = 0.1 * (1 - p) + 0.8 * p
    assert BayesianNetwork(chain).posterior()[23] == pytest.approx(p)
    chain[24] = ((23,), {(0,): 0.1, (1,): 0.8})
    with pytest.raises(InvalidInput, match="at most 24 variables, this network has 25"):
        BayesianNetwork(chain).joint()


def test_networks_are_values() -> None:
    network = BayesianNetwork.asia()
    assert network == BayesianNetwork.asia() == pickle.loads(pickle.dumps(network))
    assert hash(network) == hash(BayesianNetwork.asia())
    assert network != BayesianNetwork(RAIN)
    assert network != 1
    assert BayesianNetwork(dict(network.tables)) == network
    assert repr(BayesianNetwork(RAIN)) == "BayesianNetwork(2 variable(s): rain, wet)"
    with pytest.raises(TypeError):
        untyped(network.tables)["asia"] = ((), {(): 0.5})


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ({}, "tables must be a mapping"),
        ([("a", 0.1)], "tables must be a mapping"),
        ({0.5: 0.1}, "variables must be strings or whole numbers, got 0.5"),
        ({"a": "often"}, r"P\(a = 1\) must be a number, got 'often'"),
        ({"a": 1.2}, r"P\(a = 1\) must be within \[0, 1\], got 1.2"),
        ({"a": -0.1}, r"P\(a = 1\) must be within \[0, 1\], got -0.1"),
        ({"a": float("nan")}, r"P\(a = 1\) must be finite, got nan"),
        ({"a": (("b",), {(0,): 0.1, (1,): 0.2})}, "parents of 'a' must be variables .* got 'b'"),
        ({"a": ("b", {}), "b": 0.1}, "table of 'a' must be"),
        ({"a": (("b",),), "b": 0.1}, "table of 'a' must be"),
        ({"a": (("b", "b"), {}), "b": 0.1}, "parents of 'a' must differ .* got 'b' twice"),
        ({"a": (("b",), {(0,): 0.1}), "b": 0.1}, r"rows of 'a' must include \(1,\)"),
        ({"a": (("b",), {(0,): 0.1, (1,): 0.2, (2,): 0.3}), "b": 0.1}, r"got \(2,\)"),
        ({"a": (("b",), {0: 0.1, 1: 0.2}), "b": 0.1}, r"rows of 'a' must be states of its 1 parent"),
        ({"a": (("b",), {(0,): 0.1, (1,): 1.5}), "b": 0.1}, r"P\(a = 1 \| \(1,\)\) must be within"),
        ({"a": (("a",), {(0,): 0.1, (1,): 0.2})}, "must not form a cycle, got one among \\['a'\\]"),
        (
            {
                "c": 0.1,
                "a": (("b",), {(0,): 0.1, (1,): 0.2}),
                "b": (("a",), {(0,): 0.1, (1,): 0.2}),
            },
            "must not form a cycle, got one among \\['a', 'b'\\]",
        ),
    ],
)
def test_bad_tables(tables: Any, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        BayesianNetwork(tables)


@pytest.mark.parametrize(
    ("evidence", "message"),
    [
        ({"wt": 1}, "did you mean 'wet'"),
        ({"wet": 2}, "evidence of 'wet' must be one of its states 0, 1, got 2"),
        ({"rain": 1, "wet": 1}, "at least one variable free"),
        ({"a": 0}, "evidence must be possible, got {'a': 0} of probability 0"),
    ],
)
def test_bad_evidence(evidence: dict[str, int], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        BayesianNetwork({**RAIN, "a": 1.0} if "a" in evidence else RAIN).posterior(evidence)


# --- softening ---------------------------------------------------------------------------------


def test_only_certain_entries_are_softened() -> None:
    network = BayesianNetwork({"a": 1e-6, "b": 0.0, "c": (("a",), {(0,): 0.3, (1,): 1.0})})
    soft = network.softened(0.01)
    assert soft.tables["a"] == network.tables["a"]
    assert soft.tables["b"][1][()] == pytest.approx(0.01)
    assert soft.tables["c"][1] == pytest.approx({(0,): 0.3, (1,): 0.99})


@pytest.mark.parametrize("rule", [any, all, lambda s: sum(s) > 1], ids=["or", "and", "majority"])
def test_threshold_functions_get_additive_log_odds(rule: Callable[..., Any]) -> None:
    for parents in (2, 3):
        network = gate(rule, parents)
        soft, clipped = network.softened(0.01), network.softened(0.01, additive=False)
        for state, hard in network.tables["x"][1].items():
            assert clipped.tables["x"][1][state] == pytest.approx(0.99 if hard else 0.01)
            assert abs(soft.tables["x"][1][state] - hard) <= 0.01 + 1e-12
        p = np.array(list(soft.tables["x"][1].values()))
        states = np.array(list(itertools.product((0, 1), repeat=parents)))
        design = np.c_[np.ones(len(p)), states]
        inside = (p > 1e-8) & (p < 1 - 1e-8)
        log_odds = np.log(p[inside] / (1 - p[inside]))
        fit = np.linalg.lstsq(design[inside], log_odds, rcond=None)[0]
        np.testing.assert_allclose(design[inside] @ fit, log_odds, atol=1e-5)


def test_default_softening_moves_the_posteriors_of_asia_by_less_than_five_thousandths() -> None:
    network = BayesianNetwork.asia()
    for evidence in ({}, {"xray": 1, "dysp": 1}, {"asia": 1, "smoke": 0, "dysp": 1}):
        exact, soft = network.posterior(evidence), network.softened().posterior(evidence)
        assert max(abs(exact[name] - soft[name]) for name in exact) < 0.005
    # And ten times as much moves them by more: the bound tells something.
    exact, soft = (n.posterior({"xray": 1, "dysp": 1}) for n in (network, network.softened(0.005)))
    assert max(abs(exact[name] - soft[name]) for name in exact) > 0.02


# --- Boltzmann machines ------------------------------------------------------------------------

NETWORKS = {
    "asia": BayesianNetwork.asia(),
    "one variable": BayesianNetwork({"a": 0.3}),
    "certain": BayesianNetwork({"a": 1.0, "b": (("a",), {(0,): 0.0, (1,): 1.0})}),
    "or of three": gate(any, 3),
    "and of three": gate(all, 3),
    "parity of two": gate(lambda s: sum(s) % 2, 2),
    "parity of three": gate(lambda s: sum(s) % 2, 3),
    "random, 2": random_network(2),
    "random, 3": random_network(3),
    "random, 4": random_network(4),
}


@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
def test_exact_machine_is_the_softened_network(network: BayesianNetwork) -> None:
    n = len(network.variables)
    for softening in (1e-2, 1e-5):
        machine = network.to_boltzmann(softening=softening)
        assert machine.labels[:n] == network.variables
        joint = visible_joint(machine, n)
        np.testing.assert_allclose(joint, network.softened(softening).joint(), atol=1e-9)
        assert all(str(label).startswith("hidden(") for label in machine.labels[n:])


def test_conditional_of_the_machine_is_the_posterior() -> None:
    network = BayesianNetwork.asia()
    machine, soft = network.to_boltzmann(), network.softened()
    for evidence in ({"xray": 1, "dysp": 1}, {"either": 0}, {"tub": 1, "smoke": 0, "bronc": 1}):
        conditional = machine.conditional(evidence)
        given = dict(zip(conditional.labels, conditional.marginals(), strict=True))
        for name, p in soft.posterior(evidence).items():
            assert given[name] == pytest.approx(p, abs=1e-9)


def test_asia_needs_one_hidden_unit() -> None:
    """The OR needs none, as its softened log-odds are additive; the table of dyspnoea has a term."""
    machine = BayesianNetwork.asia().to_boltzmann()
    assert machine.labels[8:] == ("hidden(bronc, either, dysp)",)
    assert np.abs(machine.weights).max() < 15.5
    assert np.abs(machine.biases).max() < 12.5


def test_interactions_that_cancel_between_tables_need_no_unit() -> None:
    """An additive table of two parents: no third order, only what its normalisation couples."""
    log_odds = {s: -1 + 0.5 * s[0] + 2 * s[1] for s in itertools.product((0, 1), repeat=2)}
    rows = {s: 1 / (1 + np.exp(-u)) for s, u in log_odds.items()}
    machine = BayesianNetwork({"a": 0.4, "b": 0.7, "x": (("a", "b"), rows)}).to_boltzmann()
    assert machine.labels == ("a", "b", "x")
    assert machine.weights[0, 2] == pytest.approx(0.5)
    assert machine.weights[1, 2] == pytest.approx(2)
    assert machine.weights[0, 1] != 0


@pytest.mark.parametrize("order", [3, 4, 5])
@pytest.mark.parametrize("coefficient", [-6.0, -0.01, 0.3, 9.0])
def test_weight_of_a_hidden_unit_is_the_smallest_that_can_do(order: int, coefficient: float) -> None:
    """The difference is right, and no c gives as large a one at 99 % of the weight."""
    from math import comb

    from photinus.machines.expansion import _smallest_weight

    count = np.arange(order + 1)
    signs = np.array([(-1) ** (order - s) * comb(order, s) for s in range(order + 1)])

    def difference(weight: float, offset: NDArray[np.float64] | float) -> NDArray[np.float64] | float:
        return np.logaddexp(0, np.asarray(offset)[..., None] + weight * count) @ signs

    weight, offset = _smallest_weight(order, coefficient)
    assert difference(weight, offset) == pytest.approx(coefficient, abs=1e-9)
    offsets = np.linspace(-order * weight - 20, 20, 20_001)
    less = difference(0.99 * weight, offsets) * np.sign(coefficient)
    assert less.max() < abs(coefficient)


def test_probst_tends_to_the_clipped_network() -> None:
    network = random_network(2)
    expected = network.joint()

    def error(strength: int) -> float:
        machine = network.to_boltzmann(method="probst", strength=strength)
        assert machine.n_units == 3 + 8
        return np.abs(visible_joint(machine, 3) - expected).max()

    # The first order of what is left out is exp(-strength).
    assert error(5) > 100 * error(10) > 0
    assert error(20) < 1e-7
    certain = gate(any, 2)
    joint = visible_joint(certain.to_boltzmann(method="probst", softening=0.01), 3)
    np.testing.assert_allclose(joint, certain.softened(0.01, additive=False).joint(), atol=1e-6)


def test_auxiliary_units_of_probst_are_on_only_in_their_state() -> None:
    machine = random_network(2).to_boltzmann(method="probst")
    label = "state(x=1, p0=0, p1=1)"
    assert label in machine.labels
    for x, p0, p1 in itertools.product((0, 1), repeat=3):
        given = machine.conditional({"x": x, "p0": p0, "p1": p1})
        on = given.marginals()[given.labels.index(label)]
        assert on > 0.4 if (x, p0, p1) == (1, 0, 1) else on < 1e-6


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"method": "exakt"}, "did you mean 'exact'"),
        ({"softening": 0.0}, "softening must be above 0, got 0"),
        ({"softening": 0.5}, "softening must be below 0.5, got 0.5"),
        ({"strength": -1}, "strength must be above 0, got -1"),
    ],
)
def test_bad_arguments(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        BayesianNetwork(RAIN).to_boltzmann(**changes)


def test_samples_of_the_machine_are_samples_of_the_network() -> None:
    """Exact sampler, 64 000 independent draws: within 5.5 standard errors, false alarm below 1e-6.

    Power: the network without the evidence is far outside.
    """
    network = BayesianNetwork.asia()
    evidence = {"dysp": 1}
    machine = network.to_boltzmann().conditional(evidence)
    found = sample(machine, "exact", chains=64, draws=1000, seed=1).marginals()[:7]
    exact = np.array(list(network.softened().posterior(evidence).values()))
    error = np.sqrt(exact * (1 - exact) / 64_000)
    assert (np.abs(found - exact) < 5.5 * error).all()
    prior = np.array([p for name, p in network.posterior().items() if name != "dysp"])
    assert (np.abs(found - prior) > 5.5 * error).any()


# --- pgmpy -------------------------------------------------------------------------------------


def fake_model(**changes: Any) -> SimpleNamespace:
    """Return what `from_pgmpy` asks for: a network whose states are named the wrong way round."""
    rain = SimpleNamespace(
        variable="rain",
        variables=["rain"],
        values=np.array([0.2, 0.8]),
        state_names={"rain": ["yes", "no"]},
    )
    wet = SimpleNamespace(
        variable="wet",
        variables=["wet", "rain"],
        values=np.array([[0.9, 0.1], [0.1, 0.9]])[:, ::-1],
        state_names={"wet": [0, 1], "rain": ["no", "yes"]},
    )
    # P(wet = 1 | rain = no) = 0.9 here: the table's own order of states counts.
    fields = {"nodes": ["rain", "wet"], "cpds": [wet, rain], **changes}
    return SimpleNamespace(nodes=lambda: fields["nodes"], get_cpds=lambda: fields["cpds"])


def test_from_pgmpy_reads_names_of_states_table_by_table() -> None:
    network = BayesianNetwork.from_pgmpy(fake_model())
    expected = {"rain": 0.2, "wet": (("rain",), {(0,): 0.9, (1,): 0.1})}
    assert network == BayesianNetwork(expected)
    turned = BayesianNetwork.from_pgmpy(fake_model(), on={"rain": "no"})
    assert turned == BayesianNetwork({"rain": 0.8, "wet": (("rain",), {(0,): 0.1, (1,): 0.9})})


def test_from_pgmpy_without_names_of_states() -> None:
    cpd = SimpleNamespace(variable="a", variables=["a"], values=np.array([0.3, 0.7]))
    model = fake_model(nodes=["a"], cpds=[cpd])
    assert BayesianNetwork.from_pgmpy(model) == BayesianNetwork({"a": 0.7})


def test_from_pgmpy_bad_models() -> None:
    def model(names: list[int | str], values: tuple[float, ...] = (0.5, 0.5)) -> SimpleNamespace:
        cpd = SimpleNamespace(
            variable="a", variables=["a"], values=np.array(values), state_names={"a": names}
        )
        return fake_model(nodes=["a"], cpds=[cpd])

    with pytest.raises(
        InvalidInput, match=r"which state of 'a' is 1, its states are \['hot', 'cold'\]"
    ):
        BayesianNetwork.from_pgmpy(model(["hot", "cold"]))
    hot = BayesianNetwork.from_pgmpy(model(["hot", "cold"]), on={"a": "hot"})
    assert hot == BayesianNetwork({"a": 0.5})
    with pytest.raises(InvalidInput, match=r"on\['a'\] must be one of"):
        BayesianNetwork.from_pgmpy(model(["hot", "cold"]), on={"a": "warm"})
    with pytest.raises(InvalidInput, match="two states per variable"):
        BayesianNetwork.from_pgmpy(model([0, 1, 2], (0.2, 0.3, 0.5)))
    with pytest.raises(InvalidInput, match="table for every node, got none for 'b'"):
        BayesianNetwork.from_pgmpy(fake_model(nodes=["rain", "wet", "b"]))


def test_from_pgmpy_itself() -> None:
    models = pytest.importorskip("pgmpy.models")
    tables = pytest.importorskip("pgmpy.factors.discrete")
    model = models.DiscreteBayesianNetwork([("b", "x"), ("a", "x")])
    model.add_cpds(
        tables.TabularCPD("a", 2, [[0.1], [0.9]], state_names={"a": ["yes", "no"]}),
        tables.TabularCPD("b", 2, [[0.2], [0.8]]),
        tables.TabularCPD(
            "x",
            2,
            [[0.1, 0.2, 0.3, 0.4], [0.9, 0.8, 0.7, 0.6]],
            evidence=["a", "b"],
            evidence_card=[2, 2],
            state_names={"x": ["no", "yes"], "a": ["yes", "no"], "b": [0, 1]},
        ),
    )
    network = BayesianNetwork.from_pgmpy(model)
    inference = pytest.importorskip("pgmpy.inference").VariableElimination(model)
    assert network.posterior()["a"] == pytest.approx(0.1)
    for name, yes in (("a", "yes"), ("b", 1)):
        answer = inference.query([name], evidence={"x": "yes"}, show_progress=False)
        expected = answer.get_value(**{name: yes})
        assert network.posterior({"x": 1})[name] == pytest.approx(expected)


# --- example -----------------------------------------------------------------------------------


def test_example_runs(capsys: pytest.CaptureFixture[str]) -> None:
    example = runpy.run_path(str(Path(__file__).parent.parent / "examples" / "asia.py"))
    # The translated machine is beyond what its lasers can do; refinement is the point.
    with pytest.warns(TranslationWarning, match="lie outside"):
        example["main"](["--chains", "8", "--draws", "8", "--threads", "1"])
    out = capsys.readouterr().out
    assert out.count("largest deviation") == 3
    assert "xray = 1, dysp = 1" in out
