"""What a collective may be given: the element types of HCCL, contiguous tensors, outputs that fit."""

from __future__ import annotations

import functools
import operator
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np

from ascend_ops import _host
from ascend_ops._cann.errors import UnsupportedError
from ascend_ops.dtypes import DType, float32
from ascend_ops.runtime.device import Device
from ascend_ops.tensor import Tensor, asarray, empty

if TYPE_CHECKING:  # numpy.typing and the enums are dear to import
    import numpy.typing as npt

    from ascend_ops._cann.enums import HcclDataType, HcclReduceOp

    TensorLike: TypeAlias = Tensor | npt.ArrayLike

# DType name -> HcclDataType name. The numbers differ from those of aclDataType.
_TYPES: Final = {
    "int8": "INT8",
    "int16": "INT16",
    "int32": "INT32",
    "int64": "INT64",
    "uint8": "UINT8",
    "uint16": "UINT16",
    "uint32": "UINT32",
    "uint64": "UINT64",
    "float16": "FP16",
    "float32": "FP32",
    "float64": "FP64",
    "bfloat16": "BFP16",
    "hifloat8": "HIF8",
    "float8_e4m3fn": "FP8E4M3",
    "float8_e5m2": "FP8E5M2",
    "float8_e8m0fnu": "FP8E8M0",
}
_OPS: Final = ("sum", "prod", "max", "min")


def element_type(name: str, dtype: DType) -> HcclDataType:
    """HCCL's number for an element type. TypeError, naming the argument, when it has none."""
    if dtype.name not in _TYPES:
        raise TypeError(
            f"{name} has dtype {dtype}, which HCCL does not know; it has {', '.join(_TYPES)}. To move bytes "
            "only, use Tensor.view('uint8')"
        )
    return _numbers()[0][dtype.name]


def reduction(op: object) -> HcclReduceOp:
    """HCCL's number for "sum", "prod", "max" or "min"; ValueError for anything else."""
    if not isinstance(op, str) or op not in _OPS:
        raise ValueError(f"op is {op!r}; use one of {', '.join(map(repr, _OPS))}")
    return _numbers()[1][op]


@functools.cache
def _numbers() -> tuple[dict[str, HcclDataType], dict[str, HcclReduceOp]]:
    """The enums' members by the names used here; made at the first collective."""
    from ascend_ops._cann.enums import HcclDataType, HcclReduceOp

    types = {name: HcclDataType[member] for name, member in _TYPES.items()}
    return types, {name: HcclReduceOp[name.upper()] for name in _OPS}


def integer(name: str, value: Any, wanted: str = "an integer") -> int:
    """`value` as an int. TypeError for what is none, and for booleans."""
    if not isinstance(value, (bool, np.bool_)):
        with suppress(TypeError):
            return operator.index(value)
    raise TypeError(f"{name} must be {wanted}, not {type(value).__name__} ({value!r})")


def rank_number(name: str, value: Any, size: int) -> int:
    """`value` as the number of one of `size` ranks."""
    rank = integer(name, value)
    if not 0 <= rank < size:
        raise ValueError(f"{name} is {rank}; the communicator has ranks 0 to {size - 1}")
    return rank


def tensor_in(name: str, value: TensorLike, device: Device) -> Tensor:
    """An input as a usable Tensor; array-likes are uploaded to the current device, which is `device`."""
    if isinstance(value, Tensor):
        return usable(name, value, device)
    return asarray(*_host.array(value, None if hasattr(value, "dtype") else _for_numbers(name, value), name))


def _for_numbers(name: str, value: TensorLike) -> DType | None:
    """float32 for Python floats, which HCCL does not reduce as float64."""
    return float32 if _host.as_numpy(value, name).dtype == "float64" else None


@contextmanager
def reducing(x: Tensor, op: str) -> Iterator[None]:
    """Says in the library's refusal of a reduction what it is about and what to do next."""
    try:
        yield
    except UnsupportedError as error:
        advice = "convert it first, for instance x.astype(np.float32) of a NumPy array, or use another op"
        error.arguments = (f"x: {x.dtype}, not reduced with op {op!r} here; {advice}", *error.arguments)
        raise


def usable(name: str, value: object, device: Device) -> Tensor:
    """`value`, which must be an open, contiguous Tensor of the communicator's device."""
    if not isinstance(value, Tensor):
        raise TypeError(f"{name} must be a Tensor (asarray makes one), not {type(value).__name__}")
    if value.closed:
        raise ValueError(f"{name} is a closed Tensor; close() gave up its memory")
    if value.block.device_index != device.index:
        raise ValueError(
            f"{name} is on device {value.block.device_index}, the communicator's rank on device "
            f"{device.index}; make the tensor with that device current"
        )
    if not value.contiguous:
        raise ValueError(
            f"{name} is {value!r}; HCCL wants the elements in C order without gaps. Make such a copy first, "
            "for instance asarray(t.numpy())"
        )
    return value


def output(out: object, like: Tensor, shape: Sequence[int], device: Device) -> Tensor:
    """The caller's output, or a new one, of the dtype of `like`."""
    shape = tuple(shape)
    if out is None:
        return empty(shape, like.dtype)
    given = usable("out", out, device)
    if given.dtype is not like.dtype or given.shape != shape:
        raise ValueError(
            f"out is {given.dtype} of shape {given.shape}; this call writes {like.dtype} of shape {shape}"
        )
    return given


def ends(x: Tensor, out: Tensor, *, in_place: bool) -> tuple[int, int]:
    """Where the elements of both start. ValueError when they share memory, unless they are the same and that
    is allowed."""
    source, target = first_byte(x), first_byte(out)
    if target < source + x.nbytes and source < target + out.nbytes and not (in_place and source == target):
        allowed = "all of x, or none of it" if in_place else "none of x's memory"
        raise ValueError(f"out shares memory with x; it may use {allowed}")
    return source, target


def first_byte(tensor: Tensor) -> int:
    """Device address of the first element of a contiguous tensor."""
    return tensor.address + tensor.dtype.nbytes(tensor.offset)
