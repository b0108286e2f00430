"""A chip as it is laid out: what each link between two lasers loses, how late it is, what it can set.

A layout is a list of links. A link goes from one laser to another one, its target::

    group_index = 4.2                # of waveguides, for lengths
    latency = "10 ps"                # detector and driver, added to every link
    loss_per_cm = "2 dB"             # of waveguides, for lengths
    crossing_loss = "0.1 dB"         # of each crossing
    splitter_loss = "0.3 dB"         # of each stage of a tree that feeds the targets of a laser
    crosstalk = "-40 dB"             # what leaks from a laser's waveguide into each neighbouring one
    receiver_gain = 300.0            # electrons per photon of detector and amplifier
    weight_most = 0.8                # what a weight lets through at most

    [[link]]
    from = "A"
    to = "B"
    loss = "3 dB"                    # or a share, "50%"
    length = "800 um"                # or: delay = "11 ps"
    crossings = 3                    # on its way
    gain = 2.0                       # of weight and receiver together, 1 if not given
    bits = 5                         # of the weight's magnitude, any value if not given

or a table with the same columns, units in its head: ``from,to,loss [dB],length [um],gain,bits``. In
place of links, ``netlist = "chip.yml"`` names a netlist of gdsfactory (`photinus.networks.netlist`).

What arrives of a coupling is ``gain × (1 - loss)`` times what was designed. Light takes ``length ×
group_index/c``. Matrices of Photinus have the target first: the link from A to B is entry [B, A].
"""

import math
import os
from collections import Counter
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from photinus._core import files, validate
from photinus._core.display import Displayed
from photinus._core.records import settle
from photinus.errors import InvalidInput
from photinus.networks.couplings import dense, entries
from photinus.networks.fabrication import in_steps, transmitted
from photinus.networks.imperfections import MOST_BITS
from photinus.networks.lasers import LaserNetwork
from photinus.networks.link_tables import links_of
from photinus.networks.netlist import WAVELENGTH, ways
from photinus.units import Allowed, speed_of_light

GROUP_INDEX = 4.2
"""Of a silicon wire at 1.55 µm, as in `photinus.hardware.chip`."""
LOSS, DELAY = Allowed("loss", 0.0, 1.0), Allowed("s", 0.0, 1e-6)
GAIN, LENGTH = Allowed("ratio", 0.0, 1e6), Allowed("m", 0.0, 200.0)
NETLISTS = (".yml", ".yaml")
CENTIMETRE = 1e-2
MOST_NAMED = 5
"""Links that a message names."""
WHOLE = {
    "splitter_loss": (0.0, 1.0, "loss"),
    "crosstalk": (0.0, 0.5, "ratio"),
    "receiver_gain": (0.0, 1e9, "ratio"),
    "weight_most": (0.0, 1e6, "ratio"),
}
"""What a layout has as a whole: least, most, unit."""
ENTRIES = (
    "component",
    "crossing_loss",
    "group_index",
    "latency",
    "link",
    "loss_per_cm",
    "netlist",
    "wavelength",
)
"""What else a layout's file may have."""


