"""Events: points in a stream that the host, and other streams, can wait for."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, NoReturn

from ascend_ops._cann import rt
from ascend_ops._cann.enums import EventFlag
from ascend_ops._cann.errors import AclError
from ascend_ops.runtime import _lifetime, device

if TYPE_CHECKING:
    from ascend_ops.runtime.stream import Stream

_USUAL = EventFlag.SYNC | EventFlag.CAPTURE_STREAM_PROGRESS  # streams can wait for it, and so can the host

_live: dict[int, int] = {}  # handle -> device
# Handles of events that were dropped: a finalizer runs on any thread and inside any other call, so it only
# leaves the handle here. CANN lets an unfinished event be destroyed.
orphans: deque[int] = deque()


class Event:
    """A point in a stream's work. It belongs to the calling thread's current device.

    `timing=True` lets `elapsed` measure milliseconds between two events. May be recorded again and again; the
    last record counts. An event that was never recorded counts as done.
    """

    def __init__(self, timing: bool = False) -> None:
        self._handle = 0
        self.device_index = device.ensure_current()
        destroy_orphans()
        self.timing = timing
        self.recorded = False
        self._handle = rt.create_event(_USUAL | EventFlag.TIME_LINE if timing else _USUAL)
        _live[self._handle] = self.device_index

    @property
    def handle(self) -> int:
        """The aclrtEvent; ValueError when the event is closed."""
        if not self._handle:
            raise ValueError("this Event is closed; create another one")
        return self._handle

    def record(self, stream: Stream | None = None) -> Event:
        """Marks the work queued so far on `stream` (default: the current one). Returns the event itself."""
        from ascend_ops.runtime.stream import current_stream

        return (stream or current_stream()).record(self)

    def query(self) -> bool:
        """Whether the work before the last record is finished (True when never recorded)."""
        if not self.recorded:
            return True
        with device.activated(self.device_index):
            return rt.event_done(self.handle)

    def synchronize(self) -> None:
        """Waits for the work before the last record."""
        if self.recorded:
            with device.activated(self.device_index):
                rt.synchronize_event(self.handle)

    def passed(self) -> bool:
        """As `query`, but an error of the device counts as not finished."""
        try:
            return self.query()
        except AclError:
            return False

    def elapsed(self, end: Event) -> float:
        """Milliseconds from this event to `end`, after waiting for both.

        ValueError unless both were made with `timing=True` and recorded.
        """
        for name, event in (("start", self), ("end", checked_event("end", end))):
            if not (event.timing and event.recorded):
                raise ValueError(
                    f"{name}: elapsed needs events made with Event(timing=True) and recorded; got {event!r}"
                )
        end.synchronize()
        self.synchronize()
        with device.activated(self.device_index):
            return rt.elapsed_ms(self.handle, end.handle)

    def close(self) -> None:
        """Gives the event back. Work that waits for it is not disturbed. May be repeated."""
        handle, self._handle = self._handle, 0
        if handle and _lifetime.running():
            with device.activated(self.device_index):
                _destroy(handle)

    def __del__(self, orphans: deque[int] = orphans) -> None:  # globals may be gone at exit
        if self._handle:
            orphans.append(self._handle)

    def __reduce__(self) -> NoReturn:
        raise TypeError("events cannot be copied or pickled")

    def __repr__(self) -> str:
        state = "recorded" if self.recorded else "not recorded"
        return f"<Event {'timing, ' if self.timing else ''}{state if self._handle else 'closed'}>"


def checked_event(name: str, value: object) -> Event:
    """`value`, which must be an Event."""
    if isinstance(value, Event):
        return value
    raise TypeError(f"{name}: expected an Event, got {type(value).__name__}; Stream.record() makes one")


def destroy_orphans() -> None:
    """Destroys the events whose objects are gone."""
    while orphans:
        try:
            handle = orphans.popleft()
        except IndexError:  # another thread was faster
            return
        _destroy(handle)


def _destroy(handle: int) -> None:
    # Forgotten first: once destroyed, another thread may be given the same handle.
    if _live.pop(handle, None) is not None:
        rt.destroy_event(handle)


@_lifetime.at_shutdown
def _destroy_all() -> None:
    for handle, index in list(_live.items()):
        with device.activated(index):
            _destroy(handle)
