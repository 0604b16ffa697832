"""Descriptors that are kept between calls: made once, shared by nobody who could change them, never lost."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from dispatch.conftest import Calls

import ascend_ops as ao
from ascend_ops import _kept

ROWS = np.full((4, 32), 127, np.float16)


def test_the_next_call_with_the_same_tensors_makes_none(calls: Calls) -> None:
    x = ao.asarray(ROWS)
    out = ao.ops.dynamic_quant_v2(x)
    made = calls["create_tensor"]
    assert made == 3
    ao.ops.dynamic_quant_v2(x, out=out)
    assert (calls["create_tensor"], calls["destroy_tensor"]) == (made, 0)
    assert (out[0].numpy() == 127).all()


def test_results_in_the_memory_of_earlier_ones_need_none_either(calls: Calls) -> None:
    x = ao.asarray(ROWS)
    for _ in range(20):
        y, scale = ao.ops.dynamic_quant_v2(x)
        del y, scale
    assert calls["create_tensor"] <= 6


def test_other_geometries_over_the_same_memory_get_their_own() -> None:
    x = ao.asarray(np.arange(64, dtype=np.float16).reshape(4, 16))
    for view in (x, x.T, x[1:3], x[:, ::2], x.reshape(16, 4), x):
        host = view.numpy().astype(np.float32)
        _, scale = ao.ops.dynamic_quant_v2(view)
        np.testing.assert_allclose(scale.numpy(), np.abs(host).max(axis=1) / 127, rtol=1e-6)


def test_an_operator_that_may_write_into_descriptors_gets_new_ones(calls: Calls) -> None:
    scales = ao.asarray(np.ones(8, np.float32))
    for _ in range(2):
        ao.ops.trans_quant_param_v2(scales)
    assert (calls["create_tensor"], calls["destroy_tensor"]) == (4, 4)


def test_their_number_is_bounded(calls: Calls, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_kept, "MOST", 10)
    for rows in range(1, 30):
        ao.ops.dynamic_quant_v2(ao.asarray(ROWS[:1].repeat(rows, 0)))
    assert len(calls.alive["tensor"]) < 10 + 3


def test_those_of_a_thread_that_ended_are_destroyed(calls: Calls) -> None:
    thread = threading.Thread(target=lambda: ao.ops.dynamic_quant_v2(ROWS)[0].numpy())
    thread.start()
    thread.join()
    assert calls.living() == {"tensor": 3}
    _kept.destroy_all()
    assert calls.living() == {}


def test_a_call_in_the_middle_of_another_does_not_touch_them(
    calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    x, y = ao.asarray(ROWS), ao.asarray(ROWS)
    monkeypatch.setattr(_kept, "MOST", 0)  # each call destroys what is kept when it begins
    check = ao.ops.quantization._QUANT.find()[1][3]
    inner: list[ao.Tensor] = []

    class Late:
        """An argument that is looked at after the descriptor of x was made."""

        def __index__(self) -> int:
            inner.append(ao.ops.dynamic_quant_v2(y)[0])
            return 2

    args = (x, None, None, Late(), ao.empty((4, 32), "int8"), ao.empty(4, "float32"), None)
    assert check.name == "dst_type"
    ao.ops.quantization._QUANT.launch(args)
    assert (args[4].numpy() == 127).all()
    assert (inner[0].numpy() == 127).all()
    assert calls["destroy_tensor"] == 3


def test_integer_arrays_are_kept_by_their_values(calls: Calls) -> None:
    x, weight = ao.asarray(np.ones((64, 1, 16), np.float16)), ao.asarray(np.ones((16, 1), np.float16))
    for _ in range(3):
        for ends in ([64], (32, 64), np.array([64])):
            y = ao.ops.nsa_compress(x, weight, ends, 16, 16)
            assert y.shape[0] == 4
            assert (y.numpy() == 16).all()
    assert calls["create_int_array"] == 2


@pytest.mark.stand_in(reason="has its kernel in Python")
@pytest.mark.parametrize("values", [(0.0, -0.0), (-0.0, 0.0), (float("nan"), 1.0)])
def test_numbers_that_are_equal_but_not_the_same_are_told_apart(values: tuple[float, float]) -> None:
    seen: list[str] = []

    @ao.stub.kernel("aclnnRmsNorm")
    def rms_norm(epsilon: float, y_out: object) -> None:
        seen.append(repr(epsilon))

    x, gamma = ao.asarray(ROWS), ao.asarray(ROWS[0])
    for value in values * 2:
        ao.ops.rms_norm(x, gamma, float(value))
    ao.current_stream().synchronize()
    rms_norm.unregister()
    assert seen == [repr(float(value)) for value in values] * 2
