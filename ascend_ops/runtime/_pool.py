"""The stream-ordered pool: pieces of memory that wait for their next use.

A piece that comes back is free for its home stream at once, because a stream runs in order, and for nobody
else; a piece that other streams used is held until they have passed the point at which it came back.
Finalizers only append to `returned`: they run on any thread, with or without a context, and inside any other
call. No lock is held across a C call.
"""

from __future__ import annotations

import functools
import threading
from collections import deque
from collections.abc import Callable, Collection, Iterator
from typing import NamedTuple

from ascend_ops._cann import carguments, rt
from ascend_ops._cann.carguments import CArgument
from ascend_ops._cann.errors import AclError, OutOfMemoryError
from ascend_ops.runtime import event, stream
from ascend_ops.runtime.event import Event
from ascend_ops.runtime.stream import Stream

GRANULE = 512  # bytes; what CANN's own planners align to
SHARED = 0  # the free list that any stream may take from; streams have serials from 1


class Chunk(NamedTuple):
    """One piece of memory as CANN gave it out. aclrtMalloc adds the 32 spare bytes that kernels may touch."""

    address: int
    capacity: int
    argument: CArgument  # the address as C functions take it


class Pending(NamedTuple):
    """A chunk, or a foreign object that only has to be kept alive, and what must pass before it is free."""

    payload: object
    home: Stream | None
    users: Collection[Stream]
    marks: Collection[Event | Stream]  # of the users

    def passed(self) -> bool:
        return all(mark.passed() for mark in self.marks)

    def over(self) -> None:
        """After `passed`: the marks may be set again."""
        for mark in self.marks:
            if isinstance(mark, Event):
                stream.keep_mark(mark)


# What a finalizer hands back: payload, home, other streams that used it. A plain tuple, because a finalizer
# that runs at exit may find no globals.
Returned = tuple[object, Stream | None, Collection[Stream]]


Key = tuple[int, int]  # free chunks are kept by (serial of the stream, capacity)


class MemoryStats(NamedTuple):
    """Bytes of one pool: taken from CANN, in live blocks, waiting for another stream, free for reuse."""

    reserved: int
    in_use: int
    pending: int
    cached: int


