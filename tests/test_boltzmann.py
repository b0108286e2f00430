"""Boltzmann machines against plain sums over all states, written from the definition."""

import copy
import dataclasses
import itertools
import json
import pickle
import tracemalloc
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from photinus._core.states import MAX_ENUMERATED
from photinus.errors import InvalidInput
from photinus.machines import coupled
from photinus.machines.boltzmann import BoltzmannMachine
from tests.machines import gaussian


def naive_states(n: int) -> list[tuple[int, ...]]:
    """All states by index: unit 0 is the lowest bit, so it changes fastest."""
    return [tuple(reversed(bits)) for bits in itertools.product((0, 1), repeat=n)]


def naive_energy(machine: BoltzmannMachine, z: tuple[int, ...]) -> float:
    n = len(z)
    pairs = sum(float(machine.weights[i, j]) * z[i] * z[j] for i in range(n) for j in range(i + 1, n))
    return -pairs - sum(float(machine.biases[k]) * z[k] for k in range(n))


def naive_joint(machine: BoltzmannMachine) -> NDArray[np.float64]:
    weight = np.exp([-naive_energy(machine, z) for z in naive_states(machine.n_units)])
    return np.asarray(weight / weight.sum())


# 13 and 14 units have two and four high states above the low half.
@pytest.mark.parametrize("n", [1, 2, 3, 7, 12, 13, 14])
def test_enumeration_agrees_with_plain_sums(n: int) -> None:
    machine = gaussian(n, seed=n)
    p = naive_joint(machine)
    z = np.array(naive_states(n), dtype=float)
    energies = np.array([naive_energy(machine, state) for state in naive_states(n)])
    np.testing.assert_allclose(machine.joint(), p, rtol=1e-11, atol=0)
    np.testing.assert_allclose(machine.pair_moments(), (z.T * p) @ z, rtol=1e-11, atol=1e-15)
    np.testing.assert_allclose(machine.marginals(), p @ z, rtol=1e-11, atol=0)
    assert machine.log_partition() == pytest.approx(np.log(np.exp(-energies).sum()), rel=1e-12)
    assert machine.entropy() == pytest.approx(-(p * np.log(p)).sum(), rel=1e-11)
    np.testing.assert_allclose(machine.energy(machine.states()), energies, rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(
        machine.log_probability(machine.states()), np.log(p), rtol=1e-11, atol=1e-12
    )


def test_the_block_size_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    machine, again = gaussian(15), gaussian(15)
    joint, moments, entropy = machine.joint(), machine.pair_moments(), machine.entropy()
    monkeypatch.setattr(
        "photinus.machines.enumeration.STATES_PER_BLOCK", 2**12
    )  # one row: ragged nowhere
    np.testing.assert_allclose(again.joint(), joint, rtol=1e-12, atol=0)
    np.testing.assert_allclose(again.pair_moments(), moments, rtol=1e-12, atol=0)
    assert again.entropy() == pytest.approx(entropy, rel=1e-12)


def test_two_units_in_closed_form() -> None:
    b1, b2, w = 0.3, -0.7, 1.1
    machine = BoltzmannMachine([[0, w], [w, 0]], [b1, b2])
    weight = np.array([1, np.exp(b1), np.exp(b2), np.exp(b1 + b2 + w)])
    np.testing.assert_allclose(machine.joint(), weight / weight.sum(), rtol=1e-14)
    assert machine.pair_moments()[0, 1] == pytest.approx(weight[3] / weight.sum(), rel=1e-14)


def test_independent_units_have_logistic_marginals() -> None:
    biases = np.linspace(-30, 30, 20)
    machine = BoltzmannMachine(np.zeros((20, 20)), biases)
    np.testing.assert_allclose(machine.marginals(), 1 / (1 + np.exp(-biases)), rtol=1e-12)
    assert machine.log_partition() == pytest.approx(np.logaddexp(0, biases).sum(), rel=1e-14)


def test_huge_weights_stay_finite() -> None:
    machine = gaussian(14, seed=3, scale=1e3)
    energies = np.array([naive_energy(machine, z) for z in naive_states(14)])
    joint = machine.joint()
    assert joint.sum() == pytest.approx(1, abs=1e-14)
    assert joint[energies.argmin()] == pytest.approx(1, abs=1e-9)
    assert machine.log_partition() == pytest.approx(-energies.min(), rel=1e-14)
    assert 0 <= machine.entropy() < 1e-9


def test_two_states_of_equal_huge_weight() -> None:
    w = np.full((3, 3), 1e3) - 1e3 * np.eye(3)
    machine = BoltzmannMachine(w, np.full(3, -1e3))  # E(000) = E(111) = 0, all else at 1e3 or more
    np.testing.assert_allclose(machine.joint()[[0, 7]], 0.5, rtol=1e-15)
    assert machine.entropy() == pytest.approx(np.log(2), rel=1e-14)


def test_24_units_are_enumerated_and_no_more() -> None:
    assert MAX_ENUMERATED == 24
    rng = np.random.default_rng(1)
    biases = rng.normal(size=24)
    weights = np.zeros((24, 24))
    weights[0, 23] = weights[23, 0] = 1.5  # the lowest with the highest unit
    machine = BoltzmannMachine(weights, biases)
    pair = BoltzmannMachine([[0, 1.5], [1.5, 0]], biases[[0, 23]])
    expected = 1 / (1 + np.exp(-biases))
    expected[[0, 23]] = pair.marginals()
    tracemalloc.start()
    np.testing.assert_allclose(machine.marginals(), expected, rtol=1e-11)
    joint = machine.joint()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert joint.shape == (2**24,)
    assert joint.sum() == pytest.approx(1, abs=1e-12)
    assert peak < 2**28  # of which the joint itself is 2**27
    for call in ("joint", "pair_moments", "states"):
        with pytest.raises(InvalidInput, match=r"at most 24 units, this machine has 25"):
            getattr(BoltzmannMachine(np.zeros((25, 25)), np.zeros(25)), call)()
    dense = BoltzmannMachine(np.ones((60, 60)) - np.eye(60), np.zeros(60))
    for call in ("log_partition", "entropy", "marginals"):
        with pytest.raises(InvalidInput, match=r"this machine has treewidth \d\d or more$"):
            getattr(dense, call)()


def test_states_are_rows_by_index() -> None:
    machine = gaussian(5)
    np.testing.assert_array_equal(machine.states(), naive_states(5))
    np.testing.assert_array_equal(machine.states(6, 9), naive_states(5)[6:9])
    assert machine.states(4, 4).shape == (0, 5)
    with pytest.raises(InvalidInput, match="stop must be from 0 to 32, got 33"):
        machine.states(0, 33)


def test_energy_keeps_leading_axes() -> None:
    machine = gaussian(3)
    z = np.random.default_rng(0).integers(0, 2, (4, 5, 3))
    assert machine.energy(z).shape == (4, 5)
    assert machine.energy(z)[2, 3] == pytest.approx(naive_energy(machine, tuple(z[2, 3])))
    assert machine.energy(z[0, 0]).shape == ()
    with pytest.raises(InvalidInput, match=r"3 units on the last axis, got shape \(4, 2\)"):
        machine.energy(np.zeros((4, 2)))
    with pytest.raises(InvalidInput, match="states must be 0 or 1, got 2"):
        machine.energy([0, 1, 2])


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 6), st.integers(0, 2**31), st.data())
def test_conditional_is_the_normalised_slice(n: int, seed: int, data: st.DataObject) -> None:
    machine = BoltzmannMachine(
        gaussian(n, seed).weights, gaussian(n, seed).biases, labels=list("abcdef"[:n])
    )
    clamped = data.draw(st.lists(st.integers(0, n - 1), max_size=n - 1, unique=True))
    values = [data.draw(st.integers(0, 1)) for _ in clamped]
    given_units: dict[Any, int] = {"abcdef"[k]: v for k, v in zip(clamped, values, strict=True)}
    conditional = machine.conditional(given_units)
    free = [k for k in range(n) if k not in clamped]
    assert conditional.labels == tuple("abcdef"[k] for k in free)
    z = machine.states()
    kept = (z[:, clamped] == values).all(axis=1)
    expected = machine.joint()[kept] / machine.joint()[kept].sum()
    np.testing.assert_allclose(conditional.joint(), expected, rtol=1e-10)


