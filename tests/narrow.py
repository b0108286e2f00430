"""What a test knows and types do not tell, said aloud.

All but `untyped` are checked while the test runs.
"""

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from photinus import LaserNetwork, LifNetwork

T = TypeVar("T")


def there(value: T | None) -> T:
    """Return a value that this test knows to be there."""
    assert value is not None
    return value


def untyped(value: object) -> Any:
    """Return a value whose type is wrong on purpose, or a stand-in."""
    return value


def lasers(network: object) -> LaserNetwork:
    """Return a network of lasers as one."""
    assert isinstance(network, LaserNetwork)
    return network


def membranes(network: object) -> LifNetwork:
    """Return a network of integrate-and-fire neurons as one."""
    assert isinstance(network, LifNetwork)
    return network


def array(value: object) -> NDArray[np.float64]:
    """Return what may be an array, a sparse one or a number as the array that it is."""
    assert isinstance(value, np.ndarray)
    return value
