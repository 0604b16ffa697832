"""Quantisation by given scales, bit for bit: fp32 operations in the order of the A2 kernels, then
one rounding."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from kernels.arrays import FLOATS, Array, random
from kernels.lines import F32, Floats, LineCase, Quantised, Result, check, columns, lead_shape, parametrize

import ascend_ops as ao

MODES = {"round": np.rint, "floor": np.floor, "ceil": np.ceil, "trunc": np.trunc}
TYPES = {"int8": 2, "int32": 3, "int4": 29}


def ascend_quant(rng: np.random.Generator, dtype: str, version: int = 1) -> tuple[list[Any], list[Result]]:
    kind = str(rng.choice(list(TYPES)))
    shape = (*lead_shape(rng, 2), 3, columns(rng, 8))
    axis = int(rng.choice([-1, -2])) if version == 3 else -1
    length = shape[axis] if rng.random() < 0.7 else 1
    form = [1] * len(shape)
    form[axis] = length
    scale_shape = tuple(form) if rng.random() < 0.4 else (length,)
    scale_dtype = "float16" if dtype == "float32" and rng.random() < 0.3 else dtype
    x = random(rng, shape, dtype, -4, 4, special=True)
    scale = random(rng, scale_shape, scale_dtype, -8, 30)
    offset = random(rng, scale_shape, scale_dtype, -9, 9) if rng.random() < 0.6 else None
    sqrt, mode = bool(rng.integers(2)), str(rng.choice(list(MODES)))

    def along(values: Array) -> Array:
        return values.astype(F32).reshape(form)

    before = x.astype(F32) * along(scale)
    before = before * along(scale) if sqrt else before
    before = before + along(offset) if offset is not None else before
    args = [x, scale, offset, sqrt, mode, TYPES[kind], *([axis] if version == 3 else [])]
    return args, [Quantised(before, kind, True, MODES[mode])]


def bounds(kind: str) -> tuple[int, int]:
    limits = np.iinfo(kind)
    return int(limits.min), int(limits.max)


def quantize(rng: np.random.Generator, dtype: str) -> tuple[list[Any], list[Result]]:
    shape = (*lead_shape(rng, 2), 3, columns(rng))
    kind = str(rng.choice(["int8", "uint8", "int32"]))
    axis = int(rng.integers(-len(shape), len(shape)))
    length = shape[axis] if rng.random() < 0.7 else 1
    form = [1] * len(shape)
    form[axis] = length
    x = random(rng, shape, dtype, -4, 4, special=kind != "int32")
    scale = random(rng, (length,), dtype, 0.01, 0.1)
    zero_kind = str(rng.choice(["int32", "int8", "uint8", *(["bfloat16"] if dtype == "bfloat16" else [])]))
    zero = random(rng, (length,), zero_kind, 0, 9) if rng.random() < 0.7 else None
    before = x.astype(F32) / scale.astype(F32).reshape(form)
    before = before + zero.astype(F32).reshape(form) if zero is not None else before
    value = np.clip(np.rint(np.nan_to_num(before, nan=0, posinf=np.inf, neginf=-np.inf)), *bounds(kind))
    return [x, scale, zero, getattr(ao, kind), axis], [Floats(value.astype(np.int64), kind)]


def fake_quant(rng: np.random.Generator, dtype: str, channels: bool) -> tuple[list[Any], list[Result]]:
    shape = (*lead_shape(rng, 2), 3, columns(rng))
    axis, form = int(rng.integers(-len(shape), len(shape))), [1] * len(shape)
    form[axis] = shape[axis] if channels else 1
    x, scale = random(rng, shape, dtype), random(rng, (form[axis],), dtype, 0.01, 0.1)
    zero, enabled = random(rng, scale.shape, "int32", -5, 5), channels or bool(rng.integers(2))
    s, z = scale.astype(F32).reshape(form), zero.astype(F32).reshape(form)
    q = np.rint(x.astype(F32) / s) + z
    out = ((np.clip(q, -30, 40) - z) * s).astype(F32) if enabled else x
    inside = ((q >= -30) & (q <= 40)) | (not enabled)
    args = [x, scale, zero, axis if channels else float(enabled), -30, 40]
    return args, [Floats(out, dtype, 0), Floats(inside, "bool")]


def group_quant(rng: np.random.Generator, dtype: str) -> tuple[list[Any], list[Result]]:
    kind = str(rng.choice(list(TYPES)))
    x = random(rng, (int(rng.integers(1, 9)), columns(rng, 8)), dtype)
    ends = np.sort(rng.integers(0, len(x) + 1, 3))
    ends[-1] = len(x)
    expert = np.searchsorted(ends, np.arange(len(x)), side="right")
    scale = random(rng, (3, x.shape[1]), dtype, -8, 30)
    offset = random(rng, (1,), dtype, -9, 9) if rng.random() < 0.7 else None
    before = x.astype(F32) * scale.astype(F32)[expert]
    before = before + offset.astype(F32) if offset is not None else before
    group = ends.astype(str(rng.choice(["int32", "int64"])))
    return [x, scale, group, offset, TYPES[kind]], [Quantised(before, kind, True)]


def dequant_bias(rng: np.random.Generator, dtype: str) -> tuple[list[Any], list[Result]]:
    del dtype
    x = random(rng, (int(rng.integers(1, 6)), columns(rng)), "int32", -100000, 100000)
    narrow = bool(rng.integers(2))
    weight = random(rng, x.shape[1:], "bfloat16" if narrow else "float32", 0.001, 0.01)
    row = random(rng, x.shape[:1], "float32", 0.001, 0.1) if rng.random() < 0.7 else None
    kind = str(rng.choice(["none", "int32", *FLOATS.split()]))
    bias = None if kind == "none" else random(rng, x.shape[1:], kind, -90, 90)
    value = (x.astype(np.int64) + (bias if bias is not None and kind == "int32" else 0)).astype(F32)
    value = value * weight.astype(F32)
    value = value * row[:, None] if row is not None else value
    value = value + bias.astype(F32) if bias is not None and kind != "int32" else value
    return [x, weight, row, bias, 27 if narrow else 1], [
        Floats(value, "bfloat16" if narrow else "float16", 0)
    ]


CASES = [
    LineCase("aclnnAscendQuant", FLOATS, ascend_quant, examples=4),
    LineCase("aclnnQuantize", FLOATS, quantize, examples=4),
    LineCase(
        "aclnnFakeQuantPerTensorAffineCachemask",
        "float32 float16",
        lambda rng, dtype: fake_quant(rng, dtype, False),
    ),
    LineCase(
        "aclnnFakeQuantPerChannelAffineCachemask",
        "float32 float16",
        lambda rng, dtype: fake_quant(rng, dtype, True),
    ),
    LineCase("aclnnGroupQuant", FLOATS, group_quant, examples=4),
    LineCase("aclnnDequantBias", "int32", dequant_bias, examples=6),
    LineCase("aclnnAscendQuantV3", FLOATS, lambda rng, dtype: ascend_quant(rng, dtype, 3), examples=4),
]


@parametrize(CASES)
def test_quantisation_by_given_scales(case: LineCase) -> None:
    check(case)


def test_ties_go_to_the_even_integer_and_values_are_kept_in_range() -> None:
    x = np.array([[0.5, 1.5, -0.5, -2.5, 127.5, 300, -128.5, -1e30, np.nan, np.inf]], np.float32)
    one = np.ones(1, np.float32)
    y = ao.ops.ascend_quant(ao.asarray(x), ao.asarray(one), None, False, "round", 2).numpy()
    np.testing.assert_array_equal(y, [[0, 2, 0, -2, 127, 127, -128, -128, 0, 127]])


X, ONE = ao.empty((4, 6), "float32"), ao.empty((1,), "float32")


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: ao.ops.ascend_quant(X, ONE, None, False, "nearest", 2), "roundMode is nearest"),
        (
            lambda: ao.ops.ascend_quant(X, X[0], None, False, "round", 29, out=ao.empty((4, 6), "int8")),
            "dstType",
        ),
        (lambda: ao.ops.ascend_quant(X, X[0, :5], None, False, "round", 2), "scale"),
        (lambda: ao.ops.ascend_quant(X, ONE, X[0], False, "round", 2), "offset"),
        (
            lambda: ao.ops.ascend_quant_v3(ao.empty((2, 4, 6), "float32"), ONE, None, False, "round", 2, 0),
            "axis",
        ),
        (
            lambda: ao.ops.ascend_quant(X, ONE, None, False, "round", 3, out=ao.empty((4, 1), "int32")),
            "multiple of 8",
        ),
    ],
)
def test_refusals(call: Callable[[], Any], text: str) -> None:
    with pytest.raises(ao.AclError, match=text) as error:
        call()
    assert error.value.code == 161002
