r"""Arithmetic of one laser and one time step: scalars in, scalars out.

All symbols are per step of length dt. ``ex``, ``ey`` are the field quadratures (|E|² is the photon
number), ``ng``, ``na`` the carriers in the gain section and in the saturable absorber. ``gg``, ``ga``
are the gain and absorber coefficients times dt, ``clear_g``, ``clear_a`` the same times the carriers at
transparency. ``dg``, ``da`` are dt over the carrier lifetimes, ``pump`` the carriers injected per step.
A quarter of the net growth rate times dt is ``growth + growth_g ng + growth_a na``. ``noise`` is the
amplitude of the field noise. ``from_g``, ``from_a`` are twice that amplitude times the shares of the
emission that come from the gain section and from the absorber.

The scheme splits one step into field and carriers and staggers them (leapfrog), so that without
noise it is of second order:

* field: ``E ← w (w E + ξ)`` with ``w = exp(¼(G + A − κ)dt)``. With ξ of variance R dt/2 per
  quadrature the stationary photon number of a linear mode is right to second order in dt, where
  plain Euler–Maruyama is off by the first.
* partition: the photons that the noise brings, 2 Re(E* ξ) less their mean, are taken from the carriers
  that emitted them. Mean emission is part of the decay already. This is its fluctuation, fully
  correlated with the field's (Langevin forces of the rate equations; McKinstrie 2020, J. Opt. Soc. Am.
  B 37, 1333).
* carriers: linear decay at fixed photon number, with exp(−q) ≈ 1/(1 + q + q²/2). This stays
  positive and bounded for any q; an explicit step of the absorber blows up once ``ga S > 1``.

ξ is not Gaussian but a sum of four uniform numbers of two bits, which costs a few integer operations.
A weak scheme of order one needs only the first three moments (Kloeden & Platen 1992, section 14.1). The
fourth is off by 0.34, a quarter of what one such number has. It matters to g2(0) of light whose
coherence lasts a few steps only.
"""

import math

import numpy as np

from photinus._core.compilation import inlined

SUBSTEPS = 4
"""Integration steps between two visits of spikes and synapses."""
REARM = 0.25
"""Fraction of the detection threshold below which the read-out looks for the next spike."""
ZERO = np.float32(0.0)
TINY = np.float32(1e-30)
QUARTER = np.float32(0.25)
HALF = np.float32(0.5)
ONE = np.float32(1.0)
TWO = np.float32(2.0)
SIXTH = np.float32(1.0 / 6.0)
FOUR, EIGHT = np.uint32(4), np.uint32(8)
NIBBLES, PAIRS = np.uint32(0x0F0F0F0F), np.uint32(0x33333333)

# Bits of a float whose last place is 1, 2^-8, 2^-16: with a number of few bits put in there, the float
# is that number more. So no conversion is needed, only a difference.
LOW, SECOND, HIGH = np.uint32(0x4B000000), np.uint32(0x47000000), np.uint32(0x43000000)
_AT_LOW, _AT_SECOND, _AT_HIGH = 2.0**23, 2.0**15, 2.0**7

# Each half of a word gives the sum of its four 4-bit numbers; this factor makes its variance one.
UNIT_VARIANCE = float(np.sqrt(12.0 / (4 * (16.0**2 - 1.0))))
_MEAN_OF_HALF = 4 * 7.5
# The same of a quarter of a word, which has four 2-bit numbers.
UNIT_VARIANCE_OF_QUARTER = float(np.sqrt(12.0 / (4 * (4.0**2 - 1.0))))
_MEAN_OF_QUARTER = 4 * 1.5
_FIELD_NOISE = np.float32(0.5 * UNIT_VARIANCE_OF_QUARTER**2)
_CARRIER_NOISE = np.float32(SUBSTEPS * UNIT_VARIANCE_OF_QUARTER**2)


@inlined
def noise_pair(word):  # type: ignore[no-untyped-def]
    """Return two noise numbers of mean 0 and variance ``1/UNIT_VARIANCE²`` from one word."""
    w = np.uint32(word)
    bytes_ = np.uint32(np.uint32(w & NIBBLES) + np.uint32(np.uint32(w >> FOUR) & NIBBLES))
    # Sums of two are at most 30, so that nothing is carried from one byte to the next.
    sums = np.uint32(bytes_ + np.uint32(bytes_ >> EIGHT))
    high = np.uint32(np.uint32(sums & np.uint32(0x00FF0000)) | HIGH).view(np.float32)
    low = np.uint32(np.uint32(sums & np.uint32(0xFF)) | LOW).view(np.float32)
    return high - np.float32(_AT_HIGH + _MEAN_OF_HALF), low - np.float32(_AT_LOW + _MEAN_OF_HALF)


@inlined
def _sums_of_four(word):  # type: ignore[no-untyped-def]
    """Return a word whose bytes have the sum of four 2-bit numbers each in their lower halves."""
    w = np.uint32(word)
    nibbles = np.uint32(np.uint32(w & PAIRS) + np.uint32(np.uint32(w >> np.uint32(2)) & PAIRS))
    # At most 12 each.
    return np.uint32(nibbles + np.uint32(nibbles >> FOUR))


@inlined
def _lowest(sums):  # type: ignore[no-untyped-def]
    """Return the noise number that the lowest byte of `_sums_of_four` stands for."""
    bits = np.uint32(np.uint32(sums & np.uint32(0x0F)) | LOW)
    return bits.view(np.float32) - np.float32(_AT_LOW + _MEAN_OF_QUARTER)


