"""Gradients of norms against float64."""

from __future__ import annotations

from typing import Any

import numpy as np
from kernels.arrays import FLOATS, Array, random, wide
from kernels.lines import Floats, LineCase, Result, check, columns, parametrize

EPSILON = 1e-2


def near(value: Array, dtype: str) -> Floats:
    return Floats(value, dtype, 8, 1e-4)


def inputs(rng: np.random.Generator, dtype: str) -> tuple[Array, Array, tuple[int, ...]]:
    """(dy, x, the normalised shape)."""
    last = (columns(rng) + 1,) if rng.random() < 0.7 else (3, 5)
    shape = (*(int(n) for n in rng.integers(1, 5, rng.integers(1, 3))), *last)
    return random(rng, shape, dtype), random(rng, shape, dtype), last


def statistics(x: Array, dims: int, kind: str, centred: bool = True) -> tuple[Array, Array]:
    """(mean, rstd) of x as a tensor of that dtype holds them."""
    axes = tuple(range(-dims, 0))
    mean = x.mean(axis=axes, keepdims=True)
    square = x.var(axis=axes, keepdims=True) if centred else (x * x).mean(axis=axes, keepdims=True)
    template = random(np.random.default_rng(0), (1,), kind).dtype
    return mean.astype(template), (1 / np.sqrt(square + EPSILON)).astype(template)


def gradients(
    dy: Array, x: Array, mean: Array, rstd: Array, gamma: Array, dims: int, centred: bool = True
) -> tuple[Array, Array, Array]:
    """(dx, dgamma, dbeta) for given statistics."""
    axes, rows = tuple(range(-dims, 0)), tuple(range(dy.ndim - dims))
    h = (x - mean) * rstd
    g = dy * gamma
    dx = g - h * (g * h).mean(axis=axes, keepdims=True)
    dx = dx - g.mean(axis=axes, keepdims=True) if centred else dx
    return dx * rstd, (dy * h).sum(axis=rows), dy.sum(axis=rows)


def layer_norm_backward(rng: np.random.Generator, dtype: str) -> tuple[list[Any], list[Result]]:
    dy, x, last = inputs(rng, dtype)
    kind = dtype if rng.random() < 0.6 else "float32"
    gamma = random(rng, last, kind) if rng.random() < 0.7 else None
    beta = random(rng, last, kind if gamma is not None else dtype) if rng.random() < 0.5 else None
    mean, rstd = statistics(wide(x), len(last), kind)
    weight = wide(gamma) if gamma is not None else np.ones(last)
    values = gradients(wide(dy), wide(x), wide(mean), wide(rstd), weight, len(last))
    mask = [bool(flag) for flag in rng.integers(0, 2, 3)]
    types = [dtype, *[kind if gamma is not None else dtype] * 2]
    results = [near(v, t) if m else None for v, t, m in zip(values, types, mask, strict=True)]
    return [dy, x, list(last), mean, rstd, gamma, beta, mask], list(results)


def rms_norm_grad(rng: np.random.Generator, dtype: str) -> tuple[list[Any], list[Result]]:
    """Axes of length 1 may be missing at the end of rstd, as in the vendor's sample, or be there in excess:
    the document has neither, the check that precedes the kernel has both."""
    dy, x, last = inputs(rng, dtype)
    if rng.random() < 0.5:
        dy, x = (values.reshape(*x.shape[: -len(last)], 1, *last) for values in (dy, x))
    gamma = random(rng, last, dtype if rng.random() < 0.6 else "float32")
    _, rstd = statistics(wide(x), len(last), "float32", False)
    dx, dgamma, _ = gradients(
        wide(dy), wide(x), np.zeros_like(rstd), wide(rstd), wide(gamma), len(last), False
    )
    rows = x.shape[: x.ndim - len(last)]
    axes = len(rows)
    while axes > 0 and rows[axes - 1] == 1 and rng.random() < 0.6:
        axes -= 1
    given = rstd.reshape(rows[:axes] + (1,) * int(rng.integers(2) if axes == len(rows) else 0))
    return [dy, x, given, gamma], [near(dx, dtype), near(dgamma, "float32")]


def add_layer_norm_grad(rng: np.random.Generator, dtype: str) -> tuple[list[Any], list[Result]]:
    dy, x1, last = inputs(rng, dtype)
    x2, gamma = random(rng, x1.shape, dtype), random(rng, last, dtype)
    extra = random(rng, x1.shape, dtype) if rng.random() < 0.6 else None
    x = wide(x1) + wide(x2)
    mean, rstd = statistics(x, len(last), "float32")
    dx, dgamma, dbeta = gradients(wide(dy), x, wide(mean), wide(rstd), wide(gamma), len(last))
    dx = dx + wide(extra) if extra is not None else dx
    args = [dy, x1, x2, rstd, mean, gamma, extra]
    return args, [near(dx, dtype), near(dgamma, "float32"), near(dbeta, "float32")]


