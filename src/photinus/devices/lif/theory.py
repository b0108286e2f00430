"""Closed forms and approximations for LIF neurons: cross-checks, never used by the simulation."""

import functools

import numpy as np
from numpy.typing import ArrayLike, NDArray

from photinus._core import validate
from photinus.devices.lif.parameters import LifParameters
from photinus.devices.synapse import SynapticKernel

BOUNDARY_SHIFT = 1.4603545088
"""|ζ(1/2)|, from the boundary layer of an absorbing threshold under coloured noise."""
NODES = 64
"""Points of a quadrature, and the unit in which more of them are added."""
MOST_NODES = 1024
"""Points at most of the quadrature over the input at the end of a refractory time."""
TAIL = 8.0
"""Standard deviations beyond which a Gaussian is left out."""


def psp(parameters: LifParameters, kernel: SynapticKernel, time: ArrayLike) -> NDArray[np.float64]:
    """Return the post-synaptic potential of one spike per unit of coupling, `time` [s] after it.

    Notes
    -----
    A current that jumps to h and decays with τ_s gives the free membrane the difference of
    exponentials ``h τ_s/(τ_s - τ_m) (exp(-t/τ_s) - exp(-t/τ_m))``. A kick k adds ``k exp(-t/τ_m)``.

    Examples
    --------
    >>> import photinus as ph
    >>> from photinus.devices.lif import LifParameters, psp
    >>> kernel = ph.SynapticKernel(kick=0, sustain=1, duration=10e-3, shape="exponential")
    >>> psp(LifParameters.preset("lif-hcs"), kernel, [0, 2e-3, 10e-3]).round(3)
    array([0.   , 0.806, 0.399])
    """
    validate.instance("parameters", parameters, LifParameters)
    validate.instance("kernel", kernel, SynapticKernel)
    t = np.asarray(time, np.float64)
    fast, slow = parameters.membrane_time, _apart(kernel.duration, parameters.membrane_time)
    rise = slow / (slow - fast) * (np.exp(-t / slow) - np.exp(-t / fast))
    response = kernel.sustain * rise + kernel.kick * np.exp(-t / fast)
    return np.where(t < 0, 0.0, response)


def mean_current(kernel: SynapticKernel, window: float) -> float:
    """Return the mean synaptic current of a partner that is always on, per unit of coupling.

    It fires once per `window` τ [s]. Its renewing current starts again at `sustain` each time, so the
    mean is ``sustain τ_s/τ (1 - exp(-τ/τ_s))``; additive currents pile up to ``sustain τ_s/τ``.

    Examples
    --------
    >>> import photinus as ph
    >>> from photinus.devices.lif import mean_current
    >>> kernel = ph.SynapticKernel(kick=0, sustain=1, duration=10e-3, shape="exponential")
    >>> round(mean_current(kernel, window=10e-3), 3)
    0.632
    """
    validate.instance("kernel", kernel, SynapticKernel)
    ratio = kernel.duration / validate.positive("window", window, "s")
    full = kernel.sustain * ratio
    return float(full * -np.expm1(-1 / ratio) if kernel.renewing else full)


def area_rule_sustain(
    parameters: LifParameters, *, window: float | None = None, duration: float | None = None
) -> float:
    """Return the `sustain` of a synaptic kernel that the PSP-area rule gives.

    Parameters
    ----------
    parameters
        The neuron.
    window
        State window τ [s]; by default τ_ref.
    duration
        Time constant τ_s of the synaptic current [s]; by default τ_syn.

    Notes
    -----
    Over [0, τ], one PSP shall have the area α W τ of the rectangle of an ideal neuron (Petrovici et al.
    2016, Phys. Rev. E 94, 042312). For exponential currents, in volts of drive::

        h = α W τ / {τ_s/(τ_s - τ_m) [τ_s (1 - exp(-τ/τ_s)) - τ_m (1 - exp(-τ/τ_m))]}

    and sustain = h/(α W). The rule takes neither the shape of the PSP nor its tail after τ into
    account; a calibration that measures pairs does.

    Examples
    --------
    >>> from photinus.devices.lif import LifParameters, area_rule_sustain
    >>> round(area_rule_sustain(LifParameters.preset("lif-hcs")), 3)
    1.663
    """
    validate.instance("parameters", parameters, LifParameters)
    tau = parameters.refractory_time if window is None else validate.positive("window", window, "s")
    fast = parameters.membrane_time
    slow = parameters.synaptic_time if duration is None else validate.positive("duration", duration)
    slow = _apart(slow, fast)
    area = slow / (slow - fast) * (slow * -np.expm1(-tau / slow) - fast * -np.expm1(-tau / fast))
    return float(tau / area)


