"""What the right moments are, and how they are known: never by the sampler under test.

Enumeration comes first. Next is exact inference along a tree decomposition, where the graph is close to
a tree (`photinus.machines.cliques`). Then come two samplers that are exact in law, Gibbs and
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
from photinus.errors import InvalidInput
from photinus.machines.boltzmann import BoltzmannMachine
from photinus.machines.cliques import machine_tree
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
MOST_IN_TREE = 10_000
"""Units up to which a tree is tried."""
GIBBS_SPEED = 4
"""Draws by Gibbs sampling for the price of one of ideal neurons."""
LONGER, LONGEST = 1.25, 16_000
"""Least factor by which a run that has not converged is made longer; draws of the longest one."""
STROBE = (1 + 5**0.5) / 2
"""Windows between states of ideal neurons. A strongly driven one spikes every window for long: whole
windows would meet it in the same phase."""


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


def _by_tree(machine: BoltzmannMachine, states: int = 0, seed: int = 0) -> Reference | None:
    """Return marginals and moments of pairs in one clique; None if the graph is no tree nearly."""
    if machine.n_units > MOST_IN_TREE:
        return None
    try:
        tree = machine_tree(machine.matrix, machine.biases)
    except InvalidInput:  # also for weights whose rounding would decide
        return None
    drawn = None
    if states:
        generator = np.random.default_rng(np.random.SeedSequence(seed))
        drawn = tree.draw(states, generator)[None].astype(np.uint8)
    return Reference(name="tree decomposition", moments=tree.pair_moments(), states=drawn)


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
