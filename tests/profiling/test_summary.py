"""What a summary says of a file whose numbers are known, of half of one, and of what is no trace."""

from __future__ import annotations

import json
from dataclasses import astuple
from pathlib import Path

import pytest
from profiling.handmade import HEADER, LINES, write

from ascend_ops._profile.summary import Row, Summary, TraceError, read
from ascend_ops._profile.table import duration, size


def rows(found: tuple[Row, ...]) -> list[tuple[object, ...]]:
    return [astuple(row) for row in found]


@pytest.fixture
def summary(tmp_path: Path) -> Summary:
    return read(write(tmp_path / "trace.json"))


def test_operators_and_collectives_come_by_total_time(summary: Summary) -> None:
    assert rows(summary.operators) == [
        ("HcclAllReduce", 1, pytest.approx(1500e-6), pytest.approx(1500e-6), 0, 0),
        ("aclnnAbs", 2, pytest.approx(4e-6), pytest.approx(3e-6), 400, 0),
        ("aclnnMul", 2, pytest.approx(3.5e-6), pytest.approx(3.5e-6), 2048, 1),
    ]
    (_, absolute, _) = summary.operators
    assert absolute.mean == pytest.approx(2e-6)
    assert absolute.rate == pytest.approx(100e6)


def test_copies_count_by_direction(summary: Summary) -> None:
    assert rows(summary.copies) == [
        ("copy host to device", 2, pytest.approx(4e-6), pytest.approx(2e-6), 40, 0)
    ]


def test_calls_count_what_a_line_stands_for(summary: Summary) -> None:
    assert [(row.name, row.calls, row.failed) for row in summary.calls] == [
        ("aclrtStreamQuery", 5, 0),
        ("aclrtMalloc", 1, 1),
    ]


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ("calls", ["aclnnAbs", "aclnnMul", "HcclAllReduce"]),
        ("max", ["HcclAllReduce", "aclnnMul", "aclnnAbs"]),
        ("bytes", ["aclnnMul", "aclnnAbs", "HcclAllReduce"]),
        ("rate", ["aclnnMul", "aclnnAbs", "HcclAllReduce"]),
        ("name", ["HcclAllReduce", "aclnnAbs", "aclnnMul"]),
    ],
)
def test_rows_are_arranged_by_any_column(summary: Summary, sort: str, order: list[str]) -> None:
    assert [row.name for row in summary.arranged(sort).operators] == order
    assert [row.name for row in summary.arranged(sort, 1).operators] == order[:1]


def test_the_table_has_what_people_look_for(summary: Summary) -> None:
    operators, copies = str(summary).split("\n\n")
    lines = [line.split() for line in operators.splitlines()]
    assert lines[0] == ["operator", "calls", "total", "mean", "max", "bytes", "bytes/s", "failed"]
    assert lines[2][:8] == ["aclnnAbs", "2", "4", "us", "2", "us", "3", "us"]
    assert len({len(line) for line in operators.splitlines()}) == 1
    assert "failed" not in copies
    assert "aclrtMalloc" in summary.text(calls=True)


@pytest.mark.parametrize("cut", [1, 20])
def test_half_a_file_counts_as_far_as_it_goes(tmp_path: Path, cut: int) -> None:
    text = "".join([HEADER, *LINES[:3]])[:-cut]
    summary = read(write(tmp_path / "trace.json", text))
    assert [(row.name, row.calls) for row in summary.operators] == [("aclnnAbs", 2)]
    assert summary.truncated
    assert "killed" in str(summary)


def test_a_file_without_its_end_loses_nothing(tmp_path: Path) -> None:
    summary = read(write(tmp_path / "trace.json", "".join([HEADER, *LINES])))
    assert sum(row.calls for row in summary.operators) == 5


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not JSON",
        "[]",
        '{"traceEvents": []}',
        json.dumps({"traceEvents": [], "otherData": {"writer": "somebody"}}),
        '{"traceEvents":[\n{"ph":"X"},\n',
        "\0\xff",
    ],
)
def test_what_is_no_trace_of_ours_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(TraceError, match=r"not a trace that ascend-ops wrote. Give a file of ao.profile"):
        read(write(tmp_path / "trace.json", text))


def test_a_file_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    with pytest.raises(TraceError, match=r"missing.json cannot be read: No such file"):
        read(tmp_path / "missing.json")
    with pytest.raises(TraceError, match="cannot be read: Is a directory"):
        read(tmp_path)


def test_numbers_are_readable() -> None:
    assert [duration(each) for each in (0.0, 12e-9, 3.5e-6, 0.25, 61.0)] == [
        "0 ns", "12 ns", "3.5 us", "250 ms", "61 s"
    ]  # fmt: skip
    assert [size(each) for each in (0, 1023, 1536, 3 << 30)] == ["0 B", "1023 B", "1.5 KiB", "3 GiB"]
