"""Memory formats: which element lies where in the storage, and the storage shape of FRACTAL_NZ.

Base formats (ND, NCHW, NHWC, NCL, ...) only name the axes; private formats (FRACTAL_NZ, NC1HWC0, ...) tile
them.
"""

from __future__ import annotations

from collections.abc import Sequence

from ascend_ops._cann.enums import Format
from ascend_ops.dtypes import DType

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
    columns = ROW_BITS // dtype.bits
    *outer, m, n = shape
    return (*outer, -(-n // columns), -(-m // ROWS), ROWS, columns)
