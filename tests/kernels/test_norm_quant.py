"""Norms with quantisation behind, in the fp32 operations and intermediate roundings of the A2 kernels. The
order of a norm's sum is open, so values next to a tie may be one off."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from kernels.arrays import Array, host_dtype, random, wide
from kernels.lines import F32, Floats, LineCase, Quantised, Result, check, columns, lead_shape, parametrize

import ascend_ops as ao

HALVES = "float16 bfloat16"
EPSILON = 1e-2


def rounded(x: Array, dtype: str) -> Array:
    """fp32 values as `dtype` holds them, in fp32."""
    return x.astype(host_dtype(dtype)).astype(F32)


def rstd(x: Array) -> Array:
    return (1 / np.sqrt((wide(x) ** 2).mean(axis=-1, keepdims=True) + EPSILON)).astype(F32)


def tensors(rng: np.random.Generator, dtype: str, rank: int = 0, unit: int = 1) -> tuple[Array, Array, Array]:
    shape = (*lead_shape(rng, 2), *([2] if rank else []), columns(rng, unit))
    return random(rng, shape, dtype), random(rng, shape, dtype), random(rng, shape[-1:], dtype, 0.5, 2)


def given_scales(rng: np.random.Generator, dtype: str, version: int = 1) -> tuple[list[Any], list[Result]]:
    x1, x2, gamma = tensors(rng, dtype)
    kinds = ("float32", "int32") if dtype == "float16" else (dtype, dtype)
    n, two = gamma.shape, bool(rng.integers(2))
    scales = [random(rng, n, kinds[0], 0.02, 0.1), random(rng, n, kinds[0], 0.02, 0.1) if two else None]
    offsets = [random(rng, n, kinds[1], -9, 9) if rng.random() < 0.6 else None for _ in range(2)]
    beta = random(rng, n, dtype) if version == 2 and rng.random() < 0.6 else None
    divide = bool(rng.integers(2))
    half = dtype == "float16"

    total = x1.astype(F32) + x2.astype(F32)
    x = rounded(total, dtype) if half or beta is not None else total
    y = x * rstd(x)
    y = rounded(rounded(y, dtype) * gamma.astype(F32), dtype) if half else y * gamma.astype(F32)
    norm = y
    y = y + beta.astype(F32) if beta is not None else y
    before = []
    for scale, offset in zip(scales, offsets, strict=True):
        if scale is None:
            continue
        v = y / scale.astype(F32) if divide else y * scale.astype(F32)
        before.append(v + offset.astype(F32) if offset is not None else v)
    tie = 3e-3 if half else 1e-4  # a half of y may be rounded to either neighbour
    streams: list[Result] = [Quantised(v, tie=tie) for v in before]
    if not two:
        streams.append(None)
    args = [x1, x2, gamma, *scales, *offsets, *([beta] if version == 2 else []), -1, EPSILON, divide]
    results = [*streams, Floats(total, dtype, 0)]
    return args, [*results, Floats(norm, dtype, 2)] if version == 2 else results


def rms_norm_quant(rng: np.random.Generator, dtype: str) -> tuple[list[Any], list[Result]]:
    """The kernel quantises in fp16, with the rounded reciprocal of the scale."""
    kind = str(rng.choice(["int8", "int4"]))
    x, _, gamma = tensors(rng, dtype, unit=2)
    beta, scale = random(rng, gamma.shape, dtype), random(rng, (1,), dtype, 0.02, 0.1)
    offset = random(rng, (1,), "int8", -9, 9)
    y = x.astype(F32) * rstd(x) * gamma.astype(F32) + beta.astype(F32)
    factor = rounded(1 / scale.astype(F32), "float16")
    before = rounded(rounded(rounded(y, "float16") * factor, "float16") + offset.astype(F32), "float16")
    return [x, gamma, beta, scale, offset, EPSILON], [Quantised(before, kind, tie=4e-3)]


def quantised_rows(values: Array, kind: str) -> tuple[Array, Array]:
    """(values before rounding, scale) in the reciprocal form."""
    factor = F32(127 if kind == "int8" else 7) / np.abs(values).max(axis=-1, keepdims=True)
    return values * factor, (1 / factor)[..., 0]


def dynamic(rng: np.random.Generator, dtype: str, form: str) -> tuple[list[Any], list[Result]]:
    kind = str(rng.choice(["int8", "int4"])) if form == "v2" else "int8"
    x1, x2, gamma = tensors(rng, dtype, 2, 2)
    row = gamma.shape
    smooth = [random(rng, row, dtype, 0.1, 2) if rng.random() < 0.7 else None for _ in range(2)]
    beta = random(rng, row, dtype) if form != "v1" and rng.random() < 0.5 else None
    mask = None
    if form == "v2" and rng.random() < 0.6:
        wanted = [smooth[0] is not None, smooth[1] is not None]
        mask = wanted if any(wanted) else [True, False]
    elif smooth[0] is None:
        smooth[1] = None
    total = x1.astype(F32) if form == "single" else x1.astype(F32) + x2.astype(F32)
    y = total * rstd(total) * gamma.astype(F32)
    y = y + beta.astype(F32) if beta is not None else y
    valid = mask or [True, smooth[1] is not None]
    results: list[Result] = []
    scales: list[Result] = []
    for wanted_here, factors in zip(valid, smooth, strict=True):
        before, scale = quantised_rows(y if factors is None else y * factors.astype(F32), kind)
        results.append(Quantised(before, kind) if wanted_here else None)
        scales.append(Floats(scale, "float32", 16) if wanted_here else None)
    if form == "single":
        return [x1, gamma, smooth[0], beta, EPSILON, 2], [results[0], scales[0]]
    args = [
        x1,
        x2,
        gamma,
        *smooth,
        *([beta] if form == "v2" else []),
        EPSILON,
        *([mask] if form == "v2" else []),
    ]
    return args, [*results, Floats(total, dtype, 0), *scales]


def layer_norm(x: Array, gamma: Array | None, beta: Array | None) -> Array:
    """In fp32; the order of the sums is open."""
    mean = wide(x).mean(axis=-1, keepdims=True).astype(F32)
    variance = ((wide(x) - mean) ** 2).mean(axis=-1, keepdims=True)
    y = (x.astype(F32) - mean) * (1 / np.sqrt(variance + EPSILON)).astype(F32)
    y = y * gamma.astype(F32) if gamma is not None else y
    return np.asarray(y + beta.astype(F32) if beta is not None else y)


def by_true_scale(values: Array) -> tuple[Array, Array]:
    """(values before rounding, scale): the scale first, then a division."""
    scale = np.abs(values).max(axis=-1, keepdims=True) / F32(127)
    return values / scale, scale[..., 0]


def add_layer_norm_quant(rng: np.random.Generator, dtype: str) -> tuple[list[Any], list[Result]]:
    dynamic = dtype != "float32" and bool(rng.integers(2))
    shape = (*lead_shape(rng, 2), 2, columns(rng) + 3)
    row, kind = shape[-1:], dtype if dynamic or rng.random() < 0.6 else "float32"
    x1, x2 = random(rng, shape, dtype), random(rng, shape, dtype)
    gamma, beta = random(rng, row, dtype, 0.5, 2), random(rng, row, dtype)
    bias = random(rng, row if rng.random() < 0.5 else shape, dtype) if rng.random() < 0.6 else None
    two, zeros = bool(rng.integers(2)), not dynamic and bool(rng.integers(2))
    scales = [random(rng, row, kind, 0.02, 0.1) if k == 0 or two else None for k in range(2)]
    if dynamic and not two and rng.random() < 0.5:
        scales[0] = None
    offsets = [random(rng, row, kind, -9, 9) if zeros and scale is not None else None for scale in scales]
    extra, divide = bool(rng.integers(2)), bool(rng.integers(2))
    total = x1.astype(F32) + x2.astype(F32)
    total = total + bias.astype(F32) if bias is not None else total
    y = layer_norm(total, gamma, beta)
    before: list[Result] = [None, None]
    found: list[Result] = [None, None]
    for k, (scale, offset) in enumerate(zip(scales, offsets, strict=True)):
        if k == 1 and not two:
            continue
        if dynamic:
            values, out = by_true_scale(y if scale is None else y * scale.astype(F32))
            before[k], found[k] = Quantised(values, tie=1e-3), Floats(out, "float32", 64)
            continue
        assert scale is not None
        v = y / scale.astype(F32) if divide else y * scale.astype(F32)
        before[k] = Quantised(v + offset.astype(F32) if offset is not None else v, tie=1e-3)
    args = [
        x1,
        x2,
        gamma,
        beta,
        bias,
        *scales,
        *offsets,
        "dynamic" if dynamic else "static",
        EPSILON,
        extra,
        divide,
    ]
    return args, [*before, Floats(total, dtype, 1) if extra else None, *found]


def ada_layer_norm_quant(rng: np.random.Generator, dtype: str) -> tuple[list[Any], list[Result]]:
    shape = (*(int(n) for n in rng.integers(1, 4, rng.integers(1, 3))), columns(rng) + 3)
    x = random(rng, shape, dtype)
    form = (*shape[:-2], shape[-1]) if rng.random() < 0.5 else (*shape[:-2], 1, shape[-1])
    scale, shift = random(rng, form, dtype), random(rng, form, dtype)
    weight, bias, smooth = (random(rng, shape[-1:], dtype) if rng.random() < 0.6 else None for _ in range(3))
    full = (*shape[:-2], 1, shape[-1])
    y = layer_norm(x.astype(F32), weight, bias)
    y = y * (1 + scale.astype(F32)).reshape(full) + shift.astype(F32).reshape(full)
    before, found = by_true_scale(y if smooth is None else y * smooth.astype(F32))
    args = [x, scale, shift, weight, bias, smooth, EPSILON, "dynamic"]
    return args, [Quantised(before, tie=1e-3), Floats(found, "float32", 64), None]


CASES = [
    LineCase("aclnnAddLayerNormQuant", "float32 float16 bfloat16", add_layer_norm_quant, examples=4),
    LineCase("aclnnAdaLayerNormQuant", HALVES, ada_layer_norm_quant, examples=3),
    LineCase("aclnnAddRmsNormQuant", HALVES, given_scales, examples=3),
    LineCase("aclnnAddRmsNormQuantV2", HALVES, lambda rng, dtype: given_scales(rng, dtype, 2), examples=3),
    LineCase("aclnnRmsNormQuant", HALVES, rms_norm_quant, examples=3),
    LineCase("aclnnAddRmsNormDynamicQuant", HALVES, lambda rng, dtype: dynamic(rng, dtype, "v1"), examples=3),
    LineCase(
        "aclnnAddRmsNormDynamicQuantV2", HALVES, lambda rng, dtype: dynamic(rng, dtype, "v2"), examples=3
    ),
    LineCase(
        "aclnnRmsNormDynamicQuant", HALVES, lambda rng, dtype: dynamic(rng, dtype, "single"), examples=3
    ),
]


@parametrize(CASES)
def test_norms_with_quantisation(case: LineCase) -> None:
    check(case)


def test_outputs_without_a_smooth_scale_must_be_wanted() -> None:
    x, row = ao.empty((2, 4), "float16"), ao.empty((4,), "float16")
    out = (ao.empty((2, 4), "int8"), None, x, ao.empty((2,), "float32"), None)
    with pytest.raises(ao.AclError, match="outputMask") as error:
        ao.ops.add_rms_norm_dynamic_quant_v2(x, x, row, row, row, None, 1e-5, [True, False], out=out)
    assert error.value.code == 161002
