"""Time-stamped events and memory use, for who records calls: none of these calls is recorded itself, and none
raises for a status, because what is being measured may have failed."""

from __future__ import annotations

import ctypes
from typing import Final

from ascend_ops._cann.enums import EventFlag, EventRecordedStatus, MemAttr
from ascend_ops._cann.lifecycle import functions

_FLAGS: Final = EventFlag.SYNC | EventFlag.CAPTURE_STREAM_PROGRESS | EventFlag.TIME_LINE
_byref = ctypes.byref


def create_event() -> int:
    """An event that notes when it is passed; 0 when there is none."""
    event = ctypes.c_void_p()
    status = functions["aclrtCreateEventExWithFlag"](_byref(event), int(_FLAGS))
    return 0 if status else event.value or 0


def destroy_event(event: int) -> None:
    functions["aclrtDestroyEvent"](event)


def record_event(event: int, stream: int) -> bool:
    """Whether the event will be passed behind the work queued on the stream (0: the default stream)."""
    return not functions["aclrtRecordEvent"](event, stream)


def passed(event: int) -> bool:
    """Whether a recorded event was passed."""
    state = ctypes.c_int()
    status = functions["aclrtQueryEventStatus"](event, _byref(state))
    return not status and state.value == EventRecordedStatus.COMPLETE


def elapsed_ns(start: int, end: int) -> int | None:
    """Nanoseconds between two events that were passed; None when they cannot be told."""
    elapsed = ctypes.c_float()
    status = functions["aclrtEventElapsedTime"](_byref(elapsed), start, end)
    return None if status else round(elapsed.value * 1e6)


def memory_in_use() -> int | None:
    """Bytes of the current device's memory, by whomever they are used."""
    free, total = ctypes.c_size_t(), ctypes.c_size_t()
    status = functions["aclrtGetMemInfo"](int(MemAttr.HBM_MEM), _byref(free), _byref(total))
    return None if status else total.value - free.value


class IdleStream:
    """A stream of the current device for events that nothing stands before."""

    def __init__(self) -> None:
        stream = ctypes.c_void_p()
        status = functions["aclrtCreateStream"](_byref(stream))
        self.handle = 0 if status else stream.value or 0

    def pass_event(self, event: int) -> bool:
        """Records the event and waits for it."""
        return record_event(event, self.handle) and not functions["aclrtSynchronizeStream"](self.handle)

    def close(self) -> None:
        if self.handle:
            functions["aclrtDestroyStream"](self.handle)
