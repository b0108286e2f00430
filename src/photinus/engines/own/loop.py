"""The inner loop of neurons of one's own: noise, synapses, spikes, around somebody's step of time.

One lane is one neuron of one chain. Each step, pulses that are due begin, rectangles that are over end,
and exponentials decay. Then every lane moves by a step, with its drive and what synapses put there.
"""

import numpy as np

from photinus._core.compilation import for_each, inlined
from photinus._core.streams import next_word
from photinus.engines.laser.step import UNIT_VARIANCE, noise_pair

# Columns of a pending spike: step at which it arrives, and its lane.
DUE, LANE, PENDING = 0, 1, 2


@inlined
def _put(values, lane, change, n_units, first_target, target, coupling):  # type: ignore[no-untyped-def]
    """Add `change` times its coupling to every target of a lane."""
    source = lane % n_units
    for k in range(first_target[source], first_target[source + 1]):
        values[lane - source + target[k]] += coupling[k] * change


@inlined
def _pulse(since, last, rectangle, renewing):  # type: ignore[no-untyped-def]
    """Return by how much a pulse `since` so many steps raises drives, and its share of a kick."""
    share = 1.0
    if renewing:
        share = min(since / last, 1.0) if rectangle else 1.0 - np.exp(-since / last)
    if rectangle:
        return (1.0 if since >= last else 0.0), share
    return share, share


@inlined
def _noise(own):  # type: ignore[no-untyped-def]
    """Return a number of mean 0 and variance 1 from a lane's random state (4,), which goes on."""
    word, own[0], own[1], own[2], own[3] = next_word(own[0], own[1], own[2], own[3])
    first, second = noise_pair(word)
    # Two sums of four numbers: nearly normal.
    return UNIT_VARIANCE * np.sqrt(0.5) * (first + second)


@for_each
def advance(  # type: ignore[no-untyped-def]
    move,
    own,
    state,
    words,
    level,
    put,
    begun,
    pending,
    ring,
    first_target,
    target,
    coupling,
    kick,
    sustain,
    last,
    rectangle,
    renewing,
    gain,
    n_units,
    delay,
    time_step,
    step,
    stop,
    spikes,
):
    """Advance from `step` towards `stop`; return (step reached, spikes written).

    Parameters
    ----------
    move : what advances one neuron, see `photinus.engines.own.OwnDevice.step`; own : its constants.
    state : (lane, variable); words : random states (lane, 4); level, put : drives (lane,), their own
        and what synapses add.
    begun : step at which the latest pulse of each lane began (lane,).
    pending : ring of spikes on their way; ring : its first entry and length.
    first_target, target, coupling : couplings by source.
    last : how long a pulse lasts, or its time constant [steps]; gain : of all synapses, by chain.
    spikes : (capacity, 2) of (step, lane); it returns early when this may overflow.
    """
    lanes, keep, written = level.size, np.exp(-1.0 / last), 0
    kicked = np.zeros(lanes)
    while step < stop and spikes.shape[0] - written >= lanes:
        step += 1
        for lane in range(lanes):
            if not rectangle:
                put[lane] *= keep
            elif begun[lane] + last == step:
                change = -sustain * gain[lane // n_units]
                _put(put, lane, change, n_units, first_target, target, coupling)
        while ring[1] > 0 and pending[ring[0], DUE] <= step:
            lane = pending[ring[0], LANE]
            ring[0] = (ring[0] + 1) % pending.shape[0]
            ring[1] -= 1
            height, share = _pulse(step - begun[lane], last, rectangle, renewing)
            begun[lane] = step
            size = gain[lane // n_units]
            if height > 0.0:
                _put(put, lane, sustain * height * size, n_units, first_target, target, coupling)
            if kick > 0.0:
                _put(kicked, lane, kick * share * size, n_units, first_target, target, coupling)
        for lane in range(lanes):
            noise = _noise(words[lane])
            state[lane, 0] += kicked[lane]
            kicked[lane] = 0.0
            if move(own, state[lane], level[lane] + put[lane], noise, time_step):
                spikes[written, 0], spikes[written, 1] = step, lane
                written += 1
                place = (ring[0] + ring[1]) % pending.shape[0]
                pending[place, DUE], pending[place, LANE] = step + delay, lane
                ring[1] += 1
    return step, written
