"""Quantisation by scales that are found on the way, bit for bit against the fp32 formulas of the
A2 kernels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from kernels.arrays import Array, host_dtype, random
from kernels.lines import F32, Floats, LineCase, Quantised, Result, check, columns, lead_shape, parametrize
from reference.quantization import dynamic_quant_v2

import ascend_ops as ao

HALVES = "float16 bfloat16"


def inputs(rng: np.random.Generator, dtype: str) -> tuple[Array, Array | None]:
    x = random(rng, (*lead_shape(rng, 2), 3, columns(rng, 8)), dtype)
    return x, random(rng, x.shape[-1:], dtype, 0.1, 2) if rng.random() < 0.5 else None


def dynamic_quant(rng: np.random.Generator, dtype: str) -> tuple[list[Any], list[Result]]:
    x, smooth = inputs(rng, dtype)
    kind = str(rng.choice(["int8", "int4", "int32"]))
    _, scale, _, before = dynamic_quant_v2(x, smooth, dst="int8" if kind == "int8" else "int4")
    return [x, smooth], [Quantised(before, kind, True), Floats(scale, "float32", 0)]


def by_mode(rng: np.random.Generator, dtype: str, version: int) -> tuple[list[Any], list[Result]]:
    x, smooth = inputs(rng, dtype)
    mode = str(rng.choice(["pertoken", "pertensor", "perchannel"]))
    symmetric = bool(rng.integers(2))
    if x.size == 0:
        mode = "pertoken"
    if smooth is not None and mode == "perchannel":
        smooth = random(rng, x.shape[-2:-1], dtype, 0.1, 2)
    scaled = x.astype(F32)
    if smooth is not None:
        scaled = scaled * (smooth.astype(F32)[:, None] if mode == "perchannel" else smooth.astype(F32))
    if mode == "pertoken":
        rows = scaled
    elif mode == "pertensor":
        rows = scaled.reshape(1, -1)
    else:
        rows = scaled.swapaxes(-1, -2)
    _, scale, offset, before = dynamic_quant_v2(rows, symmetric=symmetric)
    before = before.swapaxes(-1, -2) if mode == "perchannel" else before.reshape(x.shape)
    extra = [0.0] if version == 4 else []
    return [x, smooth, None, 2, symmetric, mode, *extra], [
        Quantised(before, "int8", True),
        Floats(scale, "float32", 0),
        None if offset is None else Floats(offset, "float32", 0),
    ]


CASES = [
    LineCase("aclnnDynamicQuant", HALVES, dynamic_quant, examples=4),
    LineCase("aclnnDynamicQuantV3", HALVES, lambda rng, dtype: by_mode(rng, dtype, 3), examples=4),
    LineCase("aclnnDynamicQuantV4", HALVES, lambda rng, dtype: by_mode(rng, dtype, 4), examples=4),
]


@parametrize(CASES)
def test_dynamic_quantisation(case: LineCase) -> None:
    check(case)


def test_experts_have_their_own_smooth_factors_in_version_3() -> None:
    x = np.ones((4, 8), np.float16)
    smooth = np.stack([np.ones(8), np.arange(8)]).astype(np.float16)
    group = np.array([1, 4], np.int32)
    y, scale, _ = ao.ops.dynamic_quant_v3(x, smooth, group, 2, True, "pertoken")
    np.testing.assert_array_equal(y.numpy()[:2], [[127] * 8, np.rint(np.arange(8) * F32(127) / F32(7))])
    np.testing.assert_allclose(scale.numpy(), np.array([1, 7, 7, 7]) / 127, rtol=4e-7)


X = np.ones((2, 8), host_dtype("float16"))


@pytest.mark.parametrize(
    ("symmetric", "mode", "offset", "text"),
    [
        (True, "pertoken", ao.empty((2,), "float32"), "isSymmetrical is true"),
        (False, "pertoken", None, "isSymmetrical is false"),
        (True, "perrow", None, "quantMode is perrow"),
        (True, "pertensor", None, "scaleOut"),
    ],
)
def test_refusals(symmetric: bool, mode: str, offset: ao.Tensor | None, text: str) -> None:
    out = (ao.empty((2, 8), "int8"), ao.empty((2,), "float32"), offset)
    with pytest.raises(ao.AclError, match=text) as error:
        ao.ops.dynamic_quant_v3(X, None, None, 2, symmetric, mode, out=out)
    assert error.value.code == 161002
