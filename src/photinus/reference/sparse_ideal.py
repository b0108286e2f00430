"""Ideal neurons of machines that are held as sparse rows: an event costs what it changes.

The same events as `photinus.reference.ideal` draws. Hazards are the leaves of a binary tree of sums. So
a spike finds its unit in log₂ n steps, and a changed field takes as many. Every sum is that of its two
children whenever one changes, so nothing drifts.
"""

import numpy as np

from photinus._core.compilation import inlined, kernel
from photinus.reference._chains import LARGEST_EXPONENT, exponential, log_sum, uniform

RESCALED = 1e4
"""Mean hazard, in units of a reference, at which there is a new one; one over it, of their sum."""


@inlined
def _set(tree, leaf, value):  # type: ignore[no-untyped-def]
    """Set a leaf of a tree of sums, whose node k has the children 2k and 2k + 1."""
    tree[leaf] = value
    while leaf > 1:
        leaf //= 2
        tree[leaf] = tree[2 * leaf] + tree[2 * leaf + 1]


@inlined
def _find(tree, size, share):  # type: ignore[no-untyped-def]
    """Return the first leaf at which the sum of all leaves so far reaches `share`, above 0."""
    node = 1
    while node < size:
        node *= 2
        if tree[node] < share and tree[node + 1] > 0.0:
            share -= tree[node]
            node += 1
    return node - size


@inlined
def _hazard(field, top):  # type: ignore[no-untyped-def]
    """Return the hazard of a silent unit in units of e^top."""
    height = field - top
    if height <= -LARGEST_EXPONENT:
        return 0.0
    return exponential(min(height, LARGEST_EXPONENT))


@inlined
def _plant(tree, size, field, silent):  # type: ignore[no-untyped-def]
    """Fill the tree with the hazards of the silent units, and return their reference."""
    top = -np.inf
    for i in range(len(field)):
        if silent[i] and field[i] > top:
            top = field[i]
    for i in range(len(field)):
        tree[size + i] = _hazard(field[i], top) if silent[i] else 0.0
    for node in range(size - 1, 0, -1):
        tree[node] = tree[2 * node] + tree[2 * node + 1]
    return top


@kernel
def fire(  # type: ignore[no-untyped-def]
    start, column, value, field, stream, duration, held, held_until, units, times
):
    """Fill units and times with the spikes of one chain and return their number; see `ideal._fire`.

    Weights are those of the rows ``start[k]`` … ``start[k + 1]``.
    """
    n = len(field)
    s0, s1, s2, s3 = stream
    silent = np.ones(n, np.uint8)
    size = 1
    while size < n:
        size *= 2
    tree = np.zeros(2 * size)
    ring = np.empty(n, np.int64)
    ends = np.empty(n)
    gaps = np.empty(n)
    oldest = 0
    active = len(held)
    left, since = np.inf, -np.inf
    for h in range(active):
        k = held[h]
        ring[h] = k
        ends[h] = held_until[h]
        gaps[h] = np.log(held_until[h] - held_until[h - 1]) if h > 0 else np.log(held_until[0])
        silent[k] = 0
        for p in range(start[k], start[k + 1]):
            field[column[p]] += value[p]
    if active > 0:
        left, since = gaps[0], np.log(1.0 - held_until[active - 1])
    now = 0.0
    count = 0
    top = _plant(tree, size, field, silent)
    while True:
        if active < n and not 1 / RESCALED < tree[1] < RESCALED * n:
            top = _plant(tree, size, field, silent)
        wait = np.inf
        if active < n:
            u, s0, s1, s2, s3 = uniform(s0, s1, s2, s3)
            wait = np.log(-np.log(u)) - top - np.log(tree[1])
        end = ends[oldest] if active > 0 else np.inf
        spikes = wait < left
        now = min(now + np.exp(wait), end) if spikes else end
        if now > duration:
            return count
        since = log_sum(since, min(wait, left))
        if spikes:
            u, s0, s1, s2, s3 = uniform(s0, s1, s2, s3)
            k = _find(tree, size, u * tree[1])
            units[count] = k
            times[count] = now
            count += 1
            silent[k] = 0
            _set(tree, size + k, 0.0)
            last = (oldest + active) % n
            ring[last] = k
            ends[last] = now + 1.0
            gaps[last] = since
            left = left + np.log(-np.expm1(wait - left)) if active > 0 else 0.0
            since = -np.inf
            active += 1
            sign = 1.0
        else:
            k = ring[oldest]
            silent[k] = 1
            _set(tree, size + k, _hazard(field[k], top))
            oldest = (oldest + 1) % n
            active -= 1
            left = gaps[oldest] if active > 0 else np.inf
            sign = -1.0
        for p in range(start[k], start[k + 1]):
            i = column[p]
            field[i] += sign * value[p]
            if silent[i]:
                _set(tree, size + i, _hazard(field[i], top))
