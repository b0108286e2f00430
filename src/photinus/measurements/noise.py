r"""Relative intensity noise of a laser at rest, by linear response.

Small deviations y of (N_g, N_a, S) obey dy/dt = J y + ξ, with the noise of
`photinus.devices.laser.parameters` at the steady state. Their spectrum is (iω - J)⁻¹ D (iω - J)⁻†.
D is the matrix of the noise (Gardiner, Handbook of Stochastic Methods, section 4.4.6). With the
shares r_g = g_g N_g/R and r_a = g_a N_a/R, what emission adds to the light is what it takes from the
carriers::

    D = 2 R S (-r_g, -r_a, 1)ᵀ(-r_g, -r_a, 1) + diag(P + N_g/τ_g + 2 σ_N²/τ_g, 0, 0)
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from photinus._core import validate
from photinus.devices.laser import LaserParameters, quiet_state
from photinus.devices.laser.dynamics import rate_equations


def relative_noise(laser: LaserParameters, current: float, frequency: ArrayLike) -> NDArray[np.float64]:
    """Return the relative intensity noise of steady light, without its shot noise.

    Parameters
    ----------
    laser
        The laser.
    current
        [A], > 0.
    frequency : array (point,)
        [Hz].

    Returns
    -------
    array (point,)
        One-sided spectral density of δS/S [1/Hz]. Where the laser has no stable state it is that of
        the linear equations, which no laser shows.

    Raises
    ------
    InvalidInput
        For a value outside its range.

    Examples
    --------
    >>> from photinus.devices.laser import LaserParameters
    >>> from photinus.measurements import relative_noise
    >>> laser = LaserParameters.preset("fast-absorber", absorber_transparency=0)
    >>> found = relative_noise(laser, 40e-6, [1e9, 1e11])
    >>> bool(found[0] > found[1])
    True
    """
    validate.instance("laser", laser, LaserParameters)
    pump = laser.pump_rate(validate.positive("current", current, "A"))
    omega = 2 * np.pi * validate.finite_array("frequency", frequency, 1)
    quiet = quiet_state(laser, pump)
    gain, absorber, photons = quiet.state
    jacobian = rate_equations(laser, pump)[1](0.0, quiet.state)
    from_gain, from_absorber = laser.gain_coefficient * gain, laser.absorber_coefficient * absorber
    emitted = from_gain + from_absorber
    shares = np.array([-from_gain / emitted, -from_absorber / emitted, 1.0])
    noise = 2 * emitted * photons * np.outer(shares, shares)
    shot = pump + gain / laser.gain_lifetime if laser.carrier_noise else 0.0
    noise[0, 0] += shot + 2 * laser.pump_noise**2 / laser.gain_lifetime
    answer = np.linalg.inv(1j * omega[:, None, None] * np.eye(3) - jacobian)[:, 2]
    spectrum = np.einsum("fi,ij,fj->f", answer, noise, answer.conj()).real
    return np.asarray(2 * spectrum / photons**2)
