"""CANN's runtime in Python: every failing status is an `AclError`, handles and addresses are plain ints (NULL
is 0).

A stream of 0 is the default stream of the calling thread's context. The first call initialises ACL. Functions
that give something back (`free`, `destroy_*`) do nothing once C may not be called any more: after `finalise`,
and in a forked child, whose parent still owns the handle.
"""

from __future__ import annotations

import ctypes
import math
import threading
import time
from typing import Any, Final

from ascend_ops._cann import libraries, watching
from ascend_ops._cann.calls import call as _call
from ascend_ops._cann.calls import give_back as _give_back
from ascend_ops._cann.enums import (
    EventFlag,
    EventRecordedStatus,
    MemAttr,
    MemcpyKind,
    MemMallocPolicy,
    StreamStatus,
)
from ascend_ops._cann.errors import AclError
from ascend_ops._cann.lifecycle import finalise, functions, initialise
from ascend_ops._cann.ranges import INT32, UINT8, UINT32, checked
from ascend_ops._cann.ranges import address as _pointer
from ascend_ops._cann.ranges import size as _size
from ascend_ops._cann.versions import cann_version

__all__ = [
    "abort_stream",
    "address_of",
    "cann_version",
    "create_event",
    "create_stream",
    "current_context",
    "destroy_event",
    "destroy_stream",
    "device_count",
    "elapsed_ms",
    "event_done",
    "finalise",
    "free",
    "free_host",
    "get_device",
    "host_view",
    "initialise",
    "malloc",
    "malloc_host",
    "mem_info",
    "memcpy",
    "memcpy_2d",
    "memcpy_async",
    "memmove",
    "memset_async",
    "record_event",
    "reset_device",
    "set_current_context",
    "set_device",
    "soc_name",
    "stream_done",
    "stream_wait_event",
    "synchronize_device",
    "synchronize_event",
    "synchronize_stream",
]

_byref = ctypes.byref

_SYNC_TIMEOUT: Final = 507046  # ACL_ERROR_RT_STREAM_SYNC_TIMEOUT
_SPIN_SECONDS: Final = 200e-6  # a wait that is short ends without a nap
_LONGEST_NAP: Final = 1e-3


# Devices and contexts


def set_device(device: int) -> None:
    """Makes a device's primary context current for the calling thread and adds a reference to it."""
    _call("aclrtSetDevice", checked("device", device, INT32))


def get_device() -> int:
    """The calling thread's device. AclError 107002 when the thread has none."""
    device = ctypes.c_int32()
    _call("aclrtGetDevice", _byref(device))
    return device.value


def reset_device(device: int) -> None:
    """Gives back one reference of `set_device`; the last one destroys the device's primary context."""
    _call("aclrtResetDevice", checked("device", device, INT32))


def device_count() -> int:
    count = ctypes.c_uint32()
    _call("aclrtGetDeviceCount", _byref(count))
    return count.value


def soc_name() -> str:
    """The product's name, for instance "Ascend910B3"; "" when the library does not tell."""
    name: bytes | None = functions["aclrtGetSocName"]()
    return (name or b"").decode("utf-8", "replace")


def mem_info() -> tuple[int, int]:
    """(free, total) bytes of the current device's HBM."""
    free, total = ctypes.c_size_t(), ctypes.c_size_t()
    _call("aclrtGetMemInfo", MemAttr.HBM_MEM, _byref(free), _byref(total))
    return free.value, total.value


def current_context() -> int:
    """The calling thread's context. AclError 107002 when it has none."""
    context = ctypes.c_void_p()
    _call("aclrtGetCurrentContext", _byref(context))
    return context.value or 0


def set_current_context(context: int) -> None:
    _call("aclrtSetCurrentContext", _pointer("context", context))


def synchronize_device() -> None:
    """Waits for everything queued on the calling thread's device."""
    _call("aclrtSynchronizeDevice")


# Streams


def create_stream() -> int:
    stream = ctypes.c_void_p()
    _call("aclrtCreateStream", _byref(stream))
    return stream.value or 0


