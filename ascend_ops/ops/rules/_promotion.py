"""CANN's promotion of element types, as PromoteType and the operators' scalar rules have it.

Tensors promote by a table that follows PyTorch's categories (bool < integers < floating < complex). A scalar
raises the category of the tensor it meets, never the width inside a category: float16 with 2.5 stays float16,
int32 with 2.5 becomes float32, bool with 2 becomes int64.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from ascend_ops import dtypes
from ascend_ops.dtypes import DType

_INTEGERS: Final = (dtypes.bool_, dtypes.uint8, dtypes.int8, dtypes.int16, dtypes.int32, dtypes.int64)
_FLOATS: Final = (dtypes.bfloat16, dtypes.float16, dtypes.float32, dtypes.float64)
_COMPLEX: Final = (dtypes.complex32, dtypes.complex64, dtypes.complex128)
_COMPLEX_OF: Final = {
    dtypes.bfloat16: dtypes.complex64,
    dtypes.float16: dtypes.complex32,
    dtypes.float32: dtypes.complex64,
    dtypes.float64: dtypes.complex128,
}
_SMALL_FLOATS: Final = (
    dtypes.hifloat8,
    dtypes.float8_e5m2,
    dtypes.float8_e4m3fn,
    dtypes.float8_e8m0fnu,
    dtypes.float6_e3m2fn,
    dtypes.float6_e2m3fn,
    dtypes.float4_e2m1fn,
    dtypes.float4_e1m2,
)


def is_complex(dtype: DType) -> bool:
    """Whether the elements are complex numbers."""
    return dtype in _COMPLEX


def is_floating(dtype: DType) -> bool:
    """Whether the elements are real floating-point numbers."""
    return dtype in _FLOATS or dtype in _SMALL_FLOATS


def is_integral(dtype: DType) -> bool:
    """Whether the elements are integers or truth values."""
    return not is_complex(dtype) and not is_floating(dtype)


def promote(a: DType, b: DType) -> DType | None:
    """The type in which elements of `a` and `b` meet, None where CANN knows none."""
    if a is b:
        return a
    if is_complex(a) or is_complex(b):
        return _promote_complex(*((a, b) if is_complex(a) else (b, a)))
    if a in _FLOATS or b in _FLOATS:
        return _promote_floating(*((a, b) if a in _FLOATS else (b, a)))
    return _promote_integers(a, b)


def _promote_complex(a: DType, b: DType) -> DType | None:
    if b in _INTEGERS:
        return a
    other = _COMPLEX_OF.get(b, b)
    return _COMPLEX[max(_COMPLEX.index(a), _COMPLEX.index(other))] if other in _COMPLEX else None


def _promote_floating(a: DType, b: DType) -> DType | None:
    if b in _INTEGERS:
        return a
    if b not in _FLOATS:
        return None
    wide = _FLOATS[max(_FLOATS.index(a), _FLOATS.index(b))]
    return dtypes.float32 if wide is dtypes.float16 else wide


def _promote_integers(a: DType, b: DType) -> DType | None:
    if a not in _INTEGERS or b not in _INTEGERS:
        return None
    if {a, b} == {dtypes.uint8, dtypes.int8}:
        return dtypes.int16
    return _INTEGERS[max(_INTEGERS.index(a), _INTEGERS.index(b))]


def scalar_dtype(value: Any) -> DType:
    """The type that stands for a scalar in promotions: float32 for floating, complex64 for complex ones."""
    given = dtypes.dtype(value.dtype) if isinstance(value, np.generic) else _python_dtype(value)
    if is_complex(given):
        return dtypes.complex64
    return dtypes.float32 if is_floating(given) else given


def _python_dtype(value: Any) -> DType:
    if isinstance(value, bool):
        return dtypes.bool_
    if isinstance(value, int):
        return dtypes.int64
    return dtypes.complex64 if isinstance(value, complex) else dtypes.float32


def promote_with_scalar(tensor: DType, scalar: DType) -> DType | None:
    """The type in which a tensor meets a scalar of type `scalar` (from `scalar_dtype`)."""
    if is_complex(tensor):
        return tensor
    if is_complex(scalar):
        return _COMPLEX_OF.get(tensor, scalar)
    if is_floating(tensor):
        return tensor
    if tensor is dtypes.bool_ or is_floating(scalar):
        return promote(tensor, scalar)
    return tensor
