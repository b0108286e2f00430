"""The inner loop: layout, arithmetic of one step, spikes and synapses.

Lanes. One lane is one neuron of one chain; a block is a few whole chains, stored in tiles of TILE
lanes as in `photinus.engines.laser.loop`. Voltages are relative to the threshold.

One step of length dt. Membrane V, synaptic current I and noise X are a linear system, so their step is
exact. It is V ← a V + b + c I + d X + noise, I ← e I, X ← g X + noise. The two noises have the
covariance that the continuous process collects in dt. Uniform instead of Gaussian increments do,
because tens of them make up a correlation time.

Between grid points. A spike happens where the line through V at both ends of the step crosses the
threshold. Refractoriness ends exactly τ_ref later, within a step. The neuron then gets the part of that
step for which it is free. A synaptic current that starts within a step has decayed and charged the
membrane a little when the grid is reached. Without these three, rates would be off by the first order
of dt/τ_ref.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from photinus._core.compilation import TILE, inlined, kernel
from photinus._core.streams import next_word
from photinus.engines.laser.step import noise_pair

# Rows of a tile in the state array: V [V], I [V], X [V], steps still refractory, b [V].
V, CURRENT, NOISE, HELD, DRIVE = range(5)
ROWS = 5
WORDS = 4

# Entries of the array of constants.
KEEP_V, CURRENT_TO_V, NOISE_TO_V, KEEP_CURRENT, KEEP_NOISE, X_XI, V_XI, V_ETA, RESET, REFRACTORY = (
    range(10)
)
CONSTANTS = 10

# Columns of a pending spike: step at which it is delivered, lane, share of a whole pulse, part of a
# step since.
DUE, LANE, SHARE, LATE = range(4)
PENDING = 4


class Fatigue(NamedTuple):
    """Short-term depression of synapses, see `photinus.networks.depression`."""

    resources: NDArray[np.float64]
    """What the latest spike has left of each lane's resources, (lanes,)."""
    use: float
    recovery: float
    """Steps."""


_TILE = np.uintp(TILE)
_F = np.uintp(ROWS * TILE)
_R = np.uintp(WORDS * TILE)
_ZERO = np.float32(0.0)
_ONE = np.float32(1.0)
_LATEST = np.float32(0.999)


@inlined
def _advance_tile(f, r, since, tile, constants):  # type: ignore[no-untyped-def]
    """Advance one tile by a step; return how many lanes fired.

    `since` becomes the part of the step that has passed since a lane's spike, -1 without one.
    """
    b = np.uintp(tile) * _F
    s = np.uintp(tile) * _R
    keep_v = constants[KEEP_V]
    current_to_v = constants[CURRENT_TO_V]
    noise_to_v = constants[NOISE_TO_V]
    keep_current = constants[KEEP_CURRENT]
    keep_noise = constants[KEEP_NOISE]
    x_xi = constants[X_XI]
    v_xi = constants[V_XI]
    v_eta = constants[V_ETA]
    reset = constants[RESET]
    refractory = constants[REFRACTORY]
    count = np.int32(0)
    for lane in range(TILE):
        i = b + np.uintp(lane)
        j = s + np.uintp(lane)
        v = f[i + np.uintp(V * TILE)]
        current = f[i + np.uintp(CURRENT * TILE)]
        noise = f[i + np.uintp(NOISE * TILE)]
        held = f[i + np.uintp(HELD * TILE)]
        drive = f[i + np.uintp(DRIVE * TILE)]
        word, s0, s1, s2, s3 = next_word(
            r[j], r[j + np.uintp(TILE)], r[j + np.uintp(2 * TILE)], r[j + np.uintp(3 * TILE)]
        )
        xi, eta = noise_pair(word)

        free = max(_ONE - held, _ZERO)
        linear = keep_v * v + drive + current_to_v * current + noise_to_v * noise
        moved = v + free * (linear + v_xi * xi + v_eta * eta - v)
        fires = max(v, moved) >= _ZERO
        # Above threshold at the start already: only if a synapse has just pushed it there.
        ago = min(free * (_ONE if v >= _ZERO else moved / (moved - v)), _LATEST)

        f[i + np.uintp(V * TILE)] = reset if fires else moved
        f[i + np.uintp(CURRENT * TILE)] = keep_current * current
        f[i + np.uintp(NOISE * TILE)] = keep_noise * noise + x_xi * xi
        f[i + np.uintp(HELD * TILE)] = refractory - ago if fires else max(held - _ONE, _ZERO)
        r[j] = s0
        r[j + np.uintp(TILE)] = s1
        r[j + np.uintp(2 * TILE)] = s2
        r[j + np.uintp(3 * TILE)] = s3
        since[lane] = ago if fires else -_ONE
        count += np.int32(1) if fires else np.int32(0)
    return count


