"""Which tests hold which kernels to a reference, from the tests' `kernel` marks.

`python tests/kernels/coverage.py` writes the table that `python -m ascend_ops ops --coverage` prints, and
native_stubs/KERNELS.md."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

TESTS = Path(__file__).parents[1]
ROOMS = ("kernels", "ops")
TABLE = TESTS.parent / "ascend_ops" / "cli" / "coverage.json"
DOCUMENT = TESTS.parent / "native_stubs" / "KERNELS.md"

Rows = dict[str, dict[str, list[str]]]


def marks() -> Iterator[tuple[str, str, str]]:
    """(operators, dtypes, test module) of every mark."""
    for room in ROOMS:
        for path in sorted((TESTS / room).glob("test_*.py")):
            module = importlib.import_module(f"{room}.{path.stem}")
            for test in vars(module).values():
                for mark in _of(test):
                    yield *mark.args, f"tests/{room}/{path.name}"


def _of(test: Any) -> Iterator[Any]:
    for mark in getattr(test, "pytestmark", ()):
        inner = mark.args[1] if mark.name == "parametrize" else ()
        candidates = [mark, *(each for value in inner for each in getattr(value, "marks", ()))]
        yield from (each for each in candidates if each.name == "kernel")


def rows() -> Rows:
    """By operator: the dtypes it is tested with, and the modules that do it."""
    found: dict[str, tuple[set[str], set[str]]] = {}
    for operators, dtypes, module in marks():
        for operator in operators.split():
            known = found.setdefault(operator, (set(), set()))
            known[0].update(dtypes.split())
            known[1].add(module)
    return {
        operator: {"dtypes": sorted(dtypes, key=_order), "tests": sorted(modules)}
        for operator, (dtypes, modules) in sorted(found.items())
    }


_KINDS = ("float", "bfloat", "complex", "int", "uint", "bool")


def _order(dtype: str) -> tuple[int, int, str]:
    kind = dtype.rstrip("0123456789")
    return _KINDS.index(kind) if kind in _KINDS else len(_KINDS), int(dtype[len(kind) :] or 0), dtype


def as_json(table: Rows) -> str:
    lines = (f"  {json.dumps(operator)}: {json.dumps(row)}" for operator, row in table.items())
    return "{\n" + ",\n".join(lines) + "\n}\n"


def as_document(table: Rows) -> str:
    head = [
        "# The operators that the stand-in computes",
        "",
        f"{len(table)} operators have a kernel, each held to an independent reference by the tests named",
        "here, with the data types named here. The others of the catalogue have none and answer 561003.",
        "This page is generated: `python tests/kernels/coverage.py`.",
        "",
        "| operator | data types | tested by |",
        "| --- | --- | --- |",
    ]
    body = (
        f"| {name} | {', '.join(row['dtypes'])} | {', '.join(row['tests'])} |" for name, row in table.items()
    )
    return "\n".join([*head, *body]) + "\n"


def main() -> None:
    sys.path.insert(0, str(TESTS))
    table = rows()
    TABLE.write_text(as_json(table))
    DOCUMENT.write_text(as_document(table))


if __name__ == "__main__":
    main()
