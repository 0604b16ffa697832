"""Communicators as objects: what they refuse before any C call, how they end, what their errors say."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest
from distributed.conftest import Ranks

import ascend_ops as ao
from ascend_ops._cann import hccl
from ascend_ops._cann.enums import HcclDataType, HcclReduceOp
from ascend_ops.distributed import Communicator


@pytest.fixture
def comm(ranks: Ranks) -> Communicator:
    """Rank 0 of 2."""
    return ranks(2)[0]


def floats(*shape: int) -> ao.Tensor:
    return ao.zeros(shape, "float32")


def test_attributes_tell_who_it_is(ranks: Ranks) -> None:
    comms = ranks(3)
    assert [(comm.rank, comm.size, comm.device) for comm in comms] == [(i, 3, ao.Device(i)) for i in range(3)]
    assert len({comm.name for comm in comms}) == 1
    assert 0 < len(comms[0].name) < 128
    assert len({comm.handle for comm in comms}) == 3
    assert repr(comms[1]) == f"<Communicator {comms[0].name!r} rank 1 of 3, device 1>"


def refused(comm: Communicator) -> dict[str, tuple[Any, type[Exception], str]]:
    flat = floats(8)
    with ao.Device(1):
        foreign = floats(4)
    closed = floats(4)
    closed.close()
    return {
        "another device": (lambda: comm.all_reduce(foreign), ValueError, r"x is on device 1, .* on device 0"),
        "another device, out": (
            lambda: comm.all_reduce(flat[:4], out=foreign),
            ValueError,
            r"out is on device 1",
        ),
        "closed tensor": (lambda: comm.all_gather(closed), ValueError, r"x is a closed Tensor"),
        "strided": (
            lambda: comm.all_reduce(floats(4, 4).T),
            ValueError,
            r"x is .*C order .*asarray\(t.numpy",
        ),
        "strided out": (lambda: comm.all_reduce(flat[:4], out=flat[::2]), ValueError, r"out is .*C order"),
        "strided broadcast": (lambda: comm.broadcast(flat[::2]), ValueError, r"x is .*C order"),
        "bool": (
            lambda: comm.all_gather(np.ones(3, bool)),
            TypeError,
            r"x has dtype bool, .*view\('uint8'\)",
        ),
        "complex": (lambda: comm.all_reduce([1j]), TypeError, r"x has dtype complex128"),
        "int4": (lambda: comm.all_reduce(ao.zeros(4, "int4")), TypeError, r"x has dtype int4"),
        "object": (lambda: comm.all_reduce([object()]), TypeError, r"x"),
        "op": (lambda: comm.all_reduce([1], "mean"), ValueError, r"op is 'mean'; use one of 'sum', 'prod'"),
        "op of a wrong type": (lambda: comm.reduce_scatter([1, 2], 0), ValueError, r"op is 0"),  # type: ignore
        "no tensor": (lambda: comm.broadcast([1]), TypeError, r"x must be a Tensor"),  # type: ignore[arg-type]
        "no output tensor": (lambda: comm.all_reduce([1], out=[1]), TypeError, r"out must be"),  # type: ignore
        "root": (
            lambda: comm.broadcast(flat, 2),
            ValueError,
            r"root is 2; the communicator has ranks 0 to 1",
        ),
        "negative root": (lambda: comm.broadcast(flat, -1), ValueError, r"root is -1"),
        "fractional root": (lambda: comm.broadcast(flat, 0.5), TypeError, r"root must be"),  # type: ignore
        "out shape": (lambda: comm.all_gather(flat, floats(8)), ValueError, r"shape \(8,\); .* \(16,\)"),
        "out dtype": (lambda: comm.all_reduce(flat, out=ao.zeros(8, "int32")), ValueError, r"out is int32"),
        "indivisible": (lambda: comm.reduce_scatter(floats(3, 2)), ValueError, r"\(3, 2\); .* ranks, 2"),
        "0-d": (lambda: comm.reduce_scatter(1.0), ValueError, r"x has shape \(\)"),
        "overlap": (lambda: comm.all_reduce(flat[:4], out=flat[1:5]), ValueError, r"all of x, or none of it"),
        "gather in place": (lambda: comm.all_gather(flat[:4], flat), ValueError, r"none of x's memory"),
        "scatter in place": (
            lambda: comm.reduce_scatter(flat, out=flat[4:]),
            ValueError,
            r"none of x's memory",
        ),
    }


def test_bad_arguments_are_refused_by_name_before_any_call(
    comm: Communicator, monkeypatch: pytest.MonkeyPatch
) -> None:
    cases = refused(comm)
    for name in ("all_reduce", "all_gather", "reduce_scatter", "broadcast", "barrier"):
        monkeypatch.setattr(hccl, name, lambda *_, name=name: pytest.fail(f"{name} was called"))
    for call, kind, text in cases.values():
        with pytest.raises(kind, match=text):
            call()


def test_tensors_of_a_private_format_are_refused(comm: Communicator) -> None:
    matrix = ao.empty((32, 32), "float16", "FRACTAL_NZ")
    with pytest.raises(ValueError, match=r"x is .*FRACTAL_NZ"):
        comm.all_reduce(matrix)


@pytest.mark.stand_in(reason="what a product reduces differs")
@pytest.mark.parametrize(
    ("dtype", "op"), [("int16", "prod"), ("bfloat16", "prod"), ("uint8", "sum"), ("float64", "max")]
)
def test_what_the_library_does_not_reduce_is_unsupported(dtype: str, op: str, comm: Communicator) -> None:
    with pytest.raises(
        ao.UnsupportedError, match=r"HcclAllReduce failed with 5 \(HCCL_E_NOT_SUPPORT\)"
    ) as caught:
        comm.all_reduce(ao.zeros(4, dtype), op)
    assert caught.value.message.startswith("HcclAllReduce")
    assert "count: 4" in caught.value.arguments
    assert caught.value.arguments[0].startswith(f"x: {dtype}, not reduced with op {op!r} here; convert")


@pytest.mark.parametrize("rank", [0, 1])
def test_a_closed_communicator_refuses_everything(rank: int, ranks: Ranks) -> None:
    comm = ranks(2)[rank]
    comm.close()
    comm.close()
    assert comm.closed
    assert repr(comm).endswith("of 2, closed>")
    x = _on(comm)
    for call in (
        lambda: comm.handle,
        lambda: comm.all_reduce(x),
        lambda: comm.all_gather(x),
        lambda: comm.reduce_scatter(x),
        lambda: comm.broadcast(x),
        comm.barrier,
        comm.__enter__,
    ):
        with pytest.raises(ValueError, match="closed"):
            call()


def _on(comm: Communicator) -> ao.Tensor:
    with comm.device:
        return floats(4)


def test_many_communicators_come_and_go_on_the_same_devices(ranks: Ranks) -> None:
    names = set()
    for _ in range(20):
        comms = ranks(2)
        names.add(comms[0].name)
        for comm in comms:
            comm.close()
    assert len(names) == 20


def test_two_communicators_of_the_same_devices_keep_apart(ranks: Ranks) -> None:
    first, second = ranks(2), ranks(2)
    sums = [[comm.all_reduce([number]) for comm in group] for number, group in ((1, first), (5, second))]
    assert [[x.item() for x in each] for each in sums] == [[2, 2], [10, 10]]


def test_copies_and_pickles_are_refused(comm: Communicator) -> None:
    for attempt in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError, match="every rank makes its own"):
            attempt(comm)


DISAGREEMENTS = {
    "shapes": lambda comm: comm.all_reduce(np.ones(4 + comm.rank, np.float32)),
    "dtypes": lambda comm: comm.all_reduce(np.ones(4, ("int32", "float32")[comm.rank])),
    "reductions": lambda comm: comm.all_reduce(np.ones(4, np.int32), ("sum", "max")[comm.rank]),
    "roots": lambda comm: comm.broadcast(_on(comm), comm.rank),
    "collectives": lambda comm: (comm.all_gather, comm.all_reduce)[comm.rank](np.ones(4, np.float32)),
}


@pytest.mark.stand_in(reason="a device does not check that ranks agree")
@pytest.mark.parametrize("what", list(DISAGREEMENTS))
def test_ranks_that_disagree_all_get_an_error_that_shows_both_sides(what: str, ranks: Ranks) -> None:
    comms = ranks(2)
    results = [DISAGREEMENTS[what](comm) for comm in comms]
    for result, other in zip(results, (1, 0), strict=True):
        with pytest.raises(ao.AclError, match=rf"disagree: rank {other} .*calls .*this rank \d calls"):
            result.numpy()
    later = [comm.all_reduce([1]) for comm in comms]
    for result in later:
        with pytest.raises(ao.AclError):
            result.numpy()
    for comm in comms:
        comm.close()  # says nothing that was said before
        assert comm.closed


@pytest.mark.stand_in(reason="a device does not check that ranks agree")
def test_the_default_stream_raises_the_error_of_a_collective(ranks: Ranks) -> None:
    comms = ranks(2)
    for comm in comms:
        comm.all_reduce(np.ones(4 + comm.rank, np.float32))
    for comm in comms:
        with comm.device:
            later = floats(3)  # written by the default stream alone
            for wait in (ao.current_stream().synchronize, later.numpy):
                with pytest.raises(ao.AclError, match="disagree"):
                    wait()
            comm.close()
            ao.current_stream().synchronize()


@pytest.mark.stand_in(reason="a device does not check that ranks agree")
@pytest.mark.parametrize("name", ["all_reduce", "all_gather", "reduce_scatter", "broadcast"])
def test_a_rank_without_elements_disagrees_with_one_that_has_some(name: str, ranks: Ranks) -> None:
    comms = ranks(2)
    for comm in comms:
        with comm.device:
            getattr(comm, name)(floats(4 * comm.rank))
    for comm in comms:
        with comm.device, pytest.raises(ao.AclError, match="disagree"):
            ao.current_stream().synchronize()


def test_without_elements_anywhere_a_collective_is_a_barrier(ranks: Ranks, hold: Any) -> None:
    zero, one = ranks(2)
    zero.all_reduce(floats(0))
    with zero.device, pytest.raises(ao.DeviceTimeoutError):
        ao.current_stream().synchronize(timeout=0.05)
    assert one.all_reduce(np.zeros(0, np.float32)).shape == (0,)
    with zero.device:
        ao.current_stream().synchronize(timeout=30)


def test_python_floats_are_float32(ranks: Ranks) -> None:
    (comm,) = ranks(1)
    assert comm.all_gather([0.5]).dtype.name == "float32"
    assert comm.all_gather(np.ones(1)).dtype.name == "float64"
    assert comm.all_gather([1]).dtype.name == "int64"


def test_the_wait_for_a_rank_that_does_not_come_can_be_limited(ranks: Ranks) -> None:
    zero, one = ranks(2)
    mine = zero.all_reduce([1])
    with zero.device, pytest.raises(ao.DeviceTimeoutError):
        ao.current_stream().synchronize(timeout=0.1)
    theirs = one.all_reduce([2])
    assert (mine.item(), theirs.item()) == (3, 3)


def test_a_failing_status_tells_function_code_and_arguments() -> None:
    with pytest.raises(ao.ParameterError, match=r"failed with 2 \(HCCL_E_PTR\)") as caught:
        hccl.all_reduce(0, 0, 4, HcclDataType.FP32, HcclReduceOp.SUM, 0, 0)
    assert caught.value.function == "HcclAllReduce"
    assert caught.value.arguments == (
        "sendBuf: 0x0",
        "recvBuf: 0x0",
        "count: 4",
        "dataType: 4",
        "op: 0",
        "comm: 0x0",
        "stream: 0x0",
    )


def test_nothing_went_wrong_in_the_background(comm: Communicator) -> None:
    assert hccl.async_error(comm.handle) == 0
