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
# table; constant, synaptic and momentary drive; hazard left to use up until the next spike, used up in
# this step, and read from the table.
EFFECTIVE, FELT, RISEN, EXCESS, SHIFT, BASE, SYNAPTIC, ONCE, LEFT, USED, READ = range(11)
ROWS = 11
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
def _use_up(f, tile, width):  # type: ignore[no-untyped-def]
    """Use up the hazard of a step in one tile; return how many lanes fired."""
    b = np.uintp(tile) * _F
    count = np.int32(0)
    for lane in range(width):
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
    # 24 bits, the most that a number in single precision keeps, and the other eight.
    word = _word(r, lane)
    unit = (np.float32(word >> np.uint32(8)) + _HALF) * np.float32(2.0**-24)
    f[i + LEFT * TILE] = -np.log(unit)
    f[i + SHIFT * TILE] = np.float32(word & np.uint32(255)) * np.float32(2.0**-8)


@inlined
def _deliver(f, lane, height, once, stride, groups_of, runs_of, runs, coupling):  # type: ignore[no-untyped-def]
    """Raise the synaptic drive of the targets of `lane` by `height`, and by `once` for a step."""
    source = lane % stride
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


@inlined
def _deliver_four(f, first_tile, tiles, width, dense, rows, heights, onces):  # type: ignore[no-untyped-def]
    """Raise the synaptic drive of whole tiles by four rows of couplings, each times its height."""
    a, b, c, d = np.uintp(rows[0]), np.uintp(rows[1]), np.uintp(rows[2]), np.uintp(rows[3])
    h0, h1, h2, h3 = heights[0], heights[1], heights[2], heights[3]
    o0, o1, o2, o3 = onces[0], onces[1], onces[2], onces[3]
    i = np.uintp(first_tile) * _F
    for _ in range(tiles):
        for k in range(width):
            j = np.uintp(k)
            w0, w1, w2, w3 = dense[a + j], dense[b + j], dense[c + j], dense[d + j]
            f[i + np.uintp(SYNAPTIC * TILE) + j] += h0 * w0 + h1 * w1 + h2 * w2 + h3 * w3
            f[i + np.uintp(ONCE * TILE) + j] += o0 * w0 + o1 * w1 + o2 * w2 + o3 * w3
        i += _F
        a += np.uintp(TILE)
        b += np.uintp(TILE)
        c += np.uintp(TILE)
        d += np.uintp(TILE)


