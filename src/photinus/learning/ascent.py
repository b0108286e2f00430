"""How a machine with hidden units climbs the likelihood, batch by batch: chains, gradients, updates.

The gradient is <z_i z_j> under the data minus that under the machine; `photinus.learning.estimator`
tells where it comes from.
"""

import logging
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from photinus._core import memory, validate
from photinus._core.logistic import logistic, softplus
from photinus.errors import InvalidInput
from photinus.learning.likelihood import bernoulli, two_sides
from photinus.learning.scikit import check_is_fitted
from photinus.learning.units import labelled
from photinus.machines.boltzmann import BoltzmannMachine

INITIAL_WEIGHT = 0.01
"""Standard deviation of the first weights (Hinton 2012, A practical guide, section 8)."""
CENTRE_RATE = 0.01
"""Part by which running means move to those of a batch."""
MEAN_FIELD_STEPS = 10
"""Passes of mean field over the hidden units of a deep machine, given data."""
NegativePhase = Callable[[BoltzmannMachine], NDArray[np.uint8]]
"""Returns states (chain, unit) of the machine as it is now."""
BYTES_PER_WEIGHT, BYTES_PER_STATE = 30, 12
"""Memory of learning, for each pair of units, and for each unit of a chain."""
FIGURES = 1000
"""Images on which the figures of an epoch are taken."""
logger = logging.getLogger("photinus")


