"""Arrays of the vectors files: dtypes, generators, and int4 in words and bytes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ml_dtypes
import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
F32 = np.float32

DTYPES: dict[str, npt.DTypeLike] = {
    "float16": np.float16,
    "bfloat16": ml_dtypes.bfloat16,
    "float32": np.float32,
    "int8": np.int8,
    "int32": np.int32,
    "int64": np.int64,
    "uint64": np.uint64,
    "uint8": np.uint8,
    "int4": ml_dtypes.int4,
}


def generate(spec: Mapping[str, Any]) -> Array:
    """The tensor that a vector describes by `data`, `unpacked` int4 values, `lcg`, `lcg_int` or `fill`."""
    shape = tuple(spec["shape"])
    dtype = DTYPES[spec["dtype"]]
    count = int(np.prod(shape, dtype=np.int64))
    if "lcg" in spec:
        values: Array
        raw = _lcg(int(spec["lcg"]["seed"]), count).astype(np.float64)
        values = (raw - 8388608.0) / 8388608.0 * float(spec["lcg"]["amp"])
    elif "lcg_int" in spec:
        low, high = int(spec["lcg_int"]["lo"]), int(spec["lcg_int"]["hi"])
        values = low + _lcg(int(spec["lcg_int"]["seed"]), count) % (high - low + 1)
    elif "fill" in spec:
        values = np.full(count, float(spec["fill"]))
    else:
        values = np.array([float(v) for v in spec.get("unpacked", spec.get("data"))])
    return values.astype(dtype).reshape(shape)


def _lcg(seed: int, count: int) -> npt.NDArray[np.int64]:
    out = np.empty(count, np.int64)
    state = seed
    for i in range(count):
        state = (1664525 * state + 1013904223) & 0xFFFFFFFF
        out[i] = state >> 8
    return out


def pack_int4(values: npt.ArrayLike) -> npt.NDArray[np.uint8]:
    """Bytes of int4 values in row-major order, the element with the lower index in the low nibble."""
    nibbles = np.asarray(values).astype(np.int8).reshape(-1).view(np.uint8) & 0xF
    if nibbles.size % 2:
        nibbles = np.append(nibbles, np.uint8(0))
    return (nibbles[0::2] | (nibbles[1::2] << 4)).astype(np.uint8)


def unpack_int4(words: Array) -> npt.NDArray[np.int8]:
    """int32 words [..., n] -> the int4 values they hold [..., 8 n] (rank 0 -> [8]), as int8."""
    shifts = np.arange(8, dtype=np.uint32) * 4
    bits = np.atleast_1d(words).astype(np.int32).view(np.uint32)[..., None] >> shifts & 0xF
    return (bits.astype(np.int8) ^ 8).__sub__(np.int8(8)).reshape(*bits.shape[:-2], -1)
