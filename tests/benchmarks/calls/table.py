"""The one table: a row for each operator and way to call it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.calls.baseline import Mode
from benchmarks.calls.cases import REBIND_US, REPLAY_US, Case
from benchmarks.calls.counts import Counted
from benchmarks.calls.measure import Times
from benchmarks.calls.subjects import SEQUENCE, Subject

DEVICE_MEMORY = ("aclrtMalloc", "aclrtFree")


@dataclass(frozen=True)
class Row:
    """Times are microseconds of CPU time for one call, the rest counts for one call. `floor` is what the same
    ctypes calls take with nothing behind them, `at_reference` the difference on the machine that the limit is
    meant for; `functions` how many C functions Python calls; `mallocs` what the calling thread asks malloc
    for; `device` calls of aclrtMalloc and aclrtFree; `blocks` objects that Python keeps; `system_calls` None
    where they could not be counted."""

    operator: str
    shape: str
    way: str
    c: float
    python: float
    ratio: float
    floor: float
    difference: float
    at_reference: float
    limit: float
    functions: int
    c_mallocs: int
    python_mallocs: int
    device: int
    blocks: int
    system_calls: int | None
    replayed: bool

    @property
    def verdict(self) -> str:
        """In parentheses when it only holds at the reference speed."""
        if self.difference <= self.limit:
            return "ok"
        return "(ok)" if self.at_reference <= self.limit else "over"


@dataclass(frozen=True)
class Results:
    """What was measured, by title and way. `speed` is that of this machine, 1 for the reference."""

    times: Times
    floors: Times
    counted: dict[tuple[str, str], Counted]
    speed: float

    def rows(self, subjects: Sequence[Subject]) -> Iterator[Row]:
        for subject in subjects:
            for mode in Mode:
                yield self._row(subject, mode)
        yield self._sequence(subjects)

    def _row(self, subject: Subject, mode: Mode) -> Row:
        title = subject.case.title
        c, python = (title, f"C {mode.label}"), (title, f"Python {mode.label}")
        named: dict[str, Any] = {"operator": title, "shape": subject.case.shape, "way": mode.label}
        return Row(
            **named,
            **self._timed(self.times[c], python, limit_of(subject.case, mode)),
            **_counted(self.counted[c], self.counted[python]),
            replayed=mode is not Mode.EAGER and subject.prepared.replayed,
        )

    def _sequence(self, subjects: Sequence[Subject]) -> Row:
        """Next to the mean of C's replays."""
        python = SEQUENCE, "Python replay"
        c = [(each.case.title, "C replay") for each in subjects]
        mean = sum(self.times[each] for each in c) / len(c)
        named: dict[str, Any] = {"operator": SEQUENCE, "shape": f"each of {len(c)}", "way": "replay"}
        return Row(
            **named,
            **self._timed(mean, python, REPLAY_US),
            **_counted(self.counted[c[0]], self.counted[python]),
            replayed=all(each.prepared.replayed for each in subjects),
        )

    def _timed(self, c: float, way: tuple[str, str], limit: float) -> dict[str, Any]:
        python = self.times[way]
        us = {"c": c, "python": python, "floor": self.floors[way], "difference": python - c}
        us["at_reference"] = (python - c) * self.speed
        return {**{name: seconds * 1e6 for name, seconds in us.items()}, "ratio": python / c, "limit": limit}


def limit_of(case: Case, mode: Mode) -> float:
    return {Mode.EAGER: case.eager_limit, Mode.REPLAY: REPLAY_US, Mode.REBIND: REBIND_US}[mode]


def _counted(c: Counted, python: Counted) -> dict[str, Any]:
    return {
        "functions": round(python.called("acl") / python.calls),
        "c_mallocs": round(min(c.allocations) / c.calls),
        "python_mallocs": round(min(python.allocations) / python.calls),
        "device": math.ceil(python.called(*DEVICE_MEMORY) / python.calls),
        "blocks": round(min(python.python_blocks) / python.calls),
        "system_calls": _system_calls(python),
    }


def _system_calls(counted: Counted) -> int | None:
    if counted.system_calls is None:
        return None
    return math.ceil(min(sum(batch.values()) for batch in counted.system_calls) / counted.calls)


HEADINGS = (
    f"{'operator':41} {'shape':19} {'way':6}{'C':>7}{'Python':>8}{'ratio':>7}{'floor':>7}{'P - C':>8}"
    f"{'ref.':>7}{'limit':>6} {'':5}"
    f"{'C calls':>8}{'mallocs C':>10}{'Python':>7}{'device':>7}{'blocks':>7}{'syscalls':>9}"
)


def text(row: Row) -> str:
    system_calls = "-" if row.system_calls is None else row.system_calls
    fallback = "  (not replayed)" if row.way != "eager" and not row.replayed else ""
    return (
        f"{row.operator:41} {row.shape:19} {row.way:6}{row.c:7.2f}{row.python:8.2f}{row.ratio:7.1f}"
        f"{row.floor:7.2f}{row.difference:8.2f}{row.at_reference:7.2f}{row.limit:6.0f} {row.verdict:5}"
        f"{row.functions:8}{row.c_mallocs:10}{row.python_mallocs:7}{row.device:7}{row.blocks:7}"
        f"{system_calls:>9}{fallback}"
    )


def as_json(table: Iterable[Row]) -> list[dict[str, Any]]:
    return [{**asdict(row), "verdict": row.verdict} for row in table]
