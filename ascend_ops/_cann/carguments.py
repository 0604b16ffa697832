"""Arguments of C functions, made ahead of the call.

What `from_param` of a ctypes type makes holds a value together with its C type. A function without argument
types takes it as it is, for a third of what ctypes needs to convert an int; made once and kept, it costs
nothing more. None is NULL; a ctypes object is passed with the value that it has at the time of the call.
"""

from __future__ import annotations

import ctypes
from typing import Any

CArgument = Any  # what from_param makes has no public type


def pointer(value: int) -> CArgument:
    """An address or a handle."""
    return ctypes.c_void_p.from_param(value)


def size(value: int) -> CArgument:
    """A size_t or uint64_t."""
    return ctypes.c_uint64.from_param(value)


def int64s(values: tuple[int, ...]) -> CArgument:
    """The address of an array of its own, which lives as long as the argument."""
    return ctypes.byref((ctypes.c_int64 * len(values))(*values))
