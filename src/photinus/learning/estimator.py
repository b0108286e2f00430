"""Boltzmann machines with hidden units, learned from images or other binary data.

The gradient of the log-likelihood is <z_i z_j> under the data minus that under the machine (Ackley,
Hinton & Sejnowski 1985). The second is sampled: from the data on ("cd", Hinton 2002, Neural Comput. 14,
1771) or by chains that persist ("pcd", Tieleman 2008, ICML). Chains at several temperatures may swap
states ("tempered", Desjardins et al. 2010, AISTATS). Or the caller gives a sampler, such as simulated
lasers. Statistics are centred on running means (Melchior, Fischer & Wiskott 2016, JMLR 17, 99), without
which the first epochs go into the biases.
"""

import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from photinus._core.progress import Progress, tracked
from photinus._core.streams import seed_sequence
from photinus.errors import InvalidInput
from photinus.learning import checkpoint
from photinus.learning.ascent import Ascent, NegativePhase
from photinus.learning.checks import (
    check_parameters,
    checked_classes,
    columns,
)
from photinus.learning.scikit import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    check_is_fitted,
)

UPDATES = 8400
"""Updates that a fit makes by default: with fewer, small sets of images are hardly learned."""
FEWEST_EPOCHS, MOST_EPOCHS = 10, 1000
"""Bounds of the epochs that this takes."""


class BoltzmannEstimator(
    Ascent,
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
    binarize
        Features above this threshold are 1, others 0, as in scikit-learn's `BernoulliNB`. At the
        default, 0 and 1 stay as they are. Scikit-learn asks every estimator to take any numbers, but
        what they mean to units of 0 and 1 is a guess. So other values give a `DataConversionWarning`,
        which tells of a forgotten scaling. None refuses them.
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

    Examples
    --------
    >>> import numpy as np
    >>> from photinus.learning import BoltzmannEstimator
    >>> images = np.array([[1, 1, 0, 0], [0, 0, 1, 1]] * 20)
    >>> model = BoltzmannEstimator((3,), batch_size=8, epochs=60, learning_rate=0.3, seed=0)
    >>> model = model.fit(images, [0, 1] * 20)
    >>> model.predict([[1, 1, 0, 0], [0, 0, 1, 1]])
    array([0, 1])
    >>> model.predict_proba(images[:2]).round(1)
    array([[1., 0.],
           [0., 1.]])
    >>> model.score(images, [0, 1] * 20), model.transform(images[:2]).shape
    (1.0, (2, 3))
    >>> model.score_samples(images[:2]).shape
    (2,)
    >>> model.partial_fit(images, [0, 1] * 20).predict_log_proba(images[:2]).shape
    (2, 2)
    >>> model.free_energy(np.hstack([images[:2], np.eye(2, dtype=int)])).shape
    (2,)
    """

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
        binarize: float | None = 0.5,
        seed: int | np.random.SeedSequence | None = 0,
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
        self.binarize = binarize
        self.seed = seed
        self.checkpoint = checkpoint
        self.resume = resume
        self.progress = progress

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import ClassifierTags  # where there are such tags, there is this

        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.classifier_tags = ClassifierTags()  # it is one, if learned with labels
        tags.transformer_tags.preserves_dtype = []  # means are float32 whatever comes in
        return tags

    # Learning

    def fit(self, X: ArrayLike, y: ArrayLike | None = None) -> "BoltzmannEstimator":
        """Learn from `X`, array (sample, feature) of 0 and 1, with labels `y`, array (sample,), if any.

        With labels, one visible unit per class stands beside the features.

        Raises
        ------
        InvalidInput
            If the data are not finite numbers (without `binarize`: 0 and 1), or a parameter is out of
            its range.

        Warns
        -----
        DataConversionWarning
            If other values than 0 and 1 are turned into these.
        """
        check_parameters(self)
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
        self._run = checkpoint.fingerprint(self, visible)
        if self.resume and self.checkpoint is not None and Path(self.checkpoint).exists():
            checkpoint.restore(self, self.checkpoint, self._run)
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

    def partial_fit(self, X: ArrayLike, y: ArrayLike | None = None) -> "BoltzmannEstimator":
        """Go once through more data at the learning rate, from wherever the machine is."""
        check_parameters(self)
        started = hasattr(self, "weights_")
        visible = self._visible(X, y, fresh=not started)
        if not started:
            self._begin(visible, np.random.default_rng(seed_sequence(self.seed).spawn(2)[1]))
        self._epoch(visible, visible[:0], 0.0, 0.0)
        return self

    def _visible(self, X: ArrayLike, y: ArrayLike | None, *, fresh: bool) -> NDArray[np.float32]:
        """Return the states of the visible units, array (sample, unit)."""
        features = columns(self, X, fresh=fresh)
        if fresh:
            self.__dict__.pop("classes_", None)
            if y is not None:
                self.classes_ = np.unique(checked_classes(y, len(features)))
        if (y is not None) != hasattr(self, "classes_"):
            raise InvalidInput(
                "y must be given to a machine that was learned with labels, and to no other"
            )
        if y is None:
            return features.astype(np.float32)
        labels = checked_classes(y, len(features))
        unknown = labels[~np.isin(labels, self.classes_)]
        if len(unknown):
            raise InvalidInput(f"y must be one of {self.classes_.tolist()}, got {unknown[0]!r}")
        return np.hstack([features, labels[:, None] == self.classes_]).astype(np.float32)

    # What has been learned

    @property
    def _n_features_out(self) -> int:
        """Number of columns that `transform` returns, for scikit-learn's names of them."""
        return len(self.layers_) if not self.hidden else int(self.hidden[0])

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
        labels = checked_classes(y, len(predicted))
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
        return columns(self, X, fresh=False).astype(np.float32)

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

    # Files

    def save(self, path: str | Path) -> None:
        """Write everything that learning needs to go on (.npz)."""
        check_is_fitted(self, "weights_")
        checkpoint.write(self, path)

    @classmethod
    def load(cls, path: str | Path, *, negative: NegativePhase | None = None) -> "BoltzmannEstimator":
        """Return the estimator that `save` wrote, ready to predict and to go on with `partial_fit`.

        `negative` is as in the constructor; its state is restored if it was saved.

        Raises
        ------
        InvalidInput
            If the file is missing, damaged or of another kind.
        """
        found: BoltzmannEstimator = checkpoint.load(cls, path, negative)
        return found
