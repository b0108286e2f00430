"""Which devices there are, and what is done with any of them.

Devices of this package are loaded when they are needed. Those of other packages are looked for only
where a name is unknown here, or where all are listed.
"""

import importlib
import os
from collections.abc import Hashable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from photinus._core import files, plugins, validate
from photinus._core import gauge as gauges
from photinus.devices.laser.parameters import LASER_PRESETS
from photinus.devices.lif.parameters import LIF_PRESETS
from photinus.devices.protocol import (
    Device,
    Network,
    Parameters,
    Setting,
    SpikingSimulator,
    evidence_mode_of,
)
from photinus.devices.synapse import SynapticKernel
from photinus.errors import InvalidInput

if TYPE_CHECKING:
    # At run time it would bring the compiler, which parameters do not need.
    from photinus._core.streams import Seed
    from photinus.machines.evidence import Given

BUILT_IN = {
    "laser": "photinus.engines.laser.device:LaserDevice",
    "lif": "photinus.engines.lif.device:LifDevice",
}
"""Name → where the device is."""
_REGISTERED: dict[str, Device] = {}
"""Devices that a program made known, by name."""
SHIPPED_PRESETS = (*LASER_PRESETS, *LIF_PRESETS)
"""Names of the lasers and LIF neurons that ship with their calibrations, the default first."""
PRESETS = SHIPPED_PRESETS
"""Their name in version 0.1."""

PARTS = tuple(
    sorted({*Device.__annotations__, *(name for name in vars(Device) if not name.startswith("_"))})
)
"""What a device must have."""


def names() -> tuple[str, ...]:
    """Return the names of all devices, those of other packages last.

    Examples
    --------
    >>> from photinus.devices import names
    >>> names()[:2]
    ('laser', 'lif')
    """
    known = (*BUILT_IN, *_REGISTERED)
    return (*known, *(name for name in plugins.names(plugins.DEVICES) if name not in known))


def register(made: Device) -> None:
    """Make a device known in this program, by its name; a later one of that name takes its place.

    A device that other programs shall find is named in the entry points of a package instead.

    Raises
    ------
    InvalidInput
        If it lacks a member of `Device`, or has the name of a device of Photinus.

    Examples
    --------
    >>> from photinus.devices import Device, names, register
    >>> class Quiet(Device):
    ...     name, noun, plural = "quiet", "neuron", "quiet neurons"
    >>> register(Quiet())
    >>> "quiet" in names()
    True
    """
    known = _complete(made, str(getattr(made, "name", "")))
    if known.name in BUILT_IN:
        raise InvalidInput(f"a device must not have a name that Photinus has, got {known.name!r}")
    _REGISTERED[known.name] = known
    device.cache_clear()


@cache
def device(name: str) -> Device:
    """Return a device by its name.

    Raises
    ------
    InvalidInput
        If there is none of this name, or its package has something else there.

    Examples
    --------
    >>> from photinus.devices import device
    >>> device("lif").presets
    ('lif-hcs',)
    """
    if name in _REGISTERED:
        return _REGISTERED[name]
    if name in BUILT_IN:
        module, _, place = BUILT_IN[name].partition(":")
        found = getattr(importlib.import_module(module), place)
    else:
        validate.one_of("device", name, names())
        found = plugins.load(plugins.DEVICES, name)
    return _complete(found, name)


def _complete(found: Any, name: str) -> Device:
    """Return a device that has all members."""
    made: Device = found() if isinstance(found, type) else found
    lacking = [part for part in PARTS if not hasattr(made, part)]
    if lacking:
        raise InvalidInput(
            f"device {name!r} must have the members of photinus.devices.Device, "
            f"but {validate.shown(found)} lacks {', '.join(map(repr, lacking))}"
        )
    if made.name != name:
        raise InvalidInput(f"device {name!r} must have this name, but it calls itself {made.name!r}")
    return made


