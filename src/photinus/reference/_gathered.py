"""The sweep of Gibbs sampling where units have few partners: fields are added up when they are needed.

All chains of a block lie side by side. A unit's field is its bias and the weights of its partners that
are on. That costs one vector operation per partner and 16 chains, whether anything flips or not. A
flip passed on would visit another place of memory for each chain and partner. Fields are whole numbers,
so both ways give the same draws.
"""

import numpy as np

from photinus._core.compilation import kernel
from photinus.reference._chains import LANES, WORDS, draw_lanes


@kernel
def sweep_gathered(  # type: ignore[no-untyped-def]
    partners, units, scale, keep, quiet, z, stream, states
):
    """Do one sweep per entry of `scale`; z and stream move on.

    `quiet` (chain, unit) are fields while all units are off, (1, unit) where all chains have the same.
    """
    first, partner, weight = partners
    chains, n = len(z), len(units)
    tiles = (chains + LANES - 1) // LANES
    width = np.uintp(tiles * LANES)
    # Units that are on are -1, all bits: a weight and that is the weight or nothing.
    on = np.empty(n * width, np.int8)
    on[:] = 0
    alike = len(quiet) == 1
    base = np.empty(0 if alike else n * width, quiet.dtype)
    base[:] = 0
    words = np.empty(tiles * WORDS * LANES, np.uint32)
    words[:] = 1  # a generator at zero would stay there
    for c in range(chains):
        for k in range(n):
            on[np.uintp(k) * width + np.uintp(c)] = -np.int8(z[c, units[k]])
            if not alike:
                base[np.uintp(k) * width + np.uintp(c)] = quiet[c, k]
        for w in range(4):
            words[(c // LANES * WORDS + w) * LANES + c % LANES] = stream[c, w]
    total = np.empty(width, quiet.dtype)
    drawn = np.empty(width, np.uint8)
    draw = 0
    for sweep in range(len(scale)):
        for k in range(n):
            at = np.uintp(k) * width
            for c in range(width):
                total[c] = quiet[0, k] if alike else base[at + c]
            for p in range(first[k], first[k + 1]):
                value = weight[p]
                there = np.uintp(partner[p]) * width
                for c in range(width):
                    total[c] += value & on[there + c]
            draw_lanes(total, scale[sweep], words, drawn)
            for c in range(width):
                on[at + c] = -np.int8(drawn[c])
        if keep[sweep]:
            for c in range(chains):
                for k in range(n):
                    states[c, draw, units[k]] = on[np.uintp(k) * width + np.uintp(c)] & 1
            draw += 1
    for c in range(chains):
        for k in range(n):
            z[c, units[k]] = on[np.uintp(k) * width + np.uintp(c)] & 1
        for w in range(4):
            stream[c, w] = words[(c // LANES * WORDS + w) * LANES + c % LANES]
