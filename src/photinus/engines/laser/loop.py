"""The loop of the full physics on the CPU: layout, events and recording.

Lanes. One lane is one laser of one chain. Chains never interact, so a *block* is a few whole chains
whose state stays in the first-level cache; blocks run on any thread. Within a block lanes are stored in
tiles of TILE, each tile holding every quantity of its lanes side by side. The distance between two
quantities is then a constant. So the compiler vectorises without checking whether arrays overlap. Units
of one chain are neighbours, so the fan-out of a spike is contiguous.

Time. Field and carriers advance by dt, and every step looks for a spike. Its time, synapses, carrier
noise and recording live on a grid of ``SUBSTEPS`` dt. Carrier noise and the amplitude of the field
noise change little over that time (carrier lifetimes are tens of picoseconds and more).

Synapses. A spike puts two records into a wheel of time slots. One raises the pump of its targets (and
gives them the kick), one lowers it again. Targets of one source are grouped by delay; a record serves
its first group, then moves on to the slot of the next. A source that fires again while its pulse lasts
renews it. The old end is cancelled, and the pulse is not raised twice. The targets get the share of the
kick that belongs to the time by which the pulse is prolonged. Exponential pulses have no end. All of
them decay together, as the drive of their target, and a spike that renews one raises it by the share
that it lost.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from photinus._core.barrier import hear, tell
from photinus._core.compilation import (
    TILE,
    apart,
    borrowed,
    disjoint,
    inlined,
    kernel,
    lowest_bit,
    positive_of_tile,
    wide,
)
from photinus._core.streams import next_word
from photinus.engines.laser.step import (
    ONE,
    QUARTER,
    SUBSTEPS,
    ZERO,
    add_carrier_noise,
    advance_carriers,
    advance_field,
    ease_growth,
    follow,
    noise_amplitudes,
    noise_number,
    noise_numbers,
    read_out,
    through_driver,
)
from photinus.engines.laser.wheel import (
    CANCELLED,
    ELAPSED,
    GROUP,
    KIND,
    LANE,
    LOWER,
    NEXT,
    RENEW,
    pass_on,
    send,
)

# Rows of a tile in the state array `f`, and their number: what changes, then what a laser is.
(
    EX,
    EY,
    NG,
    NA,
    EXCITED,
    PUMP,
    GROWTH,
    GROWTH_G,
    GROWTH_A,
    GG,
    GA,
    CLEAR_G,
    CLEAR_A,
    DG,
    DA,
    PUMP_NOISE,
    SHOT_NOISE,
    HIGH,
    LOW,
) = range(19)
ROWS = 19

# Rows of the scratch array: photons after each step, two noise numbers for each, 1 where a lane fired.
NOISE, FROM_G, FROM_A, PHOTONS = range(4)
NUMBERS = PHOTONS + SUBSTEPS
FIRED = NUMBERS + 2 * SUBSTEPS
SCRATCH = FIRED + 1
TOGETHER = 8
"""Tiles at most that go through a loop before the next one: the scratch of so many fits into the
first-level cache beside their state."""

WORDS = 4

# Why a call returned.
DONE, SPIKES_FULL, RECORDS_FULL, GIVEN_UP = range(4)

_TILE = np.uintp(TILE)
_F = np.uintp(ROWS * TILE)
_R = np.uintp(WORDS * TILE)
_S = np.uintp(SCRATCH * TILE)
_NONE, _BIT = np.uint32(0), np.uint32(1)


@inlined
def at(lane, row):  # type: ignore[no-untyped-def]
    """Return the position of (lane, row) in the flat state array."""
    return (lane // TILE) * (ROWS * TILE) + row * TILE + lane % TILE


@inlined
def _advance_tiles(  # type: ignore[no-untyped-def]
    f, r, scratch, compression, first_tile, end_tile, found, now, thread
):
    """Advance tiles by SUBSTEPS steps; write lanes that fired on a board, return their number.

    `compression` (lanes,) is the gain compression of each; None, for no lane, compiles to nothing.

    Each part of a step is a separate loop over the lanes of some tiles. One lane's step is a long chain
    of dependent operations. In short loops the processor works on several lanes' chains at a time. The
    compiler vectorises innermost loops only, so the words of all substeps are written out.
    """
    wide()
    apart()
    disjoint()
    fires, tiles = 0, end_tile - first_tile
    parts = (tiles + TOGETHER - 1) // TOGETHER
    for part in range(parts):
        head = first_tile + tiles * part // parts
        tail = first_tile + tiles * (part + 1) // parts

        # Noise numbers, and the noise of the carriers.
        for tile in range(head, tail):
            b = np.uintp(tile) * _F
            s = np.uintp(tile) * _R
            z = np.uintp(tile - head) * _S + np.uintp(NUMBERS * TILE)
            for lane in range(TILE):
                i = b + np.uintp(lane)
                j = s + np.uintp(lane)
                k = z + np.uintp(lane)
                s0 = r[j]
                s1 = r[j + np.uintp(TILE)]
                s2 = r[j + np.uintp(2 * TILE)]
                s3 = r[j + np.uintp(3 * TILE)]
                word, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
                number = noise_number(word)
                word, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
                (
                    scratch[k],
                    scratch[k + np.uintp(TILE)],
                    scratch[k + np.uintp(2 * TILE)],
                    scratch[k + np.uintp(3 * TILE)],
                ) = noise_numbers(word)
                word, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
                (
                    scratch[k + np.uintp(4 * TILE)],
                    scratch[k + np.uintp(5 * TILE)],
                    scratch[k + np.uintp(6 * TILE)],
                    scratch[k + np.uintp(7 * TILE)],
                ) = noise_numbers(word)
                r[j] = s0
                r[j + np.uintp(TILE)] = s1
                r[j + np.uintp(2 * TILE)] = s2
                r[j + np.uintp(3 * TILE)] = s3
                f[i + np.uintp(NG * TILE)] = add_carrier_noise(
                    f[i + np.uintp(NG * TILE)],
                    number,
                    f[i + np.uintp(PUMP * TILE)],
                    f[i + np.uintp(DG * TILE)],
                    f[i + np.uintp(PUMP_NOISE * TILE)],
                    f[i + np.uintp(SHOT_NOISE * TILE)],
                )

        # Amplitudes of the field noise.
        for tile in range(head, tail):
            b = np.uintp(tile) * _F
            z = np.uintp(tile - head) * _S
            for lane in range(TILE):
                i = b + np.uintp(lane)
                k = z + np.uintp(lane)
                (
                    scratch[k + np.uintp(NOISE * TILE)],
                    scratch[k + np.uintp(FROM_G * TILE)],
                    scratch[k + np.uintp(FROM_A * TILE)],
                ) = noise_amplitudes(
                    f[i + np.uintp(NG * TILE)],
                    f[i + np.uintp(NA * TILE)],
                    f[i + np.uintp(GG * TILE)],
                    f[i + np.uintp(GA * TILE)],
                )

        # Field and carriers.
        for substep in range(SUBSTEPS):
            numbers = np.uintp(NUMBERS + 2 * substep) * _TILE
            after = np.uintp(PHOTONS + substep) * _TILE
            for tile in range(head, tail):
                b = np.uintp(tile) * _F
                g = np.uintp(tile) * _TILE
                z = np.uintp(tile - head) * _S
                for lane in range(TILE):
                    i = b + np.uintp(lane)
                    k = z + np.uintp(lane)
                    growth = f[i + np.uintp(GROWTH * TILE)]
                    growth_g = f[i + np.uintp(GROWTH_G * TILE)]
                    gg = f[i + np.uintp(GG * TILE)]
                    clear_g = f[i + np.uintp(CLEAR_G * TILE)]
                    if compression is not None:
                        growth, growth_g = ease_growth(
                            f[i + np.uintp(EX * TILE)],
                            f[i + np.uintp(EY * TILE)],
                            f[i + np.uintp(NG * TILE)],
                            f[i + np.uintp(NA * TILE)],
                            growth,
                            growth_g,
                            f[i + np.uintp(GROWTH_A * TILE)],
                            QUARTER * clear_g,
                            compression[g + np.uintp(lane)],
                        )
                    ex, ey, ng, na, photons = advance_field(
                        f[i + np.uintp(EX * TILE)],
                        f[i + np.uintp(EY * TILE)],
                        f[i + np.uintp(NG * TILE)],
                        f[i + np.uintp(NA * TILE)],
                        scratch[k + numbers],
                        scratch[k + numbers + _TILE],
                        scratch[k + np.uintp(NOISE * TILE)],
                        scratch[k + np.uintp(FROM_G * TILE)],
                        scratch[k + np.uintp(FROM_A * TILE)],
                        growth,
                        growth_g,
                        f[i + np.uintp(GROWTH_A * TILE)],
                    )
                    if compression is not None:
                        eased = ONE / (ONE + compression[g + np.uintp(lane)] * photons)
                        gg *= eased
                        clear_g *= eased
                    ng, na = advance_carriers(
                        ng,
                        na,
                        photons,
                        f[i + np.uintp(PUMP * TILE)],
                        gg,
                        f[i + np.uintp(GA * TILE)],
                        clear_g,
                        f[i + np.uintp(CLEAR_A * TILE)],
                        f[i + np.uintp(DG * TILE)],
                        f[i + np.uintp(DA * TILE)],
                    )
                    f[i + np.uintp(EX * TILE)] = ex
                    f[i + np.uintp(EY * TILE)] = ey
                    f[i + np.uintp(NG * TILE)] = ng
                    f[i + np.uintp(NA * TILE)] = na
                    scratch[k + after] = photons

        # Spikes.
        for tile in range(head, tail):
            b = np.uintp(tile) * _F
            z = np.uintp(tile - head) * _S
            for lane in range(TILE):
                i = b + np.uintp(lane)
                k = z + np.uintp(lane)
                p = k + np.uintp(PHOTONS * TILE)
                last = scratch[p + np.uintp(3 * TILE)]
                peak = max(
                    max(scratch[p], scratch[p + np.uintp(TILE)]),
                    max(scratch[p + np.uintp(2 * TILE)], last),
                )
                scratch[k + np.uintp(FIRED * TILE)], f[i + np.uintp(EXCITED * TILE)] = read_out(
                    peak,
                    last,
                    f[i + np.uintp(EXCITED * TILE)],
                    f[i + np.uintp(HIGH * TILE)],
                    f[i + np.uintp(LOW * TILE)],
                )
            some = positive_of_tile(scratch, z + np.uintp(FIRED * TILE))
            while some != _NONE:
                fires += 1
                found[now, thread, fires] = np.uintp(tile) * _TILE + np.uintp(lowest_bit(some))
                some &= np.uint32(some - _BIT)
    return fires


@inlined
def _deliver(  # type: ignore[no-untyped-def]
    drive, kicked, first_lane, group, kind, share, gain, before, runs_of, runs, kick, height
):
    """Add one record to what the targets of its group get, in the chain that starts at `first_lane`.

    `gain` is what its pulse is multiplied with, `before` the same of a pulse that it renews.
    """
    change = -gain if kind == LOWER else share * gain
    if kind == RENEW:
        change = gain - before
    for run in range(runs_of[group], runs_of[group + 1]):
        first = np.uintp(first_lane + runs[run, 0])
        offset = np.uintp(runs[run, 1])
        if runs[run, 2] == 1:
            # A loop takes longer to begin than one target needs.
            drive[first] += change * height[offset]
            if kind != LOWER:
                kicked[first] += np.float32(share * gain) * kick[offset]
            continue
        if change != 0.0:
            for k in range(np.uintp(runs[run, 2])):
                drive[first + k] += change * height[offset + k]
        if kind != LOWER:
            for k in range(np.uintp(runs[run, 2])):
                kicked[first + k] += np.float32(share * gain) * kick[offset + k]


@inlined
def _set_pumps(  # type: ignore[no-untyped-def]
    f, drive, kicked, base_pump, knee, bend, first_tile, end_tile
):
    """Give the lasers what records have added up: pumps, and carriers at once."""
    if bend.size > 0:
        _set_bent_pumps(f, drive, kicked, base_pump, knee, bend, first_tile, end_tile)
        return
    for tile in range(first_tile, end_tile):
        b = np.uintp(tile) * _F
        g = np.uintp(tile) * _TILE
        for lane in range(TILE):
            i = b + np.uintp(lane)
            k = g + np.uintp(lane)
            f[i + np.uintp(PUMP * TILE)] = max(np.float32(base_pump[k] + drive[k]), ZERO)
            f[i + np.uintp(NG * TILE)] = max(f[i + np.uintp(NG * TILE)] + kicked[k], ZERO)
            kicked[k] = ZERO


@inlined
def _set_bent_pumps(  # type: ignore[no-untyped-def]
    f, drive, kicked, base_pump, knee, bend, first_tile, end_tile
):
    """Do the same behind drivers that bend."""
    for lane in range(first_tile * TILE, end_tile * TILE):
        i, g = at(lane, PUMP), at(lane, NG)
        x = base_pump[lane] + drive[lane] - knee[lane]
        y, share = through_driver(x, max(f[i] - knee[lane], ZERO), bend[lane])
        f[i] = np.float32(knee[lane] + y)
        f[g] = max(f[g] + np.float32(share) * kicked[lane], ZERO)
        kicked[lane] = ZERO


@inlined
def _lag(  # type: ignore[no-untyped-def]
    late, charge, drive, kicked, base_pump, part, first_tile, end_tile
):
    """Let drivers follow what synapses ask of them, and give out carriers that they hold.

    One pole: in each step the current goes `part` of the way, and that part of what is held leaves.
    """
    for lane in range(first_tile * TILE, end_tile * TILE):
        asked = base_pump[lane] + drive[lane]
        held = charge[lane] + kicked[lane]
        late[lane], given, charge[lane] = follow(late[lane], asked, held, part)
        kicked[lane] = np.float32(given)


class State(NamedTuple):
    """What changes while a block advances."""

    f: NDArray[np.float32]
    """Flat state of all lanes, tile by tile."""
    r: NDArray[np.uint32]
    """Flat random states, tile by tile."""
    scratch: NDArray[np.float32]
    """What lives only while some tiles are advanced, (tile, row, lane) in one row."""
    drive: NDArray[np.float64]
    """Synaptic pump per dt, (lanes,)."""
    kicked: NDArray[np.float32]
    """Carriers that come at once, (lanes,), zero between calls."""
    base_pump: NDArray[np.float64]
    """Constant input of the driver per dt, (lanes,): the pump, unless the driver bends."""
    knee: NDArray[np.float64]
    """Idle pump per dt of drivers that bend, (lanes,)."""
    bend: NDArray[np.float64]
    """Square of half their softness, (lanes,); empty where none bends."""
    last_spike: NDArray[np.int64]
    """Step of the latest spike, (lanes,)."""
    last_end: NDArray[np.int64]
    """Record that ends its pulse, (lanes,)."""
    wheel: NDArray[np.int64]
    """First record of each time slot."""
    pool: NDArray[np.int64]
    """Records, (record, COLUMNS)."""
    free: NDArray[np.int64]
    """Stack of free records; its first entry is its size."""


class Synapses(NamedTuple):
    """Couplings as `photinus.networks.couplings` lays them out, and the pulse of `SynapticKernel`."""

    groups_of: NDArray[np.int64]
    group_delay: NDArray[np.int64]
    runs_of: NDArray[np.int64]
    runs: NDArray[np.int64]
    kick: NDArray[np.float32]
    height: NDArray[np.float64]
    pulse_steps: int
    """Length of a rectangle in steps."""
    decay: float
    """Factor by which an exponential decays per step, 1 for a rectangle."""
    renewing: bool
    gain: NDArray[np.float64]
    """What all synapses of each chain are multiplied with, (chain,)."""


class Waveforms(NamedTuple):
    """Lanes (k,) whose waveform is kept `every` so many steps in float32 (k, samples, 3).

    The three are photons, gain carriers and absorber carriers.
    """

    lanes: NDArray[np.int64]
    every: int
    kept: NDArray[np.float32]


class Lag(NamedTuple):
    """Drivers of finite rise time; arrays are empty where they have none."""

    late: NDArray[np.float64]
    """What reaches the lasers of the pump per dt, (lanes,)."""
    charge: NDArray[np.float64]
    """Carriers that are still to come of kicks, (lanes,)."""
    nothing: NDArray[np.float64]
    """Zeros, (lanes,)."""
    part: float
    """Part of the way that drivers go in a step."""


class Team(NamedTuple):
    """The threads that share a block, each with separate lanes, as one of them sees it.

    All threads follow all records, each in a separate wheel; a record reaches each thread's own lanes
    only. So only the lanes that fired are passed on, once a step.
    """

    thread: int
    threads: int
    tiles: NDArray[np.int64]
    """First tile of each thread, and their number."""
    found: NDArray[np.int64]
    """Boards for lanes that fired, and their number, see `photinus._core.barrier.boards`."""
    alarm: NDArray[np.int64]
    """Tells that a thread gave up."""


@kernel
def advance_block(  # type: ignore[no-untyped-def]
    state, synapses, team, n_units, n_chains, step, stop, spikes, waveforms, lag, compression, fatigue
) -> Any:
    """Advance a thread's lanes of a block from `step` towards `stop`; return (step, spikes, why).

    All threads that share the block call it together, and return at the same step.

    Parameters
    ----------
    state, synapses, team, waveforms, lag : see the classes of these names.
    n_units, n_chains : lasers of a chain, and chains.
    spikes : int64 (capacity, 2) of (step, lane), written by the first thread.
    compression : float32 (lanes,), gain compression [1/photon], or None.
    fatigue : depression of the synapses, see `photinus.engines.laser.wheel.Fatigue`, or None.
    """
    # The caller keeps all arrays.
    f, r, scratch = borrowed(state.f), borrowed(state.r), borrowed(state.scratch)
    drive, kicked = borrowed(state.drive), borrowed(state.kicked)
    base_pump, knee, bend = borrowed(state.base_pump), borrowed(state.knee), borrowed(state.bend)
    last_spike, last_end = borrowed(state.last_spike), borrowed(state.last_end)
    wheel, pool, free = borrowed(state.wheel), borrowed(state.pool), borrowed(state.free)
    groups_of, group_delay = borrowed(synapses.groups_of), borrowed(synapses.group_delay)
    runs_of, runs = borrowed(synapses.runs_of), borrowed(synapses.runs)
    kick, height = borrowed(synapses.kick), borrowed(synapses.height)
    gain, pulse_steps, decay = borrowed(synapses.gain), synapses.pulse_steps, synapses.decay
    renewing = synapses.renewing
    thread, threads, tiles = team.thread, team.threads, borrowed(team.tiles)
    found, alarm = borrowed(team.found), borrowed(team.alarm)
    recorded, record_every, kept = waveforms
    late, charge, nothing = borrowed(lag.late), borrowed(lag.charge), borrowed(lag.nothing)
    first_tile, end_tile = tiles[thread], tiles[thread + 1]
    first_lane, end_lane = first_tile * TILE, end_tile * TILE
    n_lanes = n_units * n_chains
    exponential = decay < 1.0
    written = 0
    sample = 0
    met = 0
    while step < stop:
        if spikes.shape[0] - written < n_lanes:
            return step, written, SPIKES_FULL
        if free[0] < 2 * n_lanes:
            return step, written, RECORDS_FULL

        if exponential:
            for lane in range(first_lane, min(end_lane, n_lanes)):
                drive[lane] *= decay
        changed = exponential
        slot = step % wheel.size
        record = wheel[slot]
        wheel[slot] = -1
        while record >= 0:
            following = pool[record, NEXT]
            lane = pool[record, LANE]
            group = pool[record, GROUP]
            kind = pool[record, KIND]
            if pool[record, CANCELLED] == 0:
                chain = lane // n_units
                elapsed = pool[record, ELAPSED]
                share = 1.0 - decay**elapsed if exponential else elapsed / pulse_steps
                own = before = gain[chain]
                if fatigue is not None:
                    own *= fatigue.heights[record, 0]
                    before *= fatigue.heights[record, 1]
                _deliver(
                    drive, kicked, chain * n_units, group, kind, share, own, before, runs_of, runs,
                    kick, height,
                )  # fmt: skip
                changed = True
            pass_on(wheel, pool, free, step, record, groups_of, group_delay, n_units)
            record = following

        if late.size > 0:
            _lag(late, charge, drive, kicked, base_pump, lag.part, first_tile, end_tile)
            _set_pumps(f, late, kicked, nothing, knee, bend, first_tile, end_tile)
        elif changed:
            _set_pumps(f, drive, kicked, base_pump, knee, bend, first_tile, end_tile)

        now = step % 2
        fires = _advance_tiles(f, r, scratch, compression, first_tile, end_tile, found, now, thread)
        step += 1
        met += 1
        tell(found, now, thread, met, fires)

        for other in range(threads):
            fires = hear(found, now, other, met, alarm)
            if fires < 0:
                return step, written, GIVEN_UP
            for k in range(fires):
                lane = found[now, other, 1 + k]
                if thread == 0:
                    spikes[written, 0] = step
                    spikes[written, 1] = lane
                written += 1
                send(
                    wheel, pool, free, last_spike, last_end, step, lane, groups_of, group_delay,
                    n_units, pulse_steps, renewing, exponential, fatigue,
                )  # fmt: skip

        if recorded.size > 0 and step % record_every == 0:
            for k in range(recorded.size):
                lane = recorded[k]
                if lane < first_lane or lane >= end_lane:
                    continue
                ex = f[at(lane, EX)]
                ey = f[at(lane, EY)]
                kept[k, sample, 0] = ex * ex + ey * ey
                kept[k, sample, 1] = f[at(lane, NG)]
                kept[k, sample, 2] = f[at(lane, NA)]
            sample += 1
    return step, written, DONE
