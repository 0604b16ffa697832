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
from collections.abc import Callable, Collection
from typing import NamedTuple

from ascend_ops._cann import rt
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


class Pending(NamedTuple):
    """A chunk, or a foreign object that only has to be kept alive, and what must pass before it is free."""

    payload: object
    home: Stream | None
    marks: Collection[Event | Stream]

    def passed(self) -> bool:
        return all(mark.passed() for mark in self.marks)


# What a finalizer hands back: payload, home, other streams that used it. A plain tuple, because a finalizer
# that runs at exit may find no globals.
Returned = tuple[object, Stream | None, Collection[Stream]]


Shelf = tuple[int, int]  # free chunks are kept by (serial of the stream, capacity)


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
        self.reserved = 0
        self._malloc, self._free_memory = malloc, free
        self._owned: dict[int, int] = {}
        self._shelves: dict[Shelf, list[Chunk]] = {}
        self._pending: list[Pending] = []
        # Re-entrant: garbage collection may run a foreign finalizer that allocates, on this very thread.
        self._lock = threading.RLock()

    def take(self, nbytes: int, home: Stream | None) -> tuple[Chunk, bool]:
        """A chunk of at least `nbytes`, and whether earlier work of `home` may still use it."""
        return self.reuse(nbytes, home) or (self.grow(nbytes), False)

    def reuse(self, nbytes: int, home: Stream | None) -> tuple[Chunk, bool] | None:
        """As `take`, out of what is free; None when there is nothing of the size."""
        self.collect()
        capacity = size_class(nbytes)
        with self._lock:
            own = None if home is None else self._shelves.get((home.serial, capacity))
            if own:
                return own.pop(), True
            shared = self._shelves.get((SHARED, capacity))
            return (shared.pop(), False) if shared else None

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
        return Chunk(address, capacity)

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
        event.destroy_orphans()
        stream.destroy_orphans(self.device_index)
        while self.returned:
            try:
                payload, home, uses = self.returned.popleft()
            except IndexError:  # another thread was faster
                break
            if uses:
                self._file(Pending(payload, home, [user.mark() for user in uses]))
            else:
                self._free(payload, home)
        if self._pending:
            for each in self._take_pending():
                self._file(each)

    def _file(self, item: Pending) -> None:
        """Puts a returned piece where it belongs now: among the free ones or the waiting ones."""
        if item.passed():
            self._free(item.payload, item.home)
        else:
            with self._lock:
                self._pending.append(item)

    def _free(self, payload: object, home: Stream | None) -> None:
        """Puts a returned chunk among the free ones; a foreign object is let go."""
        if isinstance(payload, Chunk):
            with self._lock:
                self._shelve(SHARED if home is None or home.closed else home.serial, payload)

    def _shelve(self, serial: int, chunk: Chunk) -> None:
        self._shelves.setdefault((serial, chunk.capacity), []).append(chunk)

    def _take_pending(self) -> list[Pending]:
        with self._lock:
            batch, self._pending = self._pending, []
        return batch

    def _take_shelves(self, wanted: Callable[[int], bool]) -> dict[Shelf, list[Chunk]]:
        with self._lock:
            keys = [key for key in self._shelves if wanted(key[0])]
            return {key: self._shelves.pop(key) for key in keys}

    def retire(self, serial: int) -> None:
        """Makes the free chunks of a destroyed stream available to all."""
        with self._lock:
            for chunks in self._take_shelves(serial.__eq__).values():
                for chunk in chunks:
                    self._shelve(SHARED, chunk)

    def trim(self) -> int:
        """Waits for the device and gives all free chunks back to CANN; returns how many bytes."""
        self.collect()
        # Taken out before the wait: what comes back during it may belong to work that is queued during it.
        pending, shelves = self._take_pending(), self._take_shelves(lambda _: True)
        try:
            rt.synchronize_device()
        except AclError:
            self._put_back(shelves, pending)
            raise
        for each in pending:
            self._file(each._replace(home=None))
        return self._release(shelves) + self.drop_shared()

    def _put_back(self, shelves: dict[Shelf, list[Chunk]], pending: list[Pending]) -> None:
        with self._lock:
            self._pending += pending
            for (serial, _), chunks in shelves.items():
                for chunk in chunks:
                    self._shelve(serial, chunk)

    def drop_shared(self) -> int:
        """Gives the chunks that no stream can be using back to CANN at once; returns how many bytes."""
        return self._release(self._take_shelves(SHARED.__eq__))

    def _release(self, shelves: dict[Shelf, list[Chunk]]) -> int:
        addresses = [chunk.address for chunks in shelves.values() for chunk in chunks]
        return sum(self._give_back(address) for address in addresses)

    def _give_back(self, address: int) -> int:
        self._free_memory(address)
        with self._lock:
            capacity = self._owned.pop(address)
            self.reserved -= capacity
        return capacity

    def close(self) -> None:
        """Gives everything back, live blocks too: nothing may run on the device any more."""
        self._shelves.clear()
        self._pending.clear()
        for address in list(self._owned):
            self._give_back(address)

    def stats(self) -> MemoryStats:
        """Bytes by state. What finalizers handed back and nobody collected yet counts as in use."""
        with self._lock:
            cached = sum(capacity * len(chunks) for (_, capacity), chunks in self._shelves.items())
            pending = sum(p.payload.capacity for p in self._pending if isinstance(p.payload, Chunk))
            return MemoryStats(self.reserved, self.reserved - cached - pending, pending, cached)
