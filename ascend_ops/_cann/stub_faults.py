"""The stand-in's faults on demand (include/ascend_stub/fault.h)."""

from __future__ import annotations

import ctypes

from ascend_ops._cann import libraries
from ascend_ops._cann.errors import ParameterError
from ascend_ops._cann.stub_watch import function


def add(rule: str) -> int:
    """The number of a new rule. ParameterError for one that is not understood, MissingFunctionError on a real
    CANN."""
    number = ctypes.c_uint64()
    status = function("stub_fault_add")(rule.encode(), ctypes.byref(number))
    if status:
        raise ParameterError("stub_fault_add", status, libraries.recent_message(), (f"rules: {rule!r}",))
    return number.value


def hits(number: int) -> int:
    """How often the rule has struck."""
    return int(function("stub_fault_hits")(number))


def remove(number: int) -> None:
    """Ends the rule."""
    function("stub_fault_remove")(number)
