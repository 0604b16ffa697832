"""Outputs whose shape only the data tells: what the caller allocates is the most that can be found.

Phase two of these operators waits for the stream and gives their descriptors the true shape (opbase, where
kernels of the AI Core name an output-shape tensor and those of the AI CPU are DEPEND_SHAPE_RANGE). What is
found lies without gaps at the start of the memory.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

FOUND: Final[Mapping[str, tuple[str, ...]]] = {
    "aclnnMaskedSelect": ("out",),
    "aclnnNonzero": ("out",),
    "aclnnNonzeroV2": ("out",),
    "aclnnUnique": ("valueOut",),
    "aclnnUnique2": ("valueOut", "countsOut"),
    "aclnnUniqueConsecutive": ("valueOut", "countsOut"),
    "aclnnUniqueDim": ("valueOut", "countsOut"),
}
