"""Random streams: one xoshiro128+ generator per lane, keyed by what it drives.

A stream belongs to (seed, role, chain, unit), never to a thread or a chunk. So the same seed gives the
same numbers however the work is cut. Philox4x32-10 (Salmon et al. 2011, SC11, "Parallel random numbers:
as easy as 1, 2, 3") turns the key into the generator's 128-bit starting state. Inside the loop runs
xoshiro128+ (Blackman & Vigna 2021, ACM TOMS 47, 36), which is three times cheaper.
"""

import json
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photinus._core.compilation import inlined
from photinus._core.validate import integer

Seed = int | np.random.SeedSequence | None
LANES_AT_ONCE = 2**20
"""Lanes that are keyed together: the work takes some hundred bytes for each."""


class Role(IntEnum):
    """What a stream drives. Values are part of the seed contract: append, never renumber.

    Examples
    --------
    >>> import numpy as np
    >>> from photinus.samplers import Role, lane_states
    >>> [role.name for role in Role][:3]
    ['FIELD_NOISE', 'CARRIER_NOISE', 'INITIAL_STATE']
    >>> lane_states(np.random.SeedSequence(1), Role.GIBBS, chains=2, units=3).shape
    (2, 3, 4)
    """

    FIELD_NOISE = 0
    CARRIER_NOISE = 1
    INITIAL_STATE = 2
    GIBBS = 3
    IDEAL = 4
    EXACT = 5
    LIF_NOISE = 6
    JUMPS = 7
    ESCAPE = 8
    SHARED_PUMP = 9
    MISSED = 10
    SPURIOUS = 11
    START = 12
    OUTSIDE = 13
    """For the substrates and devices of other packages."""
    PUMP_FLICKER = 14
    SWAP = 15


class ChainsFrom(np.random.SeedSequence):
    """The seed of a larger run, for a run of its chains from `first_chain` on."""

    def __init__(self, first_chain: int, seed: np.random.SeedSequence) -> None:
        super().__init__(seed.entropy, spawn_key=seed.spawn_key, pool_size=seed.pool_size)
        self.first_chain = first_chain + getattr(seed, "first_chain", 0)

    def __reduce__(self) -> tuple[Any, ...]:
        whole = np.random.SeedSequence(self.entropy, spawn_key=self.spawn_key, pool_size=self.pool_size)
        return ChainsFrom, (self.first_chain, whole)


def first_chain_of(seed: np.random.SeedSequence) -> int:
    """Return which chain of the seed's run the first one is."""
    return seed.first_chain if isinstance(seed, ChainsFrom) else 0


def seed_sequence(seed: Seed) -> np.random.SeedSequence:
    """Return a separate SeedSequence for `seed`; None draws fresh entropy from the system.

    Never the caller's object: `spawn` changes it, and its next use would give other numbers.
    """
    if isinstance(seed, ChainsFrom):
        return ChainsFrom(0, seed)
    if isinstance(seed, np.random.SeedSequence):
        return np.random.SeedSequence(seed.entropy, spawn_key=seed.spawn_key, pool_size=seed.pool_size)
    return np.random.SeedSequence(None if seed is None else integer("seed", seed, 0, None))


def entropy_text(seed: np.random.SeedSequence) -> str:
    """Return the entropy of a seed as JSON: a whole number or a list of them."""
    return json.dumps(_plain(seed.entropy))


def entropy_of(text: str) -> Any:
    """Return the entropy that `entropy_text` wrote."""
    return json.loads(text)


def _plain(entropy: Any) -> Any:
    """Return entropy as NumPy takes it (numbers, texts of numbers, nested sequences) for JSON."""
    if isinstance(entropy, str):
        return int(entropy, 16 if entropy.startswith("0x") else 10)
    if np.ndim(entropy) == 0:
        return int(entropy)
    return [_plain(part) for part in entropy]


def philox(
    counter: tuple[NDArray[np.uint32], ...], key: tuple[int, int]
) -> tuple[NDArray[np.uint32], ...]:
    """Return Philox4x32-10 of four counter words under two key words (Salmon et al. 2011)."""
    c0, c1, c2, c3 = (np.asarray(c, dtype=np.uint64) for c in counter)
    k0, k1 = np.uint64(key[0]), np.uint64(key[1])
    low, shift = np.uint64(0xFFFFFFFF), np.uint64(32)
    for _ in range(10):
        p0 = np.uint64(0xD2511F53) * c0
        p1 = np.uint64(0xCD9E8D57) * c2
        c0, c1, c2, c3 = (p1 >> shift) ^ c1 ^ k0, p1 & low, (p0 >> shift) ^ c3 ^ k1, p0 & low
        k0 = (k0 + np.uint64(0x9E3779B9)) & low
        k1 = (k1 + np.uint64(0xBB67AE85)) & low
    return tuple(c.astype(np.uint32) for c in (c0, c1, c2, c3))


def lane_states(
    seed: np.random.SeedSequence, role: Role, chains: int, units: int, first_chain: int = 0
) -> NDArray[np.uint32]:
    """Return xoshiro128+ states, array (chain, unit, 4), for one role.

    The state of (chain, unit) does not depend on how many chains or units there are.

    Examples
    --------
    >>> import numpy as np
    >>> from photinus.samplers import Role, lane_states
    >>> every = lane_states(np.random.SeedSequence(1), Role.GIBBS, chains=4, units=2)
    >>> last = lane_states(np.random.SeedSequence(1), Role.GIBBS, chains=2, units=2, first_chain=2)
    >>> bool((every[2:] == last).all())
    True
    """
    first_chain += first_chain_of(seed)
    k0, k1 = (int(word) for word in seed.generate_state(2, np.uint32))
    chain, unit = np.meshgrid(
        np.arange(first_chain, first_chain + chains), np.arange(units), indexing="ij"
    )
    zero = np.zeros_like(chain)
    counter = (unit, chain, zero + int(role), zero)
    words = philox(tuple(c.astype(np.uint32) for c in counter), (k0, k1))
    states = np.stack(words, axis=-1)
    # xoshiro must not start from all zeros; one chance in 2**128, but it would stay there for ever.
    states[..., 0] |= np.all(states == 0, axis=-1).astype(np.uint32)
    return states


def coins(seed: np.random.SeedSequence, role: Role, chains: int, units: int) -> NDArray[np.uint8]:
    """Return a fair coin of each lane, array (chain, unit): a bit of its first word."""
    found = np.empty((chains, units), np.uint8)
    size = max(1, LANES_AT_ONCE // max(1, units))
    for first in range(0, chains, size):
        some = found[first : first + size]
        some[...] = lane_states(seed, role, len(some), units, first)[..., 0] & 1
    return found


@inlined
def next_word(s0, s1, s2, s3):  # type: ignore[no-untyped-def]
    """Return one xoshiro128+ word and the next state; uint32 in, uint32 out.

    Every sum and shift is cast back. Compiled arithmetic of two uint32 is promoted to 64 bits, which
    biases the stream and halves the vector width.
    """
    word = np.uint32(s0 + s3)
    t = np.uint32(s1 << np.uint32(9))
    s2 = np.uint32(s2 ^ s0)
    s3 = np.uint32(s3 ^ s1)
    s1 = np.uint32(s1 ^ s2)
    s0 = np.uint32(s0 ^ s3)
    s2 = np.uint32(s2 ^ t)
    s3 = np.uint32(np.uint32(s3 << np.uint32(11)) | np.uint32(s3 >> np.uint32(21)))
    return word, s0, s1, s2, s3
