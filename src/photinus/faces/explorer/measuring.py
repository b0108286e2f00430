"""What a device is worth: speed, energy and accuracy on random machines, translated.

The energy counts the carriers of the constant pumps times the energy of a photon. Nothing else is in
it: no voltage, no synapses, no detectors, no read-out.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

from photinus.calibration import Calibration
from photinus.diagnostics.convergence import smallest_effective_draws
from photinus.diagnostics.distance import kl_divergence
from photinus.errors import NotConverged
from photinus.machines.boltzmann import BoltzmannMachine
from photinus.networks.lasers import LaserNetwork
from photinus.samplers.sampling import sample
from photinus.translation.rules import translate

UNITS = 5


def machine_of(index: int) -> BoltzmannMachine:
    """Return a random machine, W and b uniform in ±1."""
    random = np.random.default_rng([index, 607])
    upper = np.triu(random.uniform(-1, 1, (UNITS, UNITS)), 1)
    return BoltzmannMachine(upper + upper.T, random.uniform(-1, 1, UNITS))


@dataclass(frozen=True, slots=True)
class Budget:
    """On what a calibrated device is judged."""

    machines: range
    chains: int
    draws: int
    seed: int


SEARCH = Budget(range(3), 64, 150, 0)
CONFIRMED = Budget(range(3, 9), 128, 400, 1)
"""Machines and seeds that the search has not seen."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a device does on each machine, and the mean over them."""

    rate: list[float]
    """Effective samples per second of chip time, one chain."""
    energy: list[float]
    """Pump energy of each effective sample [J]."""
    kl: list[float]
    """KL(sampled‖target) [nats]."""

    def means(self) -> tuple[float, float, float]:
        """Return the means over the machines."""
        rate, energy, kl = (float(np.mean(values)) for values in asdict(self).values())
        return rate, energy, kl

    def errors(self) -> tuple[float, float, float]:
        """Return the standard errors of the means."""
        rate, energy, kl = (
            # Equal up to rounding is equal: rates are at most 1/τ, and reach it.
            0.0
            if np.ptp(values) <= 1e-9 * np.mean(values)
            else float(np.std(values, ddof=1) / np.sqrt(len(values)))
            for values in asdict(self).values()
        )
        return rate, energy, kl


def sampled(
    calibration: Calibration,
    budget: Budget,
    step: float | None,
    threads: int | None,
    *,
    delay: float = 0.0,
) -> Found:
    """Return what a calibrated device does on the machines of `budget`, with a synaptic delay [s].

    Raises
    ------
    NotConverged
        If a unit never flips: there are no effective samples.
    """
    found = Found([], [], [])
    draws = budget.chains * budget.draws
    for index in budget.machines:
        machine = machine_of(index)
        samples = sample(
            machine,
            calibration=calibration,
            network=translate(machine, calibration, delay=delay),
            chains=budget.chains,
            draws=budget.draws,
            seed=1000 * budget.seed + index,
            time_step=step,
            threads=threads,
        )
        network = samples.network
        assert isinstance(network, LaserNetwork)
        effective = smallest_effective_draws(machine, samples.states)
        if not effective > 0:
            raise NotConverged(f"units of machine {index} are stuck: there are no effective samples")
        rate = effective / (draws * calibration.window)
        found.rate.append(rate)
        found.energy.append(float(network.supplied.sum()) * calibration.laser.photon_energy / rate)
        found.kl.append(kl_divergence(samples.joint(), machine.joint()))
    return found


def beats(found: Found, other: Found) -> bool:
    """Return whether a device is faster, takes less, and has no larger KL, machine by machine."""

    def gain(better: Sequence[float], worse: Sequence[float]) -> tuple[float, float]:
        ratio = np.log(worse) - np.log(better)
        return float(ratio.mean()), float(2 * ratio.std(ddof=1) / np.sqrt(len(ratio)))

    faster, faster_error = gain(other.rate, found.rate)
    cheaper, cheaper_error = gain(found.energy, other.energy)
    truer, truer_error = gain(found.kl, other.kl)
    return faster > faster_error and cheaper > cheaper_error and truer >= -truer_error
