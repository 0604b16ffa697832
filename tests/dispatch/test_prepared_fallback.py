"""Prepared calls where CANN keeps no executor: every run plans anew, and nothing else is different."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import reference as ref
from dispatch.conftest import Calls
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import ascend_ops as ao
from ascend_ops._cann import libraries
from ascend_ops._cann.lifecycle import untyped
from ascend_ops.runtime import memory

REPEATABLE = "aclSetAclOpExecutorRepeatable"
RNG = np.random.default_rng(13)
Q = RNG.integers(-128, 128, (4, 32)).astype(np.int8)
OTHERS = [RNG.integers(-128, 128, (4, 32)).astype(np.int8) for _ in range(3)]
SCALE = np.array([0.5], np.float32)


def refuse(*_: Any) -> int:
    return 561000


def lack(*_: Any) -> int:
    raise ao.MissingFunctionError(f"{REPEATABLE} is in none of the libraries")


@pytest.fixture(params=[refuse, lack], autouse=True)
def _nothing_is_repeatable(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """As for operators that copy host data in phase one, and as in a CANN that has no such function."""
    monkeypatch.setitem(untyped, REPEATABLE, request.param)


def dequantized(q: ref.Array, scale: ref.Array = SCALE) -> ref.Array:
    return ref.ascend_anti_quant(q, scale, None, "float16", False)


def prepared(q: Any = Q, **named: Any) -> ao.PreparedCall[ao.Tensor]:
    return ao.ops.ascend_anti_quant.prepare(q, **{"scale": ao.asarray(SCALE)} | named)


def test_the_call_says_so_and_gives_the_results_of_the_eager_call(calls: Calls) -> None:
    y = ao.zeros(Q.shape, "float16")
    with prepared(ao.asarray(Q), out=y) as call:
        assert not call.replayed
        assert repr(call) == "<PreparedCall aclnnAscendAntiQuant, planned anew>"
        assert (calls["phase_two"], calls.living()) == (0, {})
        assert (y.numpy() == 0).all()
        for _ in range(3):
            assert call() is y
            np.testing.assert_array_equal(y.numpy(), dequantized(Q))
    assert (calls["executors"], calls["destroy_executor"], calls["phase_two"]) == (4, 1, 3)


def test_a_refusal_explains_no_later_failure() -> None:
    prepared().close()
    assert libraries.recent_message() == ""


def test_arguments_may_be_replaced() -> None:
    with prepared(ao.asarray(Q)) as call:
        y = call()
        for other in OTHERS:
            assert call(x=ao.asarray(other)) is y
            np.testing.assert_array_equal(y.numpy(), dequantized(other))
        out = ao.empty(Q.shape, "float16")
        assert call(out=out) is out
        np.testing.assert_array_equal(call().numpy(), dequantized(OTHERS[-1]))
        np.testing.assert_array_equal(call(x=ao.asarray(Q[:2]), out=None).numpy(), dequantized(Q[:2]))


def test_array_likes_are_uploaded_once() -> None:
    host = Q.copy()
    with prepared(host) as call:
        host[:] = 0
        np.testing.assert_array_equal(call().numpy(), dequantized(Q))
        np.testing.assert_array_equal(
            call(scale=np.array([2], np.float32)).numpy(), dequantized(Q, SCALE * 4)
        )


def test_what_was_given_may_be_closed() -> None:
    q, other = ao.asarray(Q), ao.asarray(OTHERS[0])
    with prepared(q) as call:
        q.close()
        np.testing.assert_array_equal(call().numpy(), dequantized(Q))
        call(x=other)
        other.close()
        np.testing.assert_array_equal(call().numpy(), dequantized(OTHERS[0]))


def test_everything_goes_with_the_call() -> None:
    before = memory.stats().in_use
    call = prepared()
    call()
    call.close()
    with pytest.raises(ValueError, match="is closed"):
        call()
    del call
    assert memory.stats().in_use == before


def test_addresses_need_no_alignment() -> None:
    owner = ao.asarray(np.concatenate([np.zeros(8, np.int8), OTHERS[0].ravel()]))
    crooked = ao.from_pointer(owner.address + 8, Q.shape, "int8", owner=owner)
    with prepared(ao.asarray(Q)) as call:
        np.testing.assert_array_equal(call(x=crooked).numpy(), dequantized(OTHERS[0]))


def closed() -> ao.Tensor:
    tensor = ao.asarray(Q)
    tensor.close()
    return tensor


def of_another_device() -> ao.Tensor:
    if ao.Device.count() < 2:
        pytest.skip("there is one device")
    with ao.Device(1):
        return ao.asarray(Q)


@pytest.mark.parametrize(
    ("make", "says"), [(closed, "x is a closed Tensor"), (of_another_device, "x is on device 1")]
)
def test_a_refused_argument_leaves_the_call_as_it_was(make: Callable[[], ao.Tensor], says: str) -> None:
    refused = make()
    with prepared(ao.asarray(Q)) as call:
        with pytest.raises(ValueError, match=says):
            call(x=refused)
        np.testing.assert_array_equal(call().numpy(), dequantized(Q))


def test_caches_that_would_share_memory_are_refused() -> None:
    caches = [ao.zeros((4, 8, 1, 16), "int8") for _ in range(2)]
    table, scale = ao.zeros((2, 1, 1, 16), "float16"), ao.asarray(np.ones(16, np.float32))
    args: list[Any] = [ao.zeros((2, 1, 48), "float16"), table, table, *caches, [0, 0], scale, scale]
    call = ao.ops.dequant_rope_quant_kvcache.prepare(*args, [16, 16, 16])
    other = ao.zeros((4, 8, 1, 16), "int8")
    for change in ({"k_cache": caches[1]}, {"k_cache": other, "v_cache": other}):
        with pytest.raises(ValueError, match="k_cache and v_cache share memory"):
            call(**change)
    assert call(k_cache=other)[3] is other
    call.close()


CHANGE = st.tuples(st.sampled_from(["x", "rows", "scale", "out", "array"]), st.integers(0, 2))


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=st.lists(CHANGE, max_size=6))
def test_any_sequence_of_changes_gives_what_the_eager_call_would(changes: list[tuple[str, int]]) -> None:
    call = prepared(ao.asarray(Q))
    x, scale = Q, SCALE
    for what, number in changes:
        rows = OTHERS[number][: number + 1]
        if what == "out":
            results = call(out=ao.empty(x.shape, "float16"))
        elif what == "scale":
            scale = SCALE * (number + 1)
            results = call(scale=ao.asarray(scale))
        else:
            x = {"x": OTHERS[number], "array": OTHERS[number], "rows": rows}[what]
            results = call(x=x if what == "array" else ao.asarray(x), out=None)
        np.testing.assert_array_equal(results.numpy(), dequantized(x, scale))
    call.close()
