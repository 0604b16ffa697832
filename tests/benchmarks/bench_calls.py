"""Host cost of operator calls in Python next to the same calls in C++, in one process and in turns.

    python tests/benchmarks/bench_calls.py [--quick] [--json FILE]

Prints one table. Times are microseconds of CPU time of the calling thread, the shortest of many rounds, with
the stream held so that only the host works:

    eager   outputs allocated, a descriptor for every tensor, both phases, everything given back
    replay  a prepared call, next to phase two of a repeatable executor
    rebind  the same with another tensor for the first argument at every call

`floor` is what the ctypes calls of Python would take if they did nothing and converted nothing. Limits are
for Python minus C, on a machine where ctypes takes 0.65 us for a call of 9 arguments; `ref.` is the
difference at that speed, and (ok) a limit that holds only there. Counts are for one call: C functions called
from Python, mallocs, device allocations, Python objects that stay, system calls. Compare ratios, not
microseconds, between machines.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import platform
import sys
import tempfile
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # for the packages of tests/

from benchmarks.calls import baseline, counts, measure, subjects, table

ROUNDS, QUICK_ROUNDS = 25, 3
COUNTED_CALLS, BATCHES = 100, 2
NINE = ("a ctypes call of 9 declared arguments",)
REFERENCE_US = 0.65  # of that call where the limits are meant


def main() -> None:
    options = parsed()
    with tempfile.TemporaryDirectory() as folder:
        rows, speed = measured(Path(folder), QUICK_ROUNDS if options.quick else ROUNDS)
    print(table.HEADINGS)
    for row in rows:
        print(table.text(row))
    print(f"\nA ctypes call of 9 arguments takes {REFERENCE_US / speed:.2f} us here.")
    if options.json:
        result = {"machine": machine(), "speed": speed, "rows": table.as_json(rows)}
        options.json.write_text(json.dumps(result, indent=1) + "\n")


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Operator calls in Python next to the same calls in C++.")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_ROUNDS} rounds instead of {ROUNDS}")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where to write the table as JSON, too")
    return parser.parse_args()


def measured(folder: Path, rounds: int) -> tuple[list[table.Row], float]:
    """The table, and the speed of this machine."""
    library = baseline.build(folder)
    counted = {(each.title, each.way): each for each in counts.count(library, folder, COUNTED_CALLS, BATCHES)}
    empty = {way: measure.floor(each.functions[-1], each.calls) for way, each in counted.items()}
    with baseline.Baseline(library) as loaded:
        compared = subjects.subjects(loaded)
        loops: dict[measure.Way, measure.Timed] = {**measure.all_timed(compared, loaded)}
        loops[NINE] = partial(measure.seconds, nine_arguments())
        loops |= {("floor", *way): partial(measure.seconds, loop) for way, loop in empty.items()}
        times = measure.best(loops, rounds)
    floors: measure.Times = {way: times["floor", way[0], way[1]] for way in empty}
    speed = REFERENCE_US / 1e6 / times[NINE]
    return list(table.Results(times, floors, counted, speed).rows(compared)), speed


def nine_arguments() -> subjects.Loop:
    function = ctypes.CDLL(None).getpagesize
    function.argtypes = [ctypes.c_uint64] * 9
    return subjects.repeated((partial(function, *range(9)),))


def machine() -> dict[str, str | int | None]:
    return {"processor": platform.machine(), "cores": os.cpu_count(), "python": platform.python_version()}


if __name__ == "__main__":
    main()
