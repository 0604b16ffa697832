"""Calls from many threads: each with its own stream, all on the default stream, and with failures between."""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np
import pytest
import reference as ref
from dispatch.conftest import Calls

import ascend_ops as ao
from ascend_ops.dispatch import launch

THREADS, CALLS = 4, 200


def in_threads(work: Callable[[int], None]) -> None:
    """Runs `work(i)` in THREADS threads at once and raises what any of them raised."""
    errors: list[BaseException] = []
    barrier = threading.Barrier(THREADS)

    def guarded(index: int) -> None:
        try:
            barrier.wait(30)
            work(index)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(i,)) for i in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
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
