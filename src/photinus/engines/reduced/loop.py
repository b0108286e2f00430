"""The inner loop of the reduced laser: layout, arithmetic of one step, spikes and synapses.

Lanes. One lane is one laser of one chain; a block is a few whole chains, stored in tiles of TILE
lanes as in `photinus.engines.laser.loop`. Drives and carriers are in carriers, times in steps.

Escape. At each spike a lane draws a number from the unit exponential distribution. It fires when the
hazard, integrated since then, has used up that number. This is random time change (Daley & Vere-Jones
2003, "An Introduction to the Theory of Point Processes" I, section 7.4). Random numbers are thus needed
per spike and none per step, and spikes fall between grid points. The table of hazards is read at the
nearest entry. But each lane shifts its position by a part of a cell that is drawn again at every spike:
on average that interpolates.

Synapses. A spike waits in a ring until it acts, raises the drive of its targets, and waits on until
its pulse ends. A pulse misses something of the step in which it starts, and has too much of the step in
which it ends. The next step makes up for that. The kick is a drive for one step only. A laser that
fires again while its pulse lasts renews it: the earlier end counts no more. Depressed synapses send
lower pulses, see `photinus.networks.depression.Depression`; then a renewed pulse goes over to its new
height.

Fan-out. A laser whose targets lie close together has its couplings as one row, with zeros in the gaps.
Rows are 16-bit integers, multiples of a 32767th of the largest coupling in the row. A row is read at
every spike, and large machines wait for them. Long rows are delivered four spikes at a time, so that
the drives of their targets are read and written once for four.
"""

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from photinus._core.compilation import SHORT_TILE as TILE
from photinus._core.compilation import inlined, kernel
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

# Columns of a pending spike: time [steps], step in which it was fired, lane, steps since the spike
# before, renewed by the next one, height of its pulse and of the one that it renews, in units of the
# undepressed height.
TIME, FIRED, LANE, ELAPSED, RENEWED, HEIGHT, BEFORE = range(7)
PENDING = 7
# Entries of the ring: the first spike that still has to end, to begin, and the next free place.
ENDING, BEGINNING, FREE = range(3)

# Columns of what a lane does to others: a key, the same for all sources of a chain whose rows have the
# same place and width; the first lane and the number of lanes of the row; where the row begins. Lanes
# that are SCATTERED have runs of targets instead: the first lane of their chain, none, the source.
KEY, AIM, SIZE, ROW = range(4)
FAN_OUT = 4
SCATTERED, NOWHERE = -1, -2
WIDTH = 8
"""Lanes by which rows of small networks are rounded up."""
NARROW = 64
"""Lanes of a row up to which it costs less to add it up alone than to find out what goes with it."""

_F = np.uintp(ROWS * TILE)
_R = np.uintp(WORDS * TILE)
_TILE = np.uintp(TILE)
_ZERO = np.float32(0.0)
_HALF = np.float32(0.5)
_ONE = np.float32(1.0)
_SIXTEENTH = np.float32(1.0 / 16.0)
# The number of a word's lowest bit, without a loop over the bits (Leiserson, Prokop & Randall 1998,
# "Using de Bruijn Sequences to Index a 1 in a Computer Word").
_NONE, _WORD, _DE_BRUIJN = np.uint64(0), np.uint64(0xFFFFFFFF), np.uint64(0x077CB531)
_POSITION = np.argsort([(0x077CB531 << k & 0xFFFFFFFF) >> 27 for k in range(32)])
ROUNDING = 1e-6
_TINY = np.float32(1e-15)
_STEEPEST = np.float32(2.0)
"""Largest 16th root of a factor of the hazard: one of 65 536."""
_LEAST = np.float32(1e-12)
LARGEST = 2.0**15
WEAK = 1.5
"""Change of a log-hazard, at a kick of a long row's largest coupling, below which it can wait."""
_EARLIEST = np.float32(1e-3)
"""Part of a step that a lane is past its spike at least: nothing is divided by zero."""


