"""How good generated images are, and how fast their sampler mixes."""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from photinus.errors import InvalidInput, MissingDependency
from photinus.learning.data import Images
from photinus.tasks import Dream


class Classifier(Protocol):
    """Anything with scikit-learn's `predict_proba` and `classes_`."""

    classes_: NDArray[Any]

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return P(class), array (sample, class)."""


def independent_classifier(images: Images, *, most: int = 20_000) -> Classifier:
    """Return a classifier that knows nothing of the machine: a small perceptron (scikit-learn)."""
    if images.labels is None:
        raise InvalidInput("images must have labels to train a classifier, got none")
    try:
        from sklearn.neural_network import MLPClassifier
    except ImportError:
        raise MissingDependency(
            "evaluation needs scikit-learn for its classifier: pip install 'photinus[learn]'"
        ) from None
    found: Classifier = MLPClassifier(
        (128,), early_stopping=True, n_iter_no_change=3, random_state=0, max_iter=60
    ).fit(images.pixels[:most].astype(np.float32), images.labels[:most])
    return found


@dataclass(frozen=True, slots=True, eq=False)
class Mixing:
    """How a dream wanders between classes, as an independent classifier sees it."""

    histogram: NDArray[np.float64]
    """Part of the draws in each class, array (class,)."""
    confidence: float
    """Mean probability of the most probable class."""
    switches: float
    """Changes of class per chain and draw, between draws that the classifier is sure of."""
    all_visited: float | None
    """Draws until the chains together have visited every class; None if they have not."""
    energy_time: float
    """Integrated autocorrelation time of the energy [draws]."""

    @property
    def entropy(self) -> float:
        """Entropy of the histogram [nats]."""
        p = self.histogram[self.histogram > 0]
        return float(-(p * np.log(p)).sum())

    @property
    def visited(self) -> int:
        """Number of classes seen."""
        return int(np.sum(self.histogram > 0))


def mixing(dream: Dream, classifier: Classifier, *, sure: float = 0.5) -> Mixing:
    """Return how a dream mixes.

    Parameters
    ----------
    dream
        Its images are classified by their smooth pixels.
    classifier
        See `independent_classifier`.
    sure
        Draws below this confidence do not count as a visit.
    """
    chains, draws, _ = dream.smooth.shape
    proba = np.empty((chains, draws, len(classifier.classes_)))
    for chain in range(chains):
        proba[chain] = classifier.predict_proba(dream.smooth[chain])
    labels, certain = proba.argmax(axis=2), proba.max(axis=2)
    clear = certain >= sure
    histogram = np.bincount(labels[clear], minlength=len(classifier.classes_)).astype(np.float64)
    histogram /= max(histogram.sum(), 1)
    changes = 0
    for chain in range(chains):
        path = labels[chain][clear[chain]]
        changes += int(np.sum(path[1:] != path[:-1]))
    first = [np.argmax((labels == k) & clear, axis=1) for k in range(len(classifier.classes_))]
    seen = [((labels == k) & clear).any(axis=1) for k in range(len(classifier.classes_))]
    all_visited = None
    if all(s.any() for s in seen):
        all_visited = float(max(f[s].min() for f, s in zip(first, seen, strict=True)) + 1)
    energy = dream.samples.machine.energy(dream.samples.states)
    return Mixing(
        histogram,
        float(certain.mean()),
        changes / (chains * max(draws - 1, 1)),
        all_visited,
        float(np.mean([autocorrelation_time(chain) for chain in energy])),
    )


def autocorrelation_time(values: NDArray[np.float64], window: float = 5.0) -> float:
    """Return the integrated autocorrelation time 1 + 2 Σ ρ(t), array (draw,) [draws].

    The sum ends at the first t above `window` times itself (Sokal 1997, in Functional Integration,
    section 3).
    """
    n = len(values)
    centred = values - values.mean()
    if n < 2 or not centred.any():
        return float(n)
    size = 2 ** int(np.ceil(np.log2(2 * n)))
    spectrum = np.abs(np.fft.rfft(centred, size)) ** 2
    rho = np.fft.irfft(spectrum)[:n]
    rho /= rho[0]
    time = 2 * np.cumsum(rho) - 1
    stop = np.arange(n) >= window * time
    return float(max(time[int(np.argmax(stop))] if stop.any() else time[-1], 1.0))
