"""Which of the stand-in's checks are on, and what they have found (include/ascend_stub/check.h)."""

from __future__ import annotations

import ctypes
from typing import NamedTuple

from ascend_ops._cann import libraries, stub_frames
from ascend_ops._cann.errors import AclError, UnsupportedError
from ascend_ops._cann.homes import find_home
from ascend_ops._cann.stub_watch import function

_NOT_SUPPORTED = 207000  # ACL_ERROR_RT_FEATURE_NOT_SUPPORT
_WORDS = 512  # bytes; all words there are need far less


class Report(NamedTuple):
    """A mistake that a check found: the check's name ("races"), the whole text, and how often it was made."""

    check: str
    text: str
    times: int


def available() -> bool:
    """Whether the home in use is the stand-in."""
    return find_home().stand_in


def reachable() -> bool:
    """Whether the stand-in may still be asked: not at exit, nor in a forked child."""
    return libraries.is_open()


def need_stand_in() -> None:
    """UnsupportedError on a real CANN."""
    if not available():
        raise UnsupportedError(
            "stub_check_set",
            _NOT_SUPPORTED,
            f"checks are the stand-in's, and this process uses {find_home().root}. Set ASCEND_OPS_HOME=stub.",
        )


def words() -> str:
    """The names of the checks that are on, separated by commas."""
    buffer = ctypes.create_string_buffer(_WORDS)
    function("stub_check_get")(buffer, _WORDS)
    return buffer.value.decode()


def turn_on(names: str) -> None:
    """Turns on exactly these. ParameterError for a name that is none."""
    stub_frames.register()
    status = function("stub_check_set")(names.encode())
    if status:
        raise AclError.from_status("stub_check_set", status, (f"words: {names!r}",))


def print_reports(on: bool) -> None:
    """Whether reports go to stderr, too."""
    function("stub_reports_print")(on)


def take_reports() -> list[Report]:
    """All reports so far, which are forgotten."""
    reports: list[Report] = []
    while (report := _read(len(reports))) is not None:
        reports.append(report)
    if reports:
        function("stub_reports_clear")()
    return reports


def _read(index: int) -> Report | None:
    check, times = ctypes.c_int(), ctypes.c_uint64()
    outputs = index, ctypes.byref(check), ctypes.byref(times)
    size = function("stub_report_read")(*outputs, None, 0)
    if not size:
        return None
    buffer = ctypes.create_string_buffer(size)
    function("stub_report_read")(*outputs, buffer, size)
    name = function("stub_check_name")(check.value).decode()
    return Report(name, buffer.value.decode("utf-8", "replace"), times.value)


def mark_leaks() -> int:
    """For `report_leaks`."""
    return int(function("stub_leak_mark")())


def report_leaks(mark: int) -> None:
    """Makes a report of what was made since the mark and is alive."""
    function("stub_leak_report")(mark)
