"""Element types: the table that connects aclDataType with NumPy and ml_dtypes, and the packing of sub-byte
types.

A `DType` is accepted wherever NumPy accepts a dtype (`np.zeros(3, ao.int4)`) and compares equal to what names
the same type (`t.dtype == np.float16`).
"""

from __future__ import annotations

import reprlib
from typing import Any

import ml_dtypes
import numpy as np

from ascend_ops._cann.enums import DataType

Array = np.ndarray[Any, np.dtype[Any]]
Bytes = np.ndarray[Any, np.dtype[np.uint8]]

_PAIR = np.dtype("<u2")  # two bytes, the first one in the lower bits


class DType:
    """One element type of CANN.

    Attributes: `name` (NumPy's or ml_dtypes' where they have one), `code` (the aclDataType), `bits` per
    element in device memory, `numpy` (dtype of the host array, None when neither NumPy nor ml_dtypes can
    express the type: such tensors can be allocated and passed to operators, not uploaded or downloaded).
    """

    __slots__ = ("bits", "code", "name", "numpy")

    def __init__(self, name: str, code: DataType, bits: int, numpy: np.dtype[Any] | None) -> None:
        self.name, self.code, self.bits, self.numpy = name, code, bits, numpy

    @property
    def dtype(self) -> np.dtype[Any]:
        """The hook by which NumPy turns this object into a dtype."""
        return self.host()

    def host(self) -> np.dtype[Any]:
        """Dtype of the host array that holds such elements; TypeError when there is none."""
        if self.numpy is None:
            raise TypeError(
                f"dtype {self.name}: neither NumPy nor the installed ml_dtypes {ml_dtypes.__version__} can "
                "express it, so it has no host arrays; move the bytes as uint8 (Tensor.view) instead"
            )
        return self.numpy

    def nbytes(self, count: int) -> int:
        """Bytes that `count` elements take, rounded up to whole bytes."""
        return (count * self.bits + 7) // 8

    def __repr__(self) -> str:
        return f"ascend_ops.{self.name}"

    def __str__(self) -> str:
        return self.name

    def __eq__(self, other: object) -> bool:
        if isinstance(other, DType):
            return self is other
        try:
            return dtype(other) is self
        except TypeError:
            return False

    def __hash__(self) -> int:
        return hash(self.name if self.numpy is None else self.numpy)

    def __reduce__(self) -> tuple[Any, ...]:
        return dtype, (self.name,)


def _host_dtype(name: str) -> np.dtype[Any] | None:
    source = getattr(ml_dtypes, name, None) or getattr(np, name, None)
    return None if source is None else np.dtype(source)


def _declare(name: str, code: str, bits: int) -> DType:
    return DType(name.rstrip("_"), DataType[code], bits, _host_dtype(name))


float16 = _declare("float16", "FLOAT16", 16)
float32 = _declare("float32", "FLOAT", 32)
float64 = _declare("float64", "DOUBLE", 64)
bfloat16 = _declare("bfloat16", "BF16", 16)
int4 = _declare("int4", "INT4", 4)
int8 = _declare("int8", "INT8", 8)
int16 = _declare("int16", "INT16", 16)
int32 = _declare("int32", "INT32", 32)
int64 = _declare("int64", "INT64", 64)
uint1 = _declare("uint1", "UINT1", 1)
uint8 = _declare("uint8", "UINT8", 8)
uint16 = _declare("uint16", "UINT16", 16)
uint32 = _declare("uint32", "UINT32", 32)
uint64 = _declare("uint64", "UINT64", 64)
bool_ = _declare("bool_", "BOOL", 8)
complex32 = _declare("complex32", "COMPLEX32", 32)
complex64 = _declare("complex64", "COMPLEX64", 64)
complex128 = _declare("complex128", "COMPLEX128", 128)
hifloat8 = _declare("hifloat8", "HIFLOAT8", 8)
hifloat4 = _declare("hifloat4", "HIFLOAT4", 4)
float8_e5m2 = _declare("float8_e5m2", "FLOAT8_E5M2", 8)
float8_e4m3fn = _declare("float8_e4m3fn", "FLOAT8_E4M3FN", 8)
float8_e8m0fnu = _declare("float8_e8m0fnu", "FLOAT8_E8M0", 8)
float6_e3m2fn = _declare("float6_e3m2fn", "FLOAT6_E3M2", 6)
float6_e2m3fn = _declare("float6_e2m3fn", "FLOAT6_E2M3", 6)
float4_e2m1fn = _declare("float4_e2m1fn", "FLOAT4_E2M1", 4)
float4_e1m2 = _declare("float4_e1m2", "FLOAT4_E1M2", 4)

