"""aclnnNsaCompress."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from reference.arrays import DTYPES, F32, Array

MANTISSA = {"float16": 10, "bfloat16": 7}  # stored bits
SMALLEST_EXPONENT = {"float16": -14, "bfloat16": -126}
LARGEST_EXPONENT = {"float16": 15, "bfloat16": 127}


def nsa_starts(prefix_sums: Sequence[int], block: int, stride: int) -> list[int]:
    """The first token of every window, batch by batch: one per output row."""
    starts: list[int] = []
    begin = 0
    for end in prefix_sums:
        starts += range(begin, end - block + 1, stride)
        begin = end
    return starts


def nsa_compress(
    x: Array, weight: Array, prefix_sums: Sequence[int], stride: int, half_even: bool = False
) -> Array:
    """Windows of [T, N, D] tokens times [L, N] weights, summed in fp32 as one binary tree over the L tokens.

    The cast takes halves away from zero; half_even is the cast of torch.
    """
    block = len(weight)
    starts = nsa_starts(prefix_sums, block, stride)
    result = np.empty((len(starts), *x.shape[1:]), x.dtype)
    factors = weight.astype(F32)[:, :, None]
    with np.errstate(all="ignore"):
        for row, start in enumerate(starts):
            total = _tree(x[start : start + block].astype(F32) * factors)
            result[row] = total.astype(x.dtype) if half_even else round_half_away(total, x.dtype.name)
    return result


def _tree(rows: Array) -> Array:
    """Row i takes row half + i in; then the half that is left does the same."""
    half = 1
    while 2 * half < len(rows):
        half *= 2
    while half:
        rows[: len(rows) - half] += rows[half:]
        rows = rows[:half]
        half //= 2
    return np.asarray(rows[0])


def round_half_away(values: npt.NDArray[np.float32], dtype: str) -> Array:
    """fp32 to fp16 or bf16; every step below is exact in float64."""
    wide = np.abs(values.astype(np.float64))
    exponent = np.maximum(np.frexp(np.where(np.isfinite(wide), wide, 0))[1] - 1, SMALLEST_EXPONENT[dtype])
    quantum = np.ldexp(1.0, exponent - MANTISSA[dtype])
    with np.errstate(invalid="ignore"):
        rounded = np.floor(wide / quantum + 0.5) * quantum
    rounded[rounded >= 2.0 ** (LARGEST_EXPONENT[dtype] + 1)] = np.inf
    result = np.copysign(rounded, values)
    result[np.isnan(values)] = np.nan  # the one with a clear sign
    with np.errstate(over="ignore"):
        return np.asarray(result.astype(F32).astype(DTYPES[dtype]))


def nsa_generate(recipe: Mapping[str, Any], shape: Sequence[int], dtype: str) -> Array:
    """A tensor that the vectors of aclnnNsaCompress describe by its kind."""
    kind = recipe["kind"]
    count = int(np.prod(shape))
    values: Array
    if kind == "const":
        values = np.full(count, float(recipe["value"]))
    elif kind == "token":
        tokens = np.repeat(np.arange(shape[0]), count // shape[0])
        values = recipe["scale"] * tokens + float(recipe["offset"])
    elif kind == "lcg":
        values = (_draws(recipe["seed"], count) % recipe["mod"] - recipe["sub"]) / recipe["div"]
    elif kind == "sparse":
        values = np.full(shape, float(recipe["fill"]))
        for *index, value in recipe["set"]:
            values[tuple(index)] = float(value)
    else:
        values = np.array([float(v) for v in recipe["values"]])
    return values.astype(DTYPES[dtype]).reshape(shape)


def _draws(seed: int, count: int) -> npt.NDArray[np.int64]:
    """States 1 to count of the generator, shifted; the states known so far give as many again in one step."""
    states = np.array([seed], np.uint64)
    factor, addend = 1664525, 1013904223  # of a step over all of `states`
    while len(states) <= count:
        further = states * np.uint64(factor) + np.uint64(addend) & np.uint64(0xFFFFFFFF)
        states = np.concatenate((states, further))
        factor, addend = factor * factor & 0xFFFFFFFF, (factor + 1) * addend & 0xFFFFFFFF
    return (states[1 : count + 1] >> np.uint64(16)).astype(np.int64)
