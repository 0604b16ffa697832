"""The vocabulary of output rules for operators that move elements about (concat, split, permute, gather, pad
...) and for matrix products.
"""

from __future__ import annotations

from ascend_ops._layout import Shape
from ascend_ops.ops.rules._vocabulary_base import (
    Call,
    ShapeRule,
    ShapesRule,
    axis,
    flag,
    integers,
    number,
    refuse,
    shape_of,
    snake,
    tensors,
)
from ascend_ops.ops.rules._vocabulary_shapes import broadcast_shapes


def concatenated(name: str, dim: int | str) -> ShapeRule:
    """The tensors of a list in a row along `dim`. Empty 1-d tensors of shape (0,) do not count."""

    def of(call: Call) -> Shape:
        given = [tuple(each.shape) for each in tensors(call, name)]
        shapes = [shape for shape in given if shape != (0,)] or given[:1]
        where = axis(call, dim, len(shapes[0]))
        first = shapes[0]
        for shape in shapes:
            if len(shape) != len(first) or _without(shape, where) != _without(first, where):
                refuse(name, f"shapes {shape} and {first} differ in more than axis {where}")
        return (*first[:where], sum(shape[where] for shape in shapes), *first[where + 1 :])

    return ShapeRule(f"shapes of {snake(name)} concatenated along {snake(str(dim))}", of)


def _without(shape: Shape, at: int) -> Shape:
    return shape[:at] + shape[at + 1 :]


def stacked(name: str, dim: int | str) -> ShapeRule:
    """The tensors of a list as a new axis `dim`."""

    def of(call: Call) -> Shape:
        shapes = [tuple(each.shape) for each in tensors(call, name)]
        if len(set(shapes)) != 1:
            refuse(name, f"shapes {sorted(set(shapes))} differ; stacked tensors have one shape")
        where = axis(call, dim, len(shapes[0]) + 1)
        return (*shapes[0][:where], len(shapes), *shapes[0][where:])

    return ShapeRule(f"shape of {snake(name)} stacked along {snake(str(dim))}", of)


def split_evenly(name: str, sections: int | str, dim: int | str) -> ShapesRule:
    """Pieces of length `sections` along `dim`, the last one maybe shorter."""

    def of(call: Call) -> tuple[Shape, ...]:
        shape, size = shape_of(call, name), number(call, sections)
        where = axis(call, dim, len(shape))
        total = shape[where]
        if size < 0 or (size == 0 and total):
            refuse(str(sections), f"is {size}, but pieces of axis {where} (length {total}) have at least 1")
        starts = range(0, total, size) if total else (0,)
        return tuple((*shape[:where], min(size, total - i), *shape[where + 1 :]) for i in starts)

    return ShapesRule(f"{snake(name)} in pieces of {snake(str(sections))} along {snake(str(dim))}", of)


def split_sizes(name: str, sizes: str, dim: int | str) -> ShapesRule:
    """Pieces of the given lengths along `dim`, which add up to its length."""

    def of(call: Call) -> tuple[Shape, ...]:
        shape, pieces = shape_of(call, name), integers(call, sizes)
        where = axis(call, dim, len(shape))
        if any(size < 0 for size in pieces) or sum(pieces) != shape[where]:
            refuse(sizes, f"{pieces} do not add up to {shape[where]}, the length of axis {where}")
        return tuple((*shape[:where], size, *shape[where + 1 :]) for size in pieces)

    return ShapesRule(f"{snake(name)} in pieces of lengths {snake(sizes)} along {snake(str(dim))}", of)


def permuted(name: str, dims: str) -> ShapeRule:
    """`name` with its axes in the order `dims`."""

    def of(call: Call) -> Shape:
        shape, given = shape_of(call, name), integers(call, dims)
        order = [axis({dims: each}, dims, len(shape)) for each in given]
        if sorted(order) != list(range(len(shape))):
            refuse(dims, f"{given} is not an order of the {len(shape)} axes of {snake(name)}")
        return tuple(shape[i] for i in order)

    return ShapeRule(f"shape of {snake(name)} permuted by {snake(dims)}", of)


