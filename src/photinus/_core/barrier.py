"""What threads tell each other that go through a compiled loop together, many times in a millisecond.

Each writes on a separate board, and the others look at it. So a word passes from one core to another
once, whereas one that all change would go back and forth. The threads wait awake: to sleep and to be
woken would take longer than a step of the loop. They offer their core to others after a while, so that
more threads than cores are slow and not stuck.
"""

from typing import Any

import numpy as np
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numba.np.arrayobj import make_array
from numpy.typing import NDArray

from photinus._core.compilation import inlined
from photinus._core.memory import CACHE_LINE, aligned

GIVEN_UP = 0
"""Entry of an alarm: whether a thread gave up."""
LOOKS = 2000
"""Looks at another's board, some microseconds, before the core is offered to others."""
_TIMES = 32
"""Bits by which the number of times is shifted in a board's first entry, beside the number told."""

_built_in: Any = intrinsic
_offer_core: Any = types.ExternalFunction("sched_yield", types.int32())


def boards(threads: int, room: int) -> NDArray[np.int64]:
    """Return boards (2, thread, 1 + room at least) for two times in turn, in separate cache lines.

    Who is ahead does not write what others still read.
    """
    line = CACHE_LINE // 8
    return aligned(np.zeros((2, threads, line * -(-(1 + room) // line)), np.int64))


def alarm() -> NDArray[np.int64]:
    """Return what tells all threads that one gave up."""
    return aligned(np.zeros(CACHE_LINE // 8, np.int64))


def _pointer(context: Any, builder: Any, kind: Any, array: Any, indices: Any) -> Any:
    """Return where the entry of an array lies."""
    made = make_array(kind)(context, builder, array)  # type: ignore[no-untyped-call]
    return cgutils.get_item_pointer(  # type: ignore[no-untyped-call]
        context, builder, kind, made, indices, wraparound=False
    )


@_built_in  # type: ignore[untyped-decorator]
def _write(typing: Any, boards: Any, now: Any, thread: Any, value: Any) -> Any:
    """Write a board's first entry; who sees it also sees what was written before."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        first = context.get_constant(types.intp, 0)
        pointer = _pointer(context, builder, signature.args[0], args[0], [*args[1:3], first])
        builder.store_atomic(args[3], pointer, "release", 8)
        return context.get_dummy_value()

    return types.void(boards, types.intp, types.intp, types.int64), code


@_built_in  # type: ignore[untyped-decorator]
def _look(typing: Any, boards: Any, now: Any, thread: Any) -> Any:
    """Return a board's first entry as another thread has left it."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        first = context.get_constant(types.intp, 0)
        pointer = _pointer(context, builder, signature.args[0], args[0], [*args[1:], first])
        return builder.load_atomic(pointer, "acquire", 8)

    return types.int64(boards, types.intp, types.intp), code


@_built_in  # type: ignore[untyped-decorator]
def _given_up(typing: Any, alarm: Any) -> Any:
    """Return whether a thread gave up."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        entry = [context.get_constant(types.intp, GIVEN_UP)]
        pointer = _pointer(context, builder, signature.args[0], args[0], entry)
        return builder.load_atomic(pointer, "acquire", 8)

    return types.int64(alarm), code


@inlined
def tell(boards, now, thread, times, number):  # type: ignore[no-untyped-def]
    """Tell a number for the `times`-th time, and that what follows on the board is written."""
    _write(boards, now, thread, np.int64(times) << _TIMES | np.int64(number))


@inlined
def hear(boards, now, thread, times, alarm):  # type: ignore[no-untyped-def]
    """Wait for what a thread tells for the `times`-th time; return it, or -1 if a thread gave up."""
    looks = 0
    told = _look(boards, now, thread)
    while told >> _TIMES != times:
        if _given_up(alarm) > 0:
            return -1
        looks += 1
        if looks == LOOKS:
            looks = 0
            _offer_core()
        told = _look(boards, now, thread)
    return told & (1 << _TIMES) - 1
