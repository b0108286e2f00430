"""The loop of the full physics on an NVIDIA device: who advances what, and when threads wait.

A block of threads advances a block of chains, as `photinus.engines.laser.loop` lays them out. Thread t
of T has the lanes t, t + T, t + 2 T, …: it alone advances them, and it alone changes their drives. So
sums are in the same order in every run. All threads read the records of a time slot. The first thread
alone moves records and adds those of new spikes, between two meetings of all.

There are no numbers in double precision. Synaptic drives, which are raised and lowered for ever, are
sums with what rounding has lost of them (Kahan 1965, Commun. ACM 8, 40).
"""

import math
from typing import Any, NamedTuple

import numpy as np

from photinus._core.compilation import TILE, inlined
from photinus._core.streams import next_word
from photinus.engines.cuda.device import cuda, put_in_order
from photinus.engines.laser.loop import (
    CLEAR_A,
    CLEAR_G,
    DA,
    DG,
    EX,
    EXCITED,
    EY,
    GA,
    GG,
    GROWTH,
    GROWTH_A,
    GROWTH_G,
    HIGH,
    LOW,
    NA,
    NG,
    PUMP,
    PUMP_NOISE,
    SHOT_NOISE,
    WORDS,
    at,
)
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
    RAISE,
    RENEW,
    pass_on,
    send,
)


class State(NamedTuple):
    """Arrays of all blocks, (block, …); see `photinus.engines.laser.loop.State` and `Lag`."""

    f: Any
    r: Any
    drive: Any
    """Synaptic pump per dt, (block, lanes), float32."""
    lost: Any
    """What rounding has added to it, (block, lanes), float32."""
    kicked: Any
    base_pump: Any
    knee: Any
    bend: Any
    late: Any
    charge: Any
    compression: Any
    last_spike: Any
    last_end: Any
    wheel: Any
    pool: Any
    free: Any
    found: Any
    """Scratch: lanes that fired in a step, in any order, then rising; (block, 2, lanes)."""
    count: Any
    """Scratch: how many they are, (block, 1), zero between steps."""


class Synapses(NamedTuple):
    """See `photinus.engines.laser.loop.Synapses`; float32."""

    groups_of: Any
    group_delay: Any
    runs_of: Any
    runs: Any
    kick: Any
    height: Any
    gain: Any
    """(block, chain)."""


class Rules(NamedTuple):
    """What is the same for all lanes."""

    n_units: Any
    pulse_steps: Any
    rate: Any
    """Logarithm of the factor by which an exponential pulse decays per step, 0 for a rectangle."""
    renewing: Any
    part: Any
    """Part of the way that drivers go in a step."""
    bends: Any
    lags: Any
    eases: Any
    """1 where drivers bend, where they lag, where light compresses the gain; else 0."""


