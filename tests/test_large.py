"""Machines held as sparse rows: what they give is what arrays give, and no n × n array is made."""

import json
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array

import photinus as ph
from photinus._core.matrices import dense
from photinus._core.validate import is_sparse
from photinus.devices import load_network
from photinus.errors import InvalidInput
from photinus.learning import BoltzmannEstimator, fit_moments, log_partition, moments
from photinus.learning.loop import DeviceChains
from photinus.machines import checks
from photinus.machines.evidence import Evidence
from photinus.reference.gibbs import sample_gibbs
from photinus.translation import fields
from photinus.translation.drives import evidence_drive
from photinus.translation.validity import check
from tests.conftest import Run
from tests.machines import machine as random_machine

UNITS = 40


Result = TypeVar("Result")


def both(work: Callable[[ph.BoltzmannMachine], Result]) -> tuple[Result, Result]:
    """Return what comes of a machine held as an array, and of the same one held as sparse rows."""
    array = random_machine("tree", UNITS, np.random.default_rng(3), scale=1.0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checks, "MOST_PLAIN", 10)
        sparse = ph.BoltzmannMachine(array.weights, array.biases, array.labels)
        assert is_sparse(sparse.matrix)
        rows = work(sparse)
    return work(array), rows


def test_how_weights_are_held_depends_on_what_they_are() -> None:
    n = checks.MOST_PLAIN + 1
    chain = csr_array((np.ones(n - 1), (np.arange(n - 1), np.arange(1, n))), shape=(n, n))
    chain = csr_array(chain + chain.T)
    few = ph.BoltzmannMachine(chain, np.zeros(n))
    assert is_sparse(few.matrix)
    assert few == ph.BoltzmannMachine(chain.toarray(), np.zeros(n))
    assert hash(few) == hash(ph.BoltzmannMachine.from_couplings(*few.couplings, few.biases))
    assert few != few.heated(2)
    small = ph.BoltzmannMachine(chain[:50][:, :50], np.zeros(50))
    assert isinstance(small.matrix, np.ndarray)


