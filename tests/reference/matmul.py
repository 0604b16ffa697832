"""aclnnQuantMatmulAllReduceV2 and its helpers: FRACTAL_NZ weights and packed scales."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from reference.arrays import DTYPES, F32, Array

PACKED_FLAG = np.uint64(1 << 46)
PACKED_SCALE = np.uint64(0xFFFFE000)
NZ_ROWS, NZ_ROW_BYTES = 16, 32


def quant_matmul(
    x1: Array,
    x2: Array,
    scale: Array,
    bias: Array | None = None,
    x3: Array | None = None,
    pertoken: Array | None = None,
    dst: str = "float16",
) -> Array:
    """What one rank adds to the all-reduce: int8 [..., k] @ [k, n], dequantised, plus x3.

    A 64-bit scale is packed: bits 31..13 are the fp32 scale's; its results saturate at the largest fp16.
    """
    total = x1.astype(np.int64) @ x2.astype(np.int64)
    if bias is not None:
        total = total + bias.astype(np.int64)
    value = total.astype(np.int32).astype(F32)  # wraps as int32 addition does
    packed = scale.dtype.itemsize == 8
    factor = unpack_scale(scale) if packed else scale.astype(F32)
    with np.errstate(all="ignore"):
        value = value * factor.reshape(-1)
        if packed:
            value = np.clip(value, F32(-65504), F32(65504))
        if pertoken is not None:
            value = value * pertoken.reshape(*x1.shape[:-1], 1)
        y = value.astype(DTYPES[dst])
        return y if x3 is None else (y.astype(F32) + x3.astype(F32)).astype(DTYPES[dst])


def all_reduce_sum(parts: Sequence[Array]) -> Array:
    """Rank by rank, each partial sum rounded to the data type."""
    with np.errstate(all="ignore"):
        return reduce(lambda a, b: (a.astype(F32) + b.astype(F32)).astype(a.dtype), parts)


def unpack_scale(packed: Array) -> Array:
    """The fp32 scales that the hardware takes from 64-bit parameters."""
    return (packed.view(np.uint64) & PACKED_SCALE).astype(np.uint32).view(F32)


def trans_quant_param(
    scale: Array, offset: Array | None = None, round_mode: int = 0
) -> npt.NDArray[np.uint64]:
    """aclnnTransQuantParamV2 (round_mode 0: cut the mantissa) and V3 (1: to nearest even)."""
    bits = np.atleast_1d(scale).astype(F32).view(np.uint32).astype(np.uint64)
    if round_mode == 1:
        exponent = bits >> np.uint64(23) & np.uint64(0xFF)
        rounded = bits + np.uint64(0xFFF) + (bits >> np.uint64(13) & np.uint64(1))
        bits = np.where(exponent == 0, bits & np.uint64(1 << 31), np.where(exponent == 255, bits, rounded))
    packed = bits & PACKED_SCALE | PACKED_FLAG
    return (
        packed if offset is None else packed | _int9(np.rint(np.nan_to_num(offset, posinf=1e9, neginf=-1e9)))
    )


def trans_quant_param_host(scale: Array, offset: Array | None = None) -> npt.NDArray[np.uint64]:
    """aclnnTransQuantParam: all bits of the scale, offsets half away from zero, room for a multiple of 16."""
    count = max(scale.size, 0 if offset is None else offset.size)
    packed = np.zeros(count if count == 1 else -(-count // 16) * 16, np.uint64)
    packed[: scale.size] = scale.astype(F32).view(np.uint32).astype(np.uint64) | PACKED_FLAG
    if offset is not None:
        away = np.copysign(np.floor(np.abs(offset.astype(np.float64)) + 0.5), offset)
        packed[: offset.size] |= _int9(away)
    return packed


def _int9(offset: Array) -> npt.NDArray[np.uint64]:
    clipped = np.clip(offset, -256, 255).astype(np.int64)
    return (clipped.astype(np.uint64) & np.uint64(0x1FF)) << np.uint64(37)


def to_nz(matrix: Array) -> Array:
    """[..., R, C] -> [..., ceil(C/c0), ceil(R/16), 16, c0] with c0 elements in 32 bytes; padding is zero."""
    c0 = NZ_ROW_BYTES // matrix.dtype.itemsize
    *lead, rows, columns = matrix.shape
    out = np.zeros((*lead, -(-columns // c0), -(-rows // NZ_ROWS), NZ_ROWS, c0), matrix.dtype)
    for r in range(rows):
        for c in range(columns):
            out[..., c // c0, r // NZ_ROWS, r % NZ_ROWS, c % c0] = matrix[..., r, c]
    return out


def from_recipe(spec: dict[str, Any] | None, shape: Sequence[int], dtype: str, rank: int = 0) -> Array | None:
    """One rank's tensor as the vectors of this operator describe it."""
    if spec is None:
        return None
    count = int(np.prod(shape, dtype=np.int64))
    if spec["kind"] == "bits":
        raw = np.full(count, int(spec["value"], 16), np.dtype(f"u{np.dtype(DTYPES[dtype]).itemsize}"))
        return raw.view(DTYPES[dtype]).reshape(shape)
    return cast(Array, _values(spec, count, rank, dtype).reshape(shape))


def _values(spec: dict[str, Any], count: int, rank: int, dtype: str) -> Array:
    kind = spec["kind"]
    if kind == "literal":
        values = spec["per_rank"][rank] if "per_rank" in spec else spec["values"]
        convert = int if dtype in {"uint64", "int64"} else float
        return np.array([convert(value) for value in values], DTYPES[dtype])
    if kind == "const":
        return np.full(count, spec["value"]).astype(DTYPES[dtype])
    draws = _draws(int(spec["seed"]) + 1000 * rank, count) % int(spec["mod"]) - int(spec["sub"])
    values = draws / int(spec.get("div", 1))
    return (
        trans_quant_param(values).view(DTYPES[dtype])
        if kind == "packed_lcg"
        else values.astype(DTYPES[dtype])
    )


def _draws(seed: int, count: int) -> npt.NDArray[np.int64]:
    out = np.empty(count, np.int64)
    state = seed
    for i in range(count):
        state = (1664525 * state + 1013904223) & 0xFFFFFFFF
        out[i] = state >> 16
    return out
