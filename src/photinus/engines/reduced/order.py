"""Spikes of a block, put where they belong by chain and time."""

import numpy as np

from photinus._core.compilation import inlined, kernel

MANY = 64
"""Spikes of a step and chain from which on they are put into order by classes."""


@kernel
def place_by_chain(times, lanes, chain_of, unit_of, ends, first_chain, grid, chain, unit, time):  # type: ignore[no-untyped-def]
    """Put spikes, times [steps] and lanes, where they belong by chain and time.

    Parameters
    ----------
    times, lanes : spikes in the order in which they were fired, step by step.
    chain_of, unit_of : int32 (lanes,), what the lanes are.
    ends : int64 (chains,), where the next spike of each chain goes.
    first_chain, grid : number of the first chain; length of a step.
    chain, unit, time : int32, int32, float64 (spike,), what is written.
    """
    begin = 0
    ranks = np.empty(chain_of.size, np.int64)
    while begin < times.size:
        own = np.uintp(chain_of[np.uintp(lanes[begin])])
        # Spikes of one step and chain are neighbours, their lanes rise. Each goes where as many come
        # before it as are earlier.
        end = begin + 1
        while (
            end < times.size and lanes[end] > lanes[end - 1] and chain_of[np.uintp(lanes[end])] == own
        ):
            end += 1
        first = np.uintp(ends[own])
        ends[own] += end - begin
        if end == begin + 1:
            chain[first] = first_chain + own
            time[first] = times[begin] * grid
            unit[first] = unit_of[np.uintp(lanes[begin])]
            begin = end
            continue
        if end - begin > MANY:
            _rank_many(times, begin, end, ranks)
        else:
            _rank_few(times, begin, end, ranks)
        for k in range(np.uintp(begin), np.uintp(end)):
            place = first + np.uintp(ranks[k - np.uintp(begin)])
            chain[place] = first_chain + own
            time[place] = times[k] * grid
            unit[place] = unit_of[np.uintp(lanes[k])]
        begin = end


@inlined
def _rank_few(times, begin, end, ranks):  # type: ignore[no-untyped-def]
    """Write into `ranks` how many of the times from `begin` to `end` come before each.

    To count is cheaper than to sort, whose branches are not foretold.
    """
    for k in range(np.uintp(begin), np.uintp(end)):
        at = times[k]
        rank = np.uint32(0)
        for other in range(np.uintp(begin), k):
            rank += np.uint32(times[other] <= at)
        for other in range(k + np.uintp(1), np.uintp(end)):
            rank += np.uint32(times[other] < at)
        ranks[k - np.uintp(begin)] = rank


@inlined
def _rank_many(times, begin, end, ranks):  # type: ignore[no-untyped-def]
    """Do the same by as many classes as there are times: each then stands near its place."""
    count, last = end - begin, np.ceil(times[begin])
    for k in range(begin, end):
        last = max(last, np.ceil(times[k]))
    ends, sorted_ = np.zeros(count + 1, np.int64), np.empty(count, np.int64)
    for k in range(begin, end):
        ends[_class_of(times[k], last, count) + 1] += 1
    for c in range(count):
        ends[c + 1] += ends[c]
    for k in range(begin, end):
        c = _class_of(times[k], last, count)
        sorted_[ends[c]] = k
        ends[c] += 1
    for rank in range(1, count):
        k, at = sorted_[rank], rank
        while at > 0 and times[sorted_[at - 1]] > times[k]:
            sorted_[at] = sorted_[at - 1]
            at -= 1
        sorted_[at] = k
    for rank in range(count):
        ranks[sorted_[rank] - begin] = rank


@inlined
def _class_of(time, last, count):  # type: ignore[no-untyped-def]
    """Return the class of a time within the step that ends at `last`."""
    return min(max(int((time - last + 1.0) * count), 0), count - 1)
