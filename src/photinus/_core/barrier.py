"""A barrier for threads that go through a compiled loop together, thousands of times in a millisecond.

The threads wait awake: to sleep and to be woken would take longer than a step of the loop. They offer
their core to others after a while, so that more threads than cores are slow and not stuck.
"""

from typing import Any

import numpy as np
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numba.np.arrayobj import make_array
from numpy.typing import NDArray

from photinus._core.compilation import inlined
from photinus._core.memory import aligned

ARRIVED, GIVEN_UP = 0, 8
"""Entries of a meeting, in different lines of the cache."""
LOOKS = 2000
"""Looks at the others, some microseconds, before the core is offered to them."""

_built_in: Any = intrinsic
_offer_core: Any = types.ExternalFunction("sched_yield", types.int32())


def meeting() -> NDArray[np.int64]:
    """Return the place where threads meet: how often one arrived, and whether one gave up."""
    return aligned(np.zeros(16, np.int64))


def _pointer(context: Any, builder: Any, kind: Any, array: Any, index: Any) -> Any:
    """Return where the entry of an array lies."""
    made = make_array(kind)(context, builder, array)  # type: ignore[no-untyped-call]
    return cgutils.get_item_pointer(  # type: ignore[no-untyped-call]
        context, builder, kind, made, [index], wraparound=False
    )


@_built_in  # type: ignore[untyped-decorator]
def _count(typing: Any, array: Any, index: Any) -> Any:
    """Add one to an entry; no other thread comes between, and all sees what was written before."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        pointer = _pointer(context, builder, signature.args[0], *args)
        one = context.get_constant(types.int64, 1)
        return builder.atomic_rmw("add", pointer, one, "seq_cst")

    return types.int64(array, types.intp), code


@_built_in  # type: ignore[untyped-decorator]
def _look(typing: Any, array: Any, index: Any) -> Any:
    """Return an entry as other threads have left it."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        pointer = _pointer(context, builder, signature.args[0], *args)
        return builder.load_atomic(pointer, "seq_cst", 8)

    return types.int64(array, types.intp), code


@inlined
def wait(meeting, threads, times):  # type: ignore[no-untyped-def]
    """Wait until `threads` have come for the `times`-th time; return whether all are still there."""
    _count(meeting, ARRIVED)
    looks = 0
    while _look(meeting, ARRIVED) < threads * times:
        if _look(meeting, GIVEN_UP) > 0:
            return False
        looks += 1
        if looks % LOOKS == 0:
            _offer_core()
    return True
