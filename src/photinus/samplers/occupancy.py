"""How long samples are in each joint state."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from photinus._core import validate
from photinus._core.states import MAX_ENUMERATED
from photinus.errors import InvalidInput

if TYPE_CHECKING:
    from photinus.samplers.samples import Samples
    from photinus.spikes.readout import Occupancy


def of_free(samples: "Samples", stop: float | None = None, *, start: float = 0.0) -> "Occupancy":
    """Return the occupancy of the free units, between times from the end of the burn-in [s]."""
    validate.instance("samples", samples, "Samples")
    assert samples.spikes is not None
    assert samples.window is not None
    origin = samples.burn_in * samples.window
    return samples.spikes.of_units(samples.free_units).occupancy(
        samples.window,
        start=origin + start,
        end=origin + (samples.draws * samples.window if stop is None else stop),
    )


def joint(samples: "Samples") -> NDArray[np.float64]:
    """Return the fraction of time in each state; see `photinus.Samples.joint`."""
    validate.instance("samples", samples, "Samples")
    n, free = samples.machine.n_units, samples.free_units
    if n > MAX_ENUMERATED:
        raise InvalidInput(f"joint needs at most {MAX_ENUMERATED} units, got {n}")
    full = np.zeros(2**n)
    common = samples.evidence.common()
    index = np.full(2 ** len(free), int(common.values[0].astype(np.int64) @ (1 << common.positions)))
    for k, unit in enumerate(free):
        index |= ((np.arange(len(index)) >> k) & 1) << unit
    full[index] = samples.free_joint()
    return full


def free_joint(
    samples: "Samples", stop: float | None = None, *, start: float = 0.0
) -> NDArray[np.float64]:
    """Return the fraction of time in each state of the free units; see `Samples.free_joint`."""
    validate.instance("samples", samples, "Samples")
    free = samples.free_units
    if not samples.has_joint:
        raise InvalidInput(f"free_joint needs at most {MAX_ENUMERATED} free units, got {len(free)}")
    if samples.spikes is None:
        bits = np.int64(1) << np.arange(len(free), dtype=np.int64)
        index = (samples.states[:, :, free] @ bits).ravel()
        return np.asarray(np.bincount(index, minlength=2 ** len(free)) / index.size)
    found = of_free(samples, stop, start=start).joint
    assert found is not None
    return found
