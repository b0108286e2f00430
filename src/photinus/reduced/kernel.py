"""The inner loop of the reduced laser: layout, arithmetic of one step, spikes and synapses.

Lanes. One lane is one laser of one chain; a block is a few whole chains, stored in tiles of TILE
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
again while its pulse lasts renews it: the earlier end counts no more. Depressed synapses send lower
pulses, see `photinus.network.Depression`; then a renewed pulse goes over to its new height.

Fan-out. In larger networks every chain begins at a tile, and a laser whose targets lie close together
has its couplings as a whole row of tiles, with zeros in the gaps. What happens in a step is then
delivered four spikes at a time, so that the drives of the targets are read and written once for four.
"""

import numpy as np

from photinus._numba import inlined, kernel
from photinus.simulation import TILE
from photinus.simulation.streams import next_word

# Rows of a tile in the state array. Everything that is compared with a drive is relative to the reset.
# Effective drive, felt drive, risen part of the recovery, excess carriers, shift of the position in the
# table; constant drive; hazard left to use up until the next spike, used up in this step, and read from
# the table.
EFFECTIVE, FELT, RISEN, EXCESS, SHIFT, BASE, LEFT, USED, READ = range(9)
ROWS = 9
WORDS = 4

# Entries of the array of constants.
REST, LEAK, CLAMP, ONSET, LAG, KEEP, TILT, TURN, LOWEST, SCALE = range(10)
CONSTANTS = 10

# Columns of a pending spike: time [steps], lane, steps since the spike before, renewed by the next one,
# height of its pulse and of the one that it renews, in units of the undepressed height.
TIME, LANE, ELAPSED, RENEWED, HEIGHT, BEFORE = range(6)
PENDING = 6
# Entries of the ring: the first spike that still has to end, to begin, and the next free place.
ENDING, BEGINNING, FREE = range(3)

# Rows of the scratch array, which serves one tile after another: what `_recover` returns.
CARRIERS, PULL, LIGHT = range(3)
SCRATCH = 3

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
_EARLIEST = np.float32(1e-3)
"""Part of a step that a lane is past its spike at least: nothing is divided by zero."""


@inlined
def _recover(effective, risen, excess, push, leak, clamp, onset, keep):  # type: ignore[no-untyped-def]
    """Return (carriers, pull of the light, one more than the light, risen, excess)."""
    before = effective * risen
    above = max(before - onset, _ZERO)
    light = clamp * above * above
    steady = (risen + _HALF * leak * (_ONE - risen)) * push
    risen = risen + leak * (_ONE - risen)
    excess = keep * excess + leak * (push - effective)
    carriers = before + leak * (push - before)
    pull = light * risen * (steady - before)
    return carriers, pull, _ONE + light, risen, excess


@inlined
def _settle(carriers, pull, light, risen, felt, lag):  # type: ignore[no-untyped-def]
    """Return (effective drive, felt drive)."""
    # One division serves both quotients.
    inverse = _ONE / (light * risen)
    effective = (carriers + pull * inverse) * (inverse * light)
    return effective, felt + lag * (effective - felt)


@inlined
def _tilted(felt, excess, tilt, turn):  # type: ignore[no-untyped-def]
    """Return the factor of the hazard."""
    factor = max(_ONE + _SIXTEENTH * max(tilt + turn * felt, _ZERO) * excess, _ZERO)
    factor = factor * factor
    factor = factor * factor
    factor = factor * factor
    return factor * factor


@inlined
def advance_membrane(  # type: ignore[no-untyped-def]
    effective, felt, risen, excess, push, leak, clamp, onset, lag, keep, tilt, turn
):
    """Return (effective drive, felt drive, risen, excess, factor of the hazard) one step later.

    See `photinus.reduced.model` for the equations; `push` is the whole drive of this step.
    """
    carriers, pull, light, risen, excess = _recover(
        effective, risen, excess, push, leak, clamp, onset, keep
    )
    effective, felt = _settle(carriers, pull, light, risen, felt, lag)
    return effective, felt, risen, excess, _tilted(felt, excess, tilt, turn)


