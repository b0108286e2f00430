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

ξ is not Gaussian but a sum of four small uniform numbers, which costs a few integer operations. A weak
scheme of order one needs only the first three moments (Kloeden & Platen 1992, section 14.1). The fourth
is off by 0.3, a quarter of what one uniform number has. It matters to g2(0) of light whose coherence
lasts a few steps only.
"""

import numpy as np

from photinus._core.compilation import inlined

SUBSTEPS = 4
"""Integration steps between two visits of spikes and synapses."""
REARM = 0.25
"""Fraction of the detection threshold below which the read-out looks for the next spike."""
HALF = np.float32(0.5)
ONE = np.float32(1.0)
SIXTH = np.float32(1.0 / 6.0)
NIBBLES, BYTES = np.uint32(0x0F0F0F0F), np.uint32(0x00FF00FF)
FOUR, EIGHT, SIXTEEN = np.uint32(4), np.uint32(8), np.uint32(16)
MEAN = np.int32(30)

# Each half of a word gives the sum of its four 4-bit numbers; this factor makes its variance one.
UNIT_VARIANCE = float(np.sqrt(12.0 / (4 * (16.0**2 - 1.0))))


@inlined
def noise_pair(word):  # type: ignore[no-untyped-def]
    """Return two noise numbers of mean 0 and variance ``1/UNIT_VARIANCE²`` from one word."""
    w = np.uint32(word)
    bytes_ = np.uint32(np.uint32(w & NIBBLES) + np.uint32(np.uint32(w >> FOUR) & NIBBLES))
    sums = np.uint32(np.uint32(bytes_ & BYTES) + np.uint32(np.uint32(bytes_ >> EIGHT) & BYTES))
    high = np.int32(np.int32(np.uint32(sums >> SIXTEEN)) - MEAN)
    low = np.int32(np.int32(np.uint32(sums & np.uint32(0xFF))) - MEAN)
    return np.float32(high), np.float32(low)


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
