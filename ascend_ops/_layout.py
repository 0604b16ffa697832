"""Strided layouts: where the elements of a view lie in its storage, counted in elements. Pure arithmetic."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

Shape = tuple[int, ...]
MAX_ELEMENTS = 2**63 - 1

COPY_ADVICE = "copy through the host instead (asarray of a NumPy array made from .numpy())"


@dataclass(frozen=True, slots=True)
class Layout:
    """Element (i0, i1, ...) lies at `offset + sum(ik * strides[k])`. Strides are never negative.

    Made by `of` and `contiguous`, which give axes of length 1 and empty layouts the strides of a C-ordered
    array, so that equal layouts compare equal and operators that compare strides see what is contiguous.
    """

    shape: Shape
    strides: Shape
    offset: int

    @staticmethod
    def of(shape: Shape, strides: Sequence[int], offset: int) -> Layout:
        """A layout in normal form."""
        if 0 in shape:
            return Layout(shape, contiguous_strides(shape), offset)
        normal, inner = [], 1
        for length, stride in zip(reversed(shape), reversed(strides), strict=True):
            stride = inner if length == 1 else stride
            normal.append(stride)
            inner = length * stride
        return Layout(shape, tuple(reversed(normal)), offset)

    @staticmethod
    def contiguous(shape: Shape) -> Layout:
        """C order from element 0 on."""
        return Layout(shape, contiguous_strides(shape), 0)

    @property
    def size(self) -> int:
        """Number of elements of the view."""
        return math.prod(self.shape)

    @property
    def is_contiguous(self) -> bool:
        """Whether the elements lie in C order without gaps."""
        return self.size <= 1 or self.strides == contiguous_strides(self.shape)

    @property
    def stop(self) -> int:
        """One past the highest element the view touches; `offset` when it is empty."""
        if self.size == 0:
            return self.offset
        return self.offset + 1 + sum((n - 1) * s for n, s in zip(self.shape, self.strides, strict=True))

    @property
    def outermost_first(self) -> list[int]:
        """The axes as they were before they were permuted, if the strides are a permuted C order."""
        # Of axes with the same stride at most one is longer than 1, and it was the outermost.
        return sorted(range(len(self.shape)), key=lambda axis: (-self.strides[axis], -self.shape[axis]))

    @property
    def overlaps(self) -> bool:
        """Whether two positions may be the same element (as in a broadcast view)."""
        extent = 1
        for stride, length in sorted(zip(self.strides, self.shape, strict=True)):
            if length > 1 and stride < extent:
                return self.size > 0
            extent += (length - 1) * stride
        return False

    def found(self, shape: Shape) -> Layout:
        """What begins at the same element: without gaps, if this has none. All of it for a shape that does
        not fit, as CANN may tell of an output that was not asked for."""
        if math.prod(shape) > self.size:
            return self
        gaps = not self.is_contiguous and len(shape) == len(self.shape)
        return Layout.of(shape, self.strides if gaps else contiguous_strides(shape), self.offset)

    def transpose(self, axes: Sequence[int], tiled: bool = False) -> Layout:
        """Permutes the axes; all of them reversed when `axes` is empty.

        Not in normal form for `tiled` storage: there the strides, also those of axes of length 1, tell
        operators which way the tiles lie.
        """
        order = _permutation(axes, len(self.shape))
        shape, strides = (tuple(values[i] for i in order) for values in (self.shape, self.strides))
        return Layout(shape, strides, self.offset) if tiled else Layout.of(shape, strides, self.offset)

    def broadcast_to(self, shape: Shape) -> Layout:
        """Repeats axes of length 1 and adds leading ones, all with stride 0."""
        added = len(shape) - len(self.shape)
        own = shape[max(added, 0) :]
        fits = added >= 0 and all(a in (b, 1) for a, b in zip(self.shape, own, strict=True))
        if not fits:
            raise ValueError(f"shape: a tensor of shape {self.shape} cannot be broadcast to {shape}")
        strides = [s if a == b else 0 for a, b, s in zip(self.shape, own, self.strides, strict=True)]
        return Layout.of(shape, [0] * added + strides, self.offset)

    def reshape(self, shape: Sequence[int]) -> Layout:
        """The same elements in another shape; one axis may be -1. ValueError when that would need a copy."""
        target = _complete(shape, self.size)
        if self.size == 0:
            return Layout.of(target, contiguous_strides(target), self.offset)
        strides = _split(merged(self.shape, self.strides), target)
        if strides is None:
            raise ValueError(
                f"shape: no view of shape {target} exists on a tensor of shape {self.shape} with strides "
                f"{self.strides}; {COPY_ADVICE}"
            )
        return Layout.of(target, strides, self.offset)

    def index(self, key: Any) -> Layout:
        """Basic indexing: integers, slices with positive steps, `...` and None (a new axis)."""
        shape: list[int] = []
        strides: list[int] = []
        offset, axis = self.offset, 0
        for item in _expanded(key, len(self.shape)):
            if item is None:
                shape.append(1)
                strides.append(0)
                continue
            length, stride = self.shape[axis], self.strides[axis]
            if isinstance(item, slice):
                start, count, step = _slice(item, length, axis)
                shape.append(count)
                strides.append(stride * step)
            else:
                start = _position(item, length, axis)
            offset += start * stride
            axis += 1
        return Layout.of(tuple(shape), strides, offset)

    def rescale(self, old_bits: int, new_bits: int) -> Layout:
        """The same memory with elements of another width; the last axis grows or shrinks."""
        if old_bits == new_bits:
            return self
        if not self.shape or (self.strides[-1] != 1 and self.shape[-1] > 1):
            raise ValueError(
                f"dtype: a view of another width needs a last axis of stride 1; strides are {self.strides}"
            )

        def scaled(count: int) -> int:
            if count * old_bits % new_bits:
                raise ValueError(
                    f"dtype: {count} elements of {old_bits} bits are no whole number of those of {new_bits} "
                    f"(shape {self.shape}, strides {self.strides}, offset {self.offset})"
                )
            return count * old_bits // new_bits

        shape = (*self.shape[:-1], scaled(self.shape[-1]))
        outer = [
            stride if n == 1 else scaled(stride)
            for n, stride in zip(self.shape[:-1], self.strides, strict=False)
        ]
        return Layout.of(shape, [*outer, 1], scaled(self.offset))


def contiguous_strides(shape: Shape) -> Shape:
    """Strides of a C-ordered array; lengths of 0 count as 1."""
    strides, inner = [], 1
    for length in reversed(shape):
        strides.append(inner)
        inner *= max(length, 1)
    return tuple(reversed(strides))


def checked_shape(shape: object, argument: str = "shape") -> Shape:
    """A tuple of non-negative integers out of an integer or a sequence of integers."""
    lengths = integers(shape, argument)
    for length in lengths:
        if not 0 <= length <= MAX_ELEMENTS:
            raise ValueError(
                f"{argument}: {lengths} has the length {length}; lengths are from 0 to 2**63 - 1"
            )
    return lengths


def integers(values: object, argument: str) -> Shape:
    """A tuple out of an integer or a sequence of integers; TypeError naming `argument` otherwise."""
    items: Any = values
    if not isinstance(items, (tuple, list)):  # an exception in every call with a shape would be dear
        try:
            return (operator.index(items),)
        except TypeError:
            pass
    try:
        return tuple(map(operator.index, items))
    except TypeError:
        raise TypeError(
            f"{argument}: expected an integer or a sequence of integers, got {values!r}"
        ) from None


def _permutation(axes: Sequence[int], rank: int) -> list[int]:
    if not axes:
        return list(reversed(range(rank)))
    order = [axis + rank if axis < 0 else axis for axis in axes]
    if sorted(order) != list(range(rank)):
        raise ValueError(f"axes: {tuple(axes)} is not a permutation of the {rank} axes")
    return order


def _complete(shape: Sequence[int], size: int) -> Shape:
    known = math.prod(length for length in shape if length != -1)
    missing = [i for i, length in enumerate(shape) if length == -1]
    if len(missing) == 1 and known > 0 and size % known == 0:
        return tuple(size // known if length == -1 else length for length in shape)
    if missing or known != size or min(shape, default=0) < 0:
        raise ValueError(f"shape: {size} elements cannot take the shape {tuple(shape)}")
    return tuple(shape)


def merged(shape: Shape, strides: Shape) -> list[tuple[int, int]]:
    """(length, stride) of runs of axes that behave as one, innermost first."""
    runs: list[tuple[int, int]] = []
    for length, stride in zip(reversed(shape), reversed(strides), strict=True):
        if length == 1:
            continue
        if runs and stride == runs[-1][0] * runs[-1][1]:
            runs[-1] = (runs[-1][0] * length, runs[-1][1])
        else:
            runs.append((length, stride))
    return runs


def _split(runs: list[tuple[int, int]], target: Shape) -> list[int] | None:
    """Strides that lay `target` over the runs, or None when an axis would straddle two runs."""
    strides: list[int] = []
    waiting = list(reversed(runs))
    length, stride = waiting.pop() if waiting else (1, 1)
    for wanted in reversed(target):
        if wanted > 1 and length == 1 and waiting:
            length, stride = waiting.pop()
        if length % wanted:
            return None
        strides.append(stride)
        length, stride = length // wanted, stride * wanted
    return strides[::-1]


def _expanded(key: Any, rank: int) -> list[Any]:
    items = list(key) if isinstance(key, tuple) else [key]
    used = sum(item is not None and item is not Ellipsis for item in items)
    dots = sum(item is Ellipsis for item in items)
    if dots > 1:
        raise IndexError("index: only one '...' is allowed")
    if used > rank:
        raise IndexError(f"index: {used} indices for a tensor of {rank} axes")
    if not dots:
        items.append(Ellipsis)
    at = next(i for i, item in enumerate(items) if item is Ellipsis)
    return items[:at] + [slice(None)] * (rank - used) + items[at + 1 :]


def _slice(item: slice, length: int, axis: int) -> tuple[int, int, int]:
    start, stop, step = item.indices(length)
    if step < 0:
        raise ValueError(
            f"index: step {step} on axis {axis}; device views need positive steps, {COPY_ADVICE}"
        )
    count = len(range(start, stop, step))
    return (start if count else 0), count, step


def _position(item: Any, length: int, axis: int) -> int:
    if isinstance(item, bool) or not hasattr(item, "__index__") or getattr(item, "shape", ()) != ():
        raise TypeError(
            f"index: {type(item).__name__} on axis {axis}; views take integers, slices, '...' and None. For "
            "lists, arrays and masks index the .numpy() array or call an index operator"
        )
    position = operator.index(item)
    if not -length <= position < length:
        raise IndexError(f"index: {position} is outside axis {axis} of length {length}")
    return position + length if position < 0 else position
