"""`python -m ascend_ops trace summary`: in this process, it needs no home."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from profiling.handmade import HEADER, LINES, write

from ascend_ops.cli import main


@pytest.fixture
def trace(tmp_path: Path) -> str:
    return str(write(tmp_path / "trace.json"))


def first_words(text: str) -> list[str]:
    return [line.split()[0] for line in text.splitlines() if line]


def test_it_prints_operators_and_copies(trace: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trace", "summary", trace]) == 0
    names = ["operator", "HcclAllReduce", "aclnnAbs", "aclnnMul", "copy", "copy"]
    assert first_words(capsys.readouterr().out) == names


def test_rows_are_chosen_by_options(trace: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trace", "summary", trace, "--sort", "bytes", "--top", "1", "--calls"]) == 0
    names = ["operator", "aclnnMul", "copy", "copy", "C", "aclrtMalloc"]
    assert first_words(capsys.readouterr().out) == names


def test_it_prints_json(trace: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trace", "summary", "--json", trace]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [row["name"] for row in found["operators"]] == ["HcclAllReduce", "aclnnAbs", "aclnnMul"]
    assert found["copies"][0]["bytes"] == 40
    assert found["truncated"] is False


def test_half_a_file_is_read_with_a_word_about_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path / "trace.json", "".join([HEADER, *LINES])[:-7])
    assert main(["trace", "summary", str(path)]) == 0
    assert "The file ends in the middle" in capsys.readouterr().out


def test_what_is_no_trace_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trace", "summary", str(tmp_path / "missing.json")]) == 1
    assert main(["trace", "summary", str(write(tmp_path / "foreign.json", "[]"))]) == 1
    errors = capsys.readouterr().err.splitlines()
    assert errors[0].startswith("ascend_ops trace: ")
    assert "missing.json cannot be read" in errors[0]
    assert "foreign.json is JSON, but not a trace that ascend-ops wrote" in errors[1]


@pytest.mark.parametrize(
    "arguments", [[], ["summary"], ["summary", "f", "--top", "0"], ["summary", "f", "--sort", "size"]]
)
def test_wrong_usage_ends_with_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["trace", *arguments])
    assert ended.value.code == 2
    assert "usage" in capsys.readouterr().err
