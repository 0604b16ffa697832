"""Streams: in-order queues of device work, and which one is current in a thread."""

from __future__ import annotations

import contextlib
import itertools
import math
import numbers
import threading
from collections import deque
from collections.abc import Callable
from typing import NoReturn

from ascend_ops._cann import carguments, rt
from ascend_ops._cann.carguments import CArgument
from ascend_ops._cann.errors import AclError, AscendError, DeviceTimeoutError
from ascend_ops.runtime import _lifetime, device
from ascend_ops.runtime.event import Event, checked_event

_serials = itertools.count(1)
_defaults: dict[int, Stream] = {}
_live: dict[int, tuple[int, int]] = {}  # handle -> (device, serial)
# Streams that were dropped. They live on here until they are destroyed: memory that was dropped in the same
# cycle of references still has to ask them.
orphans: deque[Stream] = deque()
_overdue: set[tuple[int, int]] = set()  # (device, handle) of those that a wait has given up on
_when_retired: list[Callable[[int, int], None]] = []


class _Entered(threading.local):
    """The streams whose blocks the calling thread is in, innermost last."""

    def __init__(self) -> None:
        self.streams: list[Stream] = []


_entered = _Entered()


class Stream:
    """An in-order queue of work on the calling thread's current device.

    Attributes: `device_index`, `is_default`, `closed`, `serial` (unique in the process).

    Work of different streams is not ordered unless one waits for an event of the other. As a context manager
    it is the calling thread's current stream (and its device the current device) inside the block; it stays
    open after it. A stream that is dropped without `close` is destroyed once its work is done.
    """

    def __init__(self) -> None:
        self._setup(device.ensure_current(), is_default=False)
        destroy_orphans(self.device_index)
        self._set_handle(rt.create_stream())
        _live[self._handle] = self.device_index, self.serial

    def _setup(self, device_index: int, is_default: bool) -> None:
        self.device_index = device_index
        self.is_default = is_default
        self._set_handle(0)
        self.serial = next(_serials)
        self.closed = False
        self.aborted = False
        self._others: set[Stream] = set()  # whose errors are this stream's too
        # Held while the stream is destroyed or the pool looks at it; never while work is queued.
        self._guard = threading.RLock()

    def _set_handle(self, handle: int) -> None:
        self._handle, self._argument = handle, carguments.pointer(handle)

    @property
    def argument(self) -> CArgument:
        """The `handle` as C functions take it; ValueError when closed."""
        return self._argument if not self.closed else self.handle

    @property
    def handle(self) -> int:
        """The aclrtStream, 0 for the default stream of the current device; ValueError when closed."""
        if self.closed:
            raise ValueError("this Stream is closed; use another one")
        return self._handle

    @property
    def done(self) -> bool:
        """Whether all work queued so far is finished."""
        with device.activated(self.device_index):
            return rt.stream_done(self.handle)

    def synchronize(self, timeout: float | None = None) -> None:
        """Waits until all work queued so far is finished, at most `timeout` seconds (None: without limit).

        In the main thread Ctrl-C ends the wait, not the work; in other threads give a timeout where work may
        hang.

        Raises DeviceTimeoutError when the time is over, AclError when some of the work failed, ValueError for
        a timeout that is not positive.
        """
        try:
            with device.activated(self.device_index):
                rt.synchronize_stream(self.handle, _milliseconds(timeout))
        except (DeviceTimeoutError, KeyboardInterrupt):
            _overdue.add((self.device_index, self._handle))
            raise
        if _overdue:
            _overdue.discard((self.device_index, self._handle))
        if self._others:
            self._settle_others(timeout)

    def also_settle(self, other: Stream) -> None:
        """Has `synchronize` raise the errors of `other` too, until that is closed. For a stream whose events
        this one waits for: an event counts as passed even when the work before it failed."""
        self._others.add(other)

    def _settle_others(self, timeout: float | None) -> None:
        for other in tuple(self._others):  # another thread may add one meanwhile
            if other.closed:
                self._others.discard(other)
            else:
                other.settle(timeout)

    def abort(self) -> None:
        """Drops what is queued and ends what runs; results of this stream are lost, and waiting for them
        raises AscendError. MissingFunctionError where CANN cannot."""
        with device.activated(self.device_index):
            rt.abort_stream(self.handle)
        self.aborted = True

    def record(self, event: Event | None = None) -> Event:
        """Records `event` (default: a new one) behind the work queued so far and returns it."""
        with device.activated(self.device_index):
            event = Event() if event is None else checked_event("event", event)
            if event.device_index != self.device_index:
                raise ValueError(
                    f"event: it belongs to device {event.device_index}, the stream to {self.device_index}"
                )
            rt.record_event(event.handle, self.handle)
            event.recorded = True
        return event

    def wait(self, event: Event) -> None:
        """Lets work queued from now on wait for `event` if it was ever recorded. The host does not wait."""
        if checked_event("event", event).recorded:
            with device.activated(self.device_index):
                rt.stream_wait_event(self.handle, event.handle)

    def close(self) -> None:
        """Waits for the work and destroys the stream. May be repeated; ValueError for a default stream."""
        if self.is_default:
            raise ValueError("a default stream cannot be closed; it belongs to its device")
        with self._guard:
            if self.closed:
                return
            self.closed = True
            if _lifetime.running():
                with device.activated(self.device_index):
                    _destroy(self._handle)

    def mark(self) -> Event | Stream:
        """Something whose `passed` turns true when the work queued so far is finished. Never waits."""
        if not self._guard.acquire(blocking=False):
            return self
        try:
            return self if self.closed else self.record(_spare_mark(self.device_index))
        except AclError:  # a broken stream takes no events
            return self
        finally:
            self._guard.release()

    def passed(self, unknown: bool = False) -> bool:
        """Whether the stream is closed or idle; `unknown` where the device does not tell. Never waits."""
        if not self._guard.acquire(blocking=False):
            return False
        try:
            return self.closed or rt.stream_done(self._handle)
        except AclError:  # what comes next says why
            return unknown
        finally:
            self._guard.release()

    def settle(self, timeout: float | None = None) -> None:
        """As `synchronize`; a closed stream has no work. AscendError when the work was aborted; once from a
        default stream, which goes on being used."""
        if self.is_default and not self.aborted:  # cannot be closed meanwhile
            self.synchronize(timeout)
            return
        with self._guard:
            if self.aborted:
                self.aborted = not self.is_default
                raise AscendError(f"{self!r} was aborted; what it was going to write is not there")
            if not self.closed:
                self.synchronize(timeout)

    def __enter__(self) -> Stream:
        self.handle  # noqa: B018 - a closed stream must not become current
        device.enter(self.device_index)
        _entered.streams.append(self)
        device.current.stream = None
        return self

    def __exit__(self, *_: object) -> None:
        _entered.streams.pop()
        device.current.stream = None
        device.leave()

    def __del__(self, orphans: deque[Stream] = orphans) -> None:  # globals may be gone at exit
        if getattr(self, "_handle", 0) and not self.closed:
            orphans.append(self)

    def __reduce__(self) -> NoReturn:
        raise TypeError("streams cannot be copied or pickled")

    def __repr__(self) -> str:
        kind = "default" if self.is_default else "closed" if self.closed else f"{self._handle:#x}"
        return f"<Stream {kind} of device {self.device_index}>"