def test_clamp_indices() -> None:
    machine = BoltzmannMachine(np.zeros((3, 3)), np.zeros(3), labels=["a", "b", 7])
    units, values = machine.clamp_indices({7: 1, "a": 0})
    np.testing.assert_array_equal(units, [0, 2])
    np.testing.assert_array_equal(values, [[0, 1]])
    units, values = machine.clamp_indices({"b": [0, 1, 1]}, chains=3)
    np.testing.assert_array_equal(values, [[0], [1], [1]])


@pytest.mark.parametrize(
    ("clamp", "message"),
    [
        ({"ran": 1}, r"known unit must be one of .*, got 'ran' \(did you mean 'rain'\?\)"),
        ({"rain": 2}, "evidence of unit 'rain' must be 0 or 1, got 2"),
        ({"rain": 0.5}, "evidence of unit 'rain' must be 0 or 1, got 0.5"),
        ({"rain": np.nan}, "evidence of unit 'rain' must be 0 or 1, got nan"),
        ({"rain": "1"}, "evidence of unit 'rain' must be 0 or 1, got '1'"),
        ({"rain": 1, "wet": 0}, "at least one unit free, got all 2 units"),
        ([("rain", 1)], "evidence must be a mapping"),
    ],
)
def test_wrong_clamps(clamp: Any, message: str) -> None:
    machine = BoltzmannMachine([[0, 1], [1, 0]], [0, -1], labels=["rain", "wet"])
    with pytest.raises(InvalidInput, match=message):
        machine.conditional(clamp)


