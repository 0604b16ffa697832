"""Finds the declarations of operators in the headers of the home in use and of its custom packages.

A directory is not read as a whole for one operator: CANN names most headers after an operator in them, so the
headers of similar name are read first.
"""

from __future__ import annotations

import bisect
import functools
import itertools
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from ascend_ops._cann import custom, libraries
from ascend_ops._cann.custom import CustomPackage, custom_packages
from ascend_ops._cann.declarations import Declaration, find_declaration
from ascend_ops._cann.errors import HomeError
from ascend_ops._cann.homes import Home, find_home, stub_home
from ascend_ops._cann.words import snake, without_prefix

_NAME: Final = re.compile(rb"\b(acl\w+)\s*\(")
PHASE_ONE: Final = "GetWorkspaceSize"
_PHASE_ONE: Final = re.compile(rf"\b(acl\w+){PHASE_ONE}\s*\(")
_ROLE: Final = re.compile(r"[ *](\w+), /\* (in|out|inout)\b")
_NEIGHBOURS: Final = 6  # headers before and behind the place in the alphabet


def find(name: str) -> tuple[Declaration, Path] | None:
    """The declaration of a function, and the header it was read from. Custom packages' headers come first,
    then the home's, then those of the stand-in (a home may have been installed without headers). A package
    whose library does not have the function counts last: calls go to the library that has it."""
    packages = custom_packages(find_home())
    unused = None
    for group, package in itertools.zip_longest(_groups(), packages):
        found = _find_in(group, name)
        if found and (package is None or _provides(package, name)):
            return found
        unused = unused or found
    return unused


def _find_in(group: _Group, name: str) -> tuple[Declaration, Path] | None:
    for path in itertools.chain(_likely(group, name), _indexed(group, name)):
        declaration = _declared(name, path)
        if declaration is not None:
            return declaration, path
    return None


def _provides(package: CustomPackage, name: str) -> bool:
    """Whether calls go to the package: for an operator it must have both phases."""
    return libraries.exports(package.library, name, name.removesuffix(PHASE_ONE))


def find_operator(words: str, is_it: Callable[[str], bool]) -> str | None:
    """The operator whose name `is_it` accepts; `words` is that name in any case, underscores or not."""
    for group in _groups():
        likely = (name for path in _likely(group, words) for name in _PHASE_ONE.findall(_text(path)))
        every = (name for name in _mentioned(group) if name.endswith(PHASE_ONE))
        for name in itertools.chain(likely, every):
            if is_it(name.removesuffix(PHASE_ONE)):
                return str(name.removesuffix(PHASE_ONE))
    return None


def documented(operator: str, header: Path) -> tuple[Declaration | None, dict[str, str]]:
    """Phase one as the stand-in's headers declare it, with the names of CANN's documents; and whether its
    tensors are "in", "out" or "inout", by parameter name, from comments that CANN's headers do not have.
    `header` is where the operator was found: mostly its name is the same in both, and where it is the
    stand-in's, there is no other declaration. Nothing when the stand-in does not know the operator."""
    function = operator + PHASE_ONE
    for listing in _stand_in():
        same = listing.directory / header.name
        for path in itertools.chain([same] if same.is_file() else [], listing.likely(operator)):
            _, found, after = _text(path).partition(f"{function}(")
            if found:
                declaration = None if path == header else _declared(function, path)
                return declaration, dict(_ROLE.findall(after.partition(")")[0]))
    return None, {}


def names() -> set[str]:
    """Every function name the headers mention (a superset of those they declare)."""
    return {name for group in _groups() for name in _mentioned(group)}


def operators() -> set[str]:
    """The operators of the home in use and of its custom packages: those with both phases in the headers.
    The stand-in's, where the home was installed without headers."""
    *packages, home, stand_in = _groups()
    found = {name for group in (*packages, home or stand_in) for name in _mentioned(group)}
    return {name for name in found if name + PHASE_ONE in found}


