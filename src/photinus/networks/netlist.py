"""Links between lasers from a netlist of gdsfactory: instances, nets or routes, placements.

The file is read as text. Light goes from the output of a laser through components to the inputs of
others, along the path with the least loss. What a component does follows from its name, or from a rule
in the layout's file::

    netlist = "chip.yml"
    wavelength = "1550 nm"

    [component.nanolaser]
    kind = "laser"                   # ports: output = "o2", input = "o1"

    [component.mmi1x2]
    kind = "splitter"                # o1 to all others, in equal parts, and back
    loss = "0.3 dB"

    [component.my_coupler]
    touchstone = "coupler.s4p"       # ports o1, o2, …

Kinds are ``laser``, ``through`` (every port to every other) and ``crossing`` (o1 to o3, o2 to o4). More
are ``splitter`` and ``coupler`` (o1 and o2 to o3 and o4, in halves). Lengths are in µm, as there.
"""

import heapq
import math
import os
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from photinus._core import files, validate
from photinus._core.extras import optional
from photinus.errors import InvalidInput
from photinus.networks.touchstone import transmissions
from photinus.units import speed_of_light, um

KINDS = ("laser", "through", "crossing", "splitter", "coupler")
BY_NAME = {
    "laser": "laser",
    "crossing": "crossing",
    "mmi1x": "splitter",
    "splitter": "splitter",
    "mmi2x2": "coupler",
    "coupler": "coupler",
}
"""Part of a component's name → what it is, where no rule says so; all others let light through."""
ENTRIES = ("kind", "loss", "length", "output", "input", "touchstone")
WAVELENGTH = 1550e-9
Port = tuple[str, str]
"""Instance, and the name of one of its ports."""


@dataclass(frozen=True)
class Rule:
    """What a component does to light."""

    kind: str
    loss: float = 0.0
    """Part of the light that is lost on every way through it."""
    length: float = 0.0
    """Of every way through it [m], where the netlist does not say."""
    output: str = "o2"
    input: str = "o1"
    powers: Mapping[tuple[str, str], float] = field(default_factory=dict)
    """(to, from) → part of the power, where it was measured."""


class Way(NamedTuple):
    """The best way of light from one laser to another."""

    source: str
    target: str
    loss: float
    """Part of the light that is lost, shares that go elsewhere included."""
    length: float
    """[m]."""
    crossings: int
    """How many crossings it goes through."""


