"""Blocks on real streams: reuse, use on several streams, keep-alive, errors."""

from __future__ import annotations

import copy
import gc
import pickle
import threading
from typing import Any

import numpy as np
import pytest

from ascend_ops._cann.errors import DeviceTimeoutError, OutOfMemoryError
from ascend_ops.runtime import memory, transfer
from ascend_ops.runtime.device import Device
from ascend_ops.runtime.memory import Block
from ascend_ops.runtime.stream import Stream, default_stream

SIZE = 3000


def filled(value: int, size: int = SIZE) -> Any:
    return np.full(size, value, np.uint8)


def read(block: Block) -> Any:
    return transfer.download(block, 0, block.nbytes)


def test_address_is_aligned_and_size_is_kept() -> None:
    block = memory.allocate(1000, default_stream())
    assert block.address % 512 == 0
    assert block.nbytes == 1000


def test_empty_block_has_no_memory() -> None:
    assert memory.allocate(0, default_stream()).address == 0


def test_freed_block_is_reused_by_its_stream_while_work_on_it_is_queued(hold: Any) -> None:
    with Stream() as stream, hold(stream):
        first = memory.allocate(SIZE, stream)
        transfer.upload(first, 0, filled(1), stream)
        address = first.address
        del first
        second = memory.allocate(SIZE, stream)
        assert second.address == address
        assert second.recycled
        transfer.upload(second, 0, filled(2), stream)
    assert (read(second) == 2).all()


def test_block_is_not_reused_before_the_other_stream_that_reads_it_has_passed(hold: Any) -> None:
    home, other = Stream(), Stream()
    block = memory.allocate(SIZE, home)
    transfer.upload(block, 0, filled(1), home)
    address = block.address
    with hold(other):
        block.use_on(other)
        del block
        assert memory.allocate(SIZE, home).address != address
    memory.stats()
    kept = [memory.allocate(SIZE, home) for _ in range(2)]
    assert address in {each.address for each in kept}
    home.close()
    other.close()


def test_first_use_on_another_stream_waits_for_the_upload(hold: Any) -> None:
    home, other = Stream(), Stream()
    source, target = memory.allocate(SIZE, home), memory.allocate(SIZE, other)
    with hold(home):
        transfer.upload(source, 0, filled(7), home)
        source.use_on(other)
        with pytest.raises(DeviceTimeoutError):
            other.synchronize(timeout=0.05)
    other.synchronize(timeout=10)
    home.close()
    other.close()
    del source, target


def test_closed_stream_leaves_its_free_memory_to_the_others() -> None:
    memory.trim()  # nothing else of this size may be free
    stream = Stream()
    address = memory.allocate(1 << 22, stream).address
    stream.close()
    again = memory.allocate(1 << 22, default_stream())
    assert again.address == address
    assert not again.recycled


def test_block_outlives_the_stream_it_was_made_on() -> None:
    with Stream() as stream:
        block = memory.allocate(SIZE, stream)
        transfer.upload(block, 0, filled(9), stream)
    stream.close()
    assert (read(block) == 9).all()


def test_memory_goes_back_to_cann_on_trim() -> None:
    memory.trim()
    before = Device(0).memory_info().free
    block = memory.allocate(1 << 22, default_stream())
    assert Device(0).memory_info().free <= before - (1 << 22)
    del block
    assert memory.stats().cached >= 1 << 22
    assert memory.trim() >= 1 << 22
    assert Device(0).memory_info().free == before


def test_full_device_gives_an_error_that_is_a_memory_error() -> None:
    total = Device(0).memory_info().total
    with pytest.raises(OutOfMemoryError, match="this process holds") as caught:
        memory.allocate(total + 1, default_stream())
    assert isinstance(caught.value, MemoryError)
    assert memory.allocate(SIZE, default_stream()).address


def test_full_device_hands_out_what_was_cached() -> None:
    memory.trim()
    most = Device(0).memory_info().free * 5 // 8
    memory.allocate(most, default_stream())
    with Stream() as stream:
        block = memory.allocate(most, stream)  # only fits when the cached block goes back first
        assert block.address
    stream.close()
    del block
    memory.trim()


@pytest.mark.parametrize("nbytes", [-1, -(2**40)])
def test_negative_size_is_refused(nbytes: int) -> None:
    with pytest.raises(ValueError, match=f"nbytes: {nbytes} is negative"):
        memory.allocate(nbytes, default_stream())


def test_closed_stream_is_refused() -> None:
    stream = Stream()
    stream.close()
    with pytest.raises(ValueError, match="this Stream is closed"):
        memory.allocate(10, stream)
    block = memory.allocate(10, default_stream())
    with pytest.raises(ValueError, match="this Stream is closed"):
        block.use_on(stream)


def test_stream_of_another_device_is_refused() -> None:
    if Device.count() < 2:
        pytest.skip("needs two devices")
    block = memory.allocate(10, default_stream())
    with Device(1), pytest.raises(ValueError, match="cannot use memory of device 0"):
        block.use_on(default_stream())


