"""What learning takes of scikit-learn, which is an extra."""

from photinus._core.extras import optional

optional("sklearn", "learn", "an estimator")  # one sentence, before the names below are missed

from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin  # noqa: E402
from sklearn.exceptions import DataConversionWarning  # noqa: E402
from sklearn.utils.validation import (  # noqa: E402
    _check_feature_names,
    check_array,
    check_is_fitted,
)

__all__ = [
    "BaseEstimator",
    "ClassNamePrefixFeaturesOutMixin",
    "DataConversionWarning",
    "TransformerMixin",
    "_check_feature_names",
    "check_array",
    "check_is_fitted",
]
