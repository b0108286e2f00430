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
    whole, index = ir.VectorType(value.type, count), ir.IntType(32)
    first = builder.insert_element(whole(ir.Undefined), value, index(0))
    same = ir.VectorType(index, count)([0] * count)
    return builder.shuffle_vector(first, whole(ir.Undefined), same)


@_built_in  # type: ignore[untyped-decorator]
def bits_up_to(typing: Any, values: Any, first: Any, bound: Any) -> Any:
    """Return bits of the 32 numbers from `first` on: 1 for each that is at most `bound`."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        numbers = builder.load(
            _place(context, builder, signature.args[0], args[0], args[1], TILE), align=4
        )
        answers = builder.fcmp_ordered("<=", numbers, _repeated(builder, args[2], TILE))
        return builder.bitcast(answers, ir.IntType(TILE))

    return types.uint32(values, types.uintp, types.float32), code


@_built_in  # type: ignore[untyped-decorator]
def spend(typing: Any, values: Any, left: Any, used: Any, rates: Any, first: Any) -> Any:
    """Multiply 32 numbers from `used` on by rates, and take them off those from `left` on.

    Return bits of the differences: 1 for each that is below zero.
    """

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        array, others = signature.args[0], signature.args[3]
        source = _place(context, builder, others, args[3], args[4], TILE)
        spent, rest = (_place(context, builder, array, args[0], args[k], TILE) for k in (2, 1))
        use = builder.fmul(builder.load(spent, align=4), builder.load(source, align=4))
        difference = builder.fsub(builder.load(rest, align=4), use)
        builder.store(use, spent, align=4)
        builder.store(difference, rest, align=4)
        zero = _repeated(builder, ir.Constant(ir.FloatType(), 0.0), TILE)
        return builder.bitcast(builder.fcmp_ordered("<", difference, zero), ir.IntType(TILE))

    return types.uint32(values, types.uintp, types.uintp, rates, types.uintp), code


def _adding(count: int) -> Any:
    """Return what adds a row of so many numbers to two sums of them."""

    def add(
        typing: Any, sums: Any, others: Any, first: Any, factor: Any, other: Any, row: Any, place: Any
    ) -> Any:
        def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            kinds = signature.args
            source = _place(context, builder, kinds[5], args[5], args[6], count)
            targets = [_place(context, builder, kinds[k], args[k], args[2], count) for k in (0, 1)]
            numbers = builder.sitofp(builder.load(source, align=2), targets[0].type.pointee)
            before = [builder.load(target, align=4) for target in targets]
            for target, old, number in zip(targets, before, args[3:5], strict=True):
                change = builder.fmul(numbers, _repeated(builder, number, count), flags=_FUSED)
                builder.store(builder.fadd(old, change, flags=_FUSED), target, align=4)
            return context.get_dummy_value()

        floats = types.float32, types.float32
        return types.void(sums, others, types.uintp, *floats, row, types.uintp), code

    return _built_in(add)


add_8, add_16 = _adding(8), _adding(16)
"""Add so many whole numbers of a row, times a factor and times another, to two arrays of sums.

Called with ``(sums, others, first, factor, other, row, place)``: to the sums from `first` on, numbers
from `place` on.
"""
