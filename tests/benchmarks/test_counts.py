"""What a call costs in counts, which are the same on every machine: in a steady loop nothing is allocated on
the device, nothing stays behind, nothing enters the kernel, and C is called a fixed small number of times.

The loops run in a process of their own, see calls/steady.py.
"""

from __future__ import annotations

import ctypes
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from benchmarks.calls import baseline, cases, counts
from benchmarks.calls.counts import Counted
from benchmarks.calls.subjects import SEQUENCE, TRANSFERS, UPLOADS

from ascend_ops._cann import libraries

CALLS, BATCHES = 60, 4
TITLES = ["dynamic_quant_v2, asymmetric", "rms_norm (generic)", "dequant_rope_quant_kvcache, all tensors"]
DESCRIPTORS = dict(zip(TITLES, (4, 4, 16 + 1), strict=True))  # tensors, and an array
MEMORY = ("aclrtMalloc", "aclrtFree")  # pinned memory, too
OBJECTS = ("aclrtCreate", "aclrtDestroy")  # events, streams
PAGE = 4096

pytestmark = pytest.mark.stand_in(
    reason="a kernel that does nothing is registered, and streams need no driver"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("counts")


@pytest.fixture(scope="module")
def library(folder: Path) -> Path:
    return baseline.build(folder)


@pytest.fixture(scope="module")
def counted(library: Path, folder: Path) -> dict[tuple[str, str], Counted]:
    """Everything that is counted, by title and way."""
    return {(each.title, each.way): each for each in counts.count(library, folder, CALLS, BATCHES, TITLES)}


def test_every_way_is_counted(counted: dict[tuple[str, str], Counted]) -> None:
    ways = {f"{side} {way}" for side in ("C", "Python") for way in ("eager", "replay", "rebind")}
    expected = {(title, way) for title in TITLES for way in ways}
    expected |= {(SEQUENCE, "Python replay"), (TRANSFERS, "Python eager"), (UPLOADS, "Python eager")}
    assert set(counted) == expected


@pytest.mark.parametrize("title", TITLES)
def test_an_eager_call_calls_both_phases_and_makes_no_more_descriptors_than_it_has_arguments(
    counted: dict[tuple[str, str], Counted], title: str
) -> None:
    """And calls nothing else: nothing for devices, streams or memory."""
    each = counted[title, "Python eager"]
    assert_same_in_all_batches(each)
    made, destroyed = per_call(each, "aclCreate"), per_call(each, "aclDestroy")
    assert made == destroyed <= DESCRIPTORS[title]
    assert per_call(each, "aclnn") == 2
    assert per_call(each, "acl") == made + destroyed + 2


@pytest.mark.parametrize("title", TITLES)
def test_a_prepared_call_is_one_c_call_and_rebinding_one_more(
    counted: dict[tuple[str, str], Counted], title: str
) -> None:
    for way, calls in (("Python replay", 1), ("Python rebind", 2)):
        each = counted[title, way]
        assert_same_in_all_batches(each)
        assert per_call(each, "aclnn") == 1
        assert per_call(each, "acl") == calls


def test_a_sequence_makes_one_c_call_for_each_prepared_call(counted: dict[tuple[str, str], Counted]) -> None:
    each = counted[SEQUENCE, "Python replay"]
    assert per_call(each, "aclnn") == per_call(each, "acl") == 1


def test_no_memory_is_allocated_on_the_device_or_pinned(counted: dict[tuple[str, str], Counted]) -> None:
    """Neither by calls nor by transfers, which put what they send to a busy stream into pinned memory."""
    for each in counted.values():
        found = [[name for name, _ in batch if name.startswith(MEMORY)] for batch in each.functions]
        assert [] in found, (each.title, each.way, found)


def test_no_event_is_created(counted: dict[tuple[str, str], Counted]) -> None:
    """But for one to tell when the pinned memory of an upload is free again, where the stream was busy."""
    for each in counted.values():
        allowed = {UPLOADS: 2 * CALLS, TRANSFERS: 2 * CALLS}.get(each.title, 0)
        assert each.called(*OBJECTS) <= allowed, (each.title, each.way, each.functions[-1])


def test_nothing_stays_behind(counted: dict[tuple[str, str], Counted]) -> None:
    """Less than one object for every four calls, which is for what looks at the loop itself. The stand-in
    remembers a good number of destroyed events, to recognise handles that are stale."""
    for each in counted.values():
        label = f"{each.title}, {each.way}"
        assert max(each.cycles) == 0, label
        assert min(each.python_blocks) < CALLS / 4, label
        assert min(each.c_blocks) <= each.called("aclrtDestroyEvent") * 1.1, label
        assert min(each.resident) <= PAGE, label


@pytest.mark.parametrize("title", TITLES)
def test_python_asks_malloc_for_little_more_than_c_does(
    counted: dict[tuple[str, str], Counted], title: str
) -> None:
    for way, more in (("eager", 2 * DESCRIPTORS[title]), ("replay", 0), ("rebind", 0)):
        c, python = (min(counted[title, f"{side} {way}"].allocations) for side in ("C", "Python"))
        assert python <= c + more * CALLS


def test_queueing_makes_no_system_call(counted: dict[tuple[str, str], Counted]) -> None:
    """With the stream held, so that no worker is to be woken."""
    for each in counted.values():
        if each.system_calls is None:
            pytest.skip("this system does not let processes be traced")
        if each.title != TRANSFERS:
            assert min(sum(kinds.values()) for kinds in each.system_calls) == 0, (each.title, each.way)


def test_both_sides_call_the_same_library(library: Path) -> None:
    with baseline.Baseline(library) as c:
        for case in cases.all_cases():
            function: Any = libraries.find("opapi", case.c_name)[0]
            assert c.entry(case.c_name) == ctypes.cast(function, ctypes.c_void_p).value


def test_the_counter_of_system_calls_counts(folder: Path) -> None:
    """Those of the thread that sets the markers, and of no other."""
    program = (
        "import os, threading\n"
        "def section(calls):\n"
        "    os.getppid()\n"
        "    for _ in range(calls): os.getuid()\n"
        "    os.getppid()\n"
        "section(3)\n"
        "os.getuid()\n"
        "thread = threading.Thread(target=section, args=(7,))\n"
        "thread.start(); thread.join()\n"
        "section(0)\n"
        "raise SystemExit(5)\n"
    )
    counter, _ = counts.build(folder)
    report = folder / "own.txt"
    done = subprocess.run([str(counter), str(report), sys.executable, "-c", program], timeout=60, check=False)
    if done.returncode == counts.NOT_PERMITTED:
        pytest.skip("this system does not let processes be traced")
    assert done.returncode == 5
    totals = [int(line.split()[0]) for line in report.read_text().splitlines()]
    assert totals[0] == 3
    assert totals[1] >= 7  # and what two threads of Python need to take turns
    assert totals[2] == 0


def per_call(each: Counted, prefix: str) -> float:
    sequences = each.calls - each.calls % len(TITLES) if each.title == SEQUENCE else each.calls
    return each.called(prefix) / sequences


def assert_same_in_all_batches(each: Counted) -> None:
    assert all(functions == each.functions[0] for functions in each.functions)
