"""Checks of calls and of their order: a program makes exactly that mistake, in a line of this file that the
report names; and one that comes close and is legal."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from stub.mistakes import SIZE, WEIGHT, assert_one, described, here, made, run

import ascend_ops as ao
from ascend_ops._cann import nn, operators
from ascend_ops._cann.api import acl
from ascend_ops._cann.enums import DataType, MemcpyKind
from ascend_ops.dispatch import launch

pytestmark = pytest.mark.stand_in(reason="only the stand-in has checks")


@pytest.fixture(autouse=True)
def _device() -> None:
    ao.default_stream().synchronize()


# executors


@pytest.mark.usefixtures("_absolute")
def test_an_executor_run_twice(memory: int, streams: tuple[int, int]) -> None:
    x = described(memory, DataType.FLOAT, (SIZE // 4,))
    with ao.stub.checks() as found:
        plan, creation = operators.bind("aclnnAbs").phase_one([x, x]), here()
        executor = ctypes.c_void_p(plan.executor.value)
        _, first = acl.aclnnAbs(None, 0, executor, streams[0]), here()
        _, second = acl.aclnnAbs(None, 0, executor, streams[0]), here()
        assert_one(found, "executors", creation, first, second)
    nn.destroy(x)


@pytest.mark.usefixtures("_absolute")
def test_two_executors_run_once_each(memory: int, streams: tuple[int, int]) -> None:
    x = described(memory, DataType.FLOAT, (SIZE // 4,))
    with ao.stub.checks():
        for _ in range(2):
            plan = operators.bind("aclnnAbs").phase_one([x, x])
            assert acl.aclnnAbs(None, 0, plan.executor, streams[0]) == 0
    nn.destroy(x)


def test_an_executor_that_is_never_run(memory: int) -> None:
    weight = described(memory, DataType.INT8, (16, 16))
    with pytest.raises(ao.stub.CheckError) as caught, ao.stub.checks(leaks=True) as found:
        plan, creation = operators.bind(WEIGHT).phase_one([weight]), here()
    assert_one(found, "executors", creation)
    assert len(caught.value.reports) == 1
    operators.drop(plan)
    nn.destroy(weight)


def test_an_executor_that_is_destroyed_instead(memory: int) -> None:
    weight = described(memory, DataType.INT8, (16, 16))
    with ao.stub.checks(leaks=True):
        operators.drop(operators.bind(WEIGHT).phase_one([weight]))
    nn.destroy(weight)


# workspace


def test_a_workspace_that_is_too_small(memory: int) -> None:
    weight = described(memory, DataType.INT8, (16, 16))
    with ao.stub.checks() as found:
        plan, creation = operators.bind(WEIGHT).phase_one([weight]), here()
        plan.workspace_size.value -= 1
        with pytest.raises(ao.ParameterError):
            run(plan)
        assert_one(found, "workspace", creation)
    nn.destroy(weight)


def test_a_workspace_over_a_tensor(memory: int) -> None:
    weight = described(memory, DataType.INT8, (8, 16))
    with ao.stub.checks() as found:
        plan = operators.bind(WEIGHT).phase_one([weight])
        _, use = run(plan, memory), here()
        assert_one(found, "workspace", use)
        ao.current_stream().synchronize()
    nn.destroy(weight)


def test_a_workspace_as_it_should_be(memory: int) -> None:
    weight = described(memory, DataType.INT8, (16, 16))
    with ao.stub.checks():
        run(operators.bind(WEIGHT).phase_one([weight]))
        ao.current_stream().synchronize()
    nn.destroy(weight)


# overlaps


@pytest.mark.usefixtures("_absolute")
def test_an_output_over_a_part_of_an_input() -> None:
    x = ao.zeros(64, ao.float32)
    with ao.stub.checks() as found:
        _, use = launch("aclnnAbs", [x[:32], x[16:48]]), here()
        assert_one(found, "overlaps", use)


@pytest.mark.usefixtures("_absolute")
def test_an_output_in_place_or_beside_the_input() -> None:
    x = ao.zeros(64, ao.float32)
    with ao.stub.checks():
        launch("aclnnAbs", [x[:32], x[:32]])
        launch("aclnnAbs", [x[:32], x[32:]])


# races


def test_two_streams_that_write_the_same_bytes(memory: int, streams: tuple[int, int]) -> None:
    with ao.stub.checks() as found:
        _, first = acl.aclrtMemsetAsync(memory, SIZE, 0, SIZE, streams[0]), here()
        _, second = acl.aclrtMemsetAsync(memory, SIZE, 1, SIZE, streams[1]), here()
        assert_one(found, "races", first, second)


@pytest.mark.usefixtures("_absolute")
def test_two_streams_of_the_public_interface() -> None:
    x, y = ao.zeros(64, ao.float32), ao.zeros(64, ao.float32)
    with ao.stub.checks() as found, ao.Stream():
        _, first = launch("aclnnAbs", [x, y]), here()
        with ao.Stream():
            _, second = launch("aclnnAbs", [x, y]), here()
        assert_one(found, "races", first, second)


def test_two_streams_ordered_by_an_event(memory: int, streams: tuple[int, int]) -> None:
    event = made(acl.aclrtCreateEvent)
    with ao.stub.checks():
        assert acl.aclrtMemsetAsync(memory, SIZE, 0, SIZE, streams[0]) == 0
        assert acl.aclrtRecordEvent(event, streams[0]) == 0
        assert acl.aclrtStreamWaitEvent(streams[1], event) == 0
        assert acl.aclrtMemsetAsync(memory, SIZE, 1, SIZE, streams[1]) == 0
        assert acl.aclrtSynchronizeStream(streams[1]) == 0
    assert acl.aclrtDestroyEvent(event) == 0


def test_two_streams_that_write_different_bytes(memory: int, streams: tuple[int, int]) -> None:
    half = SIZE // 2
    with ao.stub.checks():
        assert acl.aclrtMemsetAsync(memory, half, 0, half, streams[0]) == 0
        assert acl.aclrtMemsetAsync(memory + half, half, 1, half, streams[1]) == 0


# context


def in_a_thread(function: Callable[[], Any]) -> Any:
    results = []
    thread = threading.Thread(target=lambda: results.append(function()))
    thread.start()
    thread.join()
    return results[0]


def test_a_call_from_a_thread_without_a_context() -> None:
    def call() -> str:
        _, place = acl.aclrtCreateStream(ctypes.byref(ctypes.c_void_p())), here()
        return place

    with ao.stub.checks() as found:
        place = in_a_thread(call)
        assert_one(found, "context", place)


def test_a_call_from_a_thread_that_has_set_a_device() -> None:
    def call() -> int:
        assert acl.aclrtSetDevice(0) == 0
        stream = made(acl.aclrtCreateStream)
        assert acl.aclrtDestroyStream(stream) == 0
        return int(acl.aclrtResetDevice(0))

    with ao.stub.checks():
        assert in_a_thread(call) == 0


# pageable


def copy(dst: int, src: int, stream: int) -> int:
    status: int = acl.aclrtMemcpyAsync(dst, SIZE, src, SIZE, MemcpyKind.HOST_TO_DEVICE, stream)
    return status


def test_an_asynchronous_copy_of_pageable_memory(memory: int, streams: tuple[int, int]) -> None:
    host = np.zeros(SIZE, np.uint8)
    with ao.stub.checks() as found:
        _, place = copy(memory, host.ctypes.data, streams[0]), here()
        assert_one(found, "pageable", place)
        assert acl.aclrtSynchronizeStream(streams[0]) == 0


def test_an_asynchronous_copy_of_pinned_memory(memory: int, streams: tuple[int, int]) -> None:
    with ao.stub.checks():
        host = made(acl.aclrtMallocHost, SIZE)
        assert copy(memory, host, streams[0]) == 0
        assert acl.aclrtSynchronizeStream(streams[0]) == 0
        assert acl.aclrtFreeHost(host) == 0
