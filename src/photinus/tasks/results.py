"""What tasks return: dreams, completions, classifications, and names of classes."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from photinus._core import validate
from photinus._core.display import Displayed
from photinus.errors import InvalidInput
from photinus.samplers.samples import Samples


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Dream(Displayed):
    """Images that a machine made up.

    Examples
    --------
    >>> import numpy as np
    >>> from photinus.learning import BoltzmannEstimator
    >>> from photinus.tasks import dream
    >>> images = np.array([[1, 1, 0, 0], [0, 0, 1, 1]] * 20)
    >>> machine = BoltzmannEstimator((3,), epochs=10, seed=0).fit(images, [0, 1] * 20).machine()
    >>> found = dream(machine, "gibbs", chains=4, draws=50, seed=1)
    >>> found.pixels.shape, found.names
    ((4, 50, 4), ('0', '1'))
    """

    pixels: NDArray[np.uint8]
    """Array (chain, draw, pixel)."""
    smooth: NDArray[np.float32]
    """P(pixel = 1 | hidden) at each draw by the machine's own conditionals, the same shape."""
    classes: NDArray[np.uint8]
    """States of the class units, array (chain, draw, class)."""
    names: tuple[str, ...]
    shape: tuple[int, int]
    interval: float | None
    """Physical time between draws [s]; None without time."""
    samples: Samples

    @property
    def labels(self) -> NDArray[np.intp]:
        """Class of each draw, array (chain, draw): the unit that is on; -1 if none or several are."""
        return np.asarray(np.where(self.classes.sum(axis=2) == 1, self.classes.argmax(axis=2), -1))


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Completion(Displayed):
    """Images of which a part was known.

    Examples
    --------
    >>> import numpy as np
    >>> from photinus.learning import BoltzmannEstimator
    >>> from photinus.tasks import complete, mask
    >>> images = np.array([[1, 1, 0, 0], [0, 0, 1, 1]] * 20)
    >>> model = BoltzmannEstimator((3,), batch_size=8, epochs=60, learning_rate=0.3, seed=0)
    >>> machine = model.fit(images).machine()
    >>> found = complete(machine, images[:2], mask((2, 2), "quarter"), "gibbs", draws=50, seed=1)
    >>> bool((found.errors < 0.2).all())
    True
    """

    truth: NDArray[np.uint8]
    """Array (image, pixel)."""
    known: NDArray[np.bool_]
    """Array (image, pixel)."""
    mean: NDArray[np.float64]
    """Mean of the draws, the known pixels as they are, array (image, pixel)."""
    shape: tuple[int, int]

    @property
    def errors(self) -> NDArray[np.float64]:
        """Mean absolute error of the hidden pixels, array (image,): the part of draws that is wrong."""
        hidden = ~self.known
        return np.asarray((np.abs(self.mean - self.truth) * hidden).sum(axis=1) / hidden.sum(axis=1))


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Classification(Displayed):
    """Classes sampled with the image as evidence.

    Examples
    --------
    >>> import numpy as np
    >>> from photinus.learning import BoltzmannEstimator
    >>> from photinus.tasks import classify
    >>> images = np.array([[1, 1, 0, 0], [0, 0, 1, 1]] * 20)
    >>> model = BoltzmannEstimator((3,), batch_size=8, epochs=60, learning_rate=0.3, seed=0)
    >>> machine = model.fit(images, [0, 1] * 20).machine()
    >>> found = classify(machine, images[:4], "gibbs", draws=50, seed=1)
    >>> found.predicted, found.accuracy([0, 1, 0, 1])
    (array([0, 1, 0, 1]), 1.0)
    """

    probabilities: NDArray[np.float64]
    """Part of the draws in which each class unit is on, array (image, class)."""
    names: tuple[str, ...]
    draws: int
    """Draws per image."""
    chip_time: float | None
    """Physical time per image, burn-in included [s]; None without time."""

    @property
    def predicted(self) -> NDArray[np.intp]:
        """Position of the class that was on most, array (image,); ties go to the first."""
        return np.asarray(self.probabilities.argmax(axis=1))

    def accuracy(self, labels: ArrayLike) -> float:
        """Return the part of images whose class is the one of `labels`, array (image,).

        Labels may be text or numbers: 3, 3.0 and "3" are the class "3".

        Raises
        ------
        InvalidInput
            If there is not one label per image, or a label is no class.
        """
        wanted = class_names("labels", labels, self.names)
        if len(wanted) != len(self.probabilities):
            raise InvalidInput(
                f"labels must have one entry per image ({len(self.probabilities)}), got {len(wanted)}"
            )
        return float(np.mean(np.array(self.names)[self.predicted] == np.array(wanted)))


def class_names(name: str, given: Any, names: tuple[str, ...]) -> list[str]:
    """Return the class that each of `given`, text or numbers, stands for."""
    array = np.asarray(given, object) if not isinstance(given, np.ma.MaskedArray) else None
    if array is None or array.ndim != 1 or len(array) == 0:
        raise InvalidInput(f"{name} must be a list of classes, got {validate.shown(given)}")
    return [class_name(name, value, names) for value in array.tolist()]


def class_name(name: str, value: Any, names: tuple[str, ...]) -> str:
    """Return the class that `value` stands for: 3, 3.0 and "3" are one."""
    for spelled in _spellings(value):
        if spelled in names:
            return spelled
    return validate.one_of(name, str(value), names)


def _spellings(value: Any) -> list[str]:
    """Return how a class may be written: numbers with and without a decimal point."""
    text = str(value)
    try:
        number = float(text)
    except ValueError:
        return [text]
    whole = [str(int(number))] if np.isfinite(number) and number == int(number) else []
    return [text, *whole, str(number)]