@inlined
def _advance_tiles(  # type: ignore[no-untyped-def]
    f, synaptic, once, scratch, place, bit, fired, constants, hazard, columns, width
):
    """Advance all tiles by a step; write the lanes that fired, rising, and return their number.

    Each part of a step is a loop of its own over the lanes of a tile, see `photinus.simulation.cpu`.
    """
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
    across = np.float32(columns)
    last_column = across - _ONE
    # The hazard is that of the middle of the step, when less had risen.
    rows = np.float32(hazard.size // columns - 1)
    upon = rows * (_ONE - _HALF * leak) / (_ONE - leak)
    below = rows * _HALF * leak / (_ONE - leak)
    fires = 0
    for tile in range(f.size // (ROWS * TILE)):
        b = np.uintp(tile) * _F
        g = np.uintp(tile) * _TILE
        for lane in range(TILE):
            i = b + np.uintp(lane)
            k = np.uintp(lane)
            push = max(f[i + np.uintp(BASE * TILE)] + synaptic[g + k], rest) + once[g + k]
            carriers, pull, light, risen, excess = _recover(
                f[i + np.uintp(EFFECTIVE * TILE)],
                f[i + np.uintp(RISEN * TILE)],
                f[i + np.uintp(EXCESS * TILE)],
                push,
                leak,
                clamp,
                onset,
                keep,
            )
            scratch[k + np.uintp(CARRIERS * TILE)] = carriers
            scratch[k + np.uintp(PULL * TILE)] = pull
            scratch[k + np.uintp(LIGHT * TILE)] = light
            f[i + np.uintp(RISEN * TILE)] = risen
            f[i + np.uintp(EXCESS * TILE)] = excess
            once[g + k] = _ZERO
        for lane in range(TILE):
            i = b + np.uintp(lane)
            k = np.uintp(lane)
            effective, felt = _settle(
                scratch[k + np.uintp(CARRIERS * TILE)],
                scratch[k + np.uintp(PULL * TILE)],
                scratch[k + np.uintp(LIGHT * TILE)],
                f[i + np.uintp(RISEN * TILE)],
                f[i + np.uintp(FELT * TILE)],
                lag,
            )
            f[i + np.uintp(EFFECTIVE * TILE)] = effective
            f[i + np.uintp(FELT * TILE)] = felt
        for lane in range(TILE):
            i = b + np.uintp(lane)
            k = np.uintp(lane)
            felt = f[i + np.uintp(FELT * TILE)]
            f[i + np.uintp(USED * TILE)] = _tilted(felt, f[i + np.uintp(EXCESS * TILE)], tilt, turn)
            x = (felt - lowest) * scale + f[i + np.uintp(SHIFT * TILE)]
            row = np.floor(f[i + np.uintp(RISEN * TILE)] * upon - below)
            column = np.floor(min(max(x, _ZERO), last_column))
            place[k] = np.int32(row * across + column)
        # Alone: the compiler would not vectorise a loop with a table in it.
        for lane in range(TILE):
            i = b + np.uintp(lane)
            f[i + np.uintp(READ * TILE)] = hazard[np.uintp(place[np.uintp(lane)])]
        bits = np.uint32(0)
        for lane in range(width):
            i = b + np.uintp(lane)
            used = f[i + np.uintp(USED * TILE)] * f[i + np.uintp(READ * TILE)]
            left = f[i + np.uintp(LEFT * TILE)] - used
            f[i + np.uintp(USED * TILE)] = used
            f[i + np.uintp(LEFT * TILE)] = left
            own = bit[np.uintp(lane)]
            bits = np.uint32(bits | np.uint32(own if left < _ZERO else np.uint32(0)))
        some = np.uint64(bits)
        while some != _NONE:
            lowest_bit = some & (~some + np.uint64(1))
            some ^= lowest_bit
            fired[fires] = tile * TILE + _POSITION[(lowest_bit * _DE_BRUIJN & _WORD) >> np.uint64(27)]
            fires += 1
    return fires


@inlined
def _at(lane):  # type: ignore[no-untyped-def]
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
def _restart(f, r, synaptic, lane, since, constants):  # type: ignore[no-untyped-def]
    """Put a lane to where it is `since` of a step after its spike."""
    i = _at(lane)
    push = max(f[i + np.uintp(BASE * TILE)] + synaptic[lane], constants[REST])
    f[i + np.uintp(EFFECTIVE * TILE)] = push
    f[i + np.uintp(FELT * TILE)] = push
    f[i + np.uintp(RISEN * TILE)] = constants[LEAK] * max(since, _EARLIEST)
    f[i + np.uintp(EXCESS * TILE)] = _ZERO
    # 24 bits, the most that a number in single precision keeps, and the other eight.
    word = _word(r, lane)
    unit = (np.float32(word >> np.uint32(8)) + _HALF) * np.float32(2.0**-24)
    f[i + np.uintp(LEFT * TILE)] = -np.log(unit)
    f[i + np.uintp(SHIFT * TILE)] = np.float32(word & np.uint32(255)) * np.float32(2.0**-8)


@inlined
def _deliver(  # type: ignore[no-untyped-def]
    synaptic, once, first_lane, source, height, moment, groups_of, runs_of, runs, coupling
):
    """Raise the synaptic drive of the targets of a source by `height`, and by `moment` for a step."""
    for group in range(groups_of[source], groups_of[source + 1]):
        for run in range(runs_of[group], runs_of[group + 1]):
            aim, offset = np.uintp(first_lane + runs[run, 0]), np.uintp(runs[run, 1])
            for k in range(np.uintp(runs[run, 2])):
                synaptic[aim + k] += height * coupling[offset + k]
                once[aim + k] += moment * coupling[offset + k]


@inlined
def _deliver_four(synaptic, once, first_lane, size, dense, rows, heights, moments):  # type: ignore[no-untyped-def]
    """Raise the synaptic drive of `size` lanes by four rows of couplings, each times its height."""
    a, b, c, d = np.uintp(rows[0]), np.uintp(rows[1]), np.uintp(rows[2]), np.uintp(rows[3])
    h0, h1, h2, h3 = heights[0], heights[1], heights[2], heights[3]
    o0, o1, o2, o3 = moments[0], moments[1], moments[2], moments[3]
    i = np.uintp(first_lane)
    for k in range(np.uintp(size)):
        w0, w1, w2, w3 = dense[a + k], dense[b + k], dense[c + k], dense[d + k]
        synaptic[i + k] += h0 * w0 + h1 * w1 + h2 * w2 + h3 * w3
        once[i + k] += o0 * w0 + o1 * w1 + o2 * w2 + o3 * w3


@inlined
def _deliver_queued(  # type: ignore[no-untyped-def]
    synaptic, once, queue, heights, heads, dense, row_of, class_tiles, stride
):
    """Deliver what was queued in this step, four spikes of one chain and one class at a time."""
    classes = class_tiles.shape[0]
    # Element by element below: slices take seconds to compile.
    rows = np.empty(4, np.int64)
    each = np.empty(4, np.float32)
    moments = np.empty(4, np.float32)
    for key in range(heads.shape[0]):
        event = heads[key]
        if event < 0:
            continue
        heads[key] = -1
        chain, kind = key // classes, key % classes
        first_lane = chain * stride + class_tiles[kind, 0] * TILE
        size = class_tiles[kind, 1] * TILE
        while event >= 0:
            for k in range(4):
                if event >= 0:
                    rows[k] = row_of[queue[event, 0]]
                    each[k] = heights[event, 0]
                    moments[k] = heights[event, 1]
                    event = queue[event, 1]
                else:
                    rows[k] = rows[0]
                    each[k] = _ZERO
                    moments[k] = _ZERO
            _deliver_four(synaptic, once, first_lane, size, dense, rows, each, moments)


@kernel
def advance_block(  # type: ignore[no-untyped-def]
    f,
    r,
    synaptic,
    last_spike,
    last_place,
    resources,
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
    use,
    recovery,
    dense,
    row_of,
    class_of,
    class_tiles,
    chain_of,
    stride,
    n_chains,
    width,
    step,
    stop,
    spikes,
):
    """Advance one block from `step` towards `stop`; return (step reached, spikes written).

    It returns early when `spikes` or `pending` may overflow.

    Parameters
    ----------
    f, r : flat state and random-state arrays, tile by tile.
    synaptic : float32 (tiles * TILE,), synaptic drive of each lane.
    last_spike, last_place : float64, int64 (lanes,), time [steps] and place of the latest spike.
    resources : float64 (lanes,), what the latest spike of each lane has left of its resources.
    pending, ring : float64 (capacity, PENDING), spikes that act or will; see ENDING, BEGINNING, FREE.
    constants : float32 (CONSTANTS,).
    hazard : float32, flat table of the risen part (0 to 1) by drives (`columns`), per step; its last
        row, all has risen, is met by rounding only.
    groups_of, runs_of, runs, coupling : see `photinus.simulation.couplings`, without groups by delay.
    dense, row_of, class_of, class_tiles : see `simulator._Rows`.
    chain_of : int64 (lanes,), chain of each lane; stride : lanes of a chain.
    width : TILE, unknown to the compiler, which would unroll short loops instead of vectorising them.
    kick : carriers at once per coupling, as a drive for one step; sustain : drive per coupling.
    use, recovery : of a depressed synapse, the second in steps; use 0 for one that is not.
    pulse, delay : duration and delay [steps]; decay : factor per step of an exponential, else 1.
    spikes : float64 (capacity, 2) of (time [steps], lane).
    """
    n_lanes = stride * n_chains
    # A power of two, so that places are cheap to find.
    mask = pending.shape[0] - 1
    # A drive for one step only.
    # Filled by loops: np.zeros and np.full take longer to compile.
    once = np.empty(synaptic.size, np.float32)
    for k in range(synaptic.size):
        once[k] = _ZERO
    scratch = np.empty(SCRATCH * TILE, np.float32)
    place = np.empty(TILE, np.int32)
    bit = np.empty(TILE, np.uint32)
    for k in range(TILE):
        bit[k] = np.uint32(1 << k)
    fired = np.empty(n_lanes, np.int64)
    exponential_pulse = decay < 1.0
    written = 0
    classes = class_tiles.shape[0]
    queue = np.empty((2 * n_lanes if classes else 0, 2), np.int64)
    heights = np.empty(queue.shape, np.float32)
    heads = np.empty(n_chains * classes, np.int64)
    for key in range(heads.size):
        heads[key] = -1
    while step < stop and spikes.shape[0] - written >= n_lanes:
        if ring[FREE] - ring[ENDING] + n_lanes > pending.shape[0]:
            break
        queued = 0
        while ring[ENDING] < ring[FREE]:
            # First all that begin, then all that end.
            # Entry by entry: a row of the array would be an object that is counted and freed.
            spike = ring[BEGINNING] & mask
            begins = ring[BEGINNING] < ring[FREE] and step - delay - pending[spike, TIME] >= 0.0
            if begins:
                late = step - delay - pending[spike, TIME]
                share = 1.0
                height = sustain * pending[spike, HEIGHT]
                if exponential_pulse:
                    if renewing:
                        share = -np.expm1(np.log(decay) * pending[spike, ELAPSED])
                    height *= share
                elif renewing and pending[spike, ELAPSED] < pulse:
                    share = pending[spike, ELAPSED] / pulse
                    height = sustain * (pending[spike, HEIGHT] - pending[spike, BEFORE])
                moment = height * late + kick * share * pending[spike, HEIGHT]
                ring[BEGINNING] += 1
            elif ring[ENDING] < ring[BEGINNING]:
                spike = ring[ENDING] & mask
                late = step - delay - pending[spike, TIME] - pulse
                if late < 0.0 and not exponential_pulse:
                    break
                ring[ENDING] += 1
                if exponential_pulse or pending[spike, RENEWED] > 0.0:
                    continue
                height = -sustain * pending[spike, HEIGHT]
                moment = height * late
            else:
                break
            lane = np.int64(pending[spike, LANE])
            chain = chain_of[lane]
            source = lane - chain * stride
            if classes > 0 and class_of[source] >= 0 and queued < queue.shape[0]:
                key = chain * classes + class_of[source]
                queue[queued, 0] = source
                queue[queued, 1] = heads[key]
                heights[queued, 0] = height
                heights[queued, 1] = moment
                heads[key] = queued
                queued += 1
            else:
                _deliver(
                    synaptic,
                    once,
                    chain * stride,
                    source,
                    np.float32(height),
                    np.float32(moment),
                    groups_of,
                    runs_of,
                    runs,
                    coupling,
                )
        if queued > 0:
            _deliver_queued(synaptic, once, queue, heights, heads, dense, row_of, class_tiles, stride)

        step += 1
        fires = _advance_tiles(
            f, synaptic, once, scratch, place, bit, fired, constants, hazard, columns, width
        )
        if exponential_pulse:
            for k in range(synaptic.size):
                synaptic[k] *= decay
        for k in range(fires):
            lane = fired[k]
            i = _at(np.uintp(lane))
            # What is left is negative: what the whole step has used up too much.
            since = min(-f[i + np.uintp(LEFT * TILE)] / f[i + np.uintp(USED * TILE)], _ONE)
            time = step - np.float64(since)
            _restart(f, r, synaptic, np.uintp(lane), since, constants)
            spikes[written, 0] = time
            spikes[written, 1] = lane
            written += 1
            source = lane - chain_of[lane] * stride
            if groups_of[source] == groups_of[source + 1]:
                continue
            free = ring[FREE] & mask
            elapsed = time - last_spike[lane]
            if renewing and elapsed < pulse:
                pending[last_place[lane] & mask, RENEWED] = 1.0
            pending[free, TIME] = time
            pending[free, LANE] = lane
            pending[free, ELAPSED] = elapsed
            pending[free, RENEWED] = 0.0
            pending[free, HEIGHT] = 1.0
            pending[free, BEFORE] = pending[last_place[lane] & mask, HEIGHT]
            if use > 0.0:
                pending[free, HEIGHT] -= (1.0 - resources[lane]) * np.exp(-elapsed / recovery)
                resources[lane] = pending[free, HEIGHT] * (1.0 - use)
            last_spike[lane] = time
            last_place[lane] = ring[FREE]
            ring[FREE] += 1
    return step, written


@kernel
def by_chain(spikes, by_lane, stride, chains):  # type: ignore[no-untyped-def]
    """Return chain, unit and time of spikes (time, lane) given by steps, sorted by chain and time."""
    begins = np.empty(chains + 1, np.int64)
    for k in range(chains + 1):
        begins[k] = 0
    for k in range(spikes.shape[0]):
        begins[np.uintp(by_lane[np.uintp(spikes[k, 1])]) + np.uintp(1)] += 1
    for k in range(chains):
        begins[k + 1] += begins[k]
    next_ = begins[:-1].copy()
    chain_of = np.empty(spikes.shape[0], np.int32)
    unit_of = np.empty(spikes.shape[0], np.int32)
    times = np.empty(spikes.shape[0])
    for k in range(spikes.shape[0]):
        time, lane = spikes[k, 0], np.uintp(spikes[k, 1])
        chain = np.uintp(by_lane[lane])
        first, place = np.uintp(begins[chain]), np.uintp(next_[chain])
        chain_of[place] = chain
        next_[chain] += 1
        # Only spikes of the same step may have to give way.
        while place > first and times[place - np.uintp(1)] > time:
            times[place] = times[place - np.uintp(1)]
            unit_of[place] = unit_of[place - np.uintp(1)]
            place -= np.uintp(1)
        times[place] = time
        unit_of[place] = lane - chain * np.uintp(stride)
    return chain_of, unit_of, times
