"""Sparse couplings: the same spikes as with an array, and no n × n array anywhere."""

import tracemalloc
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy.sparse import csr_array

import photinus as ph
from photinus.engines.laser.simulator import Simulator
from photinus.engines.reduced.simulator import ReducedSimulator
from photinus.errors import InvalidInput
from photinus.networks import couplings
from photinus.networks.lasers import LaserNetwork
from photinus.units import ns


def sparse(units: int, degree: int, seed: int = 0) -> csr_array:
    """Return random couplings of about `degree` sources per laser, in carriers."""
    generator = np.random.default_rng(seed)
    target, source = generator.integers(0, units, (2, degree * units))
    value = np.where(target == source, 0.0, generator.uniform(-3e3, 3e3, degree * units))
    found = csr_array((value, (target, source)), shape=(units, units))
    found.eliminate_zeros()
    return found


def network(coupling: Any, **changes: Any) -> LaserNetwork:
    calibration = ph.Calibration.preset("fast-absorber")
    n = coupling.shape[0]
    lifetime = calibration.laser.gain_lifetime
    assert calibration.detection_threshold is not None
    values: dict[str, Any] = {
        "parameters": calibration.laser,
        "pump": np.full(n, calibration.midpoint / lifetime),
        "coupling": coupling,
        "kernel": calibration.kernel,
        "window": calibration.window,
        "detection_threshold": calibration.detection_threshold,
        "driven_pump": (0.0, 2 * calibration.midpoint / lifetime),
    }
    return LaserNetwork(**{**values, **changes})


@pytest.mark.parametrize("clamp", [None, {3: 1, 20: 0}])
@pytest.mark.parametrize("delay", [0.0, 0.3 * ns])
def test_same_spikes_as_with_an_array(clamp: Any, delay: float) -> None:
    coupling = sparse(100, 8)
    reduced = ph.Calibration.preset("fast-absorber").require_reduced()
    trains: list[list[np.ndarray]] = [[], []]
    for kind in (coupling, coupling.toarray()):
        net = network(kind, delay=delay)
        full = Simulator(net, chains=3, seed=5, clamp=clamp).advance(4 * ns)
        quick = ReducedSimulator(net, reduced, chains=3, seed=5, clamp=clamp).advance(20 * ns)
        for found, spikes in zip(trains, (full, quick), strict=True):
            found.append(np.stack([spikes.chain, spikes.unit, spikes.time]))
    for found in trains:
        assert found[0].shape[1] > 100
        assert_array_equal(found[0], found[1])


def test_differing_lasers_keep_their_efficiency() -> None:
    """Sparse and dense rows are scaled alike for lasers that differ."""
    coupling = sparse(40, 8, seed=1)
    runs = [
        Simulator(network(kind).mismatched(0.05, seed=1), chains=2, seed=2).advance(5 * ns)
        for kind in (coupling, coupling.toarray())
    ]
    assert_array_equal(runs[0].time, runs[1].time)


def test_files(tmp_path: Any) -> None:
    net = network(sparse(30, 4))
    net.save(tmp_path / "net.json")
    again = LaserNetwork.load(tmp_path / "net.json")
    assert isinstance(again.coupling, csr_array)
    assert_array_equal(couplings.dense(again.coupling), couplings.dense(net.coupling))
    dense = network(couplings.dense(net.coupling))
    dense.save(tmp_path / "dense.json")
    assert isinstance(LaserNetwork.load(tmp_path / "dense.json").coupling, np.ndarray)


def test_stored_with_samples(tmp_path: Any) -> None:
    machine = ph.BoltzmannMachine([[0, 1], [1, 0]], [0.0, 0.0])
    calibration = ph.Calibration.preset("fast-absorber")
    net = ph.translate(machine, calibration)
    assert isinstance(net, LaserNetwork)
    net = net.replace(coupling=csr_array(net.coupling))
    samples = ph.sample(machine, network=net, chains=2, draws=5, burn_in=2, seed=1)
    samples.save(tmp_path / "run.zarr")
    again = ph.load(tmp_path / "run.zarr").network
    assert isinstance(again, LaserNetwork)
    assert_array_equal(couplings.dense(again.coupling), couplings.dense(net.coupling))
    assert ph.translate(machine, calibration).n_units == 2


def test_memory_is_that_of_the_synapses() -> None:
    """30 000 lasers: as an array, couplings alone would take 7 GB."""
    coupling = sparse(300, 10)
    n = 100 * coupling.shape[0]
    found = coupling.tocoo()
    shift = 300 * np.repeat(np.arange(100), found.nnz)
    large = csr_array(
        (
            np.tile(found.data, 100),
            (np.tile(found.coords[0], 100) + shift, np.tile(found.coords[1], 100) + shift),
        ),
        shape=(n, n),
    )
    tracemalloc.start()
    spikes = Simulator(network(large), chains=1, seed=0).advance(0.1 * ns)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert spikes.n_units == n
    assert peak < 200e6


def test_what_is_refused() -> None:
    coupling = sparse(5, 2)
    with pytest.raises(InvalidInput, match=r"coupling must have shape \(5, 5\), got \(4, 5\)"):
        network(coupling[:4], pump=np.ones(5))
    with pytest.raises(InvalidInput, match="coupling must have a zero diagonal"):
        network(csr_array(np.eye(5)))
    with pytest.raises(InvalidInput, match="coupling must be finite"):
        network(csr_array(np.where(np.eye(5, k=1) > 0, np.nan, 0.0)))
    with pytest.raises(InvalidInput, match="delay must be one number where coupling is sparse"):
        network(coupling, delay=np.zeros((5, 5)))