@inlined
def _advance_lane(f, r, lane, compression, eases):  # type: ignore[no-untyped-def]
    """Advance a lane by SUBSTEPS steps; return 1 if it fired, else 0."""
    i = at(lane, 0)
    j = (lane // TILE) * (WORDS * TILE) + lane % TILE
    ex, ey = f[i + EX * TILE], f[i + EY * TILE]
    ng, na = f[i + NG * TILE], f[i + NA * TILE]
    growth, growth_g = f[i + GROWTH * TILE], f[i + GROWTH_G * TILE]
    growth_a = f[i + GROWTH_A * TILE]
    gg, ga = f[i + GG * TILE], f[i + GA * TILE]
    clear_g, clear_a = f[i + CLEAR_G * TILE], f[i + CLEAR_A * TILE]
    dg, da, pump = f[i + DG * TILE], f[i + DA * TILE], f[i + PUMP * TILE]
    s0, s1, s2, s3 = r[j], r[j + TILE], r[j + 2 * TILE], r[j + 3 * TILE]
    word, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
    ng = add_carrier_noise(
        ng, noise_number(word), pump, dg, f[i + PUMP_NOISE * TILE], f[i + SHOT_NOISE * TILE]
    )
    noise, from_g, from_a = noise_amplitudes(ng, na, gg, ga)
    peak, photons, later_xi, later_eta = ZERO, ZERO, ZERO, ZERO
    for substep in range(SUBSTEPS):
        # A word is enough for two steps.
        xi, eta = later_xi, later_eta
        if substep % 2 == 0:
            word, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
            xi, eta, later_xi, later_eta = noise_numbers(word)
        own, own_g, own_gg, own_clear = growth, growth_g, gg, clear_g
        if eases:
            own, own_g = ease_growth(
                ex, ey, ng, na, growth, growth_g, growth_a, QUARTER * clear_g, compression
            )
        ex, ey, ng, na, photons = advance_field(
            ex, ey, ng, na, xi, eta, noise, from_g, from_a, own, own_g, growth_a
        )
        if eases:
            eased = ONE / (ONE + compression * photons)
            own_gg, own_clear = eased * gg, eased * clear_g
        ng, na = advance_carriers(ng, na, photons, pump, own_gg, ga, own_clear, clear_a, dg, da)
        peak = max(peak, photons)
    fire, excited = read_out(
        peak, photons, f[i + EXCITED * TILE], f[i + HIGH * TILE], f[i + LOW * TILE]
    )
    f[i + EX * TILE], f[i + EY * TILE] = ex, ey
    f[i + NG * TILE], f[i + NA * TILE] = ng, na
    f[i + EXCITED * TILE] = excited
    r[j], r[j + TILE], r[j + 2 * TILE], r[j + 3 * TILE] = s0, s1, s2, s3
    return fire


@inlined
def add(drive, lost, k, change):  # type: ignore[no-untyped-def]
    """Add to entry k of a sum, keeping what rounding adds."""
    wanted = change - lost[k]
    raised = drive[k] + wanted
    lost[k] = (raised - drive[k]) - wanted
    drive[k] = raised


@inlined
def _deliver(  # type: ignore[no-untyped-def]
    drive, lost, kicked, thread, threads, first_lane, group, kind, share, gain, runs_of, runs, kick,
    height,
):  # fmt: skip
    """Add one record to what the targets of its group get, those that are lanes of this thread."""
    for run in range(runs_of[group], runs_of[group + 1]):
        first, offset = first_lane + runs[run, 0], runs[run, 1]
        for k in range((thread - first) % threads, runs[run, 2], threads):
            if kind != RENEW:
                change = share * gain if kind == RAISE else -gain
                add(drive, lost, first + k, change * height[offset + k])
            if kind != LOWER:
                kicked[first + k] += share * gain * kick[offset + k]


@inlined
def _set_pump(f, lane, given, kick, knee, bend, bends):  # type: ignore[no-untyped-def]
    """Give a laser what its driver makes of what it is given, and carriers at once."""
    i, g = at(lane, PUMP), at(lane, NG)
    if bends:
        y, share = through_driver(given - knee[lane], max(f[i] - knee[lane], ZERO), bend[lane])
        given = knee[lane] + y
        kick = share * kick
    f[i] = max(given, ZERO)
    f[g] = max(f[g] + kick, ZERO)


@cuda.jit
def advance(state, synapses, rules, lanes_of, reached, stop, spikes, written):  # type: ignore[no-untyped-def]
    """Advance all blocks from the steps `reached` towards `stop`, as far as there is room.

    Parameters
    ----------
    state, synapses, rules : see the classes of these names.
    lanes_of : int64 (block,), lanes of each block.
    reached, written : int64 (block,), raised: steps, and spikes.
    spikes : int64 (block, capacity, 2) of (step, lane).
    """
    block, thread, threads = cuda.blockIdx.x, cuda.threadIdx.x, cuda.blockDim.x
    f, r, drive, lost = state.f[block], state.r[block], state.drive[block], state.lost[block]
    kicked, base_pump = state.kicked[block], state.base_pump[block]
    knee, bend = state.knee[block], state.bend[block]
    late, charge = state.late[block], state.charge[block]
    last_spike, last_end = state.last_spike[block], state.last_end[block]
    wheel, pool, free = state.wheel[block], state.pool[block], state.free[block]
    found, ordered = state.found[block, 0], state.found[block, 1]
    groups_of, group_delay = synapses.groups_of, synapses.group_delay
    n_units, n_lanes = rules.n_units, lanes_of[block]
    exponential = rules.rate < ZERO
    decay = math.exp(rules.rate)
    step, count = reached[block], written[block]
    while step < stop and spikes.shape[1] - count >= n_lanes and free[0] >= 2 * n_lanes:
        if exponential:
            for lane in range(thread, n_lanes, threads):
                drive[lane] *= decay
                lost[lane] *= decay
        slot = step % wheel.size
        due = wheel[slot]
        changed = exponential or due >= 0
        record = due
        while record >= 0:
            if pool[record, CANCELLED] == 0:
                chain = pool[record, LANE] // n_units
                elapsed = np.float32(pool[record, ELAPSED])
                share = elapsed / np.float32(rules.pulse_steps)
                if exponential:
                    share = -np.float32(math.expm1(rules.rate * elapsed))
                _deliver(
                    drive, lost, kicked, thread, threads, chain * n_units, pool[record, GROUP],
                    pool[record, KIND], share, synapses.gain[block, chain], synapses.runs_of,
                    synapses.runs, synapses.kick, synapses.height,
                )  # fmt: skip
            record = pool[record, NEXT]

        fired = np.int32(0)
        for lane in range(thread, n_lanes, threads):
            given = base_pump[lane] + drive[lane]
            if rules.lags:
                held = charge[lane] + kicked[lane]
                late[lane], kicked[lane], charge[lane] = follow(late[lane], given, held, rules.part)
                given = late[lane]
            if changed or rules.lags:
                _set_pump(f, lane, given, kicked[lane], knee, bend, rules.bends)
                kicked[lane] = ZERO
            if _advance_lane(f, r, lane, state.compression[block, lane], rules.eases) > ZERO:
                found[cuda.atomic.add(state.count, (block, 0), 1)] = lane
                fired = np.int32(1)
        step += 1

        if cuda.syncthreads_or(fired) or due >= 0:
            fires = state.count[block, 0]
            put_in_order(found, fires, thread, threads, ordered)
            cuda.syncthreads()
            if thread == 0:
                state.count[block, 0] = 0
                wheel[slot] = -1
                record = due
                while record >= 0:
                    following = pool[record, NEXT]
                    pass_on(wheel, pool, free, step - 1, record, groups_of, group_delay, n_units)
                    record = following
                for k in range(fires):
                    spikes[block, count + k, 0] = step
                    spikes[block, count + k, 1] = ordered[k]
                    send(
                        wheel, pool, free, last_spike, last_end, step, ordered[k], groups_of,
                        group_delay, n_units, rules.pulse_steps, rules.renewing, exponential, None,
                    )  # fmt: skip
            count += fires
            cuda.syncthreads()
    cuda.syncthreads()
    if thread == 0:
        reached[block], written[block] = step, count
