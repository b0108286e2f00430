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
        if rectangle:
            for lane in range(lanes):
                if begun[lane] + last == step:
                    change = -sustain * gain[lane // n_units]
                    _put(put, lane, change, n_units, first_target, target, coupling)
        else:
            for lane in range(lanes):
                put[lane] *= keep
        while ring[1] > 0 and pending[ring[0], DUE] <= step:
            lane = pending[ring[0], LANE]
            ring[0] = (ring[0] + 1) % pending.shape[0]
            ring[1] -= 1
            since = step - begun[lane]
            share = 1.0
            if renewing:
                share = min(since / last, 1.0) if rectangle else 1.0 - np.exp(-since / last)
            begun[lane] = step
            size = gain[lane // n_units]
            if not rectangle:
                _put(put, lane, sustain * share * size, n_units, first_target, target, coupling)
            elif since >= last:
                _put(put, lane, sustain * size, n_units, first_target, target, coupling)
            if kick > 0.0:
                _put(kicked, lane, kick * share * size, n_units, first_target, target, coupling)
        for lane in range(lanes):
            word, s0, s1, s2, s3 = next_word(
                words[lane, 0], words[lane, 1], words[lane, 2], words[lane, 3]
            )
            words[lane, 0], words[lane, 1], words[lane, 2], words[lane, 3] = s0, s1, s2, s3
            first, second = noise_pair(word)
            # Two sums of four numbers: nearly normal.
            noise = UNIT_VARIANCE * np.sqrt(0.5) * (first + second)
            state[lane, 0] += kicked[lane]
            kicked[lane] = 0.0
            if move(own, state[lane], level[lane] + put[lane], noise, time_step):
                spikes[written, 0], spikes[written, 1] = step, lane
                written += 1
                place = (ring[0] + ring[1]) % pending.shape[0]
                pending[place, DUE], pending[place, LANE] = step + delay, lane
                ring[1] += 1
    return step, written
