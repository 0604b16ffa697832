"""Activations whose signature does not fit a table: several outputs, a weight for each channel, a flag."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from kernels.arrays import (
    FLOATS,
    Array,
    assert_close,
    blank,
    covers,
    layout,
    random,
    seeds,
    shape_of,
    wide,
    zeros,
)

import ascend_ops as ao


def floats(rng: np.random.Generator) -> str:
    return str(rng.choice(FLOATS.split()))


@covers("aclnnLogSigmoidForward", FLOATS)
@seeds(3)
def test_log_sigmoid_forward_leaves_its_buffer_alone(seed: int) -> None:
    for dtype in FLOATS.split():
        rng = np.random.default_rng(seed)
        x = random(rng, shape_of(rng), dtype, special=True)
        out, buffer = blank(rng, x.shape, dtype), ao.asarray(np.array([7, 8], np.float32))
        ao.ops.log_sigmoid_forward(layout(rng, x), out=out, buffer=buffer)
        with np.errstate(all="ignore"):
            expected = np.minimum(wide(x), 0) - np.log1p(np.exp(-np.abs(wide(x))))
        assert_close(out, expected, dtype, ulps=2)
        assert buffer.numpy().tolist() == [7, 8]


@covers("aclnnLogSigmoidBackward", FLOATS)
@seeds(3)
def test_log_sigmoid_backward(seed: int) -> None:
    for dtype in FLOATS.split():
        rng = np.random.default_rng(seed)
        g, x = (random(rng, (3, 4), dtype) for _ in range(2))
        out = blank(rng, x.shape, dtype)
        buffer = ao.asarray(np.zeros_like(x))
        ao.ops.log_sigmoid_backward(layout(rng, g), layout(rng, x), buffer, out=out)
        assert_close(out, wide(g) / (1 + np.exp(wide(x))), dtype, ulps=3)


@covers("aclnnReluV3", "float32 float16 bfloat16 int32 int8 uint8")
@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16", "int32", "int8", "uint8"])
def test_relu_with_its_mask(dtype: str) -> None:
    rng = np.random.default_rng(3)
    x = random(rng, (2, 3, 8), dtype)
    y, mask = ao.ops.relu_v3(layout(rng, x))
    assert_close(y, np.maximum(wide(x), 0), dtype)
    assert_close(mask, wide(x) > 0, "uint8")


@covers("aclnnPrelu", FLOATS)
@seeds(3)
def test_prelu_has_one_weight_or_one_for_each_channel(seed: int) -> None:
    for dtype in FLOATS.split():
        rng = np.random.default_rng(seed)
        x = random(rng, shape_of(rng, smallest=1), dtype, special=True)
        channels = x.shape[1] if x.ndim > 1 and rng.random() < 0.7 else 1
        weight = random(rng, (channels,), dtype)
        along = weight if x.ndim < 2 else weight.reshape(-1, *[1] * (x.ndim - 2))
        out = ao.ops.prelu(layout(rng, x), layout(rng, weight), out=blank(rng, x.shape, dtype))
        slope = wide(along) if x.ndim > 1 else wide(weight)[0]
        assert_close(out, np.where(wide(x) > 0, wide(x), wide(x) * slope), dtype)


def elu_slope(x: Array, alpha: float, scale: float, inner: float, is_result: bool) -> Array:
    grown = x + alpha * scale if is_result else alpha * scale * np.exp(x * inner)
    return np.where(x > 0, scale, inner * grown)


@covers("aclnnEluBackward", FLOATS)
@pytest.mark.parametrize("is_result", [False, True])
def test_elu_backward(is_result: bool) -> None:
    rng = np.random.default_rng(5)
    for dtype in FLOATS.split():
        g, x = (random(rng, (3, 5), dtype, low=-0.7) for _ in range(2))
        out = blank(rng, x.shape, dtype)
        ao.ops.elu_backward(layout(rng, g), 1.5, 0.5, 0.75, is_result, layout(rng, x), out=out)
        expected = wide(g) * elu_slope(wide(x), 1.5, 0.5, 0.75, is_result)
        assert_close(out, expected, dtype, ulps=3, absolute=1e-7)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: ao.ops.gelu(zeros(2, dtype="float64")), "self.*DOUBLE"),
        (lambda: ao.ops.gelu_v2(zeros(2), 2), "approximate is 2"),
        (lambda: ao.ops.gelu_backward_v2(zeros(2), zeros(2), "erf", out=zeros(2)), "approximate is .erf"),
        (lambda: ao.ops.prelu(zeros(2, 3), zeros(2)), "weight has 2 elements.*1 or 3"),
        (lambda: ao.ops.prelu(zeros(2, 3), zeros(3, dtype="int32")), "weight"),
        (lambda: ao.ops.relu(zeros(2), out=zeros(3)), "out"),
        (lambda: ao.ops.tanh_backward(zeros(2), zeros(3), out=zeros(2)), "broadcast"),
    ],
    ids=["type", "mode", "text", "channels", "weights", "shape", "shapes"],
)
def test_refuses(call: Callable[[], Any], words: str) -> None:
    with pytest.raises(ao.AscendError, match=words) as caught:
        call()
    assert caught.value.code == 161002
