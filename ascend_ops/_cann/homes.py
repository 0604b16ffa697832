"""Finds the CANN to use, a directory with `include/` and `lib64/`, real or stand-in; records the reasons."""

from __future__ import annotations

import contextlib
import os
import platform
import sys
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from ascend_ops._cann.errors import HomeError
from ascend_ops._cann.processmap import is_link_stub, loaded_libraries

SETTING = "ASCEND_OPS_HOME"
RUNTIME_LIBRARIES = ("libacl_rt.so", "libascendcl.so")
_INSTALL_PLACES = (
    "/usr/local/Ascend/cann",
    "/usr/local/Ascend/ascend-toolkit/latest",
    "/usr/local/Ascend/nnae/latest",
    "/usr/local/Ascend/nnrt/latest",
    "~/Ascend/cann",
    "~/Ascend/ascend-toolkit/latest",
)
_OPERATOR_API = Path("opp/built-in/op_impl/ai_core/tbe/op_api")
_NEXT_STEP = (
    f"Install CANN and source its set_env.sh, name its directory in {SETTING}, or set {SETTING}=stub "
    "to run on the CPU stand-in."
)


class Step(NamedTuple):
    """One place that was looked at, and why it was taken or passed over."""

    name: str
    taken: bool
    reason: str


@dataclass(frozen=True)
class Home:
    """A CANN installation. `include` and `lib` are its existing directories, in search order."""

    root: Path
    include: tuple[Path, ...]
    lib: tuple[Path, ...]
    origin: str
    steps: tuple[Step, ...]

    @property
    def stand_in(self) -> bool:
        """Whether this is the CPU stand-in. For reports only: callers treat both alike."""
        return self.library("libascend_stub.so") is not None

    @property
    def operator_headers(self) -> tuple[Path, ...]:
        """The directories of the operators' headers that are there, in search order."""
        folders = (each / below for each in self.include for below in ("aclnnop", "aclnnop/level2"))
        return tuple(folder for folder in folders if folder.is_dir())

    def library(self, name: str) -> Path | None:
        """Path of a library of this home, None when it has none of that name."""
        return next((path for path in (d / name for d in self.lib) if path.is_file()), None)


_lock = threading.Lock()
_found: Home | None = None
_announced = False


def find_home() -> Home:
    """The home this process uses. The answer of the first call holds for the life of the process.

    Raises HomeError when what was asked for, or what was found, cannot be used.
    """
    global _found
    if _found is None:
        with _lock:
            if _found is None:
                _found = _search()
    return _found


def stub_home() -> Path:
    """Directory of the CPU stand-in that comes with the package. HomeError when there is none."""
    for root in _stub_places():
        if (root / "lib64" / "libascendcl.so").is_file():
            return root
    raise HomeError(
        "the CPU stand-in is not part of this installation of ascend_ops (no _stubs/lib64/libascendcl.so "
        "beside the package). Install a wheel, or build the package with a C compiler and CMake present."
    )


def make_home(root: Path, origin: str) -> Home:
    """The Home at `root`, whatever it holds."""
    machine = platform.machine()
    include = (root / "include", root / f"{machine}-linux/include", root / _OPERATOR_API / "include")
    lib = (root / "lib64", root / f"{machine}-linux/lib64", root / _OPERATOR_API / "lib/linux" / machine)
    return Home(root, _distinct(include), _distinct(lib), origin, ())


def _search() -> Home:
    steps: list[Step] = []
    try:
        home = (
            _from_setting(steps)
            or _from_process(steps)
            or _from_environment(steps)
            or _from_install_places(steps)
            or _from_package(steps)
        )
    except HomeError as error:
        error.steps = tuple(steps)
        raise
    return replace(home, steps=(*steps, Step(home.origin, True, f"uses {home.root}")))


def _from_setting(steps: list[Step]) -> Home | None:
    value = os.environ.get(SETTING, "")
    if not value:
        steps.append(Step(SETTING, False, "not set"))
        return None
    root = stub_home() if value == "stub" else Path(value).expanduser().absolute()
    _refuse_second_stack(root)
    return _required(SETTING, root)