@functools.lru_cache(maxsize=4096)
def size_class(nbytes: int) -> int:
    """Capacity for a block: whole granules; eight classes per doubling above 4 KiB (waste at most 1/8)."""
    step = max(GRANULE, 1 << max(0, (nbytes - 1).bit_length() - 4))
    return -(-nbytes // step) * step


class Pool:
    """Memory of one kind (device memory, pinned host memory) of one device.

    The device must be current for all methods but `retire` and `stats`.
    """

    def __init__(self, device_index: int, malloc: Callable[[int], int], free: Callable[[int], None]) -> None:
        self.device_index = device_index
        self.returned: deque[Returned] = deque()
        # Finalizers put chunks here too, at any time and without the lock: a shelf is only appended to and
        # popped from, and emptied before it is let go of.
        self.shelves: dict[Key, list[Chunk]] = {}
        self.reserved = 0
        self._malloc, self._free_memory = malloc, free
        self._owned: dict[int, int] = {}
        self._retired: deque[list[Chunk]] = deque(maxlen=1024)  # for finalizers that had hold of one
        self.pending: list[Pending] = []
        # Re-entrant: garbage collection may run a foreign finalizer that allocates, on this very thread.
        self._lock = threading.RLock()

    def take(self, nbytes: int, home: Stream) -> tuple[Chunk, bool]:
        """A chunk of at least `nbytes`, and whether earlier work of `home` may still use it."""
        if self.returned or self.pending:
            self.collect()
        shelf = self.shelves.setdefault((home.serial, size_class(nbytes)), [])
        try:
            return shelf.pop(), True
        except IndexError:
            return self.take_shared(nbytes) or self.grow(nbytes), False

    def take_shared(self, nbytes: int) -> Chunk | None:
        """A free chunk that no stream can be using; None when there is none of the size."""
        self.collect()
        shelf = self.shelves.get((SHARED, size_class(nbytes)))
        try:
            return shelf.pop() if shelf else None
        except IndexError:  # another thread was faster
            return None

    def grow(self, nbytes: int) -> Chunk:
        """A new chunk from CANN; gives the free ones back and asks again when CANN has no memory."""
        capacity = size_class(nbytes)
        try:
            address = self._malloc(capacity)
        except OutOfMemoryError:
            self.trim()
            address = self._last_attempt(capacity)
        with self._lock:
            self._owned[address] = capacity
            self.reserved += capacity
        return Chunk(address, capacity, carguments.pointer(address))

    def _last_attempt(self, capacity: int) -> int:
        try:
            return self._malloc(capacity)
        except OutOfMemoryError as error:
            stats = self.stats()
            error.arguments = (
                f"size: {capacity} bytes, asked for again after all cached blocks were given back",
                f"this process holds {stats.reserved} bytes here, {stats.in_use} of them in live tensors",
            )
            raise

    def collect(self) -> None:
        """Takes in what finalizers handed back and frees what other streams are done with. Never waits."""
        if event.orphans:
            event.destroy_orphans()
        if stream.orphans:
            stream.destroy_orphans(self.device_index)
        while self.returned:
            try:
                payload, home, uses = self.returned.popleft()
            except IndexError:  # another thread was faster
                break
            if uses:
                self._file(Pending(payload, home, uses, [user.mark() for user in uses if not user.passed()]))
            else:
                self._free(payload, home)
        for shelf in tuple(self._retired):
            self._share(shelf)
        if self.pending:
            self._look_at_pending()

    def _look_at_pending(self) -> None:
        """A stream passes its marks in order: behind one that it has not reached no other is looked at."""
        behind: set[Stream] = set()
        for each in self._take_pending():
            if behind.isdisjoint(each.users) and each.passed():
                each.over()
                self._free(each.payload, each.home)
            else:
                behind.update(each.users)
                with self._lock:
                    self.pending.append(each)

    def _file(self, item: Pending) -> None:
        """Puts a returned piece where it belongs now: among the free ones or the waiting ones."""
        if item.passed():
            item.over()
            self._free(item.payload, item.home)
        else:
            with self._lock:
                self.pending.append(item)

    def _free(self, payload: object, home: Stream | None) -> None:
        """Puts a returned chunk among the free ones; a foreign object is let go."""
        if isinstance(payload, Chunk):
            serial = SHARED if home is None or home.closed else home.serial
            self.shelves.setdefault((serial, payload.capacity), []).append(payload)

    def _share(self, shelf: list[Chunk]) -> None:
        for chunk in _emptied(shelf):
            self._free(chunk, None)

    def _take_pending(self) -> list[Pending]:
        with self._lock:
            batch, self.pending = self.pending, []
        return batch

    def retire(self, serial: int) -> None:
        """Makes the free chunks of a destroyed stream available to all."""
        for key in tuple(self.shelves):
            if key[0] == serial:
                shelf = self.shelves.pop(key)
                self._retired.append(shelf)
                self._share(shelf)

    def trim(self) -> int:
        """Waits for the device and gives all free chunks back to CANN; returns how many bytes."""
        self.collect()
        # Taken out before the wait: what comes back during it may belong to work that is queued during it.
        pending = self._take_pending()
        free = {key: list(_emptied(shelf)) for key, shelf in tuple(self.shelves.items())}
        try:
            rt.synchronize_device()
        except AclError:
            self._put_back(free, pending)
            raise
        for each in pending:
            self._file(each._replace(home=None))
        idle = [chunk for chunks in free.values() for chunk in chunks]
        return self._release(idle) + self.drop_shared()

    def _put_back(self, free: dict[Key, list[Chunk]], pending: list[Pending]) -> None:
        with self._lock:
            self.pending += pending
        for key, chunks in free.items():
            self.shelves.setdefault(key, []).extend(chunks)

    def drop_shared(self) -> int:
        """Gives the chunks that no stream can be using back to CANN at once; returns how many bytes."""
        shelves = [shelf for (serial, _), shelf in tuple(self.shelves.items()) if serial == SHARED]
        return self._release([chunk for shelf in shelves for chunk in _emptied(shelf)])

    def _release(self, chunks: list[Chunk]) -> int:
        """Empties the list; what CANN does not take back stays among the free ones."""
        returned = 0
        try:
            while chunks:
                returned += self._give_back(chunks[-1].address)
                chunks.pop()
        finally:
            self._share(chunks)
        return returned

    def _give_back(self, address: int) -> int:
        self._free_memory(address)
        with self._lock:
            capacity = self._owned.pop(address)
            self.reserved -= capacity
        return capacity

    def close(self) -> None:
        """Gives everything back, live blocks too: nothing may run on the device any more."""
        self.shelves.clear()
        self.pending.clear()
        for address in list(self._owned):
            self._give_back(address)

    def stats(self) -> MemoryStats:
        """Bytes by state. What finalizers handed back and nobody collected yet counts as in use."""
        with self._lock:
            cached = sum(capacity * len(shelf) for (_, capacity), shelf in tuple(self.shelves.items()))
            pending = sum(p.payload.capacity for p in self.pending if isinstance(p.payload, Chunk))
            return MemoryStats(self.reserved, self.reserved - cached - pending, pending, cached)


def _emptied(shelf: list[Chunk]) -> Iterator[Chunk]:
    """Takes all chunks out, each by itself: other threads may take and put some meanwhile."""
    while shelf:
        try:
            yield shelf.pop()
        except IndexError:
            return
