"""Descriptors of aclnn operators: tensors, scalars, arrays and lists, as handles that C functions take.

Every create call copies what it is given except a tensor's data address. A handle may be destroyed as soon as
phase two of the operators that use it has returned. One serves one call, or one executor: some operators of
CANN write into the descriptors they are given (a dtype, a format, an address of their own), so one that they
used is not what it was. Destroying does nothing once C may not be called any more (see `rt`).
"""

from __future__ import annotations

import ctypes
import functools
from array import array
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NoReturn, TypeVar

from ascend_ops._cann import libraries
from ascend_ops._cann.carguments import CArgument, int64s, pointer, size
from ascend_ops._cann.enums import DataType, Format
from ascend_ops._cann.errors import AclError, MissingFunctionError, ParameterError
from ascend_ops._cann.lifecycle import untyped
from ascend_ops._cann.ranges import INT64, UINT64, checked
from ascend_ops._cann.scalars import scalar_bytes

_PARAM_INVALID = 161002  # ACLNN_ERR_PARAM_INVALID


class Handle(ctypes.c_void_p):
    """A descriptor. `value` is its address; NULL is false."""


class TensorHandle(Handle):
    """An aclTensor."""


class ScalarHandle(Handle):
    """An aclScalar."""


class IntArrayHandle(Handle):
    """An aclIntArray."""


class FloatArrayHandle(Handle):
    """An aclFloatArray."""


class BoolArrayHandle(Handle):
    """An aclBoolArray."""


class TensorListHandle(Handle):
    """An aclTensorList, which owns its tensors."""


class ScalarListHandle(Handle):
    """An aclScalarList, which owns its scalars."""


_CREATE: dict[type[Handle], str] = {
    each: f"aclCreate{each.__name__.removesuffix('Handle')}"
    for each in (
        *(TensorHandle, ScalarHandle, IntArrayHandle, FloatArrayHandle, BoolArrayHandle),
        *(TensorListHandle, ScalarListHandle),
    )
}
_DESTROY = {each: name.replace("Create", "Destroy") for each, name in _CREATE.items()}


def destroy(handle: Handle) -> None:
    """Destroys a descriptor; that of a list destroys what is in it too."""
    failure = destroy_all([handle])
    if failure is not None:
        raise failure


def destroy_all(handles: list[Handle]) -> AclError | None:
    """Destroys all descriptors, the last one first, and empties the list, whichever fails; returns the first
    failure."""
    failure = None
    if not libraries.is_open():
        handles.clear()
    while handles:
        handle = handles.pop()
        status = untyped[_DESTROY[type(handle)]](handle)
        if status and failure is None:
            given = (f"handle: {handle.value or 0:#x}",)
            failure = AclError.from_status(_DESTROY[type(handle)], status, given)
    return failure


def create_tensor(
    shape: Sequence[int],
    dtype: DataType,
    strides: Sequence[int],
    offset: int,
    format: Format,
    storage_shape: Sequence[int],
    address: int,
) -> TensorHandle:
    """A tensor descriptor. Shapes, strides and offset count elements; `address` is where the storage starts
    (the library adds the offset itself), 0 for an empty tensor."""
    maker = tensor_maker(tuple(shape), dtype, tuple(strides), offset, format, tuple(storage_shape))
    handle: TensorHandle = maker(pointer(checked("address", address, UINT64)))
    if not handle:
        refuse_tensor(shape, dtype, strides, offset, storage_shape)
    return handle


TensorMaker = Callable[[CArgument], TensorHandle]


@functools.lru_cache(maxsize=4096)
def tensor_maker(
    shape: tuple[int, ...],
    dtype: DataType,
    strides: tuple[int, ...],
    offset: int,
    format: Format,
    storage_shape: tuple[int, ...],
) -> TensorMaker:
    """aclCreateTensor with everything but the address: all tensors of one geometry share one maker, which has
    its arguments ready. A handle that it returns may be NULL; see `refuse_tensor`."""
    if len(strides) != len(shape):
        raise ValueError(
            f"strides has {len(strides)} entries for a shape of {len(shape)}; give one per dimension"
        )
    dims, steps, storage = _extents(shape), _int64s("strides", strides), _extents(storage_shape)
    return functools.partial(
        _creator(TensorHandle),
        *(dims, size(len(shape)), ctypes.c_int.from_param(dtype), steps),
        ctypes.c_int64.from_param(checked("offset", offset, INT64)),
        *(ctypes.c_int.from_param(format), storage, size(len(storage_shape))),
    )


# What makes a tensor's descriptor, and the address to make it with. The address of a piece of the memory pool
# is one object as long as the piece exists, so that equal ones are found again.
Making = tuple[TensorMaker, CArgument]


def refuse_tensor(
    shape: Sequence[int],
    dtype: DataType,
    strides: Sequence[int],
    offset: int,
    storage_shape: Sequence[int],
) -> NoReturn:
    """Raises why aclCreateTensor returned NULL just now."""
    text = (
        f"shape: {shape}",
        f"dtype: {dtype!r}",
        f"strides: {strides}",
        f"offset: {offset}",
        f"storage_shape: {storage_shape}",
    )
    _refuse("aclCreateTensor", *text)