def activation(parameters: LifParameters, drive: ArrayLike) -> NDArray[np.float64]:
    """Return the probability of being on of a neuron without partners, for a fast membrane.

    Parameters
    ----------
    parameters
        A neuron with τ_m well below the correlation time of its noise, which is at most about 100
        τ_ref, and with noise > 0. Its reset is taken to be at the threshold.
    drive
        V̄, mean free potential [V], any shape.

    Notes
    -----
    Propagation of bursts (Petrovici et al. 2016, Phys. Rev. E 94, 042312), for τ_m → 0: the membrane
    equals its input, an Ornstein-Uhlenbeck process u. A refractory time after a spike at u, the input
    is Gaussian with mean ρ u and variance 1 - ρ². Units are σ about V̄. Here ρ = exp(-τ_ref/τ_noise).
    Above the threshold b the neuron fires again at once, and the burst goes on. Below, it waits for the
    first passage, on average ``τ_noise √π ∫ exp(x²) (1 + erf x) dx`` over [u/√2, b/√2]. The next burst
    starts at b. So p_on = n τ_ref/(n τ_ref + T), where n is the mean number of spikes of a burst and T
    the mean wait behind it. Both come from a linear integral equation.

    To first order a finite membrane time moves the threshold up by abs(ζ(1/2)) σ sqrt(τ_m/τ_noise)
    (Brunel & Sergi 1998, J. Theor. Biol. 195, 87: a threshold under filtered noise), which is
    included. `benchmarks/lif.py` prints how far off this is.

    Examples
    --------
    >>> from photinus.devices.lif import LifParameters, activation
    >>> neuron = LifParameters.preset("lif-hcs")
    >>> activation(neuron, [-0.052, -0.05, -0.048]).round(2)
    array([0.06, 0.65, 0.99])
    """
    validate.instance("parameters", parameters, LifParameters)
    p = parameters
    deviation = validate.positive("noise", p.noise, "V")
    shift = BOUNDARY_SHIFT * np.sqrt(p.membrane_time / p.noise_time)
    levels = (p.threshold - np.asarray(drive, np.float64)) / deviation + shift
    ratio = p.refractory_time / p.noise_time
    return np.reshape([_burst_activation(float(x), ratio) for x in levels.ravel()], levels.shape)


def _burst_activation(level: float, ratio: float) -> float:
    """Return p_on for a threshold `level` [σ] and the refractory over the correlation time."""
    rho = np.exp(-ratio)
    spread = np.sqrt(-np.expm1(-2 * ratio))
    # Points lie closer than half the kernel's width, unless the noise is slower than 100 τ_ref.
    wanted = 4 * (TAIL + abs(level)) / spread
    count = min(NODES * int(np.ceil(wanted / NODES)), MOST_NODES)
    above, above_weight = _nodes(level, max(level, 0) + TAIL, count)
    below, below_weight = _nodes(min(level, 0) - TAIL, level, count)

    def landing(start: NDArray[np.float64], end: NDArray[np.float64]) -> NDArray[np.float64]:
        z = (end - rho * start[:, None]) / spread
        return np.asarray(np.exp(-0.5 * z**2) / (np.sqrt(2 * np.pi) * spread))

    again = landing(above, above) * above_weight
    wait = below_weight * _first_passage(below, level)
    columns = np.stack([np.ones(count), landing(above, below) @ wait], axis=1)
    inside = np.linalg.solve(np.eye(count) - again, columns)
    at_level = np.array([level])
    spikes, waiting = (landing(at_level, above) * above_weight @ inside)[0]
    spikes += 1
    waiting += (landing(at_level, below) @ wait)[0]
    return float(spikes * ratio / (spikes * ratio + waiting))


def _nodes(low: ArrayLike, high: float, count: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return points and weights of Gauss-Legendre quadrature over [low, high], arrays (…, count)."""
    x, weight = _legendre(count)
    half = 0.5 * (high - np.asarray(low, np.float64))[..., None]
    return high + half * (x - 1), half * weight


@functools.cache
def _legendre(count: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return np.polynomial.legendre.leggauss(count)


def _first_passage(start: NDArray[np.float64], level: float) -> NDArray[np.float64]:
    """Return the mean first-passage times of an OU process, in units of its time constant."""
    from scipy.special import erfcx

    # exp(x²) (1 + erf x) = erfcx(-x), which does not overflow where the first factor does.
    x, weight = _nodes(start / np.sqrt(2), level / np.sqrt(2), NODES)
    return np.asarray(np.sqrt(np.pi) * (weight * erfcx(-x)).sum(axis=-1))


def _apart(slow: float, fast: float) -> float:
    """Return `slow`, or a time next to it if the two are too close for differences of them."""
    return slow if abs(slow - fast) > 1e-6 * fast else fast * (1 + 1e-6)
