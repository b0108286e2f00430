"""The loop of reduced lasers on an NVIDIA device: who advances what, and when threads wait.

A block of threads advances a block of chains, as `photinus.engines.reduced.loop` lays them out. Thread
t of T has the lanes t, t + T, t + 2 T, …: it alone advances them, and it alone changes their drives.
So sums are in the same order in every run. All threads follow the spikes that act. New spikes are
shared out among the threads, each at a known place of what is kept.

There are no numbers in double precision. The time of a spike is that of the step in which it was fired,
a whole number, less what was over of that step.
"""

import math
from typing import Any, NamedTuple

import numpy as np

from photinus._core.compilation import TILE, inlined
from photinus.engines.cuda.device import cuda, put_in_order
from photinus.engines.laser.step import ONE, ZERO, through_driver
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
    ONSET,
    REST,
    RISEN,
    SCALE,
    SHIFT,
    TILT,
    TURN,
    USED,
    advance_membrane,
    lane_at,
    middle,
    position,
    restart,
    since_spike,
)
from photinus.engines.reduced.synapses import (
    AIM,
    KEY,
    LARGEST,
    NARROW,
    NOWHERE,
    ROW,
    SCATTERED,
    SIZE,
    WEAK,
)
from photinus.engines.reduced.within import inhibit_within

# Columns of a spike under way: whole numbers, and numbers.
FIRED, LANE, RENEWED = range(3)
SINCE, ELAPSED, HEIGHT, BEFORE = range(4)

_LARGEST, _WEAK = np.float32(LARGEST), np.float32(WEAK)


class State(NamedTuple):
    """Arrays of all blocks, (block, …); see `photinus.engines.reduced.loop.State`."""

    f: Any
    r: Any
    synaptic: Any
    once: Any
    bent: Any
    knee: Any
    last_step: Any
    last_since: Any
    """The latest spike of each lane: its step, and what was over of it."""
    last_place: Any
    resources: Any
    marks: Any
    """(block, capacity, 3), see FIRED."""
    values: Any
    """(block, capacity, 4), see SINCE."""
    ring: Any


class Scratch(NamedTuple):
    """What lives only during a step, (block, lanes) unless another shape is given."""

    place: Any
    found: Any
    """Lanes that fired, in any order."""
    fired: Any
    """The same, rising."""
    count: Any
    """How many they are, (block, 1), zero between steps."""
    parts: Any
    kicks: Any
    planned: Any
    order: Any
    met: Any
    lowered: Any
    slot: Any


class Synapses(NamedTuple):
    """See `photinus.engines.reduced.synapses.Synapses`."""

    entries_of: Any
    targets: Any
    coupling: Any
    dense: Any
    fan_out: Any
    """(block, lanes, FAN_OUT)"""
    unit: Any
    """(block, lanes)"""
    gain: Any
    """(block, chain)"""


class Rules(NamedTuple):
    """What is the same for all lanes; times in steps."""

    stride: Any
    kick: Any
    sustain: Any
    pulse: Any
    rate: Any
    """Logarithm of the factor by which an exponential pulse decays per step, 0 for a rectangle."""
    renewing: Any
    delay: Any
    until_begin: Any
    until_end: Any
    use: Any
    recovery: Any
    bends: Any
    """1 where drivers bend, else 0."""
    bend: Any


class Spikes(NamedTuple):
    """Spikes found, (block, capacity)."""

    step: Any
    since: Any
    lane: Any


@inlined
def _share(elapsed, rules):  # type: ignore[no-untyped-def]
    """Return what part of a whole pulse a spike brings so long after the one before."""
    if rules.renewing == 0:
        return ONE
    if rules.rate < ZERO:
        return -np.float32(math.expm1(rules.rate * elapsed))
    return min(elapsed / rules.pulse, ONE)


@inlined
def _recovered(resources, elapsed, rules):  # type: ignore[no-untyped-def]
    """Return how high a pulse is so long after one that left these resources."""
    if rules.use > ZERO:
        return ONE - (ONE - resources) * np.float32(math.exp(-elapsed / rules.recovery))
    return ONE


