"""What collectives compute, against NumPy: every dtype and reduction, shapes, outputs, threads, streams."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from distributed.conftest import Ranks
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from runtime.conftest import Hold

import ascend_ops as ao
from ascend_ops.distributed import Communicator

Array = np.ndarray[Any, np.dtype[Any]]

UFUNCS: dict[str, Callable[[Array, Array], Array]] = {
    "sum": np.add,
    "prod": np.multiply,
    "max": np.maximum,
    "min": np.minimum,
}
REDUCED = ["int8", "int16", "int32", "int64", "float16", "float32", "bfloat16"]
MOVED = [*REDUCED, "uint8", "uint16", "uint32", "uint64", "float64"]
PAIRS = [
    (dtype, op)
    for dtype in REDUCED
    for op in UFUNCS
    if (dtype, op) not in {("int16", "prod"), ("bfloat16", "prod")}
]


def values(dtype: str, count: int, seed: int) -> Array:
    """Numbers over the whole range of a type: random bits, without NaN."""
    rng = np.random.default_rng(seed)
    kind = ao.dtype(dtype).host()
    if kind.kind in "iu":
        return rng.integers(np.iinfo(kind).min, np.iinfo(kind).max, count, kind, endpoint=True)
    limit = ml_dtypes.finfo(kind).maxexp - 1
    powers = 2.0 ** rng.integers(-limit, limit, count)
    return np.asarray(rng.standard_normal(count) * powers).astype(kind)


def reduced(arrays: list[Array], op: str) -> Array:
    """Rank by rank, rounded to the dtype at each step, integers wrapped."""
    with np.errstate(all="ignore"):
        return functools.reduce(UFUNCS[op], arrays)


def same_bits(got: Array, expected: Array) -> None:
    assert (got.dtype, got.shape) == (expected.dtype, expected.shape)
    assert got.tobytes() == expected.tobytes()


@pytest.mark.stand_in(reason="the order of a device's reduction is not documented")
@pytest.mark.parametrize(("dtype", "op"), PAIRS)
def test_all_reduce_adds_in_the_order_of_ranks(dtype: str, op: str, ranks: Ranks) -> None:
    comms = ranks(3)
    for count in (1, 7, 1000):
        given = [values(dtype, count, seed) for seed in range(3)]
        results = [comm.all_reduce(x, op) for comm, x in zip(comms, given, strict=True)]
        for result in results:
            same_bits(result.numpy(), reduced(given, op))


@pytest.mark.stand_in(reason="the order of a device's reduction is not documented")
@pytest.mark.parametrize(("dtype", "op"), PAIRS)
def test_reduce_scatter_gives_each_rank_its_part(dtype: str, op: str, ranks: Ranks) -> None:
    comms = ranks(3)
    given = [values(dtype, 3 * 5 * 4, seed).reshape(15, 4) for seed in range(3)]
    results = [comm.reduce_scatter(x, op) for comm, x in zip(comms, given, strict=True)]
    for rank, result in enumerate(results):
        same_bits(result.numpy(), reduced(given, op)[5 * rank : 5 * rank + 5])


@pytest.mark.parametrize("dtype", MOVED)
def test_all_gather_and_broadcast_move_every_dtype(dtype: str, ranks: Ranks) -> None:
    comms = ranks(3)
    given = [values(dtype, 10, seed).reshape(2, 5) for seed in range(3)]
    tensors = [_on(comm, x) for comm, x in zip(comms, given, strict=True)]
    gathered = [comm.all_gather(x) for comm, x in zip(comms, tensors, strict=True)]
    spread = [comm.broadcast(x, root=1) for comm, x in zip(comms, tensors, strict=True)]
    for rank in range(3):
        same_bits(gathered[rank].numpy(), np.concatenate(given))
        assert spread[rank] is tensors[rank]
        same_bits(spread[rank].numpy(), given[1])


def _on(comm: Communicator, x: Any) -> ao.Tensor:
    with comm.device:
        return ao.asarray(x)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    shape=st.lists(st.integers(0, 5), max_size=3).map(tuple),
    size=st.sampled_from([1, 2, 4]),
    start=st.integers(0, 3),
    op=st.sampled_from(list(UFUNCS)),
)
def test_any_shape_and_any_contiguous_view(
    shape: tuple[int, ...], size: int, start: int, op: str, groups: dict[int, list[Communicator]]
) -> None:
    comms = groups[size]
    padded = [
        np.arange((start + 1) * int(np.prod(shape, dtype=int)), dtype=np.int32) + rank for rank in range(size)
    ]
    given = [x.reshape(start + 1, *shape) for x in padded]
    views = [_on(comm, x)[start] for comm, x in zip(comms, given, strict=True)]
    sums = [comm.all_reduce(x, op) for comm, x in zip(comms, views, strict=True)]
    gathered = [comm.all_gather(x) for comm, x in zip(comms, views, strict=True)]
    for rank in range(size):
        same_bits(sums[rank].numpy(), np.asarray(reduced([x[start] for x in given], op)))
        same_bits(gathered[rank].numpy(), np.concatenate([np.atleast_1d(x[start]) for x in given]))


@pytest.fixture(scope="module")
def groups(memory_comes_back: None) -> Any:
    if ao.Device.count() < 4:
        pytest.skip("needs 4 devices")
    made = {size: ao.distributed.init_all(size) for size in (1, 2, 4)}
    yield made
    for comms in made.values():
        for comm in comms:
            comm.close()


def test_outputs_of_the_caller_are_written_and_returned(ranks: Ranks) -> None:
    comms = ranks(2)
    given = [_on(comm, np.full((4, 2), comm.rank + 1.0, np.float32)) for comm in comms]
    for make, method in (
        ((4, 2), Communicator.all_reduce),
        ((8, 2), Communicator.all_gather),
        ((2, 2), Communicator.reduce_scatter),
    ):
        outs = [_on(comm, np.zeros(make, np.float32)) for comm in comms]
        for comm, x, out in zip(comms, given, outs, strict=True):
            assert method(comm, x, out=out) is out
        expected = np.repeat([[1.0], [2.0]], 4, 0) if make == (8, 2) else np.full(make, 3.0)
        for out in outs:
            np.testing.assert_array_equal(out.numpy(), np.broadcast_to(expected, make))


def test_all_reduce_may_write_its_input(ranks: Ranks) -> None:
    comms = ranks(2)
    tensors = [_on(comm, np.arange(5) + comm.rank) for comm in comms]
    for comm, x in zip(comms, tensors, strict=True):
        assert comm.all_reduce(x, out=x) is x
    for x in tensors:
        assert x.numpy().tolist() == [1, 3, 5, 7, 9]


def test_ranks_may_be_threads_that_wait_for_their_results(ranks: Ranks) -> None:
    comms = ranks(4)
    found: dict[int, Array] = {}

    def work(comm: Communicator) -> None:
        with comm.device, ao.Stream():
            x = ao.asarray(np.full(1000, comm.rank, np.float32))
            for _ in range(5):
                x = comm.all_reduce(x, "max")
                comm.barrier()
            found[comm.rank] = comm.all_reduce(x).numpy()

    threads = [threading.Thread(target=work, args=(comm,)) for comm in comms]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert {rank: set(x.tolist()) for rank, x in found.items()} == {rank: {12.0} for rank in range(4)}


def test_the_callers_device_stays_current(ranks: Ranks) -> None:
    comms = ranks(3)
    with ao.Device(2):
        results = [comm.all_reduce([1, 2]) for comm in comms]
        assert ao.current_device().index == 2
    assert [result.device.index for result in results] == [0, 1, 2]
    assert results[0].numpy().tolist() == [3, 6]


def test_an_operation_waits_for_all_ranks_and_later_work_waits_for_it(ranks: Ranks, hold: Hold) -> None:
    zero, one = ranks(2)
    with one.device:
        stream = ao.Stream()
    with hold(stream):
        with stream:
            late = one.all_reduce(np.ones(4, np.float32))
        early = zero.all_reduce(np.ones(4, np.float32))
        with zero.device:
            assert not ao.default_stream().done
    assert early.numpy().tolist() == late.numpy().tolist() == [2.0] * 4


def test_operations_run_in_the_order_of_the_calls_on_any_streams(ranks: Ranks, hold: Hold) -> None:
    zero, one = ranks(2)
    with zero.device:
        held, free = ao.Stream(), ao.Stream()
    with hold(held):
        results = []
        for stream, number in ((held, 1), (free, 2), (None, 3)):
            with zero.device if stream is None else stream:
                results.append(zero.all_reduce(np.full(3, number, np.float32)))
        with zero.device:
            assert not free.done
            assert not ao.default_stream().done
        others = [one.all_reduce(np.full(3, 10.0 * number, np.float32)) for number in (1, 2, 3)]
    for number, (mine, other) in enumerate(zip(results, others, strict=True), 1):
        assert mine.numpy().tolist() == other.numpy().tolist() == [11.0 * number] * 3


def test_tensors_may_be_dropped_right_after_the_call(ranks: Ranks, hold: Hold) -> None:
    zero, one = ranks(2)
    with one.device:
        stream = ao.Stream()
    with hold(stream):
        with stream:
            theirs = one.all_reduce(np.full(4096, 1.0, np.float32))
        x = _on(zero, np.full(4096, 2.0, np.float32))
        mine = zero.all_reduce(x)
        del x
        with zero.device:  # would take the memory of x if it were free
            others = [ao.asarray(np.full(4096, 9.0, np.float32)) for _ in range(4)]
    for result in (mine, theirs):
        np.testing.assert_array_equal(result.numpy(), np.full(4096, 3.0, np.float32))
    assert len(others) == 4


@pytest.mark.parametrize("size", [1, 2, 3, 8])
def test_a_large_array_arrives_whole(size: int, ranks: Ranks) -> None:
    comms = ranks(size)
    given = [np.arange(1_000_003, dtype=np.int32) * (rank + 1) for rank in range(size)]
    results = [comm.all_reduce(x) for comm, x in zip(comms, given, strict=True)]
    for result in results:
        np.testing.assert_array_equal(result.numpy(), reduced(given, "sum"))
