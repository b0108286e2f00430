"""Compiled once: no kernel is compiled again because sizes, parameters or options change."""

import importlib
import pkgutil
from typing import Any

import numpy as np
from numba.core.dispatcher import Dispatcher

import photinus
from photinus import BoltzmannMachine, Calibration, Tempering, sample
from photinus._core.states import MAX_ENUMERATED
from photinus._core.validate import is_sparse
from photinus.devices.synapse import SynapticKernel
from photinus.engines.jumps import simulate_jumps
from photinus.engines.simulation import simulate
from photinus.machines.checks import MOST_PLAIN
from photinus.machines.energies import by_block
from photinus.networks.depression import Depression
from photinus.networks.lasers import LaserNetwork
from photinus.networks.lif import LifNetwork
from photinus.reference.couplings import FEW
from photinus.spikes.readout import occupancy
from photinus.units import ns, ps

CALIBRATION = Calibration.preset()
MORE = {
    "photinus.reference.gibbs._sweep": 2,
    "photinus.reference.gibbs._add_active": 2,
    "photinus.reference._gathered.sweep_gathered": 2,
    "photinus.engines.laser.loop.advance_block": 3,
    "photinus.engines.lif.loop.advance_block": 2,
}
"""Kernels with more than one signature → how many: for fields of 32 and of 64 bits, for lasers that are
plain or compressed, for synapses that are plain or depressed."""
FOR_EACH = "photinus.engines.own.loop.advance"
"""Compiled for each neuron of somebody's own, so it has as many signatures as there are such neurons."""


def kernels() -> dict[str, Any]:
    """Return all kernels of the package by their full names."""
    modules = pkgutil.walk_packages(photinus.__path__, "photinus.")
    # Those of engine "cuda" are compiled where a device is (`tests/test_cuda.py`).
    apart = "__main__", "photinus.engines.cuda"
    found = [
        vars(importlib.import_module(m.name)).values()
        for m in modules
        if not any(name in m.name for name in apart)
    ]
    every = [value for values in found for value in values if isinstance(value, Dispatcher)]
    return {f"{k.py_func.__module__}.{k.py_func.__qualname__}": k for k in every}


def machine(units: int, strength: float = 1.0) -> BoltzmannMachine:
    rng = np.random.default_rng(units)
    weights = np.triu(rng.normal(scale=strength, size=(units, units)), 1)
    return BoltzmannMachine(weights + weights.T, rng.normal(size=units))


def use_samplers() -> None:
    for substrate in ("laser", "laser-reduced", "lif", "gibbs", "ideal"):
        for units, chains, threads in ((1, 1, 1), (3, 20, 2), (MAX_ENUMERATED + 1, 2, 1)):
            run = {"chains": chains, "draws": 2, "burn_in": 0, "threads": threads, "seed": 1}
            sample(machine(units, 0.1), substrate, **run).pair_moments()  # type: ignore[arg-type]
        found = sample(machine(3), substrate, clamp={1: [0, 1]}, chains=2, draws=2, burn_in=1, seed=1)
        found.pair_moments()
        if substrate != "ideal":
            sample(
                machine(2), substrate, chains=1, draws=2, burn_in=0, seed=1,
                tempering=Tempering(hottest=2, period=4),
            )  # fmt: skip
    for units, strength in ((3, 1e4), (FEW + 2, 0.1), (FEW + 2, 1e4)):
        sample(machine(units, strength), "gibbs", chains=2, draws=2, burn_in=0, seed=1)
    use_sparse()


def use_sparse() -> None:
    """Sample a machine that is held as sparse rows."""
    units = MOST_PLAIN + 1
    pairs, strength = np.arange(units - 1), np.full(units - 1, 0.1)
    chain = BoltzmannMachine.from_couplings(pairs, pairs + 1, strength, np.zeros(units))
    assert is_sparse(chain.matrix)
    for substrate in ("gibbs", "ideal"):
        found = sample(chain, substrate, chains=2, draws=2, burn_in=0, threads=1, seed=1)
        chain.energy(found.states)
    for _ in by_block(chain.matrix, chain.biases, found.states[:, 0]):
        pass


def use_devices() -> None:
    network = photinus.translate(machine(3, 0.1), CALIBRATION)
    assert isinstance(network, LaserNetwork)
    plain = SynapticKernel(kick=0, sustain=1, duration=1 * ns, renewing=False)
    compressed = network.replace(parameters=network.parameters.replace(gain_compression=1e-6))
    changes = network.replace(kernel=plain), network.mismatched(0.05, seed=1), compressed
    tired = Depression(use=0.5, recovery=1 * ns)
    for changed in (network, *changes, network.replace(depression=tired)):
        simulate(changed, 1 * ns, chains=2, time_step=0.25 * ps, seed=1)
    lif = photinus.translate(machine(3, 0.1), Calibration.preset("lif-hcs"))
    assert isinstance(lif, LifNetwork)
    simulate(lif.replace(depression=tired), lif.window, chains=2, seed=1)
    for pump, every in ((1.0, 0), (0.5, 2)):
        pumps = np.full(2, pump * CALIBRATION.midpoint / CALIBRATION.laser.gain_lifetime)
        threshold = CALIBRATION.detection_threshold or 1.0
        simulate_jumps(CALIBRATION.laser, pumps, 50 * ps, threshold=threshold, sample_every=every)
    for n in (0, 5):
        spikes = np.zeros(n, np.int32), np.zeros(n, np.int32), np.arange(n, dtype=np.float64)
        occupancy(*spikes, chains=1, units=2, window=1, start=0, stop=4)


def test_no_kernel_is_compiled_again() -> None:
    every = kernels()
    use_samplers()
    use_devices()
    counts = {name: len(kernel.signatures) for name, kernel in every.items()}
    assert len(counts) > 10
    del counts[FOR_EACH]
    # None is 0, or the kernel would escape this test: it is to be used above.
    assert counts == {name: MORE.get(name, 1) for name in counts}
