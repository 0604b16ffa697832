"""What a call that fails must not be taken for, and what the binding makes up for by itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import ascend_ops as ao

pytestmark = pytest.mark.stand_in(reason="faults on demand exist on the stand-in only")
HALVES = np.ones((4, 64), np.float16)
ONES = np.ones(4, np.float32)


@pytest.fixture
def _add() -> Iterator[None]:
    @ao.stub.kernel("aclnnAdd")
    def add(self: Any, other: Any, alpha: Any, out: Any) -> None:
        out[...] = self + alpha * other

    yield
    add.unregister()


def test_memory_that_is_refused_once_is_asked_for_again() -> None:
    ao.memory.trim()
    with ao.stub.fault("aclrtMalloc", count=1) as fault:
        x = ao.asarray(HALVES)
    assert fault.hits == 1
    assert (x.numpy() == 1).all()


def test_the_pool_gives_back_what_it_can_before_it_gives_up() -> None:
    ao.memory.trim()
    kept, dropped = ao.empty(1000, ao.int8), ao.empty(2000, ao.int8)
    del dropped
    assert ao.memory.stats().cached > 0
    with (
        ao.stub.fault("aclrtMalloc") as fault,
        pytest.raises(ao.OutOfMemoryError, match="all cached blocks were given back"),
    ):
        ao.empty(5000, ao.int8)
    assert fault.hits == 2
    assert ao.memory.stats().cached == 0
    assert ao.memory.stats().in_use >= kept.nbytes
    ao.empty(5000, ao.int8)


def test_memory_that_cannot_be_given_back_is_used_again() -> None:
    ao.memory.trim()
    kept = [ao.empty(1000, ao.int8), ao.empty(1000, ao.int8)]
    before = ao.memory.stats()
    kept.clear()
    with ao.stub.fault("aclrtFree"), pytest.raises(ao.AclError, match="aclrtFree"):
        ao.memory.trim()
    assert ao.memory.stats()._replace(in_use=0, cached=0) == before._replace(in_use=0, cached=0)
    assert ao.memory.stats().cached == before.in_use - ao.memory.stats().in_use
    assert ao.memory.trim() > 0


def test_a_stream_that_cannot_be_asked_is_not_taken_for_idle() -> None:
    stream = ao.Stream()
    with ao.stub.fault.hang("aclrtMemsetAsync"), stream:
        ao.zeros(4, ao.int8)
        with ao.stub.fault("aclrtStreamQuery"):
            assert not stream.passed()
    stream.synchronize()
    assert stream.passed()
    stream.close()


@pytest.mark.usefixtures("_add")
def test_an_executor_that_cannot_be_kept_is_planned_anew() -> None:
    x = ao.asarray(ONES)
    with ao.stub.fault("aclSetAclOpExecutorRepeatable"), ao.ops.add.prepare(x, x, alpha=2) as call:
        assert not call.replayed
        assert (call().numpy() == 3).all()


@pytest.mark.usefixtures("_add")
def test_a_change_of_two_tensors_that_cannot_be_made_changes_none() -> None:
    x, y, z, w = (ao.asarray(ONES * number) for number in (1, 2, 4, 8))
    with ao.ops.add.prepare(x, y, alpha=1) as call:
        with ao.stub.fault("aclSetInputTensorAddr", from_=2, count=1), pytest.raises(ao.AclError):
            call(self=z, other=w)
        assert (call().numpy() == 3).all()
        assert (call(self=z, other=w).numpy() == 12).all()
