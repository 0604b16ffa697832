"""What a kernel in Python is given for each argument: NumPy arrays over the stand-in's memory or values."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ascend_ops import _host, dtypes, formats
from ascend_ops._cann import rt
from ascend_ops._cann.enums import DataType, Format
from ascend_ops._cann.stub_abi import Kind, Role
from ascend_ops._cann.stub_arguments import Argument, RawScalar, RawTensor
from ascend_ops._layout import contiguous_strides
from ascend_ops.dtypes import Array, DType


@dataclass(frozen=True)
class Spec:
    """A tensor as phase one sees it, without its elements. `strides` count elements."""

    shape: tuple[int, ...]
    dtype: DType
    strides: tuple[int, ...]
    format: Format

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)


def _nothing() -> None:
    pass


class Value(NamedTuple):
    """An argument for the function, and what to do when that has returned."""

    value: Any
    finish: Callable[[], None] = _nothing


def opened(argument: Argument, ctype: str) -> Value:
    """The argument as `run` gets it. `ctype` is its C type as the header has it, "" when there is none."""
    writable = argument.role is not Role.IN
    if argument.kind is Kind.TENSOR and argument.value is not None:
        return _array(argument.value, writable)
    if argument.kind is Kind.TENSOR_LIST and argument.value is not None:
        return _arrays(argument.value, writable)
    return Value(_plain(argument, ctype))


def described(argument: Argument, ctype: str) -> Any:
    """The argument as `check` gets it."""
    if argument.kind is Kind.TENSOR and argument.value is not None:
        return _spec(argument.value)
    if argument.kind is Kind.TENSOR_LIST and argument.value is not None:
        return tuple(None if each is None else _spec(each) for each in argument.value)
    return _plain(argument, ctype)


def _plain(argument: Argument, ctype: str) -> Any:
    value = argument.value
    if ctype == "aclDataType":
        return _known_dtype(value) or value
    if ctype in ("uint64_t", "size_t"):  # the stand-in keeps integers as int64_t
        return value % 2**64
    if isinstance(value, RawScalar):
        return _number(value)
    if argument.kind is Kind.SCALAR_LIST and value is not None:
        return tuple(None if each is None else _number(each) for each in value)
    return value


def _known_dtype(code: int) -> DType | None:
    return dtypes.dtype(DataType(code)) if code in DataType.__members__.values() else None


def _spec(tensor: RawTensor) -> Spec:
    return Spec(tensor.shape, _dtype(tensor.dtype), tensor.strides, formats.format(tensor.format))


def _number(scalar: RawScalar) -> bool | int | float | complex:
    element = _dtype(scalar.dtype)
    host = _host_dtype(element)
    number: bool | int | float | complex = _host.python_number(
        np.frombuffer(scalar.data[: host.itemsize], host)
    )
    return number


def _dtype(code: int) -> DType:
    found = _known_dtype(code)
    if found is None:
        raise TypeError(f"a tensor has the aclDataType {code}, which has no arrays")
    return found


def _host_dtype(element: DType) -> np.dtype[Any]:
    """What arrays of such elements have as dtype: unsigned integers where there is nothing better."""
    return element.numpy or np.dtype(f"u{max(1, element.bits // 8)}")


def _arrays(tensors: tuple[RawTensor | None, ...], writable: bool) -> Value:
    values = [Value(None) if each is None else _array(each, writable) for each in tensors]

    def finish() -> None:
        for value in values:
            value.finish()

    return Value(tuple(value.value for value in values), finish)


def _array(tensor: RawTensor, writable: bool) -> Value:
    element = _dtype(tensor.dtype)
    if tensor.format != Format.UNDEFINED and not formats.is_base(formats.format(tensor.format)):
        tensor = tensor._replace(
            shape=tensor.storage, strides=contiguous_strides(tensor.storage), offset=0, format=Format.ND
        )
    if 0 in tensor.shape:
        return Value(_sealed(np.empty(tensor.shape, _host_dtype(element)), writable))
    return (_packed if element.bits < 8 else _shared)(tensor, element, writable)


def _shared(tensor: RawTensor, element: DType, writable: bool) -> Value:
    low, high = _extent(tensor)
    size = element.bits // 8
    memory = rt.host_view(tensor.host + low * size, (high + 1 - low) * size)
    array = _view(memory, tensor, _host_dtype(element), low)
    return Value(_sealed(array, writable))


def _packed(tensor: RawTensor, element: DType, writable: bool) -> Value:
    """Unpacks all elements in the bytes that hold the view. They are written back as a whole."""
    host = DType(element.name, element.code, element.bits, _host_dtype(element))
    group = 8 // math.gcd(element.bits, 8)  # the fewest elements that fill whole bytes
    low, high = _extent(tensor)
    first = low - low % group
    start, stop = first * element.bits // 8, -(-(high + 1) * element.bits // 8)
    memory = np.frombuffer(rt.host_view(tensor.host + start, stop - start), np.uint8)
    elements = dtypes.unpack(memory, host, memory.size * 8 // element.bits).copy()
    array = _view(elements.view(np.uint8), tensor, elements.dtype, first)

    def write_back() -> None:
        packed = dtypes.pack(elements, host)
        spare = memory.size * 8 - elements.size * element.bits  # bits of an element that is cut off
        packed[-1] |= memory[-1] & np.uint8(0xFF << (8 - spare) & 0xFF)
        memory[...] = packed

    return Value(_sealed(array, writable), write_back if writable else _nothing)


def _extent(tensor: RawTensor) -> tuple[int, int]:
    """The lowest and the highest element of the storage that the view touches."""
    reach = [(length - 1) * stride for length, stride in zip(tensor.shape, tensor.strides, strict=True)]
    low, high = (sum(each for each in reach if sign * each > 0) for sign in (-1, 1))
    return tensor.offset + low, tensor.offset + high


def _view(memory: Any, tensor: RawTensor, host: np.dtype[Any], first: int) -> Array:
    """The tensor's view of memory that begins with element `first` of its storage."""
    strides = [stride * host.itemsize for stride in tensor.strides]
    return np.ndarray(tensor.shape, host, memory, (tensor.offset - first) * host.itemsize, strides)


def _sealed(array: Array, writable: bool) -> Array:
    array.flags.writeable = writable
    return array