@inlined
def _sharpened(tilt, turn, felt, excess):  # type: ignore[no-untyped-def]
    """Return the factor of the hazard that an excess of carriers makes, a 16th power."""
    factor = max(_ONE + _SIXTEENTH * max(tilt + turn * felt, _ZERO) * excess, _ZERO)
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
    above = max(before - onset, _ZERO)
    light = clamp * above * above
    steady = (risen + _HALF * leak * (_ONE - risen)) * push
    risen = risen + leak * (_ONE - risen)
    # The last term keeps what fades in a laser at rest from becoming a denormal number: slow.
    excess = keep * excess + (leak * (push - effective) + _TINY)
    carriers = before + leak * (push - before)
    pull = light * risen * (steady - before)
    light = _ONE + light
    # One division serves both quotients.
    inverse = _ONE / (light * risen)
    effective = (carriers + pull * inverse) * (inverse * light)
    # Carriers cannot be taken where there are none left.
    effective = rest if effective < rest else effective
    felt = felt + lag * (effective - felt)
    return effective, felt, risen, excess, _sharpened(tilt, turn, felt, excess)


@inlined
def middle(rows, leak):  # type: ignore[no-untyped-def]
    """Return (upon, below), to find the hazard of the middle of a step, when less had risen."""
    upon = rows / np.float32(math.sqrt(_ONE - leak))
    return upon, upon - rows


@inlined
def position(felt, risen, shift, lowest, scale, last_column, rows, upon, below):  # type: ignore[no-untyped-def]
    """Return where the table of hazards has its entry, (column, row), neither rounded down yet.

    `upon` and `below` are those of `middle`.
    """
    x = (felt - lowest) * scale + shift
    y = risen * upon - below
    # Compared so that what is not a number gives an entry of the table too.
    x = x if x > _ZERO else _ZERO
    y = y if y > _ZERO else _ZERO
    return x if x < last_column else last_column, y if y < rows else rows


