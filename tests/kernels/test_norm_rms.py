"""Root mean square norms against float64. CANN's document gives the formulas."""

from __future__ import annotations

from typing import Any

import numpy as np
from kernels.arrays import FLOATS, Array, random, wide
from kernels.lines import Floats, LineCase, Result, check, columns, lead_shape, parametrize

EPSILON = 1e-2
ABSOLUTE = {"float32": 1e-6, "float16": 2e-3, "bfloat16": 2e-2}


def rms(x: Array, gamma: Array, dims: int) -> tuple[Array, Array]:
    """(y, rstd) in float64."""
    axes = tuple(range(-dims, 0))
    rstd = 1 / np.sqrt((x * x).mean(axis=axes, keepdims=True) + EPSILON)
    return x * rstd * gamma, rstd


def tensors(rng: np.random.Generator, dtype: str, gamma_dtype: str | None = None) -> tuple[Array, ...]:
    """x1, x2, gamma."""
    last = (columns(rng),) if rng.random() < 0.7 else (3, 5)
    shape = (*lead_shape(rng), *last)
    return (
        random(rng, shape, dtype),
        random(rng, shape, dtype),
        random(rng, last, gamma_dtype or dtype, 0.5, 2),
    )


def rms_norm(rng: np.random.Generator, dtype: str) -> tuple[list[Any], list[Result]]:
    x, _, gamma = tensors(rng, dtype, "float32" if rng.random() < 0.3 else None)
    y, rstd = rms(wide(x), wide(gamma), gamma.ndim)
    return [x, gamma, EPSILON], [Floats(y, dtype, 6), Floats(rstd, "float32", 8)]


def gemma_rms_norm(rng: np.random.Generator, dtype: str) -> tuple[list[Any], list[Result]]:
    x, _, gamma = tensors(rng, dtype)
    y, rstd = rms(wide(x), wide(gamma) + 1, gamma.ndim)
    if rng.random() < 0.5:  # as the document has the shape; the other form is that of the kernel's inference
        rstd = rstd.reshape(x.shape[: x.ndim - gamma.ndim])
    return [x, gamma, EPSILON], [Floats(y, dtype, 6), Floats(rstd, "float32", 8)]


def sum_of(x1: Array, x2: Array) -> Array:
    """As CANN's kernels have it: FLOAT16 sums are rounded before they are normalised, BF16 ones are not. The
    tolerance of bfloat16 covers both."""
    total = wide(x1) + wide(x2)
    return total.astype(x1.dtype).astype(np.float64) if x1.dtype == np.float16 else total


def add_rms_norm(rng: np.random.Generator, dtype: str) -> tuple[list[Any], list[Result]]:
    x1, x2, gamma = tensors(rng, dtype)
    x = sum_of(x1, x2)
    y, rstd = rms(x, wide(gamma), gamma.ndim)
    return [x1, x2, gamma, EPSILON], [
        Floats(y, dtype, 2, ABSOLUTE[dtype]),
        Floats(rstd, "float32", 8),
        Floats(x, dtype, 0),
    ]


def add_rms_norm_row(rng: np.random.Generator, dtype: str) -> tuple[list[Any], list[Result]]:
    """A gamma of [1, n] comes without rstd, and without xOut."""
    x1, x2, gamma = tensors(rng, dtype)
    while gamma.ndim != 1 or x1.ndim < 2 or x1.shape[-2] == 1:
        x1, x2, gamma = tensors(rng, dtype)
    y, _ = rms(sum_of(x1, x2), wide(gamma), 1)
    return [x1, x2, gamma[None], EPSILON], [Floats(y, dtype, 2, ABSOLUTE[dtype]), None, None]


def inplace_add_rms_norm(rng: np.random.Generator, dtype: str) -> tuple[list[Any], list[Result]]:
    args, (y, rstd, x) = add_rms_norm(rng, dtype)
    return args, [y, x, rstd]


def add_rms_norm_cast(rng: np.random.Generator, dtype: str) -> tuple[list[Any], list[Result]]:
    args, (y, rstd, x) = add_rms_norm(rng, dtype)
    assert isinstance(y, Floats)
    return args, [Floats(y.value, "float32", 16, 1e-6), y, rstd, x]


CASES = [
    LineCase("aclnnRmsNorm", FLOATS, rms_norm),
    LineCase("aclnnGemmaRmsNorm", FLOATS, gemma_rms_norm),
    LineCase("aclnnAddRmsNorm", FLOATS, add_rms_norm),
    LineCase("aclnnAddRmsNorm", "float16 bfloat16", add_rms_norm_row),
    LineCase("aclnnInplaceAddRmsNorm", FLOATS, inplace_add_rms_norm, changed=(0, 1)),
    LineCase("aclnnAddRmsNormCast", "float16 bfloat16", add_rms_norm_cast),
]


@parametrize(CASES)
def test_root_mean_square_norms(case: LineCase) -> None:
    check(case)