@inlined
def _begun(step, mark, value, gain, rules):  # type: ignore[no-untyped-def]
    """Return by how much a spike raises the drives of its targets from a step on, and in it only."""
    share, high = _share(value[ELAPSED], rules), value[HEIGHT]
    height = rules.sustain * gain * high
    if rules.rate < ZERO:
        height *= share
    elif rules.renewing != 0 and value[ELAPSED] < rules.pulse:
        height -= rules.sustain * gain * value[BEFORE]
    late = np.float32(step - mark[FIRED]) + value[SINCE] - rules.delay
    return height, height * late + rules.kick * gain * share * high


@inlined
def _ended(step, mark, value, gain, rules):  # type: ignore[no-untyped-def]
    """Return the same for the end of its pulse."""
    height = -(rules.sustain * gain * value[HEIGHT])
    late = np.float32(step - mark[FIRED]) + value[SINCE] - rules.delay - rules.pulse
    return height, height * late


@inlined
def _deliver(  # type: ignore[no-untyped-def]
    synaptic, once, thread, threads, reach, unit, height, moment, synapses
):
    """Add to what the targets of a source get, those that are lanes of this thread."""
    entries_of, targets, coupling, dense = synapses[:4]
    first, row = reach[AIM], reach[ROW]
    height, moment = height * unit, moment * unit
    if reach[KEY] == SCATTERED:
        for c in range(entries_of[row], entries_of[row + 1]):
            k = first + targets[c]
            if k % threads == thread:
                synaptic[k] += height * coupling[c]
                once[k] += moment * coupling[c]
    else:
        for k in range((thread - first) % threads, reach[SIZE], threads):
            synaptic[first + k] += height * np.float32(dense[row + k])
            once[first + k] += moment * np.float32(dense[row + k])


