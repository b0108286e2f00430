"""Samples: unit states of many chains, where they come from, and what they say."""

import functools
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from photinus import diagnostics
from photinus._core import validate
from photinus._core.display import Displayed
from photinus._core.records import settle
from photinus._core.states import MAX_ENUMERATED, pair_shares
from photinus.devices import Network
from photinus.machines.boltzmann import BoltzmannMachine
from photinus.machines.evidence import Evidence
from photinus.samplers import exports, moments, occupancy, storage, summary

if TYPE_CHECKING:
    import os

    import pandas
    import xarray

    from photinus._core.progress import Progress
    from photinus.diagnostics.certificate import DrawsNeeded, Fidelity
    from photinus.diagnostics.weights import Weighted
    from photinus.hardware.chip import Chip
    from photinus.hardware.ledger import Ledger
    from photinus.hardware.prices import Prices
    from photinus.samplers.tempering import Parallel, Tempering
    from photinus.spikes.trains import SpikeTrains


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Samples(Displayed):
    """What every substrate returns.

    Attributes
    ----------
    machine : BoltzmannMachine
        The target.
    states : array (chain, draw, unit) of uint8
        Unit states, evidence included.
    substrate : str
        Name of the sampler.
    burn_in : int
        Draws that were simulated before the first one kept.
    clamp : mapping label → 0, 1 or array (chain,)
        What version 0.1 calls `evidence`: known units and their values.
    evidence : Evidence
        The same as an object.
    window : float or None
        State window τ, which is also the time between draws: in seconds for lasers, 1 for ideal
        neurons, None for samplers without time.
    spikes : SpikeTrains or None
        Spikes from one τ before the kept interval on.
    network : LaserNetwork, LifNetwork or None
        The lasers that were simulated.
    tempering : Tempering, Parallel or None
        How it was heated between draws, or which copies there were; then there are no spikes, and
        `window` is None.
    activity : array (unit,) or None
        Spikes per second of all copies of a unit together, where there were copies.
    attributes : dict
        Provenance: seed entropy, versions, settings.
    complete : bool
        False if the run was stopped early.

    Examples
    --------
    >>> import photinus as ph
    >>> machine = ph.BoltzmannMachine([[0, 1], [1, 0]], [0.5, -1], labels=["rain", "wet"])
    >>> samples = ph.sample(machine, "gibbs", chains=64, draws=500, seed=1)
    >>> samples.marginals().round(2), machine.marginals().round(2)
    (array([0.71, 0.44]), array([0.71, 0.43]))
    >>> samples.pair_moments().round(2)
    array([[0.71, 0.36],
           [0.36, 0.44]])
    >>> samples.chain_marginals().shape, samples.free_joint().round(2)
    ((64, 2), array([0.21, 0.35, 0.08, 0.36]))
    >>> sorted(samples.to_datatree().children), samples.to_arviz().posterior.sizes["draw"]
    (['posterior', 'sample_stats', 'target'], 500)
    >>> samples.target() == machine, samples.chain_moments()[0].round(2)
    (True, array([[0.68, 0.32],
           [0.32, 0.4 ]]))
    >>> {name: int(z) for name, z in samples.to_dimod().first.sample.items()}
    {'rain': 1, 'wet': 1}
    """

    machine: BoltzmannMachine
    states: NDArray[np.uint8]
    substrate: str
    burn_in: int = 0
    clamp: Mapping[Hashable, Any] = field(default_factory=dict)
    evidence: Evidence = field(init=False)
    window: float | None = None
    spikes: "SpikeTrains | None" = None
    network: "Network | None" = None
    tempering: "Tempering | Parallel | None" = None
    activity: "NDArray[np.float64] | None" = None
    attributes: Mapping[str, Any] = field(default_factory=dict)
    complete: bool = True

    def __post_init__(self) -> None:
        validate.instance("machine", self.machine, BoltzmannMachine)
        validate.instance("spikes", self.spikes, "SpikeTrains | None")
        validate.instance("network", self.network, Network | None)
        validate.instance("tempering", self.tempering, "Tempering | Parallel | None")
        evidence = Evidence.of(self.clamp, self.machine.labels, self.chains)
        settle(self, evidence=evidence)
        settle(self, clamp=evidence.to_dict())

    _line, _facts, _picture = summary.line, summary.facts, summary.picture

    @property
    def chains(self) -> int:
        """Number of independent chains."""
        return int(self.states.shape[0])

    @property
    def draws(self) -> int:
        """Number of draws per chain."""
        return int(self.states.shape[1])

    @property
    def physical_time(self) -> float | None:
        """Seconds on the chip, per chain, burn-in included; None for a sampler without a chip."""
        if self.network is None:
            return None
        windows = self.burn_in + self.draws
        if self.tempering is not None:
            windows = self.tempering.window_of(windows - 1) + 1
        return windows * self.network.window

    @property
    def free_units(self) -> NDArray[np.intp]:
        """Positions of the units that are not known."""
        return self.evidence.free

    def target(self) -> BoltzmannMachine:
        """Return the machine of the free units given the evidence.

        Raises
        ------
        InvalidInput
            If chains have different evidence: they have different targets.
        """
        return self.machine.conditional(self.evidence.common())

    @property
    def has_joint(self) -> bool:
        """Whether the joint occupancy can be tabulated."""
        return len(self.free_units) <= MAX_ENUMERATED

    def common_clamp(self) -> dict[Hashable, int]:
        """Return the evidence if it is the same in all chains: ``evidence.common()`` as a mapping.

        Raises
        ------
        InvalidInput
            If chains have different evidence: they have different targets.
        """
        return self.evidence.common().to_dict()

    def joint(self) -> NDArray[np.float64]:
        """Return the fraction of time in each state, array (2**unit,), index sum of z_k << k.

        Weighted by dwell time where there are spikes, else by draws.

        Raises
        ------
        InvalidInput
            For more than 24 units.
        """
        return occupancy.joint(self)

    def free_joint(self, stop: float | None = None, *, start: float = 0.0) -> NDArray[np.float64]:
        """Return the fraction of time in each state of the free units, array (2**free,).

        Parameters
        ----------
        stop, start
            Look only at the kept time between these [s, from the end of the burn-in]; for spikes only.
        """
        return occupancy.free_joint(self, stop, start=start)

    def chain_moments(self, pieces: int = 1) -> NDArray[np.float64]:
        """Return <z_i z_j> of each chain, array (chain, unit, unit), marginals on the diagonal.

        With `pieces`, of each of so many equally long pieces of a chain, (chain * pieces, unit, unit),
        piece after piece. Draws that are left over are left out.

        Raises
        ------
        InvalidInput
            If there are fewer draws than pieces.
        """
        if validate.integer("pieces", pieces, 1) == 1:
            return self._chain_moments.copy()
        length = self.draws // validate.integer("pieces", pieces, 1, self.draws)
        cut = [self._moments_between(k * length, (k + 1) * length) for k in range(pieces)]
        return np.stack(cut, axis=1).reshape(-1, *cut[0].shape[1:])

    @functools.cached_property
    def _chain_moments(self) -> NDArray[np.float64]:
        return self._moments_between(0, self.draws)

    def _moments_between(self, first: int, stop: int) -> NDArray[np.float64]:
        """Return <z_i z_j> of each chain over draws `first` … `stop`-1, array (chain, unit, unit)."""
        return moments.of_pairs(self, first, stop)

    def marginals(self) -> NDArray[np.float64]:
        """Return P(z_k = 1), array (unit,), mean over chains."""
        return np.asarray(self.chain_marginals().mean(axis=0))

    def chain_marginals(self) -> NDArray[np.float64]:
        """Return P(z_k = 1) of each chain, array (chain, unit)."""
        return moments.of_units(self)

    def pair_moments(self) -> NDArray[np.float64]:
        """Return <z_i z_j>, array (unit, unit), marginals on the diagonal."""
        return np.asarray(self._chain_moments.mean(axis=0))

    def coupled_moments(self) -> NDArray[np.float64]:
        """Return <z_i z_j> of the coupled pairs, array (pair,), mean over chains and draws.

        In the order of ``machine.couplings``. Nothing here grows with the square of the units.

        Examples
        --------
        >>> import photinus as ph
        >>> chain = ph.BoltzmannMachine.from_couplings([0, 1], [1, 2], [3, 3], [-1, -1, -1])
        >>> ph.sample(chain, "exact", chains=4, draws=500, seed=1).coupled_moments().round(1)
        array([0.8, 0.8])
        """
        first, second, _ = self.machine.couplings
        return pair_shares(self.states.reshape(-1, self.machine.n_units), first, second)

    def fidelity(self, seed: int = 0, *, progress: "Progress | bool | None" = None) -> "Fidelity":
        """Return the certificate of these samples; see `photinus.diagnostics.fidelity.assess`."""
        return diagnostics.fidelity.assess(self, seed, progress=progress)

    def reweighted(self, machine: BoltzmannMachine) -> "Weighted":
        """Return these draws with weights that make them draws of another machine.

        Of a machine that is heated or softened, say: its samples mix better, and weights lead back.

        Parameters
        ----------
        machine
            Has the same units. With evidence, of which there must be one for all chains, both laws are
            those given the evidence.

        Returns
        -------
        Weighted
            Weights, effective draws that are left, and whether to trust them.

        Raises
        ------
        InvalidInput
            If the labels differ, or chains have different evidence.

        Examples
        --------
        >>> import photinus as ph
        >>> machine = ph.BoltzmannMachine([[0, 3], [3, 0]], [-1.5, -1.5])
        >>> hot = ph.sample(machine.heated(2), "exact", chains=16, draws=500, seed=1)
        >>> found = hot.reweighted(machine)
        >>> found.trusted, bool(abs(found.mean() - machine.marginals()).max() < 0.03)
        (True, True)
        """
        validate.instance("machine", machine, BoltzmannMachine)
        self.evidence.common()
        return diagnostics.weights.reweighted(self.machine, machine, self.states)

    def draws_needed(self, error: float = 0.01) -> "DrawsNeeded":
        """Return how many draws bring the standard error of the worst marginal down to `error`.

        From the effective draws of each unit seen here: its standard error is sqrt(p (1 - p)/ESS), and
        falls with the square root of the draws.

        Parameters
        ----------
        error
            Wanted standard error of a probability, above 0 and at most 0.5.

        Raises
        ------
        InvalidInput
            If `error` is out of its range, or no unit flipped in at least four draws per chain.

        Examples
        --------
        >>> import photinus as ph
        >>> machine = ph.BoltzmannMachine([[0, 1], [1, 0]], [0.5, -1], labels=["rain", "wet"])
        >>> ph.sample(machine, "gibbs", chains=16, draws=200, seed=1).draws_needed(0.01).unit
        'rain'
        """
        return diagnostics.fidelity.draws_needed(self, error)

    def ledger(
        self,
        prices: "Prices | Mapping[str, Any] | str | os.PathLike[str] | None" = None,
        chip: "Chip | Mapping[str, Any] | None" = None,
    ) -> "Ledger":
        """Return what one chip with these lasers does per second, and what that takes.

        Parameters
        ----------
        prices
            TOML file, mapping or `photinus.hardware.Prices` whose entries replace the default ones.
        chip
            `photinus.hardware.Chip` that the lasers are on, or some of its settings.

        Raises
        ------
        InvalidInput
            If the run was not on lasers or kept no spikes, or a price or the chip is not valid.
        """
        # Most runs never ask for one.
        from photinus.hardware.ledger import Ledger

        return Ledger.of_samples(self, prices, chip)

    def to_datatree(self) -> "xarray.DataTree":
        """Return everything as an xarray DataTree, which ArviZ 1 reads."""
        return storage.to_datatree(self)

    def to_arviz(self) -> Any:
        """Return what the ArviZ that is installed reads: before its version 1 an InferenceData."""
        return exports.to_arviz(self)

    def to_frame(self) -> "pandas.DataFrame":
        """Return a tidy frame: chain, draw, time [s] where there is a chip, each unit.

        Raises
        ------
        InvalidInput
            If labels don't differ as text, or one is a name of the other columns.
        MissingDependency
            If pandas is not installed.
        """
        return exports.to_frame(self)

    def to_dimod(self, vartype: str = "BINARY") -> Any:
        """Return the draws as a `dimod.SampleSet`, of "BINARY" variables or of spins ("SPIN").

        Energies are those of `machine`. Each draw has its `chain` and `draw`, and `time` [s] where
        there is a chip. With spikes, `dwell_time` is how long the chain stayed in that state.

        Raises
        ------
        MissingDependency
            If dimod is not installed.
        """
        return exports.to_dimod(self, vartype)

    def save(self, path: "str | os.PathLike[str]") -> None:
        """Write a Zarr store to `path`, which must not exist yet."""
        storage.save(self, path)


def load(path: "str | os.PathLike[str]") -> Samples:
    """Read the samples that a run wrote to `path`, complete or not.

    Raises
    ------
    InvalidInput
        If there is no such store, it is damaged, or of a newer schema.

    Examples
    --------
    >>> import photinus as ph
    >>> machine = ph.BoltzmannMachine([[0, 1], [1, 0]], [0.5, -1])
    >>> ph.sample(machine, "gibbs", chains=4, draws=50, seed=1).save("run.zarr")
    >>> ph.load("run.zarr").draws
    50
    """
    return Samples(**storage.contents(path))
