"""Opens CANN's libraries when a function of theirs is first needed, and finds functions in them.

Only CDLL: PyDLL would hold the GIL through a call and deadlock with a stream worker that calls back into
Python.
"""

from __future__ import annotations

import ctypes
import functools
import os
import re
import threading
import warnings
from collections.abc import Callable, Iterator
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

_MISSING: Final = re.compile(r"(lib[^\s:/]+): cannot open shared object file")

_lock = threading.RLock()
_handles: dict[Path, ctypes.CDLL] = {}
_passed_over: set[Path] = set()
_closed: str | None = None
_on_close: list[Callable[[], None]] = []
_on_open: list[Callable[[], None]] = []


def files(family: str, home: Home | None = None) -> tuple[Path, ...]:
    """The family's libraries that are there, in search order; for operators, custom packages come first."""
    home = home or find_home()
    mine = tuple(path for path in map(home.library, _names(family, home)) if path is not None)
    if family != "opapi":
        return mine
    custom = (package.library for package in custom_packages(home))
    return (*(library for library in custom if library.is_file()), *mine)


def open_library(path: Path) -> ctypes.CDLL:
    """The library at `path`, loaded on first use. HomeError that names what it lacks if it does not load."""
    check_open()
    with _lock:
        handle = _handles.get(path)
        if handle is None:
            handle = _handles[path] = _loaded(path)
            while _on_open:
                _on_open.pop()()
        return handle


def _loaded(path: Path) -> ctypes.CDLL:
    try:
        return ctypes.CDLL(str(path), mode=os.RTLD_LAZY | os.RTLD_LOCAL)
    except OSError as error:
        needed = _of_home(path, str(error))
        if needed is None or needed in _handles:
            raise HomeError(_why_not_loaded(path, str(error))) from None
    # Once the library that a custom one needs is in the process, the loader takes it from there.
    open_library(needed)
    return _loaded(path)


def _of_home(custom: Path, error: str) -> Path | None:
    """What a custom library lacks, according to the loader, if that is a library of the home."""
    missing = _MISSING.match(error)
    home = find_home()
    return home.library(missing[1]) if missing and custom.parent not in home.lib else None


def find(family: str, *names: str) -> tuple[Function, ...]:
    """The functions `names`, all from the first library of the family that has all of them. Each is a new
    object whose restype and argtypes are the caller's to set."""
    paths = files(family)
    if not paths:
        raise HomeError(
            f"{find_home().root} has no {' or '.join(_FILES[family])}: this CANN is incomplete, reinstall it."
        )
    for path, library in _opened(paths):
        try:
            found = tuple(library[name] for name in names)
        except AttributeError:
            continue
        if _is_played(path, library, names):
            return found
    raise MissingFunctionError(_why_missing(names[0], paths))


def _is_played(path: Path, library: ctypes.CDLL, names: tuple[str, ...]) -> bool:
    """Whether the release that the stand-in plays has the library and its functions: the files are those of
    the latest. Custom packages and every other home have what they export."""
    home = find_home()
    if not home.stand_in or path.parent not in home.lib:
        return True
    has_library, has_function = library["stub_library_exists"], library["stub_function_exists"]
    for question in (has_library, has_function):
        set_types(question, ctypes.c_bool, [ctypes.c_char_p])
    return has_library(path.name.encode()) and all(has_function(name.encode()) for name in names)


def _opened(paths: tuple[Path, ...]) -> Iterator[tuple[Path, ctypes.CDLL]]:
    """Opens one after the other. A custom package that does not load is passed over, as CANN's adapter does:
    it may be made for another machine."""
    custom = {package.library for package in custom_packages(find_home())}
    for path in paths:
        try:
            yield path, open_library(path)
        except HomeError as error:
            if path not in custom:
                raise
            if path not in _passed_over:
                _passed_over.add(path)
                warnings.warn(f"custom operators are passed over: {error}", RuntimeWarning, stacklevel=2)


def exports(custom: Path, *names: str) -> bool:
    """Whether a custom package's library is there, loads and has the functions."""
    for _, library in _opened((custom,)) if custom.is_file() else ():
        try:
            return bool([library[name] for name in names])
        except AttributeError:
            return False
    return False


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


def on_open(callback: Callable[[], None]) -> None:
    """Registers what has to follow the loading of the first library."""
    _on_open.append(callback)


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


@functools.cache
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
    played = os.environ.get("ASCEND_STUB_CANN") if find_home().stand_in else None
    plays = f" The stand-in plays CANN {played} (ASCEND_STUB_CANN)." if played else ""
    return f"{name} is in none of {searched}.{since}{plays} Use a CANN that has it, or check the spelling."


def _why_not_loaded(path: Path, error: str) -> str:
    """The dynamic loader's sentence, and what it takes to get past it."""
    missing = _MISSING.match(error)
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
