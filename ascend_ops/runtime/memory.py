"""Device memory by reference count: blocks out of a stream-ordered pool, one pool per device.

block = memory.allocate(nbytes, stream)     # .address is valid as long as the block lives
block.use_on(other)                         # before queueing work on another stream
del block                                   # at any time, on any thread; queued work is not disturbed
"""

from __future__ import annotations

import threading
from collections.abc import Collection
from typing import Any, Final, NamedTuple, NoReturn

from ascend_ops._cann import carguments, rt
from ascend_ops._cann.carguments import CArgument
from ascend_ops._cann.errors import AclError
from ascend_ops.runtime import _lifetime
from ascend_ops.runtime import device as devices
from ascend_ops.runtime._pool import Chunk, MemoryStats, Pool, size_class
from ascend_ops.runtime.device import Device
from ascend_ops.runtime.stream import Stream, when_retired

__all__ = ["Block", "MemoryStats", "allocate", "borrow", "staging", "stats", "trim"]

STAGING_RESERVE: Final = 64 << 20  # bytes of pinned host memory per device

_device_pools: dict[int, Pool] = {}
_host_pools: dict[int, Pool] = {}


_uses_lock = threading.RLock()  # a finalizer may get here in the middle


class Foreign(NamedTuple):
    """Memory of somebody else, and what keeps it alive."""

    address: int
    argument: CArgument
    owner: object


class Block:
    """Memory that lives at least until all work queued on its streams before its death has passed.

    Attributes: `address` (0 when `nbytes` is 0), `argument` (the address as C functions take it), `nbytes`,
    `device_index`, `stream` (whose order its reuse follows; None for pinned memory and memory of somebody
    else), `recycled` (earlier work of `stream` may still use the memory).
    """

    __slots__ = ("_payload", "_pool", "_uses", "address", "argument", "nbytes", "recycled", "stream")

    def __init__(
        self,
        pool: Pool,
        nbytes: int,
        memory: Chunk | Foreign | None,
        stream: Stream | None = None,
        recycled: bool = False,
    ) -> None:
        self.address: int = 0 if memory is None else memory.address
        self.argument: CArgument = None if memory is None else memory.argument
        self.nbytes, self.stream, self.recycled = nbytes, stream, recycled
        self._pool, self._payload = pool, memory
        self._uses: Collection[Stream] = ()

    @property
    def device_index(self) -> int:
        """The device whose memory it is, or by which the host memory is pinned."""
        return self._pool.device_index

    def use_on(self, user: Stream) -> None:
        """Says that work on `user` is about to use the block. Call it before the work is queued.

        The first use on a stream other than the block's own makes that stream wait for what is queued on the
        block's own (its upload, earlier work on recycled memory). Later ordering between streams is the
        caller's job. ValueError when the streams are of different devices.
        """
        if user is self.stream or user in self._uses:
            return
        self.need_device(user)
        if self.stream is not None and not self.stream.closed:
            user.wait(self.stream.record())
        with _uses_lock:  # most blocks have one stream and need no set
            self._uses = {*self._uses, user}

    def need_device(self, user: Stream) -> None:
        """ValueError for a stream of another device."""
        if user.device_index != self.device_index:
            raise ValueError(f"stream: {user!r} cannot use memory of device {self.device_index}")

    def synchronize(self) -> None:
        """Waits for the streams that use the block; raises AclError when work on them failed."""
        if self.stream is not None:
            self.stream.settle()
        for user in self._uses:
            user.settle()

    def idle(self, user: Stream) -> bool:
        """Whether neither `user` nor a stream that uses the block has work left. Never waits.

        The device must be current.
        """
        if self.stream is user and not self._uses:
            return user.passed()
        streams = {user, *self._uses} if self.stream is None else {user, self.stream, *self._uses}
        return all(each.passed() for each in streams)

    def used_only_on(self, stream: Stream) -> bool:
        """Whether no other stream uses the block."""
        return not self._uses if self.stream is stream else self.stream is None and self._uses == {stream}

    def release(self) -> None:
        """Gives pinned memory back at once: the work that used it has passed. The block is of no use then."""
        memory, self._payload = self._payload, None
        self._pool.returned.append((memory, None, ()))

    def __del__(self) -> None:
        # Only appends: this may run in the middle of a pool operation, on a foreign thread, or at exit.
        home, pool = self.stream, self._pool
        memory: Any = self._payload  # a Chunk where there is a home
        if home is not None and memory is not None and not self._uses and not home.closed:
            shelf = pool.shelves.get((home.serial, memory.capacity))
            if shelf is not None:
                shelf.append(memory)
                return
        if memory is not None and (self._uses or home is not None):
            pool.returned.append((memory, home, self._uses))

    def __reduce__(self) -> NoReturn:
        raise TypeError("device memory cannot be copied or pickled; go through Tensor.numpy()")

    def __repr__(self) -> str:
        return f"<Block {self.nbytes} bytes at {self.address:#x} of device {self.device_index}>"


