"""Operators that a custom package shares with another library: which is called, and by which signature."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ascend_ops._cann import inventory, libraries
from ascend_ops._cann.custom import CustomPackage, custom_packages
from ascend_ops._cann.errors import AscendError
from ascend_ops._cann.homes import Home
from ascend_ops._cann.inventory import Declared


@dataclass(frozen=True)
class Collision:
    """An operator that two libraries export. Calls go to `taken`, as `mine` declares it; `hidden` is never
    reached, and `other` is its declaration. A declaration is None where the library's headers have none; a
    custom operator without one is called as the built-in headers say."""

    name: str
    taken: Path
    hidden: Path
    mine: Declared | None
    other: Declared | None

    @property
    def same_signature(self) -> bool | None:
        """Whether both take the same types; None when one of them has no declaration."""
        if self.mine is None or self.other is None:
            return None
        return not any(c.types for c in inventory.compare({"": self.mine}, {"": self.other}).changed)


def collisions(home: Home) -> list[Collision]:
    """Every operator of a custom package that a library searched later has too, by name; of several such
    libraries the first."""
    sources = _sources(home)
    found: dict[tuple[str, Path], Collision] = {}
    for index, mine in enumerate(sources):
        for other in sources[index + 1 :] if mine.custom else ():
            for name in mine.operators & other.operators:
                found.setdefault((name, mine.library), _collision(name, mine, other))
    return [found[key] for key in sorted(found)]


@dataclass(frozen=True)
class _Source:
    """One library of operators and what the headers beside it declare."""

    library: Path
    operators: frozenset[str]
    declared: dict[str, Declared]
    custom: bool


def _collision(name: str, mine: _Source, other: _Source) -> Collision:
    return Collision(name, mine.library, other.library, mine.declared.get(name), other.declared.get(name))


def _sources(home: Home) -> list[_Source]:
    """In search order, without libraries that cannot be read."""
    packages = {package.library: package for package in custom_packages(home)}
    if not packages:
        return []
    built_in = inventory.declared(home.operator_headers)
    sources = []
    for library in libraries.files("opapi", home):
        try:
            operators = inventory.exported(library)
        except AscendError:
            continue
        package = packages.get(library)
        declared = built_in if package is None else _declared_by(package)
        sources.append(_Source(library, operators, declared, package is not None))
    return sources


def _declared_by(package: CustomPackage) -> dict[str, Declared]:
    return inventory.declared([package.include, package.include / "aclnnop"])
