"""Refinement in the loop: what it reaches on lasers, its record, its arguments."""

import json

import numpy as np
import pytest
from scipy.sparse import csr_array

from photinus import BoltzmannMachine, Calibration, sample, translate
from photinus.diagnostics.fidelity import kl_divergence
from photinus.errors import InvalidInput
from photinus.learning.refinement import _Statistics, _Target, refine


def machine_of(n, seed=0, scale=1.0):
    generator = np.random.default_rng(seed)
    weights = np.triu(generator.uniform(-scale, scale, (n, n)), 1)
    return BoltzmannMachine(weights + weights.T, generator.uniform(-scale, scale, n))


def target_of(machine, structure="all"):
    network = translate(machine, Calibration.preset())
    statistics = _Statistics.between(network.coupling, structure)
    return statistics, _Target.of(machine, statistics, np.random.SeedSequence(0))


@pytest.fixture(scope="module")
def astray():
    """Return a machine and a network whose pumps and couplings are all wrong."""
    machine = machine_of(4, seed=3)
    network = translate(machine, Calibration.preset())
    slope = Calibration.preset().slope
    pump = network.pump + 0.5 * slope / network.parameters.gain_lifetime * np.array([1, -1, 1, -1])
    return machine, network.replace(pump=pump, coupling=0.6 * network.coupling)


@pytest.fixture(scope="module")
def refined(astray):
    machine, network = astray
    return refine(machine, Calibration.preset(), network=network, seed=1, draws=200)


def test_a_network_that_is_all_wrong_is_put_right(astray, refined):
    """KL falls from above 0.05 to near the floor, which is about 1e-4 for this length."""
    machine, network = astray
    exact = machine.joint()

    def kl(lasers):
        run = sample(machine, chains=256, draws=200, burn_in=25, seed=77, network=lasers)
        return kl_divergence(run.joint(), exact)

    assert kl(network) > 0.05
    assert refined.converged
    # Five of the floor: corrections carry the noise of measurements as long as this one.
    assert kl(refined.network) < 1e-3
    assert refined.rounds[0].misfit > 10
    assert refined.rounds[-1].draws == 200
    assert refined.rounds[-1].p_value >= 0.01


def test_mismatch_of_the_lasers_is_absorbed():
    """Five per cent in every parameter: what the translation is off by, refinement takes away."""
    machine = machine_of(3, seed=5)
    network = translate(machine, Calibration.preset()).mismatched(0.05, seed=1)
    result = refine(machine, Calibration.preset(), network=network, seed=2, draws=100)
    assert result.network.devices == network.devices

    def kl(lasers):
        run = sample(machine, chains=256, draws=100, burn_in=25, seed=77, network=lasers)
        return kl_divergence(run.joint(), machine.joint())

    assert kl(network) > 0.05
    assert result.converged
    assert kl(result.network) < 1e-3


def test_integrate_and_fire_neurons_are_refined_too():
    machine, calibration = machine_of(4, seed=3), Calibration.preset("lif-hcs")
    network = translate(machine, calibration, rule="linear")
    network = network.driven(network.drive + calibration.slope * np.array([0.5, -0.5, 0.5, -0.5]))
    result = refine(machine, calibration, network=network, seed=2, draws=100)
    assert result.converged

    def kl(neurons):
        run = sample(machine, "lif", chains=256, draws=100, burn_in=25, seed=77, network=neurons)
        return kl_divergence(run.joint(), machine.joint())

    assert kl(network) > 0.02
    assert kl(result.network) < 1e-3


def test_record_is_plain(refined):
    record = refined.to_dict()
    assert record["converged"] is True
    assert record["reason"] == refined.reason
    assert record["rounds"][-1]["draws"] == 200
    assert json.loads(json.dumps(record)) == record


def test_same_seed_same_network(astray, refined):
    machine, network = astray
    again = refine(machine, Calibration.preset(), network=network, seed=1, draws=200, threads=1)
    np.testing.assert_array_equal(again.network.pump, refined.network.pump)
    np.testing.assert_array_equal(again.network.coupling, refined.network.coupling)
    assert again.rounds == refined.rounds


