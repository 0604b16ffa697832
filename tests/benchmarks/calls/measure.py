"""CPU time of calls, C++ and Python in turns, with the stream held so that only the host works."""

from __future__ import annotations

import ctypes
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import repeat

from benchmarks.calls.baseline import Baseline, Mode
from benchmarks.calls.subjects import SEQUENCE, Loop, Subject, repeated, sequence

CALLS = 200  # in one batch: far less than a stream queues before it makes the caller wait

Timed = Callable[[], float]  # seconds of CPU time for one call
Way = tuple[str, ...]  # what is measured: the case's title, then how it is called
Times = dict[Way, float]


def best(measured: Mapping[Way, Timed], rounds: int) -> Times:
    """The shortest times of so many rounds, in each of which everything has its turn."""
    times = dict.fromkeys(measured, float("inf"))
    for _ in range(rounds):
        for way, timed in measured.items():
            times[way] = min(times[way], timed())
    return times


def all_timed(subjects: Sequence[Subject], baseline: Baseline) -> dict[Way, Timed]:
    """C++ and Python next to each other; the sequence of all of them last."""
    timed: dict[Way, Timed] = {}
    for each in subjects:
        for mode in Mode:
            timed[each.case.title, f"C {mode.label}"] = partial(each.c.seconds, mode, CALLS)
            loop = repeated(each.python[mode])
            timed[each.case.title, f"Python {mode.label}"] = partial(queued, loop, baseline)
    whole = CALLS - CALLS % len(subjects)
    timed[SEQUENCE, "Python replay"] = partial(queued, sequence(subjects), baseline, whole)
    return timed


def queued(loop: Loop, baseline: Baseline, calls: int = CALLS) -> float:
    """Of calls that go to the stream, which is held meanwhile."""
    with baseline.held():
        return seconds(loop, calls)


def seconds(loop: Loop, calls: int = CALLS) -> float:
    start = time.thread_time()
    loop(calls)
    return (time.thread_time() - start) / calls


def floor(functions: dict[tuple[str, int], int], calls: int) -> Loop:
    """As many ctypes calls, with as many arguments, to a C function that does next to nothing. What can be
    made ahead is: the function has no types to convert to, its arguments are C arguments already."""
    nothing = ctypes.CDLL(None).getpagesize
    one = ctypes.c_uint64.from_param(1)
    arguments: Counter[int] = Counter()
    for (_, count), times in functions.items():
        arguments[count] += times
    each = [
        partial(nothing, *repeat(one, count))
        for count, times in arguments.items()
        for _ in range(round(times / calls))
    ]

    def loop(calls: int) -> None:
        for _ in repeat(None, calls):
            for call in each:
                call()

    return loop
