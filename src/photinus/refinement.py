"""Refinement in the loop: adjust pumps and couplings until the network's own moments are right.

What one would do with a chip: run it, compare the moments ⟨z_k⟩ and ⟨z_i z_j⟩ that it shows with those
of the machine, and correct. The maximum-likelihood gradient is the difference of moments (Ackley,
Hinton & Sejnowski 1985, Cogn. Sci. 9, 147); here it is turned into steps of the right size by the
Fisher information of the target, the covariance of its statistics (natural gradient, Amari 1998,
Neural Comput. 10, 251)::

    δ(b, W) = (F + ρ)⁻¹ (moments of the machine - moments of the network)

The damping ρ (Levenberg 1944, Q. Appl. Math. 2, 164) is zero by default; it keeps moments that hardly
depend on anything, such as those of two units that are almost never on together, from calling for wild
changes. δb, δW become pumps and couplings with the slopes of the translation. A network that differs
from the machine only a little would be right after one step, up to the noise of its moments.

The noise decides how long to measure and how far to go. While a correction is large against what noise
alone would call for, and falls, it is made whole. Once it does not, a correction would mostly carry
noise into the network: each further one counts less, 1/2, 1/3, … (Robbins & Monro 1951, Ann. Math.
Stat. 22, 400), and each further measurement is twice as long as the last, until one of full length
shows no significant misfit (Hotelling's T² over chains). A correction that made things clearly worse is
taken back and tried at half the size: far from the target, or where a device can't follow, the step is
not to be trusted.
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photinus import _validate
from photinus.boltzmann import BoltzmannMachine
from photinus.calibration import Calibration
from photinus.devices import Network, substrate_of
from photinus.errors import InvalidInput
from photinus.imperfections import Imperfections
from photinus.network import LaserNetwork
from photinus.progress import Progress, tracked
from photinus.samples import Samples
from photinus.sampling import sample
from photinus.simulation.couplings import dense
from photinus.simulation.streams import Seed, seed_sequence
from photinus.translation import slopes, translate

ENUMERATED_UNITS = 16
"""Units up to which the target's moments are enumerated; beyond, they come from Gibbs chains."""
MOST_STATISTICS = 3000
"""Statistics up to which the Fisher information is inverted; beyond, only its diagonal is used."""
FALSE_ALARM = 0.01
"""Chance that a misfit counts as significant although there is none."""
WORSE = 2.0
"""Factor by which the divergence must grow for a correction to be taken back."""
PROGRESS = 0.95
"""Factor by which the divergence must fall for the next correction to be made whole."""
LARGE = 4.0
"""Size of a misfit from which on a correction is made whole. Noise of the last correction and of the
measurement together give 2."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Round:
    """One measurement of the network, before it was corrected."""

    draws: int
    """Draws per chain."""
    misfit: float
    """Squared size of the correction that the misfit calls for, in the metric of the damped Fisher
    information, over what noise alone would call for."""
    p_value: float
    """Chance of a misfit as large as this one from noise alone."""
    marginal_error: float
    """Largest |difference| of a marginal from the target's."""
    pair_error: float
    """Largest |difference| of a pair moment from the target's."""
    divergence: float
    """½ dᵀF⁻¹d for the differences d of the moments and their Fisher information F: the KL that other
    pumps and couplings could take away, to second order, sampling noise included [nats]."""
    kl: float | None
    """KL(sampled‖target) in nats, up to 16 units."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Refinement:
    """A refined network and the record of how it came about."""

    network: Network
    """The network of the round with the smallest divergence among the longest measurements."""
    rounds: tuple[Round, ...]
    converged: bool
    """Whether the longest measurement showed no significant misfit."""

    def to_dict(self) -> dict[str, Any]:
        """Return the record, without the network, for JSON."""
        return {"converged": self.converged, "rounds": [asdict(entry) for entry in self.rounds]}


def refine(
    machine: BoltzmannMachine,
    calibration: Calibration,
    *,
    network: Network | None = None,
    seed: Seed = 0,
    chains: int = 256,
    draws: int = 400,
    most_rounds: int = 24,
    damping: float = 0.0,
    imperfections: Imperfections | None = None,
    threads: int | None = None,
    progress: Progress | bool | None = None,
) -> Refinement:
    """Adjust a network of lasers, or other neurons, until its moments are those of `machine`.

    Parameters
    ----------
    machine
        The target.
    calibration
        Calibration of the device: gives the network to start from, and the size of the corrections.
    network
        Start from this network instead of the translated one; for instance one whose lasers differ
        from each other (`LaserNetwork.mismatched`), which its moments show and corrections absorb.
    seed
        Integer, SeedSequence or None.
    chains
        Chains of every measurement, at least 8.
    draws
        Draws per chain of the longest measurement; the first has an eighth of it.
    most_rounds
        Measurements after which to stop, converged or not.
    damping
        ρ, what is added to the Fisher information, >= 0. Weights far beyond ±1, whose synapses fall
        short, ask for 0.01 to 0.05.
    imperfections
        What is wrong with the chip, see `photinus.sample`; lasers only. A `network` that is given is
        taken to hold all that does not change during a run.
    threads, progress
        As in `photinus.sample`.

    Returns
    -------
    Refinement
        Couplings that are zero stay zero.

    Raises
    ------
    InvalidInput
        If an argument is out of its range.
    """
    chains = _validate.integer("chains", chains, 8)
    draws = _validate.integer("draws", draws, 8)
    most_rounds = _validate.integer("most_rounds", most_rounds, 1)
    damping = _validate.non_negative("damping", damping)
    if network is None:
        network = translate(machine, calibration)
        if imperfections is not None:
            if not isinstance(network, LaserNetwork):
                raise InvalidInput("imperfections must be None for integrate-and-fire neurons")
            network = imperfections.apply(network, seed)
    calibration.require(network.parameters)
    if network.labels != machine.labels:
        raise InvalidInput(
            f"network must have the labels of the machine, got {network.labels!r} for "
            f"{machine.labels!r}"
        )
    runs, reference = seed_sequence(seed).spawn(2)
    target = _Target.of(machine, network, reference, damping)
    slope = slopes(machine, calibration)
    rounds: list[Round] = []
    length, quiet, size, converged = -(-draws // 8), 0, 1.0, False
    best = _Measured(network, np.zeros(len(target.rows)), np.inf, 0)
    with tracked(progress, "refining", most_rounds) as advance:
        for child in runs.spawn(most_rounds):
            samples = sample(
                machine,
                substrate_of(network),
                chains=chains,
                draws=length,
                burn_in=min(length, 25),
                seed=child,
                network=network,
                imperfections=imperfections,
                threads=threads,
            )
            entry, difference = _record(samples, target)
            rounds.append(entry)
            advance(1)
            now = _Measured(network, difference, entry.divergence, length)
            converged = length == draws and entry.p_value >= FALSE_ALARM
            if converged:
                best = now
                break
            significant = entry.misfit > LARGE
            if significant and now.divergence > WORSE * best.divergence:
                size /= 2
                network = _corrected(best.network, target, slope, size * best.difference)
                continue
            progress = significant and now.divergence < PROGRESS * best.divergence
            quiet = 0 if progress else quiet + 1
            if now.length > best.length or now.divergence <= best.divergence:
                best = now
            network = _corrected(network, target, slope, size * difference / (1 + quiet))
            length = min(draws, 2 * length) if quiet else length
    return Refinement(network=best.network, rounds=tuple(rounds), converged=converged)


@dataclass(frozen=True, slots=True)
class _Measured:
    """A network and what its moments were off by."""

    network: Network
    difference: NDArray[np.float64]
    divergence: float
    length: int
    """Draws per chain."""


@dataclass(frozen=True, slots=True)
class _Target:
    """Moments that the network shall have, and how to get there; k statistics."""

    rows: NDArray[np.intp]
    columns: NDArray[np.intp]
    """Pairs (i, j) of units whose moment counts; i = j is a marginal."""
    moments: NDArray[np.float64]
    noise: NDArray[np.float64]
    """Covariance of `moments` where they are sampled, array (k, k); zeros where exact."""
    information: NDArray[np.float64]
    """Fisher information, damped, array (k, k), or its diagonal (k,) for very many statistics."""
    joint: NDArray[np.float64] | None

    @classmethod
    def of(
        cls,
        machine: BoltzmannMachine,
        network: Network,
        seed: np.random.SeedSequence,
        damping: float = 0.0,
    ) -> "_Target":
        """Return the target of `machine` for what `network` can adjust."""
        n = machine.n_units
        coupling = dense(network.coupling)
        coupled = (coupling != 0) | (coupling.T != 0)
        rows, columns = np.nonzero(np.triu(coupled, 1))
        rows, columns = np.r_[np.arange(n), rows], np.r_[np.arange(n), columns]
        count = len(rows)
        if n <= ENUMERATED_UNITS:
            states, joint = machine.states(), machine.joint()
            features = (states[:, rows] * states[:, columns]).astype(np.float64)
            moments = joint @ features
            second = (features * joint[:, None]).T @ features
            information = second - np.outer(moments, moments) + damping * np.eye(count)
            return cls(rows, columns, moments, np.zeros((count, count)), information, joint)
        from photinus.reference.gibbs import sample_gibbs

        drawn = sample_gibbs(machine, chains=128, draws=1000, burn_in=200, seed=seed)
        per_chain = np.array([_moments(chain, rows, columns) for chain in drawn])
        moments = per_chain.mean(axis=0)
        if count > MOST_STATISTICS:
            return cls(
                rows,
                columns,
                moments,
                per_chain.var(axis=0, ddof=1) / len(drawn),
                moments * (1 - moments) + 1e-6 + damping,
                None,
            )
        thin = drawn[:, ::20].reshape(-1, n)
        features = (thin[:, rows] * thin[:, columns]).astype(np.float64)
        information = np.cov(features.T) + (1e-4 + damping) * np.eye(count)
        return cls(rows, columns, moments, np.cov(per_chain.T) / len(drawn), information, None)

    def misfit(self, samples: Samples) -> tuple[NDArray[np.float64], float, float]:
        """Return target moments minus the samples', its size per statistic, and its p-value."""
        from scipy.stats import f as fisher_f
        from scipy.stats import norm

        per_chain = samples.chain_moments()[:, self.rows, self.columns]
        difference = self.moments - per_chain.mean(axis=0)
        chains, count = per_chain.shape
        if chains > 2 * count and self.information.ndim == 2:
            noise = np.cov(per_chain.T).reshape(count, count) / chains + self.noise
            noise += 1e-12 * np.eye(count)
            t_squared = float(difference @ np.linalg.solve(noise, difference))
            ratio = t_squared * (chains - count) / (count * (chains - 1))
            metric = np.linalg.inv(self.information)
            size = float(difference @ metric @ difference / np.sum(metric * noise))
            return difference, size, float(fisher_f.sf(ratio, count, chains - count))
        # Too few chains for a covariance: the largest deviation, Bonferroni.
        spread = self.noise if self.noise.ndim == 1 else np.diagonal(self.noise)
        error = np.sqrt(per_chain.var(axis=0, ddof=1) / chains + spread + 1e-12)
        deviation = np.abs(difference / error)
        p_value = min(1.0, 2 * count * float(norm.sf(deviation.max())))
        return difference, float(np.mean(deviation**2)), p_value

    def step(self, misfit: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the change of (b, W) that calls for `misfit`."""
        if self.information.ndim == 1:
            return np.asarray(0.5 * misfit / self.information)
        return np.asarray(np.linalg.solve(self.information, misfit))


def _moments(
    states: NDArray[np.uint8], rows: NDArray[np.intp], columns: NDArray[np.intp]
) -> NDArray[np.float64]:
    """Return the moments of pairs (row, column) of one chain (draw, unit)."""
    z = states.astype(np.float32)
    return np.asarray((z.T @ z / len(z))[rows, columns], np.float64)


def _corrected(
    network: Network,
    target: _Target,
    slope: NDArray[np.float64],
    misfit: NDArray[np.float64],
) -> Network:
    """Return the network with pumps and couplings changed by what `misfit` calls for."""
    step = np.clip(target.step(misfit), -1.0, 1.0)
    n = network.n_units
    weights = np.zeros((n, n))
    i, j = target.rows[n:], target.columns[n:]
    weights[i, j] = weights[j, i] = step[n:]
    coupling = dense(network.coupling) + slope[:, None] * weights
    return network.driven(network.drive + slope * step[:n], coupling)


def _record(samples: Samples, target: _Target) -> tuple[Round, NDArray[np.float64]]:
    """Return what a measurement showed, and the differences of its moments from the target's."""
    from photinus.fidelity import kl_divergence

    difference, size, p_value = target.misfit(samples)
    n = samples.machine.n_units
    kl = None
    if target.joint is not None:
        kl = kl_divergence(samples.free_joint(), target.joint)
    entry = Round(
        draws=samples.draws,
        misfit=size,
        p_value=p_value,
        marginal_error=float(np.abs(difference[:n]).max()),
        pair_error=float(np.abs(difference[n:]).max(initial=0.0)),
        divergence=float(difference @ target.step(difference)) / 2,
        kl=kl,
    )
    return entry, difference
