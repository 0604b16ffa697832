"""Copies between host arrays of bytes and device blocks, and between blocks, in the order of streams."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from ascend_ops._cann import rt
from ascend_ops._cann.enums import MemcpyKind
from ascend_ops.runtime import device, memory
from ascend_ops.runtime.memory import Block
from ascend_ops.runtime.stream import Stream

Bytes = np.ndarray[Any, np.dtype[np.uint8]]

# Up to here, one extra host copy buys an upload that does not wait for a busy stream.
STAGED_BYTES: Final = 4 << 20


def upload(block: Block, start: int, data: Bytes, stream: Stream, fresh: bool = False) -> None:
    """Copies `data` to byte `start` of the block behind the work queued on `stream`.

    `data` may change afterwards. `fresh` says that no queued work can use the block.
    """
    if data.size == 0:
        return
    block.need_device(stream)
    with device.activated(block.device_index):
        if fresh or block.idle(stream):
            _upload_at_once(block, start, data)
        elif data.size > STAGED_BYTES or not _upload_staged(block, start, data, stream):
            stream.synchronize()
            block.synchronize()
            _upload_at_once(block, start, data)


def _upload_staged(block: Block, start: int, data: Bytes, stream: Stream) -> bool:
    """Queues the copy out of pinned memory; False when there is none to be had."""
    block.use_on(stream)
    staged = memory.staging(data.size, stream)
    if staged is None:
        return False
    np.frombuffer(rt.host_view(staged.address, data.size), np.uint8)[:] = data
    to, room = block.address + start, block.nbytes - start
    rt.memcpy_async(to, room, staged.address, data.size, MemcpyKind.HOST_TO_DEVICE, stream.handle)
    return True


def _upload_at_once(block: Block, start: int, data: Bytes) -> None:
    """A plain copy, which overtakes everything that is queued."""
    to, room = block.address + start, block.nbytes - start
    rt.memcpy(to, room, _address(data), data.size, MemcpyKind.HOST_TO_DEVICE)


def download(block: Block, start: int, nbytes: int) -> Bytes:
    """Bytes `start` to `start + nbytes` of the block, after the streams that use it have finished."""
    block.synchronize()
    out = np.empty(nbytes, np.uint8)
    if nbytes:
        with device.activated(block.device_index):
            rt.memcpy(_address(out), nbytes, block.address + start, nbytes, MemcpyKind.DEVICE_TO_HOST)
    return out


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


def _address(array: Bytes) -> int:
    address: int = array.__array_interface__["data"][0]
    return address
