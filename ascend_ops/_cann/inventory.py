"""What a CANN offers, from its files alone: the operators its headers declare and its libraries export, and
what differs between two sets of headers. Loads no library."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ascend_ops._cann.declarations import Declaration, find_declaration
from ascend_ops._cann.elf import exported_functions
from ascend_ops._cann.errors import AscendError
from ascend_ops._cann.headers import PHASE_ONE

_MENTION: Final = re.compile(r"\b(acl\w+)\s*\(")


@dataclass(frozen=True)
class Declared:
    """An operator as a header declares it; `declaration` is that of phase one."""

    declaration: Declaration
    header: Path


@dataclass(frozen=True)
class Change:
    """One operator with two declarations. `types` says whether what callers pass or get differs by
    type; when False, only the names of parameters (perhaps their order) or const do."""

    name: str
    before: Declared
    after: Declared
    types: bool


@dataclass(frozen=True)
class Comparison:
    """What turns one set of operators into another; everything sorted by name."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[Change, ...]
    same: int


def declared(directories: Iterable[Path]) -> dict[str, Declared]:
    """Operator name -> its declaration, the first directory's where several have one. A function that looks
    like phase one, but has no phase two, is none. AscendError, naming the header, for a damaged one."""
    texts = [(path, text, dict.fromkeys(_MENTION.findall(text))) for path, text in _texts(directories)]
    operators = set(_operators({name for *_, names in texts for name in names}))
    found: dict[str, Declared] = {}
    for path, text, names in texts:
        for name in operators.intersection(each.removesuffix(PHASE_ONE) for each in names) - found.keys():
            declaration = find_declaration(text, name + PHASE_ONE, path)
            if declaration is not None:
                found[name] = Declared(declaration, path)
    return found


def _texts(directories: Iterable[Path]) -> Iterator[tuple[Path, str]]:
    """Headers with operators in them; CANN has many of them in two directories, which are read once."""
    seen = set()
    for path in (path for directory in directories for path in sorted(directory.glob("*.h"))):
        try:
            text = path.read_text(encoding="utf-8", errors="replace")
        except OSError as error:
            raise AscendError(f"{path} cannot be read: {error.strerror}") from None
        if PHASE_ONE in text and text not in seen:
            seen.add(text)
            yield path, text


def _operators(functions: Set[str]) -> Iterator[str]:
    """The operators of which both phases are among some functions."""
    for function in functions:
        name = function.removesuffix(PHASE_ONE)
        if function.startswith("acl") and name != function and name in functions:
            yield name


def exported(library: Path) -> frozenset[str]:
    """The operators of which a library exports both phases. AscendError if the file cannot be read."""
    return frozenset(_operators(exported_functions(library)))


def providers(libraries: Iterable[Path]) -> dict[str, Path]:
    """Operator name -> the first library that exports it. One that cannot be read counts as empty."""
    found: dict[str, Path] = {}
    for library in libraries:
        try:
            operators = exported(library)
        except AscendError:
            continue
        for name in operators:
            found.setdefault(name, library)
    return found


def compare(before: Mapping[str, Declared], after: Mapping[str, Declared]) -> Comparison:
    """What `after` has more, less and otherwise than `before`."""
    both = sorted(before.keys() & after.keys())
    changes = (_change(name, before[name], after[name]) for name in both)
    changed = tuple(change for change in changes if change is not None)
    return Comparison(
        tuple(sorted(after.keys() - before.keys())),
        tuple(sorted(before.keys() - after.keys())),
        changed,
        len(both) - len(changed),
    )


def _change(name: str, before: Declared, after: Declared) -> Change | None:
    if _written(before) == _written(after):
        return None
    return Change(name, before, after, _passed(before) != _passed(after))


def _written(declared: Declared) -> tuple[str, list[tuple[str, str]]]:
    """The declaration without the names of workspaceSize and executor: nobody passes those by name."""
    declaration = declared.declaration
    tail = len(declaration.params) - 2
    params = [(p.ctype, p.name if i < tail else "") for i, p in enumerate(declaration.params)]
    return declaration.returns, params


def _passed(declared: Declared) -> list[str]:
    """What a caller passes and gets, by type; const does not change how."""
    declaration = declared.declaration
    types = [declaration.returns, *(param.ctype for param in declaration.params)]
    return [ctype.removeprefix("const ") for ctype in types]
