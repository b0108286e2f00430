"""How often copies of refined lasers may be swapped: errors of marginals, and of hot copies.

Networks of others with something known, as in `studies.networks`, on reduced lasers that are refined
once. Prints tables of docs/how-to/tempering.md.

    python -m studies.swaps FOLDER
"""

import argparse
import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from studies.networks import COPIES, GIVEN, HOTTEST

import photinus as ph
from photinus._core.streams import seed_sequence
from photinus.devices import Network
from photinus.faces.cli.inputs import read_known
from photinus.interop import read_model
from photinus.machines.evidence import Evidence
from photinus.samplers.registry import started
from photinus.samplers.request import Request

NAMES = ("cancer",)
EVERY = (1, 2, 5, 10, 20)
SUBSTRATE = "laser-reduced"
CHAINS, DRAWS, BURN_IN, SEEDS = 256, 400, 100, (7, 8)


def machine_of(folder: Path, name: str) -> ph.BoltzmannMachine:
    """Return what is sampled of a network with something known."""
    model = read_model(folder / f"{name}.bif")
    known = read_known(list(GIVEN[name]), model.states)
    machine: ph.BoltzmannMachine | None = model.reduced(known, softening=0.01).machine
    assert machine is not None
    return machine


def swapped(machine: ph.BoltzmannMachine, network: Network, every: int) -> float:
    """Return the largest error of a marginal, mean over two seeds."""
    plan = ph.Parallel.rising(COPIES, hottest=HOTTEST, every=every)
    found = [
        ph.sample(
            machine,
            SUBSTRATE,
            chains=CHAINS,
            draws=DRAWS,
            burn_in=BURN_IN,
            seed=seed,
            network=network,
            tempering=plan,
        ).marginals()
        for seed in SEEDS
    ]
    return float(np.abs(np.mean(found, axis=0) - machine.marginals()).max())


def heated(machine: ph.BoltzmannMachine, network: Network, temperature: float) -> NDArray[np.float64]:
    """Return the errors of marginals at a temperature, without swaps."""
    start = np.zeros((CHAINS, machine.n_units), np.uint8)
    run = started(
        Request(
            machine=machine,
            substrate=SUBSTRATE,
            chains=CHAINS,
            draws=DRAWS,
            burn_in=BURN_IN,
            seed=seed_sequence(SEEDS[0]),
            evidence=Evidence.of(None, machine.labels, CHAINS),
            start=start,
            calibration=None,
            network=network,
            rule="auto",
            evidence_mode="pump",
            time_step=None,
            threads=None,
            tempering=None,
        )
    )
    run.heat(np.full(CHAINS, temperature))
    states = run.advance(DRAWS, lambda _: None).states
    return np.asarray(states.mean(axis=(0, 1)) - machine.heated(temperature).marginals())


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    warnings.simplefilter("ignore", ph.TranslationWarning)
    for name in NAMES:
        machine = machine_of(folder, name)
        network = ph.refine(machine, None, substrate=SUBSTRATE, chains=64, draws=200, seed=5).network
        errors = [f"{swapped(machine, network, every):.3f}" for every in EVERY]
        print(f"| {name} | {' | '.join(errors)} |", flush=True)
        for temperature in ph.Parallel.rising(COPIES, hottest=HOTTEST).temperatures:
            off = np.abs(heated(machine, network, temperature)).max()
            print(f"T = {temperature:.2f}: off by {off:.3f}", flush=True)


if __name__ == "__main__":
    main()
