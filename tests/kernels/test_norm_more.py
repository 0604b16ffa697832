"""Norms that quantise by a given scale, and the gradients of the adaptive layer norm."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from kernels.arrays import FLOATS, Array, assert_close, covers, layout, random, wide

import ascend_ops as ao

HALVES = ["float16", "bfloat16"]


def assert_quantised(out: ao.Tensor, values: Array) -> None:
    """Values go through FLOAT16 before they are rounded: next to a half they may round either way."""
    expected = np.clip(values, -128, 127)
    assert out.numpy().dtype == np.int8
    assert (np.abs(out.numpy() - expected) <= 0.5 + 2.0**-4).all()


def normal(x: Array, axes: Any, epsilon: float) -> tuple[Array, Array, Array]:
    mean, rstd = x.mean(axes, keepdims=True), 1 / np.sqrt(x.var(axes, keepdims=True) + epsilon)
    return (x - mean) * rstd, mean, rstd


@covers("aclnnLayerNormQuant", "float16 bfloat16")
@pytest.mark.parametrize("dtype", HALVES)
def test_layer_norm_quant(dtype: str) -> None:
    rng = np.random.default_rng(1)
    for shape in [(3, 4, 8), (2, 40)]:
        x, row = random(rng, shape, dtype), (1, shape[-1])
        gamma, beta = random(rng, row, dtype, 0.5, 2), random(rng, row, dtype)
        scale, zero = random(rng, (1,), dtype, 0.02, 0.05), np.array([3], np.int8)
        tensors = [layout(rng, each) for each in (x, gamma, beta, scale, zero)]
        res, _ = ao.ops.layer_norm_quant(*tensors, 0, 1e-5)
        y = normal(wide(x), -1, 1e-5)[0] * wide(gamma) + wide(beta)
        assert_quantised(res, y / wide(scale) + 3)


@covers("aclnnGroupNormSiluQuant", "float16 bfloat16")
@pytest.mark.parametrize("dtype", HALVES)
@pytest.mark.parametrize("scales", [1, 6])
def test_group_norm_silu_quant(scales: int, dtype: str) -> None:
    """Without beta, 0: the document says 1, which is gamma's default."""
    rng, (n, c, groups) = np.random.default_rng(scales), (2, 6, 3)
    x, gamma, beta = random(rng, (n, c, 4, 2), dtype), random(rng, (c,), dtype), random(rng, (c,), dtype)
    scale = random(rng, (scales,), "float32", 0.02, 0.1)
    given = (x.reshape(n, groups, -1), (2,), 1e-5)
    y, mean, rstd = normal(wide(given[0]), *given[1:])
    for weights in [(gamma, beta), (None, None)]:
        tensors = [None if each is None else layout(rng, each) for each in weights]
        out, means, rstds = ao.ops.group_norm_silu_quant(
            layout(rng, x), *tensors, layout(rng, scale), groups, 1e-5, True
        )
        factor, shift = (wide(each)[:, None, None] for each in (gamma, beta))
        scaled = y.reshape(x.shape) * (factor if weights[0] is not None else 1)
        scaled = scaled + (shift if weights[1] is not None else 0)
        assert_quantised(out, scaled / (1 + np.exp(-scaled)) / wide(scale)[:, None, None])
        assert_close(means, mean.reshape(n, groups), dtype, 1, 1e-6)
        assert_close(rstds, rstd.reshape(n, groups), dtype, 1)


@covers("aclnnQuantizedBatchNorm", "int8 uint8 int32")
@pytest.mark.parametrize("dtype", ["int8", "uint8", "int32"])
def test_quantized_batch_norm(dtype: str) -> None:
    rng = np.random.default_rng(3)
    x = random(rng, (2, 3, 4, 2), dtype, -100, 100)
    channels = [random(rng, (3,), "float32", *bounds) for bounds in ((-1, 1), (0.5, 2), (0.5, 2), (-1, 1))]
    mean, variance, weight, bias = (wide(each)[:, None, None] for each in channels)
    in_zero, out_zero = 3, 5
    scalars = np.float32(0.1), np.int32(in_zero), np.float32(0.02), np.int32(out_zero)
    for given in (True, False):
        rows = [layout(rng, each) for each in channels]
        out = ao.ops.quantized_batch_norm(
            layout(rng, x), *rows[:2], *scalars, *(rows[2:] if given else (None, None)), 1e-5
        )
        y = ((wide(x) - in_zero) * 0.1 - mean) / np.sqrt(variance + 1e-5)
        y = y * weight + bias if given else y
        info = np.iinfo(dtype)
        expected = np.clip(y / 0.02 + out_zero, info.min, info.max)
        assert (np.abs(out.numpy() - expected) <= 0.5 + 1e-3).all()


