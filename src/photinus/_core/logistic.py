"""The logistic function and the integral of it, in the precision of what comes in."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray


def logistic(x: ArrayLike, out: NDArray[Any] | None = None) -> NDArray[Any]:
    """Return 1/(1 + exp(-x)), array like `x`.

    With `out`, which may be `x` itself, no memory is allocated.
    """
    # exp(-x) beyond all numbers gives 0, which is right.
    with np.errstate(over="ignore"):
        result = np.asarray(np.negative(x, out=out))
        np.exp(result, out=result)
    result += 1
    np.reciprocal(result, out=result)
    return result


def softplus(x: NDArray[Any]) -> NDArray[Any]:
    """Return log(1 + exp(x)), array like `x`, without overflow."""
    return np.asarray(np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x))))
