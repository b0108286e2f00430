"""What the right moments are, and how they are known: never by the sampler under test.

In this order: enumeration; exact inference along a tree decomposition, where `dwave-samplers` is
installed and the graph is close to a tree; two samplers that are exact in law, Gibbs and ideal neurons,
if each has converged by itself and they agree with each other; else none, with the reason.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from photinus import _validate
from photinus.boltzmann import MAX_ENUMERATED, BoltzmannMachine
from photinus.diagnostics.bias import Comparison, compare
from photinus.diagnostics.convergence import FALSE_ALARM, Convergence, convergence
from photinus.starts import dispersed

CHAINS = 64
"""Chains of each reference sampler."""
MOST_DRAWS, FEWEST_DRAWS = 1000, 200
"""Draws of each of these chains at most; and at least, or they are not tried."""
MOST_WORK = 2.5e8
"""Chains × draws × units² of ideal neurons: a few seconds."""
STROBE = (1 + 5**0.5) / 2
"""Windows between states of ideal neurons. A strongly driven one spikes every window for long: whole
windows would meet it in the same phase."""
MOST_TABLES = 2**24
"""Entries of the tables of a tree decomposition, which take 8 bytes and some ns each."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Reference:
    """The right moments of a machine."""

    name: str
    """"enumeration", "tree decomposition", "ideal", "gibbs" or "none"."""
    moments: NDArray[np.float64] | None = None
    """<z_i z_j>, array (unit, unit), nan where unknown; None for "none"."""
    chains: NDArray[np.float64] | None = None
    """The same of each chain of a sampled reference, array (chain, unit, unit)."""
    ess: float = float("inf")
    """Effective draws of a sampled reference."""
    reason: str = ""
    """Why there is none, in words."""


def reference(machine: BoltzmannMachine, seed: int, *, tested: str = "") -> Reference:
    """Return the best reference for `machine` at a bounded price.

    Parameters
    ----------
    machine
        The target; with evidence, its conditional.
    seed
        Of the samplers.
    tested
        Substrate under test: of the two reference samplers the other one is used.
    """
    _validate.instance("machine", machine, BoltzmannMachine)
    if machine.n_units <= MAX_ENUMERATED:
        return Reference(name="enumeration", moments=machine.pair_moments())
    found = _by_tree(machine)
    return _by_samplers(machine, seed, tested) if found is None else found


def elimination_order(machine: BoltzmannMachine) -> tuple[list[int], float]:
    """Return units in the order of a tree decomposition, and the entries of all its tables.

    Greedy: the unit with the fewest neighbours goes next, and these become neighbours of each other.
    Ends early, with infinitely many, where a single table would be too large.
    """
    _validate.instance("machine", machine, BoltzmannMachine)
    near = [set(np.flatnonzero(row).tolist()) for row in machine.weights != 0]
    left, entries = set(range(machine.n_units)), 0.0
    order: list[int] = []
    while left:
        unit = min(left, key=lambda k: (len(near[k]), k))
        entries += 2.0 ** (len(near[unit]) + 1)
        if entries > MOST_TABLES:
            return order, np.inf
        for other in near[unit]:
            near[other] |= near[unit]
            near[other] -= {unit, other}
        left.remove(unit)
        order.append(unit)
    return order, entries


def _by_tree(machine: BoltzmannMachine) -> Reference | None:
    """Return marginals and moments of coupled pairs; None without the library or a tree."""
    try:
        from dimod import BinaryQuadraticModel
        from dwave.samplers import TreeDecompositionSampler
    except ImportError:
        return None
    order, entries = elimination_order(machine)
    if entries > MOST_TABLES:
        return None
    first, second = np.nonzero(np.triu(machine.weights, 1))
    pairs = list(zip(first.tolist(), second.tolist(), strict=True))
    model = BinaryQuadraticModel(
        dict(enumerate((-machine.biases).tolist())),
        {(i, j): -float(machine.weights[i, j]) for i, j in pairs},
        0.0,
        "BINARY",
    )
    info = (
        TreeDecompositionSampler()  # type: ignore[no-untyped-call]
        .sample(model, num_reads=1, beta=1.0, elimination_order=list(order), marginals=True, seed=1)
        .info
    )
    moments = np.full(machine.weights.shape, np.nan)
    for unit, chance in info["variable_marginals"].items():
        moments[unit, unit] = chance
    for (i, j), table in info["interaction_marginals"].items():
        moments[i, j] = moments[j, i] = table[1, 1]
    if not np.isfinite(np.diagonal(moments)).all():
        return None  # its sums overflow for very large weights
    return Reference(name="tree decomposition", moments=moments)