@covers("aclnnAdaLayerNormBackward", FLOATS)
@pytest.mark.parametrize("dtype", FLOATS.split())
@pytest.mark.parametrize(
    "case", [((2, 3, 4, 5), True, True), ((4, 6), False, True), ((2, 3, 5), True, False)]
)
def test_ada_layer_norm_backward(case: tuple[tuple[int, ...], bool, bool], dtype: str) -> None:
    shape, kept, weighted = case
    rng, h = np.random.default_rng(len(shape)), shape[-1]
    rows = (*shape[:-2], 1, h) if kept else (*shape[:-2], h)
    grad, x = random(rng, shape, dtype), random(rng, shape, dtype)
    _, mean, rstd = normal(wide(x), -1, 1e-5)
    mean, rstd = mean.astype(x.dtype), rstd.astype(x.dtype)
    scale, shift = random(rng, rows, dtype), random(rng, rows, dtype)
    weight, bias = random(rng, (h,), "float32"), random(rng, (h,), "float32")
    optional = [layout(rng, each) if weighted else None for each in (weight, bias)]
    outs = ao.ops.ada_layer_norm_backward(
        layout(rng, grad),
        layout(rng, x),
        [h],
        *(layout(rng, e) for e in (rstd, mean, scale, shift)),
        *optional,
    )
    z, g = (wide(x) - wide(mean)) * wide(rstd), wide(grad)
    factor = 1 + wide(scale).reshape(*shape[:-2], 1, h)
    w, b = (wide(weight), wide(bias)) if weighted else (1.0, 0.0)
    dy = g * w * factor
    rest = dy.mean(-1, keepdims=True) + z * (dy * z).mean(-1, keepdims=True)
    assert_close(outs[0], (dy - rest) * wide(rstd), dtype, 2, 1e-5)
    assert_close(outs[1], (g * (z * w + b)).sum(-2).reshape(rows), dtype, 2, 1e-5)
    assert_close(outs[2], g.sum(-2).reshape(rows), dtype, 2, 1e-5)
    if weighted:
        axes = tuple(range(len(shape) - 1))
        assert_close(outs[3], (g * factor * z).sum(axes), "float32", 2, 1e-5)
        assert_close(outs[4], (g * factor).sum(axes), "float32", 2, 1e-5)


def zeros(*shape: int, dtype: str = "float16") -> ao.Tensor:
    return ao.asarray(np.zeros(shape, dtype))


ROW, ONE = zeros(1, 8), zeros(1)
REFUSALS: list[tuple[str, Any]] = [
    ("quantMode is 1", lambda: ao.ops.layer_norm_quant(zeros(2, 8), ROW, ROW, ONE, None, 1, 1e-5)),
    (
        "data type of x",
        lambda: ao.ops.layer_norm_quant(zeros(2, 8, dtype="float32"), ROW, ROW, ONE, None, 0, 1e-5),
    ),
    (
        "group is 4",
        lambda: ao.ops.group_norm_silu_quant(
            zeros(2, 6), None, None, zeros(1, dtype="float32"), 4, 1e-5, True
        ),
    ),
    (
        "normalizedShape",
        lambda: ao.ops.ada_layer_norm_backward(
            zeros(2, 8), zeros(2, 8), [4], zeros(2, 1), zeros(2, 1), zeros(8), zeros(8), None, None
        ),
    ),
]


@pytest.mark.parametrize(("text", "call"), REFUSALS)
def test_refusals_name_the_argument(text: str, call: Any) -> None:
    with pytest.raises(ao.AscendError, match=text) as refused:
        call()
    assert refused.value.code == 161002
