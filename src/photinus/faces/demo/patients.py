"""Patients as binary units: the Wisconsin breast-cancer data, shipped by scikit-learn.

569 patients (Street, Wolberg & Mangasarian 1993); eight measurements and the diagnosis.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from photinus._core.extras import optional
from photinus._core.streams import Seed, seed_sequence

if TYPE_CHECKING:
    pass

MEASUREMENTS = (
    "worst area",
    "worst texture",
    "worst smoothness",
    "worst concavity",
    "worst symmetry",
    "mean compactness",
    "area error",
    "worst concave points",
)
"""Informative measurements that do not merely repeat each other."""


DIAGNOSIS = "malignant"


FEW_MEASUREMENTS = ("worst area", "worst texture", "worst symmetry")
"""What is known of a patient in the second posterior; the other five are missing."""


TEST_FRACTION = 0.3


L2 = 0.05
"""Penalty on the weights. The largest stays near 1.2, close to what the synapse was measured with.
Exact inference on the held-out patients is as accurate as with 0.01."""


@dataclass(frozen=True, slots=True, eq=False)
class Data:
    """Binary patients: eight measurements and the diagnosis."""

    train: NDArray[np.uint8]
    test: NDArray[np.uint8]
    thresholds: dict[str, float]
    """A measurement's unit is 1 above this value; learned on the training split."""

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the units, the diagnosis last."""
        return (*self.thresholds, DIAGNOSIS)


def load_data(seed: Seed = 0) -> Data:
    """Return the binary patients, split into training and test by `seed`.

    Raises
    ------
    MissingDependency
        If scikit-learn, which ships the data, is not installed.
    """
    patients = optional("sklearn.datasets", "demo", "the demo").load_breast_cancer()
    names = [str(name) for name in patients.feature_names]
    values = patients.data[:, [names.index(name) for name in MEASUREMENTS]]
    malignant = (patients.target == 0).astype(np.uint8)
    train, test = _split(malignant, np.random.default_rng(seed_sequence(seed)))
    thresholds = {
        name: _threshold(values[train, k], malignant[train]) for k, name in enumerate(MEASUREMENTS)
    }
    units = np.column_stack([values > list(thresholds.values()), malignant]).astype(np.uint8)
    return Data(units[train], units[test], thresholds)


def _split(
    classes: NDArray[np.uint8], generator: np.random.Generator
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return indices of training and test patients, with equal parts of both classes."""
    train, test = [], []
    for value in np.unique(classes):
        members = generator.permutation(np.flatnonzero(classes == value))
        cut = round(TEST_FRACTION * len(members))
        test.append(members[:cut])
        train.append(members[cut:])
    return np.sort(np.concatenate(train)), np.sort(np.concatenate(test))


def _threshold(values: NDArray[np.float64], classes: NDArray[np.uint8]) -> float:
    """Return the cut that tells most about the class (largest mutual information)."""
    cuts = np.quantile(values, np.linspace(0.1, 0.9, 81))
    return float(cuts[int(np.argmax([_information(values > cut, classes) for cut in cuts]))])


def _information(a: NDArray[np.bool_], b: NDArray[np.uint8]) -> float:
    """Return the mutual information of two binary variables [nats]."""
    joint = np.histogram2d(a, b, bins=2, range=[[0, 1], [0, 1]])[0] / len(a)
    independent = np.outer(joint.sum(axis=1), joint.sum(axis=0))
    seen = joint > 0
    return float(np.sum(joint[seen] * np.log(joint[seen] / independent[seen])))
