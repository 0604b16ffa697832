"""What the tests of the checks share: raw calls, the lines they are made from, memory and streams."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import ascend_ops as ao
from ascend_ops._cann import nn, operators
from ascend_ops._cann.api import acl
from ascend_ops._cann.enums import DataType, Format

SIZE = 512
WEIGHT = "aclnnTransMatmulWeight"  # the stand-in's smallest one with a workspace


def here() -> str:
    """The caller's line, as a report has it."""
    frame = sys._getframe(1)
    return f"    {frame.f_code.co_filename}:{frame.f_lineno} in {frame.f_code.co_name}\n"


def made(create: Callable[..., int], *args: Any) -> int:
    out = ctypes.c_void_p()
    assert create(ctypes.byref(out), *args) == 0
    assert out.value is not None
    return out.value


def described(address: int, dtype: DataType, shape: tuple[int, ...]) -> nn.TensorHandle:
    strides = (*(shape[1:]), 1)
    return nn.create_tensor(shape, dtype, strides, 0, Format.ND, shape, address)


def run(plan: operators.Plan, workspace: int = 0) -> None:
    """Phase two of WEIGHT on the current stream; with a workspace of its own, or the one at that address."""
    stream = ao.current_stream()
    own = ao.memory.allocate(plan.workspace_size.value, stream)
    argument = ctypes.c_void_p(workspace or own.address)
    operators.bind(WEIGHT).phase_two(plan, argument, stream.argument)


def assert_one(found: ao.stub.Checks, check: str, *places: str) -> None:
    """Races are found when the work runs."""
    if check == "races":
        ao.current_device().synchronize()
    (report,) = found.take()
    assert report.check == check, report.text
    for place in places:
        assert place in report.text + "\n", report.text


@pytest.fixture
def memory() -> Iterator[int]:
    """SIZE bytes of device memory."""
    address = made(acl.aclrtMalloc, SIZE, 0)
    assert acl.aclrtMemset(address, SIZE, 0, SIZE) == 0
    yield address
    ao.current_device().synchronize()
    assert acl.aclrtFree(address) == 0


@pytest.fixture
def streams() -> Iterator[tuple[int, int]]:
    both = made(acl.aclrtCreateStream), made(acl.aclrtCreateStream)
    yield both
    for stream in both:
        assert acl.aclrtSynchronizeStream(stream) == 0
        assert acl.aclrtDestroyStream(stream) == 0


@pytest.fixture
def _absolute() -> Iterator[None]:
    @ao.stub.kernel("aclnnAbs")
    def absolute(self: Any, out: Any) -> None:
        out[...] = np.abs(self)

    yield
    ao.current_device().synchronize()
    absolute.unregister()
