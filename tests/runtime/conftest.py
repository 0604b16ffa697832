"""Fixtures for the runtime: a latch that holds a stream, and a check that a test gives its memory back."""

from __future__ import annotations

import ctypes
import gc
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from ascend_ops._cann.api import acl
from ascend_ops._cann.errors import MissingFunctionError
from ascend_ops.runtime import memory
from ascend_ops.runtime.device import activated, current_device
from ascend_ops.runtime.stream import Stream

Hold = Callable[[Stream], AbstractContextManager[None]]
HOST_FUNCTION = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


@pytest.fixture
def hold() -> Hold:
    """`with hold(stream):` keeps the stream from passing this point until the block ends."""
    try:
        launch = acl.aclrtLaunchHostFunc
    except MissingFunctionError:
        pytest.skip("this CANN has no aclrtLaunchHostFunc to hold a stream with")

    @contextmanager
    def holding(stream: Stream) -> Iterator[None]:
        released = threading.Event()
        function = HOST_FUNCTION(lambda _: released.wait(60) and None)
        with activated(stream.device_index):
            assert launch(stream.handle, ctypes.cast(function, ctypes.c_void_p).value, None) == 0
        try:
            yield
        finally:
            released.set()
            stream.synchronize()  # the function object must outlive its call

    return holding


@pytest.fixture(autouse=True)
def _memory_comes_back() -> Iterator[None]:
    gc.collect()
    device = current_device()
    before = memory.stats(device).in_use
    yield
    gc.collect()
    current_device().synchronize()
    device.use()  # where a failure has left another one
    assert memory.stats(device).in_use == before, "the test leaks device memory"
