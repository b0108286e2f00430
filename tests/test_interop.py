"""Machines of others: energies are the same in every state, and what is written comes back."""

import importlib
import io
import itertools
import json
import math
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

import photinus as ph
from photinus import interop
from photinus._core.matrices import dense
from photinus.errors import InvalidInput, MissingDependency
from photinus.interop import read_model, write_model
from tests.conftest import Run
from tests.narrow import untyped

LABELS: tuple[Any, ...] = ((0, 1), "a b", 3, 2.5, frozenset({1}), "x/y")
STORED: tuple[Any, ...] = ((0, (1, "z")), "a b", 3, 2.5, -7, "x/y")
"""Labels that a file can hold."""
W = np.array([[0, 1.5, 0, 0], [1.5, 0, -0.5, 0], [0, -0.5, 0, 0.25], [0, 0, 0.25, 0]])
B = np.array([0.5, -1, 0.125, 0])
MACHINE = ph.BoltzmannMachine(W, B, ["a", (0, 1), 7, "isolated?"])


def model(vartype: str, labels: tuple[Any, ...] = LABELS, seed: int = 0) -> Any:
    """Return a model of dimod with an offset and a different bias at every place."""
    dimod = pytest.importorskip("dimod")
    random = np.random.default_rng(seed)
    made = dimod.BinaryQuadraticModel(vartype)
    for label in labels:
        made.add_variable(label, random.normal())
    for u, v in itertools.combinations(labels, 2):
        if random.random() < 0.7:
            made.add_quadratic(u, v, random.normal())
    made.offset = 1.25
    return made


def binary(theirs: Any, version: int) -> bytes:
    """Return what dimod writes of a model into a binary file."""
    with theirs.to_file(version=version) as stream:
        content: bytes = stream.read()
    return content


def energies(machine: ph.BoltzmannMachine, theirs: Any) -> tuple[Any, Any]:
    """Return the energies of all states, ours and those of a model of dimod."""
    states = machine.states().astype(np.int8)
    values = states if theirs.vartype.name == "BINARY" else 2 * states - 1
    return machine.energy(states), theirs.energies((values, list(machine.labels)))


# dimod


@pytest.mark.parametrize("vartype", ["SPIN", "BINARY"])
@pytest.mark.parametrize("beta", [1.0, 0.25])
def test_energies_of_dimod(vartype: str, beta: float) -> None:
    theirs = model(vartype)
    machine = interop.from_dimod(theirs, beta)
    assert machine.labels == LABELS
    ours, wanted = energies(machine, theirs)
    np.testing.assert_allclose(ours, beta * (wanted - interop.energy_off(theirs)), atol=1e-12)
    # p ∝ exp(-βE), computed from their energies.
    p = np.exp(-beta * wanted)
    np.testing.assert_allclose(machine.joint(), p / p.sum(), atol=1e-12)


@pytest.mark.parametrize("vartype", ["SPIN", "BINARY"])
def test_models_of_dimod_come_back(vartype: str) -> None:
    theirs = model(vartype)
    machine = interop.from_dimod(theirs)
    back = interop.to_dimod(machine, vartype, energy_off=interop.energy_off(theirs))
    assert back.is_almost_equal(theirs, places=12)
    assert list(back.variables) == list(theirs.variables)
    other = interop.to_dimod(machine, "SPIN" if vartype == "BINARY" else "BINARY")
    ours, wanted = energies(machine, other)
    np.testing.assert_allclose(ours, wanted, atol=1e-12)
    np.testing.assert_allclose(interop.from_dimod(other).weights, machine.weights, atol=1e-12)
    assert read_model(theirs) == machine


def test_labels_that_dimod_does_not_take_are_refused() -> None:
    machine = ph.BoltzmannMachine(np.zeros((2, 2)), np.zeros(2), ["a", math.inf])
    with pytest.raises(InvalidInput, match="labels must be ones that dimod takes, got inf"):
        interop.to_dimod(machine)


