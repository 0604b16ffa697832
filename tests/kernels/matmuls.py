"""References of matrix products, and the error that an fp32 sum may have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ml_dtypes
import numpy as np
from kernels.arrays import Array, assert_close, seeds, wide

import ascend_ops as ao


def examples(check: Callable[[np.random.Generator], None], count: int = 5) -> None:
    """`check` with random numbers, a few times."""

    @seeds(count)
    def example(seed: int) -> None:
        check(np.random.default_rng(seed))

    example()


def assert_product(
    actual: ao.Tensor, left: Array, right: Array, dtype: str, factor: float = 1, plus: Any = 0
) -> None:
    """factor * left @ right + plus, rounded once to `dtype`; each of the k additions may be off by half a
    unit of the largest sum."""
    a, b = wide(left).astype(np.float64), wide(right).astype(np.float64)
    k = a.shape[-1]
    error = abs(factor) * float((np.abs(a) @ np.abs(b)).max(initial=0)) * (k + 2) * 2.0**-24
    error += float(np.abs(np.asarray(plus)).max(initial=0)) * 2.0**-23
    assert_close(actual, factor * (a @ b) + plus, dtype, ulps=0.5, absolute=error)


def packed_scale(scale: Array, offset: Array | None = None) -> Array:
    """What aclnnTransQuantParamV2 makes of scales and offsets."""
    bits = scale.astype(np.float32).view(np.uint32).astype(np.uint64) & np.uint64(0xFFFFE000)
    bits |= np.uint64(1 << 46)
    if offset is not None:
        bits |= (offset.astype(np.int64).astype(np.uint64) & np.uint64(0x1FF)) << np.uint64(37)
    return bits


def unpacked_scale(scale: Array) -> Array:
    """The 19 bits that hardware reads of a packed scale; other types as they are."""
    if scale.dtype == np.uint64:
        return (scale & np.uint64(0xFFFFE000)).astype(np.uint32).view(np.float32)
    return scale.astype(np.float32)


def dequantised(
    sums: Array,
    out: str,
    scale: Array,
    bias: Array | None = None,
    token: Array | None = None,
    offset: Array | None = None,
) -> Array:
    """((sums + bias) * scale * token) + offset, each rounded to float32, and to `out` at the end."""
    integral = bias is not None and bias.dtype == np.int32
    total = (sums.astype(np.int64) + (bias.astype(np.int64) if integral else 0)).astype(np.int32)
    if out == "int32":
        return total
    value = total.astype(np.float32) * unpacked_scale(scale)
    if token is not None:
        value = value * token.astype(np.float32)[:, None]
    if bias is not None and not integral:
        value = value + bias.astype(np.float32)
    if out == "int8":
        value = value + (0 if offset is None else offset.astype(np.float32))
        return np.clip(np.rint(value), -128, 127).astype(np.int8)
    if scale.dtype == np.uint64:
        value = np.clip(value, -65504, 65504)
    return np.asarray(value.astype(ml_dtypes.bfloat16 if out == "bfloat16" else out))


def int_product(x: Array, weight: Array) -> Array:
    return np.asarray(x.astype(np.int64) @ weight.astype(np.int64))
