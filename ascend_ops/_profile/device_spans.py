"""What runs on devices, timed by a pair of events around each piece of queued work."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from ascend_ops._cann import timing
from ascend_ops._profile.clock import DeviceClock
from ascend_ops.runtime.device import activated

Row = tuple[int, int]  # device, handle of the stream

_MANY: Final = 256  # pieces of work that may wait for their times; devices have few events


class Work(NamedTuple):
    """One piece of work, `reads` and `writes` in bytes. `queued` is when the call began that put it into its
    stream."""

    category: str
    name: str
    task: str
    row: Row
    thread: int
    queued: int
    reads: int
    writes: int


class Timed(NamedTuple):
    """When work ran, in nanoseconds of the host's clock."""

    work: Work
    began: int
    ended: int


class _Waiting(NamedTuple):
    work: Work
    recorded: int  # not before this nanosecond
    start: int
    end: int


class DeviceSpans:
    """The work of all streams that was queued through `around`."""

    def __init__(self) -> None:
        self.timed: list[Timed] = []
        self._waiting: deque[_Waiting] = deque()
        self._clocks: dict[int, DeviceClock] = {}
        self._rows: dict[Row, threading.RLock] = {}
        self._over: dict[Row, int] = {}  # when the latest work that is known ended
        self._lock = threading.RLock()  # for the clocks and for taking from those that wait

    def around(self, row: Row, queue: Callable[[], tuple[int, Work | None]]) -> int:
        """Has `queue` put work into a stream of the current device, between two events. It returns a status,
        which is passed on, and what the work is: None when it was refused."""
        clock = self.clock(row[0])
        with self._rows.setdefault(row, threading.RLock()):  # else another thread's work gets in between
            start, end = clock.event(), clock.event()
            recorded = time.monotonic_ns()
            complete = bool(start and end) and timing.record_event(start, row[1])
            status, work = queue()
            if work is not None and complete and timing.record_event(end, row[1]):
                self._waiting.append(_Waiting(work, recorded, start, end))
            else:
                clock.give_back(start, end)
        if status == 0 and len(self._waiting) > _MANY:  # else the caller asks C what went wrong
            self._settle_some()
        return status

    def clock(self, device: int) -> DeviceClock:
        """That of the current device, made when it is asked for first."""
        found = self._clocks.get(device)
        if found is None:
            with self._lock:
                found = self._clocks.get(device) or self._clocks.setdefault(device, DeviceClock())
        return found

    def _settle_some(self) -> None:
        """Times the oldest ones if they are over, two for each that comes in."""
        if self._lock.acquire(blocking=False):
            try:
                for _ in range(2):
                    if not (self._waiting and self._settle(self._waiting[0])):
                        return
                    self._waiting.popleft()
            finally:
                self._lock.release()

    def _settle(self, item: _Waiting) -> bool:
        """Whether the work is over, and its time known."""
        device = item.work.row[0]
        with activated(device):
            if not timing.passed(item.end):
                return False
            clock = self._clocks[device]
            interval = clock.interval(item.start, item.end, item.recorded)
            clock.give_back(item.start, item.end)
        if interval is not None:
            self._note(item.work, *interval)
        return True

    def _note(self, work: Work, began: int, ended: int) -> None:
        """An idle stream passes the first event before the work is queued; and times are rounded."""
        began = max(began, work.queued, self._over.get(work.row, 0))
        ended = self._over[work.row] = max(began, ended)
        self.timed.append(Timed(work, began, ended))

    def finish(self) -> None:
        """Times all that is over by now; the rest is left out."""
        with self._lock:
            while self._waiting:
                item = self._waiting.popleft()
                if not self._settle(item):
                    self._clocks[item.work.row[0]].give_back(item.start, item.end)
            for device, clock in self._clocks.items():
                with activated(device):
                    clock.close()

    @property
    def rows(self) -> Iterator[Row]:
        """The streams that work was timed on."""
        yield from dict.fromkeys(each.work.row for each in self.timed)
