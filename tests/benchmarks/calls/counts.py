"""Runs `steady` with its counters around it, and reads what they counted."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from native.building import compiler, run

HERE = Path(__file__).parent
TESTS = HERE.parents[1]
NOT_PERMITTED = 125  # what count_syscalls ends with where processes cannot be traced


@dataclass(frozen=True)
class Counted:
    """A loop of `calls` calls: each field holds one figure for each of the batches it ran in. `functions` are
    the C functions called from Python, by name and number of arguments; `system_calls` are those of the
    calling thread, by number, None where they could not be counted; the others see `steady.Batch`."""

    title: str
    way: str
    calls: int
    functions: list[dict[tuple[str, int], int]]
    allocations: list[int]
    cycles: list[int]
    python_blocks: list[int]
    c_blocks: list[int]
    resident: list[int]
    system_calls: list[dict[int, int]] | None

    def called(self, *names: str) -> int:
        """How often C functions whose names start like that were called in the last batch."""
        return sum(times for (name, _), times in self.functions[-1].items() if name.startswith(names))


def count(
    baseline: Path, folder: Path, calls: int, batches: int, titles: Sequence[str] = ()
) -> list[Counted]:
    """Counts for the cases with these titles, all by default. Builds its tools into `folder`."""
    counter, preload = build(folder)
    report, results = folder / "sections.txt", folder / "counted.json"
    command = [sys.executable, "-m", "benchmarks.calls.steady", str(baseline), str(results)]
    command += [str(calls), str(batches), *titles]
    environment = {
        **os.environ,
        "LD_PRELOAD": str(preload),
        "PYTHONPATH": os.pathsep.join([str(TESTS), *filter(None, sys.path)]),
    }
    done = _run([str(counter), str(report), *command], environment, folder)
    traced = done.returncode != NOT_PERMITTED
    if not traced:
        done = _run(command, environment, folder)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    sections = report.read_text().splitlines() if traced else None
    return _joined(json.loads(results.read_text()), sections, calls)


def build(folder: Path) -> tuple[Path, Path]:
    """The counter of system calls, a program, and that of allocations, to be preloaded."""
    counter, preload = folder / "count_syscalls", folder / "libcount_allocations.so"
    source = HERE / "count_syscalls.c"
    run([*compiler(source), "-o", str(counter), str(source)])
    source = HERE / "count_allocations.c"
    run([*compiler(source), "-fPIC", "-shared", "-o", str(preload), str(source)])
    return counter, preload


def _run(command: list[str], environment: dict[str, str], folder: Path) -> subprocess.CompletedProcess[str]:
    """In `folder`: Python looks for packages where it is started, and may be started among sources."""
    return subprocess.run(
        command, env=environment, cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )


def _joined(observed: list[dict[str, Any]], sections: list[str] | None, calls: int) -> list[Counted]:
    """Sections come in the order in which the batches ran."""
    lines = iter(sections or ())
    counted = []
    for each in observed:
        batches = each["batches"]
        figures = {name: [batch[name] for batch in batches] for name in batches[0]}
        functions = [
            {(name, count): times for name, count, times in rows} for rows in figures.pop("functions")
        ]
        system_calls = None if sections is None else [_numbers(next(lines)) for _ in batches]
        counted.append(
            Counted(each["title"], each["way"], calls, functions, system_calls=system_calls, **figures)
        )
    assert next(lines, None) is None, "more sections than batches: something else called getppid"
    return counted


def _functions(rows: list[tuple[str, int, int]]) -> dict[tuple[str, int], int]:
    return {(name, count): times for name, count, times in rows}


def _numbers(section: str) -> dict[int, int]:
    """ "2 12:1 202:1" -> {12: 1, 202: 1}: how often each system call was made."""
    _total, *kinds = section.split()
    return {int(number): int(times) for number, _, times in (kind.partition(":") for kind in kinds)}
