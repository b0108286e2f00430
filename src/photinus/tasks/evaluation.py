"""How good generated images are, and how fast their sampler mixes."""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from photinus._core import validate
from photinus._core.display import Displayed
from photinus._core.extras import optional
from photinus.diagnostics.convergence import effective_draws
from photinus.errors import InvalidInput
from photinus.learning.data import Images
from photinus.tasks.results import Dream

INDIRECT_BETA = 0.95
"""Certainty of a pixel in the density around each sample, as Leng et al. 2018 (Sci. Rep. 8, 10651)."""
PAIRS_PER_BLOCK = 2e7
"""Pairs of an image and a sample that are compared at one time (400 MB)."""


FEWEST_TO_LEARN = 20
"""Images from which a classifier is learned: it holds back a tenth of them."""


class Classifier(Protocol):
    """Anything with scikit-learn's `predict_proba` and `classes_`."""

    classes_: NDArray[Any]

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return P(class), array (sample, class)."""


def independent_classifier(images: Images, *, most: int = 20_000) -> Classifier:
    """Return a classifier that knows nothing of the machine: a small perceptron (scikit-learn)."""
    validate.instance("images", images, Images)
    most = validate.integer("most", most, 1)
    if images.labels is None:
        raise InvalidInput("images must have labels to train a classifier, got none")
    networks = optional("sklearn.neural_network", "learn", "a classifier of images")
    some, counts = np.unique(images.labels[:most], return_counts=True)
    if len(some) < 2 or counts.min() < 2 or counts.sum() < FEWEST_TO_LEARN:
        raise InvalidInput(
            f"images must have two classes or more, each with two or more of at least "
            f"{FEWEST_TO_LEARN} images, got {dict(zip(some.tolist(), counts.tolist(), strict=True))}"
        )
    found: Classifier = networks.MLPClassifier(
        (128,), early_stopping=True, n_iter_no_change=3, random_state=0, max_iter=60
    ).fit(images.pixels[:most].astype(np.float32), images.labels[:most])
    return found


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Mixing(Displayed):
    """How a dream wanders between classes, as an independent classifier sees it."""

    counts: NDArray[np.int64]
    """Draws of each chain that the classifier is sure of, by class: array (chain, class)."""
    draws: int
    """Draws per chain."""
    confidence: float
    """Mean probability of the most probable class."""
    switches: float
    """Changes of class per chain and draw, between draws that the classifier is sure of."""
    all_visited: float | None
    """Draws until the chains together have visited every class; None if they have not."""
    energy_time: float
    """Integrated autocorrelation time of the energy [draws]."""
    interval: float | None
    """Physical time per draw [s]; None without time."""

    @property
    def histogram(self) -> NDArray[np.float64]:
        """Part of the sure draws in each class, array (class,)."""
        return _parts(self.counts)

    @property
    def entropy(self) -> float:
        """Entropy of the histogram [nats]."""
        return _entropy(self.histogram)

    @property
    def entropy_error(self) -> float:
        """Standard error of the entropy: jackknife over chains (Efron 1982); nan for one chain."""
        chains = len(self.counts)
        if chains < 2:
            return float("nan")
        total = self.counts.sum(axis=0)
        left_out = np.array([_entropy(_parts((total - own)[None])) for own in self.counts])
        return float(np.sqrt((chains - 1) / chains * ((left_out - left_out.mean()) ** 2).sum()))

    @property
    def visited(self) -> int:
        """Number of classes seen."""
        return int(np.sum(self.counts.sum(axis=0) > 0))

    @property
    def switch_rate(self) -> float | None:
        """Changes of class per chain and second of physical time [1/s]; None without time."""
        return None if self.interval is None else self.switches / self.interval

    @property
    def effective_draws(self) -> float:
        """Independent draws that all chains are worth, by the energy."""
        return len(self.counts) * self.draws / self.energy_time

    @property
    def effective_rate(self) -> float | None:
        """Effective draws per chain and second of physical time [1/s]; None without time."""
        return None if self.interval is None else 1 / (self.energy_time * self.interval)


def _parts(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the part of each class, array (class,), of counts (chain, class)."""
    total = counts.sum(axis=0)
    return np.asarray(total / max(int(total.sum()), 1))


def _entropy(histogram: NDArray[np.float64]) -> float:
    p = histogram[histogram > 0]
    return abs(float((p * np.log(p)).sum()))


