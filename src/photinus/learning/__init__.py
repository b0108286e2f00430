"""Learning Boltzmann machines from data, and how likely they make it."""

from typing import TYPE_CHECKING

from photinus._core import lazy
from photinus.learning.imports import from_rbms, from_sklearn
from photinus.learning.likelihood import PartitionEstimate, log_partition
from photinus.machines.fitting import fit_exact, fit_moments

if TYPE_CHECKING:
    from photinus.learning.estimator import BoltzmannEstimator as BoltzmannEstimator

__all__ = [
    "BoltzmannEstimator",
    "PartitionEstimate",
    "fit_exact",
    "fit_moments",
    "from_rbms",
    "from_sklearn",
    "log_partition",
]

# The estimator's base class is scikit-learn's, which is slow to import and an extra.
__getattr__ = lazy.loader(__name__, {"BoltzmannEstimator": "photinus.learning.estimator"})
