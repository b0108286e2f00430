"""What the right moments are, and how they are known: never by the sampler under test.

Enumeration comes first. Next is exact inference along a tree decomposition, where `dwave-samplers` is
installed and the graph is close to a tree. Then come two samplers that are exact in law, Gibbs and
ideal neurons. Each must have converged by itself, and they must agree with each other. Else there is no
reference, but the reason.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from photinus._core import validate
from photinus._core.states import MAX_ENUMERATED
from photinus.diagnostics.bias import Comparison, compare
from photinus.diagnostics.convergence import FALSE_ALARM, RHAT_LIMIT, Convergence, convergence
from photinus.machines.boltzmann import BoltzmannMachine
from photinus.reference.exact import sample_exact
from photinus.reference.gibbs import sample_gibbs
from photinus.reference.ideal import sample_ideal
from photinus.reference.starts import dispersed
from photinus.spikes.readout import occupancy, states_on_grid

CHAINS = 64
"""Chains of each reference sampler."""
MOST_DRAWS, FEWEST_DRAWS = 1000, 200
"""Draws of each of these chains, at first; and at least, or they are not tried."""
MOST_WORK = 2.5e8
"""Chains × draws × units² of ideal neurons: a few seconds."""
MOST_UNITS = 500
"""Units up to which the moments of single chains fit in memory."""
GIBBS_SPEED = 4
"""Draws by Gibbs sampling for the price of one of ideal neurons."""
LONGER, LONGEST = 1.25, 16_000
"""Least factor by which a run that has not converged is made longer; draws of the longest one."""
STROBE = (1 + 5**0.5) / 2
"""Windows between states of ideal neurons. A strongly driven one spikes every window for long: whole
windows would meet it in the same phase."""
MOST_TABLES = 2**24
"""Entries of the tables of a tree decomposition, which take 8 bytes and some ns each."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Reference:
    """The right moments of a machine."""

    name: str
    """"enumeration", "tree decomposition", "ideal", "gibbs", "ideal and gibbs" or "none"."""
    moments: NDArray[np.float64] | None = None
    """<z_i z_j>, array (unit, unit), nan where unknown; None for "none"."""
    chains: NDArray[np.float64] | None = None
    """The same of each chain of a sampled reference, array (chain, unit, unit)."""
    ess: float = float("inf")
    """Effective draws of a sampled reference."""
    reason: str = ""
    """Why there is none, in words."""
    states: NDArray[np.uint8] | None = None
    """Draws with the right law, array (chain, draw, unit), where asked for."""


def reference(
    machine: BoltzmannMachine,
    seed: int,
    *,
    tested: str = "",
    states: int = 0,
    most_work: float | None = None,
) -> Reference:
    """Return the best reference for `machine` at a bounded price.

    Parameters
    ----------
    machine
        The target; with evidence, its conditional.
    seed
        Of the samplers.
    tested
        Substrate under test: of the two reference samplers the other one is used; both if empty.
    states
        Draws wanted beside the moments. Exact methods draw so many; samplers give what they have.
    most_work
        Chains × draws × units² of ideal neurons up to which reference samplers that have not
        converged run longer; None: they don't.
    """
    validate.instance("machine", machine, BoltzmannMachine)
    if machine.n_units <= MAX_ENUMERATED:
        drawn = sample_exact(machine, chains=1, draws=states, seed=seed) if states else None
        return Reference(name="enumeration", moments=machine.pair_moments(), states=drawn)
    found = _by_tree(machine, states, seed)
    return _by_samplers(machine, seed, tested, most_work) if found is None else found


def elimination_order(machine: BoltzmannMachine) -> tuple[list[int], float]:
    """Return units in the order of a tree decomposition, and the entries of all its tables.

    Greedy: the unit with the fewest neighbours goes next, and these become neighbours of each other.
    Ends early, with infinitely many, where a single table would be too large.
    """
    validate.instance("machine", machine, BoltzmannMachine)
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


