"""What is compared: each case's calls, in C++ and in Python, ready to be called over and over."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import cycle, islice
from typing import Any

import numpy as np
from benchmarks.calls.baseline import Baseline, Call, Mode
from benchmarks.calls.cases import Case, all_cases

import ascend_ops as ao

Loop = Callable[[int], object]
Turns = tuple[Callable[[], object], ...]  # to be called in turn

SEQUENCE = "all of them as one CallSequence"
TRANSFERS = "array -> dynamic_quant_v2 -> arrays"
UPLOADS = "array -> dynamic_quant_v2"


@dataclass(frozen=True)
class Subject:
    """A case's calls. Those that rebind have two tensors, which take turns, so that each call changes one."""

    case: Case
    c: Call
    prepared: Any
    python: dict[Mode, Turns]


def subject(case: Case, baseline: Baseline) -> Subject:
    if not case.stand_in_kernel:
        baseline.register(case.c_name)
    name, x = case.first
    other = ao.asarray(x.numpy())
    c = baseline.call(case.c_name, list(case.inputs.values()), case.new_results(), case.ints, other)
    prepared = case.function.prepare(**case.arguments)
    rebound = tuple(partial(prepared, **{name: each}) for each in (other, x))
    return Subject(
        case, c, prepared, {Mode.EAGER: (case.eager,), Mode.REPLAY: (prepared,), Mode.REBIND: rebound}
    )


def subjects(baseline: Baseline, titles: Collection[str] = ()) -> list[Subject]:
    """Of the cases with these titles; of all when there are none."""
    return [subject(case, baseline) for case in all_cases() if not titles or case.title in titles]


def repeated(turns: Turns, each: int = 1) -> Loop:
    """A loop that makes so many calls; a turn makes `each` of them."""

    def loop(calls: int) -> None:
        for call in islice(cycle(turns), calls // each):
            call()

    return loop


def loops(baseline: Baseline, titles: Collection[str] = ()) -> Iterator[tuple[str, str, Loop, bool]]:
    """(title, way, loop, whether the stream can be held) for everything whose calls are counted."""
    measured = subjects(baseline, titles)
    for each in measured:
        for mode in Mode:
            yield each.case.title, f"C {mode.label}", partial(each.c.run, mode), True
            yield each.case.title, f"Python {mode.label}", repeated(each.python[mode]), True
    yield SEQUENCE, "Python replay", sequence(measured), True
    yield TRANSFERS, "Python eager", repeated((there_and_back,)), False
    yield UPLOADS, "Python eager", repeated((there,)), True


def sequence(subjects: Sequence[Subject]) -> Loop:
    """All of their prepared calls, queued by one Python call."""
    return repeated((ao.CallSequence([each.prepared for each in subjects]),), len(subjects))


HOST_ARRAY = np.ones((64, 1024), np.float16)  # large enough for pinned memory where the stream is busy


def there() -> tuple[ao.Tensor, ...]:
    """From the host through an operator."""
    return ao.ops.dynamic_quant_v2(ao.asarray(HOST_ARRAY))


def there_and_back() -> None:
    for result in there():
        result.numpy()
