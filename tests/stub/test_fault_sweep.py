"""Every C function that the binding calls fails once, at its first call, its second, and so on: the program
gets an error that names it, nothing is left over, and the next attempt works."""

from __future__ import annotations

import gc
import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from typing import Any

import numpy as np
import pytest
from dispatch.conftest import Calls, calls  # noqa: F401 - a fixture

import ascend_ops as ao
from ascend_ops import _kept
from ascend_ops.distributed import communicator
from ascend_ops.runtime import stream as streams

pytestmark = pytest.mark.stand_in(reason="faults on demand exist on the stand-in only")
MOST = 3  # strikes per function and scenario
HALVES = np.ones((4, 64), np.float16)
ONES = np.ones(4, np.float32)
SQUARE = np.arange(64, dtype=np.float32).reshape(8, 8)


@pytest.fixture(autouse=True)
def _kernels() -> Iterator[None]:
    @ao.stub.kernel("aclnnAdd")
    def add(self: Any, other: Any, alpha: Any, out: Any) -> None:
        out[...] = self + alpha * other

    @ao.stub.kernel("aclnnCat")
    def cat(tensors: Any, dim: Any, out: Any) -> None:
        out[...] = np.concatenate(tensors, dim)

    @ao.stub.kernel("aclnnFlip")
    def flip(self: Any, dims: Any, out: Any) -> None:
        out[...] = np.flip(self, dims)

    yield
    for each in (add, cat, flip):
        each.unregister()


# ---- what programs do ----


def arrays() -> None:
    assert (ao.asarray(HALVES).numpy() == 1).all()


def views() -> None:
    x = ao.asarray(SQUARE)
    assert (x[:, 2:4].numpy() == SQUARE[:, 2:4]).all()
    assert (ao.zeros((4, 4), ao.float32).numpy() == 0).all()


def uploads_behind_work() -> None:
    given = [np.ones(size, np.int8) for size in (100, 100_000)]
    for each in given:
        ao.empty(each.size, ao.int8)  # dropped: the stream's own memory from now on
    with ao.stub.fault.hang("aclrtMemsetAsync"):
        ao.zeros(4000, ao.int8)  # keeps the stream busy until the block ends
        tensors = [ao.asarray(each) for each in given]
    assert all((each.numpy() == 1).all() for each in tensors)


def operator() -> None:
    assert (ao.ops.dynamic_quant_v2(ao.asarray(HALVES))[0].numpy() == 127).all()


def operator_with_a_scalar() -> None:
    x = ao.asarray(ONES)
    assert (ao.ops.add(x, x, alpha=2).numpy() == 3).all()


def operator_with_lists() -> None:
    x = ao.asarray(ONES)
    assert ao.ops.cat([x, x], 0).numpy().tolist() == [1] * 8
    assert ao.ops.flip(x, [0]).numpy().tolist() == [1] * 4


def prepared() -> None:
    x, y, z = (ao.asarray(ONES * number) for number in (1, 2, 3))
    with ao.ops.add.prepare(x, y, alpha=2) as call:
        assert (call().numpy() == 5).all()
        assert (call(self=z).numpy() == 7).all()
        assert (call(alpha=1).numpy() == 5).all()


def prepared_on_a_stream() -> None:
    with ExitStack() as stack:
        call = stack.enter_context(ao.ops.dynamic_quant_v2.prepare(ao.asarray(HALVES)))
        with new_stream(stack):
            ao.CallSequence([call, call])()
            assert (call.results[0].numpy() == 127).all()


def streams_and_events() -> None:
    with ExitStack() as stack:
        first, second = new_stream(stack), new_stream(stack)
        start, end = ao.Event(timing=True), ao.Event(timing=True)
        stack.callback(start.close)
        stack.callback(end.close)
        first.record(start)
        second.wait(start)
        second.record(end)
        start.elapsed(end)
        assert end.query()
        first.synchronize(0.001)
        second.synchronize()


def tensors_on_two_streams() -> None:
    x = ao.asarray(HALVES)
    with ExitStack() as stack, new_stream(stack) as stream:
        y = ao.ops.dynamic_quant_v2(x)[0]
        del x
        stream.synchronize()
        assert (y.numpy() == 127).all()


def new_thread() -> None:
    failures: list[BaseException] = []

    def work() -> None:
        try:
            arrays()
        except ao.AscendError as error:
            failures.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    if failures:
        raise failures.pop()


def another_device() -> None:
    with ao.Device(1) as device:
        assert device.memory_info().total > 0
        arrays()
        device.synchronize()


def pool() -> None:
    kept = ao.asarray(HALVES)
    dropped = [ao.empty(1000 * i, ao.int8) for i in range(1, 4)]
    del dropped
    assert ao.memory.trim() > 0
    assert (kept.numpy() == 1).all()