@dataclass(frozen=True, slots=True, repr=False)
class Link(Displayed):
    """One synapse as it is built.

    Raises
    ------
    InvalidInput
        If a value is outside its range, or the link ends where it begins.

    Examples
    --------
    >>> from photinus.networks.layout import Link
    >>> round(Link("A", "B", loss="3 dB", delay="11 ps").through, 3)
    0.501
    """

    source: Hashable
    """Label of the laser whose spikes it carries."""
    target: Hashable
    """Label of the laser that it acts on."""
    loss: float = 0.0
    """Part of the light that is lost, or decibels: "3 dB"."""
    delay: float = 0.0
    """Time from a spike to its effect [s]."""
    gain: float = 1.0
    """Of weight and receiver together, beyond what the design counts on; or decibels."""
    bits: int | None = None
    """Bits of the weight's magnitude: 2^bits - 1 equal steps up to the network's largest coupling."""

    def __post_init__(self) -> None:
        for name, allowed in (("loss", LOSS), ("delay", DELAY), ("gain", GAIN)):
            value = validate.number(f"{name} of {self.name}", getattr(self, name), allowed.unit)
            settle(self, **{name: allowed.check(f"{name} of {self.name}", value)})
        if self.bits is not None:
            bits = validate.integer(f"bits of {self.name}", self.bits, 1, MOST_BITS)
            settle(self, bits=bits)
        if self.source == self.target:
            raise InvalidInput(f"{self.name} must go to another laser, got itself")

    @property
    def name(self) -> str:
        """What messages call it."""
        return f"the link from {self.source!r} to {self.target!r}"

    @property
    def through(self) -> float:
        """What arrives of a coupling, as a share of what was designed."""
        return self.gain * (1 - self.loss)


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class Layout(Displayed):
    """The links of a chip.

    Raises
    ------
    InvalidInput
        If there are no links, or two between the same lasers in the same direction.
    """

    links: tuple[Link, ...]
    """Every link that is built."""
    splitter_loss: float = 0.0
    """Part of the light that each stage of a splitting tree loses; see `Imperfections`."""
    crosstalk: float = 0.0
    """Part of the light of a laser's waveguide that leaks into each neighbouring one."""
    receiver_gain: float | None = None
    """Electrons that detector and amplifier make of a photon, 1 for a photodiode alone; None if it is
    not known. It names links that cannot be driven, see `photinus.hardware.link_budget`."""
    weight_most: float = 1.0
    """What a weight element lets through at most; above 1 for one that amplifies."""

    def __post_init__(self) -> None:
        for name, (least, most, unit) in WHOLE.items():
            if getattr(self, name) is not None:
                value = validate.within(name, getattr(self, name), least, most, unit)
                settle(self, **{name: value})
        settle(self, links=validate.listed("links", self.links))
        if not self.links:
            raise InvalidInput("links must have at least 1 entry, got 0")
        seen = set()
        for link in self.links:
            validate.instance("link", link, Link)
            if (link.source, link.target) in seen:
                raise InvalidInput(
                    f"links must differ, got two from {link.source!r} to {link.target!r}"
                )
            seen.add((link.source, link.target))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "Layout":
        """Read a layout from a file: .toml, a table .csv, or a netlist of gdsfactory .yml.

        Raises
        ------
        InvalidInput
            If the file cannot be read, or a link is not valid; the message names it.
        """
        if os.fspath(path).endswith(".csv"):
            with files.reading(path, "layout"):
                return cls.from_dict({"link": links_of(files.read_bytes(path).decode("utf-8-sig"))})
        if os.fspath(path).endswith(NETLISTS):
            return cls.from_dict({"netlist": os.fspath(path)})
        document = files.parse_toml(path, "TOML")
        with files.reading(path, "layout"):
            return cls.from_dict(document, folder=Path(os.fspath(path)).parent)

    @classmethod
    def from_dict(
        cls, document: Mapping[str, Any], *, folder: str | os.PathLike[str] = "."
    ) -> "Layout":
        """Return the layout of a document as in the description of this module.

        `folder` is where the files lie that it names.
        """
        given = dict(document)
        for name in given:
            validate.one_of("entry of a layout", name, (*ENTRIES, *WHOLE))
        medium = _Medium.of(given)
        if "netlist" in given and "link" in given:
            raise InvalidInput("a layout must have links or a netlist, got both")
        rows = given.get("link", [])
        if "netlist" in given:
            rows = _from_netlist(Path(folder) / str(given["netlist"]), given, medium)
        whole = {name: given[name] for name in WHOLE if name in given}
        return cls(links=tuple(_link(row, medium) for row in rows), **whole)

    def to_dict(self) -> dict[str, Any]:
        """Return the layout for JSON, as `from_dict` and `of` take it."""
        rows = []
        for link in self.links:
            ends = files.labels_to_json([link.source, link.target])
            values = {name: getattr(link, name) for name in ("loss", "delay", "gain", "bits")}
            rows.append({"from": ends[0], "to": ends[1], **_known(values)})
        return {"link": rows, **_known({name: getattr(self, name) for name in WHOLE})}

    @classmethod
    def of(cls, network: LaserNetwork) -> "Layout | None":
        """Return the layout that a network is built by, None for a network as designed."""
        validate.instance("network", network, LaserNetwork)
        if not network.layout:
            return None
        document = dict(network.layout)
        rows = document.get("link", [])
        for name in ("from", "to"):
            ends = files.labels_from_json([row[name] for row in rows])
            rows = [{**row, name: end} for row, end in zip(rows, ends, strict=True)]
        return cls.from_dict({**document, "link": rows})

    def designed(self, network: LaserNetwork) -> LaserNetwork:
        """Return what a network of this layout would be without losses, link by link."""
        built = self._built(network)
        laid = dense(network.coupling)
        linked = np.zeros(laid.shape)
        for place, link in built.items():
            linked[place] = link.through
        losses = {"crosstalk": 0.0, "coupling_loss": 0.0, "splitter_loss": self.splitter_loss}
        left = dense(transmitted(linked, **losses))
        coupling = np.divide(laid, left, out=np.zeros(laid.shape), where=left > 0)
        return network.replace(coupling=coupling, layout={})

    def apply(self, network: LaserNetwork) -> LaserNetwork:
        """Return the network as this chip would have it; it keeps the layout.

        Parameters
        ----------
        network
            As designed. Its labels are those of the links.

        Raises
        ------
        InvalidInput
            If a link names a laser that the network lacks, a coupling has no link, or the network is
            laid out already.

        Examples
        --------
        >>> import photinus as ph
        >>> from photinus.networks.layout import Layout, Link
        >>> machine = ph.BoltzmannMachine([[0, 1], [1, 0]], [0, 0], labels=["A", "B"])
        >>> designed = ph.translate(machine, ph.Calibration.preset())
        >>> chip = Layout(links=[Link("A", "B", "3 dB", 11e-12), Link("B", "A", "3 dB", 11e-12)])
        >>> round(float(chip.apply(designed).coupling[0, 1] / designed.coupling[0, 1]), 3)
        0.501
        """
        built = self._built(network)
        if network.layout:
            raise InvalidInput("network must not be laid out yet, got one that is: it has its losses")
        self._require_all(network, built)
        coupling = dense(network.coupling).copy()
        delay = np.broadcast_to(np.asarray(network.delay), coupling.shape).copy()
        largest = float(np.abs(coupling).max())
        for place, link in built.items():
            set_to = coupling[place]
            if link.bits is not None and largest > 0:
                set_to = in_steps(set_to, largest, link.bits)
            coupling[place] = set_to * link.through
            delay[place] += link.delay
        left = transmitted(
            coupling, crosstalk=self.crosstalk, coupling_loss=0.0, splitter_loss=self.splitter_loss
        )
        return network.replace(coupling=left, delay=delay, layout=self.to_dict())

    def _built(self, network: LaserNetwork) -> dict[tuple[int, int], Link]:
        """Return the link of each pair (target, source) that has one."""
        validate.instance("network", network, LaserNetwork)
        return {
            (_position(link.target, link, network), _position(link.source, link, network)): link
            for link in self.links
        }

    def _require_all(self, network: LaserNetwork, built: Mapping[tuple[int, int], Link]) -> None:
        """Raise for couplings that no link carries."""
        target, source, value = entries(network.coupling)
        missing = [
            f"{network.labels[j]!r} to {network.labels[i]!r}"
            for i, j, x in zip(target.tolist(), source.tolist(), value, strict=True)
            if x and (i, j) not in built
        ]
        if missing:
            more = f" and {len(missing) - MOST_NAMED} others" if len(missing) > MOST_NAMED else ""
            raise InvalidInput(
                f"links must carry every coupling of the network, but none goes from "
                f"{', from '.join(missing[:MOST_NAMED])}{more}"
            )


