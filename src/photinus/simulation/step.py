r"""Arithmetic of one laser and one time step: scalars in, scalars out.

Symbols, all per step of length dt: ``ex``, ``ey`` field quadratures (|E|² is the photon number),
``ng``, ``na`` carriers in the gain section and in the saturable absorber, ``gg``, ``ga`` gain and
absorber coefficients times dt, ``ntg``, ``nta`` carriers at transparency, ``kappa`` cavity loss
rate times dt, ``dg``, ``da`` dt over the carrier lifetimes, ``pump`` carriers injected per step,
``noise`` amplitude of the field noise.

The scheme splits one step into field and carriers and staggers them (leapfrog), so that without
noise it is of second order:

* field: ``E ← w (w E + ξ)`` with ``w = exp(¼(G + A − κ)dt)``. With ξ of variance R dt/2 per
  quadrature the stationary photon number of a linear mode is right to second order in dt, where
  plain Euler–Maruyama is off by the first.
* carriers: linear decay at fixed photon number, with exp(−q) ≈ 1/(1 + q + q²/2). This stays
  positive and bounded for any q; an explicit step of the absorber blows up once ``ga S > 1``.

ξ is uniform rather than Gaussian: a weak scheme of order one needs only the first three moments
(Kloeden & Platen 1992, section 14.1).
"""

import numpy as np

from photinus._numba import inlined

HALF = np.float32(0.5)
ONE = np.float32(1.0)
QUARTER = np.float32(0.25)
SIXTH = np.float32(1.0 / 6.0)
SHIFT = np.uint32(16)
SIGNED_SHIFT = np.int32(16)

# Two 16-bit integers of one word become uniform numbers; this factor makes their variance one.
UNIT_VARIANCE = float(np.sqrt(12.0 / (65536.0**2 - 1.0)))


@inlined
def uniform_pair(word):  # type: ignore[no-untyped-def]
    """Return two uniform numbers of mean 0 and variance ``1/UNIT_VARIANCE²`` from one word."""
    high = np.int32(np.int32(word) >> SIGNED_SHIFT)
    low = np.int32(np.int32(np.uint32(word << SHIFT)) >> SIGNED_SHIFT)
    return np.float32(high) + HALF, np.float32(low) + HALF


@inlined
def advance_laser(ex, ey, ng, na, pump, noise, xi, eta, gg, ga, ntg, nta, kappa, dg, da):  # type: ignore[no-untyped-def]
    """Return (ex, ey, ng, na, photons) one step later; `xi`, `eta` are the two noise numbers."""
    x = QUARTER * (gg * (ng - ntg) + ga * (na - nta) - kappa)
    w = ONE + x * (ONE + x * (HALF + x * SIXTH))
    ex = w * (w * ex + noise * xi)
    ey = w * (w * ey + noise * eta)
    photons = ex * ex + ey * ey
    gs = gg * photons
    as_ = ga * photons
    qg = dg + gs
    qa = da + as_
    half_g = ONE + HALF * qg
    half_a = ONE + HALF * qa
    denominator_g = ONE + qg * half_g
    denominator_a = ONE + qa * half_a
    # One division serves both sections; divisions are the dearest operations here.
    inverse = ONE / (denominator_g * denominator_a)
    ng = (ng + (pump + gs * ntg) * half_g) * (denominator_a * inverse)
    na = (na + as_ * nta * half_a) * (denominator_g * inverse)
    return ex, ey, ng, na, photons
