"""Optimisers: one step, against the formula in float64, at float's rounding."""

from __future__ import annotations

import numpy as np
import pytest
from kernels.arrays import FLOATS, Array, assert_close, covers, host_dtype, layout, random, wide

import ascend_ops as ao

LR, BETA1, BETA2, DECAY, EPS = 0.0625, 0.875, 0.9375, 0.25, 2.0**-10
CLOSE = {"ulps": 3, "absolute": 1e-6}


def tensors(dtype: str, count: int, shape: tuple[int, ...] = (3, 5)) -> list[Array]:
    """var, m, gradients and the like of both signs; numbers 2 and 4 (v, its maximum) positive."""
    rng = np.random.default_rng(len(dtype))
    return [random(rng, shape, dtype, 0.1 if k in (2, 4) else -2, 2) for k in range(count)]


def on_device(host: list[Array]) -> list[ao.Tensor]:
    rng = np.random.default_rng(1)
    return [layout(rng, values) for values in host]


def adamw(
    var: Array, m: Array, v: Array, g: Array, most: Array | None, t: float, sign: float
) -> tuple[Array, Array, Array, Array]:
    new_m, new_v = BETA1 * m + (1 - BETA1) * sign * g, BETA2 * v + (1 - BETA2) * g * g
    largest = new_v if most is None else np.maximum(most, new_v)
    step = new_m / (1 - BETA1**t) / (np.sqrt(largest / (1 - BETA2**t)) + EPS)
    return var - LR * step - LR * DECAY * var, new_m, new_v, largest


@covers("aclnnApplyAdamWV2", FLOATS)
@pytest.mark.parametrize("dtype", FLOATS.split())
@pytest.mark.parametrize("amsgrad", [False, True])
@pytest.mark.parametrize("maximize", [False, True])
def test_adamw_with_numbers_by_value(dtype: str, amsgrad: bool, maximize: bool) -> None:
    host = tensors(dtype, 5)
    expected = adamw(*map(wide, host[:4]), wide(host[4]) if amsgrad else None, 3, -1 if maximize else 1)
    var, m, v, grad, most = on_device(host)
    step = ao.asarray(np.array([3], "int64" if maximize else "float32"))
    ao.ops.apply_adam_w_v2(
        var, m, v, most if amsgrad else None, grad, step, LR, BETA1, BETA2, DECAY, EPS, amsgrad, maximize
    )
    written = [var, m, v, most] if amsgrad else [var, m, v]
    for got, wanted in zip(written, expected, strict=False):
        assert_close(got, wanted, dtype, **CLOSE)


@covers("aclnnApplyAdamW", FLOATS)
@pytest.mark.parametrize("dtype", FLOATS.split())
@pytest.mark.parametrize("amsgrad", [False, True])
def test_adamw_with_numbers_in_tensors(dtype: str, amsgrad: bool) -> None:
    """The powers are those of the step before; with AMSGrad, the documents let v become the maximum."""
    host = tensors(dtype, 5)
    expected = adamw(*map(wide, host[:4]), wide(host[4]) if amsgrad else None, 2, 1)
    var, m, v, grad, most = on_device(host)
    numbers = [
        ao.asarray(np.array([each]).astype(host_dtype(dtype)))
        for each in (BETA1, BETA2, LR, DECAY, BETA1, BETA2, EPS)
    ]
    ao.ops.apply_adam_w(var, m, v, *numbers, grad, most if amsgrad else None, amsgrad, False)
    for got, wanted in zip((var, m, v), (*expected[:2], expected[3]), strict=True):
        assert_close(got, wanted, dtype, **CLOSE)


@covers("aclnnApplyAdam", FLOATS)
@pytest.mark.parametrize("dtype", FLOATS.split())
@pytest.mark.parametrize("nesterov", [False, True])
def test_adam_updates_the_weights_alone(dtype: str, nesterov: bool) -> None:
    host = tensors(dtype, 4)
    var, m, v, g = map(wide, host)
    new_m, new_v = BETA1 * m + (1 - BETA1) * g, BETA2 * v + (1 - BETA2) * g * g
    direction = BETA1 * new_m + (1 - BETA1) * g if nesterov else new_m
    rate = LR * np.sqrt(1 - BETA2**2) / (1 - BETA1**2)
    expected = var - rate * direction / (np.sqrt(new_v) + EPS)
    device = on_device(host)
    numbers = [ao.asarray(np.float32([each])) for each in (BETA1**2, BETA2**2, LR, BETA1, BETA2, EPS)]
    ao.ops.apply_adam(*device[:3], *numbers, device[3], False, nesterov)
    assert_close(device[0], expected, dtype, **CLOSE)
    assert_close(device[1], m, dtype, 0)


@covers("aclnnApplyFusedEmaAdam", FLOATS)
@pytest.mark.parametrize("dtype", FLOATS.split())
@pytest.mark.parametrize("mode", [0, 1], ids=["l2", "decay"])
@pytest.mark.parametrize("corrected", [False, True])
def test_adam_with_an_average_of_the_weights(dtype: str, mode: int, corrected: bool) -> None:
    ema, host = 0.75, tensors(dtype, 5)
    var, m, v, g, s = map(wide, host)
    g = g + DECAY * var if mode == 0 else g
    new_m, new_v = BETA1 * m + (1 - BETA1) * g, BETA2 * v + (1 - BETA2) * g * g
    first, second = (1 - BETA1**4, 1 - BETA2**4) if corrected else (1, 1)
    update = new_m / first / (np.sqrt(new_v / second) + EPS) + (DECAY * var if mode else 0)
    new_var = var - LR * update
    expected = (new_var, new_m, new_v, ema * s + (1 - ema) * new_var)
    d_var, d_m, d_v, grad, d_s = on_device(host)
    step = ao.asarray(np.array([4]))
    ao.ops.apply_fused_ema_adam(
        grad, d_var, d_m, d_v, d_s, step, LR, ema, BETA1, BETA2, EPS, mode, corrected, DECAY
    )
    for got, wanted in zip((d_var, d_m, d_v, d_s), expected, strict=True):
        assert_close(got, wanted, dtype, **CLOSE)


