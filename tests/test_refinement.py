"""Refinement in the loop: what it reaches on lasers, its record, its arguments."""

import json
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_array

from photinus import BoltzmannMachine, Calibration, LaserNetwork, sample, translate
from photinus.devices import Network
from photinus.diagnostics import references
from photinus.diagnostics.distance import kl_divergence
from photinus.errors import InvalidInput, TranslationWarning
from photinus.learning.moments import Statistics, Target
from photinus.learning.refinement import refine
from tests.machines import uniform
from tests.narrow import lasers


def target_of(machine: BoltzmannMachine, structure: str = "all") -> tuple[Statistics, Target]:
    network = translate(machine, Calibration.preset())
    statistics = Statistics.between(network.coupling, structure)
    return statistics, Target.of(machine, statistics, np.random.SeedSequence(0))


@pytest.fixture(scope="module")
def astray() -> Any:
    """Return a machine and a network whose pumps and couplings are all wrong."""
    machine = uniform(4, seed=3)
    network = lasers(translate(machine, Calibration.preset()))
    slope = Calibration.preset().slope
    pump = network.pump + 0.5 * slope / network.parameters.gain_lifetime * np.array([1, -1, 1, -1])
    return machine, network.replace(pump=pump, coupling=0.6 * network.coupling)


@pytest.fixture(scope="module")
def refined(astray: tuple[BoltzmannMachine, LaserNetwork]) -> Any:
    machine, network = astray
    return refine(machine, Calibration.preset(), network=network, seed=1, draws=200)


def test_a_network_that_is_all_wrong_is_put_right(astray: Any, refined: Any) -> None:
    """KL falls from above 0.05 to near the floor, which is about 1e-4 for this length."""
    machine, network = astray
    exact = machine.joint()

    def kl(network: Network) -> float:
        run = sample(machine, chains=256, draws=200, burn_in=25, seed=77, network=network)
        return kl_divergence(run.joint(), exact)

    assert kl(network) > 0.02
    assert refined.converged
    # Five of the floor: corrections carry the noise of measurements as long as this one.
    assert kl(refined.network) < 1e-3
    assert refined.rounds[0].misfit > 10
    # Two runs of 200: what is kept must not be judged by one run alone.
    assert refined.rounds[-1].draws >= 400
    assert refined.rounds[-1].p_value >= 0.01


def test_mismatch_of_the_lasers_is_absorbed() -> None:
    """Five per cent in every parameter: what the translation is off by, refinement takes away."""
    machine = uniform(3, seed=5)
    network = lasers(translate(machine, Calibration.preset())).mismatched(0.05, seed=1)
    result = refine(machine, Calibration.preset(), network=network, seed=2, draws=100)
    assert lasers(result.network).devices == network.devices

    def kl(network: Network) -> float:
        run = sample(machine, chains=256, draws=100, burn_in=25, seed=77, network=network)
        return kl_divergence(run.joint(), machine.joint())

    assert kl(network) > 0.02
    assert result.converged
    assert kl(result.network) < 1e-3


def test_integrate_and_fire_neurons_are_refined_too() -> None:
    machine, calibration = uniform(4, seed=3), Calibration.preset("lif-hcs")
    network = translate(machine, calibration, rule="linear")
    network = network.driven(network.drive + calibration.slope * np.array([0.5, -0.5, 0.5, -0.5]))
    result = refine(machine, calibration, network=network, seed=2, draws=100)
    assert result.converged

    def kl(neurons: Network) -> float:
        run = sample(machine, "lif", chains=256, draws=100, burn_in=25, seed=77, network=neurons)
        return kl_divergence(run.joint(), machine.joint())

    assert kl(network) > 0.02
    assert kl(result.network) < 1e-3


def test_record_is_plain(refined: Any) -> None:
    record = refined.to_dict()
    assert record["converged"] is True
    assert record["reason"] == refined.reason
    assert record["rounds"][-1]["draws"] >= 400
    assert json.loads(json.dumps(record)) == record