@pytest.mark.parametrize("vartype", ["SPIN", "BINARY"])
def test_files_of_dimod(tmp_path: Path, vartype: str) -> None:
    theirs = model(vartype, STORED)
    wanted = interop.from_dimod(theirs)
    contents = {
        "m.json": json.dumps(theirs.to_serializable()).encode(),
        "one.bqm": binary(theirs, 1),
        "two.bqm": binary(theirs, 2),
    }
    for name, content in contents.items():
        for path in (tmp_path / name, tmp_path / "unnamed"):
            path.write_bytes(content)
            found = read_model(path)
            assert isinstance(found, ph.BoltzmannMachine)
            order = [found.labels.index(label) for label in wanted.labels]
            np.testing.assert_allclose(found.weights[np.ix_(order, order)], wanted.weights, atol=1e-14)
            np.testing.assert_allclose(found.biases[order], wanted.biases, atol=1e-14)


def test_files_of_dimod_without_labels_or_pairs(tmp_path: Path) -> None:
    dimod = pytest.importorskip("dimod")
    for dtype in (np.float32, np.float64):
        theirs = dimod.BinaryQuadraticModel(
            {0: 0.5, 1: -1, 2: 0}, {(0, 2): 3}, 0.5, "SPIN", dtype=dtype
        )
        lonely = dimod.BinaryQuadraticModel({0: 0.5}, {}, 0.5, "BINARY", dtype=dtype)
        for each in (theirs, lonely):
            for version in (1, 2):
                (tmp_path / "m.bqm").write_bytes(binary(each, version))
                assert read_model(tmp_path / "m.bqm") == interop.from_dimod(each)


def test_what_is_written_is_read_by_dimod(tmp_path: Path) -> None:
    dimod = pytest.importorskip("dimod")
    coo = importlib.import_module("dimod.serialization.coo")
    for vartype in ("BINARY", "SPIN"):
        path = tmp_path / f"{vartype}.json"
        write_model(MACHINE, path, "dimod", vartype=vartype)
        theirs = dimod.BinaryQuadraticModel.from_serializable(json.loads(path.read_text()))
        assert theirs.vartype.name == vartype
        np.testing.assert_allclose(*energies(MACHINE, theirs), atol=1e-13)
        assert_close(read_model(path), MACHINE)
        numbered = ph.BoltzmannMachine(W, B, [3, 0, 20, 7])
        write_model(numbered, tmp_path / "m.coo", vartype=vartype)
        # It reads no exponents, and none are needed here.
        theirs = coo.loads((tmp_path / "m.coo").read_text())
        difference = np.subtract(*energies(numbered, theirs))
        np.testing.assert_allclose(difference, difference[0], atol=1e-12)
        found = read_model(tmp_path / "m.coo")
        assert isinstance(found, ph.BoltzmannMachine)
        assert found.labels == (0, 3, 7, 20)
        np.testing.assert_allclose(found.weights, W[np.ix_([1, 0, 3, 2], [1, 0, 3, 2])], atol=1e-14)
    with pytest.raises(InvalidInput, match="label must be a whole number"):
        write_model(MACHINE, tmp_path / "m.coo")
    with pytest.raises(InvalidInput, match="path must end in one of"):
        write_model(MACHINE, tmp_path / "m.xyz")
    with pytest.raises(InvalidInput, match="model must be a BayesianNetwork"):
        write_model(MACHINE, tmp_path / "m.bif")


def assert_close(found: object, wanted: ph.BoltzmannMachine) -> None:
    assert isinstance(found, ph.BoltzmannMachine)
    assert found.labels == wanted.labels
    np.testing.assert_allclose(found.weights, wanted.weights, atol=1e-13)
    np.testing.assert_allclose(found.biases, wanted.biases, atol=1e-13)


def test_coordinates_of_dimod(tmp_path: Path) -> None:
    coo = (
        importlib.import_module("dimod.serialization.coo") if find("dimod") else pytest.skip("no dimod")
    )
    theirs = model("SPIN", (0, 4, 2))
    (tmp_path / "m.txt").write_text(coo.dumps(theirs, vartype_header=True))
    found = read_model(tmp_path / "m.txt")
    assert isinstance(found, ph.BoltzmannMachine)
    # They write six digits.
    order = [found.labels.index(label) for label in (0, 4, 2)]
    wanted = interop.from_dimod(theirs)
    np.testing.assert_allclose(found.weights[np.ix_(order, order)], wanted.weights, atol=4e-6)


