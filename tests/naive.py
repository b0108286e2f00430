"""Slow references in plain float64 NumPy, written from the equations; the judge of every engine.

Laser: the stochastic rate equations at the head of `photinus.devices.laser.parameters`, Gaussian noise,
one visit of everything per step. A step is carriers for half of it, the field, carriers again: the
field exactly at fixed carriers (a complex Ornstein-Uhlenbeck process), the carriers exactly at a
fixed photon number, so that the splitting is symmetric and of second order.

Network: the synapse as `photinus.networks.lasers.SynapticKernel` describes it. Every spike of j opens, one
delay later, a window of the kernel's duration at its targets. A renewing synapse drives while at
least one window is open and a spike brings min(1, time since the last spike / duration) of the
kick; an additive one drives once per open window and a spike brings the whole kick. Exponential
pulses have no window: a spike adds a current (and a kick), whole or, when it renews, by the share
that has decayed since the last one.
"""

from collections import defaultdict
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photinus import LaserNetwork, LaserParameters, SynapticKernel
from tests.narrow import array

REARM = 0.25


def rate_equations(p: LaserParameters, pump: float, emission: bool = True) -> Callable[..., Any]:
    """Return the function (t, (S, N_g, N_a)) → derivative of the rate equations without noise."""

    def derivative(_: float, y: NDArray[np.float64]) -> list[float]:
        s, ng, na = y
        gain = p.gain_coefficient * (ng - p.gain_transparency) / (1 + p.gain_compression * s)
        absorber = p.absorber_coefficient * (na - p.absorber_transparency)
        spontaneous = p.gain_coefficient * ng + p.absorber_coefficient * na
        return [
            (gain + absorber - 1 / p.photon_lifetime) * s + emission * spontaneous,
            pump - ng / p.gain_lifetime - gain * s,
            -na / p.absorber_lifetime - absorber * s,
        ]

    return derivative


def kick_share(since_last: float, kernel: SynapticKernel) -> float:
    """Return the share of the kick that a spike brings `since_last` [s] after the one before."""
    if not kernel.renewing:
        return 1.0
    if kernel.shape == "exponential":
        return 1.0 - np.exp(-since_last / kernel.duration)
    return min(1.0, since_last / kernel.duration)


def relaxed(
    carriers: NDArray[np.float64], supply: NDArray[np.float64], loss: NDArray[np.float64], dt: float
) -> NDArray[np.float64]:
    """Return carriers after dt of dN/dt = supply - loss N."""
    steady = supply / loss
    return steady + (carriers - steady) * np.exp(-loss * dt)


