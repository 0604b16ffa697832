"""The vocabulary of output rules for element types."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ascend_ops import dtypes
from ascend_ops._cann.enums import DataType
from ascend_ops.dtypes import DType
from ascend_ops.ops.rules import _promotion
from ascend_ops.ops.rules._vocabulary_base import (
    Call,
    Condition,
    DTypeRule,
    is_tensor,
    refuse,
    snake,
    tensor,
    tensors,
)


def same_as(name: str) -> DTypeRule:
    """The dtype of a tensor argument."""

    def of(call: Call) -> DType:
        found: DType = tensor(call, name).dtype
        return found

    return DTypeRule(f"dtype of {snake(name)}", of)


def first_of(*names: str) -> DTypeRule:
    """The dtype of the first of several tensors that is present."""

    def of(call: Call) -> DType:
        present = next((name for name in names if call[name] is not None), names[0])
        return same_as(present)(call)

    return DTypeRule(f"dtype of {' or '.join(map(snake, names))}", of)


def fixed(dtype: DType) -> DTypeRule:
    """Always the same dtype."""
    return DTypeRule(f"dtype {dtype.name}", lambda call: dtype)


def promoted(*names: str) -> DTypeRule:
    """The dtype in which the arguments meet: tensors by CANN's table, scalars by raising the category.

    Absent arguments do not count. Without a tensor the scalars' own types count (int64, float32, complex64).
    """

    def of(call: Call) -> DType:
        given = [(name, call[name]) for name in names if call[name] is not None]
        ranked = [(name, value.dtype) for name, value in given if is_tensor(value)]
        result = _meet(ranked) if ranked else None
        for name, value in given:
            if not is_tensor(value):
                result = _meet_scalar(name, result, _promotion.scalar_dtype(value))
        if result is None:
            refuse(names[0], "is None, but the outputs follow from it; give a tensor or a number")
        return result

    return DTypeRule(f"dtype promoted from {', '.join(map(snake, names))}", of)


def _meet(ranked: list[tuple[str, DType]]) -> DType:
    result = ranked[0][1]
    for name, dtype in ranked[1:]:
        wider = _promotion.promote(result, dtype)
        if wider is None:
            refuse(name, f"dtype {dtype} does not promote with {result}; convert one of them first")
        result = wider
    return result


def _meet_scalar(name: str, tensor: DType | None, scalar: DType) -> DType:
    if tensor is None:
        return scalar
    wider = _promotion.promote_with_scalar(tensor, scalar)
    if wider is None:
        refuse(name, f"a scalar of type {scalar} does not promote with {tensor}; convert one of them first")
    return wider


def promoted_list(name: str) -> DTypeRule:
    """The dtype in which all tensors of a list meet."""

    def of(call: Call) -> DType:
        return _meet([(name, each.dtype) for each in tensors(call, name)])

    return DTypeRule(f"dtype promoted from {snake(name)}", of)


def of_list(name: str) -> DTypeRule:
    """The dtype of the first tensor of a list."""

    def of(call: Call) -> DType:
        found: DType = tensors(call, name)[0].dtype
        return found

    return DTypeRule(f"dtype of {snake(name)}", of)


def from_attribute(name: str, absent: DTypeRule | None = None) -> DTypeRule:
    """The dtype that an attribute names, as aclDataType or as its number; `absent` where it is None.

    Numbers without an element type raise ValueError.
    """

    def of(call: Call) -> DType:
        value = call[name]
        if value is None and absent is not None:
            return absent(call)
        return value if isinstance(value, DType) else _by_number(name, value)

    default = "" if absent is None else f", else {absent.describe()}"
    return DTypeRule(f"dtype named by {snake(name)}{default}", of)


def _by_number(name: str, value: Any) -> DType:
    try:
        return dtypes.dtype(DataType(int(value)))
    except (ValueError, TypeError):
        refuse(name, f"{value!r} is not the number of an element type; give a value of ascend_ops.DataType")


def from_code(name: str, table: Mapping[int, DType]) -> DTypeRule:
    """The dtype that an operator's own numbering gives, where it is not aclDataType's."""
    allowed = ", ".join(f"{code}: {dtype}" for code, dtype in table.items())

    def of(call: Call) -> DType:
        if call[name] not in table:
            refuse(name, f"{call[name]!r} is not allowed; use one of {{{allowed}}}")
        return table[call[name]]

    return DTypeRule(f"dtype by {snake(name)} {{{allowed}}}", of)


def floating(rule: DTypeRule) -> DTypeRule:
    """`rule`, but float32 where it gives an integer type or bool."""

    def of(call: Call) -> DType:
        found = rule(call)
        return dtypes.float32 if _promotion.is_integral(found) else found

    return DTypeRule(f"{rule.describe()} (integers: float32)", of)


def integers_become(target: DType, rule: DTypeRule) -> DTypeRule:
    """`rule`, but `target` where it gives an integer type or bool (a sum of int32 is int64)."""

    def of(call: Call) -> DType:
        found = rule(call)
        return target if _promotion.is_integral(found) else found

    return DTypeRule(f"{rule.describe()} (integers: {target.name})", of)


def mapped(rule: DTypeRule, table: Mapping[DType, DType]) -> DTypeRule:
    """`rule`, with some of its results replaced (bool: int64)."""
    text = ", ".join(f"{source.name}: {target.name}" for source, target in table.items())
    return DTypeRule(f"{rule.describe()} ({text})", lambda call: table.get(found := rule(call), found))


def either_dtype(condition: Condition, then: DTypeRule, otherwise: DTypeRule) -> DTypeRule:
    """One of two rules."""
    return DTypeRule(
        f"{then.describe()} when {condition.describe()}, else {otherwise.describe()}",
        lambda call: then(call) if condition(call) else otherwise(call),
    )