def _pool(index: int) -> Pool:
    found = _device_pools.get(index)
    return found or _device_pools.setdefault(index, Pool(index, rt.malloc, rt.free))


def _host_pool(index: int) -> Pool:
    found = _host_pools.get(index)
    return found or _host_pools.setdefault(index, Pool(index, rt.malloc_host, rt.free_host))


def allocate(nbytes: int, stream: Stream) -> Block:
    """A block of at least `nbytes` of uninitialised device memory in the order of `stream`.

    ValueError for a negative size or a closed stream. OutOfMemoryError (a MemoryError too) when the device is
    full even after all cached blocks were given back.
    """
    pool = _device_pools.get(stream.device_index)
    if pool is not None and not (stream.closed or pool.returned or pool.pending):  # nothing else to do
        shelf = pool.shelves.get((stream.serial, size_class(nbytes)))
        if shelf:
            try:
                return Block(pool, nbytes, shelf.pop(), stream, True)
            except IndexError:  # another thread was faster
                pass
    return _allocate(nbytes, stream)


def _allocate(nbytes: int, stream: Stream) -> Block:
    if nbytes < 0:
        raise ValueError(f"nbytes: {nbytes} is negative")
    stream.handle  # noqa: B018 - refuses a closed stream
    pool = _pool(stream.device_index)
    if nbytes == 0:
        return Block(pool, 0, None, stream)
    with devices.activated(stream.device_index):
        chunk, recycled = pool.take(nbytes, stream)
    return Block(pool, nbytes, chunk, stream, recycled)


def borrow(address: int, nbytes: int, device_index: int, owner: object) -> Block:
    """A block over memory of somebody else.

    `owner` is kept alive as long as the block; when streams used the block, until the first allocation that
    finds them past that point.
    """
    block = Block(_pool(device_index), nbytes, Foreign(address, carguments.pointer(address), owner))
    if owner is None:
        block._payload = None  # nothing to hand back
    return block


def staging(nbytes: int, user: Stream) -> Block | None:
    """Pinned host memory for one copy on `user`, reused only after `user` has passed the block's death.

    None when as much pinned memory as may be held is in use. The device of `user` must be current.
    """
    pool = _host_pool(user.device_index)
    chunk = pool.take_shared(nbytes)
    if chunk is None:
        if pool.reserved >= STAGING_RESERVE and pool.drop_shared() == 0:
            return None
        chunk = pool.grow(nbytes)
    block = Block(pool, nbytes, chunk)
    block.use_on(user)
    return block


def stats(device: Device | None = None) -> MemoryStats:
    """Bytes of device memory this process holds on a device (default: the current one), by state."""
    with devices.activated(_index(device)) as index:
        pool = _pool(index)
        pool.collect()
        while pool.returned:  # by owners of foreign memory that was let go just now
            pool.collect()
        return pool.stats()


def trim(device: Device | None = None) -> int:
    """Waits for a device (default: the current one) and gives all cached memory, pinned host memory included,
    back to CANN; returns how many bytes of device memory that were."""
    with devices.activated(_index(device)) as index:
        _host_pool(index).trim()
        return _pool(index).trim()


def _index(device: Device | None) -> int:
    return devices.ensure_current() if device is None else device.index


@when_retired
def _retire(index: int, serial: int) -> None:
    _pool(index).retire(serial)


@_lifetime.at_shutdown
def _release_all() -> None:
    errors = []
    for pool in (*_device_pools.values(), *_host_pools.values()):
        with devices.activated(pool.device_index):
            try:
                rt.synchronize_device()
            except AclError as error:  # work failed that nobody waited for; the memory goes back all the same
                errors.append(error)
            pool.close()
    if errors:
        raise errors[0]
