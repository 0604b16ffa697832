"""Host arrays for device tensors: accepting array-likes, and moving views with gaps and sub-byte elements."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ascend_ops import dtypes, formats
from ascend_ops._cann.enums import Format
from ascend_ops._layout import Layout, Shape, contiguous_strides
from ascend_ops.dtypes import Array, DType
from ascend_ops.runtime import transfer
from ascend_ops.runtime.memory import Block
from ascend_ops.runtime.stream import Stream

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
        return np.broadcast_to(converted, shape)
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
    if source.dtype == host:
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


def download(block: Block, layout: Layout, dtype: DType) -> Array:
    """The elements of a view as a new C-ordered array."""
    dtype.host()
    if layout.size == 0:
        return np.empty(layout.shape, dtype.host())
    span = _Span(block, layout, dtype)
    view = span.view(span.read())
    return view if layout.is_contiguous else view.copy()


def download_tiles(block: Block, layout: Layout, dtype: DType, storage: Shape) -> Array:
    """The elements of a view of FRACTAL_NZ storage, whose axes may be permuted, as a new C-ordered array."""
    order = layout.outermost_first
    shape = tuple(layout.shape[axis] for axis in order)
    steps = contiguous_strides(shape)
    known = formats.storage_shape(shape, dtype, Format.FRACTAL_NZ)
    if storage != known or any(layout.strides[axis] != steps[i] for i, axis in enumerate(order)):
        raise ValueError(
            f"FRACTAL_NZ storage {storage} is not that of {dtype} {layout.shape} with strides "
            f"{layout.strides}: which elements lie where is not known here"
        )
    tiles = download(block, Layout.contiguous(storage), dtype)
    return np.ascontiguousarray(np.transpose(formats.from_nz(tiles, shape), np.argsort(order)))


def overwrite(block: Block, layout: Layout, dtype: DType, source: Array, stream: Stream) -> None:
    """Writes a host array into a view, behind the work queued on `stream`."""
    span = _Span(block, layout, dtype)
    if layout.size == 0:
        return
    if layout.is_contiguous and span.exact:
        transfer.upload(block, span.start, dtypes.pack(source, dtype), stream)
        return
    elements = span.read()
    span.view(elements)[...] = source
    transfer.upload(block, span.start, dtypes.pack(elements, dtype), stream)


class _Span:
    """The whole bytes of a block that hold a view, and the elements in them."""

    def __init__(self, block: Block, layout: Layout, dtype: DType) -> None:
        self.block, self.layout, self.dtype = block, layout, dtype
        group = 8 // math.gcd(dtype.bits, 8)  # the fewest elements that fill whole bytes
        first = layout.offset - layout.offset % group
        last = -(-layout.stop // group) * group
        self.skip = layout.offset - first
        self.start = first * dtype.bits // 8
        self.stop = min(last * dtype.bits // 8, block.nbytes)
        # No neighbour's element in these bytes: only padding may follow the last one.
        self.exact = self.skip == 0 and (
            last == layout.stop or self.stop == dtype.nbytes(layout.stop) == block.nbytes
        )

    def read(self) -> Array:
        """All elements of the bytes, 1-D."""
        raw = transfer.download(self.block, self.start, self.stop - self.start)
        return dtypes.unpack(raw, self.dtype, raw.size * 8 // self.dtype.bits)

    def view(self, elements: Array) -> Array:
        """The view's elements among those of the bytes."""
        strides = [stride * elements.itemsize for stride in self.layout.strides]
        start = self.skip * elements.itemsize
        # Over plain bytes: NumPy cannot export every ml_dtypes array as a buffer.
        return np.ndarray(self.layout.shape, elements.dtype, elements.view(np.uint8), start, strides)
