"""What learning takes of scikit-learn, which is an extra."""

from photinus.errors import MissingDependency

try:
    from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
    from sklearn.exceptions import DataConversionWarning
    from sklearn.utils.validation import _check_feature_names, check_array, check_is_fitted
except ImportError:
    raise MissingDependency(
        "learning needs scikit-learn, whose estimators it follows: pip install 'photinus[learn]'"
    ) from None

__all__ = [
    "BaseEstimator",
    "ClassNamePrefixFeaturesOutMixin",
    "DataConversionWarning",
    "TransformerMixin",
    "_check_feature_names",
    "check_array",
    "check_is_fitted",
]