def device_of(thing: Network | Parameters) -> Device:
    """Return the device of a network, or of parameters.

    Examples
    --------
    >>> from photinus.devices import device_of, preset
    >>> device_of(preset("high-beta")).name
    'laser'
    """
    name = getattr(thing, "device", None)
    if not isinstance(name, str):
        raise InvalidInput(f"thing must be a network or parameters, got {type(thing).__name__}")
    return device(name)


def preset(name: str) -> Any:
    """Return the parameters of a preset of any device.

    Examples
    --------
    >>> from photinus.devices import preset
    >>> preset("high-beta").device, preset("lif-hcs").device
    ('laser', 'lif')
    """
    for known in names() if name not in SHIPPED_PRESETS else BUILT_IN:
        if name in device(known).presets:
            return device(known).preset(name)
    every = [each for known in names() for each in device(known).presets]
    validate.one_of("preset", name, every)
    raise AssertionError


def parameters_from_dict(values: Mapping[str, Any]) -> Any:
    """Return the parameters that their `to_dict` wrote.

    Examples
    --------
    >>> from photinus.devices import parameters_from_dict, preset
    >>> laser = preset("fast-absorber")
    >>> parameters_from_dict(laser.to_dict()) == laser
    True
    """
    # Those of this package say by their entries what they are.
    plain = "lif" if "membrane_time" in values else "laser"
    return device(values.get("device", plain)).parameters_from_dict(values)


def network_from_dict(values: Mapping[str, Any]) -> Network:
    """Return the network that its `to_dict` wrote.

    Examples
    --------
    >>> import photinus as ph
    >>> from photinus.devices import network_from_dict
    >>> machine = ph.BoltzmannMachine([[0, 1], [1, 0]], [0.5, -1])
    >>> network = ph.translate(machine, ph.Calibration.preset())
    >>> bool((network_from_dict(network.to_dict()).drive == network.drive).all())
    True
    """
    found: Network = device(_device_in(values)).network_from_dict(values)
    return found


def load_network(path: str | os.PathLike[str]) -> Network:
    """Read a network that its `save` wrote.

    Examples
    --------
    >>> import photinus as ph
    >>> from photinus.devices import load_network
    >>> machine = ph.BoltzmannMachine([[0, 1], [1, 0]], [0.5, -1], labels=["rain", "wet"])
    >>> ph.translate(machine, ph.Calibration.preset()).save("network.json")
    >>> load_network("network.json").labels
    ('rain', 'wet')
    """
    document = files.parse_json(path)
    found: Network = device(_device_in(document)).load_network(path)
    return found


def _device_in(document: Any) -> str:
    """Return the device that the document of a network names."""
    if not isinstance(document, Mapping):
        return "laser"
    return str(document.get("device", "lif" if document.get("kind") == "lif-network" else "laser"))


def substrate_of(network: Network) -> str:
    """Return the name of the substrate that simulates a network.

    Examples
    --------
    >>> import photinus as ph
    >>> from photinus.devices import substrate_of
    >>> machine = ph.BoltzmannMachine([[0, 1], [1, 0]], [0.5, -1])
    >>> substrate_of(ph.translate(machine, ph.Calibration.preset("lif-hcs")))
    'lif'
    """
    validate.instance("network", network, Network)
    return network.device


def driven_levels(network: Network) -> tuple[float, float]:
    """Return the drives that keep a neuron of a network off and on.

    Examples
    --------
    >>> import photinus as ph
    >>> from photinus.devices import driven_levels
    >>> machine = ph.BoltzmannMachine([[0, 1], [1, 0]], [0.5, -1])
    >>> off, on = driven_levels(ph.translate(machine, ph.Calibration.preset()))
    >>> off < on
    True
    """
    validate.instance("network", network, Network)
    return network.holding


held = driven_levels
"""Its older name."""