@pytest.mark.parametrize(
    ("weights", "biases", "labels", "message"),
    [
        ([[0, 1, 2], [1, 0, 3]], [0, 0], None, r"weights must be square, got shape \(2, 3\)"),
        (
            [[0, 1, 2], [1, 0, 3], [2, 4, 0]],
            [0, 0, 0],
            None,
            r"weights must be symmetric, got 3 at \(1, 2\) and 4 at \(2, 1\)",
        ),
        ([[0, np.nan], [1, 0]], [0, 0], None, r"weights must be finite, got nan at index \(0, 1\)"),
        ([[0, 1], [1, 0]], [0, np.inf], None, r"biases must be finite, got inf at index \(1,\)"),
        ([[0, 1], [1, 5]], [0, 0], None, "weights must have a zero diagonal, got 5 at unit 1"),
        ([[0, 1], [1, 0]], [0, 0, 0], None, "biases must have 2 entries as weights has, got 3"),
        (np.zeros((0, 0)), [], None, "biases must have at least 1 entry, got 0"),
        ([[0]], [[0]], None, "biases must have 1 dimension"),
        ([["a"]], [0], None, "weights must be an array of numbers"),
        ([[0, 1], [1, 0]], [0, 0], ["a", "a"], "labels must differ from each other, got 'a' twice"),
        ([[0, 1], [1, 0]], [0, 0], ["a"], "labels must have 2 entries as biases has, got 1"),
        (
            [[0, 1], [1, 0]],
            [0, 0],
            ["a", [1]],
            r"labels must be hashable values, not None, nan, True or False, got \[1\]",
        ),
        ([[0, 1], [1, 0]], [0, 0], ["a", np.nan], "True or False, got nan"),
        ([[0, 1], [1, 0]], [0, 0], ["a", (0, [1])], r"True or False, got \(0, \[1\]\)"),
        ([[0, 1], [1, 0]], [0, 0], ["a", True], "True or False, got True"),
        ([[0, 1], [1, 0]], [0, 0], "ab", "labels must be a list"),
        ([[0, 1], [1, 0]], [0, 0], 5, "labels must be a list"),
    ],
)
def test_wrong_arrays(weights: Any, biases: Any, labels: Any, message: str) -> None:
    with pytest.raises(InvalidInput, match=message) as caught:
        BoltzmannMachine(weights, biases, labels)
    assert "\n" not in str(caught.value)


def test_symmetry_is_checked_tightly() -> None:
    BoltzmannMachine([[0, 1e3], [1e3 * (1 + 4e-16), 0]], [0, 0])
    with pytest.raises(InvalidInput, match="symmetric"):
        BoltzmannMachine([[0.0, 1.0], [1 + 1e-9, 0.0]], [0, 0])


def test_the_machine_is_immutable_and_a_copy() -> None:
    w, b = np.array([[0.0, 1.0], [1.0, 0.0]]), np.array([0.5, 0.25])
    machine = BoltzmannMachine(w, b)
    w[0, 1], b[0] = 9, 9
    assert machine.weights[0, 1] == 1
    assert machine.biases[0] == 0.5
    for again in (machine, pickle.loads(pickle.dumps(machine)), copy.deepcopy(machine)):
        with pytest.raises(ValueError, match="read-only"):
            again.weights[0, 1] = 2
        with pytest.raises(ValueError, match="read-only"):
            again.biases[0] = 2
        with pytest.raises(dataclasses.FrozenInstanceError):
            again.biases = b  # type: ignore[misc]
    machine.pair_moments()[:] = 7
    machine.marginals()[:] = 7
    assert machine.marginals().max() < 1