def collectives() -> None:
    one, other = ao.distributed.init_all(2)
    with one, other:
        sums = [comm.all_reduce(ONES) for comm in (one, other)]
        assert all((each.numpy() == 2).all() for each in sums)


def new_stream(stack: ExitStack) -> ao.Stream:
    stream = ao.Stream()
    stack.callback(stream.close)
    return stream


COPIES = "aclrtMemcpy aclrtSynchronizeStream"
SYNC = "aclrtCreateEventExWithFlag aclrtRecordEvent aclrtStreamWaitEvent aclrtDestroyEvent"
STREAM = f"aclrtCreateStream aclrtDestroyStream {SYNC}"
TENSORS = "aclCreateTensor"
SCENARIOS: dict[Callable[[], None], str] = {
    arrays: COPIES,
    views: f"{COPIES} aclrtMemsetAsync",
    uploads_behind_work: "aclrtMemcpyAsync",
    operator: f"{TENSORS} aclnnDynamicQuantV2GetWorkspaceSize aclnnDynamicQuantV2",
    operator_with_a_scalar: f"{TENSORS} aclDestroyTensor aclCreateScalar aclDestroyScalar "
    "aclnnAddGetWorkspaceSize aclnnAdd",
    operator_with_lists: f"{TENSORS} aclCreateTensorList aclDestroyTensorList aclCreateIntArray "
    "aclnnCatGetWorkspaceSize aclnnCat",
    prepared: f"{TENSORS} aclCreateScalar aclnnAddGetWorkspaceSize aclnnAdd aclSetInputTensorAddr "
    "aclDestroyAclOpExecutor aclDestroyTensor aclDestroyScalar",
    prepared_on_a_stream: f"{STREAM} aclrtSetCurrentContext {TENSORS} "
    "aclnnDynamicQuantV2GetWorkspaceSize aclnnDynamicQuantV2",
    streams_and_events: f"{STREAM} aclrtSynchronizeEvent aclrtEventElapsedTime aclrtQueryEventStatus "
    "aclrtSynchronizeStream",
    tensors_on_two_streams: f"aclrtCreateEventExWithFlag aclrtRecordEvent aclrtStreamWaitEvent {COPIES}",
    new_thread: f"aclrtGetDevice aclrtSetCurrentContext {COPIES}",
    another_device: "aclrtGetDeviceCount aclrtSetCurrentContext aclrtGetMemInfo aclrtSynchronizeDevice",
    pool: "aclrtSynchronizeDevice aclrtFree",
    collectives: f"HcclCommInitAll HcclGetCommName HcclGetRankId HcclGetRankSize HcclAllReduce "
    f"HcclCommDestroy {STREAM}",
}
CASES = [(run, function) for run, functions in SCENARIOS.items() for function in functions.split()]


@pytest.mark.usefixtures("calls")
@pytest.mark.parametrize(
    ("run", "function"), CASES, ids=[f"{run.__name__}-{function}" for run, function in CASES]
)
def test_a_call_that_fails_is_an_error_and_harms_nothing_else(run: Callable[[], None], function: str) -> None:
    run()
    before = in_use()
    for number in range(1, MOST + 1):
        fresh()
        with ao.stub.fault(function, from_=number, count=1) as fault:
            error = attempt(run)
        if not fault.hits:
            break
        assert isinstance(error, ao.AscendError)
        text = str(error)
        assert function in text
        assert fault.rule in text
        del error
        settle()
        run()
    assert number > 1, f"{function} is not called"
    after = in_use()
    assert {kind: after[kind] for kind in after if after[kind] > before[kind]} == {}


def attempt(run: Callable[[], None]) -> Exception | None:
    try:
        run()
    except Exception as error:
        return error.with_traceback(None)
    return None


def fresh() -> None:
    """Nothing is there that would save a call."""
    ao.memory.trim()
    _kept.destroy_all()


def settle() -> None:
    """Takes the errors that aborted collectives leave on the streams that wait for them."""
    for index in (0, 1):
        with suppress(ao.AscendError):
            ao.Device(index).synchronize()


def in_use() -> dict[str, int]:
    """What there is; less than before when something of an earlier test has ended."""
    gc.collect()
    with ao.Device(1):
        other = ao.memory.stats().in_use
    return {
        "memory": ao.memory.stats().in_use,
        "memory of device 1": other,
        "streams": len(streams._live) - len(streams.orphans),
        "communicators": len(communicator._live),
        "overdue": len(streams._overdue),
    }


def test_every_nth_call_of_anything_may_fail() -> None:
    """Whatever a program does that the lists above have not: it goes on or gets an error of this package."""
    runs = [run for run in SCENARIOS if run is not collectives]
    for seed, run in itertools.product(range(2), runs):
        with ao.stub.fault("*", probability=0.2, seed=seed):
            error = attempt(run)
        assert error is None or isinstance(error, ao.AscendError), repr(error)
    ao.Device(0).use()
    gc.collect()
    settle()
    for run in runs:
        run()
