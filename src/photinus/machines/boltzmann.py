"""Boltzmann machines over 0/1 units, and everything about them that enumeration can tell.

Convention, everywhere in Photinus::

    p(z) ∝ exp(-E(z)),   E(z) = -½ zᵀ W z - bᵀ z,   z_k in {0, 1},   W symmetric, zero diagonal

(Buesing et al. 2011, PLoS Comput. Biol. 7, e1002211; Petrovici et al. 2016, Phys. Rev. E 94,
042312.) A joint state has the index Σ_k z_k 2^k.
"""

import functools
import json
import os
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from photinus._core import files, validate
from photinus._core.records import settle
from photinus.errors import InvalidInput
from photinus.machines.evidence import Evidence, Given
from photinus.machines.likelihood import most_likely

SCHEMA = 1
KIND = "boltzmann-machine"
MAX_ENUMERATED = 24
"""Most units whose states are enumerated."""
LOW_UNITS = 12
"""Units of the low half of an enumeration; the others are the high half."""
STATES_PER_BLOCK = 2**20
"""States whose energies are held at one time."""
LARGEST_SUM = 1e300
"""Of the sizes of all weights and biases: up to here no energy overflows."""
ROUNDING_TOLERANCE = 1e-6
"""Largest rounding of an energy with which states of nearly equal energy are told apart."""
FAR_BELOW = 45.0
"""States whose log weight is so far below the largest one change no moment."""
SYMMETRY_TOLERANCE = 1e-12
"""Largest difference of W_ij and W_ji, in units of the largest weight (at least 1)."""


class _Sums(NamedTuple):
    """What one pass over all states adds up, with log weights counted from the largest one."""

    peak: float
    total: float
    entropy: float
    moments: NDArray[np.float64]


