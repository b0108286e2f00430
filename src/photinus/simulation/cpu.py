"""The loop of the full physics on the CPU: layout, events and recording.

Lanes. One lane is one laser of one chain. Chains never interact, so a *block* is a few whole chains
whose state stays in the first-level cache; blocks run on any thread. Within a block lanes are
stored in tiles of 16, each tile holding every quantity of its 16 lanes side by side: the distance
between two quantities is then a constant, which lets the compiler vectorise without checking
whether arrays overlap. Units of one chain are neighbours, so the fan-out of a spike is contiguous.

Time. Field and carriers advance by dt, and every step looks for a spike; its time, synapses, carrier
noise and recording live on a grid of ``SUBSTEPS`` dt. Carrier noise and the amplitude of the field
noise change little over that time (carrier lifetimes are tens of picoseconds and more).

Synapses. A spike puts two records into a wheel of time slots: one that raises the pump of its
targets (and gives them the kick), one that lowers it again. Targets of one source are grouped by
delay; a record serves its first group, then moves on to the slot of the next. A source that fires
again while its pulse lasts renews it: the old end is cancelled, the pulse is not raised twice, and the
targets get the share of the kick that belongs to the time by which the pulse is prolonged.
Exponential pulses have no end: all of them decay together, as the drive of their target, and a spike
that renews one raises it by the share that it lost.
"""

import numpy as np

from photinus._numba import inlined, kernel
from photinus.simulation import SUBSTEPS, TILE
from photinus.simulation.step import UNIT_VARIANCE, advance_laser, noise_pair
from photinus.simulation.streams import next_word

# Rows of a tile in the state array `f`, and their number.
(
    EX,
    EY,
    NG,
    NA,
    EXCITED,
    PUMP,
    GG,
    GA,
    NTG,
    NTA,
    KAPPA,
    DG,
    DA,
    PUMP_NOISE,
    SHOT_NOISE,
    HIGH,
    LOW,
) = range(17)
ROWS = 17
WORDS = 4

# Why a call returned.
DONE, SPIKES_FULL, RECORDS_FULL = range(3)

FAR = 2**31
"""Steps after which nothing is left of an exponential pulse."""

# Columns of a wheel record.
NEXT, LANE, GROUP, KIND, CANCELLED, ELAPSED = range(6)
COLUMNS = 6
RAISE, RENEW, LOWER = range(3)

_TILE = np.uintp(TILE)
_F = np.uintp(ROWS * TILE)
_R = np.uintp(WORDS * TILE)
_HALF = np.float32(0.5)
_ZERO = np.float32(0.0)
_ONE = np.float32(1.0)
_TINY = np.float32(1e-30)
_FIELD_NOISE = np.float32(0.5 * UNIT_VARIANCE**2)
_CARRIER_NOISE = np.float32(0.5 * SUBSTEPS * UNIT_VARIANCE**2)