@inlined
def _deliver_queued(f, queue, heights, heads, dense, row_of, class_tiles, stride, width):  # type: ignore[no-untyped-def]
    """Deliver what was queued in this step, four spikes of one chain and one class at a time."""
    classes = class_tiles.shape[0]
    rows = np.empty(4, np.int64)
    four = np.zeros((2, 4), np.float32)
    for key in range(heads.shape[0]):
        event = heads[key]
        if event < 0:
            continue
        heads[key] = -1
        chain, kind = key // classes, key % classes
        first_tile = chain * (stride // TILE) + class_tiles[kind, 0]
        while event >= 0:
            four[:] = _ZERO
            rows[:] = row_of[queue[event, 0]]
            for k in range(4):
                if event >= 0:
                    rows[k] = row_of[queue[event, 0]]
                    four[0, k] = heights[event, 0]
                    four[1, k] = heights[event, 1]
                    event = queue[event, 1]
            _deliver_four(f, first_tile, class_tiles[kind, 1], width, dense, rows, four[0], four[1])


@kernel
def advance_block(  # type: ignore[no-untyped-def]
    f,
    r,
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
    last_spike, last_place : float64, int64 (lanes,), time [steps] and place of the latest spike.
    resources : float64 (lanes,), what the latest spike of each lane has left of its resources.
    pending, ring : float64 (capacity, PENDING), spikes that act or will; see ENDING, BEGINNING, FREE.
    constants : float32 (CONSTANTS,).
    hazard : float32, flat table of the risen part (0 to 1) by drives (`columns`), per step.
    groups_of, runs_of, runs, coupling : see `photinus.simulation.couplings`, without groups by delay.
    dense, row_of, class_of, class_tiles : see `simulator._Rows`.
    stride : lanes of a chain.
    width : TILE, unknown to the compiler, which would unroll short loops instead of vectorising them.
    kick : carriers at once per coupling, as a drive for one step; sustain : drive per coupling.
    use, recovery : of a depressed synapse, the second in steps; use 0 for one that is not.
    pulse, delay : duration and delay [steps]; decay : factor per step of an exponential, else 1.
    spikes : float64 (capacity, 2) of (time [steps], lane).
    """
    n_lanes = stride * n_chains
    n_tiles = f.size // (ROWS * TILE)
    # A power of two, so that places are cheap to find.
    mask = pending.shape[0] - 1
    rows, across = np.float32(hazard.size // columns), np.float32(columns)
    place = np.empty(n_tiles * TILE, np.int32)
    fired = np.empty(n_tiles * TILE + 1, np.int64)
    exponential_pulse = decay < 1.0
    written = 0
    classes = class_tiles.shape[0]
    queue = np.empty((2 * n_lanes if classes else 0, 2), np.int64)
    heights = np.empty(queue.shape, np.float32)
    heads = np.full(n_chains * classes, -1, np.int64)
    while step < stop and spikes.shape[0] - written >= n_lanes:
        if ring[FREE] - ring[ENDING] + n_lanes > pending.shape[0]:
            break
        queued = 0
        while ring[ENDING] < ring[FREE]:
            # First all that begin, then all that end.
            begins = ring[BEGINNING] < ring[FREE]
            if begins:
                spike = pending[ring[BEGINNING] & mask]
                begins = step - delay - spike[TIME] >= 0.0
            if begins:
                late = step - delay - spike[TIME]
                share = 1.0
                height = sustain * spike[HEIGHT]
                if exponential_pulse:
                    if renewing:
                        share = -np.expm1(np.log(decay) * spike[ELAPSED])
                    height *= share
                elif renewing and spike[ELAPSED] < pulse:
                    share = spike[ELAPSED] / pulse
                    height = sustain * (spike[HEIGHT] - spike[BEFORE])
                once = height * late + kick * share * spike[HEIGHT]
                ring[BEGINNING] += 1
            elif ring[ENDING] < ring[BEGINNING]:
                spike = pending[ring[ENDING] & mask]
                late = step - delay - spike[TIME] - pulse
                if late < 0.0 and not exponential_pulse:
                    break
                ring[ENDING] += 1
                if exponential_pulse or spike[RENEWED] > 0.0:
                    continue
                height = -sustain * spike[HEIGHT]
                once = height * late
            else:
                break
            lane = np.int64(spike[LANE])
            source = lane % stride
            if classes > 0 and class_of[source] >= 0 and queued < queue.shape[0]:
                key = (lane // stride) * classes + class_of[source]
                queue[queued, 0] = source
                queue[queued, 1] = heads[key]
                heights[queued, 0] = height
                heights[queued, 1] = once
                heads[key] = queued
                queued += 1
            else:
                _deliver(
                    f,
                    lane,
                    np.float32(height),
                    np.float32(once),
                    stride,
                    groups_of,
                    runs_of,
                    runs,
                    coupling,
                )
        if queued > 0:
            _deliver_queued(f, queue, heights, heads, dense, row_of, class_tiles, stride, width)

        step += 1
        for tile in range(n_tiles):
            _advance_tile(f, place, tile, constants, rows, across, decay)
        # Apart from the arithmetic, whose loops the compiler would not vectorise with a table in them.
        for tile in range(n_tiles):
            read = np.uintp(tile) * _F + np.uintp(READ * TILE)
            g = np.uintp(tile * TILE)
            for k in range(TILE):
                f[read + np.uintp(k)] = hazard[np.uintp(place[g + np.uintp(k)])]
        fires = 0
        for tile in range(n_tiles):
            if _use_up(f, tile, width) > 0:
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
            left = 1.0 - (1.0 - resources[lane]) * np.exp(-elapsed / recovery)
            pending[free, HEIGHT] = left
            pending[free, BEFORE] = pending[last_place[lane] & mask, HEIGHT]
            resources[lane] = left * (1.0 - use)
            last_spike[lane] = time
            last_place[lane] = ring[FREE]
            ring[FREE] += 1
    return step, written


@kernel
def by_chain(spikes, stride, chains):  # type: ignore[no-untyped-def]
    """Return chain, unit and time of spikes (time, lane) given by steps, sorted by chain and time."""
    begins = np.zeros(chains + 1, np.int64)
    for k in range(spikes.shape[0]):
        begins[np.int64(spikes[k, 1]) // stride + 1] += 1
    for chain in range(chains):
        begins[chain + 1] += begins[chain]
    next_ = begins[:-1].copy()
    chain_of = np.empty(spikes.shape[0], np.int32)
    unit_of = np.empty(spikes.shape[0], np.int32)
    times = np.empty(spikes.shape[0])
    for k in range(spikes.shape[0]):
        lane = np.int64(spikes[k, 1])
        chain = lane // stride
        time, unit = spikes[k, 0], lane % stride
        place = next_[chain]
        next_[chain] += 1
        # Only spikes of the same step may have to give way.
        while place > begins[chain] and times[place - 1] > time:
            times[place] = times[place - 1]
            unit_of[place] = unit_of[place - 1]
            place -= 1
        chain_of[next_[chain] - 1] = chain
        times[place] = time
        unit_of[place] = unit
    return chain_of, unit_of, times
