"""Which neurons stand for the complement of their unit: the gauge of a network.

A network samples states y of its neurons. Unit k of the machine is z_k = y_k, or z_k = 1 - y_k where
``gauge[k]`` is True. The map is its own inverse. Everything that users see speaks of z.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from photinus._core import validate
from photinus.errors import InvalidInput

Gauge = NDArray[np.bool_]
"""Array (unit,): True where a neuron stands for 1 - z. Read-only."""
NONE: Gauge = np.zeros(0, bool)
"""Of any number of units: none flipped."""
WITHOUT_GAUGE = 1
"""Schema of the documents of networks before there was a gauge."""


def checked(gauge: ArrayLike, units: int) -> Gauge:
    """Return a gauge of so many units; one that flips nothing may be of any length, as ``()``.

    Raises
    ------
    InvalidInput
        If it is not one True or False per unit.
    """
    given = validate.binary_array("gauge", gauge)
    if given.ndim == 1 and not given.any():
        given = np.zeros(units, np.uint8)
    if given.shape != (units,):
        raise InvalidInput(f"gauge must have one entry per unit ({units}), got shape {given.shape}")
    found: Gauge = validate.locked(given.astype(bool))
    return found


def of(network: Any) -> Gauge:
    """Return the gauge of a network; none flipped for networks of devices that know of none."""
    return checked(getattr(network, "gauge", ()), network.n_units)


def given(network: Any, gauge: Gauge) -> Any:
    """Return a copy of a network with another gauge, its drives and couplings as they are."""
    flips = checked(gauge, network.n_units)
    return network if (of(network) == flips).all() else network.replace(gauge=flips)


def written(gauge: Gauge) -> dict[str, Any]:
    """Return the entries of a network's document; without a flipped neuron those of older versions."""
    return {"gauge": gauge.tolist()} if gauge.any() else {"schema": WITHOUT_GAUGE}


def flip_states(states: NDArray[np.uint8], gauge: Gauge) -> NDArray[np.uint8]:
    """Return states (…, unit) in the other coordinates."""
    return states ^ gauge.view(np.uint8) if gauge.any() else states


def flip_joint(joint: NDArray[np.float64], gauge: Gauge) -> NDArray[np.float64]:
    """Return probabilities (2**unit,), index Σ z_k 2^k, in the other coordinates."""
    if not gauge.any():
        return joint
    # The first axis is the last unit.
    turned = tuple(slice(None, None, -1 if flips else 1) for flips in gauge[::-1])
    return np.ascontiguousarray(joint.reshape((2,) * len(gauge))[turned]).reshape(-1)


def flip_differences(
    differences: NDArray[np.float64],
    rows: NDArray[np.intp],
    columns: NDArray[np.intp],
    gauge: Gauge,
) -> NDArray[np.float64]:
    """Return differences of moments <z_i z_j>, those of marginals first, in the other coordinates.

    `rows` and `columns` are the i and j of each; of a marginal both are its unit.
    """
    if not gauge.any():
        return differences
    flips, sign = gauge.astype(np.float64), np.where(gauge, -1.0, 1.0)
    single = sign * differences[: len(gauge)]
    both = sign[rows] * sign[columns] * differences
    both += flips[rows] * single[columns] + single[rows] * flips[columns]
    return np.where(rows == columns, single[rows], both)


def flip_moments(moments: NDArray[np.float64], gauge: Gauge) -> NDArray[np.float64]:
    """Return <z_i z_j> (…, unit, unit), marginals on the diagonal, in the other coordinates."""
    if not gauge.any():
        return moments
    flips, sign = gauge.astype(np.float64), np.where(gauge, -1.0, 1.0)
    marginals = sign * np.diagonal(moments, axis1=-2, axis2=-1)
    cross = flips[:, None] * marginals[..., None, :]
    both = np.outer(flips, flips) + cross + np.swapaxes(cross, -1, -2)
    return np.asarray(both + np.outer(sign, sign) * moments)
