"""What samples a machine: Gibbs, ideal neurons, the measured curve, LIF neurons and reduced lasers."""

import time
from dataclasses import replace
from functools import cache
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

import photinus as ph
from photinus.networks.couplings import dense as matrix
from photinus.translation.law import Curve

CHAINS, BURN_IN = 128, 100
SAMPLERS = (
    "gibbs",
    "ideal",
    "curve",
    "lif",
    "laser, exponential",
    "laser, measured",
    "laser, paired",
    "laser, gauge",
    "laser, refined",
)


EXPONENTIAL = (2.58, 0.40)
"""Height, and decay over τ, of the renewing exponential that `studies.kernels` fitted to lasers."""


@cache
def calibrated(name: str) -> ph.Calibration:
    """Return the calibration of a sampler's neurons."""
    if name == "lif":
        return ph.Calibration.preset("lif-hcs")
    lasers = ph.Calibration.preset("fast-absorber")
    if name != "laser, exponential":
        return lasers
    height, decay = EXPONENTIAL
    kernel = ph.SynapticKernel(
        kick=0.0, sustain=height, duration=decay * lasers.window, shape="exponential"
    )
    return replace(lasers, kernel=kernel)


def sampled(name: str, machine: ph.BoltzmannMachine, draws: int) -> tuple[NDArray[np.uint8], float]:
    """Return states (chain, draw, unit) of a sampler, and the time of a draw of one chain [s]."""
    run: dict[str, Any] = {"chains": CHAINS, "draws": draws, "burn_in": BURN_IN}
    run |= {"seed": 2, "threads": 1}
    if name == "gibbs":
        ph.sample(machine, name, **{**run, "draws": 1, "burn_in": 0})  # compiles
        start = time.process_time()
        states = ph.sample(machine, name, **run).states
        return states, (time.process_time() - start) / (CHAINS * (draws + BURN_IN))
    if name == "ideal":
        return ph.sample(machine, name, **run).states, np.nan
    neuron = calibrated(name)
    if name == "laser, refined":
        network = ph.refine(
            machine, neuron, substrate="laser-reduced", chains=128, draws=200, seed=5, threads=1
        ).network
    else:
        rule = "paired" if name == "laser, paired" else "measured"
        gauge = "per-unit" if name == "laser, gauge" else "none"
        network = ph.translate(machine, neuron, rule=rule, gauge=gauge)
    if name == "curve":
        return on_curve(network, Curve.of(neuron), draws), neuron.window
    substrate = "lif" if name == "lif" else "laser-reduced"
    found = ph.sample(machine, substrate, calibration=neuron, network=network, **run)
    return found.states, neuron.window


def on_curve(network: Any, curve: Curve, draws: int) -> NDArray[np.uint8]:
    """Return states of ideal neurons whose log-odds are those of the measured curve."""
    drive = np.linspace(curve.drive[0], curve.drive[-1], 40_001)
    coupling, rng = np.ascontiguousarray(matrix(network.coupling)), np.random.default_rng(7)
    return np.asarray(jumps(rng, network.drive, coupling, drive, curve(drive), (CHAINS, draws, 50)))


@numba.njit(nogil=True, error_model="numpy")
def jumps(
    rng: np.random.Generator,
    drive: NDArray[np.float64],
    coupling: NDArray[np.float64],
    axis: NDArray[np.float64],
    log_odds: NDArray[np.float64],
    size: tuple[int, int, int],
) -> NDArray[np.uint8]:
    """Return states once per τ: a unit goes on at the rate e^u, and off at the rate 1 (Gillespie)."""
    n = len(drive)
    chains, draws, burn_in = size
    states = np.zeros((chains, draws, n), np.uint8)
    for chain in range(chains):
        z, x, rate = np.zeros(n, np.uint8), drive.copy(), np.zeros(n)
        for k in range(n):
            z[k] = rng.random() < 0.5
            x += z[k] * coupling[:, k]
        time, draw = -float(burn_in), 0
        changed = -1
        while draw < draws:
            for k in range(n):
                if changed < 0 or k == changed or coupling[k, changed] != 0:
                    place = (x[k] - axis[0]) / (axis[1] - axis[0])
                    first = min(max(int(place), 0), len(axis) - 2)
                    part = min(max(place - first, 0.0), 1.0)
                    u = log_odds[first] + part * (log_odds[first + 1] - log_odds[first])
                    rate[k] = 1.0 if z[k] else np.exp(min(25.0, u))
            total = rate.sum()
            time -= np.log(1 - rng.random()) / total
            while draw < draws and time > draw:
                states[chain, draw] = z
                draw += 1
            left, changed = rng.random() * total - rate[0], 0
            while left > 0 and changed < n - 1:
                changed += 1
                left -= rate[changed]
            x += (1.0 - 2.0 * z[changed]) * coupling[:, changed]
            z[changed] = 1 - z[changed]
    return states