@dataclass(frozen=True, slots=True, eq=False)
class _Sampled:
    """What one reference sampler found."""

    chains: NDArray[np.float64]
    """<z_i z_j> of each chain, array (chain, unit, unit)."""
    convergence: Convergence


def _by_samplers(machine: BoltzmannMachine, seed: int, tested: str) -> Reference:
    """Return the moments of one of two samplers that agree; else none with the reason."""
    n = machine.n_units
    draws = int(min(MOST_DRAWS, MOST_WORK / (CHAINS * n**2)))
    if draws < FEWEST_DRAWS:
        return Reference(name="none", reason=f"{n} units are too many for a reference in a few seconds")
    samplers: dict[str, Callable[..., tuple[NDArray[np.uint8], NDArray[np.float64]]]] = {
        "ideal": _ideal,
        "gibbs": _gibbs,
    }
    found = {}
    for (name, sampler), child in zip(
        samplers.items(), np.random.SeedSequence(seed).spawn(len(samplers)), strict=True
    ):
        states, moments = sampler(machine, draws, child)
        found[name] = _Sampled(moments, convergence(machine, states))
        if not found[name].convergence.converged:
            return Reference(
                name="none",
                reason=f"the reference sampler {name!r} did not converge in {draws} draws per chain "
                f"({_trouble(found[name].convergence)})",
            )
    p = _agreement(found["ideal"], found["gibbs"], draws)
    if p < FALSE_ALARM:
        return Reference(
            name="none", reason=f"the two reference samplers disagree with each other (p = {p:.2g})"
        )
    used = "gibbs" if tested == "ideal" else "ideal"
    return Reference(
        name=used,
        moments=found[used].chains.mean(axis=0),
        chains=found[used].chains,
        ess=found[used].convergence.ess,
    )


def _trouble(found: Convergence) -> str:
    if found.rhat is None:
        return "no unit flipped"
    if found.rhat > found.rhat_limit:
        return f"R̂ {found.rhat:.2f} of {found.rhat_of}"
    return f"{found.drift_of} drifts"


def _agreement(first: _Sampled, second: _Sampled, draws: int) -> float:
    """Return the probability that two right samplers differ as much, over all moments."""
    upper = np.triu_indices(first.chains.shape[1])
    values, other = (each.chains[:, upper[0], upper[1]] for each in (first, second))
    return sampled_comparison(
        values, other, CHAINS * draws, first.convergence.ess, second.convergence.ess
    ).joint_p()


def sampled_comparison(
    values: NDArray[np.float64],
    reference: NDArray[np.float64],
    draws: float,
    ess: float,
    reference_ess: float,
) -> Comparison:
    """Compare means over groups with those of another sampler, array (group, moment) each."""
    # Half an event more on either side: an event that was seen nowhere still has a variance.
    smooth = (reference.mean(axis=0) * reference_ess + 0.5) / (reference_ess + 1)
    return compare(
        values,
        reference.mean(axis=0),
        smooth * (1 - smooth),
        draws,
        ess=ess,
        reference=reference,
    )


def _gibbs(
    machine: BoltzmannMachine, draws: int, seed: np.random.SeedSequence
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Return states and the pair moments of each chain by Gibbs sampling, starts dispersed."""
    from photinus.reference.gibbs import sample_gibbs

    states = sample_gibbs(
        machine,
        chains=CHAINS,
        draws=draws,
        burn_in=draws // 2,
        seed=seed,
        initial=dispersed(seed, CHAINS, machine.n_units),
    )
    z = states.astype(np.float32)
    return states, np.asarray(np.matmul(z.transpose(0, 2, 1), z), np.float64) / draws


def _ideal(
    machine: BoltzmannMachine, draws: int, seed: np.random.SeedSequence
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Return states and the pair moments of each chain by ideal neurons, starts dispersed."""
    from photinus.readout import occupancy, states_on_grid
    from photinus.reference.ideal import sample_ideal

    burn_in = draws // 2
    chain, unit, time = sample_ideal(
        machine,
        chains=CHAINS,
        duration=float(burn_in + draws),
        seed=seed,
        initial=dispersed(seed, CHAINS, machine.n_units),
    )
    states = states_on_grid(
        chain,
        unit,
        time,
        chains=CHAINS,
        units=machine.n_units,
        window=1.0,
        first=burn_in + 1.0,
        interval=STROBE,
        draws=int((draws - 1) / STROBE) + 1,
    )
    found = occupancy(
        chain,
        unit,
        time,
        chains=CHAINS,
        units=machine.n_units,
        window=1.0,
        start=float(burn_in),
        stop=float(burn_in + draws),
    )
    return states, found.moments
