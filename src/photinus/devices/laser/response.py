r"""How a quiet laser answers small changes of its pump, and what that says about synapses.

The rate equations of `photinus.devices.laser.dynamics`, linearised at the quiet state, are dy/dt = J y
+ (x/τ_g, 0, 0). Here y is the deviation of (N_g, N_a, S) and x that of the drive P τ_g. N_g is the
membrane potential of the laser, but a clamped one. A higher pump raises the amplified spontaneous
emission S, which burns most of what it brings. Where light and absorber are fast, they follow at once::

    dN_g/dt = -λ (N_g - …),   λ = 1/τ_g + g_g S + G S',   S' = g_g (1 + S)/(γ - g_a (1 + S) N_a'),
    γ = κ - G - A,   N_a' = g_a τ_a (N_a,tr - N_a)/(1 + g_a τ_a S),

So a step of the drive raises N_g by the static gain 1/(λ τ_g), within the time 1/λ. The algebra is
Photinus's own. ``docs/explanation/translation.md`` derives it and says where it ends.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from photinus._core import validate
from photinus._core.display import Displayed
from photinus.devices.laser.dynamics import QuietState, quiet_state, rate_equations
from photinus.devices.laser.parameters import LaserParameters

SAMPLES = 2000
"""Points in time at which pulses are compared."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False, repr=False)
class Response(Displayed):
    """The linear response of a quiet laser."""

    parameters: LaserParameters
    """The laser."""
    quiet: QuietState
    """The state that it answers from."""
    jacobian: NDArray[np.float64]
    """J, array (3, 3) in the order N_g, N_a, S [1/s]."""

    @property
    def static_gain(self) -> float:
        """∂N_g/∂(P τ_g) at rest: 1 without light, below 1 because light clamps the carriers."""
        forced = np.linalg.solve(self.jacobian, [1.0, 0.0, 0.0])
        return float(-forced[0] / self.parameters.gain_lifetime)

    @property
    def adiabatic_rate(self) -> float:
        """λ of the module's description [1/s], light and absorber following at once."""
        p, (ng, na, s) = self.parameters, self.quiet.state
        g, a = p.gain_coefficient, p.absorber_coefficient
        gain, absorption = g * (ng - p.gain_transparency), a * (na - p.absorber_transparency)
        bleaching = a * p.absorber_lifetime * (p.absorber_transparency - na)
        bleaching /= 1 + a * p.absorber_lifetime * s
        light = g * (1 + s) / (p.cavity_loss_rate - gain - absorption - a * (1 + s) * bleaching)
        return float(1 / p.gain_lifetime + g * s + gain * light)

    def kick(self, time: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what is left of one carrier put in at time 0, array (time,); `time` in s, >= 0."""
        return self._carriers(time, integrated=False)

    def step(self, time: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return by how much N_g has risen since the drive rose by one carrier, array (time,)."""
        return self._carriers(time, integrated=True)

    def _carriers(self, time: NDArray[np.float64], *, integrated: bool) -> NDArray[np.float64]:
        """Return the (N_g, N_g) element of exp(J t), or its integral over τ_g."""
        values, vectors = np.linalg.eig(self.jacobian)
        weight = vectors[0] * np.linalg.inv(vectors)[:, 0]
        t = np.asarray(time, np.float64)[:, None]
        if not integrated:
            return np.asarray((weight * np.exp(values * t)).sum(axis=1).real)
        grown = np.expm1(values * t) / values / self.parameters.gain_lifetime
        return np.asarray((weight * grown).sum(axis=1).real)


def response(parameters: LaserParameters, pump: float) -> Response:
    """Return the linear response of the quiet laser at a constant pump.

    Parameters
    ----------
    parameters
        The laser.
    pump
        P [carriers/s], >= 0.

    Raises
    ------
    InvalidInput
        If the pump is negative.
    """
    validate.instance("parameters", parameters, LaserParameters)
    quiet = quiet_state(parameters, pump)
    _, jacobian = rate_equations(parameters, pump)
    # There the state is (N_g, N_a, S) as here.
    return Response(
        parameters=parameters,
        quiet=quiet,
        jacobian=np.asarray(jacobian(0.0, quiet.state), np.float64),
    )


def predicted_kernel(parameters: LaserParameters, pump: float, window: float) -> tuple[float, float]:
    """Return the kick and the sustained pulse that move N_g most nearly as a rectangle.

    Least squares over four windows between the response of N_g and a rectangle. The response is to
    ``kick`` carriers at once and a drive higher by ``sustain`` for one `window`. The rectangle is what
    a theory of neural sampling wants (Buesing et al. 2011, PLoS Comput. Biol. 7, e1002211): the static
    gain for one window, then nothing.

    Parameters
    ----------
    parameters
        The laser.
    pump
        Where it rests [carriers/s].
    window
        State window τ [s], > 0.

    Returns
    -------
    kick, sustain : float
        In units of the coupling, as in `photinus.networks.lasers.SynapticKernel`.
    """
    validate.instance("parameters", parameters, LaserParameters)
    window = validate.positive("window", window, "s")
    answer = response(parameters, pump)
    time = np.linspace(0.0, 4 * window, SAMPLES)
    risen = answer.step(time)
    ended = np.where(time > window, answer.step(np.maximum(time - window, 0.0)), 0.0)
    shapes = np.stack([answer.kick(time), risen - ended], axis=1)
    wanted = np.where(time < window, answer.static_gain, 0.0)
    (kick, sustain), *_ = np.linalg.lstsq(shapes, wanted, rcond=None)
    return float(kick), float(sustain)
