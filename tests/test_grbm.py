"""D-Wave's plugin of PyTorch learns a Boltzmann machine with `PhotonicSampler` as its sampler."""

import warnings
from typing import Any

import dimod
import numpy as np
import pytest
from numpy.typing import NDArray

from photinus.interop.dimod import PhotonicSampler
from tests.narrow import untyped

torch = untyped(pytest.importorskip("torch"))
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of packages that it imports
    models = untyped(pytest.importorskip("dwave.plugins.torch.models.boltzmann_machine"))
    samplers = untyped(pytest.importorskip("dwave.plugins.torch.samplers.dimod_sampler"))

NODES, EDGES = ["a", "b", "c"], [("a", "b"), ("b", "c")]


def moments(model: Any) -> NDArray[np.float64]:
    """Return <s_i> and <s_i s_j> of the edges of p ∝ exp(-H), by dimod's enumeration."""
    every = dimod.ExactSolver().sample(model)
    weights = np.exp(-every.record.energy)
    order = [every.variables.index(name) for name in NODES]
    spins = every.record.sample[:, order].astype(float)
    pairs = [spins[:, NODES.index(i)] * spins[:, NODES.index(j)] for i, j in EDGES]
    return np.asarray(weights @ np.column_stack([spins, *pairs]) / weights.sum())


def learned(**options: Any) -> tuple[float, float]:
    """Return the largest error of a moment, before and after learning."""
    truth = dimod.BinaryQuadraticModel(
        {"a": -0.3, "b": 0.2, "c": 0.1}, {("a", "b"): -0.5, ("b", "c"): 0.4}, 0.0, "SPIN"
    )
    drawn = PhotonicSampler("exact").sample(truth, num_reads=20_000, seed=1, fidelity=False)
    data = torch.tensor(drawn.record.sample.astype(np.float32))
    machine = models.GraphRestrictedBoltzmannMachine(NODES, EDGES)
    with torch.no_grad():
        for parameter in machine.parameters():
            parameter.zero_()
    settings = {"num_reads": 640, "seed": 7, "fidelity": False, **options}
    sampler = samplers.DimodSampler(machine, PhotonicSampler(), 1.0, sample_kwargs=settings)
    optimizer = torch.optim.SGD(machine.parameters(), lr=0.2)

    def error() -> float:
        model = dimod.BinaryQuadraticModel.from_ising(*machine.to_ising(1.0))
        return float(np.abs(moments(model) - moments(truth)).max())

    before = error()
    for _ in range(40):
        optimizer.zero_grad()
        machine.quasi_objective(data, sampler.sample()).backward()
        optimizer.step()
    return before, error()


@pytest.mark.filterwarnings("ignore")
def test_a_machine_is_learned_through_the_lasers() -> None:
    before, after = learned()
    # A moment of 640 reads has a standard error below 0.04; the seed is fixed.
    assert after < 0.12 < before / 2
    # At another temperature something else is learned.
    assert learned(beta=2.0)[1] > 0.12
