"""Custom operator packages: those added at run time, then in the order in which CANN's own PyTorch adapter
searches them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ascend_ops._cann.homes import Home

SETTINGS = ("ASCEND_CUSTOM_OPP_PATH", "ASCEND_OPP_PATH")
_LIBRARY = Path("op_api/lib/libcust_opapi.so")
_INCLUDE = Path("op_api/include")


@dataclass(frozen=True)
class CustomPackage:
    """One vendor's operators: `library` holds them, `include` their headers. Either may be missing."""

    root: Path
    library: Path
    include: Path
    origin: str


_added: tuple[CustomPackage, ...] = ()
_on_change: list[Callable[[], object]] = []


def custom_packages(home: Home) -> tuple[CustomPackage, ...]:
    """Every custom package: first what was added, the last one first, then ASCEND_CUSTOM_OPP_PATH, then the
    vendors of the operator directory in the order of `vendors/config.ini`."""
    return (*_added, *_from_environment(), *_from_vendors(home))


def package_at(path: Path) -> CustomPackage:
    """The package in a directory, or that of a library, whose headers are in `include` beside the library's
    directory. ValueError when there is none."""
    if path.is_file():
        root = path.parents[2] if path.parts[-3:-1] == ("op_api", "lib") else path.parent
        return CustomPackage(root, path, path.parent.parent / "include", "load_custom")
    for package in _package(path, "load_custom"):
        return package
    raise ValueError(f"path: {path} is no library and has none at {_LIBRARY}, nor headers in {_INCLUDE}")


def add(package: CustomPackage) -> None:
    """Puts a package in front of all others; what was bound before is looked up again when next used."""
    global _added
    _added = (package, *(each for each in _added if each.library != package.library))
    for forget in _on_change:
        forget()


def on_change(forget: Callable[[], object]) -> None:
    """Registers what must forget what it knows of operators when a package is added."""
    _on_change.append(forget)


def _from_environment() -> Iterator[CustomPackage]:
    for entry in os.environ.get("ASCEND_CUSTOM_OPP_PATH", "").split(":"):
        if entry:
            yield from _package(Path(entry), "ASCEND_CUSTOM_OPP_PATH")


def _from_vendors(home: Home) -> Iterator[CustomPackage]:
    vendors = Path(os.environ.get("ASCEND_OPP_PATH") or home.root / "opp") / "vendors"
    config = vendors / "config.ini"
    for vendor in _load_priority(config):
        for package in _package(vendors / vendor, str(config)):
            # A library that a third party owns would run its code with this user's rights.
            if not package.library.is_file() or package.library.stat().st_uid in (0, os.geteuid()):
                yield package


def _load_priority(config: Path) -> list[str]:
    try:
        lines = config.read_text().splitlines()
    except OSError:
        return []
    for line in lines:
        key, _, value = line.partition("=")
        if key.strip() == "load_priority":
            return [vendor.strip() for vendor in value.split(",") if vendor.strip()]
    return []


def _package(root: Path, origin: str) -> Iterator[CustomPackage]:
    library, include = root / _LIBRARY, root / _INCLUDE
    if library.is_file() or include.is_dir():
        yield CustomPackage(root, library, include, origin)
