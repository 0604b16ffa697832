"""Opens CANN's libraries when a function of theirs is first needed, and finds functions in them.

Only CDLL: PyDLL would hold the GIL through a call and deadlock with a stream worker that calls back into
Python.
"""

from __future__ import annotations

import ctypes
import os
import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from ascend_ops._cann import prototypes
from ascend_ops._cann.custom import custom_packages
from ascend_ops._cann.errors import AscendError, HomeError, MissingFunctionError
from ascend_ops._cann.homes import Home, find_home
from ascend_ops._cann.processmap import is_link_stub

Function = Callable[..., Any]  # a typed ctypes function

# Families of libraries that offer the same kind of function, in search order. A home of CANN 8.1 has no
# libacl_rt.so and no libhcomm.so; one of 8.5 has both an all-in-one libopapi.so and its successors.
_FILES: Final[dict[str, tuple[str, ...]]] = {
    "runtime": ("libacl_rt.so", "libascendcl.so"),
    "nnopbase": ("libnnopbase.so",),
    "hccl": ("libhccl.so", "libhcomm.so"),
    "platform": ("libplatform.so",),
    "opapi": (
        "libopapi_math.so",
        "libopapi_nn.so",
        "libopapi_transformer.so",
        "libopapi_cv.so",
        "libopapi.so",
        "libaclnn_ops_infer.so",
        "libaclnn_ops_train.so",
        "libaclnn_math.so",
        "libaclnn_sparse.so",
        "libaclnn_fft.so",
        "libaclnn_rand.so",
    ),
}

_lock = threading.RLock()
_handles: dict[Path, ctypes.CDLL] = {}
_closed: str | None = None
_on_close: list[Callable[[], None]] = []


def files(family: str, home: Home | None = None) -> tuple[Path, ...]:
    """The family's libraries that are there, in search order; for operators, custom packages come first."""
    home = home or find_home()
    mine = tuple(path for path in map(home.library, _names(family, home)) if path is not None)
    if family != "opapi":
        return mine
    return (*(package.library for package in custom_packages(home)), *mine)


def open_library(path: Path) -> ctypes.CDLL:
    """The library at `path`, loaded on first use. HomeError that names what it lacks if it does not load."""
    check_open()
    with _lock:
        handle = _handles.get(path)
        if handle is None:
            try:
                handle = ctypes.CDLL(str(path), mode=os.RTLD_LAZY | os.RTLD_LOCAL)
            except OSError as error:
                raise HomeError(_why_not_loaded(path, str(error))) from None
            _handles[path] = handle
        return handle


def find(family: str, *names: str) -> tuple[Function, ...]:
    """The functions `names`, all from the first library of the family that has all of them. Each is a new
    object whose restype and argtypes are the caller's to set."""
    paths = files(family)
    if not paths:
        raise HomeError(
            f"{find_home().root} has no {' or '.join(_FILES[family])}: this CANN is incomplete, reinstall it."
        )
    for path in paths:
        library = open_library(path)
        try:
            return tuple(library[name] for name in names)
        except AttributeError:
            continue
    raise MissingFunctionError(_why_missing(names[0], paths))


def set_types(function: Function, result: Any, arguments: list[Any]) -> None:
    """Gives a function from `find` its C types; without them ctypes passes every float as a double."""
    function.restype, function.argtypes = result, arguments  # type: ignore[attr-defined]


def recent_message() -> str:
    """Text of this thread's last failures (aclGetRecentErrMsg), "" when there is none. Reading clears it."""
    if _closed is not None or not _handles:
        return ""
    try:
        (function,) = find("runtime", "aclGetRecentErrMsg")
    except AscendError:
        return ""
    set_types(function, ctypes.c_char_p, [])
    return (function() or b"").decode("utf-8", "replace").strip()


def check_open() -> None:
    """Raises AscendError once no C function may be called any more."""
    if _closed is not None:
        raise AscendError(_closed)


def is_open() -> bool:
    """Whether C functions may be called: not after `close`, nor in a forked child."""
    return _closed is None


def closed_function(*_arguments: object) -> int:
    """Stands in for every bound function after `close`."""
    check_open()
    raise AssertionError("called while open")


def on_close(callback: Callable[[], None]) -> None:
    """Registers what must forget its C functions when the libraries close."""
    _on_close.append(callback)


def close(reason: str) -> None:
    """Makes every later call fail with `reason` instead of entering C. There is no way back."""
    global _closed
    if _closed is None:
        _closed = reason
        for callback in _on_close:
            callback()


def _names(family: str, home: Home) -> tuple[str, ...]:
    """The family's file names, followed by split operator libraries this module has not heard of."""
    known = _FILES[family]
    if family != "opapi":
        return known
    found = sorted({path.name for directory in home.lib for path in directory.glob("libopapi_*.so")})
    return (*known[:4], *(name for name in found if name not in known), *known[4:])


def _why_missing(name: str, paths: tuple[Path, ...]) -> str:
    searched = ", ".join(map(str, paths))
    prototype = prototypes.find(name)
    since = f" It exists since CANN {prototype.since}." if prototype else ""
    return f"{name} is in none of {searched}.{since} Use a CANN that has it, or check the spelling."


def _why_not_loaded(path: Path, error: str) -> str:
    """The dynamic loader's sentence, and what it takes to get past it."""
    missing = re.match(r"(lib[^\s:/]+): cannot open shared object file", error)
    name = missing[1] if missing else ""
    script = _set_env(path)
    if name == "libascend_hal.so" or name.startswith("libdrv"):
        step = (
            f"{name} belongs to the NPU driver, which is not installed or not visible. Install it, or in a "
            "container pass /usr/local/Ascend/driver in; then source set_env.sh."
        )
    elif name and (path.parent / name).is_file():
        step = f"{name} is there, but the loader does not look for it: run `source {script}` first."
    elif name:
        step = f"{name} is missing: run `source {script}`; if that does not help, reinstall this CANN."
    elif "undefined symbol" in error or "version" in error:
        step = "Libraries of different CANN releases are mixed: source one set_env.sh only."
    elif "file too short" in error:
        step = "The file is empty or cut off: reinstall this CANN."
    elif any(sign in error for sign in ("wrong ELF class", "invalid ELF header")):
        step = "The file is not a library for this processor: install the CANN package for this machine."
    else:
        step = "Check the installation with `python -m ascend_ops doctor`."
    stub = " The library is a link stub." if is_link_stub(path) else ""
    return f"{path} does not load: {error}.{stub} {step}"


def _set_env(library: Path) -> Path:
    """The script of the installation a library lies in, which may be beside `latest`; else its bare name."""
    scripts = (directory / "set_env.sh" for directory in library.parents[1:5])
    return next(filter(Path.is_file, scripts), Path("set_env.sh"))


def _after_fork() -> None:
    global _lock
    _lock = threading.RLock()
    if _handles:
        close(
            "this process was forked after its parent had loaded CANN, which does not survive a fork. Start "
            'workers with multiprocessing.get_context("spawn"), or before the first use of ascend_ops.'
        )


os.register_at_fork(after_in_child=_after_fork)
