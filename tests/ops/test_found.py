"""Operators whose results have a shape that only the data tells return the part that was found."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import ascend_ops as ao
from ascend_ops.ops._found import FOUND
from ascend_ops.ops._names import operator_name

X = np.array([[3, 0, 3, 1], [0, 0, 0, 2], [3, 0, 3, 1]], np.float32)
MASK = X > 1


def fresh(shape: tuple[int, ...], dtype: ao.DType = ao.int64) -> ao.Tensor:
    return ao.asarray(np.full(shape, -1, dtype.numpy))


def argwhere(x: Any) -> Any:
    return np.argwhere(np.asarray(x))


CALLS: list[tuple[str, Callable[[], Any], Any]] = [
    ("nonzero", lambda: ao.ops.nonzero(X), argwhere(X)),
    ("nonzero_v2", lambda: ao.ops.nonzero_v2(X), argwhere(X).T),
    ("masked_select", lambda: ao.ops.masked_select(X, MASK), X[MASK]),
    ("unique", lambda: ao.ops.unique(X, True, False)[0], np.unique(X)),
    ("unique2", lambda: ao.ops.unique2(X, True, False, False)[0], np.unique(X)),
    ("unique_dim", lambda: ao.ops.unique_dim(X, True, True, 1)[0], np.unique(X, axis=1)),
    ("unique_consecutive", lambda: ao.ops.unique_consecutive(X[:, 0], False, False, 1000)[0], X[:, 0]),
    ("unique_consecutive", lambda: ao.ops.unique_consecutive(X[::2], True, True, 0)[0], X[:1]),
]


def test_every_operator_of_this_kind_has_a_case() -> None:
    assert {name for name, *_ in CALLS} == {operator_name(name) for name in FOUND}


@pytest.mark.parametrize(("name", "call", "expected"), CALLS)
def test_a_result_is_what_was_found(name: str, call: Callable[[], Any], expected: Any) -> None:
    found = call()
    assert found.shape == expected.shape
    assert found.contiguous
    np.testing.assert_array_equal(found.numpy(), expected)


def test_counts_are_as_long_as_the_values() -> None:
    for result in (ao.ops.unique2(X, True, False, True), ao.ops.unique_dim(X, True, True, 0)):
        assert result[2].shape == result[0].shape[:1]
    assert result[1].shape == (3,)


def test_an_output_that_was_given_keeps_its_shape_and_what_lies_behind() -> None:
    out = fresh((2, 12))
    found = ao.ops.nonzero_v2(X, out=out)
    assert out.shape == (2, 12)
    assert found.address == out.address
    memory = out.numpy().reshape(-1)
    np.testing.assert_array_equal(memory[: found.size], argwhere(X).T.reshape(-1))
    assert (memory[found.size :] == -1).all()


@pytest.mark.stand_in(reason="CANN takes such outputs as if they had no gaps")
def test_an_output_with_gaps_is_filled_along_its_strides() -> None:
    for operator, shape, expected in (
        (ao.ops.nonzero, (12, 2), argwhere(X)),
        (ao.ops.nonzero_v2, (2, 12), argwhere(X).T),
    ):
        out = fresh((shape[0], 2 * shape[1]))[:, ::2]
        np.testing.assert_array_equal(operator(X, out=out).numpy(), expected)
    values = fresh((3, 8), ao.float32)[:, ::2]
    found = ao.ops.unique_dim(X, True, True, 1, value_out=values)[0]
    np.testing.assert_array_equal(found.numpy(), np.unique(X, axis=1))


@pytest.mark.stand_in(reason="it refuses what CANN documents as undefined")
def test_an_output_with_gaps_needs_the_axes_of_what_is_found() -> None:
    gaps = fresh((3, 8), ao.float32)[:, ::2]
    for call in (
        lambda: ao.ops.unique(X, True, False, value_out=gaps),
        lambda: ao.ops.unique_dim(X, True, True, 1, value_out=gaps.T),
    ):
        with pytest.raises(ao.AclError, match=r"valueOut is FLOAT .* and has gaps") as refused:
            call()
        assert refused.value.code == 561003


def test_nothing_may_be_found() -> None:
    zeros = np.zeros((2, 3), np.float32)
    assert ao.ops.nonzero(zeros).shape == (0, 2)
    assert ao.ops.nonzero_v2(zeros).shape == (2, 0)
    assert ao.ops.masked_select(zeros, zeros > 0).numpy().shape == (0,)


def test_without_elements_nothing_is_launched() -> None:
    empty = np.zeros((0, 3), np.float32)
    assert ao.ops.nonzero(empty).shape == (0, 2)
    assert ao.ops.unique2(empty, True, True, True)[0].shape == (0,)


def test_what_was_found_goes_into_the_next_call() -> None:
    chosen = ao.ops.masked_select(X, MASK)
    np.testing.assert_array_equal(ao.ops.neg(chosen).numpy(), -X[MASK])


def test_a_prepared_call_finds_anew_in_every_run() -> None:
    x = ao.asarray(X)
    with ao.ops.nonzero.prepare(x) as call:
        assert not call.replayed
        np.testing.assert_array_equal(call().numpy(), argwhere(X))
        for host in (np.ones_like(X), np.zeros_like(X), X):
            x.copy_from(host)
            np.testing.assert_array_equal(call().numpy(), argwhere(host))
        assert call.results.shape == argwhere(X).shape
        np.testing.assert_array_equal(call(self=ao.asarray(1 - MASK)).numpy(), argwhere(1 - MASK))


def test_a_prepared_call_may_change_where_it_writes() -> None:
    first, second = fresh((12, 2)), fresh((12, 2))
    with ao.ops.nonzero.prepare(X, out=first) as call:
        assert call().address == first.address
        for _ in range(2):
            found = call(out=second)
            assert found.address == second.address
            assert found.shape == argwhere(X).shape


def test_a_sequence_of_prepared_calls_returns_what_each_found() -> None:
    with ao.ops.nonzero.prepare(X) as places, ao.ops.unique2.prepare(X, True, True, True) as kinds:
        found = ao.CallSequence([places, kinds])()
    assert found[0].shape == argwhere(X).shape
    assert found[1][0].shape == found[1][2].shape == (4,)


@pytest.mark.stand_in(reason="the schedule is the stand-in's")
@pytest.mark.parametrize("schedule", ["deferred", "shuffle:3", "eager"])
def test_the_call_waits_under_every_schedule(schedule: str) -> None:
    with ao.stub.schedule(schedule):
        assert ao.ops.nonzero(ao.ops.neg(X)).shape == argwhere(X).shape


def test_the_help_says_that_the_call_waits() -> None:
    assert "the call waits for its stream" in (ao.ops.unique2.__doc__ or "")
    assert "waits" not in (ao.ops.sort.__doc__ or "")
