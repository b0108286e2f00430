"""What a compiled loop does with many neighbouring numbers at once, where compilers take them singly.

Only for compiled code. Each operation is one for the compiler too: it cuts it into the vectors that the
processor has.
"""

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numba.np.arrayobj import make_array

from photinus._core.compilation import SHORT_TILE as TILE

_built_in: Any = intrinsic
_FUSED = ("contract", "nsz")


def _place(context: Any, builder: Any, kind: Any, array: Any, index: Any, count: int) -> Any:
    """Return where `count` numbers of an array lie, as one vector."""
    made = make_array(kind)(context, builder, array)  # type: ignore[no-untyped-call]
    pointer = cgutils.get_item_pointer(  # type: ignore[no-untyped-call]
        context, builder, kind, made, [index], wraparound=False
    )
    vector = ir.VectorType(context.get_value_type(kind.dtype), count)
    return builder.bitcast(pointer, vector.as_pointer())


def _repeated(builder: Any, value: Any, count: int) -> Any:
    """Return a vector of a number, `count` times."""
    whole = ir.VectorType(value.type, count)
    first = builder.insert_element(ir.Constant(whole, ir.Undefined), value, ir.Constant(ir.IntType(32), 0))
    same = ir.Constant(ir.VectorType(ir.IntType(32), count), [0] * count)
    return builder.shuffle_vector(first, ir.Constant(whole, ir.Undefined), same)


def _bits_where(comparison: str) -> Any:
    """Return what compares 32 numbers of an array with a bound, and gives the answers as bits."""

    def where(typing: Any, values: Any, first: Any, bound: Any) -> Any:
        def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            place = _place(context, builder, signature.args[0], args[0], args[1], TILE)
            numbers, bounds = builder.load(place, align=4), _repeated(builder, args[2], TILE)
            answers = builder.fcmp_ordered(comparison, numbers, bounds)
            return builder.bitcast(answers, ir.IntType(TILE))

        return types.uint32(values, types.uintp, types.float32), code

    return _built_in(where)


bits_below, bits_up_to = _bits_where("<"), _bits_where("<=")
"""Return bits of the 32 numbers of ``(values, first, bound)`` from `first` on: which are below, or as low."""


def _adding(count: int) -> Any:
    """Return what adds a row of so many numbers."""

    def add(typing: Any, sums: Any, first: Any, factor: Any, row: Any, place: Any) -> Any:
        def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            target = _place(context, builder, signature.args[0], args[0], args[1], count)
            source = _place(context, builder, signature.args[3], args[3], args[4], count)
            weights = builder.sitofp(builder.load(source, align=2), target.type.pointee)
            change = builder.fmul(weights, _repeated(builder, args[2], count), flags=_FUSED)
            sum_ = builder.fadd(builder.load(target, align=4), change, flags=_FUSED)
            builder.store(sum_, target, align=4)
            return context.get_dummy_value()

        return types.void(sums, types.uintp, types.float32, row, types.uintp), code

    return _built_in(add)


add_8, add_16 = _adding(8), _adding(16)
"""Add so many whole numbers of a row, times a factor, to sums.

Called with ``(sums, first, factor, row, place)``: to those from `first` on, numbers from `place` on.
"""
