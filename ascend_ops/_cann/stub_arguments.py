"""What a kernel for the stand-in reads of a call: its arguments as Python values, tensors as addresses."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from ascend_ops._cann import stub_abi as abi


class RawTensor(NamedTuple):
    """A tensor argument. `strides` and `offset` count elements of the storage; `host` is the address of its
    first byte, 0 for a tensor of no elements and in phase one."""

    shape: tuple[int, ...]
    strides: tuple[int, ...]
    offset: int
    storage: tuple[int, ...]
    dtype: int
    format: int
    host: int


class RawScalar(NamedTuple):
    """A scalar argument: an aclDataType and the 16 bytes that begin with the value."""

    dtype: int
    data: bytes


class Argument(NamedTuple):
    """One argument of a call; `value` is a RawTensor, RawScalar, a tuple of these or of numbers, a number, a
    str, or None for NULL."""

    name: str
    kind: abi.Kind
    role: abi.Role
    value: Any


class Unreadable(Exception):  # noqa: N818 - never leaves the binding
    """A tensor has no memory to read. The stand-in has said why; `status` is its answer."""

    def __init__(self, status: int) -> None:
        self.status = status


FIELDS: Final = {
    abi.Kind.INT: "integer",
    abi.Kind.REAL: "real",
    abi.Kind.FLAG: "flag",
    abi.Kind.TEXT: "text",
}


def arguments(call: abi.Call, address: int, opened: bool) -> tuple[Argument, ...]:
    """The arguments of the call at `address`; `opened` in phase two, when tensors have memory."""
    operator = call.op.contents
    return tuple(_argument(call, address, index, opened) for index in range(operator.count))


def _argument(call: abi.Call, address: int, index: int, opened: bool) -> Argument:
    param = call.op.contents.params[index]
    kind = abi.Kind(param.kind)
    value = getattr(call.args[index], FIELDS.get(kind, "handle"))
    if kind is abi.Kind.TEXT:
        value = None if value is None else value.decode("utf-8", "replace")
    elif kind in _READERS and value is not None:
        value = _READERS[kind](_Place(address, index, opened), value)
    return Argument(param.name.decode(), kind, abi.Role(param.role), value)


class _Place(NamedTuple):
    """Which argument is being read, and whether its tensors' memory is wanted."""

    call: int
    position: int
    opened: bool


def _tensor(place: _Place, handle: int | None) -> RawTensor | None:
    if handle is None:
        return None
    info, host = abi.TensorInfo(), ctypes.c_void_p()
    abi.loaded["stub_tensor_read"](handle, ctypes.addressof(info))
    if place.opened:
        status = abi.loaded["stub_tensor_open"](place.call, place.position, handle, ctypes.addressof(host))
        if status:
            raise Unreadable(status)
    return RawTensor(
        tuple(info.shape[: info.rank]),
        tuple(info.strides[: info.rank]),
        info.offset,
        tuple(info.storage[: info.storage_rank]),
        info.dtype,
        info.format,
        host.value or 0,
    )


def _scalar(_place: _Place, handle: int | None) -> RawScalar | None:
    if handle is None:
        return None
    dtype = ctypes.c_int()
    data = abi.loaded["stub_scalar_read"](handle, ctypes.addressof(dtype))
    return RawScalar(dtype.value, ctypes.string_at(data, 16))


def _items(place: _Place, ctype: Any) -> tuple[Any, ...]:
    count = ctypes.c_uint64()
    address = abi.loaded["stub_argument_items"](place.call, place.position, ctypes.addressof(count))
    return tuple((ctype * count.value).from_address(address)) if count.value else ()


_READERS: Final[dict[abi.Kind, Callable[[_Place, int], Any]]] = {
    abi.Kind.TENSOR: _tensor,
    abi.Kind.SCALAR: _scalar,
    abi.Kind.TENSOR_LIST: lambda place, _: tuple(
        _tensor(place, each) for each in _items(place, ctypes.c_void_p)
    ),
    abi.Kind.SCALAR_LIST: lambda place, _: tuple(
        _scalar(place, each) for each in _items(place, ctypes.c_void_p)
    ),
    abi.Kind.INT_ARRAY: lambda place, _: _items(place, ctypes.c_int64),
    abi.Kind.FLOAT_ARRAY: lambda place, _: _items(place, ctypes.c_float),
    abi.Kind.BOOL_ARRAY: lambda place, _: _items(place, ctypes.c_bool),
}
