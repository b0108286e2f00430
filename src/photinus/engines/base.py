"""What is kept of a simulation that is under way, so that it can go on with the same spikes."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from photinus._core.memory import aligned
from photinus.errors import InvalidInput

FIXED = ("f", "last_spike")
"""Arrays whose size tells how many lasers and chains there are; others may have grown."""


class Block(Protocol):
    """A part of a simulation whose state is in arrays of these names."""

    @property
    def ARRAYS(self) -> tuple[str, ...]:  # noqa: N802
        """Names of its arrays."""


def _arrays(blocks: Sequence[Block]) -> dict[str, NDArray[Any]]:
    """Return all arrays, by name and block."""
    return {
        f"{name}.{k}": getattr(block, name) for k, block in enumerate(blocks) for name in block.ARRAYS
    }


def state_of(step: int, blocks: Sequence[Block]) -> dict[str, NDArray[Any]]:
    """Return copies of all arrays, by name and block, and the step reached."""
    copies = {name: values.copy() for name, values in _arrays(blocks).items()}
    return {"step": np.array(step), **copies}


def restore(blocks: Sequence[Block], state: Mapping[str, NDArray[Any]]) -> int:
    """Give the blocks a `state_of` others that were built alike, and return the step reached.

    Raises
    ------
    InvalidInput
        If the blocks were built with other arguments.
    """
    # A sampler may keep more with it.
    own = _arrays(blocks)
    names = own.keys() | {name for name in state if name.split(".")[0] in FIXED}
    given = {name: np.asarray(state[name]) for name in names if name in state}
    if _shapes(own) != _shapes(given):
        raise InvalidInput("state must come from a simulator built with the same arguments")
    for k, block in enumerate(blocks):
        for name in block.ARRAYS:
            setattr(block, name, aligned(given[f"{name}.{k}"]))
    return int(state["step"])


def _shapes(state: Mapping[str, NDArray[Any]]) -> dict[str, tuple[Any, ...]]:
    """Return type and shape of each array, without the length of those that may have grown."""
    return {
        name: (values.dtype, values.shape[0 if name.split(".")[0] in FIXED else 1 :])
        for name, values in state.items()
    }
