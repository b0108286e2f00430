"""SI factors that make calls readable: ``photon_lifetime=4 * ps``.

Every quantity inside Photinus is in SI units; multiplying by one of these converts into SI,
dividing by one converts out of it.
"""

import math

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


def quantity(value: float, unit: str, digits: int = 3) -> str:
    """Return `value` with an SI prefix: ``quantity(1.1e-9, "s")`` is "1.1 ns"."""
    scale, prefix = scaled(value)
    return f"{value / scale:,.{digits}g} {prefix}{unit}"


def scaled(value: float) -> tuple[float, str]:
    """Return the power of a thousand that suits `value`, with its SI prefix."""
    prefixes = "afpnµm kMGT"
    exponent = 0 if value == 0 else min(max(math.floor(math.log10(abs(value)) / 3), -6), 4)
    return 1000.0**exponent, prefixes[exponent + 6].strip()