def test_block_is_not_copied() -> None:
    block = memory.allocate(10, default_stream())
    for attempt in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError, match="cannot be copied or pickled"):
            attempt(block)


def test_borrowed_memory_keeps_its_owner_until_the_stream_has_passed(hold: Any) -> None:
    dropped: list[bool] = []

    class Owner:
        def __del__(self) -> None:
            dropped.append(True)

    lender = memory.allocate(SIZE, default_stream())
    with Stream() as stream:
        with hold(stream):
            block = memory.borrow(lender.address, SIZE, 0, Owner())
            transfer.upload(block, 0, filled(3), stream)
            del block
            memory.stats()
            assert not dropped
        memory.stats()
        assert dropped
    stream.close()
    assert (read(lender) == 3).all()


def test_memory_that_owns_borrowed_memory_is_back_when_the_streams_have_passed() -> None:
    before = memory.stats()
    owner = memory.allocate(SIZE, default_stream())
    for _ in range(20):
        block = memory.borrow(owner.address, SIZE, 0, owner)
        with Stream() as stream:
            transfer.upload(block, 0, filled(3), stream)
            stream.synchronize()
        del block
        stream.close()
    block = memory.borrow(owner.address, SIZE, 0, owner)
    transfer.upload(block, 0, filled(3), default_stream())
    del owner
    default_stream().synchronize()
    del block
    assert memory.stats().in_use == before.in_use


def test_unused_borrowed_memory_lets_its_owner_go_at_once() -> None:
    owner = threading.Event()
    holders = len(gc.get_referrers(owner))
    block = memory.borrow(512, 512, 0, owner)
    del block
    assert len(gc.get_referrers(owner)) == holders


def test_finalizer_inside_a_pool_operation_does_not_lock_up(monkeypatch: pytest.MonkeyPatch) -> None:
    pool = memory._pool(0)
    cycles = []

    class InTheMiddle:
        """A lock that has the garbage collector run whenever the pool is busiest."""

        def __enter__(self) -> None:
            lock.acquire()
            gc.collect()

        def __exit__(self, *_: object) -> None:
            lock.release()

    lock = pool._lock
    monkeypatch.setattr(pool, "_lock", InTheMiddle())
    for _ in range(5):
        cycle: list[Any] = [memory.allocate(SIZE, default_stream())]
        cycle.append(cycle)
        cycles.append(len(cycle))
        del cycle
        memory.allocate(SIZE, default_stream())
    monkeypatch.undo()
    assert sum(cycles) == 10


def test_blocks_may_die_on_threads_without_a_context() -> None:
    blocks = [memory.allocate(SIZE, default_stream()) for _ in range(8)]
    in_use = memory.stats().in_use

    def drop() -> None:
        while blocks:
            blocks.pop()

    thread = threading.Thread(target=drop)
    thread.start()
    thread.join()
    assert memory.stats().in_use == in_use - 8 * 3072


def test_threads_on_their_own_streams_never_share_live_memory() -> None:
    failures: list[str] = []

    def work(tag: int) -> None:
        rng = np.random.default_rng(tag)
        with Stream() as stream:
            held: list[tuple[int, Block]] = []
            for turn in range(60):
                value = (tag * 31 + turn) % 251
                block = memory.allocate(int(rng.integers(1, 9000)), stream)
                transfer.upload(block, 0, filled(value, block.nbytes), stream)
                held.append((value, block))
                if len(held) > 4:
                    value, block = held.pop(int(rng.integers(0, len(held))))
                    if not (read(block) == value).all():
                        failures.append(f"thread {tag}, turn {turn}")
        stream.close()

    threads = [threading.Thread(target=work, args=(tag,)) for tag in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_large_upload_is_ordered_behind_work_on_recycled_memory(hold: Any) -> None:
    size = transfer.STAGED_BYTES + 1
    with Stream() as stream:
        first = memory.allocate(size, stream)
        with hold(stream):
            rest = threading.Timer(0.05, lambda: None)
            transfer.upload(first, 0, filled(1, 100), stream)
            rest.start()
            del first
            second = memory.allocate(size, stream)
            assert second.recycled
        transfer.upload(second, 0, filled(2, size), stream)
        assert (read(second) == 2).all()
    rest.join()
    stream.close()


def test_upload_goes_on_without_pinned_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "STAGING_RESERVE", 0)
    memory.trim()
    block = memory.allocate(SIZE, default_stream())
    transfer.upload(block, 0, filled(5), default_stream())
    assert (read(block) == 5).all()


def test_upload_lands_where_it_was_told() -> None:
    block = memory.allocate(10, default_stream())
    transfer.clear(block, default_stream())
    transfer.upload(block, 3, filled(1, 4), default_stream())
    assert read(block).tolist() == [0, 0, 0, 1, 1, 1, 1, 0, 0, 0]
    assert transfer.download(block, 2, 3).tolist() == [0, 1, 1]
