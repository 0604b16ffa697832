"""The vocabulary of output rules for shapes that most families share: copies, broadcasts, reductions, parts
of shapes put together.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from ascend_ops._layout import Shape
from ascend_ops.ops.rules._vocabulary_base import (
    Call,
    Condition,
    ShapeRule,
    ShapesRule,
    axis,
    flag,
    integers,
    is_tensor,
    length,
    refuse,
    shape_of,
    snake,
    tensors,
)


def like(name: str) -> ShapeRule:
    """The shape of a tensor argument."""
    return ShapeRule(f"shape of {snake(name)}", lambda call: shape_of(call, name))


def scalar_shape() -> ShapeRule:
    """A 0-d tensor."""
    return ShapeRule("shape ()", lambda call: ())


def constant(*shape: int) -> ShapeRule:
    """Always the same shape."""
    return ShapeRule(f"shape {shape}", lambda call: shape)


def broadcast(*names: str) -> ShapeRule:
    """The common shape of the tensors among the arguments; numbers and absent ones do not count."""

    def of(call: Call) -> Shape:
        result: Shape = ()
        for name in names:
            if is_tensor(call[name]):
                result = broadcast_shapes(name, result, tuple(call[name].shape))
        return result

    return ShapeRule(f"shape broadcast from {', '.join(map(snake, names))}", of)


def broadcast_list(name: str) -> ShapeRule:
    """The common shape of the tensors of a list."""

    def of(call: Call) -> Shape:
        result: Shape = ()
        for each in tensors(call, name):
            result = broadcast_shapes(name, result, tuple(each.shape))
        return result

    return ShapeRule(f"shape broadcast from {snake(name)}", of)


def broadcast_shapes(name: str, a: Shape, b: Shape) -> Shape:
    """`a` and `b` broadcast; ValueError about `name`, which has shape `b`, when they do not fit."""
    rank = max(len(a), len(b))
    pairs = zip((1,) * (rank - len(a)) + a, (1,) * (rank - len(b)) + b, strict=True)
    result = []
    for left, right in pairs:
        if left != right and 1 not in (left, right):
            refuse(name, f"shape {b} does not broadcast with {a}; lengths must be equal or 1")
        result.append(right if left == 1 else left)
    return tuple(result)


def reduced(
    name: str, dims: str | int | Sequence[int], keep_dims: bool | str, *, empty: str | bool = True
) -> ShapeRule:
    """`name` without the axes `dims` (an attribute, or fixed ones), or with length 1 there.

    `empty` says what no dims mean: True all axes, False none; a name is the attribute (noopWithEmpty...)
    that turns "all" into "none".
    """

    def of(call: Call) -> Shape:
        shape = shape_of(call, name)
        axes = _axes(call, name, dims, len(shape), empty)
        keep = flag(call, keep_dims)
        lengths = [(1 if i in axes else n) for i, n in enumerate(shape) if keep or i not in axes]
        return tuple(lengths)

    kept = keep_dims if isinstance(keep_dims, str) else ("kept" if keep_dims else "dropped")
    text = snake(dims) if isinstance(dims, str) else str(dims)
    return ShapeRule(f"shape of {snake(name)} reduced over {text} (axes kept: {snake(kept)})", of)


def _axes(
    call: Call, name: str, dims: str | int | Sequence[int], rank: int, empty: str | bool
) -> tuple[int, ...]:
    label = dims if isinstance(dims, str) else "dim"
    given = integers(call, dims) if isinstance(dims, str) else _tuple(dims)
    if not given:
        every = empty if isinstance(empty, bool) else not call[empty]
        return tuple(range(rank)) if every else ()
    axes = tuple(axis({label: each}, label, rank) for each in given)
    if len(set(axes)) != len(axes):
        refuse(label, f"{given} names an axis of {snake(name)} twice; name each once")
    return axes


def _tuple(dims: int | Sequence[int]) -> tuple[int, ...]:
    return (dims,) if isinstance(dims, int) else tuple(dims)


def reduced_all(name: str) -> ShapeRule:
    """A 0-d tensor: all of `name` reduced."""
    return ShapeRule(f"shape () (all of {snake(name)} reduced)", lambda call: ())


def axes(name: str, start: int | None = None, stop: int | None = None) -> ShapeRule:
    """Some neighbouring lengths of `name`, as by a Python slice: axes("x", None, -1) leaves the last out."""
    text = f"{snake(name)}.shape[{'' if start is None else start}:{'' if stop is None else stop}]"
    return ShapeRule(text, lambda call: shape_of(call, name)[start:stop])


def axis_of(name: str, at: int | str, times: int = 1, divide: int = 1) -> ShapeRule:
    """One length of `name` as a shape of one axis, multiplied or divided (which must leave no rest)."""

    def of(call: Call) -> Shape:
        shape = shape_of(call, name)
        if not shape:
            refuse(name, "is 0-d, but needs at least one axis")
        where = axis(call, at, len(shape))
        size = shape[where] * times
        if size % divide:
            refuse(name, f"length {size} of axis {where} of shape {shape} is not divisible by {divide}")
        return (size // divide,)

    factor = (f" * {times}" if times != 1 else "") + (f" / {divide}" if divide != 1 else "")
    return ShapeRule(f"{snake(name)}.shape[{snake(str(at))}]{factor}", of)


def attribute(name: str) -> ShapeRule:
    """An integer attribute as a shape of one axis."""
    return ShapeRule(snake(name), lambda call: (length(call, name),))


def shape_from(name: str) -> ShapeRule:
    """The shape that an aclIntArray gives; ValueError for negative lengths."""

    def of(call: Call) -> Shape:
        return tuple(length({name: each}, name) for each in integers(call, name))

    return ShapeRule(f"shape given by {snake(name)}", of)


def joined(*parts: ShapeRule | int) -> ShapeRule:
    """Parts of shapes in a row: joined(axes("x", None, -1), attribute("n"), 3)."""
    rules = [constant(part) if isinstance(part, int) else part for part in parts]

    def of(call: Call) -> Shape:
        return sum((rule(call) for rule in rules), ())

    words = (str(p) if isinstance(p, int) else p.describe().removeprefix("shape of ") for p in parts)
    return ShapeRule(f"shape ({', '.join(words)})", of)


def with_axis(name: str, at: int | str, size: ShapeRule | int | str) -> ShapeRule:
    """`name` with another length of one axis: a number, an attribute, or a rule of one axis."""
    rule = attribute(size) if isinstance(size, str) else constant(size) if isinstance(size, int) else size

    def of(call: Call) -> Shape:
        shape = shape_of(call, name) or (1,)
        where = axis(call, at, len(shape))
        return shape[:where] + rule(call) + shape[where + 1 :]

    return ShapeRule(f"shape of {snake(name)} with axis {snake(str(at))} = {rule.describe()}", of)


def product_of(name: str) -> ShapeRule:
    """The number of elements of `name` as a shape of one axis."""
    return ShapeRule(f"({snake(name)}.size,)", lambda call: (math.prod(shape_of(call, name)),))


def either(condition: Condition, then: ShapeRule, otherwise: ShapeRule) -> ShapeRule:
    """One of two rules."""
    return ShapeRule(
        f"{then.describe()} when {condition.describe()}, else {otherwise.describe()}",
        lambda call: then(call) if condition(call) else otherwise(call),
    )


def is_set(name: str) -> Condition:
    """A boolean or integer attribute is true."""
    return Condition(snake(name), lambda call: bool(call[name]))


def like_each(name: str) -> ShapesRule:
    """The shapes of the tensors of a list."""
    return ShapesRule(
        f"shapes of {snake(name)}", lambda call: tuple(tuple(each.shape) for each in tensors(call, name))
    )


def present(name: str) -> Condition:
    """An optional argument was given."""
    return Condition(f"{snake(name)} is given", lambda call: call[name] is not None)


def equals(name: str, *values: Any) -> Condition:
    """An attribute has one of some values."""
    text = f"{snake(name)} is {' or '.join(map(repr, values))}"
    return Condition(text, lambda call: call[name] in values)


def computed(text: str, of: Callable[[Call], Shape]) -> ShapeRule:
    """A shape that only a function can say; `text` says it in words, starting with "shape"."""
    return ShapeRule(text, of)
