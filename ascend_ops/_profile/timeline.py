"""The trace files of this package: Chrome's trace event format, one event per line.

The stand-in writes the same from C (native_stubs/src/trace). Rows of the host have the process's number and
the thread's; each device counts as a process of its own, its streams as that one's threads. Times are those
of CLOCK_MONOTONIC, in microseconds.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Final, TextIO

WRITER: Final = "ascend-ops"
_DEVICE_SHIFT: Final = 22  # above every number that Linux gives a process
_ARROW_SHIFT: Final = 30
_FIRST_ADDRESS: Final = 1 << 40  # no size is that large, and few addresses of memory are smaller

Event = dict[str, Any]


def device_process(device: int) -> int:
    """What the format calls a process, for a device of this one."""
    return (device + 1) << _DEVICE_SHIFT | os.getpid()


def copy_name(direction: str, nbytes: int) -> str:
    """What a copy is called; `direction` as in "host to device"."""
    return f"copy {direction}, {nbytes} bytes"


def value(given: int | str) -> int | str:
    """A parameter's value: addresses in hexadecimal digits."""
    return given if isinstance(given, str) or abs(given) < _FIRST_ADDRESS else hex(given)


class Writer:
    """Writes one trace file. As a context manager it completes the file at the end of the block."""

    def __init__(self, path: Path) -> None:
        self._file: TextIO = path.open("w", encoding="utf-8")
        self._arrows = 0
        self._separator = ""
        about = json.dumps({"writer": WRITER, "source": "Python"})
        self._file.write(f'{{"displayTimeUnit":"ns","otherData":{about},"traceEvents":[')
        self.name("process_name", os.getpid(), 0, Path(sys.argv[0]).name or "python")

    def event(self, phase: str, process: int, row: int, **rest: Any) -> None:
        """One event of any kind."""
        event: Event = {"ph": phase, "pid": process, "tid": row, **rest}
        self._file.write(f"{self._separator}\n{json.dumps(event, separators=(',', ':'))}")
        self._separator = ","

    def name(self, what: str, process: int, row: int, name: str) -> None:
        """Names a process ("process_name") or a row ("thread_name")."""
        self.event("M", process, row, name=what, args={"name": name})

    def complete(
        self, process: int, row: int, cat: str, name: str, began: int, ended: int, args: Event
    ) -> None:
        """What lasted from `began` to `ended`, in nanoseconds."""
        failed = {"cname": "terrible"} if args.get("returned") else {}
        cat = f"{cat},failed" if failed else cat
        times = {"ts": began / 1000, "dur": (ended - began) / 1000}
        self.event("X", process, row, cat=cat, name=name, **times, args=args, **failed)

    def arrow(self, start: tuple[int, int, int], end: tuple[int, int, int]) -> None:
        """From one (process, row, nanosecond) to another, each inside of an event of its row."""
        number = (os.getpid() << _ARROW_SHIFT) + self._arrows
        self._arrows += 1
        common: Event = {"cat": "queue", "name": "queue", "id": number}
        self.event("s", *start[:2], ts=start[2] / 1000, **common)
        self.event("f", *end[:2], ts=end[2] / 1000, bp="e", **common)

    def counter(self, process: int, name: str, at: int, **values: int) -> None:
        """Values that hold from the nanosecond `at` on."""
        self.event("C", process, 0, name=name, ts=at / 1000, args=values)

    def __enter__(self) -> Writer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._file as file:
            file.write("\n]}\n")
