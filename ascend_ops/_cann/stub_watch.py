"""The functions of include/ascend_stub/{check,fault,trace,schedule}.h, which only the stand-in has."""

from __future__ import annotations

import ctypes
import functools
from typing import Any, Final

from ascend_ops._cann import libraries

FRAME_READER = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_size_t)

_TEXT = ctypes.c_char_p
_STATUS = ctypes.c_int
_U64 = ctypes.c_uint64
_U64_OUT = ctypes.POINTER(ctypes.c_uint64)

PROTOTYPES: Final[dict[str, tuple[Any, list[Any]]]] = {
    "stub_check_set": (_STATUS, [_TEXT]),
    "stub_check_get": (ctypes.c_size_t, [_TEXT, ctypes.c_size_t]),
    "stub_check_name": (_TEXT, [ctypes.c_int]),
    "stub_report_count": (ctypes.c_size_t, []),
    "stub_report_read": (
        ctypes.c_size_t,
        [ctypes.c_size_t, ctypes.POINTER(ctypes.c_int), _U64_OUT, _TEXT, ctypes.c_size_t],
    ),
    "stub_reports_clear": (None, []),
    "stub_reports_print": (None, [ctypes.c_bool]),
    "stub_leak_mark": (_U64, []),
    "stub_leak_report": (None, [_U64]),
    "stub_set_frame_reader": (None, [FRAME_READER]),
    "stub_fault_add": (_STATUS, [_TEXT, _U64_OUT]),
    "stub_fault_remove": (None, [_U64]),
    "stub_fault_hits": (_U64, [_U64]),
    "stub_trace_begin": (_STATUS, [_TEXT]),
    "stub_trace_end": (_STATUS, []),
    "stub_schedule_set": (_STATUS, [_TEXT]),
    "stub_schedule_get": (ctypes.c_size_t, [_TEXT, ctypes.c_size_t]),
    "stub_schedule_step": (_U64, [_U64]),
}


@functools.cache
def function(name: str) -> Any:
    """A function of the interfaces. MissingFunctionError on a real CANN, which has none of them."""
    (found,) = libraries.find("nnopbase", name)
    libraries.set_types(found, *PROTOTYPES[name])
    return found
