"""Which schedule of the stand-in is in force (include/ascend_stub/schedule.h)."""

from __future__ import annotations

import ctypes
from typing import Final

from ascend_ops._cann import libraries
from ascend_ops._cann.errors import ParameterError
from ascend_ops._cann.stub_watch import function

_LONGEST = 64  # bytes; no schedule's words are longer
ALL: Final = 2**64 - 1


def words() -> str:
    """The schedule in force, "" for none. MissingFunctionError on a real CANN."""
    buffer = ctypes.create_string_buffer(_LONGEST)
    function("stub_schedule_get")(buffer, _LONGEST)
    return buffer.value.decode()


def use(schedule: str) -> None:
    """Puts a schedule in force. ParameterError for one that does not exist."""
    status = function("stub_schedule_set")(schedule.encode())
    if status:
        text = libraries.recent_message()
        raise ParameterError("stub_schedule_set", status, text, (f"schedule: {schedule!r}",))


def step(tasks: int) -> int:
    """Lets that many held tasks run and waits for them; how many there were."""
    return int(function("stub_schedule_step")(tasks))


def reachable() -> bool:
    """Whether the stand-in may still be asked: not at exit, nor in a forked child."""
    return libraries.is_open()
