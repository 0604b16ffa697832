"""Uploads and downloads next to plain copies of the same bytes, in turns, so that all meet the same noise.

    python tests/benchmarks/bench_transfers.py [seconds per size]

`asarray` and `copy_from` are compared with a copy into an array that was written before, `numpy()` with
`x.copy()`, whose pages are as new; `of` is the speed in parts of that. The second table is what a small
transfer costs the caller, idle and behind queued work that has not begun.
"""

from __future__ import annotations

import contextlib
import ctypes
import sys
import threading
import time
from collections.abc import Callable, Iterator

import numpy as np

import ascend_ops as ao
from ascend_ops.runtime import memory

KIB, MIB = 1 << 10, 1 << 20
SIZES = [4 * KIB, 64 * KIB, MIB, 16 * MIB, 256 * MIB]
LARGE = 16 * MIB  # from here on the aim holds
AIM = 0.8
FEWEST, MOST = 5, 2000
HOST_FUNCTION = ctypes.CFUNCTYPE(None, ctypes.c_void_p)

Times = dict[str, float]


def best(calls: dict[str, Callable[[], object]], seconds: float) -> Times:
    """The shortest time of each call, all of them called in turns."""
    shortest = dict.fromkeys(calls, float("inf"))
    end = time.perf_counter() + seconds
    for turn in range(MOST):
        if turn >= FEWEST and time.perf_counter() > end:
            break
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            shortest[name] = min(shortest[name], time.perf_counter() - start)
    return shortest


def measured(size: int, seconds: float) -> Times:
    source = np.random.default_rng(0).integers(0, 256, size, np.uint8)
    touched = source.copy()
    tensor = ao.asarray(source)
    return best(
        {
            "memcpy": lambda: np.copyto(touched, source),
            "asarray": lambda: ao.asarray(source),
            "copy_from": lambda: tensor.copy_from(source),
            "copy": source.copy,
            "numpy": tensor.numpy,
        },
        seconds,
    )


def row(size: int, times: Times) -> tuple[str, bool]:
    """A line of the table, and whether the aim is reached."""
    parts = [
        times["memcpy"] / times["asarray"],
        times["memcpy"] / times["copy_from"],
        times["copy"] / times["numpy"],
    ]
    us = {name: each * 1e6 for name, each in times.items()}
    text = (
        f"{size // KIB:8} KiB{us['memcpy']:10.1f}{us['asarray']:10.1f}{parts[0]:8.2f}{us['copy_from']:11.1f}"
        f"{parts[1]:8.2f}{us['copy']:11.1f}{us['numpy']:10.1f}{parts[2]:8.2f}"
    )
    return text, size < LARGE or min(parts) >= AIM


@contextlib.contextmanager
def held(stream: ao.Stream) -> Iterator[None]:
    """Keeps the stream from running what is queued in the block."""
    released = threading.Event()
    function = HOST_FUNCTION(lambda _: released.wait(60) and None)
    assert ao.acl.aclrtLaunchHostFunc(stream.handle, ctypes.cast(function, ctypes.c_void_p).value, None) == 0
    try:
        yield
    finally:
        released.set()
        stream.synchronize()


def small(calls: int = 300, rounds: int = 7) -> Times:
    """Microseconds of the calling thread for a tensor of 128 bytes."""
    source = np.ones((4, 16), np.float16)
    tensor = ao.asarray(source)

    def cpu(call: Callable[[], object]) -> float:
        start = time.thread_time()
        for _ in range(calls):
            call()
        return (time.thread_time() - start) / calls * 1e6

    costs = {
        "asarray": min(cpu(lambda: ao.asarray(source)) for _ in range(rounds)),
        "copy_from": min(cpu(lambda: tensor.copy_from(source)) for _ in range(rounds)),
        "numpy()": min(cpu(tensor.numpy) for _ in range(rounds)),
        "empty (for comparison)": min(cpu(lambda: ao.empty((4, 16), ao.float16)) for _ in range(rounds)),
    }
    for name, call in {
        "asarray": lambda: ao.asarray(source),
        "copy_from": lambda: tensor.copy_from(source),
    }.items():
        with held(ao.current_stream()):
            costs[f"{name}, stream busy"] = min(cpu(call) for _ in range(rounds))
    return costs


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
    print(f"{'':12}{'memcpy us':>10}{'asarray':>10}{'of':>8}{'copy_from':>11}{'of':>8}", end="")
    print(f"{'x.copy():':>11}{'numpy()':>10}{'of':>8}")
    reached = True
    for size in SIZES:
        line, good = row(size, measured(size, seconds))
        print(line)
        reached &= good
        memory.trim()
    print(f"{AIM:.0%} of memcpy from {LARGE // MIB} MiB on: {'yes' if reached else 'NO'}\n")
    for name, us in small().items():
        print(f"{name:24}{us:8.2f} us")


if __name__ == "__main__":
    main()
