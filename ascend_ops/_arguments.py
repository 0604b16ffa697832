"""From a Python value to what one parameter of an aclnn operator takes.

Each kind of parameter has one row in CONVERTERS. `check` refuses what the C type cannot hold (ctypes would
wrap or accept it without a word) and returns the value in the form that `make` takes. `make` makes the C
argument; a descriptor goes to `owned`, which outlives the call's second phase.
"""

from __future__ import annotations

import reprlib
import struct
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, NoReturn, TypeGuard, TypeVar

import numpy as np

from ascend_ops import dtypes
from ascend_ops._cann import nn, ranges
from ascend_ops._cann.carguments import CArgument
from ascend_ops._cann.enums import DataType
from ascend_ops._cann.operators import Param, ParamKind
from ascend_ops._cann.vocabulary import LIMITS, ctype_of
from ascend_ops.tensor import Tensor

T = TypeVar("T")
H = TypeVar("H", bound=nn.Handle)
L = TypeVar("L", bound=nn.Handle)
Owned = list[nn.Handle]  # in order of creation


class TensorList(list[Tensor]):
    """A checked aclTensorList argument."""


class Scalar(NamedTuple):
    """What aclCreateScalar is given."""

    value: bool | int | float | complex
    dtype: dtypes.DType


class Converter(NamedTuple):
    """How one kind of parameter is converted; see the top of the file."""

    check: Callable[[Slot, Any], Any]
    make: Callable[[Slot, Any, Owned], CArgument]


class Slot(NamedTuple):
    """One parameter of one operator and its row of CONVERTERS.

    `label` names it in error messages, `title` in the argument dump ("x (input)" for the C parameter input
    that Python calls x); `limits` is what its integer type holds, `single` means float; `wrap` makes a C
    argument of a number or a text. `made` has the C arguments made so far of numbers and texts that are of
    the type `kept`: a program passes the same few again and again.
    """

    name: str
    title: str
    label: str
    limits: ranges.Limits
    single: bool
    wrap: Callable[[Any], CArgument]
    is_tensor: bool
    kept: type | None
    made: dict[Any, CArgument]
    check: Callable[[Slot, Any], Any]
    make: Callable[[Slot, Any, Owned], CArgument]


def slots_of(
    operator: str,
    params: Sequence[Param],
    names: Sequence[str] = (),
    wraps: Sequence[Callable[[Any], CArgument]] = (),
) -> tuple[Slot, ...]:
    """The parameters of an operator as the converters see them, by their `names` in Python if these are as
    many. Without `wraps` (of the bound operator) they can check only."""
    names = names if len(names) == len(params) else [param.name for param in params]
    wraps = wraps or [_unbound] * len(params)
    return tuple(_slot(operator, *each) for each in zip(params, names, wraps, strict=True))


def _slot(operator: str, param: Param, name: str, wrap: Callable[[Any], CArgument]) -> Slot:
    title = name if name == param.name else f"{name} ({param.name})"
    limits = LIMITS.get(ctype_of(param.ctype, typed_pointers=False), ranges.INT64)
    is_single, is_tensor = param.ctype == "float", param.kind is ParamKind.TENSOR
    converter, kept = CONVERTERS[param.kind], KEPT.get(param.kind)
    return Slot(name, title, f"{operator}: {name}", limits, is_single, wrap, is_tensor, kept, {}, *converter)


def _unbound(value: Any) -> NoReturn:
    raise AssertionError(f"a C argument is made of {value!r} before the operator is bound")


def described(slot: Slot, value: object) -> str:
    """One line for the argument dump of an error."""
    if isinstance(value, Tensor):
        return f"{slot.title}: {_tensor_text(value)}"
    if isinstance(value, Sequence) and value and isinstance(value[0], Tensor):
        return f"{slot.title}: [{', '.join(map(_tensor_text, value))}]"
    return f"{slot.title}: {'NULL' if value is None else reprlib.repr(value)}"


def _tensor_text(tensor: Tensor) -> str:
    offset = f" offset {tensor.offset}" if tensor.offset else ""
    return f"{tensor.dtype} {list(tensor.shape)} strides {tensor.strides}{offset} {tensor.format.name}"


# One value of each type. `label` names it in errors: "aclnnAbs: self", "aclnnStack: tensors[2]".


