"""Which arrays a store has, in one place: for a store that grows, and for a tree of xarray."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from photinus._core.matrices import Matrix, upper
from photinus.devices import Network
from photinus.machines.files import PAIRS
from photinus.spikes.trains import SpikeTrains

if TYPE_CHECKING:
    from photinus.samplers.samples import Samples

Variable = tuple[tuple[str, ...], NDArray[Any]]
"""Names of the axes, and values."""
SPIKE = ("spike",)
SPIKES_PER_CHUNK = 262_144


def variables(samples: "Samples") -> dict[str, dict[str, Variable]]:
    """Return all arrays of samples, by group and name."""
    parts = growing(samples), _fixed(samples)
    return {group: parts[0].get(group, {}) | parts[1].get(group, {}) for group in parts[0] | parts[1]}


def growing(samples: "Samples", first: int = 0) -> dict[str, dict[str, Variable]]:
    """Return the arrays that grow with the draws, which are counted from `first`."""
    draw = np.arange(first, first + samples.draws)
    index: dict[str, Variable] = {"draw": (("draw",), draw)}
    if samples.network is not None and samples.window is not None:
        index["time"] = (("draw",), (samples.burn_in + draw + 1) * samples.window)
    energies = samples.machine.energy(samples.states)
    found: dict[str, dict[str, Variable]] = {
        "posterior": {"z": (("chain", "draw", "unit"), samples.states), **index},
        "sample_stats": {"energy": (("chain", "draw"), energies), **index},
    }
    if samples.window is not None:
        found["spikes"] = _spikes(samples.spikes)
    return found


def _spikes(spikes: SpikeTrains | None) -> dict[str, Variable]:
    if spikes is None:
        none = np.empty(0, np.int32)
        return {"chain": (SPIKE, none), "unit": (SPIKE, none), "time": (SPIKE, np.empty(0))}
    return {name: (SPIKE, getattr(spikes, name)) for name in ("chain", "unit", "time")}


def _fixed(samples: "Samples") -> dict[str, dict[str, Variable]]:
    """Return the arrays that stay as they are during a run."""
    machine = samples.machine
    chain: dict[str, Variable] = {"chain": (("chain",), np.arange(samples.chains))}
    unit: dict[str, Variable] = {"unit": (("unit",), np.array([str(k) for k in machine.labels]))}
    found: dict[str, dict[str, Variable]] = {
        "posterior": chain | unit,
        "sample_stats": chain,
        "target": {**_weights(machine.matrix), "biases": (("unit",), machine.biases), **unit},
    }
    if samples.network is not None:
        found["network"] = {
            name: (_network_axes(name, values), values)
            for name, values in network_arrays(samples.network).items()
        }
    return found


def _weights(matrix: Matrix) -> dict[str, Variable]:
    """Return weights as an array, or the coupled pairs of sparse ones."""
    if isinstance(matrix, np.ndarray):
        return {"weights": (("unit", "unit_2"), matrix)}
    return {name: (("pair",), values) for name, values in zip(PAIRS, upper(matrix), strict=True)}


def network_arrays(network: Network) -> dict[str, NDArray[np.float64]]:
    """Return what a network has of arrays, by name."""
    document = network.to_dict()
    return {name: np.asarray(document[name]) for name in network.ARRAYS if name in document}


def _network_axes(name: str, values: NDArray[Any]) -> tuple[str, ...]:
    axes = ("synapse", "end") if name == "synapses" else ("unit", "unit_2")
    return axes[: values.ndim]


def chunks(variable: Variable, draws: int) -> tuple[int, ...] | None:
    """Return the chunks of an array that grows by so many draws at once; None if it does not grow."""
    dims, values = variable
    if dims == SPIKE:
        return (SPIKES_PER_CHUNK,)
    if "draw" not in dims:
        return None
    return tuple(draws if name == "draw" else n for name, n in zip(dims, values.shape, strict=True))
