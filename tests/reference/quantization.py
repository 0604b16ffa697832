"""aclnnDynamicQuantV2 and aclnnAscendAntiQuant."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from reference.arrays import DTYPES, F32, Array, unpack_int4

LIMITS = {"int8": 127, "int4": 7}
SMALLEST_SCALE = F32(1e-12)


def expert_of_rows(group: npt.ArrayLike, rows: int) -> npt.NDArray[np.int64]:
    """Expert of each flattened row: the first whose end lies behind it; the last one past all ends."""
    ends = np.asarray(group, np.int64)
    return np.array(
        [next((e for e in range(len(ends)) if ends[e] > row), len(ends) - 1) for row in range(rows)], np.int64
    )


def dynamic_quant_v2(
    x: Array,
    smooth: Array | None = None,
    group: npt.ArrayLike | None = None,
    dst: str = "int8",
    symmetric: bool = True,
    scale_form: str | None = None,
) -> tuple[Array, Array, Array | None, Array]:
    """Per-token quantisation: (y as int8, also for "int4"; scale; offset or None; values before rounding).

    scale_form is "S1" (1 / (C/m)) or "S2" (m * (1/C)); the default is S1 where experts choose the smooth row,
    S2 elsewhere.
    Rows with a NaN are unspecified by the operator; here their scale is NaN and their y is 0.
    """
    limit = F32(LIMITS[dst])
    rows = x.astype(F32).reshape(-1, x.shape[-1])
    grouped = smooth is not None and group is not None
    if smooth is not None and group is not None:
        rows = rows * smooth.astype(F32)[expert_of_rows(group, len(rows))]
    elif smooth is not None:
        rows = rows * smooth.astype(F32)
    form = scale_form or ("S1" if grouped else "S2")
    with np.errstate(all="ignore"):
        scale, offset, before = _symmetric(rows, limit, form) if symmetric else _asymmetric(rows, limit)
    clipped = np.clip(
        np.rint(np.nan_to_num(before, nan=0.0, posinf=np.inf, neginf=-np.inf)), -limit - 1, limit
    )
    lead = x.shape[:-1]
    return (
        clipped.astype(np.int8).reshape(x.shape),
        scale.reshape(lead),
        None if offset is None else offset.reshape(lead),
        before.reshape(x.shape),
    )


def _symmetric(rows: Array, limit: np.float32, form: str) -> tuple[Array, None, Array]:
    largest = np.abs(rows).max(axis=1)
    factor = limit / largest
    scale = F32(1) / factor if form == "S1" else largest * (F32(1) / limit)
    return scale, None, rows * factor[:, None]


def _asymmetric(rows: Array, limit: np.float32) -> tuple[Array, Array, Array]:
    high, low = rows.max(axis=1), rows.min(axis=1)
    scale = np.maximum((high - low) / (limit + limit + F32(1)), SMALLEST_SCALE)
    offset = limit - high / scale
    back = F32(1) / scale
    return scale, offset, rows * back[:, None] + offset[:, None]


def near_tie(before: Array, relative: float = 1e-5) -> npt.NDArray[np.bool_]:
    """Where a value is so close to a half that another legal order of roundings may round it differently."""
    value = before.astype(np.float64)
    with np.errstate(invalid="ignore"):
        distance = np.abs(np.abs(value - np.floor(value)) - 0.5)
        return np.asarray(distance <= relative * np.maximum(np.abs(value), 0.5))


def ascend_anti_quant(
    x: Array,
    scale: Array,
    offset: Array | None = None,
    dst: str = "float16",
    sqrt_mode: bool = False,
) -> Array:
    """y = (x + offset) * scale, with sqrt_mode times scale again. x: int8, int4, or int32 of 8 int4 each."""
    values = (unpack_int4(x) if x.dtype == np.int32 else x).astype(F32)
    factor = scale.astype(F32)
    with np.errstate(all="ignore"):
        total = values if offset is None else values + offset.astype(F32)
        result = total * factor
        if sqrt_mode:
            result = result * factor
        return np.asarray(result.astype(DTYPES[dst])).reshape(values.shape)
