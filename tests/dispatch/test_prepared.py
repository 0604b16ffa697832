"""Prepared calls: the results of the eager call, again and again, until they are closed."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import reference as ref
from dispatch.conftest import Calls
from runtime.conftest import Hold

import ascend_ops as ao
from ascend_ops.ops import _generic
from ascend_ops.runtime import memory

STAND_IN = pytest.mark.stand_in(reason="kernels in Python exist on the stand-in only")
RNG = np.random.default_rng(11)
X = RNG.standard_normal((6, 32)).astype(np.float16)
Q = RNG.integers(-128, 128, (4, 16)).astype(np.int8)
SCALE = np.array([0.5], np.float32)


def dequantized(q: ref.Array, scale: ref.Array = SCALE) -> ref.Array:
    return ref.ascend_anti_quant(q, scale, None, "float16", False)


def prepared(q: Any = Q, **named: Any) -> ao.PreparedCall[ao.Tensor]:
    return ao.ops.ascend_anti_quant.prepare(q, **{"scale": SCALE} | named)


def test_preparing_queues_nothing(calls: Calls) -> None:
    y = ao.asarray(np.full(Q.shape, 7, np.float16))
    with prepared(out=y) as call:
        assert calls["phase_two"] == 0
        assert (y.numpy() == 7).all()
        assert call() is y
        np.testing.assert_array_equal(y.numpy(), dequantized(Q))


EAGER: dict[str, Callable[[], tuple[Any, tuple[Any, ...], dict[str, Any]]]] = {
    "dynamic_quant_v2": lambda: (ao.ops.dynamic_quant_v2, (X,), {}),
    "dynamic_quant_v2, all arguments": lambda: (
        ao.ops.dynamic_quant_v2,
        (X, np.ones((2, 32), np.float16), [2, 6]),
        {"dst_type": "int4", "symmetric": False},
    ),
    "ascend_anti_quant": lambda: (
        ao.ops.ascend_anti_quant,
        (Q, SCALE, [1.0], "bfloat16"),
        {"sqrt_mode": True},
    ),
    "nsa_compress": lambda: (
        ao.ops.nsa_compress,
        (np.ones((48, 2, 16), np.float16), RNG.standard_normal((32, 2)).astype(np.float16), [48], 32, 16),
        {},
    ),
    "trans_quant_param_v2": lambda: (ao.ops.trans_quant_param_v2, ([1.5, 2.5],), {}),
    "a generic operator": lambda: (
        _generic.find("aclnnAscendAntiQuant"),
        (Q, SCALE),
        {"dstType": 1, "sqrt_mode": False},
    ),
}


@pytest.mark.parametrize("what", list(EAGER))
def test_results_are_those_of_the_eager_call(what: str, calls: Calls) -> None:
    operator, args, named = EAGER[what]()
    expected = operator(*args, **named)
    call = operator.prepare(*args, **named)
    executors = calls["executors"]
    for _ in range(3):
        assert call.replayed
        for got, wanted in zip(as_tuple(call()), as_tuple(expected), strict=True):
            assert (got.dtype, got.shape) == (wanted.dtype, wanted.shape)
            assert got.numpy().tobytes() == wanted.numpy().tobytes()
    assert calls["executors"] == executors
    call.close()


def as_tuple(results: Any) -> tuple[ao.Tensor, ...]:
    return results if isinstance(results, tuple) else (results,)


def test_every_run_writes_the_same_tensors() -> None:
    with prepared() as call:
        y = call()
        assert call() is y
        assert call.results is y


def test_values_follow_the_contents_of_the_inputs() -> None:
    q = ao.asarray(Q)
    with prepared(q) as call:
        for host in (Q, Q[::-1].copy(), np.zeros_like(Q)):
            q.copy_from(host)
            np.testing.assert_array_equal(call().numpy(), dequantized(host))


def test_array_likes_are_uploaded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    host, scale = Q.copy(), SCALE.copy()
    call = prepared(host, scale=scale)
    monkeypatch.setattr("ascend_ops.ops._inputs.asarray", lambda *_: pytest.fail("was uploaded again"))
    host[:] = 0
    scale[:] = 9
    for _ in range(2):
        np.testing.assert_array_equal(call().numpy(), dequantized(Q))
    other = ao.zeros(Q.shape, "float16")
    assert call(out=other) is other
    np.testing.assert_array_equal(other.numpy(), dequantized(Q))
    call.close()


def test_what_was_given_may_be_dropped_and_closed() -> None:
    q, scale = ao.asarray(Q), ao.asarray(SCALE)
    call = prepared(q, scale=scale)
    q.close()
    del q, scale
    gc.collect()
    others = [ao.asarray(np.full(Q.shape, 55, np.int8)) for _ in range(4)]
    np.testing.assert_array_equal(call().numpy(), dequantized(Q))
    call.close()
    del others


def test_a_closed_tensor_cannot_be_prepared(calls: Calls) -> None:
    q = ao.asarray(Q)
    q.close()
    with pytest.raises(ValueError, match="x is a closed Tensor"):
        prepared(q)
    assert calls["phase_one"] == 0


def test_what_the_library_refuses_is_told_when_preparing(calls: Calls) -> None:
    with pytest.raises(ao.ParameterError) as raised:
        prepared(out=ao.empty((4, 8), "float16"))
    assert raised.value.arguments[0] == "x: int8 [4, 16] strides (16, 1) ND"
    assert "out (y): float16 [4, 8] strides (8, 1) ND" in raised.value.arguments


@pytest.mark.parametrize(
    ("named", "error", "says"),
    [
        ({"x": Q, "scale": SCALE, "ofset": None}, TypeError, "unexpected keyword argument 'ofset'"),
        ({"x": Q}, TypeError, "missing a required argument: 'scale'"),
        ({"x": Q, "scale": SCALE, "sqrt_mode": 1}, TypeError, "sqrt_mode must be True or False"),
    ],
)
def test_a_call_that_does_not_fit_is_refused_when_preparing(
    named: dict[str, Any], error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        ao.ops.ascend_anti_quant.prepare(**named)


def test_everything_goes_when_it_is_closed(calls: Calls) -> None:
    call = ao.ops.dynamic_quant_v2.prepare(X, np.ones(32, np.float16), symmetric=False)
    call()
    assert calls.living() == {"tensor": 5}
    in_use = memory.stats().in_use
    call.close()
    call.close()
    assert calls.living() == {}
    assert (calls["executors"], calls["destroy_executor"]) == (1, 1)
    del call
    assert memory.stats().in_use < in_use


def test_everything_goes_when_it_is_dropped(calls: Calls) -> None:
    before = memory.stats().in_use
    cycle: list[Any] = [prepared()]
    cycle.append(cycle)
    cycle[0]()
    del cycle
    gc.collect()
    assert memory.stats().in_use == before
    assert calls.living() != {}  # a finalizer calls no C function; the next preparation does
    prepared().close()
    assert calls.living() == {}
    assert (calls["executors"], calls["destroy_executor"]) == (2, 2)


def test_closing_does_not_disturb_what_is_queued(hold: Hold, calls: Calls) -> None:
    stream = ao.Stream()
    with stream, hold(stream):
        call = prepared(Q.copy())
        y = call()
        call.close()
        del call
        others = [ao.asarray(np.full(Q.shape, 55, np.int8)) for _ in range(4)]
    np.testing.assert_array_equal(y.numpy(), dequantized(Q))
    stream.close()
    del others


def test_a_closed_call_is_refused() -> None:
    with prepared() as call:
        call()
    assert call.closed
    assert repr(call) == "<PreparedCall closed>"
    uses: list[Callable[[], ao.Tensor]] = [call, lambda: call(x=Q)]
    for use in uses:
        with pytest.raises(ValueError, match="this PreparedCall is closed; prepare another one"):
            use()


def test_an_error_of_the_device_shows_when_the_stream_is_waited_for() -> None:
    stream = ao.Stream()
    with stream:
        call = prepared(ao.from_pointer(1 << 20, Q.shape, "int8"))
        y = call()
        with pytest.raises(ao.AclError):
            stream.synchronize()
        call.close()
    stream.close()
    del y


def test_a_sequence_runs_its_calls_in_order() -> None:
    q, y = ao.asarray(Q), ao.empty(Q.shape, "float16")
    steps = [prepared(q, out=y), ao.ops.dynamic_quant_v2.prepare(y)]
    sequence = ao.CallSequence(steps)
    assert len(sequence) == 2
    for host in (Q, Q[::-1].copy()):
        q.copy_from(host)
        results = sequence()
        assert results[0] is y
        np.testing.assert_array_equal(
            results[1][0].numpy(), ao.ops.dynamic_quant_v2(dequantized(host))[0].numpy()
        )
        np.testing.assert_array_equal(
            results[1][1].numpy(), ao.ops.dynamic_quant_v2(dequantized(host))[1].numpy()
        )
    other = ao.asarray(np.full_like(Q, 3))
    steps[0](x=other)  # calls of a sequence are the calls that they are
    assert (sequence()[0].numpy() == 1.5).all()
    for each in steps:
        each.close()
    with pytest.raises(ValueError, match="is closed"):
        sequence()


def test_a_sequence_may_have_a_call_several_times() -> None:
    y = ao.asarray(np.zeros((2, 16), np.float16))
    with ao.ops.dynamic_quant_v2.prepare(y) as one:
        results = ao.CallSequence([one, one])()
        assert results[0] is results[1]


def test_a_sequence_takes_prepared_calls_only() -> None:
    with (
        prepared() as call,
        pytest.raises(TypeError, match=r"calls\[1\] must be a PreparedCall, not builtin"),
    ):
        ao.CallSequence([call, print])  # type: ignore[list-item]
    assert ao.CallSequence([])() == []
