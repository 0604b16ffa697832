"""What a trace file says: operators, copies and calls by their time."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ascend_ops._cann.errors import AscendError
from ascend_ops._profile.table import table
from ascend_ops._profile.timeline import WRITER, Event

_HEADER: Final = '"traceEvents":['
SORTS: Final = ("total", "calls", "mean", "max", "bytes", "rate", "name")


class TraceError(AscendError):
    """A file is no trace of this package's, or cannot be read."""


@dataclass
class Row:
    """All that has one name. Times in seconds; `bytes` are read and written ones, of copies those copied."""

    name: str
    calls: int = 0
    total: float = 0.0
    max: float = 0.0
    bytes: int = 0
    failed: int = 0

    @property
    def mean(self) -> float:
        return self.total / self.calls if self.calls else 0.0

    @property
    def rate(self) -> float:
        """Bytes per second."""
        return self.bytes / self.total if self.total else 0.0

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        names = ("name", "calls", "total", "mean", "max", "bytes", "rate", "failed")
        return {name: getattr(self, name) for name in names}

    def add(self, event: Event, nbytes: int, count: int) -> None:
        """Counts one event."""
        seconds = event["dur"] / 1e6
        self.calls += count
        self.total += seconds
        self.max = max(self.max, seconds / count)
        self.bytes += nbytes
        self.failed += count if event["cat"].endswith(",failed") else 0


@dataclass(frozen=True)
class Summary:
    """`operators` (and collectives) as they ran on devices, `copies`, and `calls` of C functions on the host,
    each by total time. `truncated`: the file ends in the middle, as a killed process leaves it."""

    operators: tuple[Row, ...]
    copies: tuple[Row, ...]
    calls: tuple[Row, ...]
    truncated: bool = False

    def arranged(self, sort: str = "total", top: int | None = None) -> Summary:
        """The same by another column ("total", "calls", "mean", "max", "bytes", "rate": largest first; or
        "name"), with at most `top` rows each."""
        groups = (self.operators, self.copies, self.calls)
        operators, copies, calls = (_sorted(rows, sort)[:top] for rows in groups)
        return Summary(operators, copies, calls, self.truncated)

    def text(self, calls: bool = False) -> str:
        """The tables; `calls` adds that of the C functions."""
        parts = [table("operator", self.operators) if self.operators else "No operator ran."]
        if self.copies:
            parts.append(table("copy", self.copies))
        if calls and self.calls:
            parts.append(table("C function", self.calls))
        if self.truncated:
            parts.append("The file ends in the middle: its process was killed, or is still running.")
        return "\n\n".join(parts)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        groups = {"operators": self.operators, "copies": self.copies, "calls": self.calls}
        rows = {name: [row.as_dict() for row in group] for name, group in groups.items()}
        return {**rows, "truncated": self.truncated}

    def __str__(self) -> str:
        return self.text()


def read(path: str | os.PathLike[str]) -> Summary:
    """The summary of a trace file. TraceError for one that cannot be read or is none of this package's."""
    events, truncated = _load(path)
    groups: dict[str, dict[str, Row]] = {"operators": {}, "copies": {}, "calls": {}}
    for event in events:
        group, name, nbytes = _classified(event)
        if group:
            row = groups[group].setdefault(name, Row(name))
            row.add(event, nbytes, int(event.get("args", {}).get("calls", 1)))
    rows = {group: tuple(found.values()) for group, found in groups.items()}
    return Summary(**rows, truncated=truncated).arranged()


def _sorted(rows: Sequence[Row], sort: str) -> tuple[Row, ...]:
    if sort == "name":
        return tuple(sorted(rows, key=lambda row: row.name))
    return tuple(sorted(rows, key=lambda row: (-getattr(row, sort), row.name)))


def _classified(event: Event) -> tuple[str, str, int]:
    """The table that an event belongs to ("": none), its name there, its bytes."""
    category, args = str(event.get("cat", "")).partition(",")[0], event.get("args", {})
    if event.get("ph") != "X":
        return "", "", 0
    if category in ("operator", "collective"):
        return "operators", event["name"], args.get("bytes_read", 0) + args.get("bytes_written", 0)
    if category == "copy":
        return "copies", event["name"].partition(",")[0], args.get("bytes_written", 0)
    return ("calls", event["name"], 0) if category == "call" else ("", "", 0)


def _load(path: str | os.PathLike[str]) -> tuple[list[Event], bool]:
    """The events, and whether the file ends in the middle."""
    name = os.fspath(path)
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            text = file.read()
    except OSError as error:
        raise TraceError(f"{name} cannot be read: {error.strerror}") from None
    try:
        whole = json.loads(text)
    except ValueError:
        return _salvaged(name, text), True
    if not _is_ours(whole):
        raise TraceError(f"{name} is JSON, but {_HINT}")
    events: list[Event] = whole["traceEvents"]
    return events, False


_HINT: Final = (
    "not a trace that ascend-ops wrote. Give a file of ao.profile() or of ASCEND_STUB_TRACE; Perfetto "
    "(ui.perfetto.dev) opens those of other programs."
)


def _is_ours(whole: object) -> bool:
    if not isinstance(whole, dict) or not isinstance(whole.get("traceEvents"), list):
        return False
    about = whole.get("otherData")
    return isinstance(about, dict) and about.get("writer") == WRITER


def _salvaged(name: str, text: str) -> list[Event]:
    """The events of a file that ends in the middle: each has a line of its own."""
    first, _, rest = text.partition("\n")
    if not (first.endswith(_HEADER) and f'"writer":"{WRITER}"' in first.replace(" ", "")):
        raise TraceError(f"{name} is {_HINT}")
    return list(_complete_lines(rest))


def _complete_lines(text: str) -> Iterator[Event]:
    for line in text.split("\n"):
        try:
            event = json.loads(line.rstrip().removesuffix(","))
        except ValueError:  # the last one
            continue
        if isinstance(event, dict):
            yield event