def _wrong_type(label: str, allowed: str, value: object) -> TypeError:
    return TypeError(f"{label} must be {allowed}, not {type(value).__name__} ({reprlib.repr(value)})")


def _integer(label: str, value: object, limits: ranges.Limits = ranges.INT64) -> int:
    if type(value) is int and limits[0] <= value <= limits[1]:
        return value
    if isinstance(value, (bool, np.bool_)) or not hasattr(value, "__index__"):
        raise _wrong_type(label, "an integer", value)
    return ranges.checked(label, value, limits)


def _real(label: str, value: object, single: bool = True) -> float:
    """Infinities and NaN are values here (aclnnNanToNum takes them); finite numbers must stay finite in C."""
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise _wrong_type(label, "a real number", value)
    try:
        number = float(value)
        if single:
            struct.pack("<f", number)
    except OverflowError:
        kind = "float" if single else "double"
        raise OverflowError(
            f"{label} is {reprlib.repr(value)}; the C parameter is a {kind} and cannot hold it"
        ) from None
    return number


def _flag(label: str, value: object) -> bool:
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    raise _wrong_type(label, "True or False", value)


def _scalar(label: str, value: object) -> Scalar:
    """NumPy's scalars keep their type; Python's become the widest of their kind, which operators narrow."""
    if isinstance(value, np.generic):
        return Scalar(value.item(), dtypes.dtype(value.dtype, label))
    if isinstance(value, bool):
        return Scalar(value, dtypes.bool_)
    if isinstance(value, int):
        limits, dtype = (
            (ranges.UINT64, dtypes.uint64) if value > ranges.INT64[1] else (ranges.INT64, dtypes.int64)
        )
        return Scalar(ranges.checked(label, value, limits), dtype)
    if isinstance(value, float):
        return Scalar(value, dtypes.float64)
    if isinstance(value, complex):
        return Scalar(value, dtypes.complex128)
    raise _wrong_type(label, "a number", value)


def _tensor(label: str, value: object) -> Tensor:
    if isinstance(value, Tensor):
        return value
    raise _wrong_type(label, "a Tensor", value)


def element_type(label: str, value: object) -> dtypes.DType:
    """`dtypes.dtype`, which also takes an aclDataType code as a plain integer."""
    if isinstance(value, (int, np.integer)) and not isinstance(value, bool):
        try:
            value = DataType(int(value))
        except ValueError:
            raise ValueError(f"{label} is {value}, which is no aclDataType code") from None
    return dtypes.dtype(value, label)


# The checks of whole arguments.


def _check_tensor(slot: Slot, value: object) -> Tensor | None:
    if value is None or isinstance(value, Tensor):
        return value
    raise _wrong_type(slot.label, "a Tensor or None", value)


def _check_scalar(slot: Slot, value: object) -> Scalar | None:
    return None if value is None else _scalar(slot.label, value)


def _check_integer(slot: Slot, value: object) -> int:
    return _integer(slot.label, value, slot.limits)


def _check_real(slot: Slot, value: object) -> float:
    return _real(slot.label, value, slot.single)


def _check_flag(slot: Slot, value: object) -> bool:
    return _flag(slot.label, value)


def _check_text(slot: Slot, value: object) -> bytes | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise _wrong_type(slot.label, "a str or None", value)
    if "\0" in value:
        raise ValueError(f"{slot.label} is {value!r}; a C string ends at the first NUL character")
    return value.encode()


def _check_dtype(slot: Slot, value: object) -> int:
    return int(element_type(slot.label, value).code)


def _check_tensors(slot: Slot, value: object) -> TensorList | None:
    items = _items(slot, "Tensors", value, _tensor)
    return None if items is None else TensorList(items)


def _check_scalars(slot: Slot, value: object) -> list[Scalar] | None:
    return _items(slot, "numbers", value, _scalar)


def _check_integers(slot: Slot, value: object) -> list[int] | None:
    return _items(slot, "integers", value, _integer)


def _check_reals(slot: Slot, value: object) -> list[float] | None:
    return _items(slot, "real numbers", value, _real)


def _check_flags(slot: Slot, value: object) -> list[bool] | None:
    return _items(slot, "bools", value, _flag)


