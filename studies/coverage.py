"""How often the certificate's intervals cover, and how often its tests cry wolf.

    python -m studies.coverage                      # the whole table, some twenty minutes
    python -m studies.coverage --chains 4 --tau 50  # a part of it
    python -m studies.coverage --law wrong          # the wrong sampler alone
    python -m studies.coverage --ess                # effective draws of slow chains

Chains of known law and autocorrelation: a state is kept with probability ρ, else drawn independently
from the enumerated joint, so that every function of the state has τ_int = (1 + ρ)/(1 - ρ). The right
sampler draws from the machine itself; the wrong one from a machine with other biases and weights. Its
KL, its largest error of a marginal and of a pair moment, and its temperature are then known as well.
"""

import argparse
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

import photinus as ph
from photinus.diagnostics.certificate import Fidelity
from photinus.diagnostics.convergence import effective_draws
from photinus.diagnostics.distance import kl_divergence
from photinus.diagnostics.verdict import GRADES
from photinus.samplers.samples import Samples

CHAINS, DRAWS, TAU = (4, 16, 64), (40, 400, 4000), (1.0, 5.0, 20.0, 50.0)
LAWS = ("right", "wrong")
UNITS = 4


def sticky(
    machine: ph.BoltzmannMachine, tau: float, shape: tuple[int, int], rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Return stationary states (chain, draw, unit) of the machine with this τ_int."""
    draws = shape[1]
    fresh = rng.random(shape) >= (tau - 1) / (tau + 1)
    fresh[:, 0] = True
    drawn = np.searchsorted(np.cumsum(machine.joint()), rng.random(shape), side="right")
    latest = np.maximum.accumulate(np.where(fresh, np.arange(draws), 0), axis=1)
    index = np.minimum(np.take_along_axis(drawn, latest, axis=1), 2**machine.n_units - 1)
    return np.asarray((index[..., None] >> np.arange(machine.n_units)) & 1, np.uint8)


def machines(seed: int = 1) -> tuple[ph.BoltzmannMachine, ph.BoltzmannMachine]:
    """Return a target and a machine that is off by a little in all its parameters."""
    rng = np.random.default_rng(seed)
    upper = np.triu(rng.uniform(-1, 1, (UNITS, UNITS)), 1)
    target = ph.BoltzmannMachine(upper + upper.T, rng.uniform(-1, 1, UNITS))
    return target, ph.BoltzmannMachine(1.3 * target.weights, 1.3 * target.biases + 0.1)


def pseudo_temperature(target: ph.BoltzmannMachine, law: ph.BoltzmannMachine) -> float:
    """Return where the pseudo-likelihood of infinitely many draws of `law` is largest."""
    z = law.states().astype(np.float64)
    field = (2 * z - 1) * (z @ target.weights + target.biases)
    low, high = -5.0, 5.0
    for _ in range(60):
        beta = (low + high) / 2
        score = law.joint() @ (field / (1 + np.exp(beta * field))).sum(axis=1)
        low, high = (beta, high) if score > 0 else (low, beta)
    return low


class Truth:
    """What a law is off from the target, by enumeration."""

    def __init__(self, target: ph.BoltzmannMachine, law: ph.BoltzmannMachine) -> None:
        error = np.abs(law.pair_moments() - target.pair_moments())
        self.marginals = law.marginals()
        self.marginal = float(np.diagonal(error).max())
        self.pair = float(error[np.triu_indices(UNITS, 1)].max())
        self.kl = kl_divergence(law.joint(), target.joint())
        self.beta = pseudo_temperature(target, law)

    def covered(self, found: Fidelity) -> Iterator[tuple[str, bool]]:
        """Give (interval, whether it holds the truth) for all intervals that there are."""
        for name, interval, truth in (
            ("beta", found.beta_interval, self.beta),
            ("kl", found.kl_interval, self.kl),
            ("marginal", found.units[0].interval, self.marginals[0]),
            ("worst marginal", found.marginal_interval, self.marginal),
            ("worst pair", found.pair_interval, self.pair),
        ):
            if interval is not None:
                yield name, interval[0] - 1e-12 <= truth <= interval[1] + 1e-12


NAMES = ("beta", "kl", "marginal", "worst marginal", "worst pair")


def cell(
    target: ph.BoltzmannMachine,
    law: ph.BoltzmannMachine,
    shape: tuple[int, int],
    tau: float,
    runs: int,
    seed: int,
) -> tuple[dict[str, list[bool]], list[Fidelity]]:
    """Return what covered in many runs, and their certificates."""
    truth = Truth(target, law)
    covered: dict[str, list[bool]] = {name: [] for name in NAMES}
    certificates = []
    for run in range(runs):
        rng = np.random.default_rng((seed, run, *shape, round(tau)))
        states = sticky(law, tau, shape, rng)
        # Draws are stationary from the start, as after a burn-in.
        found = Samples(machine=target, states=states, substrate="gibbs", burn_in=20).fidelity(run)
        certificates.append(found)
        for name, hit in truth.covered(found):
            covered[name].append(hit)
    return covered, certificates


def share(hits: Sequence[bool], runs: int) -> str:
    """Return the coverage in percent, or a dash where most runs print no interval."""
    if len(hits) < runs / 20:
        return "none"
    shown = f"{100 * np.mean(hits):.0f}"
    return shown if len(hits) == runs else f"{shown} ({len(hits)})"


def table(
    chains: Sequence[int],
    draws: Sequence[int],
    taus: Sequence[float],
    runs: int,
    laws: Sequence[str] = LAWS,
) -> None:
    """Print coverage, and how often each word was said."""
    target, wrong = machines()
    print(
        f"Coverage of 95 % intervals in percent over {runs} runs (of how many, where not all have one);"
    )
    print("words: indistinguishable / close / off / far off / cannot tell yet.\n")
    print("| law | chains | draws | τ | " + " | ".join(NAMES) + " | biased | words |")
    print("|---" * (len(NAMES) + 6) + "|")
    for name in laws:
        law = target if name == "right" else wrong
        for c in chains:
            for d in draws:
                for tau in taus:
                    covered, found = cell(target, law, (c, d), tau, runs, 1)
                    words = [f.grade for f in found]
                    said = "/".join(str(words.count(w)) for w in GRADES)
                    biased = sum(f.biased is True for f in found)
                    shown = " | ".join(share(covered[n], runs) for n in NAMES)
                    print(f"| {name} | {c} | {d} | {tau:g} | {shown} | {biased} | {said} |", flush=True)


def ess_table(runs: int) -> None:
    """Print effective draws found beside the right ones, for two-state chains."""
    print("| chains | draws | τ | right | found, mean | smallest of 9, mean |")
    print("|---" * 6 + "|")
    coin = ph.BoltzmannMachine([[0.0]], [0.0])
    for c, d, tau in (
        (64, 250, 57.0),
        (64, 250, 20.0),
        (256, 400, 20.0),
        (16, 1000, 57.0),
        (4, 4000, 57.0),
    ):
        lags, rho = np.arange(1, d), (tau - 1) / (tau + 1)
        right = c * d / (1 + 2 * np.sum((1 - lags / d) * rho**lags))
        rng = np.random.default_rng(2)
        found = np.array(
            [
                effective_draws(sticky(coin, tau, (c, d), rng)[..., 0].astype(float))
                for _ in range(9 * runs)
            ]
        )
        least = found.reshape(runs, 9).min(axis=1).mean()
        print(f"| {c} | {d} | {tau:g} | {right:.0f} | {found.mean():.0f} | {least:.0f} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    add = parser.add_argument
    add("--chains", type=int, nargs="+", default=CHAINS)
    add("--draws", type=int, nargs="+", default=DRAWS)
    add("--tau", type=float, nargs="+", default=TAU)
    add("--law", nargs="+", choices=LAWS, default=LAWS)
    add("--runs", type=int, default=200)
    add("--ess", action="store_true", help="effective draws of slow chains instead")
    chosen = parser.parse_args()
    if chosen.ess:
        ess_table(max(1, chosen.runs // 10))
    else:
        table(chosen.chains, chosen.draws, chosen.tau, chosen.runs, chosen.law)


if __name__ == "__main__":
    main()