def carriers_at(
    p: LaserParameters,
    field: NDArray[np.complex128],
    ng: NDArray[np.float64],
    na: NDArray[np.float64],
    pump: NDArray[np.float64],
    dt: float,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return both carrier numbers after dt at a fixed field."""
    photons = field.real**2 + field.imag**2
    gain, absorber = p.gain_coefficient * photons, p.absorber_coefficient * photons
    ng = relaxed(ng, pump + gain * p.gain_transparency, 1 / p.gain_lifetime + gain, dt)
    supply = absorber * p.absorber_transparency
    return ng, relaxed(na, supply, 1 / p.absorber_lifetime + absorber, dt)


def simulate(
    network: LaserNetwork,
    duration: float,
    *,
    chains: int,
    rng: np.random.Generator,
    dt: float,
    look: float,
) -> Any:
    """Return the spikes of `chains` copies of `network` as arrays chain, unit, time [s].

    The read-out looks at the light every `look` seconds, a multiple of `dt`.
    """
    p, kernel, n = network.parameters, network.kernel, network.n_units
    shape = (chains, n)
    pump = np.broadcast_to(network.pump, shape)
    delay = np.rint(np.broadcast_to(network.delay, (n, n)) / dt).astype(int)
    pulse = round(kernel.duration / dt)
    exponential = kernel.shape == "exponential"
    assert network.devices == ()
    threshold = np.broadcast_to(network.detection_threshold, shape)
    coupling = array(network.coupling)
    height = kernel.sustain * coupling / p.gain_lifetime

    field = rng.normal(size=shape) + 1j * rng.normal(size=shape)
    settled = np.minimum(pump * p.gain_lifetime, p.threshold_carriers)
    ng = settled * rng.uniform(0.5, 0.9, shape)
    na = np.zeros(shape)
    excited = np.zeros(shape, bool)
    last = np.full(shape, -np.inf)
    open_windows = np.zeros((chains, n, n))
    drive = np.zeros(shape)
    due: defaultdict[int, list[tuple[Any, Any, Any, float, Any]]] = defaultdict(list)
    spikes = []

    for step in range(round(duration / dt)):
        for chain, i, j, change, kick in due.pop(step, ()):
            if exponential:
                drive[chain, i] += height[i, j] * change
            else:
                open_windows[chain, i, j] += change
            ng[chain, i] = max(ng[chain, i] + kick, 0.0)
            if not exponential:
                active = open_windows[chain, i]
                drive[chain, i] = height[i] @ (np.minimum(active, 1) if kernel.renewing else active)
        driven = np.maximum(pump + drive, 0.0)

        ng, na = carriers_at(p, field, ng, na, driven, dt / 2)
        emission = np.maximum(p.gain_coefficient * ng + p.absorber_coefficient * na, 0.0)
        net = (
            p.gain_coefficient * (ng - p.gain_transparency)
            + p.absorber_coefficient * (na - p.absorber_transparency)
            - 1 / p.photon_lifetime
        )
        # Over dt: E → e^{net dt/2} E + noise of variance (R/2)(e^{net dt} - 1)/net per quadrature.
        gained = net * dt
        variance = emission / 2 * dt * np.where(gained == 0, 1, np.expm1(gained) / gained)
        noise = rng.normal(size=(2, *shape)) * np.sqrt(variance)
        grown, fresh = np.exp(gained / 2) * field, noise[0] + 1j * noise[1]
        field = grown + fresh
        # Photons that the noise brings beyond their mean are missing where they were emitted.
        brought = 2 * (grown.conj() * fresh).real
        into_g = np.maximum(p.gain_coefficient * ng, 0)
        into_a = np.maximum(p.absorber_coefficient * na, 0)
        ng = ng - brought * into_g / np.maximum(into_g + into_a, 1e-300)
        na = na - brought * into_a / np.maximum(into_g + into_a, 1e-300)
        ng, na = carriers_at(p, field, ng, na, driven, dt / 2)
        if exponential:
            drive *= np.exp(-dt / kernel.duration)
        diffusion = 2 * p.pump_noise**2 / p.gain_lifetime
        if p.carrier_noise:
            diffusion = diffusion + np.maximum(driven + ng / p.gain_lifetime, 0.0)  # type: ignore[assignment]
        ng = ng + rng.normal(size=shape) * np.sqrt(diffusion * dt)

        if (step + 1) % round(look / dt):
            continue
        after = field.real**2 + field.imag**2
        fired = (after > threshold) & ~excited
        excited = (after > threshold) | (excited & (after >= REARM * threshold))
        for chain, j in np.argwhere(fired):
            now = step + 1
            spikes.append((chain, j, now * dt))
            share = kick_share((now - last[chain, j]) * dt, kernel)
            last[chain, j] = now
            for target in np.flatnonzero(coupling[:, j]):
                kick = share * kernel.kick * coupling[target, j]
                raised = share if exponential else 1
                due[now + delay[target, j]].append((chain, target, j, raised, kick))
                if not exponential:
                    due[now + delay[target, j] + pulse].append((chain, target, j, -1, 0.0))
    chains_of, units, times = np.array(spikes).reshape(-1, 3).T
    return chains_of.astype(int), units.astype(int), times


def dark_carriers(
    network: LaserNetwork,
    spike_times: list[NDArray[np.float64]],
    time: NDArray[np.float64],
    start: NDArray[np.float64],
    grid: float,
) -> NDArray[np.float64]:
    """Return N_g of lasers without light, array (unit, sample): a linear filter of the spikes.

    Parameters
    ----------
    network
        Whose lasers have negligible gain: dN_g/dt = P + pulses - N_g/τ_g, plus kicks.
    spike_times : list over units of arrays [s]
    time : array (sample,), samples of which the first has N_g = `start`, array (unit,).
    grid : delays are multiples of it; effects at the time of a sample belong to the next one.
    """
    kernel, lifetime = network.kernel, network.parameters.gain_lifetime
    delay = np.broadcast_to(network.delay, network.coupling.shape)
    elapsed = time - time[0]
    rest = network.pump[:, None] * lifetime
    carriers = rest + (start[:, None] - rest) * np.exp(-elapsed / lifetime)

    def rise(t: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the answer to a unit pump switched on at time 0, arrays."""
        return lifetime * -np.expm1(-np.maximum(t, 0.0) / lifetime)

    def decaying(t: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the answer to an extra pump exp(-t/duration) from time 0 on, arrays."""
        t, rates = np.maximum(t, 0.0), (1 / lifetime, 1 / kernel.duration)
        return (np.exp(-rates[0] * t) - np.exp(-rates[1] * t)) / (rates[1] - rates[0])

    coupling = array(network.coupling)
    for i, j in np.argwhere(coupling):
        c = coupling[i, j]
        last = -np.inf
        windows: list[list[float]] = []
        for spike in spike_times[j]:
            begin = spike + round(delay[i, j] / grid) * grid
            share = kick_share(spike - last, kernel)
            if kernel.shape == "exponential":
                left = share * np.exp(-max(time[0] - begin, 0.0) / kernel.duration)
                carriers[i] += (
                    kernel.sustain * c / lifetime * left * decaying(time - max(begin, time[0]))
                )
            elif kernel.renewing and windows and begin <= windows[-1][1]:
                windows[-1][1] = begin + kernel.duration
            else:
                windows.append([begin, begin + kernel.duration])
            last = spike
            since = time - begin
            seen = (since > 0.5 * grid) & (begin > time[0] - 0.5 * grid)
            carriers[i] += np.where(seen, share * kernel.kick * c * np.exp(-since / lifetime), 0)
        for begin, end in windows:
            begin, end = max(begin, time[0]), max(end, time[0])
            carriers[i] += kernel.sustain * c / lifetime * (rise(time - begin) - rise(time - end))
    return carriers
