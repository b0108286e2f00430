"""Lasers that fire in the same step inhibit each other in it.

Without this an inhibition could not stop what fires in the same step. Inhibited pairs would then be on
together too often, in proportion to the step. Most spikes of a step have nothing to do with each other:
bits tell which do.
"""

import numpy as np

from photinus._core.compilation import SHORT_TILE as TILE
from photinus._core.compilation import inlined, lowest_bit
from photinus._core.vectors import bits_up_to
from photinus.engines.reduced.membrane import (
    EXCESS,
    FELT,
    LEAK,
    ONE,
    TILT,
    TURN,
    USED,
    ZERO,
    lane_at,
    share_left,
)
from photinus.engines.reduced.synapses import AIM, KEY, NARROW, ROW, SCATTERED, SIZE

AT_ONCE = 3
"""Lanes of a tile that are looked for without a branch."""
_TILE = np.uintp(TILE)
_NONE, _BIT = np.uint64(0), np.uint64(1)
_HALF_WORD = np.uint64(TILE)


@inlined
def positions(words, tiles, fired):  # type: ignore[no-untyped-def]
    """Write the lanes whose bits are set, rising, and return their number.

    There is room for three more: that many are written of every tile, as no branch could foretell how
    many there are.
    """
    fires = np.uintp(0)
    for tile in range(tiles):
        some = np.uint64(words[tile])
        first = tile * TILE
        for _ in range(AT_ONCE):
            fired[fires] = first + np.int32(lowest_bit(some))
            fires += np.uintp(some != _NONE)
            some &= some - _BIT
        while some != _NONE:
            fired[fires] = first + np.int32(lowest_bit(some))
            fires += np.uintp(1)
            some &= some - _BIT
    return np.int64(fires)


@inlined
def inhibitors(  # type: ignore[no-untyped-def]
    order,
    met,
    fired,
    fires,
    kicks,
    parts,
    ahead,
    slot,
    negative,
    fan_out,
    entries_of,
    targets,
    coupling,
):
    """Write into `order` which of the spikes inhibit a target that fires in the same step.

    Return how many they are. `negative` tells it by the bits of short rows, `met` those that fire.
    """
    count = 0
    for k in range(fires):
        lane = np.uintp(fired[k])
        mask = negative[lane]
        if mask == _NONE or kicks[k] == ZERO:
            continue
        first, size = np.uintp(fan_out[lane, AIM]), fan_out[lane, SIZE]
        if size > NARROW:
            hits = True
        elif size > 0:
            before = -np.float32(parts[k])
            low, high = bits_up_to(ahead, first, before), bits_up_to(ahead, first + _TILE, before)
            met[k] = (np.uint64(low) | np.uint64(high) << _HALF_WORD) & mask
            hits = met[k] != _NONE
        else:
            hits = False
            row = np.uintp(fan_out[lane, ROW])
            for c in range(np.uintp(entries_of[row]), np.uintp(entries_of[row + np.uintp(1)])):
                hits |= (slot[first + np.uintp(targets[c])] >= 0) & (coupling[c] < ZERO)
        order[count] = k
        count += int(hits)
    return count


@inlined
def _is_later(planned, other, k):  # type: ignore[no-untyped-def]
    """Return whether a spike was planned later than spike k."""
    return planned[other] > planned[k] or (planned[other] == planned[k] and other > k)


@inlined
def _restrain(f, other, lane, acts, change, parts, lowered, constants):  # type: ignore[no-untyped-def]
    """Let a laser that is about to fire at ``parts[other]`` of the step be inhibited at `acts`."""
    i = lane_at(np.uintp(lane))
    felt, excess = f[i + np.uintp(FELT * TILE)], f[i + np.uintp(EXCESS * TILE)]
    tilt, turn = constants[TILT], constants[TURN]
    share = share_left(tilt, turn, felt, excess + lowered[other], change)
    lowered[other] += change
    # What is left of the hazard until it fires lasts the longer.
    parts[other] = acts + (parts[other] - acts) / share
    f[i + np.uintp(USED * TILE)] *= share


@inlined
def inhibit_within(  # type: ignore[no-untyped-def]
    f, order, first, end, met, fired, begin, until, parts, kicks, planned, lowered, slot, stride, delay,
    constants, fan_out, entries_of, targets, coupling, dense, unit,
):  # fmt: skip
    """Let lasers that fire in the same step inhibit each other in it.

    Spikes `begin` to `until` of `fired` (lanes, rising) happen at `parts` of the step, and so they were
    `planned`. Those that ``order[first:end]`` names, rising, may inhibit others. In order of time, the
    kick of each, `kicks` times the coupling, lowers the hazards of the later ones, which then fire
    later. Beyond 1 they do not fire in this step. Spikes that raise hazards act from the next step on,
    as light takes its time to rise. So do those of long rows without a strong coupling.

    Return whether any does not fire in this step. `slot` tells the number of a lane's spike, -1 if
    there is none. `met` tells by bits which lanes of a short row fire and are inhibited. `lowered` is
    scratch, zero at first.
    """
    leak, beyond = constants[LEAK], False
    for place in range(first + 1, end):
        # Inserted as cards are, among those of the same chain; there are few.
        k, at = np.uintp(order[place]), place
        chain = np.int64(np.uint32(fired[k]) // np.uint32(stride)) * stride
        while at > first:
            before = np.uintp(order[at - 1])
            if fired[before] < chain or planned[before] <= planned[k]:
                break
            order[at] = before
            at -= 1
        order[at] = k
    for place in range(first, end):
        k = np.uintp(order[place])
        lane = np.uintp(fired[k])
        acts = parts[k] + delay
        if acts >= ONE:
            continue
        aim, size, row = fan_out[lane, AIM], fan_out[lane, SIZE], fan_out[lane, ROW]
        if fan_out[lane, KEY] == SCATTERED:
            for c in range(entries_of[row], entries_of[row + 1]):
                other, weight = slot[aim + targets[c]], coupling[c]
                if other >= 0 and weight < ZERO and acts < parts[other]:
                    change = leak * np.float32(kicks[k] * weight)
                    _restrain(f, other, fired[other], acts, change, parts, lowered, constants)
                    beyond |= parts[other] > ONE
            continue
        height = kicks[k] * unit[lane]
        if size <= NARROW:
            some = met[k]
            while some != _NONE:
                bit = np.int64(lowest_bit(some))
                some &= some - _BIT
                hit = np.uintp(slot[np.uintp(aim + bit)])
                if acts < parts[hit] and _is_later(planned, hit, k):
                    change = leak * np.float32(height * dense[np.uintp(row + bit)])
                    _restrain(f, hit, fired[hit], acts, change, parts, lowered, constants)
                    beyond |= parts[hit] > ONE
            continue
        for later in range(np.uintp(begin), np.uintp(until)):
            c = np.int64(fired[later]) - aim
            if c < 0 or c >= size or dense[row + c] >= 0 or acts >= parts[later]:
                continue
            if _is_later(planned, later, k):
                change = leak * np.float32(height * dense[row + c])
                _restrain(f, later, fired[later], acts, change, parts, lowered, constants)
                beyond |= parts[later] > ONE
    return beyond