class _Listing:
    """The headers of one directory, read no further than needed."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def likely(self, function: str) -> Iterator[Path]:
        """Headers that may declare an operator's function, by their names, the likeliest first."""
        operator = function.removesuffix(PHASE_ONE)
        for name in _conventional(operator):
            path = self.directory / name
            if path.is_file():
                yield path
        first, _, others = snake(without_prefix(operator)).partition("_")
        for key in dict.fromkeys(self._similar(_key(first + others)) + self._similar(_key(others))):
            yield self.directory / self._by_key[key]

    @functools.cached_property
    def index(self) -> dict[str, list[str]]:
        """Function name -> names of the headers that mention it."""
        index: dict[str, list[str]] = {}
        for header in sorted(self._names):
            for name in set(_NAME.findall(_bytes(f"{self.directory}/{header}"))):
                index.setdefault(name.decode(), []).append(header)
        return index

    def _similar(self, key: str) -> list[str]:
        """Names that are the beginning or the end of `key`, and those next to it in the alphabet."""
        parts = [key[:i] for i in range(len(key), 1, -1)] + [key[i:] for i in range(1, len(key) - 2)]
        place = bisect.bisect(self._keys, key)
        near = self._keys[max(0, place - _NEIGHBOURS) : place + _NEIGHBOURS]
        return [part for part in parts if part in self._by_key] + near

    @functools.cached_property
    def _names(self) -> list[str]:
        return [name for name in os.listdir(self.directory) if name.endswith(".h")]

    @functools.cached_property
    def _by_key(self) -> dict[str, str]:
        return dict(zip(map(_key, self._names), self._names, strict=True))

    @functools.cached_property
    def _keys(self) -> list[str]:
        return sorted(self._by_key)


def _conventional(operator: str) -> Iterator[str]:
    """The names CANN gives a header: after the operator, or after what it is a variant of. aclnnInplaceAdds
    is in aclnn_add.h, aclnnClampMinTensor in aclnn_clamp.h."""
    plain = snake(without_prefix(operator))
    for stem in dict.fromkeys((plain, plain.removeprefix("inplace_"))):
        while stem:
            yield f"aclnn_{stem}.h"
            if stem.endswith("s"):
                yield f"aclnn_{stem[:-1]}.h"
            stem = stem.rpartition("_")[0]


_Group = tuple[_Listing, ...]


def _groups() -> list[_Group]:
    """Directories in search order: each custom package, the home, the stand-in. What an earlier group
    declares hides what a later one does."""
    return _groups_in(find_home(), *map(os.environ.get, custom.SETTINGS))


@functools.lru_cache(maxsize=1)
def _groups_in(home: Home, *_settings: str | None) -> list[_Group]:
    packages = [(package.include, package.include / "aclnnop") for package in custom_packages(home)]
    directories = (*packages, home.operator_headers)
    groups = [tuple(_listing(each) for each in group if each.is_dir()) for group in directories]
    return [*groups, () if set(_stand_in()) <= set(groups[-1]) else _stand_in()]


def _stand_in() -> _Group:
    directory = _stand_in_headers()
    return () if directory is None else (_listing(directory),)


@functools.cache
def _stand_in_headers() -> Path | None:
    try:
        directory = stub_home() / "include" / "aclnnop"
    except HomeError:
        return None
    return directory if directory.is_dir() else None


@functools.cache
def _listing(directory: Path) -> _Listing:
    return _Listing(directory)


custom.on_change(_listing.cache_clear)
custom.on_change(_groups_in.cache_clear)


def _likely(group: _Group, function: str) -> Iterator[Path]:
    return (path for listing in group for path in listing.likely(function))


def _indexed(group: _Group, function: str) -> Iterator[Path]:
    return (listing.directory / name for listing in group for name in listing.index.get(function, ()))


def _mentioned(group: _Group) -> Iterator[str]:
    return (name for listing in group for name in listing.index)


def _declared(function: str, path: Path) -> Declaration | None:
    return find_declaration(_text(path), function, path)


def _key(name: str) -> str:
    """What the names of a header and an operator share: "aclnn_add_v2.h" and "aclnnAddV2" are "addv2"."""
    return name.lower().removesuffix(".h").replace("_", "").removeprefix("acl").removeprefix("nn")


def _text(path: Path) -> str:
    return _bytes(str(path)).decode("utf-8", "replace")


def _bytes(path: str) -> bytes:
    with open(path, "rb", buffering=0) as file:  # there are a thousand headers: no more layers than needed
        return file.read()
