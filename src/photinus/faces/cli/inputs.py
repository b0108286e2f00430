"""What is given on the command line, as objects of Photinus."""

from collections.abc import Hashable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from photinus.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from photinus.calibration import Calibration
    from photinus.devices import Network
    from photinus.devices.laser import LaserParameters
    from photinus.machines.boltzmann import BoltzmannMachine
    from photinus.networks.imperfections import Imperfections
    from photinus.samplers.tempering import Parallel, Tempering

FABRICATED = "The network counts as fabricated. Only faults during the run are added to it."
_AMBIGUOUS = object()
"""Stands for several labels that read alike, as the number 1 and the text 1 do."""


def read_calibration(device: str | None, path: Path | None, substrate: str = "laser") -> "Calibration":
    """Return the calibration of a preset (by default the substrate's) or of a file."""
    from photinus.calibration import Calibration
    from photinus.devices import preset
    from photinus.samplers.spiking import LaserRun, LifRun

    if path is None:
        return Calibration.preset(device or (LifRun if substrate == "lif" else LaserRun).preset)
    if path.suffix == ".toml" and path.exists():
        raise InvalidInput(
            f"--calibration must be a calibration (.json), got {str(path)!r}, which describes a laser: "
            f"'photinus calibrate {path}' writes its calibration"
        )
    loaded = Calibration.load(path)
    if device is not None:
        loaded.require(preset(device))
    return loaded


def read_evidence(given: list[str], machine: "BoltzmannMachine") -> dict[Hashable, Any]:
    """Return LABEL=VALUE pairs as evidence."""
    names: dict[str, Hashable] = {}
    for known in machine.labels:
        names[str(known)] = _AMBIGUOUS if str(known) in names else known
    known_units: dict[Hashable, Any] = {}
    for pair in given:
        label, equals, value = pair.rpartition("=")
        if not equals or value.strip() not in ("0", "1"):
            raise InvalidInput(f"--evidence must be LABEL=0 or LABEL=1, got {pair!r}")
        unit = names.get(label, label)
        if unit is _AMBIGUOUS:
            raise InvalidInput(
                f"--evidence must name one unit, got {pair!r} where several have a label that reads so"
            )
        if unit in known_units:
            raise InvalidInput(f"--evidence must name each unit once, got {label!r} twice")
        known_units[unit] = int(value)
    return known_units


def read_settings(option: str, given: list[str] | None) -> dict[str, Any]:
    """Return NAME=VALUE pairs as a mapping; true and false are booleans."""
    values: dict[str, Any] = {}
    for pair in given or []:
        name, equals, value = pair.partition("=")
        if not equals:
            raise InvalidInput(f"{option} must be NAME=VALUE, got {pair!r}")
        if value.lower() in ("true", "false"):
            values[name] = value.lower() == "true"
        else:
            values[name] = value
    return values


def read_tempering(
    hottest: float | None, period: int | None, copies: int | None
) -> "Tempering | Parallel | None":
    """Return the cycle or the copies that the options ask for; None without any."""
    from photinus.samplers.tempering import Parallel, Tempering

    if copies is not None:
        return Parallel.rising(copies, **_given(hottest=hottest, every=period))
    if hottest is not None:
        return Tempering(**_given(hottest=hottest, period=period))
    if period is not None:
        raise InvalidInput(f"--period needs --hottest or --copies, got {period} alone")
    return None


def _given(**options: Any) -> dict[str, Any]:
    """Return the options that were given."""
    return {name: value for name, value in options.items() if value is not None}


def read_imperfections(given: list[str] | None) -> "Imperfections | None":
    """Return NAME=VALUE pairs as what is wrong with a chip; None without any."""
    from photinus.networks.imperfections import Imperfections

    if not given:
        return None
    values = read_settings("--imperfection", given)
    whole = {name: int(value) for name, value in values.items() if str(value).isdecimal()}
    return Imperfections.from_dict({**values, **whole})


def laid_out(network: Any, path: Path | None) -> Any:
    """Return a network as the chip of a layout's file has it; as it is without one."""
    from photinus._core import files
    from photinus.devices.registry import device_of
    from photinus.hardware.links import warn_undriven
    from photinus.networks.lasers import is_of_lasers
    from photinus.networks.layout import Layout

    if path is None:
        return network
    if not is_of_lasers(network):
        raise InvalidInput(f"--layout must go with lasers, got {device_of(network).name!r}")
    chip = Layout.load(path)
    with files.reading(path, "layout for this machine"):
        built = chip.apply(network)
    warn_undriven(chip, network)
    return built


def read_start(
    machine: "BoltzmannMachine",
    calibration: "Calibration | None",
    path: Path | None,
    layout: Path | None,
    **options: str,
) -> "Network | None":
    """Return the network of a file or, for a layout, a translated one, as the layout has it.

    `options` are those of the translation, which needs a calibration. None without file and layout.
    """
    from photinus.devices import load_network
    from photinus.hardware.links import warn_undriven
    from photinus.networks.lasers import is_of_lasers
    from photinus.networks.layout import Layout
    from photinus.translation.rules import translate

    if path is not None:
        network = load_network(path)
        if layout is None and is_of_lasers(network) and (chip := Layout.of(network)) is not None:
            warn_undriven(chip, chip.designed(network))
    elif layout is not None and calibration is not None:
        network = translate(machine, calibration, **options)
    else:
        return None
    built: Network = laid_out(network, layout)
    return built


