"""Substrates by name: those of Photinus, and those that other packages add.

Another package adds one by an entry point, which names a class with the members of `Run`::

    [project.entry-points."photinus.substrates"]
    annealer = "their_package.annealer:AnnealerRun"

Every device of another package is a substrate, too, by the name of the device; see `photinus.devices`.
`photinus.testing.check_substrate` tells whether it keeps what `photinus.sample` promises.
"""

import contextlib

from photinus import devices
from photinus._core import plugins, validate
from photinus.errors import InvalidInput, PhotinusError
from photinus.samplers.abstract import ExactRun, GibbsRun, IdealRun
from photinus.samplers.parallel import ParallelRun
from photinus.samplers.request import Request, Run
from photinus.samplers.spiking import LaserRun, LifRun, ReducedRun, of_device
from photinus.samplers.tempering import Parallel

SUBSTRATES: dict[str, type[Run]] = {
    "laser": LaserRun,
    "laser-reduced": ReducedRun,
    "lif": LifRun,
    "gibbs": GibbsRun,
    "exact": ExactRun,
    "ideal": IdealRun,
}
"""Samplers of Photinus by name: each class starts a run for a checked request."""
SPIKING = tuple(name for name, kind in SUBSTRATES.items() if kind.spiking)
"""Of these, those that simulate a device, and thus take a calibration and a network."""
TEMPERED = tuple(name for name, kind in SUBSTRATES.items() if kind.heated)
"""Of these, those that can be heated."""
IMPERFECT = tuple(name for name, kind in SUBSTRATES.items() if kind.imperfect)
"""Of these, those that can have imperfections."""

_MEMBERS = ("spiking", "heated", "imperfect", "least_burn_in", "independent", "spread", "outside")
_METHODS = ("advance", "state", "restore")


def substrate(name: str) -> type[Run]:
    """Return the class of a substrate.

    Raises
    ------
    InvalidInput
        If there is none of this name, or its package has something else there.

    Examples
    --------
    >>> from photinus.samplers import substrate
    >>> substrate("gibbs").spiking, substrate("laser").spiking
    (False, True)
    """
    # A class of Photinus is found without a look at other packages, which takes a while.
    if isinstance(name, str) and name in SUBSTRATES:
        return SUBSTRATES[name]
    validate.one_of("substrate", name, names())
    if name not in plugins.names(plugins.SUBSTRATES):
        return of_device(devices.device(name))
    kind = plugins.load(plugins.SUBSTRATES, name)
    lacking = [each for each in (*_METHODS, *_MEMBERS) if not hasattr(kind, each)]
    if lacking or not isinstance(kind, type):
        why = f"lacks {lacking[0]!r}" if lacking else "is none"
        raise InvalidInput(
            f"substrate {name!r} must be a class with the members of photinus.samplers.Run, "
            f"but {validate.shown(kind)} {why}"
        )
    return kind


def started(request: Request) -> Run:
    """Return a run of a request on its substrate, with its copies where it is tempered in parallel."""
    kind = substrate(request.substrate)
    engines = getattr(kind, "engines", ("cpu",))
    validate.one_of(f"engine of {request.substrate!r}", request.engine, engines)
    if isinstance(request.tempering, Parallel):
        return ParallelRun(request, kind, request.tempering)
    return kind(request)


def names() -> tuple[str, ...]:
    """Return the names of all substrates, those of other packages last."""
    others = {*plugins.names(plugins.SUBSTRATES), *devices.names()} - SUBSTRATES.keys()
    return (*SUBSTRATES, *sorted(others))


def able(ability: str) -> tuple[str, ...]:
    """Return the names of all substrates whose classes say so, such as "heated"."""
    found = []
    for name in names():
        # A package that cannot be imported is told of when its substrate is asked for.
        with contextlib.suppress(PhotinusError):
            found += [name] if getattr(substrate(name), ability, False) else []
    return tuple(found)
