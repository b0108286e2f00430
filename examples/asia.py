"""The chest clinic "Asia" on lasers: posterior marginals for three sets of evidence.

Prints what softening costs; then, per set of evidence, the marginals by enumeration of the network, and
those that `photinus.infer` finds with ideal neurons, with lasers as translated, and with lasers refined
in the loop. The last column is the machine without elimination, translated.
"""

import argparse
from collections.abc import Sequence

import numpy as np

import photinus as ph
from photinus.machines.bayes import BayesianNetwork
from photinus.machines.softening import SOFTENING
from photinus.tasks import Posterior

EVIDENCE = ({}, {"xray": 1, "dysp": 1}, {"asia": 1, "smoke": 0, "dysp": 1})
BURN_IN = 150
"""Draws until a chain has forgotten its start: disease and test flip together, which is rare."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--substrate", default="laser")
    parser.add_argument("--chains", type=int, default=256)
    parser.add_argument("--draws", type=int, default=400, help="per chain and column")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=None)
    options = parser.parse_args(arguments)
    network = BayesianNetwork.asia()
    _print_softening(network)
    print(f"\n{options.chains} chains × {options.draws} draws on {options.substrate}")
    seeds = np.random.SeedSequence(options.seed).spawn(len(EVIDENCE))
    for evidence, seed in zip(EVIDENCE, seeds, strict=True):
        _print_machine(network, evidence)
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
) -> dict[str, dict[str, float]]:
    """Return the marginals that each way finds."""
    ideal, laser, refined, whole = seed.spawn(4)
    common = {"chains": options.chains, "draws": options.draws, "burn_in": min(BURN_IN, options.draws)}
    common["threads"] = options.threads
    substrate = options.substrate
    machine = network.to_boltzmann().conditional(evidence)
    samples = ph.sample(machine, substrate, seed=whole, **common)
    return {
        "ideal": _on(ph.infer(network, evidence, "ideal", seed=ideal, **common)),
        "laser": _on(ph.infer(network, evidence, substrate, seed=laser, refined=False, **common)),
        "refined": _on(ph.infer(network, evidence, substrate, seed=refined, **common)),
        "whole": dict(zip(machine.labels, samples.marginals(), strict=True)),
    }


def _on(posterior: Posterior) -> dict[str, float]:
    """Return the probability of state 1 of each variable."""
    return {str(name): chances[1] for name, chances in posterior.marginals.items()}


def _print_machine(network: BayesianNetwork, evidence: dict[str, int]) -> None:
    """Print what is left to sample, and the largest weight with and without elimination."""
    reduction = network.reduced(evidence)
    whole = network.to_boltzmann().conditional(evidence)
    print(f"\ngiven {', '.join(f'{name} = {v}' for name, v in evidence.items()) or 'nothing'}")
    print(f"replaced {list(reduction.replaced)}, at the end {list(reduction.barren)}")
    for words, machine in (("whole", whole), ("reduced", reduction.machine)):
        assert machine is not None
        print(f"{words:<20}{machine.n_units} units, |weight| {np.abs(machine.weights).max():.1f}")


def _print_table(
    network: BayesianNetwork, evidence: dict[str, int], columns: dict[str, dict[str, float]]
) -> None:
    """Print the posterior marginals given the evidence, and how far each column is off."""
    exact = network.posterior(evidence)
    print(f"{'P(… = 1)':<20}{'exact':>9}" + "".join(f"{name:>9}" for name in columns))
    for name, p in exact.items():
        print(f"{name:<20}{p:9.3f}" + "".join(f"{found[name]:9.3f}" for found in columns.values()))
    worst = [max(abs(found[name] - p) for name, p in exact.items()) for found in columns.values()]
    print(f"{'largest deviation':<20}{'':9}" + "".join(f"{deviation:9.3f}" for deviation in worst))


if __name__ == "__main__":
    main()
