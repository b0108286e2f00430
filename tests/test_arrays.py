"""Arrays from outside: what is not plain numbers is refused, names are kept, what is shared is locked."""

import dataclasses
import pickle
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import photinus as ph
from photinus._core import validate
from photinus.learning.imports import restricted
from photinus.tasks import results, tasks
from tests.narrow import array, lasers, untyped

W = np.array([[0, 1.0, 0], [1, 0, -0.5], [0, -0.5, 0]])
B = np.array([0.5, -1.0, 0.0])


def stretched(a: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the same numbers with negative strides, in an array of twice the size."""
    wide = np.zeros(tuple(2 * n for n in a.shape))
    where = tuple(slice(None, None, -2) for _ in a.shape)
    wide[where] = a
    return wide[where]


@pytest.mark.parametrize(
    "layout",
    [
        stretched,
        np.asfortranarray,
        lambda a: a.astype(np.float16),
        lambda a: a.astype(">f8"),
        lambda a: a.astype(np.longdouble),
        lambda a: a.tolist(),
        np.ma.masked_array,
        lambda a: np.ascontiguousarray(a).data,
    ],
)
def test_layouts_of_the_same_numbers_are_one_machine(
    layout: Callable[..., Any],
) -> None:
    assert ph.BoltzmannMachine(layout(W), layout(B)) == ph.BoltzmannMachine(W, B)


def test_bytes_and_bools_do_not_wrap() -> None:
    ones = np.array([[0, 200], [200, 0]], np.uint8)
    machine = ph.BoltzmannMachine(ones, np.array([True, False]))
    assert machine.energy(np.array([[True, True]])) == [-201]
    assert ph.BoltzmannMachine.from_spin(ones, np.array([255, 0], np.uint8)).biases[0] == 2 * (
        200 - 255
    )


@pytest.mark.parametrize(
    "wrong",
    [
        W * 1j,
        np.ma.masked_array(W, mask=W < 0),
        W.astype(str),
        W.astype(object),
        W.astype("M8[s]"),
        np.zeros((3, 3), [("a", float)]),
        [[0, 1], [1]],
        [[0, None], [None, 0]],
        np.full((3, 3), np.nan),
        np.full((3, 3), 10**18) - np.diag([10**18] * 3),
        [[0, 10**400], [10**400, 0]],
        {"a": 1},
        None,
    ],
)
def test_what_is_not_numbers_is_refused(
    wrong: Any,
) -> None:
    with pytest.raises(ph.InvalidInput, match="^weights must"):
        ph.BoltzmannMachine(wrong, B)
    with pytest.raises(ph.InvalidInput, match="^weights must"):
        restricted(wrong, B, B)


def test_sparse_weights() -> None:
    from scipy.sparse import coo_matrix, csr_array

    kinds: tuple[Any, ...] = (coo_matrix, csr_array)
    for kind in kinds:
        assert ph.BoltzmannMachine(kind(W), B) == ph.BoltzmannMachine(W, B)


@pytest.mark.parametrize("kind", ["Float64", "Int64", "boolean", "float64[pyarrow]", "int8[pyarrow]"])
def test_numbers_of_pandas_of_other_types_than_numpys_are_numbers(kind: str) -> None:
    pd = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    weights = pd.DataFrame([[0, 1], [1, 0]], list("ab"), list("ab")).astype(kind)
    found = ph.BoltzmannMachine(weights, pd.Series([0, 1], list("ab")).astype(kind))
    assert found == ph.BoltzmannMachine([[0, 1], [1, 0]], [0, 1], ["a", "b"])
    weights.iloc[0, 1] = pd.NA
    with pytest.raises(ph.InvalidInput, match=r"^weights must be finite, got nan at index \(0, 1\)$"):
        ph.BoltzmannMachine(weights, [0, 1])


def test_mixed_columns_of_frames_are_numbers_if_all_are() -> None:
    pd = pytest.importorskip("pandas")
    mixed = pd.DataFrame({"a": [True, False, True], "b": [1, 0, 0], "c": [0.0, 1.0, 1.0]})
    assert validate.binary_array("data", mixed).tolist() == [[1, 1, 0], [0, 0, 1], [1, 0, 1]]
    with pytest.raises(ph.InvalidInput, match="data must be 0 or 1, got objects"):
        validate.binary_array("data", mixed.assign(d=["x", "y", "z"]))
    with pytest.raises(ph.InvalidInput, match="data must be 0 or 1, got nan"):
        validate.binary_array("data", mixed.assign(d=pd.array([1, None, 0], "Int64")))


def test_names_of_frames_bring_arrays_to_one_order() -> None:
    pd = pytest.importorskip("pandas")
    import xarray as xr

    names = ["a", "b", "c"]
    want = ph.BoltzmannMachine(W, B, names)
    w, b = pd.DataFrame(W, names, names), pd.Series(B, names)
    turned = ["c", "a", "b"]
    assert ph.BoltzmannMachine(w, b) == want
    assert ph.BoltzmannMachine(w[turned], b[turned]) == want
    assert ph.BoltzmannMachine(w.loc[turned], b[turned], names) == want
    assert ph.BoltzmannMachine.from_spin(w.loc[turned], b) == ph.BoltzmannMachine.from_spin(
        W[np.ix_([2, 0, 1], [2, 0, 1])], B[[2, 0, 1]], turned
    )
    array = xr.DataArray(W, dims=("i", "j"), coords={"i": names, "j": names})
    assert ph.BoltzmannMachine(array[:, [1, 0, 2]], b[turned]) == want
    states = pd.DataFrame([[1, 0, 1], [0, 1, 1]], columns=names)
    assert np.array_equal(want.energy(states[turned]), want.energy(states.to_numpy()))
    # Names that just count rows are no names, but counted otherwise they are.
    assert ph.BoltzmannMachine(pd.DataFrame(W), pd.Series(B)).labels == (0, 1, 2)
    assert ph.BoltzmannMachine(pd.DataFrame(W), pd.Series(B)[::-1]).biases.tolist() != B.tolist()
    for other in (
        b.rename({"a": "x"}),
        pd.Series([*B, 1], [*names, "d"]),
        pd.Series(B, ["a", "a", "b"]),
    ):
        with pytest.raises(ph.InvalidInput, match="^names of biases must"):
            ph.BoltzmannMachine(w, other)


def exact(weights: float, biases: list[float]) -> list[float]:
    """Return marginals of two units, weights and biases as fractions: the closed form in the limit."""
    logs = [
        Fraction(0),
        Fraction(biases[0]),
        Fraction(biases[1]),
        sum(map(Fraction, (*biases, weights))),
    ]
    peak = max(logs)
    p = [np.exp(float(max(x - peak, Fraction(-800)))) for x in logs]
    total = sum(p)
    return [(p[1] + p[3]) / total, (p[2] + p[3]) / total]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("scale", [1e-300, 1e-20, 1e-6, 1.0, 1e3, 1e6, 1e15, 1e100, 1e299, 1.7e308])
@pytest.mark.parametrize(
    ("w", "b"), [(1, (0, 0)), (-1, (0.4, 0.3)), (-0.5, (1, 1)), (0.9, (-0.5, -0.4))]
)
def test_exact_answers_at_every_scale(scale: float, w: float, b: tuple[float, float]) -> None:
    weight, biases = w * scale, [x * scale for x in b]
    machine = ph.BoltzmannMachine([[0, weight], [weight, 0]], biases)
    calls = {
        "marginals": machine.marginals,
        "pairs": machine.pair_moments,
        "joint": machine.joint,
        "log_partition": machine.log_partition,
        "entropy": machine.entropy,
        "energy": lambda: machine.energy(machine.states()),
        "log_probability": lambda: machine.log_probability(machine.states()),
        "spin": lambda: np.concatenate([np.ravel(x) for x in machine.to_spin()]),
        "conditional": lambda: machine.conditional({0: 1}).marginals(),
        "heated": lambda: machine.heated(1e-9).marginals(),
    }
    found = {}
    for name, call in calls.items():
        try:
            found[name] = np.asarray(call())
            assert np.isfinite(found[name]).all(), name
        except ph.InvalidInput:
            assert scale > 1e6 or (name == "heated" and scale > 1e-9)
    if "marginals" in found:
        assert found["marginals"] == pytest.approx(exact(weight, biases), abs=1e-7)
        assert found["joint"].sum() == pytest.approx(1)
    assert "marginals" in found or scale >= 1e15


def test_states_that_rounding_makes_alike_are_refused() -> None:
    # Two of three states are equally likely; at 1e20 a sum of tenths is off by thousands.
    w = -np.ones((3, 3)) + np.eye(3)
    small, huge = (ph.BoltzmannMachine(w * s, [0.1 * s, 0.1 * s, 0.1 * s]) for s in (1e3, 1e20))
    assert small.marginals() == pytest.approx([1 / 3] * 3)
    with pytest.raises(ph.InvalidInput, match="equal within rounding"):
        huge.marginals()
    whole = ph.BoltzmannMachine(w * 1e12, [1e11] * 3)  # whole numbers add up without rounding
    assert whole.marginals() == pytest.approx([1 / 3] * 3)


def arrays_of(value: Any, path: str = "", seen: set[int] | None = None) -> Iterator[Any]:
    """Give (path, array) of every array that hangs on `value`."""
    seen = set() if seen is None else seen
    if id(value) in seen:
        return
    seen.add(id(value))
    if isinstance(value, np.ndarray):
        yield path, value
    elif type(value).__module__.startswith("scipy.sparse"):
        for name in ("data", "indices", "indptr"):
            yield f"{path}.{name}", getattr(value, name)
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield from arrays_of(getattr(value, field.name), f"{path}.{field.name}", seen)
    elif isinstance(value, (tuple, list)):
        for k, one in enumerate(value):
            yield from arrays_of(one, f"{path}[{k}]", seen)
    elif hasattr(value, "items"):
        for key, one in value.items():
            yield from arrays_of(one, f"{path}[{key!r}]", seen)


def shared() -> Iterator[Any]:
    from scipy.sparse import csr_array

    machine = ph.BoltzmannMachine(W, B)
    network = ph.translate(machine, ph.Calibration.preset())
    yield machine
    yield network
    yield network.replace(coupling=csr_array(network.coupling), delay=0.0)
    yield ph.BayesianNetwork.asia()
    for name in ("fast-absorber", "high-beta", "lif-hcs"):
        yield ph.Calibration.preset(name)


@pytest.mark.parametrize("thing", list(shared()), ids=lambda x: type(x).__name__)
def test_what_is_shared_is_read_only(thing: Any) -> None:
    again = pickle.loads(pickle.dumps(thing))
    for one in (thing, again):
        writable = [path for path, array in arrays_of(one) if array.flags.writeable]
        assert writable == []


def test_mappings_of_shared_things_are_read_only() -> None:
    with pytest.raises(TypeError):
        untyped(ph.Calibration.preset().kernel_error)["kick"] = 0
    with pytest.raises(TypeError):
        untyped(ph.BayesianNetwork.asia().tables["asia"][1])[()] = 0.5


def test_constructors_copy() -> None:
    w, b, drive = W.copy(), B.copy(), ph.Calibration.preset().drive.copy()
    machine = ph.BoltzmannMachine(w, b)
    network = lasers(ph.translate(machine, ph.Calibration.preset()))
    pump, coupling = network.pump.copy(), array(network.coupling).copy()
    other = network.replace(pump=pump, coupling=coupling)
    record = dataclasses.replace(ph.Calibration.preset(), drive=drive)
    for given in (w, b, pump, coupling, drive):
        given += 1
    assert machine == ph.BoltzmannMachine(W, B)
    assert np.array_equal(other.pump, network.pump)
    assert np.array_equal(array(other.coupling), array(network.coupling))
    assert np.array_equal(record.drive, ph.Calibration.preset().drive)


@pytest.mark.parametrize(
    ("shape", "kind", "hidden"),
    [
        ((1, 10), "half", 5),
        ((10, 1), "half", 5),
        ((1, 8), "quarter", 2),
        ((8, 1), "quarter", 2),
        ((4, 6), "half", 12),
        ((4, 6), "quarter", 6),
    ],
)
def test_masks_hide_what_they_say(shape: tuple[int, int], kind: str, hidden: int) -> None:
    assert np.sum(~tasks.mask(shape, kind)) == hidden


def test_labels_of_any_spelling_are_classes() -> None:
    found = results.Classification(np.eye(3), ("0", "1", "2"), 10, None)
    for labels in (
        [0, 1, 2],
        [0.0, 1.0, 2.0],
        ["0", "1", "2"],
        ["0.0", "1", "2"],
        np.arange(3, dtype="u1"),
    ):
        assert found.accuracy(labels) == 1
    assert found.accuracy([0, 0, 0]) == pytest.approx(1 / 3)
    floats = results.Classification(np.eye(2), ("0.0", "1.0"), 10, None)
    assert floats.accuracy([0, 1]) == 1
    bad: Any
    for bad in ([0, 1], [0, 1, 3], [0, 1, 2.5], ["a", "b", "c"], [0, 1, np.nan], [[0, 1, 2]], None):
        with pytest.raises(ph.InvalidInput, match="labels must"):
            found.accuracy(bad)
