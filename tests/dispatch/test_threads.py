"""Calls from many threads: each with its own stream, all on the default stream, and with failures between.

ASCEND_OPS_TEST_SECONDS=60 makes the loop that looks for growth of memory last that long.
"""

from __future__ import annotations

import gc
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import reference as ref
from dispatch.conftest import Calls

import ascend_ops as ao
from ascend_ops.dispatch import launch
from ascend_ops.runtime import memory

THREADS, CALLS = 4, 200
SECONDS = float(os.environ.get("ASCEND_OPS_TEST_SECONDS", "1"))


def in_threads(work: Callable[[int], None], count: int = THREADS) -> None:
    """Runs `work(i)` in so many threads at once and raises what any of them raised."""
    errors: list[BaseException] = []
    barrier = threading.Barrier(count)

    def guarded(index: int) -> None:
        try:
            barrier.wait(30)
            work(index)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(i,)) for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120 + SECONDS)
        assert not thread.is_alive()
    if errors:
        raise errors[0]


def quantize_again_and_again(index: int) -> None:
    rng = np.random.default_rng(index)
    inputs = [(rng.standard_normal((8, 64)) * 9).astype(np.float16) for _ in range(8)]
    expected = [ref.dynamic_quant_v2(x) for x in inputs]
    results = []
    for call in range(CALLS):
        results.append((call % 8, ao.ops.dynamic_quant_v2(inputs[call % 8])))
        if len(results) == 20:
            for which, (y, scale) in results:
                assert (np.abs(y.numpy().astype(int) - expected[which][0]) <= 1).all()
                np.testing.assert_allclose(scale.numpy(), expected[which][1], rtol=4e-7)
            results.clear()


def test_threads_with_a_stream_each_get_the_right_results(calls: Calls) -> None:
    def work(index: int) -> None:
        with ao.Stream() as stream:
            quantize_again_and_again(index)
        stream.close()

    in_threads(work)


def test_threads_that_share_the_default_stream_get_the_right_results() -> None:
    in_threads(quantize_again_and_again)


def test_tensors_made_in_one_thread_may_be_used_and_dropped_in_others() -> None:
    x = ao.asarray(np.full((4, 32), 127, np.float16))

    def work(_: int) -> None:
        with ao.Stream() as stream:
            for _ in range(50):
                y, scale = ao.ops.dynamic_quant_v2(x)
                assert (y.numpy() == 127).all()
                assert (scale.numpy() == 1).all()
        stream.close()

    in_threads(work)


def test_a_failure_in_one_thread_carries_its_own_text_and_disturbs_no_other() -> None:
    good = ao.asarray(np.full((4, 32), 127, np.float16))
    bad = [ao.zeros((4, 32), dtype) for dtype in ("float32", "int16", "float64", "int64")]

    def work(index: int) -> None:
        for _ in range(50):
            with pytest.raises(ao.ParameterError) as raised:
                launch("aclnnDynamicQuantV2", (bad[index], None, None, 2, bad[index], bad[index], None))
            assert raised.value.arguments[0].startswith(f"x: {bad[index].dtype} [4, 32]")
            assert bad[index].dtype.code.name in raised.value.message
            assert (ao.ops.dynamic_quant_v2(good)[0].numpy() == 127).all()

    in_threads(work)


class Rounds:
    """Rounds of calls in one thread: eager ones, prepared ones with other tensors, a sequence."""

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        hosts = [rng.integers(-128, 128, (4, 64)).astype(np.int8) for _ in range(4)]
        scale = np.array([0.5], np.float32)
        self.expected = [ref.ascend_anti_quant(each, scale) for each in hosts]
        self.inputs, self.scale = [ao.asarray(each) for each in hosts], ao.asarray(scale)
        self.outputs = [ao.empty((4, 64), "float16") for _ in hosts]
        self.call = ao.ops.ascend_anti_quant.prepare(self.inputs[0], self.scale, out=self.outputs[0])
        self.quant = ao.ops.dynamic_quant_v2.prepare(self.outputs[0])
        self.both = ao.CallSequence([self.call, self.quant])
        self.quantized: Any = None
        self.hosts = hosts

    def run(self) -> None:
        eager = [ao.ops.ascend_anti_quant(each, self.scale) for each in self.inputs]
        uploaded = ao.ops.ascend_anti_quant(self.hosts[1], self.scale)
        for x, out in zip(self.inputs, self.outputs, strict=True):
            self.call(x=x, out=out)
        for result, again, wanted in zip(eager, self.outputs, self.expected, strict=True):
            np.testing.assert_array_equal(result.numpy(), wanted)
            np.testing.assert_array_equal(again.numpy(), wanted)
        np.testing.assert_array_equal(uploaded.numpy(), self.expected[1])
        self.run_sequence()

    def run_sequence(self) -> None:
        self.call(x=self.inputs[0], out=self.outputs[0])
        y, (quantized, scale) = self.both()
        found = quantized.numpy(), scale.numpy()
        if self.quantized is None:
            expected, scales, *_ = ref.dynamic_quant_v2(self.expected[0])
            assert (np.abs(found[0].astype(int) - expected) <= 1).all()
            np.testing.assert_allclose(found[1], scales, rtol=4e-7)
            self.quantized = found
        np.testing.assert_array_equal(y.numpy(), self.expected[0])
        np.testing.assert_array_equal(found[0], self.quantized[0])
        np.testing.assert_array_equal(found[1], self.quantized[1])

    def close(self) -> None:
        self.call.close()
        self.quant.close()


def resident() -> int:
    """Bytes of physical memory that this process has."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_eight_threads_that_call_in_a_loop_do_not_grow(calls: Calls) -> None:
    count = 8
    rounds, stop = [0] * count, threading.Event()
    seen: list[tuple[int, int, int]] = []

    def work(index: int) -> None:
        with ao.Stream() as stream:
            own = Rounds(index)
            while not stop.is_set():
                own.run()
                rounds[index] += 1
            own.close()
        stream.close()

    def watch() -> None:
        try:
            for seconds in (0.0, SECONDS):
                wait_for_rounds(rounds, 5, stop)
                time.sleep(seconds)
                gc.collect()
                seen.append((resident(), memory.stats().reserved, sum(map(len, calls.alive.values()))))
        finally:
            stop.set()

    in_threads(lambda index: watch() if index == count else work(index), count + 1)
    print(
        f"{sum(rounds)} rounds, {calls['executors']} executors; bytes resident, reserved, descriptors: {seen}"
    )
    (resident_before, reserved_before, alive_before), (resident_after, reserved_after, alive_after) = seen
    assert reserved_after == reserved_before
    assert resident_after - resident_before < 8 << 20
    assert abs(alive_after - alive_before) < count * 6  # those of the calls that are being made


def test_threads_that_come_and_go_leave_nothing(calls: Calls) -> None:
    x = ao.asarray(np.full((4, 32), 127, np.float16))
    for _ in range(5):
        in_threads(lambda _: ao.ops.dynamic_quant_v2(x)[0].close())
    ao.ops.dynamic_quant_v2(x)
    alive = sum(map(len, calls.alive.values()))
    assert calls["create_tensor"] >= 3
    assert alive <= 3 * (THREADS + 1)  # what threads keep goes with them


def wait_for_rounds(rounds: list[int], least: int, stop: threading.Event) -> None:
    end = time.monotonic() + 60
    while min(rounds) < least and time.monotonic() < end and not stop.is_set():
        time.sleep(0.01)
