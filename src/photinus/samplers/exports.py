"""Samples as other libraries hold them: a frame of pandas, a sample set of dimod."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from photinus._core import hush, validate
from photinus._core.extras import optional
from photinus.errors import InvalidInput
from photinus.samplers.storage import to_datatree

if TYPE_CHECKING:
    import pandas

    from photinus.samplers.samples import Samples

VARTYPES = ("BINARY", "SPIN")
INDEX = ("chain", "draw", "time")
"""Columns of a frame that are no units."""


def draw_times(samples: "Samples") -> NDArray[np.float64] | None:
    """Return when each draw was taken, array (draw,) [s on the chip]; None without a chip."""
    validate.instance("samples", samples, "Samples")
    if samples.network is None:
        return None
    draws = samples.burn_in + np.arange(samples.draws)
    if samples.tempering is not None:
        draws = np.array([samples.tempering.window_of(int(draw)) for draw in draws], np.int64)
    return np.asarray((draws + 1) * samples.network.window, np.float64)


def dwell_times(samples: "Samples") -> NDArray[np.float64] | None:
    """Return how long each chain stayed in the state of each draw, array (chain, draw); or None.

    From the change of state before the draw to the one after, as far as draws were kept: in the unit of
    `Samples.window`. None without spikes.
    """
    validate.instance("samples", samples, "Samples")
    if samples.spikes is None or samples.window is None:
        return None
    draws = samples.burn_in + np.arange(samples.draws) + 1
    return samples.spikes.of_units(samples.free_units).dwell_times(
        samples.window, draws * samples.window, start=samples.burn_in * samples.window
    )


def vectors(samples: "Samples") -> dict[str, NDArray[Any]]:
    """Return what is known of each draw, arrays (chain, draw): chain, draw, time, dwell time."""
    validate.instance("samples", samples, "Samples")
    shape = (samples.chains, samples.draws)
    found: dict[str, Any] = {
        "chain": np.arange(samples.chains)[:, None],
        "draw": np.arange(samples.draws)[None],
        "time": draw_times(samples),
        "dwell_time": dwell_times(samples),
    }
    known = {name: values for name, values in found.items() if values is not None}
    return {name: np.broadcast_to(values, shape) for name, values in known.items()}


def to_frame(samples: "Samples") -> "pandas.DataFrame":
    """Return samples as a tidy frame; see `photinus.Samples.to_frame`."""
    validate.instance("samples", samples, "Samples")
    pandas = optional("pandas", "frames", "a frame")
    names = [str(label) for label in samples.machine.labels]
    taken = [name for k, name in enumerate(names) if name in (*INDEX, *names[:k])]
    if taken:
        raise InvalidInput(
            f"labels must differ as text, from each other and from {', '.join(INDEX)}, "
            f"for a frame, got {taken[0]!r}"
        )
    about = vectors(samples)
    columns = {name: about[name].ravel() for name in INDEX if name in about}
    states = samples.states.reshape(-1, len(names))
    return pandas.DataFrame(columns | dict(zip(names, states.T, strict=True)))


def to_arviz(samples: "Samples") -> Any:
    """Return samples as the ArviZ that is installed takes them: an InferenceData, or a DataTree.

    Raises
    ------
    MissingDependency
        If ArviZ is not installed.
    """
    validate.instance("samples", samples, "Samples")  # before ArviZ is loaded, which warns once a day
    # ArviZ tells of its own future once a day.
    with hush.silenced(r"\s*ArviZ is undergoing", FutureWarning):
        arviz = optional("arviz", "arviz", "what ArviZ reads")
    tree = to_datatree(samples)
    # Version 1 has no kind of data that is not xarray's.
    return arviz.from_datatree(tree) if hasattr(arviz, "from_datatree") else tree


def to_dimod(samples: "Samples", vartype: str = "BINARY") -> Any:
    """Return samples as a sample set of dimod; see `photinus.Samples.to_dimod`."""
    validate.instance("samples", samples, "Samples")
    validate.one_of("vartype", vartype, VARTYPES)
    dimod = optional("dimod", "dimod", "a sample set")
    states = samples.states.reshape(-1, samples.machine.n_units).astype(np.int8)
    return dimod.SampleSet.from_samples(
        (2 * states - 1 if vartype == "SPIN" else states, list(samples.machine.labels)),
        vartype=vartype,
        energy=samples.machine.energy(samples.states).ravel(),
        info={"substrate": samples.substrate, **samples.attributes},
        sort_labels=False,
        **{name: values.ravel() for name, values in vectors(samples).items()},
    )
