"""Checks of objects and memory: a program makes exactly that mistake, in a line of this file that the
report names; and one that comes close and is legal."""

from __future__ import annotations

import numpy as np
import pytest
from runtime.conftest import Hold
from stub.mistakes import SIZE, WEIGHT, assert_one, described, here, made, run

import ascend_ops as ao
from ascend_ops._cann import nn, operators
from ascend_ops._cann.api import acl
from ascend_ops._cann.enums import DataType, Format, MemcpyKind
from ascend_ops.dispatch import launch

pytestmark = pytest.mark.stand_in(reason="only the stand-in has checks")


@pytest.fixture(autouse=True)
def _device() -> None:
    ao.default_stream().synchronize()


# leaks


def test_a_leak() -> None:
    found = ao.stub.checks(leaks=True)
    with pytest.raises(ao.stub.CheckError) as caught, found:
        event, place = made(acl.aclrtCreateEvent), here()
    assert_one(found, "leaks", place)
    assert len(caught.value.reports) == 1
    assert acl.aclrtDestroyEvent(event) == 0


def test_no_leak() -> None:
    with ao.stub.checks(leaks=True):
        assert acl.aclrtDestroyEvent(made(acl.aclrtCreateEvent)) == 0
        assert acl.aclrtFree(made(acl.aclrtMalloc, SIZE, 0)) == 0


# handles


def test_a_handle_destroyed_twice() -> None:
    with ao.stub.checks() as found:
        tensor, creation = nn.create_tensor((), DataType.FLOAT, (), 0, Format.ND, (1,), 0), here()
        _, first = acl.aclDestroyTensor(tensor), here()
        _, second = acl.aclDestroyTensor(tensor), here()
        assert_one(found, "handles", creation, first, second)


def test_an_event_used_after_its_end(streams: tuple[int, int]) -> None:
    with ao.stub.checks() as found:
        event, creation = made(acl.aclrtCreateEvent), here()
        _, end = acl.aclrtDestroyEvent(event), here()
        _, use = acl.aclrtRecordEvent(event, streams[0]), here()
        assert_one(found, "handles", creation, end, use)


def test_a_handle_at_the_address_of_another_one() -> None:
    with ao.stub.checks():
        for _ in range(10):
            tensor = nn.create_tensor((), DataType.FLOAT, (), 0, Format.ND, (1,), 0)
            assert acl.aclDestroyTensor(tensor) == 0


# memory


def test_memory_freed_twice() -> None:
    with ao.stub.checks() as found:
        address, creation = made(acl.aclrtMalloc, SIZE, 0), here()
        _, first = acl.aclrtFree(address), here()
        _, second = acl.aclrtFree(address), here()
        assert_one(found, "memory", creation, first, second)


def test_memory_used_after_its_end() -> None:
    with ao.stub.checks() as found:
        address, creation = made(acl.aclrtMalloc, SIZE, 0), here()
        _, end = acl.aclrtFree(address), here()
        _, use = acl.aclrtMemset(address, SIZE, 0, SIZE), here()
        assert_one(found, "memory", creation, end, use)


def test_memory_at_the_address_of_another_one() -> None:
    with ao.stub.checks():
        for _ in range(10):
            address = made(acl.aclrtMalloc, SIZE, 0)
            assert acl.aclrtMemset(address, SIZE, 0, SIZE) == 0
            assert acl.aclrtFree(address) == 0


# lifetime


def test_memory_freed_before_the_work_that_needs_it(hold: Hold) -> None:
    stream = ao.Stream()
    with ao.stub.checks() as found:
        address, creation = made(acl.aclrtMalloc, SIZE, 0), here()
        with hold(stream):
            _, use = acl.aclrtMemsetAsync(address, SIZE, 0, SIZE, stream.handle), here()
            _, end = acl.aclrtFree(address), here()
            kept = made(acl.aclrtMalloc, SIZE, 0)  # so that the work finds memory there
        assert_one(found, "lifetime", creation, use, end)
        assert acl.aclrtFree(kept) == 0


def test_memory_freed_after_the_work_that_needs_it(streams: tuple[int, int]) -> None:
    with ao.stub.checks():
        address = made(acl.aclrtMalloc, SIZE, 0)
        assert acl.aclrtMemsetAsync(address, SIZE, 0, SIZE, streams[0]) == 0
        assert acl.aclrtSynchronizeStream(streams[0]) == 0
        assert acl.aclrtFree(address) == 0


def test_a_descriptor_destroyed_before_the_work_that_needs_it(memory: int) -> None:
    with ao.stub.checks() as found:
        weight, creation = described(memory, DataType.INT8, (16, 16)), here()
        plan = operators.bind(WEIGHT).phase_one([weight])
        _, end = acl.aclDestroyTensor(weight), here()
        _, use = run(plan), here()
        assert_one(found, "lifetime", creation, end, use)


# bounds


def test_a_copy_beyond_its_memory() -> None:
    host = np.zeros(SIZE + 1, np.uint8)
    with ao.stub.checks() as found:
        address, creation = made(acl.aclrtMalloc, SIZE, 0), here()
        to_device = MemcpyKind.HOST_TO_DEVICE
        _, use = acl.aclrtMemcpy(address, host.nbytes, host.ctypes.data, host.nbytes, to_device), here()
        assert_one(found, "bounds", creation, use)
        assert acl.aclrtFree(address) == 0


@pytest.mark.usefixtures("_absolute")
def test_a_view_beyond_its_memory(memory: int) -> None:
    x = ao.from_pointer(memory, (SIZE // 4 + 1,), ao.float32)
    y = ao.zeros(x.shape, ao.float32)
    with ao.stub.checks() as found:
        _, use = launch("aclnnAbs", [x, y]), here()
        assert_one(found, "bounds", use)


@pytest.mark.usefixtures("_absolute")
def test_all_of_the_memory() -> None:
    host = np.zeros(SIZE, np.uint8)
    with ao.stub.checks():
        address = made(acl.aclrtMalloc, SIZE, 0)
        copied = acl.aclrtMemcpy(address, SIZE, host.ctypes.data, SIZE, MemcpyKind.HOST_TO_DEVICE)
        assert copied == 0
        x = ao.from_pointer(address, (SIZE // 4,), ao.float32)
        launch("aclnnAbs", [x, x])
        ao.current_stream().synchronize()
        assert acl.aclrtFree(address) == 0


# uninitialised


def test_memory_read_that_nobody_wrote() -> None:
    ao.memory.trim()
    with ao.stub.checks() as found:
        x, creation = ao.empty(SIZE, ao.uint8), here()
        _, use = x.numpy(), here()
        assert_one(found, "uninitialised", creation, use)


def test_memory_read_that_was_written() -> None:
    ao.memory.trim()
    with ao.stub.checks():
        ao.zeros(SIZE, ao.uint8).numpy()


def test_padding_read_that_an_operator_wrote() -> None:
    """One element becomes a tile of SIZE bytes."""
    host = np.zeros(SIZE, np.uint8)
    with ao.stub.checks():
        address = made(acl.aclrtMalloc, SIZE, 0)
        weight = described(address, DataType.INT8, (1, 1))
        assert acl.aclrtMemset(address, SIZE, 1, 1) == 0
        run(operators.bind(WEIGHT).phase_one([weight]))
        ao.current_stream().synchronize()
        assert acl.aclrtMemcpy(host.ctypes.data, SIZE, address, SIZE, MemcpyKind.DEVICE_TO_HOST) == 0
        nn.destroy(weight)
        assert acl.aclrtFree(address) == 0
    assert host.tolist() == [1] + [0] * (SIZE - 1)