def view_shape(tensor: CArgument) -> tuple[int, ...]:
    """The shape that a descriptor has now: some operators change it in phase two."""
    dims, count = ctypes.POINTER(ctypes.c_int64)(), ctypes.c_uint64()
    status = untyped["aclGetViewShape"](tensor, ctypes.byref(dims), ctypes.byref(count))
    if status:
        raise AclError.from_status("aclGetViewShape", status)
    shape = tuple(dims[: count.value])
    _deleter()(dims)
    return shape


@functools.cache
def _deleter() -> Callable[..., Any]:
    """operator delete[], which queries make their arrays for. The stand-in uses malloc in a process that has
    no C++ when it is loaded."""
    everywhere = ctypes.CDLL(None)
    for library in (*map(libraries.open_library, libraries.files("nnopbase")), everywhere):
        if hasattr(library, "_ZdaPv"):
            found: Callable[..., Any] = library["_ZdaPv"]
            return found
    return everywhere["free"]


libraries.on_close(_deleter.cache_clear)


def create_scalar(value: int | float | bool | complex, dtype: DataType) -> ScalarHandle:
    """A scalar of the given type. OverflowError when the type cannot hold the value."""
    data = array("B", scalar_bytes(value, dtype))
    handle = _creator(ScalarHandle)(pointer(data.buffer_info()[0]), ctypes.c_int.from_param(dtype))
    if not handle:
        _refuse("aclCreateScalar", f"value: {value!r}", f"dtype: {dtype!r}")
    return handle


def create_int_array(values: Iterable[int]) -> IntArrayHandle:
    return _create(IntArrayHandle, _integers("values", values))


def create_float_array(values: Iterable[float]) -> FloatArrayHandle:
    return _create(FloatArrayHandle, array("f", values))


def create_bool_array(values: Iterable[bool]) -> BoolArrayHandle:
    return _create(BoolArrayHandle, array("B", map(bool, values)))


def create_tensor_list(handles: Iterable[TensorHandle]) -> TensorListHandle:
    """A list that takes over its tensors: destroying it destroys them."""
    return _create(TensorListHandle, array("Q", [handle.value or 0 for handle in handles]))


def create_scalar_list(handles: Iterable[ScalarHandle]) -> ScalarListHandle:
    """A list that takes over its scalars: destroying it destroys them."""
    return _create(ScalarListHandle, array("Q", [handle.value or 0 for handle in handles]))


def set_repeatable(executor: ctypes.c_void_p) -> bool:
    """Whether the library lets the executor run more than once from now on. Call it right behind phase one.

    False where the operator or this CANN cannot (executors that copy data themselves, or come out of CANN's
    own cache); the executor is as it was then.
    """
    try:
        status: int = untyped["aclSetAclOpExecutorRepeatable"](executor)
    except MissingFunctionError:
        return False
    if status:
        libraries.recent_message()  # the next failure shall not be explained by this refusal
    return status == 0


def destroy_executor(executor: ctypes.c_void_p) -> None:
    """Drops an executor whose phase two was never called, or one that was made repeatable."""
    status = untyped["aclDestroyAclOpExecutor"](executor) if libraries.is_open() else 0
    if status:
        raise AclError.from_status(
            "aclDestroyAclOpExecutor", status, (f"executor: {executor.value or 0:#x}",)
        )


AddressSetter = Callable[[CArgument], int]


def address_setter(
    executor: ctypes.c_void_p, index: int, tensor: TensorHandle, written: bool
) -> AddressSetter:
    """What gives a repeatable executor's tensor a new storage address (a multiple of 32 bytes) and returns
    the status. `index` counts the inputs, or if `written` the outputs, in C order, NULL ones too."""
    name = "aclSetOutputTensorAddr" if written else "aclSetInputTensorAddr"
    return functools.partial(untyped[name], executor, size(index), tensor)


H = TypeVar("H", bound=Handle)
_creators: dict[type[Handle], Callable[..., Any]] = {}


def _creator(kind: type[H]) -> Callable[..., H]:
    """The function that makes such handles."""
    found = _creators.get(kind)
    if found is None:
        found = untyped[_CREATE[kind]]
        found.restype = kind  # type: ignore[attr-defined]
        _creators[kind] = found
    return found


libraries.on_close(_creators.clear)
libraries.on_close(tensor_maker.cache_clear)


def _create(kind: type[H], data: array[int] | array[float]) -> H:
    handle = _creator(kind)(pointer(data.buffer_info()[0]), size(len(data)))
    if not handle:
        _refuse(_CREATE[kind], f"values: {data.tolist()}")
    return handle


def _extents(values: tuple[int, ...]) -> CArgument:
    if any(value < 0 for value in values):
        raise ValueError(f"shape {values} has a negative dimension")
    return _int64s("shape", values)


def _int64s(name: str, values: tuple[int, ...]) -> CArgument:
    """The library copies the array, so that all calls with the same one may share it."""
    return int64s(tuple(_integers(name, values)))


def _integers(name: str, values: Iterable[int]) -> array[int]:
    values = tuple(values)
    try:
        return array("q", values)
    except (TypeError, OverflowError):
        return array("q", [checked(f"{name}[{i}]", value, INT64) for i, value in enumerate(values)])


def _refuse(function: str, *arguments: str) -> NoReturn:
    """A create call reports no status, only NULL; the text says why."""
    text = libraries.recent_message() or "NULL was returned"
    raise ParameterError(function, _PARAM_INVALID, text, arguments)
