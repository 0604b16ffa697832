"""Descriptors that are kept for the next calls, for operators that only read what they are given: those of
tensors and of integer arrays.

Every thread has its own, which the calls of the thread share. A call that begins inside of another one (in a
finalizer) does not use them, so that no call can lose a descriptor to another.
"""

from __future__ import annotations

import threading
import weakref
from collections import deque
from collections.abc import Hashable
from typing import Final

from ascend_ops._cann import nn
from ascend_ops.runtime._lifetime import at_shutdown

MOST: Final = 4096  # descriptors of a thread

_orphans: deque[nn.Handle] = deque()  # of threads that have ended; a finalizer may not call C


class Kept:
    """Those of one thread, by what makes them. `busy` while a call uses them."""

    __slots__ = ("__weakref__", "busy", "handles")

    def __init__(self) -> None:
        self.busy = False
        self.handles: dict[Hashable, nn.Handle] = {}
        _all.add(self)

    def make_room(self) -> None:
        """Destroys all, if they are too many, and those of threads that have ended."""
        if len(self.handles) >= MOST:
            self.destroy()
        if _orphans:
            _destroy_orphans()

    def destroy(self) -> None:
        while self.handles:
            nn.destroy(self.handles.popitem()[1])

    def __del__(self, orphans: deque[nn.Handle] = _orphans) -> None:  # globals may be gone at exit
        orphans.extend(self.handles.values())


def _destroy_orphans() -> None:
    while _orphans:
        try:
            handle = _orphans.popleft()
        except IndexError:  # another thread was faster
            return
        nn.destroy(handle)


_all: weakref.WeakSet[Kept] = weakref.WeakSet()


class _Local(threading.local):
    def __init__(self) -> None:
        self.kept = Kept()


local: Final = _Local()


@at_shutdown
def destroy_all() -> None:
    """Destroys those of every thread that is not in a call, as one may be at exit."""
    for each in tuple(_all):
        if not each.busy:
            each.busy = True
            each.destroy()
            each.busy = False
    _destroy_orphans()
