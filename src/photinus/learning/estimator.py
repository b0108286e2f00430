"""Boltzmann machines with hidden units, learned from images or other binary data.

The gradient of the log-likelihood is <z_i z_j> under the data minus that under the machine (Ackley,
Hinton & Sejnowski 1985). The second is sampled: from the data on ("cd", Hinton 2002, Neural Comput.
14, 1771), by chains that persist ("pcd", Tieleman 2008, ICML), by chains at several temperatures that
swap states ("tempered", Desjardins et al. 2010, AISTATS), or by whatever the caller gives, such as
simulated lasers. Statistics are centred on running means (Melchior, Fischer & Wiskott 2016, JMLR 17,
99), without which the first epochs go into the biases.
"""

import hashlib
import json
import logging
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from photinus._core import files, validate
from photinus._core.progress import Progress, tracked
from photinus._core.streams import seed_sequence
from photinus.errors import InvalidInput, MissingDependency
from photinus.learning.likelihood import bernoulli, sigmoid, softplus, two_sides
from photinus.learning.units import labelled
from photinus.machines.boltzmann import BoltzmannMachine

try:
    from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
    from sklearn.utils.validation import _check_feature_names, check_array, check_is_fitted
except ImportError:
    raise MissingDependency(
        "learning needs scikit-learn, whose estimators it follows: pip install 'photinus[learn]'"
    ) from None

METHODS = ("pcd", "cd", "tempered")
INITIAL_WEIGHT = 0.01
"""Standard deviation of the first weights (Hinton 2012, A practical guide, section 8)."""
CENTRE_RATE = 0.01
"""Part by which running means move to those of a batch."""
MEAN_FIELD_STEPS = 10
"""Passes of mean field over the hidden units of a deep machine, given data."""
UPDATES = 8400
"""Updates that a fit makes by default: with fewer, small sets of images are hardly learned."""
FEWEST_EPOCHS, MOST_EPOCHS = 10, 1000
"""Bounds of the epochs that this takes."""
FIGURES = 1000
"""Images on which the figures of an epoch are taken."""
KIND = "boltzmann-estimator"

UNCHECKED = ("negative", "checkpoint", "resume", "progress")
"""Parameters that a checkpoint does not fix."""
NegativePhase = Callable[[BoltzmannMachine], NDArray[np.uint8]]
"""Returns states (chain, unit) of the machine as it is now."""
logger = logging.getLogger("photinus")


