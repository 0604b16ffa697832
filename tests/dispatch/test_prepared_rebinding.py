"""Prepared calls with other arguments: right results, or a refusal that changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import reference as ref
from dispatch.conftest import Calls
from hypothesis import given, settings
from hypothesis import strategies as st
from runtime.conftest import Hold

import ascend_ops as ao
from ascend_ops._cann.lifecycle import untyped
from ascend_ops.ops import _generic

RNG = np.random.default_rng(12)
Q = RNG.integers(-128, 128, (4, 32)).astype(np.int8)
OTHERS = [RNG.integers(-128, 128, (4, 32)).astype(np.int8) for _ in range(4)]
SCALE = np.array([0.5], np.float32)
OPERATOR = "aclnnAscendAntiQuant"


def dequantized(q: ref.Array, scale: ref.Array = SCALE, offset: ref.Array | None = None) -> ref.Array:
    return ref.ascend_anti_quant(q, scale, offset, "float16", False)


def prepared(q: Any = Q, **named: Any) -> ao.PreparedCall[ao.Tensor]:
    return ao.ops.ascend_anti_quant.prepare(q, **{"scale": ao.asarray(SCALE)} | named)


def assert_is(y: ao.Tensor, q: ref.Array, *rest: Any) -> None:
    np.testing.assert_array_equal(y.numpy(), dequantized(q, *rest))


def test_another_tensor_of_the_same_kind_changes_an_address_only(calls: Calls) -> None:
    with prepared(ao.asarray(Q)) as call:
        y = call()
        for other in OTHERS:
            assert call(x=ao.asarray(other)) is y
            assert_is(y, other)
            assert_is(call(), other)
        assert calls["executors"] == 1


def test_an_array_that_was_uploaded_may_be_replaced_as_cheaply(calls: Calls) -> None:
    with prepared(Q) as call:
        assert_is(call(x=ao.asarray(OTHERS[0])), OTHERS[0])
        assert calls["executors"] == 1


def test_an_output_may_be_replaced(calls: Calls) -> None:
    first, second = ao.zeros(Q.shape, "float16"), ao.zeros(Q.shape, "float16")
    with prepared(out=first) as call:
        assert call(out=second) is second
        assert_is(second, Q)
        assert (first.numpy() == 0).all()
        assert call() is second
        assert calls["executors"] == 1


def test_one_of_several_outputs_may_be_replaced(calls: Calls) -> None:
    outs = {name: ao.zeros(4, "float32") for name in ("scale_out", "offset_out")}
    call = _generic.find("aclnnDynamicQuantV2").prepare(ao.asarray(Q.astype(np.float16)), dst_type=2, **outs)
    before = call()
    other = ao.zeros(4, "float32")
    results = call(scaleOut=other)
    assert results == (before[0], other, before[2])
    assert (before[1].numpy() == other.numpy()).all()
    assert calls["executors"] == 1
    call.close()


@pytest.mark.parametrize(
    "kind", ["shape", "dtype", "strides", "offset out of line", "optional left out", "optional given"]
)
def test_another_kind_of_argument_is_prepared_anew(kind: str, calls: Calls) -> None:
    offset = ao.asarray(np.array([3], np.float32))
    wide = np.repeat(Q, 2, 1)
    changes: dict[str, tuple[dict[str, Any], Callable[[], ref.Array]]] = {
        "shape": ({"x": ao.asarray(Q[:2])}, lambda: dequantized(Q[:2])),
        "dtype": ({"scale": ao.asarray(np.array([3], "bfloat16"))}, lambda: dequantized(Q, SCALE * 6)),
        "strides": ({"x": ao.asarray(wide)[:, ::2]}, lambda: dequantized(Q)),
        "offset out of line": ({"x": ao.asarray(wide)[:, 3:35]}, lambda: dequantized(wide[:, 3:35])),
        "optional left out": ({"offset": None}, lambda: dequantized(Q)),
        "optional given": ({"offset": offset}, lambda: dequantized(Q, SCALE, np.array([3], np.float32))),
    }
    given, expected = changes[kind]
    if kind == "dtype":
        given["offset"] = None
    with prepared(ao.asarray(Q), offset=None if kind in ("optional given", "dtype") else offset) as call:
        call()
        if kind != "optional left out":
            call(offset=given.get("offset"))
        np.testing.assert_array_equal(call(**given).numpy(), expected())
        np.testing.assert_array_equal(call().numpy(), expected())
        assert calls["executors"] > 1
    assert calls["executors"] == calls["destroy_executor"]


def test_what_cannot_be_destroyed_is_not_used_again(calls: Calls, monkeypatch: pytest.MonkeyPatch) -> None:
    counted = untyped["aclDestroyAclOpExecutor"]

    def failing(executor: Any) -> int:
        counted(executor)
        return 561103

    call = prepared(ao.asarray(Q))
    call()
    with monkeypatch.context() as patch:
        patch.setitem(untyped, "aclDestroyAclOpExecutor", failing)
        with pytest.raises(ao.AclError, match="aclDestroyAclOpExecutor failed with 561103"):
            call(x=ao.asarray(Q[:2]))
    assert_is(call(), Q[:2])
    assert_is(dequantize(ao.asarray(Q)), Q)
    call.close()


def dequantize(q: ao.Tensor) -> ao.Tensor:
    return ao.ops.ascend_anti_quant(q, SCALE)


def test_new_outputs_are_made_when_the_shape_changes() -> None:
    with prepared(ao.asarray(Q)) as call:
        y = call()
        smaller = call(x=ao.asarray(Q[:2]))
        assert smaller is not y
        assert smaller.shape == (2, 32)
        assert call(x=ao.asarray(Q)).shape == (4, 32)


@pytest.mark.parametrize(
    ("changes", "error", "says"),
    [
        ({"x": "text"}, TypeError, "x: <U4"),
        ({"x": None}, TypeError, "x is None"),
        ({"scale": np.ones(5, np.float32)}, ao.ParameterError, r"scale: float32 \[5\]"),
        ({"surplus": 1}, TypeError, "unexpected keyword argument 'surplus'"),
        ({"out": Q}, TypeError, "out: y must be a Tensor"),
    ],
)
def test_a_refused_argument_leaves_the_call_as_it_was(
    calls: Calls, changes: dict[str, Any], error: type[Exception], says: str
) -> None:
    with prepared(ao.asarray(Q)) as call:
        y = call()
        for _ in range(2):
            with pytest.raises(error, match=says):
                call(**{"dst_type": "float16"} | changes)
        assert call() is y
        assert_is(y, Q)
        assert_is(call(x=ao.asarray(OTHERS[0])), OTHERS[0])


def test_a_closed_tensor_is_refused_by_name() -> None:
    closed = ao.asarray(Q)
    closed.close()
    with prepared(ao.asarray(Q)) as call:
        with pytest.raises(ValueError, match=f"{OPERATOR}: x is a closed Tensor"):
            call(x=closed)
        assert_is(call(), Q)


@pytest.mark.skipif("ao.Device.count() < 2")
def test_a_tensor_of_another_device_is_refused_by_name_and_not_bound() -> None:
    with ao.Device(1):
        foreign = ao.asarray(OTHERS[0])
    with prepared(ao.asarray(Q)) as call:
        call()
        for change in ({"x": foreign}, {"scale": ao.asarray(SCALE * 2), "x": foreign}):
            with pytest.raises(ValueError, match="x is on device 1, but the call is queued on"):
                call(**change)
            assert_is(call(), Q)


@pytest.mark.skipif("ao.Device.count() < 2")
def test_a_call_runs_on_the_device_of_its_tensors_only() -> None:
    with ao.Device(1):
        call = prepared(ao.asarray(Q))
        assert_is(call(), Q)
    with pytest.raises(ValueError, match="x is on device 1, but the call is queued on"):
        call()
    with ao.Device(1):
        assert_is(call(x=ao.asarray(OTHERS[0])), OTHERS[0])
        call.close()


def test_views_of_one_buffer_take_turns(calls: Calls) -> None:
    buffer = ao.asarray(np.stack(OTHERS))
    with prepared(buffer[0]) as call:
        for i in (3, 1, 2, 0):
            assert_is(call(x=buffer[i]), OTHERS[i])
        assert calls["executors"] == 1


def test_what_shares_memory_with_another_argument_is_prepared_anew(calls: Calls) -> None:
    numbers = ao.asarray(np.array([0.5, 2.0], np.float32))
    with prepared(ao.asarray(Q), scale=numbers[:1], offset=ao.asarray(np.ones(1, np.float32))) as call:
        call()
        assert_is(call(offset=numbers[1:]), Q, SCALE, np.float32(2))
        assert calls["executors"] == 2
        assert_is(call(scale=numbers[1:]), Q, SCALE * 4, np.float32(2))
        assert calls["executors"] == 3


def test_memory_of_somebody_else_may_be_bound(calls: Calls) -> None:
    owner = ao.asarray(np.stack(OTHERS))
    with prepared(ao.asarray(Q)) as call:
        for i in (0, 2, 1):
            foreign = ao.from_pointer(owner.address + i * Q.nbytes, Q.shape, "int8", owner=owner)
            assert_is(call(x=foreign), OTHERS[i])
        assert calls["executors"] == 1
        assert_is(call(x=ao.asarray(Q)), Q)


def test_an_address_that_is_not_aligned_is_refused_by_name() -> None:
    owner = ao.asarray(np.stack(OTHERS))
    crooked = ao.from_pointer(owner.address + 8, Q.shape, "int8", owner=owner)
    with prepared(ao.asarray(Q)) as call:
        with pytest.raises(ValueError, match=rf"{OPERATOR}: x is at 0x[0-9a-f]+8; .*multiples of 32 bytes"):
            call(x=crooked)
        assert_is(call(), Q)


def test_empty_tensors_may_be_bound(calls: Calls) -> None:
    with prepared(ao.empty((0, 32), "int8")) as call:
        assert call().shape == (0, 32)
        assert call(x=ao.empty((0, 32), "int8")).shape == (0, 32)
        assert_is(call(x=ao.asarray(Q)), Q)
        assert call(x=ao.empty((0, 32), "int8")).shape == (0, 32)


def test_queued_runs_keep_the_addresses_of_their_time(hold: Hold, calls: Calls) -> None:
    stream = ao.Stream()
    with stream:
        pairs = [(ao.asarray(q), ao.empty(Q.shape, "float16")) for q in OTHERS * 5]
        call = prepared(ao.asarray(Q), out=ao.empty(Q.shape, "float16"))
        with hold(stream):
            for x, y in pairs:
                call(x=x, out=y)
        results = [y for _, y in pairs]
        for y, q in zip(results, OTHERS * 5, strict=True):
            assert_is(y, q)
        assert calls["executors"] == 1
        call.close()
    stream.close()


BUFFERS = np.stack([np.arange(96) - 36 * i for i in range(4)]).astype(np.int8)
VIEWS: list[Callable[[Any], Any]] = [
    lambda a: a[:64].reshape(2, 32),
    lambda a: a[32:].reshape(2, 32),
    lambda a: a[7:71].reshape(2, 32),
    lambda a: a[:64].reshape(32, 2).T if isinstance(a, np.ndarray) else a[:64].reshape(32, 2).transpose(),
    lambda a: a[::3].reshape(1, 32),
]
SCALES = [np.array([0.5], np.float32), np.array([2], np.float32), np.arange(32, dtype=np.float32)]
XS = st.tuples(st.integers(0, 3), st.integers(0, len(VIEWS) - 1))
STEP = st.fixed_dictionaries(
    {},
    optional={
        "x": XS,
        "scale": st.integers(0, 2),
        "offset": st.one_of(st.none(), st.integers(0, 2)),
        "as_array": st.booleans(),
    },
)


@settings(max_examples=40, deadline=None)
@given(steps=st.lists(STEP, min_size=1, max_size=8))
def test_any_sequence_of_changes_gives_what_the_eager_call_would(steps: list[dict[str, Any]]) -> None:
    buffers = [ao.asarray(each) for each in BUFFERS]
    scales = [ao.asarray(each) for each in SCALES]
    state: dict[str, Any] = {"x": (0, 0), "scale": 0, "offset": None}
    call = ao.ops.ascend_anti_quant.prepare(VIEWS[0](buffers[0]), scales[0])
    for step in steps:
        sources = (BUFFERS, SCALES) if step.get("as_array") else (buffers, scales)
        changes: dict[str, Any] = {name: value for name, value in step.items() if name != "as_array"}
        wanted = state | changes
        x = VIEWS[wanted["x"][1]](BUFFERS[wanted["x"][0]])
        scale = SCALES[wanted["scale"]]
        offset = None if wanted["offset"] is None else SCALES[wanted["offset"]]
        given = {name: bound(sources, name, value) for name, value in changes.items()}
        if offset is not None and offset.shape != scale.shape:
            with pytest.raises(ao.ParameterError):
                call(**given)
            continue
        state = wanted
        np.testing.assert_array_equal(call(**given).numpy(), dequantized(x, scale, offset))
    call.close()


def bound(sources: tuple[Any, Any], name: str, value: Any) -> Any:
    if value is None:
        return None
    return VIEWS[value[1]](sources[0][value[0]]) if name == "x" else sources[1][value]