def find(name: str) -> bool:
    return importlib.util.find_spec(name) is not None


def test_sample_sets_start_chains(tmp_path: Path) -> None:
    dimod = pytest.importorskip("dimod")
    values = np.array([[1, -1, 1, -1], [-1, -1, 1, 1]], np.int8)
    labels = ["isolated?", 7, "a", (0, 1)]
    found = dimod.SampleSet.from_samples(
        (values, labels), "SPIN", energy=[0, 0], num_occurrences=[2, 1]
    )
    wanted = [[1, 0, 0, 1], [1, 0, 0, 1], [1, 1, 0, 0]]
    assert interop.initial_states(found, MACHINE).tolist() == wanted
    assert interop.initial_states(found.change_vartype("BINARY"), MACHINE).tolist() == wanted
    for other, message in (
        (ph.BoltzmannMachine(W, B), "all units, 0 is missing"),
        (ph.BoltzmannMachine([[0]], [0], ["a"]), "must be units of the machine, got 'isolated"),
    ):
        with pytest.raises(InvalidInput, match=message):
            interop.initial_states(found, other)
    with pytest.raises(InvalidInput, match="sampleset must be a SampleSet"):
        interop.initial_states(untyped([[0]]), MACHINE)
    for wrong in ([1, 2, 0, 1], [1, 0, -1, 1], [0, 0, 0.5, 1]):
        integer = dimod.SampleSet.from_samples((np.array([wrong]), MACHINE.labels), "INTEGER", 0)
        with pytest.raises(InvalidInput, match="sampleset must hold values 0 and 1, or spins"):
            interop.initial_states(integer, MACHINE)
    samples = ph.sample(MACHINE, "gibbs", chains=2, draws=5, burn_in=0, seed=1)
    for vartype in ("BINARY", "SPIN"):
        theirs = samples.to_dimod(vartype)
        assert (
            interop.initial_states(theirs, MACHINE).tolist() == samples.states.reshape(-1, 4).tolist()
        )


# Graphs, matrices, frames


def test_graphs_come_back() -> None:
    networkx = pytest.importorskip("networkx")
    graph = interop.to_networkx(MACHINE)
    assert graph.edges["a", (0, 1)] == {"weight": 1.5}
    assert graph.nodes[7] == {"bias": 0.125}
    assert interop.from_networkx(graph) == MACHINE == read_model(graph)
    named = interop.to_networkx(MACHINE, bias="b", weight="w")
    assert interop.from_networkx(named, bias="b", weight="w") == MACHINE
    parallel = networkx.MultiGraph()
    parallel.add_edge("a", "b", weight=1.0)
    parallel.add_edge("b", "a", weight=0.5)
    assert interop.from_networkx(parallel).weights[0, 1] == 1.5
    assert interop.from_networkx(parallel).biases.tolist() == [0, 0]


@pytest.mark.parametrize("vartype", ["SPIN", "BINARY"])
def test_graphs_of_dimod_hold_energies(vartype: str) -> None:
    pytest.importorskip("networkx")
    theirs = model(vartype)
    assert_close(interop.from_networkx(to_graph(theirs)), interop.from_dimod(theirs))


def to_graph(theirs: Any) -> Any:
    """Return the graph that dimod makes of a model: nodes with bias and vartype, edges with bias."""
    import networkx

    graph = networkx.Graph()
    graph.add_nodes_from((v, {"bias": b, "vartype": theirs.vartype}) for v, b in theirs.linear.items())
    graph.add_edges_from((u, v, {"bias": b}) for (u, v), b in theirs.quadratic.items())
    return graph