def test_same_seed_same_network(astray: Any) -> None:
    machine, network = astray
    options: dict[str, Any] = {"network": network, "chains": 130, "draws": 20, "most_rounds": 3}
    one, again, other = (
        refine(machine, Calibration.preset(), seed=seed, threads=threads, **options)
        for seed, threads in ((1, 1), (1, 3), (2, 1))
    )
    np.testing.assert_array_equal(lasers(again.network).pump, lasers(one.network).pump)
    np.testing.assert_array_equal(again.network.coupling, one.network.coupling)
    assert again.rounds == one.rounds
    assert (lasers(other.network).pump != lasers(one.network).pump).all()


def test_missing_couplings_stay_missing_where_the_chip_has_no_synapse() -> None:
    weights = np.array([[0, 0.8, 0], [0.8, 0, -0.6], [0, -0.6, 0]])
    machine = BoltzmannMachine(weights, [0.1, 0.2, -0.3], labels=["a", "b", "c"])
    result = refine(
        machine, Calibration.preset(), structure="given", chains=32, draws=16, most_rounds=3
    )
    assert ((result.network.coupling == 0) == (weights == 0)).all()
    assert result.network.labels == ("a", "b", "c")


def test_all_pairs_may_get_a_coupling() -> None:
    weights = np.array([[0, 1.5, 0], [1.5, 0, -1.5], [0, -1.5, 0]])
    machine = BoltzmannMachine(weights, [0.1, 0.2, -0.3])
    network = translate(machine, Calibration.preset())
    network = network.driven(network.drive, 0.5 * network.coupling)
    result = refine(machine, Calibration.preset(), network=network, chains=64, draws=64, most_rounds=4)
    assert result.network.coupling[0, 2] != 0


def test_a_seed_sequence_is_not_changed_by_use() -> None:
    machine, seed = uniform(2), np.random.SeedSequence(5)
    options: dict[str, Any] = {"chains": 8, "draws": 16, "most_rounds": 2, "seed": seed}
    one, two = (refine(machine, Calibration.preset(), **options).network for _ in range(2))
    np.testing.assert_array_equal(lasers(one).pump, lasers(two).pump)
    assert seed.n_children_spawned == 0


def test_it_says_why_it_stopped_and_which_round_it_chose(refined: Any) -> None:
    assert refined.reason.startswith("No misfit is left that ")
    assert refined.best is refined.rounds[refined.chosen] is refined.rounds[-1]
    machine = uniform(4, seed=3)
    short = refine(machine, Calibration.preset(), chains=8, draws=8, most_rounds=1)
    assert short.chosen == 0
    assert not short.converged
    assert short.reason == "No more than 1 measurements were allowed."


def test_it_says_where_chains_stay_in_their_modes() -> None:
    """Of a ferromagnet, all on or all off; not of the same machine with a tenth of its strengths."""

    def reason(scale: float) -> str:
        weights = 4 * scale * (1 - np.eye(6))
        machine = BoltzmannMachine(weights, -weights.sum(axis=1) / 2)
        options: dict[str, Any] = {"chains": 16, "draws": 60, "most_rounds": 2}
        return refine(machine, Calibration.preset(), **options).reason

    assert "Chains hardly leave their modes" in reason(1.0)
    assert "modes" not in reason(0.1)


def test_sparse_couplings_stay_sparse_and_where_they_are() -> None:
    weights = np.array([[0, 0.8, 0], [0.8, 0, -0.6], [0, -0.6, 0]])
    machine = BoltzmannMachine(weights, [0.8, 0.2, -0.3])
    network = translate(machine, Calibration.preset())
    dense_start = network.driven(network.drive, 0.5 * network.coupling)
    sparse_start = dense_start.replace(coupling=csr_array(dense_start.coupling))
    options: dict[str, Any] = {"chains": 32, "draws": 32, "most_rounds": 4, "structure": "given"}
    one = refine(machine, Calibration.preset(), network=dense_start, **options).network
    two = refine(machine, Calibration.preset(), network=sparse_start, **options).network
    assert (one.coupling != dense_start.coupling).any()
    np.testing.assert_allclose(two.coupling.toarray(), one.coupling, rtol=1e-9)


