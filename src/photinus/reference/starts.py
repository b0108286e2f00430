"""Where chains start: each in another state, so that modes which they never leave can be seen.

Chains that all start alike and stay in one mode agree with each other. No comparison of chains then
shows that there is a second one (Gelman & Rubin 1992, Stat. Sci. 7, 457: start from points that are
further apart than the target's own).
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

from photinus._core import validate
from photinus._core.streams import Role, coins, first_chain_of, lane_states
from photinus.errors import InvalidInput

MOST_DRIVEN = 3
"""Windows for which a network is driven to its start, at most."""
BURN_IN_PER_DRIVEN = 4
"""Windows of burn-in for each of them: three quarters of the burn-in are left to forget the start."""
SLICES = 8
"""Moments of the first of them at which units go on, where there are several. Units that all went on at
once would all end at once, too. A mode of units that keep each other on would break down."""
SILENCED = 2.0**-40
"""Strength of the synapses meanwhile: none can overrule a drive. A power of two, so that pulses under
way come back exactly as they were."""


def dispersed(seed: np.random.SeedSequence, chains: int, units: int) -> NDArray[np.uint8]:
    """Return states to start from, array (chain, unit): in turn fair coins, all off, all on.

    The start of chain c depends on the seed and on c, not on how many chains there are.
    """
    turn = ((first_chain_of(seed) + np.arange(chains)) % 3)[:, None]
    return np.where(turn == 0, coins(seed, Role.START, chains, units), turn == 2).astype(np.uint8)


def given(initial: ArrayLike, chains: int, units: int) -> NDArray[np.uint8]:
    """Return the states `initial`, of shape (unit,) or (chain, unit), as array (chain, unit).

    Raises
    ------
    InvalidInput
        For another shape, or a value other than 0 or 1.
    """
    states = validate.binary_array("initial", initial)
    if states.shape not in ((units,), (chains, units)):
        raise InvalidInput(
            f"initial must have shape {(units,)} or {(chains, units)}, got {states.shape}"
        )
    return np.broadcast_to(states, (chains, units)).copy()


def driven_windows(burn_in: int) -> int:
    """Return for how many windows of a burn-in a network is driven to its start."""
    return min(MOST_DRIVEN, burn_in // BURN_IN_PER_DRIVEN)


def schedule(
    start: NDArray[np.uint8], windows: int, seed: np.random.SeedSequence
) -> Iterator[tuple[float, NDArray[np.uint8]]]:
    """Give (end in windows, states to hold until then) of each part of so many driven windows."""
    first = 0
    if windows > 1:
        first = 1
        moment = lane_states(seed, Role.START, *start.shape)[..., 2] >> (32 - SLICES.bit_length() + 1)
        for k in range(SLICES):
            yield (k + 1) / SLICES, np.where(moment <= k, start, 0).astype(np.uint8)
    for k in range(first, windows):
        yield k + 1, start
