"""Prepared calls on streams, in threads, and while they are busy."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest
import reference as ref
from dispatch.conftest import Calls
from runtime.conftest import Hold

import ascend_ops as ao
from ascend_ops._cann.operators import BoundOperator, Plan

RNG = np.random.default_rng(14)
Q = RNG.integers(-128, 128, (4, 32)).astype(np.int8)
OTHER = RNG.integers(-128, 128, (4, 32)).astype(np.int8)
SCALE = np.array([0.5], np.float32)


def prepared(q: Any = Q, **named: Any) -> ao.PreparedCall[ao.Tensor]:
    return ao.ops.ascend_anti_quant.prepare(q, **{"scale": ao.asarray(SCALE)} | named)


def assert_is(y: ao.Tensor, q: ref.Array) -> None:
    np.testing.assert_array_equal(y.numpy(), ref.ascend_anti_quant(q, SCALE, None, "float16", False))


def test_another_stream_waits_for_the_tensors(hold: Hold, calls: Calls) -> None:
    home, other = ao.Stream(), ao.Stream()
    with home, hold(home):
        call = prepared(Q.copy())  # its uploads wait
        with other:
            y = call()
            assert not other.done
    assert_is(y, Q)
    assert calls["executors"] == 1
    call.close()
    home.close()
    other.close()


def test_another_stream_waits_for_what_is_bound_later(hold: Hold, calls: Calls) -> None:
    """And its memory is not given out again before that stream has passed."""
    home, user = ao.Stream(), ao.Stream()
    with user:
        call = prepared(ao.asarray(Q))
        call()
        with hold(home):
            with home:
                x = ao.asarray(OTHER)  # its upload waits
            y = call(x=x)
            assert not user.done
        assert_is(y, OTHER)
        with hold(user):
            with home:
                x = ao.asarray(np.full_like(Q, 9))
                home.synchronize()
            y = call(x=x)
            call(x=ao.asarray(Q), out=ao.empty(Q.shape, "float16"))
            del x
            with home:
                others = [ao.asarray(np.full_like(Q, 55)) for _ in range(8)]
                home.synchronize()
        assert (y.numpy() == 4.5).all()
        assert calls["executors"] == 2  # the output was not given before
        call.close()
        del others
    home.close()
    user.close()


def test_streams_may_alternate(calls: Calls) -> None:
    streams = [ao.Stream() for _ in range(3)]
    inputs = [ao.asarray(np.roll(Q, i, 0)) for i in range(3)]
    call = prepared(inputs[0])
    for i in range(12):
        with streams[i % 3] as stream:
            x = inputs[(i // 2) % 3]
            y = call(x=x) if i % 2 else call(x=x, out=ao.empty(Q.shape, "float16"))
            stream.synchronize()
        assert_is(y, np.roll(Q, (i // 2) % 3, 0))
    call.close()
    for stream in streams:
        stream.close()


def test_a_stream_that_was_closed_is_not_used_again() -> None:
    stream = ao.Stream()
    with stream:
        call = prepared()
        call()
    stream.close()
    assert_is(call(), Q)  # on the default stream
    with pytest.raises(ValueError, match="Stream is closed"), stream:
        call()
    with ao.Stream() as third:
        third.close()
        with pytest.raises(ValueError, match="Stream is closed"):
            call()
    assert_is(call(x=ao.asarray(OTHER)), OTHER)
    call.close()


def test_tensors_of_a_closed_stream_are_free_to_use() -> None:
    with ao.Stream() as stream:
        call = prepared(Q.copy())
    stream.close()
    assert_is(call(), Q)
    call.close()


def test_each_stream_gets_a_workspace_in_its_own_order(monkeypatch: pytest.MonkeyPatch, hold: Hold) -> None:
    counted = BoundOperator.phase_one
    seen: list[tuple[str, int]] = []

    def phase_one(self: BoundOperator, args: Any) -> Plan:
        plan = counted(self, args)
        plan.workspace_size.value = 1_000_000
        return plan

    def replay(self: BoundOperator, plan: Plan, workspace: Any, stream: Any) -> Any:
        return lambda: seen.append((repr(workspace), plan.workspace_size.value)) or 0  # type: ignore[func-returns-value]

    monkeypatch.setattr(BoundOperator, "phase_one", phase_one)
    monkeypatch.setattr(BoundOperator, "replay", replay)
    one, two = ao.Stream(), ao.Stream()
    call = prepared()
    with hold(one):
        for stream in (one, one, two):
            with stream:
                call()
    addresses = [address for address, _ in seen]
    assert addresses[0] == addresses[1] != addresses[2]
    assert {size for _, size in seen} == {1_000_000}
    call.close()
    one.close()
    two.close()


def test_any_thread_may_run_it() -> None:
    call = prepared(ao.asarray(Q))
    results: list[Any] = []

    def work() -> None:
        with ao.Stream() as stream:
            results.append(call(x=ao.asarray(OTHER)).numpy())
        stream.close()

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(60)
    assert_is(call(), OTHER)
    np.testing.assert_array_equal(results[0], call.results.numpy())
    call.close()


def test_it_is_refused_while_another_thread_runs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    call = prepared(ao.asarray(Q))
    entered, leave = threading.Event(), threading.Event()
    step = call._steps[0]
    real = type(step).run

    def slow(self: Any, stream: ao.Stream) -> None:
        real(self, stream)
        entered.set()
        leave.wait(60)

    monkeypatch.setattr(type(step), "run", slow)
    thread = threading.Thread(target=call)
    thread.start()
    assert entered.wait(60)
    try:
        for use in (call, lambda: call(x=Q), call.close, ao.CallSequence([call])):
            with pytest.raises(ao.AscendError, match="is running in another thread; prepare one for each"):
                use()
        assert not call.closed
    finally:
        leave.set()
        thread.join(60)
    assert_is(call(), Q)
    call.close()


def test_a_failure_frees_it_for_the_next_run(monkeypatch: pytest.MonkeyPatch) -> None:
    call = prepared(ao.asarray(Q))
    step = call._steps[0]

    def fail(*_: Any) -> int:
        return 561103

    monkeypatch.setattr(step, "_move_to", lambda stream: setattr(step, "_again", fail))
    with pytest.raises(ao.AclError, match="aclnnAscendAntiQuant failed with 561103") as raised:
        call()
    assert "x: int8 [4, 32] strides (32, 1) ND" in raised.value.arguments
    monkeypatch.undo()
    assert_is(call(), Q)
    call.close()


def test_two_calls_of_one_operator_do_not_meet(hold: Hold) -> None:
    stream = ao.Stream()
    with stream:
        calls = [prepared(q) for q in (Q, OTHER)]
        with hold(stream):
            results = ao.CallSequence(calls * 3)()
        for i, y in enumerate(results):
            assert_is(y, (Q, OTHER)[i % 2])
        for call in calls:
            call.close()
    stream.close()
