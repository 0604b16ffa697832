"""Host arrays for device tensors: accepting array-likes and converting them to element types of CANN."""

from __future__ import annotations

from typing import Any

import numpy as np

from ascend_ops import dtypes
from ascend_ops._layout import Shape
from ascend_ops.dtypes import Array, DType

# Types so narrow that a value which does not fit is a mistake, not a wish for modular arithmetic.
_RANGES = {dtypes.int4: (-8, 7), dtypes.uint1: (0, 1)}
_NOT_NUMBERS = {np.object_, np.str_, np.bytes_, np.void, np.datetime64, np.timedelta64}


def array(x: Any, target: DType | None, argument: str) -> tuple[Array, DType]:
    """`x` as a host array of a dtype that CANN has, and that dtype. TypeError naming the argument if not."""
    source = as_numpy(x, argument)
    element = dtypes.dtype(source.dtype, argument) if target is None else target
    return _converted(x, source, element, argument), element


def fitting(x: Any, shape: Shape, target: DType, argument: str) -> Array:
    """`x` converted to `target` and broadcast to `shape`."""
    source = as_numpy(x, argument)
    converted = _converted(x, source, target, argument)
    try:
        return converted if converted.shape == shape else np.broadcast_to(converted, shape)
    except ValueError:
        raise ValueError(
            f"{argument}: shape {source.shape} cannot be broadcast to the tensor's {shape}"
        ) from None


def as_numpy(x: Any, argument: str) -> Array:
    """`x` as NumPy sees it; NumPy's TypeError or ValueError, with the argument's name, when it cannot."""
    try:
        return np.asarray(x)
    except (TypeError, ValueError) as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"{argument}: not convertible to a NumPy array: {error}") from error


def _converted(x: Any, source: Array, target: DType, argument: str) -> Array:
    host = target.host()
    if source.dtype is host or source.dtype == host:
        return source
    if source.dtype.type in _NOT_NUMBERS:
        raise TypeError(
            f"{argument}: {source.dtype} is not an element type of CANN and not converted to {target}"
        )
    if target in _RANGES:
        _check_range(source, target, argument)
    elif not hasattr(x, "dtype"):
        return _numbers(x, source, host, argument)
    return source.astype(host)


def _numbers(x: Any, source: Array, host: np.dtype[Any], argument: str) -> Array:
    """Python numbers as an array. They must fit: NumPy before 2.0 wraps them, its later errors do not name
    the argument."""
    if host.kind in "iu" and source.dtype.kind in "iu" and source.size:
        limits = np.iinfo(host)
        for value in (int(source.min()), int(source.max())):
            if not limits.min <= value <= limits.max:
                raise OverflowError(
                    f"{argument}: not convertible to {host}: {value} is not in {limits.min} to {limits.max}"
                )
    try:
        return np.asarray(x, host)
    except (TypeError, OverflowError) as error:
        kind = TypeError if isinstance(error, TypeError) else OverflowError
        raise kind(f"{argument}: not convertible to {host}: {error}") from error


def _check_range(source: Array, target: DType, argument: str) -> None:
    low, high = _RANGES[target]
    if source.size and not (source.min() >= low and source.max() <= high):
        raise ValueError(
            f"{argument}: values from {source.min()} to {source.max()}; {target} holds {low} to {high}"
        )


def python_number(single: Array) -> Any:
    """The one element as int, float, bool or complex (ml_dtypes' own `item` gives back its scalar type)."""
    value = single.reshape(-1)[0]
    native = value.item() if hasattr(value, "item") else value
    return native if isinstance(native, int | float | complex) else float(native)
