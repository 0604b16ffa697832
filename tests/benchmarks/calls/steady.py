"""Calls in a loop, and what each loop costs in counts. A program of its own, because all of this reaches into
the process: C functions are counted where ctypes hands them out, malloc by a preloaded library, system calls
by the process that traces this one (count_syscalls.c), which sees getppid as a marker.

    python -m benchmarks.calls.steady BASELINE RESULTS CALLS BATCHES [TITLE...]

Writes what `counts` reads.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import resource
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

CDLL = ctypes.CDLL
CALLED: Counter[tuple[str, int]] = Counter()  # C functions by name and number of arguments
STATM = Path("/proc/self/statm")
WARM_UPS = 2

Loop = Callable[[int], object]


class CountingLibrary(CDLL):
    """Hands out functions that count their calls."""

    def __getitem__(self, name: Any) -> Any:
        usual: Any = self._FuncPtr

        class Counted(usual):  # type: ignore[misc]
            _flags_, _restype_ = usual._flags_, usual._restype_

            def __call__(self, *args: Any) -> Any:
                CALLED[name, len(args)] += 1
                return super().__call__(*args)

        return Counted((name, self))


@dataclass(frozen=True)
class Batch:
    """What one loop cost: how often which C function was called with how many arguments, memory asked for by
    this thread, objects that only the collector could free, and how much more there is afterwards of what
    Python and C allocated (blocks) and of resident memory (bytes)."""

    functions: list[tuple[str, int, int]]
    allocations: int
    cycles: int
    python_blocks: int
    c_blocks: int
    resident: int


def count_c_functions() -> None:
    """From now on, for every library that is opened."""
    ctypes.CDLL = CountingLibrary  # type: ignore[misc]


class Observer:
    """Runs loops. `held` keeps the stream from running what they queue."""

    def __init__(self, held: Callable[[], AbstractContextManager[None]], calls: int, batches: int) -> None:
        self._held, self._calls, self._batches = held, calls, batches
        self._allocations = preloaded("allocation_calls", ctypes.c_uint64)
        self._living = preloaded("allocations_living", ctypes.c_long)

    def observe(self, loop: Loop, *, held: bool = True) -> list[Batch]:
        hold = self._held if held else nullcontext
        for _ in range(WARM_UPS):
            with hold():
                loop(self._calls)
        return [self._batch(loop, hold) for _ in range(self._batches)]

    def _batch(self, loop: Loop, hold: Callable[[], AbstractContextManager[None]]) -> Batch:
        gc.collect()  # empties Python's free lists, too, which count as allocated
        before = self._existing()
        with hold():
            CALLED.clear()
            allocations = self._allocations()
            os.getppid()
            loop(self._calls)
            os.getppid()
            allocations = self._allocations() - allocations
        cycles = gc.collect()
        growth = [now - then for now, then in zip(self._existing(), before, strict=True)]
        functions = [(name, count, times) for (name, count), times in CALLED.items()]
        return Batch(functions, allocations, cycles, *growth)

    def _existing(self) -> tuple[int, int, int]:
        resident = int(STATM.read_bytes().split()[1]) * resource.getpagesize()
        return sys.getallocatedblocks(), self._living(), resident


def preloaded(name: str, result: Any) -> Any:
    """A function of count_allocations.c."""
    function = CDLL(None)[name]
    function.restype, function.argtypes = result, []
    return function


def main() -> None:
    library, results, calls, batches, *titles = sys.argv[1:]
    count_c_functions()
    # Only now: what is imported here finds its C functions behind the counter.
    from benchmarks.calls import baseline, subjects

    gc.disable()  # it is called where its result is counted
    with baseline.Baseline(Path(library)) as loaded:
        observer = Observer(loaded.held, int(calls), int(batches))
        loops = list(subjects.loops(loaded, titles))
        gc.freeze()
        observed = [
            {
                "title": title,
                "way": way,
                "batches": [asdict(each) for each in observer.observe(loop, held=held)],
            }
            for title, way, loop, held in loops
        ]
    Path(results).write_text(json.dumps(observed, default=asdict))


if __name__ == "__main__":
    main()
