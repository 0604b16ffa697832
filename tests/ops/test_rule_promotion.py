"""Promotion of element types follows the tables of CANN's document on type deduction, cell by cell."""

from __future__ import annotations

import numpy as np
import pytest

from ascend_ops import dtypes
from ascend_ops.dtypes import DType
from ascend_ops.ops.rules import _promotion

NAMES = {
    "f32": dtypes.float32,
    "f16": dtypes.float16,
    "f64": dtypes.float64,
    "bf16": dtypes.bfloat16,
    "s8": dtypes.int8,
    "u8": dtypes.uint8,
    "s16": dtypes.int16,
    "u16": dtypes.uint16,
    "s32": dtypes.int32,
    "u32": dtypes.uint32,
    "s64": dtypes.int64,
    "u64": dtypes.uint64,
    "bool": dtypes.bool_,
    "c32": dtypes.complex32,
    "c64": dtypes.complex64,
    "c128": dtypes.complex128,
}
NONE = {"u16", "u32", "u64"}  # promote with themselves only

# Rows and columns in the order of NAMES, without u16, u32, u64. bfloat16 with complex32 is complex64, as in
# CANN's own table in data_type_utils.h: complex32 would lose bfloat16's range.
TENSORS = """
f32  f32  f32  f64  f32  f32  f32  f32  f32  f32  f32  c64  c64  c128
f16  f32  f16  f64  f32  f16  f16  f16  f16  f16  f16  c32  c64  c128
f64  f64  f64  f64  f64  f64  f64  f64  f64  f64  f64  c128 c128 c128
bf16 f32  f32  f64  bf16 bf16 bf16 bf16 bf16 bf16 bf16 c64  c64  c128
s8   f32  f16  f64  bf16 s8   s16  s16  s32  s64  s8   c32  c64  c128
u8   f32  f16  f64  bf16 s16  u8   s16  s32  s64  u8   c32  c64  c128
s16  f32  f16  f64  bf16 s16  s16  s16  s32  s64  s16  c32  c64  c128
s32  f32  f16  f64  bf16 s32  s32  s32  s32  s64  s32  c32  c64  c128
s64  f32  f16  f64  bf16 s64  s64  s64  s64  s64  s64  c32  c64  c128
bool f32  f16  f64  bf16 s8   u8   s16  s32  s64  bool c32  c64  c128
c32  c64  c32  c128 c64  c32  c32  c32  c32  c32  c32  c32  c64  c128
c64  c64  c64  c128 c64  c64  c64  c64  c64  c64  c64  c64  c64  c128
c128 c128 c128 c128 c128 c128 c128 c128 c128 c128 c128 c128 c128 c128
"""

# Rows: the scalar's type; columns: the tensor's, in the order of NAMES with all sixteen.
SCALARS = """
f32  f32 f16 f64  bf16 f32 f32 f32 x   f32 x   f32 x   f32  c32 c64 c128
f64  f32 f16 f64  bf16 f32 f32 f32 x   f32 x   f32 x   f32  c32 c64 c128
s8   f32 f16 f64  bf16 s8  u8  s16 u16 s32 u32 s64 u64 s8   c32 c64 c128
u8   f32 f16 f64  bf16 s8  u8  s16 u16 s32 u32 s64 u64 u8   c32 c64 c128
u16  f32 f16 f64  bf16 s8  u8  s16 u16 s32 u32 s64 u64 x    c32 c64 c128
s64  f32 f16 f64  bf16 s8  u8  s16 u16 s32 u32 s64 u64 s64  c32 c64 c128
bool f32 f16 f64  bf16 s8  u8  s16 u16 s32 u32 s64 u64 bool c32 c64 c128
c64  c64 c32 c128 c64  c64 c64 c64 c64 c64 c64 c64 c64 c64  c32 c64 c128
c128 c64 c32 c128 c64  c64 c64 c64 c64 c64 c64 c64 c64 c64  c32 c64 c128
"""


def rows(table: str) -> list[list[str]]:
    return [line.split() for line in table.strip().splitlines()]


def test_tensors_promote_as_in_the_document() -> None:
    columns = [name for name in NAMES if name not in NONE]
    for left, *cells in rows(TENSORS):
        assert len(cells) == len(columns)
        for right, cell in zip(columns, cells, strict=True):
            assert _promotion.promote(NAMES[left], NAMES[right]) is NAMES[cell], (left, right)


@pytest.mark.parametrize("name", sorted(NONE))
def test_wide_unsigned_tensors_promote_with_themselves_only(name: str) -> None:
    for other, dtype in NAMES.items():
        expected = dtype if other == name else None
        assert _promotion.promote(NAMES[name], dtype) is expected, other
        assert _promotion.promote(dtype, NAMES[name]) is expected, other


def test_scalars_raise_the_category_as_in_the_document() -> None:
    for scalar, *cells in rows(SCALARS):
        seen = _promotion.scalar_dtype(np.zeros((), NAMES[scalar])[()])
        for tensor, cell in zip(NAMES, cells, strict=True):
            expected = None if cell == "x" else NAMES[cell]
            assert _promotion.promote_with_scalar(NAMES[tensor], seen) is expected, (scalar, tensor)


@pytest.mark.parametrize(
    ("value", "dtype"),
    [
        (True, dtypes.bool_),
        (7, dtypes.int64),
        (2.5, dtypes.float32),
        (1j, dtypes.complex64),
        (np.float64(1), dtypes.float32),
        (np.int16(1), dtypes.int16),
        (np.bool_(True), dtypes.bool_),
    ],
)
def test_a_number_stands_for_the_default_type_of_its_kind(value: object, dtype: DType) -> None:
    assert _promotion.scalar_dtype(value) is dtype


def test_promotion_is_symmetric_for_every_pair_of_types() -> None:
    for a in dtypes.ALL:
        for b in dtypes.ALL:
            assert _promotion.promote(a, b) is _promotion.promote(b, a), (a, b)
