"""How errors grow with the number of units, for lasers, LIF neurons, ideal neurons and Gibbs sampling.

Machines are uniform in ±1, whatever their size: `dense` with all pairs coupled, `restricted` with a
third of the units on one side, and `kept`, dense with weights divided by √((n - 1)/4), so that fields
stay as wide as those of five units. Moments are compared with enumeration up to `ENUMERATED` units,
beyond with two runs of Gibbs sampling with copies. Chains fall into `GROUPS` groups. Squared errors are
products of the errors of different groups, which have no floor. Their errors are those of a jackknife.

KL is that of the moments, ½ δᵀ C⁻¹ δ, with δ the errors of marginals and coupled pairs, and C their
covariance in the target: the least that samples with such moments can have, to second order. Where
states can be counted, the KL of all of them is told beside it.

    python -m studies.scaling --families dense --units 8 16 24 --samplers gibbs "laser, measured"
"""

import argparse
import warnings
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

import photinus as ph
from photinus._core.results import ArrayResults
from photinus.networks.couplings import dense as matrix
from photinus.translation.law import Curve

RESULTS = Path(__file__).parent / "results" / "scaling"
KIND = "photinus-scaling-point"
FIRST_SEED = 95_000
"""Of the machines. No rule or table was chosen by these."""
UNITS = {
    "dense": (3, 5, 8, 12, 16, 24, 40, 60, 100, 200),
    "kept": (8, 16, 40, 100, 200),
    "restricted": (6, 12, 24, 48, 100, 200),
}
ENUMERATED, COUNTED = 16, 10
"""Most units of which moments are enumerated, and of which all states are counted."""
LARGEST = 2000
"""Most moments whose covariance is inverted."""
GROUPS, CHAINS = 16, 128
BUDGET, FEWEST, MOST = 6e6, 400, 10_000
"""Units times draws, and draws of each chain."""
COPIES = tuple(np.geomspace(1, 2.5, 5).tolist())
GOAL = 0.01
"""Error of a marginal to which the time of one chain is told [τ]."""
SAMPLERS = ("gibbs", "ideal", "lif", "curve", "laser, measured", "laser, paired", "laser, gauge")
"""What is measured unless others are asked for; "laser, refined" takes a while."""


def target(family: str, units: int, index: int) -> ph.BoltzmannMachine:
    """Return machine `index` of a family."""
    rng = np.random.default_rng(FIRST_SEED + index)
    upper = np.triu(rng.uniform(-1, 1, (units, units)), 1)
    if family == "kept":
        upper /= np.sqrt((units - 1) / 4)
    if family == "restricted":
        side = np.arange(units) < units // 3
        upper = upper * (side[:, None] != side)
    return ph.BoltzmannMachine(upper + upper.T, rng.uniform(-1, 1, units))


@cache
def lif(folder: Path) -> ph.Calibration:
    """Return LIF neurons with the synapse of the lasers: a rectangle of length τ with pre-emphasis."""
    path = folder / "lif-rectangle.json"
    if not path.exists():
        preset = ph.Calibration.preset("lif-hcs")
        ph.calibrate(
            preset.parameters, window=preset.window, synapse="rectangle", pairs=True, threads=1
        ).save(path)
    return ph.Calibration.load(path)


def sampled(
    name: str, machine: ph.BoltzmannMachine, draws: int, folder: Path
) -> tuple[NDArray[np.uint8], float]:
    """Return states (chain, draw, unit) of a sampler, and its window [s]."""
    run: dict[str, Any] = {"chains": CHAINS, "draws": draws, "burn_in": 100, "seed": 2, "threads": 1}
    lasers = ph.Calibration.preset("fast-absorber")
    if name in ("gibbs", "ideal"):
        return ph.sample(machine, name, **run).states, np.nan
    if name == "lif":
        network = ph.translate(machine, lif(folder), gauge="none")
        found = ph.sample(machine, calibration=lif(folder), network=network, **run, substrate="lif")
        return found.states, lif(folder).window
    if name == "curve":
        network = ph.translate(machine, lasers, rule="measured", gauge="none")
        return on_curve(network, Curve.of(lasers), draws), lasers.window
    if name == "laser, refined":
        network = ph.refine(
            machine, lasers, substrate="laser-reduced", chains=128, draws=200, seed=5, threads=1
        ).network
    else:
        rule = "paired" if name == "laser, paired" else "measured"
        gauge = "per-unit" if name == "laser, gauge" else "none"
        network = ph.translate(machine, lasers, rule=rule, gauge=gauge)
    return ph.sample(machine, "laser-reduced", network=network, **run).states, lasers.window


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


