"""Boltzmann machines over 0/1 units, and everything about them that enumeration can tell.

Convention, everywhere in Photinus::

    p(z) ∝ exp(-E(z)),   E(z) = -½ zᵀ W z - bᵀ z,   z_k in {0, 1},   W symmetric, zero diagonal

(Buesing et al. 2011, PLoS Comput. Biol. 7, e1002211; Petrovici et al. 2016.) A joint state has the
index Σ_k z_k 2^k.
"""

import functools
import io
import json
import os
import zipfile
from collections.abc import Hashable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from photinus import _files, _validate
from photinus.errors import InvalidInput

SCHEMA = 1
KIND = "boltzmann-machine"
MAX_ENUMERATED = 24
"""Most units whose states are enumerated."""
LOW_UNITS = 12
"""Units whose 4 096 states make up one block of the enumeration."""
SYMMETRY_TOLERANCE = 1e-12


class BoltzmannMachine:
    """A Boltzmann machine over 0/1 units: p(z) ∝ exp(½ zᵀWz + bᵀz). Immutable.

    Parameters
    ----------
    weights : array (unit, unit)
        Symmetric, zero diagonal.
    biases : array (unit,)
    labels : iterable of str or int, optional
        One name per unit; by default 0 … n-1.

    Raises
    ------
    InvalidInput
        If the arrays do not describe a machine, or labels repeat.

    Examples
    --------
    >>> machine = BoltzmannMachine([[0, 1], [1, 0]], [0, -1], labels=["rain", "wet"])
    >>> machine.marginals().round(3)
    array([0.5  , 0.378])
    >>> machine.conditional({"rain": 1}).marginals()
    array([0.5])
    """

    __slots__ = ("__dict__", "_biases", "_labels", "_weights")

    def __init__(
        self, weights: ArrayLike, biases: ArrayLike, labels: Iterable[Hashable] | None = None
    ) -> None:
        w = _validate.finite_array("weights", weights, 2)
        b = _validate.finite_array("biases", biases, 1)
        if w.shape[0] != w.shape[1]:
            raise InvalidInput(f"weights must be square, got shape {w.shape}")
        if len(b) != len(w):
            raise InvalidInput(f"biases must have {len(w)} entries as weights has rows, got {len(b)}")
        if len(b) == 0:
            raise InvalidInput("biases must have at least 1 entry, got 0")
        if np.diagonal(w).any():
            k = int(np.argmax(np.diagonal(w) != 0))
            raise InvalidInput(f"weights must have a zero diagonal, got {w[k, k]:g} at unit {k}")
        skew = np.abs(w - w.T)
        if (skew > SYMMETRY_TOLERANCE * np.abs(w).max(initial=1.0)).any():
            i, j = np.unravel_index(int(skew.argmax()), skew.shape)
            raise InvalidInput(
                f"weights must be symmetric, got {w[i, j]:g} at ({i}, {j}) and {w[j, i]:g} at ({j}, {i})"
            )
        w = (w + w.T) / 2
        w.setflags(write=False)
        b.setflags(write=False)
        self._weights, self._biases = w, b
        self._labels = _checked_labels(labels, len(b))

    @property
    def weights(self) -> NDArray[np.float64]:
        """W, array (unit, unit), read-only."""
        return self._weights

    @property
    def biases(self) -> NDArray[np.float64]:
        """b, array (unit,), read-only."""
        return self._biases

    @property
    def labels(self) -> tuple[Hashable, ...]:
        """One name per unit."""
        return self._labels

    @property
    def n_units(self) -> int:
        """Number of units."""
        return len(self._biases)

    def __repr__(self) -> str:
        return f"BoltzmannMachine({self.n_units} units: {', '.join(map(str, self.labels[:12]))})"

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

    def energy(self, states: ArrayLike) -> NDArray[np.float64]:
        """Return E of `states`, array (…, unit) of 0 and 1; the result has shape (…)."""
        z = np.asarray(states)
        if z.ndim == 0 or z.shape[-1] != self.n_units:
            raise InvalidInput(
                f"states must have {self.n_units} units on the last axis, got shape {z.shape}"
            )
        if not np.isin(z, (0, 1)).all():
            raise InvalidInput("states must hold only 0 and 1")
        z = z.astype(np.float64)
        return np.asarray(-0.5 * np.sum((z @ self.weights) * z, axis=-1) - z @ self.biases)

    def log_probability(self, states: ArrayLike) -> NDArray[np.float64]:
        """Return log p of `states`, array (…, unit); by enumeration."""
        return -self.energy(states) - self.log_partition()

    def joint(self) -> NDArray[np.float64]:
        """Return p of every state, array (2**unit,), index Σ z_k << k.

        Raises
        ------
        InvalidInput
            For more than 24 units, here and in everything else that enumerates.
        """
        log_z = self.log_partition()
        joint = np.empty(2**self.n_units)
        for first, log_weight in self._blocks():
            np.exp(log_weight - log_z, out=joint[first : first + len(log_weight)])
        return joint

    def log_partition(self) -> float:
        """Return log Z = log Σ_z exp(-E(z))."""
        return float(self._enumerated[0])

    def entropy(self) -> float:
        """Return the entropy -Σ p log p [nats]."""
        # -Σ p log p = log Z + <E>, and <E> follows from the pair moments.
        moments = self.pair_moments()
        energy = -0.5 * np.sum(self.weights * moments) - self.biases @ np.diagonal(moments)
        return self.log_partition() + float(energy)

    def marginals(self) -> NDArray[np.float64]:
        """Return P(z_k = 1), array (unit,)."""
        return np.diagonal(self.pair_moments()).copy()

    def pair_moments(self) -> NDArray[np.float64]:
        """Return <z_i z_j>, array (unit, unit), marginals on the diagonal."""
        return self._enumerated[1].copy()

    def conditional(self, clamp: Mapping[Hashable, int]) -> "BoltzmannMachine":
        """Return the machine of the other units, given the clamped ones.

        Parameters
        ----------
        clamp : mapping label → 0 or 1
            Evidence; at least one unit must stay free.

        Returns
        -------
        BoltzmannMachine
            Its joint is p(free units | evidence): a clamped unit j moves the bias of i by W_ij z_j.

        Raises
        ------
        InvalidInput
            For an unknown label, a value other than 0 or 1, or no unit left.
        """
        units, values = _validate.clamp(clamp, self.labels, 1)
        free = np.setdiff1d(np.arange(self.n_units), units)
        return BoltzmannMachine(
            self.weights[np.ix_(free, free)],
            self.biases[free] + self.weights[np.ix_(free, units)] @ values[0],
            labels=[self.labels[k] for k in free],
        )

    @functools.cached_property
    def _enumerated(self) -> tuple[float, NDArray[np.float64]]:
        """log Z and the pair moments, in one pass over all states."""
        n = self.n_units
        low = min(n, LOW_UNITS)
        z = all_states(low).astype(np.float64)
        peak, total = -np.inf, 0.0
        moments = np.zeros((n, n))
        for first, log_weight in self._blocks():
            top = float(log_weight.max())
            if top > peak:
                scale = np.exp(peak - top)
                total, moments, peak = total * scale, moments * scale, top
            weight = np.exp(log_weight - peak)
            mass = float(weight.sum())
            total += mass
            high = np.array([(first >> k) & 1 for k in range(low, n)], np.float64)
            mean = weight @ z
            moments[:low, :low] += (z * weight[:, None]).T @ z
            moments[:low, low:] += np.outer(mean, high)
            moments[low:, :low] += np.outer(high, mean)
            moments[low:, low:] += mass * np.outer(high, high)
        return peak + float(np.log(total)), moments / total

    def _blocks(self) -> Iterator[tuple[int, NDArray[np.float64]]]:
        """Give (index of the first state, -E of the 2**low states from there), block by block.

        Within a block only the low units change, so that -E is a constant, plus a term that is
        linear in them, plus their own energy, which is the same in every block.
        """
        n = self.n_units
        if n > MAX_ENUMERATED:
            raise InvalidInput(
                f"enumeration needs at most {MAX_ENUMERATED} units, this machine has {n}"
            )
        low = min(n, LOW_UNITS)
        z = all_states(low).astype(np.float64)
        w, b = self.weights, self.biases
        inner = 0.5 * np.sum((z @ w[:low, :low]) * z, axis=1) + z @ b[:low]
        for block in range(2 ** (n - low)):
            high = np.array([(block >> k) & 1 for k in range(n - low)], np.float64)
            constant = 0.5 * high @ w[low:, low:] @ high + b[low:] @ high
            yield block << low, inner + (z @ (w[:low, low:] @ high) + constant)

    def to_spin(self) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
        """Return (J, h, offset) of the same distribution over spins s = 2z - 1.

        In the convention of dimod: p ∝ exp(-H), H(s) = Σ_i h_i s_i + Σ_{i<j} J_ij s_i s_j + offset,
        J symmetric with zero diagonal, and H(s) = E(z) exactly.
        """
        w, b = self.weights, self.biases
        return -w / 4, -(b / 2 + w.sum(axis=1) / 4), float(-b.sum() / 2 - w.sum() / 8)

    @classmethod
    def from_spin(
        cls, J: ArrayLike, h: ArrayLike, labels: Iterable[Hashable] | None = None
    ) -> "BoltzmannMachine":
        """Return the machine of p(s) ∝ exp(-Σ h_i s_i - Σ_{i<j} J_ij s_i s_j), s = 2z - 1."""
        couplings = _validate.finite_array("J", J, 2)
        fields = _validate.finite_array("h", h, 1)
        if couplings.shape != (len(fields), len(fields)):
            raise InvalidInput(f"J must have shape {(len(fields),) * 2}, got {couplings.shape}")
        weights = -4 * couplings
        return cls(weights, -2 * fields - weights.sum(axis=1) / 2, labels)

    @classmethod
    def fit(
        cls, data: ArrayLike, l2: float = 0.0, labels: Iterable[Hashable] | None = None
    ) -> "BoltzmannMachine":
        """Return the machine of maximum likelihood for `data`; see `photinus.learning.fit_exact`.

        Parameters
        ----------
        data : array (sample, unit) of 0 and 1, at most 16 units
        l2
            Weight of the penalty l2/2 Σ_{i<j} W_ij² on the mean log-likelihood, >= 0.
        """
        from photinus.learning import fit_exact

        return fit_exact(data, l2=l2, labels=labels)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the machine to `path`, as JSON or NumPy archive by its suffix (.json, .npz)."""
        suffix = _suffix(path)
        if suffix == ".json":
            document = {
                "kind": KIND,
                "schema": SCHEMA,
                "labels": list(self.labels),
                "weights": self.weights.tolist(),
                "biases": self.biases.tolist(),
            }
            _files.write_text(path, json.dumps(document) + "\n")
            return
        buffer = io.BytesIO()
        np.savez(
            buffer,
            kind=np.array(KIND),
            schema=np.array(SCHEMA),
            labels=np.array(json.dumps(list(self.labels))),
            weights=self.weights,
            biases=self.biases,
        )
        _files.write_bytes(path, buffer.getvalue())

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "BoltzmannMachine":
        """Read a machine that `save` wrote, or an .npz with arrays `weights` and `biases`.

        Raises
        ------
        InvalidInput
            If the file is missing, truncated, of another kind or of a newer schema.
        """
        if _suffix(path) == ".json":
            document = _files.read_json(path, kind=KIND, schema=SCHEMA)
        else:
            document = _read_npz(path)
        with _files.reading(path, KIND):
            return cls(document["weights"], document["biases"], document["labels"])


def all_states(n: int) -> NDArray[np.uint8]:
    """Return all states of `n` units, array (2**n, n), in the order of their index."""
    index = np.arange(2**n)
    return ((index[:, None] >> np.arange(n)) & 1).astype(np.uint8)


def _checked_labels(labels: Iterable[Hashable] | None, n: int) -> tuple[Hashable, ...]:
    if labels is None:
        return tuple(range(n))
    checked: list[Hashable] = []
    for label in labels:
        plain = label.item() if isinstance(label, np.generic) else label
        if isinstance(plain, bool) or not isinstance(plain, (str, int)):
            raise InvalidInput(f"labels must be strings or whole numbers, got {label!r}")
        if plain in checked:
            raise InvalidInput(f"labels must differ from each other, got {plain!r} twice")
        checked.append(plain)
    _validate.same_length("labels", checked, "biases", n)
    return tuple(checked)


def _suffix(path: str | os.PathLike[str]) -> str:
    suffix = Path(path).suffix
    if suffix not in (".json", ".npz"):
        raise InvalidInput(f"model file {str(path)!r} must end in .json or .npz")
    return suffix


def _read_npz(path: str | os.PathLike[str]) -> dict[str, Any]:
    content = _files.read_bytes(path)
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except (ValueError, OSError, EOFError, zipfile.BadZipFile):
        raise InvalidInput(f"file {str(path)!r} is not a complete .npz archive") from None
    if "schema" in arrays:
        _files.check_schema(path, arrays["schema"].item(), SCHEMA)
    labels = arrays.get("labels")
    if labels is not None and "kind" in arrays:
        with _files.reading(path, KIND):
            return {**arrays, "labels": json.loads(labels.item())}
    return {**arrays, "labels": None if labels is None else labels.tolist()}
