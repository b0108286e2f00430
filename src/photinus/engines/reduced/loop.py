"""The inner loop of the reduced laser: layout, spikes and synapses.

Lanes. One lane is one laser of one chain; a block is a few whole chains, stored in tiles of TILE
lanes as in `photinus.engines.laser.loop`. Drives and carriers are in carriers, times in steps. What one
laser does in a step is in `photinus.engines.reduced.membrane`.

Synapses. A spike waits in a ring until it acts, raises the drive of its targets, and waits on until
its pulse ends. A pulse misses something of the step in which it starts, and has too much of the step in
which it ends. The next step makes up for that. The kick is a drive for one step only. A laser that
fires again while its pulse lasts renews it: the earlier end counts no more. Depressed synapses send
lower pulses, see `photinus.networks.depression.Depression`; then a renewed pulse goes over to its new
height.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from photinus._core.compilation import SHORT_TILE as TILE
from photinus._core.compilation import apart, disjoint, inlined, kernel, wide
from photinus._core.memory import aligned
from photinus._core.vectors import spend
from photinus.engines.reduced.membrane import (
    BASE,
    CLAMP,
    EFFECTIVE,
    EXCESS,
    FELT,
    KEEP,
    LAG,
    LEAK,
    LEFT,
    LOWEST,
    MOST,
    ONE,
    ONSET,
    REST,
    RISEN,
    SCALE,
    SHIFT,
    TILT,
    TURN,
    USED,
    ZERO,
    F,
    advance_membrane,
    lane_at,
    middle,
    position,
    restart,
    since_spike,
)
from photinus.engines.reduced.synapses import (
    AIM,
    BEFORE,
    BEGINNING,
    ELAPSED,
    ENDING,
    FIRED,
    FREE,
    HEIGHT,
    KEY,
    LANE,
    LARGEST,
    NARROW,
    NOWHERE,
    RENEWED,
    ROUNDING,
    ROW,
    SCATTERED,
    SIZE,
    TIME,
    WEAK,
    add_four,
    add_row,
    add_scattered,
    begun,
    through_drivers,
)
from photinus.engines.reduced.within import AT_ONCE, inhibit_within, inhibitors, positions

_TILE, _ONE = np.uintp(TILE), np.uintp(1)


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
    """Bits of the lanes that fired, (tiles,)."""
    fired: NDArray[np.int32]
    """Lanes that fired, rising, (lanes + AT_ONCE,)."""
    order: NDArray[np.int32]
    met: NDArray[np.uint64]
    slot: NDArray[np.int32]
    """See `inhibit_within`, (lanes,), and slots (tiles * TILE,), which begin as -1."""
    parts: NDArray[np.float64]
    kicks: NDArray[np.float64]
    planned: NDArray[np.float64]
    lowered: NDArray[np.float32]
    """The same, (lanes,)."""
    ahead: NDArray[np.float32]
    """(tiles + 2) * TILE"""
    sources: NDArray[np.int32]
    heights: NDArray[np.float32]
    moments: NDArray[np.float32]
    """What happens in a step: lanes that act, by how much they raise drives, and for this step only.

    (2 * lanes,), as every lane may begin and end a pulse. Sources have a last one to look ahead at.
    """

    @classmethod
    def of(cls, lanes: int, padded: int) -> "Scratch":
        """Return room for so many lanes, and for these with what tiles add."""
        return cls(
            place=aligned(np.zeros(padded, np.int32)),
            read=aligned(np.zeros(padded, np.float32)),
            words=np.zeros(padded // TILE, np.uint32),
            fired=np.zeros(lanes + AT_ONCE, np.int32),
            order=np.zeros(lanes, np.int32),
            met=np.zeros(lanes, np.uint64),
            slot=np.full(padded, -1, np.int32),
            parts=np.zeros(lanes),
            kicks=np.zeros(lanes),
            planned=np.zeros(lanes),
            lowered=np.zeros(lanes, np.float32),
            ahead=np.full(padded + 2 * TILE, ONE),
            sources=np.zeros(2 * lanes + 1, np.int32),
            heights=np.zeros(2 * lanes, np.float32),
            moments=np.zeros(2 * lanes, np.float32),
        )


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


@inlined
def _advance_membranes(f, synaptic, once, place, constants, rows, columns):  # type: ignore[no-untyped-def]
    """Advance all tiles by a step, up to the `place` of each lane in a table of rows and columns.

    What waits for memory or decides on a branch comes after all tiles have gone through what is before
    it. A branch that is predicted wrongly then costs itself, not the whole chain that it waited for.
    """
    wide()
    apart()
    disjoint()
    tiles = place.size // TILE
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
    last_column = across - ONE
    upon, below = middle(rows, leak)
    for tile in range(tiles):
        b = np.uintp(tile) * F
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
            once[k] = ZERO
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


@inlined
def _use_up(f, place, read, words, hazard):  # type: ignore[no-untyped-def]
    """Use up hazard of all lanes, and set the bits of those that fire."""
    wide()
    apart()
    disjoint()
    tiles = place.size // TILE
    # Alone: the compiler would not vectorise a loop with a table in it.
    for entry in range(place.size):
        read[entry] = hazard[np.uintp(place[entry])]
    for tile in range(tiles):
        b = np.uintp(tile) * F
        left, used = b + np.uintp(LEFT * TILE), b + np.uintp(USED * TILE)
        words[tile] = spend(f, left, used, read, np.uintp(tile) * _TILE)


@kernel
def advance_block(  # type: ignore[no-untyped-def]
    state, drivers, scratch, law, synapses, stride, step, stop, times, lanes, counts
) -> Any:
    """Advance one block from `step` towards `stop`; return (step reached, spikes written).

    It returns early when `times` or `pending` may overflow.

    Parameters
    ----------
    state, drivers, scratch, law, synapses : see `State`, `Drivers`, `Scratch`, `Law`, `Synapses`.
    stride : lanes of a chain.
    times, lanes : float64, int32 (capacity,), spikes: times [steps], lanes.
    counts : int64 (lanes,), raised by the spikes of each lane.
    """
    f, r, synaptic, once, last_spike, last_place, resources, pending, ring = state
    bent, knee, bend = drivers
    felt = bent if bent.size > 0 else synaptic
    place, read, words, fired, order, met, slot, parts, kicks, planned, lowered, ahead = scratch[:12]
    sources, heights, moments = scratch[12:]
    constants, hazard, trend, columns = law
    entries_of, targets, coupling, dense, fan_out, unit, negative = synapses[:7]
    kick, sustain, pulse, decay, renewing, delay, use, recovery, gain = synapses[7:]
    n_lanes = last_spike.size
    # A power of two, so that places are cheap to find.
    mask = pending.shape[0] - 1
    decays = decay < 1.0
    rate = np.log(decay)
    per_pulse = 1.0 / pulse
    # All spikes of a step begin at the same step, and end at the same: none has to wait for others.
    # As many early as late, by half a step at most: what is early or late of a pulse is made up for.
    until_begin = np.rint(delay)
    until_end = np.ceil(delay + pulse - ROUNDING)
    at_once = until_begin == 0.0
    within = kick > 0.0 and at_once
    rows = np.float32(hazard.size // columns - 1)
    ending, beginning, free = ring[ENDING], ring[BEGINNING], ring[FREE]
    written = events = np.uintp(0)
    while step < stop and times.size - np.int64(written) >= n_lanes:
        if free - ending + n_lanes > pending.shape[0]:
            break
        while beginning < free:
            # Entry by entry: a row of the array would be an object that is counted and freed.
            spike = np.uintp(beginning & mask)
            if pending[spike, FIRED] + until_begin > step:
                break
            beginning += 1
            lane = np.uintp(pending[spike, LANE])
            sources[events] = lane
            heights[events], moments[events] = begun(
                pending[spike, ELAPSED],
                step - delay - pending[spike, TIME],
                pending[spike, HEIGHT],
                pending[spike, BEFORE],
                gain[lane],
                unit[lane],
                kick,
                sustain,
                pulse,
                per_pulse,
                rate,
                decays,
                renewing,
            )
            events += _ONE
        while ending < beginning:
            spike = np.uintp(ending & mask)
            if not decays and pending[spike, FIRED] + until_end > step:
                break
            ending += 1
            lane = np.uintp(pending[spike, LANE])
            height = -sustain * gain[lane] * pending[spike, HEIGHT] * unit[lane]
            sources[events] = lane
            heights[events] = height
            moments[events] = height * (step - delay - pulse - pending[spike, TIME])
            # Added up, not decided: the processor could not foretell it.
            events += np.uintp(0 if decays else pending[spike, RENEWED] == 0.0)
        done = np.uintp(0)
        while done < events:
            lane = np.uintp(sources[done])
            key, h0, m0 = fan_out[lane, KEY], heights[done], moments[done]
            i, a = np.uintp(fan_out[lane, AIM]), np.uintp(fan_out[lane, ROW])
            size = np.uintp(fan_out[lane, SIZE])
            done += _ONE
            if key == SCATTERED:
                add_scattered(synaptic, once, i, a, h0, m0, entries_of, targets, coupling)
                continue
            more = np.uintp(sources[done])
            if size <= NARROW or done == events or fan_out[more, KEY] != key:
                add_row(synaptic, once, dense, i, size, a, h0, m0)
                continue
            # Rows that are not needed stand for nothing.
            c, d, h2, h3, m2, m3 = a, a, ZERO, ZERO, ZERO, ZERO
            b, h1, m1 = np.uintp(fan_out[more, ROW]), heights[done], moments[done]
            done += _ONE
            more = np.uintp(sources[done])
            if done < events and fan_out[more, KEY] == key:
                c, h2, m2 = np.uintp(fan_out[more, ROW]), heights[done], moments[done]
                done += _ONE
                more = np.uintp(sources[done])
                if done < events and fan_out[more, KEY] == key:
                    d, h3, m3 = np.uintp(fan_out[more, ROW]), heights[done], moments[done]
                    done += _ONE
            add_four(synaptic, once, dense, i, size, a, b, c, d, h0, h1, h2, h3, m0, m1, m2, m3)
        events = np.uintp(0)

        step += 1
        if bent.size > 0:
            through_drivers(f, synaptic, once, bent, knee, bend)
        _advance_membranes(f, felt, once, place, constants, rows, columns)
        _use_up(f, place, read, words, hazard)
        fires = positions(words, place.size // TILE, fired)
        if decays:
            for k in range(synaptic.size):
                synaptic[k] *= decay
        for k in range(fires):
            lane = np.uintp(fired[k])
            i = lane_at(lane)
            parts[k] = ONE - since_spike(
                f[i + np.uintp(LEFT * TILE)], f[i + np.uintp(USED * TILE)], trend[np.uintp(place[lane])]
            )
        if within:
            for k in range(fires):
                lane = np.uintp(fired[k])
                slot[lane] = k
                ahead[lane] = -np.float32(parts[k])
                planned[k] = parts[k]
                lowered[k] = ZERO
                elapsed = step - 1.0 + parts[k] - last_spike[lane]
                share = 1.0
                if renewing:
                    share = -np.expm1(rate * elapsed) if decays else min(elapsed * per_pulse, 1.0)
                if use > 0.0:
                    share *= 1.0 - (1.0 - resources[lane]) * np.exp(-elapsed / recovery)
                kicks[k] = kick * gain[lane] * share
                # Rows of large machines come from far memory: only where some coupling is strong.
                if fan_out[lane, SIZE] > NARROW:
                    level = constants[TILT] + constants[TURN] * f[lane_at(lane) + np.uintp(FELT * TILE)]
                    largest = kicks[k] * unit[lane] * LARGEST * constants[LEAK]
                    kicks[k] = 0.0 if level * largest < WEAK else kicks[k]
            count = inhibitors(
                order, met, fired, fires, kicks, parts, ahead, slot, negative, fan_out, entries_of,
                targets, coupling,
            )  # fmt: skip
            beyond = False
            if count > 0:
                beyond = inhibit_within(
                    f, order, 0, count, met, fired, 0, fires, parts, kicks, planned, lowered, slot,
                    stride, delay, constants, fan_out, entries_of, targets, coupling, dense, unit,
                )  # fmt: skip
            for k in range(fires):
                slot[np.uintp(fired[k])] = -1
                ahead[np.uintp(fired[k])] = ONE
            if beyond:
                some = np.uintp(0)
                for k in range(fires):
                    i = lane_at(np.uintp(fired[k]))
                    # Of those that fire, it is drawn again.
                    f[i + np.uintp(LEFT * TILE)] = (
                        np.float32(parts[k] - 1.0) * f[i + np.uintp(USED * TILE)]
                    )
                    fired[some], parts[some] = fired[k], parts[k]
                    some += np.uintp(parts[k] <= 1.0)
                fires = np.int64(some)
        for k in range(fires):
            lane = np.uintp(fired[k])
            since = np.float32(1.0 - parts[k])
            restart(f, r, felt, lane, since, constants)
            time = step - np.float64(since)
            times[written + np.uintp(k)] = time
            lanes[written + np.uintp(k)] = lane
            counts[lane] += 1
            if fan_out[lane, KEY] == NOWHERE:
                continue
            spike = np.uintp(free & mask)
            before = np.uintp(last_place[lane] & mask)
            elapsed = time - last_spike[lane]
            # Written in any case, if to no effect: no branch could foretell it.
            renews = np.uintp(renewing) & np.uintp(elapsed < pulse)
            pending[spike + renews * (before - spike), RENEWED] = 1.0
            high = lower = 1.0
            if use > 0.0:
                high -= (1.0 - resources[lane]) * np.exp(-elapsed / recovery)
                resources[lane] = high * (1.0 - use)
                lower = pending[before, HEIGHT]
            pending[spike, TIME] = time
            pending[spike, FIRED] = step
            pending[spike, LANE] = lane
            pending[spike, ELAPSED] = elapsed
            pending[spike, RENEWED] = 0.0
            pending[spike, HEIGHT] = high
            pending[spike, BEFORE] = lower
            last_spike[lane] = time
            last_place[lane] = free
            free += 1
            if at_once:
                beginning += 1
                sources[events] = lane
                heights[events], moments[events] = begun(
                    elapsed,
                    step - delay - time,
                    high,
                    lower,
                    gain[lane],
                    unit[lane],
                    kick,
                    sustain,
                    pulse,
                    per_pulse,
                    rate,
                    decays,
                    renewing,
                )
                events += _ONE
        written += np.uintp(fires)
    # What begins in the next step begins in the next call.
    ring[ENDING], ring[BEGINNING], ring[FREE] = ending, beginning - np.int64(events), free
    return step, np.int64(written)