def moments(states: NDArray[np.uint8], pairs: tuple[NDArray[Any], ...]) -> NDArray[np.float64]:
    """Return marginals and moments of pairs of each group of chains, array (group, moment)."""
    found = []
    for group in np.split(states, GROUPS):
        z = group.reshape(-1, group.shape[-1]).astype(np.float32)
        both = (z.T @ z / len(z)).astype(np.float64)
        found.append(np.concatenate([np.diagonal(both), both[pairs]]))
    return np.array(found)


def reference(
    machine: ph.BoltzmannMachine, pairs: tuple[NDArray[Any], ...]
) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
    """Return moments of the target by two independent ways (2, moment), and their covariance."""
    n = machine.n_units
    if n <= ENUMERATED:
        states, p = machine.states(), machine.joint()
        both = machine.pair_moments()
        exact = np.concatenate([np.diagonal(both), both[pairs]])
        return np.stack([exact, exact]), _covariance(states, pairs, p)
    draws = int(np.clip(BUDGET / (64 * n), FEWEST, MOST))
    runs = [
        ph.sample(
            machine,
            "gibbs",
            chains=64,
            draws=draws,
            burn_in=draws // 2,
            seed=seed,
            threads=1,
            tempering=ph.Parallel(temperatures=COPIES, every=1),
        ).states
        for seed in (11, 12)
    ]
    both_ways = np.stack([moments(states, pairs).mean(axis=0) for states in runs])
    if n + len(pairs[0]) > LARGEST:
        return both_ways, None
    drawn = np.concatenate(runs).reshape(-1, n)[:: 1 + int(n > 40)]
    return both_ways, _covariance(drawn, pairs, np.full(len(drawn), 1 / len(drawn)))