def _items(slot: Slot, kind: str, value: object, item: Callable[[str, object], T]) -> list[T] | None:
    if value is None:
        return None
    if isinstance(value, np.ndarray) and value.ndim == 1:
        value = list(value)
    # First whether it is a list: asking for a Sequence is dear.
    if not isinstance(value, (list, tuple)) and not _is_sequence(value):
        raise _wrong_type(slot.label, f"a sequence of {kind} or None", value)
    return [item(f"{slot.label}[{i}]", each) for i, each in enumerate(value)]


def _is_sequence(value: object) -> TypeGuard[Sequence[object]]:
    return isinstance(value, Sequence) and not isinstance(value, (str, bytes))


# The making of C arguments.


def refuse_tensor(value: Tensor) -> NoReturn:
    """Raises why aclCreateTensor has just refused a tensor."""
    told = value._descriptor()
    nn.refuse_tensor(told.shape, told.dtype, told.strides, told.offset, told.storage_shape)


def _make_tensor(slot: Slot, value: Tensor, owned: Owned) -> nn.TensorHandle:
    maker, address = value._making or value._made()
    handle = maker(address)
    return _kept(handle, owned) if handle else refuse_tensor(value)


def _make_tensors(slot: Slot, value: TensorList, owned: Owned) -> nn.TensorListHandle:
    return _list_of(nn.create_tensor_list, [_make_tensor(slot, item, owned) for item in value], owned)


def _make_scalar(slot: Slot, value: Scalar, owned: Owned) -> nn.ScalarHandle:
    return _kept(nn.create_scalar(value.value, value.dtype.code), owned)


def _make_scalars(slot: Slot, value: list[Scalar], owned: Owned) -> nn.ScalarListHandle:
    return _list_of(nn.create_scalar_list, [_make_scalar(slot, item, owned) for item in value], owned)


def _list_of(create: Callable[[list[H]], L], handles: list[H], owned: Owned) -> L:
    """A list destroys its elements with itself."""
    handle = create(handles)
    owned[len(owned) - len(handles) :] = [handle]
    return handle


def _kept(handle: H, owned: Owned) -> H:
    owned.append(handle)
    return handle


def make_integers(slot: Slot, value: list[int], owned: Owned) -> nn.IntArrayHandle:
    return _kept(nn.create_int_array(value), owned)


def _make_reals(slot: Slot, value: list[float], owned: Owned) -> nn.FloatArrayHandle:
    return _kept(nn.create_float_array(value), owned)


def _make_flags(slot: Slot, value: list[bool], owned: Owned) -> nn.BoolArrayHandle:
    return _kept(nn.create_bool_array(value), owned)


def _wrap(slot: Slot, value: Any, owned: Owned) -> CArgument:
    return slot.wrap(value)


def remember(slot: Slot, given: Any, argument: CArgument) -> None:
    """For `Slot.made`, if `given` is of a type that is kept."""
    if type(given) is slot.kept and len(slot.made) < MOST_KEPT and not _is_ambiguous(given):
        slot.made[given] = argument


def _is_ambiguous(number: object) -> bool:
    """0.0 is equal to -0.0, and a NaN to nothing."""
    return type(number) is float and (number == 0.0 or number != number)


KEPT = {ParamKind.INT: int, ParamKind.BOOL: bool, ParamKind.STRING: str, ParamKind.REAL: float}
MOST_KEPT = 64


CONVERTERS: dict[ParamKind, Converter] = {
    ParamKind.TENSOR: Converter(_check_tensor, _make_tensor),
    ParamKind.TENSOR_LIST: Converter(_check_tensors, _make_tensors),
    ParamKind.SCALAR: Converter(_check_scalar, _make_scalar),
    ParamKind.SCALAR_LIST: Converter(_check_scalars, _make_scalars),
    ParamKind.INT_ARRAY: Converter(_check_integers, make_integers),
    ParamKind.FLOAT_ARRAY: Converter(_check_reals, _make_reals),
    ParamKind.BOOL_ARRAY: Converter(_check_flags, _make_flags),
    ParamKind.INT: Converter(_check_integer, _wrap),
    ParamKind.REAL: Converter(_check_real, _wrap),
    ParamKind.BOOL: Converter(_check_flag, _wrap),
    ParamKind.STRING: Converter(_check_text, _wrap),
    ParamKind.DTYPE: Converter(_check_dtype, _wrap),
}