def test_wrong_graphs() -> None:
    networkx = pytest.importorskip("networkx")
    for graph, message in (
        (networkx.DiGraph([(0, 1, {"weight": 1.0})]), "must not be directed"),
        (networkx.Graph([(0, 1)]), "edges must have the attribute 'weight', got none on 0 – 1"),
        (
            networkx.Graph([(0, 0, {"weight": 1.0})]),
            "pairs must be of two variables, got 0 with itself",
        ),
        (networkx.Graph([(0, 1, {"weight": "x"})]), "weight of 0 – 1"),
        (networkx.Graph([(0, 1, {"weight": float("nan")})]), "weight of 0 – 1 must be finite"),
        (networkx.Graph(), "at least 1 entry"),
        (3, "graph must be a graph of NetworkX"),
    ):
        with pytest.raises(InvalidInput, match=message):
            interop.from_networkx(untyped(graph))


@pytest.mark.parametrize("kind", ["csr_array", "csc_matrix", "coo_array", "lil_matrix", "dok_array"])
def test_sparse_matrices(kind: str) -> None:
    matrix = getattr(sp, kind)(W)
    assert interop.from_sparse(matrix, B, MACHINE.labels) == MACHINE
    assert read_model(matrix) == ph.BoltzmannMachine(W, np.zeros(4))
    weights, biases = interop.to_sparse(MACHINE)
    assert weights.nnz == 6
    assert interop.from_sparse(weights, biases, MACHINE.labels) == MACHINE
    for wrong, message in (
        (sp.csr_array(np.triu(W)), "weights must be symmetric"),
        (sp.csr_array(W[:2]), "weights must be square"),
        (sp.csr_array(W + np.diag([0, 0, 1, 0])), "zero diagonal"),
        (sp.csr_array(W * np.nan), "weights must be finite"),
        (W, "weights must be a sparse matrix"),
    ):
        with pytest.raises(InvalidInput, match=message):
            interop.from_sparse(wrong)


def test_large_sparse_models_never_become_arrays(tmp_path: Path) -> None:
    import tracemalloc

    n, pairs = 6_000, 20_000
    random = np.random.default_rng(0)
    i, j = random.integers(0, n, (2, pairs))
    upper = sp.coo_array((random.normal(size=pairs), (np.minimum(i, j), np.maximum(i, j))), (n, n))
    above = sp.csr_array(sp.triu(upper, 1))
    weights = sp.csr_array(above + above.T)
    machine = ph.BoltzmannMachine(untyped(weights), random.normal(size=n))
    graph, model = interop.to_networkx(machine), interop.to_dimod(machine, "SPIN")
    interop.write_model(machine, tmp_path / "model.json")
    interop.write_model(machine, tmp_path / "model.coo")
    tracemalloc.start()
    same = [
        interop.from_sparse(weights, machine.biases),
        interop.from_networkx(graph),
        read_model(tmp_path / "model.json"),
        read_model(tmp_path / "model.coo"),
    ]
    assert same == [machine] * 4
    spins = interop.from_dimod(model)
    assert tracemalloc.get_traced_memory()[1] < 60e6  # an array has 288 MB
    tracemalloc.stop()
    np.testing.assert_allclose(dense(spins.matrix[:9]), dense(machine.matrix[:9]), atol=1e-12)
    back, biases = interop.to_sparse(machine)
    assert interop.from_sparse(back, biases) == machine != interop.from_sparse(-back, biases)


def test_frames() -> None:
    labels = ["x", "y z", "3", "t"]
    machine = ph.BoltzmannMachine(W, B, labels)
    frame = pd.DataFrame(W, labels, labels)
    assert interop.from_frame(frame, pd.Series(B, labels)) == machine
    with_bias = frame.assign(bias=B)
    assert interop.from_frame(with_bias) == machine == read_model(with_bias)
    shuffled = with_bias.loc[["t", "x", "3", "y z"]]
    assert_close(interop.from_frame(shuffled), ph.BoltzmannMachine(
        W[np.ix_([3, 0, 2, 1], [3, 0, 2, 1])], B[[3, 0, 2, 1]], ["t", "x", "3", "y z"]
    ))  # fmt: skip
    assert interop.from_frame(frame).biases.tolist() == [0] * 4
    for wrong, message in (
        (frame.drop(columns="t"), "weights must be square"),
        (frame.rename(columns={"t": "u"}), "is missing among"),
        (W, "weights must be a frame"),
        (pd.DataFrame({"a": ["x"]}, ["a"]), "array of numbers"),
    ):
        with pytest.raises(InvalidInput, match=message):
            interop.from_frame(untyped(wrong))


