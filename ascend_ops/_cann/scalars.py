"""The bytes of a scalar value in the C type of an aclDataType."""

from __future__ import annotations

import struct
from typing import Final

from ascend_ops._cann import ranges
from ascend_ops._cann.enums import DataType

_INTEGERS: Final = {
    DataType.INT8: ("b", ranges.INT8),
    DataType.INT16: ("h", ranges.INT16),
    DataType.INT32: ("i", ranges.INT32),
    DataType.INT64: ("q", ranges.INT64),
    DataType.UINT8: ("B", ranges.UINT8),
    DataType.UINT16: ("H", ranges.UINT16),
    DataType.UINT32: ("I", ranges.UINT32),
    DataType.UINT64: ("Q", ranges.UINT64),
}
# The "=" matters: without it, struct turns a number that is too large into infinity.
_REALS: Final = {DataType.FLOAT16: "=e", DataType.FLOAT: "=f", DataType.DOUBLE: "=d"}
_COMPLEX: Final = {DataType.COMPLEX64: "=2f", DataType.COMPLEX128: "=2d"}


def scalar_bytes(value: int | float | bool | complex, dtype: DataType) -> bytes:
    """`value` as the C type of `dtype`, rounded to nearest where it is a floating type.

    TypeError for a value of the wrong kind, OverflowError for one too large, ValueError for a type that
    cannot be a scalar.
    """
    if dtype in _INTEGERS:
        code, limits = _INTEGERS[dtype]
        return struct.pack(code, ranges.checked("value", value, limits))
    if dtype == DataType.BOOL:
        return struct.pack("?", value)
    if dtype in _COMPLEX:
        number = complex(value)
        return _packed(_COMPLEX[dtype], dtype, number.real, number.imag)
    if isinstance(value, complex):
        raise TypeError(f"value is complex ({value}), but {dtype.name} is not; take its real part")
    if dtype in _REALS:
        return _packed(_REALS[dtype], dtype, float(value))
    if dtype == DataType.BF16:
        return _bfloat16(float(value))
    raise ValueError(
        f"dtype {DataType(dtype).name} cannot be a scalar; use FLOAT, an integer type, BOOL or complex"
    )


def _packed(code: str, dtype: DataType, *values: float) -> bytes:
    try:
        return struct.pack(code, *values)
    except OverflowError:
        raise OverflowError(
            f"value {values[0] if len(values) == 1 else complex(*values)} does not fit {dtype.name}"
        ) from None


def _bfloat16(value: float) -> bytes:
    """The upper half of the float32, rounded half to even."""
    (bits,) = struct.unpack("=I", _packed("=f", DataType.BF16, value))
    if value != value:  # rounding could turn a NaN's payload into infinity
        return struct.pack("H", 0x7FC0)
    return struct.pack("H", (bits + 0x7FFF + (bits >> 16 & 1)) >> 16)