class Ascent:
    """Parameters, running means and chains of a machine that learns, and how a batch moves them.

    Its settings are those of `BoltzmannEstimator`, which is one.
    """

    hidden: tuple[int, ...]
    visible_couplings: bool
    method: str
    steps: int
    chains: int
    batch_size: int
    learning_rate: float
    final_rate: float
    momentum: float
    weight_decay: float
    replicas: int
    hottest: float
    negative: NegativePhase | None
    n_features_in_: int
    weights_: NDArray[np.float32]
    """Array (unit, unit)."""
    biases_: NDArray[np.float32]
    """Array (unit,)."""
    layers_: NDArray[np.intp]
    """Layer of each unit, array (unit,)."""
    history_: list[dict[str, float]]
    _best: tuple[NDArray[np.float32], NDArray[np.float32]] | None
    """Parameters of the highest validation figure."""
    _run: dict[str, Any] | None
    """What a checkpoint must agree with."""

    def _begin(self, visible: NDArray[np.float32], generator: np.random.Generator) -> None:
        """Set parameters, means and chains to their first values."""
        self._generator = generator
        v = visible.shape[1]
        sizes = (v, *self.hidden)
        n = sum(sizes)
        needed = BYTES_PER_WEIGHT * n * n + BYTES_PER_STATE * n * self.chains * self.replicas
        memory.require(needed, f"learning {n} units, every pair with a weight,")
        layer = np.repeat(np.arange(len(sizes)), sizes)
        coupled = np.abs(layer[:, None] - layer) == 1
        if self.visible_couplings:
            coupled[:v, :v] = ~np.eye(v, dtype=bool)
        self.layers_ = layer
        self._coupled = coupled
        self._sides = _sides(coupled, layer)
        rows, columns = self._pairs()
        weights = np.zeros((n, n), np.float32)
        drawn = generator.normal(0, INITIAL_WEIGHT, coupled.shape).astype(np.float32)
        weights[coupled] = drawn[coupled]
        self.weights_ = np.triu(weights) + np.triu(weights, 1).T
        mean = (visible.sum(axis=0) + 1) / (len(visible) + 2)
        self.biases_ = np.zeros(n, np.float32)
        self.biases_[:v] = np.log(mean / (1 - mean))
        self._centre = np.full(n, 0.5, np.float32)
        self._centre[:v] = mean
        self._velocity = np.zeros((len(range(n)[rows]), len(range(n)[columns])), np.float32)
        replicas = self.replicas if self.method == "tempered" else 1
        self._chains = (generator.random((replicas, self.chains, n)) < 0.5).astype(np.float32)
        start = generator.random((replicas, self.chains, v)) < mean
        self._chains[:, :, :v] = start
        self.history_ = []
        self._best = None
        self._run = None

    def _pairs(self) -> tuple[slice, slice]:
        """Return the units whose products the gradient is made of."""
        if self._sides is None:
            return slice(None), slice(None)
        return self._sides

    def _epoch(
        self, visible: NDArray[np.float32], held: NDArray[np.float32], start: float, length: float
    ) -> None:
        """Go once through the data; `start` and `length` of the epoch are parts of the whole run."""
        started = time.perf_counter()
        order = self._generator.permutation(len(visible))
        size = min(self.batch_size, len(visible))
        batches = len(visible) // size
        for k in range(batches):
            part = start + length * k / batches
            rate = self.learning_rate + (self.final_rate - self.learning_rate) * part
            self._update(visible[order[k * size : (k + 1) * size]], np.float32(rate))
        if not np.isfinite(self.biases_).all() or not np.isfinite(self.weights_).all():
            raise InvalidInput(
                f"learning_rate must be smaller for these data, with {self.learning_rate:g} the "
                "weights grew without limit"
            )
        some = visible[: min(FIGURES, len(visible))]
        figures = {
            "epoch": float(len(self.history_) + 1),
            "seconds": time.perf_counter() - started,
            "reconstruction": self._reconstruction(some),
            "pseudo_likelihood": self._pseudo_likelihood(some),
            "weight_norm": float(np.linalg.norm(self.weights_)),
        }
        if len(held):
            figures["validation"] = self._pseudo_likelihood(held[:FIGURES])
        self.history_.append(figures)
        told = ", ".join(f"{name} {value:.5g}" for name, value in figures.items())
        logger.info("learning: %s", told)

    def _update(self, batch: NDArray[np.float32], rate: np.float32) -> None:
        """Move the parameters by the gradient of one batch."""
        rows, columns = self._pairs()
        device = None if not hasattr(self.negative, "given") or not self.hidden else self.negative
        data = self._given(batch) if device is None else device.given(self.machine(), batch)
        if self.negative is not None:
            model = self.negative(self.machine()).astype(np.float32)
        elif self.method == "cd":
            model = data.copy()
            hidden = self.layers_ > 0
            model[:, hidden] = (
                self._generator.random((len(data), int(hidden.sum())), dtype=np.float32)
                < (data[:, hidden])
            )
            model = self._advanced(model[None])[0]
        else:
            self._chains = self._advanced(self._chains)
            model = self._chains[0]
        model_means = self._smooth(model)
        centre = self._centre
        a, b = data - centre, model_means - centre
        gradient = a[:, rows].T @ a[:, columns] / np.float32(len(a))
        gradient -= b[:, rows].T @ b[:, columns] / np.float32(len(b))
        gradient *= self._coupled[rows, columns]
        self._velocity *= np.float32(self.momentum)
        self._velocity += (rate * np.float32(1 - self.momentum)) * (
            gradient - np.float32(self.weight_decay) * self.weights_[rows, columns]
        )
        change = data.mean(axis=0) - model_means.mean(axis=0)
        self.weights_[rows, columns] += self._velocity
        if self._sides is None:
            change -= gradient @ centre
        else:
            self.weights_[columns, rows] = self.weights_[rows, columns].T
            change[rows] -= gradient @ centre[columns]
            change[columns] -= centre[rows] @ gradient
        self.biases_ += rate * change
        # The centre of the hidden units follows them, and the function of the machine must not move.
        moved = np.where(self.layers_ > 0, CENTRE_RATE * (data.mean(axis=0) - centre), 0)
        self._centre = (centre + moved).astype(np.float32)

    def _field(self, states: NDArray[np.float32], units: slice) -> NDArray[np.float32]:
        """Return the log odds of a side, or of one unit, given the others."""
        if self._sides is None:
            return np.asarray(states @ self.weights_[:, units] + self.biases_[units])
        other = self._sides[1] if units == self._sides[0] else self._sides[0]
        return np.asarray(states[..., other] @ self.weights_[other, units] + self.biases_[units])

    def _groups(self) -> list[slice]:
        """Return the groups of units that are drawn at once, the visible ones last."""
        if self._sides is not None:
            return [self._sides[1], self._sides[0]]
        if self.visible_couplings:
            return [slice(k, k + 1) for k in range(len(self.biases_) - 1, -1, -1)]
        # Layers of a deep machine: odd ones given the even ones, then even ones, the visible one last.
        ends = np.cumsum(np.bincount(self.layers_)).tolist()
        layers = [slice(start, end) for start, end in zip([0, *ends], ends, strict=False)]
        return [*layers[1::2], *layers[2::2], layers[0]]

    def _advanced(self, chains: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return chains (replica, chain, unit) after the sweeps of one update."""
        replicas = len(chains)
        beta = (
            np.linspace(1, 1 / self.hottest, replicas, dtype=np.float32) if replicas > 1 else np.ones(1)
        )
        beta = beta.astype(np.float32)[:, None, None]
        for _ in range(self.steps):
            for units in self._groups():
                field = self._field(chains, units)
                if replicas > 1:
                    field *= beta
                chains[..., units] = bernoulli(field, self._generator)
        if replicas > 1:
            self._swap(chains, beta[:, 0, 0])
        return chains

    def _swap(self, chains: NDArray[np.float32], beta: NDArray[np.float32]) -> None:
        """Swap neighbouring temperatures' states (Swendsen & Wang 1986, Phys. Rev. Lett. 57, 2607)."""
        rows, columns = self._pairs()
        bonds = chains[..., rows] @ self.weights_[rows, columns]
        if self._sides is None:
            bonds /= 2
        energy = -np.sum(bonds * chains[..., columns], axis=-1) - chains @ self.biases_
        for first in (0, 1):
            for k in range(first, len(beta) - 1, 2):
                gain = (beta[k] - beta[k + 1]) * (energy[k] - energy[k + 1])
                swap = np.log(self._generator.random(len(gain))) < gain
                for values in (chains, energy):
                    values[k, swap], values[k + 1, swap] = values[k + 1, swap], values[k, swap].copy()

    def _smooth(self, states: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return states with one side replaced by its means given the other: less noise."""
        if self._sides is None or self.negative is not None:
            return states
        smooth = states.copy()
        field = self._field(states, self._sides[1])
        smooth[:, self._sides[1]] = logistic(field, out=field)
        return smooth

    def _given(self, visible: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return means of all units given the visible ones: exact with one hidden layer."""
        n, v = len(self.biases_), visible.shape[1]
        states = np.full((len(visible), n), 0.5, np.float32)
        states[:, :v] = visible
        hidden = [np.flatnonzero(self.layers_ == k) for k in range(1, len(self.hidden) + 1)]
        for _ in range(1 if len(hidden) < 2 else MEAN_FIELD_STEPS):
            for units in hidden:
                layer = slice(units[0], units[-1] + 1)
                if len(hidden) == 1:
                    field = visible @ self.weights_[:v, layer] + self.biases_[layer]
                else:
                    field = states @ self.weights_[:, layer] + self.biases_[layer]
                states[:, layer] = logistic(field, out=field)
        return states

    def _reconstruction(self, visible: NDArray[np.float32]) -> float:
        """Return the mean absolute error of the visible units after down and up again."""
        states = self._given(visible)
        v = visible.shape[1]
        back = logistic(states @ self.weights_[:, :v] + self.biases_[:v])
        return float(np.abs(back - visible).mean())

    def _pseudo_likelihood(self, visible: NDArray[np.float32]) -> float:
        """Return an estimate of Σ_i log p(v_i | rest) per sample, one random unit of each flipped."""
        if len(self.hidden) > 1:
            return float("nan")
        v = visible.shape[1]
        # Its own generator: figures must not change what is learned.
        unit = np.random.default_rng(len(self.history_)).integers(v, size=len(visible))
        flipped = visible.copy()
        rows = np.arange(len(visible))
        flipped[rows, unit] = 1 - flipped[rows, unit]
        gap = self.free_energy(flipped) - self.free_energy(visible)
        return float(-v * np.logaddexp(0, -gap).mean())

    def machine(self) -> BoltzmannMachine:
        """Return the machine; its labels say which unit is which, see `photinus.learning.units`."""
        check_is_fitted(self, "weights_")
        weights = self.weights_.astype(np.float64)
        classes = getattr(self, "classes_", np.empty(0))
        return BoltzmannMachine(
            weights, self.biases_, labelled(self.n_features_in_, classes.tolist(), self.hidden)
        )

    def free_energy(self, visible: ArrayLike) -> NDArray[np.float64]:
        """Return F(v) = -log Σ_h exp(-E(v, h)), array (sample,), of visible states.

        Raises
        ------
        InvalidInput
            For machines with more than one hidden layer, whose sum has no closed form.
        """
        check_is_fitted(self, "weights_")
        if len(self.hidden) > 1:
            raise InvalidInput(f"hidden must be one layer for a free energy, got {self.hidden}")
        v = validate.binary_array("visible", visible).astype(np.float32)
        n = int(np.sum(self.layers_ == 0))
        if v.ndim != 2 or v.shape[1] != n:
            raise InvalidInput(f"visible must have shape (sample, {n}), got {v.shape}")
        field = v @ self.weights_[:n, n:] + self.biases_[n:]
        own = v @ self.biases_[:n]
        if self.visible_couplings:
            own = own + np.sum(v @ (self.weights_[:n, :n] / 2) * v, axis=1)
        hidden: NDArray[np.float64] = softplus(field).sum(axis=1, dtype=np.float64)
        return -own.astype(np.float64) - hidden


def _sides(coupled: NDArray[np.bool_], layer: NDArray[np.intp]) -> tuple[slice, slice] | None:
    """Return the two sides as contiguous units, the visible ones first; None for other machines."""
    if two_sides(coupled) is None or layer.max(initial=0) != 1:
        return None
    v = int(np.sum(layer == 0))
    return slice(0, v), slice(v, len(layer))
