"""The vocabulary of output rules for windows over spatial axes: convolutions, pooling, sampling."""

from __future__ import annotations

from collections.abc import Sequence

from ascend_ops._layout import Shape
from ascend_ops.ops.rules._vocabulary import (
    Call,
    ShapeRule,
    computed,
    integers,
    refuse,
    shape_from,
    shape_of,
    snake,
)


def windows(call: Call, name: str, axes: int, default: int | Sequence[int]) -> tuple[int, ...]:
    """An array attribute with a number for each spatial axis; one number counts for all of them."""
    given = integers(call, name)
    if not given:
        return (default,) * axes if isinstance(default, int) else tuple(default)
    if len(given) == 1:
        return given * axes
    if len(given) != axes:
        refuse(name, f"is {given}; give one number, or one for each of the {axes} spatial axes")
    return given


def slid(size: int, kernel: int, stride: int, before: int, after: int, dilation: int, ceil: bool) -> int:
    """Positions of a window; with `ceil` also a last one that starts within the padded input, not past it."""
    span = size + before + after - dilation * (kernel - 1) - 1
    count = (-(-span // stride) if ceil else span // stride) + 1
    return count - 1 if ceil and (count - 1) * stride >= size + before else count


def checked(name: str, sizes: Sequence[int], shape: Shape) -> Shape:
    if any(size < 0 for size in sizes):
        refuse(
            name, f"shape {shape} is smaller than the window: the result would have lengths {tuple(sizes)}"
        )
    return tuple(sizes)


def positive(name: str, values: Sequence[int]) -> None:
    if any(value <= 0 for value in values):
        refuse(name, f"is {tuple(values)}, but must be positive")


def resized(name: str, size: str, axes: int) -> ShapeRule:
    """`name` with other lengths of its last axes, given by an array attribute; a batch may lead."""

    def of(call: Call) -> Shape:
        shape, lengths = shape_of(call, name), shape_from(size)(call)
        if len(lengths) != axes or len(shape) not in (axes + 1, axes + 2):
            refuse(
                size, f"is {lengths} for shape {shape}; channels and {axes} spatial axes (and a batch) count"
            )
        return (*shape[:-axes], *lengths)

    return computed(f"shape of {snake(name)} with {snake(size)} as its last {axes} axes", of)
