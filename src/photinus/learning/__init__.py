"""Learning Boltzmann machines from data, and how likely they make it."""

from typing import TYPE_CHECKING, Any

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


def __getattr__(name: str) -> Any:
    # The estimator's base class is scikit-learn's, which is slow to import and an extra.
    if name == "BoltzmannEstimator":
        from photinus.learning.estimator import BoltzmannEstimator

        return BoltzmannEstimator
    raise AttributeError(f"module 'photinus.learning' has no attribute {name!r}")
