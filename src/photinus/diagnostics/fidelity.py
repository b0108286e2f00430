"""The certificate: how far samples are from the machine that they should come from.

`assess` asks four questions and answers each with its number. Have the chains converged, is their law
biased, how far is it off, and what should be done next? `photinus.diagnostics` has the statistics.

The Kullback–Leibler divergence KL(sampled‖target) is always finite for a Boltzmann target, whatever
states were not visited. Beside it stands its *floor*: the divergence of exact draws with the same
noise. What of it a better choice of biases and weights could remove, `kl_parts` tells.
"""

import math
from collections.abc import Hashable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from photinus._core import validate
from photinus._core.progress import Progress, tracked
from photinus.diagnostics import verdict as words
from photinus.diagnostics.bias import FEW_GROUPS, Comparison, compare, share_interval
from photinus.diagnostics.certificate import DrawsNeeded, Fidelity, UnitCheck
from photinus.diagnostics.convergence import FALSE_ALARM, FEW_DRAWS, effective_draws, watched
from photinus.diagnostics.findings import Findings
from photinus.diagnostics.references import reference
from photinus.errors import InvalidInput

if TYPE_CHECKING:
    from photinus.samplers.samples import Samples

DRAWS_PER_FREEDOM = 10
"""Effective draws per degree of freedom of an error from autocorrelation."""


def draws_needed(samples: "Samples", error: float = 0.01) -> DrawsNeeded:
    """Return the draws for a standard error; see `photinus.Samples.draws_needed`."""
    validate.instance("samples", samples, "Samples")
    wanted = validate.positive("error", error)
    if wanted > 0.5:
        raise InvalidInput(f"error must be at most 0.5, got {wanted:g}")
    worst: tuple[float, Hashable, float] | None = None
    free = samples.free_units
    for unit in free[watched(len(free))]:
        values = samples.states[..., unit].astype(np.float64)
        ess = effective_draws(values) if values.size else math.nan
        if ess == ess:
            square = float(values.var()) / ess
            if worst is None or square > worst[0]:
                worst = square, samples.machine.labels[unit], float(values.var())
    if worst is None:
        raise InvalidInput(
            f"samples must have a unit that flips, and at least {FEW_DRAWS} draws per chain, "
            "to tell how many draws are needed"
        )
    square, label, variance = worst
    draws = max(1, math.ceil(samples.draws * square / wanted**2))
    windows = samples.burn_in + draws
    if samples.tempering is not None:
        windows = samples.tempering.window_of(windows - 1) + 1
    return DrawsNeeded(
        error=wanted,
        draws=draws,
        chains=samples.chains,
        effective=variance / wanted**2,
        time=None if samples.network is None else windows * samples.network.window,
        unit=label,
    )


def assess(samples: "Samples", seed: int = 0, *, progress: Progress | bool | None = None) -> Fidelity:
    """Return the certificate of `samples` against their machine, given the evidence.

    Parameters
    ----------
    samples
        What to judge; all chains must have the same evidence.
    seed
        Seed of the exact draws that measure the floor, and of reference samplers.
    progress
        True for a bar on the terminal, or an object with ``start``, ``advance``, ``stop``.

    Raises
    ------
    InvalidInput
        If chains have different evidence, or there are no draws.
    """
    validate.instance("samples", samples, "Samples")
    target = samples.target()
    if samples.chains * samples.draws == 0:
        raise InvalidInput("samples must hold at least one draw, got none")
    with tracked(progress, "writing the certificate", 4) as advance:
        findings = Findings(samples, target)
        advance(1)
        findings.compare_moments(reference(target, seed, tested=samples.substrate))
        advance(1)
        findings.compare_locally()
        advance(1)
        findings.measure_divergence(seed)
        advance(1)
    return _certificate(findings)


def _certificate(findings: Findings) -> Fidelity:
    """Return the certificate."""
    evidence = _evidence(findings)
    word = words.grade(evidence)
    found, beta = findings.convergence, findings.beta_interval()
    d = findings.divergence
    moments = findings.largest_errors()
    quick = (2.0**findings.n - 1) / (2 * found.ess) if findings.kl is not None else math.nan
    return Fidelity(
        kl=findings.kl,
        kl_floor=None if d is None else d.floor,
        kl_floor_std=None if d is None else d.floor_std,
        kl_limit=None if d is None else d.limit,
        kl_interval=None if d is None or not found.converged else d.interval,
        kl_quick_floor=quick if math.isfinite(quick) else None,
        ess=found.ess,
        ess_of=found.ess_of,
        tau_int=findings.tau,
        rhat=found.rhat,
        rhat_of=found.rhat_of,
        converged=found.converged,
        beta_eff=findings.beta,
        beta_interval=beta,
        frozen=findings.frozen(),
        **moments,
        biased=_biased(findings, evidence),
        p_value=evidence.p if findings.p else None,
        resolution=evidence.resolution if math.isfinite(evidence.resolution) else None,
        reference=findings.reference.name,
        grade=word,
        verdict=words.sentence(evidence, word),
        on_convergence=words.on_convergence(evidence),
        on_bias=words.on_bias(evidence),
        on_distance=words.on_distance(evidence),
        advice=words.advice(evidence, word),
        units=_units(findings),
    )