def mixing(dream: Dream, classifier: Classifier, *, sure: float = 0.5) -> Mixing:
    """Return how a dream mixes.

    Parameters
    ----------
    dream
        Its images are classified by their smooth pixels.
    classifier
        See `independent_classifier`.
    sure
        Draws below this confidence do not count as a visit, from 0 to 1.
    """
    sure = validate.fraction("sure", sure)
    validate.instance("dream", dream, Dream)
    if not hasattr(classifier, "predict_proba"):
        raise InvalidInput(f"classifier must have predict_proba, got {validate.shown(classifier)}")
    chains, draws, _ = dream.smooth.shape
    proba = np.stack([classifier.predict_proba(chain) for chain in dream.smooth])
    classes = proba.shape[2]
    labels = np.where(proba.max(axis=2) >= sure, proba.argmax(axis=2), -1)
    shown = labels[:, :, None] == np.arange(classes)
    paths = [path[path >= 0] for path in labels]
    visits = shown.any(axis=0)
    machine = dream.samples.machine
    return Mixing(
        counts=shown.sum(axis=1),
        draws=draws,
        confidence=float(proba.max(axis=2).mean()),
        switches=sum(int(np.sum(path[1:] != path[:-1])) for path in paths)
        / (chains * max(draws - 1, 1)),
        all_visited=float(visits.argmax(axis=0).max() + 1) if visits.any(axis=0).all() else None,
        energy_time=float(
            np.mean([autocorrelation_time(machine.energy(chain)) for chain in dream.samples.states])
        ),
        interval=dream.interval,
    )


def indirect_likelihood(
    samples: ArrayLike, images: ArrayLike, *, beta: float = INDIRECT_BETA
) -> tuple[float, float]:
    """Return the indirect sampling log-likelihood of images [nats per image], and its standard error.

    Each sample becomes a density in which every pixel is its own with probability β and the other one
    with 1 - β. Their mean is what a finite run knows of the law (Breuleux, Bengio & Vincent 2011,
    Neural Comput. 23, 2058). It judges quality and diversity at once: a sampler that stays in one mode
    gives the images of the others no sample nearby. Compare equal numbers of samples, or runs of equal
    time.

    Parameters
    ----------
    samples : array (sample, pixel) of 0 and 1
    images : array (image, pixel) of 0 and 1
        Images that nothing was learned from.
    beta
        Between 0.5 and 1, both excluded.

    Raises
    ------
    InvalidInput
        If the arrays are not 0 and 1 of the same number of pixels, or β is out of its range.
    """
    x, y = validate.binary_array("samples", samples), validate.binary_array("images", images)
    if x.ndim != 2 or y.ndim != 2 or 0 in x.shape or 0 in y.shape or x.shape[1] != y.shape[1]:
        raise InvalidInput(
            f"samples and images must have shapes (sample, pixel) and (image, pixel), "
            f"got {x.shape} and {y.shape}"
        )
    if not 0.5 < validate.number("beta", beta) < 1:
        raise InvalidInput(f"beta must be between 0.5 and 1, got {beta:g}")
    spins = 2 * x.T.astype(np.float32) - 1
    size = max(1, int(PAIRS_PER_BLOCK / len(x)))
    logs = np.empty(len(y))
    for start in range(0, len(y), size):
        some = slice(start, start + size)
        # Agreements minus disagreements of each pair, whole numbers that single precision holds.
        alike = (2 * y[some].astype(np.float32) - 1) @ spins
        differing = (x.shape[1] - alike.astype(np.float64)) / 2
        logs[some] = np.logaddexp.reduce(differing * np.log((1 - beta) / beta), axis=1)
    logs += x.shape[1] * np.log(beta) - np.log(len(x))
    return float(logs.mean()), float(logs.std(ddof=1) / np.sqrt(len(y))) if len(y) > 1 else np.nan


def autocorrelation_time(values: NDArray[np.float64]) -> float:
    """Return the integrated autocorrelation time 1 + 2 Σ ρ(t) of one chain, array (draw,) [draws].

    It is the number of draws over that of effective ones (`photinus.diagnostics`), at least 1; all
    draws where they are equal or very few.
    """
    values = validate.finite_array("values", values, 1)
    ess = effective_draws(values[None])
    return max(len(values) / ess, 1.0) if ess == ess else float(len(values))
