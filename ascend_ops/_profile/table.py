"""Numbers for people to read, in columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol


class Line(Protocol):
    """What a row of the table shows; times in seconds."""

    name: str
    calls: int
    total: float
    max: float
    bytes: int
    failed: int

    @property
    def mean(self) -> float: ...

    @property
    def rate(self) -> float: ...


_TIMES: Final = ((1.0, "s"), (1e-3, "ms"), (1e-6, "us"), (1e-9, "ns"))
_BYTES: Final = ((1 << 40, "TiB"), (1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"))


def table(title: str, rows: Sequence[Line]) -> str:
    """A heading and a line per row; bytes and failures have columns where there are any."""
    with_bytes, with_failures = any(row.bytes for row in rows), any(row.failed for row in rows)
    heading = [title, "calls", "total", "mean", "max"]
    heading += ["bytes", "bytes/s"] * with_bytes + ["failed"] * with_failures
    lines = [heading, *(_cells(row, with_bytes, with_failures) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(_aligned(line, widths) for line in lines)


def _cells(row: Line, with_bytes: bool, with_failures: bool) -> list[str]:
    cells = [row.name, str(row.calls), *map(duration, (row.total, row.mean, row.max))]
    cells += [size(row.bytes), size(row.rate)] * with_bytes
    return cells + [str(row.failed)] * with_failures


def _aligned(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = cells
    return "  ".join([first.ljust(widths[0]), *map(str.rjust, others, widths[1:])]).rstrip()


def duration(seconds: float) -> str:
    """Four digits and a unit."""
    unit, name = next((each for each in _TIMES if seconds >= each[0]), _TIMES[-1])
    return f"{seconds / unit:.4g} {name}"


def size(count: float) -> str:
    """Four digits and a unit of powers of 1024."""
    unit, name = next((each for each in _BYTES if count >= each[0]), (1, "B"))
    return f"{count / unit:.4g} {name}"