@inlined
def _receive(f, i, current, jump):  # type: ignore[no-untyped-def]
    """Add to the synaptic current and, unless it is held, to the membrane of the lane at `i`."""
    f[i + np.uintp(CURRENT * TILE)] += current
    # A factor, not a choice between two sums: a vector and a single lane must round alike.
    free = _ONE if f[i + np.uintp(HELD * TILE)] == _ZERO else _ZERO
    f[i + np.uintp(V * TILE)] += free * jump


@inlined
def _deliver(  # type: ignore[no-untyped-def]
    f, lane, share, late, n_units, first_target, target, coupling, kick, sustain, to_v, to_i
):
    """Give the targets of `lane` its spike, which arrived the part `late` of a step ago.

    `to_v`, `to_i` are dt over the membrane's and the synapse's time constant.
    """
    charge = sustain * late * to_v * (1.0 - 0.5 * late * (to_v + to_i)) + kick * np.exp(-late * to_v)
    jump = np.float32(share * charge)
    current = np.float32(share * sustain * np.exp(-late * to_i))
    source = lane % n_units
    first_lane = np.uintp(lane - source)
    k = first_target[source]
    end = first_target[source + 1]
    while k < end:
        aim = first_lane + np.uintp(target[k])
        i = (aim // _TILE) * _F + aim % _TILE
        # Targets are in rising order, so the ends of a tile tell whether it is full.
        last = k + TILE - 1
        if aim % _TILE == 0 and last < end and target[last] - target[k] == TILE - 1:
            for q in range(TILE):
                _receive(f, i + np.uintp(q), coupling[k + q] * current, coupling[k + q] * jump)
            k += TILE
        else:
            _receive(f, i, coupling[k] * current, coupling[k] * jump)
            k += 1


@kernel
def advance_block(  # type: ignore[no-untyped-def]
    f,
    r,
    last_spike,
    pending,
    ring,
    constants,
    first_target,
    target,
    coupling,
    kick,
    sustain,
    gain,
    to_v,
    to_i,
    renewing,
    delay,
    fatigue,
    n_units,
    n_chains,
    step,
    stop,
    spikes,
):
    """Advance one block from `step` towards `stop`; return (step reached, spikes written).

    Parameters
    ----------
    f, r : flat state and random-state arrays, tile by tile.
    last_spike : float64 (lanes,), time of the latest spike [steps].
    pending : float64 (capacity, 4), ring of spikes on their way; ring : its first entry and length.
    constants : float32 (CONSTANTS,).
    first_target, target, coupling : couplings by source, as a compressed sparse matrix.
    gain : float64 (chains,), what all synapses of each chain are multiplied with.
    fatigue : depression of the synapses, see `Fatigue`, or None.
    spikes : float64 (capacity, 2) of (time [steps], lane); it returns early when this may overflow.
    """
    n_lanes = n_units * n_chains
    n_tiles = f.size // (ROWS * TILE)
    capacity = pending.shape[0]
    since = np.empty(TILE, np.float32)
    written = 0
    while step < stop and spikes.shape[0] - written >= n_lanes:
        step += 1
        for tile in range(n_tiles):
            if _advance_tile(f, r, since, tile, constants) == 0:
                continue
            for k in range(TILE):
                if since[k] < _ZERO:
                    continue
                lane = tile * TILE + k
                time = step - np.float64(since[k])
                spikes[written, 0] = time
                spikes[written, 1] = lane
                written += 1
                share = 1.0
                if renewing:
                    share = 1.0 - np.exp((last_spike[lane] - time) * to_i)
                if fatigue is not None:
                    resources, use, recovery = fatigue
                    left = 1.0 - (1.0 - resources[lane]) * np.exp((last_spike[lane] - time) / recovery)
                    resources[lane] = left * (1.0 - use)
                    share *= left
                last_spike[lane] = time
                place = (ring[0] + ring[1]) % capacity
                ring[1] += 1
                pending[place, DUE] = step + delay
                pending[place, LANE] = lane
                pending[place, SHARE] = share
                pending[place, LATE] = since[k]
        while ring[1] > 0 and pending[ring[0], DUE] <= step:
            spike = pending[ring[0]]
            _deliver(
                f,
                int(spike[LANE]),
                spike[SHARE] * gain[int(spike[LANE]) // n_units],
                spike[LATE],
                n_units,
                first_target,
                target,
                coupling,
                kick,
                sustain,
                to_v,
                to_i,
            )
            ring[0] = (ring[0] + 1) % capacity
            ring[1] -= 1
    return step, written