# thrml


class Node:
    """What stands for a variable in thrml: known by itself alone."""


def ebm(**changes: Any) -> Any:
    """Return what has the attributes of ``thrml.models.IsingEBM``."""
    nodes = [Node() for _ in range(3)]
    given = {
        "nodes": nodes,
        "biases": np.array([0.5, -0.25, 1.0]),
        "edges": [(nodes[2], nodes[0]), (nodes[0], nodes[1])],
        "weights": np.array([0.75, -0.5]),
        "beta": np.array(0.5),
    }
    return SimpleNamespace(**given | changes)


def test_models_of_thrml() -> None:
    machine = interop.from_thrml(ebm(), ["p", "q", "r"])
    spins = 2.0 * machine.states() - 1
    # E(s) = -β (Σ b_i s_i + Σ J_ij s_i s_j), as its documentation says.
    minus = 0.5 * (
        spins @ [0.5, -0.25, 1.0] + 0.75 * spins[:, 2] * spins[:, 0] - 0.5 * spins[:, 0] * spins[:, 1]
    )
    np.testing.assert_allclose(machine.joint(), np.exp(minus) / np.exp(minus).sum(), atol=1e-14)
    assert machine.labels == ("p", "q", "r")
    given = ebm()
    assert read_model(given) == interop.from_thrml(given)
    further = ebm()
    further.edges[1] = (further.nodes[0], Node())
    assert interop.from_thrml(further).n_units == 4
    for wrong, message in (
        (ebm(biases=np.zeros(2)), "biases must have 3 entries"),
        (ebm(weights=np.zeros(3)), "must have 3 entries"),
        (ebm(weights=np.array([np.nan, 1])), "must be finite"),
        (ebm(beta=0.0), "beta must be above 0"),
        (ebm(beta="x"), "model must be an IsingEBM"),
        (ebm(edges=[(1,)]), "model must be an IsingEBM"),
        (3, "model must be an IsingEBM"),
    ):
        with pytest.raises(InvalidInput, match=message):
            interop.from_thrml(wrong)


# Learned machines

RESTRICTED = (np.array([[0.5, -1, 2], [0.25, 0, 1.5]]), np.array([0.1, -0.2]), np.array([1.0, 2, -3]))
"""W (visible, hidden) and biases."""


class Tensor:
    """What has the methods of a tensor of PyTorch."""

    def __init__(self, values: Any) -> None:
        self.values = values

    def detach(self) -> "Tensor":
        return self

    def cpu(self) -> "Tensor":
        return self

    def numpy(self) -> Any:
        return self.values


@pytest.mark.parametrize(
    "names",
    [("W", "v_bias", "h_bias"), ("rbm.weight", "rbm.visible_bias", "rbm.hidden_bias"), ("w", "a", "b")],
)
@pytest.mark.parametrize("kind", [np.asarray, Tensor])
def test_state_dicts_of_restricted_machines(names: tuple[str, ...], kind: Callable[..., Any]) -> None:
    w, a, b = RESTRICTED
    wanted = ph.BoltzmannMachine(
        np.block([[np.zeros((2, 2)), w], [w.T, np.zeros((3, 3))]]), np.concatenate([a, b])
    )
    for weights in (w, w.T):
        state = {name: kind(value) for name, value in zip(names, (weights, a, b), strict=True)}
        machine = interop.from_state(state)
        np.testing.assert_array_equal(machine.weights, wanted.weights)
        np.testing.assert_array_equal(machine.biases, wanted.biases)
        assert read_model(state) == machine == read_model(SimpleNamespace(state_dict=lambda s=state: s))
    named = interop.from_state(
        dict(zip(names, RESTRICTED, strict=True)), labels=["p", "q", "r", "s", "t"]
    )
    assert named.labels == tuple("pqrst")


