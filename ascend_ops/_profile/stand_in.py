"""The stand-in's own trace, which sees every call, also those of C code, and times tasks where they run."""

from __future__ import annotations

import os
from pathlib import Path

from ascend_ops._cann import stub_watch
from ascend_ops._cann.errors import AclError, AscendError, MissingFunctionError

_RUNNING = 100002  # ACL_ERROR_REPEAT_INITIALIZE


def available() -> bool:
    """Whether the home in use has such a trace."""
    try:
        stub_watch.function("stub_trace_begin")
    except MissingFunctionError:
        return False
    return True


class StandInTrace:
    """A source of a timeline."""

    def start(self, path: Path) -> None:
        """AscendError when the process is traced already."""
        status = stub_watch.function("stub_trace_begin")(os.fsencode(path))
        if status == _RUNNING:
            raise AscendError(
                "the stand-in is tracing this process already, for ASCEND_STUB_TRACE; unset that to profile "
                "a part of the program, or read that file with `python -m ascend_ops trace summary`"
            )
        _check("stub_trace_begin", status, path)

    def stop(self, path: Path) -> None:
        """Completes the file."""
        _check("stub_trace_end", stub_watch.function("stub_trace_end")(), path)


def _check(function: str, status: int, path: Path) -> None:
    if status:
        raise AclError.from_status(function, status, (f"file: {path}",))
