"""What `BoltzmannEstimator` is given, looked at: parameters, features and classes."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photinus._core import hush, validate
from photinus.errors import InvalidInput
from photinus.learning.scikit import DataConversionWarning, _check_feature_names, check_array

METHODS = ("pcd", "cd", "tempered")


class WrongKind(InvalidInput, TypeError):
    """Entries that are no numbers: scikit-learn wants a TypeError for these."""


def check_parameters(estimator: Any) -> None:
    """Raise unless every parameter of the estimator is in its range."""
    if not isinstance(estimator.hidden, (tuple, list)):
        raise InvalidInput(f"hidden must be the units of each layer, got {estimator.hidden!r}")
    layers = [validate.integer("hidden", units, 1) for units in estimator.hidden]
    validate.one_of("method", estimator.method, METHODS)
    validate.flag("visible_couplings", estimator.visible_couplings)
    validate.flag("resume", estimator.resume)
    if estimator.binarize is not None:
        validate.number("binarize", estimator.binarize)
    for name in ("steps", "batch_size", "chains", "epochs", "patience", "replicas"):
        if name != "epochs" or estimator.epochs is not None:
            validate.integer(name, getattr(estimator, name), 1)
    validate.positive("learning_rate", estimator.learning_rate)
    if validate.positive("hottest", estimator.hottest) < 1:
        raise InvalidInput(f"hottest must be at least 1, got {estimator.hottest:g}")
    if estimator.method == "tempered" and estimator.replicas < 2:
        raise InvalidInput(f"replicas must be at least 2 for 'tempered', got {estimator.replicas}")
    for name in ("final_rate", "weight_decay"):
        validate.non_negative(name, getattr(estimator, name))
    for name in ("momentum", "validation_fraction"):
        if not 0 <= validate.number(name, getattr(estimator, name)) < 1:
            raise InvalidInput(f"{name} must be from 0 to below 1, got {getattr(estimator, name)!r}")
    if estimator.validation_fraction and len(layers) > 1:
        raise InvalidInput(
            "validation_fraction must be 0 for deep machines, whose pseudo-likelihood has no "
            f"closed form, got {estimator.validation_fraction:g}"
        )
    if estimator.visible_couplings and len(layers) > 1:
        raise InvalidInput(f"hidden must be at most one layer with visible_couplings, got {layers}")
    if not estimator.visible_couplings and not layers:
        raise InvalidInput("hidden must be at least one layer, or visible_couplings be set, got ()")


def as_numbers(estimator: Any, X: Any, fresh: bool) -> Any:
    """Return features as an array, once scikit-learn has looked at their names and numbers."""
    _check_feature_names(estimator, X, reset=fresh)
    return check_array(X, accept_sparse=True, estimator=estimator)


def by_sklearn(check: Callable[[], Any]) -> Any:
    """Return what a check of scikit-learn returns; what it raises becomes one sentence."""
    try:
        return check()
    except (ValueError, TypeError) as error:
        lines = str(error).splitlines() or [type(error).__name__]
        # Numbers of the array stand between the first line and the last one.
        whole = lines[0].startswith("The feature names")
        told = lines if whole else [lines[0], *(n for n in lines[1:] if n.startswith("Reshape"))]
        kind = WrongKind if isinstance(error, TypeError) else InvalidInput
        raise kind(
            validate.cut(f"X must have shape (sample, feature) and hold numbers: {' '.join(told)}")
        ) from None


def binarized(X: Any, threshold: float | None) -> NDArray[np.uint8]:
    """Return features as 0 and 1: above a threshold or not, or as they are where there is none.

    Warns
    -----
    DataConversionWarning
        If other values than 0 and 1 are turned into these.
    """
    if threshold is None:
        return validate.binary_array("X", X)
    values = validate.plain_array("X", X)
    if not ((values == 0) | (values == 1)).all():
        hush.tell(
            f"X has other values than 0 and 1: those above {threshold:g} count as 1, others as 0; "
            "binarize=None refuses them",
            DataConversionWarning,
            depth=4,
        )
    return (values > threshold).astype(np.uint8, order="C")


def columns(estimator: Any, X: Any, *, fresh: bool) -> NDArray[np.uint8]:
    """Return the features, array (sample, feature), after scikit-learn's look at their names.

    A frame must have the columns that `fit` has seen, in the same order.
    """
    if not isinstance(X, np.ma.MaskedArray):
        X = by_sklearn(lambda: as_numbers(estimator, X, fresh))
    features = binarized(X, estimator.binarize)
    if fresh:
        estimator.n_features_in_ = features.shape[1]
    elif features.shape[1] != estimator.n_features_in_:
        raise InvalidInput(
            f"X has {features.shape[1]} features, but {type(estimator).__name__} is expecting "
            f"{estimator.n_features_in_} features as input"
        )
    return features


def checked_classes(y: Any, samples: int) -> NDArray[Any]:
    """Return the classes of so many samples, array (sample,) of whole numbers, floats or text."""
    try:
        labels = np.asarray(y) if not isinstance(y, np.ma.MaskedArray) else np.empty(0)
    except ValueError:
        labels = np.empty(0)
    if labels.dtype.kind == "O":
        # Frames keep text, and columns of mixed frames keep numbers, as objects.
        kinds = (str, (int, float, np.number))
        if any(all(isinstance(label, kind) for label in labels.ravel()) for kind in kinds):
            labels = np.array(labels.tolist())
    if labels.shape != (samples,):
        raise InvalidInput(f"y must have one entry per sample ({samples}), got shape {labels.shape}")
    finite = labels.dtype.kind in "biuUS" or (labels.dtype.kind == "f" and np.isfinite(labels).all())
    if not finite:
        raise InvalidInput(f"y must be whole numbers, finite floats or text, got {validate.shown(y)}")
    return labels
