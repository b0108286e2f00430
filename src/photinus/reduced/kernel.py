"""The inner loop of the reduced laser: layout, arithmetic of one step, spikes and synapses.

Lanes. One lane is one laser of one chain; a block is a few whole chains, stored in tiles of 16
lanes as in `photinus.simulation.cpu`. Drives and carriers are in carriers, times in steps.

Escape. A lane fires when the hazard, integrated since its last spike, has used up a number drawn from
the unit exponential distribution at that spike (random time change; Daley & Vere-Jones 2003, "An
Introduction to the Theory of Point Processes" I, section 7.4). Random numbers are thus needed per spike
and none per step, and spikes fall between grid points. The table of hazards is read at the nearest
entry, but each lane shifts its position by a part of a cell that is drawn anew at every spike: on
average that interpolates.

Synapses. A spike waits in a ring until it acts, raises the drive of its targets, and waits on until
its pulse ends. What a pulse misses of the step in which it begins, or has too much of the step in which
it ends, is made up for in the next one, as is the kick: a drive for one step only. A laser that fires
again while its pulse lasts renews it: the earlier end counts no more.
"""

import numpy as np

from photinus._numba import inlined, kernel
from photinus.simulation import TILE
from photinus.simulation.streams import next_word

# Rows of a tile in the state array. Everything that is compared with a drive is relative to the reset.
# Effective drive, felt drive, risen part of the recovery, excess carriers, shift of the position in the
# table; constant, synaptic and momentary drive; hazard left to use up until the next spike, used up in
# this step, and read from the table.
EFFECTIVE, FELT, RISEN, EXCESS, SHIFT, BASE, SYNAPTIC, ONCE, LEFT, USED, READ = range(11)
ROWS = 11
WORDS = 4

# Entries of the array of constants.
REST, LEAK, CLAMP, ONSET, LAG, KEEP, TILT, TURN, LOWEST, SCALE = range(10)
CONSTANTS = 10

# Columns of a pending spike: time [steps], lane, steps since the spike before, renewed by the next one.
TIME, LANE, ELAPSED, RENEWED = range(4)
PENDING = 4
# Entries of the ring: the first spike that still has to end, to begin, and the next free place.
ENDING, BEGINNING, FREE = range(3)

_F = np.uintp(ROWS * TILE)
_ZERO = np.float32(0.0)
_HALF = np.float32(0.5)
_ONE = np.float32(1.0)
_SIXTEENTH = np.float32(1.0 / 16.0)
_EARLIEST = np.float32(1e-3)
"""Part of a step that a lane is past its spike at least: nothing is divided by zero."""


@inlined
def advance_membrane(  # type: ignore[no-untyped-def]
    effective, felt, risen, excess, push, leak, clamp, onset, lag, keep, tilt, turn
):
    """Return (effective drive, felt drive, risen, excess, factor of the hazard) one step later.

    See `photinus.reduced.model` for the equations; `push` is the whole drive of this step.
    """
    carriers = effective * risen
    above = max(carriers - onset, _ZERO)
    light = clamp * above * above
    excess = keep * excess + leak * (push - effective)
    steady = (risen + _HALF * leak * (_ONE - risen)) * push
    risen = risen + leak * (_ONE - risen)
    # One division serves both quotients.
    inverse = _ONE / ((_ONE + light) * risen)
    carriers = carriers + leak * (push - carriers) + light * (risen * inverse) * (steady - carriers)
    effective = carriers * (inverse * (_ONE + light))
    felt = felt + lag * (effective - felt)
    factor = max(_ONE + _SIXTEENTH * max(tilt + turn * felt, _ZERO) * excess, _ZERO)
    factor = factor * factor
    factor = factor * factor
    factor = factor * factor
    return effective, felt, risen, excess, factor * factor


