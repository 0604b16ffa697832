"""Copies between host and device: what waits for a stream, what takes its place in it, and what it costs."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from ascend_ops import asarray, empty
from ascend_ops._cann import rt
from ascend_ops._cann.enums import MemcpyKind
from ascend_ops._cann.errors import AscendError
from ascend_ops._cann.lifecycle import functions
from ascend_ops.runtime import memory, transfer
from ascend_ops.runtime.device import Device
from ascend_ops.runtime.stream import Stream, current_stream

QUEUED_SIZES = [1, transfer.SMALL_BYTES, transfer.SMALL_BYTES + 1, transfer.STAGED_BYTES]


def counting(size: int, first: int = 0) -> Any:
    return (np.arange(first, first + size) % 251).astype(np.uint8)


def in_thread(stream: Stream, work: Callable[[], Any]) -> tuple[threading.Thread, list[Any]]:
    """Starts `work` on a thread whose current stream is `stream`; what it returns or raises is the list's."""
    results: list[Any] = []

    def run() -> None:
        try:
            with stream:
                results.append(work())
        except Exception as error:
            results.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, results


@pytest.fixture
def kinds(monkeypatch: pytest.MonkeyPatch) -> list[MemcpyKind]:
    """The kinds of the copies that were queued."""
    seen: list[MemcpyKind] = []

    def spy(*arguments: Any) -> None:
        seen.append(arguments[4])
        original(*arguments)

    original = rt.memcpy_async
    monkeypatch.setattr(rt, "memcpy_async", spy)
    return seen


@pytest.mark.parametrize("size", QUEUED_SIZES)
def test_upload_behind_queued_work_does_not_wait_and_takes_the_source_as_it_is(size: int, hold: Any) -> None:
    source = counting(size)
    with Stream() as stream:
        block = memory.allocate(size, stream)
        with hold(stream):
            transfer.clear(block, stream)
            transfer.upload(block, 0, source, stream)
            source[:] = 99
            transfer.upload(block, 0, b"\x07", stream)
            assert not stream.done
        result = transfer.download(block, 0, size)
    assert result[0] == 7
    assert (result[1:] == counting(size)[1:]).all()
    stream.close()


@pytest.mark.parametrize("size", [1, transfer.SMALL_BYTES, transfer.SMALL_BYTES + 1])
def test_download_comes_after_what_is_queued(size: int, hold: Any, kinds: list[MemcpyKind]) -> None:
    stream = Stream()
    block = memory.allocate(size, stream)
    with hold(stream):
        transfer.upload(block, 0, counting(size, 5), stream)
        thread, results = in_thread(stream, lambda: transfer.download(block, 0, size))
        thread.join(0.05)
        assert thread.is_alive()
    thread.join()
    assert (results[0] == counting(size, 5)).all()
    assert (MemcpyKind.DEVICE_TO_HOST in kinds) is (size <= transfer.SMALL_BYTES)
    stream.close()


def test_download_is_not_queued_where_another_stream_uses_the_block(
    hold: Any, kinds: list[MemcpyKind]
) -> None:
    stream, other = Stream(), Stream()
    block = memory.allocate(8, stream)
    block.use_on(other)
    with hold(other):
        transfer.upload(block, 0, counting(8), other)
        thread, results = in_thread(stream, lambda: transfer.download(block, 0, 8))
        thread.join(0.05)
        assert thread.is_alive()
    thread.join()
    assert results[0].tolist() == list(range(8))
    assert MemcpyKind.DEVICE_TO_HOST not in kinds
    stream.close()
    other.close()


def test_download_goes_on_without_pinned_memory(
    hold: Any, kinds: list[MemcpyKind], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "STAGING_RESERVE", 0)
    memory.trim()
    stream = Stream()
    block = memory.allocate(8, stream)
    with hold(stream):
        transfer.upload(block, 0, counting(8), stream)
        thread, results = in_thread(stream, lambda: transfer.download(block, 0, 8))
        thread.join(0.05)
    thread.join()
    assert results[0].tolist() == list(range(8))
    assert MemcpyKind.DEVICE_TO_HOST not in kinds
    stream.close()