def _covariance(
    states: NDArray[np.uint8], pairs: tuple[NDArray[Any], ...], p: NDArray[np.float64]
) -> NDArray[np.float64]:
    size = states.shape[1] + len(pairs[0])
    mean, square = np.zeros(size), np.zeros((size, size))
    for part in np.array_split(np.arange(len(states)), max(1, len(states) * size // 4_000_000)):
        z = states[part].astype(np.float32)
        each = np.concatenate([z, z[:, pairs[0]] * z[:, pairs[1]]], axis=1)
        weighted = each * p[part, None].astype(np.float32)
        mean += weighted.sum(axis=0, dtype=np.float64)
        square += weighted.T @ each
    return np.asarray(square - np.outer(mean, mean))


def squared(
    found: NDArray[np.float64],
    right: NDArray[np.float64],
    weigh: Callable[[NDArray[np.float64]], NDArray[np.float64]] = np.asarray,
) -> NDArray[np.float64]:
    """Return Σ δ·weigh(δ) over moments without its floor, and its error, array (2,).

    `found` is an array (group, moment), `right` (2, moment).
    """
    one, other = found - right[0], weigh((found - right[1]).T).T
    product = one @ other.T
    count = len(found)

    def mean(left: NDArray[np.intp]) -> float:
        among = product[np.ix_(left, left)]
        return float((among.sum() - np.trace(among)) / (len(left) * (len(left) - 1)))

    everyone = np.arange(count)
    parts = np.array([mean(np.delete(everyone, k)) for k in everyone])
    error = np.sqrt((count - 1) / count * np.sum((parts - parts.mean()) ** 2))
    return np.array([mean(everyone), error])


def measured(family: str, units: int, index: int, name: str, folder: Path) -> dict[str, Any]:
    """Return what one sampler makes of one machine."""
    machine = target(family, units, index)
    pairs = np.nonzero(np.triu(machine.weights, 1))
    draws = int(np.clip(BUDGET / (CHAINS * units), FEWEST, MOST))
    states, window = sampled(name, machine, draws, folder)
    right, covariance = known(family, units, index, folder)
    found = moments(states, pairs)
    result: dict[str, Any] = {"window": window, "pairs": len(pairs[0]), "draws": draws}
    result["marginal"] = squared(found[:, :units], right[:, :units]) / units
    result["pair"] = squared(found[:, units:], right[:, units:]) / max(1, len(pairs[0]))
    # Variance of means over one chain, times its length: what one window is worth.
    chains = states.mean(axis=1)
    result["variance"] = float(chains.var(axis=0, ddof=1).mean() * draws)
    if covariance is not None:
        ridge = covariance + 1e-7 * np.eye(len(covariance))
        weigh = partial(np.linalg.solve, ridge)
        result["kl"] = squared(found, right, weigh) / 2
        spread = found - found.mean(axis=0)
        worth = np.sum(spread * weigh(spread.T).T) / (GROUPS - 1)
        result["spent"] = float(worth / 2 * draws * CHAINS / GROUPS)
    if units <= COUNTED:
        index_of = states.astype(np.int64) @ (1 << np.arange(units))
        p = machine.joint()
        counts = [np.bincount(part.ravel(), minlength=len(p)) for part in np.split(index_of, GROUPS)]
        share = np.array(counts) / (draws * CHAINS / GROUPS)
        result["all"] = squared(share / np.sqrt(p), np.stack([np.sqrt(p)] * 2)) / 2
    return result


@cache
def known(
    family: str, units: int, index: int, folder: Path
) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
    """Return `reference` of a machine."""
    machine = target(family, units, index)
    return reference(machine, np.nonzero(np.triu(machine.weights, 1)))


def root(pair: NDArray[np.float64]) -> tuple[float, float]:
    """Return the root of a squared error with its error; 0 where noise made the square negative."""
    value, error = float(pair[0]), float(pair[1])
    size = np.sqrt(max(value, 0.0))
    return size, error / (2 * max(size, np.sqrt(error)))


def row(family: str, units: int, name: str, found: list[dict[str, Any]]) -> str:
    """Return a row of the table: means over machines, with the errors of runs of finite length."""

    def mean(key: str) -> NDArray[np.float64] | None:
        if key not in found[0]:
            return None
        values = np.array([each[key] for each in found])
        return np.array([values[:, 0].mean(), np.sqrt((values[:, 1] ** 2).sum()) / len(values)])

    cells = []
    for key in ("marginal", "pair"):
        pair = mean(key)
        assert pair is not None
        cells.append("{:.4f} ± {:.4f}".format(*root(pair)))
    for key in ("kl", "all"):
        pair = mean(key)
        cells.append("" if pair is None else f"{pair[0]:.2g} ± {pair[1]:.1g}")
    windows = float(np.mean([each["variance"] for each in found])) / GOAL**2
    return f"| {family} | {units} | {name} | {' | '.join(cells)} | {windows:.3g} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    add = parser.add_argument
    add("--families", nargs="+", choices=UNITS, default=list(UNITS))
    add("--units", nargs="+", type=int, help="default: up to 200")
    add("--samplers", nargs="+", choices=[*SAMPLERS, "laser, refined"], default=SAMPLERS)
    add("--machines", type=int, default=2)
    add("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    warnings.simplefilter("ignore", ph.TranslationWarning)
    store = ArrayResults(options.out, KIND)
    print("| family | units | sampler | marginal, rms | pair, rms | KL of moments | KL | τ to 0.01 |")
    print("|---|---|---|---|---|---|---|---|")
    for family in options.families:
        for units in options.units or UNITS[family]:
            for name in options.samplers:
                found = [
                    store.get(
                        f"{family}-{units}-{index}-{name}",
                        partial(measured, family, units, index, name, options.out),
                    )
                    for index in range(options.machines)
                ]
                print(row(family, units, name, found), flush=True)


if __name__ == "__main__":
    main()