def test_square_weights_must_say_which_side_is_hidden() -> None:
    w = np.array([[1.0, 2], [3, 4]])
    state = {"W": w, "v_bias": np.zeros(2), "h_bias": np.ones(2)}
    with pytest.raises(InvalidInput, match="hidden_first must be True or False"):
        interop.from_state(state)
    assert interop.from_state(state, hidden_first=False).weights[0, 3] == 2
    assert interop.from_state(state, hidden_first=True, labels=list("pqrs")).weights[0, 3] == 3


def graph_state() -> dict[str, Any]:
    return {
        "_linear": np.array([0.5, -1, 0.25]),
        "_quadratic": np.array([1.5, -0.75]),
        "_edge_idx_i": np.array([0, 2]),
        "_edge_idx_j": np.array([1, 1]),
        "_visible_idx": np.array([0, 1, 2]),
    }


def test_state_of_a_graph_restricted_machine() -> None:
    machine = interop.from_state(graph_state(), labels=["p", "q", "r"])
    spins = 2.0 * machine.states() - 1
    energy = (
        spins @ [0.5, -1, 0.25] + 1.5 * spins[:, 0] * spins[:, 1] - 0.75 * spins[:, 1] * spins[:, 2]
    )
    np.testing.assert_allclose(machine.joint(), np.exp(-energy) / np.exp(-energy).sum(), atol=1e-14)


def test_files_of_learned_machines(tmp_path: Path) -> None:
    w, a, b = RESTRICTED
    states = {"rbm": {"W": w, "v_bias": a, "h_bias": b}, "graph": graph_state()}
    for state in states.values():
        wanted = interop.from_state(state)
        np.savez(tmp_path / "m.npz", **state)
        assert read_model(tmp_path / "m.npz") == wanted
        if find("safetensors"):
            save = importlib.import_module("safetensors.numpy").save
            for name in ("m.safetensors", "unnamed"):
                (tmp_path / name).write_bytes(
                    save({k: np.ascontiguousarray(v) for k, v in state.items()})
                )
                assert read_model(tmp_path / name) == wanted