@dataclass(frozen=True, init=False, eq=False, repr=False)
class BoltzmannMachine:
    """A Boltzmann machine over 0/1 units: p(z) ∝ exp(½ zᵀWz + bᵀz). Immutable.

    Parameters
    ----------
    weights : array (unit, unit)
        W, symmetric with zero diagonal.
    biases : array (unit,)
        b; at least one unit.
    labels : iterable of str or int, optional
        One name per unit; by default 0 … n-1.

    Arrays may be frames of pandas, arrays of xarray or sparse matrices of SciPy. Names of rows and
    columns become the labels, and are brought to one order.

    Raises
    ------
    InvalidInput
        If the arrays do not describe a machine, their names do not agree, or labels repeat.

    Examples
    --------
    >>> machine = BoltzmannMachine([[0, 1], [1, 0]], [0, -1], labels=["rain", "wet"])
    >>> machine.marginals().round(3)
    array([0.594, 0.406])
    >>> machine.conditional({"rain": 1}).marginals()
    array([0.5])
    """

    weights: NDArray[np.float64]
    """W, array (unit, unit), read-only."""
    biases: NDArray[np.float64]
    """b, array (unit,), read-only."""
    labels: tuple[Hashable, ...]
    """One name per unit."""

    def __init__(
        self, weights: ArrayLike, biases: ArrayLike, labels: Iterable[Hashable] | None = None
    ) -> None:
        weights, biases, labels = _named("weights", weights, "biases", biases, labels)
        w = _symmetric("weights", weights)
        b = validate.finite_array("biases", biases, 1) + 0.0  # no -0.0: equal machines, equal hash
        validate.same_length("biases", b, "weights", len(w))
        if len(b) == 0:
            raise InvalidInput("biases must have at least 1 entry, got 0")
        w.setflags(write=False)
        b.setflags(write=False)
        settle(self, weights=w)
        settle(self, biases=b)
        settle(self, labels=_checked_labels(labels, len(b)))

    @property
    def n_units(self) -> int:
        """Number of units."""
        return len(self.biases)

    def __repr__(self) -> str:
        shown = [str(label) for label in self.labels[:12]] + ["…"] * (self.n_units > 12)
        return f"BoltzmannMachine({self.n_units} unit(s): {', '.join(shown)})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, BoltzmannMachine):
            return NotImplemented
        return (
            self.labels == other.labels
            and np.array_equal(self.weights, other.weights)
            and np.array_equal(self.biases, other.biases)
        )

    def __hash__(self) -> int:
        return hash((self.labels, self.weights.tobytes(), self.biases.tobytes()))

    def __reduce__(self) -> tuple[Any, ...]:
        # Pickled arrays come back writable; a fresh construction locks them again.
        return BoltzmannMachine, (self.weights, self.biases, self.labels)

    def energy(self, states: ArrayLike) -> NDArray[np.float64]:
        """Return E(z) = -½ zᵀWz - bᵀz of `states`, array (…, unit) of 0 and 1, as array (…).

        Raises
        ------
        InvalidInput
            If the last axis is not the units, an entry is neither 0 nor 1, or weights and biases are
            so large that energies could overflow: their sizes add up to more than 1e300.
        """
        z = validate.binary_array("states", validate.aligned("states", states, self.labels))
        if z.ndim == 0 or z.shape[-1] != self.n_units:
            raise InvalidInput(
                f"states must have {self.n_units} units on the last axis, got shape {z.shape}"
            )
        z = z.astype(np.float64)
        _require_finite_energies(self.weights, self.biases)
        return np.asarray(-np.sum((z @ (self.weights / 2) + self.biases) * z, axis=-1))

    def log_probability(self, states: ArrayLike) -> NDArray[np.float64]:
        """Return log p of `states`, array (…, unit), as array (…); by enumeration.

        Raises
        ------
        InvalidInput
            As `energy`, and for more than 24 units.
        """
        return -self.energy(states) - self.log_partition()

    def states(self, start: int = 0, stop: int | None = None) -> NDArray[np.uint8]:
        """Return the states of index `start` … `stop`-1 (default: all), array (state, unit).

        Raises
        ------
        InvalidInput
            For more than 24 units, or a range that leaves the states.
        """
        self._require_enumerable()
        count = 2**self.n_units
        stop = count if stop is None else validate.integer("stop", stop, 0, count)
        start = validate.integer("start", start, 0, stop)
        return _unpacked(np.arange(start, stop), self.n_units)

    def joint(self) -> NDArray[np.float64]:
        """Return p of every state, array (2**unit,), index Σ z_k << k.

        Raises
        ------
        InvalidInput
            For more than 24 units, or weights too large to tell states apart; here and in everything
            else that enumerates.
        """
        sums = self._sums
        joint = np.empty(2**self.n_units)
        for first, log_weight in self._log_weights():
            log_weight -= sums.peak
            np.exp(log_weight, out=log_weight)
            log_weight /= sums.total
            joint[first : first + log_weight.size] = log_weight.ravel()
        return joint

    def log_partition(self) -> float:
        """Return log Z = log Σ_z exp(-E(z))."""
        return self._sums.peak + float(np.log(self._sums.total))

    def entropy(self) -> float:
        """Return the entropy -Σ p log p [nats]."""
        return self._sums.entropy

    def marginals(self) -> NDArray[np.float64]:
        """Return P(z_k = 1), array (unit,)."""
        return np.diagonal(self._sums.moments).copy()

    def pair_moments(self) -> NDArray[np.float64]:
        """Return <z_i z_j>, array (unit, unit), marginals on the diagonal."""
        return self._sums.moments.copy()

    def clamp_indices(
        self, clamp: Given, chains: int = 1
    ) -> tuple[NDArray[np.intp], NDArray[np.uint8]]:
        """Return the positions of known units, array (k,), and their values, array (chain, k).

        Parameters
        ----------
        clamp : mapping label → 0, 1 or array (chain,) of these
            Evidence; at least one unit must stay free.
        chains
            Number of chains that the values are for.

        Raises
        ------
        InvalidInput
            For an unknown label, a value other than 0 or 1, or no unit left.
        """
        known = Evidence.of(clamp, self.labels, validate.integer("chains", chains, 1))
        return known.positions, known.values

    def heated(self, temperature: float) -> "BoltzmannMachine":
        """Return the machine at another temperature: weights and biases divided by T > 0."""
        t = validate.positive("temperature", temperature)
        with np.errstate(over="ignore"):
            weights, biases = self.weights / t, self.biases / t
        if not (np.isfinite(weights).all() and np.isfinite(biases).all()):
            raise InvalidInput(f"temperature must leave weights and biases finite, got {t:g}")
        return BoltzmannMachine(weights, biases, self.labels)

    def conditional(self, clamp: Given) -> "BoltzmannMachine":
        """Return the machine of the free units, given the known ones.

        Parameters
        ----------
        clamp : mapping label → 0 or 1
            Evidence; at least one unit must stay free.

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
        evidence = Evidence.of(clamp, self.labels)
        if not evidence:
            return self
        free, known = evidence.free, evidence.positions
        with np.errstate(over="ignore", invalid="ignore"):
            biases = self.biases[free] + self.weights[np.ix_(free, known)] @ evidence.values[0]
        return BoltzmannMachine(
            self.weights[np.ix_(free, free)],
            biases,
            labels=[self.labels[k] for k in free],
        )

    def biases_given(self, evidence: Evidence) -> NDArray[np.float64]:
        """Return the biases of the free units given the evidence of each chain, array (chain, free)."""
        free, known = evidence.free, evidence.positions
        return np.asarray(self.biases[free] + evidence.values @ self.weights[np.ix_(known, free)])

    def _require_enumerable(self) -> None:
        if self.n_units > MAX_ENUMERATED:
            raise InvalidInput(
                f"enumeration needs at most {MAX_ENUMERATED} units, this machine has {self.n_units}"
            )

    @functools.cached_property
    def _halves(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """All states of the low and of the high units, arrays (2**unit, unit)."""
        self._require_enumerable()
        low = min(self.n_units, LOW_UNITS)
        high = self.n_units - low
        z_low, z_high = _unpacked(np.arange(2**low), low), _unpacked(np.arange(2**high), high)
        return z_low.astype(np.float64), z_high.astype(np.float64)

    def _log_weights(self) -> Iterator[tuple[int, NDArray[np.float64]]]:
        """Give (index of the first state, -E as array (high state, low state)), block by block.

        -E is the own part of the low units, plus that of the high ones, plus a bilinear cross term.
        """
        z_low, z_high = self._halves
        k = z_low.shape[1]
        w, b = self.weights, self.biases
        own_low = np.sum((z_low @ (w[:k, :k] / 2) + b[:k]) * z_low, axis=1)
        own_high = np.sum((z_high @ (w[k:, k:] / 2) + b[k:]) * z_high, axis=1)
        rows = STATES_PER_BLOCK // len(z_low)
        for first in range(0, len(z_high), rows):
            block = slice(first, first + rows)
            log_weight = (z_high[block] @ w[k:, :k]) @ z_low.T
            log_weight += own_low
            log_weight += own_high[block, None]
            yield first << k, log_weight

    @functools.cached_property
    def _sums(self) -> _Sums:
        z_low, z_high = self._halves
        _require_finite_energies(self.weights, self.biases)
        peak = max(float(log_weight.max()) for _, log_weight in self._log_weights())
        self._require_told_apart(peak)
        low_mass, high_mass = np.zeros(len(z_low)), np.zeros(len(z_high))
        cross = np.zeros((z_high.shape[1], z_low.shape[1]))
        fall = 0.0
        for first, log_weight in self._log_weights():
            high = slice(first // len(z_low), first // len(z_low) + len(log_weight))
            log_weight -= peak
            weight = np.exp(log_weight)
            low_mass += weight.sum(axis=0)
            high_mass[high] = weight.sum(axis=1)
            cross += z_high[high].T @ (weight @ z_low)
            fall += float(np.vdot(weight, log_weight))
        total = float(low_mass.sum())
        moments = np.block(
            [
                [(z_low.T * low_mass) @ z_low, cross.T],
                [cross, (z_high.T * high_mass) @ z_high],
            ]
        )
        return _Sums(peak, total, float(np.log(total)) - fall / total, moments / total)

    def _require_told_apart(self, peak: float) -> None:
        """Raise where rounding of huge energies would decide which states are likely.

        A sum of n² terms of at most size S is off by about 2 n S times the rounding unit. That counts
        only if there is more than one state that may be the likeliest.
        """
        size = np.abs(self.biases).sum() + np.abs(self.weights).sum() / 2
        rounding = 2 * self.n_units * size * np.finfo(np.float64).eps
        if rounding <= ROUNDING_TOLERANCE or _adds_exactly(self.weights, self.biases, size):
            return
        near = peak - FAR_BELOW - 2 * rounding
        if sum(int((log_weight >= near).sum()) for _, log_weight in self._log_weights()) > 1:
            raise InvalidInput(
                "weights and biases must be smaller for exact answers: several states have energies "
                f"that are equal within rounding ({rounding:.2g}), the sizes add up to {size:.2g}"
            )

    def to_spin(self) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
        """Return (J, h, offset) of the same distribution over spins s = 2z - 1.

        In the convention of dimod: p ∝ exp(-H), H(s) = h·s + ½ sᵀJs + offset, J symmetric with zero
        diagonal, and H(s) = E(z) for every state.
        """
        w, b = self.weights, self.biases
        _require_finite_energies(w, b)
        return -w / 4, -(b / 2 + w.sum(axis=1) / 4), float(-b.sum() / 2 - w.sum() / 8)

    @classmethod
    def from_spin(
        cls, J: ArrayLike, h: ArrayLike, labels: Iterable[Hashable] | None = None
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
        J, h, labels = _named("J", J, "h", h, labels)
        couplings = _symmetric("J", J)
        fields = validate.finite_array("h", h, 1)
        validate.same_length("h", fields, "J", len(couplings))
        _require_finite_energies(couplings, fields, "J and h")
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
        if _suffix(path) == ".json":
            document = {
                "kind": KIND,
                "schema": SCHEMA,
                "labels": list(self.labels),
                "weights": self.weights.tolist(),
                "biases": self.biases.tolist(),
            }
            files.write_json(path, document, replace=replace, indent=None)
            return
        arrays = {
            "kind": np.array(KIND),
            "schema": np.array(SCHEMA),
            "labels": np.array(json.dumps(list(self.labels))),
            "weights": self.weights,
            "biases": self.biases,
        }
        files.write_npz(path, arrays, replace=replace)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "BoltzmannMachine":
        """Read a machine that `save` wrote, or an .npz with arrays `weights`, `biases` (`labels`).

        Raises
        ------
        InvalidInput
            If the file is missing, truncated, of another kind or of a newer schema.
        """
        if _suffix(path) == ".json":
            document = files.read_json(path, kind=KIND, schema=SCHEMA)
        else:
            document = _read_npz(path)
        with files.reading(path, KIND):
            return cls(document["weights"], document["biases"], document["labels"])


def _unpacked(index: NDArray[np.int64], n: int) -> NDArray[np.uint8]:
    """Return the states of `index` over `n` units, array (index, unit)."""
    states = np.empty((len(index), n), np.uint8)
    for k in range(n):
        states[:, k] = (index >> k) & 1
    return states


def _named(
    name: str, matrix: Any, other: str, vector: Any, labels: Iterable[Hashable] | None
) -> tuple[Any, Any, Iterable[Hashable] | None]:
    """Return matrix and vector in the order of the labels, which their names give if need be."""
    if labels is not None and not isinstance(labels, str) and isinstance(labels, Iterable):
        labels = tuple(labels)
    rows, columns = (validate.array_names(matrix, axis) for axis in (0, 1))
    found = next((n for n in (rows, columns, validate.array_names(vector, 0)) if n is not None), None)
    if found is None:
        return matrix, vector, labels
    order = found if labels is None else _checked_labels(labels, len(found))
    return (
        validate.aligned(name, matrix, order, (0, 1)),
        validate.aligned(other, vector, order, (0,)),
        order,
    )


def _require_finite_energies(
    w: NDArray[np.float64], b: NDArray[np.float64], names: str = "weights and biases"
) -> None:
    """Raise where a sum of weights and biases could overflow."""
    with np.errstate(over="ignore"):
        size = np.abs(w).sum() / 2 + np.abs(b).sum()
    if not size <= LARGEST_SUM:
        raise InvalidInput(f"sizes of {names} must add up to at most {LARGEST_SUM:g}, got {size:.3g}")


def _adds_exactly(w: NDArray[np.float64], b: NDArray[np.float64], size: float) -> bool:
    """Return whether sums of weights and biases have no rounding: whole numbers, not too large."""
    whole = bool((w == np.rint(w)).all() and (b == np.rint(b)).all())
    return whole and 4 * size < validate.LARGEST_WHOLE


def _symmetric(name: str, value: ArrayLike) -> NDArray[np.float64]:
    """Return `value` as a symmetric matrix with zero diagonal; its upper half counts."""
    matrix = validate.finite_array(name, value, 2)
    if matrix.shape[0] != matrix.shape[1]:
        raise InvalidInput(f"{name} must be square, got shape {matrix.shape}")
    loops = np.flatnonzero(np.diagonal(matrix))
    if loops.size:
        k = int(loops[0])
        raise InvalidInput(f"{name} must have a zero diagonal, got {matrix[k, k]:g} at unit {k}")
    tolerance = SYMMETRY_TOLERANCE * np.abs(matrix).max(initial=1.0)
    skew = np.argwhere(np.abs(matrix - matrix.T) > tolerance)
    if skew.size:
        i, j = (int(k) for k in skew[0])
        raise InvalidInput(
            f"{name} must be symmetric, got {matrix[i, j]:.17g} at ({i}, {j}) "
            f"and {matrix[j, i]:.17g} at ({j}, {i})"
        )
    upper = np.triu(matrix, 1)
    return np.asarray(upper + upper.T)


def _checked_labels(labels: Iterable[Hashable] | None, n: int) -> tuple[Hashable, ...]:
    if labels is None:
        return tuple(range(n))
    if isinstance(labels, str) or not isinstance(labels, Iterable):
        raise InvalidInput(f"labels must be a list of strings or whole numbers, got {labels!r}")
    checked: dict[Hashable, None] = {}
    for label in labels:
        plain = label.item() if isinstance(label, np.generic) else label
        if isinstance(plain, bool) or not isinstance(plain, (str, int)):
            raise InvalidInput(f"labels must be strings or whole numbers, got {label!r}")
        if plain in checked:
            raise InvalidInput(f"labels must differ from each other, got {plain!r} twice")
        checked[plain] = None
    validate.same_length("labels", tuple(checked), "biases", n)
    return tuple(checked)


def _suffix(path: str | os.PathLike[str]) -> str:
    validate.instance("path", path, (str, os.PathLike))
    suffix = files.named(path).suffix
    if suffix not in (".json", ".npz"):
        raise InvalidInput(f"model file {str(path)!r} must end in .json or .npz")
    return suffix


def _read_npz(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Return the arrays of an archive, with `labels` as a list or None."""
    arrays = files.read_npz(path, ("kind", "schema", "labels", "weights", "biases"))
    labels = arrays.get("labels")
    if "kind" not in arrays:
        return {**arrays, "labels": None if labels is None else labels.tolist()}
    with files.reading(path, KIND):
        kind, schema = arrays["kind"].item(), arrays["schema"].item()
        names = json.loads(arrays["labels"].item()) if kind == KIND else None
    files.check_document(path, {"kind": kind, "schema": schema}, kind=KIND, schema=SCHEMA)
    return {**arrays, "labels": names}
