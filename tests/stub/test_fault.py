"""Faults that a program asks for: how they are named, counted and ended, and what they answer."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import ascend_ops as ao
from ascend_ops._cann import rt

pytestmark = pytest.mark.stand_in(reason="faults on demand exist on the stand-in only")
ONES = np.ones((4, 64), np.float16)


def allocate() -> bool:
    """Whether aclrtMalloc, called once, gives memory."""
    try:
        rt.free(rt.malloc(100))
    except ao.AclError:
        return False
    return True


def allocations(count: int) -> str:
    return "".join(".X"[not allocate()] for _ in range(count))


def test_a_fault_strikes_from_a_call_on_so_many_times() -> None:
    with ao.stub.fault("aclrtMalloc", from_=3, count=2) as fault:
        assert allocations(6) == "..XX.."
        assert fault.hits == 2
    assert allocations(3) == "..."


def test_a_fault_ends_with_its_block_or_when_it_is_removed() -> None:
    fault = ao.stub.fault("aclrtMalloc")
    assert fault.active
    assert allocations(2) == "XX"
    fault.remove()
    fault.remove()
    assert not fault.active
    assert allocations(2) == ".."
    assert fault.hits == 2
    with pytest.raises(ZeroDivisionError), ao.stub.fault("aclrtMalloc") as inner:
        raise ZeroDivisionError
    assert not inner.active


def test_a_pattern_stands_for_many_functions() -> None:
    with ao.stub.fault("aclrtM[ae]*", status=507000) as fault:
        assert allocations(1) == "X"
        with pytest.raises(ao.AclError, match="507000"):
            ao.memory.allocate(1 << 20, ao.current_stream())
    assert fault.hits == 2


def test_chances_are_the_same_for_the_same_seed() -> None:
    def drawn(seed: int | None) -> str:
        with ao.stub.fault("aclrtMalloc", probability=0.5, seed=seed):
            return allocations(64)

    assert drawn(3) == drawn(3)
    assert drawn(None) == drawn(0)
    assert len({drawn(seed) for seed in range(5)}) == 5
    assert 0.3 < "".join(map(drawn, range(10))).count("X") / 640 < 0.7


def test_a_fault_may_be_for_one_device() -> None:
    with ao.stub.fault("aclrtMalloc", device=1) as fault:
        assert allocations(1) == "."
        with ao.Device(1):
            assert allocations(1) == "X"
    assert fault.hits == 1


def test_the_error_says_that_it_was_asked_for() -> None:
    x = ao.asarray(ONES)
    with (
        ao.stub.fault("aclnnDynamicQuantV2", status=507015) as fault,
        pytest.raises(
            ao.AclError, match=r'aclnnDynamicQuantV2 was made to answer 507015 by the fault "'
        ) as info,
    ):
        ao.ops.dynamic_quant_v2(x)
    assert (info.value.function, info.value.code) == ("aclnnDynamicQuantV2", 507015)
    assert fault.rule in str(info.value)


def test_work_may_fail_instead_of_the_call_that_queues_it() -> None:
    x = ao.asarray(ONES)
    stream = ao.Stream()
    with ao.stub.fault.task("aclnnDynamicQuantV2", count=1) as fault, stream:
        ao.ops.dynamic_quant_v2(x)
        with pytest.raises(ao.AclError, match=r"507015.*by the fault"):
            stream.synchronize()
    assert fault.hits == 1
    stream.close()
    assert (ao.ops.dynamic_quant_v2(x)[0].numpy() == 127).all()


def test_memory_may_be_small() -> None:
    ao.memory.trim()
    in_use = ao.current_device().memory_info()
    limit = in_use.total - in_use.free + (8 << 20)
    with ao.stub.fault.memory(limit) as fault:
        assert ao.current_device().memory_info().total == limit
        with pytest.raises(ao.OutOfMemoryError, match="allows"):
            ao.empty(9 << 20, ao.int8)
        assert fault.hits == 2  # the second time after the pool gave back what it could
        ao.empty(3 << 20, ao.int8)
    with ao.stub.fault.memory("512M"):
        assert ao.current_device().memory_info().total == 512 << 20


BAD = {
    'ao.stub.fault("aclrt Malloc")': "no function's name",
    'ao.stub.fault("")': "name of a function",
    'ao.stub.fault("aclrtMalloc", from_=0)': "from takes a whole number, 1 or more",
    'ao.stub.fault("aclrtMalloc", count=0)': "count takes",
    'ao.stub.fault("aclrtMalloc", status=0)': "status takes a status other than 0",
    'ao.stub.fault("aclrtMalloc", probability=1.5)': "probability takes a number from 0 to 1",
    'ao.stub.fault("aclrtMalloc", seed=-1)': "seed takes",
    'ao.stub.fault.device_lost(-1)': "device takes",
    'ao.stub.fault.memory("lots")': "limit takes bytes",
    'ao.stub.fault.memory(0)': "limit takes bytes",
}  # fmt: skip


@pytest.mark.parametrize("given", BAD)
def test_what_makes_no_sense_is_refused(given: str) -> None:
    with pytest.raises(ao.ParameterError, match=BAD[given]):
        eval(given)
    assert allocations(2) == ".."


def test_faults_tell_what_they_are() -> None:
    with ao.stub.fault("aclrtMalloc", from_=2, count=1, probability=0.5, seed=9, device=0) as fault:
        assert fault.rule == "aclrtMalloc:from=2,count=1,probability=0.5,seed=9,device=0"
        assert repr(fault) == f"<fault '{fault.rule}'>"
    assert repr(fault).endswith(", removed>")
    makers = ao.stub.fault
    made = [
        makers.hang("aclnnAdd"),
        makers.device_lost(7, from_=9, forever=True),
        makers.memory("1G", device=7),
    ]
    for fault, rule in itertools.zip_longest(
        made, ["aclnnAdd:from=1,hang", "device-lost:device=7,from=9,forever", "memory:limit=1G,device=7"]
    ):
        assert fault.rule == rule
        fault.remove()