def test_nothing_is_unpickled(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[Any, ...]:
            return Path.touch, (tmp_path / "pwned",)

    import pickle

    content = {
        "m.npz": io.BytesIO(),
        "m.pt": io.BytesIO(pickle.dumps({"W": Evil()})),
        "m.safetensors": io.BytesIO(pickle.dumps(Evil())),
        "m.pkl": io.BytesIO(pickle.dumps(Evil())),
    }
    np.savez(content["m.npz"], W=np.array([Evil()], object), v_bias=np.zeros(1), h_bias=np.zeros(2))
    for name, stream in content.items():
        (tmp_path / name).write_bytes(stream.getvalue())
        with pytest.raises(InvalidInput):
            read_model(tmp_path / name)
    assert not (tmp_path / "pwned").exists()


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({}, "state must be a mapping"),
        (3, "state must be a mapping"),
        ({"W": np.zeros((2, 3))}, "one array of biases of visible units"),
        ({"W": np.zeros((2, 3)), "v_bias": np.zeros(2), "h_bias": np.zeros(4)}, "must have shape"),
        ({"W": np.zeros((2, 3)), "w.W": np.zeros((2, 3))}, "state must be of one machine"),
        ({"W": np.zeros(3), "v_bias": np.zeros(2), "h_bias": np.zeros(4)}, "2 dimension"),
        ({"W": [["a"]], "v_bias": np.zeros(1), "h_bias": np.zeros(2)}, "w must be an array of numbers"),
        (graph_state() | {"_edge_idx_i": np.array([0, 3])}, "heads must be from 0 to 2"),
        (graph_state() | {"_edge_idx_i": np.array([0, 1])}, "pairs must be of two variables"),
        (graph_state() | {"_edge_idx_i": np.array([0.5, 1])}, "heads must be whole numbers"),
        (graph_state() | {"_quadratic": np.zeros(3)}, "heads must have 3 entries"),
    ],
)  # fmt: skip
def test_wrong_states(state: Any, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        interop.from_state(state)


# Labels, command line, packages


def test_labels_of_any_kind_are_kept_by_files_and_stores(tmp_path: Path) -> None:
    machine = ph.BoltzmannMachine(np.zeros((6, 6)), np.arange(6.0), STORED)
    for name in ("m.json", "m.npz"):
        machine.save(tmp_path / name)
        assert ph.BoltzmannMachine.load(tmp_path / name) == machine == read_model(tmp_path / name)
    known = {STORED[0]: 1}
    few: dict[str, Any] = {"chains": 2, "draws": 4, "burn_in": 1, "seed": 1, "evidence": known}
    few["path"] = tmp_path / "r.zarr"
    ph.sample(machine, "gibbs", **few)
    loaded = ph.load(tmp_path / "r.zarr")
    assert loaded.machine == machine
    assert loaded.states[..., 0].all()
    again = ph.sample(machine, "gibbs", **few, resume=True)
    assert np.array_equal(again.states, loaded.states)
    frozen = ph.BoltzmannMachine(np.zeros((1, 1)), [0.0], [frozenset({1})])
    with pytest.raises(
        InvalidInput, match="labels must be text, numbers or tuples of these to be stored"
    ):
        frozen.save(tmp_path / "f.json")


def test_commands_read_every_format(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "m.coo").write_text("# vartype=SPIN\n0 0 0.5\n0 1 -1.0\n")
    (tmp_path / "n.uai").write_text("MARKOV\n2\n2 2\n1\n2 0 1\n4\n4 1 1 4\n")
    few = ("--substrate", "gibbs", "--chains", 4, "--draws", 30, "--json")
    for name in ("m.coo", "n.uai"):
        code, out, err = run("sample", name, *few, "--force")
        assert code == 0, err
        assert list(json.loads(out)["marginals"]) == ["0", "1"]
        content = (tmp_path / name).read_bytes()
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(content)))
        assert run("sample", "-", *few, "--force")[1] == out
        assert run("translate", name, "--force")[0] == 0
    for content, message in ((b"", "it is empty"), (b"xyz", "begins like none of them")):
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(content)))
        code, out, err = run("sample", "-", *few, "--force")
        assert (code, out) == (2, "")
        assert message in err
        assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("package", "call"),
    [
        ("dimod", lambda path: interop.to_dimod(MACHINE)),
        ("networkx", lambda path: interop.to_networkx(MACHINE)),
        ("safetensors", lambda path: read_model(path)),
    ],
)
def test_a_missing_package_is_told(
    package: str, call: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import tomllib

    from tests.texts import ROOT

    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.setitem(sys.modules, f"{package}.numpy", None)
    (tmp_path / "m.safetensors").write_bytes(b"\x02\0\0\0\0\0\0\0{}")
    with pytest.raises(MissingDependency, match=r"pip install 'photinus\[(\w+)\]'") as caught:
        call(tmp_path / "m.safetensors")
    extra = str(caught.value).partition("[")[2].partition("]")[0]
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert extras[extra][0].startswith(package)


def test_models_of_ours_come_back_as_they_are() -> None:
    network = ph.BayesianNetwork.asia()
    for ours in (MACHINE, network):
        assert read_model(ours) is ours
    assert interop.read_machine(MACHINE) is MACHINE
    assert interop.read_machine(network) == network.to_boltzmann()


def test_numbers_of_every_kind_are_read_or_refused() -> None:
    """A model of dimod holds fractions, and whatever else, where its numbers are objects."""
    dimod = pytest.importorskip("dimod")
    exact = dimod.BinaryQuadraticModel({"a": Fraction(1, 3)}, {"ab": 2}, 0, "BINARY", dtype=object)
    found = interop.from_dimod(exact)
    assert found.biases.tolist() == [-1 / 3, 0]
    assert found.weights[0, 1] == -2
    for linear, quadratic, offset in ((1j, 1, 0), (1, 1j, 0), (1, 1, 1j)):
        odd = dimod.BinaryQuadraticModel({"a": linear}, {"ab": quadratic}, offset, "SPIN", dtype=object)
        with pytest.raises(InvalidInput, match="must be a number, got"):
            interop.from_dimod(odd)
