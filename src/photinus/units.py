"""SI factors that make calls readable: ``photon_lifetime=4 * ps``, and quantities as people write them.

Every quantity inside Photinus is in SI units; multiplying by one of these converts into SI,
dividing by one converts out of it. `parse` reads a text such as ``"4 ps"``; `Allowed` says which values
are plausible, and what was probably meant by others.
"""

import math
import re
from difflib import get_close_matches
from typing import NamedTuple

from photinus.errors import InvalidInput

fs = 1e-15
"""One femtosecond in seconds."""
ps = 1e-12
"""One picosecond in seconds."""
ns = 1e-9
"""One nanosecond in seconds."""
us = 1e-6
"""One microsecond in seconds."""
ms = 1e-3
"""One millisecond in seconds."""
nm = 1e-9
"""One nanometre in metres."""
um = 1e-6
"""One micrometre in metres."""
nA = 1e-9
"""One nanoampere in amperes."""
uA = 1e-6
"""One microampere in amperes."""
mA = 1e-3
"""One milliampere in amperes."""
mV = 1e-3
"""One millivolt in volts."""
nW = 1e-9
"""One nanowatt in watts."""
uW = 1e-6
"""One microwatt in watts."""
mW = 1e-3
"""One milliwatt in watts."""
aJ = 1e-18
"""One attojoule in joules."""
fJ = 1e-15
"""One femtojoule in joules."""
pJ = 1e-12
"""One picojoule in joules."""
GHz = 1e9
"""One gigahertz in hertz."""
THz = 1e12
"""One terahertz in hertz."""

elementary_charge = 1.602176634e-19
"""q, elementary charge in coulombs (exact, SI 2019)."""
planck_constant = 6.62607015e-34
"""h, Planck constant in joule seconds (exact, SI 2019)."""
speed_of_light = 299792458.0
"""c, speed of light in vacuum in metres per second (exact, SI 2019)."""


_PREFIXES = {
    "a": 1e-18,
    "f": 1e-15,
    "p": 1e-12,
    "n": 1e-9,
    "µ": 1e-6,
    "u": 1e-6,
    "m": 1e-3,
    "": 1.0,
    "k": 1e3,
    "M": 1e6,
    "G": 1e9,
    "T": 1e12,
}


def _prefixed(unit: str) -> dict[str, float]:
    return {prefix + unit: factor for prefix, factor in _PREFIXES.items()}


def _rates() -> dict[str, float]:
    """Return the rates: hertz, and one per time in each of its spellings."""
    found = _prefixed("Hz")
    for prefix, factor in _PREFIXES.items():
        for before, after in (("/", ""), ("1/", ""), ("per ", ""), ("", "^-1"), ("", "-1"), ("", "⁻¹")):
            found[f"{before}{prefix}s{after}"] = 1 / factor
    return found | {"per second": 1.0}


def _areas() -> dict[str, float]:
    """Return the squares of lengths, in each of their spellings."""
    lengths = _prefixed("m") | {"cm": 0.01}
    return {f"{length}{two}": x**2 for length, x in lengths.items() for two in ("²", "2", "^2")}


def _volumes() -> dict[str, float]:
    """Return the cubes of lengths, in each of their spellings."""
    lengths = _prefixed("m") | {"cm": 0.01}
    return {f"{length}{three}": x**3 for length, x in lengths.items() for three in ("³", "3", "^3")}


def _densities() -> dict[str, float]:
    """Return one per volume, in each of its spellings."""
    found = {f"1/{volume}": 1 / x for volume, x in _volumes().items()}
    lengths = _prefixed("m") | {"cm": 0.01}
    return found | {f"{m}{after}": x**-3 for m, x in lengths.items() for after in ("^-3", "-3", "⁻³")}