@inlined
def _advance_tile(f, place, tile, constants, rows, columns, decay):  # type: ignore[no-untyped-def]
    """Advance one tile by a step; leave each lane's place in the table, and its factor in USED."""
    b = np.uintp(tile) * _F
    rest = constants[REST]
    leak = constants[LEAK]
    clamp = constants[CLAMP]
    onset = constants[ONSET]
    lag = constants[LAG]
    keep = constants[KEEP]
    tilt = constants[TILT]
    turn = constants[TURN]
    lowest = constants[LOWEST]
    scale = constants[SCALE]
    last_column = columns - _ONE
    g = np.uintp(tile * TILE)
    for lane in range(TILE):
        i = b + np.uintp(lane)
        synaptic = f[i + np.uintp(SYNAPTIC * TILE)]
        begun = f[i + np.uintp(RISEN * TILE)]
        push = max(f[i + np.uintp(BASE * TILE)] + synaptic, rest) + f[i + np.uintp(ONCE * TILE)]
        effective, felt, risen, excess, tilted = advance_membrane(
            f[i + np.uintp(EFFECTIVE * TILE)],
            f[i + np.uintp(FELT * TILE)],
            begun,
            f[i + np.uintp(EXCESS * TILE)],
            push,
            leak,
            clamp,
            onset,
            lag,
            keep,
            tilt,
            turn,
        )
        x = (felt - lowest) * scale + f[i + np.uintp(SHIFT * TILE)]
        # The hazard is that of the middle of the step.
        row = np.floor(_HALF * (begun + risen) * rows)
        column = np.floor(min(max(x, _ZERO), last_column))
        f[i + np.uintp(EFFECTIVE * TILE)] = effective
        f[i + np.uintp(FELT * TILE)] = felt
        f[i + np.uintp(RISEN * TILE)] = risen
        f[i + np.uintp(EXCESS * TILE)] = excess
        f[i + np.uintp(SYNAPTIC * TILE)] = synaptic * decay
        f[i + np.uintp(ONCE * TILE)] = _ZERO
        f[i + np.uintp(USED * TILE)] = tilted
        place[g + np.uintp(lane)] = np.int32(row * columns + column)


@inlined
def _use_up(f, tile):  # type: ignore[no-untyped-def]
    """Use up the hazard of a step in one tile; return how many lanes fired."""
    b = np.uintp(tile) * _F
    count = np.int32(0)
    for lane in range(TILE):
        i = b + np.uintp(lane)
        used = f[i + np.uintp(USED * TILE)] * f[i + np.uintp(READ * TILE)]
        left = f[i + np.uintp(LEFT * TILE)] - used
        fire = np.int32(1) if left < _ZERO else np.int32(0)
        f[i + np.uintp(USED * TILE)] = used
        f[i + np.uintp(LEFT * TILE)] = left
        count += fire
    return count


