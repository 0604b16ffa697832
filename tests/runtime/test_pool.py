"""The pool: what may be reused by whom, and when. Memory and streams are played by the test."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ascend_ops._cann.errors import OutOfMemoryError
from ascend_ops.runtime._pool import Chunk, Pool, size_class


class Mark:
    def __init__(self) -> None:
        self.reached = False

    def passed(self) -> bool:
        return self.reached


class PlayedStream:
    """As much of a stream as the pool looks at."""

    def __init__(self, serial: int) -> None:
        self.serial = serial
        self.closed = False
        self.idle = False
        self.marks: list[Mark] = []

    def passed(self) -> bool:
        return self.idle

    def mark(self) -> Mark:
        self.marks.append(Mark())
        return self.marks[-1]

    def run(self) -> None:
        for mark in self.marks:
            mark.reached = True


class PlayedMemory:
    """aclrtMalloc and aclrtFree over `room` bytes."""

    def __init__(self, room: int = 1 << 40) -> None:
        self.room = room
        self.live: dict[int, int] = {}
        self._addresses = itertools.count(1 << 20, 1 << 20)

    def malloc(self, size: int) -> int:
        if sum(self.live.values()) + size > self.room:
            raise OutOfMemoryError("aclrtMalloc", 207001)
        address = next(self._addresses)
        self.live[address] = size
        return address

    def free(self, address: int) -> None:
        del self.live[address]


@pytest.fixture
def own() -> Any:
    return PlayedStream(1)


@pytest.fixture
def other() -> Any:
    return PlayedStream(2)


def make(room: int = 1 << 40) -> tuple[Pool, PlayedMemory]:
    memory = PlayedMemory(room)
    return Pool(0, memory.malloc, memory.free), memory


@given(st.integers(1, 2**62))
def test_size_class_holds_the_request_in_whole_granules_with_little_waste(nbytes: int) -> None:
    capacity = size_class(nbytes)
    assert capacity >= nbytes
    assert capacity % 512 == 0
    assert capacity - nbytes < max(512, nbytes / 8)
    assert size_class(capacity) == capacity


def test_same_stream_reuses_at_once_and_knows_it(own: Any) -> None:
    pool, _ = make()
    chunk, recycled = pool.take(1000, own)
    assert not recycled
    pool.returned.append((chunk, own, ()))
    assert pool.take(1024, own) == (chunk, True)


def test_other_stream_does_not_get_what_is_free_for_the_first(own: Any, other: Any) -> None:
    pool, _ = make()
    chunk, _ = pool.take(1000, own)
    pool.returned.append((chunk, own, ()))
    assert pool.take(1000, other)[0] != chunk


def test_chunk_used_elsewhere_waits_for_that_stream(own: Any, other: Any) -> None:
    pool, _ = make()
    chunk, _ = pool.take(1000, own)
    pool.returned.append((chunk, own, {other}))
    assert pool.take(1000, own)[0] != chunk
    assert pool.stats().pending == 1024
    other.run()
    assert pool.take(1000, own) == (chunk, True)


def test_chunks_of_a_destroyed_stream_are_free_for_all_and_idle(own: Any, other: Any) -> None:
    pool, _ = make()
    first, _ = pool.take(1000, own)
    second, _ = pool.take(1000, own)
    pool.returned.append((first, own, ()))
    pool.collect()
    own.closed = True
    pool.retire(own.serial)
    assert pool.take(1000, other) == (first, False)
    pool.returned.append((second, own, ()))
    assert pool.take(1000, other) == (second, False)


def test_what_an_idle_stream_used_is_free_at_once(own: Any, other: Any) -> None:
    pool, _ = make()
    other.idle = True
    chunk, _ = pool.take(1000, own)
    pool.returned.append((chunk, own, {other}))
    assert pool.take(1000, own) == (chunk, True)
    assert other.marks == []


def test_pinned_memory_waits_for_its_only_user(own: Any, other: Any) -> None:
    pool, _ = make()
    chunk = pool.grow(1000)
    pool.returned.append((chunk, None, {own}))
    assert pool.take_shared(1000) is None
    own.run()
    assert pool.take_shared(1000) == chunk


def test_foreign_owner_is_kept_until_its_users_have_passed(own: Any) -> None:
    pool, _ = make()
    dropped: list[int] = []

    class Owner:
        def __del__(self) -> None:
            dropped.append(1)

    pool.returned.append((Owner(), None, {own}))
    pool.collect()
    assert not dropped
    own.run()
    pool.collect()
    assert dropped
    assert pool.stats().reserved == 0


def test_full_device_gets_cached_memory_back_before_giving_up(
    own: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[int] = []
    monkeypatch.setattr("ascend_ops._cann.rt.synchronize_device", lambda: waits.append(1))
    pool, memory = make(room=4096)
    chunk, _ = pool.take(4096, own)
    pool.returned.append((chunk, own, ()))
    second, recycled = pool.take(2048, own)
    assert waits
    assert not recycled
    assert memory.live == {second.address: 2048}


def test_full_device_frees_what_waited_for_another_stream(
    own: Any, other: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ascend_ops._cann.rt.synchronize_device", other.run)
    pool, memory = make(room=4096)
    chunk, _ = pool.take(4096, own)
    pool.returned.append((chunk, own, {other}))
    second, _ = pool.take(2048, own)
    assert memory.live == {second.address: 2048}


def test_hopeless_request_says_how_much_is_held(own: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ascend_ops._cann.rt.synchronize_device", lambda: None)
    pool, _ = make(room=4096)
    kept, _ = pool.take(2048, own)
    with pytest.raises(
        MemoryError, match=r"size: 4096 bytes(.|\n)*holds 2048 bytes here, 2048 of them in live"
    ):
        pool.take(4096, own)
    assert kept.capacity == 2048


def test_trim_and_close_leave_nothing_behind(own: Any, other: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ascend_ops._cann.rt.synchronize_device", lambda: None)
    pool, memory = make()
    cached, _ = pool.take(1000, own)
    waiting, _ = pool.take(3000, own)
    live, _ = pool.take(5000, own)
    pool.returned.append((cached, own, ()))
    pool.returned.append((waiting, own, {other}))
    assert pool.trim() == 1024
    assert pool.stats() == (3072 + 5120, 5120, 3072, 0)
    pool.close()
    assert memory.live == {}
    assert pool.stats() == (0, 0, 0, 0)
    assert isinstance(live, Chunk)