def _evidence(findings: Findings) -> words.Evidence:
    known, resolution = findings.moments is not None, math.inf
    if findings.moments is not None:
        resolution = float(findings.moments.margin(0.95, joint=False).max())
    machine = findings.target
    return words.Evidence(
        convergence=findings.convergence,
        draws=findings.draws,
        settled=findings.samples.burn_in + findings.draws // 2 >= words.SETTLED,
        chains=findings.chains,
        frozen=len(findings.frozen()),
        stuck=findings.stuck(),
        reference=findings.reference.name,
        reason=findings.reference.reason,
        elsewhere=_elsewhere(findings),
        compared=known,
        p=_together(findings.p),
        local_p=_together(findings.local_p),
        distances=_distances(findings),
        errors=findings.moment_errors() + findings.divergence_errors(),
        local=findings.local_errors(),
        resolution=resolution,
        network=findings.samples.network is not None,
        strong=float(max(machine.largest_weight, np.abs(machine.biases).max())),
    )


def _biased(findings: Findings, evidence: words.Evidence) -> bool | None:
    if not evidence.settled:
        return None
    if evidence.local_p < FALSE_ALARM:
        return True
    if findings.moments is None or not findings.convergence.converged or evidence.stuck:
        return None
    return evidence.p < FALSE_ALARM


def _elsewhere(findings: Findings) -> str:
    """Return what is far from the reference, in words; else ""."""
    found = words.worst(findings.moment_errors())
    if found is None or found.grade != words.FAR_OFF:
        return ""
    return f"{found.what} is off by {found.size:.2g}"


def _distances(findings: Findings) -> str:
    """Return all measures of distance with their intervals, in words."""
    largest, said = findings.largest_errors(), []
    for name, what in (("marginal", "a marginal"), ("pair", "a pair moment")):
        error, of = largest[f"{name}_error"], largest[f"{name}_of"]
        if error is not None and of:
            said.append(f"{what} by {error:.2g} ({of}{_between(largest[f'{name}_interval'])})")
    if findings.kl is not None:
        interval = None if findings.divergence is None else findings.divergence.interval
        said.append(f"KL {findings.kl:.2g}{_between(interval, ' (without noise, ', ')')} nats")
    if math.isfinite(findings.beta):
        said.append(f"β_eff {findings.beta:.3f}{_between(findings.beta_interval(), ' (', ')')}")
    return "at most " + ", ".join(said) if said and largest["marginal_of"] else ", ".join(said)


def _units(findings: Findings) -> tuple[UnitCheck, ...]:
    """Return the marginals of the free units beside the right ones."""
    if findings.pieces == 1:
        found = findings.values[:, : findings.n].mean(axis=0)
    else:
        found = findings.samples.marginals()[findings.samples.free_units]
    exact = findings.reference.moments
    own, holds = None, findings.intervals_hold()
    if findings.pieces and findings.draws >= FEW_DRAWS:
        values, ess = findings.values[:, : findings.n], findings.convergence.ess
        count = ess if ess == ess else float(findings.chains)
        smooth = (found * count + 0.5) / (count + 1)
        own = compare(values, found, smooth * (1 - smooth), findings.total, ess=ess)
        if findings.chains * findings.pieces < FEW_GROUPS and findings.samples.spikes is None:
            own = _by_autocorrelation(
                own, smooth * (1 - smooth), np.array(findings.convergence.unit_ess)
            )
        low, high = share_interval(found, own)
    draws = findings.convergence.unit_ess
    return tuple(
        UnitCheck(
            label=label,
            probability=float(found[k]),
            error=None if own is None else float(own.error[k]),
            interval=(float(low[k]), float(high[k])) if own is not None and holds else None,
            reference=None if exact is None else float(exact[k, k]),
            ess=draws[k] if draws[k] == draws[k] else None,
        )
        for k, label in enumerate(findings.target.labels)
    )


def _by_autocorrelation(
    found: Comparison, variance: NDArray[np.float64], ess: NDArray[np.float64]
) -> Comparison:
    """Return errors from effective draws where these are known: more is known of them.

    The relative variance of τ, summed over a window of 5 τ, is 20 τ/N (Madras & Sokal 1988, J. Stat.
    Phys. 50, 109): as of a variance with ESS/10 degrees of freedom.
    """
    known = np.isfinite(ess)
    error = np.where(known, np.sqrt(variance / np.where(known, ess, 1.0)), found.error)
    freedom = np.where(known, np.maximum(ess / DRAWS_PER_FREEDOM, 1.0), found.freedom)
    return Comparison(found.difference, error, freedom, found.p)


def _between(interval: tuple[float, float] | None, before: str = "; ", after: str = "") -> str:
    """Return an interval in words, or nothing."""
    if interval is None:
        return ""
    low, high = interval
    return f"{before}95 %: {low:.3g} to {high:.3g}{after}"


def _together(p: list[float]) -> float:
    """Return the probability of so small a smallest p among as many tests (Bonferroni)."""
    return min(1.0, len(p) * min(p)) if p else 1.0
