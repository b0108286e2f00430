"""Boltzmann machines over 0/1 units, and everything about them that enumeration can tell.

Convention, everywhere in Photinus::

    p(z) ∝ exp(-E(z)),   E(z) = -½ zᵀ W z - bᵀ z,   z_k in {0, 1},   W symmetric, zero diagonal

(Buesing et al. 2011, PLoS Comput. Biol. 7, e1002211; Petrovici et al. 2016, Phys. Rev. E 94,
042312.) A joint state has the index Σ_k z_k 2^k.
"""

import functools
import os
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from photinus._core import files, validate
from photinus._core.gauge import checked
from photinus._core.matrices import Matrix, largest, mapped, part, scaled
from photinus._core.states import MAX_ENUMERATED, require_enumerable, states_of
from photinus.errors import InvalidInput
from photinus.machines.checks import (
    in_one_order,
    of_pairs,
    require_finite_energies,
    symmetric,
)
from photinus.machines.cliques import CliqueTree, machine_tree
from photinus.machines.coupled import Coupled
from photinus.machines.enumeration import Enumeration
from photinus.machines.evidence import Evidence, Given
from photinus.machines.files import KIND, read, weights_in, write
from photinus.machines.likelihood import most_likely, require_few


@dataclass(frozen=True, init=False, eq=False, repr=False)
class BoltzmannMachine(Coupled):
    """A Boltzmann machine over 0/1 units: p(z) ∝ exp(½ zᵀWz + bᵀz). Immutable.

    Parameters
    ----------
    weights : array (unit, unit)
        W, symmetric with zero diagonal.
    biases : array (unit,)
        b; at least one unit.
    labels : iterable, optional
        One name per unit: text, numbers, tuples or other hashable values. By default 0 … n-1.

    Arrays may be frames of pandas, arrays of xarray or sparse matrices of SciPy. Names of rows and
    columns become the labels, and are brought to one order. Many units with few couplings are held as a
    sparse matrix, and nothing of them ever becomes an array (unit, unit).

    Raises
    ------
    InvalidInput
        If the arrays do not describe a machine, their names do not agree, or labels repeat.

    Examples
    --------
    >>> from photinus import BoltzmannMachine
    >>> machine = BoltzmannMachine([[0, 1], [1, 0]], [0, -1], labels=["rain", "wet"])
    >>> machine.marginals().round(3)
    array([0.594, 0.406])
    >>> machine.conditional({"rain": 1}).marginals()
    array([0.5])
    >>> machine.log_probability(machine.states()).round(3)
    array([-1.214, -1.214, -2.214, -1.214])
    >>> machine.pair_moments().round(3)
    array([[0.594, 0.297],
           [0.297, 0.406]])
    >>> couplings, fields, *_ = machine.to_spin()
    >>> BoltzmannMachine.from_spin(couplings, fields, machine.labels) == machine
    True
    >>> round(machine.entropy(), 3), machine.flipped([True, False]).biases
    (1.324, array([0., 0.]))
    """

    def log_probability(self, states: ArrayLike) -> NDArray[np.float64]:
        """Return log p of `states`, array (…, unit), as array (…).

        Raises
        ------
        InvalidInput
            As `energy` and `log_partition`.
        """
        return -self.energy(states) - self.log_partition()

    def states(self, start: int = 0, stop: int | None = None) -> NDArray[np.uint8]:
        """Return the states of index `start` … `stop`-1 (default: all), array (state, unit).

        Raises
        ------
        InvalidInput
            For more than 24 units, or a range that leaves the states.
        """
        require_enumerable(self.n_units)
        count = 2**self.n_units
        stop = count if stop is None else validate.integer("stop", stop, 0, count)
        start = validate.integer("start", start, 0, stop)
        return states_of(np.arange(start, stop), self.n_units)

    def joint(self) -> NDArray[np.float64]:
        """Return p of every state, array (2**unit,), index Σ z_k << k.

        Raises
        ------
        InvalidInput
            For more than 24 units, or weights too large to tell states apart; here and in everything
            else that enumerates.
        """
        return self._enumeration.joint()

    def log_partition(self) -> float:
        """Return log Z = log Σ_z exp(-E(z)).

        Raises
        ------
        InvalidInput
            For more than 24 units too far from a tree (`photinus.machines.cliques`), or weights too
            large to tell states apart; here and in `entropy` and `marginals`.
        """
        if self.n_units > MAX_ENUMERATED:
            return self._tree().log_partition
        return self._enumeration.sums.peak + float(np.log(self._enumeration.sums.total))

    def entropy(self) -> float:
        """Return the entropy -Σ p log p [nats]."""
        if self.n_units > MAX_ENUMERATED:
            return self._tree().entropy()
        return self._enumeration.sums.entropy

    def marginals(self) -> NDArray[np.float64]:
        """Return P(z_k = 1), array (unit,)."""
        if self.n_units > MAX_ENUMERATED:
            return np.array([chances[1] for chances in self._tree().marginals()])
        return np.diagonal(self._enumeration.sums.moments).copy()

    def pair_moments(self) -> NDArray[np.float64]:
        """Return <z_i z_j>, array (unit, unit), marginals on the diagonal."""
        return self._enumeration.sums.moments.copy()

    def clamp_indices(
        self, evidence: Given | None = None, chains: int = 1, *, clamp: Given | None = None
    ) -> tuple[NDArray[np.intp], NDArray[np.uint8]]:
        """Return the positions of known units, array (k,), and their values, array (chain, k).

        Parameters
        ----------
        evidence : mapping label → 0, 1 or array (chain,) of these
            Known units; at least one unit must stay free.
        chains
            Number of chains that the values are for.
        clamp
            What version 0.1 calls `evidence`.

        Raises
        ------
        InvalidInput
            For an unknown label, a value other than 0 or 1, or no unit left.
        """
        chains = validate.integer("chains", chains, 1)
        known = Evidence.either(evidence, clamp, self.labels, chains)
        return known.positions, known.values

    def heated(self, temperature: float) -> "BoltzmannMachine":
        """Return the machine at another temperature: weights and biases divided by T > 0."""
        t = validate.positive("temperature", temperature)
        with np.errstate(over="ignore"):
            weights, biases = mapped(self.matrix, lambda w: w / t), self.biases / t
        if not (np.isfinite(largest(weights)) and np.isfinite(biases).all()):
            raise InvalidInput(f"temperature must leave weights and biases finite, got {t:g}")
        return BoltzmannMachine(weights, biases, self.labels)

    def flipped(self, gauge: ArrayLike) -> "BoltzmannMachine":
        """Return the machine of y, where y_k = 1 - z_k for units with ``gauge[k]``, else y_k = z_k.

        W_ij changes its sign for each of i and j that is flipped. Put z_k = g_k + s_k y_k, with g_k = 1
        and s_k = -1 for flipped units, else 0 and 1. Then b_i becomes s_i (b_i + Σ_j g_j W_ij).
        Energies differ by a constant. Flipped again it is this machine, but for rounding.

        Parameters
        ----------
        gauge : array (unit,) of bool
            Which units to flip.

        Raises
        ------
        InvalidInput
            If that is not one True or False per unit, or a bias would not be finite.
        """
        flips = checked(gauge, self.n_units)
        if not flips.any():
            return self
        sign = np.where(flips, -1.0, 1.0)
        with np.errstate(over="ignore", invalid="ignore"):
            biases = sign * (self.biases + self.matrix @ flips)
        return BoltzmannMachine(scaled(self.matrix, sign), biases, self.labels)

    def conditional(
        self, evidence: Given | None = None, *, clamp: Given | None = None
    ) -> "BoltzmannMachine":
        """Return the machine of the free units, given the known ones.

        Parameters
        ----------
        evidence : mapping label → 0 or 1
            Known units; at least one unit must stay free.
        clamp
            What version 0.1 calls `evidence`.

        Returns
        -------
        BoltzmannMachine
            Its joint is p(free units | evidence): a known unit j moves the bias of i by W_ij z_j.
            Without evidence it is this machine itself.

        Raises
        ------
        InvalidInput
            For an unknown label, a value other than 0 or 1, or no unit left.
        """
        given = Evidence.either(evidence, clamp, self.labels)
        if not given:
            return self
        free, known = given.free, given.positions
        with np.errstate(over="ignore", invalid="ignore"):
            biases = self.biases[free] + part(self.matrix, free, known) @ given.values[0]
        return BoltzmannMachine(
            part(self.matrix, free, free),
            biases,
            labels=[self.labels[k] for k in free],
        )

    def biases_given(self, evidence: Evidence) -> NDArray[np.float64]:
        """Return the biases of the free units given the evidence of each chain, array (chain, free)."""
        free, known = evidence.free, evidence.positions
        return np.asarray(self.biases[free] + evidence.values @ part(self.matrix, known, free))

    def _tree(self) -> CliqueTree:
        return machine_tree(self.matrix, self.biases)

    @functools.cached_property
    def _enumeration(self) -> Enumeration:
        return Enumeration(self.weights, self.biases)

    def to_spin(self) -> tuple[Any, NDArray[np.float64], float]:
        """Return (J, h, offset) of the same distribution over spins s = 2z - 1.

        In the convention of dimod: p ∝ exp(-H), H(s) = h·s + ½ sᵀJs + offset, J symmetric with zero
        diagonal, and H(s) = E(z) for every state. J is an array, or sparse as `matrix` is.
        """
        w, b = self.matrix, self.biases
        require_finite_energies(w, b)
        return -w / 4, -(b / 2 + w.sum(axis=1) / 4), float(-b.sum() / 2 - w.sum() / 8)

    @classmethod
    def from_couplings(
        cls,
        first: ArrayLike,
        second: ArrayLike,
        weights: ArrayLike,
        biases: ArrayLike,
        labels: Iterable[Hashable] | None = None,
    ) -> "BoltzmannMachine":
        """Return the machine whose coupled pairs have these weights; `couplings` gives them back.

        Parameters
        ----------
        first, second : arrays (pair,)
            Positions of both units, in any order. Weights of a pair that comes again are added up.
        weights : array (pair,)
        biases : array (unit,)
        labels
            One name per unit; by default 0 … n-1.

        Raises
        ------
        InvalidInput
            If the arrays do not describe a machine, or labels repeat.

        Examples
        --------
        >>> import photinus as ph
        >>> chain = ph.BoltzmannMachine.from_couplings([0, 1], [1, 2], [0.5, -1], [0, 0, 1])
        >>> chain.weights[1]
        array([ 0.5,  0. , -1. ])
        """
        b = validate.finite_array("biases", biases, 1)
        return cls(of_pairs(first, second, weights, len(b)), b, labels)

    @classmethod
    def from_spin(
        cls, J: ArrayLike | Matrix, h: ArrayLike, labels: Iterable[Hashable] | None = None
    ) -> "BoltzmannMachine":
        """Return the machine of p(s) ∝ exp(-h·s - ½ sᵀJs), s = 2z - 1.

        Parameters
        ----------
        J : array (unit, unit)
            Couplings, symmetric with zero diagonal.
        h : array (unit,)
            Fields.
        labels
            One name per unit; by default 0 … n-1.

        Raises
        ------
        InvalidInput
            If the arrays do not describe a machine, or labels repeat.
        """
        J, h, labels = in_one_order("J", J, "h", h, labels)
        couplings: Any = symmetric("J", J)
        fields = validate.finite_array("h", h, 1)
        validate.same_length("h", fields, "J", couplings.shape[0])
        require_finite_energies(couplings, fields, "J and h")
        # s = 2z - 1 in -h·s - ½ sᵀJs: -2h·z from the first term, -2 zᵀJz + 2 Σ_ij J_ij z_i from the
        # second.
        return cls(-4 * couplings, 2 * (couplings.sum(axis=1) - fields), labels)

    @classmethod
    def fit(
        cls, data: ArrayLike, l2: float = 0.0, labels: Iterable[Hashable] | None = None
    ) -> "BoltzmannMachine":
        """Return the machine of maximum likelihood for `data`; see `photinus.learning.fit_exact`.

        Parameters
        ----------
        data : array (sample, unit) of 0 and 1
            At most 16 units.
        l2
            Penalty l2/2 Σ_{i<j} W_ij² on the mean negative log-likelihood, >= 0; biases go free.
        labels
            One name per unit; by default 0 … n-1.

        Raises
        ------
        InvalidInput
            If the data are not 0 and 1, or no machine with finite parameters is most likely.
        NotConverged
            If the maximum was not reached.
        """
        z = validate.binary_array("data", data)
        if z.ndim != 2 or 0 in z.shape:
            raise InvalidInput(f"data must have shape (sample, unit), none empty, got {z.shape}")
        l2 = validate.non_negative("l2", l2)
        n = z.shape[1]
        require_few("data", n)
        # The right names for messages, and the checks of labels before the work.
        names = cls(np.zeros((n, n)), np.zeros(n), labels).labels
        states = z.astype(np.float64)
        return cls(*most_likely(states.T @ states / len(states), l2, names), names)

    def save(self, path: str | os.PathLike[str], *, replace: bool = True) -> None:
        """Write the machine to `path`, as JSON or NumPy archive by its suffix (.json, .npz).

        A file that is there already is replaced, unless `replace` is False.

        Raises
        ------
        InvalidInput
            For another suffix, or if the file cannot be written.
        """
        write(path, self.matrix, self.biases, self.labels, replace=replace)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "BoltzmannMachine":
        """Read a machine that `save` wrote, or an .npz with arrays `weights`, `biases` (`labels`).

        Raises
        ------
        InvalidInput
            If the file is missing, truncated, of another kind or of a newer schema.
        """
        return cls._of_document(path, read(path))

    @classmethod
    def _of_document(cls, path: str | os.PathLike[str], document: dict[str, Any]) -> "BoltzmannMachine":
        """Return the machine of what the file at `path` holds."""
        with files.reading(path, KIND):
            labels = document["labels"]
            names = None if labels is None else files.labels_from_json(labels)
            return cls(weights_in(document), document["biases"], names)
