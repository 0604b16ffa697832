"""Copies between host memory and device blocks, and between blocks, in the order of streams.

Where the streams are idle a copy is plain. Where they are busy, small and medium ones take their place in the
stream, through a buffer of CANN's or pinned memory, and only large ones wait.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np

from ascend_ops._cann import rt
from ascend_ops._cann.enums import MemcpyKind
from ascend_ops.runtime import device, memory
from ascend_ops.runtime.memory import Block
from ascend_ops.runtime.stream import Stream, current_stream

Bytes = np.ndarray[Any, np.dtype[np.uint8]]
Data = Bytes | bytes  # contiguous

# Up to here a buffer that CANN makes for the copy is cheaper than a piece of pinned memory, and a second copy
# of what was downloaded is cheaper than a second round trip to the device.
SMALL_BYTES: Final = 64 << 10
# Up to here, one extra host copy buys an upload that does not wait for a busy stream.
STAGED_BYTES: Final = 4 << 20


class Rows(NamedTuple):
    """`height` runs of `width` bytes that begin `pitch` bytes apart, the first one at byte `start`."""

    start: int
    width: int
    height: int
    pitch: int


def upload(block: Block, start: int, data: Data, stream: Stream, fresh: bool = False) -> None:
    """Copies `data` to byte `start` of the block behind the work queued on `stream`.

    `data` may change afterwards. `fresh` says that no queued work can use the block.
    """
    if len(data) == 0:
        return
    block.need_device(stream)
    if device.ensure_current() == block.device_index:
        _upload(block, start, data, stream, fresh)
    else:
        with device.activated(block.device_index):
            _upload(block, start, data, stream, fresh)


def _upload(block: Block, start: int, data: Data, stream: Stream, fresh: bool) -> None:
    if not (fresh or block.idle(stream)):
        if _upload_queued(block, start, data, stream):
            return
        stream.synchronize()
        block.synchronize()
    to, room = block.address + start, block.nbytes - start
    rt.memcpy(to, room, _source(data), len(data), MemcpyKind.HOST_TO_DEVICE)


def _upload_queued(block: Block, start: int, data: Data, stream: Stream) -> bool:
    """Has the stream copy what `data` holds now; False when it is too much or there is no pinned memory."""
    count = len(data)
    if count > STAGED_BYTES:
        return False
    block.use_on(stream)
    to, room, source = block.address + start, block.nbytes - start, _source(data)
    if count <= SMALL_BYTES:
        rt.memcpy_async(to, room, source, count, MemcpyKind.HOST_TO_BUF_TO_DEVICE, stream.handle)
        return True
    staged = memory.staging(count, stream)
    if staged is None:
        return False
    rt.memmove(staged.address, source, count)
    rt.memcpy_async(to, room, staged.address, count, MemcpyKind.HOST_TO_DEVICE, stream.handle)
    return True


def download(block: Block, start: int, nbytes: int) -> Bytes:
    """Bytes `start` to `start + nbytes` of the block, after the streams that use it have finished."""
    out = np.empty(nbytes, np.uint8)
    if nbytes == 0:
        block.synchronize()
    elif device.ensure_current() == block.device_index:
        _download(block, start, out)
    else:
        with device.activated(block.device_index):
            _download(block, start, out)
    return out


def _download(block: Block, start: int, out: Bytes) -> None:
    if not (out.size <= SMALL_BYTES and _download_queued(block, start, out)):
        block.synchronize()
        source = block.address + start
        rt.memcpy(rt.address_of(out), out.size, source, out.size, MemcpyKind.DEVICE_TO_HOST)


def _download_queued(block: Block, start: int, out: Bytes) -> bool:
    """Queues the copy behind the work on the only stream that uses the block, the calling thread's, and waits
    once. False when others use the block, when there is nothing to wait for, or no pinned memory."""
    stream = current_stream()
    if not block.used_only_on(stream) or stream.aborted or stream.passed():
        return False
    staged = memory.staging(out.size, stream)
    if staged is None:
        return False
    count, source = out.size, block.address + start
    rt.memcpy_async(staged.address, staged.nbytes, source, count, MemcpyKind.DEVICE_TO_HOST, stream.handle)
    block.synchronize()
    rt.memmove(rt.address_of(out), staged.address, count)
    staged.release()
    return True


def upload_rows(block: Block, rows: Rows, data: Bytes, stream: Stream) -> None:
    """Copies `data`, the rows without gaps, behind the work queued on `stream`, for which it waits."""
    block.need_device(stream)
    with device.activated(block.device_index):
        if not block.idle(stream):
            stream.synchronize()
            block.synchronize()
        to, width, height = block.address + rows.start, rows.width, rows.height
        kind = MemcpyKind.HOST_TO_DEVICE
        rt.memcpy_2d(to, rows.pitch, _address(data), width, width, height, kind)


def download_rows(block: Block, rows: Rows, out: Bytes) -> None:
    """The rows without gaps in `out`, after the streams that use the block have finished."""
    block.synchronize()
    with device.activated(block.device_index):
        source, width, height = block.address + rows.start, rows.width, rows.height
        kind = MemcpyKind.DEVICE_TO_HOST
        rt.memcpy_2d(rt.address_of(out), width, source, rows.pitch, width, height, kind)


def copy(block: Block, source: Block, start: int, nbytes: int, stream: Stream) -> None:
    """Copies bytes `start` to `start + nbytes` of `source` to the beginning of the block, on `stream`."""
    if nbytes == 0:
        return
    block.use_on(stream)
    source.use_on(stream)
    with device.activated(block.device_index):
        kind = MemcpyKind.DEVICE_TO_DEVICE
        rt.memcpy_async(block.address, block.nbytes, source.address + start, nbytes, kind, stream.handle)


def clear(block: Block, stream: Stream) -> None:
    """Sets all bytes of the block to 0 behind the work queued on `stream`."""
    if block.nbytes == 0:
        return
    block.use_on(stream)
    with device.activated(block.device_index):
        rt.memset_async(block.address, block.nbytes, 0, block.nbytes, stream.handle)


def _source(data: Data) -> int | bytes:
    return data if isinstance(data, bytes) else _address(data)


def _address(array: Bytes) -> int:  # the array may be read-only
    address: int = array.ctypes.data
    return address