def test_everything_a_machine_tells() -> None:
    states = np.random.default_rng(1).integers(0, 2, (3, 40, UNITS))
    gauge = np.arange(UNITS) % 3 == 0

    def told(machine: ph.BoltzmannMachine) -> list[Any]:
        known = {machine.labels[0]: 1, machine.labels[7]: 0}
        spin, fields, _ = machine.to_spin()
        changed = [
            machine,
            machine.heated(1.7),
            machine.flipped(gauge),
            machine.conditional(known),
            ph.BoltzmannMachine.from_spin(spin, fields, machine.labels),
        ]
        assert all(is_sparse(each.matrix) == is_sparse(machine.matrix) for each in changed)
        return [
            *(each.weights for each in changed),
            *(each.biases for each in changed),
            machine.energy(states),
            machine.log_partition(),
            machine.marginals(),
            machine.largest_weight,
            *machine.couplings,
        ]

    for array, rows in zip(*both(told), strict=True):
        assert_allclose(rows, array, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("substrate", ["gibbs", "ideal", "exact", "laser-reduced", "laser", "lif"])
@pytest.mark.parametrize("known", [{}, {0: 1, 7: 0}])
def test_same_draws_as_from_an_array(substrate: str, known: dict[int, int]) -> None:
    options: dict[str, Any] = {"chains": 3, "draws": 4, "burn_in": 4, "seed": 5, "rule": "linear"}
    if substrate.startswith("l"):
        options["evidence_mode"] = "laser"

    def drawn(machine: ph.BoltzmannMachine) -> ph.Samples:
        evidence = {machine.labels[k]: value for k, value in known.items()}
        return ph.sample(machine, substrate, evidence=evidence, **options)

    array, rows = both(drawn)
    assert_array_equal(array.states, rows.states)
    assert array.states[:, :, 10:].any()
    if rows.network is not None:
        assert is_sparse(rows.network.coupling)
        assert not is_sparse(array.network.coupling)  # type: ignore[union-attr]


def test_the_measured_rule_meets_the_same_fields() -> None:
    calibration = ph.Calibration.preset("fast-absorber")

    def built(machine: ph.BoltzmannMachine) -> list[Any]:
        random = np.random.default_rng(1)
        states, equal = random.integers(0, 2, (99, UNITS), np.uint8), np.full(99, 1 / 99)
        same = fields.lines_through(machine, states, equal, calibration)
        network = ph.translate(machine, calibration, rule="measured", gauge="none")
        known = Evidence.of({machine.labels[0]: 1}, machine.labels, 2)
        drive = evidence_drive(machine, calibration, network, known, rule="measured")
        return [
            [same.mean, same.drive, same.slope],
            [network.drive, drive[1], dense(network.coupling)],
            str(check(machine, calibration)),
        ]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("photinus.machines.energies.FIELDS_PER_BLOCK", 5 * 99)
        array, rows = both(built)
    assert_allclose(rows[0], array[0], rtol=1e-9)
    for one, other in zip(rows[1], array[1], strict=True):
        assert_allclose(one, other, rtol=0.03, atol=0.03 * np.abs(other).max())
    assert rows[2] == array[2]


def test_files_hold_pairs(tmp_path: Path) -> None:
    def again(machine: ph.BoltzmannMachine) -> bool:
        for suffix in ("json", "npz"):
            machine.save(tmp_path / f"machine.{suffix}")
            assert ph.BoltzmannMachine.load(tmp_path / f"machine.{suffix}") == machine
        document = json.loads((tmp_path / "machine.json").read_text())
        return set(document) == {"kind", "schema", "labels", "first", "second", "weight", "biases"}

    assert both(again) == (False, True)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"second": [0]}, "pairs must be of two units, got 0 with itself"),
        ({"second": [3]}, "second must be from 0 to 2, got 3"),
        ({"first": [0.5]}, "first must be whole numbers"),
        ({"weight": [1, 2]}, "first must have 2 entries as weights has, got 1"),
        ({"weight": ["x"]}, "weights must be an array of numbers"),
    ],
)
def test_wrong_pairs(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    document = {"kind": "boltzmann-machine", "schema": 2, "labels": [0, 1, 2], "biases": [0, 0, 0]}
    document |= {"first": [0], "second": [1], "weight": [1.0]}
    path = tmp_path / "machine.json"
    path.write_text(json.dumps(document))
    assert ph.BoltzmannMachine.load(path).weights[0, 1] == 1
    path.write_text(json.dumps({**document, **change}))
    with pytest.raises(InvalidInput, match=message):
        ph.BoltzmannMachine.load(path)


def test_stores_hold_pairs(tmp_path: Path) -> None:
    def stored(machine: ph.BoltzmannMachine) -> bool:
        path = tmp_path / str(is_sparse(machine.matrix))
        options: dict[str, Any] = {"chains": 4, "draws": 20, "burn_in": 2, "seed": 1, "path": path}
        samples = ph.sample(machine, "gibbs", **options)
        found = ph.load(path)
        assert found.machine == machine
        assert_array_equal(found.states, samples.states)
        assert_array_equal(ph.sample(machine, "gibbs", resume=True, **options).states, found.states)
        with pytest.raises(InvalidInput, match="the machine of the stored run"):
            ph.sample(machine.heated(2), "gibbs", resume=True, **options)
        return "first" in samples.to_datatree()["target"]

    assert both(stored) == (False, True)


def test_certificate_and_moments_of_pairs() -> None:
    def judged(machine: ph.BoltzmannMachine) -> tuple[Any, ...]:
        samples = ph.sample(machine, "gibbs", chains=20, draws=400, burn_in=100, seed=2)
        found = samples.fidelity()
        first, second, _ = machine.couplings
        moments = samples.pair_moments()[first, second]
        assert_allclose(samples.coupled_moments(), moments, rtol=1e-5)
        assert found.reference == "tree decomposition"
        return found.beta_eff, found.ess, found.marginal_error

    array, rows = both(judged)
    assert rows == pytest.approx(array, rel=1e-6)


def test_a_wrong_sampler_shows_without_a_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of many units, some draws tell that the temperature is wrong, and only then."""
    for limit in ("references.MOST_IN_TREE", "references.MOST_UNITS", "convergence.MOST_WATCHED"):
        monkeypatch.setattr(f"photinus.diagnostics.{limit}", 12)
    for limit in ("MOST_ALIGNED", "MOST_FIELDS"):
        monkeypatch.setattr(f"photinus.diagnostics.findings.{limit}", 20 * 100 * UNITS)

    def biased(machine: ph.BoltzmannMachine) -> list[bool | None]:
        told = []
        for temperature in (1.0, 1.5):
            hot = machine.heated(temperature)
            states = sample_gibbs(hot, chains=20, draws=400, burn_in=100, seed=1)
            found = ph.Samples(
                machine=machine, states=states, substrate="gibbs", burn_in=100
            ).fidelity()
            assert found.reference == "none"
            assert sum(unit.ess is not None for unit in found.units) <= 12
            told.append(found.biased)
        return told

    array, rows = both(biased)
    assert array == rows == [None, True]


def test_arrays_of_large_machines_are_refused() -> None:
    n = 20_000
    chain = ph.BoltzmannMachine.from_couplings(
        np.arange(n - 1), np.arange(1, n), np.ones(n - 1), np.zeros(n)
    )
    with pytest.raises(InvalidInput, match=r"at most 10,000 units .* this machine has 20,000"):
        _ = chain.weights
    wrong = csr_array(([1.0, np.nan], ([0, 1], [1, 0])), shape=(n, n))
    for matrix, message in (
        (wrong, "weights must be finite"),
        (csr_array(([1.0], ([3], [4])), shape=(n, n)), r"must be symmetric, got 1 at \(3, 4\) and 0"),
        (csr_array(([1.0], ([3], [3])), shape=(n, n)), "zero diagonal, got 1 at unit 3"),
        (csr_array((n, n + 1)), "must be square"),
    ):
        with pytest.raises(InvalidInput, match=message):
            ph.BoltzmannMachine(matrix, np.zeros(n))


def test_moments_and_responses_take_the_memory_of_pairs() -> None:
    """What refinement does again and again, of 8 000 units: an array of all pairs has 256 MB."""
    n, random = 8000, np.random.default_rng(5)
    first = np.repeat(np.arange(n), 5)
    second = (first + random.integers(1, n, first.size)) % n
    machine = ph.BoltzmannMachine.from_couplings(first, second, np.ones(first.size), np.zeros(n))
    statistics = moments.Statistics.between(machine.matrix, "all")
    states = (random.random((8, 20, n)) < 0.5).astype(np.uint8)
    vector = random.normal(size=len(statistics))
    tracemalloc.start()
    found = moments._chain_moments(states, statistics)
    response = statistics.response(states.reshape(-1, n))
    times = response.resolvent(response.times(vector[None]))(0.1)
    peak = tracemalloc.get_traced_memory()[1]
    np.zeros((n, n), np.float32)
    assert peak < 80e6 < tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert np.isfinite(times).all()
    rows, columns = statistics.rows[-9:], statistics.columns[-9:]
    both = states[:, :, rows] & states[:, :, columns]
    assert_allclose(found[:, -9:], both.mean(axis=1))


def test_learning_refuses_many_units_before_it_makes_arrays_of_pairs() -> None:
    data = np.arange(2 * 3000).reshape(2, 3000) % 2
    tracemalloc.start()
    with pytest.raises(InvalidInput, match="^data must have at most 16 units, got 3000: "):
        ph.BoltzmannMachine.fit(data)
    with pytest.raises(
        InvalidInput, match="^learning 300064 units, every pair with a weight, would need"
    ):
        BoltzmannEstimator().fit(np.resize(data, (2, 300_000)))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3000 * 3000 * 8 / 2
    with pytest.raises(InvalidInput, match="^moments must have at most 16 units, got 17: "):
        fit_moments(np.eye(17) / 2)


def test_learning_takes_machines_held_as_sparse_rows() -> None:
    calibration = ph.Calibration.preset("fast-absorber")
    chains = both(lambda machine: DeviceChains(calibration, chains=4, windows=2, seed=1)(machine))
    assert_array_equal(*chains)
    assert_allclose(*both(lambda machine: log_partition(machine).value), rtol=1e-12)


def test_the_partition_function_of_a_long_chain() -> None:
    n, random = 12_000, np.random.default_rng(5)
    weights, biases = random.normal(size=n - 1), random.normal(size=n)
    off, on = 0.0, biases[0]  # log sums over all units so far, by the state of the last one
    for weight, bias in zip(weights, biases[1:], strict=True):
        off, on = np.logaddexp(off, on), bias + np.logaddexp(off, on + weight)
    machine = ph.BoltzmannMachine.from_couplings(np.arange(n - 1), np.arange(1, n), weights, biases)
    assert_allclose(log_partition(machine).value, np.logaddexp(off, on), rtol=1e-12)


def test_networks_of_many_lasers_are_translated_without_an_array(run: Run, tmp_path: Path) -> None:
    """12 000 lasers: the table ends, no KL is foretold, and what needs an array says so."""
    n = 12_000
    machine = ph.BoltzmannMachine.from_couplings(
        np.arange(0, n, 2), np.arange(1, n, 2), np.ones(n // 2), np.zeros(n)
    )
    machine.save(tmp_path / "machine.npz")
    code, out, _ = run("translate", "machine.npz", "--rule", "linear")
    assert code == 0
    assert "… and 11,800 others" in out
    assert "predicted KL: unknown, couplings are an array for at most 10,000 units" in out
    network = load_network(tmp_path / "network.json")
    with pytest.raises(InvalidInput, match="couplings are an array for at most 10,000 .* 12,000"):
        ph.predict(machine, ph.Calibration.preset(), network)


SCRIPT = """
import sys, tracemalloc
import numpy as np
import photinus as ph
from photinus.diagnostics import convergence
convergence.MOST_WATCHED = 20
random = np.random.default_rng(0)

def use(n):
    first = np.repeat(np.arange(n), 5)
    second = (first + random.integers(1, n, first.size)) % n
    weights = random.normal(0, 0.3, first.size)
    machine = ph.BoltzmannMachine.from_couplings(first, second, weights, np.zeros(n))
    samples = ph.sample(machine, "gibbs", chains=4, draws=8, burn_in=4, seed=1)
    samples.fidelity()
    ph.sample(machine, "laser-reduced", chains=2, draws=4, burn_in=4, seed=1)
    return machine

use(2_100)  # compiling takes memory, too
tracemalloc.start()
machine = use(8_000)
peak = tracemalloc.get_traced_memory()[1] / 2**20
machine.matrix.toarray()
print(peak, tracemalloc.get_traced_memory()[1] / 2**20)
"""


def test_peak_memory_is_far_below_that_of_an_array() -> None:
    """An array of 8 000 units has 0.5 GB: where one is made at last, it is seen."""
    command = [sys.executable, "-W", "ignore", "-c", SCRIPT]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    sparse, array = map(float, done.stdout.split())
    assert sparse < 200 < array
