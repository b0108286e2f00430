"""What things cost: entries of value, unit, source and kind; a default list, and the user's own."""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from importlib import resources
from typing import Any

from photinus._core import files, validate
from photinus._core.display import Displayed
from photinus._core.records import settle
from photinus.devices.laser import LaserParameters
from photinus.errors import InvalidInput
from photinus.units import Allowed

KINDS = ("physics", "measured", "projected", "datasheet", "user")
"""Where a price can come from."""
UNITS = {
    "pump": "J/electron",
    "driving": "J/electron",
    "supply": "J/electron",
    "detection": "J/update",
    "amplification": "W/receiver",
    "one_shot": "J/spike",
    "weighting": "W/synapse",
    "synaptic_event": "J/event",
    "readout": "J/bit",
    "static": "W/chip",
}
"""What can be priced, in the order of the table, and the unit of its price."""
PLAUSIBLE = {
    name: Allowed("J", 0.0, 1.0, 1e-13) if unit.startswith("J/") else Allowed("W", 0.0, 1e5, 1e-3)
    for name, unit in UNITS.items()
}
"""What a price can be, per electron, update, event, bit, receiver, synapse or chip.

A text has a unit: "5 fJ".
"""


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class Price(Displayed):
    """One entry of a price list.

    Raises
    ------
    InvalidInput
        For an unknown name or kind, another unit than the name's, no source, or a negative value.

    Examples
    --------
    >>> from photinus.hardware import Prices
    >>> price = Prices.default().get("weighting")
    >>> price.unit, price.at("low") <= price.at("high")
    ('W/synapse', True)
    """

    name: str
    """What is priced, one of `UNITS`."""
    value: float
    """The expected price, >= 0."""
    unit: str
    """Unit of the price, that of `UNITS`."""
    source: str
    """Where the value was found or how it was computed."""
    kind: str
    """One of `KINDS`."""
    low: float | None = None
    """Lowest price that the source supports; `value` if not given."""
    high: float | None = None
    """Highest price that the source supports; `value` if not given."""
    verified: bool = True
    """Whether the value was read in its source."""

    def __post_init__(self) -> None:
        validate.one_of("price entry", self.name, UNITS)
        called = f"price of {self.name}"
        for text in ("unit", "source"):
            given = getattr(self, text)
            if not isinstance(given, str) or not given.strip():
                raise InvalidInput(f"{text} of the {called} must be a text, got {given!r}")
        if self.unit != UNITS[self.name]:
            raise InvalidInput(f"unit of the {called} must be {UNITS[self.name]!r}, got {self.unit!r}")
        validate.one_of(f"kind of the {called}", self.kind, KINDS)
        if not isinstance(self.verified, bool):
            raise InvalidInput(f"verified of the {called} must be true or false, got {self.verified!r}")
        plausible = PLAUSIBLE[self.name]
        value = plausible.check(called, validate.non_negative(called, self.value, plausible.unit))
        settle(self, value=value)
        for end in ("low", "high"):
            given = getattr(self, end)
            bound = value if given is None else given
            end_called = f"{end} end of the {called}"
            checked = validate.non_negative(end_called, bound, plausible.unit)
            settle(self, **{end: plausible.check(end_called, checked)})
        assert self.low is not None
        assert self.high is not None
        if not self.low <= value <= self.high:
            raise InvalidInput(
                f"{called} must be from its low to its high end, got {value:g} outside "
                f"[{self.low:g}, {self.high:g}]"
            )

    @classmethod
    def from_dict(cls, name: str, entry: Any) -> "Price":
        """Return the price that a table of a TOML file describes."""
        validate.one_of("price entry", name, UNITS)
        if not isinstance(entry, Mapping):
            raise InvalidInput(f"price of {name} must be a table with a value, got {entry!r}")
        keys = [f.name for f in fields(cls) if f.name != "name"]
        for key in entry:
            validate.one_of(f"entry of the price of {name}", key, keys)
        for field in fields(cls):
            if field.default is MISSING and field.name not in ("name", *entry):
                raise InvalidInput(f"price of {name} must have a {field.name}, which is missing")
        return cls(name=name, **entry)

    def at(self, case: str) -> float:
        """Return the price in a case, "low", "value" or "high"."""
        return float(getattr(self, case))


@dataclass(frozen=True, slots=True, repr=False)
class Prices(Displayed):
    """A price list: one entry per thing priced, none for what has no price.

    Examples
    --------
    >>> from photinus.hardware import Prices
    >>> prices = Prices.default()
    >>> "weighting" in prices.entries
    True
    >>> from photinus import LaserParameters
    >>> own = prices.for_laser(LaserParameters.preset("fast-absorber"))
    >>> sorted(set(own.entries) - set(prices.entries))
    ['driving', 'pump']
    >>> Prices.from_dict({}).entries
    {}
    """

    entries: Mapping[str, Price]
    """Name → price."""

    @classmethod
    def from_dict(cls, tables: Mapping[str, Any]) -> "Prices":
        """Return the list that a TOML document describes."""
        return cls({name: Price.from_dict(name, entry) for name, entry in tables.items()})

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "Prices":
        """Read a list from a TOML file, one table per entry.

        Raises
        ------
        InvalidInput
            If the file cannot be read, is no TOML, or an entry is not valid.
        """
        tables = files.parse_toml(path, "a valid price list")
        with files.reading(path, "price list"):
            return cls.from_dict(tables)

    @classmethod
    def default(cls) -> "Prices":
        """Return the list that ships with the package."""
        text = resources.files("photinus").joinpath("data/prices.toml").read_text(encoding="utf-8")
        return cls.from_dict(tomllib.loads(text))

    @classmethod
    def of(cls, prices: "Prices | Mapping[str, Any] | str | os.PathLike[str] | None") -> "Prices":
        """Return the default list with the entries of `prices`: a list, a mapping or a TOML file."""
        default = cls.default()
        if prices is None:
            return default
        if isinstance(prices, (str, os.PathLike)):
            prices = cls.load(prices)
        elif isinstance(prices, Mapping):
            prices = cls.from_dict(prices)
        elif not isinstance(prices, Prices):
            raise InvalidInput(f"prices must be a TOML file, a mapping or Prices, got {prices!r}")
        return cls({**default.entries, **prices.entries})

    def for_laser(self, parameters: LaserParameters) -> "Prices":
        """Return the list with pump and driving priced by the laser's physics, where they are not.

        An electron that crosses the junction of a laser gives up at least the energy of a photon,
        h c / λ.
        """
        validate.instance("parameters", parameters, LaserParameters)
        physics = {
            name: Price(
                name=name,
                value=parameters.photon_energy,
                unit=UNITS[name],
                source=f"photon energy h c / λ at {parameters.wavelength * 1e9:.0f} nm",
                kind="physics",
            )
            for name in ("pump", "driving")
        }
        return Prices({**physics, **self.entries})

    def get(self, name: str) -> Price | None:
        """Return the price of `name`, None if it has none."""
        return self.entries.get(validate.one_of("price entry", name, UNITS))