_PLAIN = {"": 1.0, "%": 0.01}
_UNITS: dict[str, dict[str, float]] = {
    "s": _prefixed("s") | {"min": 60.0, "h": 3600.0, "d": 86400.0},
    "m": _prefixed("m"),
    "m²": _areas(),
    "m³": _volumes(),
    "1/m³": _densities(),
    "A": _prefixed("A"),
    "V": _prefixed("V"),
    "W": _prefixed("W"),
    "J": _prefixed("J"),
    "1/s": _rates(),
    "Hz": _rates(),
    "K": _prefixed("K"),
    "K/W": {"K/W": 1.0} | {f"K/{prefix}W": 1 / _PREFIXES[prefix] for prefix in ("m", "u", "µ")},
    "1/Hz": {"1/Hz": 1.0, "/Hz": 1.0, "Hz^-1": 1.0},
    "F": _prefixed("F"),
    "S": _prefixed("S"),
    "W/A": {f"{w}/{a}": x / y for w, x in _prefixed("W").items() for a, y in _prefixed("A").items()},
    "carriers": {"": 1.0, "carriers": 1.0, "carrier": 1.0},
    "photons": {"": 1.0, "photons": 1.0, "photon": 1.0},
    "carriers/s": {f"carriers{rate}": x for rate, x in _rates().items() if rate[0] == "/"},
    "": _PLAIN,
    "loss": _PLAIN,
    "ratio": _PLAIN,
}
"""Spellings of each kind of quantity, with what they are in its unit; `parse` adds decibels."""
_KINDS = {
    "s": ("a time", "4 ps"),
    "m": ("a length", "1550 nm"),
    "m²": ("an area", "3600 µm²"),
    "m³": ("a volume", "0.1 µm³"),
    "1/m³": ("a density", "1e18 cm^-3"),
    "A": ("a current", "10 uA"),
    "V": ("a voltage", "-50 mV"),
    "W": ("a power", "2 mW"),
    "J": ("an energy", "5 fJ"),
    "1/s": ("a rate", "10 MHz"),
    "Hz": ("a frequency", "20 GHz"),
    "K": ("a temperature", "60 K"),
    "K/W": ("a thermal resistance", "1e5 K/W"),
    "1/Hz": ("a spectral density", "1e-14 1/Hz or -140 dB/Hz"),
    "F": ("a capacitance", "0.2 nF"),
    "S": ("a conductance", "1 nS"),
    "W/A": ("a slope of light against current", "0.2 W/A"),
    "carriers": ("a number of carriers", "2000"),
    "photons": ("a number of photons", "400"),
    "carriers/s": ("a rate of carriers", "1e14"),
    "": ("a number or a percentage", "0.02 or 2%"),
    "loss": ("a share, a percentage or decibels", "0.5, 50% or 3dB"),
    "ratio": ("a share, a percentage or decibels", "0.01, 1% or -20dB"),
}
"""What a quantity is called, and an example of it."""
_NUMBER = re.compile(
    r"([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*(1 ?/.*|[^\d\s.,;:].*)?", re.DOTALL
)


def parse(text: str, unit: str = "", name: str = "quantity") -> float:
    """Return the quantity that a text gives, in SI: ``parse("4 ps", "s")`` is 4e-12.

    Parameters
    ----------
    text
        A number, with a unit or in SI without one: "4ps", "0.8 ns", "10 uA", "20 GHz", "1/ns", "2%",
        "3 dB", "4e-12". SI prefixes run from a to T; µ and u are the same.
    unit
        The SI unit of what is wanted, one of these: "s", "m", "m²", "m³", "1/m³", "A", "V", "W", "J".
        Or of these: "1/s", "Hz", "K", "F", "S", "W/A", "K/W", "1/Hz", "carriers", "photons". It is
        empty for a plain number or a percentage. "loss" and "ratio" stand for a share that may be in
        decibels. 3 dB are a loss of 1 - 10^(-3/10); -20 dB are a ratio of 10^(-20/10). "1/Hz" may be
        in dB/Hz.
    name
        What the quantity is called if the text is refused.

    Raises
    ------
    InvalidInput
        If the number is missing, or the unit is unknown or that of another kind of quantity.

    Examples
    --------
    >>> from photinus.units import parse
    >>> parse("4 ps", "s"), parse("2%"), parse("20 GHz", "Hz")
    (4e-12, 0.02, 20000000000.0)
    """
    called, example = _KINDS.get(unit, (f"a number of {unit}", "1"))
    found = _NUMBER.fullmatch(text.strip())
    if found is None:
        try:
            return float(text)  # nan, inf and 1_000, as Python reads them
        except ValueError:
            wanted = (
                "a number" if unit in ("", "loss", "ratio") else f"a number with a unit ({example})"
            )
            raise InvalidInput(f"{name} must be {wanted}, got {text!r}") from None
    number, spelled = float(found[1]), (found[2] or "").strip().replace("μ", "µ")
    if not spelled:
        return number
    if spelled == "dB" and unit in ("loss", "ratio"):
        return 1 - 10 ** (-number / 10) if unit == "loss" else 10 ** (number / 10)
    if spelled == "dB/Hz" and unit == "1/Hz":
        return 10 ** (number / 10)
    known = _UNITS.get(unit, {"": 1.0})
    if spelled in known:
        return _rounded(number * known[spelled])
    others = [_KINDS[u][0] for u, spellings in _UNITS.items() if spelled in spellings and u != unit]
    if spelled == "dB":
        others = ["a ratio in decibels"]
    if others:
        raise InvalidInput(f"{name} must be {called} ({example}), got {text!r}, {others[0]}")
    raise InvalidInput(f"{name} must be {called} ({example}), got {text!r}{_near(spelled, known)}")


