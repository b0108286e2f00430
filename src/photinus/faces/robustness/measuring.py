"""What one imperfection does on one machine: KL less its floor, translated and refined."""

from dataclasses import asdict, dataclass
from typing import Any

from photinus._core import validate
from photinus.calibration import Calibration, calibrate
from photinus.devices.laser import LaserParameters
from photinus.faces.study.measuring import shipped
from photinus.learning.refinement import refine
from photinus.machines.boltzmann import BoltzmannMachine
from photinus.networks.imperfections import Imperfections
from photinus.networks.lasers import LaserNetwork
from photinus.samplers.sampling import sample
from photinus.translation.rules import translate

BURN_IN = 25
"""Draws that are left out first, by default [τ]."""


@dataclass(frozen=True, slots=True)
class Length:
    """How long every point is measured."""

    chains: int = 256
    draws: int = 200
    burn_in: int = BURN_IN
    """Draws that are left out first [τ]."""


def excess(
    machine: BoltzmannMachine,
    network: LaserNetwork,
    faults: Imperfections | None,
    length: Length,
    seed: int,
    threads: int | None,
) -> tuple[float, float]:
    """Return KL(sampled‖target) less its floor, and that floor [nats]."""
    samples = sample(
        machine, network=network, imperfections=faults, **asdict(length), seed=seed, threads=threads
    )
    found = samples.fidelity()
    assert found.kl is not None
    assert found.kl_floor is not None
    return found.kl - found.kl_floor, found.kl_floor


def judged(
    machine: BoltzmannMachine,
    calibration: Calibration,
    faults: Imperfections,
    length: Length,
    *,
    refined: bool,
    seed: int = 0,
    threads: int | None = None,
) -> dict[str, Any]:
    """Return what an imperfection does on one machine: KL less floor, and floor, of each kind."""
    designed = translate(machine, calibration)
    assert isinstance(designed, LaserNetwork)
    network = faults.apply(designed, seed=seed)
    found: dict[str, Any] = {}
    kl, floor = excess(machine, network, faults, length, 2 * seed, threads)
    found |= {"translated": kl, "translated floor": floor}
    if not refined:
        return found
    refinement = refine(
        machine,
        calibration,
        network=network,
        imperfections=faults,
        chains=length.chains,
        draws=max(8, length.draws // 2),
        seed=seed + 1000,
        threads=threads,
    )
    # What was found has to be set with the same bits.
    better = Imperfections(weight_bits=faults.weight_bits)
    assert isinstance(refinement.network, LaserNetwork)
    better_network = better.apply(refinement.network)
    kl, floor = excess(machine, better_network, faults, length, 2 * seed + 1, threads)
    rounds = {"rounds": len(refinement.rounds), "converged": refinement.converged}
    return found | {"refined": kl, "refined floor": floor} | rounds


def calibration_of(device: LaserParameters | Calibration, threads: int | None) -> Calibration:
    """Return the calibration of a laser: the one given, that of a preset, or one measured now."""
    if isinstance(device, Calibration):
        validate.instance("device", device.parameters, LaserParameters)
        return device
    return shipped(device) or calibrate(device, pairs=True, threads=threads)