def setting(parameters: Parameters) -> Setting:
    """Return how neurons with these parameters are calibrated.

    Raises
    ------
    NotConverged
        If a laser has no spike to detect.

    Examples
    --------
    >>> from photinus.devices import preset, setting
    >>> setting(preset("lif-hcs")).synapse, setting(preset("fast-absorber")).synapse
    ('exponential', 'rectangle')
    """
    validate.instance("parameters", parameters, Parameters)
    return device_of(parameters).setting(parameters)


def assemble(
    parameters: Parameters,
    *,
    drive: NDArray[np.float64],
    coupling: NDArray[np.float64],
    kernel: SynapticKernel,
    window: float,
    detection_threshold: float | None,
    driven: tuple[float, float],
    delay: float | str | NDArray[np.float64] = 0.0,
    labels: tuple[Hashable, ...] = (),
    gauge: ArrayLike = (),
) -> Network:
    """Return a network of neurons of one kind.

    `driven` are the drives that keep a neuron off and on; a laser is off without any pump. A pump
    cannot be negative: lasers whose drive asks for one get none. `gauge` says which neurons stand for
    1 - z of their unit.

    Examples
    --------
    >>> import numpy as np
    >>> import photinus as ph
    >>> from photinus.devices import assemble
    >>> one = ph.Calibration.preset("fast-absorber")
    >>> network = assemble(
    ...     one.parameters,
    ...     drive=np.full(2, one.midpoint),
    ...     coupling=np.zeros((2, 2)),
    ...     kernel=one.kernel,
    ...     window=one.window,
    ...     detection_threshold=one.detection_threshold,
    ...     driven=(one.drive_at(-8), one.drive_at(8)),
    ... )
    >>> network.n_units
    2
    """
    validate.instance("kernel", kernel, SynapticKernel)
    validate.instance("parameters", parameters, Parameters)
    built: Network = device_of(parameters).assemble(
        parameters,
        drive=drive,
        coupling=coupling,
        kernel=kernel,
        window=window,
        detection_threshold=detection_threshold,
        driven=driven,
        delay=validate.number("delay", delay, "s") if isinstance(delay, str) else delay,
        labels=labels,
    )
    flips = gauges.checked(gauge, built.n_units)
    if not flips.any():
        return built
    if not device_of(parameters).has_gauge:
        raise InvalidInput(f"gauge must be 'none' for {device_of(parameters).plural}")
    return built.replace(gauge=flips)


def simulator(
    network: Network,
    *,
    chains: int,
    seed: "Seed",
    time_step: float | None = None,
    evidence: "Given | None" = None,
    evidence_mode: str | None = None,
    drive: NDArray[np.float64] | None = None,
    threads: int | None = None,
    engine: str = "cpu",
    clamp: "Given | None" = None,
    clamp_mode: str | None = None,
) -> SpikingSimulator:
    """Return the simulator of a network; arguments as in `photinus.engines.laser.Simulator`.

    `engine` is "cpu", or "cuda" for lasers on an NVIDIA device.

    Examples
    --------
    >>> import photinus as ph
    >>> from photinus.devices import simulator
    >>> machine = ph.BoltzmannMachine([[0, 1], [1, 0]], [0.5, -1])
    >>> run = simulator(ph.translate(machine, ph.Calibration.preset()), chains=2, seed=1)
    >>> first, second = run.advance(10e-9), run.advance(10e-9)
    >>> f"{second.start:.0e} to {second.end:.0e} s"
    '1e-08 to 2e-08 s'
    """
    validate.instance("network", network, Network)
    kind = device_of(network)
    validate.one_of(f"engine for {kind.plural}", engine, kind.engines)
    # Devices that have one engine need not know that there are others.
    choice = {} if engine == "cpu" else {"engine": engine}
    return kind.simulator(
        network,
        chains=chains,
        seed=seed,
        time_step=time_step,
        evidence=validate.either(evidence=evidence, clamp=clamp),
        evidence_mode=evidence_mode_of(evidence_mode, clamp_mode),
        drive=drive,
        threads=threads,
        **choice,
    )
