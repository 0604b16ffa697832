"""The functions CANN exports besides its operators: C prototype, library and first release of each.

The table is C text in `tables/`, one prototype per line, under headings of the form

    [libascendcl libacl_rt since 8.1]

which name the libraries that may export the functions below (the second name is the one from CANN 8.5 on) and
the release that brought them. A prototype is parsed when its function is first asked for.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass

from ascend_ops._cann.declarations import Declaration, parse_one
from ascend_ops._cann.tables import hccl, nnopbase, runtime, runtime_later

_TABLES = (runtime.PROTOTYPES, runtime_later.PROTOTYPES, nnopbase.PROTOTYPES, hccl.PROTOTYPES)
_FAMILIES = {
    "libascendcl": "runtime",
    "libacl_rt": "runtime",
    "libplatform": "platform",
    "libnnopbase": "nnopbase",
    "libhccl": "hccl",
    "libhcomm": "hccl",
}


@dataclass(frozen=True)
class Prototype:
    """`family` is the library family of `libraries.py`, `since` its first CANN release."""

    name: str
    family: str
    since: str
    text: str

    @property
    def declaration(self) -> Declaration:
        return _parsed(self.text)


def find(name: str) -> Prototype | None:
    """The prototype of a runtime, aclnn meta or HCCL function; None for anything else."""
    return table().get(name)


@functools.cache
def table() -> dict[str, Prototype]:
    """Every known prototype by function name."""
    entries = {}
    for text in _TABLES:
        for heading, body in re.findall(r"^\[(.*)\]\n((?:[^\[\n].*\n)+)", text, re.MULTILINE):
            library, _, since = heading.partition(" since ")
            family = _FAMILIES[library.split()[0]]
            for line in body.splitlines():
                name = line[: line.index("(")].rpartition(" ")[2].lstrip("*")
                entries[name] = Prototype(name, family, since, line)
    return entries


@functools.cache
def _parsed(text: str) -> Declaration:
    return parse_one(text)