@inlined
def noise_number(word):  # type: ignore[no-untyped-def]
    """Return a noise number of mean 0 and variance ``1/UNIT_VARIANCE_OF_QUARTER²`` from one word."""
    return _lowest(_sums_of_four(word))


@inlined
def noise_numbers(word):  # type: ignore[no-untyped-def]
    """Return four such numbers from one word."""
    sums = _sums_of_four(word)
    second = np.uint32(np.uint32(sums & np.uint32(0x0F00)) | SECOND).view(np.float32)
    third = np.uint32(np.uint32(sums & np.uint32(0x0F0000)) | HIGH).view(np.float32)
    return (
        _lowest(sums),
        second - np.float32(_AT_SECOND + _MEAN_OF_QUARTER),
        third - np.float32(_AT_HIGH + _MEAN_OF_QUARTER),
        _lowest(np.uint32(sums >> np.uint32(24))),
    )


@inlined
def add_carrier_noise(ng, number, pump, dg, pump_noise, shot_noise):  # type: ignore[no-untyped-def]
    """Return the gain carriers after their noise of all substeps, which comes from a noise number."""
    mean = pump + dg * ng
    shot = shot_noise * max(mean, ZERO)
    return ng + number * np.float32(math.sqrt(_CARRIER_NOISE * (pump_noise + shot)))


@inlined
def noise_amplitudes(ng, na, gg, ga):  # type: ignore[no-untyped-def]
    """Return noise, from_g and from_a, which `advance_field` takes."""
    into_g = gg * max(ng, ZERO)
    into_a = ga * max(na, ZERO)
    emission = into_g + into_a
    noise = np.float32(math.sqrt(_FIELD_NOISE * emission))
    twice = TWO * noise / max(emission, TINY)
    return noise, twice * into_g, twice * into_a


@inlined
def ease_growth(ex, ey, ng, na, growth, growth_g, growth_a, clear, compression):  # type: ignore[no-untyped-def]
    """Return growth and growth_g of a step whose gain is compressed by the light half-way through it.

    `clear` is what the gain section takes from `growth`, a quarter of its absorption at no carriers.
    """
    photons = ex * ex + ey * ey
    eased = ONE / (ONE + compression * photons)
    x = growth + clear + eased * (growth_g * ng - clear) + growth_a * na
    w = ONE + x * (ONE + x * (HALF + x * SIXTH))
    eased = ONE / (ONE + compression * photons * (w * w))
    return growth + clear - eased * clear, eased * growth_g


@inlined
def advance_field(  # type: ignore[no-untyped-def]
    ex, ey, ng, na, xi, eta, noise, from_g, from_a, growth, growth_g, growth_a
):
    """Return (ex, ey, ng, na, photons) after the field's part of a step; carriers pay for its noise."""
    x = growth + growth_g * ng + growth_a * na
    w = ONE + x * (ONE + x * (HALF + x * SIXTH))
    ex = w * ex
    ey = w * ey
    along = ex * xi + ey * eta
    ng -= from_g * along
    na -= from_a * along
    ex = w * (ex + noise * xi)
    ey = w * (ey + noise * eta)
    return ex, ey, ng, na, ex * ex + ey * ey


@inlined
def advance_carriers(  # type: ignore[no-untyped-def]
    ng, na, photons, pump, gg, ga, clear_g, clear_a, dg, da
):
    """Return (ng, na) after the carriers' part of a step at a fixed photon number."""
    qg = dg + gg * photons
    qa = da + ga * photons
    half_g = ONE + HALF * qg
    half_a = ONE + HALF * qa
    denominator_g = ONE + qg * half_g
    denominator_a = ONE + qa * half_a
    # One division serves both sections; divisions are the dearest operations here.
    inverse = ONE / (denominator_g * denominator_a)
    ng = (ng + (pump + clear_g * photons) * half_g) * (denominator_a * inverse)
    na = (na + clear_a * photons * half_a) * (denominator_g * inverse)
    return ng, na


@inlined
def read_out(peak, last, excited, high, low):  # type: ignore[no-untyped-def]
    """Return (1 at a spike, else 0; 1 if excited from now on, else 0), for photons at most, at last."""
    fire = ONE - excited if peak > high else ZERO
    stays = excited if last >= low else ZERO
    return fire, (ONE if peak > high else stays)


@inlined
def through_driver(x, before, bend):  # type: ignore[no-untyped-def]
    """Return (y, share) of a driver that bends, see `photinus.devices.laser.driver`.

    Let y flow beside the idle current at an input of x beyond the knee, and y' `before`. A change of
    the input by dx changes y by dx times y y'/(y y' + q). A kick is that part of its height, as it
    goes with the change.
    """
    root = math.sqrt(x * x + (TWO + TWO) * bend)
    # Of the two forms, the one that subtracts no numbers of like size.
    y = HALF * (x + root) if x > ZERO else TWO * bend / (root - x + TINY)
    both = y * before
    return y, both / (both + bend + TINY)


@inlined
def follow(late, asked, held, part):  # type: ignore[no-untyped-def]
    """Return (late, given, held): a driver goes `part` of the way and gives that part of a charge."""
    given = part * held
    return late + part * (asked - late), given, held - given