@inlined
def _at(lane, row):  # type: ignore[no-untyped-def]
    """Return the position of (lane, row) in the flat state array."""
    return (lane // TILE) * (ROWS * TILE) + row * TILE + lane % TILE


@inlined
def _advance_tile(f, r, fired, tile):  # type: ignore[no-untyped-def]
    """Advance one tile by SUBSTEPS steps; mark lanes that fired and return their number."""
    b = np.uintp(tile) * _F
    s = np.uintp(tile) * _R
    g = np.uintp(tile) * _TILE
    count = np.int32(0)
    for lane in range(TILE):
        i = b + np.uintp(lane)
        j = s + np.uintp(lane)
        ex = f[i + np.uintp(EX * TILE)]
        ey = f[i + np.uintp(EY * TILE)]
        ng = f[i + np.uintp(NG * TILE)]
        na = f[i + np.uintp(NA * TILE)]
        excited = f[i + np.uintp(EXCITED * TILE)]
        pump = f[i + np.uintp(PUMP * TILE)]
        gg = f[i + np.uintp(GG * TILE)]
        ga = f[i + np.uintp(GA * TILE)]
        ntg = f[i + np.uintp(NTG * TILE)]
        nta = f[i + np.uintp(NTA * TILE)]
        kappa = f[i + np.uintp(KAPPA * TILE)]
        dg = f[i + np.uintp(DG * TILE)]
        da = f[i + np.uintp(DA * TILE)]
        pump_noise = f[i + np.uintp(PUMP_NOISE * TILE)]
        shot_noise = f[i + np.uintp(SHOT_NOISE * TILE)]
        high = f[i + np.uintp(HIGH * TILE)]
        low = f[i + np.uintp(LOW * TILE)]
        s0 = r[j]
        s1 = r[j + np.uintp(TILE)]
        s2 = r[j + np.uintp(2 * TILE)]
        s3 = r[j + np.uintp(3 * TILE)]

        word, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
        xi, eta = noise_pair(word)
        variance = _CARRIER_NOISE * (pump_noise + shot_noise * max(pump + dg * ng, _ZERO))
        ng += (xi + eta) * np.float32(np.sqrt(variance))
        # SUBSTEPS steps, written out: the compiler vectorises only an innermost loop.
        into_g = gg * max(ng, _ZERO)
        into_a = ga * max(na, _ZERO)
        emission = into_g + into_a
        noise = np.float32(np.sqrt(_FIELD_NOISE * emission))
        share_g = into_g / max(emission, _TINY)
        share_a = into_a / max(emission, _TINY)

        word, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
        xi, eta = noise_pair(word)
        ex, ey, ng, na, photons = advance_laser(
            ex, ey, ng, na, pump, noise, xi, eta, share_g, share_a, gg, ga, ntg, nta, kappa, dg, da
        )
        peak = photons
        word, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
        xi, eta = noise_pair(word)
        ex, ey, ng, na, photons = advance_laser(
            ex, ey, ng, na, pump, noise, xi, eta, share_g, share_a, gg, ga, ntg, nta, kappa, dg, da
        )
        peak = max(peak, photons)
        word, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
        xi, eta = noise_pair(word)
        ex, ey, ng, na, photons = advance_laser(
            ex, ey, ng, na, pump, noise, xi, eta, share_g, share_a, gg, ga, ntg, nta, kappa, dg, da
        )
        peak = max(peak, photons)
        word, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
        xi, eta = noise_pair(word)
        ex, ey, ng, na, photons = advance_laser(
            ex, ey, ng, na, pump, noise, xi, eta, share_g, share_a, gg, ga, ntg, nta, kappa, dg, da
        )
        peak = max(peak, photons)

        above = peak > high
        fire = np.int32(1) if (above and excited < _HALF) else np.int32(0)
        excited = _ONE if above else (_ZERO if photons < low else excited)
        f[i + np.uintp(EX * TILE)] = ex
        f[i + np.uintp(EY * TILE)] = ey
        f[i + np.uintp(NG * TILE)] = ng
        f[i + np.uintp(NA * TILE)] = na
        f[i + np.uintp(EXCITED * TILE)] = excited
        r[j] = s0
        r[j + np.uintp(TILE)] = s1
        r[j + np.uintp(2 * TILE)] = s2
        r[j + np.uintp(3 * TILE)] = s3
        fired[g + np.uintp(lane)] = fire
        count += fire
    return count


@inlined
def _schedule(wheel, pool, free, step, lane, group, kind, elapsed):  # type: ignore[no-untyped-def]
    """Put a new record into the slot of `step` and return its index."""
    slot = step % wheel.size
    index = free[free[0]]
    free[0] -= 1
    pool[index, NEXT] = wheel[slot]
    pool[index, LANE] = lane
    pool[index, GROUP] = group
    pool[index, KIND] = kind
    pool[index, CANCELLED] = 0
    pool[index, ELAPSED] = elapsed
    wheel[slot] = index
    return index


@inlined
def _deliver(  # type: ignore[no-untyped-def]
    f, drive, base_pump, first_lane, group, kind, share, runs_of, runs, kick, height
):
    """Apply one record to the targets of its group, in the chain that starts at `first_lane`."""
    sign = share if kind == RAISE else -1.0 if kind == LOWER else 0.0
    for run in range(runs_of[group], runs_of[group + 1]):
        first = first_lane + runs[run, 0]
        offset = runs[run, 1]
        for k in range(runs[run, 2]):
            lane = first + k
            if kind != RENEW:
                drive[lane] += sign * height[offset + k]
                f[_at(lane, PUMP)] = np.float32(max(base_pump[lane] + drive[lane], 0.0))
            if kind != LOWER:
                ng = f[_at(lane, NG)] + np.float32(share) * kick[offset + k]
                f[_at(lane, NG)] = max(ng, _ZERO)


@kernel
def advance_block(  # type: ignore[no-untyped-def]
    f,
    r,
    fired,
    drive,
    base_pump,
    last_spike,
    last_end,
    wheel,
    pool,
    free,
    groups_of,
    group_delay,
    runs_of,
    runs,
    kick,
    height,
    pulse_steps,
    decay,
    renewing,
    n_units,
    n_chains,
    step,
    stop,
    spikes,
    recorded,
    record_every,
    waveforms,
):
    """Advance one block from `step` towards `stop`; return (step reached, spikes written, why).

    Parameters
    ----------
    f, r : flat state and random-state arrays, tile by tile.
    fired : int32 (lanes,), scratch.
    drive, base_pump : float64 (lanes,), synaptic and constant pump per dt.
    last_spike, last_end : int64 (lanes,), step of the latest spike; record that ends its pulse.
    wheel, pool, free : slots, records and the stack of free records (its first entry is its size).
    groups_of, group_delay, runs_of, runs, kick, height : couplings, see `engine.compile_couplings`.
    pulse_steps, decay, renewing : length of a rectangle in steps; factor by which an exponential
        decays per step, 1 for a rectangle; see `SynapticKernel`.
    spikes : int64 (capacity, 2) of (step, lane).
    recorded : int64 (k,) lanes whose waveform is kept every `record_every` steps in `waveforms`,
        float32 (k, samples, 3) of photons, gain carriers, absorber carriers.
    """
    n_lanes = n_units * n_chains
    n_tiles = fired.size // TILE
    exponential = decay < 1.0
    written = 0
    sample = 0
    while step < stop:
        if spikes.shape[0] - written < n_lanes:
            return step, written, SPIKES_FULL
        if free[0] < 2 * n_lanes:
            return step, written, RECORDS_FULL

        if exponential:
            for lane in range(n_lanes):
                drive[lane] *= decay
                f[_at(lane, PUMP)] = np.float32(max(base_pump[lane] + drive[lane], 0.0))

        slot = step % wheel.size
        record = wheel[slot]
        wheel[slot] = -1
        while record >= 0:
            following = pool[record, NEXT]
            lane = pool[record, LANE]
            group = pool[record, GROUP]
            kind = pool[record, KIND]
            if pool[record, CANCELLED] == 0:
                first_lane = (lane // n_units) * n_units
                elapsed = pool[record, ELAPSED]
                share = 1.0 - decay**elapsed if exponential else elapsed / pulse_steps
                _deliver(
                    f, drive, base_pump, first_lane, group, kind, share, runs_of, runs, kick, height
                )
            source = lane % n_units
            if group + 1 < groups_of[source + 1]:
                due = step + group_delay[group + 1] - group_delay[group]
                pool[record, GROUP] = group + 1
                pool[record, NEXT] = wheel[due % wheel.size]
                wheel[due % wheel.size] = record
            else:
                free[0] += 1
                free[free[0]] = record
            record = following

        count = np.int32(0)
        for tile in range(n_tiles):
            count += _advance_tile(f, r, fired, tile)
        step += 1

        if count > 0:
            for lane in range(n_lanes):
                if fired[lane] == 0:
                    continue
                spikes[written, 0] = step
                spikes[written, 1] = lane
                written += 1
                source = lane % n_units
                group = groups_of[source]
                if group == groups_of[source + 1]:
                    continue
                due = step + group_delay[group]
                elapsed = step - last_spike[lane]
                last_spike[lane] = step
                if exponential:
                    _schedule(wheel, pool, free, due, lane, group, RAISE, elapsed if renewing else FAR)
                    continue
                if renewing and elapsed < pulse_steps:
                    pool[last_end[lane], CANCELLED] = 1
                    _schedule(wheel, pool, free, due, lane, group, RENEW, elapsed)
                else:
                    _schedule(wheel, pool, free, due, lane, group, RAISE, pulse_steps)
                last_end[lane] = _schedule(wheel, pool, free, due + pulse_steps, lane, group, LOWER, 0)

        if recorded.size > 0 and step % record_every == 0:
            for k in range(recorded.size):
                lane = recorded[k]
                ex = f[_at(lane, EX)]
                ey = f[_at(lane, EY)]
                waveforms[k, sample, 0] = ex * ex + ey * ey
                waveforms[k, sample, 1] = f[_at(lane, NG)]
                waveforms[k, sample, 2] = f[_at(lane, NA)]
            sample += 1
    return step, written, DONE