@inlined
def _advance_lane(f, lane, push, constants, hazard, columns, place):  # type: ignore[no-untyped-def]
    """Advance a lane by a step; return what is left of the hazard until its spike."""
    i = lane_at(np.uintp(lane))
    effective, felt, risen, excess, factor = advance_membrane(
        f[i + np.uintp(EFFECTIVE * TILE)],
        f[i + np.uintp(FELT * TILE)],
        f[i + np.uintp(RISEN * TILE)],
        f[i + np.uintp(EXCESS * TILE)],
        push,
        constants[REST],
        constants[MOST],
        constants[LEAK],
        constants[CLAMP],
        constants[ONSET],
        constants[LAG],
        constants[KEEP],
        constants[TILT],
        constants[TURN],
    )
    rows = np.float32(hazard.size // columns - 1)
    upon, below = middle(rows, constants[LEAK])
    column, row = position(
        felt,
        risen,
        f[i + np.uintp(SHIFT * TILE)],
        constants[LOWEST],
        constants[SCALE],
        np.float32(columns - 1),
        rows,
        upon,
        below,
    )
    place[lane] = np.int64(row) * columns + np.int64(column)
    used = factor * hazard[place[lane]]
    left = f[i + np.uintp(LEFT * TILE)] - used
    f[i + np.uintp(EFFECTIVE * TILE)] = effective
    f[i + np.uintp(FELT * TILE)] = felt
    f[i + np.uintp(RISEN * TILE)] = risen
    f[i + np.uintp(EXCESS * TILE)] = excess
    f[i + np.uintp(USED * TILE)] = used
    f[i + np.uintp(LEFT * TILE)] = left
    return left


@inlined
def _kick(f, lane, elapsed, resources, gain, reach, unit, constants, rules):  # type: ignore[no-untyped-def]
    """Return the kick of a spike per coupling; none from a long row whose couplings are weak."""
    kick = rules.kick * gain * _share(elapsed, rules) * _recovered(resources, elapsed, rules)
    felt = f[lane_at(np.uintp(lane)) + np.uintp(FELT * TILE)]
    level = constants[TILT] + constants[TURN] * felt
    largest = kick * unit * _LARGEST * constants[LEAK]
    return ZERO if reach[SIZE] > NARROW and level * largest < _WEAK else kick


@inlined
def _inhibit_chain(  # type: ignore[no-untyped-def]
    f, begin, end, fired, parts, kicks, planned, order, met, lowered, slot, stride, delay, constants,
    synapses, fan_out, unit,
):  # fmt: skip
    """Let the lasers of a chain that fire in this step, `begin` to `end` of `fired`, inhibit others."""
    entries_of, targets, coupling, dense = synapses[:4]
    count = begin
    for k in range(begin, end):
        slot[fired[k]], planned[k], lowered[k] = k, parts[k], ZERO
    for k in range(begin, end):
        reach = fan_out[fired[k]]
        if kicks[k] <= ZERO or reach[KEY] == NOWHERE:
            continue
        met[k] = 0
        for other in range(begin, end if reach[SIZE] <= NARROW else begin):
            at = fired[other] - reach[AIM]
            if at >= 0 and at < reach[SIZE] and dense[reach[ROW] + at] < 0:
                met[k] |= np.uint64(1) << np.uint64(at)
        order[count] = k
        count += 1
    inhibit_within(
        f, order, begin, count, met, fired, begin, end, parts, kicks, planned, lowered, slot, stride,
        delay, constants, fan_out, entries_of, targets, coupling, dense, unit,
    )  # fmt: skip
    for k in range(begin, end):
        slot[fired[k]] = -1


@cuda.jit
def advance(  # type: ignore[no-untyped-def]
    state, scratch, law, synapses, rules, lanes_of, reached, stop, spikes, written
):
    """Advance all blocks from the steps `reached` towards `stop`, as far as there is room.

    Parameters
    ----------
    state, scratch, law, synapses, rules, spikes : see the classes of these names, and `loop.Law`.
    lanes_of : int64 (block,), lanes of each block.
    reached, written : int64 (block,), raised: steps, and spikes.
    """
    block, thread, threads = cuda.blockIdx.x, cuda.threadIdx.x, cuda.blockDim.x
    f, r, synaptic, once = state.f[block], state.r[block], state.synaptic[block], state.once[block]
    bent, knee = state.bent[block], state.knee[block]
    last_step, last_since = state.last_step[block], state.last_since[block]
    last_place, resources = state.last_place[block], state.resources[block]
    marks, values, ring = state.marks[block], state.values[block], state.ring[block]
    place, found, fired = scratch.place[block], scratch.found[block], scratch.fired[block]
    parts, kicks, planned = scratch.parts[block], scratch.kicks[block], scratch.planned[block]
    order, met = scratch.order[block], scratch.met[block]
    lowered, slot = scratch.lowered[block], scratch.slot[block]
    constants, hazard, trend, columns = law.constants, law.hazard, law.trend, law.columns
    fan_out, unit, gain = synapses.fan_out[block], synapses.unit[block], synapses.gain[block]
    n_lanes, stride = lanes_of[block], rules.stride
    mask = marks.shape[0] - 1
    ending, beginning, free = ring[0], ring[1], ring[2]
    decays = rules.rate < ZERO
    decay = math.exp(rules.rate)
    within = rules.kick > ZERO and rules.until_begin == 0
    felt = bent if rules.bends != 0 else synaptic
    step, count = reached[block], written[block]
    while (
        step < stop
        and spikes.step.shape[1] - count >= n_lanes
        and free - ending + n_lanes <= marks.shape[0]
    ):
        while beginning < free and marks[beginning & mask, FIRED] + rules.until_begin <= step:
            mark, value = marks[beginning & mask], values[beginning & mask]
            lane = mark[LANE]
            height, moment = _begun(step, mark, value, gain[lane // stride], rules)
            reach = fan_out[lane]
            _deliver(synaptic, once, thread, threads, reach, unit[lane], height, moment, synapses)
            beginning += 1
        while ending < beginning and (decays or marks[ending & mask, FIRED] + rules.until_end <= step):
            mark, value = marks[ending & mask], values[ending & mask]
            lane = mark[LANE]
            if not decays and mark[RENEWED] == 0:
                height, moment = _ended(step, mark, value, gain[lane // stride], rules)
                reach = fan_out[lane]
                _deliver(synaptic, once, thread, threads, reach, unit[lane], height, moment, synapses)
            ending += 1

        step += 1
        some = np.int32(0)
        for lane in range(thread, n_lanes, threads):
            base = f[lane_at(np.uintp(lane)) + np.uintp(BASE * TILE)]
            if rules.bends != 0:
                before = max(base + bent[lane] - knee[lane], ZERO)
                y, share = through_driver(base + synaptic[lane] - knee[lane], before, rules.bend)
                once[lane] *= share
                bent[lane] = (knee[lane] + y) - base
            push = max(base + felt[lane], constants[REST]) + once[lane]
            once[lane] = ZERO
            if _advance_lane(f, lane, push, constants, hazard, columns, place) < ZERO:
                found[cuda.atomic.add(scratch.count, (block, 0), 1)] = lane
                some = np.int32(1)
            synaptic[lane] *= decay

        if cuda.syncthreads_or(some):
            fires = scratch.count[block, 0]
            put_in_order(found, fires, thread, threads, fired)
            cuda.syncthreads()
            for k in range(thread, fires, threads):
                lane = fired[k]
                i = lane_at(np.uintp(lane))
                parts[k] = ONE - since_spike(
                    f[i + np.uintp(LEFT * TILE)], f[i + np.uintp(USED * TILE)], trend[place[lane]]
                )
                elapsed = np.float32(step - last_step[lane]) - (ONE - parts[k]) + last_since[lane]
                kicks[k] = _kick(
                    f, lane, elapsed, resources[lane], gain[lane // stride], fan_out[lane], unit[lane],
                    constants, rules,
                )  # fmt: skip
            cuda.syncthreads()
            if within:
                for k in range(thread, fires, threads):
                    chain = fired[k] // stride
                    if k > 0 and fired[k - 1] // stride == chain:
                        continue
                    end, strongest = k + 1, kicks[k]
                    while end < fires and fired[end] // stride == chain:
                        strongest = max(strongest, kicks[end])
                        end += 1
                    if end > k + 1 and strongest > ZERO:
                        _inhibit_chain(
                            f, k, end, fired, parts, kicks, planned, order, met, lowered, slot, stride,
                            rules.delay, constants, synapses, fan_out, unit,
                        )  # fmt: skip
                cuda.syncthreads()
            scratch.count[block, 0] = 0
            for k in range(fires):
                lane = fired[k]
                sends = fan_out[lane, KEY] != NOWHERE
                if k % threads == thread:
                    i = lane_at(np.uintp(lane))
                    if parts[k] > ONE:
                        over = (parts[k] - ONE) * f[i + np.uintp(USED * TILE)]
                        f[i + np.uintp(LEFT * TILE)] = over
                    else:
                        since = ONE - parts[k]
                        restart(f, r, felt, np.uintp(lane), since, constants)
                        spikes.step[block, count] = step
                        spikes.since[block, count] = since
                        spikes.lane[block, count] = lane
                        if sends:
                            elapsed = np.float32(step - last_step[lane]) - since + last_since[lane]
                            before = last_place[lane] & mask
                            if rules.renewing != 0 and elapsed < rules.pulse:
                                marks[before, RENEWED] = 1
                            at = free & mask
                            marks[at, FIRED] = step
                            marks[at, LANE] = lane
                            marks[at, RENEWED] = 0
                            values[at, SINCE] = since
                            values[at, ELAPSED] = elapsed
                            values[at, HEIGHT] = _recovered(resources[lane], elapsed, rules)
                            values[at, BEFORE] = values[before, HEIGHT]
                            resources[lane] = values[at, HEIGHT] * (ONE - rules.use)
                            last_step[lane] = step
                            last_since[lane] = since
                            last_place[lane] = free
                if parts[k] <= ONE:
                    count += 1
                    if sends:
                        free += 1
            cuda.syncthreads()
    cuda.syncthreads()
    if thread == 0:
        ring[0], ring[1], ring[2] = ending, beginning, free
        reached[block], written[block] = step, count
