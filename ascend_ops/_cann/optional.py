"""Parameters that may be NULL though their names do not end in Optional, as CANN's operator documents say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_DIM: Final = frozenset({"dim"})  # NULL: all axes
_OFFSET: Final = frozenset({"offset"})

UNNAMED: Final[Mapping[str, frozenset[str]]] = {
    "aclnnAscendAntiQuant": _OFFSET,
    "aclnnAscendQuant": _OFFSET,
    "aclnnAscendQuantV3": _OFFSET,
    "aclnnBincount": frozenset({"weights"}),
    "aclnnQuantize": frozenset({"zeroPoints"}),
    "aclnnScale": frozenset({"bias"}),
    "aclnnSinkhorn": frozenset({"tol"}),
    "aclnnStd": _DIM,
    "aclnnStdMeanCorrection": _DIM,
    "aclnnTransQuantParamV2": _OFFSET,
    "aclnnTransQuantParamV3": _OFFSET,
    "aclnnVar": _DIM,
    "aclnnVarCorrection": _DIM,
    "aclnnVarMean": _DIM,
}


def is_optional(operator: str, parameter: str, ctype: str) -> bool:
    """Whether NULL stands for an argument that is left out. Numbers have no NULL."""
    named = "Optional" in parameter or parameter in UNNAMED.get(operator, ())
    return named and ctype.endswith("*")
