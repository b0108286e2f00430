"""The arithmetic of one reduced laser and one step: what it feels, its hazard, its spike.

Drives and carriers are in carriers, times in steps. Lanes are stored in tiles of TILE lanes, as in
`photinus.engines.laser.loop`.

Escape. At each spike a lane draws a number from the unit exponential distribution. It fires when the
hazard, integrated since then, has used up that number. This is random time change (Daley & Vere-Jones
2003, "An Introduction to the Theory of Point Processes" I, section 7.4). Random numbers are thus needed
per spike and none per step, and spikes fall between grid points. The table of hazards is read at the
nearest entry. But each lane shifts its position by a part of a cell that is drawn again at every spike:
on average that interpolates.
"""

import math

import numpy as np

from photinus._core.compilation import TILE, inlined
from photinus._core.streams import next_word

# Rows of a tile in the state array. Everything that is compared with a drive is relative to the reset.
# Effective drive, felt drive, risen part of the recovery, excess carriers, shift of the position in the
# table; constant drive; hazard left to use up until the next spike, and used up in this step.
EFFECTIVE, FELT, RISEN, EXCESS, SHIFT, BASE, LEFT, USED = range(8)
ROWS = 8
WORDS = 4

# Entries of the array of constants.
REST, MOST, LEAK, CLAMP, ONSET, LAG, KEEP, TILT, TURN, LOWEST, SCALE = range(11)
CONSTANTS = 11

F = np.uintp(ROWS * TILE)
"""Entries of a tile in the state array."""
_R = np.uintp(WORDS * TILE)
_TILE = np.uintp(TILE)
ZERO = np.float32(0.0)
HALF = np.float32(0.5)
ONE = np.float32(1.0)
_SIXTEENTH = np.float32(1.0 / 16.0)
_TINY = np.float32(1e-15)
_STEEPEST = np.float32(2.0)
"""Largest 16th root of a factor of the hazard: one of 65 536."""
LEAST = np.float32(1e-12)
_EARLIEST = np.float32(1e-3)
"""Part of a step that a lane is past its spike at least: nothing is divided by zero."""


@inlined
def _sharpened(tilt, turn, felt, excess):  # type: ignore[no-untyped-def]
    """Return the factor of the hazard that an excess of carriers makes, a 16th power."""
    factor = max(ONE + _SIXTEENTH * max(tilt + turn * felt, ZERO) * excess, ZERO)
    factor = _STEEPEST if factor > _STEEPEST else factor
    factor = factor * factor
    factor = factor * factor
    factor = factor * factor
    return factor * factor


@inlined
def advance_membrane(  # type: ignore[no-untyped-def]
    effective, felt, risen, excess, push, rest, most, leak, clamp, onset, lag, keep, tilt, turn
):
    """Return (effective drive, felt drive, risen, excess, factor of the hazard) one step later.

    See `photinus.engines.reduced.model` for the equations; `push` is the whole drive of this step. All
    that comes back is finite, however large the push.
    """
    # Written so that a push that is not a number stays one: it is told after the run.
    push = most if push > most else push
    push = -most if push < -most else push
    before = effective * risen
    above = max(before - onset, ZERO)
    light = clamp * above * above
    steady = (risen + HALF * leak * (ONE - risen)) * push
    risen = risen + leak * (ONE - risen)
    # The last term keeps what fades in a laser at rest from becoming a denormal number: slow.
    excess = keep * excess + (leak * (push - effective) + _TINY)
    carriers = before + leak * (push - before)
    pull = light * risen * (steady - before)
    light = ONE + light
    # One division serves both quotients.
    inverse = ONE / (light * risen)
    effective = (carriers + pull * inverse) * (inverse * light)
    # Carriers cannot be taken where there are none left.
    effective = rest if effective < rest else effective
    felt = felt + lag * (effective - felt)
    return effective, felt, risen, excess, _sharpened(tilt, turn, felt, excess)


@inlined
def middle(rows, leak):  # type: ignore[no-untyped-def]
    """Return (upon, below), to find the hazard of the middle of a step, when less had risen."""
    upon = rows / np.float32(math.sqrt(ONE - leak))
    return upon, upon - rows


@inlined
def position(felt, risen, shift, lowest, scale, last_column, rows, upon, below):  # type: ignore[no-untyped-def]
    """Return where the table of hazards has its entry, (column, row), neither rounded down yet.

    `upon` and `below` are those of `middle`.
    """
    x = (felt - lowest) * scale + shift
    y = risen * upon - below
    # Compared so that what is not a number gives an entry of the table too.
    x = x if x > ZERO else ZERO
    y = y if y > ZERO else ZERO
    return x if x < last_column else last_column, y if y < rows else rows


@inlined
def lane_at(lane):  # type: ignore[no-untyped-def]
    """Return the position of a lane in the flat state array."""
    return (lane // _TILE) * F + lane % _TILE


@inlined
def _word(r, lane):  # type: ignore[no-untyped-def]
    """Return a random word from the stream of a lane."""
    j = (lane // _TILE) * _R + lane % _TILE
    word, s0, s1, s2, s3 = next_word(
        r[j], r[j + _TILE], r[j + np.uintp(2 * TILE)], r[j + np.uintp(3 * TILE)]
    )
    r[j] = s0
    r[j + _TILE] = s1
    r[j + np.uintp(2 * TILE)] = s2
    r[j + np.uintp(3 * TILE)] = s3
    return word


@inlined
def since_spike(left, used, trend):  # type: ignore[no-untyped-def]
    """Return how much of a step is over since the hazard was used up, as if it had changed linearly.

    `left` is negative: what the whole step has used up too much. `trend` is half of what the hazard
    gained in this step, as part of its mean: it goes from ``1 - trend`` to ``1 + trend``.
    """
    part = max(ONE + left / used, ZERO)
    down = ONE - trend
    root = np.float32(math.sqrt(down * down + np.float32(4.0) * trend * part))
    return max(ONE - (part + part) / max(down + root, _EARLIEST), ZERO)


@inlined
def restart(f, r, synaptic, lane, since, constants):  # type: ignore[no-untyped-def]
    """Put a lane to where it is `since` of a step after its spike."""
    i = lane_at(lane)
    push = max(f[i + np.uintp(BASE * TILE)] + synaptic[lane], constants[REST])
    push = constants[MOST] if push > constants[MOST] else push
    f[i + np.uintp(EFFECTIVE * TILE)] = push
    f[i + np.uintp(FELT * TILE)] = push
    f[i + np.uintp(RISEN * TILE)] = constants[LEAK] * max(since, _EARLIEST)
    f[i + np.uintp(EXCESS * TILE)] = ZERO
    # 24 bits, the most that a number in single precision keeps, and the other eight.
    word = _word(r, lane)
    unit = (np.float32(word >> np.uint32(8)) + HALF) * np.float32(2.0**-24)
    f[i + np.uintp(LEFT * TILE)] = -np.float32(math.log(unit))
    f[i + np.uintp(SHIFT * TILE)] = np.float32(word & np.uint32(255)) * np.float32(2.0**-8)


@inlined
def share_left(tilt, turn, felt, excess, change):  # type: ignore[no-untyped-def]
    """Return what part of its hazard a laser keeps when its excess of carriers changes."""
    before = max(_sharpened(tilt, turn, felt, excess), LEAST)
    after = max(_sharpened(tilt, turn, felt, excess + change), LEAST)
    return min(after / before, ONE)