@inlined
def _advance_tiles(  # type: ignore[no-untyped-def]
    f, synaptic, once, place, read, bit, words, fired, constants, hazard, columns, width
):
    """Advance all tiles by a step; write the lanes that fired, rising, and return their number.

    What waits for memory or decides on a branch comes after all tiles have gone through what is before
    it. A branch that is predicted wrongly then costs itself, not the whole chain that it waited for.
    """
    rest = constants[REST]
    most = constants[MOST]
    leak = constants[LEAK]
    clamp = constants[CLAMP]
    onset = constants[ONSET]
    lag = constants[LAG]
    keep = constants[KEEP]
    tilt = constants[TILT]
    turn = constants[TURN]
    lowest = constants[LOWEST]
    scale = constants[SCALE]
    across = np.float32(columns)
    last_column = across - _ONE
    rows = np.float32(hazard.shape[0] // columns - 1)
    upon, below = middle(rows, leak)
    for tile in range(words.size):
        b = np.uintp(tile) * _F
        g = np.uintp(tile) * _TILE
        for lane in range(TILE):
            i = b + np.uintp(lane)
            k = g + np.uintp(lane)
            push = max(f[i + np.uintp(BASE * TILE)] + synaptic[k], rest) + once[k]
            effective, felt, risen, excess, factor = advance_membrane(
                f[i + np.uintp(EFFECTIVE * TILE)],
                f[i + np.uintp(FELT * TILE)],
                f[i + np.uintp(RISEN * TILE)],
                f[i + np.uintp(EXCESS * TILE)],
                push,
                rest,
                most,
                leak,
                clamp,
                onset,
                lag,
                keep,
                tilt,
                turn,
            )
            f[i + np.uintp(EFFECTIVE * TILE)] = effective
            f[i + np.uintp(FELT * TILE)] = felt
            f[i + np.uintp(RISEN * TILE)] = risen
            f[i + np.uintp(EXCESS * TILE)] = excess
            f[i + np.uintp(USED * TILE)] = factor
            once[k] = _ZERO
            column, row = position(
                felt,
                risen,
                f[i + np.uintp(SHIFT * TILE)],
                lowest,
                scale,
                last_column,
                rows,
                upon,
                below,
            )
            column, row = np.floor(column), np.floor(row)
            place[k] = np.int32(row * across + column)
    # Alone: the compiler would not vectorise a loop with a table in it.
    for entry in range(place.size):
        read[entry] = hazard[np.uintp(place[entry])]
    for tile in range(words.size):
        b = np.uintp(tile) * _F
        g = np.uintp(tile) * _TILE
        bits = np.uint32(0)
        for lane in range(width):
            i = b + np.uintp(lane)
            used = f[i + np.uintp(USED * TILE)] * read[g + np.uintp(lane)]
            left = f[i + np.uintp(LEFT * TILE)] - used
            f[i + np.uintp(USED * TILE)] = used
            f[i + np.uintp(LEFT * TILE)] = left
            own = bit[np.uintp(lane)]
            bits = np.uint32(bits | np.uint32(own if left < _ZERO else np.uint32(0)))
        words[tile] = bits
    fires = np.uintp(0)
    for tile in range(words.size):
        some = np.uint64(words[tile])
        while some != _NONE:
            lowest_bit = some & (~some + np.uint64(1))
            some ^= lowest_bit
            fired[fires] = tile * TILE + _POSITION[(lowest_bit * _DE_BRUIJN & _WORD) >> np.uint64(27)]
            fires += np.uintp(1)
    return np.int64(fires)


@inlined
def lane_at(lane):  # type: ignore[no-untyped-def]
    """Return the position of a lane in the flat state array."""
    return (lane // _TILE) * _F + lane % _TILE


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
    part = max(_ONE + left / used, _ZERO)
    down = _ONE - trend
    root = np.float32(math.sqrt(down * down + np.float32(4.0) * trend * part))
    return max(_ONE - (part + part) / max(down + root, _EARLIEST), _ZERO)


@inlined
def restart(f, r, synaptic, lane, since, constants):  # type: ignore[no-untyped-def]
    """Put a lane to where it is `since` of a step after its spike."""
    i = lane_at(lane)
    push = max(f[i + np.uintp(BASE * TILE)] + synaptic[lane], constants[REST])
    push = constants[MOST] if push > constants[MOST] else push
    f[i + np.uintp(EFFECTIVE * TILE)] = push
    f[i + np.uintp(FELT * TILE)] = push
    f[i + np.uintp(RISEN * TILE)] = constants[LEAK] * max(since, _EARLIEST)
    f[i + np.uintp(EXCESS * TILE)] = _ZERO
    # 24 bits, the most that a number in single precision keeps, and the other eight.
    word = _word(r, lane)
    unit = (np.float32(word >> np.uint32(8)) + _HALF) * np.float32(2.0**-24)
    f[i + np.uintp(LEFT * TILE)] = -np.float32(math.log(unit))
    f[i + np.uintp(SHIFT * TILE)] = np.float32(word & np.uint32(255)) * np.float32(2.0**-8)


@inlined
def _share_left(tilt, turn, felt, excess, change):  # type: ignore[no-untyped-def]
    """Return what part of its hazard a laser keeps when its excess of carriers changes."""
    before = max(_sharpened(tilt, turn, felt, excess), _LEAST)
    after = max(_sharpened(tilt, turn, felt, excess + change), _LEAST)
    return min(after / before, _ONE)


@inlined
def inhibit_within(  # type: ignore[no-untyped-def]
    f, first, end, fired, parts, kicks, order, lowered, slot, delay, constants, fan_out, runs_of, runs,
    coupling, dense, unit,
):  # fmt: skip
    """Let lasers of one chain that fire in the same step inhibit each other in it.

    Spikes `first` to `end` of `fired` (lanes) happen at `parts` of the step. In order of time, the
    kick of each, `kicks` times the coupling, lowers the hazards of the later ones, which then fire
    later. Beyond 1 they do not fire in this step. Spikes that raise hazards act from the next step on,
    as light takes its time to rise. So do those of long rows without a strong coupling.

    `order`, `lowered` and `slot` (lane,) are scratch; `slot` comes and goes as -1 everywhere.
    """
    tilt, turn, leak = constants[TILT], constants[TURN], constants[LEAK]
    for k in range(first, end):
        # Inserted as cards are; there are few.
        at = k
        while at > first and parts[order[at - 1]] > parts[k]:
            order[at] = order[at - 1]
            at -= 1
        order[at] = k
        lowered[k] = _ZERO
        slot[fired[k]] = k
    for rank in range(first, end):
        k = order[rank]
        lane = np.uintp(fired[k])
        acts = parts[k] + delay
        if acts >= _ONE or kicks[k] == _ZERO:
            continue
        key, aim, row = fan_out[lane, KEY], fan_out[lane, AIM], fan_out[lane, ROW]
        if key == SCATTERED:
            for run in range(runs_of[row], runs_of[row + 1]):
                for c in range(runs[run, 2]):
                    other = slot[aim + runs[run, 0] + c]
                    weight = coupling[runs[run, 1] + c]
                    if other >= 0 and weight < _ZERO and acts < parts[other]:
                        i = lane_at(np.uintp(fired[other]))
                        felt, excess = f[i + np.uintp(FELT * TILE)], f[i + np.uintp(EXCESS * TILE)]
                        change = leak * np.float32(kicks[k] * weight)
                        share = _share_left(tilt, turn, felt, excess + lowered[other], change)
                        lowered[other] += change
                        # What is left of the hazard until it fires lasts the longer.
                        parts[other] = acts + (parts[other] - acts) / share
                        f[i + np.uintp(USED * TILE)] *= share
        elif key != NOWHERE:
            size, height = fan_out[lane, SIZE], kicks[k] * unit[lane]
            for later in range(rank + 1, end):
                other = order[later]
                at = fired[other] - aim
                if at < 0 or at >= size or dense[row + at] >= 0 or acts >= parts[other]:
                    continue
                i = lane_at(np.uintp(fired[other]))
                felt, excess = f[i + np.uintp(FELT * TILE)], f[i + np.uintp(EXCESS * TILE)]
                change = leak * np.float32(height * dense[row + at])
                share = _share_left(tilt, turn, felt, excess + lowered[other], change)
                lowered[other] += change
                parts[other] = acts + (parts[other] - acts) / share
                f[i + np.uintp(USED * TILE)] *= share
    for k in range(first, end):
        slot[fired[k]] = -1


@inlined
def _deliver(  # type: ignore[no-untyped-def]
    synaptic, once, first_lane, source, height, moment, runs_of, runs, coupling
):
    """Raise the synaptic drive of the targets of a source by `height`, and by `moment` for a step."""
    for run in range(runs_of[source], runs_of[source + np.uintp(1)]):
        aim, offset = np.uintp(first_lane + runs[run, 0]), np.uintp(runs[run, 1])
        for k in range(np.uintp(runs[run, 2])):
            synaptic[aim + k] += height * coupling[offset + k]
            once[aim + k] += moment * coupling[offset + k]


@inlined
def _bend(f, synaptic, once, bent, knee, bend):  # type: ignore[no-untyped-def]
    """Write into `bent` what drivers make of the synaptic drives, and weaken kicks as they do.

    See `_set_bent_pumps` of `photinus.engines.laser.loop`.
    """
    for tile in range(bent.size // TILE):
        b = np.uintp(tile) * _F + np.uintp(BASE * TILE)
        g = np.uintp(tile) * _TILE
        for lane in range(TILE):
            k = g + np.uintp(lane)
            base = f[b + np.uintp(lane)]
            before = max(base + bent[k] - knee[k], _ZERO)
            x = base + synaptic[k] - knee[k]
            root = np.float32(np.sqrt(x * x + np.float32(4.0) * bend))
            # Of the two forms, the one that subtracts no numbers of like size.
            above = _HALF * (x + root)
            below = (bend + bend) / max(root - x, _LEAST)
            y = above if x > _ZERO else below
            both = y * before
            once[k] *= both / (both + bend + _LEAST)
            bent[k] = (knee[k] + y) - base


class State(NamedTuple):
    """What changes while a block advances; `tiles` of lanes."""

    f: NDArray[np.float32]
    """Flat state of all lanes, tile by tile."""
    r: NDArray[np.uint32]
    """Flat random states, tile by tile."""
    synaptic: NDArray[np.float32]
    """Synaptic drive of each lane, (tiles * TILE,)."""
    once: NDArray[np.float32]
    """The same for one step only."""
    last_spike: NDArray[np.float64]
    """Time of the latest spike [steps], (lanes,)."""
    last_place: NDArray[np.int64]
    """Its place in `pending`, (lanes,)."""
    resources: NDArray[np.float64]
    """What the latest spike of each lane has left of its resources, (lanes,)."""
    pending: NDArray[np.float64]
    """Spikes that act or will, (capacity, PENDING)."""
    ring: NDArray[np.int64]
    """Where they are; see ENDING, BEGINNING, FREE."""


class Scratch(NamedTuple):
    """What lives only during a step."""

    place: NDArray[np.int32]
    """(tiles * TILE,)"""
    read: NDArray[np.float32]
    """(tiles * TILE,)"""
    words: NDArray[np.uint32]
    """(tiles,)"""
    bit: NDArray[np.uint32]
    """Powers of two, (TILE,)."""


class Drivers(NamedTuple):
    """Drivers that bend, see `photinus.devices.laser.driver`; empty arrays where none does."""

    bent: NDArray[np.float32]
    """What they make of the synaptic drives, (tiles * TILE,)."""
    knee: NDArray[np.float32]
    """Idle drives, relative to the reset, (tiles * TILE,)."""
    bend: np.float32
    """Square of half their softness."""


class Law(NamedTuple):
    """What a reduced laser is: `ReducedLaser.constants` and its tables."""

    constants: NDArray[np.float32]
    """(CONSTANTS,)"""
    hazard: NDArray[np.float32]
    """Flat table of the risen part (0 to 1) by drives: what a step uses up, see `since_spike`. The
    last row, all has risen, is met by rounding only."""
    trend: NDArray[np.float32]
    """How that changes."""
    columns: int
    """Drives of the tables."""


class Synapses(NamedTuple):
    """Couplings, the pulse behind a spike, its delay and depression; times in steps."""

    runs_of: NDArray[np.int64]
    runs: NDArray[np.int64]
    coupling: NDArray[np.float32]
    """Runs of targets of each source, see `photinus.networks.couplings`."""
    dense: NDArray[np.int16]
    """Rows of couplings, one after the other."""
    fan_out: NDArray[np.int64]
    """(lanes, FAN_OUT), see KEY."""
    unit: NDArray[np.float32]
    """What the integers of a row are multiples of, (lanes,); 1 without a row."""
    kick: float
    """Carriers at once per coupling, as a drive for one step."""
    sustain: float
    """Drive per coupling."""
    pulse: float
    """Duration."""
    decay: np.float32
    """Factor per step of an exponential, else 1."""
    renewing: bool
    delay: float
    use: float
    """Of a depressed synapse; 0 for one that is not."""
    recovery: float
    gain: NDArray[np.float64]
    """What all synapses of each chain are multiplied with, (chain,)."""


@kernel
def advance_block(  # type: ignore[no-untyped-def]
    state, drivers, scratch, law, synapses, width, stride, step, stop, times, lanes, counts
) -> Any:
    """Advance one block from `step` towards `stop`; return (step reached, spikes written).

    It returns early when `times` or `pending` may overflow.

    Parameters
    ----------
    state, drivers, scratch, law, synapses : see `State`, `Drivers`, `Scratch`, `Law`, `Synapses`.
    width : TILE, unknown to the compiler, which would unroll short loops instead of vectorising them.
    stride : lanes of a chain.
    times, lanes : float64, int32 (capacity,), spikes: times [steps], lanes.
    counts : int64 (lanes,), raised by the spikes of each lane.
    """
    f, r, synaptic, once, last_spike, last_place, resources, pending, ring = state
    bent, knee, bend = drivers
    felt = bent if bent.size > 0 else synaptic
    place, read, words, bit = scratch
    constants, hazard, trend, columns = law
    runs_of, runs, coupling, dense, fan_out, unit = synapses[:6]
    kick, sustain, pulse, decay, renewing, delay, use, recovery, gain = synapses[6:]
    n_lanes = last_spike.size
    # A power of two, so that places are cheap to find.
    mask = pending.shape[0] - 1
    fired = np.empty(n_lanes, np.int64)
    parts, kicks, order = np.empty(n_lanes), np.empty(n_lanes), np.empty(n_lanes, np.int64)
    lowered, slot = np.empty(n_lanes, np.float32), np.full(synaptic.size, -1)
    # What happens in a step: lanes that act, by how much they raise drives, and for this step only.
    # Every lane may begin and end a pulse.
    sources = np.empty(2 * n_lanes, np.uintp)
    heights = np.empty(sources.size, np.float32)
    moments = np.empty(sources.size, np.float32)
    decays = decay < 1.0
    rate = np.log(decay)
    per_pulse = 1.0 / pulse
    # All spikes of a step begin at the same step, and end at the same: none has to wait for others.
    # As many early as late, by half a step at most: what is early or late of a pulse is made up for.
    until_begin = np.rint(delay)
    until_end = np.ceil(delay + pulse - ROUNDING)
    written = 0
    while step < stop and times.size - written >= n_lanes:
        if ring[FREE] - ring[ENDING] + n_lanes > pending.shape[0]:
            break
        events = 0
        while ring[BEGINNING] < ring[FREE]:
            # Entry by entry: a row of the array would be an object that is counted and freed.
            spike = np.uintp(ring[BEGINNING] & mask)
            if pending[spike, FIRED] + until_begin > step:
                break
            ring[BEGINNING] += 1
            elapsed = pending[spike, ELAPSED]
            lane = np.uintp(pending[spike, LANE])
            own = gain[lane // np.uintp(stride)]
            height = sustain * own * pending[spike, HEIGHT]
            share = 1.0
            if decays:
                if renewing:
                    share = -np.expm1(rate * elapsed)
                height *= share
            elif renewing:
                share = min(elapsed * per_pulse, 1.0)
                height -= sustain * own * (pending[spike, BEFORE] if elapsed < pulse else 0.0)
            late = step - delay - pending[spike, TIME]
            sources[events] = lane
            heights[events] = height * unit[lane]
            moment = height * late + kick * own * share * pending[spike, HEIGHT]
            moments[events] = moment * unit[lane]
            events += 1
        while ring[ENDING] < ring[BEGINNING]:
            spike = np.uintp(ring[ENDING] & mask)
            if not decays and pending[spike, FIRED] + until_end > step:
                break
            ring[ENDING] += 1
            lane = np.uintp(pending[spike, LANE])
            own = gain[lane // np.uintp(stride)]
            height = -sustain * own * pending[spike, HEIGHT] * unit[lane]
            sources[events] = lane
            heights[events] = height
            moments[events] = height * (step - delay - pulse - pending[spike, TIME])
            # Added up, not decided: the processor could not foretell it.
            events += 0 if decays else int(pending[spike, RENEWED] == 0.0)
        done = 0
        while done < events:
            lane = sources[done]
            key, h0, m0 = fan_out[lane, KEY], heights[done], moments[done]
            i, a = np.uintp(fan_out[lane, AIM]), np.uintp(fan_out[lane, ROW])
            size = np.uintp(fan_out[lane, SIZE])
            done += 1
            if key == SCATTERED:
                _deliver(synaptic, once, i, a, h0, m0, runs_of, runs, coupling)
                continue
            if size <= NARROW or done == events or fan_out[sources[done], KEY] != key:
                for j in range(size):
                    w0 = np.float32(dense[a + j])
                    synaptic[i + j] += h0 * w0
                    once[i + j] += m0 * w0
                continue
            # Rows that are not needed stand for nothing.
            c, d, h2, h3, m2, m3 = a, a, _ZERO, _ZERO, _ZERO, _ZERO
            b, h1, m1 = np.uintp(fan_out[sources[done], ROW]), heights[done], moments[done]
            done += 1
            if done < events and fan_out[sources[done], KEY] == key:
                c, h2, m2 = np.uintp(fan_out[sources[done], ROW]), heights[done], moments[done]
                done += 1
                if done < events and fan_out[sources[done], KEY] == key:
                    d, h3, m3 = np.uintp(fan_out[sources[done], ROW]), heights[done], moments[done]
                    done += 1
            for j in range(size):
                w0, w1 = np.float32(dense[a + j]), np.float32(dense[b + j])
                w2, w3 = np.float32(dense[c + j]), np.float32(dense[d + j])
                synaptic[i + j] += h0 * w0 + h1 * w1 + h2 * w2 + h3 * w3
                once[i + j] += m0 * w0 + m1 * w1 + m2 * w2 + m3 * w3

        step += 1
        if bent.size > 0:
            _bend(f, synaptic, once, bent, knee, bend)
        fires = _advance_tiles(
            f, felt, once, place, read, bit, words, fired, constants, hazard, columns, width
        )
        if decays:
            for k in range(synaptic.size):
                synaptic[k] *= decay
        for k in range(fires):
            lane = np.uintp(fired[k])
            i = lane_at(lane)
            parts[k] = _ONE - since_spike(
                f[i + np.uintp(LEFT * TILE)], f[i + np.uintp(USED * TILE)], trend[np.uintp(place[lane])]
            )
            elapsed = step - 1.0 + parts[k] - last_spike[lane]
            share = 1.0
            if renewing:
                share = -np.expm1(rate * elapsed) if decays else min(elapsed * per_pulse, 1.0)
            if use > 0.0:
                share *= 1.0 - (1.0 - resources[lane]) * np.exp(-elapsed / recovery)
            kicks[k] = kick * gain[lane // np.uintp(stride)] * share
            # Rows of large machines come from far memory: only where some coupling is strong.
            level = constants[TILT] + constants[TURN] * f[i + np.uintp(FELT * TILE)]
            largest = kicks[k] * unit[lane] * LARGEST * constants[LEAK]
            if fan_out[lane, SIZE] > NARROW and level * largest < WEAK:
                kicks[k] = 0.0
        if kick > 0.0 and until_begin == 0.0:
            begin = 0
            while begin < fires:
                end, strongest = begin + 1, kicks[begin]
                while end < fires and fired[end] // stride == fired[begin] // stride:
                    strongest = max(strongest, kicks[end])
                    end += 1
                if end > begin + 1 and strongest > 0.0:
                    inhibit_within(
                        f, begin, end, fired, parts, kicks, order, lowered, slot, delay, constants,
                        fan_out, runs_of, runs, coupling, dense, unit,
                    )  # fmt: skip
                begin = end
            begin = 0
            for k in range(fires):
                if parts[k] <= 1.0:
                    fired[begin], parts[begin] = fired[k], parts[k]
                    begin += 1
                else:
                    i = lane_at(np.uintp(fired[k]))
                    over = np.float32(parts[k] - 1.0) * f[i + np.uintp(USED * TILE)]
                    f[i + np.uintp(LEFT * TILE)] = over
            fires = begin
        for k in range(fires):
            lane = np.uintp(fired[k])
            since = np.float32(1.0 - parts[k])
            restart(f, r, felt, lane, since, constants)
            times[written + k] = step - np.float64(since)
            lanes[written + k] = lane
            counts[lane] += 1
        for k in range(fires):
            lane = np.uintp(fired[k])
            if fan_out[lane, KEY] == NOWHERE:
                continue
            time = times[written + k]
            free = np.uintp(ring[FREE] & mask)
            before = np.uintp(last_place[lane] & mask)
            elapsed = time - last_spike[lane]
            pending[before, RENEWED] = 1.0 if renewing and elapsed < pulse else pending[before, RENEWED]
            pending[free, TIME] = time
            pending[free, FIRED] = step
            pending[free, LANE] = lane
            pending[free, ELAPSED] = elapsed
            pending[free, RENEWED] = 0.0
            pending[free, HEIGHT] = 1.0
            pending[free, BEFORE] = pending[before, HEIGHT]
            if use > 0.0:
                pending[free, HEIGHT] -= (1.0 - resources[lane]) * np.exp(-elapsed / recovery)
                resources[lane] = pending[free, HEIGHT] * (1.0 - use)
            last_spike[lane] = time
            last_place[lane] = ring[FREE]
            ring[FREE] += 1
        written += fires
    return step, written


@kernel
def place_by_chain(times, lanes, chain_of, unit_of, ends, first_chain, grid, chain, unit, time):  # type: ignore[no-untyped-def]
    """Put spikes, times [steps] and lanes, where they belong by chain and time.

    Parameters
    ----------
    times, lanes : spikes in the order in which they were fired, step by step.
    chain_of, unit_of : int32 (lanes,), what the lanes are.
    ends : int64 (chains,), where the next spike of each chain goes.
    first_chain, grid : number of the first chain; length of a step.
    chain, unit, time : int32, int32, float64 (spike,), what is written.
    """
    begin = 0
    while begin < times.size:
        own = np.uintp(chain_of[np.uintp(lanes[begin])])
        # Spikes of one step and chain are neighbours, their lanes rise. Each goes where as many come
        # before it as are earlier: to count is cheaper than to sort, whose branches are not foretold.
        end = begin + 1
        while (
            end < times.size and lanes[end] > lanes[end - 1] and chain_of[np.uintp(lanes[end])] == own
        ):
            end += 1
        first = np.uintp(ends[own])
        ends[own] += end - begin
        if end == begin + 1:
            chain[first] = first_chain + own
            time[first] = times[begin] * grid
            unit[first] = unit_of[np.uintp(lanes[begin])]
            begin = end
            continue
        for k in range(np.uintp(begin), np.uintp(end)):
            at = times[k]
            rank = np.uint32(0)
            for other in range(np.uintp(begin), k):
                rank += np.uint32(times[other] <= at)
            for other in range(k + np.uintp(1), np.uintp(end)):
                rank += np.uint32(times[other] < at)
            place = first + np.uintp(rank)
            chain[place] = first_chain + own
            time[place] = at * grid
            unit[place] = unit_of[np.uintp(lanes[k])]
        begin = end
