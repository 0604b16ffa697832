"""Finds the declarations of operators in the headers of the home in use and of its custom packages."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from pathlib import Path

from ascend_ops._cann.custom import custom_packages
from ascend_ops._cann.declarations import Declaration, parse
from ascend_ops._cann.errors import HomeError
from ascend_ops._cann.homes import find_home, stub_home

_NAME = re.compile(r"\b(acl\w+)\s*\(")


def find(name: str) -> tuple[Declaration, Path] | None:
    """The declaration of a function, and the header it was read from. Custom packages' headers come first,
    then the home's, then those of the stand-in (a home may have been installed without headers)."""
    for directory in _directories():
        for path in _index(directory).get(name, ()):
            declaration = next((d for d in parse(_text(path)) if d.name == name), None)
            if declaration is not None:
                return declaration, path
    return None


def names() -> set[str]:
    """Every function name the headers mention (a superset of those they declare)."""
    return {name for directory in _directories() for name in _index(directory)}


def _directories() -> Iterator[Path]:
    home = find_home()
    for package in custom_packages(home):
        yield from (package.include, package.include / "aclnnop")
    for directory in home.include:
        yield from (directory / "aclnnop", directory / "aclnnop" / "level2")
    try:
        yield stub_home() / "include" / "aclnnop"
    except HomeError:
        return


@functools.cache
def _index(directory: Path) -> dict[str, tuple[Path, ...]]:
    """Function name -> headers of this directory that mention it."""
    index: dict[str, tuple[Path, ...]] = {}
    for path in sorted(directory.glob("*.h")):
        for name in dict.fromkeys(_NAME.findall(_text(path))):
            index[name] = (*index.get(name, ()), path)
    return index


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")