ALL: tuple[DType, ...] = tuple(value for value in list(globals().values()) if isinstance(value, DType))

_by_code = {int(each.code): each for each in ALL}
_by_numpy = {each.numpy: each for each in ALL if each.numpy is not None}
_by_name = {each.name: each for each in ALL} | {each.code.name.lower(): each for each in ALL}


def names() -> str:
    """The names of all element types, for messages."""
    return ", ".join(each.name for each in ALL)


def dtype(spec: object, argument: str = "dtype") -> DType:
    """Resolves what names an element type: a DType, a DataType, a name ("bfloat16", "int4",
    "ACL_BF16"), a NumPy or ml_dtypes dtype or scalar type, `float`, `int`, `bool`, `complex`.

    Raises TypeError, naming `argument`, for everything else (object, str, datetime64, records ...).
    """
    if isinstance(spec, DType):
        return spec
    found = _by_numpy.get(spec) if isinstance(spec, np.dtype) else None  # what every upload asks
    found = found or _lookup(spec)
    if found is None:
        raise TypeError(f"{argument}: {_shown(spec)} is not an element type of CANN; use one of {names()}")
    return found


def _lookup(spec: object) -> DType | None:
    if isinstance(spec, DataType):
        return _by_code.get(int(spec))
    if isinstance(spec, str):
        named = _by_name.get(spec.lower().removeprefix("acl_"))
        if named is not None:
            return named
    if spec is None or isinstance(spec, int):
        return None
    try:
        return _by_numpy.get(np.dtype(spec).newbyteorder("="))  # type: ignore[call-overload]
    except (TypeError, ValueError):
        return None


def _shown(spec: object) -> str:
    return str(spec) if isinstance(spec, np.dtype) else reprlib.repr(spec)


def pack(array: Array, target: DType) -> Bytes:
    """The bytes of a host array as the device stores them, 1-D and contiguous.

    Elements of fewer than 8 bits are packed in C order, the element with the lower index in the lower bits;
    bits past the last element are 0. `array` has the dtype `target.host()`. The result may share memory with
    `array`.
    """
    raw = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
    if target.bits >= 8:
        return raw
    if target.bits == 4:
        return _pack_nibbles(raw)
    bits = np.unpackbits(raw[:, None], axis=1, bitorder="little", count=target.bits)
    return np.packbits(bits, bitorder="little")


def _pack_nibbles(raw: Bytes) -> Bytes:
    pairs = raw[: raw.size // 2 * 2].view(_PAIR)  # two at a time: without gaps, and so in vectors
    both = (pairs >> _PAIR.type(4)) & _PAIR.type(0xF0)
    both |= pairs & _PAIR.type(0x0F)
    packed = np.empty((raw.size + 1) // 2, np.uint8)
    packed[: pairs.size] = both
    packed[pairs.size :] = raw[pairs.size * 2 :] & np.uint8(0x0F)
    return packed


def unpack(raw: Bytes, source: DType, count: int) -> Array:
    """`count` elements (1-D) out of device bytes; the inverse of `pack`. May share memory with `raw`."""
    host = source.host()
    if source.bits >= 8:
        return raw[: source.nbytes(count)].view(host)
    if source.bits == 4:
        return _unpack_nibbles(raw, count).view(host)
    bits = np.unpackbits(raw, count=count * source.bits, bitorder="little").reshape(count, source.bits)
    return np.packbits(bits, axis=1, bitorder="little").reshape(-1).view(host)


def _unpack_nibbles(raw: Bytes, count: int) -> Bytes:
    both = raw.astype(_PAIR)
    both |= both << _PAIR.type(4)
    both &= _PAIR.type(0x0F0F)
    return both.view(np.uint8)[:count]
