"""Networks of others: every format gives the tables that were written, whatever names they bear."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import photinus as ph
from photinus.errors import InvalidInput
from photinus.interop import from_agrum, from_pgmpy, read_evidence, read_model, write_model
from photinus.machines.markov import MarkovNetwork
from tests import networks
from tests.narrow import untyped
from tests.networks import NUMBERS, SPACED, STATES, Plain

FORMATS: dict[str, tuple[Callable[[Plain], str], dict[Any, tuple[Any, ...]]]] = {
    "a.bif": (networks.bif, SPACED),
    "b.bif": (networks.bif_tables, STATES),
    "c.net": (networks.hugin, SPACED),
    "d.xmlbif": (networks.xmlbif, SPACED),
    "e.xml": (networks.xmlbif, STATES),
    "f.xdsl": (networks.xdsl, STATES),
    "g.xml": (networks.xdsl, STATES),
    "h.uai": (networks.uai, NUMBERS),
}


def bayesian(model: object) -> ph.BayesianNetwork:
    assert isinstance(model, ph.BayesianNetwork)
    return model


def same(network: object, plain: Plain, tolerance: float = 1e-15) -> None:
    """Require that a network is the plain one."""
    found = bayesian(network)
    assert dict(found.states) == plain.states
    for name, parents in plain.parents.items():
        assert set(found.parents(name)) == set(parents)
        table = found.probabilities(name)
        order = [found.parents(name).index(parent) for parent in parents]
        np.testing.assert_allclose(
            table.transpose([*order, len(order)]), plain.tables[name], atol=tolerance
        )


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("change", ["", "crlf", "bom", "utf-16"])
def test_tables_come_back(tmp_path: Path, name: str, change: str) -> None:
    write, states = FORMATS[name]
    plain = networks.network(states)
    text = write(plain)
    if change == "crlf":
        text = text.replace("\n", "\r\n")
    if change == "utf-16":
        text = text.replace(' encoding="UTF-8"', "")
    content = text.encode({"bom": "utf-8-sig", "utf-16": "utf-16"}.get(change, "utf-8"))
    for path in (tmp_path / name, tmp_path / "unnamed"):
        path.write_bytes(content)
        same(read_model(path), plain)


def test_a_wrong_order_of_axes_is_seen() -> None:
    plain = networks.network(NUMBERS)
    turned = plain._replace(
        tables=plain.tables | {3: plain.tables[3].transpose(1, 0, 2).reshape(4, 3, 2)}
    )
    network = ph.BayesianNetwork(
        {name: (turned.parents[name], turned.tables[name]) for name in turned.parents}, turned.states
    )
    with pytest.raises(AssertionError):
        same(network, plain)


def test_bif_of_ours_is_read_by_ours(tmp_path: Path) -> None:
    plain = networks.network(SPACED)
    network = ph.BayesianNetwork(
        {name: (plain.parents[name], plain.tables[name]) for name in plain.parents}, plain.states
    )
    write_model(network, tmp_path / "n.bif")
    same(read_model(tmp_path / "n.bif"), plain)
    # Names and states that are numbers are text in BIF.
    write_model(ph.BayesianNetwork({0: 0.25, 1: ((0,), {(0,): 0.5, (1,): 0.125})}), tmp_path / "n.bif")
    found = bayesian(read_model(tmp_path / "n.bif"))
    assert found.states == {"0": ("0", "1"), "1": ("0", "1")}
    assert found.probabilities("1").tolist() == [[0.5, 0.5], [0.875, 0.125]]
    for name in ("a,b", "a{", "", " a", "a  b", 'a"', "a\nb", "//a"):
        with pytest.raises(InvalidInput, match="names must be words"):
            write_model(ph.BayesianNetwork({name: 0.5}), tmp_path / "n.bif")


def test_default_rows_fill_what_is_left() -> None:
    text = networks.bif(networks.network(STATES))
    head, _, tail = text.rpartition("probability ( Left_arm | 3rd, Disease ) {\n")
    first = tail.split("\n")[0]
    found = bayesian(
        read_text(
            f"{head}probability ( Left_arm | 3rd, Disease ) {{\n default 0.25 0.75;\n{first}\n}}\n"
        )
    )
    plain = networks.network(STATES)
    wanted = np.broadcast_to([0.25, 0.75], (4, 3, 2)).copy()
    wanted[0, 0] = plain.tables["Left_arm"][0, 0]
    np.testing.assert_allclose(found.probabilities("Left_arm"), wanted, atol=1e-15)


def read_text(text: str | bytes, name: str = "x.bif") -> Any:
    from photinus.interop.formats import format_of
    from photinus.interop.text import Source

    source = Source(name, text.encode() if isinstance(text, str) else text)
    return format_of(source).read(source)


def test_rows_that_miss_one_by_rounding_add_up() -> None:
    text = "network x {\n}\nvariable A {\n type discrete [ 3 ] { a, b, c };\n}\nprobability ( A ) {\n table 0.333, 0.333, 0.333;\n}\n"
    assert bayesian(read_text(text)).probabilities("A").tolist() == [1 / 3] * 3


def test_deterministic_nodes_and_old_encodings_of_xdsl() -> None:
    text = """<?xml version="1.0" encoding="ISO-8859-1"?><smile version="1.0" id="n"><nodes>
    <cpt id="a"><state id="né"/><state id="b"/><probabilities>0.25 0.75</probabilities></cpt>
    <deterministic id="c"><state id="x"/><state id="y"/><parents>a</parents>
    <resultingstates>y x</resultingstates></deterministic></nodes></smile>"""
    found = bayesian(read_text(text.encode("latin-1"), "x.xdsl"))
    assert found.states["a"] == ("né", "b")
    assert found.probabilities("c").tolist() == [[0, 1], [1, 0]]


# Markov networks and evidence


def test_markov_networks_and_their_evidence(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    scopes = [(2, 0), (1,), (0, 1, 2), ()]
    tables = [random.random(shape) + 0.1 for shape in ((3, 2), (4,), (2, 4, 3), ())]
    (tmp_path / "m.uai").write_text(networks.markov(scopes, tables))
    network = read_model(tmp_path / "m.uai")
    assert isinstance(network, MarkovNetwork)
    assert dict(network.states) == {0: (0, 1), 1: (0, 1, 2, 3), 2: (0, 1, 2)}
    for (scope, table), wanted, values in zip(network.factors, scopes, tables, strict=True):
        assert scope == wanted
        np.testing.assert_array_equal(table, values)
    # Naively: the joint over all states.
    joint = tables[2] * tables[1][None, :, None] * tables[0].T[:, None, :]
    wanted = joint[:, 3, :].sum(axis=1) / joint[:, 3, :].sum()
    for text in ("1 1 3", "1\n1 1 3\n"):
        (tmp_path / "m.evid").write_text(text)
        evidence = read_evidence(tmp_path / "m.evid", network)
        assert evidence == {1: 3}
    assert network.posterior(evidence)[0][1] == pytest.approx(wanted[1])
    for wrong, message in (
        ("", "number of known variables"),
        ("2 1 3", "number of known variables"),
        ("1 9 0", "variable must be from 0 to 2, got 9"),
        ("1 1 4", "value of 1 must be from 0 to 3, got 4"),
        ("2 1 1 1 2", "variables must differ"),
        ("1 1 x", "whole number"),
        ("1 1 -1", "line 1: a number of an evidence file must be a whole number"),
    ):
        (tmp_path / "m.evid").write_text(wrong)
        with pytest.raises(InvalidInput, match=message):
            read_evidence(tmp_path / "m.evid", network)
    with pytest.raises(InvalidInput, match="model must be"):
        read_evidence(tmp_path / "m.evid", untyped(ph.BoltzmannMachine([[0]], [0])))


# Against other libraries


@pytest.mark.parametrize("path", networks.data("networks/*.bif"))
def test_marginals_of_public_networks_are_those_of_agrum(path: Path) -> None:
    gum = pytest.importorskip("pyagrum")
    network, theirs = bayesian(read_model(path)), gum.loadBN(str(path))
    engine = gum.LazyPropagation(theirs)
    engine.makeInference()
    marginals = network.marginals()
    assert set(network.variables) == set(theirs.names())
    for name in network.variables:
        wanted = dict(
            zip(theirs.variable(name).labels(), engine.posterior(name).toarray(), strict=True)
        )
        # It reads numbers in single precision.
        assert marginals[name] == pytest.approx(wanted, abs=2e-7)


@pytest.mark.parametrize("path", networks.data("uai/*.uai"))
def test_marginals_of_public_fields_are_those_of_enumeration(path: Path) -> None:
    network = read_model(path)
    assert isinstance(network, MarkovNetwork)
    numbers = path.read_text().split()[1:]
    n, take = int(numbers[0]), iter(numbers[1 + int(numbers[0]) :])
    scopes = [[int(next(take)) for _ in range(int(next(take)))] for _ in range(int(next(take)))]
    states = (np.arange(2**n)[:, None] >> np.arange(n)) & 1
    weight = np.ones(2**n)
    for scope in scopes:
        table = [float(next(take)) for _ in range(int(next(take)))]
        weight *= np.array(table)[states[:, scope] @ 2 ** np.arange(len(scope))[::-1]]
    wanted = weight @ states / weight.sum()
    assert [chances[1] for chances in network.marginals().values()] == pytest.approx(wanted, abs=1e-12)


MARKOV_OF_AGRUM = """
import sys, json, numpy, pyagrum
from photinus.interop import from_agrum
field = pyagrum.fastMRF("a{x|y|z}--b[4];b--c{no|yes}--d{u|v|w}")
pyagrum.initRandom(2)
field.generateFactors()
engine = pyagrum.ShaferShenoyMRFInference(field)
engine.makeInference()
theirs = {name: engine.posterior(name).toarray().tolist() for name in field.names()}
ours = {name: list(chances.values()) for name, chances in from_agrum(field).marginals().items()}
print(json.dumps([ours, theirs]))
"""


def test_markov_networks_of_agrum() -> None:
    """In a process that has nothing else of it: with a Bayesian network before, it crashes."""
    pytest.importorskip("pyagrum")
    command = [sys.executable, "-c", MARKOV_OF_AGRUM]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    ours, theirs = json.loads(result.stdout.splitlines()[-1])
    assert set(ours) == set("abcd")
    for name, chances in ours.items():
        assert chances == pytest.approx(theirs[name], abs=1e-12)


@pytest.mark.parametrize("suffix", ["bif", "bifxml", "net"])
def test_files_of_agrum(tmp_path: Path, suffix: str) -> None:
    """Its UAI and XDSL of Bayesian networks have the first parent run fastest, against the formats."""
    gum = pytest.importorskip("pyagrum")
    gum.initRandom(3)
    theirs = gum.fastBN("A{x|y|z3}->B{no|yes}<-C{u|v|w|t}<-A")
    theirs.generateCPTs()
    gum.saveBN(theirs, str(tmp_path / f"n.{suffix}"))
    found = bayesian(read_model(tmp_path / f"n.{suffix}"))
    engine = gum.LazyPropagation(theirs)
    engine.setEvidence({"A": "y"})
    engine.makeInference()
    for name, chances in found.marginals({"A": "y"}).items():
        assert list(chances.values()) == pytest.approx(engine.posterior(name).toarray(), abs=1e-5)


def test_networks_of_agrum() -> None:
    gum = pytest.importorskip("pyagrum")
    gum.initRandom(3)
    theirs = gum.fastBN("A{x|y|z3}->B{no|yes}<-C{u|v|w|t}<-A")
    theirs.generateCPTs()
    found = bayesian(read_model(theirs))
    assert found == from_agrum(theirs)
    assert found.variables == ("A", "B", "C")
    engine = gum.LazyPropagation(theirs)
    engine.setEvidence({"B": "yes"})
    engine.makeInference()
    for name, chances in found.marginals({"B": "yes"}).items():
        wanted = dict(
            zip(theirs.variable(name).labels(), engine.posterior(name).toarray(), strict=True)
        )
        assert chances == pytest.approx(wanted, abs=1e-12)


def pgmpy_models() -> tuple[Any, Any]:
    """Return the classes of both kinds of networks, whatever pgmpy calls them."""
    models = pytest.importorskip("pgmpy.models")
    old = getattr(models, "BayesianNetwork", None), getattr(models, "MarkovNetwork", None)
    return (
        getattr(models, "DiscreteBayesianNetwork", old[0]),
        getattr(models, "DiscreteMarkovNetwork", old[1]),
    )


@pytest.mark.filterwarnings("ignore")
def test_networks_of_pgmpy() -> None:
    kinds = pgmpy_models()
    factors = pytest.importorskip("pgmpy.factors.discrete")
    plain = networks.network(SPACED)
    model = kinds[0]([(parent, name) for name, parents in plain.parents.items() for parent in parents])
    for name, parents in plain.parents.items():
        scope = (name, *parents)
        # States of the parents in another order than in their own tables.
        names = {each: list(plain.states[each])[:: 1 if each == name else -1] for each in scope}
        table = np.flip(plain.tables[name], tuple(range(len(parents))))
        size = len(plain.states[name])
        columns = np.moveaxis(table, -1, 0).reshape(size, -1)
        cards = [len(plain.states[p]) for p in parents]
        model.add_cpds(factors.TabularCPD(name, size, columns, parents, cards, state_names=names))
    found = bayesian(from_pgmpy(model))
    same(found, plain._replace(states={name: plain.states[name] for name in found.variables}))
    assert bayesian(read_model(model)) == found

    field = kinds[1]([("a", "b"), ("b", "c")])
    values = [np.arange(1.0, 7), np.array([3.0, 1, 2, 5, 0, 7, 1, 1, 4, 2, 9, 6])]
    field.add_factors(
        factors.DiscreteFactor(["a", "b"], [2, 3], values[0], {"a": ["x", "y"], "b": ["1", "2", "3"]}),
        factors.DiscreteFactor(
            ["c", "b"], [4, 3], values[1], {"c": list("stuv"), "b": ["3", "1", "2"]}
        ),
    )
    network = from_pgmpy(field)
    assert isinstance(network, MarkovNetwork)
    joint = values[0].reshape(2, 3, 1) * values[1].reshape(4, 3)[:, [1, 2, 0]].T
    wanted = joint.sum(axis=(0, 2)) / joint.sum()
    assert list(network.marginals()["b"].values()) == pytest.approx(wanted)


@pytest.mark.parametrize("module", ["XMLBIF", "XDSL"])
@pytest.mark.filterwarnings("ignore")
def test_files_of_pgmpy(tmp_path: Path, module: str) -> None:
    """It, too, has the last parent run faster than the first."""
    readwrite = pytest.importorskip("pgmpy.readwrite")
    plain = networks.network(STATES)
    text = {"XMLBIF": networks.xmlbif, "XDSL": networks.xdsl}[module](plain)
    (tmp_path / "n.xml").write_text(
        text.replace(" <!-- next -->", "").replace(
            "<!DOCTYPE BIF [\n<!ELEMENT BIF ( NETWORK )*>\n]>\n", ""
        )
    )
    theirs = getattr(readwrite, f"{module}Reader")(str(tmp_path / "n.xml")).get_model()
    (cpd,) = (cpd for cpd in theirs.get_cpds() if cpd.variable.startswith("Left"))
    order = ["3rd", "Disease"]
    values = np.moveaxis(cpd.values, [cpd.variables.index(n) for n in order], [0, 1])
    np.testing.assert_allclose(values, plain.tables["Left_arm"], atol=1e-12)


def test_other_objects_are_refused() -> None:
    for read in (from_agrum, from_pgmpy, read_model):
        for thing in (3, None, object(), print):
            with pytest.raises(InvalidInput, match="model must be"):
                read(untyped(thing))
