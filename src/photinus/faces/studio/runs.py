"""Samplers under way that give the same draws as `photinus.sample` with the same arguments."""

import functools
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photinus._core.streams import seed_sequence
from photinus.calibration import Calibration
from photinus.devices import SHIPPED_PRESETS, Network, device_of
from photinus.errors import InvalidInput
from photinus.machines.boltzmann import BoltzmannMachine
from photinus.machines.evidence import Evidence
from photinus.networks.imperfections import Imperfections
from photinus.reference import starts
from photinus.samplers import Request, Run, substrate
from photinus.samplers.spiking import LifRun
from photinus.translation.drives import evidence_drive
from photinus.translation.rules import DEFAULT_RULE, followed, translate

BURN_IN = 25
"""Draws before the first one that is shown, as by default in `photinus.sample`."""
MOST_LANES = {"laser": 1024, "laser-reduced": 16384, "lif": 4096, "gibbs": 65536}
"""Substrates that can be shown live, and with how many units in all chains together."""
MOST_UNITS = 2048
LEAST_CHAINS = 2
LASERS = tuple(name for name in SHIPPED_PRESETS if name != LifRun.preset)
"""Presets of lasers that are calibrated."""


class TooLarge(InvalidInput):
    """Raised for what is too large to be shown live; ways out are (what a button says, settings)."""

    def __init__(self, sentence: str, ways: list[tuple[str, dict[str, Any]]]) -> None:
        super().__init__(sentence)
        self.ways = ways


def calibration_for(sampler: str, laser: str) -> Calibration | None:
    """Return the calibration that a substrate takes; None for one without neurons."""
    if not substrate(sampler).spiking:
        return None
    return Calibration.preset(LifRun.preset if sampler == "lif" else laser)


def started(
    machine: BoltzmannMachine,
    sampler: str,
    laser: str,
    *,
    chains: int,
    seed: int,
    evidence: Mapping[Any, int],
    imperfections: Imperfections | None = None,
    network: Network | None = None,
) -> Run:
    """Return a run before its first draw.

    A network that is given is simulated as it is; what happens during a run is added.

    Raises
    ------
    TooLarge
        If the network is too large to be shown live.
    """
    _require_few(machine.n_units, chains, sampler)
    sequence = seed_sequence(seed)
    known = Evidence.of(evidence, machine.labels, chains)
    start = starts.dispersed(sequence, chains, machine.n_units)
    known.fill(start)
    calibration = calibration_for(sampler, laser)
    prepared = None
    if calibration is not None and network is None:
        designed = _translated(machine, calibration.parameters.name)
        prepared = designed, _drive(machine, calibration, designed, known)
        if imperfections is not None:
            prepared = _fabricated(*prepared, imperfections, sequence)
    request = Request(
        machine,
        sampler,
        chains,
        1,  # pieces are asked for one after the other, without an end
        BURN_IN,
        sequence,
        known,
        start,
        calibration,
        network,
        DEFAULT_RULE,
        "pump",
        None,
        1,
        None,
        imperfections,
        prepared,
        gauge="auto",
    )
    return substrate(sampler)(request)


def _require_few(units: int, chains: int, sampler: str) -> None:
    if units > MOST_UNITS:
        raise InvalidInput(
            f"units must be at most {MOST_UNITS} to be shown live, got {units}: "
            "photinus sample takes any number"
        )
    lanes, most = units * chains, MOST_LANES[sampler]
    if lanes > most:
        instead = "'laser-reduced' or fewer chains" if sampler == "laser" else "fewer chains"
        raise TooLarge(
            f"units times chains must be at most {most} to be shown live on {sampler!r}, got {lanes}: "
            f"choose {instead}",
            _ways(units, chains, sampler),
        )


def _ways(units: int, chains: int, sampler: str) -> list[tuple[str, dict[str, Any]]]:
    """Return the changes of settings with which a network can be shown live."""
    ways: list[tuple[str, dict[str, Any]]] = []
    if sampler == "laser" and units * chains <= MOST_LANES["laser-reduced"]:
        ways.append(("Use reduced lasers", {"substrate": "laser-reduced"}))
    if (fewer := MOST_LANES[sampler] // units) >= LEAST_CHAINS:
        ways.append((f"Show {fewer} chains", {"chains": fewer}))
    return ways


@functools.lru_cache(maxsize=16)
def _translated(machine: BoltzmannMachine, preset: str) -> Network:
    """Return the network of a machine; choosing its gauge takes seconds, so it is kept."""
    return translate(machine, Calibration.preset(preset), rule=DEFAULT_RULE, gauge="auto")


def _fabricated(
    designed: Network,
    drive: NDArray[np.float64] | None,
    imperfections: Imperfections,
    seed: np.random.SeedSequence,
) -> tuple[Network, NDArray[np.float64] | None]:
    """Return a network and drives given evidence as they come out."""
    device = device_of(designed)
    built = device.imperfect(designed, imperfections, seed)
    return built, None if drive is None else device.imperfect_drive(designed, built, drive)


def _drive(
    machine: BoltzmannMachine, calibration: Calibration, network: Network, known: Evidence
) -> NDArray[np.float64] | None:
    """Return the drives (chain, unit) given evidence; None for those of the network."""
    rule = followed(DEFAULT_RULE, calibration, machine)
    return evidence_drive(machine, calibration, network, known, rule=rule) if known else None
