"""How fabrication changes couplings and lasers: coarse weights, lost light, other thresholds."""

import math

import numpy as np
from numpy.typing import NDArray

from photinus.networks.couplings import Coupling, entries, from_entries, is_sparse
from photinus.networks.lasers import LaserNetwork

DEAD_EFFICIENCY = 1e-12
"""Carriers per electron in a laser that is dead: no pump and no synapse brings it to threshold."""


def quantised(coupling: Coupling, bits: int | None, sign_bit: bool) -> Coupling:
    """Return the couplings that so many bits can set; the same for None."""
    target, source, value = entries(coupling)
    if bits is None or not len(value):
        return coupling
    steps = in_steps(value, np.abs(value).max(), bits - sign_bit)
    return coupled_like(target, source, steps, coupling)


def in_steps(value: NDArray[np.float64], largest: float, bits: int) -> NDArray[np.float64]:
    """Return values as so many bits of magnitude give them, the last step at `largest`."""
    step = largest / (2**bits - 1)
    return np.asarray(np.rint(value / step) * step)


def transmitted(
    coupling: Coupling, *, crosstalk: float, coupling_loss: float, splitter_loss: float
) -> Coupling:
    """Return what is left of couplings behind splitters, waveguides and detectors."""
    n = coupling.shape[0]
    if crosstalk and n > 1:
        coupling = _leaked(coupling, crosstalk)
    if coupling_loss or splitter_loss:
        target, source, value = entries(coupling)
        fan_out = np.bincount(source, minlength=n)
        stages = np.ceil(np.log2(np.maximum(fan_out, 1)))
        through = (1 - coupling_loss) * (1 - splitter_loss) ** stages
        coupling = coupled_like(target, source, value * through[source], coupling)
    return coupling


def coupled_like(
    target: NDArray[np.intp], source: NDArray[np.intp], value: NDArray[np.float64], like: Coupling
) -> Coupling:
    """Return couplings from their entries, sparse if `like` is."""
    n = like.shape[0]
    if is_sparse(like):
        return from_entries(np.stack([target, source, value], axis=1), n)
    coupling = np.zeros((n, n))
    coupling[target, source] = value
    return coupling


def _leaked(coupling: Coupling, part: float) -> Coupling:
    """Return couplings after `part` of each waveguide's light went to either neighbour."""
    from scipy.sparse import csr_array

    n = coupling.shape[0]
    target, source, value = entries(coupling)
    # Waveguide s carries light of the lasers s - 1, s and s + 1.
    light = [source + side for side in (-1, 0, 1)]
    inside = [(laser >= 0) & (laser < n) & (laser != target) for laser in light]
    neighbours = 2 - (source == 0).astype(int) - (source == n - 1)
    parts = [np.full(len(value), part), 1 - part * neighbours, np.full(len(value), part)]
    mixed = csr_array(
        (
            np.concatenate([(value * p)[i] for p, i in zip(parts, inside, strict=True)]),
            (
                np.concatenate([target[i] for i in inside]),
                np.concatenate([laser[i] for laser, i in zip(light, inside, strict=True)]),
            ),
        ),
        shape=(n, n),
    )
    mixed.sum_duplicates()
    return coupled_like(*entries(mixed), coupling)


def with_thresholds(network: LaserNetwork, factors: NDArray[np.float64]) -> LaserNetwork:
    """Return a network whose lasers have `factors` (unit,) times the threshold carriers.

    Transparency up and gain down by the same factor: N_tr + (κ + g_a N_a,tr)/g_g scales exactly.
    """
    devices = tuple(
        device.replace(
            gain_transparency=device.gain_transparency * factor,
            gain_coefficient=device.gain_coefficient / factor,
            forced=True,
        )
        for device, factor in zip(network.each_device(), factors.tolist(), strict=True)
    )
    return network.replace(devices=devices)


def with_dead(network: LaserNetwork, units: NDArray[np.intp]) -> LaserNetwork:
    """Return a network in which some lasers make no carriers of their currents."""
    devices = list(network.each_device())
    for unit in units:
        devices[unit] = devices[unit].replace(pump_efficiency=DEAD_EFFICIENCY)
    return network.replace(devices=tuple(devices))


def with_compression(network: LaserNetwork, compression: float) -> LaserNetwork:
    """Return a network whose lasers have a gain compression beyond their own [1/photon]."""
    devices = tuple(
        device.replace(gain_compression=device.gain_compression + compression, forced=True)
        for device in network.each_device()
    )
    return network.replace(devices=devices)


def with_white_noise(network: LaserNetwork, density: float) -> LaserNetwork:
    """Return a network whose pumps have noise of a relative one-sided spectral density [1/Hz].

    A density S of the pump P alone gives N_g the variance ∫ S P² τ_g²/(1 + (2πfτ_g)²) df = S P² τ_g/4.
    """
    if density == 0:
        return network
    nominal = network.parameters.pump_efficiency
    devices = tuple(
        device.replace(
            pump_noise=math.hypot(
                device.pump_noise,
                pump * device.pump_efficiency / nominal * math.sqrt(density * device.gain_lifetime) / 2,
            ),
            forced=True,
        )
        for device, pump in zip(network.each_device(), network.pump.tolist(), strict=True)
    )
    return network.replace(devices=devices)
