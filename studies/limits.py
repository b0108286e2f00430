"""Where lasers sample another law than the machine's, and whether `photinus.sample` says so before.

Machines of five families on full physics, none of which a fit or a threshold has seen: the largest
error of a marginal, KL(sampled‖target), and what was said. ``python -m studies.limits``: minutes.
"""

import argparse
import itertools
import warnings

import numpy as np

import photinus as ph
from photinus import BoltzmannMachine, Calibration, TranslationWarning

FAMILIES = ("mixed", "excited", "inhibited", "one-hot", "biased")
SCALES = (1.0, 1.5, 2.0, 3.0, 4.0, 8.0, 16.0)
SEED = 20261
WRONG, RIGHT = 0.1, 0.05
"""Errors of a marginal from which on a run is called wrong here, and up to which right."""


def machine(family: str, n: int, scale: float, rng: np.random.Generator) -> BoltzmannMachine:
    """Return a machine of a family, weights up to `scale`."""
    upper = np.triu(rng.uniform(-1, 1, (n, n)), 1)
    if family == "excited":
        upper = np.abs(upper)
    elif family == "inhibited":
        upper = -np.abs(upper)
    elif family == "one-hot":
        upper = -np.triu(np.ones((n, n)), 1)
    elif family == "biased":
        upper = 0.8 * upper / scale
    weights = scale * (upper + upper.T)
    biases = {
        "mixed": scale * rng.uniform(-1, 1, n),
        # Half of the mean input, up or down: modes of all on and all off.
        "excited": 0.3 * scale * rng.uniform(-1, 1, n) - weights.sum(axis=1) / 2,
        "inhibited": 0.3 * scale * rng.uniform(-1, 1, n) - weights.sum(axis=1) / 4,
        "one-hot": np.full(n, scale / 2),
        "biased": np.full(n, scale),
    }[family]
    return BoltzmannMachine(weights, biases)


def measured(target: BoltzmannMachine, preset: str, draws: int) -> tuple[float, float, str]:
    """Return the largest error of a marginal, the divergence [nats], and what was said."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", TranslationWarning)
        samples = ph.sample(
            target, calibration=Calibration.preset(preset), chains=64, draws=draws, seed=SEED, threads=1
        )
    joint, exact = samples.joint(), target.joint()
    seen = joint > 0
    divergence = float(np.sum(joint[seen] * np.log(joint[seen] / np.maximum(exact[seen], 1e-300))))
    error = float(np.abs(samples.marginals() - target.marginals()).max())
    return error, divergence, "; ".join(str(warning.message) for warning in caught)


def main(arguments: list[str] | None = None) -> None:
    """Print the table and how often what was said was right."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=150)
    parser.add_argument("--presets", nargs="+", default=["fast-absorber", "high-beta"])
    options = parser.parse_args(arguments)
    print(f"{'device':<15}{'family':<11}{'n':>3}{'scale':>7}{'error':>8}{'KL':>9}  said")
    found = []
    cases = itertools.product(options.presets, FAMILIES, (5, 10), SCALES)
    for preset, family, n, scale in cases:
        target = machine(family, n, scale, np.random.default_rng([SEED, n, int(10 * scale)]))
        error, divergence, said = measured(target, preset, options.draws)
        kinds = {"outside": "weights", "modes": "modes", "lase": "lasing", "below zero": "pump"}
        short = ", ".join(name for part, name in kinds.items() if part in said)
        print(f"{preset:<15}{family:<11}{n:>3}{scale:>7g}{error:>8.3f}{divergence:>9.4f}  {short}")
        found.append((error, bool(said)))
    errors, told = (np.array(column) for column in zip(*found, strict=True))
    for name, kind in (("wrong", errors > WRONG), ("right", errors < RIGHT)):
        print(f"{kind.sum()} {name} (error {'>' if name == 'wrong' else '<'} ", end="")
        print(f"{WRONG if name == 'wrong' else RIGHT:g}), said before {told[kind].sum()} of them")
    print(f"largest error where nothing was said: {errors[~told].max(initial=0):.3f}")


if __name__ == "__main__":
    main()