def test_moments_wanted_are_exact_up_to_as_many_units_as_are_enumerated() -> None:
    machine = uniform(21, scale=0.4)
    statistics, target = target_of(machine)
    exact = machine.pair_moments()[statistics.rows, statistics.columns]
    np.testing.assert_allclose(target.wanted.moments, exact, atol=1e-12)
    assert (len(target.wanted.root), target.source, target.doubt) == (0, "enumeration", "")
    result = refine(machine, Calibration.preset(), chains=16, draws=16, most_rounds=2)
    assert (result.rounds[0].kl, result.reference) == (None, "enumeration")
    assert len(result.rounds) <= 2


def test_larger_machines_take_their_moments_from_two_samplers_that_agree(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each of 171 moments within 5.5 of its own standard errors: false alarms below 1e-4."""
    machine = uniform(18, scale=0.6)
    monkeypatch.setattr(references, "MAX_ENUMERATED", 8)
    monkeypatch.setattr(references, "_by_tree", lambda *_: None)
    statistics, target = target_of(machine)
    assert (target.source, target.doubt) == ("ideal and gibbs", "")
    exact = machine.pair_moments()[statistics.rows, statistics.columns]
    error = np.sqrt((target.wanted.root**2).sum(axis=0))
    z = (target.wanted.moments - exact) / error
    assert error.max() < 0.01
    assert np.abs(z).max() < 5.5
    # The same moments, were they off by 0.05, would not pass.
    assert np.abs(z + 0.05 / error).max() > 5.5


def test_trees_that_mix_slowly_take_their_moments_from_an_exact_method() -> None:
    """Of a star with strong couplings, symmetric under flips of all units: every marginal is ½."""
    n, weight = 30, 7.0
    weights = np.zeros((n, n))
    weights[0, 1:] = weights[1:, 0] = weight
    machine = BoltzmannMachine(weights, -weights.sum(axis=1) / 2)
    statistics, target = target_of(machine)
    assert (target.source, target.doubt) == ("tree decomposition", "")
    moments, root = target.wanted.moments, target.wanted.root
    np.testing.assert_allclose(moments[:n], 0.5, atol=1e-9)
    # A ray is on with the hub by σ(W/2); two rays meet by way of the hub.
    along = 1 / (1 + np.exp(-weight / 2))
    exact = np.where(statistics.rows[n:] == 0, along, along**2 + (1 - along) ** 2) / 2
    error = np.sqrt((root[:, n:] ** 2).sum(axis=0))
    assert (error[statistics.rows[n:] == 0] == 0).all()
    # 406 pairs of rays from 8 192 draws, by a Student's t of 31 degrees: 8 has p < 4e-6 for all.
    assert np.abs(moments[n:] - exact).max() < 8 * error.max() < 0.06


def test_moments_that_nothing_confirms_are_said_to_be_unsure() -> None:
    """Chains of a strong ferromagnet stay in one mode; refinement runs, and says what it goes by."""
    n = 26
    weights = 2.0 * (1 - np.eye(n))
    machine = BoltzmannMachine(weights, -weights.sum(axis=1) / 2)
    with pytest.warns(TranslationWarning, match="moments wanted are not sure") as told:
        result = refine(machine, Calibration.preset(), chains=8, draws=8, most_rounds=1)
    assert len(told) == 1
    assert "did not converge" in str(told[0].message)
    assert result.reference == "none"
    assert result.reason.endswith(str(told[0].message))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"chains": 7}, "chains must be at least 8, got 7"),
        ({"draws": 0}, "draws must be at least 8, got 0"),
        ({"most_rounds": 0}, "most_rounds must be at least 1, got 0"),
        ({"structure": "some"}, "structure must be"),
        ({"damping": -1}, "damping must be at least 0, got -1"),
    ],
)
def test_bad_arguments(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        refine(uniform(2), Calibration.preset(), **changes)


def test_network_of_another_device_or_machine(astray: tuple[BoltzmannMachine, LaserNetwork]) -> None:
    machine, network = astray
    with pytest.raises(InvalidInput, match="same device"):
        refine(machine, Calibration.preset("slow-absorber"), network=network)
    with pytest.raises(InvalidInput, match="labels of the machine"):
        refine(uniform(3), Calibration.preset(), network=network)