def _near(spelled: str, known: dict[str, float]) -> str:
    """Return which known unit is like an unknown one, for the end of a sentence."""
    same = [unit for unit in known if unit.lower() == spelled.lower()]
    near = same or get_close_matches(spelled, [unit for unit in known if unit], n=1, cutoff=0.5)
    return f": the unit {spelled!r} is unknown" + (f" (did you mean {near[0]!r}?)" if near else "")


MOST_DECIBELS = 60.0
"""Largest loss that somebody may mean who gives a number alone."""


class Allowed(NamedTuple):
    """The plausible values of a parameter.

    Examples
    --------
    >>> from photinus.units import Allowed
    >>> Allowed("s", 1e-13, 1e-9).check("photon_lifetime", 4e-12)
    4e-12
    >>> Allowed("s", 1e-13, 1e-9).shown(4e-12)
    '4 ps'
    """

    unit: str
    """Its SI unit, as in `parse`."""
    low: float
    """Smallest value."""
    high: float
    """Largest value."""
    typical: float = 0.0
    """Where values mostly lie: suggestions near it come first; 0 for the middle of the range."""

    def check(self, name: str, value: float, written: str = "") -> float:
        """Return `value` if it is allowed; `written` is the text that it was read from, if any.

        Raises
        ------
        InvalidInput
            If it is not, with what was probably meant.
        """
        if self.low <= value <= self.high:
            return value
        low = self.shown(self.low) if self.low else "0"
        raise InvalidInput(
            f"{name} must be from {low} to {self.shown(self.high)}, got {written or self.shown(value)}"
            f"{self._meant(value, written)}"
        )

    def _meant(self, value: float, written: str = "") -> str:
        """Return what is allowed and differs from `value` by a prefix, for the end of a sentence."""
        if written.endswith("dB"):  # a loss below zero: losses are written as gains at times
            return f": did you mean {written.lstrip('-')}?" if self.unit == "loss" else ""
        exponents: tuple[int, ...] = (-12, -9, -6, -3, 3, 6, 9, 12)
        if self.unit in ("", "loss", "ratio"):
            exponents = (-2,)
        elif self.unit == "m²":
            exponents = (-12, -6, 6, 12)
        moved = [_rounded(value * 10.0**e) for e in exponents]
        centre = self.typical or math.sqrt(max(self.low, 1e-9 * self.high) * self.high)
        fit = [x for x in moved if x and self.low <= x <= self.high]
        fit = sorted(fit, key=lambda x: abs(math.log(abs(x) / centre)))[:2]
        shown = [f"{100 * x:g} %" if exponents == (-2,) else self.shown(x) for x in fit]
        if self.unit == "loss" and 1 < value <= MOST_DECIBELS and not written.endswith("%"):
            shown.insert(0, f"{value:g} dB")
        return f": did you mean {' or '.join(shown)}?" if shown else ""

    def shown(self, value: float) -> str:
        """Return a value for people, with prefix and unit."""
        if self.unit in ("", "loss", "ratio"):
            return f"{value:g}"
        if self.unit in ("carriers", "photons", "carriers/s", "1/s", "K", "K/W", "1/Hz"):
            return f"{value:g} {self.unit}"
        if self.unit == "m²":
            return f"{value / um**2:g} µm²"
        scale, prefix = scaled(float(f"{value:.6g}"))
        return f"{float(f'{value / scale:.6g}'):g} {prefix}{self.unit}"


def _rounded(value: float) -> float:
    """Return a product of powers of ten without what rounding added: 4 * 1e-12 is 4e-12."""
    return float(f"{value:.15g}")


def quantity(value: float, unit: str, digits: int = 3) -> str:
    """Return `value` with an SI prefix: ``quantity(1.1e-9, "s")`` is "1.1 ns".

    Examples
    --------
    >>> from photinus.units import quantity
    >>> quantity(1.1e-9, "s")
    '1.1 ns'
    """
    scale, prefix = scaled(value)
    return f"{value / scale:,.{digits}g} {prefix}{unit}"


def scaled(value: float) -> tuple[float, str]:
    """Return the power of a thousand that suits `value`, with its SI prefix.

    Examples
    --------
    >>> from photinus.units import scaled
    >>> scaled(2.2e-10)
    (1e-12, 'p')
    """
    prefixes = "afpnµm kMGT"
    exponent = (
        0
        if value == 0 or not math.isfinite(value)
        else min(max(math.floor(math.log10(abs(value)) / 3), -6), 4)
    )
    return 1000.0**exponent, prefixes[exponent + 6].strip()
