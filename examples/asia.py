"""The chest clinic "Asia" on lasers: posterior marginals for three sets of evidence.

Prints what softening costs; then, per set of evidence, the marginals by enumeration of the network,
and those of its Boltzmann machine sampled by ideal neurons, by lasers as translated, and by lasers
refined in the loop.
"""

import argparse
from collections.abc import Sequence

import numpy as np

from photinus import Calibration, Samples, refine, sample
from photinus.machines.bayes import BayesianNetwork
from photinus.machines.softening import SOFTENING

EVIDENCE = ({}, {"xray": 1, "dysp": 1}, {"asia": 1, "smoke": 0, "dysp": 1})
BURN_IN = 150
"""Draws until a chain has forgotten its start: disease and test flip together, which is rare."""
DAMPING = 0.01
"""Of refinement: the machine's weights are far stronger than synapses are at their best."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chains", type=int, default=256)
    parser.add_argument("--draws", type=int, default=600, help="per chain and column")
    parser.add_argument("--rounds", type=int, default=20, help="measurements of a refinement")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=None)
    options = parser.parse_args(arguments)
    network = BayesianNetwork.asia()
    _print_softening(network)
    print(f"\n{options.chains} chains × {options.draws} draws")
    seeds = np.random.SeedSequence(options.seed).spawn(len(EVIDENCE))
    for evidence, seed in zip(EVIDENCE, seeds, strict=True):
        _print_table(network, evidence, _columns(network, evidence, seed, options))


def _print_softening(network: BayesianNetwork) -> None:
    """Print how far softening moves the posteriors above, and the range that the machine needs."""
    print(f"{'softening':<20}{'largest shift':>15}{'|weight|':>10}{'|bias|':>10}")
    for softening in (1e-2, 1e-3, SOFTENING, 1e-4):
        soft, machine = network.softened(softening), network.to_boltzmann(softening=softening)
        shift = max(
            abs(p - soft.posterior(evidence)[name])
            for evidence in EVIDENCE
            for name, p in network.posterior(evidence).items()
        )
        largest = (np.abs(values).max() for values in (machine.weights, machine.biases))
        print(f"{softening:<20g}{shift:15.4f}" + "".join(f"{value:10.1f}" for value in largest))


def _columns(
    network: BayesianNetwork,
    evidence: dict[str, int],
    seed: np.random.SeedSequence,
    options: argparse.Namespace,
) -> dict[str, Samples]:
    """Return the samples of each substrate."""
    machine = network.to_boltzmann()
    if evidence:
        machine = machine.conditional(evidence)
    ideal, laser, loop, refined = seed.spawn(4)
    common = {"chains": options.chains, "draws": options.draws, "burn_in": min(BURN_IN, options.draws)}
    refinement = refine(
        machine,
        Calibration.preset(),
        seed=loop,
        chains=options.chains,
        draws=max(8, 2 * options.draws // 3),
        most_rounds=options.rounds,
        damping=DAMPING,
        threads=options.threads,
    )
    return {
        "ideal": sample(machine, "ideal", seed=ideal, **common),
        "laser": sample(machine, "laser", seed=laser, threads=options.threads, **common),
        "refined": sample(
            machine,
            "laser",
            network=refinement.network,
            seed=refined,
            threads=options.threads,
            **common,
        ),
    }


def _print_table(
    network: BayesianNetwork, evidence: dict[str, int], columns: dict[str, Samples]
) -> None:
    """Print the posterior marginals given the evidence, and how far each column is off."""
    exact = network.posterior(evidence)
    given = ", ".join(f"{name} = {value}" for name, value in evidence.items()) or "nothing"
    print(f"\ngiven {given}")
    print(f"{'P(… = 1)':<20}{'exact':>9}" + "".join(f"{name:>9}" for name in columns))
    # Auxiliary units come after the variables, and nobody asks for them.
    found = [samples.marginals()[: len(exact)] for samples in columns.values()]
    for k, (name, p) in enumerate(exact.items()):
        print(f"{name:<20}{p:9.3f}" + "".join(f"{marginals[k]:9.3f}" for marginals in found))
    truth = np.array(list(exact.values()))
    deviations = "".join(f"{np.abs(marginals - truth).max():9.3f}" for marginals in found)
    print(f"{'largest deviation':<20}{'':9}{deviations}")


if __name__ == "__main__":
    main()
