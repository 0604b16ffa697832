"""The vocabulary of output rules for normalisation, gated activations and quantisation: axes reduced to 1,
halves, blocks that share a scale, and outputs that a call may lack.
"""

from __future__ import annotations

from collections.abc import Callable

from ascend_ops import dtypes
from ascend_ops._layout import Shape
from ascend_ops.ops.rules._vocabulary import (
    Call,
    Condition,
    DTypeRule,
    Output,
    Outputs,
    ShapeRule,
    axes,
    axis,
    axis_of,
    computed,
    either,
    fixed,
    integers,
    like,
    number,
    refuse,
    same_as,
    shape_of,
    snake,
    tensor,
    with_axis,
)

INT8, INT32, FLOAT32 = fixed(dtypes.int8), fixed(dtypes.int32), fixed(dtypes.float32)
E8M0 = fixed(dtypes.float8_e8m0fnu)


def each(names: str, rule: Outputs) -> dict[str, Outputs]:
    """One rule for several operators: each("RmsNorm LayerNorm", rule)."""
    return {f"aclnn{name}": rule for name in names.split()}


def copy_of(name: str) -> Output:
    """Shape and dtype of a tensor argument."""
    return Output(like(name), same_as(name))


def rows(name: str) -> ShapeRule:
    """`name` without its last axis: one number for each row."""
    return axes(name, None, -1)


def normalised(name: str, weight: str) -> ShapeRule:
    """`name` with length 1 in the last axes, as many as `weight` has."""

    def of(call: Call) -> Shape:
        return _ones(shape_of(call, name), len(shape_of(call, weight)), weight)

    return ShapeRule(f"shape of {snake(name)} with length 1 in the axes of {snake(weight)}", of)


def normalised_over(name: str, normalized_shape: str) -> ShapeRule:
    """`name` with length 1 in the last axes, as many as the array `normalized_shape` has."""

    def of(call: Call) -> Shape:
        return _ones(shape_of(call, name), len(integers(call, normalized_shape)), normalized_shape)

    return ShapeRule(f"shape of {snake(name)} with length 1 in the axes of {snake(normalized_shape)}", of)


def _ones(shape: Shape, count: int, name: str) -> Shape:
    if count > len(shape):
        refuse(name, f"has {count} axes, but the tensor to normalise, of shape {shape}, has fewer")
    return shape[: len(shape) - count] + (1,) * count


def ends_with(name: str, weight: str) -> Condition:
    """`weight` has the shape of the last axes of `name`."""

    def of(call: Call) -> bool:
        tail = shape_of(call, weight)
        return tail == shape_of(call, name)[-len(tail) :]

    return Condition(f"{snake(weight)} has the shape of {snake(name)}'s last axes", of)


def halved(name: str, dim: int | str) -> ShapeRule:
    """`name` with half the length of one axis, which must be even."""
    return with_axis(name, dim, axis_of(name, dim, divide=2))


def packed(name: str, dtype: str) -> ShapeRule:
    """`name`, its last axis divided by 8 when `dtype` is int32: eight int4 in each element."""
    eighth = with_axis(name, -1, axis_of(name, -1, divide=8))
    wide = Condition(
        f"{snake(dtype)} is int32", lambda call: call[dtype] in (dtypes.int32.code, dtypes.int32)
    )
    return either(wide, eighth, like(name))


def in_blocks(name: str, at: int | str, size: int | str) -> ShapeRule:
    """One axis of `name` in blocks of `size`, rounded up, as a shape of one axis."""

    def of(call: Call) -> Shape:
        shape, block = shape_of(call, name), number(call, size)
        if block <= 0:
            refuse(str(size), f"is {block}, but a block has at least one element")
        return (-(-shape[axis(call, at, len(shape))] // block),)

    return ShapeRule(f"ceil({snake(name)}.shape[{snake(str(at))}] / {snake(str(size))})", of)


def mx_scales(name: str, at: int | str = -1, block: int | str = 32, divide: int = 1) -> ShapeRule:
    """Microscaling scales of `name`: one for each block of elements along `at`, in pairs in a new last axis.

    `divide` is for scales of a half of `name` (gated activations halve the last axis).
    """

    def of(call: Call) -> Shape:
        shape, size = shape_of(call, name), number(call, block)
        if size <= 0:
            refuse(str(block), f"is {size}, but a block has at least one element")
        halves = (*shape[:-1], shape[-1] // divide) if shape else shape
        where = axis(call, at, len(shape))
        pairs = -(-halves[where] // (2 * size))
        return (*halves[:where], pairs, *halves[where + 1 :], 2)

    half = "" if divide == 1 else f" / {divide}"
    text = (
        f"shape of {snake(name)} with axis {snake(str(at))}{half} in blocks of {snake(str(block))}, in pairs"
    )
    return ShapeRule(text, of)


def asked(mask: str, index: int) -> Condition:
    """An output mask (aclBoolArray) asks for this output."""
    return Condition(f"{snake(mask)}[{index}]", lambda call: bool(call[mask][index]))


def all_of(*conditions: Condition) -> Condition:
    """Several conditions hold."""
    text = " and ".join(each.describe() for each in conditions)
    return Condition(text, lambda call: all(condition(call) for condition in conditions))


def unless(condition: Condition) -> Condition:
    """A condition does not hold."""
    return Condition(f"not ({condition.describe()})", lambda call: not condition(call))


def has_dtype(name: str, *allowed: dtypes.DType) -> Condition:
    """A tensor argument has one of some dtypes."""
    text = f"{snake(name)} is {' or '.join(each.name for each in allowed)}"
    return Condition(text, lambda call: tensor(call, name).dtype in allowed)


def only(rule: DTypeRule, of: str, *allowed: dtypes.DType) -> DTypeRule:
    """`rule` where it gives one of some dtypes; elsewhere CANN allows several, and the caller chooses."""

    def found(call: Call) -> dtypes.DType:
        dtype = rule(call)
        if dtype not in allowed:
            refuse(of, f"dtype {dtype} does not settle the outputs' dtype; give the outputs")
        return dtype

    return DTypeRule(f"{rule.describe()} (of {', '.join(each.name for each in allowed)})", found)


def never(why: str) -> Condition:
    """An output that no call has; `why` says it in words."""
    return Condition(why, lambda call: False)


RESERVED = never("CANN uses it (reserved)")


def shaped(text: str, of: Callable[..., Shape], *names: str) -> ShapeRule:
    """A shape computed from the shapes of some tensors: shaped("...", lambda x, w: ..., "x", "w")."""
    return computed(text, lambda call: of(*(shape_of(call, name) for name in names)))