def lists(dtype: str, count: int) -> list[list[Array]]:
    """For each of `count` arguments, tensors of two shapes."""
    return [list(pair) for pair in zip(tensors(dtype, count), tensors(dtype, count, (7,)), strict=True)]


@covers("aclnnFusedAdamw", FLOATS)
@pytest.mark.parametrize("dtype", FLOATS.split())
@pytest.mark.parametrize("amsgrad", [False, True])
def test_adamw_over_lists(dtype: str, amsgrad: bool) -> None:
    """AMSGrad takes the maximum of v before its correction, as PyTorch does; the formula in the documents has
    it behind."""
    host = lists(dtype, 5)
    device = [on_device(each) for each in host]
    var, m, v, grads, most = device
    steps = [ao.asarray(np.array([2])), ao.asarray(np.float32([5]))]
    scale, found = ao.asarray(np.float32([4])), ao.asarray(np.float32([0]))
    ao.ops.fused_adamw(
        var, grads, m, v, most if amsgrad else None, steps, scale, found,
        LR, BETA1, BETA2, DECAY, EPS, amsgrad, True,
    )  # fmt: skip
    for i, t in enumerate((2, 5)):
        items = [wide(each[i]) for each in host]
        items[3] = items[3] / 4
        expected = adamw(*items[:4], items[4] if amsgrad else None, t, -1)
        for got, wanted in zip((var, m, v, most) if amsgrad else (var, m, v), expected, strict=False):
            assert_close(got[i], wanted, dtype, **CLOSE)


def test_a_found_infinity_stops_the_update() -> None:
    host = lists("float32", 4)
    var, m, v, grads = (on_device(each) for each in host)
    steps = [ao.asarray(np.array([1])), ao.asarray(np.array([1]))]
    found = ao.asarray(np.float32([1]))
    ao.ops.fused_adamw(var, grads, m, v, None, steps, None, found, LR, BETA1, BETA2, DECAY, EPS, False, False)
    for device, values in zip((var, m, v), host, strict=False):
        for got, wanted in zip(device, values, strict=True):
            np.testing.assert_array_equal(got.numpy(), wanted)


SGD = [
    {"momenta": True, "nesterov": True, "maximize": False, "first": False},
    {"momenta": True, "nesterov": False, "maximize": True, "first": False},
    {"momenta": True, "nesterov": False, "maximize": False, "first": True},
    {"momenta": False, "nesterov": False, "maximize": False, "first": False},
]


@covers("aclnnFusedSgd", FLOATS)
@pytest.mark.parametrize("dtype", FLOATS.split())
@pytest.mark.parametrize("how", SGD, ids=["nesterov", "momentum", "first", "plain"])
def test_gradient_descent_over_lists(dtype: str, how: dict[str, bool]) -> None:
    momentum, dampening, host = 0.5, 0.25, lists(dtype, 3)
    params, grads, momenta = (on_device(each) for each in host)
    scale = ao.asarray(np.array([2]).astype(host_dtype(dtype)))
    ao.ops.fused_sgd(
        params, grads, momenta if how["momenta"] else None, scale,
        DECAY, momentum, LR, dampening, how["nesterov"], how["maximize"], how["first"],
    )  # fmt: skip
    for i in range(2):
        p, g, b = (wide(each[i]) for each in host)
        scaled = g / 2
        step = (-scaled if how["maximize"] else scaled) + DECAY * p
        buffer = step if how["first"] else momentum * b + (1 - dampening) * step
        direction = step + momentum * buffer if how["nesterov"] else buffer if how["momenta"] else step
        assert_close(params[i], p - LR * direction, dtype, **CLOSE)
        assert_close(grads[i], scaled, dtype)
        if how["momenta"]:
            assert_close(momenta[i], buffer, dtype, **CLOSE)


def test_tensors_of_one_step_are_alike() -> None:
    x, other, step = ao.zeros((2,), "float32"), ao.zeros((3,), "float32"), ao.asarray(np.array([1]))
    with pytest.raises(ao.AclError, match=r"vRef is .*its shape must be") as raised:
        ao.ops.apply_adam_w_v2(x, x, other, None, x, step, LR, BETA1, BETA2, DECAY, EPS, False, False)
    assert raised.value.code == 161002


def test_lists_are_alike() -> None:
    x, other = ao.zeros((2,), "float32"), ao.zeros((3,), "float32")
    numbers = (DECAY, 0.5, LR, 0.0, False, False, False)
    with pytest.raises(ao.AclError, match=r"gradsRef\[1\] is .*like paramsRef\[1\]") as raised:
        ao.ops.fused_sgd([x, x], [x, other], None, None, *numbers)
    assert raised.value.code == 161002
    with pytest.raises(ao.AclError, match="gradsRef has 1 tensors, paramsRef has 2") as raised:
        ao.ops.fused_sgd([x, x], [x], None, None, *numbers)
    assert raised.value.code == 161002