def destroy_stream(stream: int) -> None:
    """Waits for the stream's work, then destroys it."""
    _give_back("aclrtDestroyStream", _pointer("stream", stream))


def synchronize_stream(stream: int, timeout_ms: int = -1) -> None:
    """Waits for the stream's work; -1 waits for ever. DeviceTimeoutError when the time is over, the error of
    a failed kernel where there is one. In the main thread Ctrl-C ends the wait."""
    stream, timeout_ms = _pointer("stream", stream), checked("timeout_ms", timeout_ms, INT32)
    if (timeout_ms == -1 or timeout_ms > 1) and threading.current_thread() is threading.main_thread():
        _synchronize_interruptibly(stream, timeout_ms)
    elif timeout_ms == -1:
        _call("aclrtSynchronizeStream", stream)
    else:
        _call("aclrtSynchronizeStreamWithTimeout", stream, timeout_ms)


def _synchronize_interruptibly(stream: int, timeout_ms: int) -> None:
    """Looks again and again instead of waiting in C: Python runs the handlers of signals in between, in the
    main thread only. Timeouts of C's own in short slices would not do: CANN reports each one as an error."""
    start = time.monotonic()
    end = math.inf if timeout_ms == -1 else start + timeout_ms / 1000
    while not _has_ended(stream) and (now := time.monotonic()) < end:
        if now - start > _SPIN_SECONDS:
            time.sleep(min(_LONGEST_NAP, (now - start) / 10))
    if watching.recorder is not None:
        watching.recorder.waited("aclrtStreamQuery", start)
    if end == math.inf or _has_ended(stream):
        _call("aclrtSynchronizeStream", stream)  # returns at once, with the error of the work that failed
        return
    try:
        _call("aclrtSynchronizeStreamWithTimeout", stream, 1)
    except AclError as error:  # its own millisecond is not what the caller gave
        error.arguments = (f"stream: {stream:#x}", f"timeout: {timeout_ms}")
        if error.code == _SYNC_TIMEOUT:
            error.message = f"the stream did not finish within {timeout_ms} ms."
        raise


def _has_ended(stream: int) -> bool:
    """Whether waiting would return at once, be it with an error."""
    state = ctypes.c_int()
    status = functions["aclrtStreamQuery"](stream, _byref(state))
    if status:
        libraries.recent_message()  # the wait says it again, if it is so
    return bool(status) or state.value == StreamStatus.COMPLETE


def abort_stream(stream: int) -> None:
    """Drops what is queued and ends what runs. MissingFunctionError where CANN cannot."""
    _call("aclrtStreamAbort", _pointer("stream", stream))


def stream_done(stream: int) -> bool:
    """Whether the stream has no work left. Does not wait."""
    state = ctypes.c_int()
    _call("aclrtStreamQuery", _pointer("stream", stream), _byref(state))
    return state.value == StreamStatus.COMPLETE


# Events


def create_event(flags: int = EventFlag.SYNC | EventFlag.CAPTURE_STREAM_PROGRESS) -> int:
    """A new event; `flags` combines EventFlag: TIME_LINE for `elapsed_ms`, SYNC for `stream_wait_event`."""
    event = ctypes.c_void_p()
    _call("aclrtCreateEventExWithFlag", _byref(event), checked("flags", flags, UINT32))
    return event.value or 0


def destroy_event(event: int) -> None:
    _give_back("aclrtDestroyEvent", _pointer("event", event))


def record_event(event: int, stream: int) -> None:
    """Marks the point the stream has been queued up to."""
    _call("aclrtRecordEvent", _pointer("event", event), _pointer("stream", stream))


def event_done(event: int) -> bool:
    """Whether the recorded point has been passed; True for an event never recorded. Does not wait."""
    state = ctypes.c_int()
    _call("aclrtQueryEventStatus", _pointer("event", event), _byref(state))
    return state.value == EventRecordedStatus.COMPLETE


def synchronize_event(event: int) -> None:
    _call("aclrtSynchronizeEvent", _pointer("event", event))


def stream_wait_event(stream: int, event: int) -> None:
    """Makes what is queued on the stream from now on wait for the event."""
    _call("aclrtStreamWaitEvent", _pointer("stream", stream), _pointer("event", event))