def ways(
    path: str | os.PathLike[str],
    rules: Mapping[str, Any],
    loss_per_metre: float = 0.0,
    wavelength: float = WAVELENGTH,
) -> list[Way]:
    """Return the ways between all lasers of a netlist's file that light can go.

    Parameters
    ----------
    path
        File of the netlist (.yml, .yaml).
    rules
        Component → table of ``kind``, ``loss``, ``length`` and more, as in this module's description.
    loss_per_metre
        Natural logarithm of the loss of waveguides [1/m].
    wavelength
        Of the light [m], for components that were measured.

    Raises
    ------
    InvalidInput
        If the file is no such netlist, or has no lasers that light connects.
    """
    yaml = optional("yaml", "layout", "a netlist")
    content = files.read_bytes(path)
    try:
        document = yaml.safe_load(content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise InvalidInput(f"file {str(path)!r} is not YAML: {files.NOT_TEXT}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        why = " ".join(str(error).split())[:100]
        raise InvalidInput(f"file {str(path)!r} is not YAML: {why}") from None
    with files.reading(path, "netlist"):
        folder = Path(os.fspath(path)).parent
        graph = _Graph(document, rules, folder, loss_per_metre, wavelength)
        found = [way for laser in graph.lasers for way in graph.ways_from(laser)]
        if not found:
            raise InvalidInput(
                f"light must go from the output of a laser to the input of another one, but among "
                f"{len(graph.lasers)} laser(s) there is no such way"
            )
    return found


class _Graph:
    """Instances with their rules, and which ports touch or are joined by a route."""

    def __init__(
        self,
        document: Any,
        rules: Mapping[str, Any],
        folder: Path,
        loss_per_metre: float,
        wavelength: float,
    ) -> None:
        if not isinstance(document, Mapping) or "instances" not in document:
            raise InvalidInput("it must have instances")
        self.loss_per_metre = loss_per_metre
        self.instances: dict[str, Mapping[str, Any]] = {
            str(name): {"component": value} if isinstance(value, str) else value
            for name, value in validate.instance("instances", document["instances"], Mapping).items()
        }
        known: dict[str, Rule] = {}
        self.rules: dict[str, Rule] = {}
        for name, instance in self.instances.items():
            component = str(instance["component"])
            if component not in known:
                known[component] = _rule(component, rules.get(component, {}), folder, wavelength)
            self.rules[name] = known[component]
        self.joined: dict[Port, list[tuple[Port, float]]] = defaultdict(list)
        placed = document.get("placements") or {}
        for one, other, length in _nets(document):
            ends = self._port(one), self._port(other)
            metres = _apart(placed, *ends) if length is None else length * um
            self.joined[ends[0]].append((ends[1], metres))
            self.joined[ends[1]].append((ends[0], metres))
        self.ports: dict[str, set[str]] = defaultdict(set)
        for instance_name, port in list(self.joined):
            self.ports[instance_name].add(port)
        self.lasers = [name for name, rule in self.rules.items() if rule.kind == "laser"]

    def _port(self, text: str) -> Port:
        name, _, port = text.rpartition(",")
        validate.one_of("instance of a net", name.strip(), list(self.instances))
        return name.strip(), port.strip()

    def ways_from(self, source: str) -> list[Way]:
        """Return the way of least loss from a laser to every other that its light reaches."""
        start: Port = (source, self.rules[source].output)
        queue: list[tuple[float, float, int, Port]] = [(0.0, 0.0, 0, start)]
        left: set[Port] = set()
        found: dict[str, Way] = {}
        while queue:
            lost, length, crossings, port = heapq.heappop(queue)
            if port in left:
                continue
            left.add(port)
            for (name, entered), metres in self.joined[port]:
                here, far = lost + metres * self.loss_per_metre, length + metres
                rule = self.rules[name]
                if rule.kind == "laser":
                    if entered == rule.input and name != source and name not in found:
                        found[name] = Way(source, name, -math.expm1(-here), far, crossings)
                    continue
                inside = self._length(name)
                for exit_port in self.ports[name] - {entered}:
                    part = _part(rule, entered, exit_port, len(self.ports[name]))
                    if part > 0:
                        more = here - math.log(part) + inside * self.loss_per_metre
                        crossed = crossings + (rule.kind == "crossing")
                        heapq.heappush(queue, (more, far + inside, crossed, (name, exit_port)))
        return list(found.values())

    def _length(self, name: str) -> float:
        """Return the way through an instance [m]."""
        instance = self.instances[name]
        for place in ("info", "settings"):
            length = (instance.get(place) or {}).get("length")
            if length is not None and self.rules[name].kind == "through":
                return validate.non_negative(f"length of {name}", length) * um
        return self.rules[name].length


def _rule(component: str, table: Any, folder: Path, wavelength: float) -> Rule:
    """Return what a component does: as its table says, or as its name does."""
    given = dict(validate.instance(f"component {component}", table, Mapping))
    for name in given:
        validate.one_of(f"entry of component {component}", name, ENTRIES)
    usual = next((kind for part, kind in BY_NAME.items() if part in component), "through")
    kind = validate.one_of(f"kind of component {component}", given.get("kind", usual), KINDS)
    powers: dict[tuple[str, str], float] = {}
    if "touchstone" in given:
        measured = transmissions(folder / str(given["touchstone"]), speed_of_light / wavelength)
        names = [f"o{k + 1}" for k in range(len(measured))]
        powers = {
            (names[i], names[j]): float(part)
            for i, row in enumerate(measured)
            for j, part in enumerate(row)
        }
    loss = validate.number(f"loss of component {component}", given.get("loss", 0.0), "loss")
    return Rule(
        kind,
        loss=validate.within(f"loss of component {component}", loss, 0.0, 1.0),
        length=validate.number(f"length of component {component}", given.get("length", 0.0), "m"),
        output=str(given.get("output", "o2")),
        input=str(given.get("input", "o1")),
        powers=powers,
    )


def _part(rule: Rule, entered: str, left: str, ports: int) -> float:
    """Return what part of the light goes from one port of a component to another."""
    if rule.powers:
        return rule.powers.get((left, entered), 0.0)
    through = 1 - rule.loss
    if rule.kind == "crossing":
        return through if {entered, left} in ({"o1", "o3"}, {"o2", "o4"}) else 0.0
    if rule.kind == "splitter":
        return through / max(ports - 1, 1) if "o1" in (entered, left) else 0.0
    if rule.kind == "coupler":
        return through / 2 if (entered in ("o1", "o2")) != (left in ("o1", "o2")) else 0.0
    return through


def _nets(document: Mapping[str, Any]) -> list[tuple[str, str, float | None]]:
    """Return pairs of ports, with the length of a route [µm]: 0 where they touch, None if not told."""
    found: list[tuple[str, str, float | None]] = []
    for net in document.get("nets") or []:
        length = (net.get("settings") or {}).get("length", 0.0)
        found.append((str(net["p1"]), str(net["p2"]), float(length)))
    for one, other in (document.get("connections") or {}).items():
        found.append((str(one), str(other), 0.0))
    for route in (document.get("routes") or {}).values():
        length = (route.get("settings") or {}).get("length")
        for one, other in (route.get("links") or {}).items():
            found.append((str(one), str(other), None if length is None else float(length)))
    return found


def _apart(placed: Mapping[str, Any], one: Port, other: Port) -> float:
    """Return how far two instances are apart along both axes [m]; 0 where a place is not known."""
    places = [placed.get(name) or {} for name, _ in (one, other)]
    total = 0.0
    for axis in ("x", "y"):
        values = [place.get(axis, 0.0) for place in places]
        if all(isinstance(value, (int, float)) for value in values):
            total += abs(values[0] - values[1]) * um
    return total