def _known(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the entries that are not None."""
    return {name: value for name, value in values.items() if value is not None}


def _position(end: Hashable, link: Link, network: LaserNetwork) -> int:
    """Return which laser a link's end names; files know the names of labels only."""
    if end in network.labels:
        return network.labels.index(end)
    names = [str(label) for label in network.labels]
    return names.index(validate.one_of(f"laser of {link.name}", str(end), names))


class _Medium(NamedTuple):
    """What light goes through on every link."""

    group_index: float
    latency: float
    loss_per_metre: float
    """Natural logarithm of the loss of waveguides [1/m]."""
    crossing_loss: float

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> "_Medium":
        """Return what a document says of it."""
        per_cm = validate.within("loss_per_cm", given.get("loss_per_cm", 0.0), 0.0, 0.999, "loss")
        return cls(
            validate.positive("group_index", given.get("group_index", GROUP_INDEX)),
            validate.non_negative("latency", given.get("latency", 0.0), "s"),
            -math.log1p(-per_cm) / CENTIMETRE,
            validate.within("crossing_loss", given.get("crossing_loss", 0.0), 0.0, 1.0, "loss"),
        )

    def through(self, length: float, crossings: int) -> float:
        """Return what part of the light comes through a waveguide [m] with crossings."""
        return math.exp(-length * self.loss_per_metre) * (1 - self.crossing_loss) ** crossings

    def late(self, length: float) -> float:
        """Return how long light takes for a waveguide [s]."""
        return length * self.group_index / speed_of_light


def _from_netlist(path: Path, given: Mapping[str, Any], medium: _Medium) -> list[dict[str, Any]]:
    """Return the ways of a netlist as tables of links; what their waveguides lose is in the loss."""
    rules = validate.instance("component", given.get("component", {}), Mapping)
    wavelength = validate.positive("wavelength", given.get("wavelength", WAVELENGTH), "m")
    found = ways(path, rules, medium.loss_per_metre, wavelength)
    fan_out = Counter(way.source for way in found)
    rows = []
    for way in found:
        # That each of k targets gets a k-th of the light is part of the design.
        part = (1 - way.loss) * medium.through(0.0, way.crossings) * fan_out[way.source]
        row = {"from": way.source, "to": way.target, "delay": medium.late(way.length)}
        rows.append({**row, "loss": max(0.0, 1 - part), "gain": max(1.0, part)})
    return rows


def _link(row: Any, medium: _Medium) -> Link:
    """Return the link of one table of a document."""
    if not isinstance(row, Mapping):
        raise InvalidInput(f"a link must be a table of from, to and more, got {validate.shown(row)}")
    given = dict(row)
    for end in ("from", "to"):
        if end not in given:
            raise InvalidInput(f"a link must have {end!r}, which is missing in {validate.shown(row)}")
    source, target = given.pop("from"), given.pop("to")
    known = {field.name for field in fields(Link)} - {"source", "target"}
    for name in given:
        validate.one_of("entry of a link", name, sorted(known | {"crossings", "length"}))
    if "length" in given and "delay" in given:
        raise InvalidInput(
            f"the link from {source!r} to {target!r} must have length or delay, got both"
        )
    of = f"of the link from {source!r} to {target!r}"
    length = validate.allowed(f"length {of}", given.pop("length", 0.0), LENGTH)
    crossings = validate.integer(f"crossings {of}", given.pop("crossings", 0), 0, 10_000)
    delay = validate.number(f"delay {of}", given.pop("delay", medium.late(length)), "s")
    loss = validate.allowed(f"loss {of}", given.pop("loss", 0.0), LOSS)
    return Link(
        source,
        target,
        loss=1 - (1 - loss) * medium.through(length, crossings),
        delay=delay + medium.latency,
        **given,
    )