def read_neurons(
    machine: "BoltzmannMachine",
    substrate: str,
    laser: str | None,
    calibration: Path | None,
    network: Path | None,
    layout: Path | None,
    faults: "Imperfections | None",
    **options: str,
) -> dict[str, Any]:
    """Return what `photinus.sample` needs of neurons: a network, or a calibration and `options`.

    These are those of the translation. Other substrates take neither.
    """
    from photinus.samplers import registry

    if not registry.substrate(substrate).spiking:
        # They can't be used, but a name that is wrong is told.
        if laser is not None or calibration is not None:
            read_calibration(laser, calibration)
        if layout is not None:
            raise InvalidInput("--layout must go with a substrate of lasers")
        return {**options}
    measured = None if network is not None else read_calibration(laser, calibration, substrate)
    start = read_start(machine, measured, network, layout, **options)
    if faults is not None and network is not None:
        typer.echo(FABRICATED, err=True)
    if start is None:
        return {"calibration": measured, **options}
    # A network that was made for a layout has the options already.
    return {"network": start} if layout is not None else {"network": start, **options}


def read_chip(given: list[str] | None) -> dict[str, Any]:
    """Return NAME=VALUE pairs as settings of a chip, checked."""
    from photinus.hardware import Chip

    settings = read_settings("--chip", given)
    whole = {name: int(value) for name, value in settings.items() if str(value).isdecimal()}
    Chip.of({**settings, **whole}, lasers=1)
    return {**settings, **whole}


def read_workers(given: str | None) -> int | str | None:
    """Return a number of processes, or the address of a cluster."""
    return int(given) if given is not None and given.isdecimal() else given


def read_parameters(device: str, changes: list[str], *, forced: bool) -> Any:
    """Return the parameters of a preset or file (.json, .toml), with NAME=VALUE changes."""
    from photinus import devices

    if device.endswith(devices.ENDINGS):
        parameters = devices.load_parameters(device, forced=forced)
    else:
        parameters = devices.preset(device)
    values = read_settings("--set", changes)
    if values:
        values.setdefault("name", f"{parameters.name} (changed)")
    if forced:
        values["forced"] = True
    return parameters.replace(**values)


def read_laser(laser: str, changes: list[str], *, forced: bool) -> "LaserParameters":
    """Return what `read_parameters` does, for a laser alone."""
    from photinus.devices.laser.parameters import is_laser

    parameters = read_parameters(laser, changes, forced=forced)
    if not is_laser(parameters):
        raise InvalidInput(f"laser must be a laser, got {parameters.name!r}, another device")
    return parameters


def read_machine(path: Path) -> "BoltzmannMachine":
    """Return the machine of a file in any format that is known, or of the standard input for ``-``."""
    from photinus.interop.formats import read_machine as machine_of

    return machine_of(path)


def read_known(
    given: list[str] | None, states: "Mapping[Hashable, tuple[Hashable, ...]]"
) -> dict[Hashable, Hashable]:
    """Return VARIABLE=STATE pairs as evidence; names of both are matched as text."""
    known: dict[Hashable, Hashable] = {}
    for pair in given or []:
        cuts = [(pair[:k], pair[k + 1 :]) for k, letter in enumerate(pair) if letter == "="]
        if not cuts:
            raise InvalidInput(f"--evidence must be VARIABLE=STATE, got {pair!r}")
        found = _cut(cuts, states)
        name = _by_text(found[0], states, "--evidence")
        own = states.get(name, ())
        if name in known:
            raise InvalidInput(f"--evidence must name each variable once, got {name!r} twice")
        known[name] = _by_text(found[1], own, "--evidence") if own else found[1]
    return known


def _cut(
    cuts: list[tuple[str, str]], states: "Mapping[Hashable, tuple[Hashable, ...]]"
) -> tuple[str, str]:
    """Return which cut of a=b=c is meant: one into a variable and its state, where there is one."""
    named = [cut for cut in cuts if any(str(one) == cut[0] for one in states)]
    whole = [
        cut
        for cut in named
        if any(str(one) == cut[0] and cut[1] in map(str, own) for one, own in states.items())
    ]
    if len(whole) > 1:
        raise InvalidInput(f"--evidence must name one state, got one that reads as each of {whole!r}")
    return (whole or named or cuts[-1:])[0]


def read_query(
    given: list[str] | None, states: "Mapping[Hashable, tuple[Hashable, ...]]"
) -> list[Hashable] | None:
    """Return names of variables, matched as text; None for none."""
    return [_by_text(name, states, "--query") for name in given] if given else None


def _by_text(text: str, known: "Iterable[Hashable]", option: str) -> Hashable:
    """Return what reads like `text` among what is known; the text itself if nothing does."""
    found = [one for one in known if str(one) == text]
    if len(found) > 1:
        raise InvalidInput(f"{option} must name one of {found!r}, which read alike, got {text!r}")
    return found[0] if found else text
