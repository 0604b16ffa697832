"""The Python lines that a call of the stand-in comes from, for its reports (stub_set_frame_reader).

The reader runs in the calling thread in the middle of a C call and takes the GIL, which ctypes has let go of.
"""

from __future__ import annotations

import _thread
import atexit
import ctypes
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import CodeType, FrameType
from typing import Final, NamedTuple

from ascend_ops._cann import libraries
from ascend_ops._cann.homes import find_home
from ascend_ops._cann.stub_watch import FRAME_READER, function

MOST_FRAMES: Final = 8

_PACKAGE: Final = f"{Path(__file__).parents[1]}{os.sep}"
_LIBRARIES: Final = (f"{Path(os.__file__).parent}{os.sep}", "<frozen ")
_INSTALLED: Final = f"{os.sep}site-packages{os.sep}"
_MOST_LINES: Final = 4096
_registered_by = 0  # process
_hook: Callable[[sys.UnraisableHookArgs], object] = sys.unraisablehook  # the one before
_lock = threading.Lock()


def register() -> None:
    """Has reports name Python lines from now on; once is enough."""
    global _registered_by, _hook
    with _lock:
        if not _registered_by:
            _registered_by = os.getpid()
            _hook, sys.unraisablehook = sys.unraisablehook, _unraisable
            function("stub_set_frame_reader")(_reader)


class _Line(NamedTuple):
    text: str
    ours: bool  # of this package
    library: bool
    code: CodeType  # kept, so that no other one has its id


_lines: dict[tuple[int, int], _Line] = {}  # by code and position in it: calls come from the same lines again


def places(frame: FrameType | None) -> str:
    """Lines for the innermost frames, without those of this package and without what called the program (a
    test runner, say), unless there are no others."""
    ours: list[_Line] = []
    others: list[_Line] = []
    while frame is not None and len(others) < MOST_FRAMES:
        line = _lines.get((id(frame.f_code), frame.f_lasti)) or _line(frame)
        (ours if line.ours else others).append(line)
        frame = frame.f_back
    end = len(others)
    while end and others[end - 1].library:
        end -= 1
    return "".join([line.text for line in others[:end] or others or ours[:MOST_FRAMES]])


def _line(frame: FrameType) -> _Line:
    code = frame.f_code
    file = code.co_filename
    text = f"    {file}:{frame.f_lineno} in {code.co_name}\n"
    line = _Line(text, file.startswith(_PACKAGE), file.startswith(_LIBRARIES) or _INSTALLED in file, code)
    if len(_lines) >= _MOST_LINES:
        _lines.clear()
    _lines[id(code), frame.f_lasti] = line
    return line


def _read(buffer: int, size: int) -> None:
    """What C calls. A thread that is none of Python's has no frame but this one, and writes nothing."""
    try:
        lines = places(sys._getframe().f_back).encode("utf-8", "replace")
        if len(lines) >= size:
            lines = lines[: lines.rfind(b"\n", 0, size - 1) + 1]
        ctypes.memmove(buffer, lines + b"\0", len(lines) + 1)
    except Exception:  # a report without lines is better than none
        pass


def _unraisable(event: sys.UnraisableHookArgs) -> None:
    """Handlers of signals run in the reader, too, and ctypes would print and drop what they raise (a
    KeyboardInterrupt). It is raised again when the call has returned."""
    trace = event.exc_traceback
    of_reader = trace is not None and trace.tb_frame.f_code is _read.__code__
    if of_reader and not issubclass(event.exc_type, Exception):
        _thread.start_new_thread(_raise_in, (threading.get_ident(), event.exc_type))
    else:
        _hook(event)


def _raise_in(thread: int, error: type[BaseException]) -> None:
    """In another thread than that, which would get it in the reader otherwise."""
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(error))


_reader = FRAME_READER(_read)


def _register_if_asked() -> None:
    if os.environ.get("ASCEND_STUB_CHECK") and find_home().stand_in:
        register()


def _unregister() -> None:
    if _registered_by == os.getpid():  # a forked child may not call C
        function("stub_set_frame_reader")(FRAME_READER())


libraries.on_open(_register_if_asked)
atexit.register(_unregister)