def test_equality_and_hash() -> None:
    machine = BoltzmannMachine([[0, 1], [1, 0]], [0, 2])
    assert machine == BoltzmannMachine([[0, 1], [1, 0]], [0, 2], labels=[0, 1])
    negative = BoltzmannMachine(np.array([[-0.0, 1.0], [1.0, -0.0]]), np.array([-0.0, 2.0]))
    assert machine == negative
    assert hash(machine) == hash(negative)
    assert machine != BoltzmannMachine([[0, 1], [1, 0]], [0, 2], labels=["a", "b"])
    assert machine != BoltzmannMachine([[0, 1], [1, 0]], [0, 3])
    assert machine != BoltzmannMachine([[0, 2], [2, 0]], [0, 2])
    assert machine != "machine"


def test_repr_names_the_first_units() -> None:
    assert repr(BoltzmannMachine([[0]], [1], labels=["rain"])) == "BoltzmannMachine(1 unit(s): rain)"
    assert repr(gaussian(13)).endswith("11, …)")


@pytest.mark.parametrize("suffix", [".json", ".npz"])
@pytest.mark.parametrize("labels", [None, ["a", "β c", 3]])
def test_files_give_back_the_same_machine(
    tmp_path: Path, suffix: str, labels: list[str | int] | None
) -> None:
    machine = BoltzmannMachine(*_parts(gaussian(3, seed=5)), labels=labels)
    machine.save(tmp_path / f"machine{suffix}")
    again = BoltzmannMachine.load(str(tmp_path / f"machine{suffix}"))
    assert again == machine
    assert [type(label) for label in again.labels] == [type(label) for label in machine.labels]
    assert [path.name for path in tmp_path.iterdir()] == [f"machine{suffix}"]


def _parts(machine: BoltzmannMachine) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return machine.weights, machine.biases


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_plain_archives_load(tmp_path: Path, save: Callable[..., None]) -> None:
    machine = gaussian(3)
    path = tmp_path / "plain.npz"
    save(path, weights=machine.weights, biases=machine.biases)
    assert BoltzmannMachine.load(path) == machine
    save(path, weights=machine.weights, biases=machine.biases, labels=np.array(["a", "b", "c"]))
    assert BoltzmannMachine.load(path).labels == ("a", "b", "c")
    save(path, weights=machine.weights, biases=machine.biases, labels=np.array([3, 1, 2]))
    assert BoltzmannMachine.load(path).labels == (3, 1, 2)


def _document(**changes: Any) -> str:
    document = {
        "kind": "boltzmann-machine",
        "schema": 1,
        "labels": [0, 1],
        "weights": [[0, 1], [1, 0]],
        "biases": [0, 0],
    }
    return json.dumps(
        {key: value for key, value in {**document, **changes}.items() if value != "absent"}
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (_document()[:40], r"not complete JSON"),
        ("", "not complete JSON"),
        ("[1, 2]", "must hold a boltzmann-machine, got 'list'"),
        (_document(kind="calibration"), "must hold a boltzmann-machine, got 'calibration'"),
        (_document(schema=3), "must have a schema from 1 to 2, got 3"),
        (_document(schema="new"), "must have a schema from 1 to 2, got 'new'"),
        (_document(biases="absent"), "'biases' is missing"),
        (_document(labels="absent"), "'labels' is missing"),
        (_document(biases=[0]), "biases must have 2 entries"),
        (_document(biases=[0, None]), "biases must be an array of numbers, got objects"),
        (_document(weights=[[0, 1], [2, 0]]), "weights must be symmetric"),
        (_document(weights={"a": 1}), "weights must be an array of numbers"),
        (_document(labels=[{"a": 1}, 1]), "labels must be hashable values"),
        (_document(labels="ab"), "labels must be a list"),
    ],
)
def test_wrong_json(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "wrong.json"
    path.write_text(content)
    with pytest.raises(InvalidInput, match=message) as caught:
        BoltzmannMachine.load(path)
    assert "wrong.json" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": np.zeros(3)}, "'weights' is missing"),
        ({"kind": np.array("calibration"), "schema": np.array(1)}, "got 'calibration'"),
        ({"kind": np.array("boltzmann-machine")}, "'schema' is missing"),
        (
            {
                "kind": np.array("boltzmann-machine"),
                "schema": np.array(3),
                "labels": np.array("[0]"),
            },
            "schema from 1 to 2, got 3",
        ),
        (
            {
                "kind": np.array("boltzmann-machine"),
                "schema": np.array([1, 1]),
                "labels": np.array("[0]"),
            },
            "is not a valid boltzmann-machine",
        ),
        ({"weights": np.zeros((1, 1)), "biases": np.zeros(2)}, "biases must have 1 entries"),
        ({"weights": np.zeros((1, 1)), "biases": np.array([None])}, "archive of plain arrays"),
        (
            {"weights": np.zeros((1, 1)), "biases": np.zeros(1), "labels": np.array([np.nan])},
            "labels must be hashable values",
        ),
    ],
)
def test_wrong_archives(tmp_path: Path, arrays: dict[str, Any], message: str) -> None:
    path = tmp_path / "wrong.npz"
    np.savez(path, **arrays)
    with pytest.raises(InvalidInput, match=message) as caught:
        BoltzmannMachine.load(path)
    assert "wrong.npz" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_npy_named_npz_is_refused(tmp_path: Path) -> None:
    with open(tmp_path / "array.npz", "wb") as stream:
        np.save(stream, np.zeros(3))
    with pytest.raises(InvalidInput, match=r"array.npz' is not a complete \.npz archive"):
        BoltzmannMachine.load(tmp_path / "array.npz")


