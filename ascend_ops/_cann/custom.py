"""Custom operator packages, in the order in which CANN's own PyTorch adapter searches them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ascend_ops._cann.homes import Home


@dataclass(frozen=True)
class CustomPackage:
    """One vendor's operators: `library` holds them, `include` their headers (which may be missing)."""

    root: Path
    library: Path
    include: Path
    origin: str


def custom_packages(home: Home) -> tuple[CustomPackage, ...]:
    """Every custom package with a library: first ASCEND_CUSTOM_OPP_PATH, then the vendors of the operator
    directory in the order of `vendors/config.ini`."""
    return (*_from_environment(), *_from_vendors(home))


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
            if package.library.stat().st_uid in (0, os.geteuid()):
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
    library = root / "op_api/lib/libcust_opapi.so"
    if library.is_file():
        yield CustomPackage(root, library, root / "op_api/include", origin)