def _by_tree(machine: BoltzmannMachine, states: int = 0, seed: int = 0) -> Reference | None:
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
    found = TreeDecompositionSampler().sample(  # type: ignore[no-untyped-call]
        model,
        num_reads=max(states, 1),
        beta=1.0,
        elimination_order=list(order),
        marginals=True,
        seed=seed % 2**31 + 1,
    )
    info = found.info
    moments = np.full(machine.weights.shape, np.nan)
    for unit, chance in info["variable_marginals"].items():
        moments[unit, unit] = chance
    for (i, j), table in info["interaction_marginals"].items():
        moments[i, j] = moments[j, i] = table[1, 1]
    if not np.isfinite(np.diagonal(moments)).all():
        return None  # its sums overflow for very large weights
    drawn = None
    if states:
        columns = np.argsort(list(found.variables))
        drawn = found.record.sample[None][:, :, columns].astype(np.uint8)
    return Reference(name="tree decomposition", moments=moments, states=drawn)


@dataclass(frozen=True, slots=True, eq=False)
class _Sampled:
    """What one reference sampler found."""

    chains: NDArray[np.float64]
    """<z_i z_j> of each chain, array (chain, unit, unit)."""
    states: NDArray[np.uint8]
    """Array (chain, draw, unit)."""
    draws: int
    """Per chain, the same number of windows for ideal neurons."""
    convergence: Convergence


def _by_samplers(
    machine: BoltzmannMachine, seed: int, tested: str, most_work: float | None
) -> Reference:
    """Return the moments of one of two samplers that agree, or of both; else none with the reason."""
    price = CHAINS * machine.n_units**2
    affordable = max(MOST_WORK, most_work or 0.0) / price
    if affordable < FEWEST_DRAWS or machine.n_units > MOST_UNITS:
        return Reference(
            name="none", reason=f"{machine.n_units} units are too many for a reference in a few seconds"
        )
    first = int(min(MOST_DRAWS, affordable))
    ideal, gibbs = np.random.SeedSequence(seed).spawn(2)
    found = {}
    for name, sampler, speed in (
        ("gibbs", partial(_gibbs, machine, seed=gibbs), GIBBS_SPEED),  # first: it takes less time
        ("ideal", partial(_ideal, machine, seed=ideal), 1),
    ):
        longest = first if most_work is None else int(min(LONGEST, affordable * speed))
        found[name] = one = _run(machine, sampler, first, longest)
        if not one.convergence.converged:
            trouble = f"{one.draws} draws per chain ({_trouble(one.convergence)})"
            return Reference(
                name="none", reason=f"the reference sampler {name!r} did not converge in {trouble}"
            )
    p = _agreement(found["ideal"], found["gibbs"])
    if p < FALSE_ALARM:
        return Reference(
            name="none", reason=f"the two reference samplers disagree with each other (p = {p:.2g})"
        )
    used = {"": ["ideal", "gibbs"], "ideal": ["gibbs"]}.get(tested, ["ideal"])
    chains = np.concatenate([found[name].chains for name in used])
    return Reference(
        name=" and ".join(used),
        moments=chains.mean(axis=0),
        chains=chains,
        ess=sum(found[name].convergence.ess for name in used),
        states=found[used[-1]].states,
    )


def _run(
    machine: BoltzmannMachine,
    sampler: Callable[..., tuple[NDArray[np.uint8], NDArray[np.float64]]],
    draws: int,
    longest: int,
) -> _Sampled:
    """Return a run of a reference sampler, made longer as its R̂ asks, up to `longest` draws."""
    while True:
        states, moments = sampler(draws=draws)
        found = convergence(machine, states)
        # R̂² - 1 falls as one over the length.
        excess = np.inf if found.rhat is None else (found.rhat**2 - 1) / (RHAT_LIMIT**2 - 1)
        least = draws * max(LONGER, excess)
        if found.converged or least > longest:
            return _Sampled(moments, states, draws, found)
        draws = int(min(1.5 * least, longest))


def _trouble(found: Convergence) -> str:
    if found.rhat is None:
        return "no unit flipped"
    if found.rhat > found.rhat_limit:
        return f"R̂ {found.rhat:.2f} of {found.rhat_of}"
    return f"{found.drift_of} drifts"


def _agreement(first: _Sampled, second: _Sampled) -> float:
    """Return the probability that two right samplers differ as much, over all moments."""
    upper = np.triu_indices(first.chains.shape[1])
    values, other = (each.chains[:, upper[0], upper[1]] for each in (first, second))
    return sampled_comparison(
        values,
        other,
        CHAINS * min(first.draws, second.draws),
        first.convergence.ess,
        second.convergence.ess,
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
