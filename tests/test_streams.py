"""Random streams: published answers, an independent generator, and who may share what."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from photinus._core.compilation import kernel
from photinus._core.streams import Role, lane_states, next_word, philox, seed_sequence
from photinus.errors import InvalidInput


@kernel
def _words(state: Any, words: Any) -> None:
    s0, s1, s2, s3 = state
    for i in range(len(words)):
        words[i], s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
    state[0], state[1], state[2], state[3] = s0, s1, s2, s3


def python_xoshiro128plus(state: list[int]) -> Iterator[int]:
    """Blackman & Vigna 2021, in unbounded integers."""
    s, mask = list(state), 2**32 - 1
    while True:
        yield (s[0] + s[3]) & mask
        t = (s[1] << 9) & mask
        s[2] ^= s[0]
        s[3] ^= s[1]
        s[1] ^= s[2]
        s[0] ^= s[3]
        s[2] ^= t
        s[3] = ((s[3] << 11) | (s[3] >> 21)) & mask


def as_hex(words: tuple[np.ndarray, ...]) -> str:
    return " ".join(f"{int(word):08x}" for word in words)


@pytest.mark.parametrize(
    ("counter", "key", "expected"),
    [
        ((0, 0, 0, 0), (0, 0), "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
        ((2**32 - 1,) * 4, (2**32 - 1,) * 2, "408f276d 41c83b0e a20bc7c6 6d5451fd"),
        (
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
            (0xA4093822, 0x299F31D0),
            "d16cfe09 94fdcceb 5001e420 24126ea1",
        ),
    ],
)
def test_philox_known_answers(counter: tuple[int, ...], key: tuple[int, int], expected: str) -> None:
    """The vectors of the authors' own test file."""
    assert as_hex(philox(tuple(np.array(c, np.uint32) for c in counter), key)) == expected


@pytest.mark.parametrize("state", [[1, 2, 3, 4], [2**32 - 1] * 4, [0x9E3779B9, 0, 0, 0x80000000]])
def test_compiled_words_equal_plain_integers(state: list[int]) -> None:
    compiled = np.array(state, np.uint32)
    words = np.empty(2000, np.uint32)
    _words(compiled, words)
    plain = python_xoshiro128plus(state)
    np.testing.assert_array_equal(words, [next(plain) for _ in range(2000)])
    # The state went on as well: the next words follow.
    _words(compiled, words[:10])
    np.testing.assert_array_equal(words[:10], [next(plain) for _ in range(10)])


def test_uncompiled_words_equal_compiled_ones() -> None:
    state = tuple(np.uint32(s) for s in (7, 2**31, 12345, 2**32 - 1))
    compiled = np.array(state, np.uint32)
    words = np.empty(100, np.uint32)
    _words(compiled, words)
    with np.errstate(over="ignore"):
        for expected in words:
            word, *state = next_word(*state)
            assert word == expected


def test_every_seed_role_chain_and_unit_has_its_own_stream() -> None:
    states = np.concatenate(
        [
            lane_states(seed_sequence(seed), role, 20, 30).reshape(-1, 4)
            for seed in (0, 1, 2**40)
            for role in Role
        ]
    )
    assert len(states) == 3 * len(Role) * 600
    assert len(np.unique(states, axis=0)) == len(states)


def test_swapping_chain_and_unit_or_role_gives_another_stream() -> None:
    states = lane_states(seed_sequence(5), Role.GIBBS, 4, 4)
    assert (states[1, 3] != states[3, 1]).any()
    assert (states != lane_states(seed_sequence(5), Role.IDEAL, 4, 4)).any(axis=-1).all()


def test_a_stream_does_not_depend_on_the_counts() -> None:
    seed = seed_sequence(3)
    many = lane_states(seed, Role.FIELD_NOISE, 50, 40)
    np.testing.assert_array_equal(lane_states(seed, Role.FIELD_NOISE, 7, 40), many[:7])
    np.testing.assert_array_equal(lane_states(seed, Role.FIELD_NOISE, 50, 3), many[:, :3])
    later = lane_states(seed, Role.FIELD_NOISE, 5, 40, first_chain=11)
    np.testing.assert_array_equal(later, many[11:16])


def test_no_stream_starts_from_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    zeros = (np.zeros((2, 2), np.uint32),) * 4
    monkeypatch.setattr("photinus._core.streams.philox", lambda *_: zeros)
    assert lane_states(seed_sequence(0), Role.EXACT, 2, 2).any(axis=-1).all()


def test_roles_are_a_contract() -> None:
    assert [(role.name, role.value) for role in Role][:6] == [
        ("FIELD_NOISE", 0),
        ("CARRIER_NOISE", 1),
        ("INITIAL_STATE", 2),
        ("GIBBS", 3),
        ("IDEAL", 4),
        ("EXACT", 5),
    ]


def test_seeds() -> None:
    given = np.random.SeedSequence(4, spawn_key=(1,))
    ours = seed_sequence(given)
    assert ours is not given
    assert np.array_equal(ours.generate_state(4), given.generate_state(4))
    given.spawn(3)
    assert seed_sequence(given).spawn(1)[0].spawn_key == (1, 0)
    assert given.n_children_spawned == 3
    assert seed_sequence(4).entropy == 4
    assert seed_sequence(None).entropy != seed_sequence(None).entropy
    for wrong in (-1, 1.5, "x", True):
        with pytest.raises(InvalidInput, match="seed must be"):
            seed_sequence(wrong)  # type: ignore[arg-type]


def test_words_are_uniform_in_mean_and_in_every_bit() -> None:
    """False alarm below 1e-6 in all: 33 two-sided tests at 3e-8 each, |z| < 5.54."""
    n, bound = 100_000, 5.54
    words = np.empty(n, np.uint32)
    _words(lane_states(seed_sequence(1), Role.GIBBS, 1, 1)[0, 0].copy(), words)
    bits = (words[:, None] >> np.arange(32, dtype=np.uint32)) & 1
    assert np.abs(bits.mean(axis=0) - 0.5).max() < bound * 0.5 / np.sqrt(n)
    assert np.abs(words.mean() / 2**32 - 0.5) < bound / np.sqrt(12 * n)
    # The twin: a word promoted to 64 bits, as an uncast sum would be, has the wrong mean.
    promoted = words.astype(np.uint64) + (words.astype(np.uint64) >> np.uint64(5))
    assert np.abs(promoted.mean() / 2**32 - 0.5) > bound / np.sqrt(12 * n)
