"""Descriptors of aclnn operators: tensors, scalars, arrays and lists as integer handles.

Every create call copies what it is given except a tensor's data address. A handle may be destroyed as soon as
phase two of the operators that use it has returned. Destroying does nothing once C may not be called any more
(see `rt`).
"""

from __future__ import annotations

import functools
from array import array
from collections.abc import Iterable, Sequence

from ascend_ops._cann import libraries
from ascend_ops._cann.enums import DataType, Format
from ascend_ops._cann.errors import AclError, ParameterError
from ascend_ops._cann.lifecycle import functions
from ascend_ops._cann.ranges import INT64, UINT64, checked
from ascend_ops._cann.scalars import scalar_bytes

_INT64_LOW, _INT64_HIGH = INT64
_POINTER_HIGH = UINT64[1]
_PARAM_INVALID = 161002  # ACLNN_ERR_PARAM_INVALID


def create_tensor(
    shape: Sequence[int],
    dtype: DataType,
    strides: Sequence[int],
    offset: int,
    format: Format,
    storage_shape: Sequence[int],
    address: int,
) -> int:
    """A tensor descriptor. Shapes, strides and offset count elements; `address` is where the storage starts
    (the library adds the offset itself), 0 for an empty tensor."""
    if len(strides) != len(shape):
        raise ValueError(
            f"strides has {len(strides)} entries for a shape of {len(shape)}; give one per dimension"
        )
    if not (_INT64_LOW <= offset <= _INT64_HIGH and 0 <= address <= _POINTER_HIGH):
        checked("offset", offset, INT64)
        checked("address", address, UINT64)
    dims, steps, storage, _arrays = _geometry(tuple(shape), tuple(strides), tuple(storage_shape))
    handle: int | None = functions["aclCreateTensor"](
        dims, len(shape), dtype, steps, offset, format, storage, len(storage_shape), address
    )
    if not handle:
        text = (
            f"shape: {shape}",
            f"dtype: {dtype!r}",
            f"strides: {strides}",
            f"offset: {offset}",
            f"storage_shape: {storage_shape}",
        )
        raise _refused("aclCreateTensor", *text)
    return handle


def destroy_tensor(handle: int) -> None:
    status = functions["aclDestroyTensor"](handle) if libraries.is_open() else 0
    if status:
        raise AclError.from_status("aclDestroyTensor", status, (f"tensor: {handle:#x}",))


def create_scalar(value: int | float | bool | complex, dtype: DataType) -> int:
    """A scalar of the given type. OverflowError when the type cannot hold the value."""
    data = array("B", scalar_bytes(value, dtype))
    handle: int | None = functions["aclCreateScalar"](data.buffer_info()[0], dtype)
    return handle or _raise_refused("aclCreateScalar", f"value: {value!r}", f"dtype: {dtype!r}")


def destroy_scalar(handle: int) -> None:
    _destroy("aclDestroyScalar", handle)


def create_int_array(values: Iterable[int]) -> int:
    return _create_array("aclCreateIntArray", _integers("values", values))


def destroy_int_array(handle: int) -> None:
    _destroy("aclDestroyIntArray", handle)


def create_float_array(values: Iterable[float]) -> int:
    return _create_array("aclCreateFloatArray", array("f", values))


def destroy_float_array(handle: int) -> None:
    _destroy("aclDestroyFloatArray", handle)


def create_bool_array(values: Iterable[bool]) -> int:
    return _create_array("aclCreateBoolArray", array("B", map(bool, values)))


def destroy_bool_array(handle: int) -> None:
    _destroy("aclDestroyBoolArray", handle)


def create_tensor_list(handles: Iterable[int]) -> int:
    """A list that takes over its tensors: destroying it destroys them."""
    return _create_array("aclCreateTensorList", array("Q", handles))


def destroy_tensor_list(handle: int) -> None:
    """Destroys the list and the tensors in it."""
    _destroy("aclDestroyTensorList", handle)


def create_scalar_list(handles: Iterable[int]) -> int:
    """A list that takes over its scalars: destroying it destroys them."""
    return _create_array("aclCreateScalarList", array("Q", handles))


def destroy_scalar_list(handle: int) -> None:
    """Destroys the list and the scalars in it."""
    _destroy("aclDestroyScalarList", handle)


def destroy_executor(handle: int) -> None:
    """Drops an executor whose phase two was never called, or one that was made repeatable."""
    _destroy("aclDestroyAclOpExecutor", handle)


# The arrays are never written to, and the library copies them: they may be shared by all callers.


@functools.lru_cache(maxsize=4096)
def _geometry(
    shape: tuple[int, ...], strides: tuple[int, ...], storage_shape: tuple[int, ...]
) -> tuple[int, int, int, tuple[array[int], ...]]:
    """The addresses of all three in C, and the arrays that keep them valid."""
    arrays = _extents(shape), _integers("strides", strides), _extents(storage_shape)
    dims, steps, storage = (each.buffer_info()[0] for each in arrays)
    return dims, steps, storage, arrays


def _extents(values: tuple[int, ...]) -> array[int]:
    if any(value < 0 for value in values):
        raise ValueError(f"shape {values} has a negative dimension")
    return _integers("shape", values)


def _integers(name: str, values: Iterable[int]) -> array[int]:
    values = tuple(values)
    try:
        return array("q", values)
    except (TypeError, OverflowError):
        return array("q", [checked(f"{name}[{i}]", value, INT64) for i, value in enumerate(values)])


def _create_array(function: str, data: array[int] | array[float]) -> int:
    handle: int | None = functions[function](data.buffer_info()[0], len(data))
    return handle or _raise_refused(function, f"values: {data.tolist()}")


def _destroy(function: str, handle: int) -> None:
    if not libraries.is_open():
        return
    status = functions[function](checked("handle", handle, UINT64))
    if status:
        raise AclError.from_status(function, status, (f"handle: {handle:#x}",))


def _refused(function: str, *arguments: str) -> AclError:
    """A create call reports no status, only NULL; the text says why."""
    text = libraries.recent_message() or "NULL was returned"
    return ParameterError(function, _PARAM_INVALID, text, arguments)


def _raise_refused(function: str, *arguments: str) -> int:
    raise _refused(function, *arguments)