@inlined
def _word(r, lane):  # type: ignore[no-untyped-def]
    """Return a random word from the stream of a lane."""
    j = (lane // TILE) * (WORDS * TILE) + lane % TILE
    word, s0, s1, s2, s3 = next_word(r[j], r[j + TILE], r[j + 2 * TILE], r[j + 3 * TILE])
    r[j] = s0
    r[j + TILE] = s1
    r[j + 2 * TILE] = s2
    r[j + 3 * TILE] = s3
    return word


@inlined
def _restart(f, r, lane, since, constants):  # type: ignore[no-untyped-def]
    """Put a lane to where it is `since` of a step after its spike."""
    i = (lane // TILE) * (ROWS * TILE) + lane % TILE
    push = max(f[i + BASE * TILE] + f[i + SYNAPTIC * TILE], constants[REST])
    f[i + EFFECTIVE * TILE] = push
    f[i + FELT * TILE] = push
    f[i + RISEN * TILE] = constants[LEAK] * max(since, _EARLIEST)
    f[i + EXCESS * TILE] = _ZERO
    # 24 bits: the most that a number in single precision keeps.
    unit = (np.float32(_word(r, lane) >> np.uint32(8)) + _HALF) * np.float32(2.0**-24)
    f[i + LEFT * TILE] = -np.log(unit)
    f[i + SHIFT * TILE] = np.float32(_word(r, lane) >> np.uint32(8)) * np.float32(2.0**-24)


@inlined
def _deliver(f, lane, height, once, n_units, groups_of, runs_of, runs, coupling):  # type: ignore[no-untyped-def]
    """Raise the synaptic drive of the targets of `lane` by `height`, and by `once` for a step."""
    source = lane % n_units
    first_lane = lane - source
    for group in range(groups_of[source], groups_of[source + 1]):
        for run in range(runs_of[group], runs_of[group + 1]):
            offset = runs[run, 1]
            end = offset + runs[run, 2]
            aim = first_lane + runs[run, 0]
            while offset < end:
                # As far as the tile goes.
                place = aim % TILE
                size = min(TILE - place, end - offset)
                i = (aim // TILE) * (ROWS * TILE) + place
                for k in range(size):
                    f[i + SYNAPTIC * TILE + k] += height * coupling[offset + k]
                    f[i + ONCE * TILE + k] += once * coupling[offset + k]
                aim += size
                offset += size


@kernel
def advance_block(  # type: ignore[no-untyped-def]
    f,
    r,
    last_spike,
    last_place,
    pending,
    ring,
    constants,
    hazard,
    columns,
    groups_of,
    runs_of,
    runs,
    coupling,
    kick,
    sustain,
    pulse,
    decay,
    renewing,
    delay,
    n_units,
    n_chains,
    step,
    stop,
    spikes,
):
    """Advance one block from `step` towards `stop`; return (step reached, spikes written).

    It returns early when `spikes` or `pending` may overflow.

    Parameters
    ----------
    f, r : flat state and random-state arrays, tile by tile.
    last_spike, last_place : float64, int64 (lanes,), time [steps] and place of the latest spike.
    pending, ring : float64 (capacity, 4), spikes that act or will act; see ENDING, BEGINNING, FREE.
    constants : float32 (CONSTANTS,).
    hazard : float32, flat table of the risen part (0 to 1) by drives (`columns`), per step.
    groups_of, runs_of, runs, coupling : see `photinus.simulation.couplings`, without groups by delay.
    kick : carriers at once per coupling, as a drive for one step; sustain : drive per coupling.
    pulse, delay : duration and delay [steps]; decay : factor per step of an exponential, else 1.
    spikes : float64 (capacity, 2) of (time [steps], lane).
    """
    n_lanes = n_units * n_chains
    n_tiles = f.size // (ROWS * TILE)
    # A power of two, so that places are cheap to find.
    mask = pending.shape[0] - 1
    rows, width = np.float32(hazard.size // columns), np.float32(columns)
    place = np.empty(n_tiles * TILE, np.int32)
    fired = np.empty(n_tiles * TILE + 1, np.int64)
    exponential_pulse = decay < 1.0
    written = 0
    while step < stop and spikes.shape[0] - written >= n_lanes:
        if ring[FREE] - ring[ENDING] + n_lanes > pending.shape[0]:
            break
        while ring[BEGINNING] < ring[FREE]:
            spike = pending[ring[BEGINNING] & mask]
            late = step - delay - spike[TIME]
            if late < 0.0:
                break
            share = 1.0
            height = sustain
            if exponential_pulse:
                if renewing:
                    share = -np.expm1(np.log(decay) * spike[ELAPSED])
                height = sustain * share
            elif renewing and spike[ELAPSED] < pulse:
                share = spike[ELAPSED] / pulse
                height = 0.0
            _deliver(
                f,
                np.int64(spike[LANE]),
                np.float32(height),
                np.float32(height * late + kick * share),
                n_units,
                groups_of,
                runs_of,
                runs,
                coupling,
            )
            ring[BEGINNING] += 1
        while ring[ENDING] < ring[BEGINNING]:
            spike = pending[ring[ENDING] & mask]
            late = step - delay - spike[TIME] - pulse
            if late < 0.0 and not exponential_pulse:
                break
            if not exponential_pulse and spike[RENEWED] == 0.0:
                _deliver(
                    f,
                    np.int64(spike[LANE]),
                    np.float32(-sustain),
                    np.float32(-sustain * late),
                    n_units,
                    groups_of,
                    runs_of,
                    runs,
                    coupling,
                )
            ring[ENDING] += 1

        step += 1
        for tile in range(n_tiles):
            _advance_tile(f, place, tile, constants, rows, width, decay)
        # Apart from the arithmetic, whose loops the compiler would not vectorise with a table in them.
        for tile in range(n_tiles):
            i = np.uintp(tile) * _F + np.uintp(READ * TILE)
            g = np.uintp(tile * TILE)
            for lane in range(TILE):
                f[i + np.uintp(lane)] = hazard[np.uintp(place[g + np.uintp(lane)])]
        fires = 0
        for tile in range(n_tiles):
            if _use_up(f, tile) > 0:
                for k in range(TILE):
                    fired[fires] = tile * TILE + k
                    fires += 1 if f[tile * (ROWS * TILE) + LEFT * TILE + k] < _ZERO else 0
        for k in range(fires):
            lane = fired[k]
            i = (lane // TILE) * (ROWS * TILE) + lane % TILE
            # What is left is negative: what the whole step has used up too much.
            since = min(-f[i + LEFT * TILE] / f[i + USED * TILE], _ONE)
            time = step - np.float64(since)
            _restart(f, r, lane, since, constants)
            spikes[written, 0] = time
            spikes[written, 1] = lane
            written += 1
            free = ring[FREE] & mask
            elapsed = time - last_spike[lane]
            if renewing and elapsed < pulse:
                pending[last_place[lane] & mask, RENEWED] = 1.0
            pending[free, TIME] = time
            pending[free, LANE] = lane
            pending[free, ELAPSED] = elapsed
            pending[free, RENEWED] = 0.0
            last_spike[lane] = time
            last_place[lane] = ring[FREE]
            ring[FREE] += 1
    return step, written