def expanded(name: str, size: str) -> ShapeRule:
    """`name` broadcast to `size`, where -1 keeps a length."""

    def of(call: Call) -> Shape:
        shape, target = shape_of(call, name), integers(call, size)
        if len(target) < len(shape):
            refuse(size, f"{target} has fewer axes than {snake(name)} of shape {shape}")
        padded_shape = (1,) * (len(target) - len(shape)) + shape
        fresh = len(target) - len(shape)
        result = []
        for i, (old, new) in enumerate(zip(padded_shape, target, strict=True)):
            if (new == -1 and i < fresh) or new < -1 or (new != -1 and old not in (1, new)):
                refuse(size, f"{target} does not fit shape {shape} of {snake(name)}: axis {i} is {old}")
            result.append(old if new == -1 else new)
        return tuple(result)

    return ShapeRule(f"shape of {snake(name)} expanded to {snake(size)}", of)


def repeated(name: str, repeats: str) -> ShapeRule:
    """`name` tiled, with leading axes of length 1 where `repeats` has more entries."""

    def of(call: Call) -> Shape:
        shape, times = shape_of(call, name), integers(call, repeats)
        if len(times) < len(shape) or any(n < 0 for n in times):
            refuse(repeats, f"{times} needs one count, at least 0, for each axis of shape {shape}")
        full = (1,) * (len(times) - len(shape)) + shape
        return tuple(n * m for n, m in zip(full, times, strict=True))

    return ShapeRule(f"shape of {snake(name)} times {snake(repeats)}", of)


def padded(name: str, padding: str, axes: int | None = None) -> ShapeRule:
    """`name` with (before, after) pairs of `padding` added, the last axis first; negative ones cut.

    `axes` fixes the number of pairs.
    """

    def of(call: Call) -> Shape:
        shape, pads = shape_of(call, name), integers(call, padding)
        if len(pads) % 2 or len(pads) > 2 * len(shape) or (axes is not None and len(pads) != 2 * axes):
            allowed = f"{2 * axes} numbers" if axes is not None else f"pairs for at most {len(shape)} axes"
            refuse(padding, f"{pads} has {len(pads)} numbers; {snake(name)} of shape {shape} takes {allowed}")
        result = list(shape)
        for i in range(len(pads) // 2):
            result[-1 - i] += pads[2 * i] + pads[2 * i + 1]
        if any(n < 0 for n in result):
            refuse(padding, f"{pads} cuts more than shape {shape} of {snake(name)} has")
        return tuple(result)

    return ShapeRule(f"shape of {snake(name)} padded by {snake(padding)}", of)


def top_k(name: str, k: int | str, dim: int | str) -> ShapeRule:
    """`name` with `k` elements along `dim`."""

    def of(call: Call) -> Shape:
        shape, count = shape_of(call, name), number(call, k)
        where = axis(call, dim, len(shape))
        available = shape[where] if shape else 1
        if not 0 <= count <= available:
            refuse(str(k), f"is {count}; axis {where} of {snake(name)} has {available} elements")
        return (*shape[:where], count, *shape[where + 1 :]) if shape else ()

    return ShapeRule(f"shape of {snake(name)} with {snake(str(k))} elements along {snake(str(dim))}", of)


def gathered(name: str, dim: int | str, index: str) -> ShapeRule:
    """`name` with the axis `dim` replaced by the axes of `index`, by one of size 1 if that has none."""

    def of(call: Call) -> Shape:
        shape = shape_of(call, name)
        where = axis(call, dim, len(shape))
        points = shape_of(call, index) or (1,) * min(len(shape), 1)
        return shape[:where] + points + shape[where + 1 :]

    return ShapeRule(
        f"shape of {snake(name)} with axis {snake(str(dim))} replaced by {snake(index)}'s axes", of
    )


def matmul(a: str, b: str, *, transpose_a: bool | str = False, transpose_b: bool | str = False) -> ShapeRule:
    """The product of matrices or batches of them, batches broadcast; 1-d operands count as in NumPy."""

    def of(call: Call) -> Shape:
        left, right = shape_of(call, a), shape_of(call, b)
        if not left or not right:
            refuse(a if not left else b, "is 0-d; matrix products need at least one axis")
        rows = _swapped(left, flag(call, transpose_a)) if len(left) > 1 else (1, *left)
        columns = _swapped(right, flag(call, transpose_b)) if len(right) > 1 else (*right, 1)
        if rows[-1] != columns[-2]:
            refuse(b, f"shape {right} does not fit {left}: inner lengths {columns[-2]} and {rows[-1]}")
        batch = broadcast_shapes(b, rows[:-2], columns[:-2])
        return batch + rows[-2:-1] * (len(left) > 1) + columns[-1:] * (len(right) > 1)

    return ShapeRule(f"shape of {snake(a)} @ {snake(b)}", of)


def _swapped(shape: Shape, swap: bool) -> Shape:
    return (*shape[:-2], shape[-1], shape[-2]) if swap else shape