def _from_process(steps: list[Step]) -> Home | None:
    library = _loaded_runtime()
    if library is None:
        steps.append(Step("loaded library", False, "none of CANN in this process"))
        return None
    if is_link_stub(library):
        raise HomeError(
            f"this process has loaded {library}, a link stub that cannot run anything. LD_LIBRARY_PATH "
            "reaches CANN's devlib directory, usually because the NPU driver is missing. Install the driver, "
            "or in a container pass /usr/local/Ascend/driver in, and source set_env.sh again."
        )
    return make_home(_root_of(library), f"loaded library {library}")


def _from_environment(steps: list[Step]) -> Home | None:
    for name in ("ASCEND_HOME_PATH", "ASCEND_TOOLKIT_HOME"):
        value = os.environ.get(name, "")
        if value:
            return _required(name, Path(value).absolute())
        steps.append(Step(name, False, "not set"))
    return None


def _from_install_places(steps: list[Step]) -> Home | None:
    for place in _INSTALL_PLACES:
        root = Path(place).expanduser()
        home = make_home(root, place)
        if _has_runtime(home):
            return home
        reason = "holds no libascendcl.so" if root.is_dir() else "does not exist"
        steps.append(Step(place, False, reason))
    return None


def _from_package(steps: list[Step]) -> Home:
    try:
        root = stub_home()
    except HomeError as error:
        seen = "; ".join(f"{step.name} {step.reason}" for step in steps)
        raise HomeError(f"no CANN found ({seen}), and {error} {_NEXT_STEP}") from None
    _announce(root)
    return make_home(root, "stand-in")


def _announce(root: Path) -> None:
    global _announced
    if not _announced:
        _announced = True
        print(
            f"ascend_ops: no CANN found, running on the CPU stand-in at {root} "
            f"(set {SETTING}=stub to silence this line; `python -m ascend_ops doctor` tells more)",
            file=sys.stderr,
        )


def _required(name: str, root: Path) -> Home:
    """The home a variable asks for. That it cannot be used is an error, never a reason to look elsewhere."""
    if not root.is_dir():
        raise HomeError(f"{name} is {str(root)!r}, which is not a directory. {_NEXT_STEP}")
    home = make_home(root, name)
    if not _has_runtime(home):
        raise HomeError(
            f"{name} is {str(root)!r}, where no {' or '.join(RUNTIME_LIBRARIES)} was found (looked in "
            f"{', '.join(map(str, home.lib)) or 'lib64, which does not exist'}). {_NEXT_STEP}"
        )
    return home


def _has_runtime(home: Home) -> bool:
    return any(home.library(name) for name in RUNTIME_LIBRARIES)


def _refuse_second_stack(root: Path) -> None:
    library = _loaded_runtime()
    if library is not None and not _belongs(library, root):
        raise HomeError(
            f"{SETTING} asks for {root}, but this process has already loaded {library} (by torch_npu or "
            f"another package). Two CANN stacks cannot live in one process: unset {SETTING}, or leave the "
            "other package out."
        )


def _belongs(library: Path, root: Path) -> bool:
    home = make_home(root, "")
    mine = home.library(library.name)
    return mine is not None and mine.resolve() == library.resolve()


def _loaded_runtime() -> Path | None:
    loaded = loaded_libraries()
    return next((loaded[name] for name in RUNTIME_LIBRARIES if name in loaded), None)


def _root_of(library: Path) -> Path:
    """The installation a library lies in: the nearest directory above it that also has headers, so that
    `<root>/aarch64-linux/lib64/x.so` gives `<root>` when headers or operators are there."""
    above = library.parents[1:6]
    for mark in ("opp", "include"):
        for directory in above:
            if (directory / mark).is_dir() and make_home(directory, "").library(library.name):
                return directory
    return library.parents[1]


def _stub_places() -> Iterator[Path]:
    """Beside this package, and in the installed one that a source tree may shadow."""
    yield Path(__file__).resolve().parent.parent / "_stubs"
    import importlib.metadata  # slow to import, and rarely needed

    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        distribution = importlib.metadata.distribution("ascend-ops")
        yield Path(str(distribution.locate_file("ascend_ops/_stubs")))


def _distinct(directories: Iterable[Path]) -> tuple[Path, ...]:
    """Those that exist, links to an earlier one left out."""
    found: dict[Path, Path] = {}
    for directory in directories:
        if directory.is_dir():
            found.setdefault(directory.resolve(), directory)
    return tuple(found.values())