def _milliseconds(timeout: float | None) -> int:
    if timeout is None:
        return -1
    if not isinstance(timeout, numbers.Real):
        raise TypeError(f"timeout: expected seconds or None, got {type(timeout).__name__}")
    if not 0 < timeout <= 2**31 / 1000 - 1:
        raise ValueError(f"timeout: {timeout!r} s; give more than 0 and less than {2**31 // 1000} s, or None")
    return math.ceil(timeout * 1000)


def default_stream() -> Stream:
    """The default stream of the calling thread's current device. It is always open."""
    index = device.ensure_current()
    found = _defaults.get(index)
    if found is None:
        made = Stream.__new__(Stream)
        made._setup(index, is_default=True)
        found = _defaults.setdefault(index, made)
    return found


def current_stream() -> Stream:
    """The stream that operators, copies and allocations of the calling thread use: that of the innermost
    `with stream:` on the current device, otherwise the default stream.
    """
    return device.current.stream or _find_current()


def _find_current() -> Stream:
    """Looks it up and remembers it, until a block is entered or left or the device changes."""
    index = device.ensure_current()
    entered = (each for each in reversed(_entered.streams) if each.device_index == index)
    device.current.stream = found = next(entered, None) or default_stream()
    return found


_marks: dict[int, list[Event]] = {}  # by device: passed, and nobody else's


def _spare_mark(device_index: int) -> Event | None:
    try:
        return _marks[device_index].pop()
    except (KeyError, IndexError):
        return None


def keep_mark(mark: Event) -> None:
    """Takes back what `Stream.mark` returned, for the next time: creating an event is dear."""
    _marks.setdefault(mark.device_index, []).append(mark)


def drop_marks() -> None:
    """Leaves the spare ones to `event.destroy_orphans`."""
    _marks.clear()


def when_retired(action: Callable[[int, int], None]) -> Callable[[int, int], None]:
    """Decorator: has `action(device, serial)` called after a stream was destroyed."""
    _when_retired.append(action)
    return action


def destroy_orphans(device_index: int) -> None:
    """Destroys the dropped streams of the current device whose work is done."""
    if not orphans:
        return
    for _ in range(len(orphans)):
        try:
            orphan = orphans.popleft()
        except IndexError:  # another thread was faster
            return
        # Destroying it waits, if need be.
        if orphan.device_index == device_index and orphan.passed(unknown=True):
            orphan.close()
        else:
            orphans.append(orphan)


def _destroy(handle: int) -> None:
    # Forgotten first: once destroyed, another thread may be given the same handle.
    known = _live.pop(handle, None)
    if known is None:
        return
    _overdue.discard((known[0], handle))
    try:
        rt.destroy_stream(handle)
    finally:
        for action in _when_retired:
            action(*known)


@_lifetime.before_shutdown
def _abort_overdue() -> None:
    """What may never end: everything else at shutdown waits for it. Where CANN cannot abort, so does this."""
    for index, handle in tuple(_overdue):
        with device.activated(index), contextlib.suppress(AscendError):
            if not rt.stream_done(handle):
                rt.abort_stream(handle)


@_lifetime.at_shutdown
def _destroy_all() -> None:
    for handle, (index, _) in list(_live.items()):
        with device.activated(index):
            _destroy(handle)
