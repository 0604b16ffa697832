"""SwiGLU between a dequantisation and a quantisation, in the fp32 operations of the A2 kernels.
How exp is rounded is open, so values next to a tie may be one off."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from kernels.arrays import FLOATS, Array, random, wide
from kernels.glu import gelu
from kernels.lines import F32, Floats, LineCase, Quantised, Result, check, parametrize

import ascend_ops as ao

LIMITS = {"int8": F32(127), "int4": F32(7)}


def experts(rng: np.random.Generator, rows: int) -> tuple[Array, Array]:
    """(ends of groups, expert of each row)."""
    ends = np.sort(rng.integers(0, rows + 1, 3))
    ends[-1] = rows
    return ends, np.array([int(np.searchsorted(ends, row, side="right")) for row in range(rows)])


def silu(x: Array) -> Array:
    return np.asarray(x / (1 + np.exp(-wide(x)))).astype(F32)


def per_row(values: Array | None, expert: Array) -> Array | None:
    """The parameters of each row, [rows, columns or 1]."""
    if values is None:
        return None
    rows = values.astype(F32).reshape(-1, 1) if values.ndim == 1 else values.astype(F32)
    return rows[expert]


def lengths_of(ends: Array) -> Array:
    return np.diff(np.concatenate([[0], ends]))


def swi_glu_quant(rng: np.random.Generator, dtype: str, version: int = 1) -> tuple[list[Any], list[Result]]:
    """scaleOut is 127 / max, as in the kernel and the document of the first version."""
    rows, n = int(rng.integers(3, 8)), 8 * int(rng.integers(1, 4))
    x = random(rng, (rows, 2 * n), dtype)
    ends, expert = experts(rng, rows)
    left, dynamic, counts = bool(rng.integers(2)), bool(rng.integers(2)), bool(rng.integers(2))
    kind = str(rng.choice(["int8", "int4"])) if version == 2 else "int8"
    grouped = version == 1 or rng.random() < 0.7
    form = (3, n) if dynamic or rng.random() < 0.5 else (3,)
    form = form if grouped else (1, *form[1:])
    expert = expert if grouped else np.zeros(rows, int)
    smooth = random(rng, form, "float32", 1, 30)
    offset = None if dynamic else random(rng, form, "float32", -9, 9)
    a, b = (x[:, :n], x[:, n:]) if left else (x[:, n:], x[:, :n])
    v = silu(a.astype(F32)) * b.astype(F32) * per_row(smooth, expert)
    factor = LIMITS[kind] / np.abs(v).max(axis=-1)
    v = v * factor[:, None] if dynamic else v + per_row(offset, expert)
    group = (lengths_of(ends) if version == 2 and counts else ends).astype(np.int32) if grouped else None
    args = [x, smooth, offset, group, left, "dynamic" if dynamic else "static"]
    if version == 2:
        args += [int(counts), 29 if kind == "int4" else 2]
    return args, [Quantised(v, kind), Floats(factor, "float32", 32) if dynamic else None]


def clamped(a: Array, b: Array, mode: int, limit: float, alpha: float, bias: float) -> Array:
    a, b = wide(a), wide(b)
    if mode == 0:
        return a / (1 + np.exp(-a)) * b
    if mode == 3:
        return np.minimum(a / (1 + np.exp(-a)), limit) * np.clip(b, -limit, limit)
    a = np.minimum(a, limit)
    return a / (1 + np.exp(-alpha * a)) * (np.clip(b, -limit, limit) + bias)


def dequant_swiglu_quant(
    rng: np.random.Generator, dtype: str, version: int = 1
) -> tuple[list[Any], list[Result]]:
    rows, n = int(rng.integers(3, 8)), int(rng.integers(1, 24))
    integer = dtype == "int32"
    x = random(rng, (rows, 2 * n), dtype, *((-2000, 2000) if integer else (-4, 4)))
    ends, expert = experts(rng, rows)
    grouped, dynamic, left = version == 2 or rng.random() < 0.5, bool(rng.integers(2)), bool(rng.integers(2))
    lead = (3,) if grouped else ()
    expert = expert if grouped else np.zeros(rows, int)
    weight = random(rng, (*lead, 2 * n), "float32", 0.001, 0.01) if integer else None
    row = random(rng, (rows, 1) if version == 1 else (rows,), "float32", 0.5, 2) if integer else None
    bias_kind = str(rng.choice(["float32", "float16", "bfloat16", "int32"]))
    bias = random(rng, (*lead, 2 * n), bias_kind) if integer and rng.random() < 0.7 else None
    h = x.astype(F32)
    if weight is not None and row is not None:
        rows_of = (lambda p: p[expert]) if grouped else (lambda p: p[None])
        summed = x.astype(np.int64) + rows_of(bias) if bias is not None and bias_kind == "int32" else x
        h = summed.astype(F32) * rows_of(weight) * row.reshape(-1, 1)
        h = h + rows_of(bias.astype(F32)) if bias is not None and bias_kind != "int32" else h
    mode = int(rng.integers(4)) if version == 2 else 0
    left = left or mode == 1
    a, b = (h[:, ::2], h[:, 1::2]) if mode == 1 else (h[:, :n], h[:, n:])
    a, b = (a, b) if left else (b, a)
    v = clamped(a, b, mode, 3.0, 1.702, 1.0).astype(F32)
    single = not dynamic and rng.random() < 0.5
    form = (lead or (1,)) if single else (*lead, n)
    scale = random(rng, form, "float32", 0.02, 0.1) if not dynamic or rng.random() < 0.7 else None
    offset = random(rng, form, "float32", -9, 9) if not dynamic else None
    scale_rows = None if scale is None else per_row(scale if grouped else scale.reshape(1, -1), expert)
    scale_out = None
    if dynamic:
        v = v * scale_rows if scale_rows is not None else v
        scale_out = np.abs(v).max(axis=-1) * F32(1 / 127)
        v = v / scale_out[:, None]
    else:
        assert scale_rows is not None
        assert offset is not None
        v = v / scale_rows + per_row(offset if grouped else offset.reshape(1, -1), expert)
    group = lengths_of(ends).astype(np.int64) if grouped else None
    args = [x, weight, row, bias, scale, offset, group, left, "dynamic" if dynamic else "static"]
    if version == 2:
        args += [2, "rint", -1, mode, 3.0, 1.702, 1.0]
    return args, [Quantised(v), None if scale_out is None else Floats(scale_out, "float32", 32)]


def gelu_quant(rng: np.random.Generator, dtype: str) -> tuple[list[Any], list[Result]]:
    x = random(rng, (int(rng.integers(1, 5)), int(rng.integers(1, 24))), dtype)
    tanh, dynamic = bool(rng.integers(2)), bool(rng.integers(2))
    kind, form = dtype if rng.random() < 0.6 else "float32", x.shape[1:] if rng.random() < 0.6 else (1,)
    scale = random(rng, form, kind, 1, 30) if not dynamic or rng.random() < 0.6 else None
    offset = random(rng, form, kind, -9, 9) if not dynamic and rng.random() < 0.6 else None
    v = gelu(wide(x), tanh).astype(F32)
    v = v * scale.astype(F32) if scale is not None else v
    v = v + offset.astype(F32) if offset is not None else v
    found = np.abs(v).max(axis=-1) / F32(127)
    v = v / found[:, None] if dynamic else v
    args = [x, scale, offset, "tanh" if tanh else "none", "dynamic" if dynamic else "static", "rint", 2]
    return args, [Quantised(v, tie=1e-3), Floats(found, "float32", 64) if dynamic else None]


CASES = [
    LineCase("aclnnGeluQuant", FLOATS, gelu_quant, examples=4),
    LineCase("aclnnSwiGluQuant", FLOATS, swi_glu_quant, examples=4),
    LineCase("aclnnSwiGluQuantV2", FLOATS, lambda rng, dtype: swi_glu_quant(rng, dtype, 2), examples=4),
    LineCase("aclnnDequantSwigluQuant", "float16 bfloat16 int32", dequant_swiglu_quant, examples=4),
    LineCase(
        "aclnnDequantSwigluQuantV2",
        "float16 bfloat16 int32",
        lambda rng, dtype: dequant_swiglu_quant(rng, dtype, 2),
        examples=5,
    ),
]


@parametrize(CASES)
def test_quantised_swiglu(case: LineCase) -> None:
    check(case)


@pytest.mark.parametrize(
    ("mode", "columns", "text"), [("row", 8, "quantModeOptional"), ("dynamic", 7, "even last dimension")]
)
def test_refusals(mode: str, columns: int, text: str) -> None:
    x, smooth = ao.empty((2, columns), "float32"), ao.empty((1, 4), "float32")
    out = (ao.empty((2, 4), "int8"), ao.empty((2,), "float32"))
    with pytest.raises(ao.AclError, match=text) as error:
        ao.ops.swi_glu_quant(x, smooth, None, ao.asarray(np.array([2], np.int32)), True, mode, out=out)
    assert error.value.code == 161002
