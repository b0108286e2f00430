"""What a study's file may say, section by section."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from photinus._core import validate
from photinus.devices.laser import LASER_PRESETS, LaserParameters
from photinus.devices.laser.parameters import PLAUSIBLE as LASER
from photinus.errors import InvalidInput
from photinus.networks.imperfections import PLAUSIBLE as IMPERFECTION
from photinus.networks.imperfections import Imperfections
from photinus.networks.lasers import PLAUSIBLE_TIMES
from photinus.samplers import registry
from photinus.translation.gauge import CHOICES
from photinus.translation.rules import DEFAULT_RULE, RULES
from photinus.units import Allowed, parse

if TYPE_CHECKING:
    pass

FAMILIES: dict[str, Callable[[np.random.Generator, tuple[int, ...]], Any]] = {
    "uniform": lambda random, shape: random.uniform(-1, 1, shape),
    "beta": lambda random, shape: 1.2 * (2 * random.beta(0.5, 0.5, shape) - 1),
}
"""Laws of weights and biases: uniform in ±1, or Beta(½, ½) scaled to ±1.2."""


@dataclass(frozen=True, kw_only=True)
class Machines:
    """Section ``[machines]``: a file, or random machines."""

    file: str | None = None
    """Boltzmann machine (.json or .npz), relative to the study's file."""
    family: str = "uniform"
    """Law of weights and biases: "uniform" or "beta"."""
    units: int = 5
    index: int = 0
    """Number of the machine within its family and size."""
    seed: int = 0
    scale: float = 1.0
    """Factor on weights and biases."""


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """Section ``[sample]``: as the arguments of `photinus.sample`."""

    substrate: str = "laser"
    chains: int = 64
    draws: int = 250
    burn_in: int = 25
    seed: int = 0
    rule: str = DEFAULT_RULE
    gauge: str = "auto"
    refined: bool = False
    """Whether the network is refined first, with as many chains and draws."""


@dataclass(frozen=True, kw_only=True)
class Wiring:
    """Section ``[network]``: how the network is designed."""

    delay: float | str = 0.0
    """Synaptic delay: a number of state windows τ, or a text with a unit of time ("30 ps")."""

    def of(self, window: float) -> float:
        """Return the delay [s] where a state window is that long [s]."""
        if isinstance(self.delay, str):
            return parse(self.delay, "s", "[network] delay")
        return self.delay * window


ORIGINS = ("preset", "file", "calibration")
"""Where section ``[device]`` has its device from: one of them, or the first preset."""
SECTIONS = {"machines": Machines, "sample": Sampling, "network": Wiring}
"""Sections with a default for every key; ``[device]`` and ``[imperfections]`` hold what is given."""


def _listed(name: str, value: Any) -> list[Any]:
    values = value if isinstance(value, list) else [value]
    if not values:
        raise InvalidInput(f"{name} must have at least 1 value, got []")
    return values


def _in_si(key: str, values: list[Any], plausible: Mapping[str, Allowed]) -> list[Any]:
    """Return values in SI, so that "2%" and 0.02 are one point."""
    if key not in plausible:
        return values
    unit = plausible[key].unit
    return [parse(value, unit, key) if isinstance(value, str) else value for value in values]


def _checked(section: str, field: Any, value: Any) -> Any:
    """Return a value of a section if it is of its field's type and range."""
    name = f"[{section}] {field.name}"
    if field.name == "substrate":
        # Other packages are looked through only for a name that is not ours.
        ours = isinstance(value, str) and value in registry.SUBSTRATES
        known = registry.SUBSTRATES if ours else registry.names()
        return validate.one_of(name, value, known)
    allowed: dict[str, Iterable[str]] = {"rule": RULES, "gauge": CHOICES, "family": FAMILIES}
    if field.name in allowed:
        return validate.one_of(name, value, allowed[field.name])
    if field.name == "file":
        if value is not None and not isinstance(value, str):
            raise InvalidInput(f"{name} must be a file name, got {value!r}")
        return value
    if field.name == "refined":
        if not isinstance(value, bool):
            raise InvalidInput(f"{name} must be true or false, got {value!r}")
        return value
    if field.name == "scale":
        return validate.number(name, value)
    if field.name == "delay":
        if isinstance(value, str):
            validate.allowed(name, value, PLAUSIBLE_TIMES["delay"])
            return value
        return validate.non_negative(name, value)
    return validate.integer(name, value, 1 if field.name in ("units", "chains", "draws") else 0)


def axes_of(document: Mapping[str, Any]) -> list[tuple[str, str, list[Any]]]:
    """Return (section, key, values) of everything that a study's document says or leaves as it is.

    Raises
    ------
    InvalidInput
        If a section, a key or a value is not allowed.
    """
    for name, section in document.items():
        validate.one_of("section", name, (*SECTIONS, "imperfections", "device"))
        if not isinstance(section, Mapping):
            raise InvalidInput(f"{name} must be a section [{name}], got {section!r}")
    axes: list[tuple[str, str, list[Any]]] = []
    for name, kind in SECTIONS.items():
        given = document.get(name, {})
        for key in given:
            validate.one_of(f"key in [{name}]", key, [f.name for f in fields(kind)])
        for field in fields(kind):
            values = _listed(f"[{name}] {field.name}", given.get(field.name, field.default))
            axes.append((name, field.name, [_checked(name, field, v) for v in values]))
    faults = [field.name for field in fields(Imperfections)]
    axes += _given("imperfections", document.get("imperfections", {}), faults, IMPERFECTION)
    given = document.get("device", {})
    origins = [name for name in ORIGINS if name in given]
    if len(origins) > 1:
        raise InvalidInput(
            f"[device] must have one of {', '.join(ORIGINS)}, got {' and '.join(origins)}"
        )
    for name in origins:
        for value in _listed(f"[device] {name}", given[name]):
            if not isinstance(value, str):
                raise InvalidInput(f"[device] {name} must be a text, got {validate.shown(value)}")
    device = {**given} if origins else {"preset": LASER_PRESETS[0], **given}
    named = [*ORIGINS, *(field.name for field in fields(LaserParameters) if field.name != "name")]
    return axes + _given("device", device, named, LASER)


def _given(
    section: str, given: Mapping[str, Any], allowed: Sequence[str], plausible: Mapping[str, Allowed]
) -> list[tuple[str, str, list[Any]]]:
    """Return (section, key, values) of a section in which nothing stands that is not given."""
    axes = []
    for key, value in given.items():
        validate.one_of(f"key in [{section}]", key, allowed)
        values = _listed(f"[{section}] {key}", value)
        axes.append((section, key, _in_si(key, values, plausible)))
    return axes
