"""Devices, and which of them is current in a thread.

Every OS thread has its own current context in CANN and a new one has none: `ensure_current` gives it one.
"""

from __future__ import annotations

import operator
import threading
from typing import TYPE_CHECKING, Any, NamedTuple, SupportsIndex

from ascend_ops._cann import rt
from ascend_ops._cann.errors import AclError
from ascend_ops.runtime import _lifetime

if TYPE_CHECKING:
    from ascend_ops.runtime.stream import Stream

NO_CONTEXT = 107002  # ACL_ERROR_RT_CONTEXT_NULL; the enumeration of all statuses is dear to import


class Current(threading.local):
    """The calling thread's device and stream, None when not known or when the runtime may not be called."""

    device: int | None = None
    stream: Stream | None = None


class _Entered(threading.local):
    """Devices that the calling thread goes back to, one per entered block."""

    def __init__(self) -> None:
        self.outer: list[int] = []


class MemoryInfo(NamedTuple):
    """Bytes of a device's high-bandwidth memory."""

    free: int
    total: int


current = Current()
_entered = _Entered()
_contexts: dict[int, int] = {}  # device -> primary context, taken by the one aclrtSetDevice of this process
_contexts_lock = threading.Lock()
_process_device = 0  # where threads without a context start


def ensure_current() -> int:
    """Makes sure the calling thread has a current device and returns its number.

    A context set by somebody else (torch_npu, C code) is adopted. A thread without one gets the device that
    the main thread uses, 0 if it has not chosen. AscendError after interpreter shutdown and in forked
    children.
    """
    index = current.device
    return _adopt() if index is None else index


def _adopt() -> int:
    _lifetime.start()
    try:
        index = rt.get_device()
    except AclError as error:
        if error.code != NO_CONTEXT:
            raise
        index = _process_device
    choose(index)
    return index


def choose(index: int) -> None:
    """Makes a device current in the calling thread, and from the main thread in new threads too."""
    global _process_device
    make_current(index)
    if threading.current_thread() is threading.main_thread():
        _process_device = index


def make_current(index: int) -> None:
    """Makes a device current in the calling thread."""
    _lifetime.start()
    if index in _contexts or not _take(index):
        rt.set_current_context(_contexts[index])
    current.device, current.stream = index, None


def _take(index: int) -> bool:
    """Makes a device current by the process's only aclrtSetDevice for it; False when another thread did."""
    with _contexts_lock:
        if index in _contexts:
            return False
        rt.set_device(index)
        try:
            _contexts[index] = rt.current_context()
        except AclError:
            rt.reset_device(index)
            raise
        return True


def taken() -> tuple[int, ...]:
    """The devices that this process has used."""
    return tuple(_contexts)


class activated:  # noqa: N801 - used like a function, and cheaper than a generator in every small call
    """Makes a device current for the calling thread inside the block."""

    __slots__ = ("_entered", "_index")

    def __init__(self, index: int) -> None:
        self._index = index

    def __enter__(self) -> int:
        self._entered = ensure_current() != self._index
        if self._entered:
            enter(self._index)
        return self._index

    def __exit__(self, *_: object) -> None:
        if self._entered:
            leave()


def enter(index: int) -> None:
    """Makes a device current for the calling thread until `leave`."""
    before = ensure_current()
    make_current(index)
    _entered.outer.append(before)


def leave() -> None:
    """Goes back to the device that was current before the matching `enter`."""
    before = _entered.outer.pop()
    if before != current.device and _lifetime.running():
        make_current(before)


@_lifetime.when_over
def _forget() -> None:
    """Sends every thread's next call through `_lifetime.start`, which refuses it."""
    global current
    current = Current()


@_lifetime.at_shutdown
def _reset_devices() -> None:
    while _contexts:
        rt.reset_device(_contexts.popitem()[0])


def synchronize_all() -> None:
    """Waits for all devices this process uses; raises AclError when work on one of them failed."""
    for index in taken():
        with activated(index):
            rt.synchronize_device()


class Device:
    """An NPU by its logical number (as renumbered by ASCEND_RT_VISIBLE_DEVICES).

    As a context manager it is the calling thread's current device inside the block. ValueError for a number
    that no device has, TypeError for what is not an integer.
    """

    __slots__ = ("index",)

    def __init__(self, index: SupportsIndex) -> None:
        self.index = checked("index", index)

    @staticmethod
    def count() -> int:
        """Number of devices this process can use."""
        _lifetime.start()
        return rt.device_count()

    def use(self) -> None:
        """Makes this the calling thread's current device (and, from the main thread, that of new threads)."""
        choose(self.index)

    @property
    def name(self) -> str:
        """The product's name, for instance "Ascend910B1"."""
        with activated(self.index):
            return rt.soc_name()

    def memory_info(self) -> MemoryInfo:
        """Free and total bytes of the device's memory, blocks cached by this process counted as used."""
        with activated(self.index):
            return MemoryInfo(*rt.mem_info())

    def synchronize(self) -> None:
        """Waits for all work of all streams of the device; raises AclError when some of it failed."""
        with activated(self.index):
            rt.synchronize_device()

    def __enter__(self) -> Device:
        enter(self.index)
        return self

    def __exit__(self, *_: object) -> None:
        leave()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Device) and other.index == self.index

    def __hash__(self) -> int:
        return hash((Device, self.index))

    def __repr__(self) -> str:
        return f"Device({self.index})"


def checked(name: str, index: Any) -> int:
    """The number of a device of this process; errors name the argument."""
    try:
        number = operator.index(index)
    except TypeError:
        raise TypeError(f"{name}: expected the number of a device, got {type(index).__name__}") from None
    count = Device.count()
    if not 0 <= number < count:
        raise ValueError(f"{name}: there is no device {number}; this process has {count} (0 to {count - 1})")
    return number


def current_device() -> Device:
    """The calling thread's current device."""
    return known(ensure_current())


def known(index: int) -> Device:
    """The Device of a number that is known to exist."""
    device = Device.__new__(Device)
    device.index = index
    return device
