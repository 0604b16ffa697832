"""Layer norms and their fusions against float64."""

from __future__ import annotations

from typing import Any

import numpy as np
from kernels.arrays import FLOATS, Array, random, wide
from kernels.lines import Floats, LineCase, Result, check, columns, lead_shape, parametrize

EPSILON = 1e-2
STATISTIC = 2e-6


def normalised(x: Array, dims: int) -> tuple[Array, Array, Array]:
    """(x - mean) * rstd, mean, rstd over the last `dims` axes."""
    axes = tuple(range(-dims, 0))
    mean = x.mean(axis=axes, keepdims=True)
    rstd = 1 / np.sqrt(x.var(axis=axes, keepdims=True) + EPSILON)
    return (x - mean) * rstd, mean, rstd


def near(value: Array, dtype: str) -> Floats:
    """rstd is up to 300 here, and so are errors of the mean by it."""
    return Floats(value, dtype, 4, 2e-4)


def inputs(rng: np.random.Generator, dtype: str) -> tuple[Array, tuple[int, ...]]:
    last = (columns(rng) + 1,) if rng.random() < 0.7 else (3, 5)
    return random(rng, (*lead_shape(rng), *last), dtype), last


def layer_norm(rng: np.random.Generator, dtype: str, mode: bool = False) -> tuple[list[Any], list[Result]]:
    x, last = inputs(rng, dtype)
    kind = "float32" if rng.random() < 0.3 else dtype
    gamma = random(rng, last, kind) if rng.random() < 0.8 else None
    beta = random(rng, last, kind) if rng.random() < 0.8 else None
    y, mean, rstd = normalised(wide(x), len(last))
    y = y * (wide(gamma) if gamma is not None else 1) + (wide(beta) if beta is not None else 0)
    out = [near(y, dtype), Floats(mean, dtype, 1, STATISTIC), Floats(rstd, dtype, 30)]
    if rng.random() < 0.3:
        out[1:] = [None, None]  # type: ignore[list-item]
    args: list[Any] = [x, list(last), gamma, beta, EPSILON]
    if not mode:
        return args, list(out)
    return [*args, int(rng.integers(2))], list(out)


def add_layer_norm(rng: np.random.Generator, dtype: str) -> tuple[list[Any], list[Result]]:
    x1, last = inputs(rng, dtype)
    other = "float32" if rng.random() < 0.3 else dtype
    x2 = random(rng, x1.shape, other)
    result = "float32" if other == "float32" else dtype
    kind = "float32" if rng.random() < 0.3 else result
    gamma, beta = random(rng, last, kind), random(rng, last, kind)
    bias = random(rng, last if rng.random() < 0.5 else x1.shape, result) if rng.random() < 0.6 else None
    x = wide(x1) + wide(x2) + (wide(bias) if bias is not None else 0)
    y, mean, rstd = normalised(x, len(last))
    extra = bool(rng.integers(2))
    return [x1, x2, gamma, beta, bias, EPSILON, extra], [
        near(y * wide(gamma) + wide(beta), result),
        Floats(mean, "float32", 1, STATISTIC),
        Floats(rstd, "float32", 30),
        Floats(x if extra else np.zeros_like(x), result, 1, 1e-6),
    ]


def deep_norm(rng: np.random.Generator, dtype: str) -> tuple[list[Any], list[Result]]:
    x, last = inputs(rng, dtype)
    gx, beta, gamma = random(rng, x.shape, dtype), random(rng, last, dtype), random(rng, last, dtype)
    y, mean, rstd = normalised(0.75 * wide(x) + wide(gx), len(last))
    return [x, gx, beta, gamma, 0.75, EPSILON], [
        Floats(mean, "float32", 1, STATISTIC),
        Floats(rstd, "float32", 30),
        near(y * wide(gamma) + wide(beta), dtype),
    ]


def adaptive(rng: np.random.Generator, dtype: str) -> tuple[list[Any], Array, Array, Array]:
    shape = (*(int(n) for n in rng.integers(1, 4, rng.integers(1, 4))), columns(rng) + 1)
    x = random(rng, shape, dtype)
    form = (*shape[:-2], shape[-1]) if rng.random() < 0.5 else (*shape[:-2], 1, shape[-1])
    scale, shift = random(rng, form, dtype), random(rng, form, dtype)
    weight = random(rng, shape[-1:], dtype) if rng.random() < 0.7 else None
    bias = random(rng, shape[-1:], dtype) if rng.random() < 0.7 else None
    y, mean, rstd = normalised(wide(x), 1)
    y = y * (wide(weight) if weight is not None else 1) + (wide(bias) if bias is not None else 0)
    full = (*shape[:-2], 1, shape[-1])
    y = y * (1 + wide(scale).reshape(full)) + wide(shift).reshape(full)
    return [x, scale, shift, weight, bias, EPSILON], y, mean, rstd


def ada_layer_norm(rng: np.random.Generator, dtype: str) -> tuple[list[Any], list[Result]]:
    args, y, _, _ = adaptive(rng, dtype)
    return args, [Floats(y, dtype, 4, 2e-3)]


def ada_layer_norm_v2(rng: np.random.Generator, dtype: str) -> tuple[list[Any], list[Result]]:
    args, y, mean, rstd = adaptive(rng, dtype)
    return args, [Floats(y, dtype, 4, 2e-3), Floats(mean, dtype, 1, STATISTIC), Floats(rstd, dtype, 30)]


CASES = [
    LineCase("aclnnLayerNorm", FLOATS, layer_norm),
    LineCase("aclnnFastLayerNorm", FLOATS, layer_norm),
    LineCase("aclnnLayerNormWithImplMode", FLOATS, lambda rng, dtype: layer_norm(rng, dtype, True)),
    LineCase("aclnnAddLayerNorm", FLOATS, add_layer_norm, examples=3),
    LineCase("aclnnDeepNorm", FLOATS, deep_norm),
    LineCase("aclnnAdaLayerNorm", FLOATS, ada_layer_norm),
    LineCase("aclnnAdaLayerNormV2", FLOATS, ada_layer_norm_v2),
]


@parametrize(CASES)
def test_layer_norms(case: LineCase) -> None:
    check(case)
