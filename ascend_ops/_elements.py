"""Moving the elements of tensors between host and device: views with gaps, permuted axes, sub-byte elements.

Elements that lie in the device as they lie in the host array are copied once. What has to be rearranged goes
piece by piece, so that the bytes in between stay in the caches instead of filling a second array.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np

from ascend_ops import dtypes, formats
from ascend_ops._cann.enums import Format
from ascend_ops._layout import Layout, Shape, contiguous_strides, merged
from ascend_ops.dtypes import Array, DType
from ascend_ops.runtime import transfer
from ascend_ops.runtime.memory import Block
from ascend_ops.runtime.stream import Stream
from ascend_ops.runtime.transfer import Rows

SMALL_BYTES: Final = 16 << 10  # up to here, a copy costs less than asking NumPy for an address
PIECE_BYTES: Final = 1 << 20
ROW_BYTES: Final = 512  # what the start of a row costs, in bytes that could be copied meanwhile
MOST_ROW_BYTES: Final = 5_000_000  # aclrtMemcpy2d takes no wider rows,
MOST_ROWS: Final = 5 << 20  # and no more of them


class Span(NamedTuple):
    """The whole bytes `start` to `stop` of a block that hold a view, whose first element is element `skip` of
    them. `exact`: they hold nothing else; `plain`: they are what the host array holds."""

    start: int
    stop: int
    skip: int
    exact: bool
    plain: bool


@functools.lru_cache(maxsize=4096)
def _span(layout: Layout, bits: int, nbytes: int) -> Span:
    group = 8 // math.gcd(bits, 8)  # the fewest elements that fill whole bytes
    first = layout.offset - layout.offset % group
    last = -(-layout.stop // group) * group
    start, stop = first * bits // 8, min(last * bits // 8, nbytes)
    exact = layout.is_contiguous and first == layout.offset and last == layout.stop
    return Span(start, stop, layout.offset - first, exact, exact and bits >= 8)


def fill(block: Block, array: Array, dtype: DType, stream: Stream) -> None:
    """Writes a host array into a block that was made for it, behind the work queued on `stream`."""
    _put(block, 0, array, dtype, stream, fresh=not block.recycled)


def write(block: Block, layout: Layout, dtype: DType, source: Array, stream: Stream) -> None:
    """Writes a host array into a view of its shape, behind the work queued on `stream`."""
    block.need_device(stream)
    if layout.size == 0:
        return
    span = _span(layout, dtype.bits, block.nbytes)
    if span.exact:
        _put(block, span.start, source, dtype, stream)
    elif rows := _rows(layout, dtype, span):
        transfer.upload_rows(block, rows, dtypes.pack(source, dtype), stream)
    else:
        elements = _elements(block, span, dtype)
        _view(elements, layout, span)[...] = source
        transfer.upload(block, span.start, dtypes.pack(elements, dtype), stream)


def _put(block: Block, start: int, array: Array, dtype: DType, stream: Stream, fresh: bool = False) -> None:
    """Writes the elements of a host array, in C order, from byte `start` on."""
    if array.nbytes <= SMALL_BYTES and dtype.bits >= 8:
        transfer.upload(block, start, array.tobytes(), stream, fresh)
    elif array.flags.c_contiguous and dtype.bits >= 8:
        transfer.upload(block, start, dtypes.pack(array, dtype), stream, fresh)
    else:
        for first, piece in _pieces(array, dtype):
            transfer.upload(block, start + first * dtype.bits // 8, dtypes.pack(piece, dtype), stream, fresh)


def _pieces(array: Array, dtype: DType) -> Iterator[tuple[int, Array]]:
    """Parts of the array that follow each other in C order, with the index of their first element.

    All but the last fill whole bytes."""
    rows = array if dtype.bits >= 8 else np.ascontiguousarray(array).reshape(-1)
    if not rows.size:
        return
    step = _piece_length(rows.shape[0], rows.nbytes)
    if dtype.bits < 8:
        step += -step % 8
    for i in range(0, rows.shape[0], step):
        yield i * (rows.size // rows.shape[0]), rows[i : i + step]


def _piece_length(length: int, nbytes: int) -> int:
    """How much of an axis of that length makes a piece, where all of it is `nbytes`."""
    return max(1, length * PIECE_BYTES // nbytes)


def read(block: Block, layout: Layout, dtype: DType) -> Array:
    """The elements of a view as a new C-ordered array."""
    host = dtype.host()
    if layout.size == 0:
        return np.empty(layout.shape, host)
    span = _span(layout, dtype.bits, block.nbytes)
    if span.plain:
        return np.ndarray(layout.shape, host, transfer.download(block, span.start, span.stop - span.start))
    out = np.empty(layout.shape, host)
    if rows := _rows(layout, dtype, span):
        transfer.download_rows(block, rows, out.reshape(-1).view(np.uint8))
    else:
        _read_pieces(out, block, layout, dtype, span)
    return out


def _read_pieces(out: Array, block: Block, layout: Layout, dtype: DType, span: Span) -> None:
    """Fills `out` along the axis whose elements lie farthest apart."""
    axes = [axis for axis in layout.outermost_first if layout.shape[axis] > 1]
    length = layout.shape[axes[0]] if axes else 1
    step = _piece_length(length, span.stop - span.start)
    if step >= length:
        out[...] = _view(_elements(block, span, dtype), layout, span)
        return
    for i in range(0, length, step):
        key = (*[slice(None)] * axes[0], slice(i, i + step))
        part = layout.index(key)
        _read_pieces(out[key], block, part, dtype, _span(part, dtype.bits, block.nbytes))


def read_tiles(block: Block, layout: Layout, dtype: DType, storage: Shape) -> Array:
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
    tiles = read(block, Layout.contiguous(storage), dtype)
    return np.ascontiguousarray(np.transpose(formats.from_nz(tiles, shape), np.argsort(order)))


def _rows(layout: Layout, dtype: DType, span: Span) -> Rows | None:
    """The view as rows at a fixed distance, where copying those takes less than copying the gaps too."""
    runs = merged(layout.shape, layout.strides)
    if runs and runs[0][1] != 1:
        runs.insert(0, (1, 1))
    if len(runs) != 2 or dtype.bits < 8:
        return None
    (elements, _), (height, pitch) = runs
    size = dtype.bits // 8
    rows = Rows(layout.offset * size, elements * size, height, pitch * size)
    cheap = height * (rows.width + ROW_BYTES) <= span.stop - span.start
    return rows if cheap and rows.width <= MOST_ROW_BYTES and height <= MOST_ROWS else None


def _elements(block: Block, span: Span, dtype: DType) -> Array:
    """All elements of the span's bytes, 1-D."""
    raw = transfer.download(block, span.start, span.stop - span.start)
    return dtypes.unpack(raw, dtype, raw.size * 8 // dtype.bits)


def _view(elements: Array, layout: Layout, span: Span) -> Array:
    """The view's elements among those of the span."""
    strides = [stride * elements.itemsize for stride in layout.strides]
    # Over plain bytes: NumPy cannot export every ml_dtypes array as a buffer.
    start = span.skip * elements.itemsize
    return np.ndarray(layout.shape, elements.dtype, elements.view(np.uint8), start, strides)