def elapsed_ms(start: int, end: int) -> float:
    """Milliseconds between two completed events made with EventFlag.TIME_LINE; negative when swapped."""
    elapsed = ctypes.c_float()
    _call("aclrtEventElapsedTime", _byref(elapsed), _pointer("start", start), _pointer("end", end))
    return elapsed.value


# Memory


def malloc(size: int) -> int:
    """Device memory, uninitialised, aligned to 64 bytes. OutOfMemoryError when there is not enough."""
    pointer = ctypes.c_void_p()
    _call("aclrtMalloc", _byref(pointer), _size("size", size), MemMallocPolicy.HUGE_FIRST)
    return pointer.value or 0


def free(address: int) -> None:
    """Frees device memory at once, even when queued work still uses it."""
    _give_back("aclrtFree", _pointer("address", address))


def malloc_host(size: int) -> int:
    """Pinned host memory. Needs a device to be set in the calling thread."""
    pointer = ctypes.c_void_p()
    _call("aclrtMallocHost", _byref(pointer), _size("size", size))
    return pointer.value or 0


def free_host(address: int) -> None:
    _give_back("aclrtFreeHost", _pointer("address", address))


def host_view(address: int, size: int) -> memoryview:
    """Writable bytes of host memory. The caller keeps the memory alive as long as the view."""
    if not _pointer("address", address):
        raise ValueError("address is NULL; give the address of host memory")
    return memoryview((ctypes.c_char * _size("size", size)).from_address(address)).cast("B")


def address_of(array: Any) -> int:
    """Where the elements of a writable C-ordered array are, as long as it lives."""
    return ctypes.addressof(ctypes.c_char.from_buffer(array))


def memmove(dst: int, src: int | bytes, count: int) -> None:
    """Copies between two ranges of host memory."""
    ctypes.memmove(_pointer("dst", dst), _source(src, count), _size("count", count))


def memcpy(dst: int, dst_max: int, src: int | bytes, count: int, kind: MemcpyKind) -> None:
    """Copies now, in no stream's order: synchronize the producer first. `dst_max` is the room at `dst`, `src`
    an address or the bytes themselves."""
    _call(
        "aclrtMemcpy",
        _pointer("dst", dst),
        _size("dst_max", dst_max),
        _source(src, count),
        _size("count", count),
        checked("kind", kind, INT32),
    )


def memcpy_async(dst: int, dst_max: int, src: int | bytes, count: int, kind: MemcpyKind, stream: int) -> None:
    """Queues a copy. Host memory must be pinned, and live until the stream has passed the copy; the source of
    kind HOST_TO_BUF_TO_DEVICE may be any memory and change at once."""
    _call(
        "aclrtMemcpyAsync",
        _pointer("dst", dst),
        _size("dst_max", dst_max),
        _source(src, count),
        _size("count", count),
        checked("kind", kind, INT32),
        _pointer("stream", stream),
    )


def memcpy_2d(
    dst: int, dst_pitch: int, src: int, src_pitch: int, width: int, height: int, kind: MemcpyKind
) -> None:
    """Copies `height` rows of `width` bytes that begin a pitch apart, now, between host and device."""
    _call(
        "aclrtMemcpy2d",
        _pointer("dst", dst),
        _size("dst_pitch", dst_pitch),
        _pointer("src", src),
        _size("src_pitch", src_pitch),
        _size("width", width),
        _size("height", height),
        checked("kind", kind, INT32),
    )


def _source(src: int | bytes, count: int) -> int | bytes:
    if not isinstance(src, bytes):
        return _pointer("src", src)
    if len(src) < count:
        raise ValueError(f"count is {count}; src has {len(src)} bytes")
    return src


def memset_async(dst: int, dst_max: int, value: int, count: int, stream: int) -> None:
    """Queues setting `count` bytes to `value` (0 to 255)."""
    _call(
        "aclrtMemsetAsync",
        _pointer("dst", dst),
        _size("dst_max", dst_max),
        checked("value", value, UINT8),
        _size("count", count),
        _pointer("stream", stream),
    )