class BoltzmannEstimator(
    ClassNamePrefixFeaturesOutMixin,  # type: ignore[misc]
    TransformerMixin,  # type: ignore[misc]
    BaseEstimator,  # type: ignore[misc]
):
    """A Boltzmann machine with hidden units, as a scikit-learn estimator.

    Restricted with one hidden layer, deep with several, fully visible with none and
    `visible_couplings`: the same machine with another mask.

    Parameters
    ----------
    hidden : tuple of int
        Units of each hidden layer.
    visible_couplings
        Couplings between all visible units; then at most one hidden layer. Slow: sampled unit by unit.
    method
        "pcd", "cd" or "tempered".
    steps
        Gibbs sweeps of the chains per update.
    batch_size, chains
        Samples per update, and persistent chains ("cd" has as many as samples).
    epochs
        Passes through the data. By default as many as make about 8 400 updates, from 10 to 1 000.
    learning_rate, final_rate
        Rate of the first and of the last update; it falls linearly.
    momentum, weight_decay
        Of the updates; the decay is per unit of learning rate, on weights only.
    replicas, hottest
        Temperatures of "tempered" (inverse ones are evenly spaced), and the highest one.
    validation_fraction, patience
        Hold back that part of the data, and stop when its pseudo-likelihood has not risen for so many
        epochs; the best parameters are kept. 0 to use all the data and all epochs. Not for deep
        machines, which have no such figure in closed form.
    negative
        Called with the machine to sample it instead of `method`, such as
        `photinus.learning.loop.DeviceChains`. One that has `given` samples the hidden units given the
        data too; one that has `state` and `restore` is stored in checkpoints.
    seed
        Of everything random.
    checkpoint, resume
        File to write after each epoch, and whether to go on from it, if it is there: the result is
        that of an uninterrupted run. The data and the other parameters must be the same.
    progress
        As in `photinus.sample`.

    Attributes
    ----------
    weights_ : array (unit, unit)
        Symmetric, zero where there is no coupling; visible units first, classes after the features,
        then the hidden layers.
    biases_ : array (unit,)
    classes_ : array (class,), if learned with labels
    history_ : list of dict
        Per epoch: seconds, reconstruction error, pseudo-likelihood, weight norm; also logged.
    """

    weights_: NDArray[np.float32]
    biases_: NDArray[np.float32]
    _best: tuple[NDArray[np.float32], NDArray[np.float32]] | None
    """Parameters of the highest validation figure."""
    _run: dict[str, Any] | None
    """What a checkpoint must agree with."""

    def __init__(
        self,
        hidden: tuple[int, ...] = (64,),
        *,
        visible_couplings: bool = False,
        method: str = "pcd",
        steps: int = 1,
        batch_size: int = 50,
        chains: int = 100,
        epochs: int | None = None,
        learning_rate: float = 0.1,
        final_rate: float = 0.0,
        momentum: float = 0.5,
        weight_decay: float = 1e-4,
        replicas: int = 8,
        hottest: float = 2.0,
        validation_fraction: float = 0.0,
        patience: int = 5,
        negative: NegativePhase | None = None,
        seed: int | None = 0,
        checkpoint: str | Path | None = None,
        resume: bool = False,
        progress: Progress | bool | None = None,
    ) -> None:
        self.hidden = hidden
        self.visible_couplings = visible_couplings
        self.method = method
        self.steps = steps
        self.batch_size = batch_size
        self.chains = chains
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.final_rate = final_rate
        self.momentum = momentum
        self.weight_decay = weight_decay
        self.replicas = replicas
        self.hottest = hottest
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.negative = negative
        self.seed = seed
        self.checkpoint = checkpoint
        self.resume = resume
        self.progress = progress

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.transformer_tags.preserves_dtype = []  # means are float32 whatever comes in
        return tags

    # Learning

    def fit(self, X: ArrayLike, y: ArrayLike | None = None) -> "BoltzmannEstimator":
        """Learn from `X`, array (sample, feature) of 0 and 1, with labels `y`, array (sample,), if any.

        With labels, one visible unit per class stands beside the features.

        Raises
        ------
        InvalidInput
            If the data are not 0 and 1, or a parameter is out of its range.
        """
        self._check()
        visible = self._visible(X, y, fresh=True)
        split, generator = (np.random.default_rng(s) for s in seed_sequence(self.seed).spawn(2))
        held = visible[:0]
        if self.validation_fraction:
            order = split.permutation(len(visible))
            cut = round(self.validation_fraction * len(visible))
            if not 0 < cut < len(visible):
                raise InvalidInput(
                    f"validation_fraction must leave samples on both sides of {len(visible)}, "
                    f"got {self.validation_fraction:g}"
                )
            held, visible = visible[order[:cut]], visible[order[cut:]]
        self._begin(visible, generator)
        self._run = self._fingerprint(visible)
        if self.resume and self.checkpoint is not None and Path(self.checkpoint).exists():
            self._restore(self.checkpoint, self._run)
        epochs = self._epochs(len(visible))
        with tracked(self.progress, "learning", epochs) as advance:
            advance(len(self.history_))
            while len(self.history_) < epochs and not self._stalled():
                self._epoch(visible, held, len(self.history_) / epochs, 1 / epochs)
                if self._best_epoch() == len(self.history_):
                    self._best = self.weights_.copy(), self.biases_.copy()
                if self.checkpoint is not None:
                    self.save(self.checkpoint)
                advance(1)
        if self._best is not None:
            self.weights_, self.biases_ = (values.copy() for values in self._best)
        return self

    def _epochs(self, samples: int) -> int:
        """Return the passes through so many samples."""
        if self.epochs is not None:
            return self.epochs
        updates = max(samples // self.batch_size, 1)
        return min(max(math.ceil(UPDATES / updates), FEWEST_EPOCHS), MOST_EPOCHS)

    def _best_epoch(self) -> int | None:
        """Return the epoch of the highest validation figure, counted from 1; None without one."""
        figures = [entry["validation"] for entry in self.history_ if "validation" in entry]
        return int(np.argmax(figures)) + 1 if figures else None

    def _stalled(self) -> bool:
        """Return whether the validation figure has not risen for `patience` epochs."""
        best = self._best_epoch()
        return best is not None and len(self.history_) - best >= self.patience

    def _fingerprint(self, visible: NDArray[np.float32]) -> dict[str, Any]:
        """Return what must be the same for a checkpoint to be gone on with, for JSON."""
        found = {name: value for name, value in self.get_params().items() if name not in UNCHECKED}
        digest = hashlib.sha256(np.packbits(visible.astype(np.uint8), axis=1).tobytes()).hexdigest()
        found = {k: v.item() if isinstance(v, np.generic) else v for k, v in found.items()}
        return {
            **found,
            "hidden": [int(units) for units in self.hidden],
            "data": f"{visible.shape} {digest}",
        }

    def partial_fit(self, X: ArrayLike, y: ArrayLike | None = None) -> "BoltzmannEstimator":
        """Go once through more data at the learning rate, from wherever the machine is."""
        self._check()
        started = hasattr(self, "weights_")
        visible = self._visible(X, y, fresh=not started)
        if not started:
            self._begin(visible, np.random.default_rng(seed_sequence(self.seed).spawn(2)[1]))
        self._epoch(visible, visible[:0], 0.0, 0.0)
        return self

    def _check(self) -> None:
        if not isinstance(self.hidden, (tuple, list)):
            raise InvalidInput(f"hidden must be the units of each layer, got {self.hidden!r}")
        layers = [validate.integer("hidden", units, 1) for units in self.hidden]
        validate.one_of("method", self.method, METHODS)
        validate.flag("visible_couplings", self.visible_couplings)
        validate.flag("resume", self.resume)
        for name in ("steps", "batch_size", "chains", "epochs", "patience", "replicas"):
            if name != "epochs" or self.epochs is not None:
                validate.integer(name, getattr(self, name), 1)
        validate.positive("learning_rate", self.learning_rate)
        if validate.positive("hottest", self.hottest) < 1:
            raise InvalidInput(f"hottest must be at least 1, got {self.hottest:g}")
        if self.method == "tempered" and self.replicas < 2:
            raise InvalidInput(f"replicas must be at least 2 for 'tempered', got {self.replicas}")
        for name in ("final_rate", "weight_decay"):
            validate.non_negative(name, getattr(self, name))
        for name in ("momentum", "validation_fraction"):
            if not 0 <= validate.number(name, getattr(self, name)) < 1:
                raise InvalidInput(f"{name} must be from 0 to below 1, got {getattr(self, name)!r}")
        if self.validation_fraction and len(layers) > 1:
            raise InvalidInput(
                "validation_fraction must be 0 for deep machines, whose pseudo-likelihood has no "
                f"closed form, got {self.validation_fraction:g}"
            )
        if self.visible_couplings and len(layers) > 1:
            raise InvalidInput(f"hidden must be at most one layer with visible_couplings, got {layers}")
        if not self.visible_couplings and not layers:
            raise InvalidInput("hidden must be at least one layer, or visible_couplings be set, got ()")

    def _visible(self, X: ArrayLike, y: ArrayLike | None, *, fresh: bool) -> NDArray[np.float32]:
        """Return the states of the visible units, array (sample, unit)."""
        features = self._columns(X, fresh=fresh)
        if fresh:
            self.__dict__.pop("classes_", None)
            if y is not None:
                self.classes_ = np.unique(_checked_classes(y, len(features)))
        if (y is not None) != hasattr(self, "classes_"):
            raise InvalidInput(
                "y must be given to a machine that was learned with labels, and to no other"
            )
        if y is None:
            return features.astype(np.float32)
        labels = _checked_classes(y, len(features))
        unknown = labels[~np.isin(labels, self.classes_)]
        if len(unknown):
            raise InvalidInput(f"y must be one of {self.classes_.tolist()}, got {unknown[0]!r}")
        return np.hstack([features, labels[:, None] == self.classes_]).astype(np.float32)

    def _columns(self, X: Any, *, fresh: bool) -> NDArray[np.uint8]:
        """Return the features, array (sample, feature), after scikit-learn's look at their names.

        A frame must have the columns that `fit` has seen, in the same order.
        """
        if not isinstance(X, np.ma.MaskedArray):
            X = _by_sklearn(lambda: _as_numbers(self, X, fresh))
        features = validate.binary_array("X", X)
        if fresh:
            self.n_features_in_ = features.shape[1]
        elif features.shape[1] != self.n_features_in_:
            raise InvalidInput(
                f"X has {features.shape[1]} features, but {type(self).__name__} is expecting "
                f"{self.n_features_in_} features as input"
            )
        return features

    def _begin(self, visible: NDArray[np.float32], generator: np.random.Generator) -> None:
        """Set parameters, means and chains to their first values."""
        self._generator = generator
        v = visible.shape[1]
        sizes = (v, *self.hidden)
        n = sum(sizes)
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
        self.history_: list[dict[str, float]] = []
        self._best = None
        self._run = None

    def _pairs(self) -> tuple[slice, slice]:
        """Return the units whose products the gradient is made of."""
        if self._sides is None:
            return slice(None), slice(None)
        return self._sides

    def _epoch(
        self, visible: NDArray[np.float32], held: NDArray[np.float32], begin: float, length: float
    ) -> None:
        """Go once through the data; `begin` and `length` of the epoch are parts of the whole run."""
        started = time.perf_counter()
        order = self._generator.permutation(len(visible))
        size = min(self.batch_size, len(visible))
        batches = len(visible) // size
        for k in range(batches):
            part = begin + length * k / batches
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
        layers = [slice(begin, end) for begin, end in zip([0, *ends], ends, strict=False)]
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
        smooth[:, self._sides[1]] = sigmoid(self._field(states, self._sides[1]))
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
                states[:, layer] = sigmoid(np.asarray(field))
        return states

    # What has been learned

    @property
    def _n_features_out(self) -> int:
        """Number of columns that `transform` returns, for scikit-learn's names of them."""
        return len(self.layers_) if not self.hidden else int(self.hidden[0])

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

    def _by_class(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return -F of every sample with every class, array (sample, class)."""
        check_is_fitted(self, "weights_")
        if not hasattr(self, "classes_"):
            raise InvalidInput("y must have been given to fit for a machine to classify, got none")
        features = self._features(X)
        logs = []
        for k in range(len(self.classes_)):
            one = np.zeros((len(features), len(self.classes_)), np.float32)
            one[:, k] = 1
            logs.append(-self.free_energy(np.hstack([features, one])))
        return np.column_stack(logs)

    def predict_log_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return log P(class | features), exact, array (sample, class)."""
        logs = self._by_class(X)
        return np.asarray(logs - np.logaddexp.reduce(logs, axis=1)[:, None])

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return P(class | features), exact, array (sample, class)."""
        return np.exp(self.predict_log_proba(X))

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Return the most probable class of each sample (Larochelle & Bengio 2008, ICML, eq. 2)."""
        best = np.argmax(self._by_class(X), axis=1)
        return np.asarray(self.classes_[best])

    def score(self, X: ArrayLike, y: ArrayLike | None = None) -> float:
        """Return the accuracy of `predict` given labels, else the mean of `score_samples`."""
        if y is None:
            return float(self.score_samples(X).mean())
        predicted = self.predict(X)
        labels = _checked_classes(y, len(predicted))
        if not np.isin(labels, self.classes_).any():
            raise InvalidInput(f"y must hold classes among {self.classes_.tolist()}, got {labels[0]!r}")
        return float(np.mean(predicted == labels))

    def score_samples(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return log p*(x) of each sample: the log-likelihood plus log Z, classes summed out.

        Subtract `photinus.learning.log_partition(estimator.machine()).value` for log p.
        """
        check_is_fitted(self, "weights_")
        if hasattr(self, "classes_"):
            return np.asarray(np.logaddexp.reduce(self._by_class(X), axis=1))
        return -self.free_energy(self._features(X))

    def _features(self, X: ArrayLike) -> NDArray[np.float32]:
        """Return checked features, array (sample, feature)."""
        return self._columns(X, fresh=False).astype(np.float32)

    def transform(self, X: ArrayLike) -> NDArray[np.float32]:
        """Return the means of the first hidden layer given the features, array (sample, hidden).

        With classes: averaged over their posterior. Deep machines: by mean field.

        Raises
        ------
        InvalidInput
            For a machine without hidden units, or a deep one with classes.
        """
        check_is_fitted(self, "weights_")
        if not self.hidden:
            raise InvalidInput("hidden must be at least one layer to transform, got ()")
        features = self._features(X)
        first = self.layers_ == 1
        if not hasattr(self, "classes_"):
            return self._given(features)[:, first]
        found = np.zeros((len(features), int(first.sum())), np.float32)
        for k, weight in enumerate(self.predict_proba(X).T.astype(np.float32)):
            one = np.zeros((len(features), len(self.classes_)), np.float32)
            one[:, k] = 1
            found += weight[:, None] * self._given(np.hstack([features, one]))[:, first]
        return found

    def _reconstruction(self, visible: NDArray[np.float32]) -> float:
        """Return the mean absolute error of the visible units after down and up again."""
        states = self._given(visible)
        v = visible.shape[1]
        back = sigmoid(np.asarray(states @ self.weights_[:, :v] + self.biases_[:v]))
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

    # Files

    def save(self, path: str | Path) -> None:
        """Write everything that learning needs to go on (.npz)."""
        check_is_fitted(self, "weights_")
        head = {
            "kind": KIND,
            "schema": 1,
            "features": self.n_features_in_,
            "classes": getattr(self, "classes_", np.empty(0)).tolist(),
            "labelled": hasattr(self, "classes_"),
            "hidden": [int(units) for units in self.hidden],
            "visible_couplings": self.visible_couplings,
            "history": self.history_,
            "generator": self._generator.bit_generator.state,
            "run": self._run,
        }
        arrays: dict[str, Any] = {
            "head": np.array(files.to_json(head)),
            "weights": self.weights_,
            "biases": self.biases_,
            "centre": self._centre,
            "velocity": self._velocity,
            "chains": self._chains.astype(np.uint8),
        }
        if self._best is not None:
            arrays["best_weights"], arrays["best_biases"] = self._best
        if self.negative is not None and hasattr(self.negative, "state"):
            arrays |= {f"negative.{name}": value for name, value in self.negative.state().items()}
        files.write_npz(path, arrays)

    def _restore(self, path: str | Path, run: dict[str, Any] | None = None) -> None:
        """Go on from a file that `save` wrote; it must be of the same `run`, if one is given."""
        head, arrays = _read(path)
        with files.reading(path, "saved estimator"):
            self._take(path, head, arrays, run)

    def _take(
        self,
        path: str | Path,
        head: dict[str, Any],
        arrays: dict[str, NDArray[Any]],
        run: dict[str, Any] | None,
    ) -> None:
        """Put the content of a file in the place of what `_begin` made, if it is of the same shape."""
        for name, value in (run or {}).items():
            found = (head["run"] or {}).get(name)
            if found != value:
                raise InvalidInput(
                    f"checkpoint {str(path)!r} must be of a run with {name} {value}, got {found}"
                )
        shapes = {
            "weights": self.weights_.shape,
            "biases": self.biases_.shape,
            "centre": self._centre.shape,
            "velocity": self._velocity.shape,
            "chains": self._chains.shape,
            "best_weights": self.weights_.shape,
            "best_biases": self.biases_.shape,
        }
        for name in shapes.keys() & {*arrays, "weights", "biases", "centre", "velocity", "chains"}:
            if arrays[name].shape != shapes[name]:
                raise InvalidInput(f"{name} must have shape {shapes[name]}, got {arrays[name].shape}")
            validate.finite_array(name, arrays[name], len(shapes[name]))
        validate.binary_array("chains", arrays["chains"])
        self.weights_, self.biases_ = (arrays[n].astype(np.float32) for n in ("weights", "biases"))
        self._centre, self._velocity = (arrays[n].astype(np.float32) for n in ("centre", "velocity"))
        self._chains = arrays["chains"].astype(np.float32)
        self._generator.bit_generator.state = head["generator"]
        self.history_, self._run = head["history"], head["run"]
        if "best_weights" in arrays:
            self._best = arrays["best_weights"], arrays["best_biases"]
        prefix = "negative."
        saved = {name.removeprefix(prefix): v for name, v in arrays.items() if name.startswith(prefix)}
        if saved and self.negative is not None and hasattr(self.negative, "restore"):
            self.negative.restore(saved)

    @classmethod
    def load(cls, path: str | Path, *, negative: NegativePhase | None = None) -> "BoltzmannEstimator":
        """Return the estimator that `save` wrote, ready to predict and to go on with `partial_fit`.

        `negative` is as in the constructor; its state is restored if it was saved.

        Raises
        ------
        InvalidInput
            If the file is missing, damaged or of another kind.
        """
        head, arrays = _read(path)
        with files.reading(path, "saved estimator"):
            return cls._loaded(path, head, arrays, negative)

    @classmethod
    def _loaded(
        cls,
        path: str | Path,
        head: dict[str, Any],
        arrays: dict[str, NDArray[Any]],
        negative: NegativePhase | None,
    ) -> "BoltzmannEstimator":
        units = head["features"] + len(head["classes"]) + sum(head["hidden"])
        if arrays["biases"].shape != (units,) or arrays["chains"].ndim != 3:
            raise InvalidInput(f"biases must have {units} entries, got {arrays['biases'].shape}")
        known = {name: head["run"][name] for name in cls().get_params() if name in (head["run"] or {})}
        found = cls(**{**known, "hidden": tuple(head["hidden"]), "negative": negative})
        found.visible_couplings = head["visible_couplings"]
        found.n_features_in_ = head["features"]
        if head["labelled"]:
            found.classes_ = np.array(head["classes"])
        chains = arrays["chains"]
        found.chains = chains.shape[1]
        if len(chains) > 1:
            found.method, found.replicas = "tempered", len(chains)
        v = found.n_features_in_ + len(head["classes"])
        found._begin(np.zeros((1, v), np.float32), np.random.default_rng(0))
        found._take(path, head, arrays, None)
        return found


def _as_numbers(estimator: BoltzmannEstimator, X: Any, fresh: bool) -> Any:
    """Return features as an array, once scikit-learn has looked at their names and numbers."""
    _check_feature_names(estimator, X, reset=fresh)
    return check_array(X, accept_sparse=True, estimator=estimator)


def _by_sklearn(check: Callable[[], Any]) -> Any:
    """Return what a check of scikit-learn returns; what it raises becomes one sentence."""
    try:
        return check()
    except (ValueError, TypeError) as error:
        lines = str(error).splitlines() or [type(error).__name__]
        # Numbers of the array stand between the first line and the last one.
        whole = lines[0].startswith("The feature names")
        told = lines if whole else [lines[0], *(n for n in lines[1:] if n.startswith("Reshape"))]
        raise InvalidInput(
            validate.cut(f"X must have shape (sample, feature) and hold numbers: {' '.join(told)}")
        ) from None


def _checked_classes(y: Any, samples: int) -> NDArray[Any]:
    """Return the classes of so many samples, array (sample,) of whole numbers, floats or text."""
    try:
        labels = np.asarray(y) if not isinstance(y, np.ma.MaskedArray) else np.empty(0)
    except ValueError:
        labels = np.empty(0)
    if labels.dtype.kind == "O" and all(isinstance(label, str) for label in labels.ravel()):
        labels = labels.astype(str)
    if labels.shape != (samples,):
        raise InvalidInput(f"y must have one entry per sample ({samples}), got shape {labels.shape}")
    finite = labels.dtype.kind in "biuUS" or (labels.dtype.kind == "f" and np.isfinite(labels).all())
    if not finite:
        raise InvalidInput(f"y must be whole numbers, finite floats or text, got {validate.shown(y)}")
    return labels


def _read(path: str | Path) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Return head and arrays of a saved estimator."""
    arrays = files.read_npz(path, what="saved estimator")
    try:
        head = json.loads(str(arrays.pop("head")))
        if head["kind"] != KIND:
            raise KeyError
    except (KeyError, ValueError, TypeError, RecursionError):
        raise InvalidInput(f"file {str(path)!r} is not a complete saved estimator") from None
    files.check_schema(path, head.get("schema"), 1)
    return head, arrays


def _sides(coupled: NDArray[np.bool_], layer: NDArray[np.intp]) -> tuple[slice, slice] | None:
    """Return the two sides as contiguous units, the visible ones first; None for other machines."""
    if two_sides(coupled) is None or layer.max(initial=0) != 1:
        return None
    v = int(np.sum(layer == 0))
    return slice(0, v), slice(v, len(layer))
