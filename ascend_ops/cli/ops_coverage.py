"""Which operators the stand-in computes and which tests hold it to that, for `ops --coverage`.

The table coverage.json is generated from the marks of the tests; a test keeps it true.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib import resources
from typing import Any, NamedTuple

from ascend_ops._cann import inventory, libraries, stand_in
from ascend_ops._cann.homes import find_home


class Row(NamedTuple):
    """One operator: whether the stand-in has a kernel for it (None on another home), the dtypes it is tested
    with, and the tests."""

    name: str
    kernel: bool | None
    dtypes: list[str]
    tests: list[str]


def rows(names: Sequence[str]) -> list[Row]:
    home = find_home()
    kernels = stand_in.kernels(home, names, inventory.providers(libraries.files("opapi", home)))
    table: dict[str, Any] = json.loads(resources.files(__package__).joinpath("coverage.json").read_text())
    none: dict[str, list[str]] = {"dtypes": [], "tests": []}
    return [Row(name, kernels.get(name), **table.get(name, none)) for name in names]


def as_text(listed: Sequence[Row]) -> str:
    lines = [("operator", "kernel", "dtypes", "tested by"), *map(_cells, listed)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    table = ["  ".join(map(str.ljust, line, widths)).rstrip() for line in lines]
    covered = sum(bool(row.kernel and row.tests) for row in listed)
    return "\n".join([*table, "", f"{covered} of {len(listed)} operators have a kernel and its test"])


_WORDS = {True: "yes", False: "no", None: "-"}


def _cells(row: Row) -> tuple[str, str, str, str]:
    return row.name, _WORDS[row.kernel], " ".join(row.dtypes), " ".join(row.tests)
