"""Two deep modes again: copies of a chip at several temperatures, which are swapped.

The machine of ``studies/tempering.py``: eight units, all on or all off, a valley of exp(-20) between.
Chains of copies take as many windows as the plain and heated ones there, and as many chips as copies.
Prints a Markdown table.

    python studies/parallel.py
"""

import argparse
import warnings

import numpy as np

import photinus as ph

UNITS, WEIGHT, CHAINS = 8, 2.5, 64
TEMPERATURES = ((1, 1.5, 2.2, 3.2), (1, 1.5, 2.2, 3.2, 4.6))
SUBSTRATES = ("gibbs", "lif", "laser-reduced", "laser")


def two_modes() -> ph.BoltzmannMachine:
    """Return the machine."""
    weights = WEIGHT * (np.ones((UNITS, UNITS)) - np.eye(UNITS))
    return ph.BoltzmannMachine(weights, np.full(UNITS, -WEIGHT * (UNITS - 1) / 2))


def crossings(samples: ph.Samples) -> int:
    """Return how often a chain went from mostly on to mostly off, or back."""
    level = samples.states.mean(axis=2)
    sides = (np.sign(chain - 0.5)[np.abs(chain - 0.5) > 0.2] for chain in level)
    return sum(int((np.diff(side) != 0).sum()) for side in sides)


def row(substrate: str, temperatures: tuple[float, ...], every: int, threads: int | None) -> str:
    """Return a line of the table."""
    samples = ph.sample(
        two_modes(),
        substrate,
        chains=CHAINS,
        draws=400,
        burn_in=40,
        seed=1,
        tempering=ph.Parallel(temperatures=temperatures, every=every),
        threads=threads,
    )
    up = float((samples.states.mean(axis=2) > 0.5).mean())
    kl, named = samples.fidelity().kl, ", ".join(f"{t:g}" for t in temperatures)
    return f"| {substrate} | {named} | {crossings(samples)} | {up:.2f} | {kl:.3f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=2, help="windows between swaps")
    parser.add_argument("--threads", type=int, default=None)
    options = parser.parse_args()
    warnings.simplefilter("ignore", ph.TranslationWarning)
    print("| substrate | temperatures | changes of mode | time in the upper mode | KL |")
    print("|---|---|---|---|---|")
    for substrate in SUBSTRATES:
        for temperatures in TEMPERATURES:
            print(row(substrate, temperatures, options.every, options.threads), flush=True)


if __name__ == "__main__":
    main()
