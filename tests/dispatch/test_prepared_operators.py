"""Prepared calls of operators made from their declarations, and of those that ranks run together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import reference as ref
from dispatch.conftest import Calls
from ops.ranks import Group, together
from runtime.conftest import Hold

import ascend_ops as ao

STAND_IN = pytest.mark.stand_in(reason="kernels in Python exist on the stand-in only")
ONES = np.ones(4, np.float32)


@pytest.fixture
def _add() -> Iterator[None]:
    @ao.stub.kernel("aclnnAdd")
    def add(self: Any, other: Any, alpha: Any, out: Any) -> None:
        out[...] = self + alpha * other

    yield
    add.unregister()


@pytest.fixture
def _inplace_add() -> Iterator[None]:
    @ao.stub.kernel("aclnnInplaceAdd")
    def inplace_add(self_ref: Any, other: Any, alpha: Any) -> None:
        self_ref[...] += alpha * other

    yield
    inplace_add.unregister()


@pytest.fixture
def _cat() -> Iterator[None]:
    @ao.stub.kernel("aclnnCat")
    def cat(tensors: Any, dim: Any, out: Any) -> None:
        out[...] = np.concatenate(tensors, dim)

    yield
    cat.unregister()


@STAND_IN
@pytest.mark.usefixtures("_add")
def test_names_of_c_and_of_python_are_the_same_argument(calls: Calls) -> None:
    call = ao.ops.add.prepare(self=ones(), other=ao.asarray(ONES * 2), alpha=1)
    assert call().numpy().tolist() == [3] * 4
    assert call(self=ao.asarray(ONES * 3)).numpy().tolist() == [5] * 4
    assert call(other=ones()).numpy().tolist() == [4] * 4
    assert calls["executors"] == 1
    assert call(alpha=10).numpy().tolist() == [13] * 4  # a number is part of the plan
    assert call().numpy().tolist() == [13] * 4
    assert calls["executors"] == 2
    call.close()


@STAND_IN
@pytest.mark.usefixtures("_inplace_add")
def test_what_is_written_in_place_may_be_replaced(calls: Calls) -> None:
    first, second = ao.asarray(ONES), ao.asarray(ONES * 10)
    named: dict[str, Any] = {"selfRef": first, "other": ONES, "alpha": 2}
    call = ao.ops.inplace_add.prepare(**named)
    assert call() is first
    assert call(selfRef=second) is second
    assert call(self_ref=second) is second
    assert call(self_ref=first, other=ao.asarray(ONES * 5)) is first
    assert (first.numpy().tolist(), second.numpy().tolist()) == ([13] * 4, [14] * 4)
    assert calls["executors"] == 1
    call.close()


@STAND_IN
@pytest.mark.usefixtures("_inplace_add")
def test_one_tensor_as_both_arguments_is_told_apart_again(calls: Calls) -> None:
    x, other = ao.asarray(ONES), ao.asarray(ONES * 5)
    call = ao.ops.inplace_add.prepare(x, x, 1)
    assert call().numpy().tolist() == [2] * 4
    assert call(other=other).numpy().tolist() == [7] * 4
    assert call(self_ref=other, other=other) is other
    assert (x.numpy().tolist(), other.numpy().tolist()) == ([7] * 4, [10] * 4)
    call.close()


@STAND_IN
@pytest.mark.usefixtures("_inplace_add")
def test_names_that_no_argument_has_are_refused() -> None:
    call = ao.ops.inplace_add.prepare(ones(), ONES, 1)
    for wrong in ({"out": ones()}, {"self": ones()}):
        with pytest.raises(TypeError, match=r"ops\.inplace_add has no parameter '(out|self)'"):
            call(**wrong)
    twice: dict[str, Any] = {"self_ref": ones(), "selfRef": ones()}
    with pytest.raises(TypeError, match="was given self_ref twice"):
        ao.ops.inplace_add.prepare(other=ONES, alpha=1, **twice)
    with pytest.raises(TypeError, match="self_ref was given twice"):
        call(**twice)
    assert call().numpy().tolist() == [2] * 4
    call.close()


def ones() -> ao.Tensor:
    return ao.asarray(ONES)


@STAND_IN
@pytest.mark.parametrize("how", ["closed", "dropped"])
def test_the_executor_of_an_operator_without_descriptors_goes_too(how: str, calls: Calls) -> None:
    seen: list[int] = []
    with ao.stub.kernel("aclnnSleep")(lambda cycles: seen.append(cycles)):
        call = ao.ops.sleep.prepare(5)
        assert (call(), call(cycles=7)) == (None, None)
        ao.current_stream().synchronize()
        assert seen == [5, 7]
        if how == "closed":
            call.close()
        del call
        ao.ops.sleep.prepare(1).close()
    assert calls["executors"] == calls["destroy_executor"] == 3


@STAND_IN
@pytest.mark.usefixtures("_cat")
def test_lists_of_tensors_are_held(calls: Calls) -> None:
    host = [np.full(2, i, np.float32) for i in range(3)]
    parts: list[Any] = [ao.asarray(host[0]), host[1], ao.asarray(host[2])]
    call = ao.ops.cat.prepare(parts, 0)
    host[1][:] = 7
    assert call().numpy().tolist() == [0, 0, 1, 1, 2, 2]
    assert call(out=ao.empty(6, "float32")).numpy().tolist() == [0, 0, 1, 1, 2, 2]
    parts[0].close()
    assert call(out=ao.empty(6, "float32")).numpy().tolist() == [0, 0, 1, 1, 2, 2]
    with pytest.raises(ValueError, match=r"aclnnCat: tensors\[0\] is a closed Tensor"):
        call(dim=-1)  # needs a new plan, and that the tensor
    assert call().numpy().tolist() == [0, 0, 1, 1, 2, 2]
    del parts
    assert call(tensors=[np.ones(1, np.float32)], out=ao.empty(1, "float32")).numpy().tolist() == [1]
    call.close()
    assert calls.living() == {}


@STAND_IN
@pytest.mark.usefixtures("_cat")
def test_an_output_in_the_memory_of_a_list_is_prepared_anew(calls: Calls) -> None:
    """Lists count by their elements: the index of the output is behind them."""
    buffer = ao.asarray(np.arange(8, dtype=np.float32))
    call = ao.ops.cat.prepare([buffer[:2], buffer[2:4]], 0)
    assert call().numpy().tolist() == [0, 1, 2, 3]
    call(out=ao.empty(4, "float32"))
    before = calls["executors"]
    out = ao.empty(4, "float32")
    assert call(out=out).numpy().tolist() == [0, 1, 2, 3]
    assert calls["executors"] == before
    assert call(out=buffer[4:]).numpy().tolist() == [0, 1, 2, 3]
    assert calls["executors"] == before + 1
    call.close()


@STAND_IN
def test_runs_use_the_kernel_that_was_registered_when_it_was_prepared() -> None:
    kernel = ao.stub.kernel("aclnnAbs")(lambda self, out: np.abs(self, out=out))
    call = ao.ops.abs.prepare(np.array([-3.0], np.float32))
    assert call().numpy().tolist() == [3]
    kernel.unregister()
    try:
        assert call().numpy().tolist() == [3]
    finally:
        call.close()


@STAND_IN
def test_a_refusal_of_the_kernel_s_check_shows_when_preparing() -> None:
    def check(self: Any, out: Any) -> None:
        if len(self.shape) > 1:
            raise ValueError("self has too many axes")

    with ao.stub.kernel("aclnnAbs", check=check)(lambda self, out: np.abs(self, out=out)):
        call = ao.ops.abs.prepare(np.array([-3.0], np.float32))
        with pytest.raises(ao.ParameterError, match="self has too many axes"):
            call(self=np.zeros((2, 2), np.float32))
        assert call().numpy().tolist() == [3]
        call.close()


@pytest.fixture(scope="module")
def pair() -> Iterator[Group]:
    if ao.Device.count() < 2:
        pytest.skip("needs two devices")
    group = ao.distributed.init_all(2)
    yield group
    for comm in group:
        comm.close()


def matrices(rank: int, seed: int) -> tuple[ref.Array, ref.Array]:
    rng = np.random.default_rng([rank, seed])
    return rng.integers(-5, 6, (4, 32)).astype(np.int8), rng.integers(-5, 6, (32, 16)).astype(np.int8)


SCALES = np.full(16, 0.25, np.float32)


def product(seed: int) -> ref.Array:
    """Small integers times a power of two: every order of adding gives the same."""
    factors = [[each.astype(np.float32) for each in matrices(rank, seed)] for rank in (0, 1)]
    return np.asarray(sum(x1 @ x2 for x1, x2 in factors) * np.float32(0.25))


def test_ranks_run_prepared_products_together(pair: Group) -> None:
    def work(comm: ao.distributed.Communicator) -> list[ref.Array]:
        with comm.device, ao.Stream() as stream:
            x1, x2 = matrices(comm.rank, 0)
            scale = ao.ops.trans_quant_param_v2(SCALES)
            call = ao.ops.quant_matmul_all_reduce_v2.prepare(x1, x2, scale, group=comm)
            results = [call().numpy(), call().numpy()]
            for seed in (1, 2):
                x1, x2 = matrices(comm.rank, seed)
                results.append(call(x1=ao.asarray(x1), x2=ao.asarray(x2)).numpy())
            call.close()
        stream.close()
        return results

    for rows in together(pair, work):
        for seed, got in zip((0, 0, 1, 2), rows, strict=True):
            np.testing.assert_array_equal(got.astype(np.float32), product(seed))


def test_a_prepared_product_runs_behind_the_work_of_the_stream_it_is_called_on(
    pair: Group, hold: Hold
) -> None:
    """Also when another device is current: the group's stream waits for the group's device."""
    calls, inputs = [], []
    for comm in pair:
        with comm.device:
            x1, x2 = matrices(comm.rank, 3)
            inputs.append(ao.asarray(x1))
            scale = ao.ops.trans_quant_param_v2(SCALES)
            calls.append(ao.ops.quant_matmul_all_reduce_v2.prepare(inputs[-1], x2, scale, group=comm))
    results = together(pair, lambda comm: calls[comm.rank]().numpy())
    for got in results:
        np.testing.assert_array_equal(got.astype(np.float32), product(3))
    for call in calls:
        call.close()


def test_a_prepared_product_of_a_closed_group_is_refused() -> None:
    (comm,) = ao.distributed.init_all(1)
    x1, x2 = matrices(0, 0)
    call = ao.ops.quant_matmul_all_reduce_v2.prepare(x1, x2, ao.ops.trans_quant_param_v2(SCALES), group=comm)
    y = call()
    np.testing.assert_array_equal(
        y.numpy(), (x1.astype(np.float32) @ x2.astype(np.float32) * 0.25).astype("float16")
    )
    comm.close()
    with pytest.raises(ValueError, match="closed"):
        call()
    call.close()
