"""Memory formats: which element lies where in the storage, and host arrays to and from FRACTAL_NZ.

Base formats (ND, NCHW, NHWC, NCL, ...) only name the axes; private formats (FRACTAL_NZ, NC1HWC0, ...) tile
them. FRACTAL_NZ cuts matrices into tiles of 16 rows of 32 bytes (C0 elements): the tiles lie in column order,
the elements of a tile in row order. It is what matrix units read, so weights are kept in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ascend_ops import dtypes
from ascend_ops._cann.enums import Format
from ascend_ops._layout import checked_shape
from ascend_ops.dtypes import Array, DType

if TYPE_CHECKING:  # numpy.typing is dear to import
    import numpy.typing as npt

BASE = frozenset(Format[name] for name in ("ND", "NCHW", "NHWC", "HWCN", "NDHWC", "NCDHW", "NC", "NCL"))
ROWS = 16  # a FRACTAL_NZ tile has 16 rows ...
ROW_BITS = 32 * 8  # ... of 32 bytes


def format(spec: object, argument: str = "format") -> Format:
    """Resolves a Format, its code or its name ("ND", "ACL_FORMAT_ND"); ValueError naming `argument`
    otherwise.
    """
    if isinstance(spec, Format):
        return spec
    if isinstance(spec, str):
        name = spec.upper().removeprefix("ACL_").removeprefix("FORMAT_")
        if name in Format.__members__:
            return Format[name]
    elif isinstance(spec, int) and spec in Format.__members__.values():
        return Format(spec)
    raise ValueError(f"{argument}: {spec!r} is not a format; use one of {', '.join(Format.__members__)}")


def is_base(spec: Format) -> bool:
    """Whether the storage holds the elements of the logical shape in C order."""
    return spec is Format.ND or spec in BASE


def storage_shape(shape: Sequence[int], dtype: DType, spec: Format) -> tuple[int, ...]:
    """Shape of the storage for a logical shape, in elements.

    FRACTAL_NZ: (..., M, N) -> (..., ceil(N / C0), ceil(M / 16), 16, C0) with C0 = 32 bytes of elements.
    ValueError for the other private formats, whose storage only the converting operator knows.
    """
    if is_base(spec):
        return tuple(shape)
    if spec != Format.FRACTAL_NZ:
        raise ValueError(
            f"format {spec.name}: its storage shape is not known here; let the converting operator say it, "
            "then use from_pointer with storage_shape"
        )
    if len(shape) < 2:
        raise ValueError(f"format FRACTAL_NZ needs a shape of at least 2 axes, not {tuple(shape)}")
    if ROW_BITS % dtype.bits:
        raise ValueError(f"format FRACTAL_NZ: 32 bytes are no whole number of elements of {dtype}")
    columns = ROW_BITS // dtype.bits
    *outer, m, n = shape
    return (*outer, -(-n // columns), -(-m // ROWS), ROWS, columns)


def to_nz(array: npt.ArrayLike) -> Array:
    """The FRACTAL_NZ storage of a matrix (or of a stack of them), as a new host array.

    array    [..., M, N], float16, bfloat16, int8 or another type of which 32 bytes hold a whole number C0
    returns  same type, [..., ceil(N / C0), ceil(M / 16), 16, C0]: element (m, n) is at
             [n // C0, m // 16, m % 16, n % C0], elements past the matrix are 0

    TypeError for element types that CANN does not have, ValueError for fewer than 2 axes. Source: CANN
    operator document aclnnTransMatmulWeight; `asarray(x, format="FRACTAL_NZ")` uploads such a storage.
    """
    matrix = np.asarray(array)
    shape = _nz_shape(matrix.shape, dtypes.dtype(matrix.dtype, "array"), "array")
    *outer, columns, rows, height, width = shape
    *_, m, n = matrix.shape
    padded = np.zeros((*outer, rows * height, columns * width), matrix.dtype)
    padded[..., :m, :n] = matrix
    return np.ascontiguousarray(np.moveaxis(padded.reshape(*outer, rows, height, columns, width), -2, -4))


def from_nz(storage: npt.ArrayLike, shape: Sequence[int]) -> Array:
    """The matrix of `shape` out of its FRACTAL_NZ storage, as a new host array: the inverse of `to_nz`.

    ValueError when `storage` is not [..., ceil(N / C0), ceil(M / 16), 16, C0] for a `shape` of [..., M, N].
    """
    tiles = np.asarray(storage)
    lengths = checked_shape(shape)
    expected = _nz_shape(lengths, dtypes.dtype(tiles.dtype, "storage"), "shape")
    if tiles.shape != expected:
        raise ValueError(
            f"storage: {tiles.dtype} {tiles.shape} is not the FRACTAL_NZ storage of {lengths}; that has the "
            f"shape {expected}"
        )
    *outer, columns, rows, height, width = expected
    *_, m, n = lengths
    padded = np.moveaxis(tiles, -4, -2).reshape(*outer, rows * height, columns * width)
    return np.ascontiguousarray(padded[..., :m, :n])


def _nz_shape(shape: Sequence[int], dtype: DType, argument: str) -> tuple[int, ...]:
    try:
        return storage_shape(shape, dtype, Format.FRACTAL_NZ)
    except ValueError as error:
        raise ValueError(f"{argument}: {error}") from None
