"""Work that never ends, and devices that are lost: what the program is told, and what it can go on with."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pytest
from cann.fakehome import run_python
from distributed.conftest import Ranks, memory_comes_back, ranks  # noqa: F401 - fixtures

import ascend_ops as ao

pytestmark = pytest.mark.stand_in(reason="faults on demand exist on the stand-in only")
HALVES = np.ones((4, 64), np.float16)
LOST = 1  # the device


def quantised() -> ao.Tensor:
    return ao.ops.dynamic_quant_v2(ao.asarray(HALVES))[0]


def works() -> bool:
    return bool((quantised().numpy() == 127).all())


# ---- work that never ends ----


def test_waiting_for_work_that_hangs_ends_in_time_and_an_abort_ends_the_work() -> None:
    stream = ao.Stream()
    with ao.stub.fault.hang("aclnnDynamicQuantV2", count=1) as fault, stream:
        y = quantised()
        started = time.monotonic()
        with pytest.raises(ao.DeviceTimeoutError, match="within 30 ms"):
            stream.synchronize(timeout=0.03)
        assert time.monotonic() - started < 5
        assert not stream.done
        stream.abort()
        assert stream.done
        with pytest.raises(ao.AscendError, match="aborted"):
            y.numpy()
    assert fault.hits == 1
    stream.close()
    assert works()


def test_the_default_stream_is_used_again_after_an_abort() -> None:
    with ao.stub.fault.hang("aclnnDynamicQuantV2", count=1):
        y = quantised()
        with pytest.raises(ao.DeviceTimeoutError):
            ao.default_stream().synchronize(timeout=0.01)
        ao.default_stream().abort()
    with pytest.raises(ao.AscendError, match="aborted"):
        y.numpy()
    assert works()


def test_work_that_hangs_goes_on_when_the_fault_is_removed() -> None:
    with ao.stub.fault.hang("aclnnDynamicQuantV2"):
        y = quantised()
        assert not ao.current_stream().done
    assert (y.numpy() == 127).all()


def test_other_streams_do_not_wait_for_work_that_hangs() -> None:
    stream = ao.Stream()
    with ao.stub.fault.hang("aclnnDynamicQuantV2", count=1) as fault:
        with stream:
            y = quantised()
        while not fault.hits:  # until it has begun to hang
            time.sleep(0.001)
        assert works()
        assert not stream.done
    assert (y.numpy() == 127).all()
    stream.close()


def test_a_memory_block_of_work_that_hangs_is_not_used_again() -> None:
    stream = ao.Stream()
    with ao.stub.fault.hang("aclnnDynamicQuantV2", count=1) as fault, stream:
        x = ao.asarray(HALVES)
        y = ao.ops.dynamic_quant_v2(x)[0]
        address = x.block.address
        del x
        with ao.default_stream():
            ao.asarray(HALVES * 0)
            assert ao.empty(HALVES.nbytes, ao.int8).block.address != address
        fault.remove()
        assert (y.numpy() == 127).all()
    stream.close()


@pytest.mark.usefixtures("memory_comes_back")
def test_a_collective_that_hangs_ends_in_time(ranks: Ranks) -> None:  # noqa: F811
    comms = ranks(2)
    with ao.stub.fault.hang("HcclAllReduce", device=LOST):
        sums = [comm.all_reduce(np.ones(4, np.float32)) for comm in comms]
        for comm in comms:
            with comm.device, pytest.raises(ao.DeviceTimeoutError):
                ao.current_stream().synchronize(timeout=0.02)
    assert [each.numpy().tolist() for each in sums] == [[2] * 4] * 2


def test_a_program_that_gave_up_waiting_ends() -> None:
    done = run_python(
        """
import numpy as np, ascend_ops as ao
x = ao.asarray(np.ones((4, 64), np.float16))
ao.stub.fault.hang("aclnnDynamicQuantV2")
for stream in (ao.Stream(), ao.default_stream()):
    with stream:
        ao.ops.dynamic_quant_v2(x)
    try:
        stream.synchronize(timeout=0.01)
    except ao.DeviceTimeoutError as error:
        print(str(error).count("did not finish within 10 ms"))
"""
    )
    assert (done.returncode, done.stdout) == (0, "1\n1\n"), done.stderr
    assert "Traceback" not in done.stderr


# ---- lost devices ----

USES: dict[str, Callable[[ao.Tensor, ao.Stream], object]] = {
    "operator": lambda x, stream: ao.ops.dynamic_quant_v2(x),
    "download": lambda x, stream: x.numpy(),
    "upload": lambda x, stream: ao.asarray(HALVES),
    "new stream": lambda x, stream: ao.Stream(),
    "new event": lambda x, stream: ao.Event(),
    "wait": lambda x, stream: stream.synchronize(),
    "trim": lambda x, stream: ao.memory.trim(),
    "memory": lambda x, stream: ao.current_device().memory_info(),
}


def test_a_lost_device_says_so_in_every_use_and_others_go_on() -> None:
    with ao.Device(LOST):
        x, stream = ao.asarray(HALVES), ao.Stream()
        with ao.stub.fault.device_lost(LOST) as fault:
            for use in USES.values():
                with pytest.raises(ao.AclError, match="device 1 is lost") as info:
                    use(x, stream)
                assert info.value.code in (507010, 361001)
            assert "End the process" in str(info.value)
            with ao.Device(0):
                assert works()
            stream.close()
            assert fault.hits >= len(USES)
        assert (x.numpy() == 1).all()
        assert works()


def test_a_device_may_be_lost_in_the_middle() -> None:
    with ao.Device(LOST):
        assert works()
        with ao.stub.fault.device_lost(LOST, from_=2, status=507899):
            ao.current_device().synchronize()
            with pytest.raises(ao.AclError) as info:
                ao.current_device().synchronize()
            assert info.value.code == 507899
        assert works()


def test_work_that_is_queued_fails_with_the_device() -> None:
    with ao.Device(LOST):
        stream = ao.Stream()
        with stream:
            x = ao.asarray(HALVES)
            with ao.stub.fault.hang("aclnnDynamicQuantV2", count=1):
                ao.ops.dynamic_quant_v2(x)
                ao.ops.dynamic_quant_v2(x)
                with ao.stub.fault.device_lost(LOST):
                    for _ in range(2):
                        with pytest.raises(ao.AclError, match="507010"):
                            stream.synchronize()
                    stream.close()
        del x
        assert works()


@pytest.mark.usefixtures("memory_comes_back")
def test_a_communicator_of_a_lost_device_can_be_closed(ranks: Ranks) -> None:  # noqa: F811
    comms = ranks(2)
    assert [comm.all_reduce([1]) for comm in comms][1].numpy().tolist() == [2]
    with ao.stub.fault.device_lost(LOST, status=507000):  # no error that the program has seen before
        with pytest.raises(ao.AclError, match="device 1 is lost"):
            comms[LOST].all_reduce([1])
        with pytest.raises(ao.AclError, match="device 1 is lost"):
            comms[LOST].close()
        comms[0].close()
    assert [comm.closed for comm in comms] == [True, True]


def test_a_program_whose_device_is_lost_ends_with_the_error() -> None:
    done = run_python(
        """
import numpy as np, ascend_ops as ao
x = ao.asarray(np.ones((4, 64), np.float16))
event, stream = ao.Event(), ao.Stream()
call = ao.ops.dynamic_quant_v2.prepare(x)
ao.stub.fault.device_lost(0, forever=True)
call()
"""
    )
    assert done.returncode == 1
    assert "361001" in done.stderr
    assert "device 0 is lost" in done.stderr
