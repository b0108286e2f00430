"""Operations on many neighbouring numbers give what the same loop gives number by number."""

from typing import Any

import numba
import numpy as np
import pytest

from photinus._core.compilation import lowest_bit
from photinus._core.vectors import add_8, add_16, bits_up_to, spend


@numba.njit
def _lowest(word: Any) -> Any:
    return lowest_bit(word)


@numba.njit
def _up_to(values: Any, first: Any, bound: Any) -> Any:
    return bits_up_to(values, np.uintp(first), np.float32(bound))


@numba.njit
def _spend(values: Any, left: Any, used: Any, rates: Any, first: Any) -> Any:
    return spend(values, np.uintp(left), np.uintp(used), rates, np.uintp(first))


@numba.njit
def _add(sums: Any, others: Any, first: Any, factor: Any, other: Any, row: Any, place: Any) -> None:
    a, b = np.float32(factor), np.float32(other)
    add_8(sums, others, np.uintp(first), a, b, row, np.uintp(place))
    add_16(sums, others, np.uintp(first + 8), a, b, row, np.uintp(place + 8))


@pytest.mark.parametrize("bits", [{0}, {63}, {5, 6}, {31, 40}])
def test_the_lowest_bit_is_found_compiled_or_not(bits: set[int]) -> None:
    word = np.uint64(sum(1 << bit for bit in bits))
    assert lowest_bit(word) == _lowest(word) == min(bits)


def test_no_bit_stands_for_the_length_of_the_word() -> None:
    assert _lowest(np.uint64(0)) == 64


def test_bits_tell_which_numbers_reach_a_bound() -> None:
    values = np.arange(50, dtype=np.float32)
    values[20] = np.nan
    found = _up_to(values, 3, 30.0)
    assert found == sum(1 << k for k in range(32) if values[3 + k] <= 30.0)


def test_hazards_are_spent() -> None:
    values = np.random.default_rng(0).random(100).astype(np.float32)
    rates = np.linspace(0, 4, 40, dtype=np.float32)
    expected = values.copy()
    expected[60:92] *= rates[5:37]
    expected[3:35] -= expected[60:92]
    bits = _spend(values, 3, 60, rates, 5)
    assert np.array_equal(values, expected)
    assert bits == sum(1 << k for k in range(32) if expected[3 + k] < 0)
    assert 0 < bits < 2**32 - 1


def test_rows_are_added_to_both_sums_and_nothing_else_changes() -> None:
    random = np.random.default_rng(1)
    sums, others = random.normal(size=(2, 40)).astype(np.float32)
    row = random.integers(-(2**15), 2**15, 30).astype(np.int16)
    expected = sums.copy(), others.copy()
    for array, factor in zip(expected, (0.5, -0.25), strict=True):
        array[7:31] += np.float32(factor) * row[2:26]
    _add(sums, others, 7, 0.5, -0.25, row, 2)
    # The product is not rounded where the processor adds it at once.
    np.testing.assert_allclose(sums, expected[0], rtol=1e-6, atol=1e-3)
    np.testing.assert_allclose(others, expected[1], rtol=1e-6, atol=1e-3)
    assert np.array_equal(sums[:7], expected[0][:7])
    assert np.array_equal(others[31:], expected[1][31:])
