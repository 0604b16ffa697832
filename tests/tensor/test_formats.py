"""Formats: names, and the storage of FRACTAL_NZ."""

from __future__ import annotations

from typing import Any

import pytest

from ascend_ops import dtypes, formats
from ascend_ops._cann.enums import Format


@pytest.mark.parametrize("spec", [Format.FRACTAL_NZ, 29, "FRACTAL_NZ", "ACL_FORMAT_FRACTAL_NZ", "fractal_nz"])
def test_spec_resolves(spec: Any) -> None:
    assert formats.format(spec) is Format.FRACTAL_NZ


@pytest.mark.parametrize("spec", ["nonsense", 1234, None, 2.0])
def test_unknown_spec_is_refused_with_the_choices(spec: Any) -> None:
    with pytest.raises(ValueError, match=r"layout: .* is not a format; use one of .*NCHW, NHWC, ND"):
        formats.format(spec, "layout")


@pytest.mark.parametrize(
    ("shape", "dtype", "storage"),
    [
        ((33, 40), dtypes.float16, (3, 3, 16, 16)),
        ((16, 32), dtypes.int8, (1, 1, 16, 32)),
        ((5, 64, 65), dtypes.int4, (5, 2, 4, 16, 64)),
        ((16, 8), dtypes.int32, (1, 1, 16, 8)),
    ],
)
def test_fractal_nz_storage_is_tiles_of_16_rows_of_32_bytes(
    shape: tuple[int, ...], dtype: dtypes.DType, storage: tuple[int, ...]
) -> None:
    assert formats.storage_shape(shape, dtype, Format.FRACTAL_NZ) == storage


def test_base_formats_store_the_logical_shape() -> None:
    assert formats.storage_shape((2, 3, 4, 5), dtypes.float32, Format.NCHW) == (2, 3, 4, 5)


def test_formats_whose_storage_is_unknown_are_refused() -> None:
    with pytest.raises(ValueError, match="from_pointer with storage_shape"):
        formats.storage_shape((2, 3, 4, 5), dtypes.float16, Format.NC1HWC0)


def test_fractal_nz_needs_a_matrix() -> None:
    with pytest.raises(ValueError, match="at least 2 axes"):
        formats.storage_shape((5,), dtypes.float16, Format.FRACTAL_NZ)
