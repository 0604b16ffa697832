"""The operators' helpers that run on the host, in one call: sizes of weights and packing of scales."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Final

from ascend_ops._cann import nn
from ascend_ops._cann.enums import DataType
from ascend_ops._cann.errors import AclError
from ascend_ops._cann.lifecycle import functions

_FLOAT: Final = 4  # bytes
_PACKED: Final = 8

_free = ctypes.CDLL(None).free  # the C library's: what CANN hands out was calloc'ed
_free.restype, _free.argtypes = None, [ctypes.c_void_p]


def matmul_weight_size(shape: Sequence[int], dtype: DataType) -> int:
    """aclnnCalculateMatmulWeightSizeV2: elements of the FRACTAL_NZ storage of a weight."""
    name, size = "aclnnCalculateMatmulWeightSizeV2", ctypes.c_uint64()
    handle = nn.create_int_array(shape)
    try:
        status = functions[name](handle, dtype, ctypes.byref(size))
        if status:
            raise AclError.from_status(name, status, (f"tensorShape: {list(shape)}", f"dataType: {dtype!r}"))
    finally:
        nn.destroy(handle)
    return size.value


def trans_quant_param(scale: bytes, offset: bytes | None) -> bytes:
    """aclnnTransQuantParam: float32 scales and offsets as uint64, with the zeros that CANN appends."""
    name, packed, count = "aclnnTransQuantParam", ctypes.c_void_p(), ctypes.c_uint64()
    sizes = len(scale) // _FLOAT, len(offset or b"") // _FLOAT
    given = (scale, sizes[0], offset, sizes[1])
    status = functions[name](*given, ctypes.byref(packed), ctypes.byref(count))
    if status:
        raise AclError.from_status(name, status, (f"scaleSize: {sizes[0]}", f"offsetSize: {sizes[1]}"))
    try:
        return ctypes.string_at(packed, count.value * _PACKED)
    finally:
        _free(packed)
