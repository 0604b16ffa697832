"""The values of a call, one by one: what launch takes for them, and what output rules are told."""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from ascend_ops._arguments import Slot, element_type, remember
from ascend_ops._cann.operators import ParamKind
from ascend_ops.dtypes import DType
from ascend_ops.ops._inputs import tensor
from ascend_ops.ops._signature import TENSORS, Parameter
from ascend_ops.tensor import Tensor

T = TypeVar("T")


def attribute(param: Parameter, slot: Slot, value: Any) -> Any:
    """`value` for a parameter that is no tensor, checked. An element type may be given for the integers that
    many operators take for one (dstType)."""
    if type(value) is slot.kept and value in slot.made:
        return value
    if isinstance(value, DType) and param.kind is ParamKind.INT:
        value = int(value.code)
    slot.check(slot, value)
    remember(slot, value, None)  # checked before
    return value


def tensors(param: Parameter, value: Any) -> Any:
    """`value` for a tensor or a list: a Tensor, a tuple of them, None. Array-likes are uploaded; what the
    operator writes must be a Tensor."""
    if value is None:
        return None
    convert = _input if param.role == "in" else _written
    if param.kind is ParamKind.TENSOR:
        return convert(param.name, value)
    return _each(param.name, value, convert)


def _input(name: str, value: Any) -> Tensor | None:
    return tensor(name, value)


def _written(name: str, value: Any) -> Tensor:
    if isinstance(value, Tensor):
        return value
    raise TypeError(
        f"{name} is written by the operator and must be a Tensor (asarray and empty make one), not "
        f"{type(value).__name__} ({reprlib.repr(value)})"
    )


def _each(name: str, value: Any, convert: Callable[[str, Any], T]) -> tuple[T, ...]:
    if isinstance(value, (str, bytes)) or not isinstance(value, Sequence):
        raise TypeError(
            f"{name} must be a tuple or list of tensors, not {type(value).__name__} ({reprlib.repr(value)})"
        )
    return tuple(convert(f"{name}[{i}]", each) for i, each in enumerate(value))


def plain(param: Parameter, slot: Slot, value: Any) -> Any:
    """A converted value as output rules see it: arrays as tuples, element types as DType."""
    if param.kind in (*TENSORS, ParamKind.SCALAR, ParamKind.STRING):
        return value
    if param.kind is ParamKind.DTYPE:
        return element_type(slot.label, value)
    if param.kind is ParamKind.SCALAR_LIST:
        return None if value is None else tuple(value)
    checked = slot.check(slot, value)
    return tuple(checked) if isinstance(checked, list) else checked