@pytest.mark.parametrize("suffix", [".json", ".npz"])
def test_a_truncated_file_is_one_sentence_wherever_it_ends(tmp_path: Path, suffix: str) -> None:
    machine = gaussian(3)
    machine.save(tmp_path / f"whole{suffix}")
    content = (tmp_path / f"whole{suffix}").read_bytes().rstrip()
    path = tmp_path / f"part{suffix}"
    for length in range(0, len(content), 7):
        path.write_bytes(content[:length])
        with pytest.raises(InvalidInput, match=r"part.* is not (a )?complete"):
            BoltzmannMachine.load(path)


@pytest.mark.parametrize("suffix", [".json", ".npz"])
def test_a_damaged_file_never_gives_a_foreign_error(tmp_path: Path, suffix: str) -> None:
    gaussian(3).save(tmp_path / f"whole{suffix}")
    content = (tmp_path / f"whole{suffix}").read_bytes()
    rng = np.random.default_rng(2)
    path = tmp_path / f"damaged{suffix}"
    refused = []
    for _ in range(400):
        damaged = bytearray(content)
        damaged[rng.integers(len(content))] = rng.integers(256)
        path.write_bytes(bytes(damaged))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # zipfile's own remarks about damage
            try:
                BoltzmannMachine.load(path)
            except InvalidInput as error:
                refused.append(str(error))
    assert len(refused) > 100
    assert all(path.name in sentence and "\n" not in sentence for sentence in refused)


def test_missing_files_and_suffixes(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"none.json' does not exist"):
        BoltzmannMachine.load(tmp_path / "none.json")
    with pytest.raises(InvalidInput, match=r"machine.txt' must end in .json or .npz"):
        BoltzmannMachine.load(tmp_path / "machine.txt")
    with pytest.raises(InvalidInput, match=r"machine' must end in .json or .npz"):
        gaussian(2).save(tmp_path / "machine")
    with pytest.raises(InvalidInput, match="cannot be written"):
        gaussian(2).save(tmp_path / "no" / "folder" / "machine.json")
    (tmp_path / "folder.json").mkdir()
    with pytest.raises(InvalidInput, match="cannot be read"):
        BoltzmannMachine.load(tmp_path / "folder.json")
    with pytest.raises(InvalidInput, match="cannot be written"):
        gaussian(2).save(tmp_path / "folder.json")


def test_a_failed_save_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "machine.npz"
    gaussian(2).save(path)
    before = path.read_bytes()

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(InvalidInput, match="cannot be written: No space left on device"):
        gaussian(3).save(path)
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["machine.npz"]


@pytest.mark.parametrize("of", ["weights", "biases"])
def test_complex_numbers_are_refused(of: str) -> None:
    arrays: dict[str, Any] = {"weights": np.array([[0, 1.0], [1, 0]]), "biases": np.array([0.5, -1])}
    arrays[of] = arrays[of] * 1j
    with pytest.raises(InvalidInput, match=f"^{of} must be an array of numbers, got complex numbers"):
        BoltzmannMachine(**arrays)


def test_energies_of_many_states_are_told_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    machine, states = gaussian(7, seed=1), np.random.default_rng(2).integers(2, size=(3, 5, 7))
    whole = machine.energy(states)
    monkeypatch.setattr(coupled, "STATES_AT_ONCE", 4 * 7)
    np.testing.assert_allclose(machine.energy(states), whole, rtol=1e-13)
    assert machine.energy(states[:0]).shape == (0, 5)
