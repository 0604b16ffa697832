"""What CANN's status codes mean and what to do about them.

Codes below 100000 are HCCL's; the others are shared out between ACL, the runtime, the graph engine and aclnn
without overlap, so a number alone says what it is.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from ascend_ops._cann.status_codes import AclnnStatus, AclStatus, GraphStatus, HcclStatus, RuntimeStatus

__all__ = ["AclStatus", "AclnnStatus", "Explanation", "GraphStatus", "HcclStatus", "RuntimeStatus", "explain"]


class Explanation(NamedTuple):
    """A status code in words: its C name, what it means, and what to do next ("" if unknown)."""

    name: str
    text: str
    advice: str


def explain(code: int) -> Explanation:
    """The explanation of a status of any CANN function. An unknown code gets its range's meaning."""
    from ascend_ops._cann.status_texts import GROUPS, TEXTS  # not before something fails

    name = _names().get(code, "unknown status")
    if code in TEXTS:
        return Explanation(name, *TEXTS[code])
    family = "HCCL" if 0 < code < 100000 else f"{str(code)[0]}xxxxx"
    return Explanation(name, *GROUPS.get(family, GROUPS["other"]))


@functools.cache
def _names() -> dict[int, str]:
    """Code -> C name. The first name of a number wins where several enums have it."""
    from ascend_ops._cann import status_codes as codes

    names: dict[int, str] = {}
    for enum in (
        codes.AclStatus,
        codes.RuntimeStatus,
        codes.GraphStatus,
        codes.AclnnStatus,
        codes.HcclStatus,
    ):
        for member in enum:
            names.setdefault(member.value, member.name)
    return names


def __getattr__(name: str) -> Any:
    """The enums, made when first asked for: 300 members cost more than the rest of this package's import."""
    if name in __all__:
        from ascend_ops._cann import status_codes

        return getattr(status_codes, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