def test_pinned_memory_of_a_download_is_free_at_once(hold: Any) -> None:
    stream = Stream()
    block = memory.allocate(64, stream)
    addresses = set()
    for turn in range(5):
        with hold(stream):
            transfer.upload(block, 0, counting(64, turn), stream)
            thread, results = in_thread(stream, lambda: transfer.download(block, 0, 64))
            thread.join(0.02)
        thread.join()
        assert (results[0] == counting(64, turn)).all()
        staged = memory.staging(64, stream)
        assert staged is not None
        addresses.add(staged.address)
        staged.release()
    assert len(addresses) == 1
    stream.close()


def test_download_of_aborted_work_is_refused(hold: Any) -> None:
    stream = Stream()
    block = memory.allocate(8, stream)
    with hold(stream):
        transfer.upload(block, 0, counting(8), stream)
        aborting = threading.Thread(target=stream.abort)
        aborting.start()
        aborting.join(0.05)
    aborting.join()
    with stream, pytest.raises(AscendError, match="was aborted"):
        transfer.download(block, 0, 8)
    stream.close()


def test_rows_are_written_and_read_in_the_order_of_the_stream(hold: Any) -> None:
    stream = Stream()
    block = memory.allocate(12, stream)
    rows = transfer.Rows(start=1, width=2, height=3, pitch=4)
    out = np.zeros(6, np.uint8)
    with hold(stream):
        transfer.clear(block, stream)
        thread, _ = in_thread(stream, lambda: transfer.upload_rows(block, rows, counting(6, 1), stream))
        thread.join(0.05)
        assert thread.is_alive()
    thread.join()
    transfer.download_rows(block, rows, out)
    assert out.tolist() == [1, 2, 3, 4, 5, 6]
    assert transfer.download(block, 0, 12).tolist() == [0, 1, 2, 0, 0, 3, 4, 0, 0, 5, 6, 0]
    stream.close()


def test_blocks_of_another_device_than_the_current_one_are_copied() -> None:
    if Device.count() < 2:
        pytest.skip("needs two devices")
    with Device(1):
        stream = current_stream()
        block = memory.allocate(12, stream)
    rows = transfer.Rows(0, 2, 3, 4)
    out = np.zeros(6, np.uint8)
    transfer.upload(block, 0, bytes(12), stream)
    transfer.upload_rows(block, rows, counting(6, 1), stream)
    transfer.download_rows(block, rows, out)
    assert out.tolist() == [1, 2, 3, 4, 5, 6]
    assert transfer.download(block, 0, 6).tolist() == [1, 2, 0, 0, 3, 4]


@pytest.mark.parametrize("size", [16, 8 << 10, 1 << 20, transfer.STAGED_BYTES + 16])
def test_a_steady_loop_asks_cann_for_no_memory(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    source, target = counting(size), empty((size,), "uint8")

    def turn() -> None:
        uploaded = asarray(source)
        target.copy_from(source)
        transfer.copy(target.block, uploaded.block, 0, size, current_stream())
        assert target.numpy()[-1] == source[-1]

    # A turn holds two pieces at most, but how many depends on how far the stream is.
    for staged in [memory.staging(size, current_stream()) for _ in range(3)]:
        assert staged is not None
        staged.release()
    for _ in range(3):
        turn()
    called = watch(monkeypatch, "aclrtMalloc", "aclrtFree", "aclrtMallocHost", "aclrtFreeHost")
    for _ in range(10):
        turn()
    assert called == []


def watch(monkeypatch: pytest.MonkeyPatch, *names: str) -> list[str]:
    """The calls of these C functions from now on."""
    called: list[str] = []
    for name in names:

        def spy(*arguments: Any, name: str = name, function: Any = functions[name]) -> int:
            called.append(name)
            status: int = function(*arguments)
            return status

        monkeypatch.setitem(functions, name, spy)
    return called