def deep_norm_grad(rng: np.random.Generator, dtype: str) -> tuple[list[Any], list[Result]]:
    dy, x, last = inputs(rng, dtype)
    gx, gamma = random(rng, x.shape, dtype), random(rng, last, dtype)
    total = 0.75 * wide(x) + wide(gx)
    mean, rstd = statistics(total, len(last), "float32")
    dgx, dgamma, dbeta = gradients(wide(dy), total, wide(mean), wide(rstd), wide(gamma), len(last))
    args = [dy, x, gx, gamma, mean, rstd, 0.75]
    return args, [near(0.75 * dgx, dtype), near(dgx, dtype), near(dbeta, "float32"), near(dgamma, "float32")]


def grouped(rng: np.random.Generator, dtype: str) -> tuple[Array, Array, Array, Array, Array, int]:
    """(dy, x, mean, rstd, gamma, groups)."""
    groups, inside = (int(n) for n in rng.integers(1, 4, 2))
    spatial = tuple(int(n) for n in rng.integers(1, 5, rng.integers(0, 3)))
    shape = (int(rng.integers(1, 4)), groups * inside, *spatial)
    dy, x = random(rng, shape, dtype), random(rng, shape, dtype)
    mean, rstd = statistics(wide(x).reshape(shape[0], groups, -1), 1, dtype)
    return dy, x, mean[..., 0], rstd[..., 0], random(rng, shape[1:2], dtype), groups


def group_gradients(
    dy: Array, x: Array, mean: Array, rstd: Array, gamma: Array, groups: int
) -> tuple[Array, Array, Array]:
    parts = (x.shape[0], groups, -1)
    h = ((wide(x).reshape(parts) - wide(mean)[..., None]) * wide(rstd)[..., None]).reshape(x.shape)
    axes, form = (0, *range(2, x.ndim)), (1, -1, *(1 for _ in x.shape[2:]))
    g = (dy * wide(gamma).reshape(form)).reshape(parts)
    hat = h.reshape(parts)
    dx = g - g.mean(axis=2, keepdims=True) - hat * (g * hat).mean(axis=2, keepdims=True)
    return (dx * wide(rstd)[..., None]).reshape(x.shape), (dy * h).sum(axis=axes), dy.sum(axis=axes)


def group_norm_backward(rng: np.random.Generator, dtype: str) -> tuple[list[Any], list[Result]]:
    dy, x, mean, rstd, gamma, groups = grouped(rng, dtype)
    values = group_gradients(wide(dy), x, mean, rstd, gamma, groups)
    mask = [bool(flag) for flag in rng.integers(0, 2, 3)]
    area = int(np.prod(x.shape[2:]))
    args = [dy, x, mean, rstd, gamma, x.shape[0], x.shape[1], area, groups, mask]
    return args, [near(v, dtype) if m else None for v, m in zip(values, mask, strict=True)]


def group_norm_swish_grad(rng: np.random.Generator, dtype: str) -> tuple[list[Any], list[Result]]:
    """The document's formula for dx leaves out the divisors of its two sums: means are meant."""
    dy, x, mean, rstd, gamma, groups = grouped(rng, dtype)
    beta = random(rng, gamma.shape, dtype)
    parts, form = (x.shape[0], groups, -1), (1, -1, *(1 for _ in x.shape[2:]))
    h = ((wide(x).reshape(parts) - wide(mean)[..., None]) * wide(rstd)[..., None]).reshape(x.shape)
    y = 1.5 * (h * wide(gamma).reshape(form) + wide(beta).reshape(form))
    s = 1 / (1 + np.exp(-y))
    values = group_gradients(wide(dy) * s * (1 + y * (1 - s)), x, mean, rstd, gamma, groups)
    args = [dy, mean, rstd, x, gamma, beta, groups, "NCHW", 1.5, True, True]
    return args, [near(v, dtype) for v in values]


CASES = [
    LineCase("aclnnLayerNormBackward", FLOATS, layer_norm_backward, examples=3),
    LineCase("aclnnRmsNormGrad", FLOATS, rms_norm_grad),
    LineCase("aclnnAddLayerNormGrad", FLOATS, add_layer_norm_grad),
    LineCase("aclnnDeepNormGrad", FLOATS, deep_norm_grad),
    LineCase("aclnnGroupNormBackward", FLOATS, group_norm_backward, examples=3),
    LineCase("aclnnGroupNormSwishGrad", FLOATS, group_norm_swish_grad),
]


@parametrize(CASES)
def test_gradients_of_norms(case: LineCase) -> None:
    check(case)