def test_missing_couplings_stay_missing_where_the_chip_has_no_synapse():
    weights = np.array([[0, 0.8, 0], [0.8, 0, -0.6], [0, -0.6, 0]])
    machine = BoltzmannMachine(weights, [0.1, 0.2, -0.3], labels=["a", "b", "c"])
    result = refine(
        machine, Calibration.preset(), structure="given", chains=32, draws=16, most_rounds=3
    )
    assert ((result.network.coupling == 0) == (weights == 0)).all()
    assert result.network.labels == ("a", "b", "c")


def test_all_pairs_may_get_a_coupling():
    weights = np.array([[0, 1.5, 0], [1.5, 0, -1.5], [0, -1.5, 0]])
    machine = BoltzmannMachine(weights, [0.1, 0.2, -0.3])
    network = translate(machine, Calibration.preset())
    network = network.driven(network.drive, 0.5 * network.coupling)
    result = refine(machine, Calibration.preset(), network=network, chains=64, draws=64, most_rounds=4)
    assert result.network.coupling[0, 2] != 0


def test_a_seed_sequence_is_not_changed_by_use():
    machine, seed = machine_of(2), np.random.SeedSequence(5)
    options = {"chains": 8, "draws": 16, "most_rounds": 2, "seed": seed}
    one, two = (refine(machine, Calibration.preset(), **options).network for _ in range(2))
    np.testing.assert_array_equal(one.pump, two.pump)
    assert seed.n_children_spawned == 0


def test_it_says_why_it_stopped_and_which_round_it_chose(refined):
    assert refined.reason.startswith("No misfit is left that ")
    assert refined.best is refined.rounds[refined.chosen] is refined.rounds[-1]
    machine = machine_of(4, seed=3)
    short = refine(machine, Calibration.preset(), chains=8, draws=8, most_rounds=1)
    assert short.chosen == 0
    assert not short.converged
    assert short.reason == "No more than 1 measurements were allowed."


def test_sparse_couplings_stay_sparse_and_where_they_are():
    weights = np.array([[0, 0.8, 0], [0.8, 0, -0.6], [0, -0.6, 0]])
    machine = BoltzmannMachine(weights, [0.8, 0.2, -0.3])
    network = translate(machine, Calibration.preset())
    dense_start = network.driven(network.drive, 0.5 * network.coupling)
    sparse_start = dense_start.replace(coupling=csr_array(dense_start.coupling))
    options = {"chains": 32, "draws": 32, "most_rounds": 4, "structure": "given"}
    one = refine(machine, Calibration.preset(), network=dense_start, **options).network
    two = refine(machine, Calibration.preset(), network=sparse_start, **options).network
    assert (one.coupling != dense_start.coupling).any()
    np.testing.assert_allclose(two.coupling.toarray(), one.coupling, rtol=1e-9)


def test_machines_too_large_to_enumerate_take_their_moments_from_gibbs_chains():
    machine = machine_of(22, scale=0.4)
    statistics, target = target_of(machine)
    exact = machine.pair_moments()[statistics.rows, statistics.columns]
    # 128 000 draws: five standard errors of a moment of variance ¼ at most, autocorrelation below 2.
    assert np.abs(target.wanted.moments - exact).max() < 5.5 * np.sqrt(0.25 * 2 / 128_000)
    result = refine(machine, Calibration.preset(), chains=64, draws=16, most_rounds=2)
    assert result.rounds[0].kl is None
    assert len(result.rounds) <= 2


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
def test_bad_arguments(changes, message):
    with pytest.raises(InvalidInput, match=message):
        refine(machine_of(2), Calibration.preset(), **changes)


def test_network_of_another_device_or_machine(astray):
    machine, network = astray
    with pytest.raises(InvalidInput, match="same device"):
        refine(machine, Calibration.preset("slow-absorber"), network=network)
    with pytest.raises(InvalidInput, match="labels of the machine"):
        refine(machine_of(3), Calibration.preset(), network=network)
