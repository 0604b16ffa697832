"""When a device passed an event, by the host's clock."""

from __future__ import annotations

import time
from typing import Final

from ascend_ops._cann import timing
from ascend_ops._cann.timing import IdleStream

_ATTEMPTS: Final = 3
_FARTHEST_NS: Final = 4_000_000_000  # CANN tells milliseconds as a float: beyond, microseconds get lost


class DeviceClock:
    """Made, and asked, while its device is current."""

    def __init__(self) -> None:
        self._anchor, self._at = 0, 0
        self._spare: list[int] = []
        stream = IdleStream()
        attempts = [self._attempt(stream) for _ in range(_ATTEMPTS if stream.handle else 0)]
        stream.close()
        if attempts:
            _, self._at, self._anchor = min(attempts)
            self._spare += [event for _, _, event in attempts if event != self._anchor]

    def _attempt(self, stream: IdleStream) -> tuple[int, int, int]:
        """How long the host waited for an event, when that was passed, and the event."""
        event = self.event()
        before = time.monotonic_ns()
        waited = stream.pass_event(event)
        after = time.monotonic_ns()
        return (after - before if waited else _FARTHEST_NS), (before + after) // 2, event

    def event(self) -> int:
        """An event to be recorded, 0 when there is none."""
        try:
            return self._spare.pop()
        except IndexError:
            return timing.create_event()

    def give_back(self, *events: int) -> None:
        """The events may be used again."""
        self._spare += [event for event in events if event not in (0, self._anchor)]

    def interval(self, start: int, end: int, earliest: int) -> tuple[int, int] | None:
        """When two events were passed, in nanoseconds; None when that cannot be told. The first one was
        recorded not before `earliest`, by which the clock is corrected."""
        since, lasted = timing.elapsed_ns(self._anchor, start), timing.elapsed_ns(start, end)
        if since is None or lasted is None:
            return None
        self._at += max(0, earliest - (self._at + since))
        began = self._at + since
        if since > _FARTHEST_NS:
            self._spare.append(self._anchor)
            self._anchor, self._at = start, began
        return began, began + max(0, lasted)

    def close(self) -> None:
        """Destroys the events that were given back."""
        for event in {*self._spare, self._anchor} - {0}:
            timing.destroy_event(event)
